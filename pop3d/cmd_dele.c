/*
 * cmd_dele.c - DELE, NOOP, RSET, QUIT: marks, and the UPDATE state.
 */
#include "base/log.h"
#include "session.h"

enum cmd_result
cmd_dele(void *session, struct slice args)
{
	struct session *s = session;
	ssize_t i = take_message(s, &args);

	if (i < 0)
		return CMD_BAD;
	s->drop.msg[i].deleted = true;
	return pop3_ok(&s->pop3, "message %zd deleted", i + 1);
}

enum cmd_result
cmd_noop(void *session, struct slice args UNUSED)
{
	return pop3_ok(session, "still here");
}

enum cmd_result
cmd_rset(void *session, struct slice args UNUSED)
{
	struct session *s = session;
	size_t i;

	for (i = 0; i < s->drop.n; i++)
		s->drop.msg[i].deleted = false;
	return pop3_ok(&s->pop3, "%zu messages", s->drop.n);
}

enum cmd_result
cmd_quit(void *session, struct slice args UNUSED)
{
	struct session *s = session;
	struct err err;
	unsigned flags = 0;
	int r;

	if (conf.save_seen)
		flags |= DROP_SAVE_SEEN;
	if (conf.mark_seen)
		flags |= DROP_MARK_SEEN;
	r = drop_update(&s->drop, flags, &s->done, &err);
	/* who has read the answer may log in again at once */
	drop_unlock(&s->drop);
	if (r == 0) {
		pop3_ok(&s->pop3, "%llu message%s deleted, good-bye",
		    (unsigned long long)s->done.deleted,
		    s->done.deleted == 1 ? "" : "s");
		return CMD_QUIT;
	}
	log_event(LOG_ERROR, "mailbox", KERR(&err), KEND);
	err_temp(&err, "4.3.0", "some deleted messages were not removed");
	pop3_trouble(&s->pop3, &err);
	return CMD_QUIT;
}
