/*
 * sendmail.c - the command that programs on this host know: a message from
 * standard input goes to the suite by its public socket.  No privilege is
 * needed or held; who calls is told by the kernel.
 */
#include "sendmail.h"

#include "base/clock.h"
#include "conf/common.h"
#include "ctl.h"
#include "proto/qmgr.h"
#include "proto/router.h"
#include "smtp/command.h"
#include "smtp/verp.h"

int
sm_fail(int status, const char *fmt, ...)
{
	struct str s = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	fprintf(stderr, "sendmail: %s\n", s.s);
	str_free(&s);
	return status;
}

struct mode {
	char b;			/* of -bX */
	bool queue;		/* -q */
	bool interval;		/* -q30m: the suite has its own */
	const char *which;	/* -qI, -qR, -qS with their value */
};

/* -qIid, -qRsite, -qSsender: some of it; else all */
static void
choose(const char *which, struct qmgr_filter *f)
{
	if (which == NULL)
		return;
	if (which[0] == 'I')
		f->q = which + 1;
	else if (which[0] == 'R')
		f->to = which + 1;
	else
		f->from = which + 1;
}

static int
flush_queue(const struct mode *mode)
{
	struct qmgr_filter f;
	struct qmgr_count n;
	struct err err = ERR_INIT;
	struct ipc c;
	int r;

	if (!may_ask("qmgr"))
		return EX_NOPERM;
	field_defaults(qmgr_flush.in, &f, &ctl_arena);
	choose(mode->which, &f);
	ipc_init(&c, socket_path("qmgr"), 60000);
	r = ipc_call(&c, &qmgr_flush, &f, -1, &n, NULL, NULL, &err);
	ipc_free(&c);
	if (r == 0)
		return EX_OK;
	return sm_fail(err.kind == ERR_PERM ? EX_USAGE : EX_TEMPFAIL, "%s",
	    err.text);
}

static int
check_dsn(struct mail *m)
{
	struct str x = STR_INIT;
	struct err err = ERR_INIT;
	enum smtp_ret ret;
	unsigned bits;

	if (m->notify != NULL &&
	    smtp_notify_parse(slice_of(m->notify), &bits, &err) != 1)
		return sm_fail(EX_USAGE, "-N %s: %s", m->notify, err.text);
	if (m->ret != NULL &&
	    smtp_ret_parse(slice_of(m->ret), &ret, &err) != 1)
		return sm_fail(EX_USAGE, "-R %s: %s", m->ret, err.text);
	if (m->envid == NULL)
		return EX_OK;
	smtp_xtext_encode(&x, slice_of(m->envid));
	m->envid = arena_strdup(&m->arena, x.s);
	str_free(&x);
	return strlen(m->envid) <= SMTP_ENVID_MAX ? EX_OK :
	    sm_fail(EX_USAGE, "-V: the envelope id is too long");
}

static int
submit(struct mail *m, int argc, char **argv)
{
	int i, r = check_dsn(m);

	if (r == EX_OK)
		r = sm_read(m);
	for (i = 0; r == EX_OK && i < argc; i++)
		r = sm_add_rcpts(m, slice_of(argv[i]));
	if (r == EX_OK)
		r = sm_header(m);
	if (r == EX_OK && m->rcpts.n == 0)
		r = sm_fail(m->from_header ? EX_DATAERR : EX_USAGE,
		    "no recipients");
	if (r == EX_OK)
		r = sm_send(m);
	close_fd(m->fd);
	str_free(&m->header);
	arena_free(&m->arena);
	return r;
}

enum { OPT_RELEASE = 256, OPT_PRIORITY };
static const struct option longs[] = {
	{ "release-at", required_argument, NULL, OPT_RELEASE },
	{ "priority", required_argument, NULL, OPT_PRIORITY },
	{ NULL, 0, NULL, 0 }
};

static int
parse_long(int c, struct mail *m)
{
	struct err err = ERR_INIT;

	if (c == OPT_PRIORITY) {
		if (smtp_priority_parse(slice_of(optarg), &m->priority,
		    &err) != 1)
			return sm_fail(EX_USAGE, "--priority %s: expected -9 "
			    "to 9", optarg);
	} else if (!parse_when(optarg, wall_s(), &m->release_at)) {
		return sm_fail(EX_USAGE, "--release-at %s: expected a time "
		    "like 18:30, 2h or 2026-11-24T08:00", optarg);
	}
	return EX_OK;
}

/* -XV, -XVxy; other -X is a log file, which we have no use for */
static int
parse_verp(struct mail *m, const char *arg)
{
	if (arg[0] != 'V')
		return EX_OK;
	m->verp = arg[1] != '\0' ? arg + 1 : SMTP_VERP_DEFAULT;
	if (smtp_verp_valid(slice_of(m->verp)))
		return EX_OK;
	return sm_fail(EX_USAGE, "-X%s: expected two of -+=", arg);
}

static void
parse_queue(struct mode *mode, const char *arg)
{
	if (arg != NULL && ascii_isdigit((unsigned char)arg[0])) {
		mode->interval = true;
		return;
	}
	mode->queue = true;
	if (arg != NULL && strchr("IRS", arg[0]) != NULL && arg[0] != '\0')
		mode->which = arg;
}

/* options without a meaning here are taken and forgotten, as everybody's
 * sendmail does; those that would mean something else are refused */
static int
parse(int argc, char **argv, struct mail *m, struct mode *mode)
{
	int c, r;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "A:B:C:F:GIL:N:O:R:UV:X:b:d:f:h:"
	    "imno:p:q::r:s:tvx", longs, NULL)) != -1) {
		if (c == 'f' || c == 'r')
			m->sender = optarg;
		else if (c == 'F')
			m->full_name = optarg;
		else if (c == 'N')
			m->notify = optarg;
		else if (c == 'R')
			m->ret = optarg;
		else if (c == 'V')
			m->envid = optarg;
		else if (c == 't')
			m->from_header = true;
		else if (c == 'i' || (c == 'o' && strcmp(optarg, "i") == 0))
			m->ignore_dots = true;
		else if (c == 'v')
			m->verbose = true;
		else if (c == 'q')
			parse_queue(mode, optarg);
		else if (c == 'X' && (r = parse_verp(m, optarg)) != EX_OK)
			return r;
		else if (c == 'I')
			mode->b = 'i';
		else if (c == 'b')
			mode->b = optarg[0];
		else if (c >= OPT_RELEASE && (r = parse_long(c, m)) != EX_OK)
			return r;
		else if (c == '?' && optopt == 0)
			return sm_fail(EX_USAGE, "unknown option %s; see "
			    "sendmail(8)", argv[optind - 1]);
		else if (c == '?' && optopt >= OPT_RELEASE)
			return sm_fail(EX_USAGE, "%s needs a value",
			    argv[optind - 1]);
		else if (c == '?')
			return sm_fail(EX_USAGE, "unknown option -%c; see "
			    "sendmail(8)", optopt);
	}
	return EX_OK;
}

/* -bd: as other systems' start scripts call it */
static int
start_suite(void)
{
	char *argv[] = { (char *)"start", NULL };

	if (instance_pid() != 0)
		return EX_OK;
	restart_options();
	return cmd_start(1, argv) == EXIT_OK ? EX_OK : EX_UNAVAILABLE;
}

/* -bv: who may ask router is told the whole way, others what RCPT says */
static int
verify(struct mail *m, int argc, char **argv)
{
	struct router_explain_in in = { .relay = true };
	int i, r, status = EX_OK;
	size_t k;

	for (i = 0; i < argc; i++)
		if ((r = sm_add_rcpts(m, slice_of(argv[i]))) != EX_OK)
			return r;
	if (m->rcpts.n == 0)
		return sm_fail(EX_USAGE, "no recipients");
	if (m->sender == NULL)
		m->sender = "";
	if (access(socket_path("router"), R_OK | W_OK) != 0)
		return sm_verify(m);
	in.sender = m->sender;
	for (k = 0; k < m->rcpts.n; k++) {
		in.addr = m->rcpts.v[k];
		r = explain_address(&in, false, false);
		if (r != EXIT_OK)
			status = r == EXIT_DEFERRED ? EX_TEMPFAIL : EX_NOUSER;
	}
	return status;
}

int
sendmail_main(int argc, char **argv)
{
	struct mail m = { .fd = -1, .header = STR_INIT };
	struct mode mode = { .b = 'm' };
	struct err err = ERR_INIT;
	int r = parse(argc, argv, &m, &mode);

	if (r != EX_OK)
		return r;
	if (mode.b == 'p')
		return mailq_main(1, argv);
	if (mode.b == 'i')
		return newaliases_main(1, argv);
	if (instance_load(&err) != 0)
		return sm_fail(EX_TEMPFAIL, "%s", err.text);
	if (mode.b == 's')
		return sm_relay();
	if (mode.b == 'd' || mode.b == 'D' || mode.b == 'l')
		return start_suite();
	if (mode.queue)
		return flush_queue(&mode);
	if (mode.interval && optind == argc)
		return EX_OK;
	if (mode.b == 'v') {
		r = verify(&m, argc - optind, argv + optind);
		arena_free(&m.arena);
		return r;
	}
	if (mode.b != 'm')
		return sm_fail(EX_USAGE, "-b%c is not done here; see "
		    "sendmail(8)", mode.b);
	return submit(&m, argc - optind, argv + optind);
}
