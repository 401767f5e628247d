/*
 * certs.c - the certificates that keyd told of, and which of them a client
 * gets: of each type of key the first one that has its name.  A handshake
 * holds what it uses, so all may be replaced at any time.
 */
#include "tlsd.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/log.h"
#include "proto/key.h"
#include "provider.h"

enum type { TYPE_EC, TYPE_RSA, TYPE_ED25519, TYPES };

struct cert {
	X509 *x;
	STACK_OF(X509) *chain;
	EVP_PKEY *key;			/* keyd's */
	enum type type;
	unsigned char end_point[END_POINT_MAX];
	size_t end_point_n;
	struct str staple;		/* DER */
	struct arena arena;
	struct strlist names;		/* lower case */
};
struct set {
	struct cert *v;
	size_t n, cap;
};

static struct set current, coming;

static void
free_cert(struct cert *c)
{
	X509_free(c->x);
	sk_X509_pop_free(c->chain, X509_free);
	EVP_PKEY_free(c->key);
	str_free(&c->staple);
	arena_free(&c->arena);
}

static void
free_set(struct set *s)
{
	while (s->n > 0)
		free_cert(&s->v[--s->n]);
	free(s->v);
	*s = (struct set){ 0 };
}

static X509 *
read_cert(const char *b64)
{
	struct str der = STR_INIT;
	const unsigned char *p;
	X509 *x = NULL;

	if (base64_decode(&der, slice_of(b64))) {
		p = (const unsigned char *)der.s;
		x = d2i_X509(NULL, &p, (long)der.len);
	}
	str_free(&der);
	return x;
}

static int
read_chain(struct cert *c, const struct strlist *list)
{
	size_t i;
	X509 *x;

	c->x = list->n > 0 ? read_cert(list->v[0]) : NULL;
	c->chain = sk_X509_new_null();
	if (c->x == NULL || c->chain == NULL)
		return -1;
	for (i = 1; i < list->n; i++) {
		x = read_cert(list->v[i]);
		if (x == NULL || sk_X509_push(c->chain, x) <= 0) {
			X509_free(x);
			return -1;
		}
	}
	return 0;
}

static void
add_name(struct cert *c, const ASN1_STRING *s)
{
	struct str name = STR_INIT;
	int n = ASN1_STRING_length(s);

	if (n <= 0)
		return;
	str_add(&name, ASN1_STRING_get0_data(s), (size_t)n);
	str_lower(&name);
	if (!slice_has_nul(slice_str(&name)))
		strlist_add(&c->names, &c->arena,
		    arena_strdup(&c->arena, name.s));
	str_free(&name);
}

static void
read_names(struct cert *c)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(c->x, NID_subject_alt_name,
	    NULL, NULL);
	X509_NAME *subject = X509_get_subject_name(c->x);
	const GENERAL_NAME *g;
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		g = sk_GENERAL_NAME_value(all, i);
		if (g->type == GEN_DNS)
			add_name(c, g->d.dNSName);
	}
	GENERAL_NAMES_free(all);
	i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (c->names.n == 0 && i >= 0)
		add_name(c, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(
		    subject, i)));
}

static int
read_key(struct cert *c, const char *id)
{
	EVP_PKEY *public = X509_get0_pubkey(c->x);

	if (public == NULL)
		return -1;
	c->type = EVP_PKEY_is_a(public, "RSA") ? TYPE_RSA :
	    EVP_PKEY_is_a(public, "EC") ? TYPE_EC : TYPE_ED25519;
	c->key = provider_key(id, public);
	return c->key != NULL ? 0 : -1;
}

void
certs_add(const struct key_cert_more *m)
{
	struct cert *c;

	if (coming.n == coming.cap) {
		coming.cap = MAX(4, 2 * coming.cap);
		coming.v = xrealloc(coming.v, coming.cap * sizeof(*c));
	}
	c = &coming.v[coming.n];
	memset(c, 0, sizeof(*c));
	c->staple = (struct str)STR_INIT;
	if (read_chain(c, &m->chain) < 0 || read_key(c, m->id) < 0) {
		log_event(LOG_ERROR, "certificate-unusable", KS("id", m->id),
		    KEND);
		ERR_clear_error();
		free_cert(c);
		return;
	}
	read_names(c);
	c->end_point_n = facts_end_point(c->x, c->end_point);
	(void)base64_decode(&c->staple, slice_of(m->staple));
	coming.n++;
}

void
certs_take(void)
{
	free_set(&current);
	current = coming;
	coming = (struct set){ 0 };
	counters.certificates = (int64_t)current.n;
}

void
certs_drop(void)
{
	free_set(&coming);
}

size_t
certs_count(void)
{
	return current.n;
}

enum match { MATCH_NO, MATCH_WILD, MATCH_EXACT };

static enum match
matches(const struct cert *c, struct slice name)
{
	struct slice parent = slice_sub(name, slice_find(name, '.'), name.n);
	enum match best = MATCH_NO;
	struct slice n;
	size_t i;

	for (i = 0; i < c->names.n; i++) {
		n = slice_of(c->names.v[i]);
		if (slice_ieq(n, name))
			return MATCH_EXACT;
		if (slice_starts(n, "*.") && parent.n > 1 &&
		    slice_ieq(slice_sub(n, 1, n.n), parent))
			best = MATCH_WILD;
	}
	return best;
}

/* the first exact one of a type, or the first wildcard */
static const struct cert *
find(struct slice name, enum type type)
{
	const struct cert *wild = NULL;
	enum match m;
	size_t i;

	for (i = 0; i < current.n; i++) {
		if (current.v[i].type != type)
			continue;
		m = matches(&current.v[i], name);
		if (m == MATCH_EXACT)
			return &current.v[i];
		if (m == MATCH_WILD && wild == NULL)
			wild = &current.v[i];
	}
	return wild;
}

static size_t
find_all(struct slice name, const struct cert *r[TYPES])
{
	size_t n = 0;
	int t;

	for (t = 0; t < TYPES; t++) {
		r[t] = find(name, (enum type)t);
		n += r[t] != NULL;
	}
	return n;
}

/* does the client take signatures of that type of key? */
static bool
takes(SSL *ssl, enum type type)
{
	int i, sign, n = SSL_get_sigalgs(ssl, -1, NULL, NULL, NULL, NULL,
	    NULL);

	for (i = 0; i < n; i++) {
		if (SSL_get_sigalgs(ssl, i, &sign, NULL, NULL, NULL, NULL) <=
		    0)
			continue;
		if (type == TYPE_RSA ? sign == EVP_PKEY_RSA ||
		    sign == EVP_PKEY_RSA_PSS : sign == (type == TYPE_EC ?
		    EVP_PKEY_EC : EVP_PKEY_ED25519))
			return true;
	}
	return n <= 0;		/* before TLS 1.2 it could not say */
}

/* Who takes none of these gets another name's: most mail servers want
 * encryption with any certificate. */
static void
add_other(SSL *ssl, const struct cert *c[TYPES])
{
	size_t i;
	int t;

	for (t = 0; t < TYPES; t++)
		if (c[t] != NULL && takes(ssl, (enum type)t))
			return;
	for (i = 0; i < current.n; i++)
		if (takes(ssl, current.v[i].type)) {
			c[current.v[i].type] = &current.v[i];
			return;
		}
}

int
certs_choose(SSL *ssl, void *arg UNUSED)
{
	const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct cert *c[TYPES];
	struct session *s = ssl_session(ssl);
	int t;

	if (current.n == 0) {
		if (s->hs != NULL)
			s->hs->no_cert = true;
		return 0;
	}
	if (sni == NULL || find_all(slice_of(sni), c) == 0) {
		/* the default one, and its like of other keys */
		const struct cert *first = &current.v[0];

		find_all(first->names.n > 0 ? slice_of(first->names.v[0]) :
		    SLICE_NULL, c);
		c[first->type] = first;
	}
	add_other(ssl, c);
	SSL_certs_clear(ssl);	/* those of a hello that was not enough */
	for (t = 0; t < TYPES; t++)
		if (c[t] != NULL && SSL_use_cert_and_key(ssl, c[t]->x,
		    c[t]->key, c[t]->chain, 1) != 1)
			return 0;
	return 1;
}

/* NULL: it was replaced meanwhile */
static const struct cert *
shown(const SSL *ssl)
{
	const X509 *x = SSL_get_certificate(ssl);
	size_t i;

	for (i = 0; i < current.n; i++)
		if (current.v[i].x == x)
			return &current.v[i];
	return NULL;
}

size_t
certs_end_point(const SSL *ssl, unsigned char md[END_POINT_MAX])
{
	const struct cert *c = shown(ssl);

	if (c == NULL)
		return facts_end_point(SSL_get_certificate(ssl), md);
	memcpy(md, c->end_point, c->end_point_n);
	return c->end_point_n;
}

int
certs_staple(SSL *ssl, void *arg UNUSED)
{
	const struct cert *c = shown(ssl);
	unsigned char *copy;

	if (c == NULL || c->staple.len == 0)
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_memdup(c->staple.s, c->staple.len);
	if (copy == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)c->staple.len);
	return SSL_TLSEXT_ERR_OK;
}
