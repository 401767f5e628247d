/*
 * qmgr.c - field tables of the queue manager's interface.
 */
#include "proto/qmgr.h"

#define F_ROW_NAMED(name, st, m, txt) \
	{ name, FIELD_LIST, 0, offsetof(st, m), "", 0, 0, 0, txt }

/* struct qmgr_rcpts, wherever it lies */
#define RCPT_ROWS(st, r) \
	F_ROW_NAMED("addr", st, r addr, "final recipients"), \
	F_ROW_NAMED("orig", st, r orig, "as the client named them"), \
	F_ROW_NAMED("orcpt", st, r orcpt, "ORCPT="), \
	F_ROW_NAMED("notify", st, r notify, "NOTIFY="), \
	F_ROW_NAMED("transport", st, r transport, "agents"), \
	F_ROW_NAMED("nexthop", st, r nexthop, "destinations"), \
	F_ROW_NAMED("mailbox", st, r mailbox, "mailboxes"), \
	F_ROW_NAMED("quota", st, r quota, "bytes"), \
	F_ROW_NAMED("dsn", st, r dsn, "failed at routing"), \
	F_ROW_NAMED("text", st, r text, "why"), \
	F_ROW_NAMED("number", st, r number, "in the message"), \
	F_ROW_NAMED("attempts", st, r attempts, "so far")

static const struct field rcpt_in[] = {
	RCPT_ROWS(struct qmgr_rcpts, ),
	F_END
};

static const struct field enqueue_in[] = {
	RCPT_ROWS(struct qmgr_enqueue_in, r.),
	F_STR(struct qmgr_enqueue_in, q, NULL, "queue id"),
	F_STR(struct qmgr_enqueue_in, sender, "", "return path"),
	F_STR(struct qmgr_enqueue_in, ret, "", "RET="),
	F_STR(struct qmgr_enqueue_in, envid, "", "ENVID="),
	F_STR(struct qmgr_enqueue_in, session, "", "session id"),
	F_SIZE(struct qmgr_enqueue_in, size, "0", NULL, NULL,
	    "bytes of content"),
	F_SIZE(struct qmgr_enqueue_in, wsize, "0", NULL, NULL, "with CRLF"),
	F_INT(struct qmgr_enqueue_in, created, "0", NULL, NULL,
	    "unix microseconds"),
	F_BOOL(struct qmgr_enqueue_in, utf8, "no", "SMTPUTF8"),
	F_BOOL(struct qmgr_enqueue_in, body8, "no", "8BITMIME"),
	F_BOOL(struct qmgr_enqueue_in, internal, "no",
	    "made by the suite itself"),
	F_BOOL(struct qmgr_enqueue_in, unsynced, "no",
	    "the content was not synced"),
	F_BOOL(struct qmgr_enqueue_in, floating, "no",
	    "the content comes along, sealed"),
	F_INT(struct qmgr_enqueue_in, hold, "0", NULL, NULL, "1 on hold"),
	F_INT(struct qmgr_enqueue_in, release_at, "0", NULL, NULL,
	    "unix seconds"),
	F_INT(struct qmgr_enqueue_in, priority, "0", NULL, NULL, "-9 to 9"),
	F_BOOL(struct qmgr_enqueue_in, requiretls, "no", "REQUIRETLS"),
	F_BOOL(struct qmgr_enqueue_in, tls_optional, "no",
	    "TLS-Required: No"),
	F_STR(struct qmgr_enqueue_in, verp, "", "delimiters of VERP"),
	F_BOOL(struct qmgr_enqueue_in, import, "no", "of another queue"),
	F_BOOL(struct qmgr_enqueue_in, warned, "no",
	    "the sender knows of the delay"),
	F_BOOL(struct qmgr_enqueue_in, first, "no",
	    "the id must not be known"),
	F_INT(struct qmgr_enqueue_in, expires, "0", NULL, NULL,
	    "unix seconds"),
	F_STR(struct qmgr_enqueue_in, reason, "", "of the hold"),
	F_END
};

static const struct field settle_in[] = {
	F_STR(struct qmgr_settle_in, q, NULL, "queue id"),
	F_BOOL(struct qmgr_settle_in, put, "no",
	    "no content file may ever have been"),
	F_END
};

static const struct field settle_out[] = {
	F_BOOL(struct qmgr_settle_out, queued, "no",
	    "it is or was in the queue"),
	F_END
};

/* struct qmgr_filter, wherever it lies */
#define F_ROW_OF(name, st, m, kind, def, choices, txt) \
	{ name, kind, 0, offsetof(st, m), def, 0, 0, choices, txt }
#define FILTER_STR(name, st, m, txt) \
	F_ROW_OF(name, st, m, FIELD_STR, "", 0, txt)
#define FILTER_INT(name, st, m, txt) \
	F_ROW_OF(name, st, m, FIELD_INT, "0", 0, txt)
#define FILTER_ROWS(st, f) \
	FILTER_STR("q", st, f q, "one queue id"), \
	FILTER_STR("from", st, f from, "sender, @domain or pattern"), \
	FILTER_STR("to", st, f to, "recipient, @domain or pattern"), \
	FILTER_STR("dest", st, f dest, "transport:nexthop or nexthop"), \
	F_ROW_OF("state", st, f state, FIELD_ENUM, "any", QMGR_STATES, \
	    "state"), \
	FILTER_INT("older", st, f older, "seconds"), \
	FILTER_INT("younger", st, f younger, "seconds"), \
	FILTER_STR("after", st, f after, "page after this id"), \
	FILTER_INT("limit", st, f limit, "messages at most")

static const struct field filter[] = {
	FILTER_ROWS(struct qmgr_filter, ),
	F_END
};

static const struct field schedule_in[] = {
	FILTER_ROWS(struct qmgr_schedule_in, f.),
	F_INT(struct qmgr_schedule_in, at, NULL, NULL, NULL, "unix seconds"),
	F_END
};

static const struct field priority_in[] = {
	FILTER_ROWS(struct qmgr_priority_in, f.),
	F_INT(struct qmgr_priority_in, priority, NULL, "-9", "9",
	    "higher goes first"),
	F_END
};

static const struct field known_out[] = {
	F_BOOL(struct qmgr_known, known, "no", "it came here"),
	F_END
};

static const struct field id_in[] = {
	F_STR(struct qmgr_id, q, NULL, "queue id"),
	F_END
};

static const struct field fate_in[] = {
	FILTER_ROWS(struct qmgr_fate_in, f.),
	F_STR(struct qmgr_fate_in, text, "", "told to the sender"),
	F_END
};

static const struct field reroute_in[] = {
	FILTER_ROWS(struct qmgr_reroute_in, f.),
	F_STR(struct qmgr_reroute_in, transport, NULL, "agents"),
	F_STR(struct qmgr_reroute_in, nexthop, "", "destination"),
	F_STR(struct qmgr_reroute_in, addr, "", "recipient"),
	F_STR(struct qmgr_reroute_in, mailbox, "", "mailbox"),
	F_END
};

static const struct field limit_in[] = {
	F_STR(struct qmgr_limit, name, NULL, "what is limited"),
	F_STR(struct qmgr_limit, reason, "", "why"),
	F_BOOL(struct qmgr_limit, paused, "no", "nothing goes"),
	F_INT(struct qmgr_limit, concurrency, "0", "0", "10000", "places"),
	F_INT(struct qmgr_limit, messages, "0", "0", NULL, "in that time"),
	F_INT(struct qmgr_limit, seconds, "0", "0", NULL, "the time"),
	F_INT(struct qmgr_limit, since, "0", NULL, NULL, "unix seconds"),
	F_INT(struct qmgr_limit, until, "0", NULL, NULL,
	    "unix seconds; 0 for good"),
	F_END
};

static const struct field resume_in[] = {
	F_STR(struct qmgr_resume_in, name, NULL, "what was limited"),
	F_END
};

static const struct field dests_in[] = {
	F_STR(struct qmgr_dests_in, name, "", "pattern"),
	F_INT(struct qmgr_dests_in, after, "0", NULL, NULL, "paging"),
	F_BOOL(struct qmgr_dests_in, count, "yes", "count what waits"),
	F_END
};

static const struct field dest_more[] = {
	F_STR(struct qmgr_dest, transport, NULL, "agents"),
	F_STR(struct qmgr_dest, nexthop, "", "where it goes"),
	F_STR(struct qmgr_dest, site, "", "who stands behind it"),
	F_STR(struct qmgr_dest, dsn, "", "the last trouble"),
	F_STR(struct qmgr_dest, text, "", "the same"),
	F_INT(struct qmgr_dest, window, "0", NULL, NULL, "places"),
	F_INT(struct qmgr_dest, limit, "0", NULL, NULL, "at most"),
	F_INT(struct qmgr_dest, busy, "0", NULL, NULL, "taken"),
	F_INT(struct qmgr_dest, agents, "0", NULL, NULL,
	    "connected or at work"),
	F_INT(struct qmgr_dest, active, "0", NULL, NULL,
	    "recipients in memory"),
	F_INT(struct qmgr_dest, waiting, "0", NULL, NULL, "recipients"),
	F_INT(struct qmgr_dest, until, "0", NULL, NULL, "suspended"),
	F_INT(struct qmgr_dest, failures, "0", NULL, NULL, "in a row"),
	F_BOOL(struct qmgr_dest, paused, "no", "by a limit"),
	F_INT(struct qmgr_dest, next, "0", NULL, NULL, "unix seconds"),
	F_INT(struct qmgr_dest, rate_ms, "0", NULL, NULL,
	    "between two messages"),
	F_INT(struct qmgr_dest, site_busy, "0", NULL, NULL,
	    "places of the site"),
	F_INT(struct qmgr_dest, site_limit, "0", NULL, NULL, "at most"),
	F_END
};

static const struct field dests_out[] = {
	F_INT(struct qmgr_dests_out, next, "0", NULL, NULL, "0 the end"),
	F_END
};

static const struct field items[] = {
	F_LIST(struct qmgr_items, q, "queue ids"),
	F_LIST(struct qmgr_items, sender, "return paths"),
	F_LIST(struct qmgr_items, rcpt, "recipients"),
	F_LIST(struct qmgr_items, orig, "as the client named them"),
	F_LIST(struct qmgr_items, dest, "transport:nexthop"),
	F_LIST(struct qmgr_items, state, "states"),
	F_LIST(struct qmgr_items, dsn, "last status codes"),
	F_LIST(struct qmgr_items, text, "last replies"),
	F_LIST(struct qmgr_items, session, "session ids"),
	F_LIST(struct qmgr_items, size, "bytes"),
	F_LIST(struct qmgr_items, created, "unix seconds"),
	F_LIST(struct qmgr_items, due, "unix seconds"),
	F_LIST(struct qmgr_items, attempts, "so far"),
	F_LIST(struct qmgr_items, priority, "-9 to 9"),
	F_LIST(struct qmgr_items, rcpts, "recipients that match"),
	F_LIST(struct qmgr_items, until,
	    "the destination is suspended until then, unix seconds"),
	F_LIST(struct qmgr_items, why, "its trouble"),
	F_END
};

static const struct field count[] = {
	F_INT(struct qmgr_count, messages, "0", NULL, NULL, "messages"),
	F_INT(struct qmgr_count, rcpts, "0", NULL, NULL, "recipients"),
	F_STR(struct qmgr_count, next, "", "go on after this id"),
	F_END
};

static const struct field stats[] = {
	F_INT(struct qmgr_stats, messages, "0", NULL, NULL, "in the queue"),
	F_INT(struct qmgr_stats, rcpts, "0", NULL, NULL,
	    "recipients in the queue"),
	F_INT(struct qmgr_stats, active, "0", NULL, NULL,
	    "recipients in memory"),
	F_INT(struct qmgr_stats, deferred, "0", NULL, NULL,
	    "recipients waiting"),
	F_INT(struct qmgr_stats, held, "0", NULL, NULL, "messages on hold"),
	F_INT(struct qmgr_stats, scheduled, "0", NULL, NULL,
	    "messages for later"),
	F_INT(struct qmgr_stats, dests, "0", NULL, NULL, "destinations"),
	F_INT(struct qmgr_stats, suspended, "0", NULL, NULL,
	    "destinations suspended"),
	F_INT(struct qmgr_stats, oldest, "0", NULL, NULL, "unix seconds"),
	F_INT(struct qmgr_stats, accepted, "0", NULL, NULL, "since start"),
	F_INT(struct qmgr_stats, delivered, "0", NULL, NULL, "since start"),
	F_INT(struct qmgr_stats, bounced, "0", NULL, NULL, "since start"),
	F_INT(struct qmgr_stats, commits, "0", NULL, NULL,
	    "transactions since start"),
	F_INT(struct qmgr_stats, unsure, "0", NULL, NULL,
	    "recipients whose agent died, since start"),
	F_END
};

const struct verb_def qmgr_rcpt = {
	.name = "rcpt",
	.in = rcpt_in, .in_size = sizeof(struct qmgr_rcpts),
	.flags = VERB_NO_REPLY,
	.doc = "recipients ahead of an enqueue",
};

const struct verb_def qmgr_enqueue = {
	.name = "enqueue",
	.in = enqueue_in, .in_size = sizeof(struct qmgr_enqueue_in),
	.doc = "make an envelope durable",
};

const struct verb_def qmgr_settle = {
	.name = "settle",
	.in = settle_in, .in_size = sizeof(struct qmgr_settle_in),
	.out = settle_out, .out_size = sizeof(struct qmgr_settle_out),
	.flags = VERB_AGAIN,
	.doc = "is it queued? if not, never take it",
};

const struct verb_def qmgr_list = {
	.name = "list",
	.in = filter, .in_size = sizeof(struct qmgr_filter),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.more = items, .more_size = sizeof(struct qmgr_items),
	.doc = "messages that match",
};

const struct verb_def qmgr_flush = {
	.name = "flush",
	.in = filter, .in_size = sizeof(struct qmgr_filter),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "try now",
};

const struct verb_def qmgr_hold = {
	.name = "hold",
	.in = filter, .in_size = sizeof(struct qmgr_filter),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "keep back",
};

const struct verb_def qmgr_release = {
	.name = "release",
	.in = filter, .in_size = sizeof(struct qmgr_filter),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "end a hold or a schedule",
};

const struct verb_def qmgr_schedule = {
	.name = "schedule",
	.in = schedule_in, .in_size = sizeof(struct qmgr_schedule_in),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "not before a time",
};

const struct verb_def qmgr_priority = {
	.name = "priority",
	.in = priority_in, .in_size = sizeof(struct qmgr_priority_in),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "what goes first to a destination",
};

const struct verb_def qmgr_delete = {
	.name = "delete",
	.in = filter, .in_size = sizeof(struct qmgr_filter),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "remove without delivery or report",
};

const struct verb_def qmgr_bounce = {
	.name = "bounce",
	.in = fate_in, .in_size = sizeof(struct qmgr_fate_in),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "fail now, with a report",
};

const struct verb_def qmgr_expire = {
	.name = "expire",
	.in = fate_in, .in_size = sizeof(struct qmgr_fate_in),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "as if the time was over",
};

const struct verb_def qmgr_reroute = {
	.name = "reroute",
	.in = reroute_in, .in_size = sizeof(struct qmgr_reroute_in),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "to another destination",
};

const struct verb_def qmgr_take = {
	.name = "take",
	.in = id_in, .in_size = sizeof(struct qmgr_id),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "hold it for another queue",
};

const struct verb_def qmgr_envelope = {
	.name = "envelope",
	.in = id_in, .in_size = sizeof(struct qmgr_id),
	.out = enqueue_in, .out_size = sizeof(struct qmgr_enqueue_in),
	.more = rcpt_in, .more_size = sizeof(struct qmgr_rcpts),
	.flags = VERB_FD_OUT,
	.doc = "what another queue has to know of it",
};

const struct verb_def qmgr_transferred = {
	.name = "transferred",
	.in = id_in, .in_size = sizeof(struct qmgr_id),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "another queue has it: remove",
};

const struct verb_def qmgr_imported = {
	.name = "imported",
	.in = id_in, .in_size = sizeof(struct qmgr_id),
	.out = known_out, .out_size = sizeof(struct qmgr_known),
	.doc = "did it come from another queue?",
};

const struct verb_def qmgr_limit = {
	.name = "limit",
	.in = limit_in, .in_size = sizeof(struct qmgr_limit),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "pause or slow down a destination, transport or site",
};

const struct verb_def qmgr_resume = {
	.name = "resume",
	.in = resume_in, .in_size = sizeof(struct qmgr_resume_in),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "end that",
};

const struct verb_def qmgr_limits = {
	.name = "limits",
	.more = limit_in, .more_size = sizeof(struct qmgr_limit),
	.doc = "what is paused or slowed down",
};

const struct verb_def qmgr_dests = {
	.name = "dests",
	.in = dests_in, .in_size = sizeof(struct qmgr_dests_in),
	.out = dests_out, .out_size = sizeof(struct qmgr_dests_out),
	.more = dest_more, .more_size = sizeof(struct qmgr_dest),
	.doc = "destinations and their health",
};

const struct verb_def qmgr_show = {
	.name = "show",
	.in = filter, .in_size = sizeof(struct qmgr_filter),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.more = items, .more_size = sizeof(struct qmgr_items),
	.flags = VERB_FD_OUT,
	.doc = "one message and its content",
};

const struct verb_def qmgr_stat = {
	.name = "stat",
	.out = stats, .out_size = sizeof(struct qmgr_stats),
	.flags = VERB_AGAIN,
	.doc = "figures",
};

const struct verb_def *const qmgr_verbs[] = {
	&qmgr_rcpt,
	&qmgr_enqueue,
	&qmgr_settle,
	&qmgr_list,
	&qmgr_flush,
	&qmgr_hold,
	&qmgr_release,
	&qmgr_schedule,
	&qmgr_priority,
	&qmgr_delete,
	&qmgr_bounce,
	&qmgr_expire,
	&qmgr_reroute,
	&qmgr_take,
	&qmgr_envelope,
	&qmgr_transferred,
	&qmgr_imported,
	&qmgr_limit,
	&qmgr_resume,
	&qmgr_limits,
	&qmgr_dests,
	&qmgr_show,
	&qmgr_stat,
	NULL
};

/* members of the two structs that belong together */
struct column {
	size_t list, member;
	bool number;
};
#define COLUMN(m, number) \
	{ offsetof(struct qmgr_items, m), offsetof(struct qmgr_item, m), \
	  number }
static const struct column columns[] = {
	COLUMN(q, false), COLUMN(sender, false), COLUMN(rcpt, false),
	COLUMN(orig, false), COLUMN(dest, false), COLUMN(state, false),
	COLUMN(dsn, false), COLUMN(text, false), COLUMN(session, false),
	COLUMN(size, true), COLUMN(created, true), COLUMN(due, true),
	COLUMN(attempts, true), COLUMN(priority, true), COLUMN(rcpts, true),
	COLUMN(until, true), COLUMN(why, false),
};

enum { NAME_BYTES = 10 + 1 + 1 /* the longest, = and NUL */ };

static const char *
number_text(int64_t v, struct arena *a)
{
	char buf[24], *p = buf + sizeof(buf);
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;

	if (v == 0)
		return "0";
	for (; u > 0; u /= 10)
		*--p = (char)('0' + u % 10);
	if (v < 0)
		*--p = '-';
	return arena_slice(a, (struct slice){ p,
	    (size_t)(buf + sizeof(buf) - p) });
}

static bool
read_number(const char *z, int64_t *r)
{
	bool neg = *z == '-';
	uint64_t u;

	if (!slice_u64(slice_of(z + neg), INT64_MAX, &u))
		return false;
	*r = neg ? -(int64_t)u : (int64_t)u;
	return true;
}

size_t
qmgr_items_add(struct qmgr_items *l, const struct qmgr_item *it,
    struct arena *a)
{
	const struct column *c;
	const char *z;
	size_t bytes = 0;

	for (c = columns; c < columns + ARRAY_LEN(columns); c++) {
		const void *m = (const char *)it + c->member;

		z = c->number ? number_text(*(const int64_t *)m, a) :
		    *(const char *const *)m;
		strlist_add((struct strlist *)((char *)l + c->list), a, z);
		bytes += strlen(z) + NAME_BYTES;
	}
	return bytes;
}

int
qmgr_items_get(const struct qmgr_items *l, size_t i, struct qmgr_item *it,
    struct err *err)
{
	const struct column *c;

	for (c = columns; c < columns + ARRAY_LEN(columns); c++) {
		const struct strlist *v = (const struct strlist *)
		    ((const char *)l + c->list);
		void *m = (char *)it + c->member;

		if (v->n != l->q.n)
			return err_perm(err, "5.5.4", "lists of an unequal "
			    "length");
		if (!c->number)
			*(const char **)m = v->v[i];
		else if (!read_number(v->v[i], m))
			return err_perm(err, "5.5.4", "no number: %.40s",
			    v->v[i]);
	}
	return 0;
}
