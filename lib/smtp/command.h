/*
 * command.h - SMTP command lines: RFC 5321 section 4.1, 3461, 1870, 6152,
 * 6531, 3030, 4865, 6710, 9422.
 *
 * Pure parsers: slices in, slices out.  What a result borrows is the line,
 * so it lives as long as the line does; addresses lie in the arena given.
 * Errors are permanent with the RFC 3463 code that the reply should carry
 * (5.5.2 syntax, 5.5.4 arguments, 5.1.3 and 5.1.7 addresses); the three-digit
 * code is the caller's (500/501/553/555).
 */
#ifndef SMTP_COMMAND_H
#define SMTP_COMMAND_H

#include "smtp/address.h"

enum {
	SMTP_LINE_MAX = 512,	/* RFC 5321 section 4.5.3.1.4, with CRLF */
	SMTP_COMMAND_MAX = 2048,/* what we read: extensions widen MAIL, RCPT */
	SMTP_AUTH_MAX = 12288,	/* RFC 4954 section 4: AUTH exchanges */
	SMTP_PARAMS_MAX = 16,	/* parameters on one MAIL or RCPT */
	SMTP_ENVID_MAX = 100,	/* RFC 3461 section 4.4, as xtext */
	SMTP_ORCPT_MAX = 500,	/* RFC 3461 section 4.2 */
};

/*
 * Split a line (without its end) into the verb, up to the first blank, and
 * the rest, trimmed.  1; or -1: empty, NUL or controls (tab excepted), or
 * bytes that are not UTF-8.
 */
int smtp_command_split(struct slice line, struct slice *verb,
    struct slice *rest, struct err *err);

struct smtp_param {
	struct slice name;	/* letters as they came; compare folded */
	struct slice value;	/* SLICE_NULL: no = was there */
};

struct smtp_args {		/* of MAIL or RCPT */
	struct smtp_address addr;
	struct smtp_param params[SMTP_PARAMS_MAX];
	size_t n;
};

/*
 * The rest of a MAIL or RCPT line.  keyword is "FROM" or "TO"; flags are
 * SMTP_ADDR_*.  Blanks after (and before) the colon are tolerated.  A
 * parameter given twice is an error.  1, or -1 (addresses: 5.1.7 for FROM,
 * 5.1.3 for TO; the rest 5.5.4).
 */
int smtp_args_parse(struct slice rest, const char *keyword, unsigned flags,
    struct arena *a, struct smtp_args *r, struct err *err);
/* the parameter of that name, case-folded, or NULL */
const struct smtp_param *smtp_args_find(const struct smtp_args *args,
    const char *name);

/* EHLO/HELO/LHLO argument: a domain or a literal.  Tolerated, because
 * clients do: underscores, a bare IP address, a name without dot, a final
 * dot, words behind it.  *name_r borrows.  1, or -1 (5.5.4). */
int smtp_helo_parse(struct slice rest, struct slice *name_r, struct err *err);

/* RFC 3461 section 4: xtext.  decode: 1, or 0 malformed or decoding to a
 * control character or NUL (out untouched). */
void smtp_xtext_encode(struct str *out, struct slice s);
int smtp_xtext_decode(struct str *out, struct slice s);

enum {				/* NOTIFY bits */
	SMTP_NOTIFY_NEVER = 1,	/* alone */
	SMTP_NOTIFY_SUCCESS = 2,
	SMTP_NOTIFY_FAILURE = 4,
	SMTP_NOTIFY_DELAY = 8,
};
enum smtp_ret { SMTP_RET_NONE, SMTP_RET_FULL, SMTP_RET_HDRS };
enum smtp_body { SMTP_BODY_NONE, SMTP_BODY_7BIT, SMTP_BODY_8BITMIME,
	SMTP_BODY_BINARYMIME };

/* Values of parameters; each 1, or -1 (5.5.4). */
int smtp_notify_parse(struct slice v, unsigned *r, struct err *err);
int smtp_ret_parse(struct slice v, enum smtp_ret *r, struct err *err);
int smtp_body_parse(struct slice v, enum smtp_body *r, struct err *err);
int smtp_size_parse(struct slice v, uint64_t *r, struct err *err);
/* the decoded envelope id is appended to out (untouched on error) */
int smtp_envid_parse(struct slice v, struct str *out, struct err *err);
/*
 * ORCPT=type;address.  Appended to out as "type;address", decoded (RFC 6533
 * utf-8-addr-xtext and -unitext included), as the field Original-Recipient
 * carries it.
 */
int smtp_orcpt_parse(struct slice v, struct str *out, struct err *err);
/* Would these take it, or is it ""?  For what comes by another way. */
bool smtp_envid_ok(const char *z);
bool smtp_notify_ok(const char *z);
bool smtp_ret_ok(const char *z);
bool smtp_orcpt_ok(const char *z);
/* no control characters, valid UTF-8, at most max octets */
bool smtp_text_ok(const char *z, size_t max);
/* FUTURERELEASE (RFC 4865): HOLDFOR=seconds, HOLDUNTIL= a time of RFC 3339 in
 * any zone; unix seconds, a part of a second rounded up */
int smtp_holdfor_parse(struct slice v, int64_t *seconds_r, struct err *err);
int smtp_holduntil_parse(struct slice v, int64_t *unix_r, struct err *err);
/* MT-PRIORITY (RFC 6710): -9 to 9 */
int smtp_priority_parse(struct slice v, int64_t *r, struct err *err);
/* BDAT size [LAST] */
int smtp_bdat_parse(struct slice rest, uint64_t *size_r, bool *last_r,
    struct err *err);

/* the value of NOTIFY= for these bits ("NEVER", "FAILURE,DELAY"); 0: none */
void smtp_notify_print(unsigned bits, struct str *out);

#endif
