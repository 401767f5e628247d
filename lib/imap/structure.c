/*
 * structure.c - each function appends one complete element, so the
 * parentheses are balanced whatever the message says.  The depth of the
 * recursion is that of the tree, which its parser bounds.
 */
#include "imap/structure.h"

#include "imap/write.h"
#include "mime/address.h"
#include "mime/header.h"

enum { ADDRESSES_MAX = 5000 };

/* a field's value on one line; NIL where there is no field */
static void
put_value(struct str *out, struct slice value)
{
	struct str line = STR_INIT;

	if (value.p == NULL) {
		str_adds(out, "NIL");
		return;
	}
	if (imap_put_plain(out, slice_trim(value)))
		return;
	mime_unfold(value, &line);
	imap_put_string(out, slice_trim(slice_str(&line)), false);
	str_free(&line);
}

/* ---- ENVELOPE ----------------------------------------------------------- */

/* where the local part ends: the @ behind its quotes */
static size_t
local_end(struct slice addr)
{
	size_t i;
	bool quote = false;

	for (i = 0; i < addr.n; i++) {
		if (quote && addr.p[i] == '\\')
			i++;
		else if (addr.p[i] == '"')
			quote = !quote;
		else if (addr.p[i] == '@' && !quote)
			return i;
	}
	return addr.n;
}

/* "after removing RFC 2822 quoting" */
static void
put_local(struct str *out, struct slice local)
{
	struct str s = STR_INIT;
	size_t i;

	if (imap_put_plain(out, local))
		return;
	for (i = 0; i < local.n; i++) {
		if (local.p[i] == '"')
			continue;
		if (local.p[i] == '\\' && i + 1 < local.n)
			i++;
		str_addc(&s, local.p[i]);
	}
	imap_put_string(out, slice_str(&s), false);
	str_free(&s);
}

static void
put_address(struct str *out, const struct mime_address *a)
{
	size_t at = local_end(a->addr);

	str_addc(out, '(');
	if (a->name.n > 0)
		imap_put_string(out, a->name, false);
	else
		str_adds(out, "NIL");
	str_adds(out, " NIL ");
	put_local(out, slice_sub(a->addr, 0, at));
	str_addc(out, ' ');
	/* no domain is "", for NIL means a group */
	imap_put_string(out, slice_sub(a->addr, MIN(at + 1, a->addr.n),
	    a->addr.n), false);
	str_addc(out, ')');
}

static void
put_group(struct str *out, bool begin, struct slice name)
{
	if (!begin) {
		str_adds(out, "(NIL NIL NIL NIL)");
		return;
	}
	str_adds(out, "(NIL NIL ");
	imap_put_string(out, name, false);
	str_adds(out, " NIL)");
}

static void
put_list(struct str *out, const struct mime_addresses *r)
{
	bool group = false;
	size_t i;

	str_addc(out, '(');
	for (i = 0; i < r->n; i++) {
		if (r->v[i].addr.n > 0) {
			put_address(out, &r->v[i]);
			continue;
		}
		group = !group;		/* groups are not nested */
		put_group(out, group, r->v[i].name);
	}
	if (group)
		put_group(out, false, SLICE_LIT(""));
	str_addc(out, ')');
}

/* Where there is no address in it nothing is appended. */
static void
put_addresses(struct str *out, struct slice value, struct arena *a,
    struct mime_addresses *r)
{
	r->marks = true;
	if (value.p != NULL)
		mime_addresses_parse(value, ADDRESSES_MAX, a, r);
	if (r->n > 0)
		put_list(out, r);
}

/* a field that has a list of its own, or `other` again, or NIL */
static void
put_address_list(struct str *out, struct slice value, struct slice other,
    struct arena *a, struct mime_addresses *r)
{
	size_t len;

	str_addc(out, ' ');
	len = out->len;
	put_addresses(out, value, a, r);
	if (out->len == len)
		str_addsl(out, other);
	if (out->len == len)
		str_adds(out, "NIL");
}

static void
put_fields(struct str *out, const struct mime_envelope *env, struct arena *a,
    struct imap_envelope_lists *r)
{
	struct mime_addresses sender = { 0 }, reply_to = { 0 }, bcc = { 0 };
	struct str from = STR_INIT;

	put_value(out, env->date);
	str_addc(out, ' ');
	put_value(out, env->subject);
	put_addresses(&from, env->from, a, &r->from);
	put_address_list(out, SLICE_NULL, slice_str(&from), a, &sender);
	put_address_list(out, env->sender, slice_str(&from), a, &sender);
	put_address_list(out, env->reply_to, slice_str(&from), a, &reply_to);
	str_free(&from);
	put_address_list(out, env->to, SLICE_NULL, a, &r->to);
	put_address_list(out, env->cc, SLICE_NULL, a, &r->cc);
	put_address_list(out, env->bcc, SLICE_NULL, a, &bcc);
	str_addc(out, ' ');
	put_value(out, env->in_reply_to);
	str_addc(out, ' ');
	put_value(out, env->message_id);
}

void
imap_put_envelope_lists(struct str *out, const struct mime_envelope *env,
    struct arena *a, struct imap_envelope_lists *lists)
{
	static const struct mime_envelope none;

	*lists = (struct imap_envelope_lists){ 0 };
	str_addc(out, '(');
	put_fields(out, env != NULL ? env : &none, a, lists);
	str_addc(out, ')');
}

void
imap_put_envelope(struct str *out, const struct mime_envelope *env)
{
	struct imap_envelope_lists ignored;
	struct arena a = { 0 };

	imap_put_envelope_lists(out, env, &a, &ignored);
	arena_free(&a);
}

/* ---- BODY and BODYSTRUCTURE ---------------------------------------------- */

/* Both texts are made at once: out is the structure, and what has no extension
 * data goes to body, too, unless that is NULL. */
static void put_part(struct str *out, struct str *body,
    const struct mime_part *p);

static void
also(struct str *body, const struct str *out, size_t from)
{
	if (body != NULL)
		str_add(body, out->s + from, out->len - from);
}

static void
put_params(struct str *out, const struct mime_params *p)
{
	size_t i;

	if (p->n == 0) {
		str_adds(out, "NIL");
		return;
	}
	str_addc(out, '(');
	for (i = 0; i < p->n; i++) {
		if (i > 0)
			str_addc(out, ' ');
		imap_put_string(out, p->v[i].name, false);
		str_addc(out, ' ');
		imap_put_string(out, p->v[i].value, false);
	}
	str_addc(out, ')');
}

static void
put_encoding(struct str *out, const struct mime_part *p)
{
	static const char *const names[] = {
		[MIME_7BIT] = "7bit",
		[MIME_8BIT] = "8bit",
		[MIME_BINARY] = "binary",
		[MIME_QP] = "quoted-printable",
		[MIME_BASE64] = "base64",
	};

	if (p->encoding == MIME_UNKNOWN_CTE && p->encoding_raw.n > 0)
		put_value(out, p->encoding_raw);
	else
		imap_put_string(out, slice_of(names[p->encoding ==
		    MIME_UNKNOWN_CTE ? MIME_7BIT : p->encoding]), false);
}

static void
put_language(struct str *out, struct slice rest)
{
	struct slice tag;
	size_t n = 0;

	while (rest.p != NULL && mime_language_next(&rest, &tag)) {
		str_addc(out, n++ == 0 ? '(' : ' ');
		imap_put_string(out, tag, false);
	}
	str_adds(out, n > 0 ? ")" : "NIL");
}

/* disposition, language and location, which all parts have */
static void
put_extension(struct str *out, const struct mime_part *p)
{
	str_addc(out, ' ');
	if (p->disposition.n > 0) {
		str_addc(out, '(');
		imap_put_string(out, p->disposition, false);
		str_addc(out, ' ');
		put_params(out, &p->disposition_params);
		str_addc(out, ')');
	} else {
		str_adds(out, "NIL");
	}
	str_addc(out, ' ');
	put_language(out, p->language);
	str_addc(out, ' ');
	put_value(out, p->location);
}

static void
put_multipart(struct str *out, struct str *body, const struct mime_part *p)
{
	const struct mime_part *c;
	size_t from;

	for (c = p->child; c != NULL; c = c->next)
		put_part(out, body, c);
	from = out->len;
	str_addc(out, ' ');
	imap_put_string(out, p->subtype, false);
	also(body, out, from);
	str_addc(out, ' ');
	put_params(out, &p->params);
	put_extension(out, p);
}

static bool
is(const struct mime_part *p, const char *type)
{
	return slice_ieqz(p->type, type);
}

/* a leaf that says that it is not one can not be told as what it says */
static bool
is_disguised(const struct mime_part *p)
{
	if (p->opaque)
		return true;
	return p->kind == MIME_LEAF && (is(p, "multipart") ||
	    (is(p, "message") && (slice_ieqz(p->subtype, "rfc822") ||
	    slice_ieqz(p->subtype, "global"))));
}

static void
put_type(struct str *out, const struct mime_part *p)
{
	if (is_disguised(p)) {
		str_adds(out, "\"application\" \"octet-stream\"");
	} else {
		imap_put_string(out, p->type, false);
		str_addc(out, ' ');
		imap_put_string(out, p->subtype, false);
	}
	str_addc(out, ' ');
	/* RFC 2045 section 5.2 */
	if (!p->has_type && is(p, "text"))
		str_adds(out, "(\"charset\" \"us-ascii\")");
	else
		put_params(out, &p->params);
}

static void
put_single(struct str *out, struct str *body, const struct mime_part *p)
{
	bool lines = is(p, "text") && !is_disguised(p);
	size_t from = out->len;

	put_type(out, p);
	str_addc(out, ' ');
	put_value(out, p->id);
	str_addc(out, ' ');
	put_value(out, p->description);
	str_addc(out, ' ');
	put_encoding(out, p);
	str_addc(out, ' ');
	str_addu(out, mime_wire(p->body, p->end));
	if (p->kind == MIME_MESSAGE && p->child != NULL) {
		str_addc(out, ' ');
		imap_put_envelope(out, p->child->env);
		str_addc(out, ' ');
		also(body, out, from);
		put_part(out, body, p->child);
		from = out->len;
		lines = true;
	}
	if (lines) {
		str_addc(out, ' ');
		str_addu(out, mime_lines(p->body, p->end));
	}
	also(body, out, from);
	str_addc(out, ' ');
	put_value(out, p->md5);
	put_extension(out, p);
}

static void
put_part(struct str *out, struct str *body, const struct mime_part *p)
{
	str_addc(out, '(');
	if (body != NULL)
		str_addc(body, '(');
	if (p->kind == MIME_MULTIPART && p->child != NULL)
		put_multipart(out, body, p);
	else
		put_single(out, body, p);
	str_addc(out, ')');
	if (body != NULL)
		str_addc(body, ')');
}

void
imap_put_body(struct str *out, const struct mime_part *p)
{
	struct str structure = STR_INIT;

	put_part(&structure, out, p);
	str_free(&structure);
}

void
imap_put_bodystructure(struct str *out, const struct mime_part *p)
{
	put_part(out, NULL, p);
}

void
imap_put_structures(struct str *body, struct str *structure,
    const struct mime_part *p)
{
	put_part(structure, body, p);
}
