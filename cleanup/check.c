/*
 * check.c - one pass over the content, in pieces of one fixed buffer.  The
 * header lies in the first piece or is too large.
 */
#include "cleanup.h"
#include "mime/header.h"

enum { PIECE = 65536 };

static struct slice
buffer(const struct content_limits *l)
{
	static char *buf;
	static size_t cap;
	size_t want = MAX(l->header + 1, (size_t)PIECE);

	if (cap < want) {
		free(buf);
		buf = xmalloc(want);
		cap = want;
	}
	return (struct slice){ buf, cap };
}

int
content_read(int fd, char *p, size_t n, uint64_t offset, struct err *err)
{
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		r = pread(fd, p + got, n - got, (off_t)(offset + got));
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(err, "read content");
		if (r == 0)
			return err_temp(err, "4.3.0", "content got shorter");
		got += (size_t)r;
	}
	return 0;
}

static int
judge_bytes(struct slice s, struct content_facts *f, struct err *err)
{
	const char *p = s.p, *end = s.p + s.n;

	if (memchr(s.p, '\0', s.n) != NULL)
		return err_perm(err, "5.6.0", "content holds a NUL byte");
	if (memchr(s.p, '\r', s.n) != NULL)
		return err_perm(err, "5.6.0", "content holds a bare CR");
	f->eightbit = f->eightbit || !slice_is_ascii(s);
	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		f->lines++;
		p++;
	}
	return 0;
}

bool
content_is_bcc(struct slice name)
{
	return slice_ieqz(name, "Bcc") || slice_ieqz(name, "Resent-Bcc");
}

static int
judge_header(struct slice s, bool all, const struct content_limits *l,
    struct content_facts *f, struct err *err)
{
	struct mime_scan scan;
	struct mime_field h;
	size_t hops = 0, optional = 0, other = 0;

	mime_scan_init(&scan, s);
	while (mime_scan_next(&scan, &h)) {
		if (slice_ieqz(h.name, "Received"))
			hops++;
		else if (slice_ieqz(h.name, "Date"))
			f->date = true;
		else if (slice_ieqz(h.name, "Message-ID"))
			f->message_id = true;
		else if (slice_ieqz(h.name, "From"))
			f->from = true;
		else if (content_is_bcc(h.name))
			f->bcc = true;
		else if (!slice_ieqz(h.name, "TLS-Required"))
			continue;
		else if (slice_ieqz(slice_trim(h.value), "No"))
			optional++;
		else
			other++;
	}
	f->glued = l->trace < s.n &&
	    ascii_isblank((unsigned char)s.p[l->trace]);
	/* RFC 8689 section 5: one field, one value */
	f->tls_optional = optional == 1 && other == 0;
	f->body = scan.body;
	f->no_blank = scan.malformed;
	if (hops > l->hops)
		return err_perm(err, "5.4.6", "too many hops");
	if (scan.too_many || scan.count > l->fields)
		return err_perm(err, "5.6.0", "too many header fields");
	if (scan.body > l->header || (!all && scan.body == s.n &&
	    !scan.blank && !scan.malformed))
		return err_perm(err, "5.3.4", "header is too large");
	return 0;
}

int
content_check_whole(struct slice whole, const struct content_limits *l,
    struct content_facts *f, struct err *err)
{
	memset(f, 0, sizeof(*f));
	if (judge_header(whole, true, l, f, err) < 0)
		return -1;
	return judge_bytes(whole, f, err);
}

int
content_check(int fd, uint64_t size, const struct content_limits *l,
    struct content_facts *f, struct err *err)
{
	struct slice buf = buffer(l), piece = buf;
	uint64_t done;

	memset(f, 0, sizeof(*f));
	for (done = 0; done < size; done += piece.n) {
		piece.n = (size_t)MIN((uint64_t)buf.n, size - done);
		if (content_read(fd, (char *)piece.p, piece.n, done, err) < 0)
			return -1;
		if (done == 0 && judge_header(piece, piece.n == size, l, f,
		    err) < 0)
			return -1;
		if (judge_bytes(piece, f, err) < 0)
			return -1;
	}
	return 0;
}
