/*
 * select.c - opening and leaving folders.
 */
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

struct mailbox *
select_other(struct session *s, const char *name, struct err *err)
{
	if (s->mb != NULL && !s->readonly && strcmp(s->name, name) == 0)
		return s->mb;
	if (s->other != NULL && strcmp(s->other_name, name) == 0) {
		if (mailbox_refresh(s->other, err) < 0)
			return NULL;
		mailbox_purge(s->other, NULL, NULL);
		return s->other;
	}
	select_forget(s);
	if (share_place(s, name, 0, &s->other_place, &s->other_rights,
	    err) < 0)
		return NULL;
	s->other = mailbox_open(&s->other_place, MAILBOX_NO_RECENT, err);
	if (s->other == NULL) {
		tree_place_end(&s->other_place);
		return NULL;
	}
	s->other_name = xstrdup(name);
	return s->other;
}

unsigned
select_rights(const struct session *s, const struct mailbox *mb)
{
	return mb == s->mb ? s->rights : s->other_rights;
}
