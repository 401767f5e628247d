/*
 * bounce - tells senders what became of their mail.  See bounce.8.
 */
#include "base/clock.h"
#include "base/log.h"
#include "bounce.h"
#include "serve/serve.h"

struct bounce_conf conf;

static const struct field fields[] = {
	F_STR(struct bounce_conf, from, "",
	    "address in From; empty: MAILER-DAEMON@hostname"),
	F_STR(struct bounce_conf, postmaster, "",
	    "who is named for help; empty: postmaster of the first domain"),
	F_STR(struct bounce_conf, footer, "", "a last line of each report"),
	F_ENUM(struct bounce_conf, default_return, "hdrs", "hdrs|full",
	    "what is returned of a message that came without RET="),
	F_SIZE(struct bounce_conf, full_limit, "256K", "0", "64M",
	    "of longer messages only the header is returned"),
	F_TIME(struct bounce_conf, cleanup_timeout, "5m", "1s", "10m",
	    "time for cleanup to answer"),
	F_END
};

static void
log_report(const struct bounce_report_in *in)
{
	static const char *const kinds[] = { "failure", "delay", "success" };

	log_event(LOG_INFO, "report", KS("of", in->q), KS("to", in->sender),
	    KS("kind", kinds[in->kind]), KU("nrcpt", in->addr.n), KEND);
}

static int
failed(const struct bounce_report_in *in, const struct err *err)
{
	log_event(LOG_WARN, "report_failed", KS("of", in->q),
	    KS("to", in->sender), KERR(err), KEND);
	return -1;
}

static int
do_report(struct call *c, const void *in_, void *out_, struct err *err)
{
	const struct bounce_report_in *in = in_;
	struct bounce_report_out *out = out_;
	struct str text = STR_INIT;
	struct dsn_report r;
	int rc;

	rc = compose(in, c->fd, c->arena, &r, err);
	if (rc == 0)
		rc = dsn_compose_str(&r, &text, err);
	if (rc >= 0)
		rc = send_report(in->sender, &text, dsn_needs_utf8(&r),
		    c->arena, &out->q, err);
	str_free(&text);
	if (rc < 0)
		return failed(in, err);
	log_set_queue(out->q);
	log_report(in);
	log_set_queue(NULL);
	return 0;
}

static const struct verb verbs[] = {
	{ &bounce_report, do_report, PEER_QUEUE },
	{ 0 }
};

static int
before_jail(struct err *err UNUSED)
{
	struct str s = STR_INIT;

	/* the time zone is read once, while /etc can be seen */
	date_5322(&s, wall_s());
	str_free(&s);
	return 0;
}

static const struct daemon bounce = {
	.name = "bounce",
	.kind = SERVE_REQUEST,
	.fields = fields,
	.conf = &conf,
	.before_jail = before_jail,
	.verbs = verbs,
	.jail = { .groups = JAIL_FILES | JAIL_UNIX,
	    .memory = 2ULL << 30, .files = 1024 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &bounce);
}
