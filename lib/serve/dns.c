/*
 * dns.c - the caller's side of dnsd.
 */
#include "serve/dns.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"

/* dnsd answers in time; what it does not need for that is for its start */
enum { SLACK_MS = 5000, OWN_MS = 120000, CLIENT_MS = 500,
	PAUSE_MS = 10000 };

static struct ipc dnsd = { .fd = -1 };

struct asked {
	struct dns_question *q;
	size_t n;
	struct arena *a;
};

static int
on_answer(void *ctx, const void *more, struct err *err)
{
	const struct dns_query_more *m = more;
	struct asked *asked = ctx;
	struct dns_answer *a;
	const char **rr;
	size_t i;

	if (m->i < 0 || (size_t)m->i >= asked->n)
		return err_temp(err, "4.4.3", "dnsd answers what was not "
		    "asked");
	a = &asked->q[m->i].a;
	rr = arena_alloc(asked->a, (m->rr.n + 1) * sizeof(*rr));
	for (i = 0; i < m->rr.n; i++)
		rr[i] = arena_strdup(asked->a, m->rr.v[i]);
	*a = (struct dns_answer){ .status = (enum dns_status)m->status,
		.secure = m->secure, .ttl = m->ttl,
		.canon = arena_strdup(asked->a, m->canon),
		.rr = rr, .n = m->rr.n,
		.why = arena_strdup(asked->a, m->why) };
	return 0;
}

/* what has no answer yet has none */
static void
clear(struct dns_question *q, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		q[i].a = (struct dns_answer){ .status = DNS_TIMEOUT,
			.canon = "", .why = "no answer" };
}

/* also on the connection that there is */
static void
set_deadline(int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	if (ms == dnsd.timeout_ms)
		return;
	dnsd.timeout_ms = ms;
	if (dnsd.fd >= 0 && setsockopt(dnsd.fd, SOL_SOCKET, SO_RCVTIMEO, &tv,
	    sizeof(tv)) < 0)
		ipc_close(&dnsd);
}

int
dns_ask(struct dns_question *q, size_t n, int timeout_ms,
    const char *session, struct arena *a, struct err *err)
{
	struct asked asked = { q, n, a };
	struct dns_query_in in = { .timeout = timeout_ms,
		.session = session };
	size_t i;

	assert(n > 0 && n <= DNS_QUESTIONS);
	if (dnsd.path == NULL)
		ipc_init(&dnsd, socket_path("dnsd"), 0);
	set_deadline(timeout_ms > 0 ? timeout_ms + SLACK_MS : OWN_MS);
	for (i = 0; i < n; i++) {
		strlist_add(&in.name, a, q[i].name);
		strlist_add(&in.type, a, arena_printf(a, "%d",
		    (int)q[i].type));
	}
	clear(q, n);
	if (ipc_call_more(&dnsd, &dns_query, &in, -1, on_answer, &asked, NULL,
	    err) == 0)
		return 0;
	err->kind = ERR_TEMP;
	slice_copy(err->dsn, sizeof(err->dsn), slice_of("4.4.3"));
	return err_prefix(err, "name service");
}

static struct ipc client = { .fd = -1 };
static bool client_asked;
static int64_t quiet_until;		/* mono_ms */

static void
client_failed(const struct err *err)
{
	client_asked = false;
	quiet_until = mono_ms() + PAUSE_MS;
	log_event(LOG_WARN, "no-dns", KERR(err), KEND);
}

void
dns_client_ask(const char *addr, int timeout_ms, const char *session)
{
	struct dns_client_in in = { .addr = addr, .timeout = timeout_ms,
		.session = session };
	struct err err = ERR_INIT;

	dns_client_drop();
	if (mono_ms() < quiet_until)
		return;
	if (client.path == NULL)
		ipc_init(&client, socket_path("dnsd"), timeout_ms + CLIENT_MS);
	if (ipc_tell(&client, &dns_client, &in, &err) < 0)
		client_failed(&err);
	else
		client_asked = true;
}

static bool
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

int
dns_client_name(struct str *out, bool wait)
{
	struct dns_client_out answer;
	struct err err = ERR_INIT;
	int r;

	if (!client_asked || (!wait && !is_readable(client.fd)))
		return 0;
	r = ipc_answer(&client, &dns_client, NULL, NULL, &answer, NULL, &err);
	if (r <= 0) {
		client_failed(&err);
		return 0;
	}
	client_asked = false;
	str_adds(out, answer.name);
	return answer.name[0] != '\0';
}

void
dns_client_drop(void)
{
	if (client_asked)
		ipc_close(&client);
	client_asked = false;
}

void
dns_release(void)
{
	dns_client_drop();
	ipc_close(&client);
	ipc_close(&dnsd);
}

static const struct {
	int type;
	const char *name;
} types[] = {
	{ DNS_A, "A" }, { DNS_NS, "NS" }, { DNS_CNAME, "CNAME" }, { 6, "SOA" },
	{ DNS_PTR, "PTR" }, { DNS_MX, "MX" }, { DNS_TXT, "TXT" },
	{ DNS_AAAA, "AAAA" }, { DNS_SRV, "SRV" }, { 43, "DS" },
	{ 48, "DNSKEY" }, { DNS_TLSA, "TLSA" }, { 257, "CAA" },
};

const char *
dns_type_name(enum dns_type type)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == (int)type)
			return types[i].name;
	return "other";
}

bool
dns_type_find(const char *word, enum dns_type *type_r)
{
	struct slice s = slice_of(word);
	uint64_t n;
	size_t i;

	for (i = 0; i < ARRAY_LEN(types); i++)
		if (slice_ieqz(s, types[i].name)) {
			*type_r = (enum dns_type)types[i].type;
			return true;
		}
	if (slice_istarts(s, "TYPE"))		/* RFC 3597 section 5 */
		s = slice_sub(s, 4, s.n);
	if (!slice_u64(s, UINT16_MAX, &n) || n == 0)
		return false;
	*type_r = (enum dns_type)n;
	return true;
}

const char *
dns_status_name(enum dns_status s)
{
	static const char *const words[] = { "ok", "nodata", "nxdomain",
		"servfail", "bogus", "timeout" };

	return words[s];
}

int
dns_err(const struct dns_question *q, struct err *err)
{
	const char *type = dns_type_name(q->type), *why = q->a.why;

	switch (q->a.status) {
	case DNS_OK:
	case DNS_NODATA:
		return err_perm(err, "5.1.2", "%s has no %s record", q->name,
		    type);
	case DNS_NXDOMAIN:
		return err_perm(err, "5.1.2", "%s: no such domain name",
		    q->name);
	case DNS_BOGUS:
		return err_temp(err, "4.4.3", "%s %s: DNSSEC proves the answer "
		    "false: %s", q->name, type, why);
	case DNS_TIMEOUT:
		return err_temp(err, "4.4.3", "%s %s: name servers do not "
		    "answer: %s", q->name, type, why);
	default:
		return err_temp(err, "4.4.3", "%s %s: name servers fail: %s",
		    q->name, type, why);
	}
}

bool
dns_reverse_name(const char *addr, struct str *out)
{
	unsigned char b[16];
	int i;

	if (inet_pton(AF_INET, addr, b) == 1) {
		str_addf(out, "%u.%u.%u.%u.in-addr.arpa", b[3], b[2], b[1],
		    b[0]);
		return true;
	}
	if (inet_pton(AF_INET6, addr, b) != 1)
		return false;
	for (i = 15; i >= 0; i--)
		str_addf(out, "%x.%x.", b[i] & 15u, (unsigned)b[i] >> 4);
	str_adds(out, "ip6.arpa");
	return true;
}
