/*
 * request.c - a request of qmgr: one message, one next hop, some recipients,
 * each of which has a result at the end.
 */
#include "smtp.h"

#include "base/clock.h"
#include "conf/common.h"
#include "proto/router.h"
#include "smtp/idna.h"
#include "smtp/verp.h"

enum { ROUTER_MS = 30000 };

static int
check_lists(const struct agent_deliver_in *in, struct err *err)
{
	size_t n = in->addr.n;

	if (n == 0 || n > AGENT_RCPTS || in->orig.n != n ||
	    in->orcpt.n != n || in->notify.n != n)
		return err_perm(err, "5.5.4", "lists of recipients that do "
		    "not agree");
	return 0;
}

static const char *
verp_sender(const struct job *j, const char *addr)
{
	struct str s = STR_INIT;
	const char *made;

	smtp_verp(j->in->sender, addr, j->in->verp, &s);
	made = arena_slice(j->arena, slice_str(&s));
	str_free(&s);
	return made;
}

static bool
is_forwarded(const struct agent_deliver_in *in)
{
	size_t i;

	for (i = 0; i < in->addr.n; i++)
		if (in->orig.v[i][0] != '\0' &&
		    strcasecmp(in->orig.v[i], in->addr.v[i]) != 0)
			return true;
	return false;
}

/* What was forwarded goes on with a sender that may come back to us, and our
 * own may be signed. */
static int
router_senders(struct job *j, bool forwarded, struct err *err)
{
	static struct ipc router;
	struct router_srs_in in = { .sender = j->in->sender,
		.batv = conf.batv };
	struct router_srs_out out;
	size_t i;

	if (forwarded)
		in.orig = j->in->orig;
	if (router.path == NULL)
		ipc_init(&router, socket_path("router"), ROUTER_MS);
	if (ipc_call(&router, &router_srs, &in, -1, &out, NULL, NULL,
	    err) < 0) {
		err->kind = ERR_TEMP;	/* it is our own trouble */
		return -1;
	}
	for (i = 0; i < j->n && out.sender.n > 0; i++)
		j->rcpt[i].sender = arena_strdup(j->arena,
		    out.sender.v[forwarded ? MIN(i, out.sender.n - 1) : 0]);
	return 0;
}

static int
set_senders(struct job *j, struct err *err)
{
	size_t i;

	for (i = 0; i < j->n; i++)
		j->rcpt[i].sender = j->in->sender;
	if (j->in->sender[0] == '\0' || conf.protocol == PROTO_LMTP)
		return 0;
	if (is_forwarded(j->in))
		return router_senders(j, true, err);
	if (j->in->verp[0] == '\0')
		return conf.batv ? router_senders(j, false, err) : 0;
	for (i = 0; i < j->n; i++)
		j->rcpt[i].sender = verp_sender(j, j->rcpt[i].addr);
	return 0;
}

static void
set_recipients(struct job *j)
{
	size_t i;

	j->n = j->left = j->in->addr.n;
	j->rcpt = arena_alloc(j->arena, j->n * sizeof(*j->rcpt));
	for (i = 0; i < j->n; i++)
		j->rcpt[i] = (struct recipient){ .addr = j->in->addr.v[i],
			.orcpt = j->in->orcpt.v[i],
			.notify = j->in->notify.v[i], .dsn = "", .text = "",
			.peer = "" };
}

/* 4.3.x: nothing that a host lacks, but for 4.3.4, room */
static bool
is_ours(const struct err *err)
{
	return strncmp(err->dsn, "4.3.", 4) == 0 &&
	    strcmp(err->dsn, "4.3.4") != 0;
}

/* it is not for this host, but may be for another */
static void
lacks(struct job *j, struct err *err)
{
	err->kind = ERR_TEMP;
	err->dsn[0] = '4';
	j->lacks = true;
	j->sessions--;
}

/* Can this host have it?  1; 0: another may, or it is decided for all */
static int
host_takes(struct session *s, struct job *j, struct err *err)
{
	if (need_check(s, j, err) < 0) {
		if (is_ours(err))
			results_rest(j, err, s->peer, false);
		else
			lacks(j, err);
		return 0;
	}
	if (data_prepare(s, j, err) == 0) {
		if (need_size(s, j, err) == 0)
			return 1;
		lacks(j, err);
		return 0;
	}
	if (err->kind == ERR_PERM)
		lacks(j, err);
	else
		results_rest(j, err, "", false);
	return 0;
}

/* is it where the recipient's own domain leads? */
static bool
is_own_hop(const struct job *j, const struct recipient *r)
{
	struct slice hop = slice_of(j->in->nexthop), d = slice_of(r->addr);
	struct str ascii = STR_INIT;
	struct err ignored;
	size_t at = slice_rfind(d, '@');
	bool own;

	if (conf.protocol == PROTO_LMTP || at == d.n)
		return false;
	d = slice_sub(d, at + 1, d.n);
	if (slice_istarts(d, "[IPv6:") && slice_starts(hop, "["))
		return slice_ieq(slice_sub(d, 6, d.n), slice_sub(hop, 1,
		    hop.n));
	if (slice_ieq(hop, d))
		return true;
	own = idna_ascii(d, &ascii, &ignored) == 0 &&
	    slice_ieq(hop, slice_str(&ascii));
	str_free(&ascii);
	return own;
}

/* That there is no such next hop, or that it is us, is for good where DNS says
 * so of the recipient's domain; of a next hop that somebody has configured it
 * is a mistake of his, or of his name server's. */
static void
no_such_hop(const struct session *s, struct job *j, const struct err *err)
{
	struct recipient *r;
	struct err ours = *err;

	ours.kind = ERR_TEMP;
	ours.dsn[0] = '4';
	err_prefix(&ours, "next hop %.200s", j->in->nexthop);
	for (r = j->rcpt; r < j->rcpt + j->n; r++)
		if (r->state != RCPT_DONE && is_own_hop(j, r))
			result_err(j, r, err, s->peer, false);
		else if (r->state != RCPT_DONE)
			result_err(j, r, &ours, s->peer, true);
}

/* No host is left; err is why the last one was no good.  What all of them lack
 * comes not by waiting. */
static void
give_up(const struct session *s, struct job *j, struct err *err)
{
	bool all = s->targets.n > 0 && j->host >= s->targets.n;
	bool never = all && j->never == s->targets.n;
	bool no_hop = never || err->kind == ERR_PERM;

	if (never || (all && j->lacks && !j->other)) {
		err->kind = ERR_PERM;
		err->dsn[0] = '5';
	}
	if (no_hop) {
		no_such_hop(s, j, err);
		return;
	}
	results_rest(j, err, s->peer, !j->heard && !j->lacks &&
	    !s->own_login && !serve_stopping());
}

/* A host that has taken some gets the others over a new connection. */
static void
again(const struct session *s, struct job *j)
{
	j->host--;
	if (s->open)
		j->sessions--;
}

/*
 * Over the session that is open, then over one host after the other.  A
 * session that was idle and is found dead costs the message nothing: it
 * begins with the first host again.
 */
static void
deliver(struct session *s, struct job *j)
{
	struct err err = ERR_INIT;
	bool reused = session_fits(s, j);
	size_t left;

	if (reused)
		j->host = (size_t)(s->target - s->targets.v) + 1;
	while (j->left > 0 && (reused || session_open(s, j, &err) == 0)) {
		left = j->left;
		if (host_takes(s, j, &err) == 0) {
			/* better hosts were away, and may not lack it */
			if (reused && s->targets.n > 1)
				j->host = 0;
		} else if (transact(s, j, &err) < 0) {
			j->other = true;
			if (reused && !j->heard)
				j->host = 0;
			else if (j->left < left)
				again(s, j);
		}
		reused = false;
		if (j->left > 0)
			session_close(s, false);
	}
	if (j->left > 0)
		give_up(s, j, &err);
}

int
deliver_verb(struct call *c, const void *vin, void *vout, struct err *err)
{
	static struct str head = STR_INIT;
	const struct agent_deliver_in *in = vin;
	struct agent_deliver_out *out = vout;
	struct job j = { .in = in, .fd = c->fd, .arena = c->arena,
		.utf8_header = -1, .began = mono_ms(), .call = c };
	struct err why = ERR_INIT;
	int rc;

	if (check_lists(in, err) < 0)
		return -1;
	j.head = head;
	j.converted = (struct str)STR_INIT;
	j.deadline = j.began + conf.total_timeout;
	j.told = j.began;
	set_recipients(&j);
	if (need_content(&j, &why) < 0 || set_senders(&j, &why) < 0)
		results_rest(&j, &why, "", false);
	else
		deliver(&session, &j);
	rc = results_tell(&j, err);
	head = j.head;
	str_free(&j.converted);
	out->keep = session_stays(&session);
	out->site = session.targets.site != NULL ? session.targets.site : "";
	log_set_session(NULL);
	return rc;
}
