/*
 * fact.c - what is known of a session, by name: for tests, texts and tables.
 */
#include "policy/internal.h"

#include "conf/common.h"
#include "serve/dns.h"

enum { DNS_MS = 10000, NAMES_MAX = 5 };

const struct policy_facts policy_nothing = {
	.session = "", .service = "", .client = "", .local = "",
	.client_name = "", .helo = "", .tls = "", .cipher = "",
	.subject = "", .issuer = "", .fingerprint = "", .login = "",
	.mech = "", .proto = "", .sender = "", .rcpt = "", .rcpt_class = "",
	.refused = "", .q = "", .gate_lists = "", .instance = "",
};

const struct fact_def facts[FACT_COUNT] = {
	[FACT_CLIENT] = { "client", KIND_ADDRESS, POLICY_CONNECT, 0 },
	[FACT_CLIENT_NAME] = { "client_name", KIND_DOMAIN, POLICY_CONNECT,
	    POLICY_NEEDS_NAME },
	[FACT_REVERSE] = { "reverse", KIND_DOMAIN, POLICY_CONNECT,
	    POLICY_NEEDS_NAME },
	[FACT_HELO] = { "helo", KIND_DOMAIN, POLICY_HELO, 0 },
	[FACT_TLS] = { "tls", KIND_PLAIN, POLICY_CONNECT, 0 },
	[FACT_CIPHER] = { "cipher", KIND_PLAIN, POLICY_CONNECT, 0 },
	[FACT_TLS_SUBJECT] = { "tls_subject", KIND_PLAIN, POLICY_CONNECT, 0 },
	[FACT_TLS_ISSUER] = { "tls_issuer", KIND_PLAIN, POLICY_CONNECT, 0 },
	[FACT_TLS_FINGERPRINT] = { "tls_fingerprint", KIND_PLAIN,
	    POLICY_CONNECT, 0 },
	[FACT_LOGIN] = { "login", KIND_MAIL, POLICY_MAIL, 0 },
	[FACT_MECH] = { "mech", KIND_PLAIN, POLICY_MAIL, 0 },
	[FACT_PROTOCOL] = { "protocol", KIND_PLAIN, POLICY_HELO, 0 },
	[FACT_SERVICE] = { "service", KIND_PLAIN, POLICY_CONNECT, 0 },
	[FACT_SERVER] = { "server", KIND_ADDRESS, POLICY_CONNECT, 0 },
	[FACT_SENDER] = { "sender", KIND_MAIL, POLICY_MAIL, 0 },
	[FACT_SENDER_DOMAIN] = { "sender_domain", KIND_DOMAIN, POLICY_MAIL,
	    0 },
	[FACT_RCPT] = { "recipient", KIND_MAIL, POLICY_RCPT, 0 },
	[FACT_RCPT_DOMAIN] = { "recipient_domain", KIND_DOMAIN, POLICY_RCPT,
	    0 },
	[FACT_RCPT_CLASS] = { "recipient_class", KIND_PLAIN, POLICY_RCPT, 0 },
	[FACT_QUEUE_ID] = { "queue_id", KIND_PLAIN, POLICY_END, 0 },
	[FACT_SESSION] = { "session", KIND_PLAIN, POLICY_CONNECT, 0 },
	[FACT_GATE_LISTS] = { "gate_lists", KIND_PLAIN, POLICY_CONNECT, 0 },
	[FACT_STAGE] = { "stage", KIND_PLAIN, POLICY_CONNECT, 0 },
};

enum fact
fact_find(const char *name)
{
	int i;

	for (i = FACT_NONE + 1; i < FACT_COUNT; i++)
		if (strcmp(facts[i].name, name) == 0)
			return i;
	return FACT_NONE;
}

static const char *
domain_of(const char *addr)
{
	const char *at = strrchr(addr, '@');

	return at != NULL ? at + 1 : "";
}

const char *
fact_get(struct eval *e, enum fact f)
{
	const struct policy_facts *k = e->f;
	const char *const values[FACT_COUNT] = {
		[FACT_CLIENT] = k->client, [FACT_HELO] = k->helo,
		[FACT_CLIENT_NAME] = k->client_name,
		[FACT_TLS] = k->tls, [FACT_CIPHER] = k->cipher,
		[FACT_TLS_SUBJECT] = k->subject,
		[FACT_TLS_ISSUER] = k->issuer,
		[FACT_TLS_FINGERPRINT] = k->fingerprint,
		[FACT_LOGIN] = k->login, [FACT_MECH] = k->mech,
		[FACT_PROTOCOL] = k->proto, [FACT_SERVICE] = k->service,
		[FACT_SERVER] = k->local, [FACT_SENDER] = k->sender,
		[FACT_SENDER_DOMAIN] = domain_of(k->sender),
		[FACT_RCPT] = k->rcpt,
		[FACT_RCPT_DOMAIN] = domain_of(k->rcpt),
		[FACT_RCPT_CLASS] = k->rcpt_class, [FACT_QUEUE_ID] = k->q,
		[FACT_SESSION] = k->session,
		[FACT_GATE_LISTS] = k->gate_lists,
		[FACT_STAGE] = policy_stage_name(e->p->stage),
	};
	const char *z = values[f];

	if (f == FACT_CLIENT_NAME && z[0] == '\0' && e->late_name != NULL)
		z = e->late_name;
	return z != NULL ? z : "";
}

/* --- what DNS says ------------------------------------------------------ */

/* is that a fact, or trouble that passes?  1 records, 0 none, -1 err */
static int
answered(const struct dns_question *q, struct err *err)
{
	switch (q->a.status) {
	case DNS_OK:
		return q->a.n > 0;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		return 0;
	case DNS_SERVFAIL:
	case DNS_BOGUS:
	case DNS_TIMEOUT:
		break;
	}
	return err_temp(err, "4.4.3", "%s %s: %s", dns_type_name(q->type),
	    q->name, dns_status_name(q->a.status));
}

static int
ask_reverse(struct eval *e, struct dns_question *q, struct err *err)
{
	struct str name = STR_INIT;
	int r = 0;

	*q = (struct dns_question){ .type = DNS_PTR };
	if (dns_reverse_name(e->f->client, &name)) {
		q->name = arena_slice(e->a, slice_str(&name));
		r = dns_ask(q, 1, DNS_MS, e->f->session, e->a, err) < 0 ? -1 :
		    answered(q, err);
	}
	str_free(&name);
	return r;
}

int
fact_reverse(struct eval *e, const char **z_r, struct err *err)
{
	struct dns_question q;
	int r;

	*z_r = e->f->client_name;
	if ((*z_r)[0] != '\0')
		return 0;
	r = ask_reverse(e, &q, err);
	if (r > 0)
		*z_r = q.a.rr[0];
	return r < 0 ? -1 : 0;
}

static bool
has_address(const struct dns_question *q, const char *addr)
{
	size_t i;

	for (i = 0; i < q->a.n; i++)
		if (strcasecmp(q->a.rr[i], addr) == 0)
			return true;
	return false;
}

/* Nobody could say in the time for it: now it is a rule that waits.  A name
 * that leads back to the address counts, one that can not be asked is trouble
 * unless another does. */
int
fact_client_name(struct eval *e, const char **z_r, struct err *err)
{
	struct dns_question ptr, q[NAMES_MAX];
	bool six = strchr(e->f->client, ':') != NULL;
	size_t i, n;
	int r;

	*z_r = fact_get(e, FACT_CLIENT_NAME);
	if ((*z_r)[0] != '\0' || e->late_name != NULL)
		return 0;
	r = ask_reverse(e, &ptr, err);
	n = r > 0 ? MIN(ptr.a.n, (size_t)NAMES_MAX) : 0;
	for (i = 0; i < n; i++)
		q[i] = (struct dns_question){ .name = ptr.a.rr[i],
			.type = six ? DNS_AAAA : DNS_A };
	if (r < 0 || (n > 0 && dns_ask(q, n, DNS_MS, e->f->session, e->a,
	    err) < 0))
		return -1;
	for (i = 0, r = 0; i < n; i++) {
		if (has_address(&q[i], e->f->client)) {
			e->late_name = *z_r = q[i].name;
			return 0;
		}
		if (r == 0)
			r = answered(&q[i], err) < 0 ? -1 : 0;
	}
	if (r == 0)
		e->late_name = "";
	return r;
}

int
fact_read(struct eval *e, enum fact f, const char **z_r, struct err *err)
{
	if (f == FACT_CLIENT_NAME)
		return fact_client_name(e, z_r, err);
	if (f == FACT_REVERSE)
		return fact_reverse(e, z_r, err);
	*z_r = fact_get(e, f);
	return 0;
}

int
domain_exists(struct eval *e, const char *domain, bool mail, struct err *err)
{
	struct dns_question q[] = { { .name = domain, .type = DNS_A },
		{ .name = domain, .type = DNS_AAAA },
		{ .name = domain, .type = DNS_MX } };
	int r = 0, one;
	size_t i;

	if (domain[0] == '[' || domain[0] == '\0')
		return domain[0] == '[';
	if (dns_ask(q, ARRAY_LEN(q), DNS_MS, e->f->session, e->a, err) < 0)
		return -1;
	/* RFC 7505 */
	if (mail && q[2].a.status == DNS_OK && q[2].a.n == 1 &&
	    strcmp(q[2].a.rr[0], "0 .") == 0)
		return 0;
	for (i = 0; i < ARRAY_LEN(q); i++) {
		one = answered(&q[i], err);
		if (one > 0)
			return 1;
		if (one < 0)
			r = -1;
	}
	return r;
}
