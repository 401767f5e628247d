/*
 * cmd_select.c - SELECT, EXAMINE, CLOSE, UNSELECT: RFC 3501 and 9051 section
 * 6.3.2 and 6.4, CONDSTORE and QRESYNC of RFC 7162, RFC 3691.
 */
#include "session.h"
#include "store/acl.h"

struct params {
	struct slice name;
	bool condstore, qresync, known_given;
	uint32_t uidvalidity;
	uint64_t modseq;
	struct imap_seqset known;
};

/* (UIDVALIDITY MODSEQ [KNOWN [(SEQS UIDS)]]): the last pair is a hint that we
 * do not need */
static void
parse_qresync(struct imap_lex *l, struct params *p)
{
	struct imap_seqset seqs, uids;

	imap_lex_sp(l);
	imap_lex_char(l, '(');
	imap_lex_nz_number(l, &p->uidvalidity);
	imap_lex_sp(l);
	imap_lex_number64(l, &p->modseq);
	if (imap_lex_try_sp(l) && imap_lex_peek(l) != '(') {
		p->known_given = imap_lex_seqset(l, &p->known);
		if (!imap_lex_try_sp(l)) {
			imap_lex_char(l, ')');
			return;
		}
	}
	if (imap_lex_peek(l) == '(') {
		imap_lex_char(l, '(');
		imap_lex_seqset(l, &seqs);
		imap_lex_sp(l);
		imap_lex_seqset(l, &uids);
		imap_lex_char(l, ')');
	}
	imap_lex_char(l, ')');
}

static bool
parse(struct session *s, struct params *p)
{
	struct imap_lex *l = &s->imap.lex;

	imap_lex_sp(l);
	imap_lex_mailbox(l, &p->name);
	if (imap_lex_try_sp(l)) {
		for (imap_lex_open(l); imap_lex_next(l); ) {
			if (imap_lex_try_word(l, "CONDSTORE")) {
				p->condstore = true;
			} else if (imap_lex_try_word(l, "QRESYNC")) {
				p->qresync = true;
				parse_qresync(l, p);
			} else {
				imap_lex_expected(l, "CONDSTORE or QRESYNC");
			}
		}
	}
	if (!imap_args_end(&s->imap))
		return false;
	if (p->qresync && !enabled(s, ENABLED_QRESYNC))
		return imap_lex_fail(l, IMAP_LEX_BAD, "",
		    "ENABLE QRESYNC comes first");
	return true;
}

static void
tell_unseen(struct session *s)
{
	size_t i;

	for (i = 0; i < s->mb->n; i++)
		if (!(s->mb->msg[i].flags & (MSG_SEEN | MSG_GONE))) {
			imap_say(&s->imap, "OK [UNSEEN %zu] first unseen",
			    i + 1);
			return;
		}
}

static void
tell_all(struct session *s)
{
	struct mailbox *mb = s->mb;
	struct str out = STR_INIT;

	mailbox_purge(mb, NULL, NULL);
	view_flag_list(s, true);
	view_tell(s, VIEW_EXPUNGE);
	if (s->told == 0) {	/* view_tell saw no change */
		imap_say(&s->imap, "0 EXISTS");
		if (!enabled(s, ENABLED_REV2))
			imap_say(&s->imap, "0 RECENT");
	}
	if (!enabled(s, ENABLED_REV2 | ENABLED_UIDONLY))
		tell_unseen(s);
	imap_say(&s->imap, "OK [UIDVALIDITY %u] UIDs are valid",
	    (unsigned)mb->uidvalidity);
	/* RFC 4315 section 2 */
	if (mb->passing)
		imap_say(&s->imap, "NO [UIDNOTSTICKY] nothing can be written "
		    "now: UIDs are those of this session");
	imap_say(&s->imap, "OK [UIDNEXT %u] next UID", (unsigned)mb->uidnext);
	imap_say(&s->imap, "OK [HIGHESTMODSEQ %llu] highest",
	    (unsigned long long)mb->modseq);
	imap_say(&s->imap, "OK [MAILBOXID (%s)] its id", mb->id);
	if (enabled(s, ENABLED_REV2)) {
		str_adds(&out, "* LIST () \"/\" ");
		imap_put_mailbox(&out, slice_of(s->name), utf8(s));
		str_adds(&out, "\r\n");
		imap_put(&s->imap, &out);
	}
	str_free(&out);
}

/* RFC 7162 section 3.2.5 */
static void
resynchronise(struct session *s, const struct params *p)
{
	struct str out = STR_INIT;
	const struct mailbox_msg *m;
	struct imap_seqset known = p->known;
	size_t i;
	bool first;

	if (p->uidvalidity != s->mb->uidvalidity)
		return;
	view_vanished(s, p->modseq, p->known_given ? &p->known : NULL);
	if (p->known_given)
		imap_seqset_resolve(&known, s->mb->uidnext - 1);
	for (i = 0; i < s->mb->n; i++) {
		m = &s->mb->msg[i];
		if (m->modseq <= p->modseq || (p->known_given &&
		    !imap_seqset_contains(&known, m->uid)))
			continue;
		view_fetch_head(s, i, true, &out, &first);
		if (!first)
			str_addc(&out, ' ');
		view_flags(s, i, &out);
		str_addf(&out, " MODSEQ (%llu))\r\n",
		    (unsigned long long)m->modseq);
		imap_put(&s->imap, &out);
	}
	str_free(&out);
}

static void
do_select(struct session *s, bool readonly)
{
	struct params p = { 0 };
	struct err err = ERR_INIT;

	if (!parse(s, &p))
		return;
	if (s->mb != NULL) {
		select_close(s);
		imap_say(&s->imap, "OK [CLOSED] the mailbox before");
	}
	if (p.condstore || p.qresync)
		session_condstore(s);
	if (select_open(s, p.name.p, readonly, &err) < 0) {
		imap_fail(&s->imap, &err);
		return;
	}
	tell_all(s);
	if (p.qresync)
		resynchronise(s, &p);
	imap_ok(&s->imap, s->readonly ? "READ-ONLY" : "READ-WRITE",
	    "%s is open", readonly ? "for reading it" : "it");
}

void
cmd_select(void *session)
{
	do_select(session, false);
}

void
cmd_examine(void *session)
{
	do_select(session, true);
}

void
cmd_unselect(void *session)
{
	struct session *s = session;

	if (!imap_args_end(&s->imap))
		return;
	select_close(s);
	imap_ok(&s->imap, NULL, "closed");
}

/* the same, but what is marked as deleted goes, silently */
void
cmd_close(void *session)
{
	struct session *s = session;
	struct err err = ERR_INIT;
	uint32_t *v;
	size_t i, n = 0;

	if (!imap_args_end(&s->imap))
		return;
	v = arena_alloc(&s->imap.arena, (s->mb->n + 1) * sizeof(*v));
	for (i = 0; !s->readonly && s->rights & ACL_EXPUNGE && i < s->told;
	    i++)
		if ((s->mb->msg[i].flags & (MSG_DELETED | MSG_GONE)) ==
		    MSG_DELETED)
			v[n++] = (uint32_t)i;
	if (n > 0 && mailbox_expunge(s->mb, v, n, &err) < 0) {
		imap_fail(&s->imap, &err);
		return;
	}
	s->expunged += n;
	select_close(s);
	imap_ok(&s->imap, NULL, "closed");
}
