/*
 * tls_session_fuzz.c - the facts of a TLS session, filled from one that has
 * any certificate, server name and outcome, and as the program that asked for
 * it gets them.  The first two octets are bits of how it was made and the
 * outcome; then lines: protocol and cipher (four octets, as in a session of
 * OpenSSL), server name; then the certificate.  With RAW the rest is a
 * session as OpenSSL writes it.
 */
#include "../../tlsd/facts.c"

#include "ipc/codec.h"
#include "serve/tls.h"
#include "tlsd_rest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { SERVER = 1, LENIENT = 2, PKIX = 4, HAS_CA = 8, NO_VOUCHER = 16,
	RAW = 128 };

struct tlsd_conf conf;
static bool no_voucher;

int
keyd_vouch(const struct key_vouch_in *in, const char **out)
{
	assert(strlen(in->fingerprint) == 64);
	*out = "voucher";
	return no_voucher ? -1 : 0;
}

/* --- a session in DER ----------------------------------------------------- */

static void
element(struct str *out, unsigned char tag, struct slice s)
{
	const unsigned char head[] = { tag, 0x83, (unsigned char)(s.n >> 16),
		(unsigned char)(s.n >> 8), (unsigned char)s.n };

	str_add(out, head, sizeof(head));
	str_addsl(out, s);
}

/* [tag] EXPLICIT of type */
static void
tagged(struct str *out, unsigned char tag, unsigned char type,
    struct slice s)
{
	struct str in = STR_INIT;

	element(&in, type, s);
	element(out, tag, slice_str(&in));
	str_free(&in);
}

static void
make_session(struct slice in, unsigned char outcome, struct str *out)
{
	static const char key[48] = "the master key of a session";
	struct slice kind = { "\3\4\x13\1", 4 }, sni = { "", 0 };
	struct str s = STR_INIT;
	char code = (char)(outcome & 0x7f);

	if (in.n >= 4) {
		kind = slice_sub(in, 0, 4);
		in = slice_sub(in, 4, in.n);
	}
	slice_cut(&in, '\n', &sni);
	element(&s, 0x02, SLICE_LIT("\1"));
	element(&s, 0x02, slice_sub(kind, 0, 2));
	element(&s, 0x04, slice_sub(kind, 2, 4));
	element(&s, 0x04, SLICE_LIT("id"));
	element(&s, 0x04, (struct slice){ key, sizeof(key) });
	tagged(&s, 0xa1, 0x02, SLICE_LIT("\1"));
	tagged(&s, 0xa2, 0x02, SLICE_LIT("\1"));
	if (in.n > 0)
		element(&s, 0xa3, in);
	tagged(&s, 0xa4, 0x04, SLICE_LIT("c"));
	tagged(&s, 0xa5, 0x02, (struct slice){ &code, 1 });
	if (sni.n > 0)
		tagged(&s, 0xa6, 0x04, sni);
	element(out, 0x30, slice_str(&s));
	str_free(&s);
}

/* ------------------------------------------------------------------------- */

/* what a program gets is what was said, and can be read */
static void
hand_on(const struct tls_facts_out *f)
{
	struct str was = STR_INIT, is = STR_INIT, text = STR_INIT;
	struct ipc_msg m = { .fd = -1 };
	struct tls_facts got = { .on = true };
	struct err err;

	ipc_encode(&was, "ok", tls_server.out, f);
	assert(was.len <= IPC_MAX);
	m.buf = was.s;
	m.len = was.len;
	if (ipc_check(&m, &err) < 0 || ipc_decode(&m, tls_server.out, &got.f,
	    &got.arena, &err) < 0)
		die("%s", err.text);
	ipc_encode(&is, "ok", tls_server.out, &got.f);
	assert(was.len == is.len && memcmp(was.s, is.s, is.len) == 0);
	tls_facts_text(&got, &text);
	one_line(text.s);
	tls_facts_free(&got);
	str_free(&was);
	str_free(&is);
	str_free(&text);
}

static void
check(const struct session *s, const struct tls_facts_out *f)
{
	const char *const lines[] = { f->version, f->cipher, f->exporter,
	    f->end_point, f->subject, f->issuer, f->fingerprint, f->why };
	size_t i;

	for (i = 0; i < ARRAY_LEN(lines); i++)
		one_line(lines[i]);
	assert(utf8_valid(slice_of(f->subject)));
	assert(utf8_valid(slice_of(f->issuer)));
	assert(f->mailboxes.n <= MAILBOXES);
	for (i = 0; i < f->mailboxes.n; i++)
		one_line(f->mailboxes.v[i]);
	assert(!f->resumed);
	/* nobody is believed without a certificate, or without CAs */
	if (s->server) {
		assert(!f->verified || (f->fingerprint[0] != '\0' &&
		    conf.client_ca[0] != '\0'));
		assert(f->voucher[0] == '\0' || f->verified);
	}
	assert(f->fingerprint[0] == '\0' || f->verified || f->why[0] != '\0');
	hand_on(f);
}

static void
drop(const char *line UNUSED, size_t n UNUSED)
{
}

static void
fill(SSL *ssl, unsigned bits)
{
	struct handshake hs = { .server = { .client_addr = "192.0.2.1" },
		.client = { .lenient = bits & LENIENT,
		    .verify = bits & PKIX ? TLS_PKIX : TLS_NONE } };
	struct session s = { .ssl = ssl, .server = bits & SERVER, .id = "1",
		.hs = &hs };
	struct tls_facts_out f;

	conf.client_ca = bits & HAS_CA ? "ca" : "";
	no_voucher = bits & NO_VOUCHER;
	facts_fill(&s, &hs.arena, &f);
	check(&s, &f);
	arena_free(&hs.arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static SSL_CTX *ctx;
	struct str der = STR_INIT;
	struct slice rest;
	const unsigned char *p;
	SSL_SESSION *ss;
	SSL *ssl;

	if (ctx == NULL) {
		log_set_sink(drop);
		ctx = SSL_CTX_new(TLS_client_method());
	}
	if (n < 2)
		return 0;
	rest = (struct slice){ (const char *)data + 2, n - 2 };
	if (data[0] & RAW)
		str_addsl(&der, rest);
	else
		make_session(rest, data[1], &der);
	p = (const unsigned char *)der.s;
	ss = d2i_SSL_SESSION(NULL, &p, (long)der.len);
	ssl = SSL_new(ctx);
	if (ss != NULL && SSL_set_session(ssl, ss) == 1)
		fill(ssl, data[0]);
	SSL_free(ssl);
	SSL_SESSION_free(ss);
	str_free(&der);
	ERR_clear_error();
	return 0;
}
