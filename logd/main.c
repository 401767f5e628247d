/*
 * logd - reads the log pipe (fd 0, made and kept by master) and writes what
 * comes to a file, standard output or the system's log, each line behind its
 * time.  It never looks into a line.
 *
 * One write a batch: after a batch the pipe is left alone for a moment, so
 * that the lines of many writers go out together.  What can not be written is
 * dropped and counted; nobody ever waits for the log.
 */
#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "lines.h"
#include "serve/hub.h"
#include "sink.h"

#include <event2/event.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { READ_MAX = 256 * 1024, BATCH_MS = 10, ORPHAN_S = 60 };

static struct logd_conf {
	int to;			/* enum sink_kind */
	const char *file;
	int64_t check;
} conf;

static const struct field fields[] = {
	F_ENUM(struct logd_conf, to, "file", SINK_KINDS,
	    "where lines go: a file, master's standard output, syslog"),
	F_STR(struct logd_conf, file, "mail.log",
	    "name of the file; below log_dir unless it begins with /"),
	F_TIME(struct logd_conf, check, "1s", "100ms", "1h",
	    "how often to see whether the file was moved away"),
	F_END
};

static struct sink sink;
static struct lines lines;
static struct event *readable, *pause_over, *check_due;
static struct str own = STR_INIT;	/* lines of logd itself */
static size_t own_lines;
static pid_t parent;
static int64_t orphan_until;		/* mono_ms; 0: master lives */

static void
add_prefix(struct str *out)
{
	if (conf.to == SINK_SYSLOG) {
		str_adds(out, "<22>");		/* mail.info */
		return;
	}
	date_3339(out, wall_us());
	str_addc(out, ' ');
}

/* Who writes again first says how much is missing.  false: these lines are
 * lost too; err is set at the first loss only. */
static bool
put_lines(struct slice text, size_t count, struct err *err)
{
	uint64_t lost;

	if (!sink_write(&sink, text, count, &lost, err))
		return false;
	if (lost > 0)
		log_event(LOG_WARN, "log_resumed", KU("dropped", lost), KEND);
	return true;
}

static void
flush_own(void)
{
	struct err err = ERR_INIT;
	struct str text = own;
	size_t count = own_lines;

	if (count == 0)
		return;
	own = (struct str)STR_INIT;	/* there may be one more on the way */
	own_lines = 0;
	(void)put_lines(slice_str(&text), count, &err);
	str_free(&text);
}

/* Our own lines do not go through the pipe: it may be full.  They go at once,
 * for one may be the last; without a file they wait for it. */
static void
own_line(const char *line, size_t n)
{
	if (own.len < READ_MAX) {
		add_prefix(&own);
		str_add(&own, line, n);
		own_lines++;
	}
	if (sink.fd >= 0)
		flush_own();
}

static void
write_batch(struct str *batch, size_t count)
{
	struct err err = ERR_INIT;
	bool first = sink.dropped == 0;

	if (count > 0 && !put_lines(slice_str(batch), count, &err) && first)
		log_event(LOG_ERROR, "log_lost", KERR(&err), KEND);
	flush_own();
}

/* One batch off the pipe: 1, 0 nothing there, -1 all writers are gone. */
static int
take_batch(void)
{
	static char buf[READ_MAX];
	static struct str batch = STR_INIT;
	char stamp[64];
	struct str prefix = STR_INIT;
	struct slice p;
	ssize_t n;

	n = read(STDIN_FILENO, buf, sizeof(buf));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	add_prefix(&prefix);
	slice_copy(stamp, sizeof(stamp), slice_str(&prefix));
	str_free(&prefix);
	p = slice_of(stamp);
	str_reset(&batch);
	if (n == 0) {
		write_batch(&batch, lines_finish(&lines, p, &batch));
		return -1;
	}
	write_batch(&batch, lines_feed(&lines,
	    (struct slice){ buf, (size_t)n }, p, &batch));
	return 1;
}

static void
on_readable(evutil_socket_t fd UNUSED, short what UNUSED, void *ctx UNUSED)
{
	static const struct timeval pause = { 0, BATCH_MS * 1000 };

	if (take_batch() < 0)
		hub_exit();
	else
		event_add(pause_over, &pause);
}

static void
on_pause_over(evutil_socket_t fd UNUSED, short what UNUSED, void *ctx UNUSED)
{
	hub_watch(readable);
}

/* Our fd 2 is the log pipe's writing end: while we hold it, its end is never
 * seen.  What a sanitizer or libc says goes straight into the file. */
static void
release_pipe(void)
{
	(void)dup2(sink.fd >= 0 ? sink.fd : STDOUT_FILENO, STDERR_FILENO);
}

static void
on_check(evutil_socket_t fd UNUSED, short what UNUSED, void *ctx UNUSED)
{
	static bool told;
	struct err err = ERR_INIT;
	int r = sink_check(&sink, &err);

	if (r < 0 && !told)
		log_event(LOG_ERROR, "log_unopened", KERR(&err), KEND);
	if (r > 0) {
		release_pipe();
		log_event(LOG_INFO, "log_opened", KS("path", sink.path), KEND);
	}
	told = r < 0;
	flush_own();
	if (orphan_until != 0 && mono_ms() > orphan_until)
		hub_exit();
}

/*
 * A reload or stop: take what is there and go; master keeps the pipe for our
 * successor.  Where master has died, sessions may still be finishing: stay
 * until the last of them has closed the pipe.
 */
static void
drain(void)
{
	if (getppid() != parent) {
		orphan_until = mono_ms() + ORPHAN_S * 1000;
		return;
	}
	while (take_batch() > 0)
		;
	hub_exit();
}

static int
before_jail(struct err *err UNUSED)
{
	const char *path = conf.file;

	if (path[0] != '/')
		path = xasprintf("%s/%s", common.log_dir, conf.file);
	sink_init(&sink, (enum sink_kind)conf.to, path);
	parent = getppid();
	umask(027);		/* the group may read the log */
	if (conf.to == SINK_FILE) {
		const char *slash = strrchr(path, '/');
		char *dir = xasprintf("%.*s", (int)(slash - path), path);

		jail_path(dir, PATH_ALL);
		free(dir);
	}
	return 0;
}

/* as the log user, so that the file is its own */
static int
start(struct err *err)
{
	struct timeval tv = { conf.check / 1000, conf.check % 1000 * 1000 };
	struct err e = ERR_INIT;

	if (fcntl(STDIN_FILENO, F_SETFL, O_RDONLY | O_NONBLOCK) != 0)
		return err_sys(err, "fd 0 is not the log pipe");
	log_set_sink(own_line);
	if (sink_open(&sink, &e) != 0)
		log_event(LOG_ERROR, "log_unopened", KERR(&e), KEND);
	release_pipe();
	readable = event_new(hub_base, STDIN_FILENO, EV_READ, on_readable,
	    NULL);
	pause_over = evtimer_new(hub_base, on_pause_over, NULL);
	check_due = event_new(hub_base, -1, EV_PERSIST, on_check, NULL);
	if (readable == NULL || pause_over == NULL || check_due == NULL ||
	    event_add(readable, NULL) != 0 || event_add(check_due, &tv) != 0)
		return err_temp(err, "4.3.0", "cannot wait for the log pipe");
	return 0;
}

static const struct verb verbs[] = { { 0 } };

static const struct daemon logd = {
	.name = "logd",
	.kind = SERVE_EVENT,
	.fields = fields,
	.conf = &conf,
	.before_jail = before_jail,
	.start = start,
	.drain = drain,
	.run = hub_run,
	.verbs = verbs,
	.jail = { .groups = JAIL_FILES | JAIL_WRITE | JAIL_UNIX | JAIL_EPOLL },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &logd);
}
