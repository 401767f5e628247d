/*
 * verbs.c - requests of smtpd and bounce.  A message that ends without a
 * durable envelope takes its content with it, whatever ended it, but not
 * before the answer was given: content that is gone tells a new qmgr, asked
 * for a lost answer, that the message was delivered.
 */
#include <fcntl.h>
#include <sys/socket.h>

#include "base/log.h"
#include "cleanup.h"
#include "conf/common.h"
#include "serve/serve.h"

void *
conn_open(const struct ipc_cred *peer UNUSED)
{
	struct message *m = xcalloc(1, sizeof(*m));

	m->fd = -1;
	return m;
}

void
conn_close(void *conn)
{
	struct message *m = conn;

	batch_settle(m);
	message_drop(m, true);
	arena_free(&m->arena);
	free(m->rcpts);
	free(m);
}

bool
conn_busy(void *conn)
{
	const struct message *m = conn;

	return (m->begun && !m->over) || m->n > 0 || m->edits.n > 0;
}

/* What was refused, and what we could not do, is said here once.  Clients
 * need not know our paths. */
int
say_failed(struct err *err)
{
	bool perm = err->kind == ERR_PERM;

	log_event(perm ? LOG_INFO : LOG_WARN, perm ? "refused" : "failed",
	    KERR(err), KEND);
	if (strcmp(err->dsn, "4.3.1") == 0)
		return err_temp(err, "4.3.1", "insufficient system storage");
	if (strcmp(err->dsn, "4.3.0") == 0)
		return err_temp(err, "4.3.0", "temporary trouble of this "
		    "server");
	return -1;
}

static void
log_ids(const char *session, const char *q)
{
	log_set_session(session);
	log_set_queue(q);
}

static int
do_space(struct call *c UNUSED, const void *in_, void *out_,
    struct err *err)
{
	const struct cleanup_space_in *in = in_;
	struct cleanup_space_out *out = out_;

	out->whole = WHOLE_MAX;
	return spool_space(in->size, err);
}

static int
do_rcpt(struct call *c, const void *in, void *out UNUSED,
    struct err *err UNUSED)
{
	struct message *m = c->conn;

	batch_settle(m);
	if (m->begun)
		message_drop(m, true);
	message_rcpt(m, in);
	return 0;
}

/* mail without a Received field is only for those who make it */
static int
may_begin(const struct call *c, const struct cleanup_begin_in *in,
    struct err *err)
{
	uid_t uid = c->peer.uid;

	if (!in->internal || uid == 0 || uid == geteuid() ||
	    uid == common.uid[ROLE_QUEUE])
		return 0;
	return err_perm(err, "5.7.1", "internal: not permitted to uid %u",
	    (unsigned)uid);
}

/* what begin and put have in common */
static int
start(struct call *c, const struct cleanup_begin_in *in, struct err *err)
{
	struct message *m = c->conn;

	batch_settle(m);
	if (m->begun)
		message_drop(m, true);
	log_ids(in->session, NULL);
	if (may_begin(c, in, err) < 0)
		return -1;
	if (in->rcpt[0] != '\0')
		message_rcpt(m, &(struct cleanup_rcpt_in){ in->rcpt,
		    in->notify, in->orcpt, in->orig, in->seal });
	return 0;
}

static int
do_begin(struct call *c, const void *in_, void *out_, struct err *err)
{
	const struct cleanup_begin_in *in = in_;
	struct cleanup_begin_out *out = out_;
	struct message *m = c->conn;
	int rc = start(c, in, err);

	if (rc == 0)
		rc = message_begin(m, in, err);
	if (rc < 0) {
		say_failed(err);
		message_drop(m, true);
	} else {
		out->q = m->q;
		c->out_fd = fcntl(m->fd, F_DUPFD_CLOEXEC, 3);
		if (c->out_fd < 0) {
			rc = err_sys(err, "dup");
			say_failed(err);
			message_drop(m, true);
		}
	}
	log_ids(NULL, NULL);
	return rc;
}

/* It belongs to the message that is under way, or to the next one. */
static void
take_edit(struct message *m, const struct edit *e, int fd)
{
	batch_settle(m);
	if (m->begun && m->over)
		message_drop(m, true);
	edits_take(m, e, fd);
}

static int
do_edit(struct call *c, const void *in, void *out UNUSED,
    struct err *err UNUSED)
{
	take_edit(c->conn, in, -1);
	return 0;
}

static int
do_body(struct call *c, const void *in, void *out UNUSED,
    struct err *err UNUSED)
{
	struct edit e = *(const struct edit *)in;
	int fd = c->fd;

	c->fd = -1;
	e.op = EDIT_BODY;
	take_edit(c->conn, &e, fd);
	return 0;
}

/* as it is now, for those who may change it by edits alone */
static int
complete(struct call *c, struct message *m, uint64_t size,
    struct cleanup_complete_out *out, struct err *err)
{
	if (message_complete(m, size, err) < 0)
		return -1;
	out->trace = m->trace;
	out->size = m->total - m->trace;
	switch (content_open(common.spool_dir, m->q, &c->out_fd, err)) {
	case 1:
		return 0;
	case 0:
		return err_temp(err, "4.3.0", "content was removed");
	}
	return -1;
}

static int
do_complete(struct call *c, const void *in_, void *out, struct err *err)
{
	const struct cleanup_commit_in *in = in_;
	struct message *m = c->conn;
	int rc;

	batch_settle(m);
	if (!m->begun || m->over || m->completed)
		return err_temp(err, "4.3.0", "no message is under way");
	log_ids(m->session, m->q);
	rc = complete(c, m, in->size, out, err);
	if (rc < 0) {
		say_failed(err);
		message_over(m);
	}
	log_ids(NULL, NULL);
	return rc;
}

/* all of it has come */
static int
finish(struct message *m, uint64_t size, struct call *c,
    struct cleanup_commit_out *out, struct err *err)
{
	int rc = batch_add(m, size, c, err);

	if (rc < 0) {
		say_failed(err);
		message_over(m);
	} else if (rc == 0) {
		out->q = m->q;
		out->discarded = true;
		message_drop(m, true);
	}
	return rc;
}

static int
do_commit(struct call *c, const void *in_, void *out_, struct err *err)
{
	const struct cleanup_commit_in *in = in_;
	struct cleanup_commit_out *out = out_;
	struct message *m = c->conn;
	int rc;

	batch_settle(m);
	if (!m->begun || m->over)
		return err_temp(err, "4.3.0", "no message is under way");
	log_ids(m->session, m->q);
	rc = finish(m, in->size, c, out, err);
	log_ids(NULL, NULL);
	return rc;
}

static int
do_put(struct call *c, const void *in_, void *out_, struct err *err)
{
	const struct cleanup_begin_in *in = in_;
	struct cleanup_commit_out *out = out_;
	struct message *m = c->conn;
	int rc = start(c, in, err);

	if (rc == 0)
		rc = message_put(m, in, err);
	if (rc == 1) {
		log_ids(m->session, m->q);
		rc = finish(m, strlen(in->content), c, out, err);
	} else {
		if (rc < 0)
			say_failed(err);
		/* a file that another made is not ours to remove */
		message_drop(m, true);
	}
	log_ids(NULL, NULL);
	return rc;
}

static int
do_abort(struct call *c, const void *in UNUSED, void *out UNUSED,
    struct err *err UNUSED)
{
	batch_settle(c->conn);
	message_drop(c->conn, true);
	return 0;
}

static int
do_settle(struct call *c UNUSED, const void *in_, void *out_,
    struct err *err)
{
	const struct cleanup_settle_in *in = in_;
	struct cleanup_settle_out *out = out_;
	int rc;

	if (!qid_valid(in->q))
		return err_perm(err, "5.5.4", "not a queue id");
	log_ids(NULL, in->q);
	rc = enqueue_settle(in, &out->queued, err);
	if (rc < 0)
		say_failed(err);
	log_ids(NULL, NULL);
	return rc;
}

/* sts: its reports */
#define WHO (PEER_NET | PEER_QUEUE | PEER_STS)
const struct verb verbs[] = {
	{ &cleanup_space, do_space, WHO },
	{ &cleanup_rcpt, do_rcpt, WHO },
	{ &cleanup_begin, do_begin, WHO },
	{ &cleanup_edit, do_edit, WHO },
	{ &cleanup_body, do_body, WHO },
	{ &cleanup_complete, do_complete, WHO },
	{ &cleanup_commit, do_commit, WHO },
	{ &cleanup_put, do_put, WHO },
	{ &cleanup_abort, do_abort, WHO },
	{ &cleanup_settle, do_settle, WHO },
	{ 0 }
};
