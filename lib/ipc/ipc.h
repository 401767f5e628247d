/*
 * ipc.h - requests between programs: AF_UNIX SOCK_SEQPACKET, one message is
 * one sendmsg of at most 64 KiB, `verb=NAME\0name=value\0...`, with at most
 * one file descriptor.
 *
 * Each interface is a table of struct verb_def in lib/proto/NAME.h, used by
 * caller, server and `postrider call`.  Fields are order-free, unknown ones
 * are ignored, missing ones take their default or are an error.
 * A reply's verb is `ok`, `err` (kind, dsn, text) or, before them, any
 * number of `more`.  Bad input on a channel closes that channel.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include "base/field.h"

enum { IPC_MAX = 65536 };	/* bytes of one message */

struct verb_def {
	const char *name;
	const struct field *in;		/* NULL: no fields */
	size_t in_size;
	const struct field *out;	/* of the final ok; NULL: none */
	size_t out_size;
	const struct field *more;	/* of each more; NULL: never sent */
	size_t more_size;
	unsigned flags;
	const char *doc;
};
enum {
	VERB_FD_IN = 1,		/* the request must carry a descriptor */
	VERB_FD_OUT = 2,	/* the ok may carry a descriptor */
	VERB_NO_REPLY = 4,	/* never answered; errors show up later */
	VERB_ONCE = 8,		/* once a connection */
	VERB_AGAIN = 16,	/* harmless twice: ipc_call may repeat it */
	VERB_UNREAD = 32,	/* needs nothing said before: ipc_call may
				 * repeat what was certainly not read */
};
extern const struct verb_def verb_ping;	/* every daemon answers it */

/* Connect to the socket at path within timeout_ms (a full backlog waits).
 * fd >= 0, or -1: err_temp. */
int ipc_connect(const char *path, int timeout_ms, struct err *err);

/* Send one message; fd -1: none; the fd stays the caller's.  Blocks until
 * the peer takes it, at most timeout_ms.  0, or -1 (also where it would be
 * over IPC_MAX: err_perm). */
int ipc_send(int sock, const char *verb, const struct field *t,
    const void *rec, int fd, int timeout_ms, struct err *err);

/* A received message: strings of decoded records point into buf. */
struct ipc_msg {
	char *buf;		/* malloced once, IPC_MAX + 1 bytes */
	size_t len;
	const char *verb;
	int fd;			/* received descriptor or -1; yours to take */
};
void ipc_msg_init(struct ipc_msg *m);
void ipc_msg_free(struct ipc_msg *m);	/* closes fd */
/* 1 a message, 0 the peer closed (errno: ECONNRESET where it had not read all
 * that we sent), -1: err (temp: timeout; perm: malformed,
 * close the channel).  timeout_ms: -1 for ever, 0 do not wait (then no
 * message is err_temp "no message" with err->dsn "again"). */
int ipc_recv(int sock, struct ipc_msg *m, int timeout_ms, struct err *err);
/* Decode into rec: defaults first.  Strings borrow m->buf; lists need the
 * arena.  0, or -1: err_perm names the field. */
int ipc_decode(const struct ipc_msg *m, const struct field *t, void *rec,
    struct arena *a, struct err *err);
/* the raw pairs of a message, for postrider call: "name=value"; NULL ends */
const char *ipc_next_pair(const struct ipc_msg *m, const char *prev);

/* replies; 0 or -1 */
int ipc_reply_err(int sock, const struct err *why, struct err *err);

/*
 * The caller's side: a connection that is opened when needed and reopened
 * after a failure.  One call at a time.
 */
struct ipc {
	const char *path;
	int fd;
	int timeout_ms;
	struct ipc_msg reply;	/* the last call's out points into it */
	struct arena arena;	/* lists of the last call */
	bool fresh;		/* connected by the call under way */
};
void ipc_init(struct ipc *c, const char *path, int timeout_ms);
void ipc_close(struct ipc *c);		/* may be used again */
void ipc_free(struct ipc *c);
/*
 * One request and its answer.  in_fd -1: none.  out (may be NULL) is filled
 * on ok and valid until the next call; *out_fd_r (may be NULL) gets a
 * descriptor that is the caller's, or -1.  0, or -1: err is the peer's own
 * error, or err_temp where it could not be reached; then c->fd is -1
 * and, where *sent (may be NULL) is true, the peer may have acted.
 * A connection found closed before anything was sent is reopened once.
 */
int ipc_call(struct ipc *c, const struct verb_def *v, const void *in,
    int in_fd, void *out, int *out_fd_r, bool *sent, struct err *err);
/* the same where `more` replies come: fn for each, its record is valid
 * during the call; fn returning -1 ends it (the connection is closed).  A
 * descriptor that came with the ok is c->reply.fd (set it to -1 to keep it). */
typedef int ipc_more_fn(void *ctx, const void *more, struct err *err);
int ipc_call_more(struct ipc *c, const struct verb_def *v, const void *in,
    int in_fd, ipc_more_fn *fn, void *ctx, void *out, struct err *err);
/* a VERB_NO_REPLY request, or one whose answer ipc_answer reads; 0 or -1 */
int ipc_tell(struct ipc *c, const struct verb_def *v, const void *in,
    struct err *err);
/* What ipc_call and ipc_call_more do after the request went: for who has
 * other work meanwhile.  Nothing else may be called between the two but
 * ipc_close, which gives the answer up.  1; 0: the peer ended before it
 * answered, c->fd is -1 and err says so; -1 as ipc_call. */
int ipc_answer(struct ipc *c, const struct verb_def *v, ipc_more_fn *fn,
    void *ctx, void *out, int *out_fd_r, struct err *err);

/* From now on every call of this process gives up, temporarily, once fd is
 * readable (-1: none does): who has to end waits for nobody's answer. */
void ipc_wake_on(int fd);

/* the peer's credentials by SO_PEERCRED; 0 or -1 */
struct ipc_cred { pid_t pid; uid_t uid; gid_t gid; };
int ipc_peer(int sock, struct ipc_cred *cred);

#endif
