/*
 * part.c - the MIME parser: one pass over lines.
 *
 * `cur` is the innermost part whose end was not seen yet; its ancestors are
 * open as well.  A frame is an open multipart whose boundary may still come,
 * the innermost last.  A line costs the search for its end and, where it
 * begins with "--", a hash of at most BOUNDARY_MAX + 2 octets; frames are
 * looked at only where one has a boundary of that hash.
 */
#include "mime/header.h"
#include "mime/impl.h"
#include "mime/word.h"

enum { BOUNDARY_MAX = 256, BUCKETS = 256 };

struct frame {
	struct mime_part *part, *last;
	struct slice boundary;
	uint32_t hash;
};

struct parser {
	struct slice m;
	struct arena *a;
	struct mime_limits lim;
	struct mime_mark at;		/* always a line's start */
	unsigned parts, n;		/* n: frames */
	struct frame *frames;
	struct mime_part *cur;
	uint16_t bucket[BUCKETS];	/* frames whose hash ends so */
};

static size_t
line_end(const struct parser *p)
{
	const char *from = p->m.p + p->at.pos;
	const char *lf = memchr(from, '\n', p->m.n - p->at.pos);

	return lf != NULL ? (size_t)(lf - p->m.p) + 1 : p->m.n;
}

/* the line up to `end` is done with */
static void
advance(struct parser *p, size_t end)
{
	const char *s = p->m.p;

	if (s[end - 1] == '\n') {
		p->at.lines++;
		if (end < 2 || s[end - 2] != '\r')
			p->at.bare++;
	}
	p->at.pos = end;
}

/* before the line end that is before the current line: it belongs to the
 * boundary (RFC 2046 5.1.1) */
static struct mime_mark
before_line(const struct parser *p)
{
	struct mime_mark m = p->at;
	const char *s = p->m.p;

	if (m.pos == 0 || s[m.pos - 1] != '\n')
		return m;
	m.pos--;
	m.lines--;
	if (m.pos > 0 && s[m.pos - 1] == '\r')
		m.pos--;
	else
		m.bare--;
	return m;
}

static uint32_t
hash_of(struct slice s)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 16777619u;
	return h ^ h >> 15;
}

static int
frame_of(const struct parser *p, struct slice s)
{
	uint32_t h = hash_of(s);
	unsigned i;

	if (p->bucket[h % BUCKETS] == 0)
		return -1;
	for (i = p->n; i-- > 0;)
		if (p->frames[i].hash == h &&
		    slice_eq(p->frames[i].boundary, s))
			return (int)i;
	return -1;
}

static bool
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Index of the frame whose boundary the current line is, or -1. */
static int
boundary_at(const struct parser *p, size_t end, bool *close_r)
{
	struct slice s = slice_sub(p->m, p->at.pos, end - p->at.pos);
	int i;

	if (p->n == 0 || s.n < 3 || s.p[0] != '-' || s.p[1] != '-')
		return -1;
	s = slice_sub(s, 2, s.n);
	while (s.n > 0 && is_white(s.p[s.n - 1]))
		s.n--;
	if (s.n == 0 || s.n > BOUNDARY_MAX + 2)
		return -1;
	*close_r = false;
	if ((i = frame_of(p, s)) >= 0 || s.n < 3 || !slice_ends(s, "--"))
		return i;
	*close_r = true;
	s.n -= 2;
	return frame_of(p, s);
}

static void
pop_frames(struct parser *p, unsigned keep)
{
	while (p->n > keep)
		p->bucket[p->frames[--p->n].hash % BUCKETS]--;
}

/* as it stands, or in the form of RFC 2231 */
static struct slice
boundary_of(struct parser *p, const struct mime_part *part)
{
	struct slice b = mime_param(&part->params, "boundary");
	struct str s = STR_INIT;

	if (b.p == NULL && mime_param_decode(&part->params, "boundary", &s)) {
		b.p = arena_slice(p->a, slice_str(&s));
		b.n = s.len;
		str_free(&s);
	}
	return b;
}

static void
push_frame(struct parser *p, struct mime_part *part)
{
	struct slice b = boundary_of(p, part);
	struct frame *f;

	while (b.n > 0 && ascii_isblank((unsigned char)b.p[b.n - 1]))
		b.n--;
	if (b.n == 0 || b.n > BOUNDARY_MAX)
		return;		/* none will be found in it */
	if (p->frames == NULL)
		p->frames = arena_alloc(p->a,
		    (p->lim.depth + 1) * sizeof(*p->frames));
	f = &p->frames[p->n++];
	*f = (struct frame){ part, NULL, b, hash_of(b) };
	p->bucket[f->hash % BUCKETS]++;
}

static struct mime_part *
new_part(struct parser *p, struct mime_part *parent)
{
	struct mime_part *part = arena_alloc(p->a, sizeof(*part));
	bool digest = parent != NULL && parent->kind == MIME_MULTIPART &&
	    slice_ieqz(parent->subtype, "digest");

	part->type = digest ? SLICE_LIT("message") : SLICE_LIT("text");
	part->subtype = digest ? SLICE_LIT("rfc822") : SLICE_LIT("plain");
	part->number = 1;
	part->begin = part->body = part->end = p->at;
	part->is_message = parent == NULL || parent->kind == MIME_MESSAGE;
	if (part->is_message)
		part->env = arena_alloc(p->a, sizeof(*part->env));
	p->parts++;
	if (parent == NULL)
		return part;
	part->parent = parent;
	part->depth = parent->depth + 1;
	part->number = ++parent->children;
	if (parent->child == NULL)
		parent->child = part;
	return part;
}

/* the lines of one field, its first ending at `end`: where it ends */
static bool
field(struct parser *p, struct mime_part *part, size_t end)
{
	struct slice s = slice_sub(p->m, p->at.pos, end - p->at.pos), name;
	size_t colon, n = mime_field_name(s, &colon), from = p->at.pos;
	size_t max = part->begin.pos + p->lim.header;

	if (n == 0 || end > max)
		return false;
	name = slice_sub(s, 0, n);
	advance(p, end);
	while (p->at.pos < p->m.n &&
	    ascii_isblank((unsigned char)p->m.p[p->at.pos])) {
		end = line_end(p);
		if (end > max)
			break;
		advance(p, end);
	}
	s = slice_sub(p->m, from + colon + 1, p->at.pos - from - colon - 1);
	mime_part_field(part, name, slice_trim(s), p->lim.params, p->a);
	return true;
}

static void
header(struct parser *p, struct mime_part *part)
{
	unsigned fields;
	bool close;
	size_t end;

	for (fields = 0; p->at.pos < p->m.n; fields++) {
		end = line_end(p);
		if (mime_blank_line(slice_sub(p->m, p->at.pos, 2)) > 0) {
			advance(p, end);
			break;
		}
		if ((p->n > 0 && boundary_at(p, end, &close) >= 0) ||
		    fields >= p->lim.fields || !field(p, part, end))
			break;
	}
	part->body = part->end = p->at;
}

/* A message that is said to be encoded, and is: its first line is no field. */
static bool
is_encoded(const struct parser *p, const struct mime_part *part)
{
	struct slice s = slice_sub(p->m, p->at.pos, p->m.n);
	size_t colon;

	if (part->encoding <= MIME_BINARY)
		return false;
	s.n = slice_find(s, '\n');
	return s.n > 0 && mime_field_name(s, &colon) == 0;
}

static void
set_kind(struct parser *p, struct mime_part *part)
{
	bool message;

	part->kind = MIME_LEAF;
	message = slice_ieqz(part->type, "message") &&
	    (slice_ieqz(part->subtype, "rfc822") ||
	    slice_ieqz(part->subtype, "global"));
	if (!message && !slice_ieqz(part->type, "multipart"))
		return;
	if (part->depth >= p->lim.depth || p->parts >= p->lim.parts ||
	    (message && is_encoded(p, part)))
		part->opaque = true;
	else
		part->kind = message ? MIME_MESSAGE : MIME_MULTIPART;
}

/* Read the header of a new part, and those of messages that begin with its
 * body; afterwards we are in the body of cur. */
static void
open_part(struct parser *p, struct mime_part *part)
{
	for (;;) {
		header(p, part);
		set_kind(p, part);
		p->cur = part;
		if (part->kind != MIME_MESSAGE)
			break;
		part = new_part(p, part);
	}
	if (part->kind == MIME_MULTIPART)
		push_frame(p, part);
}

/* the one child of a multipart in which no boundary was found */
static void
whole_body(struct parser *p, struct mime_part *part)
{
	struct mime_part *child = new_part(p, part);

	child->type = SLICE_LIT("text");
	child->subtype = SLICE_LIT("plain");
	child->begin = child->body = part->body;
	child->end = part->end;
	part->multipart_empty = true;
}

/* End cur and its ancestors below `top` (NULL: all) at e; a part's end is
 * never before its own body, nor before a child's end. */
static void
close_parts(struct parser *p, const struct mime_part *top,
    struct mime_mark e)
{
	struct mime_part *part;

	for (part = p->cur; part != top; part = part->parent) {
		if (e.pos < part->body.pos)
			e = part->body;
		part->end = e;
		if (part->kind == MIME_MULTIPART && part->child == NULL)
			whole_body(p, part);
	}
}

/* the current line is a boundary of frame i */
static void
delimiter(struct parser *p, unsigned i, bool close, size_t end)
{
	struct frame *f = &p->frames[i];
	struct mime_part *part;

	close_parts(p, f->part, before_line(p));
	p->cur = f->part;
	advance(p, end);
	pop_frames(p, close ? i : i + 1);
	if (close)
		return;
	part = new_part(p, f->part);
	if (f->last != NULL)
		f->last->next = part;
	f->last = part;
	open_part(p, part);
}

static struct parser
parser_of(struct slice msg, const struct mime_limits *lim, struct arena *a)
{
	static const struct mime_limits usual = MIME_LIMITS;

	return (struct parser){ .m = msg, .a = a,
		.lim = lim != NULL ? *lim : usual };
}

struct mime_part *
mime_parse(struct slice msg, const struct mime_limits *lim, struct arena *a)
{
	struct parser p = parser_of(msg, lim, a);
	struct mime_part *root = new_part(&p, NULL);
	bool close;
	size_t end;
	int i;

	open_part(&p, root);
	while (p.at.pos < msg.n) {
		end = line_end(&p);
		i = boundary_at(&p, end, &close);
		/* with no part left the last one goes on */
		if (i < 0 || (!close && p.parts >= p.lim.parts))
			advance(&p, end);
		else
			delimiter(&p, (unsigned)i, close, end);
	}
	close_parts(&p, NULL, p.at);
	return root;
}

struct mime_part *
mime_parse_header(struct slice msg, const struct mime_limits *lim,
    struct arena *a)
{
	struct parser p = parser_of(msg, lim, a);
	struct mime_part *root = new_part(&p, NULL);

	header(&p, root);
	set_kind(&p, root);
	root->end.pos = msg.n;
	return root;
}
