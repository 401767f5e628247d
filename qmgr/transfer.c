/*
 * transfer.c - mail that goes to another queue, or comes from one.  Here it is
 * on hold, with a reason that says so, from `take` to `transferred`; there its
 * id is remembered in the transaction that makes it durable, for longer than
 * anybody is in doubt.  So whoever was cut off asks by id, and nothing is lost
 * or doubled.
 */
#include "qmgr.h"

enum { CHUNK = 100, BYTES = 40 << 10, MEMORY_S = 60 * 86400 };

int
transfer_note(int64_t id, struct err *err)
{
	int64_t now = wall_s();

	return qdb_imported_add(qmgr.db, id, now, now - MEMORY_S, err);
}

int
transfer_known(int64_t id, struct err *err)
{
	int rc = qdb_imported_has(qmgr.db, id, err);

	if (rc != 0)
		return rc;
	rc = qdb_message_has(qmgr.db, id, err);
	return rc == 1 ? err_perm(err, "5.5.4", "it is in this queue "
	    "already") : rc;
}

int
admin_imported(struct call *c UNUSED, const void *in_, void *out_,
    struct err *err)
{
	const struct qmgr_id *in = in_;
	struct qmgr_known *out = out_;
	int64_t id;
	int rc;

	if (!qid_parse(in->q, &id))
		return err_perm(err, "5.5.4", "no queue id: %.40s", in->q);
	rc = transfer_known(id, err);
	out->known = rc == 1;
	/* before its content is written: that of another stays as it is */
	if (rc == 0 && msg_find(id) != NULL)
		return err_temp(err, "4.3.2", "it is on its way into this "
		    "queue");
	if (rc == 0) {
		rc = qdb_fresh_has(qmgr.db, id, err);
		if (rc == 1)
			return err_perm(err, "5.5.4", "it is in this queue "
			    "already");
	}
	return MIN(rc, 0);
}

static const char *
number(struct arena *a, int64_t n)
{
	return arena_printf(a, "%lld", (long long)n);
}

static size_t
add_rcpt(struct qmgr_rcpts *to, struct arena *a, const struct queue_rcpt *r)
{
	strlist_add(&to->addr, a, r->addr);
	strlist_add(&to->orig, a, r->orig);
	strlist_add(&to->orcpt, a, r->orcpt);
	strlist_add(&to->notify, a, r->notify);
	strlist_add(&to->transport, a, r->transport);
	strlist_add(&to->nexthop, a, r->nexthop);
	strlist_add(&to->mailbox, a, r->mailbox);
	strlist_add(&to->quota, a, number(a, (int64_t)r->quota));
	strlist_add(&to->dsn, a, r->dsn);
	strlist_add(&to->text, a, r->text);
	strlist_add(&to->number, a, number(a, r->n));
	strlist_add(&to->attempts, a, number(a, r->attempts));
	return 200 + strlen(r->addr) + strlen(r->orig) + strlen(r->orcpt) +
	    strlen(r->notify) + strlen(r->nexthop) + strlen(r->mailbox) +
	    strlen(r->text);
}

static int
send_rcpts(struct call *c, const struct queue_message *m, struct err *err)
{
	struct qmgr_rcpts part = { 0 };
	struct arena a = { 0 };
	size_t i, bytes = 0;
	int rc = 0;

	for (i = 0; i < m->n && rc == 0; i++) {
		bytes += add_rcpt(&part, &a, &m->rcpt[i]);
		if (i + 1 < m->n && part.addr.n < CHUNK && bytes < BYTES)
			continue;
		rc = call_more(c, &part, err);
		part = (struct qmgr_rcpts){ 0 };
		arena_reset(&a);
		bytes = 0;
	}
	arena_free(&a);
	return rc;
}

/* may it go as it is? */
static int
check(const struct queue_message *m, const char *q, struct err *err)
{
	const struct msg *in = msg_find(m->id);
	size_t i;

	if (!m->hold || strncmp(m->reason, QMGR_TAKEN,
	    strlen(QMGR_TAKEN)) != 0)
		return err_perm(err, "5.5.4", "%s was not taken", q);
	if (in != NULL && (in->out > 0 || in->listed))
		return err_temp(err, "4.3.2", "%s is being delivered", q);
	for (i = 0; i < m->n; i++)
		if (m->rcpt[i].state >= RCPT_FAILED)
			return err_temp(err, "4.3.2", "%s is to be reported",
			    q);
	return 0;
}

int
admin_envelope(struct call *c, const void *in_, void *out_, struct err *err)
{
	const struct qmgr_id *in = in_;
	struct qmgr_enqueue_in *out = out_;
	struct queue_message m;
	int64_t id;
	int rc;

	if (!qid_parse(in->q, &id))
		return err_perm(err, "5.5.4", "no queue id: %.40s", in->q);
	rc = qdb_message_get(qmgr.db, id, -1,
	    (size_t)qmgr.conf.message_recipients, c->arena, &m, err);
	if (rc == 0)
		return err_perm(err, "5.5.4", "%s is not in the queue",
		    in->q);
	if (rc < 0 || check(&m, in->q, err) != 0 ||
	    send_rcpts(c, &m, err) != 0)
		return -1;
	*out = (struct qmgr_enqueue_in){ .q = in->q, .sender = m.sender,
		.ret = m.ret, .envid = m.envid, .session = m.session,
		.size = m.size, .wsize = m.wsize, .created = m.created,
		.utf8 = m.utf8, .body8 = m.body8, .internal = m.internal,
		.requiretls = m.requiretls,
		.tls_optional = m.tls_optional, .verp = m.verp,
		.hold = strcmp(m.reason, QMGR_TAKEN) != 0,
		.release_at = m.release_at, .priority = m.priority,
		.import = true, .warned = m.delay_warned,
		.expires = m.expires, .reason = "" };
	rc = content_open(common.spool_dir, in->q, &c->out_fd, err);
	if (rc == 0)
		return err_perm(err, "5.3.0", "content file is missing");
	return MIN(rc, 0);
}
