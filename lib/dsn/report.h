/*
 * report.h - composes delivery status notifications: RFC 3461 section 6,
 * 3464, 6522, 6533 and 3834.
 *
 * A pure function: everything it says is in struct dsn_report, borrowed for
 * the call.  What comes out is a whole message with LF line ends: header,
 * a text for people, message/delivery-status, and the original message or its
 * header (without a Return-Path of ours in front).  Where a recipient is
 * UTF-8 and `utf8' is set, message/global-delivery-status is used, and where
 * the original header is, message/global or message/global-headers (RFC 6533);
 * the report's own envelope needs SMTPUTF8 only where `to` does
 * (dsn_needs_utf8).  Who is notified, and whether, is the caller's: never send
 * one to the null sender.
 */
#ifndef DSN_REPORT_H
#define DSN_REPORT_H

#include "base/err.h"
#include "base/str.h"

enum dsn_kind { DSN_FAILURE, DSN_DELAY, DSN_SUCCESS };
enum dsn_action { DSN_ACT_FAILED, DSN_ACT_DELAYED, DSN_ACT_DELIVERED,
	DSN_ACT_RELAYED, DSN_ACT_EXPANDED };

struct dsn_recipient {
	const char *final;	/* address as we had it; required */
	const char *orcpt;	/* "type;address", decoded; or NULL */
	enum dsn_action action;
	const char *status;	/* RFC 3463 code; required */
	const char *diagnostic;	/* what was said, any length; or NULL */
	const char *remote_mta;	/* who said it: "host" or "host[ip]"; NULL: it
				 * was us (diagnostic is then not "smtp;") */
	int64_t last_attempt;	/* seconds since 1970; 0: unknown */
	int64_t will_retry_until;	/* of a delay; 0: left out */
};

struct dsn_report {
	enum dsn_kind kind;
	const char *reporting_mta;	/* our host name */
	const char *from;	/* address of MAILER-DAEMON; NULL:
				 * MAILER-DAEMON@reporting_mta */
	const char *from_name;	/* NULL: Mail Delivery System */
	const char *subject;	/* NULL: ours, with that of the original */
	const char *text;	/* UTF-8: for people, in front of the list of
				 * recipients; NULL: ours */
	const char *to;		/* who is notified; required */
	const char *postmaster;	/* named in the text for help; or NULL */
	const char *footer;	/* a last line for people; or NULL */
	const char *envid;	/* decoded; or NULL */
	const char *queue_id;	/* of the original message; or NULL */
	const char *received_from;	/* "host" it came from; or NULL */
	int64_t arrival;	/* seconds since 1970; 0: left out */
	int64_t now;		/* seconds since 1970: Date, Message-ID */
	const struct dsn_recipient *rcpt;
	size_t n;
	int fd;			/* the original message, LF form, read by
				 * pread from offset 0; -1: none is returned */
	bool utf8;		/* who is notified knows SMTPUTF8; else
				 * addresses are written in ASCII (RFC 6533
				 * section 3) */
	bool full;		/* of a failure: return all of it, not only
				 * the header */
	uint64_t full_max;	/* longer ones: header only; 0: no bound */
};

/* Where the message goes, piece by piece.  0, or -1 (err set): compose then
 * stops and hands it up. */
typedef int dsn_sink(void *arg, struct slice piece, struct err *err);

/* 1, or -1: the sink failed, or fd could not be read (temporary) */
int dsn_compose(const struct dsn_report *r, dsn_sink *sink, void *arg,
    struct err *err);
/* the same into a string */
int dsn_compose_str(const struct dsn_report *r, struct str *out,
    struct err *err);
/* true where the envelope of the report needs SMTPUTF8 */
bool dsn_needs_utf8(const struct dsn_report *r);

#endif
