/*
 * master - the supervisor.  It owns every listening socket, starts programs
 * when they are needed, and reads no mail and nothing from the network.
 *
 * All that can fail (configuration, directories, lock, sockets) is done before
 * the fork of daemon mode, so that the message reaches whoever started us.
 */
#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "master.h"

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { PIPE_SIZE = 1 << 20, REBIND_MS = 5000, START_TRIES = 3 };

struct event_base *base;
struct config *config;
const char *conf_dir = "/etc/postrider";
int log_read = -1, log_write = -1, foreground_out = -1;
int64_t generation_number = 1, started_at;

static bool foreground;
static int ready_fd = -1;	/* daemon mode: to the waiting parent */
static int terminal = -1;	/* foreground: the first standard error */
static struct event *start_timer;
static struct event *signals[4];
static int64_t start_until;	/* mono_ms; 0: the start is over */
static int exit_code;

static int
usage(void)
{
	fprintf(stderr, "usage: master [-c confdir] [-f | -n | -D | -P]\n"
	    "  -f  stay in the foreground\n"
	    "  -n  check the whole configuration\n"
	    "  -D  make and check the directories\n"
	    "  -P  print the options of master.conf\n");
	return 64;
}

static int
complain(const struct err *err)
{
	fprintf(stderr, "master: %s\n", err->text);
	return err->kind == ERR_PERM ? 78 : 75;
}

/* to whoever waits for the outcome of the start: "" is good */
static void
start_over(const char *problem)
{
	start_until = 0;
	if (start_timer != NULL)
		event_del(start_timer);
	if (ready_fd >= 0) {
		(void)full_write(ready_fd, problem, strlen(problem) + 1);
		close(ready_fd);
		ready_fd = -1;
	} else if (problem[0] != '\0' && terminal >= 0) {
		dprintf(terminal, "master: %s\n", problem);
	}
}

static void
start_failed(const char *problem)
{
	log_event(LOG_ERROR, "start_failed", KS("reason", problem), KEND);
	start_over(problem);
	exit_code = 1;
	stop_begin("start failed");
}

/* is everything up, or will it never be? */
static void
watch_start(evutil_socket_t fd UNUSED, short what UNUSED, void *ctx UNUSED)
{
	static const struct timeval again = { 0, 10000 };
	bool late = mono_ms() > start_until;
	const struct service *s;
	char problem[400];

	if (start_until == 0)
		return;
	if (stop_active()) {
		start_over("stopped before the start was complete");
		return;
	}
	for (s = services; s != NULL; s = s->next) {
		if (service_ready(s))
			continue;
		if (s->failures < START_TRIES && !late) {
			event_add(start_timer, &again);
			return;
		}
		snprintf(problem, sizeof(problem),
		    "service %s does not start: %s; see the log in %s",
		    s->name, s->why[0] ? s->why : "it takes too long",
		    common.log_dir);
		start_failed(problem);
		return;
	}
	log_event(LOG_INFO, "ready", KI("ms", mono_ms() - (start_until -
	    config->start_timeout)), KEND);
	notify_send("READY=1");
	start_over("");
}

static void
on_signal(evutil_socket_t sig, short what UNUSED, void *ctx UNUSED)
{
	struct err err = ERR_INIT;

	if (sig == SIGCHLD)
		child_reap();
	else if (sig == SIGHUP && reload_begin(NULL, NULL, &err) != 0)
		log_event(LOG_WARN, "reload_failed", KERR(&err), KEND);
	else if (sig == SIGTERM || sig == SIGINT)
		stop_begin(sig == SIGTERM ? "SIGTERM" : "SIGINT");
}

static int
watch_signals(struct err *err)
{
	static const int sigs[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT };
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < ARRAY_LEN(sigs); i++) {
		signals[i] = evsignal_new(base, sigs[i], on_signal, NULL);
		if (signals[i] == NULL || event_add(signals[i], NULL) != 0)
			return err_temp(err, "4.3.0", "cannot watch signals");
	}
	return 0;
}

static void
raise_limits(void)
{
	struct rlimit rl;
	rlim_t want = (rlim_t)config->files;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return;
	if (rl.rlim_max < want && geteuid() == 0)
		rl.rlim_max = want;
	rl.rlim_cur = MIN(want, rl.rlim_max);
	if (setrlimit(RLIMIT_NOFILE, &rl) != 0) {
		getrlimit(RLIMIT_NOFILE, &rl);
		rl.rlim_cur = MIN(want, rl.rlim_max);
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

/* The pipe that everybody logs to.  Both ends do not block: a slow logd makes
 * nobody wait.  We keep both, so that a successor of logd loses nothing. */
static int
open_log_pipe(struct err *err)
{
	int p[2], null;

	if (pipe_high(p) != 0)
		return err_sys(err, "cannot make the log pipe");
	(void)fcntl(p[1], F_SETPIPE_SZ, PIPE_SIZE);
	evutil_make_socket_nonblocking(p[0]);
	evutil_make_socket_nonblocking(p[1]);
	log_read = p[0];
	log_write = p[1];
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (foreground)
		foreground_out = fd_high(dup(STDOUT_FILENO));
	else
		foreground_out = fd_high(fcntl(null, F_DUPFD_CLOEXEC, 0));
	terminal = fd_high(dup(STDERR_FILENO));
	close_fd(null);
	if (null < 0 || foreground_out < 0)
		return err_sys(err, "cannot open /dev/null");
	return 0;
}

/* The parent of daemon mode: waits for the outcome.  Never returns. */
static void NORETURN
wait_for_daemon(int fd, pid_t pid)
{
	char buf[512];
	size_t n = 0;
	ssize_t r;
	int status;

	while (n < sizeof(buf) - 1 && (r = read(fd, buf + n,
	    sizeof(buf) - 1 - n)) != 0) {
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			break;
		n += (size_t)r;
	}
	buf[n] = '\0';
	if (n == 1 && buf[0] == '\0')
		_exit(0);
	if (n == 0) {
		(void)waitpid(pid, &status, 0);
		snprintf(buf, sizeof(buf), "it died before it was ready");
	}
	fprintf(stderr, "master: %s\n", buf);
	/* until it is gone, a new start would find it running */
	(void)waitpid(pid, &status, 0);
	exit(1);
}

static int
daemonize(struct err *err)
{
	int p[2];
	pid_t pid;

	if (pipe_high(p) != 0)
		return err_sys(err, "cannot make a pipe");
	pid = fork();
	if (pid < 0)
		return err_sys(err, "cannot fork");
	if (pid > 0) {
		close(p[1]);
		wait_for_daemon(p[0], pid);
	}
	close(p[0]);
	ready_fd = p[1];
	(void)setsid();
	return 0;
}

static int
detach(struct err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    (!foreground && dup2(null, STDOUT_FILENO) < 0) ||
	    dup2(log_write, STDERR_FILENO) < 0 || chdir("/") != 0)
		return err_sys(err, "cannot detach");
	close(null);
	if (!foreground) {
		close_fd(terminal);
		terminal = -1;
	}
	return 0;
}

static int
prepare(struct err *err)
{
	bool unclean = false;
	int left;
	struct str out = STR_INIT;

	if (check_programs(config, &out) > 0) {
		err_perm(err, "5.3.5", "%.*s", (int)MIN(out.len, (size_t)470),
		    out.s);
		fprintf(stderr, "%s", out.s);
		str_free(&out);
		return err_perm(err, "5.3.5", "not started");
	}
	str_free(&out);
	raise_limits();
	if (dirs_prepare(err) != 0 || lock_take(&unclean, err) != 0)
		return -1;
	left = leftover_end(err);
	if (left < 0)
		return -1;
	unclean |= left > 0;
	return listen_prepare(config, unclean ? REBIND_MS : 0, err) != 0 ||
	    control_open(err) != 0 || open_log_pipe(err) != 0 ? -1 : 0;
}

static int
begin(struct err *err)
{
	static const struct timeval soon = { 0, 1000 };
	struct config *c = config;

	base = event_base_new();
	if (base == NULL)
		return err_temp(err, "4.3.0", "no event loop");
	start_timer = evtimer_new(base, watch_start, NULL);
	if (start_timer == NULL || lock_write_pid(err) != 0 ||
	    watch_signals(err) != 0 || control_start(err) != 0 ||
	    detach(err) != 0)
		return -1;
	started_at = wall_s();
	start_until = mono_ms() + c->start_timeout;
	log_event(LOG_INFO, "starting", KS("instance", common.instance_dir),
	    KI("services", c->services), KEND);
	config = NULL;
	if (service_apply(c, err) != 0)
		return -1;
	event_add(start_timer, &soon);
	return 0;
}

static int
run(void)
{
	struct err err = ERR_INIT;

	if (prepare(&err) != 0 || (!foreground && daemonize(&err) != 0))
		return complain(&err);
	if (begin(&err) != 0) {
		start_over(err.text);
		return complain(&err);
	}
	event_base_dispatch(base);
	start_over("stopped before the start was complete");
	control_close();
	listen_close_all();
	lock_release();
	return exit_code;
}

static int
check_only(void)
{
	struct str out = STR_INIT;
	size_t failed;

	check_tables = true;
	failed = check_programs(config, &out);
	fputs(out.s, stderr);
	str_free(&out);
	return failed > 0 ? 78 : 0;
}

int
main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	bool check = false, dirs = false;
	int c;

	while ((c = getopt(argc, argv, "c:fnDP")) != -1) {
		if (c == 'c')
			conf_dir = optarg;
		else if (c == 'f')
			foreground = true;
		else if (c == 'n')
			check = true;
		else if (c == 'D')
			dirs = true;
		else if (c == 'P')
			return config_print_options(), 0;
		else
			return usage();
	}
	if (optind != argc)
		return usage();
	log_open("master");
	umask(027);
	if (common_load(conf_dir, &err) != 0)
		return complain(&err);
	conf_dir = common.conf_dir;
	log_set_level((enum log_level)common.log_level);
	if (dirs)
		return dirs_prepare(&err) != 0 ? complain(&err) : 0;
	if ((config = config_read(conf_dir, &err)) == NULL)
		return complain(&err);
	return check ? check_only() : run();
}
