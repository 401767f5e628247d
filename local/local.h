/*
 * local.h - final delivery: one pool of processes for virtual users under the
 * store's uid, and one root parent for system users, which never touches a
 * mailbox itself but by a child that became the user.
 */
#ifndef LOCAL_LOCAL_H
#define LOCAL_LOCAL_H

#include "base/arena.h"
#include "conf/common.h"
#include "proto/agent.h"
#include "serve/request.h"
#include "store/store.h"

enum personality { VIRTUAL, SYSTEM };
enum quota_action { QUOTA_DEFER, QUOTA_REJECT };
enum commands { COMMANDS_PASS, COMMANDS_RUN };

struct local_conf {
	int personality;
	int quota_action;
	int commands;
	struct strlist home_dirs, file_dirs;
	int64_t child_timeout, command_timeout, cleanup_timeout;
	bool forward;
};
extern struct local_conf conf;

/* one recipient of one request */
struct rcpt {
	const char *addr, *mailbox;
	struct store_slot slot;	/* virtual: where it goes */
	struct store_content own;	/* with VERP; see rcpt_content */
	uint64_t quota;
	int status;		/* enum agent_status */
	bool made;		/* by us, now: may be taken back */
	bool dest_trouble;
	bool partly;		/* moved: the rest alone */
	struct err err;		/* unless delivered */
};

/* one request, answered when its batch is synced */
struct job {
	struct call_ticket ticket;
	const char *q, *session, *sender, *verp;
	const struct agent_deliver_in *in;	/* system only */
	int64_t began;		/* mono_ms */
	struct store_content content;	/* fd is not kept */
	dev_t synced;		/* qmgr syncs that file system; 0 none */
	struct rcpt *rcpt;
	size_t n;
};

/* deliver.c */
int deliver_verb(struct call *c, const void *in, void *out, struct err *err);
void deliver_idle(void);
void deliver_flush(const struct call *c);
void rcpt_fail(struct rcpt *r, const struct err *err);

/* verp.c: fills r->own.  0 or -1 */
int verp_content(const struct job *j, struct rcpt *r, struct arena *a,
    struct err *err);
/* what this recipient gets */
const struct store_content *rcpt_content(const struct job *j,
    const struct rcpt *r);

/* virtual.c: the mail root is opened when it is needed */
void virtual_jail(void);
void virtual_check(void);	/* may end the process */
void virtual_deliver(struct job *j, struct rcpt *r);
void virtual_sync(struct job *jobs, size_t n);
int virtual_quota(const char *mailbox, uint64_t quota, uint64_t *used_r,
    struct err *err);

/* quota_check.c: may the message go in?  0, or -1: err, by quota_action.
 * With `again` it may be there already: then it may. */
int quota_check(struct store *st, const struct rcpt *r,
    const struct store_content *c, struct err *err);
int quota_of(struct store *st, const char *home, uint64_t quota,
    uint64_t *used_r, struct err *err);
void quota_note(struct store *st, const struct rcpt *r, int64_t bytes,
    int64_t count);

/* system.c */
void system_deliver(struct job *j, struct rcpt *r);
int system_quota(const char *login, uint64_t quota, uint64_t *used_r,
    struct err *err);

#endif
