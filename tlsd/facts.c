/*
 * facts.c - what is known of a session after its handshake.
 */
#include "tlsd.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/log.h"
#include "proto/key.h"

enum { MAILBOXES = 20, NAME_MAX_ = 1000 };

static const char *
base64(struct arena *a, const void *p, size_t n)
{
	struct str s = STR_INIT;
	const char *z;

	base64_encode(&s, p, n);
	z = arena_slice(a, slice_str(&s));
	str_free(&s);
	return z;
}

/* RFC 9266: only where the session is bound to its handshake, which TLS 1.2
 * does with the extended master secret alone (RFC 7627) */
static const char *
exporter(SSL *ssl, struct arena *a)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	unsigned char out[32];

	if (SSL_version(ssl) < TLS1_3_VERSION &&
	    SSL_get_extms_support(ssl) != 1)
		return "";
	if (SSL_export_keying_material(ssl, out, sizeof(out), label,
	    sizeof(label) - 1, (const unsigned char *)"", 0, 1) != 1)
		return "";
	return base64(a, out, sizeof(out));
}

/* RFC 5929 4.1: the hash of the certificate's signature, SHA-256 at least */
size_t
facts_end_point(const X509 *x, unsigned char md[END_POINT_MAX])
{
	unsigned n = 0;
	int nid = NID_undef;

	if (x == NULL || X509_get_signature_info((X509 *)x, &nid, NULL, NULL,
	    NULL) != 1 || nid == NID_undef)
		return 0;
	if (nid == NID_md5 || nid == NID_sha1 || nid == NID_md5_sha1)
		nid = NID_sha256;
	if (EVP_get_digestbynid(nid) == NULL ||
	    X509_digest(x, EVP_get_digestbynid(nid), md, &n) != 1)
		return 0;
	return n;
}

/* A resumed session has shown no certificate: it is bound to the first one. */
static const char *
end_point(const struct session *s, X509 *peer, struct arena *a)
{
	unsigned char md[END_POINT_MAX];
	size_t n;

	if (!s->server)
		n = facts_end_point(peer, md);
	else if (SSL_session_reused(s->ssl) == 1)
		n = tickets_end_point(s->ssl, md);
	else
		n = certs_end_point(s->ssl, md);
	return n > 0 ? base64(a, md, n) : "";
}

/* printable, RFC 2253 order is not wanted: as it is written */
static const char *
name(const X509_NAME *n, struct arena *a)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const char *z = "";
	char *p;
	long len;

	if (bio == NULL)
		return "";
	if (X509_NAME_print_ex(bio, n, 0, XN_FLAG_RFC2253 &
	    ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		len = BIO_get_mem_data(bio, &p);
		if (len > 0)
			z = arena_slice(a, utf8_cut((struct slice){ p,
			    (size_t)len }, NAME_MAX_));
	}
	BIO_free(bio);
	return z;
}

/* an address of a certificate is printed and compared: no control, no blank */
static bool
good_mailbox(struct slice s)
{
	size_t i;

	if (s.n == 0 || s.n > 320 || !utf8_valid(s) ||
	    slice_find(s, '@') == s.n)
		return false;
	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

/* rfc822Name, or an otherName that is a SmtpUTF8Mailbox (RFC 9598) */
static const ASN1_STRING *
mailbox_of(const GENERAL_NAME *g)
{
	char oid[32];

	if (g->type == GEN_EMAIL)
		return g->d.rfc822Name;
	if (g->type != GEN_OTHERNAME ||
	    g->d.otherName->value->type != V_ASN1_UTF8STRING ||
	    OBJ_obj2txt(oid, sizeof(oid), g->d.otherName->type_id, 1) <= 0 ||
	    strcmp(oid, "1.3.6.1.5.5.7.8.9") != 0)
		return NULL;
	return g->d.otherName->value->value.utf8string;
}

static void
mailboxes(X509 *x, struct arena *a, struct strlist *to)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL,
	    NULL);
	const ASN1_STRING *s;
	struct slice box;
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(all) && to->n < MAILBOXES; i++) {
		s = mailbox_of(sk_GENERAL_NAME_value(all, i));
		if (s == NULL)
			continue;
		box = (struct slice){ (const char *)ASN1_STRING_get0_data(s),
			(size_t)ASN1_STRING_length(s) };
		if (good_mailbox(box))
			strlist_add(to, a, arena_slice(a, box));
	}
	GENERAL_NAMES_free(all);
	ERR_clear_error();
}

static void
peer_certificate(const struct session *s, X509 *x, struct arena *a,
    struct tls_facts_out *out)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	struct str hex = STR_INIT;
	unsigned n = 0;
	long rc;

	out->subject = name(X509_get_subject_name(x), a);
	out->issuer = name(X509_get_issuer_name(x), a);
	if (X509_digest(x, EVP_sha256(), md, &n) == 1)
		hex_encode(&hex, md, n);
	out->fingerprint = arena_slice(a, slice_str(&hex));
	str_free(&hex);
	mailboxes(x, a, &out->mailboxes);
	rc = SSL_get_verify_result(s->ssl);
	if (s->server)
		out->verified = rc == X509_V_OK && conf.client_ca[0] != '\0';
	if (out->verified || !s->server)
		return;
	out->why = conf.client_ca[0] == '\0' ? "no client_ca" :
	    X509_verify_cert_error_string(rc);
	if (conf.client_ca[0] == '\0')
		return;
	log_set_session(s->id);
	log_event(LOG_INFO, "certificate-refused", KS("client",
	    s->hs->server.client_addr), KS("subject", out->subject),
	    KS("why", out->why), KEND);
	log_set_session(NULL);
}

static void
vouch(const struct session *s, struct tls_facts_out *out, struct arena *a)
{
	struct key_vouch_in in = { s->id, out->fingerprint, out->subject,
		out->mailboxes };
	const char *voucher;

	if (keyd_vouch(&in, &voucher) == 0)
		out->voucher = arena_strdup(a, voucher);
}

static void
client_facts(const struct session *s, struct arena *a,
    struct tls_facts_out *out)
{
	const struct tls_client_in *in = &s->hs->client;
	long rc = SSL_get_verify_result(s->ssl);
	char why[200];

	out->verified = in->verify != TLS_NONE;
	if (!out->verified)
		out->why = "not asked for";
	if (in->verify != TLS_PKIX || !in->lenient || rc == X509_V_OK)
		return;
	reason_verify(rc, why, sizeof(why));
	out->verified = false;
	out->why = arena_strdup(a, why);
}

static const char *
alpn(const SSL *ssl, struct arena *a)
{
	const unsigned char *p;
	unsigned n;

	SSL_get0_alpn_selected(ssl, &p, &n);
	return n == 0 ? "" : arena_slice(a, (struct slice){ (const char *)p,
	    n });
}

void
facts_fill(const struct session *s, struct arena *a,
    struct tls_facts_out *out)
{
	const char *sni = SSL_get_servername(s->ssl,
	    TLSEXT_NAMETYPE_host_name);
	X509 *peer = SSL_get0_peer_certificate(s->ssl);

	field_defaults(tls_server.out, out, a);	/* as tls_client's */
	out->version = SSL_get_version(s->ssl);
	out->cipher = SSL_get_cipher_name(s->ssl);
	out->bits = SSL_get_cipher_bits(s->ssl, NULL);
	out->resumed = SSL_session_reused(s->ssl) == 1;
	out->sni = sni != NULL ? arena_strdup(a, sni) : "";
	out->alpn = alpn(s->ssl, a);
	out->exporter = exporter(s->ssl, a);
	out->end_point = end_point(s, peer, a);
	if (!s->server)
		client_facts(s, a, out);
	if (peer != NULL)
		peer_certificate(s, peer, a, out);
	if (s->server && out->verified)
		vouch(s, out, a);
}
