/*
 * body.c - sections of messages.  Files have LF line ends, the wire has CRLF:
 * sizes and offsets of the protocol count wire octets.
 */
#include "body.h"

#include "base/clock.h"
#include "base/fault.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "mime/decode.h"
#include "mime/header.h"

enum { PIECE = 16384, SMALL = 128 * 1024 };

/* mapping costs more than copying where a file has few pages */
static int
read_small(struct body *b, int fd, size_t n, struct err *err)
{
	size_t at = 0;
	ssize_t r;

	if (b->room == NULL)
		b->room = xmalloc(SMALL);
	while (at < n) {
		r = read(fd, b->room + at, n - at);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(err, "read message");
		if (r == 0)
			break;
		at += (size_t)r;
	}
	b->msg = (struct slice){ b->room, at };
	return 0;
}

static int
map_large(struct body *b, int fd, size_t n, struct err *err)
{
	/* who reads in pieces wants a few pages only */
	bool known = b->place != NULL && memcmp(&b->place->file, &b->file,
	    sizeof(b->file)) == 0;
	void *p = mmap(NULL, n, PROT_READ, MAP_PRIVATE | (known ? 0 :
	    MAP_POPULATE), fd, 0);

	if (p == MAP_FAILED)
		return err_sys(err, "map message");
	b->msg = (struct slice){ p, n };
	b->mapped = true;
	return 0;
}

int
body_open(struct body *b, struct session *s, size_t i, struct err *err)
{
	return body_open_in(b, s->mb, i, err);
}

int
body_open_in(struct body *b, struct mailbox *mb, size_t i, struct err *err)
{
	int fd = mailbox_read(mb, i, err), r;
	struct stat st;

	b->root = NULL;
	b->mapped = false;
	b->faults = fault_count();
	b->msg = SLICE_LIT("");
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0) {
		close(fd);
		return err_sys(err, "message");
	}
	b->file = (struct body_file){ st.st_dev, st.st_ino,
		(uint64_t)st.st_size, timespec_ns(st.st_mtim) };
	if (st.st_size > SMALL)
		r = map_large(b, fd, (size_t)st.st_size, err);
	else
		r = read_small(b, fd, (size_t)st.st_size, err);
	close(fd);
	return r;
}

int
body_intact(const struct body *b, struct err *err)
{
	return fault_count() == b->faults ? 0 : err_temp(err, "4.2.0",
	    "a message was cut off by another program");
}

void
body_close(struct body *b)
{
	if (b->mapped)
		munmap((void *)(uintptr_t)b->msg.p, b->msg.n);
	b->mapped = false;
	b->msg = SLICE_LIT("");
	b->root = NULL;
	arena_reset(b->arena);
}

void
body_free(struct body *b)
{
	free(b->room);
	b->room = NULL;
}

const struct mime_part *
body_parse(struct body *b, bool whole)
{
	if (b->root != NULL && (b->whole || !whole))
		return b->root;
	b->whole = whole;
	b->root = whole ? mime_parse(b->msg, NULL, b->arena) :
	    mime_parse_header(b->msg, NULL, b->arena);
	return b->root;
}

/* lines with their ends, at most n octets, gathered in pieces */
struct wire {
	struct io *io;
	uint64_t left;
	size_t len;
	unsigned faults;
	char piece[PIECE];
};

/* What is missing in the file is not made up: the client's literal ends with
 * the connection. */
static void
wire_flush(struct wire *w)
{
	if (fault_count() != w->faults)
		io_break(w->io, "a message was cut off by another program");
	io_put(w->io, w->piece, w->len);
	w->len = 0;
}

static void
wire_put(struct wire *w, const char *p, size_t n)
{
	size_t part;

	n = (size_t)MIN((uint64_t)n, w->left);
	w->left -= n;
	for (; n > 0; p += part, n -= part) {
		if (w->len == sizeof(w->piece))
			wire_flush(w);
		part = MIN(n, sizeof(w->piece) - w->len);
		memcpy(w->piece + w->len, p, part);
		w->len += part;
	}
}

/* from byte raw on, or from the middle of the line end that is there */
static void
put_from(struct io *io, struct slice s, size_t raw, bool in_crlf, uint64_t n)
{
	struct wire w = { .io = io, .left = n, .faults = fault_count() };
	const char *p = s.p + raw, *end = s.p + s.n, *nl;

	if (in_crlf) {
		wire_put(&w, "\n", 1);
		p++;
	}
	while (p < end && w.left > 0) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL) {
			wire_put(&w, p, (size_t)(end - p));
			break;
		}
		if (nl > s.p && nl[-1] == '\r') {
			wire_put(&w, p, (size_t)(nl + 1 - p));
		} else {
			wire_put(&w, p, (size_t)(nl - p));
			wire_put(&w, "\r\n", 2);
		}
		p = nl + 1;
	}
	/* another file than it was when its octets were counted */
	if (w.left > 0)
		io_break(io, "a message was changed by another program");
	wire_flush(&w);
}

void
body_put_wire(struct io *io, struct slice s, uint64_t from, uint64_t n)
{
	bool in_crlf = false;
	size_t raw = from == 0 ? 0 : mime_wire_seek(s, (size_t)MIN(from,
	    (uint64_t)SIZE_MAX), &in_crlf);

	put_from(io, s, raw, in_crlf, n);
}

/* --- sections ------------------------------------------------ */

static bool
named(struct slice name, const struct imap_section *section)
{
	size_t i;

	for (i = 0; i < section->n_fields; i++)
		if (slice_ieq(name, section->field[i]))
			return true;
	return false;
}

static void
add_crlf(struct str *out, struct slice raw)
{
	struct slice line;

	if (raw.n > 0 && raw.p[raw.n - 1] == '\n')
		raw.n--;
	while (slice_cut(&raw, '\n', &line)) {
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		str_addsl(out, line);
		str_adds(out, "\r\n");
	}
}

void
body_filter(struct slice header, const struct imap_section *section,
    struct str *out)
{
	struct mime_scan scan;
	struct mime_field f;
	bool not = section->kind == IMAP_SECTION_FIELDS_NOT;

	mime_scan_init(&scan, header);
	while (mime_scan_next(&scan, &f))
		if (named(f.name, section) != not)
			add_crlf(out, f.raw);
	str_adds(out, "\r\n");
}

/* the range of a section; false: there is no such part */
static bool
find_range(struct body *b, const struct imap_section *sec,
    struct mime_mark *from, struct mime_mark *to)
{
	const struct mime_part *root = body_parse(b, sec->depth > 0), *p;

	p = mime_find_part((struct mime_part *)(uintptr_t)root, sec->part,
	    sec->depth);
	if (p == NULL)
		return false;
	*from = p->body;
	*to = p->end;
	if (sec->kind == IMAP_SECTION_MIME) {
		*from = p->begin;
		*to = p->body;
		return true;
	}
	if (sec->kind == IMAP_SECTION_ALL) {
		if (sec->depth == 0)
			*from = p->begin;
		return true;
	}
	if (sec->depth > 0)
		p = mime_message_of(p);
	if (p == NULL)
		return false;
	*from = sec->kind == IMAP_SECTION_TEXT ? p->body : p->begin;
	*to = sec->kind == IMAP_SECTION_TEXT ? p->end : p->body;
	return true;
}

static void
put_octets(struct io *io, struct slice s, uint64_t wire,
    const struct imap_fetch_item *item)
{
	uint64_t from = 0, n = wire;

	if (item->partial) {
		from = MIN(item->offset, wire);
		n = MIN(item->length, wire - from);
	}
	io_printf(io, "{%llu}\r\n", (unsigned long long)n);
	body_put_wire(io, s, from, n);
}

bool
body_section(struct body *b, const struct imap_section *sec,
    struct str *filtered, struct slice *r)
{
	struct mime_mark from, to;

	*r = b->msg;
	if (sec->kind == IMAP_SECTION_ALL && sec->depth == 0)
		return true;
	if (!find_range(b, sec, &from, &to))
		return false;
	*r = (struct slice){ b->msg.p + from.pos, to.pos - from.pos };
	if (sec->kind == IMAP_SECTION_FIELDS ||
	    sec->kind == IMAP_SECTION_FIELDS_NOT) {
		body_filter(*r, sec, filtered);
		*r = slice_str(filtered);
	}
	return true;
}

/* --- pieces -------------------------------------------------- */

static bool
is_place(const struct body_place *p, const struct body *b,
    const struct imap_section *sec)
{
	return memcmp(&p->file, &b->file, sizeof(p->file)) == 0 &&
	    p->kind == (int)sec->kind && p->depth == sec->depth &&
	    (p->depth == 0 || memcmp(p->part, sec->part, p->depth *
	    sizeof(*p->part)) == 0) && p->to <= b->msg.n;
}

/* false: there is no such part */
static bool
find_place(struct body *b, const struct imap_section *sec)
{
	struct body_place *p = b->place;
	struct str none = STR_INIT;
	struct slice s;

	if (is_place(p, b, sec))
		return true;
	if (!body_section(b, sec, &none, &s))
		return false;
	*p = (struct body_place){ .file = b->file, .kind = (int)sec->kind,
		.depth = sec->depth, .from = (size_t)(s.p - b->msg.p),
		.wire = mime_wire_size(s) };
	p->to = p->from + s.n;
	if (p->depth > 0)
		memcpy(p->part, sec->part, p->depth * sizeof(*p->part));
	return true;
}

static void
put_piece(struct body *b, struct io *io, const struct imap_fetch_item *item)
{
	struct body_place *p = b->place;
	struct slice s = { b->msg.p + p->from, p->to - p->from };
	uint64_t from = MIN(item->offset, p->wire);
	uint64_t n = MIN(item->length, p->wire - from);
	bool in_crlf;
	size_t raw;

	if (from < p->at)
		p->raw = p->at = 0;
	raw = p->raw + mime_wire_seek(slice_sub(s, p->raw, s.n),
	    (size_t)(from - p->at), &in_crlf);
	io_printf(io, "{%llu}\r\n", (unsigned long long)n);
	put_from(io, s, raw, in_crlf, n);
	/* whether an LF needs a CR is for what stands before it to say */
	if (!in_crlf && (raw == 0 || s.p[raw - 1] != '\r')) {
		p->raw = raw;
		p->at = from;
	}
}

void
body_put_section(struct body *b, struct io *io,
    const struct imap_fetch_item *item)
{
	const struct imap_section *sec = &item->section;
	struct str filtered = STR_INIT;
	struct slice s;

	if (item->partial && b->place != NULL && sec->n_fields == 0 &&
	    sec->depth <= PLACE_DEPTH) {
		if (find_place(b, sec))
			put_piece(b, io, item);
		else
			io_puts(io, "NIL");
		return;
	}
	if (body_section(b, sec, &filtered, &s))
		put_octets(io, s, mime_wire_size(s), item);
	else
		io_puts(io, "NIL");
	str_free(&filtered);
}

/* --- BINARY ----------------------------------------------------- */

static const struct mime_part *
binary_part(struct body *b, const struct imap_fetch_item *item)
{
	const struct mime_part *root = body_parse(b, true);

	return mime_find_part((struct mime_part *)(uintptr_t)root,
	    item->section.part, item->section.depth);
}

int
body_put_binary(struct body *b, struct io *io,
    const struct imap_fetch_item *item)
{
	const struct mime_part *p;
	struct str out = STR_INIT;
	struct imap_fetch_item plain = *item;

	p = item->section.depth > 0 ? binary_part(b, item) : NULL;
	if (item->section.depth > 0 && p == NULL) {
		io_puts(io, "NIL");
		return 0;
	}
	if (p == NULL || p->kind != MIME_LEAF) {
		plain.kind = IMAP_FETCH_SECTION;
		body_put_section(b, io, &plain);
		return 0;
	}
	if (!mime_decode_part(b->msg, p, item->partial ? item->offset : 0,
	    item->partial ? item->length : UINT64_MAX, &out)) {
		str_free(&out);
		return -1;
	}
	io_printf(io, "%s{%zu}\r\n", slice_has_nul(slice_str(&out)) ? "~" :
	    "", out.len);
	io_put(io, out.s, out.len);
	str_free(&out);
	return 0;
}

int
body_put_binary_size(struct body *b, struct io *io,
    const struct imap_fetch_item *item)
{
	const struct mime_part *p = binary_part(b, item);
	uint64_t size = 0;

	if (p == NULL) {
		io_puts(io, "0");
		return 0;
	}
	if (p->kind != MIME_LEAF || item->section.depth == 0)
		size = item->section.depth == 0 ? mime_wire_size(b->msg) :
		    mime_wire(p->body, p->end);
	else if (!mime_decoded_size(b->msg, p, &size))
		return -1;
	io_printf(io, "%llu", (unsigned long long)size);
	return 0;
}
