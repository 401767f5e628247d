/*
 * bounce - tells senders what became of their mail.  See bounce.8.
 */
#include "base/clock.h"
#include "base/log.h"
#include "bounce.h"
#include "conf/common.h"
#include "serve/limits.h"
#include "serve/serve.h"
#include "template.h"

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
	F_STR(struct bounce_conf, templates, "",
	    "file with texts of the reports; empty: those built in"),
	F_STR(struct bounce_conf, double_bounce, "",
	    "who gets reports that can not be delivered; empty: postmaster"),
	F_LIST_D(struct bounce_conf, notify_classes, "2bounce",
	    "of which trouble the postmaster hears"),
	F_STR(struct bounce_conf, report_limit, "1000/1h",
	    "reports to one sender; a count of 0: no limit"),
	F_TIME(struct bounce_conf, cleanup_timeout, "5m", "1s", "10m",
	    "time for cleanup to answer"),
	F_END
};

static void
log_report(const struct bounce_report_in *in, const char *to)
{
	static const char *const kinds[] = { "failure", "delay", "success" };

	log_event(LOG_INFO, "report", KS("of", in->q), KS("to", to),
	    KS("kind", kinds[in->kind]), KU("nrcpt", in->addr.n), KEND);
}

static int
failed(const struct bounce_report_in *in, const char *to,
    const struct err *err)
{
	log_event(LOG_WARN, "report_failed", KS("of", in->q),
	    KS("to", to), KERR(err), KEND);
	return -1;
}

/* one message; *q_r: its id */
static int
send_one(const struct bounce_report_in *in, const char *to, bool copy,
    struct call *c, const char **q_r, struct err *err)
{
	struct str text = STR_INIT;
	struct dsn_report r;
	struct envelope e = { .to = to, .requiretls = in->requiretls,
		.last = copy || in->sender[0] == '\0' };
	int rc;

	rc = compose(in, to, c->fd, c->arena, &r, err);
	if (rc == 0) {
		if (copy)
			r.subject = "Copy of a report";
		if (copy || in->sender[0] == '\0')
			r.full = false;
		if (in->sender[0] != '\0')
			template_use(in, copy, c->arena, &r);
		rc = dsn_compose_str(&r, &text, err);
	}
	e.utf8 = rc >= 0 && dsn_needs_utf8(&r);
	if (rc >= 0)
		rc = send_report(&e, &text, c->arena, q_r, err);
	str_free(&text);
	return rc < 0 ? -1 : 0;
}

/* A copy is nobody's right: what goes wrong with it is only said. */
static void
send_copy(const struct bounce_report_in *in, struct call *c)
{
	const char *to = bounce_helper(c->arena), *q = "";
	struct err err = ERR_INIT;

	if (!notify_postmaster(in) || strcmp(to, in->sender) == 0)
		return;
	if (send_one(in, to, true, c, &q, &err) < 0) {
		failed(in, to, &err);
		return;
	}
	log_set_queue(q);
	log_report(in, to);
	log_set_queue(NULL);
}

static int
do_report(struct call *c, const void *in_, void *out_, struct err *err)
{
	const struct bounce_report_in *in = in_;
	struct bounce_report_out *out = out_;
	const char *to = in->sender[0] != '\0' ? in->sender :
	    bounce_double(c->arena);

	out->q = "";
	if (in->sender[0] == '\0' && (in->kind != BOUNCE_FAILURE ||
	    !strlist_has(&conf.notify_classes, "2bounce"))) {
		log_event(LOG_INFO, "report_dropped", KS("of", in->q),
		    KS("why", "2bounce"), KEND);
		return 0;
	}
	if (in->sender[0] != '\0' && !notify_allowed(in, c->arena)) {
		log_event(LOG_WARN, "report_dropped", KS("of", in->q),
		    KS("to", to), KS("why", "limit"), KEND);
		return 0;
	}
	if (send_one(in, to, false, c, &out->q, err) < 0)
		return failed(in, to, err);
	log_set_queue(out->q);
	log_report(in, to);
	log_set_queue(NULL);
	send_copy(in, c);
	return 0;
}

static const struct verb verbs[] = {
	{ &bounce_report, do_report, PEER_QUEUE },
	{ 0 }
};

static int
check(struct err *err)
{
	struct limits_rate rate;

	if (limits_parse(conf.report_limit, &rate, err) < 0) {
		err_prefix(err, "report_limit");
		return -1;
	}
	if (notify_check(err) < 0)
		return -1;
	return conf.templates[0] == '\0' ? 0 : templates_load(
	    conf.templates[0] == '/' ? conf.templates :
	    common_path(common.conf_dir, conf.templates), err);
}

static int
before_jail(struct err *err UNUSED)
{
	struct str s = STR_INIT;

	/* the time zone is read once, while /etc can be seen */
	date_5322(&s, wall_s());
	str_free(&s);
	limits_init();
	return 0;
}

static const struct daemon bounce = {
	.name = "bounce",
	.kind = SERVE_REQUEST,
	.fields = fields,
	.conf = &conf,
	.check = check,
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
