/*
 * enqueue.c - hands the envelope to qmgr.
 *
 * All recipients and the enqueue go over one connection: qmgr forgets what it
 * was told on another.  Nothing is lost by sending all of it twice, as qmgr
 * takes an id once; an answer that never came leaves the outcome open, and
 * then the content must stay.
 */
#include "cleanup.h"
#include "conf/common.h"
#include "ipc/codec.h"
#include "proto/qmgr.h"

enum { CHUNK = 150, CHUNK_BYTES = 56000, PAIRS = 80 /* names and NULs */ };
enum { LISTS = 10 };

static struct ipc qmgr;

/* the lists of one request, filled anew for each */
static struct {
	const char *v[LISTS][CHUNK];
} lists;

void
enqueue_init(void)
{
	ipc_init(&qmgr, socket_path("qmgr"), (int)conf.qmgr_timeout);
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
send_all(const struct dests *d, struct qmgr_enqueue_in *in, struct err *err)
{
	size_t next = 0, room = CHUNK_BYTES - strlen(in->sender);

	for (;;) {
		fill(&in->r, d, &next, room);
		if (next >= d->n)
			break;
		if (ipc_send(qmgr.fd, qmgr_rcpt.name, qmgr_rcpt.in, &in->r,
		    -1, -1, err) < 0)
			return -1;
	}
	return ipc_send(qmgr.fd, qmgr_enqueue.name, qmgr_enqueue.in, in, -1,
	    -1, err);
}

/* 1 answered ok, -1 answered err, 0 no answer (the connection is closed) */
static int
receive(struct err *err)
{
	int r = ipc_recv(qmgr.fd, &qmgr.reply, -1, err);

	if (r == 1 && strcmp(qmgr.reply.verb, "ok") == 0)
		return 1;
	if (r == 1 && strcmp(qmgr.reply.verb, "err") == 0) {
		ipc_get_err(&qmgr.reply, err);
		/* with what it was told before */
		ipc_close(&qmgr);
		return -1;
	}
	if (r == 0)
		err_temp(err, "4.3.0", "connection closed");
	else if (r == 1)
		err_temp(err, "4.3.0", "unexpected reply");
	err->kind = ERR_TEMP;
	ipc_close(&qmgr);
	err_prefix(err, "%s", qmgr.path);
	return 0;
}

static int
exchange(const struct dests *d, struct qmgr_enqueue_in *in, bool *maybe_r,
    struct err *err)
{
	int try, r;

	for (try = 0; try < 2; try++) {
		if (qmgr.fd < 0)
			qmgr.fd = ipc_connect(qmgr.path, qmgr.timeout_ms, err);
		if (qmgr.fd < 0)
			return -1;
		if (send_all(d, in, err) < 0) {
			err->kind = ERR_TEMP;
			ipc_close(&qmgr);
			continue;
		}
		r = receive(err);
		if (r > 0) {
			*maybe_r = false;
			return 0;
		}
		/* a refusal settles it only where nothing was sent before */
		if (r < 0)
			return -1;
		*maybe_r = true;
		if (strcmp(err->dsn, "4.4.2") == 0)	/* alive, but slow */
			break;
	}
	return -1;
}

int
enqueue(const struct message *m, const struct dests *d, uint64_t size,
    uint64_t wsize, bool *maybe_r, struct err *err)
{
	struct qmgr_enqueue_in in = {
		.q = m->q, .sender = m->sender, .ret = m->ret,
		.envid = m->envid, .session = m->session, .size = size,
		.wsize = wsize, .created = m->created, .utf8 = m->utf8,
		.body8 = m->body8, .internal = m->internal, .hold = m->hold,
		.release_at = m->release_at, .priority = m->priority };

	*maybe_r = false;
	return exchange(d, &in, maybe_r, err);
}

int
enqueue_settle(const char *q, bool *queued_r, struct err *err)
{
	struct qmgr_settle_in in = { .q = q };
	struct qmgr_settle_out out;

	if (ipc_call(&qmgr, &qmgr_settle, &in, -1, &out, NULL, NULL, err) < 0)
		return -1;
	*queued_r = out.queued;
	return 0;
}
