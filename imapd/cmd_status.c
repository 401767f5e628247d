/*
 * cmd_status.c - STATUS: RFC 3501 and 9051 section 6.3.11, RFC 7162
 * (HIGHESTMODSEQ), 7889 (APPENDLIMIT), 8438 (SIZE), 8474 (MAILBOXID), 9208
 * (DELETED-STORAGE).
 */
#include "share.h"
#include "status.h"

enum { ITEM_MESSAGES, ITEM_RECENT, ITEM_UIDNEXT, ITEM_UIDVALIDITY,
	ITEM_UNSEEN, ITEM_DELETED, ITEM_SIZE, ITEM_MODSEQ, ITEM_ID,
	ITEM_LIMIT, ITEM_DELETED_SIZE, ITEMS };
static const char *const names[ITEMS] = { "MESSAGES", "RECENT", "UIDNEXT",
	"UIDVALIDITY", "UNSEEN", "DELETED", "SIZE", "HIGHESTMODSEQ",
	"MAILBOXID", "APPENDLIMIT", "DELETED-STORAGE" };

bool
status_items(struct imap_lex *l, unsigned *items_r)
{
	unsigned i;

	*items_r = 0;
	for (imap_lex_open(l); imap_lex_next(l); ) {
		for (i = 0; i < ITEMS; i++)
			if (imap_lex_try_word(l, names[i]))
				break;
		if (i == ITEMS)
			return imap_lex_expected(l, "a STATUS item");
		*items_r |= 1U << i;
	}
	return *items_r != 0 || imap_lex_expected(l, "a STATUS item");
}

static void
put_item(struct str *out, unsigned item, const struct mailbox_status *st)
{
	const uint64_t numbers[ITEMS] = { st->messages, st->recent,
		st->uidnext, st->uidvalidity, st->unseen, st->deleted,
		st->size, st->modseq, 0, (uint64_t)conf.message_size,
		st->deleted_size };

	if (item == ITEM_ID)
		str_addf(out, "%s (%s)", names[item], st->id);
	else
		str_addf(out, "%s %llu", names[item],
		    (unsigned long long)numbers[item]);
}

int
status_put(struct session *s, const char *name, unsigned items,
    struct str *out, struct err *err)
{
	struct mailbox_place p;
	struct mailbox_status st;
	bool first = true;
	unsigned i, rights;
	int r;

	if (share_place(s, name, ACL_READ, &p, &rights, err) < 0)
		return -1;
	r = mailbox_status(&p, &st, err);
	tree_place_end(&p);
	if (r < 0)
		return -1;
	str_adds(out, "* STATUS ");
	imap_put_mailbox(out, slice_of(name), utf8(s));
	str_adds(out, " (");
	for (i = 0; i < ITEMS; i++) {
		if (!(items & 1U << i))
			continue;
		if (!first)
			str_addc(out, ' ');
		first = false;
		put_item(out, i, &st);
	}
	str_adds(out, ")\r\n");
	if (items & 1U << ITEM_MODSEQ)
		session_condstore(s);
	return 0;
}

void
cmd_status(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct str out = STR_INIT;
	struct slice name = { 0 };
	struct err err = ERR_INIT;
	unsigned items;

	imap_lex_sp(l);
	imap_lex_mailbox(l, &name);
	imap_lex_sp(l);
	status_items(l, &items);
	if (!imap_args_end(&s->imap))
		return;
	if (status_put(s, name.p, items, &out, &err) == 0) {
		imap_put(&s->imap, &out);
		imap_ok(&s->imap, NULL, "that is the status");
	} else {
		imap_fail(&s->imap, &err);
	}
	str_free(&out);
}
