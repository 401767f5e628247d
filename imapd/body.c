/*
 * body.c - sections of messages.  Files have LF line ends, the wire has CRLF:
 * sizes and offsets of the protocol count wire octets.
 */
#include "body.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "mime/decode.h"
#include "mime/header.h"

enum { PIECE = 16384 };

int
body_open(struct body *b, struct session *s, size_t i, struct err *err)
{
	int fd = mailbox_read(s->mb, i, err);
	struct stat st;
	void *p;

	b->root = NULL;
	b->msg = SLICE_LIT("");
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0) {
		close(fd);
		return err_sys(err, "message");
	}
	if (st.st_size > 0) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE |
		    MAP_POPULATE, fd, 0);
		if (p == MAP_FAILED) {
			close(fd);
			return err_sys(err, "message");
		}
		b->msg = (struct slice){ p, (size_t)st.st_size };
	}
	close(fd);
	return 0;
}

void
body_close(struct body *b)
{
	if (b->msg.n > 0)
		munmap((void *)(uintptr_t)b->msg.p, b->msg.n);
	b->msg = SLICE_LIT("");
	b->root = NULL;
	arena_reset(b->arena);
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

/* one line and its end, as far as n reaches */
static void
put_line(struct io *io, struct slice line, bool cr, uint64_t *from,
    uint64_t *n)
{
	char end[2] = { '\r', '\n' };
	struct slice parts[2] = { line, { end, cr ? 2 : 1 } };
	size_t k, skip, len;

	if (!cr)
		parts[1].p++;
	for (k = 0; k < 2; k++) {
		skip = (size_t)MIN(*from, (uint64_t)parts[k].n);
		*from -= skip;
		len = (size_t)MIN(*n, (uint64_t)(parts[k].n - skip));
		if (len > 0)
			io_put(io, parts[k].p + skip, len);
		*n -= len;
	}
}

void
body_put_wire(struct io *io, struct slice s, uint64_t from, uint64_t n)
{
	const char *p = s.p, *end = s.p + s.n, *nl;
	bool in_crlf = false;
	size_t at;

	if (from > 0) {
		at = mime_wire_seek(s, (size_t)MIN(from, (uint64_t)SIZE_MAX),
		    &in_crlf);
		p += at;
		from = 0;
		if (in_crlf && n > 0) {
			io_put(io, "\n", 1);
			n--;
			p++;
		}
	}
	while (p < end && n > 0) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL) {
			io_put(io, p, (size_t)MIN((uint64_t)(end - p), n));
			return;
		}
		put_line(io, (struct slice){ p, (size_t)(nl - p) },
		    nl == s.p || nl[-1] != '\r', &from, &n);
		p = nl + 1;
	}
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

void
body_put_section(struct body *b, struct io *io,
    const struct imap_fetch_item *item)
{
	const struct imap_section *sec = &item->section;
	struct str filtered = STR_INIT;
	struct mime_mark from, to;
	struct slice s;

	if (sec->kind == IMAP_SECTION_ALL && sec->depth == 0) {
		put_octets(io, b->msg, mime_wire_size(b->msg), item);
		return;
	}
	if (!find_range(b, sec, &from, &to)) {
		io_puts(io, "NIL");
		return;
	}
	s = (struct slice){ b->msg.p + from.pos, to.pos - from.pos };
	if (sec->kind == IMAP_SECTION_FIELDS ||
	    sec->kind == IMAP_SECTION_FIELDS_NOT) {
		body_filter(s, sec, &filtered);
		s = slice_str(&filtered);
	}
	put_octets(io, s, mime_wire_size(s), item);
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
