/*
 * rspamd_read.c - the answer of rspamd: HTTP around it, JSON in it.
 */
#include "rspamd.h"

#include <jansson.h>

#include "milter/milter.h"

enum { LINE_MAX_ = 8192, LINES = 100, DEPTH_ITEMS = 200 };

/* --- HTTP --- */

static int
bad(struct err *err, const char *why)
{
	return err_temp(err, "4.3.0", "rspamd: %s", why);
}

static int
line_of(struct io *io, struct slice *line, struct err *err)
{
	bool too_long = false;
	int r = io_getline(io, LINE_MAX_, line, NULL, &too_long);

	if (r <= 0)
		return net_err(io, err);
	return too_long ? bad(err, "a line without end") : 0;
}

static int
read_head(struct io *io, uint64_t *length, struct err *err)
{
	struct slice line, version, status;
	int i;

	if (line_of(io, &line, err) < 0)
		return -1;
	if (!slice_word(&line, &version) || !slice_word(&line, &status) ||
	    !slice_starts(version, "HTTP/1."))
		return bad(err, "no HTTP");
	if (!slice_eqz(status, "200"))
		return err_temp(err, "4.3.0", "rspamd: status %.*s",
		    (int)MIN(status.n, (size_t)20), status.p);
	*length = UINT64_MAX;
	for (i = 0; i < LINES; i++) {
		if (line_of(io, &line, err) < 0)
			return -1;
		if (line.n == 0)
			return 0;
		if (slice_istarts(line, "content-length:") &&
		    !slice_u64(slice_trim(slice_sub(line, 15, line.n)),
		    UINT32_MAX, length))
			return bad(err, "a malformed length");
		if (slice_istarts(line, "transfer-encoding:") ||
		    slice_istarts(line, "content-encoding:"))
			return bad(err, "an encoding that was not asked for");
	}
	return bad(err, "a header without end");
}

int
rspamd_http(struct io *io, size_t max, struct str *body, struct err *err)
{
	struct slice buf;
	uint64_t length;

	if (read_head(io, &length, err) < 0)
		return -1;
	if (length != UINT64_MAX && length > max)
		return bad(err, "the answer is too large");
	while (body->len < length) {
		if (io_peek(io, &buf) <= 0) {
			if (io->eof && length == UINT64_MAX)
				break;
			return net_err(io, err);
		}
		buf.n = (size_t)MIN((uint64_t)buf.n, length - body->len);
		str_addsl(body, buf);
		io_consume(io, buf.n);
		if (body->len > max)
			return bad(err, "the answer is too large");
	}
	return 0;
}

/* --- JSON --- */

static const char *
text_of(const json_t *j, struct arena *a)
{
	const char *z = json_string_value(j);

	/* a NUL inside would cut it: what is behind it is lost */
	return z != NULL ? arena_strdup(a, z) : "";
}

static void
add(struct rspamd_result *r, const struct edit *e)
{
	if (r->n >= EDITS_MAX)
		return;
	if (r->n == r->cap) {
		r->cap = r->cap > 0 ? 2 * r->cap : 8;
		r->v = xrealloc(r->v, r->cap * sizeof(*r->v));
	}
	r->v[r->n++] = *e;
}

static void
add_field(struct rspamd_result *r, const char *name, const json_t *j,
    struct arena *a)
{
	const json_t *value = json_is_object(j) ? json_object_get(j, "value") :
	    j;
	const json_t *order = json_object_get(j, "order");
	struct edit e = { .op = EDIT_ADD_HEADER, .name = "", .value = "" };
	struct str text = STR_INIT;

	if (!json_is_string(value))
		return;
	milter_field_text(json_string_value(value), &text);
	e.name = arena_strdup(a, name);
	e.value = arena_slice(a, slice_str(&text));
	str_free(&text);
	if (json_is_integer(order) && json_integer_value(order) >= 0) {
		e.op = EDIT_INSERT_HEADER;
		e.n = MIN(json_integer_value(order), (json_int_t)10000);
	}
	add(r, &e);
}

typedef void field_fn(struct rspamd_result *r, const char *name,
    const json_t *j, struct arena *a);

/* fields by name: what is said of one, or a list of that */
static void
each_field(struct rspamd_result *r, const json_t *list, struct arena *a,
    field_fn *fn)
{
	const char *name;
	json_t *j, *one;
	size_t i;

	json_object_foreach((json_t *)list, name, j) {
		if (!json_is_array(j))
			fn(r, name, j, a);
		else
			json_array_foreach(j, i, one)
				fn(r, name, one, a);
	}
}

static void
remove_field(struct rspamd_result *r, const char *name, const json_t *j,
    struct arena *a)
{
	struct edit e = { .op = EDIT_DELETE_HEADER, .value = "" };
	json_int_t n = json_integer_value(j);

	e.name = arena_strdup(a, name);
	e.n = MAX(MIN(n, (json_int_t)10000), (json_int_t)-10000);
	add(r, &e);
}

/* one address, or several */
static void
read_rcpts(struct rspamd_result *r, const json_t *j, enum edit_op op,
    struct arena *a)
{
	struct edit e = { .op = (int)op, .name = "" };
	json_t *one;
	size_t i;

	if (json_is_string(j)) {
		e.value = text_of(j, a);
		add(r, &e);
	}
	json_array_foreach((json_t *)j, i, one)
		if (json_is_string(one)) {
			e.value = text_of(one, a);
			add(r, &e);
		}
}

static void
read_milter(struct rspamd_result *r, const json_t *m, struct arena *a)
{
	const json_t *from = json_object_get(m, "change_from");
	const char *how = text_of(json_object_get(m, "reject"), a);

	each_field(r, json_object_get(m, "remove_headers"), a, remove_field);
	each_field(r, json_object_get(m, "add_headers"), a, add_field);
	if (json_is_string(from))
		add(r, &(struct edit){ .op = EDIT_SENDER, .name = "",
		    .value = text_of(from, a) });
	read_rcpts(r, json_object_get(m, "add_rcpt"), EDIT_ADD_RCPT, a);
	read_rcpts(r, json_object_get(m, "del_rcpt"), EDIT_DELETE_RCPT, a);
	if (r->action == RSPAMD_REJECT && strcmp(how, "quarantine") == 0)
		r->action = RSPAMD_QUARANTINE;
	if (r->action == RSPAMD_REJECT && strcmp(how, "discard") == 0)
		r->action = RSPAMD_DISCARD;
	if (json_is_true(json_object_get(m, "no_action")))
		r->action = RSPAMD_NOTHING;
}

/* a signature, or several: in front of what the client sent */
static void
read_signatures(struct rspamd_result *r, const json_t *j, struct arena *a)
{
	json_t *one, *field;
	size_t i, n = json_is_array(j) ? json_array_size(j) : 1;

	for (i = 0; i < n && i < DEPTH_ITEMS; i++) {
		one = json_is_array(j) ? json_array_get(j, i) : (json_t *)j;
		if (!json_is_string(one))
			continue;
		field = json_pack("{s:O,s:i}", "value", one, "order", 1);
		add_field(r, "DKIM-Signature", field, a);
		json_decref(field);
	}
}

static int
action_of(const char *z)
{
	struct slice rest = SLICE_LIT(RSPAMD_ACTIONS), one;
	int i;

	for (i = 0; slice_cut(&rest, '|', &one); i++)
		if (slice_eqz(one, z))
			return i;
	return -1;
}

static int
read_result(const json_t *top, struct arena *a, struct rspamd_result *r,
    struct err *err)
{
	const json_t *text = json_object_get(json_object_get(top, "messages"),
	    "smtp_message");

	r->name = text_of(json_object_get(top, "action"), a);
	r->action = action_of(r->name);
	if (r->action < 0)
		return err_temp(err, "4.3.0", "rspamd: %s: \"%.40s\"",
		    r->name[0] != '\0' ? "unknown action" : "no action in it",
		    r->name);
	r->score = json_number_value(json_object_get(top, "score"));
	r->required = json_number_value(json_object_get(top,
	    "required_score"));
	r->text = text_of(text, a);
	r->subject = text_of(json_object_get(top, "subject"), a);
	read_milter(r, json_object_get(top, "milter"), a);
	read_signatures(r, json_object_get(top, "dkim-signature"), a);
	return 0;
}

int
rspamd_read(struct slice s, struct arena *a, struct rspamd_result *r,
    struct err *err)
{
	json_t *top = json_loadb(s.p, s.n, 0, NULL);
	int rc;

	*r = (struct rspamd_result){ .text = "", .subject = "", .name = "" };
	if (top == NULL)
		return bad(err, "no JSON");
	rc = json_is_object(top) ? read_result(top, a, r, err) :
	    bad(err, "JSON of another shape");
	json_decref(top);
	return rc;
}
