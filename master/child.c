/*
 * child.c - starting children and hearing of them.
 *
 * A child's status records may only speak of children of its own service; a
 * service that writes anything else loses its status pipe's credit for that
 * record, nothing more.  What its status board says counts for no more than
 * the children that it has.
 */
#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "master.h"
#include "proto/seal.h"
#include "serve/serve.h"
#include "serve/status.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

enum { HASH = 1024 };

static struct child *by_pid[HASH];
static int seal_fd = -1;

static struct child *
find(pid_t pid)
{
	struct child *c = by_pid[(unsigned)pid % HASH];

	while (c != NULL && c->pid != pid)
		c = c->hash_next;
	return c;
}

static void
add(struct child *c)
{
	struct child **p = &by_pid[(unsigned)c->pid % HASH];

	c->hash_next = *p;
	*p = c;
	c->next = c->service->children;
	c->service->children = c;
	c->gen->children++;
	c->service->starting++;
}

/* the counter of a child of the generation at work, or one of old ones */
static size_t *
counter(const struct child *c)
{
	struct service *s = c->service;

	if (c->gen != s->gen)
		return c->leaving ? &s->leaving : &s->old;
	return c->was_ready ? &s->ready : &s->starting;
}

static void
generation_free(struct generation *g)
{
	close_fd(g->life);
	close_fd(g->life_read);
	close_fd(g->board_fd);
	board_unmap(&g->board);
	free(g->taken);
	free(g);
}

static void
generation_put(struct service *s, struct generation *g)
{
	if (--g->children == 0 && g != s->gen)
		generation_free(g);
}

static void
drop(struct child *c)
{
	struct child **p = &by_pid[(unsigned)c->pid % HASH];

	while (*p != c)
		p = &(*p)->hash_next;
	*p = c->hash_next;
	p = &c->service->children;
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	--*counter(c);
	board_set(&c->gen->board, c->slot, SLOT_FREE);
	c->gen->taken[c->slot] = false;
}

static struct generation *
generation_new(const struct service_conf *conf, struct err *err)
{
	struct generation *g = xcalloc(1, sizeof(*g));
	uint32_t slots = (uint32_t)conf->process_limit;
	int p[2];

	g->life = g->life_read = -1;
	g->board_fd = fd_high(board_make(&g->board, slots,
	    (uint32_t)conf->spare));
	if (g->board_fd < 0 || pipe_high(p) != 0) {
		err_sys(err, "cannot make a generation");
		generation_free(g);
		return NULL;
	}
	g->life_read = p[0];
	g->life = p[1];
	g->taken = xcalloc(slots, sizeof(*g->taken));
	return g;
}

size_t
child_idle(const struct service *s)
{
	if (s->gen == NULL)
		return 0;
	return MIN((size_t)board_idle(&s->gen->board), s->ready);
}

/* there is one: a service has no more children than its process_limit */
static uint32_t
free_slot(const struct generation *g)
{
	uint32_t i = 0;

	while (g->taken[i])
		i++;
	return i;
}

void
generation_finish(struct service *s)
{
	struct generation *g = s->gen;
	struct child *c;

	if (g == NULL)
		return;
	for (c = s->children; c != NULL; c = c->next)
		if (c->gen == g)
			watchdog_told(c);
	s->old += s->starting + s->ready;
	s->starting = s->ready = 0;
	s->gen = NULL;
	close_fd(g->life);
	g->life = -1;
	if (g->children == 0)
		generation_free(g);
}

/* what a child gets of our environment */
static char **
child_env(struct arena *a)
{
	static const char *const keep[] = { "TZ", "ASAN_OPTIONS",
	    "UBSAN_OPTIONS", "LSAN_OPTIONS", "MALLOC_CHECK_",
	    "POSTRIDER_NO_LANDLOCK",
	    /* another malloc, or what tests put before the C library: who
	     * can set it has set it for us, too */
	    "LD_PRELOAD", "POSTRIDER_FAULTS", NULL };
	char **env = arena_alloc(a, (ARRAY_LEN(keep) + 2) * sizeof(*env));
	const char *v;
	size_t i, n = 0;

	env[n++] = arena_strdup(a, "PATH=/usr/bin:/bin");
	for (i = 0; keep[i] != NULL; i++) {
		v = getenv(keep[i]);
		if (v != NULL)
			env[n++] = arena_printf(a, "%s=%s", keep[i], v);
	}
	env[n] = NULL;
	return env;
}

/* a bit for each listener of that kind */
static unsigned
of_kind(const struct service *s, enum listen_kind kind)
{
	unsigned bits = 0;
	size_t i;

	for (i = 0; i < s->watches; i++)
		if (s->watch[i].listener->kind == kind)
			bits |= 1U << i;
	return bits;
}

/* Who makes seals, and who believes them; nobody else, whatever an admin
 * writes into master.conf. */
static bool
gets_seal(const struct service *s)
{
	return seal_fd >= 0 && (strcmp(s->conf->program, "router") == 0 ||
	    strcmp(s->conf->program, "cleanup") == 0);
}

int
child_reseal(struct err *err)
{
	int fd = fd_high(seal_make());

	if (fd < 0)
		return err_sys(err, "cannot make a key of seals");
	close_fd(seal_fd);
	seal_fd = fd;
	return 0;
}

static char **
child_args(const struct service *s, uint32_t slot, struct arena *a)
{
	const struct service_conf *c = s->conf;
	const char *const m[] = {
		arena_printf(a, "service=%s", s->name),
		arena_printf(a, "conf=%s", c->conf),
		arena_printf(a, "user=%s", c->user),
		arena_printf(a, "listeners=%zu", s->watches),
		arena_printf(a, "tls=%u", of_kind(s, LISTEN_TLS)),
		arena_printf(a, "gate=%u", of_kind(s, LISTEN_GATE)),
		arena_printf(a, "slot=%u", (unsigned)slot),
		arena_printf(a, "uses=%lld", (long long)c->uses),
		arena_printf(a, "clients=%lld", (long long)c->clients),
		arena_printf(a, "watchdog=%lldms", (long long)c->watchdog),
		arena_printf(a, "max_idle=%lldms", (long long)c->max_idle),
		arena_printf(a, "fsuid_store=%s", c->fsuid_store ? "yes" :
		    "no"),
		arena_printf(a, "seal=%s", gets_seal(s) ? "yes" : "no"),
	};
	char **argv = arena_alloc(a, (4 + 2 * ARRAY_LEN(m)) * sizeof(*argv));
	size_t i, n = 0;

	argv[n++] = arena_strdup(a, c->program);
	argv[n++] = arena_strdup(a, "-c");
	argv[n++] = arena_strdup(a, conf_dir);
	for (i = 0; i < ARRAY_LEN(m); i++) {
		argv[n++] = arena_strdup(a, "-M");
		argv[n++] = arena_strdup(a, m[i]);
	}
	argv[n] = NULL;
	return argv;
}

static void
child_fds(const struct service *s, posix_spawn_file_actions_t *fa)
{
	size_t i;

	if (s->conf->reads_log) {
		posix_spawn_file_actions_adddup2(fa, log_read, STDIN_FILENO);
		posix_spawn_file_actions_adddup2(fa, foreground_out,
		    STDOUT_FILENO);
	} else {
		posix_spawn_file_actions_addopen(fa, STDIN_FILENO,
		    "/dev/null", O_RDONLY, 0);
		posix_spawn_file_actions_addopen(fa, STDOUT_FILENO,
		    "/dev/null", O_WRONLY, 0);
	}
	posix_spawn_file_actions_adddup2(fa, log_write, STDERR_FILENO);
	posix_spawn_file_actions_adddup2(fa, s->status_write, STATUS_FD);
	posix_spawn_file_actions_adddup2(fa, s->gen->life_read, LIFE_FD);
	posix_spawn_file_actions_adddup2(fa, s->gen->board_fd, BOARD_FD);
	for (i = 0; i < s->watches; i++)
		posix_spawn_file_actions_adddup2(fa, s->watch[i].listener->fd,
		    LISTEN_FD + (int)i);
	if (gets_seal(s))
		posix_spawn_file_actions_adddup2(fa, seal_fd,
		    LISTEN_FD + (int)s->watches);
}

/* default signals, none blocked, a process group of its own: a ^C at the
 * terminal reaches master alone */
static void
child_attr(posix_spawnattr_t *at)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setflags(at, POSIX_SPAWN_SETPGROUP |
	    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(at, 0);
	posix_spawnattr_setsigmask(at, &none);
	posix_spawnattr_setsigdefault(at, &all);
}

static int
run(const struct service *s, uint32_t slot, pid_t *pid)
{
	struct arena a = { 0 };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	int r;

	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&at);
	child_fds(s, &fa);
	child_attr(&at);
	r = posix_spawn(pid, s->conf->path, &fa, &at,
	    child_args(s, slot, &a), child_env(&a));
	posix_spawnattr_destroy(&at);
	posix_spawn_file_actions_destroy(&fa);
	arena_free(&a);
	return r;
}

int
child_spawn(struct service *s, struct err *err)
{
	struct child *c;
	uint32_t slot;
	pid_t pid;
	int r;

	if (s->gen == NULL && (s->gen = generation_new(s->conf, err)) == NULL)
		return -1;
	slot = free_slot(s->gen);
	board_set(&s->gen->board, slot, SLOT_FREE);
	r = run(s, slot, &pid);
	if (r != 0) {
		errno = r;
		return err_sys(err, "cannot start %s", s->conf->program);
	}
	c = xcalloc(1, sizeof(*c));
	c->service = s;
	c->gen = s->gen;
	c->pid = pid;
	c->slot = slot;
	s->gen->taken[slot] = true;
	c->started = mono_ms();
	add(c);
	watchdog_begin(c);
	s->spawned++;
	return 0;
}

static void
take(struct service *s, const struct status_msg *m)
{
	struct child *c = find(m->pid);

	if (c == NULL || c->service != s)
		return;		/* it died meanwhile, or lies */
	--*counter(c);
	if (m->what == STATUS_READY)
		c->was_ready = true;
	else if (m->what == STATUS_LEAVING && c->gen != s->gen)
		c->leaving = true;
	++*counter(c);
}

void
child_status(struct service *s)
{
	struct status_msg m[512];
	ssize_t n;
	size_t i;

	n = read(s->status_read, m, sizeof(m));
	for (i = 0; n > 0 && i < (size_t)n / sizeof(m[0]); i++)
		take(s, &m[i]);
	service_update(s);
}

void
child_signal_all(struct service *s, int sig)
{
	const struct child *c;

	for (c = s->children; c != NULL; c = c->next)
		(void)kill(sig == SIGKILL ? -c->pid : c->pid, sig);
}

static void
gone(struct child *c, int status)
{
	struct service *s = c->service;

	drop(c);
	service_child_gone(s, c, status);
	generation_put(s, c->gen);
	free(c);
	service_update(s);
}

void
child_reap(void)
{
	struct child *c;
	struct service *s;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		c = find(pid);
		if (c == NULL)
			continue;
		s = c->service;
		/* what it said last counts: it may have become ready */
		child_status(s);
		gone(c, status);
	}
	service_sweep();
	stop_progress();
}
