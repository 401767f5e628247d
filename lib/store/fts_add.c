/*
 * fts_add.c - taking messages in.  Reading and folding is done without any
 * lock; what is ready is written together.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fault.h"
#include "mime/text.h"
#include "store/fts_part.h"

void
fts_drop_waiting(struct fts *f)
{
	f->nwait = 0;
	str_reset(&f->text);
}

bool
fts_full(const struct fts *f)
{
	return f->nwait == FTS_WAIT || f->text.len >= FTS_WAIT_BYTES;
}

static struct fts_waiting *
next_waiting(struct fts *f)
{
	if (f->wait == NULL)
		f->wait = xcalloc(FTS_WAIT, sizeof(*f->wait));
	return &f->wait[f->nwait++];
}

void
fts_wait(struct fts *f, uint32_t uid, size_t header, size_t body)
{
	struct fts_waiting *w = next_waiting(f);

	*w = (struct fts_waiting){ .uid = uid, .header = header,
		.body = body, .at = f->text.len - header - body };
}

void
fts_wait_never(struct fts *f, uint32_t uid)
{
	*next_waiting(f) = (struct fts_waiting){ .uid = uid,
		.never = true };
}

struct folding { struct str *out; size_t end; };

static int
fold_piece(void *ctx, struct slice field UNUSED, struct slice text,
    bool last)
{
	struct folding *o = ctx;

	mime_fold(text, o->out);
	/* units are apart, or there would only be more candidates */
	if (last)
		str_addc(o->out, '\n');
	return o->out->len > o->end;
}

/* fold and take the grams: octets of these, or -1 where it is too long */
static ssize_t
add_grams(struct fts *f, struct slice msg, const struct mime_part *root,
    enum mime_text_what what)
{
	struct folding o = { &f->fold, FTS_TEXT_MAX };
	size_t start = f->text.len;

	str_reset(&f->fold);
	if (mime_text(msg, root, what, fold_piece, &o) != 0)
		return -1;
	fts_grams(slice_str(&f->fold), &f->text);
	return (ssize_t)(f->text.len - start);
}

static void
add_text(struct fts *f, uint32_t uid, struct slice msg, struct arena *a)
{
	const struct mime_part *root;
	size_t start = f->text.len;
	unsigned faults = fault_count();
	ssize_t header, body = -1;

	arena_reset(a);
	root = mime_parse(msg, NULL, a);
	header = add_grams(f, msg, root, MIME_TEXT_HEADER);
	if (header >= 0)
		body = add_grams(f, msg, root, MIME_TEXT_BODY);
	if (body >= 0 && fault_count() == faults) {
		fts_wait(f, uid, (size_t)header, (size_t)body);
		return;
	}
	str_trunc(&f->text, start);
	fts_wait_never(f, uid);
}

/* one that can not be read is left out: it is a candidate */
static void
add_file(struct fts *f, struct mailbox *mb, size_t i, struct arena *a)
{
	struct err err = ERR_INIT;
	struct stat st;
	size_t n = 0;
	void *p = MAP_FAILED;
	int fd = mailbox_read(mb, i, &err);

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		n = (size_t)st.st_size;
		p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	close(fd);
	if (p == MAP_FAILED)
		return;
	add_text(f, mb->msg[i].uid, (struct slice){ p, n }, a);
	munmap(p, n);
}

static bool
waits(const struct fts *f, uint32_t uid)
{
	size_t i;

	for (i = 0; i < f->nwait; i++)
		if (f->wait[i].uid == uid)
			return true;
	return false;
}

int
fts_update(struct fts *f, struct mailbox *mb, int ms,
    struct err *err UNUSED)
{
	int64_t end = mono_ms() + ms;
	struct arena a = { 0 };
	bool more = false;
	int r = 0;
	size_t i;

	if (!fts_box(f, mb, true, true))
		return -1;
	fts_renew(f);
	for (i = 0; i < mb->n && r == 0 && !more; i++) {
		if ((mb->msg[i].flags & MSG_GONE) ||
		    fts_is_in(f, mb->msg[i].uid) ||
		    waits(f, mb->msg[i].uid))
			continue;
		more = mono_ms() >= end;
		if (more)
			break;
		if (fts_full(f))
			r = fts_write(f);
		if (r == 0)
			add_file(f, mb, i, &a);
	}
	arena_free(&a);
	if (r == 0)
		r = fts_write(f);
	if (r < 0 && fts_full(f))
		fts_drop_waiting(f);
	return r < 0 ? -1 : more;
}

void
fts_note(struct fts *f, struct mailbox *mb, uint32_t uid,
    struct slice header, struct slice body)
{
	size_t at, n;

	if (!fts_box(f, mb, true, false) || fts_is_in(f, uid) ||
	    waits(f, uid))
		return;
	if (fts_full(f) && fts_write(f) < 0)
		fts_drop_waiting(f);
	if (header.n > FTS_TEXT_MAX || body.n > FTS_TEXT_MAX - header.n) {
		fts_wait_never(f, uid);
		return;
	}
	at = f->text.len;
	fts_grams(header, &f->text);
	n = f->text.len - at;
	fts_grams(body, &f->text);
	fts_wait(f, uid, n, f->text.len - at - n);
}
