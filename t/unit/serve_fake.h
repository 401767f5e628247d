/* serve_fake.h - for serve_test: daemons, their master, their callers */
#ifndef UNIT_SERVE_FAKE_H
#define UNIT_SERVE_FAKE_H

#include "serve/serve.h"
#include "serve/status.h"

enum { WAIT_MS = 5000, GATHER_MS = 1000 };

/* verbs of both: echo hold promise release balance big once fd */
extern const struct daemon request_daemon, hub_daemon;
/* the same, but what it holds is released together when it is idle */
extern const struct daemon gather_daemon;

extern pid_t pid;		/* the daemon at work */
extern struct board board;	/* its own: one slot */
extern int life_fd;		/* write end of its life pipe, or -1 */
void write_conf(void);		/* once, before the first start */
void start(const struct daemon *d);
char status(int timeout_ms);	/* its next status record, 0 none */
void finish(const char *what);	/* it ends with status 0, soon */

int dial(void);
void say(int fd, const char *verb, int with);
const char *hear(int fd);	/* "ok", "err", "closed" or "nothing" */
int64_t balance(int fd);	/* connections that it has open */
int64_t settled(int fd, int64_t want);	/* the same when it is want */
bool pipe_ends(int read_end);	/* nobody holds the write end any more */

#endif
