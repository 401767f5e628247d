/*
 * cmd_folder.c - CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE: RFC 3501 and
 * 9051 section 6.3, RFC 6154 (CREATE-SPECIAL-USE), RFC 8474 (MAILBOXID).
 */
#include "base/log.h"
#include "imap/mutf7.h"
#include "share.h"

/* a name that a client may give to a new folder; a / at its end only says
 * that there will be children */
static bool
take_new_name(struct session *s, struct slice *name)
{
	const char *why;

	if (!imap_lex_mailbox(&s->imap.lex, name))
		return false;
	if (name->n > 1 && name->p[name->n - 1] == '/') {
		name->n--;
		name->p = arena_slice(&s->imap.arena, *name);
	}
	why = imap_name_check(*name, '/', IMAP_NAME_NEW);
	if (why != NULL)
		return imap_lex_fail(&s->imap.lex, IMAP_LEX_NO, "CANNOT",
		    "%s", why);
	return true;
}

static const char *const uses[] = { "\\Archive", "\\Drafts", "\\Important",
	"\\Junk", "\\Sent", "\\Trash" };

/* (USE (\Sent)) */
static const char *
parse_use(struct session *s)
{
	struct imap_lex *l = &s->imap.lex;
	struct slice use = { 0 };
	size_t i, n = 0;

	imap_lex_char(l, '(');
	if (!imap_lex_try_word(l, "USE"))
		imap_lex_expected(l, "USE");
	imap_lex_sp(l);
	for (imap_lex_open(l); imap_lex_next(l); n++) {
		imap_lex_char(l, '\\');
		imap_lex_atom(l, &use);
	}
	imap_lex_char(l, ')');
	if (!imap_lex_ok(l) || n == 0)
		return NULL;
	for (i = 0; i < ARRAY_LEN(uses); i++)
		if (n == 1 && slice_ieqz(use, uses[i] + 1))
			return uses[i];
	imap_lex_fail(l, IMAP_LEX_NO, "USEATTR",
	    "one use, and one that is known");
	return NULL;
}

static void
created(struct session *s, const char *name)
{
	struct mailbox_place p;
	struct mailbox_status st;
	struct err err = ERR_INIT;
	char code[64];
	unsigned rights;
	int r = share_place(s, name, 0, &p, &rights, &err);

	if (r == 0) {
		r = mailbox_status(&p, &st, &err);
		tree_place_end(&p);
	}
	if (r == 0)
		snprintf(code, sizeof(code), "MAILBOXID (%s)", st.id);
	else
		log_event(LOG_WARN, "mailbox", KS("user", s->user->name),
		    KS("folder", name), KERR(&err), KEND);
	imap_ok(&s->imap, r == 0 ? code : NULL, "created");
}

void
cmd_create(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct slice name = { 0 };
	const char *use = NULL, *local;
	struct err err = ERR_INIT;
	struct tree *t;

	imap_lex_sp(l);
	take_new_name(s, &name);
	if (imap_lex_try_sp(l))
		use = parse_use(s);
	if (!imap_args_end(&s->imap))
		return;
	t = share_tree(s, name.p, &local, &err);
	if (t == NULL || tree_create(t, local, use, &err) < 0)
		imap_fail(&s->imap, &err);
	else
		created(s, name.p);
}

/* The view of a folder that goes is closed, which RFC 9051 section 6.3.5
 * lets a server do with [CLOSED]. */
static void
leave(struct session *s, const char *name)
{
	size_t n = strlen(name);

	select_forget(s);
	if (s->mb == NULL || strncmp(s->name, name, n) != 0 ||
	    (s->name[n] != '\0' && s->name[n] != '/') ||
	    strcmp(name, "INBOX") == 0)
		return;
	select_close(s);
	imap_say(&s->imap, "OK [CLOSED] the mailbox is gone");
}

/* NO for what may not be removed or renamed: who can not see the folder is not
 * told that it is there */
static void
hidden(struct session *s, const char *name, const struct err *err)
{
	struct err none = ERR_INIT;
	unsigned rights;

	imap_fail(&s->imap, share_place(s, name, 0, NULL, &rights, &none) < 0
	    ? &none : err);
}

void
cmd_delete(void *session)
{
	struct session *s = session;
	struct slice name = { 0 };
	struct mailbox_place p;
	struct mailbox_status st;
	struct err err = ERR_INIT;
	const char *local;
	struct tree *t;
	bool known = false;

	imap_lex_sp(&s->imap.lex);
	imap_lex_mailbox(&s->imap.lex, &name);
	if (!imap_args_end(&s->imap))
		return;
	t = share_tree(s, name.p, &local, &err);
	if (t == NULL) {
		hidden(s, name.p, &err);
		return;
	}
	if (tree_place(t, local, &p, &err) == 0) {
		known = mailbox_status(&p, &st, &err) == 0;
		tree_place_end(&p);
	}
	if (s->mb != NULL && strcmp(s->name, name.p) == 0)
		leave(s, name.p);
	select_forget(s);
	if (tree_delete(t, local, &err) < 0) {
		imap_fail(&s->imap, &err);
		return;
	}
	if (known) {
		meta_forget(s->meta, st.id);
		fts_forget(s->fts, st.id);
	}
	imap_ok(&s->imap, NULL, "deleted");
}

void
cmd_rename(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct slice from = { 0 }, to = { 0 };
	const char *old, *new;
	struct tree *t;
	struct err err = ERR_INIT;

	imap_lex_sp(l);
	imap_lex_mailbox(l, &from);
	imap_lex_sp(l);
	take_new_name(s, &to);
	if (!imap_args_end(&s->imap))
		return;
	t = share_tree(s, from.p, &old, &err);
	if (t == NULL) {
		hidden(s, from.p, &err);
		return;
	}
	if (share_tree(s, to.p, &new, &err) != t) {
		imap_no(&s->imap, "CANNOT", "not to there");
		return;
	}
	leave(s, from.p);
	if (tree_rename(t, old, new, &err) < 0) {
		imap_fail(&s->imap, &err);
		return;
	}
	share_renamed(s, to.p);
	imap_ok(&s->imap, NULL, "renamed");
}

static void
subscribe(struct session *s, bool on)
{
	struct slice name = { 0 };
	struct err err = ERR_INIT;

	imap_lex_sp(&s->imap.lex);
	imap_lex_mailbox(&s->imap.lex, &name);
	if (!imap_args_end(&s->imap))
		return;
	if (tree_subscribe(&s->tree, name.p, on, &err) < 0)
		imap_fail(&s->imap, &err);
	else
		imap_ok(&s->imap, NULL, on ? "subscribed" : "unsubscribed");
}

void
cmd_subscribe(void *session)
{
	subscribe(session, true);
}

void
cmd_unsubscribe(void *session)
{
	subscribe(session, false);
}
