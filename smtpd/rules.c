/*
 * rules.c - the administrator's rules at work in a session.  Where a stage has
 * none, nothing is done for it.
 *
 * Rules of connect and helo leave marks for the session, the others for the
 * transaction.  What was found out counts until the client is another one
 * (rules_forget).
 */
#include <poll.h>

#include "backend.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "filter.h"
#include "map/map.h"
#include "proto/gate.h"

struct rules {
	struct arena a;
	struct policy_marks marks, connect_marks;
	struct policy_verdict verdict[POLICY_MAIL];	/* connect, helo */
	bool ruled[POLICY_MAIL];
};

static struct policy *rules[POLICY_STAGES];

int
rules_check(struct err *err)
{
	return policy_compile_all(&conf.policy, rules, err) < 0 ? -1 :
	    filter_names_check(rules, err);
}

int
rules_jail(struct err *err)
{
	size_t i;

	map_set_dir(common.conf_dir);
	for (i = 0; i < POLICY_STAGES; i++)
		if (rules[i] != NULL && policy_open(rules[i], err) < 0)
			return -1;
	return 0;
}

static struct rules *
state(struct session *s)
{
	if (s->rules == NULL) {
		s->rules = xcalloc(1, sizeof(*s->rules));
		s->rules->marks.a = &s->rules->a;
		s->rules->connect_marks.a = &s->rules->a;
	}
	return s->rules;
}

void
rules_free(struct session *s)
{
	if (s->rules != NULL)
		arena_free(&s->rules->a);
	free(s->rules);
	s->rules = NULL;
}

void
rules_forget(struct session *s)
{
	struct rules *r = s->rules;

	if (r == NULL)
		return;
	if (conf.policy.delay_reject)
		rules_free(s);
	else if (s->helo.len == 0)	/* another HELO will come */
		r->marks = r->connect_marks;
}

/* --- what is known ------------------------------------------------------ */

static void
tls_known(const struct session *s, struct policy_facts *f)
{
	const struct tls_facts_out *t;

	if (!s->peer->tls || s->peer->facts == NULL)
		return;
	t = &s->peer->facts->f;
	f->tls = t->version;
	f->cipher = t->cipher;
	f->subject = tls_subject(s->peer) != NULL ? tls_subject(s->peer) : "";
	/* who has the key is known by its fingerprint, whoever signed it */
	f->fingerprint = t->fingerprint;
	f->issuer = t->verified ? t->issuer : "";
	f->bits = t->bits;
}

/* what gate found, where it has asked its lists */
static void
gate_known(const struct session *s, struct policy_facts *f)
{
	static struct str lists = STR_INIT;
	const struct gate_facts *g = s->peer->gate;
	size_t i;

	if (g == NULL || (g->lists.n == 0 && !strlist_has(&g->passed,
	    "dnsbl")))
		return;
	str_reset(&lists);
	for (i = 0; i < g->lists.n; i++)
		str_addf(&lists, "%s%s", i > 0 ? ", " : "", g->lists.v[i]);
	f->gate = true;
	f->gate_score = g->score;
	f->gate_lists = lists.s;
}

static struct policy_facts
known(const struct session *s, const struct txn *t)
{
	struct policy_facts f = policy_nothing;

	f.session = s->peer->id;
	f.service = conf.personality == SUBMISSION ? "submission" :
	    conf.personality == LOCAL ? "local" : session_service();
	if (session_addressed(s))
		f.client = s->peer->addr;
	f.client_port = s->peer->port;
	f.local = s->peer->local_addr;
	f.local_port = s->peer->local_port;
	f.client_name = s->name.s;
	f.trusted = s->trusted || conf.personality == LOCAL;
	f.helo = s->helo.s;
	f.esmtp = s->esmtp;
	f.proto = s->esmtp ? "ESMTP" : "SMTP";
	tls_known(s, &f);
	gate_known(s, &f);
	f.login = s->login.s;
	f.mech = s->mech;
	if (t == NULL)
		return f;
	f.sender = t->sender;
	f.has_sender = true;
	f.nrcpt = (int64_t)t->taken;
	f.size = t->size;
	f.q = t->q;
	f.instance = t->instance;
	return f;
}

/* --- a stage ------------------------------------------------------------ */

static void
wait_for(const struct session *s, int64_t ms)
{
	struct pollfd p = { .fd = s->io->wake_fd, .events = POLLIN };

	if (ms > 0)
		poll(&p, 1, (int)ms);
}

/* 1 the rules have nothing against it, else -1 */
static int
answer(struct session *s, const struct policy_verdict *v, struct err *err,
    int *code)
{
	if (v->action != POLICY_REJECT && v->action != POLICY_DEFER)
		return 1;
	*code = s->rule_code = v->code;
	s->rule = v->rule;
	if (v->close) {
		s->closes = true;
		s->end = "rule";
	}
	return v->action == POLICY_REJECT ?
	    err_perm(err, v->dsn, "%s", v->text) :
	    err_temp(err, v->dsn, "%s", v->text);
}

static void
run(struct session *s, enum policy_stage stage, struct policy_facts *f,
    struct policy_marks *m, struct policy_verdict *v)
{
	const struct policy_marks *session = s->rules != NULL ?
	    &s->rules->marks : NULL;

	if (policy_needs(rules[stage]) & POLICY_NEEDS_NAME &&
	    s->name.len == 0) {
		session_name(s, true);
		f->client_name = s->name.s;
	}
	policy_run(rules[stage], f, session, m, v, NULL, NULL);
	if (v->action == POLICY_DISCARD)
		log_event(LOG_INFO, "rule",
		    KS("stage", policy_stage_name(stage)), KS("rule", v->rule),
		    KS("action", "discard"), KS("client", s->peer->addr),
		    KS("from", f->has_sender ? f->sender : NULL),
		    KS("to", f->rcpt[0] != '\0' ? f->rcpt : NULL), KEND);
	wait_for(s, v->delay);
}

/* connect or helo, unless it is known */
static const struct policy_verdict *
session_stage(struct session *s, const struct txn *t, enum policy_stage stage)
{
	struct rules *r = state(s);
	struct policy_facts f = known(s, t);

	if (!r->ruled[stage])
		run(s, stage, &f, &r->marks, &r->verdict[stage]);
	r->ruled[stage] = true;
	return &r->verdict[stage];
}

static void
begin_txn(struct txn *t)
{
	unsigned char id[8];
	struct str hex = STR_INIT;

	if (t->marks.a != NULL)
		return;
	t->marks.a = &t->arena;
	random_bytes(id, sizeof(id));
	hex_encode(&hex, id, sizeof(id));
	slice_copy(t->instance, sizeof(t->instance), slice_str(&hex));
	str_free(&hex);
}

static const struct policy_verdict *
mail_stage(struct session *s, struct txn *t)
{
	struct policy_facts f;

	begin_txn(t);
	f = known(s, t);
	if (!t->mail_ruled)
		run(s, POLICY_MAIL, &f, &t->marks, &t->mail_verdict);
	t->mail_ruled = true;
	return &t->mail_verdict;
}

int
rules_connect(struct session *s, struct err *err, int *code)
{
	int r;

	if (rules[POLICY_CONNECT] == NULL || conf.policy.delay_reject)
		return 1;
	r = answer(s, session_stage(s, NULL, POLICY_CONNECT), err, code);
	s->rules->connect_marks = s->rules->marks;
	/* RFC 5321 section 3.1: 554, or nothing but good bye */
	if (r < 0 && err->kind == ERR_TEMP) {
		*code = 421;
		s->closes = true;
	}
	return r;
}

int
rules_helo(struct session *s, struct err *err, int *code)
{
	if (rules[POLICY_HELO] == NULL)
		return 1;
	if (s->rules != NULL) {
		s->rules->ruled[POLICY_HELO] = false;
		s->rules->marks = s->rules->connect_marks;
	}
	if (conf.policy.delay_reject) {
		rules_free(s);
		return 1;
	}
	return answer(s, session_stage(s, NULL, POLICY_HELO), err, code);
}

int
rules_mail(struct session *s, struct txn *t, struct err *err, int *code)
{
	if (rules[POLICY_MAIL] == NULL || conf.policy.delay_reject)
		return 1;
	return answer(s, mail_stage(s, t), err, code);
}

int
rules_delayed(struct session *s, struct err *err, int *code)
{
	enum policy_stage i;

	if (!conf.policy.delay_reject)
		return 1;
	for (i = POLICY_CONNECT; i < POLICY_MAIL; i++)
		if (rules[i] != NULL && answer(s, session_stage(s, s->txn, i),
		    err, code) < 0)
			return -1;
	return rules[POLICY_MAIL] == NULL ? 1 :
	    answer(s, mail_stage(s, s->txn), err, code);
}

static const char *
class_name(int class)
{
	static const char *const names[] = { "virtual", "system", "alias",
	    "relay" };

	return class >= 0 && class < (int)ARRAY_LEN(names) ? names[class] :
	    "";
}

/* What the server refuses is refused, whatever a rule permits. */
int
rules_rcpt(struct session *s, const struct rcpt *r,
    const struct err *refused, struct err *err, int *code)
{
	struct policy *p = rules[POLICY_RCPT];
	struct policy_verdict v;
	struct policy_facts f;

	if (refused != NULL)
		*err = *refused;
	if (p == NULL || (refused != NULL && (refused->kind != ERR_PERM ||
	    !(policy_needs(p) & POLICY_NEEDS_REFUSED))))
		return refused == NULL ? 1 : -1;
	begin_txn(s->txn);
	s->txn->marks_before = s->txn->marks;
	f = known(s, s->txn);
	f.rcpt = r->addr;
	f.rcpt_class = class_name(r->class);
	f.refused = refused != NULL ? refused->dsn : "";
	run(s, POLICY_RCPT, &f, &s->txn->marks, &v);
	if (answer(s, &v, err, code) < 0)
		return -1;
	return refused == NULL ? 1 : -1;
}

/* lists grow at their ends, so what was there is as it was */
void
rules_rcpt_undo(struct session *s)
{
	if (rules[POLICY_RCPT] != NULL)
		s->txn->marks = s->txn->marks_before;
}

/* the recipient is known where there is only one */
static void
only_rcpt(const struct txn *t, struct policy_facts *f)
{
	if (t->n != 1)
		return;
	f->rcpt = t->rcpts[0].addr;
	f->rcpt_class = class_name(t->rcpts[0].class);
}

int
rules_data(struct session *s, struct err *err, int *code)
{
	struct policy_verdict v;
	struct policy_facts f;

	if (rules[POLICY_DATA] == NULL)
		return 1;
	begin_txn(s->txn);
	f = known(s, s->txn);
	only_rcpt(s->txn, &f);
	run(s, POLICY_DATA, &f, &s->txn->marks, &v);
	return answer(s, &v, err, code);
}

int
rules_end(struct session *s, uint64_t size, struct err *err, int *code)
{
	struct policy_verdict v;
	struct policy_facts f;

	if (rules[POLICY_END] == NULL)
		return 1;
	begin_txn(s->txn);
	f = known(s, s->txn);
	f.size = size;
	only_rcpt(s->txn, &f);
	run(s, POLICY_END, &f, &s->txn->marks, &v);
	return answer(s, &v, err, code);
}

/* --- what it leaves ----------------------------------------------------- */

static int
put(struct txn *t, const struct edits *l, struct err *err)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (edits_add(&t->edits, &l->v[i], -1, &t->arena, err) < 0)
			return -1;
	return 0;
}

bool
rules_at_end(const struct session *s)
{
	return rules[POLICY_END] != NULL || s->txn->marks.edits.n > 0 ||
	    (s->rules != NULL && s->rules->marks.edits.n > 0);
}

int
rules_edits(struct session *s, struct err *err)
{
	if (s->rules != NULL && put(s->txn, &s->rules->marks.edits, err) < 0)
		return -1;
	return put(s->txn, &s->txn->marks.edits, err);
}

bool
rules_name_filters(const struct session *s, const struct txn *t)
{
	return (s->rules != NULL && s->rules->marks.filters.n > 0) ||
	    (t != NULL && t->marks.filters.n > 0);
}

static void
add_filters(const struct policy_marks *m, struct strlist *l, struct arena *a)
{
	size_t i;

	if (policy_spares(m))
		l->n = 0;
	for (i = 0; !policy_spares(m) && i < m->filters.n; i++)
		strlist_add(l, a, m->filters.v[i]);
}

void
rules_filters(const struct session *s, const struct txn *t,
    struct strlist *l, struct arena *a)
{
	if (s->rules != NULL)
		add_filters(&s->rules->marks, l, a);
	if (t != NULL)
		add_filters(&t->marks, l, a);
}

static void
print(const struct strlist *l, struct str *out)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		str_addf(out, "%s%s", out->len > 0 ? "," : "", l->v[i]);
}

void
rules_tags(const struct session *s, struct str *out)
{
	if (s->rules != NULL)
		print(&s->rules->marks.tags, out);
	print(&s->txn->marks.tags, out);
	print(&s->txn->marks.rcpt_tags, out);
}
