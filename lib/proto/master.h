/*
 * master.h - orders of the admin to the supervisor.
 */
#ifndef PROTO_MASTER_H
#define PROTO_MASTER_H

#include "ipc/ipc.h"

struct master_service {
	const char *service, *program, *user, *listen;
	int64_t processes, busy, limit, spare, spawned, crashes;
	const char *state;	/* ready, throttled, starting, stopped */
	struct strlist pids;
};
struct master_status_out {
	int64_t pid;
	int64_t started;	/* unix seconds */
	int64_t generation;	/* reloads since start, from 1 */
	bool ready;		/* every listener is served */
};
extern const struct verb_def master_status;	/* more service */
/* check the configuration, then replace what runs; err: nothing changed */
extern const struct verb_def master_reload;
extern const struct verb_def master_stop;	/* begins the stop */
extern const struct verb_def *const master_verbs[];

#endif
