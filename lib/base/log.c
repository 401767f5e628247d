/*
 * log.c - one line, one write.  Logging never blocks and never fails the
 * caller; what can not be written is counted and told with the next line.
 */
#include "base/log.h"

#include <pthread.h>

#include "base/err.h"
#include "base/str.h"

enum { LINE_MAX_BYTES = 4096, VALUE_MAX = 1000 };

static char prog[64] = "postrider";
static char session[32], queue[32];
static unsigned long long dropped;
static enum log_level threshold = LOG_INFO;
static void (*sink)(const char *, size_t);

void
log_open(const char *name)
{
	slice_copy(prog, sizeof(prog), slice_of(name));
}

void
log_set_level(enum log_level level)
{
	threshold = level;
}

void
log_set_session(const char *sid)
{
	slice_copy(session, sizeof(session), slice_of(sid));
}

void
log_set_queue(const char *qid)
{
	slice_copy(queue, sizeof(queue), slice_of(qid));
}

void
log_set_sink(void (*fn)(const char *line, size_t n))
{
	sink = fn;
}

static pid_t own_pid;

static void
forget_pid(void)
{
	own_pid = 0;
}

static pid_t
pid_of_us(void)
{
	static bool watched;

	if (!watched)
		watched = pthread_atfork(NULL, NULL, forget_pid) == 0;
	if (own_pid == 0 || !watched)
		own_pid = getpid();
	return own_pid;
}

static bool
needs_quotes(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((unsigned char)p[i] <= 0x20 || p[i] == '"' ||
		    p[i] == '=' || p[i] == '\\' || p[i] == 0x7f)
			return true;
	return n == 0;
}

/* at most max bytes, no UTF-8 character in parts */
static size_t
cut(const char *p, size_t n, size_t max)
{
	size_t k = max;

	if (n <= max)
		return n;
	while (k > 0 && max - k < 3 && ((unsigned char)p[k] & 0xc0) == 0x80)
		k--;
	return k;
}

void
log_quote(struct str *out, const char *value, size_t n)
{
	size_t i;
	unsigned char c;

	n = cut(value, n, VALUE_MAX);
	if (!needs_quotes(value, n)) {
		str_add(out, value, n);
		return;
	}
	str_addc(out, '"');
	for (i = 0; i < n; i++) {
		c = (unsigned char)value[i];
		if (c == '"' || c == '\\')
			str_addf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			str_addf(out, "\\x%02X", c);
		else
			str_addc(out, (char)c);
	}
	str_addc(out, '"');
}

static bool
fits(const struct str *line)
{
	return line->len < LINE_MAX_BYTES;	/* LF comes too */
}

static void
add_key(struct str *line, const char *key)
{
	str_addc(line, ' ');
	str_adds(line, key);
	str_addc(line, '=');
}

/* What does not fit is cut so that quotes are closed, or left out. */
static void
add_value(struct str *line, const char *key, const char *z)
{
	size_t at = line->len, n, most;

	if (z == NULL)
		return;
	n = strlen(z);
	add_key(line, key);
	log_quote(line, z, n);
	if (fits(line))
		return;
	str_trunc(line, at);
	most = at + strlen(key) + sizeof(" =\"\"");
	if (most + 4 >= LINE_MAX_BYTES)
		return;
	add_key(line, key);
	/* a byte takes four at most */
	log_quote(line, z, cut(z, n, (LINE_MAX_BYTES - most) / 4));
}

static void
add_number(struct str *line, const char *key, bool neg, unsigned long long u)
{
	size_t at = line->len;

	add_key(line, key);
	if (neg)
		str_addc(line, '-');
	str_addu(line, u);
	if (!fits(line))
		str_trunc(line, at);
}

static void
add_err(struct str *line, const struct err *err)
{
	if (err->dsn[0])
		add_value(line, "dsn", err->dsn);
	add_value(line, "reason", err->text);
}

static void
add_args(struct str *line, va_list ap)
{
	const char *key;
	long long i;
	int kind;

	while ((kind = va_arg(ap, int)) != LOG_A_END) {
		key = va_arg(ap, const char *);
		if (kind == LOG_A_STR)
			add_value(line, key, va_arg(ap, const char *));
		else if (kind == LOG_A_UINT)
			add_number(line, key, false,
			    va_arg(ap, unsigned long long));
		else if (kind == LOG_A_ERR)
			add_err(line, va_arg(ap, const struct err *));
		else {
			i = va_arg(ap, long long);
			add_number(line, key, i < 0, i < 0 ?
			    0 - (unsigned long long)i : (unsigned long long)i);
		}
	}
}

static void
emit(struct str *line)
{
	str_addc(line, '\n');
	if (sink != NULL)
		sink(line->s, line->len);
	else if (write(STDERR_FILENO, line->s, line->len) !=
	    (ssize_t)line->len)
		dropped++;
	else
		dropped = 0;
}

void
log_event(enum log_level level, const char *event, ...)
{
	static struct str line = STR_INIT;
	int e = errno;
	va_list ap;

	if (level < threshold)
		return;
	str_reset(&line);
	str_adds(&line, prog);
	str_addc(&line, '[');
	str_addi(&line, pid_of_us());
	str_adds(&line, "]: ");
	str_adds(&line, event);
	if (level == LOG_WARN || level == LOG_ERROR)
		add_value(&line, "level", level == LOG_WARN ? "warn" : "error");
	if (session[0])
		add_value(&line, "s", session);
	if (queue[0])
		add_value(&line, "q", queue);
	if (dropped > 0)
		add_number(&line, "dropped", false, dropped);
	va_start(ap, event);
	add_args(&line, ap);
	va_end(ap);
	emit(&line);
	errno = e;
}
