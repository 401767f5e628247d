/*
 * original.c - the message that a report gives back: all of it or its
 * header.  Read by pread, so the offset of the fd (shared with others) is
 * never moved.
 */
#include "dsn/parts.h"

#include <sys/stat.h>

#include "mime/header.h"

enum { BLOCK = 65536 };

static ssize_t
read_at(int fd, char *buf, uint64_t off, struct err *err)
{
	ssize_t n;

	do
		n = pread(fd, buf, BLOCK, (off_t)off);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, "cannot read the original message");
	return n;
}

/* Take a first Return-Path away: it says where this copy came from, and was
 * written by us. */
static void
skip_return_path(struct dsn_original *o)
{
	struct mime_field f;
	struct mime_scan s;
	size_t n;

	mime_scan_init(&s, slice_str(&o->header));
	if (mime_scan_next(&s, &f) != 1 || !slice_ieqz(f.name, "Return-Path"))
		return;
	n = f.raw.n;
	memmove(o->header.s, o->header.s + n, o->header.len - n);
	str_trunc(&o->header, o->header.len - n);
	o->start = n;
}

/* Does the body have a byte over 0x7f? */
static int
scan_body(int fd, struct dsn_original *o, struct err *err)
{
	char *buf = xmalloc(BLOCK);
	uint64_t off = o->body;
	ssize_t n;

	while ((n = read_at(fd, buf, off, err)) > 0) {
		off += (uint64_t)n;
		if (!slice_is_ascii((struct slice){ buf, (size_t)n })) {
			o->body_8bit = true;
			break;
		}
	}
	free(buf);
	return n < 0 ? -1 : 1;
}

int
dsn_original_open(const struct dsn_report *r, struct dsn_original *o,
    struct err *err)
{
	struct stat st;
	int whole;

	memset(o, 0, sizeof(*o));
	o->header = (struct str)STR_INIT;
	if (r->fd < 0)
		return 1;
	if (fstat(r->fd, &st) < 0)
		return err_sys(err, "cannot stat the original message");
	whole = mime_header_load(r->fd, MIME_HEADER_MAX, &o->header, err);
	if (whole < 0)
		return -1;
	o->present = true;
	o->body = o->header.len;
	skip_return_path(o);
	o->header_8bit = !slice_is_ascii(slice_str(&o->header));
	o->header_utf8 = o->header_8bit && utf8_valid(slice_str(&o->header));
	o->full = r->full && r->kind == DSN_FAILURE &&
	    (r->full_max == 0 || (uint64_t)st.st_size <= r->full_max);
	return o->full ? scan_body(r->fd, o, err) : 1;
}

void
dsn_original_free(struct dsn_original *o)
{
	str_free(&o->header);
}

void
dsn_original_head(const struct dsn_original *o, struct str *out)
{
	const char *type;

	if (o->full)
		type = o->header_utf8 ? "message/global" : "message/rfc822";
	else
		type = o->header_utf8 ? "message/global-headers" :
		    "text/rfc822-headers";
	str_addf(out, "Content-Description: %s\nContent-Type: %s\n"
	    "Content-Transfer-Encoding: %s\n\n",
	    o->full ? "Your message" : "Header of your message", type,
	    o->header_8bit || o->body_8bit ? "8bit" : "7bit");
}

int
dsn_original_copy(const struct dsn_report *r, const struct dsn_original *o,
    dsn_sink *sink, void *arg, struct err *err)
{
	struct slice piece = slice_str(&o->header);
	bool lf = piece.n == 0 || slice_ends(piece, "\n");
	uint64_t off = o->body;
	ssize_t n = 0;
	char *buf;
	int rc;

	rc = piece.n > 0 ? sink(arg, piece, err) : 0;
	if (rc == 0 && o->full) {
		buf = xmalloc(BLOCK);
		while (rc == 0 && (n = read_at(r->fd, buf, off, err)) > 0) {
			piece = (struct slice){ buf, (size_t)n };
			lf = slice_ends(piece, "\n");
			off += (uint64_t)n;
			rc = sink(arg, piece, err);
		}
		free(buf);
	}
	if (rc == 0 && n == 0 && !lf)
		rc = sink(arg, SLICE_LIT("\n"), err);
	return rc < 0 || n < 0 ? -1 : 1;
}
