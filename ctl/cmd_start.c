/*
 * cmd_start.c - postrider start, stop, reload, check.
 */
#include "base/clock.h"
#include "base/io.h"
#include "conf/common.h"
#include "conf/conf.h"
#include "ctl.h"
#include "maps.h"
#include "proto/lookup.h"
#include "proto/master.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

enum { GREET_MS = 10000, RELOAD_MS = 120000, STOP_MS = 3700 * 1000,
	TABLES_MS = 120000 };

/* no arguments, no options but --help, which main has seen */
static int
no_words(int argc, char **argv)
{
	static const struct option longs[] = { { NULL, 0, NULL, 0 } };

	if (next_option(argc, argv, "+:", longs) != -1)
		return EXIT_USAGE;
	if (optind < argc)
		return fail_usage("%s takes no arguments", argv[0]);
	return EXIT_OK;
}

static int
run_master(const char *flag)
{
	char *argv[] = { (char *)"master", (char *)"-c",
	    (char *)common.conf_dir, (char *)flag, NULL };

	return run_program(program_path("master"), argv);
}

/* --- does a listener answer? --- */

static int
parse_addr(const char *spec, struct sockaddr_storage *ss, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct slice s = slice_of(spec), host;
	size_t colon = slice_rfind(s, ':');
	char addr[64];
	uint64_t port;

	memset(ss, 0, sizeof(*ss));
	if (colon == s.n || !slice_u64(slice_sub(s, colon + 1, s.n), 65535,
	    &port))
		return -1;
	host = slice_sub(s, 0, colon);
	if (slice_starts(host, "["))
		host = slice_sub(host, 1, host.n - 2);
	slice_copy(addr, sizeof(addr), slice_eqz(host, "*") ||
	    slice_eqz(host, "0.0.0.0") ? SLICE_LIT("127.0.0.1") :
	    slice_eqz(host, "::") ? SLICE_LIT("::1") : host);
	if (inet_pton(AF_INET, addr, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		*len = sizeof(*in);
		return 0;
	}
	if (inet_pton(AF_INET6, addr, &in6->sin6_addr) != 1)
		return -1;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	*len = sizeof(*in6);
	return 0;
}

/* a mail server speaks first: wait for a byte of its greeting; but not where
 * TLS begins before it */
static int
try_listener(const char *spec, bool tls, struct err *err)
{
	struct sockaddr_storage ss;
	struct pollfd p = { -1, POLLIN, 0 };
	socklen_t len;
	char byte;
	int r = 0;

	if (parse_addr(spec, &ss, &len) != 0)
		return err_perm(err, "5.3.5", "%s: bad address", spec);
	p.fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p.fd < 0 || connect(p.fd, (struct sockaddr *)&ss, len) != 0)
		r = err_sys(err, "cannot connect to %s", spec);
	else if (tls)
		r = tls_hello(p.fd, GREET_MS, err) == 0 ? 0 :
		    err_prefix(err, "%s", spec);
	else if (poll(&p, 1, GREET_MS) != 1)
		r = err_temp(err, "4.4.2", "%s does not answer", spec);
	else if (recv(p.fd, &byte, 1, 0) != 1)
		r = err_temp(err, "4.4.2", "%s hangs up without a greeting",
		    spec);
	close_fd(p.fd);
	return r;
}

static int
check_service(void *ctx, const void *more, struct err *err)
{
	const struct master_service *s = more;
	struct slice rest = slice_of(s->listen), word;
	size_t *n = ctx;
	char spec[128];
	bool tls;

	while (slice_word(&rest, &word)) {
		tls = slice_starts(word, "tls:");
		if (!tls && !slice_starts(word, "inet:"))
			continue;
		slice_copy(spec, sizeof(spec), slice_sub(word, tls ? 4 : 5,
		    word.n));
		if (try_listener(spec, tls, err) != 0)
			return err_prefix(err, "%s", s->service);
		++*n;
	}
	return 0;
}

static int
check_listeners(struct err *err)
{
	struct master_status_out out;
	struct ipc c;
	size_t n = 0;
	int r;

	ipc_init(&c, socket_path("master"), 5000);
	r = ipc_call_more(&c, &master_status, NULL, -1, check_service, &n,
	    &out, err);
	if (r == 0)
		printf("started: pid %lld, %zu listeners answer\n",
		    (long long)out.pid, n);
	ipc_free(&c);
	return r;
}

int
cmd_start(int argc, char **argv)
{
	struct err err = ERR_INIT;
	int r = no_words(argc, argv);

	if (r != EXIT_OK)
		return r;
	if (instance_load(&err) != 0 || maps_compile(false, true, &err) != 0)
		return fail_err(&err);
	if (run_master(NULL) != 0)
		return EXIT_FAILED;	/* it said why */
	if (check_listeners(&err) != 0)
		return fail("it runs, but: %s; see the log in %s", err.text,
		    common.log_dir);
	return EXIT_OK;
}

static int
order(const struct verb_def *v, int timeout_ms, struct err *err)
{
	struct ipc c;
	int r;

	if (instance_pid() == 0)
		return err_temp(err, "4.3.2", "%s is not running",
		    common.instance_dir);
	ipc_init(&c, socket_path("master"), timeout_ms);
	r = ipc_call(&c, v, NULL, -1, NULL, NULL, NULL, err);
	ipc_free(&c);
	return r;
}

int
cmd_stop(int argc, char **argv)
{
	struct err err = ERR_INIT;
	int64_t until;
	pid_t pid;
	int r = no_words(argc, argv);

	if (r != EXIT_OK)
		return r;
	if (instance_load(&err) != 0)
		return fail_err(&err);
	pid = instance_pid();
	if (order(&master_stop, 5000, &err) != 0)
		return fail_err(&err);
	until = mono_ms() + STOP_MS;
	/* its pid file goes a moment before it does */
	while (pid_alive(pid) && mono_ms() < until)
		poll(NULL, 0, 5);
	if (pid_alive(pid))
		return fail("master (pid %d) does not end", (int)pid);
	printf("stopped\n");
	return EXIT_OK;
}

int
cmd_reload(int argc, char **argv)
{
	struct err err = ERR_INIT;
	int r = no_words(argc, argv);

	if (r != EXIT_OK)
		return r;
	if (instance_load(&err) != 0 || maps_compile(false, true, &err) != 0)
		return fail_err(&err);
	if (order(&master_reload, RELOAD_MS, &err) != 0)
		return fail("not reloaded: %s", err.text);
	printf("reloaded\n");
	return EXIT_OK;
}

static int
find_tables(void *ctx, struct slice section UNUSED, struct slice name,
    struct slice value, struct err *err UNUSED)
{
	bool *has = ctx;

	if (slice_eqz(name, "tables"))
		*has = value.n > 0;
	return 0;
}

static int
on_table(void *ctx, const void *more, struct err *err UNUSED)
{
	const struct lookup_check_more *m = more;
	int *r = ctx;

	if (m->good)
		printf("table %s answers\n", m->map);
	else
		*r = fail("table %s gives no answer: %s", m->map, m->text);
	return 0;
}

/* the tables that have a server are asked, where mapd runs */
static int
check_tables(void)
{
	struct lookup_check_in in = { "" };
	struct err err = ERR_INIT;
	bool has = false;
	struct ipc c;
	int r = EXIT_OK;

	if (conf_read(common_path(common.conf_dir, "mapd.conf"), false,
	    find_tables, &has, &err) != 0 || !has)
		return EXIT_OK;	/* mapd -n said what is wrong */
	if (instance_pid() == 0) {
		printf("it does not run: the tables of mapd.conf were not "
		    "asked\n");
		return EXIT_OK;
	}
	ipc_init(&c, socket_path("mapd"), TABLES_MS);
	if (ipc_call_more(&c, &lookup_check, &in, -1, on_table, &r, NULL,
	    &err) != 0)
		r = fail_err(&err);
	ipc_free(&c);
	return r;
}

int
cmd_check(int argc, char **argv)
{
	struct err err = ERR_INIT;
	int r = no_words(argc, argv);

	if (r != EXIT_OK)
		return r;
	if (instance_load(&err) != 0)
		return fail_err(&err);
	r = run_master("-n");
	if (maps_check(true) != EXIT_OK || r != 0)
		return EXIT_FAILED;
	printf("the configuration in %s is good\n", common.conf_dir);
	warn_postmaster(common.conf_dir);
	return check_tables();
}
