/*
 * edits.c - what others want changed about a message (proto/edit.h), carried
 * out at commit, in the order in which it was asked for.
 *
 * Who asks is a program of ours that may be wrong, or in other hands: there is
 * a limit to everything, and what can not be done is our own trouble, so it is
 * temporary.  A new content is only made where the header or the body changes.
 */
#include "base/log.h"
#include "fields.h"
#include "mime/header.h"
#include "rewrite.h"

enum { BY_MAX = 200, LOG_RCPTS = 10, COMPARE_MAX = 2000 };

struct work {
	struct message *m;
	struct rcpt *before;	/* its recipients as they were */
	size_t nbefore;
	struct fields fields;
	struct str header;
	struct str by;		/* all who asked, once each */
};

void
edits_take(struct message *m, const struct edit *e, int fd)
{
	struct edit c = *e;

	if (e->op == EDIT_BODY && fd < 0)
		err_temp(&m->edit_err, "4.3.0", "a body without a "
		    "descriptor");
	m->edit_bytes += strlen(e->name) + strlen(e->value);
	if (m->edit_bytes > EDIT_BYTES_MAX)
		err_temp(&m->edit_err, "4.3.0", "changes of more than %d "
		    "bytes", EDIT_BYTES_MAX);
	if (m->edit_err.kind != ERR_NONE) {
		close_fd(fd);
		return;
	}
	c.by = arena_slice(&m->arena, slice_sub(slice_of(e->by), 0, BY_MAX));
	edits_add(&m->edits, &c, fd, &m->arena, &m->edit_err);
	if (m->edit_err.kind != ERR_NONE)
		err_prefix(&m->edit_err, "%s", c.by);
}

static int
do_edit(struct work *w, const struct edit *e, struct err *err)
{
	struct message *m = w->m;
	const char *sender = m->sender;

	if (e->op <= EDIT_DELETE_HEADER)
		return fields_edit(&w->fields, e, &m->arena, err) < 0 ?
		    err_prefix(err, "%s", e->by) : 0;
	if (e->op == EDIT_BODY)
		return 0;
	if (envelope_edit(m, e, err) < 0)
		return -1;
	if (m->sender != sender)
		fields_return_path(&w->fields, m->sender, m->utf8, &m->arena);
	return 0;
}

static void
note_by(struct str *all, const char *by)
{
	struct slice rest = slice_str(all), one;

	while (slice_cut(&rest, ',', &one))
		if (slice_eqz(slice_trim(one), by))
			return;
	if (by[0] != '\0' && all->len + strlen(by) < 2 * BY_MAX)
		str_addf(all, "%s%s", all->len > 0 ? ", " : "", by);
}

static bool
is_among(const char *addr, const struct rcpt *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(v[i].addr, addr) == 0)
			return true;
	return false;
}

/* those of v that are not in old, the first of them; of very many the number
 * has to do */
static void
list_new(struct str *out, const struct rcpt *v, size_t n,
    const struct rcpt *old, size_t nold)
{
	size_t i, told = 0;

	if (n > COMPARE_MAX || nold > COMPARE_MAX)
		return;
	for (i = 0; i < n && told <= LOG_RCPTS; i++) {
		if (is_among(v[i].addr, old, nold))
			continue;
		if (told > 0)
			str_addc(out, ',');
		str_adds(out, told++ < LOG_RCPTS ? v[i].addr : "...");
	}
}

static void
log_edited(const struct work *w)
{
	const struct message *m = w->m;
	struct str dest = STR_INIT, added = STR_INIT, removed = STR_INIT;
	char nrcpt[24];

	snprintf(nrcpt, sizeof(nrcpt), "%zu", m->n);
	if (m->rcpts_changed) {
		list_new(&added, m->rcpts, m->n, w->before, w->nbefore);
		list_new(&removed, w->before, w->nbefore, m->rcpts, m->n);
	}
	if (m->transport != NULL)
		str_addf(&dest, "%s:%s", m->transport, m->nexthop);
	log_event(LOG_INFO, "edited", KS("by", w->by.len ? w->by.s : NULL),
	    KU("edits", m->edits.n), KU("headers", w->fields.changes),
	    KS("body", m->edits.has_body ? "yes" : NULL),
	    KS("from", m->sender_changed ? m->sender : NULL),
	    KS("nrcpt", m->rcpts_changed ? nrcpt : NULL),
	    KS("added", added.len > 0 ? added.s : NULL),
	    KS("removed", removed.len > 0 ? removed.s : NULL),
	    KS("dest", dest.len > 0 ? dest.s : NULL),
	    KS("hold", m->hold_reason), KEND);
	str_free(&dest);
	str_free(&added);
	str_free(&removed);
}

static int
write_content(struct work *w, const struct content_facts *f, uint64_t *size,
    struct err *err)
{
	struct message *m = w->m;
	struct splices s = { .has_body = m->edits.has_body,
		.body = m->edits.body };
	struct str head = STR_INIT;
	size_t trace;
	int rc;

	fields_print(&w->fields, &head, &trace);
	if (w->fields.blank || f->no_blank || s.has_body)
		str_addc(&head, '\n');
	splice_add(&s, 0, f->body, slice_str(&head));
	rc = rewrite(m, &s, size, err);
	if (rc == 0)
		m->trace = trace;
	splices_free(&s);
	str_free(&head);
	return rc;
}

static int
apply(struct work *w, const struct content_facts *f, uint64_t *size,
    struct err *err)
{
	struct message *m = w->m;
	bool content;
	size_t i;

	if (mime_header_load(m->fd, f->body, &w->header, err) < 0)
		return -1;
	fields_parse(&w->fields, slice_str(&w->header), m->trace);
	w->nbefore = m->n;
	w->before = arena_alloc(&m->arena, (m->n + 1) * sizeof(*w->before));
	memcpy(w->before, m->rcpts, m->n * sizeof(*w->before));
	for (i = 0; i < m->edits.n; i++) {
		note_by(&w->by, m->edits.v[i].by);
		if (do_edit(w, &m->edits.v[i], err) < 0)
			return -1;
	}
	if (m->n == 0)
		message_discard(m, w->by.s, "no recipient is left");
	if (m->discard)
		return 0;
	content = w->fields.changes > 0 || m->edits.has_body;
	if (content && write_content(w, f, size, err) < 0)
		return -1;
	log_edited(w);
	return content;
}

int
edits_apply(struct message *m, const struct content_facts *f, uint64_t *size,
    struct err *err)
{
	struct work w = { .m = m, .header = STR_INIT, .by = STR_INIT };
	int rc;

	if (m->edit_err.kind != ERR_NONE) {
		/* whose fault it is, is not the message's */
		*err = m->edit_err;
		err->kind = ERR_TEMP;
		slice_copy(err->dsn, sizeof(err->dsn), SLICE_LIT("4.3.0"));
		return -1;
	}
	if (m->edits.n == 0)
		return 0;
	rc = apply(&w, f, size, err);
	fields_free(&w.fields);
	str_free(&w.header);
	str_free(&w.by);
	return rc;
}
