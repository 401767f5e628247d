/*
 * err.c - every err_* sets the whole struct and returns -1.
 */
#include "base/err.h"

static void
set(struct err *err, enum err_kind kind, const char *dsn, const char *fmt,
    va_list ap)
{
	char *p;

	err->kind = kind;
	snprintf(err->dsn, sizeof(err->dsn), "%s", dsn);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	for (p = err->text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

int
err_temp(struct err *err, const char *dsn, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(err, ERR_TEMP, dsn, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_perm(struct err *err, const char *dsn, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(err, ERR_PERM, dsn, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_sys(struct err *err, const char *fmt, ...)
{
	int e = errno;
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	set(err, ERR_TEMP, e == ENOSPC || e == EDQUOT ? "4.3.1" : "4.3.0",
	    fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", strerror(e));
	errno = e;
	return -1;
}

int
err_prefix(struct err *err, const char *fmt, ...)
{
	struct err old = *err;
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	set(err, old.kind, old.dsn, fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", old.text);
	return -1;
}
