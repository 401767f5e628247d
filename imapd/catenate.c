/*
 * catenate.c - CATENATE: RFC 4469.  A message made of literals and of parts of
 * messages that the client may read.  URLs (RFC 5092) are those of this
 * server's mailboxes, without scheme and host; what they name is read while
 * the command comes, so nothing is kept of them.
 */
#include "append.h"
#include "body.h"
#include "mime/part.h"
#include "share.h"

enum { WORK_MESSAGES = 10 /* of the largest size, are read for one */,
	FOLDER_COST = 1 << 20 /* bytes that could be read meanwhile */,
	URL_COST = 1 << 14, FREE_URLS = 100 };

/* the message that comes of it, and what was read for it */
struct catenation { uint64_t total, work; };

struct url {
	struct slice mailbox;	/* empty: the selected one */
	uint32_t uidvalidity, uid;
	struct slice section;
	bool partial;
	uint64_t offset, length;
};

static bool
bad_url(struct session *s, struct slice url, const char *why)
{
	char code[80];

	snprintf(code, sizeof(code), "BADURL \"%.*s\"",
	    (int)MIN(url.n, (size_t)60), url.p);
	return imap_lex_fail(&s->imap.lex, IMAP_LEX_NO,
	    slice_find(url, '"') < url.n || slice_find(url, '\\') < url.n ?
	    "BADURL" : code, "%s", why);
}

/* %XX: false where it is malformed or NUL */
static bool
decode(struct session *s, struct slice in, struct slice *r)
{
	char *out = arena_alloc(&s->imap.arena, in.n + 1);
	size_t i, n = 0;
	int hi, lo;

	for (i = 0; i < in.n; i++) {
		if (in.p[i] != '%') {
			out[n++] = in.p[i];
			continue;
		}
		hi = i + 2 < in.n ? hex_digit(in.p[i + 1]) : -1;
		lo = i + 2 < in.n ? hex_digit(in.p[i + 2]) : -1;
		if (hi < 0 || lo < 0 || (hi | lo) == 0)
			return false;
		out[n++] = (char)(hi << 4 | lo);
		i += 2;
	}
	*r = (struct slice){ out, n };
	return utf8_valid(*r);
}

static bool
take_number(struct slice s, uint32_t *r)
{
	uint64_t n;

	if (!slice_u64(s, UINT32_MAX, &n) || n == 0)
		return false;
	*r = (uint32_t)n;
	return true;
}

static bool
take_partial(struct slice s, struct url *u)
{
	struct slice offset;

	u->partial = true;
	u->length = UINT64_MAX;
	slice_cut(&s, '.', &offset);
	return slice_u64(offset, INT64_MAX, &u->offset) &&
	    (s.p == NULL || slice_u64(s, INT64_MAX, &u->length));
}

/* ";UID=20", ";SECTION=1.2", ";PARTIAL=0.100" */
static bool
take_param(struct session *s, struct slice part, struct url *u)
{
	if (slice_istarts(part, ";UID="))
		return take_number(slice_sub(part, 5, part.n), &u->uid);
	if (slice_istarts(part, ";SECTION="))
		return decode(s, slice_sub(part, 9, part.n), &u->section);
	if (slice_istarts(part, ";PARTIAL="))
		return take_partial(slice_sub(part, 9, part.n), u);
	return false;
}

/* "/Drafts;UIDVALIDITY=385759045/;UID=20/;SECTION=1.2", or from ";UID=" on */
static bool
parse_url(struct session *s, struct slice text, struct url *u)
{
	struct slice rest = text, part, box;
	size_t i, at = text.n;

	*u = (struct url){ .section = SLICE_LIT("") };
	for (i = 0; i + 5 <= text.n && at == text.n; i++)
		if (slice_istarts(slice_sub(text, i, text.n), ";UID="))
			at = i;
	if (at == text.n)
		return false;
	rest = slice_sub(text, at, text.n);
	box = slice_sub(text, 0, at);
	if (box.n > 0 && !slice_eqz(box, "/")) {
		if (box.p[0] != '/' || box.p[box.n - 1] != '/')
			return false;
		box = slice_sub(box, 1, box.n - 2);
		slice_cut(&box, ';', &part);
		if (!decode(s, part, &u->mailbox) || u->mailbox.n == 0)
			return false;
		if (box.p != NULL && (!slice_istarts(box, "UIDVALIDITY=") ||
		    !take_number(slice_sub(box, 12, box.n), &u->uidvalidity)))
			return false;
	}
	while (slice_cut(&rest, '/', &part))
		if (!take_param(s, part, u))
			return false;
	return u->uid != 0;
}

/* the folder that a URL names, open for reading */
struct source { struct mailbox *mb; struct mailbox_place p; bool own; };

static int
open_source(struct session *s, const struct url *u, struct source *o,
    struct err *err)
{
	const char *name = u->mailbox.p;
	unsigned rights;

	*o = (struct source){ .mb = s->mb };
	if (slice_ieqz(u->mailbox, "INBOX"))
		name = "INBOX";
	if (u->mailbox.n == 0 || (s->mb != NULL && strcmp(s->name, name) == 0))
		return s->mb != NULL ? 0 :
		    err_perm(err, "5.1.1", "no mailbox is selected");
	if (share_place(s, name, ACL_READ, &o->p, &rights, err) < 0)
		return -1;
	o->own = true;
	o->mb = mailbox_open(&o->p, MAILBOX_READONLY, err);
	if (o->mb == NULL)
		tree_place_end(&o->p);
	return o->mb != NULL ? 0 : -1;
}

static void
close_source(struct source *o)
{
	if (!o->own)
		return;
	mailbox_close(o->mb);
	tree_place_end(&o->p);
}

/* with CRLF line ends, as offsets count them */
static void
add_wire(struct slice s, struct str *out)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r'))
			str_addc(out, '\r');
		str_addc(out, s.p[i]);
	}
}

static bool
parse_section(struct session *s, struct slice text, struct imap_section *r)
{
	struct imap_lex l;

	/* the bracket is what ends an empty one */
	imap_lex_init_text(&l, slice_of(arena_printf(&s->imap.arena, "%.*s]",
	    (int)text.n, text.p)), &s->imap.arena, 0);
	return imap_section_parse(&l, r) && imap_lex_char(&l, ']') &&
	    imap_lex_end(&l);
}

static int
add_part(struct body *b, const struct url *u,
    const struct imap_section *section, struct str *out, struct err *err)
{
	struct str filtered = STR_INIT, wire = STR_INIT;
	struct slice s;
	uint64_t from, n;

	if (!body_section(b, section, &filtered, &s)) {
		str_free(&filtered);
		return err_perm(err, "5.2.0", "there is no such part");
	}
	if (u->partial) {
		add_wire(s, &wire);
		from = MIN(u->offset, (uint64_t)wire.len);
		n = MIN(u->length, wire.len - from);
		str_add(out, wire.s + from, (size_t)n);
	} else if (s.n <= (size_t)conf.message_size) {
		str_addsl(out, s);
	}
	if (s.n > (size_t)conf.message_size)
		err_perm(err, "5.3.4", "a part is too large");
	str_free(&filtered);
	str_free(&wire);
	return s.n > (size_t)conf.message_size ? -1 : 0;
}

/* Work is bounded, not only what comes of it: a small part of a large message
 * costs what the whole one costs, and a folder what it takes to open. */
static int
spend(const struct source *o, uint64_t size, uint64_t *work, struct err *err)
{
	*work += size + (o->own ? FOLDER_COST : URL_COST);
	return *work <= WORK_MESSAGES * (uint64_t)conf.message_size +
	    FREE_URLS * FOLDER_COST ? 0 :
	    err_perm(err, "5.3.4", "too much is to be read for it");
}

static int
read_url(struct session *s, const struct url *u,
    const struct imap_section *section, struct catenation *c, struct str *out,
    struct err *err)
{
	struct arena arena = { 0 };
	struct body b = { .arena = &arena };
	struct source o;
	size_t i;
	int r = -1;

	if (open_source(s, u, &o, err) < 0)
		return -1;
	i = mailbox_find(o.mb, u->uid);
	if (u->uidvalidity != 0 && u->uidvalidity != o.mb->uidvalidity)
		err_perm(err, "5.1.1", "UIDVALIDITY is another");
	else if (i >= o.mb->n || o.mb->msg[i].uid != u->uid ||
	    o.mb->msg[i].flags & MSG_GONE)
		err_perm(err, "5.1.1", "there is no such message");
	else if (spend(&o, o.mb->msg[i].size, &c->work, err) == 0 &&
	    body_open_in(&b, o.mb, i, err) == 0) {
		r = add_part(&b, u, section, out, err);
		if (r == 0)
			r = body_intact(&b, err);
		body_close(&b);
	}
	close_source(&o);
	body_free(&b);
	arena_free(&arena);
	return r;
}

static bool
take_url(struct session *s, struct mailbox_add *add, struct catenation *c)
{
	struct imap_section section;
	struct str out = STR_INIT;
	struct slice text;
	struct url u;
	struct err err = ERR_INIT;
	bool good = false;

	if (!imap_lex_sp(&s->imap.lex) ||
	    !imap_lex_astring(&s->imap.lex, &text))
		return false;
	if (!parse_url(s, text, &u) ||
	    !parse_section(s, u.section, &section))
		return bad_url(s, text, "such a URL can not be used here");
	if (read_url(s, &u, &section, c, &out, &err) < 0) {
		if (strcmp(err.dsn, "5.3.4") == 0)
			imap_lex_fail(&s->imap.lex, IMAP_LEX_NO, "LIMIT", "%s",
			    err.text);
		else if (err.kind == ERR_PERM)
			bad_url(s, text, err.text);
		else
			append_failed(s, &err);
	} else if ((c->total += out.len) > (uint64_t)conf.message_size) {
		imap_lex_fail(&s->imap.lex, IMAP_LEX_NO, "TOOBIG",
		    "the limit is %lld bytes", (long long)conf.message_size);
	} else if (mailbox_add_write(add, slice_str(&out), &err) < 0) {
		append_failed(s, &err);
	} else {
		good = true;
	}
	str_free(&out);
	return good;
}

bool
catenate(struct session *s, struct mailbox_add *add)
{
	struct imap_lex *l = &s->imap.lex;
	struct err err = ERR_INIT;
	struct catenation c = { 0 };
	size_t parts = 0;

	if (!imap_lex_sp(l))
		return false;
	if (mailbox_add_begin(add, &err) < 0)
		return append_failed(s, &err);
	for (imap_lex_open(l); imap_lex_next(l); parts++) {
		if (imap_lex_try_word(l, "URL"))
			take_url(s, add, &c);
		else if (imap_lex_try_word(l, "TEXT") && imap_lex_sp(l))
			append_literal(s, add, &c.total);
		else
			imap_lex_expected(l, "URL or TEXT");
	}
	if (imap_lex_ok(l) && (parts == 0 || c.total == 0))
		imap_lex_fail(l, IMAP_LEX_NO, "", "an empty message");
	return imap_lex_ok(l);
}
