/*
 * master.c - field tables of the supervisor's interface.
 */
#include "proto/master.h"

static const struct field service[] = {
	F_STR(struct master_service, service, "", "section"),
	F_STR(struct master_service, program, "", "program"),
	F_STR(struct master_service, user, "", "role"),
	F_STR(struct master_service, listen, "", "listeners"),
	F_INT(struct master_service, processes, "0", NULL, NULL, "running"),
	F_INT(struct master_service, busy, "0", NULL, NULL, "with a client"),
	F_INT(struct master_service, limit, "0", NULL, NULL,
	    "processes at most"),
	F_INT(struct master_service, spare, "0", NULL, NULL, "kept ready"),
	F_INT(struct master_service, spawned, "0", NULL, NULL, "since start"),
	F_INT(struct master_service, crashes, "0", NULL, NULL, "since start"),
	F_STR(struct master_service, state, "", "state"),
	F_LIST(struct master_service, pids, "process ids"),
	F_END
};

static const struct field status_out[] = {
	F_INT(struct master_status_out, pid, "0", NULL, NULL, "of master"),
	F_INT(struct master_status_out, started, "0", NULL, NULL,
	    "unix seconds"),
	F_INT(struct master_status_out, generation, "0", NULL, NULL, "reloads"),
	F_BOOL(struct master_status_out, ready, "no", "everything is served"),
	F_END
};

const struct verb_def master_status = {
	.name = "status",
	.out = status_out, .out_size = sizeof(struct master_status_out),
	.more = service, .more_size = sizeof(struct master_service),
	.flags = VERB_AGAIN,
	.doc = "what runs",
};

const struct verb_def master_reload = {
	.name = "reload",
	.doc = "take the new configuration",
};

const struct verb_def master_stop = {
	.name = "stop",
	.doc = "stop the suite",
};

const struct verb_def *const master_verbs[] = {
	&master_status,
	&master_reload,
	&master_stop,
	NULL
};
