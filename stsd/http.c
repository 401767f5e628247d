/*
 * http.c - RFC 9112, as far as one GET or POST needs it.
 */
#include "http.h"

static int
bad(struct err *err, const char *what)
{
	return err_temp(err, "4.7.0", "HTTP: %s", what);
}

/* 0, or -1 */
static int
get_line(struct io *io, struct slice *line, struct err *err)
{
	bool too_long = false;
	int r = io_getline(io, HTTP_LINE, line, NULL, &too_long);

	if (r < 0) {
		*err = io->err;
		return -1;
	}
	if (r == 0)
		return bad(err, "the connection ended early");
	if (too_long || slice_has_nul(*line))
		return bad(err, "a malformed line");
	return 0;
}

static int
read_status(struct io *io, int *status_r, struct err *err)
{
	struct slice line, word;
	uint64_t n;

	if (get_line(io, &line, err) < 0)
		return -1;
	if (!slice_starts(line, "HTTP/1.") || !slice_word(&line, &word) ||
	    !slice_word(&line, &word) || word.n != 3 ||
	    !slice_u64(word, 999, &n) || n < 100)
		return bad(err, "no status line");
	*status_r = (int)n;
	return 0;
}

struct framing {
	int64_t length;		/* -1: not said */
	bool chunked;
};

static int
take_length(struct framing *f, struct slice v, struct err *err)
{
	uint64_t n;

	if (!slice_u64(v, INT64_MAX, &n) ||
	    (f->length >= 0 && f->length != (int64_t)n))
		return bad(err, "a malformed Content-Length");
	f->length = (int64_t)n;
	return 0;
}

static int
take_field(struct slice line, struct framing *f, struct http_answer *r,
    struct err *err)
{
	size_t colon = slice_find(line, ':');
	struct slice name = slice_sub(line, 0, colon),
	    v = slice_trim(slice_sub(line, colon + 1, line.n));
	size_t i;

	if (colon == 0 || colon == line.n)
		return bad(err, "a malformed field");
	if (slice_ieqz(name, "content-length"))
		return take_length(f, v, err);
	if (slice_ieqz(name, "transfer-encoding")) {
		if (!slice_ieqz(v, "chunked"))
			return bad(err, "an unknown Transfer-Encoding");
		f->chunked = true;
	} else if (slice_ieqz(name, "content-encoding")) {
		if (v.n > 0 && !slice_ieqz(v, "identity"))
			return bad(err, "a Content-Encoding");
	} else if (slice_ieqz(name, "content-type")) {
		v = slice_trim(slice_sub(v, 0, slice_find(v, ';')));
		slice_copy(r->type, sizeof(r->type), v);
		for (i = 0; r->type[i] != '\0'; i++)
			r->type[i] = (char)ascii_lower(
			    (unsigned char)r->type[i]);
	}
	return 0;
}

/* fields up to the empty line; those of a trailer are not looked at */
static int
read_fields(struct io *io, struct framing *f, struct http_answer *r,
    struct err *err)
{
	struct slice line;
	int n;

	for (n = 0; n < HTTP_LINES; n++) {
		if (get_line(io, &line, err) < 0)
			return -1;
		if (line.n == 0)
			return 0;
		if (f != NULL && take_field(line, f, r, err) < 0)
			return -1;
	}
	return bad(err, "too many fields");
}

static int
read_bytes(struct io *io, uint64_t n, size_t max, struct str *body,
    struct err *err)
{
	struct slice buf;
	int r;

	if (n > max || body->len > max - n)
		return bad(err, "the answer is too large");
	while (n > 0) {
		r = io_peek(io, &buf);
		if (r < 0) {
			*err = io->err;
			return -1;
		}
		if (r == 0)
			return bad(err, "the connection ended early");
		buf.n = (size_t)MIN((uint64_t)buf.n, n);
		str_addsl(body, buf);
		io_consume(io, buf.n);
		n -= buf.n;
	}
	return 0;
}

static bool
parse_hex(struct slice s, uint64_t *r)
{
	uint64_t n = 0;
	size_t i;
	int c;

	if (s.n == 0 || s.n > 8)
		return false;
	for (i = 0; i < s.n; i++) {
		c = hex_digit(s.p[i]);
		if (c < 0)
			return false;
		n = n * 16 + (uint64_t)c;
	}
	*r = n;
	return true;
}

static int
read_chunks(struct io *io, size_t max, struct str *body, struct err *err)
{
	struct slice line;
	uint64_t n;

	for (;;) {
		if (get_line(io, &line, err) < 0)
			return -1;
		line = slice_trim(slice_sub(line, 0, slice_find(line, ';')));
		if (!parse_hex(line, &n))
			return bad(err, "a malformed chunk");
		if (n == 0)
			return read_fields(io, NULL, NULL, err);
		if (read_bytes(io, n, max, body, err) < 0 ||
		    get_line(io, &line, err) < 0)
			return -1;
		if (line.n > 0)
			return bad(err, "a malformed chunk");
	}
}

int
http_read(struct io *io, size_t max, struct http_answer *r, struct err *err)
{
	struct framing f;
	int i;

	/* 1xx answers come before the one that counts */
	for (i = 0; i < 10; i++) {
		f = (struct framing){ .length = -1 };
		r->status = 0;
		r->type[0] = '\0';
		if (read_status(io, &r->status, err) < 0 ||
		    read_fields(io, &f, r, err) < 0)
			return -1;
		if (r->status >= 200)
			break;
	}
	/* of another answer nobody wants the body */
	if (r->status != 200)
		return 0;
	if (f.chunked)
		return read_chunks(io, max, &r->body, err);
	if (f.length < 0)
		return bad(err, "an answer without a length");
	return read_bytes(io, (uint64_t)f.length, max, &r->body, err);
}

void
http_request(struct io *io, const char *method, const char *host,
    const char *path, const char *type, int64_t length)
{
	io_printf(io, "%s %s HTTP/1.1\r\nHost: %s\r\n"
	    "User-Agent: Postrider\r\nConnection: close\r\n", method, path,
	    host);
	if (length < 0)
		io_printf(io, "Accept: text/plain\r\n\r\n");
	else
		io_printf(io, "Content-Type: %s\r\nContent-Length: %lld\r\n"
		    "\r\n", type, (long long)length);
}

bool
http_url_parse(const char *url, struct http_url *u)
{
	struct slice s = slice_of(url);
	size_t slash, colon, i;
	uint64_t port = 0;

	if (!slice_istarts(s, "https://"))
		return false;
	s = slice_sub(s, strlen("https://"), s.n);
	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' ||
		    (unsigned char)s.p[i] >= 0x7f)
			return false;
	s = slice_sub(s, 0, slice_find(s, '#'));
	slash = MIN(slice_find(s, '/'), slice_find(s, '?'));
	u->host = slice_sub(s, 0, slash);
	/* what follows a fragment is not sent; there is none */
	u->path = slash < s.n && s.p[slash] == '/' ? s.p + slash : "/";
	if (s.p[s.n] != '\0' || (slash < s.n && s.p[slash] != '/') ||
	    slice_find(u->host, '@') < u->host.n)
		return false;
	colon = slice_find(u->host, ':');
	if (colon < u->host.n) {
		if (!slice_u64(slice_sub(u->host, colon + 1, u->host.n),
		    65535, &port) || port == 0)
			return false;
		u->host.n = colon;
	}
	u->port = (uint16_t)port;
	return u->host.n > 0;
}
