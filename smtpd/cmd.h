/*
 * cmd.h - the command functions, for the table in commands.c.  Each is called
 * in an allowed state, with arguments that hold no control characters.
 */
#ifndef SMTPD_CMD_H
#define SMTPD_CMD_H

#include "smtpd.h"

enum cmd_result cmd_ehlo(void *session, struct slice args);
enum cmd_result cmd_helo(void *session, struct slice args);
enum cmd_result cmd_mail(void *session, struct slice args);
enum cmd_result cmd_rcpt(void *session, struct slice args);
enum cmd_result cmd_data(void *session, struct slice args);
enum cmd_result cmd_rset(void *session, struct slice args);
enum cmd_result cmd_vrfy(void *session, struct slice args);
enum cmd_result cmd_help(void *session, struct slice args);
enum cmd_result cmd_noop(void *session, struct slice args);
enum cmd_result cmd_quit(void *session, struct slice args);
enum cmd_result cmd_refused(void *session, struct slice args);
enum cmd_result cmd_foreign(void *session, struct slice args);

/* cmd_data.c, for BDAT too: the content is complete.  Queues the message,
 * answers (LMTP: once for each recipient) and ends the transaction. */
enum cmd_result data_finish(struct session *s);
/* the same for a message that fails with err: perm as for reply_err */
enum cmd_result data_refuse(struct session *s, int perm,
    const struct err *err);

#endif
