/*
 * main.c - tlsd(8): TLS for everybody.  It sees plain text, but no file, no
 * secret but those of sessions, and no key.
 */
#include "tlsd.h"

#include "provider.h"

struct tlsd_conf conf;
struct tls_stat_out counters;

static const struct field fields[] = {
	F_ENUM(struct tlsd_conf, profile, "intermediate",
	    "intermediate|strict|old", "TLS 1.2 and 1.3, 1.3 only, or 1.0 up"),
	F_ENUM(struct tlsd_conf, client_profile, "intermediate",
	    "intermediate|strict|old", "the same where we are the client"),
	F_STR(struct tlsd_conf, ciphers, "",
	    "suites of TLS up to 1.2, OpenSSL's names; empty: the profile's"),
	F_STR(struct tlsd_conf, suites, "",
	    "suites of TLS 1.3, OpenSSL's names; empty: AES-128 first"),
	F_STR(struct tlsd_conf, groups, "",
	    "groups of the key exchange; empty: X25519, P-256 and P-384"),
	F_STR(struct tlsd_conf, client_ca, "",
	    "certificates of those who certify clients"),
	F_STR(struct tlsd_conf, client_crl, "",
	    "their lists of revoked certificates; empty: none is asked for"),
	F_STR(struct tlsd_conf, ca_file, "",
	    "certificates of those who certify servers; empty: the system's"),
	F_BOOL(struct tlsd_conf, strict_alpn, "yes",
	    "refuse clients that want only other protocols"),
	F_TIME(struct tlsd_conf, key_timeout, "2s", "10ms", "10s",
	    "how long to wait for a signature"),
	F_INT(struct tlsd_conf, key_waiting, "64", "1", "4000",
	    "how many handshakes wait for one"),
	F_END
};

enum { OWN_FILES = 256, FILES_EACH = 4 };

/* ciphers, groups and files are tried: what does not work is no new
 * configuration */
static int
check(struct err *err)
{
	tlsd.jail.files = (uint64_t)launch.clients * FILES_EACH + OWN_FILES;
	return provider_start(err) < 0 ? -1 : ctx_make(err);
}

struct daemon tlsd = {
	.name = "tlsd", .kind = SERVE_EVENT,
	.fields = fields, .conf = &conf,
	.start = keyd_start, .run = hub_run,
	.verbs = verbs, .conn_open = caller_open,
	.conn_close = caller_close, .drain = session_drain, .burst = 1,
	.jail = { .groups = JAIL_FILES | JAIL_UNIX | JAIL_EPOLL },
	.check = check,
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &tlsd);
}
