/*
 * serve.h - what all programs have in common, once: options, configuration,
 * logging, signals, the status pipe to master, taking clients, becoming the
 * right user, the jail.  A program is a `static const struct daemon` and
 * `return serve_main(argc, argv, &smtpd);`.
 *
 * Started by master: fd 2 is the log pipe, STATUS_FD the status pipe,
 * LIFE_FD a pipe that hangs up when this generation must end (reload, stop or
 * master's death), BOARD_FD the status board (status.h), listeners follow
 * from LISTEN_FD, and behind them, for two programs, the key of seals
 * (proto/seal.h).  `-M name=value` gives struct launch.  By hand: `-P` prints
 * the options, `-n` checks the configuration, `-J` enters the jail and reports
 * what is possible inside (of a session: in the mailbox DOMAIN/LOCALPART that
 * may follow), `--stdio` (SERVE_USER) serves the caller on its standard input
 * and output.
 *
 * Order: configuration -> before_jail (open what is needed) -> set ids ->
 * Landlock -> seccomp -> the first byte of input.  No jail, no service.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include "base/io.h"
#include "ipc/ipc.h"
#include "serve/jail.h"

enum { STATUS_FD = 3, LIFE_FD = 4, BOARD_FD = 5, LISTEN_FD = 6 };
enum { IDLE_MS = 100 };	/* a client that is silent so long is idle */

enum serve_kind {
	SERVE_CLIENT,	/* one stream client at a time, blocking */
	SERVE_USER,	/* one hand-over; becomes its user, or forks */
	SERVE_REQUEST,	/* IPC requests, one at a time, of many connections */
	SERVE_EVENT,	/* a hub: libevent loop, IPC and what it adds itself */
};

struct sockaddr;
struct tls_facts;		/* serve/tls.h */
struct tls_conf;
struct gate_facts;		/* proto/gate.h */

/* how a client got here; strings live as long as the session */
struct peer {
	int fd;
	char addr[64];		/* "192.0.2.1", "2001:db8::1", "unix" */
	char local_addr[64];
	int port, local_port;
	uid_t uid;		/* UNIX clients: SO_PEERCRED, else -1 */
	pid_t pid;
	bool tls;
	struct tls_facts *facts;	/* serve/tls.h; NULL: no TLS.  After a
				 * hand-over only what a log wants */
	const struct gate_facts *gate;	/* NULL: it came by no gate */
	bool greeted;		/* by the gate: what it said is there */
	char id[9];		/* session id, also in every log line */
};

/* from a connected socket: who is there, with a new session id */
void peer_fill(struct peer *peer, int fd);
/* is the client on this machine? */
bool peer_here(const struct peer *peer);

/* the user of a SERVE_USER session */
struct session_user {
	const char *name;	/* full address */
	const char *mailbox;	/* DOMAIN/LOCALPART below mail_dir, or "" */
	const char *home;	/* mail root: the directory above Maildir */
	uid_t uid;
	gid_t gid;
	uint64_t quota;		/* bytes, 0 none */
	const char *state;	/* from the login program: not trusted */
	bool preauth;		/* --stdio: no login came before */
};

struct call;
typedef int verb_fn(struct call *c, const void *in, void *out,
    struct err *err);

/* who may send a verb: roles by uid (all are equal in single-uid mode);
 * root and the owner of the instance may send every verb */
enum { PEER_ADMIN = 0, PEER_NET = 1 << 1, PEER_QUEUE = 1 << 2,
	PEER_MAPS = 1 << 3, PEER_STORE = 1 << 4, PEER_AUTH = 1 << 5,
	PEER_LOG = 1 << 6, PEER_TLS = 1 << 7, PEER_KEY = 1 << 8,
	PEER_LIMIT = 1 << 9, PEER_OUT = 1 << 10, PEER_STS = 1 << 11,
	PEER_FILTER = 1 << 12, PEER_SUITE = 0x1ffe, PEER_ANY = 1 << 16 };

struct verb {
	const struct verb_def *def;
	verb_fn *fn;
	unsigned peers;		/* PEER_... of those who may */
};

/* One request being answered.  The verb function returns 0 (ok is sent with
 * out), -1 (err is sent), or CALL_LATER: answered later, exactly once, by
 * hub_ok or hub_err (hub.h), request_ok or request_err (request.h). */
enum { CALL_LATER = 2 };
struct call {
	const struct verb_def *def;
	int sock;
	int fd;			/* received; set to -1 to keep it */
	int out_fd;		/* sent with the ok and closed; -1 none */
	void *conn;		/* of the connection: see conn_open */
	struct arena *arena;	/* reset after each request */
	struct ipc_cred peer;
	struct hub_conn *hub;	/* hubs only */
	/* the skeleton's own */
	int (*more)(struct call *c, const void *rec, struct err *err);
	int slot;
	uint64_t serial;
	uint64_t *once;	/* VERB_ONCE: rows of the table that were used */
};
/* one `more` record; 0, or -1 where the caller is gone */
int call_more(struct call *c, const void *more, struct err *err);

struct daemon {
	const char *name;
	enum serve_kind kind;
	const struct field *fields;	/* of its own conf file; NULL none */
	void *conf;
	/* reads that file, where it has sections; NULL: conf_load does.  0,
	 * or -1 */
	int (*load)(const char *path, struct arena *a, struct err *err);
	/* configuration loaded, still privileged: open files, name the paths
	 * of the jail; may be NULL.  0 or -1 */
	int (*before_jail)(struct err *err);
	/* inside the jail, before the first client; may be NULL */
	int (*start)(struct err *err);
	/* SERVE_CLIENT */
	void (*client)(struct io *io, struct peer *peer);
	/* SERVE_CLIENT: its options of TLS, and the service that tlsd is told
	 * of; NULL: no listener of it can begin with TLS */
	const struct tls_conf *tls;
	const char *(*tls_service)(void);
	/* SERVE_USER: called as the user, inside its own jail */
	void (*user)(struct io *io, struct peer *peer,
	    const struct session_user *user);
	/* SERVE_USER: open what the session keeps of the suite; before it is
	 * the user, who can reach none of it.  May be NULL */
	void (*user_open)(const struct session_user *user);
	/* SERVE_USER: name the paths of the user's jail */
	void (*user_jail)(const struct session_user *user);
	/* SERVE_REQUEST, SERVE_EVENT: ends with { 0 } */
	const struct verb *verbs;
	/* state of a connection, from its start to its end; NULL: none */
	void *(*conn_open)(const struct ipc_cred *peer);
	void (*conn_close)(void *conn);
	/* SERVE_REQUEST: is something under way that the end of this
	 * generation must not cut off?  NULL: never */
	bool (*conn_busy)(void *conn);
	/* SERVE_REQUEST: called once before waiting, after all requests that
	 * had arrived were answered.  SERVE_CLIENT: called once when no
	 * client has come for IDLE_MS since the last.  May be NULL */
	void (*idle)(void);
	/* SERVE_REQUEST: mono_ms at which `idle` is called although nothing
	 * came; 0 never.  May be NULL */
	int64_t (*wake)(void);
	/* SERVE_REQUEST: after answers that were held back, requests of so many
	 * ms gather before the next are read; who comes after a pause waits for
	 * nothing.  0: no */
	int gather_ms;
	/* SERVE_EVENT: callers taken at a time, so that several processes of
	 * a service share them, and messages of one; 0: all that wait.  1 also
	 * spares a look for a second where none comes before the answer */
	int burst;
	/* SERVE_EVENT: a client of a TCP listener, whose descriptor is the
	 * hub's from then on and blocks; NULL: all listeners are for IPC */
	void (*stream)(int fd, const struct sockaddr *from, bool tls);
	/* SERVE_EVENT: asked to end (life pipe, SIGTERM): finish what is under
	 * way and call hub_exit; NULL: the loop ends at once */
	void (*drain)(void);
	/* its drain has a limit: the first SIGTERM does not cut it short */
	bool drain_limited;
	/* SERVE_EVENT: hub_run of serve/hub.h (only hubs link libevent) */
	int (*run)(const struct daemon *d);
	/* further checks of the configuration, also for -n; may be NULL */
	int (*check)(struct err *err);
	/* for -n alone: what is wrong, but no reason not to run, as one row
	 * of a table; may be NULL */
	int (*check_rows)(struct err *err);
	struct jail jail;
	bool keep_root;		/* stays root: system (of local), auth-pam */
	bool user_root;		/* SERVE_USER: root until the hand-over */
	unsigned caps;		/* of these two: 1 << CAP_..., what root keeps;
				 * 0: CAPS_BECOME */
};

/* CAP_KILL, CAP_SETGID, CAP_SETUID: to become another, and to end who did */
enum { CAPS_BECOME = 1 << 5 | 1 << 6 | 1 << 7 };
/* As root: the process keeps these capabilities of all, and where bound is
 * set no program that it runs gets more.  Others have none: 0.  0 or -1 */
int serve_keep_caps(unsigned caps, bool bound, struct err *err);

/* what master tells a child (-M name=value) */
struct launch {
	const char *service;	/* section of master.conf */
	const char *conf;	/* its file in the conf directory; "" none */
	const char *user;	/* role */
	int64_t listeners;	/* from LISTEN_FD */
	int64_t tls;		/* a bit for each that begins with TLS */
	int64_t gate;		/* and for each whose clients come by a gate */
	int64_t slot;		/* of the board */
	int64_t uses;		/* clients before exit; 0: no end */
	int64_t clients;	/* SERVE_REQUEST: connections at a time;
				 * SERVE_USER: sessions, forked if over 1 */
	bool fsuid_store;	/* cleanup: create files as the store user */
	bool tables;		/* -n looks into tables, too */
	bool seal;		/* the key of seals is behind the listeners */
	int64_t watchdog;	/* ms: a loop that does not turn for so long
				 * has hung; 0: nobody looks */
	int64_t max_idle;	/* ms without a client before exit; 0 never */
};
extern struct launch launch;
extern const struct field launch_fields[];

/* readable once SIGTERM came: for io_wake_on of who speaks to others */
int serve_end_fd(void);
bool serve_stopping(void);	/* it came */
/* As if it came, for who can serve nobody any more; a jail has no raise(3). */
void serve_end(void);

int serve_main(int argc, char **argv, const struct daemon *d);

/* what master knows of us (status.h): ready once, after start; a client more
 * is not taken, or taken again */
void status_ready(void);
void status_busy(void);
void status_idle(void);
/* From a drain: a successor may start, though we are the only one. */
void status_leaving(void);

/* For sessions: a line protocol's loop.  See cmdloop.h. */

#endif
