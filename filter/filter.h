/*
 * filter.h - filter(8): what other programs say of a message under way.
 *
 * A connection of smtpd is one session (struct session), and it has a process
 * of ours for itself.  Each filter that the session names is a member: of a
 * kind (milter, rspamd, clamd, proxy), asked in the order of the list.  What a
 * member wants changed is carried out on the view, so the next one sees it,
 * and goes to smtpd as edits, for cleanup.
 *
 * A member that fails (no connection, no answer in time, nonsense) is broken
 * until the next transaction: its default_action counts, and nothing of what it
 * had begun to change.
 */
#ifndef FILTER_FILTER_H
#define FILTER_FILTER_H

#include <netinet/in.h>
#include <sys/un.h>

#include "base/io.h"
#include "proto/filter.h"
#include "serve/serve.h"

#define KINDS "milter|rspamd|clamd|proxy"
enum kind { KIND_MILTER, KIND_RSPAMD, KIND_CLAMD, KIND_PROXY };
#define DEFAULTS "accept|reject|tempfail|quarantine"
enum default_action { DEFAULT_ACCEPT, DEFAULT_REJECT, DEFAULT_TEMPFAIL,
	DEFAULT_QUARANTINE };
#define FOUND "reject|quarantine|discard|header"
enum found { FOUND_REJECT, FOUND_QUARANTINE, FOUND_DISCARD, FOUND_HEADER };

enum { FILTERS_MAX = 32, ADDRESSES_MAX = 8 };

/* a section of filter.conf */
struct filter_conf {
	const char *name;
	int type;
	const char *address;
	int64_t timeout_connect, timeout_command, timeout_content, retry;
	int default_action, found;
	int64_t protocol;
	bool reuse;
	uint64_t max_size;
	const char *daemon_name, *password;
	struct strlist macros_connect, macros_helo, macros_mail, macros_rcpt,
	    macros_data, macros_eoh, macros_content;
	/* the address, looked up at the start */
	struct sockaddr_storage addr[ADDRESSES_MAX];
	socklen_t addr_len[ADDRESSES_MAX];
	size_t addrs;
	/* nobody is asked before; mono_ms, 0: it is well */
	int64_t dead_until;
};

/* --- conf.c --- */
extern const struct field filter_fields[];
extern struct filter_conf defaults;	/* outside of sections */
int filters_load(const char *path, struct arena *a, struct err *err);
struct filter_conf *filter_find(const char *name);
size_t filters_count(void);
struct filter_conf *filter_at(size_t i);
/* "inet:192.0.2.1:783", "inet:[::1]:783", "inet:host:783", "unix:/path" */
int filter_resolve(struct filter_conf *c, struct err *err);
/* what the jail must let through */
int filters_before_jail(struct jail *j, struct err *err);

/* --- net.c --- */
/* a connected descriptor, blocking, or -1: err_temp */
int net_connect(const struct filter_conf *c, struct err *err);
/* the same, as a stream whose every wait ends after ms */
int net_open(const struct filter_conf *c, struct io *io, struct err *err);
/* Who waits for the answer to the request under way; -1: nobody does, and what
 * is said to filters is a farewell.  Every wait ends when that one hangs up. */
void net_caller(int fd);
bool net_gone(void);		/* it has */
/* all that follows must be over in ms from now */
void net_deadline(struct io *io, int64_t ms);
/* exactly n octets; 0, or -1: err_temp, also where the peer closed */
int net_read(struct io *io, void *p, size_t n, struct err *err);
/* flush; 0, or -1: err_temp */
int net_flush(struct io *io, struct err *err);
int net_err(const struct io *io, struct err *err);

/* --- view.c: the message as the next filter sees it --- */
struct view_field {
	const char *name;
	struct slice value;	/* behind the colon, without its last LF */
	bool above;		/* inserted in front of our Received */
	bool dead;		/* deleted by the member at work: others are
				 * still counted as if it were there */
};
struct view {
	struct arena *a;
	struct view_field *v;
	size_t n, cap;
	struct str head;	/* as it was read */
	size_t trace;		/* octets of it that are ours */
	struct slice received;	/* the topmost Received, ours */
	bool blank;		/* there was an empty line, or none is needed */
	int fd;			/* the content; not ours */
	uint64_t body_at, body_size;
	int body;		/* a replaced body, -1 none; ours */
	const char *sender;
	struct strlist rcpts;
	struct edits edits;	/* all that changed */
};
/* 0, or -1: err (perm: a header that is no header) */
int view_open(struct view *v, int fd, const struct filter_content_in *in,
    struct arena *a, struct err *err);
void view_close(struct view *v);
/* octets of the body from at; n read, 0 at the end, -1 err */
ssize_t view_body(struct view *v, uint64_t at, char *p, size_t n,
    struct err *err);
/* Would they all be taken?  0, or -1 err */
int view_check(struct view *v, const struct edit *e, size_t n,
    struct err *err);
/* One change, in the words of struct edit but for the milter's way of counting
 * (insert: 0 is the top of all; deleted ones count until view_settle).  body:
 * fd, taken over, also where it fails.  0, or -1 err */
int view_edit(struct view *v, const struct edit *e, int body,
    struct err *err);
void view_settle(struct view *v);
/* an unlinked file in memory, or -1 */
int view_memfd(struct err *err);
/* fields of the client, and where `ours` the Received of ours, as lines with
 * LF and the empty line behind them */
void view_header(const struct view *v, bool ours, struct str *out);

/* --- kinds --- */
struct verdict {
	int action;		/* enum filter_action */
	int code;
	char dsn[12];
	const char *text;	/* lives as long as the transaction */
	bool accept;		/* it wants to see no more of this message;
				 * before MAIL: of this client */
};

enum stage { STAGE_OPEN, STAGE_HELO, STAGE_MAIL, STAGE_RCPT, STAGE_DATA,
	STAGE_CONTENT, STAGE_UNKNOWN };

struct member;
struct session;
/* Functions return 0 and fill what differs from "continue", or -1: it is
 * broken.  NULL: this kind does not look at it. */
struct filter_kind {
	/* all but STAGE_CONTENT; rcpt: of STAGE_RCPT */
	int (*stage)(struct member *m, enum stage st,
	    const struct filter_rcpt_in *rcpt, struct verdict *v,
	    struct err *err);
	/* changes go to view_edit */
	int (*content)(struct member *m, struct view *view,
	    const struct filter_content_in *in, struct verdict *v,
	    struct err *err);
	void (*abort)(struct member *m);	/* of a message under way */
	/* the client has gone: keep what serves the next one */
	void (*end)(struct member *m);
	void (*close)(struct member *m);	/* it is broken */
	/* does it look at this now, besides the content? */
	bool (*wants)(const struct member *m, enum stage st, bool refused);
};
extern const struct filter_kind kind_milter, kind_rspamd, kind_clamd,
    kind_proxy;

/* One for each filter that this process was asked for; it lasts, as its
 * connection may, from session to session. */
struct member {
	struct filter_conf *c;
	const struct filter_kind *kind;
	struct session *s;
	void *self;		/* the kind's */
	bool active;		/* the session names it */
	bool opened;		/* it was told of this client */
	bool done;		/* and accepted the client */
	bool in_mail;		/* it was told of the transaction */
	bool passed;		/* and accepted the message */
	bool broken;
};

/* what is known of a session; strings lie in the arenas */
struct session {
	struct arena a, ha, ta;	/* of session, helo, transaction */
	bool begun, has_helo, in_mail, in_data;
	struct filter_session_in in;
	struct filter_helo_in helo;
	struct filter_mail_in mail;
	struct filter_rcpt_in *rcpts;	/* malloced: those accepted */
	size_t n, cap;
	const char *discarded;	/* by whom; NULL */
	const char *q;		/* "" not known yet */
	const char *unknown;	/* the command of STAGE_UNKNOWN */
	struct member *v[FILTERS_MAX];	/* in their order */
	size_t members;
};

/* --- session.c; each fills out --- */
int session_begin(struct session *s, const struct filter_session_in *in,
    struct filter_out *out, struct err *err);
void session_helo(struct session *s, const struct filter_helo_in *in,
    struct filter_out *out);
int session_mail(struct session *s, const struct filter_mail_in *in,
    struct filter_out *out, struct err *err);
int session_rcpt(struct session *s, const struct filter_rcpt_in *in,
    struct filter_out *out, struct err *err);
int session_data(struct session *s, struct filter_out *out, struct err *err);
void session_unknown(struct session *s, const char *line,
    struct filter_out *out);
int session_content(struct session *s, struct call *c,
    const struct filter_content_in *in, struct filter_out *out,
    struct err *err);
void session_abort(struct session *s);
void session_end(struct session *s);

/* --- member.c --- */
/* the one of that name, of this session from now on; or NULL: err_perm */
struct member *member_get(struct session *s, const char *name,
    struct err *err);
/* A stage, with what goes before it where the member was not told yet.  A
 * broken one answers by its default action. */
void member_stage(struct member *m, enum stage st,
    const struct filter_rcpt_in *rcpt, struct verdict *v);
void member_content(struct member *m, struct view *view,
    const struct filter_content_in *in, struct verdict *v);
void member_abort(struct member *m);
void member_end(struct member *m);
bool member_wants(const struct member *m, enum stage st, bool refused);
void verdict_set(struct verdict *v, int action, int code, const char *dsn,
    const char *text);
/* what the option `found` says of a message that it refuses; header: NAME and
 * value of the field for `header` */
int found_do(struct member *m, struct view *view, const char *header,
    const char *value, const char *text, struct verdict *v, struct err *err);
/* "filter NAME", for edits */
const char *member_by(const struct member *m);

/* --- macro.c: what milters may ask about a session --- */
/* NULL: not known, or no macro of ours */
const char *macro_value(const struct member *m, struct slice name,
    const struct filter_rcpt_in *rcpt, struct arena *a);

#endif
