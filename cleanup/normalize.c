/*
 * normalize.c - what RFC 6409 section 8 lets a submission server add, and the
 * one thing that it takes out.
 *
 * Content can only be appended to by its writer, who is done with it; here
 * the part behind the insertion is moved, from its end on.  The file is not
 * in the queue yet, so a crash in between leaves only an orphan.
 */
#include <fcntl.h>

#include "base/clock.h"
#include "conf/common.h"
#include "mime/header.h"
#include "mime/write.h"
#include "rewrite.h"

enum { PIECE = 65536 };

static int
write_at(int fd, const char *p, size_t n, uint64_t offset, struct err *err)
{
	size_t done = 0;
	ssize_t r;

	while (done < n) {
		r = pwrite(fd, p + done, n - done, (off_t)(offset + done));
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(err, "write content");
		done += (size_t)r;
	}
	return 0;
}

static int
move_tail(int fd, uint64_t from, uint64_t end, uint64_t by, struct err *err)
{
	static char *buf;
	size_t n, got;
	ssize_t r;

	if (buf == NULL)
		buf = xmalloc(PIECE);
	while (end > from) {
		n = (size_t)MIN((uint64_t)PIECE, end - from);
		for (got = 0; got < n; got += (size_t)r) {
			r = pread(fd, buf + got, n - got,
			    (off_t)(end - n + got));
			if (r == 0)
				errno = EIO;
			if (r <= 0)
				return err_sys(err, "read content");
		}
		if (write_at(fd, buf, n, end - n + by, err) < 0)
			return -1;
		end -= n;
	}
	return 0;
}

int
content_insert(int fd, uint64_t at, const struct str *s, uint64_t *size,
    struct err *err)
{
	int flags;

	if (s->len == 0)
		return 0;
	/* pwrite would append */
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_APPEND) < 0)
		return err_sys(err, "fcntl content");
	if (move_tail(fd, at, *size, s->len, err) < 0 ||
	    write_at(fd, s->s, s->len, at, err) < 0)
		return -1;
	*size += s->len;
	return 0;
}

static void
missing_fields(const struct message *m, const struct content_facts *f,
    struct str *out)
{
	struct str v = STR_INIT;

	if (!f->date) {
		date_5322(&v, m->created / 1000000);
		mime_put_field(out, "Date", slice_str(&v));
		str_reset(&v);
	}
	if (!f->from) {
		if (m->sender[0] != '\0')
			str_addf(&v, "<%s>", m->sender);
		else if (m->check_from)
			str_addf(&v, "<%s>", m->login);
		else
			str_addf(&v, "<MAILER-DAEMON@%s>", common.hostname);
		mime_put_field(out, "From", slice_str(&v));
		str_reset(&v);
	}
	if (!f->message_id) {
		mime_message_id(&v, common.hostname);
		mime_put_field(out, "Message-ID", slice_str(&v));
	}
	str_free(&v);
}

int
normalize(const struct message *m, struct content_facts *f, uint64_t *size_r,
    struct err *err)
{
	struct str fields = STR_INIT, blank = STR_INIT;
	size_t i;
	int rc;

	missing_fields(m, f, &fields);
	if (f->no_blank)
		str_addc(&blank, '\n');
	rc = content_insert(m->fd, f->body, &blank, size_r, err);
	if (rc == 0)
		rc = content_insert(m->fd, m->trace, &fields, size_r, err);
	for (i = 0; i < fields.len; i++)
		f->lines += fields.s[i] == '\n';
	f->lines += blank.len;
	f->body += fields.len + blank.len;
	f->no_blank = false;
	str_free(&fields);
	str_free(&blank);
	return rc;
}

int
bcc_drop(struct message *m, uint64_t *size, struct err *err)
{
	struct str header = STR_INIT;
	struct splices l = { 0 };
	struct mime_scan scan;
	struct mime_field f;
	int rc = mime_header_load(m->fd, m->facts.body, &header, err);

	mime_scan_init(&scan, slice_str(&header));
	while (rc >= 0 && mime_scan_next(&scan, &f))
		if (content_is_bcc(f.name))
			splice_add(&l, f.offset, f.raw.n, SLICE_LIT(""));
	if (rc >= 0)
		rc = l.n > 0 ? rewrite(m, &l, size, err) : 0;
	if (rc == 0)
		rc = l.n > 0;
	splices_free(&l);
	str_free(&header);
	return rc;
}
