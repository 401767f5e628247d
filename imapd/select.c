/*
 * select.c - opening and leaving folders.
 */
#include <sys/stat.h>

#include "context.h"
#include "share.h"

int
select_open(struct session *s, const char *name, bool readonly,
    struct err *err)
{
	if (share_place(s, name, ACL_READ, &s->place, &s->rights, err) < 0)
		return -1;
	if (!(s->rights & (ACL_SEEN | ACL_WRITE | ACL_DELETE | ACL_EXPUNGE)))
		readonly = true;
	s->mb = mailbox_open(&s->place, readonly ? MAILBOX_READONLY : 0, err);
	if (s->mb == NULL) {
		tree_place_end(&s->place);
		return -1;
	}
	s->name = xstrdup(name);
	s->readonly = readonly || s->mb->readonly;
	s->told = 0;
	s->worked = 0;
	s->kw_told = 0;
	s->dirty = true;
	s->imap.state = IN_SELECTED;
	return 0;
}

void
select_close(struct session *s)
{
	select_forget(s);
	if (s->mb == NULL)
		return;
	context_end(s);
	if (s->mb->passing) {	/* nobody will ask for these again */
		meta_flush(s->meta);
		meta_forget(s->meta, s->mb->id);
		fts_forget(s->fts, s->mb->id);
	}
	mailbox_close(s->mb);
	meta_flush(s->meta);
	tree_place_end(&s->place);
	free(s->name);
	s->mb = NULL;
	s->name = NULL;
	s->told = 0;
	s->result = (struct imap_seqset){ 0 };
	arena_reset(&s->result_arena);
	s->imap.state = IN_AUTH;
}

void
select_forget(struct session *s)
{
	if (s->other == NULL)
		return;
	mailbox_close(s->other);
	tree_place_end(&s->other_place);
	free(s->other_name);
	s->other = NULL;
	s->other_name = NULL;
}

static bool
same_folder(const struct mailbox_place *p, const struct mailbox_place *q)
{
	struct stat a, b;

	return fstat(p->dir, &a) == 0 && fstat(q->dir, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The name is looked up each time: others rename folders, make another of the
 * same name, and take rights away. */
struct mailbox *
select_other(struct session *s, const char *name, struct err *err)
{
	struct mailbox_place p;
	unsigned rights;
	bool same;

	if (share_place(s, name, 0, &p, &rights, err) < 0)
		return NULL;
	if (s->mb != NULL && !s->readonly && strcmp(s->name, name) == 0 &&
	    same_folder(&p, &s->place)) {
		tree_place_end(&p);
		s->rights = rights;
		return s->mb;
	}
	same = s->other != NULL && strcmp(s->other_name, name) == 0 &&
	    same_folder(&p, &s->other_place);
	if (same) {
		tree_place_end(&p);
		s->other_rights = rights;
		if (mailbox_refresh(s->other, err) < 0)
			return NULL;
		mailbox_purge(s->other, NULL, NULL);
		return s->other;
	}
	select_forget(s);
	s->other = mailbox_open(&p, MAILBOX_NO_RECENT, err);
	if (s->other == NULL) {
		tree_place_end(&p);
		return NULL;
	}
	s->other_place = p;
	s->other_rights = rights;
	s->other_name = xstrdup(name);
	return s->other;
}

unsigned
select_rights(const struct session *s, const struct mailbox *mb)
{
	return mb == s->mb ? s->rights : s->other_rights;
}
