/*
 * cmd_acl.c - SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS: RFC 4314.
 *
 * The owner always has all rights.  Making and removing folders (k, x) can
 * not be given away: that would open the owner's whole mail.
 */
#include "share.h"

enum { GRANTABLE = ACL_ALL & ~ACL_OWNER };

/* the owner's address, "" for public folders */
static const char *
owner_of(struct session *s, const struct share_place *p)
{
	struct str a = STR_INIT;
	const char *r = "";

	if (p->home[0] != '.' && share_owner(p->home, &a) == 0)
		r = arena_strdup(&s->imap.arena, a.s);
	str_free(&a);
	return r;
}

struct change {
	struct slice mailbox, id;
	struct acl_entry e;
	enum acl_op op;
};

/* the identifier as it is kept; false: the reply is given */
static bool
take_identifier(struct session *s, struct change *c)
{
	struct str id = STR_INIT;
	struct slice raw = c->id;
	bool good;

	c->e.negative = slice_starts(raw, "-");
	if (c->e.negative)
		raw = slice_sub(raw, 1, raw.n);
	good = acl_identifier(raw, share_user(), &id);
	if (good)
		c->e.id = arena_strdup(&s->imap.arena, id.s);
	else
		imap_no(&s->imap, "CANNOT", "no identifier");
	str_free(&id);
	return good;
}

/* what is needed before a list can be changed: the folder's log, which who
 * only reads can not make */
static int
apply(struct session *s, const struct change *c, struct err *err)
{
	struct mailbox_place q;
	struct share_place p;
	unsigned rights;
	bool left;
	int r = share_where(s, c->mailbox.p, &p, err);

	if (r == 0 && strcmp(owner_of(s, &p), c->e.id) == 0)
		return err_perm(err, "5.1.3", "the owner has all rights");
	if (r == 0 && select_other(s, c->mailbox.p, err) == NULL)
		r = -1;
	if (r == 0)
		r = share_place(s, c->mailbox.p, ACL_ADMIN, &q, &rights, err);
	if (r < 0)
		return -1;
	r = acl_change(q.dir, &c->e, c->op, &left, err);
	tree_place_end(&q);
	if (r == 0 && !c->e.negative)
		r = share_note(&p, c->e.id, left, err);
	return r;
}

static bool
may_give(const struct acl_entry *e)
{
	return e->negative || !acl_is_anyone(e->id) || share_with_anyone();
}

static void
change(struct session *s, struct change *c)
{
	struct err err = ERR_INIT;

	if (!take_identifier(s, c))
		return;
	if (!share_possible())
		imap_no(&s->imap, "CANNOT",
		    "mailboxes of system accounts can not be shared");
	else if (c->op != ACL_REMOVE && c->e.rights != 0 && !may_give(&c->e))
		imap_no(&s->imap, "NOPERM",
		    "folders are not shared with all users here");
	else if (apply(s, c, &err) < 0)
		imap_fail(&s->imap, &err);
	else
		imap_ok(&s->imap, NULL, "done; the other user sees it at the "
		    "next login");
}

void
cmd_setacl(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct change c = { .op = ACL_SET };
	struct slice r = { 0 };

	imap_lex_sp(l);
	imap_lex_mailbox(l, &c.mailbox);
	imap_lex_sp(l);
	imap_lex_astring(l, &c.id);
	imap_lex_sp(l);
	imap_lex_astring(l, &r);
	if (!imap_args_end(&s->imap))
		return;
	if (slice_starts(r, "+") || slice_starts(r, "-")) {
		c.op = r.p[0] == '+' ? ACL_ADD : ACL_REMOVE;
		r = slice_sub(r, 1, r.n);
	}
	if (!acl_parse(r, &c.e.rights)) {
		imap_lex_fail(l, IMAP_LEX_BAD, "", "no such right");
		return;
	}
	if (c.op != ACL_REMOVE && c.e.rights & ACL_OWNER &&
	    !slice_starts(c.id, "-")) {
		imap_no(&s->imap, "CANNOT", "k and x can not be given away");
		return;
	}
	change(s, &c);
}

void
cmd_deleteacl(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct change c = { .op = ACL_SET };

	imap_lex_sp(l);
	imap_lex_mailbox(l, &c.mailbox);
	imap_lex_sp(l);
	imap_lex_astring(l, &c.id);
	if (imap_args_end(&s->imap))
		change(s, &c);
}

static void
put_entry(struct session *s, struct str *out, const char *id, bool negative,
    unsigned rights)
{
	char *full = arena_printf(&s->imap.arena, "%s%s", negative ? "-" : "",
	    id);

	str_addc(out, ' ');
	imap_put_astring(out, slice_of(full), utf8(s));
	str_addc(out, ' ');
	acl_print(rights, out);
}

static int
put_acl(struct session *s, const char *name, struct str *out,
    struct err *err)
{
	struct mailbox_place q;
	struct share_place p;
	struct acl l;
	unsigned rights;
	size_t i;
	int r;

	if (share_place(s, name, ACL_ADMIN, &q, &rights, err) < 0)
		return -1;
	r = acl_read(q.dir, &s->imap.arena, &l, err);
	tree_place_end(&q);
	if (r < 0)
		return -1;
	str_adds(out, "* ACL ");
	imap_put_mailbox(out, slice_of(name), utf8(s));
	if (!share_possible())
		put_entry(s, out, s->user->name, false, ACL_ALL);
	else if (share_where(s, name, &p, err) == 0 &&
	    owner_of(s, &p)[0] != '\0')
		put_entry(s, out, owner_of(s, &p), false, ACL_ALL);
	for (i = 0; i < l.n; i++)
		put_entry(s, out, l.v[i].id, l.v[i].negative, l.v[i].rights);
	str_adds(out, "\r\n");
	return 0;
}

/* a command with the name of a folder and nothing else, answered by one line */
static void
tell(struct session *s, int (*put)(struct session *, const char *,
    struct str *, struct err *), const char *done)
{
	struct slice name = { 0 };
	struct str out = STR_INIT;
	struct err err = ERR_INIT;

	imap_lex_sp(&s->imap.lex);
	imap_lex_mailbox(&s->imap.lex, &name);
	if (!imap_args_end(&s->imap))
		return;
	if (put(s, name.p, &out, &err) < 0) {
		imap_fail(&s->imap, &err);
	} else {
		imap_put(&s->imap, &out);
		imap_ok(&s->imap, NULL, "%s", done);
	}
	str_free(&out);
}

void
cmd_getacl(void *session)
{
	tell(session, put_acl, "that is the list");
}

/* the rights that id always has, then those that can be given one by one */
static int
put_listrights(struct session *s, struct slice name, struct slice id,
    struct err *err)
{
	struct share_place p = { .home = "." };
	struct str out = STR_INIT, who = STR_INIT;
	unsigned rights, bit;
	bool owner, some;
	int r = share_place(s, name.p, ACL_ADMIN, NULL, &rights, err);

	if (r == 0 && share_possible())
		r = share_where(s, name.p, &p, err);
	if (r == 0 && !acl_identifier(slice_starts(id, "-") ?
	    slice_sub(id, 1, id.n) : id, share_user(), &who))
		r = err_perm(err, "5.1.3", "no identifier");
	if (r == 0) {
		owner = strcmp(who.s, share_possible() ? owner_of(s, &p) :
		    s->user->name) == 0;
		str_adds(&out, "* LISTRIGHTS ");
		imap_put_mailbox(&out, name, utf8(s));
		str_addc(&out, ' ');
		imap_put_astring(&out, id, utf8(s));
		str_addc(&out, ' ');
		if (owner)
			acl_print(ACL_ALL, &out);
		else
			str_adds(&out, "\"\"");
		some = !owner && (!acl_is_anyone(who.s) ||
		    share_with_anyone() || slice_starts(id, "-"));
		for (bit = 1; some && bit <= ACL_ALL; bit <<= 1)
			if (bit & GRANTABLE) {
				str_addc(&out, ' ');
				acl_print(bit, &out);
			}
		str_adds(&out, "\r\n");
		imap_put(&s->imap, &out);
	}
	str_free(&out);
	str_free(&who);
	return r;
}

void
cmd_listrights(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct slice name = { 0 }, id = { 0 };
	struct err err = ERR_INIT;

	imap_lex_sp(l);
	imap_lex_mailbox(l, &name);
	imap_lex_sp(l);
	imap_lex_astring(l, &id);
	if (!imap_args_end(&s->imap))
		return;
	if (put_listrights(s, name, id, &err) < 0)
		imap_fail(&s->imap, &err);
	else
		imap_ok(&s->imap, NULL, "those can be given");
}

int
share_put_myrights(struct session *s, const char *name, struct str *out,
    struct err *err)
{
	unsigned rights;

	if (share_place(s, name, 0, NULL, &rights, err) < 0)
		return -1;
	str_adds(out, "* MYRIGHTS ");
	imap_put_mailbox(out, slice_of(name), utf8(s));
	str_addc(out, ' ');
	acl_print(rights, out);
	str_adds(out, "\r\n");
	return 0;
}

void
cmd_myrights(void *session)
{
	tell(session, share_put_myrights, "those are yours");
}
