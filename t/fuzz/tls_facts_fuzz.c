/*
 * tls_facts_fuzz.c - what tlsd makes of a peer's certificate and of the names
 * of protocols that a client offers: text that is one line, and addresses that
 * are such; and TLSA records as DNS has them.  The first octet says which.
 */
#include "../../tlsd/facts.c"

#include "../../tlsd/alpn.c"
#include "tlsd_rest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { CERTIFICATE, ALPN, TLSA, KINDS_ };

struct tlsd_conf conf = { .client_ca = "", .strict_alpn = true };
static struct session session;

/* --- the rest of tlsd ----------------------------------------------------- */

struct session *
ssl_session(const SSL *ssl UNUSED)
{
	return &session;
}

int
keyd_vouch(const struct key_vouch_in *in UNUSED, const char **out UNUSED)
{
	return -1;
}

/* ------------------------------------------------------------------------- */

static void
certificate(const unsigned char *p, size_t n, struct arena *a)
{
	unsigned char md[END_POINT_MAX];
	struct strlist boxes = { 0 };
	X509 *x = d2i_X509(NULL, &p, (long)n);
	size_t i;

	ERR_clear_error();
	if (x == NULL)
		return;
	one_line(name(X509_get_subject_name(x), a));
	one_line(name(X509_get_issuer_name(x), a));
	mailboxes(x, a, &boxes);
	assert(boxes.n <= MAILBOXES);
	for (i = 0; i < boxes.n; i++) {
		one_line(boxes.v[i]);
		assert(strchr(boxes.v[i], '@') != NULL);
	}
	assert(facts_end_point(x, md) <= sizeof(md));
	X509_free(x);
	ERR_clear_error();
}

/* OpenSSL hands on what is well-formed only: names with their lengths, none
 * of which is empty */
static void
alpn_names(const unsigned char *p, size_t n)
{
	static struct handshake hs;
	const unsigned char *out;
	unsigned char len;
	size_t i;

	for (i = 0; i < n; i += 1u + p[i])
		if (p[i] == 0 || p[i] > n - i - 1)
			return;
	if (n < 2)
		return;
	session.hs = &hs;
	hs.alpn_refused = NULL;
	for (session.service = 0; session.service < ARRAY_LEN(services);
	    session.service++)
		if (alpn_select(NULL, &out, &len, p, (unsigned)n, NULL) ==
		    SSL_TLSEXT_ERR_OK)
			assert(out >= p && out + len <= p + n);
	if (hs.alpn_refused != NULL)
		one_line(hs.alpn_refused);
	arena_reset(&hs.arena);
}

static void
tlsa(struct slice s, struct arena *a)
{
	static SSL_CTX *ctx;
	struct tls_client_in in = { .verify = TLS_DANE };
	struct slice line;
	struct err err;
	SSL *ssl;

	if (ctx == NULL) {
		ctx = SSL_CTX_new(TLS_client_method());
		SSL_CTX_dane_enable(ctx);
	}
	strlist_add(&in.names, a, "mx.example");
	while (slice_cut(&s, '\n', &line))
		strlist_add(&in.tlsa, a, arena_slice(a, line));
	ssl = SSL_new(ctx);
	peer_demand(ssl, &in, &err);
	SSL_free(ssl);
	ERR_clear_error();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };

	if (n == 0)
		return 0;
	switch (data[0] % KINDS_) {
	case CERTIFICATE:
		certificate(data + 1, n - 1, &a);
		break;
	case ALPN:
		alpn_names(data + 1, n - 1);
		break;
	case TLSA:
		tlsa((struct slice){ (const char *)data + 1, n - 1 }, &a);
		break;
	}
	arena_free(&a);
	return 0;
}
