/*
 * backend_queue.c - the connection to cleanup.
 *
 * Invariant: after `commit` was sent, a message counts as queued only if
 * cleanup says so, on that connection or, by `settle`, on a later one; and
 * where settle says that it is not, it never will be.
 */
#include "backend.h"

#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "proto/cleanup.h"
#include "queue/content.h"

enum { SPACE_FRESH_MS = 1000, SPACE_STEP = 1 << 20, SETTLE_WAIT_MAX = 2000 };

static struct ipc cleanup;
static int64_t space_until;		/* the last answer counts so long */
static uint64_t space_size;		/* and for messages up to this */
static uint64_t whole;			/* content up to this can be put */

void
backend_queue_init(void)
{
	ipc_init(&cleanup, socket_path("cleanup"), (int)conf.cleanup_timeout);
}

static int
failed(const struct err *err)
{
	return backend_failed(&cleanup, err);
}

int
backend_space(uint64_t size, struct err *err)
{
	struct cleanup_space_in in;
	struct cleanup_space_out out;
	int64_t now = mono_ms();

	in.size = (size + SPACE_STEP - 1) / SPACE_STEP * SPACE_STEP;
	if (now < space_until && in.size <= space_size)
		return 0;
	if (ipc_call(&cleanup, &cleanup_space, &in, -1, &out, NULL, NULL,
	    err) < 0)
		return failed(err);
	whole = out.whole;
	if (now >= space_until || in.size > space_size)
		space_size = in.size;
	space_until = now + SPACE_FRESH_MS;
	return 0;
}

/* Recipients but the last, which goes with begin.  A connection that turns out
 * to be dead is opened anew by ipc_tell; what was told before is lost then. */
static int
tell_rcpts(const struct txn *t, bool *torn, struct err *err)
{
	struct cleanup_rcpt_in in = { .orig = "" };
	size_t i;

	*torn = false;
	for (i = 0; i + 1 < t->n; i++) {
		in.addr = t->rcpts[i].addr;
		in.notify = t->rcpts[i].notify;
		in.orcpt = t->rcpts[i].orcpt;
		in.seal = t->rcpts[i].seal;
		if (ipc_tell(&cleanup, &cleanup_rcpt, &in, err) < 0)
			return -1;
		if (i > 0 && cleanup.fresh) {
			*torn = true;
			return err_temp(err, "4.3.0", "connection lost");
		}
	}
	return 0;
}

static struct cleanup_begin_in
begin_record(const struct session *s, const struct txn *t, const char *proto)
{
	const struct rcpt *last = &t->rcpts[t->n - 1];
	bool unix_peer = s->peer->port == 0;

	return (struct cleanup_begin_in){
		.sender = t->sender,
		.rcpts = (int64_t)t->n,
		.rcpt = last->addr, .notify = last->notify,
		.orcpt = last->orcpt, .seal = last->seal,
		.ret = t->ret,
		.envid = t->envid,
		.utf8 = t->utf8,
		.body8 = t->body8,
		.requiretls = t->requiretls,
		.verp = t->verp,
		.proto = proto,
		.tls = tls_version(s->peer),
		.cipher = tls_cipher(s->peer),
		.sni = tls_sni(s->peer),
		.subject = tls_subject(s->peer),
		.bits = s->peer->tls ? s->peer->facts->f.bits : 0,
		.helo = s->helo.s,
		.client_addr = unix_peer ? "" : s->peer->addr,
		.client_name = s->name.s,
		.client_port = s->peer->port,
		.login = s->login.s,
		.uid = conf.personality == LOCAL ? (int64_t)s->peer->uid : -1,
		.session = s->peer->id,
		.normalize = conf.personality == SUBMISSION ||
		    conf.personality == LOCAL || s->trusted ||
		    owner_checks_header(s),
		.release_at = t->release_at,
		.priority = t->priority,
		.check_from = owner_checks_header(s),
		.checks = conf.content_checks,
		.trusted = s->trusted,
		.hide_client = conf.hide_client && s->login.len > 0,
	};
}

/* *again: cleanup may have ended before it read us; try once more */
static int
begin(const struct session *s, struct txn *t, int *fd_r, bool *again,
    struct err *err)
{
	struct cleanup_begin_in in;
	struct cleanup_begin_out out;
	struct str proto = STR_INIT;
	bool old = cleanup.fd >= 0, torn;
	int r;

	session_proto(s, &proto);
	in = begin_record(s, t, proto.s);
	r = tell_rcpts(t, &torn, err);
	if (r == 0) {
		r = ipc_call(&cleanup, &cleanup_begin, &in, -1, &out, fd_r,
		    NULL, err);
		/* a connection opened for begin alone lacks the others */
		torn = cleanup.fresh && t->n > 1;
	} else {
		ipc_close(&cleanup);	/* it knows some of them */
	}
	str_free(&proto);
	*again = r < 0 && old && (torn || cleanup.fd < 0);
	if (r < 0)
		return -1;
	if (*fd_r < 0) {
		ipc_close(&cleanup);
		return err_temp(err, "4.3.0", "cleanup gave no descriptor");
	}
	slice_copy(t->q, sizeof(t->q), slice_of(out.q));
	t->begun = true;
	return 0;
}

int
backend_begin(const struct session *s, struct txn *t, int *fd_r,
    struct err *err)
{
	bool again;

	*fd_r = -1;
	if (begin(s, t, fd_r, &again, err) == 0)
		return 0;
	if (again) {
		ipc_close(&cleanup);
		if (begin(s, t, fd_r, &again, err) == 0)
			return 0;
	}
	return failed(err);
}

static int
not_queued(struct err *err)
{
	return err_temp(err, "4.3.0", "the message could not be queued");
}

/* The answer to commit or put is lost: ask until we know.  1 it is queued, 0
 * it is not and never will be, -1 */
static int
settle(struct txn *t, bool put, struct err *err)
{
	struct cleanup_settle_in in = { .q = t->q, .put = put };
	struct cleanup_settle_out out;
	int64_t end = mono_ms() + conf.settle_time;
	int wait = 50;

	for (;;) {
		ipc_close(&cleanup);
		if (ipc_call(&cleanup, &cleanup_settle, &in, -1, &out, NULL,
		    NULL, err) == 0) {
			log_event(LOG_WARN, "settled",
			    KS("queued", out.queued ? "yes" : "no"), KEND);
			return out.queued;
		}
		if (mono_ms() + wait > end)
			break;
		poll(NULL, 0, wait);
		wait = MIN(2 * wait, (int)SETTLE_WAIT_MAX);
	}
	log_event(LOG_ERROR, "unsettled", KERR(err), KEND);
	return not_queued(err);
}

/* What rules and filters want changed; what is wrong with it, commit says.  Of
 * several bodies the last one counts. */
static int
tell_edits(const struct txn *t, struct err *err)
{
	const struct edit *e;
	size_t i, body = t->edits.n;
	int r;

	for (i = 0; t->edits.has_body && i < t->edits.n; i++)
		if (t->edits.v[i].op == EDIT_BODY)
			body = i;
	for (i = 0; i < t->edits.n; i++) {
		e = &t->edits.v[i];
		if (e->op == EDIT_BODY && i != body)
			continue;
		r = i == body ? ipc_call(&cleanup, &cleanup_body, e,
		    t->edits.body, NULL, NULL, NULL, err) :
		    ipc_tell(&cleanup, &cleanup_edit, e, err);
		if (r < 0)
			return -1;
		/* a cleanup that knows nothing of the message */
		if (cleanup.fresh)
			return err_temp(err, "4.3.0", "connection lost");
	}
	return 0;
}

static int
settle_lost(struct txn *t, bool put, struct err *err)
{
	int r;

	log_set_queue(t->q);
	failed(err);
	r = settle(t, put, err);
	log_set_queue(NULL);
	return r;
}

int
backend_complete(struct txn *t, uint64_t size, int *fd_r, uint64_t *trace_r,
    uint64_t *size_r, struct err *err)
{
	struct cleanup_commit_in in = { .size = size };
	struct cleanup_complete_out out;

	*fd_r = -1;
	if (ipc_call(&cleanup, &cleanup_complete, &in, -1, &out, fd_r, NULL,
	    err) == 0 && !cleanup.fresh && *fd_r >= 0) {
		*trace_r = out.trace;
		*size_r = out.size;
		return 0;
	}
	close_fd(*fd_r);
	*fd_r = -1;
	t->begun = false;
	/* a judgement of its own; else it knows nothing of the message */
	if (cleanup.fd >= 0 && !cleanup.fresh && err->kind != ERR_NONE)
		return -1;
	ipc_close(&cleanup);
	failed(err);
	return not_queued(err);
}

int
backend_commit(struct txn *t, uint64_t size, struct err *err)
{
	struct cleanup_commit_in in = { .size = size };
	struct cleanup_commit_out out;
	bool sent, answered;
	int r;

	t->begun = false;
	if (tell_edits(t, err) < 0) {
		ipc_close(&cleanup);
		failed(err);
		return not_queued(err);
	}
	r = ipc_call(&cleanup, &cleanup_commit, &in, -1, &out, NULL, &sent,
	    err);
	if (r == 0 && !cleanup.fresh) {
		t->discarded = out.discarded;
		return 0;
	}
	answered = cleanup.fd >= 0;
	/* a fresh connection is to a cleanup that knows nothing of it: the
	 * one that began it was gone before commit could be sent */
	if (cleanup.fresh || (!sent && !answered)) {
		failed(err);
		return not_queued(err);
	}
	if (answered)
		return -1;
	r = settle_lost(t, false, err);
	return r > 0 ? 0 : r < 0 ? -1 : not_queued(err);
}

/* A cleanup that ended before it read us, or that lacks the recipients which
 * were told to another, costs a message nothing: it begins anew. */
int
backend_put(const struct session *s, struct txn *t, const struct str *content,
    struct err *err)
{
	struct cleanup_begin_in in;
	struct cleanup_commit_out out;
	struct str proto = STR_INIT;
	bool torn, sent = false;
	int r;

	/* what is to be changed is told after begin */
	if (whole == 0 || content->len > whole || t->edits.n > 0)
		return 0;
	/* of several recipients there will be a file */
	if (t->n > 1)
		qid_make_near(t->q);
	else
		qid_make(t->q);
	session_proto(s, &proto);
	in = begin_record(s, t, proto.s);
	in.q = t->q;
	in.content = content->s;
	r = tell_rcpts(t, &torn, err);
	if (r == 0)
		r = ipc_call(&cleanup, &cleanup_put, &in, -1, &out, NULL,
		    &sent, err);
	str_free(&proto);
	if (r == 0) {
		t->discarded = out.discarded;
		return out.q[0] != '\0';
	}
	if (!sent || (cleanup.fd >= 0 && cleanup.fresh && t->n > 1))
		return 0;
	return cleanup.fd >= 0 ? -1 : settle_lost(t, true, err);
}

void
backend_abort(struct txn *t)
{
	struct err err = ERR_INIT;

	t->begun = false;
	if (cleanup.fd >= 0 && ipc_call(&cleanup, &cleanup_abort, NULL, -1,
	    NULL, NULL, NULL, &err) < 0)
		ipc_close(&cleanup);
}

bool
backend_connected(void)
{
	return cleanup.fd >= 0;
}

void
backend_release(void)
{
	ipc_close(&cleanup);
}
