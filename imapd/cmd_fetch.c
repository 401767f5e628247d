/*
 * cmd_fetch.c - FETCH: RFC 3501 and 9051 section 6.4.5 and the extensions that
 * imap/fetch.h names.  Metadata comes from the cache, so that lists of
 * messages read no message file.
 */
#include "body.h"
#include "store/acl.h"

enum { META_KINDS = 1 << IMAP_FETCH_ENVELOPE | 1 << IMAP_FETCH_BODY |
	1 << IMAP_FETCH_BODYSTRUCTURE | 1 << IMAP_FETCH_PREVIEW };

struct fetch {
	struct session *s;
	struct imap_fetch f;
	char **names;		/* of the items, as replies have them */
	bool *cached;		/* the item's header fields are in the cache */
	bool need_meta, modseq;
	struct body body;
	bool open;		/* body is */
	struct arena parse;	/* of body */
	struct meta_row row;
	bool have_row;
	uint64_t gone;		/* messages that were not there any more */
	bool unknown_cte;	/* RFC 3516: NO [UNKNOWN-CTE] */
	struct str out;
};

/* --- before the first message ---------------------------------- */

/* can HEADER.FIELDS be answered from the cache? */
static bool
fields_cached(const struct imap_fetch_item *item)
{
	const struct imap_section *sec = &item->section;
	size_t i;

	if (item->kind != IMAP_FETCH_SECTION || sec->depth > 0 ||
	    sec->kind != IMAP_SECTION_FIELDS)
		return false;
	for (i = 0; i < sec->n_fields; i++)
		if (!meta_kept(sec->field[i]))
			return false;
	return true;
}

static void
prepare(struct fetch *q)
{
	struct arena *a = &q->s->imap.arena;
	struct str name = STR_INIT;
	size_t i;

	q->names = arena_alloc(a, (q->f.n + 1) * sizeof(*q->names));
	q->cached = arena_alloc(a, q->f.n + 1);
	for (i = 0; i < q->f.n; i++) {
		str_reset(&name);
		imap_fetch_item_name(&q->f.v[i], &name);
		q->names[i] = arena_slice(a, slice_str(&name));
		q->cached[i] = fields_cached(&q->f.v[i]);
		if (q->cached[i])
			q->need_meta = true;
	}
	if (q->f.kinds & META_KINDS)
		q->need_meta = true;
	if (q->f.kinds & 1U << IMAP_FETCH_PREVIEW)
		meta_want_preview(q->s->meta);
	if (q->f.kinds & 1U << IMAP_FETCH_MODSEQ)
		session_condstore(q->s);
	str_free(&name);
}

/* CHANGEDSINCE and PARTIAL */
static void
narrow(struct fetch *q, struct index_list *list)
{
	size_t k, n = 0, from, to;

	for (k = 0; q->f.changed && k < list->n; k++)
		if (q->s->mb->msg[list->v[k]].modseq > q->f.changed_since)
			list->v[n++] = list->v[k];
	if (q->f.changed)
		list->n = n;
	if (!q->f.partial)
		return;
	imap_partial_range(&q->f.page, list->n, &from, &to);
	memmove(list->v, list->v + from, (to - from) * sizeof(*list->v));
	list->n = to - from;
}

/* set \Seen where an item asks for it: one change for all; told[k] says which
 * messages changed */
static int
mark_seen(struct fetch *q, const struct index_list *list, bool *changed,
    struct err *err)
{
	struct session *s = q->s;
	struct flags_change c = { .op = FLAGS_ADD, .flags = MSG_SEEN };
	uint32_t *v;
	size_t k, n = 0;

	if (!q->f.sets_seen || s->readonly || !(s->rights & ACL_SEEN))
		return 0;
	v = arena_alloc(&s->imap.arena, (list->n + 1) * sizeof(*v));
	for (k = 0; k < list->n; k++)
		if (!(s->mb->msg[list->v[k]].flags & MSG_SEEN)) {
			v[n++] = list->v[k];
			changed[k] = true;
		}
	return n > 0 ? mailbox_flags(s->mb, v, n, &c, NULL, err) : 0;
}

/* --- one message ------------------------------------------------- */

static void
flush_out(struct fetch *q)
{
	imap_put(&q->s->imap, &q->out);
}

static void
put_header_fields(struct fetch *q, const struct imap_fetch_item *item)
{
	struct str fields = STR_INIT;
	size_t from = 0, n;

	body_filter(q->row.fields, &item->section, &fields);
	n = fields.len;
	if (item->partial) {
		from = (size_t)MIN(item->offset, (uint64_t)fields.len);
		n = (size_t)MIN(item->length, (uint64_t)(fields.len - from));
	}
	str_addf(&q->out, "{%zu}\r\n", n);
	str_add(&q->out, fields.s + from, n);
	str_free(&fields);
}

static void
put_date(struct fetch *q, int64_t when)
{
	imap_put_date_time(&q->out, when, 0);
}

/* RFC822, RFC822.HEADER, RFC822.TEXT as sections */
static struct imap_fetch_item
as_section(const struct imap_fetch_item *item)
{
	struct imap_fetch_item r = *item;

	if (item->kind == IMAP_FETCH_RFC822_HEADER)
		r.section.kind = IMAP_SECTION_HEADER;
	else if (item->kind == IMAP_FETCH_RFC822_TEXT)
		r.section.kind = IMAP_SECTION_TEXT;
	return r;
}

static void
put_content(struct fetch *q, const struct imap_fetch_item *item)
{
	struct io *io = q->s->imap.io;
	struct imap_fetch_item section;
	int r = 0;

	flush_out(q);
	q->s->bodies++;
	if (item->kind == IMAP_FETCH_BINARY) {
		r = body_put_binary(&q->body, io, item);
	} else if (item->kind == IMAP_FETCH_BINARY_SIZE) {
		r = body_put_binary_size(&q->body, io, item);
	} else {
		section = as_section(item);
		body_put_section(&q->body, io, &section);
	}
	if (r < 0) {
		io_puts(io, item->kind == IMAP_FETCH_BINARY ? "NIL" : "0");
		q->unknown_cte = true;
	}
}

static void
put_value(struct fetch *q, size_t i, size_t n)
{
	const struct imap_fetch_item *item = &q->f.v[n];
	const struct mailbox_msg *m = &q->s->mb->msg[i];
	struct str *out = &q->out;
	char id[28];

	switch (item->kind) {
	case IMAP_FETCH_UID:
		str_addf(out, "%u", (unsigned)m->uid);
		break;
	case IMAP_FETCH_INTERNALDATE:
		put_date(q, mailbox_date(q->s->mb, i));
		break;
	case IMAP_FETCH_SAVEDATE:
		put_date(q, m->saved);
		break;
	case IMAP_FETCH_RFC822_SIZE:
		str_addf(out, "%llu", (unsigned long long)m->wsize);
		break;
	case IMAP_FETCH_MODSEQ:
		str_addf(out, "(%llu)", (unsigned long long)m->modseq);
		break;
	case IMAP_FETCH_EMAILID:
		mailbox_emailid(q->s->mb, i, id);
		str_addf(out, "(%s)", id);
		break;
	case IMAP_FETCH_THREADID:
		str_adds(out, "NIL");
		break;
	case IMAP_FETCH_ENVELOPE:
		str_addsl(out, q->row.envelope);
		break;
	case IMAP_FETCH_BODY:
		str_addsl(out, q->row.body);
		break;
	case IMAP_FETCH_BODYSTRUCTURE:
		str_addsl(out, q->row.structure);
		break;
	case IMAP_FETCH_PREVIEW:
		imap_put_nstring(out, q->row.preview, utf8(q->s));
		break;
	default:
		if (q->cached[n])
			put_header_fields(q, item);
		else
			put_content(q, item);
	}
}

static bool
needs_body(const struct fetch *q)
{
	size_t n;

	for (n = 0; n < q->f.n; n++)
		switch (q->f.v[n].kind) {
		case IMAP_FETCH_RFC822:
		case IMAP_FETCH_RFC822_HEADER:
		case IMAP_FETCH_RFC822_TEXT:
		case IMAP_FETCH_BINARY:
		case IMAP_FETCH_BINARY_SIZE:
			return true;
		case IMAP_FETCH_SECTION:
			if (!q->cached[n])
				return true;
			break;
		default:
			break;
		}
	return false;
}

/* all that may fail, before a byte of the response is out */
static int
load(struct fetch *q, size_t i, bool body, struct err *err)
{
	if (q->need_meta && meta_get(q->s->meta, q->s->mb, i, &q->row,
	    err) < 0)
		return -1;
	if (body && body_open(&q->body, q->s, i, err) < 0)
		return -1;
	return 0;
}

static void
put_message(struct fetch *q, size_t i, bool seen_changed)
{
	struct session *s = q->s;
	bool flags = false, first, uid = false;
	size_t n;

	view_fetch_head(s, i, false, &q->out, &first);
	for (n = 0; n < q->f.n; n++) {
		if (q->f.v[n].kind == IMAP_FETCH_UID) {
			if (enabled(s, ENABLED_UIDONLY))
				continue;
			uid = true;
		}
		if (!first)
			str_addc(&q->out, ' ');
		first = false;
		if (q->f.v[n].kind == IMAP_FETCH_FLAGS) {
			view_flags(s, i, &q->out);
			flags = true;
			continue;
		}
		str_addf(&q->out, "%s ", q->names[n]);
		put_value(q, i, n);
	}
	if (seen_changed) {
		if (!uid && enabled(s, ENABLED_QRESYNC) &&
		    !enabled(s, ENABLED_UIDONLY))
			str_addf(&q->out, " UID %u",
			    (unsigned)s->mb->msg[i].uid);
		if (!flags) {
			str_addc(&q->out, ' ');
			view_flags(s, i, &q->out);
		}
		if (enabled(s, ENABLED_CONDSTORE) &&
		    !(q->f.kinds & 1U << IMAP_FETCH_MODSEQ))
			str_addf(&q->out, " MODSEQ (%llu)",
			    (unsigned long long)s->mb->msg[i].modseq);
	}
	str_adds(&q->out, ")\r\n");
	s->fetched++;
}

static int
fetch_all(struct fetch *q, const struct index_list *list,
    const bool *changed, struct err *err)
{
	bool body = needs_body(q);
	size_t k, i;

	for (k = 0; k < list->n && !q->s->imap.io->failed; k++) {
		i = list->v[k];
		if (load(q, i, body, err) < 0) {
			if (err->kind != ERR_PERM)
				return -1;
			q->gone++;
			continue;
		}
		put_message(q, i, changed[k]);
		if (body && body_intact(&q->body, err) < 0)
			return io_break(q->s->imap.io, err->text);
		if (body)
			body_close(&q->body);
		if (q->out.len > 16384)
			flush_out(q);
	}
	return 0;
}

static void
reply(struct fetch *q)
{
	struct imap *im = &q->s->imap;

	if (q->unknown_cte)
		imap_no(im, "UNKNOWN-CTE", "a part has an encoding that we "
		    "can not decode");
	else if (q->gone > 0)
		imap_no(im, "EXPUNGEISSUED", "some of the messages are gone");
	else
		imap_ok(im, NULL, "that is all");
}

void
cmd_fetch(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct fetch q = { .s = s, .out = STR_INIT };
	struct imap_seqset set = { 0 };
	struct index_list list;
	struct err err = ERR_INIT;
	bool *changed;

	imap_lex_sp(l);
	imap_lex_seqset(l, &set);
	imap_lex_sp(l);
	imap_fetch_parse(l, &q.f);
	if (!imap_args_end(&s->imap))
		return;
	if (q.f.vanished && !enabled(s, ENABLED_QRESYNC)) {
		imap_bad(&s->imap, NULL, "ENABLE QRESYNC comes first");
		return;
	}
	if (q.f.vanished)
		view_vanished(s, q.f.changed_since, set.saved ? &s->result :
		    &set);
	if (!view_resolve(s, &set, l->uid, &list))
		return;
	q.body.arena = &q.parse;
	if (s->reading == NULL)
		s->reading = xcalloc(1, sizeof(*s->reading));
	q.body.place = s->reading;
	prepare(&q);
	narrow(&q, &list);
	if (!l->uid)
		q.gone = list.gone;
	changed = arena_alloc(&s->imap.arena, list.n + 1);
	if (mark_seen(&q, &list, changed, &err) < 0 ||
	    fetch_all(&q, &list, changed, &err) < 0)
		imap_fail(&s->imap, &err);
	else
		reply(&q);
	flush_out(&q);
	str_free(&q.out);
	body_free(&q.body);
	arena_free(&q.parse);
}

void
fetch_report(struct session *s, const char *items, size_t from)
{
	struct fetch q = { .s = s, .out = STR_INIT };
	struct arena *a = &s->imap.arena;
	struct index_list list = { .v = arena_alloc(a, (s->told - from) *
	    sizeof(*list.v)) };
	struct imap_lex l;
	struct err err;
	bool *changed = arena_alloc(a, s->told - from);

	imap_lex_init_text(&l, slice_of(arena_printf(a, "(UID %s", items +
	    1)), a, 0);
	if (!imap_fetch_parse_items(&l, &q.f))
		return;
	for (; from < s->told; from++)
		if (!(s->mb->msg[from].flags & MSG_GONE))
			list.v[list.n++] = (uint32_t)from;
	q.body.arena = &q.parse;
	if (s->reading == NULL)
		s->reading = xcalloc(1, sizeof(*s->reading));
	q.body.place = s->reading;
	prepare(&q);
	(void)fetch_all(&q, &list, changed, &err);
	flush_out(&q);
	str_free(&q.out);
	body_free(&q.body);
	arena_free(&q.parse);
}
