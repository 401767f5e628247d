/*
 * socketmap.c - names and words of socket tables; no socket here.
 */
#include "map/socketmap.h"

enum { LEN_DIGITS = 6, TEXT_SHOWN = 200 };

/* [v6]:rest, host:rest */
static bool
take_host(struct slice *rest, struct slice *host)
{
	size_t end;

	if (rest->n > 0 && rest->p[0] == '[') {
		end = slice_find(*rest, ']');
		*host = slice_sub(*rest, 1, end - 1);
		*rest = slice_sub(*rest, end + 1, rest->n);
		if (rest->n == 0 || rest->p[0] != ':')
			return false;
	} else {
		end = slice_find(*rest, ':');
		*host = slice_sub(*rest, 0, end);
		*rest = slice_sub(*rest, end, rest->n);
	}
	*rest = slice_sub(*rest, 1, rest->n);
	return host->n > 0 && host->n < 256;
}

static bool
name_ok(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return s.n > 0 && s.n <= 255;
}

int
socketmap_parse(struct slice spec, struct socketmap *s, struct err *err)
{
	struct slice rest = spec, kind, port;
	uint64_t n = 0;
	size_t at;
	bool good = false;

	*s = (struct socketmap){ 0 };
	slice_cut(&rest, ':', &kind);
	if (slice_ieqz(kind, "unix") && rest.p != NULL) {
		at = slice_rfind(rest, ':');
		s->path = slice_sub(rest, 0, at);
		s->name = slice_sub(rest, at + 1, rest.n);
		good = s->path.n > 1 && s->path.p[0] == '/' &&
		    s->path.n < 108;
	} else if (slice_ieqz(kind, "inet") && rest.p != NULL) {
		good = take_host(&rest, &s->host) &&
		    slice_cut(&rest, ':', &port) &&
		    slice_u64(port, 65535, &n) && n > 0 && rest.p != NULL;
		s->port = (uint16_t)n;
		s->name = good ? rest : SLICE_NULL;
	}
	if (good && name_ok(s->name))
		return 0;
	return err_temp(err, "4.3.5", "socket:%.*s: expected "
	    "socket:inet:HOST:PORT:NAME or socket:unix:/PATH:NAME",
	    (int)MIN(spec.n, TEXT_SHOWN), spec.p);
}

int
netstring_take(struct slice in, struct slice *text, size_t *used,
    struct err *err)
{
	size_t colon = slice_find(slice_sub(in, 0, LEN_DIGITS + 1), ':');
	uint64_t n;

	if (colon == in.n && in.n <= LEN_DIGITS &&
	    (in.n == 0 || slice_u64(in, SOCKETMAP_MAX, &n)))
		return 0;
	if (colon > LEN_DIGITS || !slice_u64(slice_sub(in, 0, colon),
	    SOCKETMAP_MAX, &n) || (colon > 1 && in.p[0] == '0'))
		return err_temp(err, "4.3.0", "not a netstring of at most %d "
		    "bytes", SOCKETMAP_MAX);
	if (in.n - colon - 1 <= n)
		return 0;
	if (in.p[colon + 1 + n] != ',')
		return err_temp(err, "4.3.0", "a netstring without its end");
	*text = slice_sub(in, colon + 1, n);
	*used = colon + n + 2;
	return 1;
}

void
netstring_add(struct str *out, struct slice a, struct slice b)
{
	str_addf(out, "%zu:", a.n + 1 + b.n);
	str_addsl(out, a);
	str_addc(out, ' ');
	str_addsl(out, b);
	str_addc(out, ',');
}

int
socketmap_answer(struct slice text, struct str *out, struct err *err)
{
	struct slice word = slice_sub(text, 0, slice_find(text, ' '));
	struct slice rest = slice_sub(text, word.n + 1, text.n);

	if (slice_ieqz(word, "NOTFOUND"))
		return 0;
	if (slice_ieqz(word, "OK")) {
		if (slice_has_nul(rest))
			return err_temp(err, "4.3.0", "a value with NUL");
		str_addsl(out, rest);
		return 1;
	}
	/* its own words for a look-up that can not be made; whatever it
	 * calls them, nobody bounces mail because of it */
	if (!slice_ieqz(word, "TEMP") && !slice_ieqz(word, "TIMEOUT") &&
	    !slice_ieqz(word, "PERM"))
		return err_temp(err, "4.3.0", "an answer that is none: %.*s",
		    (int)MIN(text.n, TEXT_SHOWN), text.p);
	return err_temp(err, slice_ieqz(word, "PERM") ? "4.3.5" : "4.3.0",
	    "the server says %.*s", (int)MIN(text.n, TEXT_SHOWN), text.p);
}
