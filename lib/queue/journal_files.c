/*
 * journal_files.c - the files of the journal: begun, closed, retired, and
 * overwritten.  Invariant: a file is in use from its first batch until it is
 * retired, and files are retired in the order of their generations.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "queue/journal_impl.h"

enum { KEEP_FREE = 4, KEEP_BYTES = 64 << 20, CLOSED_MAX = 8 };

void
journal_ids_add(struct journal_file *f, const int64_t *ids, size_t n)
{
	while (f->nids + n > f->cap) {
		f->cap = f->cap ? 2 * f->cap : 256;
		f->ids = xrealloc(f->ids, f->cap * sizeof(*f->ids));
	}
	if (n > 0)
		memcpy(f->ids + f->nids, ids, n * sizeof(*ids));
	f->nids += n;
}

void
journal_file_free(struct journal_file *f)
{
	if (f == NULL)
		return;
	close_fd(f->fd);
	free(f->ids);
	free(f);
}

int
journal_write(int fd, const char *p, size_t n, int64_t at)
{
	ssize_t w;

	while (n > 0) {
		w = pwrite(fd, p, n, at);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return -1;
		p += w;
		n -= (size_t)w;
		at += w;
	}
	return 0;
}

/* the name of the directory is durable, too */
static int
sync_parent(const struct journal *j, struct err *err)
{
	int fd = openat(j->dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 || fsync(fd) < 0 ? err_sys(err, "sync %s/..",
	    j->dir) : 0;

	close_fd(fd);
	return rc;
}

int
journal_open(const struct journal_open *o, struct journal **j_r,
    struct err *err)
{
	struct journal *j = xcalloc(1, sizeof(*j));

	TAILQ_INIT(&j->closed);
	TAILQ_INIT(&j->free);
	j->batch = (struct str)STR_INIT;
	j->dir = xstrdup(o->dir);
	j->limit = o->limit;
	j->last_gen = o->done;
	memcpy(j->boot, o->boot, sizeof(j->boot));
	j->dir_fd = -1;
	if (mkdir(o->dir, 0700) < 0 && errno != EEXIST) {
		err_sys(err, "mkdir %s", o->dir);
	} else {
		j->dir_fd = open(o->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (j->dir_fd < 0)
			err_sys(err, "open %s", o->dir);
	}
	if (j->dir_fd < 0 || sync_parent(j, err) != 0 ||
	    journal_read_all(j, o, err) != 0) {
		journal_close(j);
		return -1;
	}
	*j_r = j;
	return 0;
}

static void
free_all(struct journal_files *l)
{
	struct journal_file *f;

	while ((f = TAILQ_FIRST(l)) != NULL) {
		TAILQ_REMOVE(l, f, next);
		journal_file_free(f);
	}
}

void
journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	free_all(&j->closed);
	free_all(&j->free);
	journal_file_free(j->current);
	close_fd(j->dir_fd);
	str_free(&j->batch);
	free(j->batch_ids);
	free(j->notes);
	free(j->dir);
	free(j);
}

/* a new file, whose name is durable before anything in it has to be */
static struct journal_file *
create(struct journal *j, struct err *err)
{
	struct journal_file *f = xcalloc(1, sizeof(*f));
	char name[16];

	f->n = ++j->last_n;
	snprintf(name, sizeof(name), "%d", f->n);
	f->fd = openat(j->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (f->fd < 0 || fsync(j->dir_fd) < 0) {
		err_sys(err, "create %s/%s", j->dir, name);
		if (f->fd >= 0)
			unlinkat(j->dir_fd, name, 0);
		journal_file_free(f);
		return NULL;
	}
	return f;
}

/* a free file that nobody has removed, or NULL */
static struct journal_file *
take_free(struct journal *j)
{
	struct journal_file *f;
	struct stat st;

	while ((f = TAILQ_FIRST(&j->free)) != NULL) {
		TAILQ_REMOVE(&j->free, f, next);
		j->nfree--;
		if (fstat(f->fd, &st) == 0 && st.st_nlink > 0)
			break;
		journal_file_free(f);
	}
	return f;
}

struct journal_file *
journal_begin(struct journal *j, struct err *err)
{
	struct journal_file *f = j->current;

	if (f != NULL)
		return f;
	f = take_free(j);
	if (f == NULL)
		f = create(j, err);
	if (f == NULL)
		return NULL;
	f->nids = 0;
	f->head.gen = ++j->last_gen;
	random_bytes(&f->head.salt, sizeof(f->head.salt));
	memcpy(f->head.boot, j->boot, sizeof(j->boot));
	f->end = J_BLOCK;
	f->synced = 0;
	j->current = f;
	return f;
}

int64_t
journal_bytes(const struct journal *j)
{
	const struct journal_file *f;
	int64_t n = j->current != NULL ? j->current->end : 0;

	TAILQ_FOREACH(f, &j->closed, next)
		n += f->end;
	return n;
}

int64_t
journal_current(const struct journal *j)
{
	return j->current != NULL ? j->current->head.gen : j->last_gen + 1;
}

int64_t
journal_rotate(struct journal *j)
{
	const struct journal_file *f;

	assert(j->nbatch == 0);
	if (j->current != NULL && j->current->nids > 0 &&
	    j->nclosed < CLOSED_MAX) {
		journal_flush(j);
		TAILQ_INSERT_TAIL(&j->closed, j->current, next);
		j->nclosed++;
		j->current = NULL;
	}
	f = TAILQ_LAST(&j->closed, journal_files);
	return f != NULL ? f->head.gen : 0;
}

static bool
file_has(const struct journal_file *f, int64_t id)
{
	size_t i;

	for (i = 0; i < f->nids; i++)
		if (f->ids[i] == id)
			return true;
	return false;
}

int64_t
journal_has(const struct journal *j, int64_t id)
{
	const struct journal_file *f;

	TAILQ_FOREACH(f, &j->closed, next)
		if (file_has(f, id))
			return f->head.gen;
	return j->current != NULL && file_has(j->current, id) ?
	    j->current->head.gen : 0;
}

bool
journal_busy(const struct journal *j, int64_t gen)
{
	const struct journal_file *f = TAILQ_LAST(&j->closed, journal_files);

	return (f != NULL && f->head.gen > gen) ||
	    (j->current != NULL && j->current->nids > 0);
}

/* Out of use: so that nobody reads it even without queue.db; the place of its
 * blocks is kept unless there is enough. */
static void
recycle(struct journal *j, struct journal_file *f)
{
	static const char zero[J_BLOCK];
	char name[16], aside[48];

	snprintf(name, sizeof(name), "%d", f->n);
	if (f->damaged) {
		snprintf(aside, sizeof(aside), "damaged-%d-%lld", f->n,
		    (long long)f->head.gen);
		renameat(j->dir_fd, name, j->dir_fd, aside);
		journal_file_free(f);
	} else if (j->nfree >= KEEP_FREE || f->size > KEEP_BYTES ||
	    journal_write(f->fd, zero, sizeof(zero), 0) < 0) {
		unlinkat(j->dir_fd, name, 0);
		journal_file_free(f);
	} else {
		TAILQ_INSERT_TAIL(&j->free, f, next);
		j->nfree++;
	}
}

void
journal_retire(struct journal *j, int64_t gen)
{
	struct journal_file *f;

	while ((f = TAILQ_FIRST(&j->closed)) != NULL &&
	    f->head.gen <= gen) {
		TAILQ_REMOVE(&j->closed, f, next);
		j->nclosed--;
		recycle(j, f);
	}
	/* they spoke of what has just been done with */
	if (!journal_busy(j, gen))
		j->nnotes = 0;
}
