/*
 * folder.c - the folders that somebody watches.  One that changes is told at
 * once, and then not again before the next tick: a burst costs its watchers a
 * bounded number of looks.
 */
#include "notifyd.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"

static struct folder *folders;		/* hash by key */
static struct folder *pending, **last = &pending;
static struct event *tick;

static struct folder *
lookup(const struct folder_key *key)
{
	struct folder *f;

	HASH_FIND(hh, folders, key, sizeof(*key), f);
	return f;
}

/* What the peer opened is a directory, opened for reading, and what it names:
 * the kernel and the peer's own jail let it in. */
static int
check_proof(int fd, const char *relative, struct folder_key *key,
    struct err *err)
{
	struct folder_key named;
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (flags & O_PATH) ||
	    (flags & O_ACCMODE) != O_RDONLY)
		return err_perm(err, "5.7.1", "descriptor proves nothing");
	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_perm(err, "5.7.1", "not a directory");
	memset(key, 0, sizeof(*key));
	key->dev = st.st_dev;
	key->ino = st.st_ino;
	if (!notices_stat(relative, &named) || named.dev != key->dev ||
	    named.ino != key->ino)
		return err_perm(err, "5.7.1", "not the folder that it names");
	return 0;
}

struct folder *
folder_get(int fd, const char *relative, struct err *err)
{
	struct folder_key key;
	struct folder *f;

	if (check_proof(fd, relative, &key, err) < 0)
		return NULL;
	f = lookup(&key);
	if (f != NULL)
		return f;
	if ((int64_t)HASH_COUNT(folders) >= conf.watches) {
		err_temp(err, "4.3.2", "more than %lld folders",
		    (long long)conf.watches);
		return NULL;
	}
	f = xcalloc(1, sizeof(*f));
	f->key = key;
	inotify_watch(f, fd);
	f->slot = inotify_covers(f) ? -1 : board_take(relative);
	HASH_ADD(hh, folders, key, sizeof(f->key), f);
	return f;
}

void
folder_add(struct folder *f, struct watch *w)
{
	w->folder = f;
	w->next = f->watches;
	w->prev = &f->watches;
	if (w->next != NULL)
		w->next->prev = &w->next;
	f->watches = w;
}

static void
free_folder(struct folder *f)
{
	struct folder **p = &pending;

	while (f->pending && *p != f)
		p = &(*p)->next_pending;
	if (f->pending) {
		*p = f->next_pending;
		if (last == &f->next_pending)
			last = p;
	}
	inotify_unwatch(f);
	board_give(f->slot);
	HASH_DEL(folders, f);
	free(f);
}

void
folder_leave(struct folder *f, struct watch *w)
{
	*w->prev = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	w->folder = NULL;
	if (f->watches == NULL)
		free_folder(f);
}

static void
tell(struct folder *f, int64_t now)
{
	struct watch *w;

	f->told = now;
	for (w = f->watches; w != NULL; w = w->next)
		watch_report(w, CHANGED);
}

void
folder_changed(struct folder *f)
{
	struct timeval tv = { conf.interval / 1000,
		conf.interval % 1000 * 1000 };
	int64_t now = mono_ms();

	if (f->pending)
		return;
	if (now - f->told >= conf.interval) {
		tell(f, now);
		return;
	}
	f->pending = true;
	f->next_pending = NULL;
	*last = f;
	last = &f->next_pending;
	if (!evtimer_pending(tick, NULL))
		evtimer_add(tick, &tv);
}

static void
on_tick(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	struct folder *f = pending, *next;
	int64_t now = mono_ms();

	pending = NULL;
	last = &pending;
	for (; f != NULL; f = next) {
		next = f->next_pending;
		f->pending = false;
		tell(f, now);
	}
}

void
folder_lost(struct folder *f)
{
	struct watch *w;

	while ((w = f->watches) != NULL) {
		bool end = w->next == NULL;

		folder_leave(f, w);	/* the last one takes f with it */
		watch_report(w, REFUSED);
		if (end)
			return;
	}
}

void
folder_all_changed(void)
{
	struct folder *f, *tmp;

	HASH_ITER(hh, folders, f, tmp)
		folder_changed(f);
}

struct folder *
folder_find(const char *relative)
{
	struct folder_key key;

	return notices_stat(relative, &key) ? lookup(&key) : NULL;
}

int
folder_start(struct err *err)
{
	tick = evtimer_new(hub_base, on_tick, NULL);
	return tick != NULL ? 0 : err_temp(err, "4.3.0", "evtimer_new");
}
