/*
 * str.c - struct str keeps s[len] == 0 whenever cap > 0; cap == 0 means that
 * s is the shared empty literal and must not be written.
 */
#include "base/str.h"

void
str_free(struct str *s)
{
	if (s->cap > 0)
		free(s->s);
	*s = (struct str)STR_INIT;
}

void
str_wipe(struct str *s)
{
	if (s->cap > 0)
		explicit_bzero(s->s, s->cap);
	str_free(s);
}

void
str_reset(struct str *s)
{
	s->len = 0;
	if (s->cap > 0)
		s->s[0] = '\0';
	else
		s->s = (char *)"";	/* also of one that is all zero */
}

void
str_grow(struct str *s, size_t extra)
{
	size_t need, cap;

	if (add_overflows(s->len, extra, &need) || need > SIZE_MAX / 4)
		die("string of %zu + %zu bytes", s->len, extra);
	need++;
	if (need <= s->cap)
		return;
	cap = s->cap ? s->cap * 2 : 64;
	if (cap < need)
		cap = need;
	s->s = xrealloc(s->cap ? s->s : NULL, cap);
	s->cap = cap;
	s->s[s->len] = '\0';
}

void
str_add(struct str *s, const void *p, size_t n)
{
	str_grow(s, n);
	if (n > 0)
		memcpy(s->s + s->len, p, n);
	s->len += n;
	s->s[s->len] = '\0';
}

void
str_addc(struct str *s, char c)
{
	if (s->cap < 2 || s->len > s->cap - 2)
		str_grow(s, 1);
	s->s[s->len++] = c;
	s->s[s->len] = '\0';
}

void
str_adds(struct str *s, const char *z)
{
	str_add(s, z, strlen(z));
}

void
str_addsl(struct str *s, struct slice sl)
{
	str_add(s, sl.p, sl.n);
}

void
str_addu(struct str *s, uint64_t n)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	str_add(s, p, (size_t)(digits + sizeof(digits) - p));
}

void
str_addi(struct str *s, int64_t n)
{
	if (n < 0)
		str_addc(s, '-');
	str_addu(s, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

void
str_vaddf(struct str *s, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	str_grow(s, 48);
	n = vsnprintf(s->s + s->len, s->cap - s->len, fmt, ap);
	if (n < 0)
		die("bad format: %s", fmt);
	if ((size_t)n >= s->cap - s->len) {
		str_grow(s, (size_t)n);
		vsnprintf(s->s + s->len, s->cap - s->len, fmt, again);
	}
	va_end(again);
	s->len += (size_t)n;
}

void
str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(s, fmt, ap);
	va_end(ap);
}

void
str_trunc(struct str *s, size_t len)
{
	assert(len <= s->len);
	s->len = len;
	if (s->cap > 0)
		s->s[len] = '\0';
}

char *
str_steal(struct str *s)
{
	char *p;

	str_grow(s, 0);
	p = s->s;
	*s = (struct str)STR_INIT;
	return p;
}

void
str_lower(struct str *s)
{
	size_t i;

	for (i = 0; i < s->len; i++)
		s->s[i] = (char)ascii_lower((unsigned char)s->s[i]);
}
