/*
 * main.c - the one way in which every program starts.  Nothing is read from
 * anybody but master and the configuration before the jail is closed.
 */
#include <getopt.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "conf/common.h"
#include "conf/conf.h"
#include "proto/seal.h"
#include "serve/internal.h"

struct launch launch;
const struct field launch_fields[] = {
	F_STR(struct launch, service, "", "section of master.conf"),
	F_STR(struct launch, conf, "", "configuration file"),
	F_STR(struct launch, user, "", "role"),
	F_INT(struct launch, listeners, "0", "0", "64", "listeners"),
	F_INT(struct launch, tls, "0", "0", "65535",
	    "a bit for each listener that begins with TLS"),
	F_INT(struct launch, gate, "0", "0", "65535",
	    "a bit for each listener whose clients come by a gate"),
	F_INT(struct launch, slot, "0", "0", "100000", "on the status board"),
	F_INT(struct launch, uses, "0", "0", "1000000000",
	    "clients before exit"),
	F_INT(struct launch, clients, "1", "1", "100000",
	    "connections at a time"),
	F_BOOL(struct launch, fsuid_store, "no", "files belong to the store"),
	F_BOOL(struct launch, tables, "no", "-n reads tables, too"),
	F_BOOL(struct launch, seal, "no",
	    "the key of seals is behind the listeners"),
	F_TIME(struct launch, watchdog, "0s", "0s", "1d",
	    "who runs a loop shows within that time that it turns"),
	F_TIME(struct launch, max_idle, "0s", "0s", "30d",
	    "exit after that long without a client"),
	F_END
};

int serve_stop_fd = -1;
static struct arena arena;

struct options {
	const char *conf_dir;
	const char *mailbox;	/* whose session -J is to be in */
	bool print, check, probe, stdio;
};

static void
on_term(int sig UNUSED)
{
	uint64_t one = 1;
	int e = errno;

	io_stopping = 1;
	if (write(serve_stop_fd, &one, sizeof(one)) < 0)
		io_stopping = 1;
	errno = e;
}

void
serve_end(void)
{
	on_term(SIGTERM);
}

bool
serve_stopping(void)
{
	return io_stopping;
}

static int
usage(const struct daemon *d)
{
	fprintf(stderr, "usage: %s [-nPJ] [-c confdir] [-M name=value]... "
	    "[mailbox]\n"
	    "This program is started by master(8); -P prints its options.\n",
	    d->name);
	return 64;
}

static int
set_launch(const char *arg, struct err *err)
{
	struct slice rest = slice_of(arg), name;

	slice_cut(&rest, '=', &name);
	if (rest.p == NULL)
		return err_perm(err, "5.3.5", "-M %s: expected name=value",
		    arg);
	return conf_set(launch_fields, &launch, name, rest, &arena, err);
}

static int
parse_options(int argc, char **argv, struct options *o, struct err *err)
{
	static const struct option longs[] = {
		{ "stdio", no_argument, NULL, 's' }, { NULL, 0, NULL, 0 }
	};
	int c;

	o->conf_dir = "/etc/postrider";
	o->mailbox = "probe";
	field_defaults(launch_fields, &launch, &arena);
	while ((c = getopt_long(argc, argv, "c:nPJM:", longs, NULL)) != -1) {
		if (c == 'c')
			o->conf_dir = optarg;
		else if (c == 'n')
			o->check = true;
		else if (c == 'P')
			o->print = true;
		else if (c == 'J')
			o->probe = true;
		else if (c == 's')
			o->stdio = true;
		else if (c != 'M' || set_launch(optarg, err) < 0)
			return -1;
	}
	if (o->probe && optind == argc - 1)
		o->mailbox = argv[optind++];
	return optind == argc ? 0 : err_perm(err, "5.3.5",
	    "unexpected argument %s", argv[optind]);
}

static int
load_config(const struct daemon *d, const struct options *o, struct err *err)
{
	const char *file, *path;

	if (common_load(o->conf_dir, err) < 0)
		return -1;
	log_set_level((enum log_level)common.log_level);
	common_checking = o->check && launch.tables;
	if (d->fields == NULL)
		return 0;
	file = launch.conf[0] ? launch.conf :
	    arena_printf(&arena, "%s.conf", d->name);
	path = common_path(common.conf_dir, file);
	if ((d->load != NULL ? d->load(path, &arena, err) : conf_load(path,
	    d->fields, d->conf, &arena, err)) < 0)
		return -1;
	if (d->check != NULL && d->check(err) < 0)
		return d->load == NULL ? conf_place(path, err) : -1;
	return o->check && d->check_rows != NULL ? d->check_rows(err) : 0;
}

static void
set_signals(void)
{
	struct sigaction sa = { .sa_handler = on_term };

	serve_stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (serve_stop_fd < 0)
		die("eventfd: %s", strerror(errno));
	sigaction(SIGTERM, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
}

static int
prepare(const struct daemon *d, struct err *err)
{
	set_signals();
	tzset();	/* reads its file now, the jail has none */
	umask(077);
	if (launch.seal &&
	    seal_take(LISTEN_FD + (int)launch.listeners, err) < 0)
		return -1;
	if (d->before_jail != NULL && d->before_jail(err) < 0)
		return -1;
	if (serve_role(d, err) < 0)
		return -1;
	if (!d->user_root && jail_enter(&d->jail, err) < 0)
		return -1;
	if (!d->keep_root && !d->user_root)
		return 0;
	return serve_keep_caps(d->caps != 0 ? d->caps : CAPS_BECOME, true,
	    err);
}

static int
serve(const struct daemon *d)
{
	switch (d->kind) {
	case SERVE_CLIENT:
		return serve_clients(d);
	case SERVE_USER:
		return serve_users(d);
	case SERVE_REQUEST:
		return serve_requests(d);
	case SERVE_EVENT:
		break;
	}
	return 70;
}

/* trouble before the log pipe is ours goes to the terminal as plain text */
static int
report(const struct options *o, const struct err *err)
{
	if (o->check || o->probe || launch.service[0] == '\0')
		fprintf(stderr, "%s\n", err->text);
	else
		log_event(LOG_ERROR, "start", KERR(err), KEND);
	return err->kind == ERR_PERM ? 78 : 75;
}

static int
run_stdio(const struct daemon *d, const struct options *o)
{
	struct err err = ERR_INIT;

	set_signals();
	tzset();
	umask(077);
	if ((d->before_jail != NULL && d->before_jail(&err) < 0) ||
	    serve_stdio(d, &err) < 0)
		return report(o, &err);
	return 0;
}

int
serve_main(int argc, char **argv, const struct daemon *d)
{
	struct options o = { 0 };
	struct err err = ERR_INIT;

	log_open(d->name);
	if (parse_options(argc, argv, &o, &err) < 0) {
		fprintf(stderr, "%s: %s\n", d->name, err.text);
		return usage(d);
	}
	if (o.print) {
		if (d->fields != NULL)
			conf_print_options(d->fields);
		return 0;
	}
	if (launch.service[0])
		log_open(launch.service);
	if (load_config(d, &o, &err) < 0)
		return report(&o, &err);
	if (o.check)
		return 0;
	if (o.stdio && d->kind == SERVE_USER)
		return run_stdio(d, &o);
	if (launch.service[0] == '\0' && !o.probe)
		return usage(d);
	jail_loud = o.probe;
	if ((!o.probe && status_open(&err) < 0) || prepare(d, &err) < 0 ||
	    (o.probe && d->user_root &&
	    serve_probe_user(d, o.mailbox, &err) < 0))
		return report(&o, &err);
	if (o.probe) {
		verb_print(d);
		return jail_probe();
	}
	if (d->kind == SERVE_EVENT)
		return d->run(d);
	if (d->start != NULL && d->start(&err) < 0)
		return report(&o, &err);
	status_ready();
	serve_settle();
	return serve(d);
}
