/*
 * main.c - keyd(8): holds the private keys of TLS.  It reads its files and
 * what the suite's own programs ask of it, and nothing else.
 */
#include "keyd.h"

#include <event2/event.h>
#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "voucher.h"

struct keyd_conf conf;
static unsigned char secret[VOUCHER_SECRET];
static size_t nconns;
static bool draining;

enum { SECURE_HEAP = 1 << 20, SECURE_MIN = 32 };

static const struct field fields[] = {
	F_LIST_D(struct keyd_conf, certificates, "tls/cert.pem",
	    "certificates in PEM form, each with its chain"),
	F_LIST(struct keyd_conf, keys,
	    "further files with keys of these certificates"),
	F_TIME(struct keyd_conf, check_interval, "2s", "100ms", "1d",
	    "how often the files are looked at"),
	F_TIME(struct keyd_conf, ticket_lifetime, "12h", "1s", "7d",
	    "how long a session can be resumed"),
	F_TIME(struct keyd_conf, voucher_lifetime, "5m", "1s", "1d",
	    "how long a client's certificate is vouched for"),
	F_BOOL(struct keyd_conf, weak_hashes, "no",
	    "sign for TLS before 1.2, too"),
	F_END
};

static int
vouch(struct call *c, const void *in, void *res, struct err *err)
{
	struct key_vouch_out *out = res;
	struct str text = STR_INIT;

	if (voucher_make(secret, in, wall_us() / 1000 + conf.voucher_lifetime,
	    &text, err) < 0)
		return -1;
	out->voucher = arena_slice(c->arena, slice_str(&text));
	str_free(&text);
	return 0;
}

static int
check_voucher(struct call *c, const void *arg, void *out, struct err *err)
{
	const struct key_check_in *in = arg;

	return voucher_read(secret, in->voucher, wall_us() / 1000, c->arena,
	    out, err);
}

static const struct verb verbs[] = {
	{ &key_certs, certs_list, PEER_TLS },
	{ &key_sign, sign_do, PEER_TLS },
	{ &key_tickets, tickets_list, PEER_TLS },
	{ &key_vouch, vouch, PEER_TLS },
	{ &key_check, check_voucher, PEER_AUTH },
	{ 0 }
};

static void *
opened(const struct ipc_cred *peer UNUSED)
{
	nconns++;
	return NULL;
}

static void
closed(void *state UNUSED)
{
	nconns--;
	if (draining && nconns == 0)
		hub_exit();
}

static void
on_late(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	hub_exit();
}

/* Our keys sign for handshakes that have begun with them, while our successor,
 * whose keys may be others, serves already: until each tlsd has gone to it, at
 * most as long as one waits for an answer. */
static void
drain(void)
{
	static const struct timeval most = { BEFORE_MS / 1000, 0 };

	draining = true;
	certs_leave();
	status_leaving();
	if (nconns == 0 || event_base_once(hub_base, -1, EV_TIMEOUT, on_late,
	    NULL, &most) < 0)
		hub_exit();
}

/* No page of this process goes to the swap: all of it where we may, else those
 * of the keys (OpenSSL's secure heap). */
static void
lock_memory(void)
{
	struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	bool all = setrlimit(RLIMIT_MEMLOCK, &none) == 0;

#ifdef WITH_SANITIZERS
	all = false;		/* their shadow is too large */
#endif
	if (all && mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		all = false;
	if (CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_MIN) != 1 && !all)
		log_event(LOG_WARN, "memory-unlocked", KEND);
}

static void
make_absolute(struct strlist *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i][0] != '/')
			l->v[i] = common_path(common.conf_dir, l->v[i]);
}

static int
check(struct err *err UNUSED)
{
	make_absolute(&conf.certificates);
	make_absolute(&conf.keys);
	return 0;
}

static int
before_jail(struct err *err UNUSED)
{
	/* before there is a key */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "not dumpable");
	lock_memory();
	random_bytes(secret, sizeof(secret));
	certs_jail();
	certs_load();
	return 0;
}

static int
start(struct err *err)
{
	return tickets_start(err) < 0 ? -1 : certs_start(err);
}

static int
run(const struct daemon *d)
{
	int rc = hub_run(d);

	certs_wipe();
	tickets_wipe();
	OPENSSL_cleanse(secret, sizeof(secret));
	return rc;
}

struct daemon keyd = {
	.name = "keyd", .kind = SERVE_EVENT,
	.fields = fields, .conf = &conf,
	.before_jail = before_jail, .start = start, .run = run,
	.verbs = verbs, .check = check,
	.conn_open = opened, .conn_close = closed, .drain = drain,
	.burst = 1,
	.jail = { .groups = JAIL_FILES | JAIL_EPOLL },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &keyd);
}
