/*
 * enqueue.c - hands the envelopes of a batch to qmgr, each over a connection
 * of its own, so that all share one of its transactions.
 *
 * All recipients of a message and its enqueue go over one connection: qmgr
 * forgets what it was told on another.  Nothing is lost by sending all of it
 * twice, as qmgr takes an id once; an answer that never came leaves the
 * outcome open, and then the content must stay.
 */
#include "cleanup.h"
#include "conf/common.h"
#include "ipc/codec.h"
#include "proto/qmgr.h"

enum { CHUNK = 150, CHUNK_BYTES = 56000, PAIRS = 80 /* names and NULs */ };
enum { LISTS = 10 };

static struct ipc qmgr[BATCH_MAX];

/* the lists of one request, filled anew for each */
static struct {
	const char *v[LISTS][CHUNK];
} lists;

void
enqueue_init(void)
{
	const char *path = socket_path("qmgr");
	size_t i;

	for (i = 0; i < BATCH_MAX; i++)
		ipc_init(&qmgr[i], path, (int)conf.qmgr_timeout);
}

static size_t
fill_one(const struct dest *d, size_t i)
{
	const char *const v[LISTS] = { d->addr, d->orig, d->orcpt, d->notify,
		d->transport, d->nexthop, d->mailbox, d->quota, d->dsn,
		d->text };
	size_t k, bytes = PAIRS;

	for (k = 0; k < LISTS; k++) {
		lists.v[k][i] = v[k];
		bytes += strlen(v[k]);
	}
	return bytes;
}

/* as many as fit in room from *next on */
static void
fill(struct qmgr_rcpts *r, const struct dests *d, size_t *next, size_t room)
{
	struct strlist *l[LISTS] = { &r->addr, &r->orig, &r->orcpt,
		&r->notify, &r->transport, &r->nexthop, &r->mailbox,
		&r->quota, &r->dsn, &r->text };
	size_t k, n = 0, bytes;

	while (*next < d->n && n < CHUNK) {
		bytes = fill_one(&d->v[*next], n);
		if (bytes > room)
			break;
		room -= bytes;
		n++;
		++*next;
	}
	for (k = 0; k < LISTS; k++)
		*l[k] = (struct strlist){ lists.v[k], n, CHUNK };
}

static int
send_all(struct ipc *c, const struct dests *d, struct qmgr_enqueue_in *in,
    int fd, struct err *err)
{
	size_t next = 0, room = CHUNK_BYTES - strlen(in->sender);

	for (;;) {
		fill(&in->r, d, &next, room);
		if (next >= d->n)
			break;
		if (ipc_send(c->fd, qmgr_rcpt.name, qmgr_rcpt.in, &in->r,
		    -1, -1, err) < 0)
			return -1;
	}
	return ipc_send(c->fd, qmgr_enqueue.name, qmgr_enqueue.in, in, fd,
	    -1, err);
}

/* 1 answered ok, -1 answered err, 0 no answer (the connection is closed) */
static int
receive(struct ipc *c, struct err *err)
{
	int r = ipc_recv(c->fd, &c->reply, -1, err);

	if (r == 1 && strcmp(c->reply.verb, "ok") == 0)
		return 1;
	if (r == 1 && strcmp(c->reply.verb, "err") == 0) {
		ipc_get_err(&c->reply, err);
		/* with what it was told before */
		ipc_close(c);
		return -1;
	}
	if (r == 0)
		err_temp(err, "4.3.0", "connection closed");
	else if (r == 1)
		err_temp(err, "4.3.0", "unexpected reply");
	err->kind = ERR_TEMP;
	ipc_close(c);
	err_prefix(err, "%s", c->path);
	return 0;
}

static struct qmgr_enqueue_in
record(const struct job *j)
{
	const struct message *m = j->m;

	return (struct qmgr_enqueue_in){
		.q = m->q, .sender = m->sender, .ret = m->ret,
		.envid = m->envid, .session = m->session, .size = j->size,
		.wsize = j->wsize, .created = m->created, .utf8 = m->utf8,
		.body8 = m->body8, .requiretls = m->requiretls,
		.tls_optional = m->tls_optional, .verp = m->verp,
		.internal = m->internal, .hold = m->hold,
		.reason = m->hold_reason != NULL ? m->hold_reason : "",
		.unsynced = j->unsynced, .floating = m->floating,
		.first = !j->keep,
		.release_at = m->release_at, .priority = m->priority };
}

static int
send_job(struct ipc *c, struct job *j)
{
	struct qmgr_enqueue_in in = record(j);

	if (c->fd < 0)
		c->fd = ipc_connect(c->path, c->timeout_ms, &j->err);
	if (c->fd < 0)
		return -1;
	if (send_all(c, &j->dests, &in, in.floating ? j->m->fd : -1,
	    &j->err) == 0)
		return 0;
	j->err.kind = ERR_TEMP;
	ipc_close(c);
	return -1;
}

/* The answer; what was not sent, or not answered, is sent once more. */
static int
finish_job(struct ipc *c, struct job *j, bool sent)
{
	int try, r;

	for (try = 0; try < 2; try++) {
		if (!sent && send_job(c, j) < 0)
			continue;
		sent = false;
		r = receive(c, &j->err);
		if (r > 0) {
			j->keep = false;
			return 0;
		}
		/* a refusal settles it only where nothing was sent before */
		if (r < 0)
			return -1;
		j->keep = true;
		if (strcmp(j->err.dsn, "4.4.2") == 0)	/* alive, but slow */
			break;
	}
	return -1;
}

void
enqueue_all(struct job *jobs, size_t n)
{
	bool sent[BATCH_MAX];
	size_t i;

	for (i = 0; i < n; i++)
		sent[i] = jobs[i].rc == 0 &&
		    send_job(&qmgr[i], &jobs[i]) == 0;
	for (i = 0; i < n; i++)
		if (jobs[i].rc == 0)
			jobs[i].rc = finish_job(&qmgr[i], &jobs[i],
			    sent[i]);
}

int
enqueue_settle(const struct cleanup_settle_in *asked, bool *queued_r,
    struct err *err)
{
	struct qmgr_settle_in in = { .q = asked->q, .put = asked->put };
	struct qmgr_settle_out out;

	if (ipc_call(&qmgr[0], &qmgr_settle, &in, -1, &out, NULL, NULL,
	    err) < 0)
		return -1;
	*queued_r = out.queued;
	return 0;
}
