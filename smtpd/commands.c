/*
 * commands.c - the commands of RFC 5321 section 4.1 and 2033, in its order;
 * behind them come those of the extensions.
 */
#include "cmd.h"
#include "ext.h"

enum { COMMANDS_MAX = 48, MANY = INT_MAX };
enum { FOR_SMTP = 1, FOR_LMTP = 2, FOR_ALL = 3 };

static const struct {
	int who;
	struct command c;
} rows[] = {
	{ FOR_SMTP, { "EHLO", 1, MANY, ST_ANY, CMD_JUNK, cmd_ehlo,
	    "EHLO hostname" } },
	{ FOR_SMTP, { "HELO", 1, MANY, ST_ANY, CMD_JUNK, cmd_helo,
	    "HELO hostname" } },
	{ FOR_LMTP, { "LHLO", 1, MANY, ST_ANY, CMD_JUNK, cmd_ehlo,
	    "LHLO hostname" } },
	{ FOR_ALL, { "MAIL", 1, MANY, ST_IDLE, 0, cmd_mail,
	    "MAIL FROM:<address> [parameters]" } },
	{ FOR_ALL, { "RCPT", 1, MANY, ST_MAIL | ST_RCPT, 0, cmd_rcpt,
	    "RCPT TO:<address> [parameters]" } },
	{ FOR_ALL, { "DATA", 0, 0, ST_MAIL | ST_RCPT, 0, cmd_data, "DATA" } },
	{ FOR_ALL, { "RSET", 0, 0, ST_ANY, CMD_JUNK, cmd_rset, "RSET" } },
	{ FOR_ALL, { "VRFY", 1, MANY, ST_ANY, CMD_JUNK, cmd_vrfy,
	    "VRFY address" } },
	{ FOR_ALL, { "HELP", 0, MANY, ST_ANY, CMD_JUNK, cmd_help, "HELP" } },
	{ FOR_ALL, { "NOOP", 0, MANY, ST_ANY, CMD_JUNK, cmd_noop, "NOOP" } },
	{ FOR_ALL, { "QUIT", 0, 0, ST_ANY, 0, cmd_quit, "QUIT" } },
	/* known, not offered: 502 and not 500 */
	{ FOR_ALL, { "EXPN", 0, MANY, ST_ANY, CMD_JUNK, cmd_refused, NULL } },
	{ FOR_ALL, { "ETRN", 0, MANY, ST_ANY, CMD_JUNK, cmd_refused, NULL } },
	{ FOR_ALL, { "TURN", 0, MANY, ST_ANY, CMD_JUNK, cmd_refused, NULL } },
	{ FOR_ALL, { "SEND", 0, MANY, ST_ANY, CMD_JUNK, cmd_refused, NULL } },
	{ FOR_ALL, { "SOML", 0, MANY, ST_ANY, CMD_JUNK, cmd_refused, NULL } },
	{ FOR_ALL, { "SAML", 0, MANY, ST_ANY, CMD_JUNK, cmd_refused, NULL } },
	/* a web browser that was sent here by somebody */
	{ FOR_ALL, { "GET", 0, MANY, ST_ANY, CMD_CHECKS, cmd_foreign, NULL } },
	{ FOR_ALL, { "POST", 0, MANY, ST_ANY, CMD_CHECKS, cmd_foreign,
	    NULL } },
	{ FOR_ALL, { "PUT", 0, MANY, ST_ANY, CMD_CHECKS, cmd_foreign, NULL } },
	{ FOR_ALL, { "HEAD", 0, MANY, ST_ANY, CMD_CHECKS, cmd_foreign,
	    NULL } },
	{ FOR_ALL, { "OPTIONS", 0, MANY, ST_ANY, CMD_CHECKS, cmd_foreign,
	    NULL } },
	{ FOR_ALL, { "CONNECT", 0, MANY, ST_ANY, CMD_CHECKS, cmd_foreign,
	    NULL } },
};

static struct command table[COMMANDS_MAX];
static int made_for = -1;

const struct command *
commands_table(void)
{
	int me = conf.personality == LMTP ? FOR_LMTP : FOR_SMTP;
	const struct command *c;
	size_t n = 0, i;

	if (made_for == conf.personality)
		return table;
	made_for = conf.personality;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].who & me)
			table[n++] = rows[i].c;
	for (i = 0; ext_table[i] != NULL; i++)
		for (c = ext_table[i]->commands; c != NULL && c->name != NULL;
		    c++) {
			assert(n < COMMANDS_MAX - 1);
			table[n++] = *c;
		}
	table[n] = (struct command){ 0 };
	return table;
}
