/*
 * cmd_replace.c - REPLACE: RFC 8508.  The new message is durable before the old
 * one goes.
 */
#include "append.h"
#include "share.h"

static void
replace(struct session *s, struct mailbox *mb, struct mailbox_add *add,
    const struct index_list *old)
{
	struct str code = STR_INIT;
	struct err err = ERR_INIT;
	uint32_t first;

	if (mailbox_add_commit(add, &first, &err) < 0) {
		imap_fail(&s->imap, &err);
		return;
	}
	s->appended++;
	if (mb == s->mb)
		s->dirty = true;
	append_code(mb, first, 1, &code);
	imap_say(&s->imap, "OK [%s] the new one is there", code.s);
	str_free(&code);
	if (expunge_indexes(s, old->v, old->n, &err) < 0)
		imap_fail(&s->imap, &err);
	else
		expunge_ok(s, old->n, "replaced");
}

void
cmd_replace(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct imap_seqset set = { 0 };
	struct index_list old;
	struct mailbox_add *add;
	struct slice name = { 0 };
	struct mailbox *mb;
	uint32_t n = 0;

	imap_lex_sp(l);
	if (!imap_lex_nz_number(l, &n))
		return;
	imap_lex_sp(l);
	if (!imap_lex_mailbox(l, &name))
		return;
	imap_seqset_add(&set, &s->imap.arena, n);
	if (!view_resolve(s, &set, l->uid, &old))
		return;
	if (s->readonly || old.n == 0) {
		imap_lex_fail(l, IMAP_LEX_NO, old.n == 0 ? "NONEXISTENT" : "",
		    s->readonly ? "the mailbox is open read-only" :
		    "there is no such message");
		return;
	}
	if (~s->rights & (ACL_DELETE | ACL_EXPUNGE)) {
		imap_lex_fail(l, IMAP_LEX_NO, "NOPERM",
		    "your rights do not allow it");
		return;
	}
	mb = append_folder(s, name);
	if (mb == NULL)
		return;
	add = mailbox_add_new(mb);
	append_message(s, mb, add);
	if (imap_args_end(&s->imap))
		replace(s, mb, add, &old);
	mailbox_add_free(add);
}
