/*
 * test_rules.c - postrider test --client: what the rules of smtpd decide, with
 * each rule, test and value.  The same code runs them as in smtpd; nothing is
 * counted, and policy servers are really asked.
 */
#include "base/clock.h"
#include "base/networks.h"
#include "conf/common.h"
#include "conf/conf.h"
#include "ctl.h"
#include "map/map.h"
#include "policy/policy.h"
#include "proto/router.h"
#include "serve/dns.h"
#include "serve/limits.h"

enum { ROUTER_MS = 30000, DNS_MS = 10000 };

struct rules_conf {
	struct policy_conf policy;
	struct strlist trusted_networks;
};
static const struct field fields[] = {
	POLICY_FIELDS(struct rules_conf, policy),
	F_LIST(struct rules_conf, trusted_networks, ""),
	F_END
};

struct run {
	const struct rules_test *t;
	bool json;
	struct policy *set[POLICY_STAGES];
	struct policy_facts f;
	struct policy_marks session, marks;
	int status;
};

bool
rules_option(struct rules_test *t, int option, const char *arg)
{
	switch (option) {
	case 'c':
		t->client = arg;
		break;
	case 'h':
		t->helo = arg;
		break;
	case 't':
		t->rcpt = arg;
		break;
	case 'l':
		t->login = arg;
		break;
	case 'T':
		t->tls = true;
		break;
	case 'S':
		t->service = arg;
		break;
	case 'z':
		t->size = arg;
		break;
	default:
		return false;
	}
	return true;
}

static void
on_step(void *ctx, const char *rule, const char *text)
{
	const struct run *r = ctx;

	show_step(r->json, rule, text);
}

/* --client ADDRESS[,NAME] */
static int
set_client(struct run *r, const struct rules_conf *c)
{
	struct slice rest = slice_of(r->t->client), addr;
	struct strlist one = { 0 };
	struct str name = STR_INIT;
	struct err err = ERR_INIT;

	slice_cut(&rest, ',', &addr);
	r->f.client = arena_slice(&ctl_arena, addr);
	strlist_add(&one, &ctl_arena, r->f.client);
	if (networks_check(&one, &err) < 0 || slice_find(addr, '/') < addr.n)
		return fail_usage("%s is not an address", r->f.client);
	r->f.trusted = networks_has(&c->trusted_networks, r->f.client);
	if (rest.p != NULL) {
		r->f.client_name = arena_slice(&ctl_arena, rest);
		return EXIT_OK;
	}
	dns_client_ask(r->f.client, DNS_MS, "");
	dns_client_name(&name, true);
	r->f.client_name = arena_slice(&ctl_arena, slice_str(&name));
	str_free(&name);
	return EXIT_OK;
}

static int
set_facts(struct run *r, const struct rules_conf *c)
{
	const struct rules_test *t = r->t;
	struct policy_facts *f = &r->f;
	uint64_t size = 0;

	if (t->size != NULL && !parse_size(slice_of(t->size), &size))
		return fail_usage("%s is not a size", t->size);
	*f = policy_nothing;
	f->service = t->service;
	f->helo = t->helo != NULL ? t->helo : "client.example";
	f->esmtp = true;
	f->proto = "ESMTP";
	f->tls = t->tls ? "TLSv1.3" : "";
	f->login = t->login != NULL ? t->login : "";
	f->sender = t->sender != NULL ? t->sender : "";
	f->has_sender = true;
	f->size = size;
	f->instance = "test";
	f->dry = true;
	return set_client(r, c);
}

/* the reply in the words of the log: 1 go on, 0 that was it */
static int
tell(struct run *r, const struct policy_verdict *v)
{
	const char *what = v->action == POLICY_PERMIT ? "permit" :
	    v->action == POLICY_DISCARD ? "discard" : "";

	if (what[0] != '\0')
		show_step(r->json, what, v->rule);
	if (v->delay > 0)
		show_step(r->json, "delay", arena_printf(&ctl_arena, "%lldms",
		    (long long)v->delay));
	if (v->action != POLICY_REJECT && v->action != POLICY_DEFER)
		return 1;
	show_step(r->json, "reply", arena_printf(&ctl_arena, "%d %s %s (%s)",
	    v->code, v->dsn, v->text, v->rule));
	r->status = v->action == POLICY_REJECT ? EXIT_FAILED : EXIT_DEFERRED;
	return 0;
}

static int
stage(struct run *r, enum policy_stage s)
{
	struct policy_verdict v;

	if (r->set[s] == NULL)
		return 1;
	show_step(r->json, "stage", policy_stage_name(s));
	policy_run(r->set[s], &r->f, &r->session, s <= POLICY_HELO ?
	    &r->session : &r->marks, &v, on_step, r);
	return tell(r, &v);
}

/* what the server itself says of the recipient */
static void
resolve(struct run *r, struct err *why)
{
	static const char *const classes[] = { "virtual", "system", "alias",
	    "relay" };
	struct router_resolve_in in = { .addr = r->t->rcpt,
		.relay = r->f.trusted || r->f.login[0] != '\0',
		.report = r->f.sender[0] == '\0' };
	struct router_resolve_out out;
	struct ipc c;

	ipc_init(&c, socket_path("router"), ROUTER_MS);
	r->f.rcpt = r->t->rcpt;
	if (ipc_call(&c, &router_resolve, &in, -1, &out, NULL, NULL,
	    why) < 0)
		r->f.refused = why->dsn;
	else {
		if (out.addr[0] != '\0')
			r->f.rcpt = arena_strdup(&ctl_arena, out.addr);
		if (out.class >= 0 && out.class < (int)ARRAY_LEN(classes))
			r->f.rcpt_class = classes[out.class];
	}
	ipc_free(&c);
}

static int
recipient(struct run *r)
{
	struct err why = ERR_INIT;
	bool wants = policy_needs(r->set[POLICY_RCPT]) & POLICY_NEEDS_REFUSED;

	resolve(r, &why);
	if (why.kind == ERR_NONE || (why.kind == ERR_PERM && wants))
		if (stage(r, POLICY_RCPT) == 0)
			return 0;
	if (why.kind == ERR_NONE) {
		r->f.nrcpt = 1;
		return 1;
	}
	show_step(r->json, "reply", arena_printf(&ctl_arena,
	    "%s %s (the server itself)", why.dsn, why.text));
	r->status = why.kind == ERR_PERM ? EXIT_FAILED : EXIT_DEFERRED;
	return 0;
}

static void
show_edits(const struct run *r, const struct edits *l)
{
	static const char *const ops[] = { "add-header", "prepend",
	    "change-header", "delete-header", "body", "sender", "add-rcpt",
	    "delete-rcpt", "redirect", "transport", "hold", "discard", "bcc",
	    "priority", "release" };
	const struct edit *e;
	const char *value;
	size_t i;

	for (i = 0; i < l->n; i++) {
		e = &l->v[i];
		value = e->op == EDIT_PRIORITY || e->op == EDIT_RELEASE ?
		    arena_printf(&ctl_arena, "%lld", (long long)e->n) :
		    e->value;
		show_step(r->json, ops[e->op], arena_printf(&ctl_arena,
		    "%s%s%s (%s)", e->name, e->name[0] != '\0' ? ": " : "",
		    value, e->by));
	}
}

static void
show_list(const struct run *r, const char *what, const struct strlist *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		show_step(r->json, what, l->v[i]);
}

static void
show_marks(const struct run *r, const struct policy_marks *m)
{
	show_edits(r, &m->edits);
	show_list(r, "tag", &m->tags);
	show_list(r, "tag", &m->rcpt_tags);
	show_list(r, "filter", &m->filters);
}

static void
run_stages(struct run *r)
{
	enum policy_stage s;

	for (s = POLICY_CONNECT; s <= POLICY_MAIL; s++)
		if (stage(r, s) == 0)
			return;
	if (r->t->rcpt == NULL || recipient(r) == 0)
		return;
	for (s = POLICY_DATA; s <= POLICY_END; s++)
		if (stage(r, s) == 0)
			return;
	show_marks(r, &r->session);
	show_marks(r, &r->marks);
	show_step(r->json, "reply", "250 2.0.0 Ok");
}

int
test_rules(const struct rules_test *t, bool json, bool dns)
{
	struct rules_test with = *t;
	struct run r = { .t = &with, .json = json,
		.session = { .a = &ctl_arena }, .marks = { .a = &ctl_arena },
		.status = EXIT_OK };
	struct rules_conf c;
	struct err err = ERR_INIT;
	struct router_explain_in in;
	const char *file;
	size_t i;

	if (with.service == NULL)
		with.service = "smtp";
	if (instance_load(&err) != 0)
		return fail_err(&err);
	if (!may_ask("router"))
		return EXIT_FAILED;
	file = arena_printf(&ctl_arena, "%s/%s.conf", common.conf_dir,
	    strcmp(with.service, "smtp") == 0 ? "smtpd" : with.service);
	map_set_dir(common.conf_dir);
	limits_init();
	if (conf_pick(file, fields, &c, &ctl_arena, &err) < 0 ||
	    policy_compile_all(&c.policy, r.set, &err) < 0)
		return fail_err(&err);
	if (set_facts(&r, &c) != EXIT_OK)
		return EXIT_USAGE;
	run_stages(&r);
	for (i = 0; i < POLICY_STAGES; i++)
		policy_free(r.set[i]);
	in = (struct router_explain_in){ .addr = r.f.rcpt,
		.sender = r.f.sender,
		.relay = r.f.trusted || r.f.login[0] != '\0' };
	if (r.status == EXIT_OK && r.t->rcpt != NULL)
		return explain_address(&in, json, dns);
	return r.status;
}
