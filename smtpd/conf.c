/*
 * conf.c - the options; the same table for each personality.
 */
#include "smtpd.h"

struct smtpd_conf conf;

const struct field conf_fields[] = {
	F_ENUM(struct smtpd_conf, personality, "mx", PERSONALITIES,
	    "what kind of server this is"),
	F_STR(struct smtpd_conf, banner, "Postrider",
	    "text of the greeting behind the host name and ESMTP or LMTP"),
	F_BOOL(struct smtpd_conf, helo_required, "yes",
	    "no MAIL before HELO, EHLO or LHLO"),
	F_BOOL(struct smtpd_conf, auth, "no",
	    "clients may authenticate (RFC 4954)"),
	F_ENUM(struct smtpd_conf, auth_plaintext, "loopback", PLAINTEXT,
	    "from where passwords are taken without TLS"),
	TLS_FIELDS(struct smtpd_conf, tls),
	F_INT(struct smtpd_conf, auth_failures, "3", "1", "100",
	    "failed authentications before the session ends"),
	F_ENUM(struct smtpd_conf, line_ends, "auto", LINE_ENDS,
	    "bare CR and LF: refused, or made line ends; auto: strict for mx "
	    "and lmtp"),
	F_SIZE(struct smtpd_conf, message_size, "64M", "1K", "1T",
	    "largest message, as RFC 1870 counts"),
	F_SIZE(struct smtpd_conf, line_length, "2K", "1K", "64K",
	    "longest command line"),
	F_SIZE(struct smtpd_conf, data_line_length, "1M", "1000", "1G",
	    "longest line of content"),
	F_INT(struct smtpd_conf, recipients, "1000", "100", "50000",
	    "recipients of one message"),
	F_INT(struct smtpd_conf, transactions, "1000", "1", "1000000",
	    "messages of one session"),
	F_INT(struct smtpd_conf, commands, "100000", "100", "10000000",
	    "commands of one session"),
	F_INT(struct smtpd_conf, junk_commands, "100", "1", "1000000",
	    "NOOP, RSET, HELP, VRFY and the like between two messages"),
	F_INT(struct smtpd_conf, errors, "20", "1", "1000000",
	    "errors of the client before the session ends"),
	F_TIME(struct smtpd_conf, timeout, "5m", "1s", "1h",
	    "time for the next command to arrive whole"),
	F_TIME(struct smtpd_conf, data_timeout, "3m", "1s", "1h",
	    "time for the next piece of content"),
	F_SIZE(struct smtpd_conf, data_rate, "256", "0", "1G",
	    "bytes a second below which content is too slow; 0: none"),
	F_TIME(struct smtpd_conf, session_time, "4h", "1s", "7d",
	    "longest session"),
	F_TIME(struct smtpd_conf, service_timeout, "1m", "1s", "10m",
	    "time for router and auth to answer"),
	F_TIME(struct smtpd_conf, cleanup_timeout, "5m", "1s", "10m",
	    "time for cleanup to answer"),
	F_TIME(struct smtpd_conf, settle_time, "1m", "1s", "10m",
	    "time to find out what became of a message when cleanup is lost"),
	F_LIST(struct smtpd_conf, hide,
	    "EHLO keywords that are not announced"),
	F_END
};
