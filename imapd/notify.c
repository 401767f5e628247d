/*
 * notify.c - what NOTIFY asked for is compared with what the client knows: a
 * list of folders, each with the inode of its directory (a rename is the same
 * inode of another name) and its last status.
 */
#include "notify_part.h"

#include "base/clock.h"
#include "share.h"
#include "status.h"
#include "store/notice.h"
#include "store/watcher.h"

struct watched {
	char *name;
	unsigned flags;		/* FOLDER_... */
	unsigned events;	/* of the group that has it */
	ino_t ino;
	int id;			/* the watcher's, -1 */
	bool changed, kept, meta_changed;
	struct mailbox_status st;
	struct notify_meta meta;
};

static bool
listed(const struct strlist *names, const char *name, bool below)
{
	size_t i, n;

	for (i = 0; i < names->n; i++) {
		n = strlen(names->v[i]);
		if (strncmp(name, names->v[i], n) == 0 && (name[n] == '\0' ||
		    (below && name[n] == '/')))
			return true;
	}
	return false;
}

static bool
covers(const struct notify_group *g, const struct folder *f)
{
	switch (g->filter) {
	case FILTER_INBOXES:
		return strcmp(f->name, "INBOX") == 0;
	case FILTER_PERSONAL:
		return !share_foreign(f->name);
	case FILTER_SUBSCRIBED:
		return f->flags & FOLDER_SUBSCRIBED;
	case FILTER_SUBTREE:
		return listed(&g->names, f->name, true);
	case FILTER_MAILBOXES:
		return listed(&g->names, f->name, false);
	default:
		return false;
	}
}

/* of the first group that has the folder */
static unsigned
events_of(const struct notify *n, const struct folder *f)
{
	size_t i;

	for (i = 0; i < n->n; i++)
		if (covers(&n->group[i], f))
			return n->group[i].events;
	return 0;
}

static bool
is_selected(const struct session *s, const char *name)
{
	return s->mb != NULL && strcmp(s->name, name) == 0;
}

/* INBOX's directory .state tells of changes of the tree */
static bool
to_watch(const struct session *s, const struct watched *w)
{
	const struct notify *n = s->notify;

	return w->flags & FOLDER_EXISTS && (w->events & (NOTIFY_MESSAGES |
	    NOTIFY_META) || (strcmp(w->name, "INBOX") == 0 && n->wanted &
	    (NOTIFY_NAME | NOTIFY_SUBSCRIPTION | NOTIFY_SERVER_META)) ||
	    (n->selected != NULL && is_selected(s, w->name)));
}

static void
set_watch(struct session *s, struct watched *w)
{
	struct mailbox_place p;
	struct str path = STR_INIT;
	unsigned rights;
	struct err err;
	bool want = to_watch(s, w);

	if (want && w->id < 0 && s->watcher != NULL &&
	    share_place(s, w->name, ACL_READ, &p, &rights, &err) == 0) {
		if (notice_path(p.dir, &path) == 0)
			w->id = watcher_add(s->watcher, path.s);
		tree_place_end(&p);
	} else if (!want && w->id >= 0) {
		watcher_del(s->watcher, w->id);
		w->id = -1;
	}
	str_free(&path);
}

static void
drop(struct session *s, struct watched *w)
{
	if (w->id >= 0)
		watcher_del(s->watcher, w->id);
	notify_meta_free(&w->meta);
	free(w->name);
}

static int
look(struct session *s, const char *name, struct mailbox_status *st)
{
	struct mailbox_place p;
	unsigned rights;
	struct err err;
	int r = share_place(s, name, ACL_READ, &p, &rights, &err);

	if (r == 0) {
		r = mailbox_status(&p, st, &err);
		tree_place_end(&p);
	}
	return r;
}

static void
put_status(struct session *s, const struct watched *w)
{
	struct str out = STR_INIT;

	str_adds(&out, "* STATUS ");
	imap_put_mailbox(&out, slice_of(w->name), utf8(s));
	str_addf(&out, " (MESSAGES %llu UIDNEXT %u UIDVALIDITY %u UNSEEN %llu",
	    (unsigned long long)w->st.messages, (unsigned)w->st.uidnext,
	    (unsigned)w->st.uidvalidity, (unsigned long long)w->st.unseen);
	if (enabled(s, ENABLED_CONDSTORE))
		str_addf(&out, " HIGHESTMODSEQ %llu",
		    (unsigned long long)w->st.modseq);
	str_adds(&out, ")\r\n");
	imap_put(&s->imap, &out);
	str_free(&out);
}

static void
put_list(struct session *s, const struct watched *w, const char *attribute,
    const char *old)
{
	struct str out = STR_INIT;

	str_addf(&out, "* LIST (%s) \"/\" ", attribute);
	imap_put_mailbox(&out, slice_of(w->name), utf8(s));
	if (old != NULL) {
		str_adds(&out, " (\"OLDNAME\" (");
		imap_put_mailbox(&out, slice_of(old), utf8(s));
		str_adds(&out, "))");
	}
	str_adds(&out, "\r\n");
	imap_put(&s->imap, &out);
	str_free(&out);
}

/* ---- the list of folders ------------------------------------------------ */

static ino_t
inode(struct session *s, const char *name)
{
	struct mailbox_place p;
	struct stat st = { .st_ino = 0 };
	unsigned rights;
	struct err err;

	if (share_place(s, name, 0, &p, &rights, &err) < 0)
		return 0;
	if (fstat(p.dir, &st) < 0)
		st.st_ino = 0;
	tree_place_end(&p);
	return st.st_ino;
}

/* the new list from the folders that are there; NULL: too many, or trouble */
static struct watched *
take_list(struct session *s, size_t *n_r)
{
	struct folder_list all;
	struct watched *v, *w;
	struct err err;
	size_t i, n = 0;

	if (tree_list(&s->tree, &s->imap.arena, &all, &err) < 0)
		return NULL;
	share_list(s, &all);
	v = xcalloc(all.n + 1, sizeof(*v));
	for (i = 0; i < all.n; i++) {
		w = &v[n];
		*w = (struct watched){ .flags = all.v[i].flags, .id = -1,
			.meta.list = STR_INIT,
			.events = events_of(s->notify, &all.v[i]) };
		if (w->events == 0 && strcmp(all.v[i].name, "INBOX") != 0 &&
		    !is_selected(s, all.v[i].name))
			continue;
		w->name = xstrdup(all.v[i].name);
		if (w->flags & FOLDER_EXISTS)
			w->ino = inode(s, w->name);
		n++;
	}
	*n_r = n;
	if (n <= NOTIFY_FOLDERS)
		return v;
	while (n > 0)
		free(v[--n].name);
	free(v);
	return NULL;
}

static struct watched *
find(struct watched *v, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			return &v[i];
	return NULL;
}

/* the folder of the old list that has this inode, and no longer its name */
static struct watched *
renamed(struct notify *n, struct watched *new, size_t n_new,
    const struct watched *w)
{
	struct watched *o;
	size_t i;

	for (i = 0; i < n->n_watched; i++) {
		if (n->v[i].ino != w->ino || w->ino == 0)
			continue;
		o = find(new, n_new, n->v[i].name);
		if (o == NULL || o->ino != w->ino)
			return &n->v[i];
	}
	return NULL;
}

static void
tell_name(struct session *s, struct watched *w, struct watched *old,
    struct watched *from)
{
	bool sub = w->flags & FOLDER_SUBSCRIBED;
	bool is = w->flags & FOLDER_EXISTS;
	bool was = old != NULL && old->flags & FOLDER_EXISTS;
	bool was_sub = old != NULL && old->flags & FOLDER_SUBSCRIBED;

	if (w->events & NOTIFY_NAME && is && (!was || old->ino != w->ino))
		put_list(s, w, sub ? "\\Subscribed" : "", from != NULL ?
		    from->name : NULL);
	else if (w->events & NOTIFY_NAME && !is && was)
		put_list(s, w, "\\NonExistent", NULL);
	else if (w->events & NOTIFY_SUBSCRIPTION && sub != was_sub)
		put_list(s, w, !is ? sub ? "\\NonExistent \\Subscribed" :
		    "\\NonExistent" : sub ? "\\Subscribed" : "", NULL);
}

/* what the watcher and the client know of it goes over to the new list */
static void
keep(struct watched *w, struct watched *old)
{
	w->st = old->st;
	w->changed = old->changed;
	if (w->ino != old->ino)
		return;
	w->id = old->id;
	old->id = -1;
	w->meta = old->meta;
	w->meta_changed = old->meta_changed;
	old->meta = (struct notify_meta){ .list = STR_INIT };
}

static void
compare(struct session *s, struct watched *v, size_t n)
{
	struct notify *no = s->notify;
	struct watched *old, *from;
	size_t i;

	for (i = 0; i < n; i++) {
		old = find(no->v, no->n_watched, v[i].name);
		from = renamed(no, v, n, &v[i]);
		tell_name(s, &v[i], old, from);
		if (from != NULL)
			from->kept = true;
		if (old != NULL) {
			old->kept = true;
			keep(&v[i], old);
		}
	}
	for (i = 0; i < no->n_watched; i++) {
		old = &no->v[i];
		if (!old->kept && old->flags & FOLDER_EXISTS &&
		    old->events & NOTIFY_NAME)
			put_list(s, old, "\\NonExistent", NULL);
		else if (!old->kept && old->flags & FOLDER_SUBSCRIBED &&
		    old->events & NOTIFY_SUBSCRIPTION)
			put_list(s, old, "", NULL);
		drop(s, old);
	}
	free(no->v);
	no->v = v;
	no->n_watched = n;
}

static void
overflow(struct session *s)
{
	notify_stop(s);
	imap_say(&s->imap, "OK [NOTIFICATIONOVERFLOW] nothing is told from "
	    "now on");
}

/* Annotations: of folders that are new here quietly and, with tell, of those
 * that the watcher named. */
static void
look_at_meta(struct session *s, bool tell)
{
	struct notify *n = s->notify;
	struct watched *w;
	size_t i, size = 0;

	if (n->wanted & NOTIFY_SERVER_META && (!n->server->known ||
	    (tell && n->meta_changed)))
		notify_meta_look(s, "", n->server, tell);
	n->meta_changed &= !tell;
	for (i = 0; i < n->n_watched; i++) {
		w = &n->v[i];
		if (!(w->events & NOTIFY_META) || !(w->flags & FOLDER_EXISTS))
			continue;
		if (!w->meta.known || (tell && w->meta_changed))
			notify_meta_look(s, w->name, &w->meta, tell);
		w->meta_changed &= !tell;
		size += w->meta.list.len;
	}
	if (size > NOTIFY_META_MAX)
		overflow(s);
}

/* take the list anew; quiet: the client knows it */
static void
update_tree(struct session *s, bool quiet)
{
	struct notify *n = s->notify;
	struct watched *v;
	size_t i, count;

	n->tree_changed = false;
	v = take_list(s, &count);
	if (v == NULL) {
		overflow(s);
		return;
	}
	if (quiet) {
		n->v = v;
		n->n_watched = count;
	} else {
		compare(s, v, count);
	}
	for (i = 0; i < n->n_watched; i++) {
		set_watch(s, &n->v[i]);
		if (n->v[i].st.uidvalidity == 0 && n->v[i].events &
		    NOTIFY_MESSAGES && n->v[i].flags & FOLDER_EXISTS)
			(void)look(s, n->v[i].name, &n->v[i].st);
	}
	look_at_meta(s, false);
}

/* ---- news --------------------------------------------------------------- */

static void
tell_selected(struct session *s)
{
	const struct notify_group *g = s->notify->selected;
	uint32_t last = s->told > 0 ? s->mb->msg[s->told - 1].uid : 0;
	size_t from;

	if (g->events == 0)
		return;
	view_sync(s, g->filter == FILTER_SELECTED ? VIEW_EXPUNGE : 0);
	if (s->mb == NULL)
		return;
	from = mailbox_find(s->mb, last + 1);
	if (g->items != NULL && from < s->told)
		fetch_report(s, g->items, from);
}

static void
tell_folder(struct session *s, struct watched *w)
{
	struct mailbox_status st;
	unsigned what = 0;

	w->changed = false;
	if (look(s, w->name, &st) < 0)
		return;
	if (st.uidnext != w->st.uidnext || st.messages != w->st.messages ||
	    st.uidvalidity != w->st.uidvalidity)
		what = NOTIFY_NEW | NOTIFY_EXPUNGE;
	else if (st.modseq != w->st.modseq)
		what = NOTIFY_FLAGS;
	w->st = st;
	if (what & w->events)
		put_status(s, w);
}

static void
note(struct session *s, int id)
{
	struct notify *n = s->notify;
	size_t i;

	for (i = 0; i < n->n_watched; i++) {
		if (n->v[i].id != id)
			continue;
		n->v[i].changed = n->v[i].meta_changed = true;
		if (strcmp(n->v[i].name, "INBOX") == 0)
			n->tree_changed = n->meta_changed = true;
	}
}

/* what nobody may have told of: foreign programs that make folders */
static void
look_at_times(struct notify *n)
{
	if (mono_ms() - n->looked < conf.idle_poll)
		return;
	n->looked = mono_ms();
	n->tree_changed = true;
}

static void
poll_all(struct session *s)
{
	struct notify *n = s->notify;
	struct watched *w;
	size_t i;
	int id;

	while (s->watcher != NULL && (id = watcher_next(s->watcher)) >= 0)
		note(s, id);
	look_at_times(n);
	if (n->selected != NULL && s->mb != NULL) {
		w = find(n->v, n->n_watched, s->name);
		if (w == NULL)
			n->tree_changed = true;
		else
			set_watch(s, w);
		tell_selected(s);
	}
	if (n->tree_changed)
		update_tree(s, false);
	if (s->notify == NULL)
		return;
	for (i = 0; i < n->n_watched; i++)
		if (n->v[i].changed && n->v[i].events & NOTIFY_MESSAGES &&
		    !is_selected(s, n->v[i].name))
			tell_folder(s, &n->v[i]);
	look_at_meta(s, true);
}

void
notify_meta_own(struct session *s, const char *name, bool done)
{
	struct notify *n = s->notify;
	struct watched *w;

	if (n == NULL)
		return;
	if (name[0] == '\0' && n->wanted & NOTIFY_SERVER_META)
		notify_meta_look(s, name, n->server, !done);
	w = find(n->v, n->n_watched, name);
	if (w != NULL && w->events & NOTIFY_META && w->flags & FOLDER_EXISTS)
		notify_meta_look(s, name, &w->meta, !done);
}

void
notify_poll(struct session *s)
{
	struct arena kept = s->imap.arena;	/* IDLE's tag is in it */

	s->imap.arena = (struct arena){ 0 };
	poll_all(s);
	arena_free(&s->imap.arena);
	s->imap.arena = kept;
}

void
notify_between(void *session)
{
	struct session *s = session;
	struct io *io = s->imap.io;
	int64_t end = mono_ms() + conf.timeout;
	bool shrunk = false;
	enum session_wait r = WAIT_ON;

	while (!io->failed && s->notify != NULL && r == WAIT_ON) {
		if (io_pending(io) > 0 || (io->layer != NULL &&
		    io->layer->pending(io->layer->ctx)))
			return;
		notify_poll(s);
		io_flush(io);
		r = session_wait(s, end, &shrunk);
	}
	if (r == WAIT_STOP && mono_ms() >= end) {
		imap_say(&s->imap, "BYE idle too long");
		s->imap.end = "timeout";
	}
}

void
notify_start(struct session *s, struct notify *n, bool status)
{
	struct err err;
	size_t i;

	notify_stop(s);
	if (s->watcher == NULL)
		s->watcher = watcher_new(&err);
	s->notify = n;
	n->server = xcalloc(1, sizeof(*n->server));
	n->server->list = (struct str)STR_INIT;
	n->looked = mono_ms();
	update_tree(s, true);
	if (s->notify == NULL)
		return;
	for (i = 0; status && i < n->n_watched; i++)
		if (n->v[i].events & NOTIFY_MESSAGES && n->v[i].flags &
		    FOLDER_EXISTS && !is_selected(s, n->v[i].name))
			put_status(s, &n->v[i]);
	s->imap.wait = notify_between;
}

void
notify_stop(struct session *s)
{
	struct notify *n = s->notify;
	size_t i;

	s->imap.wait = NULL;
	s->notify = NULL;
	if (n == NULL)
		return;
	for (i = 0; i < n->n_watched; i++)
		drop(s, &n->v[i]);
	notify_meta_free(n->server);
	free(n->server);
	free(n->v);
	arena_free(&n->arena);
	free(n);
}
