/*
 * cmd_copy.c - COPY and MOVE: RFC 3501 and 9051 section 6.4.7, RFC 6851,
 * RFC 4315 (COPYUID).  A message is linked, not copied; of a MOVE the copy is
 * durable before the original goes, and nobody else can take either meanwhile.
 */
#include "body.h"
#include "session.h"
#include "store/acl.h"

struct copy {
	struct slice name;
	struct imap_seqset set;
	struct index_list list;
	struct mailbox *to;
	uint32_t first;		/* UID of the first copy */
	struct str code;	/* COPYUID ... */
	bool *mine;		/* MOVE: which of the list were not taken by
				 * others before; else NULL */
};

static bool
parse(struct session *s, struct copy *c)
{
	struct imap_lex *l = &s->imap.lex;

	memset(c, 0, sizeof(*c));
	c->code = (struct str)STR_INIT;
	imap_lex_sp(l);
	imap_lex_seqset(l, &c->set);
	imap_lex_sp(l);
	imap_lex_mailbox(l, &c->name);
	return imap_args_end(&s->imap) &&
	    view_resolve(s, &c->set, l->uid, &c->list);
}

/* where not all flags may be set: a message of the same bytes */
static int
copy_some(struct session *s, struct mailbox_add *add, size_t i,
    unsigned rights, struct err *err)
{
	struct mailbox_attrs at = { .date = mailbox_date(s->mb, i) };
	struct arena arena = { 0 };
	struct body b = { .arena = &arena };
	struct mailbox_keywords kw;
	struct flags_change c;
	struct slice *names;
	size_t k;
	int r;

	/* it may look for the file, and read the log meanwhile */
	if (body_open(&b, s, i, err) < 0)
		/* of what is gone that is told, or a MOVE leaves it out */
		return s->mb->msg[i].flags & MSG_GONE ?
		    mailbox_add_copy(add, s->mb, i, err) : -1;
	kw = mailbox_keywords(s->mb, s->mb->msg[i].kw);
	names = arena_alloc(&s->imap.arena, (kw.n + 1) * sizeof(*names));
	for (k = 0; k < kw.n; k++)
		names[k] = slice_of(arena_strdup(&s->imap.arena, kw.v[k]));
	c = (struct flags_change){ .flags = s->mb->msg[i].flags & MSG_KEPT,
		.kw = names, .nkw = kw.n };
	flags_allowed(&c, rights);
	at.flags = c.flags;
	at.kw = c.kw;
	at.nkw = c.nkw;
	r = mailbox_add_begin(add, err);
	if (r == 0)
		r = mailbox_add_write(add, b.msg, err);
	if (r == 0)
		r = body_intact(&b, err);
	if (r == 0)
		r = mailbox_add_end(add, &at, err);
	body_close(&b);
	body_free(&b);
	arena_free(&arena);
	return r;
}

static int
copy_all(struct session *s, struct copy *c, struct err *err)
{
	struct mailbox_add *add = mailbox_add_new(c->to);
	unsigned rights = select_rights(s, c->to);
	size_t k;
	int r = 0;

	if (c->mine != NULL)
		mailbox_add_moves(add, s->mb, c->list.v, c->mine);
	for (k = 0; k < c->list.n && r == 0; k++)
		r = ~rights & (ACL_SEEN | ACL_WRITE | ACL_DELETE) ?
		    copy_some(s, add, c->list.v[k], rights, err) :
		    mailbox_add_copy(add, s->mb, c->list.v[k], err);
	if (r == 0)
		r = mailbox_add_commit(add, &c->first, err);
	mailbox_add_free(add);
	return r;
}

/* the copies are there: noted, and COPYUID */
static void
note(struct session *s, struct copy *c)
{
	struct meta_pair *pairs = arena_alloc(&s->imap.arena,
	    c->list.n * sizeof(*pairs));
	struct str to = STR_INIT;
	struct imap_setw from_w = { .out = &c->code }, to_w = { .out = &to };
	size_t k, n = 0;

	str_addf(&c->code, "COPYUID %u ", (unsigned)c->to->uidvalidity);
	for (k = 0; k < c->list.n; k++) {
		if (c->mine != NULL && !c->mine[k])
			continue;
		pairs[n].from = s->mb->msg[c->list.v[k]].uid;
		pairs[n].to = c->first + (uint32_t)n;
		imap_setw_add(&from_w, pairs[n].from);
		imap_setw_add(&to_w, pairs[n].to);
		n++;
	}
	imap_setw_end(&from_w);
	imap_setw_end(&to_w);
	str_addf(&c->code, " %s", to.s);
	str_free(&to);
	if (n == 0)
		str_reset(&c->code);
	meta_copied(s->meta, s->mb, c->to, pairs, n);
	s->copied += n;
	if (c->to == s->mb)
		s->dirty = true;
}

static void
failed(struct session *s, const struct copy *c, const struct err *err)
{
	if (c->to == NULL && strcmp(err->dsn, "5.1.1") == 0)
		imap_no(&s->imap, "TRYCREATE", "%s", err->text);
	else
		imap_fail(&s->imap, err);
}

static bool
run(struct session *s, struct copy *c)
{
	struct err err = ERR_INIT;

	c->to = select_other(s, c->name.p, &err);
	if (c->to != NULL && !(select_rights(s, c->to) & ACL_INSERT)) {
		err_perm(&err, "5.7.1", "your rights do not allow it");
		failed(s, c, &err);
		return false;
	}
	if (c->to != NULL && c->list.n == 0)
		return true;
	if (c->to == NULL || copy_all(s, c, &err) < 0) {
		failed(s, c, &err);
		return false;
	}
	return true;
}

void
cmd_copy(void *session)
{
	struct session *s = session;
	struct copy c;

	if (!parse(s, &c))
		return;
	if (run(s, &c)) {
		note(s, &c);
		imap_ok(&s->imap, c.code.len > 0 ? c.code.s : NULL, "copied");
	}
	str_free(&c.code);
}

void
cmd_move(void *session)
{
	struct session *s = session;
	struct copy c;

	if (!parse(s, &c))
		return;
	if (s->readonly) {
		imap_no(&s->imap, NULL, "the mailbox is open read-only");
		return;
	}
	if (~s->rights & (ACL_DELETE | ACL_EXPUNGE)) {
		imap_no(&s->imap, "NOPERM", "your rights do not allow it");
		return;
	}
	c.mine = arena_alloc(&s->imap.arena, c.list.n + 1);
	if (!run(s, &c))
		return;
	note(s, &c);
	expunge_note(s, c.list.v, c.list.n);
	if (c.code.len > 0)
		imap_say(&s->imap, "OK [%s] moved", c.code.s);
	expunge_ok(s, c.list.n, "moved");
	str_free(&c.code);
}
