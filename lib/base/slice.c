/*
 * slice.c - parsing in place: nothing here reads past p + n or allocates
 * (but slice_dup).
 */
#include "base/str.h"

int
ascii_lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

int
ascii_upper(int c)
{
	return c >= 'a' && c <= 'z' ? c - 32 : c;
}

bool
ascii_isdigit(int c)
{
	return c >= '0' && c <= '9';
}

bool
ascii_isalpha(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool
ascii_isalnum(int c)
{
	return ascii_isalpha(c) || ascii_isdigit(c);
}

bool
ascii_isprint(int c)
{
	return c >= 0x20 && c <= 0x7e;
}

bool
ascii_isblank(int c)
{
	return c == ' ' || c == '\t';
}

struct slice
slice_of(const char *z)
{
	return (struct slice){ z, z ? strlen(z) : 0 };
}

struct slice
slice_str(const struct str *s)
{
	return (struct slice){ s->s, s->len };
}

struct slice
slice_sub(struct slice s, size_t from, size_t n)
{
	if (from > s.n)
		from = s.n;
	if (n > s.n - from)
		n = s.n - from;
	/* NULL + 0 is undefined in C, and SLICE_NULL is a slice */
	return (struct slice){ from > 0 ? s.p + from : s.p, n };
}

bool
slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
slice_eqz(struct slice a, const char *z)
{
	return slice_eq(a, slice_of(z));
}

bool
slice_ieq(struct slice a, struct slice b)
{
	size_t i;

	if (a.n != b.n)
		return false;
	for (i = 0; i < a.n; i++)
		if (ascii_lower((unsigned char)a.p[i]) !=
		    ascii_lower((unsigned char)b.p[i]))
			return false;
	return true;
}

/* names of a table are compared one after the other: most differ at once */
bool
slice_ieqz(struct slice a, const char *z)
{
	size_t i;

	for (i = 0; i < a.n; i++)
		if (z[i] == '\0' || ascii_lower((unsigned char)a.p[i]) !=
		    ascii_lower((unsigned char)z[i]))
			return false;
	return z[i] == '\0';
}

bool
slice_starts(struct slice s, const char *z)
{
	return slice_eqz(slice_sub(s, 0, strlen(z)), z);
}

bool
slice_istarts(struct slice s, const char *z)
{
	return slice_ieqz(slice_sub(s, 0, strlen(z)), z);
}

bool
slice_ends(struct slice s, const char *z)
{
	size_t n = strlen(z);

	return s.n >= n && slice_eqz(slice_sub(s, s.n - n, n), z);
}

bool
slice_iends(struct slice s, const char *z)
{
	size_t n = strlen(z);

	return s.n >= n && slice_ieqz(slice_sub(s, s.n - n, n), z);
}

bool
slice_has_nul(struct slice s)
{
	return s.n > 0 && memchr(s.p, '\0', s.n) != NULL;
}

size_t
slice_find(struct slice s, char c)
{
	const char *q = s.n ? memchr(s.p, c, s.n) : NULL;

	return q ? (size_t)(q - s.p) : s.n;
}

size_t
slice_rfind(struct slice s, char c)
{
	const char *q = s.n ? memrchr(s.p, c, s.n) : NULL;

	return q ? (size_t)(q - s.p) : s.n;
}

static bool
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice
slice_trim(struct slice s)
{
	while (s.n > 0 && is_white(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_white(s.p[s.n - 1]))
		s.n--;
	return s;
}

int
slice_cut(struct slice *rest, char sep, struct slice *part)
{
	size_t i;

	if (rest->p == NULL)
		return 0;
	i = slice_find(*rest, sep);
	*part = (struct slice){ rest->p, i };
	if (i == rest->n)
		*rest = SLICE_NULL;
	else
		*rest = (struct slice){ rest->p + i + 1, rest->n - i - 1 };
	return 1;
}

int
slice_word(struct slice *rest, struct slice *word)
{
	size_t i = 0;

	while (rest->n > 0 && is_white(rest->p[0])) {
		rest->p++;
		rest->n--;
	}
	if (rest->n == 0)
		return 0;
	while (i < rest->n && !is_white(rest->p[i]))
		i++;
	*word = (struct slice){ rest->p, i };
	rest->p += i;
	rest->n -= i;
	return 1;
}

int
slice_u64(struct slice s, uint64_t max, uint64_t *r)
{
	uint64_t v = 0;
	size_t i;

	if (s.n == 0)
		return 0;
	/* so many digits fit: nothing has to be watched */
	for (i = 0; i < s.n && i < 19; i++) {
		unsigned d = (unsigned char)s.p[i] - (unsigned)'0';

		if (d > 9)
			return 0;
		v = v * 10 + d;
	}
	if (v > max)
		return 0;
	for (; i < s.n; i++) {
		if (!ascii_isdigit((unsigned char)s.p[i]) ||
		    mul_overflows(v, 10, &v) ||
		    add_overflows(v, (uint64_t)(s.p[i] - '0'), &v) || v > max)
			return 0;
	}
	*r = v;
	return 1;
}

char *
slice_dup(struct slice s)
{
	char *z = xmalloc(s.n + 1);

	if (s.n > 0)
		memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	return z;
}

char *
slice_copy(char *dst, size_t cap, struct slice s)
{
	size_t n = MIN(s.n, cap - 1);

	if (n > 0)
		memcpy(dst, s.p, n);
	dst[n] = '\0';
	return dst;
}
