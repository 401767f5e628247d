/*
 * mechs.c - the answers of auth's `mechs', by the situation.  The connection
 * is given back at once: a place in auth is for logins.
 */
#include "serve/mechs.h"

#include "base/clock.h"
#include "conf/common.h"
#include "proto/auth.h"
#include "serve/tls.h"

enum { FRESH_MS = 10000, ASK_MS = 3000, SITUATIONS = 16 };

/* by plaintext, tls, and which channel bindings there are */
static struct answer {
	struct str mechs;
	int64_t until;		/* mono_ms; 0: never asked */
} answers[SITUATIONS];
static struct str special = STR_INIT;	/* of a client's certificate */

static int
ask(const struct auth_mechs_in *in, struct str *out)
{
	struct auth_mechs_out said;
	struct err ignored;
	struct ipc c;
	int r;

	ipc_init(&c, socket_path("auth"), ASK_MS);
	r = ipc_call(&c, &auth_mechs, in, -1, &said, NULL, NULL, &ignored);
	if (r == 0) {
		str_reset(out);
		str_adds(out, said.mechs);
	}
	ipc_free(&c);
	return r;
}

/* auth is not there: clients are told so when they log in */
static void
assume(const struct auth_mechs_in *in, struct str *out)
{
	str_reset(out);
	if (in->plaintext || in->ch.tls)
		str_adds(out, "PLAIN LOGIN");
}

const char *
mechs_offered(const struct peer *peer, const char *service, bool plaintext)
{
	struct auth_mechs_in in = { .service = service,
		.client_addr = peer->addr, .plaintext = plaintext,
		.ch = tls_channel(peer) };
	struct answer *a = &answers[(plaintext ? 1 : 0) + (in.ch.tls ? 2 : 0) +
	    (in.ch.exporter[0] != '\0' ? 4 : 0) +
	    (in.ch.end_point[0] != '\0' ? 8 : 0)];

	if (in.ch.voucher[0] != '\0') {
		if (ask(&in, &special) < 0)
			assume(&in, &special);
		return special.s;
	}
	if (a->until != 0 && mono_ms() < a->until)
		return a->mechs.s;
	if (a->until == 0)
		a->mechs = (struct str)STR_INIT;
	if (ask(&in, &a->mechs) < 0 && a->until == 0)
		assume(&in, &a->mechs);
	a->until = mono_ms() + FRESH_MS;
	return a->mechs.s;
}

bool
mechs_has(const char *mechs, struct slice name, const char **name_r)
{
	static char found[64];
	struct slice rest = slice_of(mechs), word;

	while (slice_word(&rest, &word))
		if (word.n < sizeof(found) && word.n == name.n &&
		    strncasecmp(word.p, name.p, name.n) == 0) {
			*name_r = slice_copy(found, sizeof(found), word);
			return true;
		}
	return false;
}
