/*
 * test_router.c - what router knows of a sender: is that an address of ours,
 * and whose?  And of a recipient: how full is the mailbox, has a report come to
 * a sender that was signed?
 */
#include "conf/common.h"
#include "proto/router.h"
#include "policy/tests.h"

enum { ROUTER_MS = 20000 };

static struct ipc router = { .fd = -1 };

static void
begin(void)
{
	if (router.path == NULL)
		ipc_init(&router, socket_path("router"), ROUTER_MS);
}

/* 1 it is here, 0 it is elsewhere, -1 err; *unknown: nobody has it */
static int
resolve(const char *addr, bool *unknown, struct err *err)
{
	struct router_resolve_in in = { .addr = addr };
	struct router_resolve_out out;
	struct err why = ERR_INIT;

	*unknown = false;
	begin();
	if (ipc_call(&router, &router_resolve, &in, -1, &out, NULL, NULL,
	    &why) == 0)
		return out.class != CLASS_RELAY;
	if (why.kind == ERR_PERM && strcmp(why.dsn, "5.7.1") == 0)
		return 0;
	/* full or disabled, but here */
	if (why.kind == ERR_PERM || strncmp(why.dsn, "4.2.", 4) == 0) {
		*unknown = strcmp(why.dsn, "5.1.1") == 0;
		return 1;
	}
	*err = why;
	return -1;
}

static int
owns(const char *login, const char *addr, struct err *err)
{
	struct router_owns_in in = { .login = login,
		.addr = { &addr, 1, 1 } };
	struct router_owns_out out;

	begin();
	return ipc_call(&router, &router_owns, &in, -1, &out, NULL, NULL,
	    err) < 0 ? -1 : out.owned;
}

int
eval_sender(const struct test *t, void *self UNUSED, struct eval *e,
    struct err *err)
{
	const struct policy_facts *f = e->f;
	bool unknown;
	int r;

	if (f->sender[0] == '\0')
		return 0;
	if (t->arg == SENDER_MISMATCH && f->login[0] != '\0') {
		r = owns(f->login, f->sender, err);
		return r < 0 ? -1 : !r;
	}
	r = resolve(f->sender, &unknown, err);
	if (r <= 0)
		return r;
	eval_trace(e, "    %s is an address of ours%s", f->sender, unknown ?
	    " that nobody has" : "");
	return t->arg == SENDER_UNKNOWN ? unknown :
	    t->arg == SENDER_MISMATCH ? !unknown : 1;
}

/*
 * A question of its own, behind the one whether there is such a recipient:
 * so that only a rule that gets as far as this test costs anything.
 */
int
eval_quota(const struct test *t, void *self, struct eval *e, struct err *err)
{
	struct router_resolve_in in = { .addr = e->f->rcpt,
		.want_quota = true };
	struct router_resolve_out out = { .used_percent = 0 };
	struct err why = ERR_INIT;

	begin();
	/* data and end of several recipients have none */
	if (in.addr[0] != '\0' && ipc_call(&router, &router_resolve, &in, -1,
	    &out, NULL, NULL, &why) < 0) {
		/* elsewhere, or nobody's */
		if (why.kind != ERR_PERM) {
			*err = why;
			return -1;
		}
		out.used_percent = 0;
	}
	if (out.used_percent < 0)
		return err_temp(err, "4.3.0", "how full %s is, is not known "
		    "now", e->f->rcpt);
	eval_trace(e, "    %s: %lld%%", t->name, (long long)out.used_percent);
	return comparison_holds(self, out.used_percent);
}

/* as enum batv; "none" is no word of rules */
static const char *const states[] = { [BATV_VALID] = "valid",
	[BATV_INVALID] = "invalid", [BATV_MISSING] = "missing" };

int
parse_batv(const struct test *t UNUSED, struct words *w, void **self_r,
    struct err *err)
{
	size_t i;

	for (i = BATV_VALID; i < ARRAY_LEN(states); i++)
		if (words_take(w, states[i])) {
			*self_r = (void *)(uintptr_t)i;
			return 0;
		}
	return words_expected(w, "valid, invalid or missing", err);
}

int
eval_batv(const struct test *t UNUSED, void *self, struct eval *e,
    struct err *err)
{
	struct router_batv_in in = { .addr = e->f->rcpt };
	struct router_batv_out out;

	/* only reports have to come to who sent something */
	if (!e->f->has_sender || e->f->sender[0] != '\0' ||
	    e->f->rcpt[0] == '\0')
		return 0;
	begin();
	if (ipc_call(&router, &router_batv, &in, -1, &out, NULL, NULL,
	    err) < 0)
		return -1;
	return out.state == (int)(uintptr_t)self;
}
