/*
 * cmd_store.c - STORE and EXPUNGE: RFC 3501 and 9051 section 6.4, RFC 4315
 * (UID EXPUNGE), RFC 7162 section 3.1.3 (UNCHANGEDSINCE).
 */
#include "session.h"
#include "store/acl.h"

struct store_args {
	struct imap_seqset set;
	enum flags_op op;
	bool silent, conditional;
	uint64_t unchanged_since;
	struct imap_flags flags;
};

static void
parse_modifiers(struct imap_lex *l, struct store_args *a)
{
	for (imap_lex_open(l); imap_lex_next(l); ) {
		if (!imap_lex_try_word(l, "UNCHANGEDSINCE")) {
			imap_lex_expected(l, "UNCHANGEDSINCE");
			return;
		}
		imap_lex_sp(l);
		a->conditional = imap_lex_number64(l, &a->unchanged_since);
	}
	imap_lex_sp(l);
}

static bool
parse(struct session *s, struct store_args *a)
{
	struct imap_lex *l = &s->imap.lex;

	memset(a, 0, sizeof(*a));
	imap_lex_sp(l);
	imap_lex_seqset(l, &a->set);
	imap_lex_sp(l);
	if (imap_lex_peek(l) == '(')
		parse_modifiers(l, a);
	if (imap_lex_try(l, '+'))
		a->op = FLAGS_ADD;
	else if (imap_lex_try(l, '-'))
		a->op = FLAGS_REMOVE;
	else
		a->op = FLAGS_SET;
	a->silent = imap_lex_try_word(l, "FLAGS.SILENT");
	if (!a->silent && !imap_lex_try_word(l, "FLAGS"))
		imap_lex_expected(l, "FLAGS");
	imap_lex_sp(l);
	imap_lex_store_flags(l, &a->flags);
	return imap_args_end(&s->imap);
}

void
flags_change_fill(struct flags_change *c, struct imap_flags *f)
{
	size_t i, kept = 0;

	c->flags = flags_to_store(f->system);
	for (i = 0; i < f->n; i++) {
		if (slice_ieqz(f->keyword[i], "$Forwarded"))
			c->flags |= MSG_FORWARDED;
		else
			f->keyword[kept++] = f->keyword[i];
	}
	f->n = kept;
	c->kw = f->keyword;
	c->nkw = f->n;
}

bool
flags_allowed(struct flags_change *c, unsigned rights)
{
	bool some = c->flags != 0 || c->nkw > 0;

	if (!(rights & ACL_SEEN))
		c->flags &= ~(unsigned)MSG_SEEN;
	if (!(rights & ACL_DELETE))
		c->flags &= ~(unsigned)MSG_DELETED;
	if (!(rights & ACL_WRITE)) {
		c->flags &= MSG_SEEN | MSG_DELETED;
		c->nkw = 0;
	}
	return !some || c->flags != 0 || c->nkw > 0;
}

/* FLAGS with some rights only: the flags that are not ours stay as they are,
 * so the others are taken away, and those wanted set */
static int
set_some(struct session *s, const struct index_list *list,
    const struct flags_change *c, bool *modified, struct err *err)
{
	struct flags_change off = *c, on = *c;
	struct mailbox_keywords kw = mailbox_all_keywords(s->mb);
	struct slice *names = arena_alloc(&s->imap.arena,
	    (kw.n + 1) * sizeof(*names));
	uint32_t *idx = arena_alloc(&s->imap.arena,
	    (list->n + 1) * sizeof(*idx));
	size_t i, k;

	off.op = FLAGS_REMOVE;
	off.flags = MSG_KEPT & ~c->flags;
	off.kw = names;
	off.nkw = 0;
	for (i = 0; i < kw.n; i++) {
		for (k = 0; k < c->nkw; k++)
			if (slice_ieqz(c->kw[k], kw.v[i]))
				break;
		if (k == c->nkw)
			names[off.nkw++] = slice_of(arena_strdup(
			    &s->imap.arena, kw.v[i]));
	}
	flags_allowed(&off, s->rights);
	on.op = FLAGS_ADD;
	on.conditional = false;
	if (mailbox_flags(s->mb, list->v, list->n, &off, modified, err) < 0)
		return -1;
	for (i = k = 0; i < list->n; i++)
		if (!off.conditional || !modified[i])
			idx[k++] = list->v[i];
	return mailbox_flags(s->mb, idx, k, &on, NULL, err);
}

static void
tell(struct session *s, const struct store_args *a,
    const struct index_list *list, const bool *modified)
{
	struct str out = STR_INIT;
	bool modseq = enabled(s, ENABLED_CONDSTORE), first;
	size_t k, i;

	if (a->silent && !modseq)
		return;
	for (k = 0; k < list->n; k++) {
		i = list->v[k];
		if (modified[k] || s->mb->msg[i].flags & MSG_GONE)
			continue;
		s->mb->msg[i].flags &= (uint16_t)~MSG_TOUCHED;
		view_fetch_head(s, i, s->imap.lex.uid ||
		    enabled(s, ENABLED_QRESYNC), &out, &first);
		if (!a->silent) {
			if (!first)
				str_addc(&out, ' ');
			view_flags(s, i, &out);
			first = false;
		}
		if (modseq)
			str_addf(&out, "%sMODSEQ (%llu)", first ? "" : " ",
			    (unsigned long long)s->mb->msg[i].modseq);
		str_adds(&out, ")\r\n");
		if (out.len > 16384)
			imap_put(&s->imap, &out);
	}
	imap_put(&s->imap, &out);
	str_free(&out);
}

static void
reply(struct session *s, const struct index_list *list, const bool *modified)
{
	struct str code = STR_INIT;
	struct imap_setw w = { .out = &code };
	size_t k, gone = list->gone;

	str_adds(&code, "MODIFIED ");
	for (k = 0; k < list->n; k++) {
		gone += (s->mb->msg[list->v[k]].flags & MSG_GONE) != 0;
		if (modified[k])
			imap_setw_add(&w, s->imap.lex.uid ?
			    s->mb->msg[list->v[k]].uid : list->v[k] + 1);
	}
	imap_setw_end(&w);
	if (w.written)
		imap_ok(&s->imap, code.s, "some were changed by others");
	else if (gone > 0 && !s->imap.lex.uid)
		imap_no(&s->imap, "EXPUNGEISSUED", "some of the messages are "
		    "gone");
	else
		imap_ok(&s->imap, NULL, "stored");
	str_free(&code);
}

void
cmd_store(void *session)
{
	struct session *s = session;
	struct store_args a;
	struct flags_change c = { 0 };
	struct index_list list;
	struct err err = ERR_INIT;
	bool *modified;

	if (!parse(s, &a) ||
	    !view_resolve(s, &a.set, s->imap.lex.uid, &list))
		return;
	if (s->readonly) {
		imap_no(&s->imap, NULL, "the mailbox is open read-only");
		return;
	}
	if (a.conditional)
		session_condstore(s);
	c.op = a.op;
	c.conditional = a.conditional;
	c.unchanged_since = a.unchanged_since;
	flags_change_fill(&c, &a.flags);
	if (!flags_allowed(&c, s->rights)) {
		imap_no(&s->imap, "NOPERM", "your rights do not allow it");
		return;
	}
	modified = arena_alloc(&s->imap.arena, list.n + 1);
	if ((c.op == FLAGS_SET && ~s->rights & (ACL_SEEN | ACL_WRITE |
	    ACL_DELETE) ? set_some(s, &list, &c, modified, &err) :
	    mailbox_flags(s->mb, list.v, list.n, &c, modified, &err)) < 0) {
		imap_fail(&s->imap, &err);
		return;
	}
	s->stored += list.n;
	if (mailbox_all_keywords(s->mb).n > s->kw_told)
		view_flag_list(s, true);
	tell(s, &a, &list, modified);
	reply(s, &list, modified);
}

void
expunge_note(struct session *s, const uint32_t *v, size_t n)
{
	uint32_t *uids = arena_alloc(&s->imap.arena, (n + 1) * sizeof(*uids));
	size_t k;

	if (n == 0)
		return;
	for (k = 0; k < n; k++)
		uids[k] = s->mb->msg[v[k]].uid;
	meta_expunged(s->meta, s->mb, uids, n);
	fts_expunged(s->fts, s->mb, uids, n);
	s->expunged += n;
	s->dirty = true;
}

int
expunge_indexes(struct session *s, const uint32_t *v, size_t n,
    struct err *err)
{
	if (n == 0)
		return 0;
	if (mailbox_expunge(s->mb, v, n, err) < 0)
		return -1;
	expunge_note(s, v, n);
	return 0;
}

void
expunge_ok(struct session *s, size_t n, const char *text)
{
	char code[64];

	snprintf(code, sizeof(code), "HIGHESTMODSEQ %llu",
	    (unsigned long long)s->mb->modseq);
	imap_ok(&s->imap, n > 0 && enabled(s, ENABLED_CONDSTORE) ? code :
	    NULL, "%s", text);
}

void
cmd_expunge(void *session)
{
	struct session *s = session;
	struct imap_seqset set = { 0 };
	struct index_list list = { 0 };
	struct err err = ERR_INIT;
	size_t i, n = 0;

	if (s->imap.lex.uid) {
		imap_lex_sp(&s->imap.lex);
		imap_lex_seqset(&s->imap.lex, &set);
	} else {
		imap_seqset_add_range(&set, &s->imap.arena, 1, UINT32_MAX);
	}
	if (!imap_args_end(&s->imap) || !view_resolve(s, &set, true, &list))
		return;
	if (s->readonly) {
		imap_no(&s->imap, NULL, "the mailbox is open read-only");
		return;
	}
	if (!(s->rights & ACL_EXPUNGE)) {
		imap_no(&s->imap, "NOPERM", "your rights do not allow it");
		return;
	}
	for (i = 0; i < list.n; i++)
		if (s->mb->msg[list.v[i]].flags & MSG_DELETED)
			list.v[n++] = list.v[i];
	if (expunge_indexes(s, list.v, n, &err) < 0) {
		imap_fail(&s->imap, &err);
		return;
	}
	expunge_ok(s, n, "expunged");
}
