/*
 * master.h - inside master: what it knows about services and their children.
 *
 * A struct config is one reading of master.conf: never changed once read,
 * freed as a whole.  A struct service lives from its first configuration until
 * it was removed by a reload and its last child has ended; it points into the
 * configuration in force.  Listeners belong to one table keyed by what they
 * listen on, so that a reload keeps those that stay.
 *
 * A generation of a service is what one life pipe reaches: closing its
 * writing end tells exactly these children to finish.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "serve/status.h"

struct event;
struct event_base;

enum { LISTENERS_MAX = 16, SERVICES_MAX = 64 };

enum listen_kind { LISTEN_INET, LISTEN_TLS, LISTEN_PRIVATE, LISTEN_INBOX,
	LISTEN_GATE, LISTEN_LOCAL, LISTEN_PUBLIC };

/* one section of master.conf */
struct service_conf {
	const char *name;
	const char *program, *conf, *user;
	const char *path;	/* of the program, for ever */
	struct strlist listen;
	int64_t process_limit, uses, clients, spare, order, max_idle, backlog;
	int64_t watchdog;
	bool enabled, fsuid_store, reads_log;
};

struct config {
	struct arena arena;
	int64_t stop_timeout, start_timeout, throttle_max, files;
	struct service_conf *service;	/* in the arena */
	size_t services, cap;
};

struct listener {
	struct listener *next;
	char *spec;
	enum listen_kind kind;
	int fd;
	char *path;		/* UNIX kinds */
	bool wanted;		/* by the configuration being applied */
	bool fresh;		/* bound for it */
};

struct generation;
struct child {
	struct child *next;	/* of the service */
	struct child *hash_next;	/* of the table by pid */
	struct service *service;
	struct generation *gen;
	pid_t pid;
	uint32_t slot;		/* of the generation's board */
	bool was_ready;
	bool leaving;		/* of an earlier generation: it said so */
	int64_t started;	/* mono_ms */
	int64_t watchdog;	/* ms; 0: it is not looked at */
	int64_t silent;		/* ms since its last beat */
	uint8_t beats;		/* as of then */
	bool heard;		/* a beat came after its generation's end */
};

struct generation {
	int life;		/* writing end; -1: told to finish */
	int life_read;		/* what children get */
	size_t children;
	int board_fd;
	struct board board;	/* who is idle */
	bool *taken;		/* its slots */
};

struct watch {
	struct service *service;
	struct listener *listener;
	struct event *event;	/* armed while nobody is idle */
};

struct service {
	struct service *next;
	const struct service_conf *conf;	/* NULL: removed by a reload */
	char *name;
	struct watch watch[LISTENERS_MAX];
	size_t watches;
	bool armed;
	struct generation *gen;	/* the one that takes clients; NULL: none */
	struct child *children;	/* of all generations */
	size_t starting, ready;	/* of this generation */
	size_t old;			/* children of earlier ones */
	size_t leaving;			/* ... whose successor may start */
	int status_read, status_write;
	struct event *status;
	struct event *retry;	/* throttle is over, or look again */
	int64_t throttled_until;	/* mono_ms; 0 no */
	int failures;		/* in a row */
	int64_t last_failure;	/* mono_ms */
	int64_t limit_told;	/* mono_ms */
	char why[160];		/* how the last child failed */
	bool stopping;		/* no further children */
	bool reads_log;
	int64_t order;
	int64_t spawned, crashes;
};

extern struct event_base *base;
extern struct config *config;
extern struct service *services;
extern const char *conf_dir;
extern int log_read, log_write, foreground_out;
extern int64_t generation_number, started_at;	/* unix seconds */

/* --- config.c --- */
/* Read and check master.conf: NULL: err with file:line */
struct config *config_read(const char *dir, struct err *err);
void config_free(struct config *c);
const struct service_conf *config_find(const struct config *c,
    const char *name);
void config_print_options(void);

/* --- check.c --- */
/* with what stands in tables, which is no reason not to start */
extern bool check_tables;
/* Run every program's own check of its configuration and append what they
 * complain of, one line each.  How many failed. */
size_t check_programs(const struct config *c, struct str *out);
/* all checks of a reload in a process of its own; done gets the verdict (""
 * is good) from the event loop.  0, or -1: err */
typedef void check_done_fn(const char *text);
int check_start(check_done_fn *done, struct err *err);

/* --- dirs.c --- */
/* make and check the instance's directories; 0, or -1: err */
int dirs_prepare(struct err *err);

/* --- lock.c --- */
/* one master an instance: 0, or -1: err names the other's pid.  *unclean:
 * the last one did not end in order. */
int lock_take(bool *unclean, struct err *err);
int lock_write_pid(struct err *err);	/* after the last fork */
void lock_release(void);		/* removes the pid file */

/* --- leftover.c --- */
/* Of a master that was killed; we hold the lock.  1 there were some, 0, or -1:
 * their master lives */
int leftover_end(struct err *err);

/* --- listen.c --- */
/* is a listener well-formed?  0, or -1 */
int listen_check(const char *spec, struct err *err);
/* Bind what the configuration wants and is not bound yet.  wait_ms: how long
 * to wait for addresses in use.  0, or -1: err, all as it was. */
int listen_prepare(const struct config *c, int wait_ms, struct err *err);
void listen_commit(void);	/* close what is not wanted any more */
struct listener *listen_find(const char *spec);
/* a listening SEQPACKET socket RUN/private/NAME outside the table: fd or -1 */
int listen_private(const char *name, struct err *err);
/* of TCP? */
bool listen_tcp(enum listen_kind kind);
/* clients waiting in a TCP listener's queue; 1 where it can not be known */
unsigned listen_waiting(const struct listener *l);
void listen_close(struct listener *l);
void listen_close_all(void);

/* --- child.c --- */
/* start one child: 0, or -1: err */
int child_spawn(struct service *s, struct err *err);
void child_reap(void);		/* SIGCHLD */
void child_status(struct service *s);	/* the status pipe is readable */
void child_signal_all(struct service *s, int sig);
/* ready children of the generation at work that have no client now */
size_t child_idle(const struct service *s);
void generation_finish(struct service *s);	/* tell it to end */
/* children from now on get another key of seals (proto/seal.h): 0, or -1 */
int child_reseal(struct err *err);

/* --- watchdog.c: children whose loop does not turn are killed --- */
void watchdog_begin(struct child *c);	/* it was started */
void watchdog_told(struct child *c);	/* its generation ends */

/* --- service.c --- */
struct service *service_find(const char *name);
/* take a configuration into force; listeners are bound.  0, or -1: err and
 * nothing has changed */
int service_apply(struct config *c, struct err *err);
void service_sweep(void);	/* forget what was removed and has ended */
/* do what the service needs now: spare children, armed listeners */
void service_update(struct service *s);
void service_finish(struct service *s);	/* no further children; drain */
void service_disarm(struct service *s);
void service_close(struct service *s);	/* its listeners, for good */

/* --- failure.c --- */
/* a child failed (young: soon after its start) or could not be started */
void service_failed(struct service *s, const char *why, bool young);
/* a child is gone: status as of waitpid */
void service_child_gone(struct service *s, const struct child *c, int status);
bool service_ready(const struct service *s);
const char *service_state(const struct service *s);

/* --- stop.c --- */
void stop_begin(const char *why);
bool stop_active(void);
void stop_progress(void);	/* a child has ended */
void stop_hasten(void);		/* asked again: no more waiting */

/* --- control.c --- */
int control_open(struct err *err);	/* binds; before the event loop */
int control_start(struct err *err);
void control_close(void);

/* --- reload.c --- */
/* Check, then replace.  done gets the outcome (NULL: all is new); 0, or -1:
 * err (one is under way) */
typedef void reload_done_fn(void *ctx, const struct err *err);
int reload_begin(reload_done_fn *done, void *ctx, struct err *err);

/* --- notify.c --- */
void notify_send(const char *state);	/* sd_notify(3) protocol */

/* --- fd.c --- */
/* move a descriptor above those that children get; -1 and errno */
int fd_high(int fd);
int pipe_high(int p[2]);

#endif
