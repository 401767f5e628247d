/*
 * backend.c - the connections to router, auth and dnsd; that to cleanup is
 * backend_queue.c.
 */
#include "backend.h"

#include "base/log.h"
#include "conf/common.h"
#include "proto/router.h"
#include "serve/dns.h"

enum { SEALS = 8 /* recipients; of more, cleanup asks */ };

static struct ipc router, auth;

void
backend_init(void)
{
	ipc_init(&router, socket_path("router"), (int)conf.service_timeout);
	ipc_init(&auth, socket_path("auth"), (int)conf.service_timeout);
	backend_queue_init();
}

int
backend_failed(const struct ipc *c, const struct err *err)
{
	if (c->fd < 0)
		log_event(LOG_WARN, "unreachable", KS("path", c->path),
		    KERR(err), KEND);
	return -1;
}

int
backend_resolve(struct txn *t, bool relay, struct rcpt *r, struct err *err)
{
	struct router_resolve_in in = { .addr = r->addr, .relay = relay,
		.report = t->sender[0] == '\0', .sender = t->sender,
		.seal = t->n < SEALS };
	struct router_resolve_out out;

	if (ipc_call(&router, &router_resolve, &in, -1, &out, NULL, NULL,
	    err) < 0)
		return backend_failed(&router, err);
	if (out.addr[0] != '\0' && strcmp(out.addr, r->addr) != 0)
		r->addr = arena_strdup(&t->arena, out.addr);
	r->class = out.class;
	r->seal = out.seal[0] == '\0' ? "" :
	    arena_strdup(&t->arena, out.seal);
	return 0;
}

int
backend_owns(const char *login, const char *addr,
    struct router_owns_out *out, struct err *err)
{
	struct router_owns_in in = { .login = login,
		.addr = { &addr, addr[0] != '\0', 1 } };

	if (ipc_call(&router, &router_owns, &in, -1, out, NULL, NULL,
	    err) < 0)
		return backend_failed(&router, err);
	return 0;
}

int
backend_auth(const struct auth_sasl_in *in, struct auth_out *out,
    struct err *err)
{
	if (ipc_call(&auth, &auth_sasl, in, -1, out, NULL, NULL, err) == 0)
		return 0;
	if (auth.fd < 0) {
		backend_failed(&auth, err);
		return err_temp(err, "4.7.0",
		    "temporary authentication failure");
	}
	return -1;
}

void
backend_auth_end(void)
{
	ipc_close(&auth);
}

void
backend_client_ask(const struct peer *peer)
{
	dns_client_ask(peer->addr, (int)conf.reverse_dns_timeout, peer->id);
}

void
backend_client_name(struct str *out, bool wait)
{
	dns_client_name(out, wait);
}

void
backend_client_drop(void)
{
	dns_client_drop();
}
