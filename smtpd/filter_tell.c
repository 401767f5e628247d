/*
 * filter_tell.c - the process of filter that this session has: what it knows,
 * and how it is told of the rest.
 *
 * Invariant: f->mail is true only while that process knows of the transaction
 * and of every recipient that was accepted.  Where it does not, filters_tell
 * says all of it anew: to a new process, or where a rule named the first filter
 * in the middle of it.
 */
#include "filter_part.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/networks.h"
#include "conf/common.h"

/* --- the connection --- */

/* all is to be told anew */
static void
forget(struct filters *f)
{
	ipc_close(&f->ipc);
	f->session = f->helo = f->mail = false;
	str_reset(&f->list);
}

int
filters_lost(struct filters *f, struct err *err)
{
	log_event(LOG_WARN, "unreachable", KS("path", f->ipc.path),
	    KERR(err), KEND);
	forget(f);
	return err_temp(err, "4.3.2", "the filters can not be asked now");
}

int
filters_failed(struct filters *f, struct err *err)
{
	if (f->ipc.fd < 0 || f->ipc.fresh)
		return filters_lost(f, err);
	/* it answered: what is wrong lies elsewhere */
	log_event(LOG_WARN, "filter-trouble", KERR(err), KEND);
	forget(f);
	return -1;
}

int
filters_ask(struct filters *f, const struct verb_def *v, const void *in,
    struct filter_out *out, struct err *err)
{
	int r = ipc_call(&f->ipc, v, in, -1, out, NULL, NULL, err);

	/* whatever it says: it was not asked what it thinks */
	if (f->ipc.fresh && f->ipc.fd >= 0 && v != &filter_session) {
		forget(f);
		return 1;
	}
	if (r < 0)
		return filters_failed(f, err);
	f->wants = out->wants;
	return 0;
}

static struct filters *
state(struct session *s)
{
	if (s->filters == NULL) {
		s->filters = xcalloc(1, sizeof(*s->filters));
		s->filters->list = (struct str)STR_INIT;
		ipc_init(&s->filters->ipc, socket_path("filter"),
		    (int)conf.filter_timeout);
	}
	return s->filters;
}

void
filters_end(struct session *s)
{
	struct filters *f = s->filters;

	if (f == NULL)
		return;
	ipc_free(&f->ipc);
	str_free(&f->list);
	arena_free(&f->a);
	free(f);
	s->filters = NULL;
}

void
filters_abort(struct session *s)
{
	struct filters *f = s->filters;
	struct err err = ERR_INIT;

	if (f == NULL || !f->mail)
		return;
	f->mail = false;
	if (ipc_call(&f->ipc, &filter_abort, NULL, -1, NULL, NULL, NULL,
	    &err) < 0 || f->ipc.fresh)
		forget(f);
}

/* --- what is told --- */

static const char *
or_empty(const char *z)
{
	return z != NULL ? z : "";
}

/* XFORWARD names another client: that is who they are asked about */
static bool
forwarded(const struct session *s)
{
	return forward_get(s, "ADDR") != NULL;
}

static const char *
helo_of(const struct session *s)
{
	return forwarded(s) ? or_empty(forward_get(s, "HELO")) : s->helo.s;
}

static void
set_forwarded(const struct session *s, struct filter_session_in *in)
{
	uint64_t port = 0;

	in->client_addr = forward_get(s, "ADDR");
	in->client_name = or_empty(forward_get(s, "NAME"));
	if (!slice_u64(slice_of(or_empty(forward_get(s, "PORT"))), 65535,
	    &port))
		port = 0;
	in->client_port = (int64_t)port;
	in->trusted = networks_has(&conf.trusted_networks, in->client_addr);
}

static int
tell_session(struct session *s, const struct strlist *names,
    struct filter_out *out, struct err *err)
{
	struct filters *f = s->filters;
	const struct peer *p = s->peer;
	bool here = p->port == 0;
	struct filter_session_in in = { .filters = *names,
		.session = p->id, .service = launch.service,
		.client_addr = session_addressed(s) ? p->addr : "",
		.client_port = p->port,
		.local_addr = here ? "" : p->local_addr,
		.local_port = p->local_port, .trusted = session_trusted(s) };

	/* milters hear of a client once: with its name */
	session_name(s, true);
	in.client_name = s->name.s;
	if (conf.personality == LOCAL) {
		in.client_addr = "127.0.0.1";
		in.client_name = "localhost";
	}
	if (forwarded(s))
		set_forwarded(s, &in);
	if (filters_ask(f, &filter_session, &in, out, err) < 0)
		return -1;
	f->session = true;
	if (f->ipc.fresh)
		f->helo = f->mail = false;
	return 0;
}

static int
tell_helo(struct session *s, struct filter_out *out, struct err *err)
{
	const struct peer *p = s->peer;
	const struct tls_facts_out *t = p->tls && p->facts != NULL ?
	    &p->facts->f : NULL;
	struct filter_helo_in in = { .helo = helo_of(s), .esmtp = s->esmtp,
		.tls = or_empty(tls_version(p)),
		.cipher = or_empty(tls_cipher(p)),
		.subject = or_empty(tls_subject(p)), .issuer = "" };

	if (t != NULL) {
		in.bits = t->bits;
		if (t->verified)
			in.issuer = or_empty(t->issuer);
	}
	/* TLS, and the login, are those of the program between */
	if (forwarded(s))
		in = (struct filter_helo_in){ .helo = in.helo,
			.esmtp = strcasecmp(or_empty(forward_get(s, "PROTO")),
			    "SMTP") != 0, .tls = "", .cipher = "",
			.subject = "", .issuer = "" };
	s->filters->helo = true;
	s->filters->mail = false;
	return filters_ask(s->filters, &filter_helo, &in, out, err);
}

static int
tell_mail(struct session *s, const struct txn *t, struct filter_out *out,
    struct err *err)
{
	struct filters *f = s->filters;
	struct arena *a = &f->a;
	struct str proto = STR_INIT;
	struct filter_mail_in in = { .sender = t->sender,
		.login = s->login.s, .mech = s->mech };
	int r;

	if (t->size > 0)
		strlist_add(&in.params, a, arena_printf(a, "SIZE=%llu",
		    (unsigned long long)t->size));
	if (t->body8)
		strlist_add(&in.params, a, "BODY=8BITMIME");
	if (t->utf8)
		strlist_add(&in.params, a, "SMTPUTF8");
	if (t->ret[0] != '\0')
		strlist_add(&in.params, a, arena_printf(a, "RET=%s", t->ret));
	if (t->envid[0] != '\0')
		strlist_add(&in.params, a, arena_printf(a, "ENVID=%s",
		    t->envid));
	if (t->requiretls)
		strlist_add(&in.params, a, "REQUIRETLS");
	session_proto(s, &proto);
	in.proto = proto.s;
	if (forwarded(s)) {
		in.login = in.mech = "";
		in.proto = forward_get(s, "PROTO") != NULL ?
		    forward_get(s, "PROTO") : in.proto;
	}
	f->mail = true;
	r = filters_ask(f, &filter_mail, &in, out, err);
	str_free(&proto);
	return r;
}

int
filters_tell_rcpt(struct session *s, const struct rcpt *rcpt,
    const struct err *why, struct filter_out *out, struct err *err)
{
	struct arena *a = &s->filters->a;
	struct filter_rcpt_in in = { .addr = rcpt->addr, .dsn = "",
		.text = "" };

	if (rcpt->notify[0] != '\0')
		strlist_add(&in.params, a, arena_printf(a, "NOTIFY=%s",
		    rcpt->notify));
	if (rcpt->orcpt[0] != '\0')
		strlist_add(&in.params, a, arena_printf(a, "ORCPT=%s",
		    rcpt->orcpt));
	if (why != NULL) {
		in.refused = true;
		in.dsn = why->dsn;
		in.text = why->text;
	}
	return filters_ask(s->filters, &filter_rcpt, &in, out, err);
}

/* --- who is asked --- */

/* the names, and as one text, by which a change is seen */
static void
find_names(const struct session *s, const struct txn *t, struct strlist *l,
    struct str *text)
{
	struct arena *a = &s->filters->a;
	struct strlist all = { 0 };
	size_t i;

	for (i = 0; i < conf.filters.n; i++)
		strlist_add(&all, a, conf.filters.v[i]);
	rules_filters(s, t, &all, a);
	for (i = 0; i < all.n; i++)
		if (!strlist_has(l, all.v[i]))
			strlist_add(l, a, all.v[i]);
	for (i = 0; i < l->n; i++)
		str_addf(text, "%s ", l->v[i]);
}

bool
filters_going_on(const struct filter_out *out)
{
	return out->action == FILTER_CONTINUE ||
	    out->action == FILTER_ACCEPT;
}

/* as filters_ask(), with out of the first that does not go on */
static int
tell_all(struct session *s, const struct txn *t, const struct strlist *names,
    const char *text, struct filter_out *out, struct err *err)
{
	struct filters *f = s->filters;
	int r = 0;
	size_t i;

	if (!f->session || strcmp(f->list.s, text) != 0) {
		r = tell_session(s, names, out, err);
		str_reset(&f->list);
		str_adds(&f->list, text);
	}
	if (r == 0 && !f->helo && helo_of(s)[0] != '\0' &&
	    filters_going_on(out))
		r = tell_helo(s, out, err);
	if (r != 0 || t == NULL || f->mail || !filters_going_on(out))
		return r;
	r = tell_mail(s, t, out, err);
	for (i = 0; r == 0 && i < t->n && filters_going_on(out); i++)
		r = filters_tell_rcpt(s, &t->rcpts[i], NULL, out, err);
	if (r == 0 && t->content != NULL && filters_going_on(out))
		r = filters_ask(f, &filter_data, NULL, out, err);
	return r;
}

bool
filters_any(const struct session *s)
{
	return s->filters != NULL || conf.filters.n > 0 ||
	    rules_name_filters(s, s->txn);
}

int
filters_tell(struct session *s, const struct txn *t, struct filter_out *out,
    struct err *err)
{
	struct strlist names = { 0 };
	struct str text = STR_INIT;
	struct filters *f;
	int r = 1, tries;

	*out = (struct filter_out){ .dsn = "", .text = "", .by = "" };
	if (!filters_any(s) && !rules_name_filters(s, t))
		return 0;
	f = state(s);
	arena_reset(&f->a);
	find_names(s, t, &names, &text);
	if (names.n == 0 && !f->session)
		r = 0;
	/* the connection was kept, and its end came before the request */
	for (tries = 0; r == 1 && tries < 3; tries++)
		r = tell_all(s, t, &names, text.s, out, err);
	str_free(&text);
	if (r == 1 && names.n > 0 && tries == 3)
		return err_temp(err, "4.3.2", "the filters end at once");
	if (r != 0 || tries == 0)
		return r;
	/* the recipients that they are not told of now, they need later */
	if (names.n == 0)
		filters_abort(s);
	return names.n > 0;
}

