/*
 * message.c - the record of a fresh message.  Lengths are checked before
 * every read: a damaged record is an error, never a crash.
 */
#include "queue/message.h"

enum { RECORD_VERSION = 1, F_UTF8 = 1, F_BODY8 = 2, F_INTERNAL = 4,
	F_REQUIRETLS = 8, F_VERP = 16, F_TLS_OPTIONAL = 32 };
enum { RCPT_MIN = 8 + 8 + 7 };	/* bytes of the shortest recipient */

static void
put_int(struct str *out, int64_t v)
{
	unsigned char b[8];
	uint64_t u = (uint64_t)v;
	int i;

	for (i = 0; i < 8; i++)
		b[i] = (unsigned char)(u >> (8 * i));
	str_add(out, b, sizeof(b));
}

static void
put_str(struct str *out, const char *z)
{
	str_add(out, z, strlen(z) + 1);
}

void
queue_message_encode(struct str *out, const struct queue_message *m)
{
	const struct queue_rcpt *r;

	put_int(out, RECORD_VERSION);
	put_int(out, (m->utf8 ? F_UTF8 : 0) | (m->body8 ? F_BODY8 : 0) |
	    (m->internal ? F_INTERNAL : 0) |
	    (m->requiretls ? F_REQUIRETLS : 0) |
	    (m->tls_optional ? F_TLS_OPTIONAL : 0) | (*m->verp ? F_VERP : 0));
	put_int(out, m->id);
	put_int(out, (int64_t)m->size);
	put_int(out, (int64_t)m->wsize);
	put_int(out, m->created);
	put_int(out, m->expires);
	put_int(out, m->priority);
	put_int(out, (int64_t)m->n);
	put_str(out, m->sender);
	put_str(out, m->ret);
	put_str(out, m->envid);
	put_str(out, m->session);
	if (*m->verp)
		put_str(out, m->verp);
	for (r = m->rcpt; r < m->rcpt + m->n; r++) {
		put_int(out, r->n);
		put_int(out, (int64_t)r->quota);
		put_str(out, r->addr);
		put_str(out, r->orig);
		put_str(out, r->orcpt);
		put_str(out, r->notify);
		put_str(out, r->mailbox);
		put_str(out, r->transport);
		put_str(out, r->nexthop);
	}
}

/* what is left to read; bad is sticky */
struct reader {
	const char *p;
	size_t n;
	bool bad;
};

static int64_t
get_int(struct reader *r)
{
	uint64_t u = 0;
	int i;

	if (r->n < 8) {
		r->bad = true;
		return 0;
	}
	for (i = 0; i < 8; i++)
		u |= (uint64_t)(unsigned char)r->p[i] << (8 * i);
	r->p += 8;
	r->n -= 8;
	return (int64_t)u;
}

static const char *
get_str(struct reader *r)
{
	const char *z = r->p;
	const char *end = r->n > 0 ? memchr(z, '\0', r->n) : NULL;

	if (end == NULL) {
		r->bad = true;
		return "";
	}
	r->n -= (size_t)(end + 1 - z);
	r->p = end + 1;
	return z;
}

static void
get_rcpt(struct reader *in, struct queue_rcpt *r)
{
	*r = (struct queue_rcpt){ .dsn = "", .text = "", .peer = "" };
	r->n = get_int(in);
	r->quota = (uint64_t)get_int(in);
	r->addr = get_str(in);
	r->orig = get_str(in);
	r->orcpt = get_str(in);
	r->notify = get_str(in);
	r->mailbox = get_str(in);
	r->transport = get_str(in);
	r->nexthop = get_str(in);
}

static void
get_head(struct reader *in, struct queue_message *m)
{
	int64_t flags;

	if (get_int(in) != RECORD_VERSION)
		in->bad = true;
	flags = get_int(in);
	m->utf8 = flags & F_UTF8;
	m->body8 = flags & F_BODY8;
	m->internal = flags & F_INTERNAL;
	m->requiretls = flags & F_REQUIRETLS;
	m->tls_optional = flags & F_TLS_OPTIONAL;
	m->id = get_int(in);
	m->size = (uint64_t)get_int(in);
	m->wsize = (uint64_t)get_int(in);
	m->created = get_int(in);
	m->expires = get_int(in);
	m->priority = get_int(in);
	m->n = (size_t)get_int(in);
	m->sender = get_str(in);
	m->ret = get_str(in);
	m->envid = get_str(in);
	m->session = get_str(in);
	m->verp = flags & F_VERP ? get_str(in) : "";
	m->reason = "";
}

int
queue_message_decode(const char *p, size_t n, struct queue_message *m,
    struct err *err)
{
	struct reader in = { p, n, false };
	size_t i;

	*m = (struct queue_message){ 0 };
	get_head(&in, m);
	if (!in.bad && m->n <= in.n / RCPT_MIN) {
		m->rcpt = xcalloc(m->n ? m->n : 1, sizeof(*m->rcpt));
		for (i = 0; i < m->n; i++)
			get_rcpt(&in, &m->rcpt[i]);
		if (!in.bad && in.n == 0)
			return 0;
	}
	free(m->rcpt);
	*m = (struct queue_message){ 0 };
	return err_temp(err, "4.3.0", "a fresh message in queue.db is damaged");
}

void
address_domain(struct str *out, const char *addr)
{
	const char *at = strrchr(addr, '@');

	if (at == NULL)
		return;
	for (at++; *at; at++)
		str_addc(out, (char)ascii_lower((unsigned char)*at));
}

static int64_t
fold_hash(uint64_t h, const char *z)
{
	for (; *z; z++)
		h = (h ^ (uint64_t)ascii_lower((unsigned char)*z)) *
		    0x100000001b3;
	return (int64_t)((h ^ h >> 29) & INT64_MAX);
}

void
sender_flow(const char *sender, int64_t *domain_r, int64_t *own_r)
{
	const char *at = strrchr(sender, '@');

	*domain_r = *own_r = 0;
	if (*sender == '\0')
		return;
	*own_r = fold_hash(0xcbf29ce484222325, sender);
	*domain_r = at == NULL ? *own_r :
	    fold_hash(0xcbf29ce484222325, at + 1);
}
