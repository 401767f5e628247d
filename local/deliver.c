/*
 * deliver.c - requests and their batch.  Invariant: nobody is told
 * "delivered" before the batch that it is in was synced, but for what lies on
 * a file system that qmgr said it will sync; and whatever can not be synced is
 * taken back, so that the next attempt makes it anew.
 */
#include "base/clock.h"
#include "base/log.h"
#include "local.h"
#include "queue/content.h"
#include "store/name.h"

enum { JOBS_MAX = 256 };

static struct job jobs[JOBS_MAX];
static size_t njobs;
static struct arena batch;	/* what jobs point to */

void
rcpt_fail(struct rcpt *r, const struct err *err)
{
	r->status = err->kind == ERR_PERM ? AGENT_FAILED : AGENT_DEFERRED;
	r->err = *err;
	r->dest_trouble = strcmp(err->dsn, "4.3.1") == 0 &&
	    conf.personality == VIRTUAL;
}

static int
check_lists(const struct agent_deliver_in *in, struct err *err)
{
	size_t n = in->addr.n;

	if (n == 0 || n > AGENT_RCPTS || in->n.n != n || in->mailbox.n != n ||
	    (in->quota.n != 0 && in->quota.n != n))
		return err_perm(err, "5.5.4", "lists of different lengths");
	if (!qid_valid(in->q))
		return err_perm(err, "5.5.4", "bad queue id");
	return 0;
}

static int
fill_slot(struct rcpt *r, const struct agent_deliver_in *in, const char *n,
    struct err *err)
{
	struct str s = STR_INIT;
	uint64_t number;
	int rc = 0;

	if (!slice_u64(slice_of(n), INT32_MAX, &number))
		return err_temp(err, "4.3.0", "bad recipient number");
	mail_name_unique(&s, in->created, in->q, n, common.hostname);
	r->slot.unique = arena_strdup(&batch, s.s);
	r->slot.again = in->again;
	r->slot.doubt = in->doubt;
	r->slot.home = "";
	str_reset(&s);
	if (conf.personality == VIRTUAL)
		rc = store_home(&s, r->mailbox, err);
	if (rc == 0 && s.len > 0)
		r->slot.home = arena_strdup(&batch, s.s);
	str_free(&s);
	return rc;
}

static void
fill_rcpt(struct rcpt *r, const struct agent_deliver_in *in, size_t i)
{
	struct err err;

	r->addr = arena_strdup(&batch, in->addr.v[i]);
	r->mailbox = arena_strdup(&batch, in->mailbox.v[i]);
	r->status = AGENT_DELIVERED;
	if (in->quota.n > 0 && in->quota.v[i][0] != '\0' &&
	    !parse_size(slice_of(in->quota.v[i]), &r->quota)) {
		err_temp(&err, "4.3.5", "bad quota \"%s\"", in->quota.v[i]);
		rcpt_fail(r, &err);
	} else if (fill_slot(r, in, in->n.v[i], &err) < 0) {
		rcpt_fail(r, &err);
	}
}

static void
fill_content(struct job *j, const struct agent_deliver_in *in, int fd)
{
	struct str path = STR_INIT;

	j->content = (struct store_content){ .fd = fd, .dir = -1,
		.size = in->size, .wsize = in->wsize };
	if (conf.personality == VIRTUAL) {
		content_path(&path, common.spool_dir, in->q);
		j->content.path = arena_strdup(&batch, path.s);
		str_free(&path);
	}
}

/* Answers on a connection are given in the order of its requests: before one
 * that is answered at once, those that are held back. */
void
deliver_flush(const struct call *c)
{
	size_t i;

	for (i = 0; i < njobs; i++)
		if (jobs[i].ticket.slot == c->slot &&
		    jobs[i].ticket.serial == c->serial) {
			deliver_idle();
			return;
		}
}

/* The envelope says how long the file was when it was accepted: who could
 * still write to it then must not change what is delivered. */
static bool
check_content(struct job *j, struct err *err)
{
	if (store_content_check(&j->content, err) == 0)
		return true;
	log_event(LOG_ERROR, "content-refused", KS("q", j->q), KERR(err),
	    KEND);
	return false;
}

int
deliver_verb(struct call *c, const void *vin, void *out UNUSED,
    struct err *err)
{
	const struct agent_deliver_in *in = vin;
	struct err trouble;
	struct job *j;
	size_t i;
	bool good;

	if (check_lists(in, err) < 0) {
		deliver_flush(c);
		return -1;
	}
	if (njobs == JOBS_MAX)
		deliver_idle();
	j = &jobs[njobs++];
	*j = (struct job){ .ticket = request_hold(c), .n = in->addr.n };
	j->q = arena_strdup(&batch, in->q);
	j->session = arena_strdup(&batch, in->session);
	j->sender = arena_strdup(&batch, in->sender);
	j->verp = arena_strdup(&batch, in->verp);
	j->synced = in->synced_dev;
	j->in = conf.personality == SYSTEM ? in : NULL;
	j->began = mono_ms();
	j->rcpt = arena_alloc(&batch, j->n * sizeof(*j->rcpt));
	fill_content(j, in, c->fd);
	good = check_content(j, &trouble);
	for (i = 0; i < j->n; i++) {
		struct rcpt *r = &j->rcpt[i];

		fill_rcpt(r, in, i);
		if (!good)
			rcpt_fail(r, &trouble);
		else if (in->verp[0] != '\0' &&
		    verp_content(j, r, &batch, &trouble) < 0)
			rcpt_fail(r, &trouble);
		if (r->status != AGENT_DELIVERED)
			continue;
		if (conf.personality == SYSTEM)
			system_deliver(j, r);
		else
			virtual_deliver(j, r);
	}
	/* The next may run a command that takes long, and who asked would
	 * think that this one did. */
	if (conf.personality == SYSTEM)
		deliver_idle();
	return CALL_LATER;
}

static void
log_rcpt(const struct job *j, const struct rcpt *r)
{
	if (r->status == AGENT_DELIVERED)
		log_event(LOG_INFO, "delivered", KS("to", r->addr),
		    KS("mailbox", r->mailbox),
		    KU("bytes", rcpt_content(j, r)->size), KEND);
	else if (r->status == AGENT_MOVED)
		log_event(LOG_INFO, "passed", KS("to", r->addr),
		    KS("mailbox", r->mailbox), KEND);
	else if (r->status == AGENT_DEFERRED)
		log_event(LOG_INFO, "deferred", KS("to", r->addr),
		    KS("mailbox", r->mailbox), KERR(&r->err), KEND);
	else
		log_event(LOG_INFO, "failed", KS("to", r->addr),
		    KS("mailbox", r->mailbox), KERR(&r->err), KEND);
}

static void
answer(struct job *j)
{
	size_t i;

	log_set_session(j->session);
	log_set_queue(j->q);
	for (i = 0; i < j->n; i++) {
		struct rcpt *r = &j->rcpt[i];
		struct agent_result res = {
			.i = (int64_t)i, .status = r->status,
			.dsn = r->err.dsn, .text = r->err.text, .peer = "",
			.dest_trouble = r->dest_trouble,
			.partly = r->partly,
		};

		log_rcpt(j, r);
		if (r->status != AGENT_DELIVERED)
			request_more(j->ticket, &res);
	}
	request_ok(j->ticket, NULL, -1);
	log_set_queue(NULL);
	log_set_session(NULL);
}

void
deliver_idle(void)
{
	size_t i;

	if (conf.personality == VIRTUAL)
		virtual_sync(jobs, njobs);
	for (i = 0; i < njobs; i++)
		answer(&jobs[i]);
	if (njobs > 0)
		arena_reset(&batch);
	njobs = 0;
	if (conf.personality == VIRTUAL)
		virtual_check();
}
