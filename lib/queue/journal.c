/*
 * journal.c - writing.  Invariants:
 *
 * - A sector that holds something durable is never written again while its
 *   file is in use: each batch begins in a block of its own.
 * - A batch carries how much of the file was durable before it, so that a
 *   reader can tell what a power cut tore from what was damaged later.
 * - After a failed write or sync the first block of the batch is blanked, and
 *   without it the rest is never read; the next batch takes its place.
 */
#include "queue/journal_impl.h"

enum { GROW = 256 << 10, NOTES_MAX = 8000 };

/* the first batch of a use brings the header of the file */
static void
start_batch(struct journal *j, struct journal_file *f)
{
	unsigned char block[J_BLOCK] = { 0 };

	if (j->batch.len > 0 || f->synced > 0)
		return;
	journal_put_head(block, &f->head);
	journal_put_head(block + J_COPY, &f->head);
	str_add(&j->batch, block, sizeof(block));
}

/* room for a record's header in the batch: where it is */
static size_t
reserve(struct journal *j, struct journal_file *f)
{
	static const unsigned char blank[J_RECORD];
	size_t at;

	start_batch(j, f);
	at = j->batch.len;
	str_add(&j->batch, blank, sizeof(blank));
	return at;
}

static bool
is_first(const struct journal_file *f, size_t at)
{
	return at == (f->synced > 0 ? 0 : (size_t)J_BLOCK);
}

/* what follows the header at `at` is there */
static void
seal(struct journal *j, struct journal_file *f, size_t at,
    struct journal_record *r)
{
	unsigned char *b = (unsigned char *)j->batch.s + at;

	r->gen = f->head.gen;
	r->salt = f->head.salt;
	r->synced = (uint64_t)f->synced;
	if (is_first(f, at))
		r->type |= J_FIRST;
	r->crc = 0;
	journal_put_record(b, r);
	r->crc = journal_crc(b, b + J_RECORD, j->batch.len - at - J_RECORD);
	journal_put_record(b, r);
}

static int
add_content(struct str *out, int fd, uint64_t len, struct err *err)
{
	uint64_t got = 0;
	ssize_t n;

	/* one byte more than it should have shows what is too long */
	str_grow(out, (size_t)len + 1);
	while (got <= len) {
		n = pread(fd, out->s + out->len + got, (size_t)(len + 1 - got),
		    (off_t)got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read content");
		got += (uint64_t)n;
		/* of a file, less than was asked for is its end */
		if (n == 0 || got == len)
			break;
	}
	if (got != len)
		return err_temp(err, "4.3.0", "content has %s bytes than "
		    "%llu", got < len ? "fewer" : "more",
		    (unsigned long long)len);
	out->len += (size_t)len;
	out->s[out->len] = '\0';
	return 0;
}

static void
note_id(struct journal *j, int64_t id)
{
	if (j->nbatch == j->batch_cap) {
		j->batch_cap = j->batch_cap ? 2 * j->batch_cap : 64;
		j->batch_ids = xrealloc(j->batch_ids, j->batch_cap *
		    sizeof(*j->batch_ids));
	}
	j->batch_ids[j->nbatch++] = id;
}

int
journal_add(struct journal *j, int64_t id, struct slice env, int fd,
    uint64_t content_len, struct err *err)
{
	struct journal_record r = { .type = J_ENTRY, .id = id,
		.env_len = (uint32_t)env.n };
	struct journal_file *f;
	size_t at;

	if (env.n > J_ENV_MAX || (fd >= 0 &&
	    content_len > JOURNAL_CONTENT_MAX))
		return err_temp(err, "4.3.0", "too long for the journal");
	if (journal_bytes(j) + (int64_t)(j->batch.len + env.n +
	    content_len) > j->limit)
		return err_temp(err, "4.3.1", "the journal of the queue has "
		    "its limit of %lld bytes", (long long)j->limit);
	f = journal_begin(j, err);
	if (f == NULL)
		return -1;
	at = reserve(j, f);
	str_add(&j->batch, env.p, env.n);
	if (fd >= 0) {
		if (add_content(&j->batch, fd, content_len, err) != 0) {
			str_trunc(&j->batch, is_first(f, at) ? 0 : at);
			return -1;
		}
		r.type |= J_CONTENT;
		r.content_len = (uint32_t)content_len;
	}
	seal(j, f, at, &r);
	note_id(j, id);
	return 0;
}

static void
add_notes(struct journal *j, struct journal_file *f)
{
	struct journal_record r = { .type = J_NOTES };
	size_t at, i;

	if (j->nnotes == 0)
		return;
	at = reserve(j, f);
	for (i = 0; i < j->nnotes; i++)
		str_add(&j->batch, &j->notes[i], sizeof(j->notes[i]));
	r.env_len = (uint32_t)(j->nnotes * sizeof(j->notes[0]));
	seal(j, f, at, &r);
	j->nnotes = 0;
}

/* Blocks for what comes next: the flush of a batch that changes the size of
 * the file costs more.  Where there is no room it is done without. */
static void
grow(struct journal_file *f, int64_t end)
{
	static const char zero[GROW];

	if (end <= f->size)
		return;
	f->size = end;
	if (journal_write(f->fd, zero, (size_t)(GROW - end % GROW), end) == 0)
		f->size += GROW - end % GROW;
}

/* where the batch goes */
static int64_t
place(const struct journal_file *f)
{
	return f->synced > 0 ? f->end : 0;
}

static void
take_back(struct journal_file *f)
{
	static const char zero[J_BLOCK];
	int64_t at = place(f);

	/* the header block, too: nothing of the file is durable then */
	if (journal_write(f->fd, zero, sizeof(zero), at) == 0 &&
	    (at > 0 || journal_write(f->fd, zero, sizeof(zero), J_BLOCK) == 0))
		fdatasync(f->fd);
}

/* write the batch; the file's end is then behind it */
static int
put_batch(struct journal *j, struct journal_file *f, bool sync,
    struct err *err)
{
	static const char zero[J_BLOCK];
	size_t pad = (J_BLOCK - j->batch.len % J_BLOCK) % J_BLOCK;
	int64_t at = place(f);

	str_add(&j->batch, zero, pad);
	if (journal_write(f->fd, j->batch.s, j->batch.len, at) < 0)
		return err_sys(err, "write %s/%d", j->dir, f->n);
	grow(f, at + (int64_t)j->batch.len);
	if (sync && fdatasync(f->fd) < 0)
		return err_sys(err, "sync %s/%d", j->dir, f->n);
	f->end = at + (int64_t)j->batch.len;
	if (sync)
		f->synced = f->end;
	return 0;
}

size_t
journal_batch(const struct journal *j)
{
	return j->batch.len;
}

int
journal_commit(struct journal *j, struct err *err)
{
	struct journal_file *f = j->current;
	int rc = 0;

	if (j->nbatch > 0) {
		add_notes(j, f);
		rc = put_batch(j, f, true, err);
		if (rc == 0)
			journal_ids_add(f, j->batch_ids, j->nbatch);
		else
			take_back(f);
	}
	j->nbatch = 0;
	if (j->batch.cap > 4 << 20)
		str_free(&j->batch);
	str_reset(&j->batch);
	return rc;
}

void
journal_note(struct journal *j, int64_t id)
{
	if (j->nnotes == j->notes_cap) {
		j->notes_cap = j->notes_cap ? 2 * j->notes_cap : 256;
		j->notes = xrealloc(j->notes, j->notes_cap *
		    sizeof(*j->notes));
	}
	j->notes[j->nnotes++] = id;
	if (j->nnotes >= NOTES_MAX)
		journal_flush(j);
}

int
journal_doubt(struct journal *j, int64_t gen, struct err *err)
{
	struct journal_record r = { .type = J_DOUBT, .id = gen };
	struct journal_file *f = journal_begin(j, err);
	int rc;

	assert(j->nbatch == 0);
	if (f == NULL)
		return -1;
	seal(j, f, reserve(j, f), &r);
	rc = put_batch(j, f, true, err);
	str_reset(&j->batch);
	return rc;
}

bool
journal_doubted(const struct journal *j)
{
	return j->doubt > 0;
}

/* Between batches only.  A note that can not be written is not missed: the
 * next attempt of the delivery looks before it delivers. */
void
journal_flush(struct journal *j)
{
	struct journal_file *f = j->current;
	struct err err;

	if (j->nnotes == 0 || j->nbatch > 0)
		return;
	if (f != NULL && f->synced > 0) {
		add_notes(j, f);
		if (put_batch(j, f, false, &err) != 0)
			take_back(f);
		str_reset(&j->batch);
	} else if (j->nnotes >= NOTES_MAX) {
		j->nnotes = 0;
	}
}
