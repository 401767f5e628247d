/*
 * mbox_status.c - STATUS: a view that lives for one count.
 */
#include "store/mbox.h"

int
mailbox_status(const struct mailbox_place *p, struct mailbox_status *st,
    struct err *err)
{
	struct mailbox *mb = mailbox_open(p, MAILBOX_NO_RECENT, err);
	const struct mailbox_msg *m;
	size_t i;

	memset(st, 0, sizeof(*st));
	if (mb == NULL)
		return -1;
	for (i = 0; i < mb->n; i++) {
		m = &mb->msg[i];
		st->messages++;
		st->recent += (m->flags & MSG_RECENT) != 0;
		st->unseen += !(m->flags & MSG_SEEN);
		st->deleted += (m->flags & MSG_DELETED) != 0;
		st->size += m->wsize;
		if (m->flags & MSG_DELETED)
			st->deleted_size += m->wsize;
	}
	st->uidnext = mb->uidnext;
	st->uidvalidity = mb->uidvalidity;
	st->modseq = mb->modseq;
	memcpy(st->id, mb->id, sizeof(st->id));
	mbox_leave(mb);
	return 0;
}
