/*
 * wire.c - a message of DNS (RFC 1035 section 4.1) as records of text.  Each
 * read is checked against the end of the message and of the record; the first
 * that fails makes the whole message bad.  A pointer of compression leads
 * only backwards, so that names end.
 */
#include "dnsd.h"

#include <arpa/inet.h>

enum { CLASS_IN = 1, TYPE_SOA = 6, RCODE_MASK = 15, NXDOMAIN = 3,
	NAME_WIRE = 255, POINTER = 0xc0 };

/* a place in the message; bad sticks */
struct place {
	const unsigned char *p;
	size_t at, end;		/* end of what may be read: message or record */
	bool bad;
};

struct record {
	struct str owner;
	unsigned type, class;
	int64_t ttl;
	struct place data;
};

static unsigned
get8(struct place *w)
{
	if (w->at >= w->end) {
		w->bad = true;
		return 0;
	}
	return w->p[w->at++];
}

static unsigned
get16(struct place *w)
{
	unsigned hi = get8(w);

	return hi << 8 | get8(w);
}

static int64_t
get32(struct place *w)
{
	int64_t hi = get16(w);

	return hi << 16 | get16(w);
}

/* the next n bytes; NULL: there are not so many */
static const unsigned char *
get_bytes(struct place *w, size_t n)
{
	const unsigned char *p = w->p + w->at;

	if (w->bad || n > w->end - w->at) {
		w->bad = true;
		return NULL;
	}
	w->at += n;
	return p;
}

static void
add_label(struct str *out, const unsigned char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] > '~' || p[i] == '.' || p[i] == '\\')
			str_addf(out, "\\%03u", p[i]);
		else
			str_addc(out, (char)ascii_lower(p[i]));
}

/* where a pointer at `at` leads; it reads only what is before it */
static bool
jump(struct place *w, unsigned high, size_t at)
{
	size_t to = (high & ~(unsigned)POINTER) << 8 | get8(w);

	if (w->bad || to >= at)
		return false;
	w->at = to;
	w->end = at;
	return true;
}

static void
get_name(struct place *w, struct str *out)
{
	struct place r = *w;
	size_t total = 0, at, start = out->len;
	bool jumped = false;
	unsigned n;

	for (;;) {
		at = r.at;
		n = get8(&r);
		if ((n & POINTER) == POINTER) {
			if (!jumped)
				w->at = at + 2;
			jumped = true;
			if (!jump(&r, n, at))
				break;
			continue;
		}
		total += n + 1;
		if (r.bad || n >= 64 || total > NAME_WIRE)
			break;
		if (n == 0) {
			if (out->len == start)
				str_addc(out, '.');
			if (!jumped)
				w->at = r.at;
			return;
		}
		if (out->len > start)
			str_addc(out, '.');
		if (n > r.end - r.at)
			break;
		add_label(out, r.p + r.at, n);
		r.at += n;
	}
	w->bad = true;
}

/* 1, or 0: the message is bad */
static int
get_record(struct place *w, struct record *r)
{
	size_t n;

	str_reset(&r->owner);
	get_name(w, &r->owner);
	r->type = get16(w);
	r->class = get16(w);
	r->ttl = get32(w);
	if (r->ttl > INT32_MAX)		/* RFC 2181 section 8 */
		r->ttl = 0;
	n = get16(w);
	r->data = *w;
	if (get_bytes(w, n) == NULL)
		return 0;
	r->data.end = w->at;
	return 1;
}

static void
add_address(struct place *d, int family, struct str *out)
{
	char text[INET6_ADDRSTRLEN];
	const unsigned char *p = get_bytes(d, family == AF_INET ? 4 : 16);

	if (p != NULL && inet_ntop(family, p, text, sizeof(text)) != NULL)
		str_adds(out, text);
}

static void
add_txt(struct place *d, struct str *out)
{
	const unsigned char *p;
	size_t i, n;

	while (d->at < d->end) {
		n = get8(d);
		p = get_bytes(d, n);
		if (p == NULL)
			return;
		for (i = 0; i < n; i++)
			if (p[i] < ' ' || p[i] > '~' || p[i] == '\\')
				str_addf(out, "\\%03u", p[i]);
			else
				str_addc(out, (char)p[i]);
	}
}

static void
add_hex(struct place *d, struct str *out)
{
	size_t n = d->end - d->at;
	const unsigned char *p = get_bytes(d, n);

	if (p != NULL)
		hex_encode(out, p, n);
}

static void
add_numbers(struct place *d, size_t n, unsigned (*get)(struct place *),
    struct str *out)
{
	for (; n > 0; n--)
		str_addf(out, "%u ", get(d));
}

/* a type that is none of ours, as RFC 3597 section 5 writes it */
static void
add_unknown(struct place *d, struct str *out)
{
	str_addf(out, "\\# %zu ", d->end - d->at);
	add_hex(d, out);
}

/* 1, or 0: the record is bad */
static int
add_data(struct place *d, unsigned type, struct str *out)
{
	switch (type) {
	case DNS_A:
		add_address(d, AF_INET, out);
		break;
	case DNS_AAAA:
		add_address(d, AF_INET6, out);
		break;
	case DNS_NS:
	case DNS_CNAME:
	case DNS_PTR:
		get_name(d, out);
		break;
	case DNS_MX:
		add_numbers(d, 1, get16, out);
		get_name(d, out);
		break;
	case DNS_SRV:
		add_numbers(d, 3, get16, out);
		get_name(d, out);
		break;
	case DNS_TLSA:
		add_numbers(d, 3, get8, out);
		add_hex(d, out);
		break;
	case DNS_TXT:
		add_txt(d, out);
		break;
	default:
		add_unknown(d, out);
		break;
	}
	return !d->bad && d->at == d->end;
}

/* what a message is read into */
struct reading {
	struct answer *a;
	int type;
	size_t text;		/* bytes of records so far */
	struct str buf;
	struct record r;
};

static void
lower_ttl(struct answer *a, int64_t ttl)
{
	if (a->ttl < 0 || ttl < a->ttl)
		a->ttl = ttl;
}

/* a record of the answer that is asked for, or an alias on the way to it;
 * 1, or 0: bad */
static int
take_answer(struct reading *g)
{
	struct record *r = &g->r;
	struct answer *a = g->a;

	if (r->class != CLASS_IN || strcmp(r->owner.s, a->canon) != 0)
		return 1;
	str_reset(&g->buf);
	if (r->type == (unsigned)g->type) {
		if (!add_data(&r->data, r->type, &g->buf))
			return 0;
		g->text += g->buf.len + sizeof("rr=");
		if (g->text > ANSWER_TEXT)
			return 0;
		strlist_add(&a->rr, &a->arena, arena_strdup(&a->arena,
		    g->buf.s));
		lower_ttl(a, r->ttl);
	} else if (r->type == DNS_CNAME && a->rr.n == 0) {
		if (!add_data(&r->data, r->type, &g->buf))
			return 0;
		a->canon = arena_strdup(&a->arena, g->buf.s);
		lower_ttl(a, r->ttl);
	}
	return 1;
}

/* how long it is known that there is nothing: RFC 2308 section 5 */
static int
take_soa(struct reading *g)
{
	struct place *d = &g->r.data;
	int64_t least;

	if (g->r.type != TYPE_SOA || g->r.class != CLASS_IN)
		return 1;
	str_reset(&g->buf);
	get_name(d, &g->buf);
	get_name(d, &g->buf);
	get_bytes(d, 16);	/* serial, refresh, retry, expire */
	least = get32(d);
	if (d->bad)
		return 0;
	lower_ttl(g->a, MIN(least, g->r.ttl));
	return 1;
}

static int
skip_questions(struct place *w, size_t n, struct str *buf)
{
	for (; n > 0 && !w->bad; n--) {
		str_reset(buf);
		get_name(w, buf);
		get_bytes(w, 4);
	}
	return !w->bad;
}

/* 1, or 0: bad */
static int
read_message(struct place *w, struct reading *g)
{
	size_t questions, answers, authority, i;
	unsigned flags;

	get16(w);
	flags = get16(w);
	questions = get16(w);
	answers = get16(w);
	authority = get16(w);
	get16(w);
	if (w->bad || !skip_questions(w, questions, &g->buf))
		return 0;
	for (i = 0; i < answers; i++)
		if (!get_record(w, &g->r) || !take_answer(g))
			return 0;
	if (g->a->rr.n > 0) {
		g->a->status = DNS_OK;
		return 1;
	}
	g->a->status = (flags & RCODE_MASK) == NXDOMAIN ? DNS_NXDOMAIN :
	    (flags & RCODE_MASK) == 0 ? DNS_NODATA : DNS_SERVFAIL;
	for (i = 0; i < authority; i++)
		if (!get_record(w, &g->r) || !take_soa(g))
			return 0;
	return 1;
}

int
wire_answer(const unsigned char *p, size_t n, const char *name, int type,
    struct answer *a)
{
	struct place w = { p, 0, n, false };
	struct reading g = { .a = a, .type = type, .buf = STR_INIT,
		.r = { .owner = STR_INIT } };
	int ok;

	a->canon = arena_strdup(&a->arena, name);
	a->ttl = -1;
	ok = read_message(&w, &g);
	if (a->ttl < 0)
		a->ttl = 0;
	if (!ok) {
		a->status = DNS_SERVFAIL;
		a->rr.n = 0;
		a->ttl = 0;
		a->why = g.text > ANSWER_TEXT ? "too many records" :
		    "malformed answer";
	}
	str_free(&g.buf);
	str_free(&g.r.owner);
	return ok ? 0 : -1;
}

struct answer *
answer_new(void)
{
	struct answer *a = xcalloc(1, sizeof(*a));

	a->refs = 1;
	a->canon = a->why = "";
	return a;
}

struct answer *
answer_fail(enum dns_status status, const char *why)
{
	struct answer *a = answer_new();

	a->status = status;
	a->why = arena_strdup(&a->arena, why);
	return a;
}

void
answer_drop(struct answer *a)
{
	if (a == NULL || --a->refs > 0)
		return;
	arena_free(&a->arena);
	free(a);
}
