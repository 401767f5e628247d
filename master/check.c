/*
 * check.c - every program checks its own configuration (-n) before a start or
 * a reload: nothing is replaced by what would not start.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "master.h"

#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

enum { PROGRAM_MS = 10000, OUTPUT_MAX = 16384, AT_A_TIME = 4 };

extern char **environ;

bool check_tables;

static int
spawn_check(const struct service_conf *s, int out, pid_t *pid)
{
	char *service = xasprintf("service=%s", s->name);
	char *conf = xasprintf("conf=%s", s->conf);
	char *const argv[] = { (char *)s->program, (char *)"-n",
	    (char *)"-c", (char *)conf_dir, (char *)"-M", service,
	    (char *)"-M", conf, (char *)"-M", (char *)(check_tables ?
	    "tables=yes" : "tables=no"), NULL };
	posix_spawn_file_actions_t fa;
	int r;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null",
	    O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&fa, out, STDERR_FILENO);
	r = posix_spawn(pid, s->path, &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	free(service);
	free(conf);
	return r;
}

/* all output of the child, until its end or the deadline (then false) */
static bool
read_output(int fd, struct str *out)
{
	int64_t until = mono_ms() + PROGRAM_MS;
	struct pollfd p = { fd, POLLIN, 0 };
	char buf[4096];
	ssize_t n;

	for (;;) {
		int64_t left = until - mono_ms();

		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return false;
		n = read(fd, buf, sizeof(buf));
		if (n == 0 || (n < 0 && errno != EINTR))
			return true;
		if (n > 0 && out->len + (size_t)n <= OUTPUT_MAX)
			str_add(out, buf, (size_t)n);
	}
}

/* one line each, and each only once: common.conf is read by everybody */
static void
add_lines(struct str *out, const char *name, const struct str *said)
{
	struct slice rest = slice_str(said), line;
	struct str one = STR_INIT;

	while (slice_cut(&rest, '\n', &line)) {
		line = slice_trim(line);
		if (line.n == 0)
			continue;
		str_reset(&one);
		str_addsl(&one, line);
		str_addc(&one, '\n');
		if (strstr(out->s, one.s) == NULL)
			str_addsl(out, slice_str(&one));
	}
	if (said->len == 0)
		str_addf(out, "[%s]: the program failed without a word\n",
		    name);
	str_free(&one);
}

/* a check under way; fd -1: it could not begin, which is said */
struct running {
	pid_t pid;
	int fd;
};

static struct running
begin_check(const struct service_conf *s, struct str *out)
{
	struct running run = { -1, -1 };
	int p[2], r;

	if (pipe_high(p) != 0) {
		str_addf(out, "cannot make a pipe: %s\n", strerror(errno));
		return run;
	}
	r = spawn_check(s, p[1], &run.pid);
	close(p[1]);
	if (r == 0) {
		run.fd = p[0];
		return run;
	}
	str_addf(out, "[%s]: cannot run %s: %s\n", s->name, s->path,
	    strerror(r));
	close(p[0]);
	return run;
}

static bool
end_check(const struct service_conf *s, struct running run, struct str *out)
{
	struct str said = STR_INIT;
	int status = -1;

	if (run.fd < 0)
		return false;
	if (!read_output(run.fd, &said)) {
		kill(run.pid, SIGKILL);
		str_adds(&said, "the check took too long\n");
	}
	close(run.fd);
	while (waitpid(run.pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status != 0)
		add_lines(out, s->name, &said);
	str_free(&said);
	return status == 0;
}

/* Some at a time, told in their order.  Their pipes are close-on-exec, so none
 * waits for the end of another's. */
size_t
check_programs(const struct config *c, struct str *out)
{
	struct running run[AT_A_TIME];
	size_t on[AT_A_TIME], begun = 0, ended = 0, failed = 0, i, k;

	for (i = 0; i < c->services || ended < begun;) {
		if (i < c->services && !c->service[i].enabled) {
			i++;
		} else if (i < c->services && begun - ended < AT_A_TIME) {
			k = begun++ % AT_A_TIME;
			on[k] = i++;
			run[k] = begin_check(&c->service[on[k]], out);
		} else {
			k = ended++ % AT_A_TIME;
			failed += !end_check(&c->service[on[k]], run[k], out);
		}
	}
	return failed;
}

/* --- in a process of its own, so that the hub does not wait --- */

#define GOOD "\1good\n"

static struct event *verdict;
static check_done_fn *report;
static struct str text = STR_INIT;

/* common.conf says where things are; a running master can not move them */
static int
check_fixed(const struct common *old, struct err *err)
{
	if (strcmp(old->run_dir, common.run_dir) != 0)
		return err_perm(err, "5.3.5", "%s/common.conf: run_dir can "
		    "not be changed by a reload; stop and start", conf_dir);
	return 0;
}

static void
check_all(struct str *out)
{
	struct common old = common;
	struct err err = ERR_INIT;
	struct config *c = NULL;

	if (common_load(conf_dir, &err) != 0 || check_fixed(&old, &err) != 0 ||
	    (c = config_read(conf_dir, &err)) == NULL)
		str_adds(out, err.text);
	else if (check_programs(c, out) == 0)
		str_adds(out, GOOD);
	config_free(c);
}

static void
on_verdict(evutil_socket_t fd, short what UNUSED, void *ctx UNUSED)
{
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n > 0 && text.len + (size_t)n <= OUTPUT_MAX)
		str_add(&text, buf, (size_t)n);
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	event_free(verdict);
	verdict = NULL;
	close(fd);
	if (strcmp(text.s, GOOD) == 0)
		str_reset(&text);
	else if (text.len == 0)
		str_adds(&text, "the check of the configuration died");
	report(text.s);
}

static void NORETURN
check_child(int out)
{
	struct str s = STR_INIT;

	signal(SIGCHLD, SIG_DFL);
	check_all(&s);
	_exit(full_write(out, s.s, s.len) == 0 ? 0 : 1);
}

int
check_start(check_done_fn *done, struct err *err)
{
	int p[2];
	pid_t pid;

	if (verdict != NULL)
		return err_temp(err, "4.3.0", "a reload is under way");
	if (pipe_high(p) != 0)
		return err_sys(err, "cannot make a pipe");
	pid = fork();
	if (pid == 0)
		check_child(p[1]);
	close(p[1]);
	if (pid < 0) {
		err_sys(err, "cannot fork");
		close(p[0]);
		return -1;
	}
	str_reset(&text);
	report = done;
	evutil_make_socket_nonblocking(p[0]);
	verdict = event_new(base, p[0], EV_READ | EV_PERSIST, on_verdict,
	    NULL);
	if (verdict == NULL || event_add(verdict, NULL) != 0)
		die("out of memory");
	return 0;
}
