/*
 * journal_read.c - what is in the files at a start.
 *
 * Records follow each other; a batch begins in a block of its own with a
 * record marked FIRST, which says how much of the file was durable before it.
 * So a tail that does not read is what a power cut tore, and nobody was told
 * about it; but a hole before what a later batch calls durable is damage.
 * Whatever reads after a hole is used.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "queue/journal_impl.h"

struct scan {
	const struct journal_open *o;
	struct journal *j;
	struct journal_file *f;
	struct str buf;		/* the record at hand */
	int64_t at;
	int64_t covered;	/* what reads without a hole, in blocks */
	int64_t hole;		/* a record before that does not read; 0 none */
	bool notes;		/* this pass looks for notes */
	bool again;		/* all but the records was looked at before */
	bool unread;		/* the disk could not read what is there */
};

static int64_t
block_up(int64_t n)
{
	return (n + J_BLOCK - 1) / J_BLOCK * J_BLOCK;
}

/* as much as there is; a place that can not be read is empty */
static size_t
read_at(int fd, char *p, size_t n, int64_t at)
{
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		r = pread(fd, p + got, n - got, at + (int64_t)got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		got += (size_t)r;
	}
	return got;
}

/* 1 a record; 0 its header only (as it seems); -1 none */
static int
read_record(struct scan *s, struct journal_record *r)
{
	size_t n;

	str_reset(&s->buf);
	str_grow(&s->buf, J_RECORD);
	if (read_at(s->f->fd, s->buf.s, J_RECORD, s->at) != J_RECORD) {
		s->unread = true;
		return -1;
	}
	if (!journal_get_record((unsigned char *)s->buf.s, r) ||
	    r->gen != s->f->head.gen || r->salt != s->f->head.salt)
		return -1;
	n = (size_t)r->env_len + r->content_len;
	if ((int64_t)n > s->f->size - s->at - J_RECORD)
		return -1;
	s->buf.len = J_RECORD;		/* kept when it grows */
	str_grow(&s->buf, n);
	if (read_at(s->f->fd, s->buf.s + J_RECORD, n, s->at + J_RECORD) !=
	    n) {
		s->unread = true;
		return 0;
	}
	return journal_crc((unsigned char *)s->buf.s, s->buf.s + J_RECORD,
	    n) == r->crc;
}

/* notes of another boot do not count: the files that they speak of may not
 * have survived its end */
static void
take_notes(struct scan *s, const struct journal_record *r)
{
	struct journal *j = s->j;
	int64_t id;
	size_t i;

	if (memcmp(s->f->head.boot, j->boot, sizeof(j->boot)) != 0)
		return;
	for (i = 0; i + sizeof(id) <= r->env_len; i += sizeof(id)) {
		memcpy(&id, s->buf.s + J_RECORD + i, sizeof(id));
		if (j->nnotes == j->notes_cap) {
			j->notes_cap = j->notes_cap ? 2 * j->notes_cap : 256;
			j->notes = xrealloc(j->notes, j->notes_cap *
			    sizeof(*j->notes));
		}
		j->notes[j->nnotes++] = id;
	}
}

static int
by_id(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static bool
is_noted(const struct journal *j, int64_t id)
{
	return j->nnotes > 0 && bsearch(&id, j->notes, j->nnotes,
	    sizeof(*j->notes), by_id) != NULL;
}

static int
take(struct scan *s, const struct journal_record *r, struct err *err)
{
	const char *p = s->buf.s + J_RECORD;
	struct journal_entry e = { .id = r->id, .gen = r->gen,
		.env = { p, r->env_len } };
	uint32_t type = r->type & 0xff;

	if (s->notes && type == J_NOTES)
		take_notes(s, r);
	if (s->notes && type == J_DOUBT)
		s->j->doubt = MAX(s->j->doubt, r->id);
	if (s->notes || type != J_ENTRY)
		return 0;
	if (!s->again)
		journal_ids_add(s->f, &r->id, 1);
	if (r->type & J_CONTENT)
		e.content = (struct slice){ p + r->env_len, r->content_len };
	e.doubt = r->gen <= s->j->doubt;
	e.done = !e.doubt && !s->again && is_noted(s->j, r->id);
	return s->o->fn(s->o->ctx, &e, err);
}

static void
say_damaged(struct scan *s, int64_t at)
{
	char name[16];

	s->f->damaged = true;
	snprintf(name, sizeof(name), "%d", s->f->n);
	s->o->damaged(s->o->ctx, name, at);
}

static void
check_hole(struct scan *s, const struct journal_record *r)
{
	int64_t at = s->hole > 0 ? s->hole : s->covered;

	if (s->notes || s->again || (int64_t)r->synced <= at)
		return;
	s->hole = 0;
	say_damaged(s, at);
}

/* where the next record may be; false: nowhere */
static bool
more(struct scan *s, int64_t *resume, bool *follows)
{
	if (s->at + J_RECORD > s->f->size && *resume > 0) {
		s->at = *resume;
		*resume = 0;
		*follows = false;
	}
	return s->at + J_RECORD <= s->f->size;
}

static int
scan_file(struct scan *s, struct err *err)
{
	struct journal_record r;
	bool follows = false;	/* another record of the same batch may */
	int64_t resume = 0;	/* its length may be what is damaged */
	int rc;

	s->covered = s->at = J_BLOCK;
	s->hole = 0;
	while (more(s, &resume, &follows)) {
		s->unread = false;
		rc = read_record(s, &r);
		if (s->unread && !s->notes && !s->again && !s->f->damaged)
			say_damaged(s, s->at);
		if (rc >= 0 && !follows && !(r.type & J_FIRST))
			rc = -1;
		if (rc == 1 && (r.type & J_FIRST))
			check_hole(s, &r);
		if (rc == 1 && take(s, &r, err) != 0)
			return -1;
		if (rc < 0) {
			s->at = resume > 0 ? resume : block_up(s->at + 1);
			resume = 0;
			follows = false;
			continue;
		}
		if (rc == 0 && s->hole == 0)
			s->hole = s->at;
		if (rc == 1)
			resume = 0;
		else if (resume == 0)
			resume = block_up(s->at + 1);
		s->at += J_RECORD + (int64_t)r.env_len + r.content_len;
		follows = true;
		if (rc == 1)
			s->covered = block_up(s->at);
	}
	if (!s->again)
		s->f->end = s->f->synced = s->covered;
	return 0;
}

/* 1 it is in use, 0 free, -1 its header does not read */
static int
look_at_head(struct journal *j, struct journal_file *f, int64_t done)
{
	unsigned char b[J_BLOCK] = { 0 };
	int first, copy;

	/* one that is shorter never had anything durable */
	if (read_at(f->fd, (char *)b, sizeof(b), 0) < sizeof(b))
		return f->size < (int64_t)sizeof(b) ? 0 : -1;
	first = journal_get_head(b, &f->head);
	copy = first == 1 ? 1 : journal_get_head(b + J_COPY, &f->head);
	if (first != 1 && copy != 1)
		return first < 0 || copy < 0 ? -1 : 0;
	j->last_gen = MAX(j->last_gen, f->head.gen);
	return f->head.gen > done;
}

static void
insert(struct journal *j, struct journal_file *f)
{
	struct journal_file *at, *prev = NULL;

	TAILQ_FOREACH(at, &j->closed, next) {
		if (at->head.gen > f->head.gen)
			break;
		prev = at;
	}
	if (prev == NULL)
		TAILQ_INSERT_HEAD(&j->closed, f, next);
	else
		TAILQ_INSERT_AFTER(&j->closed, prev, f, next);
	j->nclosed++;
}

/* Nothing of it can be told from what was there before: an admin may.  Its
 * generation is not known: the time keeps it apart from one of this number
 * that was put aside before. */
static void
put_aside(struct journal *j, struct journal_file *f,
    const struct journal_open *o)
{
	char name[16], aside[48];

	snprintf(name, sizeof(name), "%d", f->n);
	snprintf(aside, sizeof(aside), "damaged-%d-at-%lld", f->n,
	    (long long)wall_us());
	o->damaged(o->ctx, name, 0);
	renameat(j->dir_fd, name, j->dir_fd, aside);
	journal_file_free(f);
}

static int
add_file(struct journal *j, const char *name, const struct journal_open *o,
    struct err *err)
{
	struct journal_file *f = xcalloc(1, sizeof(*f));
	struct stat st;
	uint64_t n = 0;

	slice_u64(slice_of(name), INT32_MAX, &n);
	f->n = (int)n;
	f->fd = openat(j->dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (f->fd < 0 || fstat(f->fd, &st) < 0) {
		err_sys(err, "open %s/%s", o->dir, name);
		journal_file_free(f);
		return -1;
	}
	f->size = st.st_size;
	j->last_n = MAX(j->last_n, f->n);
	switch (look_at_head(j, f, o->done)) {
	case 1:
		insert(j, f);
		break;
	case 0:
		TAILQ_INSERT_TAIL(&j->free, f, next);
		j->nfree++;
		break;
	default:
		put_aside(j, f, o);
	}
	return 0;
}

static int
pass(struct journal *j, const struct journal_open *o, bool notes,
    struct err *err)
{
	struct scan s = { .o = o, .j = j, .buf = STR_INIT, .notes = notes };
	int rc = 0;

	TAILQ_FOREACH(s.f, &j->closed, next) {
		rc = scan_file(&s, err);
		if (rc != 0)
			break;
	}
	str_free(&s.buf);
	return rc;
}

int
journal_read_all(struct journal *j, const struct journal_open *o,
    struct err *err)
{
	DIR *d = opendir(o->dir);
	struct dirent *e;
	uint64_t n;
	int rc = 0;

	if (d == NULL)
		return err_sys(err, "open %s", o->dir);
	while (rc == 0 && (e = readdir(d)) != NULL)
		if (slice_u64(slice_of(e->d_name), INT32_MAX, &n))
			rc = add_file(j, e->d_name, o, err);
	closedir(d);
	if (rc == 0)
		rc = pass(j, o, true, err);
	if (rc == 0 && j->nnotes > 0)
		qsort(j->notes, j->nnotes, sizeof(*j->notes), by_id);
	if (rc == 0)
		rc = pass(j, o, false, err);
	j->nnotes = 0;
	return rc;
}

int
journal_reread(struct journal *j, int64_t from, int64_t to, journal_fn *fn,
    void *ctx, struct err *err)
{
	struct journal_open o = { .fn = fn, .ctx = ctx };
	struct scan s = { .o = &o, .j = j, .buf = STR_INIT, .again = true };
	int rc = 0;

	TAILQ_FOREACH(s.f, &j->closed, next) {
		if (s.f->head.gen >= from && s.f->head.gen <= to)
			rc = scan_file(&s, err);
		if (rc != 0)
			break;
	}
	str_free(&s.buf);
	return rc;
}
