/*
 * alpn.c - application protocols (RFC 7301).  imap, pop3 and managesieve are
 * IANA's names; smtp and lmtp are what others use.  A client that offers only
 * other ones was led here from another service (RFC 9325 3.7).
 */
#include "tlsd.h"

static const struct {
	const char *service;
	const char *names[3];
} services[] = {
	{ "", { NULL } },
	{ "imap", { "imap", NULL } }, { "pop3", { "pop3", NULL } },
	{ "sieve", { "managesieve", NULL } },
	{ "smtp", { "smtp", "esmtp", NULL } }, { "lmtp", { "lmtp", NULL } },
};

uint8_t
alpn_service(const char *name)
{
	uint8_t i;

	for (i = 1; i < ARRAY_LEN(services); i++)
		if (strcmp(services[i].service, name) == 0)
			return i;
	return 0;
}

static void
note_refused(struct session *s, const unsigned char *in, unsigned n)
{
	struct slice first = { (const char *)in + 1, MIN(in[0], n - 1) };
	char *name;

	if (s->hs == NULL)
		return;
	name = arena_slice(&s->hs->arena, first);
	s->hs->alpn_refused = name;
	for (; *name != '\0'; name++)
		if (!ascii_isprint(*name))
			*name = '?';
}

int
alpn_select(SSL *ssl, const unsigned char **out, unsigned char *n,
    const unsigned char *in, unsigned in_n, void *arg UNUSED)
{
	struct session *s = ssl_session(ssl);
	const char *const *name = services[s->service].names;
	unsigned i;

	for (; *name != NULL; name++)
		for (i = 0; i + 1 + in[i] <= in_n; i += 1u + in[i]) {
			struct slice offer = { (const char *)in + i + 1,
				in[i] };

			if (slice_eqz(offer, *name)) {
				*out = in + i + 1;
				*n = in[i];
				return SSL_TLSEXT_ERR_OK;
			}
			if (i + 1 + in[i] == in_n)
				break;
		}
	if (services[s->service].names[0] == NULL || !conf.strict_alpn)
		return SSL_TLSEXT_ERR_NOACK;
	note_refused(s, in, in_n);
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int
alpn_offer(SSL *ssl, const char *name)
{
	unsigned char wire[256];
	size_t n = strlen(name);

	if (n == 0)
		return 0;
	if (n > 255)
		return -1;
	wire[0] = (unsigned char)n;
	memcpy(wire + 1, name, n);
	return SSL_set_alpn_protos(ssl, wire, (unsigned)n + 1) == 0 ? 0 : -1;
}
