/*
 * main.c - smtp: options, verbs, jail.  One connection to another server at a
 * time, kept open between the messages that qmgr sends.
 */
#include "smtp.h"

#include "base/clock.h"
#include "conf/common.h"

struct smtp_conf conf;
struct session session;

#define C struct smtp_conf
static const struct field fields[] = {
	F_ENUM(C, protocol, "smtp", PROTOCOLS, "what is spoken"),
	F_STR(C, helo_name, "", "our name in EHLO; empty: the host name"),
	F_LIST(C, ignore, "EHLO keywords that are taken for not offered"),
	F_LIST_D(C, implicit_tls, "465", "ports where TLS begins at once"),
	TARGET_FIELDS(C, target),
	POLICY_FIELDS(C, policy),
	F_INT(C, recipients, "100", "1", "1000",
	    "recipients of one transaction"),
	F_INT(C, sessions, "2", "1", "100",
	    "servers that one message is offered to"),
	F_BOOL(C, batv, "no", "senders of ours are signed"),
	F_INT(C, reuse_messages, "100", "1", "1000000",
	    "messages over one connection"),
	F_TIME(C, reuse_time, "5m", "0s", "1d",
	    "how long a connection is used"),
	F_TIME(C, idle_time, "5s", "0s", "5m",
	    "how long one waits for the next message"),
	F_TIME(C, connect_timeout, "30s", "1s", "10m", "to connect"),
	F_TIME(C, greeting_timeout, "5m", "100ms", "1h", "for the greeting"),
	F_TIME(C, helo_timeout, "5m", "100ms", "1h", "for EHLO and HELO"),
	F_TIME(C, tls_timeout, "1m", "100ms", "1h",
	    "for STARTTLS and the handshake"),
	F_TIME(C, auth_timeout, "5m", "100ms", "1h", "for a step of AUTH"),
	F_TIME(C, mail_timeout, "5m", "100ms", "1h", "for MAIL"),
	F_TIME(C, rcpt_timeout, "5m", "100ms", "1h", "for RCPT"),
	F_TIME(C, data_init_timeout, "2m", "100ms", "1h", "for DATA"),
	F_TIME(C, data_block_timeout, "3m", "100ms", "1h",
	    "for a piece of the content to go"),
	F_TIME(C, data_done_timeout, "10m", "100ms", "1h",
	    "for the answer to the content"),
	F_TIME(C, rset_timeout, "20s", "100ms", "1h", "for RSET"),
	F_TIME(C, quit_timeout, "300ms", "0s", "1h", "for QUIT"),
	F_SIZE(C, min_data_rate, "500", "1", "1G",
	    "octets a second that the content moves at least"),
	F_TIME(C, total_timeout, "30m", "1s", "1d",
	    "for all that is done for one request, but for content"),
	F_ENUM(C, long_lines, "send", LONG_LINES,
	    "what becomes of lines over line_max"),
	F_INT(C, line_max, "998", "100", "100000", "octets of a line"),
	F_SIZE(C, convert_max, "100M", "0", NULL,
	    "messages up to this are encoded for a server of 7 bits"),
	F_END
};
#undef C

static const struct verb verbs[] = {
	{ &agent_deliver, deliver_verb, PEER_QUEUE },
	{ &agent_probe, probe_verb, PEER_ADMIN },
	{ 0 }
};

static int
check(struct err *err)
{
	if (target_check(&conf.target, err) < 0)
		return -1;
	return policy_check(&conf.policy, err);
}

static int
before_jail(struct err *err)
{
	if (conf.helo_name[0] == '\0')
		conf.helo_name = common.hostname;
	ipc_wake_on(serve_end_fd());
	if (target_start(&conf.target, err) < 0)
		return -1;
	return policy_start(&conf.policy, err);
}

static void
idle(void)
{
	int64_t ends = session_ends(&session);

	if (ends != 0 && mono_ms() >= ends)
		session_close(&session, true);
}

static int64_t
wake(void)
{
	return session_ends(&session);
}

static void
on_close(void *conn UNUSED)
{
	session_close(&session, false);
}

static const struct daemon smtp = {
	.name = "smtp", .kind = SERVE_REQUEST,
	.fields = fields, .conf = &conf,
	.check = check, .before_jail = before_jail,
	.verbs = verbs, .idle = idle, .wake = wake, .conn_close = on_close,
	.jail = { .groups = JAIL_FILES | JAIL_UNIX | JAIL_INET |
	    JAIL_ANY_PORT, .files = 64, .memory = 1024UL << 20 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &smtp);
}
