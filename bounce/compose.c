/*
 * compose.c - from qmgr's lists to the record that lib/dsn writes out.  The
 * null sender is never told anything: RFC 5321 section 6.1.
 */
#include "base/clock.h"
#include "bounce.h"
#include "conf/common.h"
#include "smtp/command.h"

static const char *
at(const struct strlist *l, size_t i)
{
	return i < l->n ? l->v[i] : "";
}

static const char *
or_null(const char *z)
{
	return z[0] != '\0' ? z : NULL;
}

/* ORCPT as it was given; else what the client had named, where that differs
 * from what became of it; else nothing */
static const char *
original(const struct bounce_report_in *in, size_t i, struct arena *a)
{
	struct slice orcpt = slice_of(at(&in->orcpt, i));
	const char *orig = at(&in->orig, i), *r = NULL;
	struct str s = STR_INIT;
	struct err ignored;

	if (orcpt.n > 0 && smtp_orcpt_parse(orcpt, &s, &ignored) == 1)
		r = arena_slice(a, slice_str(&s));
	else if (orig[0] != '\0' && strcmp(orig, at(&in->addr, i)) != 0)
		r = arena_printf(a, "%s;%s", slice_is_ascii(slice_of(orig)) ?
		    "rfc822" : "utf-8", orig);
	str_free(&s);
	return r;
}

static const char *
status(const struct bounce_report_in *in, size_t i)
{
	static const char *const unknown[] = { "5.0.0", "4.0.0", "2.0.0" };
	const char *z = at(&in->dsn, i);

	return z[0] != '\0' ? z : unknown[in->kind];
}

/* RFC 3461 section 5.2: 2.1.9 was handed to who sends no receipts, 2.1.5 was
 * an alias of several */
static enum dsn_action
action(const struct bounce_report_in *in, size_t i)
{
	static const enum dsn_action actions[] = { DSN_ACT_FAILED,
		DSN_ACT_DELAYED, DSN_ACT_DELIVERED };

	if (in->kind == BOUNCE_SUCCESS && strcmp(at(&in->dsn, i),
	    "2.1.9") == 0)
		return DSN_ACT_RELAYED;
	if (in->kind == BOUNCE_SUCCESS && strcmp(at(&in->dsn, i),
	    "2.1.5") == 0)
		return DSN_ACT_EXPANDED;
	return actions[in->kind];
}

/* who sent the message is a stranger, who else gets a report is one of us */
static const char *
diagnostic(const struct bounce_report_in *in, size_t i, const char *to,
    struct arena *a)
{
	const char *text = at(&in->text, i);

	if (strcmp(to, in->sender) == 0)
		text = public_text(at(&in->dsn, i), at(&in->peer, i), text,
		    a);
	return or_null(text);
}

static void
recipients(const struct bounce_report_in *in, const char *to,
    struct arena *a, struct dsn_report *r)
{
	struct dsn_recipient *v = arena_alloc(a, in->addr.n * sizeof(*v));
	size_t i;

	for (i = 0; i < in->addr.n; i++) {
		v[i].final = in->addr.v[i];
		v[i].orcpt = original(in, i, a);
		v[i].action = action(in, i);
		v[i].status = status(in, i);
		v[i].diagnostic = diagnostic(in, i, to, a);
		v[i].remote_mta = or_null(at(&in->peer, i));
		v[i].last_attempt = r->now;
		v[i].will_retry_until = in->kind == BOUNCE_DELAY ?
		    in->expires : 0;
	}
	r->rcpt = v;
	r->n = in->addr.n;
}

static const char *
envid(const struct bounce_report_in *in, struct arena *a)
{
	struct str s = STR_INIT;
	struct err ignored;
	const char *r = NULL;

	if (in->envid[0] != '\0' &&
	    smtp_envid_parse(slice_of(in->envid), &s, &ignored) == 1)
		r = arena_slice(a, slice_str(&s));
	str_free(&s);
	return r;
}

const char *
bounce_helper(struct arena *a)
{
	if (conf.postmaster[0] != '\0')
		return conf.postmaster;
	return arena_printf(a, "postmaster@%s", common.domains.n > 0 ?
	    common.domains.v[0] : common.hostname);
}

const char *
bounce_double(struct arena *a)
{
	return conf.double_bounce[0] != '\0' ? conf.double_bounce :
	    bounce_helper(a);
}

static bool
wants_full(const struct bounce_report_in *in)
{
	/* RFC 8689 section 5 */
	if (in->requiretls)
		return false;
	if (in->ret[0] == '\0')
		return conf.default_return == RETURN_FULL;
	return strcasecmp(in->ret, "full") == 0;
}

int
compose(const struct bounce_report_in *in, const char *to, int fd,
    struct arena *a, struct dsn_report *r, struct err *err)
{
	static const enum dsn_kind kinds[] = { DSN_FAILURE, DSN_DELAY,
		DSN_SUCCESS };

	if (to[0] == '\0')
		return err_perm(err, "5.3.5", "no report to the null sender");
	if (in->addr.n == 0)
		return err_perm(err, "5.5.4", "a report about nobody");
	*r = (struct dsn_report){
		.kind = kinds[in->kind],
		.reporting_mta = common.hostname,
		.from = or_null(conf.from),
		.to = to,
		.utf8 = in->utf8 || !slice_is_ascii(slice_of(to)),
		.postmaster = bounce_helper(a),
		.footer = or_null(conf.footer),
		.envid = envid(in, a),
		.queue_id = or_null(in->q),
		.arrival = in->created / 1000000,
		.now = wall_s(),
		.fd = fd,
		.full = conf.full_limit > 0 && wants_full(in),
		.full_max = conf.full_limit,
	};
	if (in->sender[0] == '\0')
		r->subject = "A report could not be delivered";
	recipients(in, to, a, r);
	return 0;
}
