/*
 * need.c - the content that a message has, and what it needs of a server.
 * Its first block is read before anything is said, and most messages are no
 * longer; the rest is looked through only where the answer matters.
 */
#include "smtp.h"

#include "mime/header.h"
#include "smtp/address.h"
#include "smtp/idna.h"

enum { HEAD_MAX = 64 << 10 };

/* what was put in front of the content for the store is not the message's:
 * Return-Path (RFC 5321 section 4.4), Delivered-To, which would look like a
 * loop elsewhere */
static size_t
own_fields(struct slice s)
{
	struct slice rest = s, line;

	if (!slice_istarts(s, "Return-Path:"))
		return 0;
	slice_cut(&rest, '\n', &line);
	if (slice_istarts(rest, "Delivered-To:"))
		slice_cut(&rest, '\n', &line);
	return rest.p != NULL ? (size_t)(rest.p - s.p) : s.n;
}

static size_t
count_lf(struct slice s)
{
	const char *p = s.p, *end = s.p + s.n;
	size_t n = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		n++;
		p++;
	}
	return n;
}

int
need_content(struct job *j, struct err *err)
{
	const struct agent_deliver_in *in = j->in;
	uint64_t skipped;
	ssize_t n;

	str_reset(&j->head);
	str_grow(&j->head, HEAD_MAX);
	n = pread(j->fd, j->head.s, HEAD_MAX, 0);
	if (n < 0)
		return err_sys(err, "read the content");
	j->head.len = (size_t)n;
	j->head.s[n] = '\0';
	j->whole = n < HEAD_MAX;
	if (j->whole ? in->size != 0 && (uint64_t)n != in->size :
	    in->size < HEAD_MAX)
		return err_temp(err, "4.3.0", "the content has %zd octets, "
		    "not %llu", n, (unsigned long long)in->size);
	j->skip = own_fields(slice_str(&j->head));
	j->size = (j->whole ? (uint64_t)n : in->size) - j->skip;
	skipped = j->skip + count_lf(slice_sub(slice_str(&j->head), 0,
	    j->skip));
	if (in->wsize > skipped)
		j->wire = in->wsize - skipped;
	else
		j->wire = j->size + count_lf(slice_sub(slice_str(&j->head),
		    j->skip, j->head.len));
	j->eightbit = slice_is_ascii(slice_str(&j->head)) ? 0 : 1;
	if (j->eightbit == 0 && !j->whole)
		j->eightbit = -1;
	return 0;
}

bool
need_fold(const struct job *j)
{
	return conf.long_lines == LONG_FOLD &&
	    j->longest > (uint64_t)conf.line_max;
}

uint64_t
need_wire(const struct job *j)
{
	struct slice c = slice_str(&j->converted);

	if (c.n > 0)
		return c.n + count_lf(c);
	return need_fold(j) ? 0 : j->wire;
}

/* longest line, and 8-bit octets */
static void
look(struct job *j, struct slice s, uint64_t *line)
{
	const char *nl;

	if (!slice_is_ascii(s))
		j->eightbit = 1;
	for (;;) {
		nl = s.n > 0 ? memchr(s.p, '\n', s.n) : NULL;
		*line += nl != NULL ? (size_t)(nl - s.p) : s.n;
		j->longest = MAX(j->longest, *line);
		if (nl == NULL)
			return;
		*line = 0;
		s = slice_sub(s, (size_t)(nl - s.p) + 1, s.n);
	}
}

int
need_scan(struct job *j, struct err *err)
{
	static char buf[HEAD_MAX];
	off_t at = (off_t)j->head.len;
	uint64_t line = 0;
	ssize_t n = 0;

	if (j->scanned)
		return 0;
	j->eightbit = 0;
	look(j, slice_sub(slice_str(&j->head), j->skip, j->head.len), &line);
	while (!j->whole && (n = pread(j->fd, buf, sizeof(buf), at)) > 0) {
		look(j, (struct slice){ buf, (size_t)n }, &line);
		at += n;
	}
	j->scanned = n == 0;
	return n < 0 ? err_sys(err, "read the content") : 0;
}

const char *
ascii_address(const char *addr, struct arena *a)
{
	const char *at = strrchr(addr, '@');
	struct str out = STR_INIT;
	struct slice local;
	const char *made = NULL;
	struct err ignored;

	if (slice_is_ascii(slice_of(addr)))
		return addr;
	if (at == NULL)
		return NULL;
	local = (struct slice){ addr, (size_t)(at - addr) + 1 };
	if (!slice_is_ascii(local))
		return NULL;
	str_addsl(&out, local);
	if (idna_ascii(slice_of(at + 1), &out, &ignored) == 0)
		made = arena_slice(a, slice_str(&out));
	str_free(&out);
	return made;
}

/* Is there UTF-8 in the header?  What a client did not declare is only 8-bit
 * data that nobody has to understand. */
static int
utf8_header(struct job *j, struct err *err)
{
	struct str head = STR_INIT;
	int rc;

	if (!j->in->utf8)
		return 0;
	if (j->eightbit == 0)
		return 0;
	rc = mime_header_load(j->fd, MIME_HEADER_MAX, &head, err);
	if (rc >= 0)
		rc = !slice_is_ascii(slice_sub(slice_str(&head), j->skip,
		    head.len));
	str_free(&head);
	return rc;
}

/* 1 all addresses have an ASCII form, which they get; 0 */
static int
downgrade(struct job *j)
{
	struct recipient *r;

	for (r = j->rcpt; r < j->rcpt + j->n; r++) {
		r->wire = ascii_address(r->addr, j->arena);
		r->wire_sender = ascii_address(r->sender, j->arena);
		if (r->state != RCPT_DONE && (r->wire == NULL ||
		    r->wire_sender == NULL))
			return 0;
	}
	return 1;
}

static bool
any_utf8(const struct job *j)
{
	const struct recipient *r;

	for (r = j->rcpt; r < j->rcpt + j->n; r++)
		if (!slice_is_ascii(slice_of(r->addr)) ||
		    !slice_is_ascii(slice_of(r->sender)))
			return true;
	return false;
}

/* RFC 6531 section 3.2 and 3.6 */
static int
need_utf8(struct session *s, struct job *j, struct err *err)
{
	struct recipient *r;
	bool addresses = any_utf8(j);
	int rc;

	for (r = j->rcpt; r < j->rcpt + j->n; r++) {
		r->wire = r->addr;
		r->wire_sender = r->sender;
	}
	j->wants_utf8 = j->in->utf8 || addresses;
	if (!j->wants_utf8 || s->caps.smtputf8)
		return 0;
	if (j->utf8_header < 0)
		j->utf8_header = utf8_header(j, err);
	if ((rc = j->utf8_header) < 0)
		return -1;
	j->wants_utf8 = rc == 1 || (addresses && !downgrade(j));
	if (j->wants_utf8)
		return err_temp(err, "4.6.7", "the message needs SMTPUTF8, "
		    "which the server does not offer");
	return 0;
}

int
need_size(const struct session *s, const struct job *j, struct err *err)
{
	uint64_t max = s->caps.size_max, wire = need_wire(j);

	if (max == 0 || wire <= max)
		return 0;
	return err_temp(err, "4.3.4", "the message has %llu octets, the "
	    "server takes %llu", (unsigned long long)wire,
	    (unsigned long long)max);
}

int
need_check(struct session *s, struct job *j, struct err *err)
{
	const struct caps *c = &s->caps;

	if (j->in->requiretls && !(c->requiretls && s->facts.on))
		return err_temp(err, "4.7.30", "the message needs REQUIRETLS, "
		    "which the server does not offer");
	return need_utf8(s, j, err);
}
