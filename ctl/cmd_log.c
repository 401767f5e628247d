/*
 * cmd_log.c - postrider log: the lines of the log file that were asked for.
 *
 * Lines come in the order of their time, so --since needs no look at later
 * ones.  With -f a file that is moved away is followed to its successor.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "conf/conf.h"
#include "ctl.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

enum { LINE_CAP = 65536, FOLLOW_MS = 100, LAST_LINES = 20 };

struct want {
	const char *q, *s, *match;
	char since[40];		/* RFC 3339; "" all */
	uint64_t last;		/* print only so many; 0 all */
	bool follow;
};

/* a ring of the last lines */
struct ring {
	char **line;
	size_t cap, n, at;
};

static volatile sig_atomic_t stop;

static void
on_int(int sig UNUSED)
{
	stop = 1;
}

/* key=value as a word of the line */
static bool
has_pair(struct slice line, const char *key, const char *value)
{
	struct slice word;
	size_t n = strlen(key);

	while (slice_word(&line, &word))
		if (word.n > n && word.p[n] == '=' &&
		    memcmp(word.p, key, n) == 0 &&
		    slice_eqz(slice_sub(word, n + 1, word.n), value))
			return true;
	return false;
}

static bool
wanted(const struct want *w, struct slice line)
{
	size_t n = strlen(w->since);

	if (n > 0 && (line.n < n || memcmp(line.p, w->since, n) < 0))
		return false;
	if (w->q != NULL && !has_pair(line, "q", w->q))
		return false;
	if (w->s != NULL && !has_pair(line, "s", w->s))
		return false;
	return w->match == NULL ||
	    memmem(line.p, line.n, w->match, strlen(w->match)) != NULL;
}

static void
keep(struct ring *r, struct slice line)
{
	free(r->line[r->at]);
	r->line[r->at] = slice_dup(line);
	r->at = (r->at + 1) % r->cap;
	r->n += r->n < r->cap;
}

static void
print_line(struct slice line)
{
	fwrite(line.p, 1, line.n, stdout);
	putchar('\n');
}

static void
flush_ring(struct ring *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		puts(r->line[(r->at + r->cap - r->n + i) % r->cap]);
	for (i = 0; i < r->cap; i++)
		free(r->line[i]);
	free(r->line);
	*r = (struct ring){ 0 };
}

static void
take_line(const struct want *w, struct ring *ring, struct slice line)
{
	if (!wanted(w, line))
		return;
	if (ring->cap > 0)
		keep(ring, line);
	else
		print_line(line);
}

struct source {
	const char *path;
	int fd;
	struct str part;	/* of the last line, whose end is missing */
	ino_t ino;
};

static int
open_source(struct source *s, struct err *err)
{
	struct stat st;

	s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st) != 0)
		return err_sys(err, "cannot read %s", s->path);
	s->ino = st.st_ino;
	return 0;
}

/* all that is there now; 1 something came, 0 nothing */
static int
read_source(struct source *s, const struct want *w, struct ring *ring)
{
	static char buf[LINE_CAP];
	struct slice in, line;
	ssize_t n;
	int any = 0;

	while (!stop && (n = read(s->fd, buf, sizeof(buf))) > 0) {
		in = (struct slice){ buf, (size_t)n };
		any = 1;
		while (in.p != NULL && slice_find(in, '\n') < in.n) {
			slice_cut(&in, '\n', &line);
			str_addsl(&s->part, line);
			take_line(w, ring, slice_str(&s->part));
			str_reset(&s->part);
		}
		if (in.p != NULL && s->part.len + in.n <= LINE_CAP)
			str_addsl(&s->part, in);
	}
	return any;
}

static void
follow(struct source *s, const struct want *w)
{
	struct ring none = { 0 };
	struct err err;
	struct stat st;

	while (!stop) {
		fflush(stdout);
		if (ferror(stdout))
			return;
		poll(NULL, 0, FOLLOW_MS);
		if (read_source(s, w, &none) != 0 || stat(s->path, &st) != 0 ||
		    st.st_ino == s->ino)
			continue;
		/* moved away: the rest of the old one was read */
		close_fd(s->fd);
		str_reset(&s->part);
		if (open_source(s, &err) != 0)
			return;
	}
}

/* --- options --- */

static int
parse_since(const char *arg, struct want *w)
{
	struct str s = STR_INIT;
	int64_t ms;

	if (parse_duration(slice_of(arg), &ms))
		date_3339(&s, wall_us() - ms * 1000);
	else if (strlen(arg) < sizeof(w->since) && strlen(arg) >= 4 &&
	    strspn(arg, "0123456789-:.TZ") == strlen(arg))
		str_adds(&s, arg);
	else
		return fail_usage("--since %s: expected a time such as 10m, "
		    "2h or 2026-11-22T17:43", arg);
	slice_copy(w->since, sizeof(w->since), slice_str(&s));
	str_free(&s);
	return EXIT_OK;
}

static int
parse(int argc, char **argv, struct want *w)
{
	static const struct option longs[] = {
		{ "follow", no_argument, NULL, 'f' },
		{ "lines", required_argument, NULL, 'n' },
		{ "q", required_argument, NULL, 'q' },
		{ "s", required_argument, NULL, 's' },
		{ "since", required_argument, NULL, 't' },
		{ "match", required_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 }
	};
	bool counted = false;
	int c;

	while ((c = next_option(argc, argv, ":fn:", longs)) != -1) {
		if (c == 'f')
			w->follow = true;
		else if (c == 'q')
			w->q = optarg;
		else if (c == 's')
			w->s = optarg;
		else if (c == 'm')
			w->match = optarg;
		else if (c == 't' && parse_since(optarg, w) != EXIT_OK)
			return EXIT_USAGE;
		else if (c == 'n' && !slice_u64(slice_of(optarg), 1000000,
		    &w->last))
			return fail_usage("-n %s: expected a number", optarg);
		else if (c == '?')
			return EXIT_USAGE;
		counted |= c == 'n';
	}
	if (optind < argc)
		return fail_usage("log: what is \"%s\"?", argv[optind]);
	if (!counted && w->q == NULL && w->s == NULL && w->match == NULL &&
	    w->since[0] == '\0')
		w->last = LAST_LINES;
	return EXIT_OK;
}

struct logd {
	const char *to, *file;
};

static int
on_setting(void *ctx, struct slice section UNUSED, struct slice name,
    struct slice value, struct err *err UNUSED)
{
	struct logd *l = ctx;

	if (slice_eqz(name, "to"))
		l->to = arena_slice(&ctl_arena, value);
	else if (slice_eqz(name, "file"))
		l->file = arena_slice(&ctl_arena, value);
	return 0;
}

static int
log_path(struct source *s, struct err *err)
{
	struct logd l = { "file", "mail.log" };
	const char *conf = common_path(common.conf_dir, "logd.conf");

	if (access(conf, F_OK) == 0 &&
	    conf_read(conf, false, on_setting, &l, err) != 0)
		return -1;
	if (strcmp(l.to, "file") != 0)
		return err_perm(err, "5.3.5", "the log goes to %s (logd.conf)",
		    l.to);
	s->path = l.file[0] == '/' ? l.file :
	    common_path(common.log_dir, l.file);
	return 0;
}

int
cmd_log(int argc, char **argv)
{
	struct source s = { .fd = -1, .part = STR_INIT };
	struct want w = { 0 };
	struct ring ring = { 0 };
	struct err err = ERR_INIT;
	int r = parse(argc, argv, &w);

	if (r != EXIT_OK)
		return r;
	if (instance_load(&err) != 0 || log_path(&s, &err) != 0 ||
	    open_source(&s, &err) != 0)
		return fail_err(&err);
	signal(SIGINT, on_int);
	signal(SIGTERM, on_int);
	if (w.last > 0) {
		ring.cap = (size_t)w.last;
		ring.line = xcalloc(ring.cap, sizeof(*ring.line));
	}
	(void)read_source(&s, &w, &ring);
	if (ring.cap > 0)
		flush_ring(&ring);
	if (w.follow)
		follow(&s, &w);
	str_free(&s.part);
	close_fd(s.fd);
	return EXIT_OK;
}
