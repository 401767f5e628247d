/*
 * view.c - what the client knows of the mailbox, and telling it the rest.
 * Numbers that were told stay true until EXPUNGE is told.
 */
#include "base/log.h"
#include "context.h"
#include "session.h"

static const struct { unsigned store, imap; } flag_bits[] = {
	{ MSG_SEEN, IMAP_SEEN }, { MSG_ANSWERED, IMAP_ANSWERED },
	{ MSG_FLAGGED, IMAP_FLAGGED }, { MSG_DELETED, IMAP_DELETED },
	{ MSG_DRAFT, IMAP_DRAFT }, { MSG_RECENT, IMAP_RECENT },
};

unsigned
flags_to_store(unsigned imap)
{
	unsigned r = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(flag_bits); i++)
		if (imap & flag_bits[i].imap && flag_bits[i].store & MSG_KEPT)
			r |= flag_bits[i].store;
	return r;
}

unsigned
flags_to_imap(unsigned store)
{
	unsigned r = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(flag_bits); i++)
		if (store & flag_bits[i].store)
			r |= flag_bits[i].imap;
	return r;
}

/* system flags and keywords, in parentheses; more is put before the ')' */
static void
put_flags(struct str *out, unsigned flags, struct mailbox_keywords kw,
    const char *more)
{
	bool first = true;
	unsigned bit, set = flags_to_imap(flags);
	size_t i;

	str_addc(out, '(');
	for (bit = 1; bit < 1U << IMAP_FLAG_BITS; bit <<= 1)
		if (set & bit) {
			str_addf(out, first ? "%s" : " %s",
			    imap_flag_name(bit));
			first = false;
		}
	if (flags & MSG_FORWARDED) {
		str_adds(out, first ? "$Forwarded" : " $Forwarded");
		first = false;
	}
	for (i = 0; i < kw.n; i++) {
		if (!imap_is_atom(slice_of(kw.v[i])) ||
		    strcasecmp(kw.v[i], "$Forwarded") == 0)
			continue;
		str_addf(out, first ? "%s" : " %s", kw.v[i]);
		first = false;
	}
	if (more != NULL)
		str_addf(out, first ? "%s" : " %s", more);
	str_addc(out, ')');
}

void
view_flags(struct session *s, size_t i, struct str *out)
{
	const struct mailbox_msg *m = &s->mb->msg[i];
	unsigned flags = m->flags;

	if (enabled(s, ENABLED_REV2))
		flags &= ~(unsigned)MSG_RECENT;
	str_adds(out, "FLAGS ");
	put_flags(out, flags, mailbox_keywords(s->mb, m->kw), NULL);
}

void
view_flag_list(struct session *s, bool all)
{
	struct mailbox_keywords kw = mailbox_all_keywords(s->mb);
	struct str out = STR_INIT;
	unsigned every = MSG_SEEN | MSG_ANSWERED | MSG_FLAGGED | MSG_DELETED |
	    MSG_DRAFT | MSG_FORWARDED;

	s->kw_told = kw.n;
	str_adds(&out, "* FLAGS ");
	put_flags(&out, every, kw, NULL);
	str_adds(&out, "\r\n");
	if (all && s->readonly) {
		str_adds(&out, "* OK [PERMANENTFLAGS ()] read-only\r\n");
	} else if (all) {
		str_adds(&out, "* OK [PERMANENTFLAGS ");
		put_flags(&out, every, kw, "\\*");
		str_adds(&out, "] and new keywords\r\n");
	}
	imap_put(&s->imap, &out);
	str_free(&out);
}

void
view_fetch_head(struct session *s, size_t i, bool uid, struct str *out,
    bool *first)
{
	uint32_t u = s->mb->msg[i].uid;

	*first = true;
	if (enabled(s, ENABLED_UIDONLY)) {
		str_addf(out, "* %u UIDFETCH (", (unsigned)u);
		return;
	}
	str_addf(out, "* %zu FETCH (", i + 1);
	if (uid) {
		str_addf(out, "UID %u", (unsigned)u);
		*first = false;
	}
}

/* unsolicited: UID and MODSEQ where the client asked for such things */
static void
tell_flags(struct session *s, size_t i, struct str *out)
{
	struct mailbox_msg *m = &s->mb->msg[i];
	bool first;

	m->flags &= (uint16_t)~MSG_TOUCHED;
	view_fetch_head(s, i, enabled(s, ENABLED_QRESYNC), out, &first);
	if (!first)
		str_addc(out, ' ');
	view_flags(s, i, out);
	if (enabled(s, ENABLED_CONDSTORE))
		str_addf(out, " MODSEQ (%llu)", (unsigned long long)m->modseq);
	str_adds(out, ")\r\n");
}

struct gone {
	struct session *s;
	struct str out;
	struct imap_setw uids;
	bool vanished;
};

static void
tell_gone(void *ctx, uint32_t seq, uint32_t uid)
{
	struct gone *g = ctx;

	if (seq > g->s->told)
		return;		/* it came and went unseen */
	g->s->told--;
	if (g->vanished)
		imap_setw_add(&g->uids, uid);
	else
		str_addf(&g->out, "* %u EXPUNGE\r\n", (unsigned)seq);
}

static void
tell_expunged(struct session *s)
{
	struct gone g = { .s = s, .out = STR_INIT };
	struct str uids = STR_INIT;

	g.vanished = enabled(s, ENABLED_QRESYNC | ENABLED_UIDONLY);
	g.uids.out = &uids;
	mailbox_purge(s->mb, tell_gone, &g);
	imap_setw_end(&g.uids);
	if (uids.len > 0)
		str_addf(&g.out, "* VANISHED %s\r\n", uids.s);
	imap_put(&s->imap, &g.out);
	str_free(&g.out);
	str_free(&uids);
}

static void
tell_new(struct session *s, struct str *out)
{
	const struct mailbox *mb = s->mb;
	size_t i, recent = 0;

	if (mailbox_all_keywords(mb).n > s->kw_told)
		view_flag_list(s, true);
	str_addf(out, "* %zu EXISTS\r\n", mb->n);
	if (!enabled(s, ENABLED_REV2)) {
		i = mb->recent_uid == 0 ? mb->n :
		    mailbox_find(mb, mb->recent_uid);
		for (; i < mb->n; i++)
			recent += (mb->msg[i].flags & MSG_RECENT) != 0;
		str_addf(out, "* %zu RECENT\r\n", recent);
	}
}

void
view_tell(struct session *s, unsigned how)
{
	struct mailbox *mb = s->mb;
	struct str out = STR_INIT;
	size_t i, old;

	s->dirty = false;
	if (mb->gone > 0 && how & VIEW_EXPUNGE) {
		context_gone(s);
		tell_expunged(s);
	} else if (mb->gone > 0) {
		s->dirty = true;
	}
	old = s->told;
	if (mb->n != old) {
		tell_new(s, &out);
		s->told = (uint32_t)mb->n;
	} else if (mailbox_all_keywords(mb).n > s->kw_told) {
		view_flag_list(s, true);
	}
	for (i = 0; mb->touched && i < mb->n; i++) {
		if (!(mb->msg[i].flags & MSG_TOUCHED))
			continue;
		if (i < old && !(mb->msg[i].flags & MSG_GONE))
			tell_flags(s, i, &out);
		else
			mb->msg[i].flags &= (uint16_t)~MSG_TOUCHED;
	}
	mb->touched = false;
	imap_put(&s->imap, &out);
	str_free(&out);
}

/* RFC 2180 section 3.3: of what can be told of a folder that is no more, every
 * client understands this; an empty one it might take for its own. */
static void
removed(struct session *s)
{
	select_close(s);
	imap_say(&s->imap, "BYE the selected mailbox was deleted");
	s->imap.end = "deleted";
}

void
view_sync(struct session *s, unsigned how)
{
	struct err err = ERR_INIT;
	int r;

	if (s->mb == NULL)
		return;
	if (mailbox_removed(s->mb)) {
		removed(s);
		return;
	}
	r = mailbox_refresh(s->mb, &err);
	if (r < 0)
		log_event(LOG_WARN, "mailbox", KS("user", s->user->name),
		    KS("folder", s->name), KERR(&err), KEND);
	if (r > 0 || s->dirty)
		view_tell(s, how);
	if (s->contexts != NULL)
		context_update(s);
}

bool
view_resolve(struct session *s, struct imap_seqset *set, bool uid,
    struct index_list *r)
{
	const struct mailbox *mb = s->mb;
	struct imap_seqiter it;
	uint32_t i, first, last, n = s->told;
	uint64_t count = 0;

	*r = (struct index_list){ 0 };
	if (set->saved) {
		*set = s->result;
		uid = true;
	} else if (!uid && !imap_seqset_fits(set, n)) {
		return imap_lex_fail(&s->imap.lex, IMAP_LEX_BAD, "",
		    "there is no such message number: there are %u messages",
		    (unsigned)n);
	}
	if (n == 0)
		return true;
	imap_seqset_resolve(set, uid ? mb->msg[n - 1].uid : n);
	if (uid)
		imap_seqiter_uid(&it, set, &mb->msg[0].uid,
		    sizeof(mb->msg[0]), n);
	else
		imap_seqiter_seq(&it, set, n);
	while (imap_seqiter_next(&it, &first, &last))
		count += last - first + 1;
	r->v = arena_alloc(&s->imap.arena, MAX(count, (uint64_t)1) *
	    sizeof(*r->v));
	if (uid)
		imap_seqiter_uid(&it, set, &mb->msg[0].uid,
		    sizeof(mb->msg[0]), n);
	else
		imap_seqiter_seq(&it, set, n);
	while (imap_seqiter_next(&it, &first, &last))
		for (i = first; i <= last; i++)
			if (mb->msg[i].flags & MSG_GONE)
				r->gone++;
			else
				r->v[r->n++] = i;
	return true;
}

void
view_vanished(struct session *s, uint64_t modseq,
    const struct imap_seqset *only)
{
	struct uid_range *v = NULL;
	struct str out = STR_INIT;
	struct imap_setw w = { .out = &out };
	struct imap_seqset all = { 0 };
	struct err err = ERR_INIT;
	size_t n = 0, i = 0, k = 0;
	uint32_t lo, hi;

	if (mailbox_vanished(s->mb, modseq, &v, &n, &err) < 0)
		log_event(LOG_WARN, "mailbox", KS("user", s->user->name),
		    KS("folder", s->name), KERR(&err), KEND);
	if (only != NULL) {
		all = *only;
		all.v = arena_alloc(&s->imap.arena, (only->n + 1) *
		    sizeof(*all.v));
		if (only->n > 0)
			memcpy(all.v, only->v, only->n * sizeof(*all.v));
	} else {
		imap_seqset_add_range(&all, &s->imap.arena, 1, UINT32_MAX);
	}
	imap_seqset_resolve(&all, MAX(s->mb->uidnext, 2U) - 1);
	str_adds(&out, "* VANISHED (EARLIER) ");
	while (i < n && k < all.n) {
		lo = MAX(v[i].first, all.v[k].lo);
		hi = MIN(v[i].last, all.v[k].hi);
		if (lo <= hi)
			imap_setw_add_range(&w, lo, hi);
		if (v[i].last < all.v[k].hi)
			i++;
		else
			k++;
	}
	imap_setw_end(&w);
	str_adds(&out, "\r\n");
	if (w.written)
		imap_put(&s->imap, &out);
	str_free(&out);
	free(v);
}
