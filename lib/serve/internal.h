/*
 * internal.h - inside lib/serve: what the four skeletons share.
 */
#ifndef SERVE_INTERNAL_H
#define SERVE_INTERNAL_H

#include <sys/socket.h>

#include "serve/gate.h"
#include "serve/serve.h"

enum wait_result { WAIT_READY, WAIT_DRAIN, WAIT_IDLE };

/* eventfd that becomes readable on SIGTERM: sessions say good-bye */
extern int serve_stop_fd;

/* Wait until a listener is readable, master wants the end, or nothing came
 * for timeout_ms (0: for ever). */
enum wait_result serve_wait(int64_t timeout_ms);
/* Accept from any listener that serve_wait found ready: its descriptor, or
 * -1. */
struct arrival {
	bool tls;		/* the session begins with TLS */
	bool gated;		/* gate is filled, its fd is the client */
	struct gate_arrival gate;
	/* not gated, of a TCP listener: */
	const struct tcp_listener *tcp;
	struct sockaddr_storage from;
};
/* of a listener, when the first client comes */
struct tcp_listener {
	bool tcp, asked;
	bool options;		/* its clients have the options of arrive() */
	bool any;		/* it has many addresses */
	char addr[64];		/* else this one */
	int port;
};
/* as peer_fill, but for what is known already; the client's reads end after
 * IDLE_MS from then on where it came by TCP */
void serve_arrived(struct peer *peer, struct io *io, int fd,
    const struct arrival *a);
int serve_accept(struct arrival *a);
/* a bit of launch.tls or launch.gate */
bool serve_is(int64_t bits, int listener);
/* accept from this one; flags of accept4 besides SOCK_CLOEXEC.  -1, errno */
int serve_take(int listener, int flags);
/* is it for want of descriptors or memory that none could be taken? */
bool serve_short(void);
/* before the first wait: it ends with WAIT_READY where fd is readable, too */
void serve_watch_also(int fd);
bool serve_draining(void);	/* this generation ends */
/* become the role that master names */
int serve_role(const struct daemon *d, struct err *err);
/* Groups, gid, uid, no way back: 0 or -1.  Only a role has the suite's group,
 * by which sockets are reached: a session has the uid of its mailbox, which may
 * be the store's, and no business with any. */
enum { BECOME_ROLE = 1, BECOME_FSUID_STORE = 2 };
int serve_become(uid_t uid, gid_t gid, unsigned how, struct err *err);

int status_open(struct err *err);	/* 0 or -1 */
/* a loop has turned: launch.watchdog */
void status_beat(void);
/* may an idle child end, without master having to start another? */
bool status_spare(void);
void status_close(void);		/* a session's user shall not have it */

/* what only the start needed goes */
void serve_settle(void);

int serve_clients(const struct daemon *d);
int serve_users(const struct daemon *d);
int serve_nursery(const struct daemon *d);
/* One session, or a refusal: either way the ids may have changed.  nursery:
 * the process whose death ends it, 0 none */
void serve_handover(const struct daemon *d, int sock, pid_t nursery);
/* --stdio: the caller's own session, to its end: 0 or -1 */
int serve_stdio(const struct daemon *d, struct err *err);
/* the jail of a session with that uid */
struct jail serve_session_jail(const struct daemon *d, uid_t uid);
/* for -J: the jail of a session in that mailbox, as the store user */
int serve_probe_user(const struct daemon *d, const char *mailbox,
    struct err *err);
int serve_requests(const struct daemon *d);

/* the row of that name, or NULL; builtin ping included */
const struct verb *verb_find(const struct daemon *d, const char *name);
/* -J: who may send which, a line each: "verb NAME<tab>root net" */
void verb_print(const struct daemon *d);
bool verb_allowed(const struct verb *v, const struct ipc_cred *peer);
/* Decode, check, call.  Returns what the verb function returned, or -1 with
 * err; *fatal: the channel must be closed. */
int verb_run(const struct daemon *d, struct call *c, struct ipc_msg *m,
    void **out, bool *fatal, struct err *err);

#endif
