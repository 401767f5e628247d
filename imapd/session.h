/*
 * session.h - one IMAP session after login: the user's folders, and the
 * mailbox that is selected.
 *
 * The view.  mb->msg[0..told) is what the client knows; message number is
 * index + 1.  Only view.c changes told: it reports EXISTS, EXPUNGE and flags
 * where the protocol allows (after a command, or while it idles).  Commands
 * look at messages below told only, and expect that any of them may be
 * MSG_GONE.
 */
#ifndef IMAPD_SESSION_H
#define IMAPD_SESSION_H

#include "imap.h"
#include "serve/serve.h"
#include "store/fts.h"
#include "store/meta.h"
#include "store/tree.h"

/* who may share a folder with all users */
enum share_anyone { ANYONE_NOBODY, ANYONE_ADMINS, ANYONE_USERS };

struct imapd_conf {
	int64_t timeout, max_errors, literal_limit, message_size;
	int64_t idle_poll, search_time, progress_interval;
	int64_t max_folders_told;
	struct strlist public_admins;
	int share_anyone;	/* enum share_anyone */
};
extern struct imapd_conf conf;

enum {	/* ENABLE */
	ENABLED_CONDSTORE = 1, ENABLED_QRESYNC = 2, ENABLED_UTF8 = 4,
	ENABLED_REV2 = 8, ENABLED_UIDONLY = 16,
};

struct body_place;		/* body.h */
struct notify;			/* cmd_notify.c */
struct context;			/* cmd_search.c: RFC 5267 */

struct session {
	struct imap imap;	/* first: commands get this */
	const struct peer *peer;
	const struct session_user *user;
	struct tree tree;
	struct tree public;	/* home NULL: not open */
	struct meta *meta;
	struct fts *fts;
	unsigned enabled;

	/* the selected mailbox; mb NULL: none */
	struct mailbox *mb;
	char *name;		/* of its folder, UTF-8 */
	struct mailbox_place place;
	bool readonly;
	unsigned rights;	/* ACL_... in it */
	uint32_t told;
	uint32_t worked;	/* the uidnext that work.c is done with */
	bool dirty;		/* there may be something to tell */
	size_t kw_told;		/* keywords that FLAGS named */
	/* a folder that was opened for a moment, kept until the client idles */
	struct mailbox *other;
	char *other_name;
	struct mailbox_place other_place;
	unsigned other_rights;
	/* SEARCHRES: UIDs, resolved; its memory is result_arena */
	struct imap_seqset result;
	struct arena result_arena;

	struct watcher *watcher;	/* of IDLE; NULL: not yet */
	struct notify *notify;
	struct context *contexts;
	struct deflate *deflate;	/* COMPRESS; NULL: not */
	struct body_place *reading;	/* of FETCH in pieces; NULL: not yet */

	/* INPROGRESS: of the command with this count, told next at */
	uint64_t progress_of;
	int64_t progress_at;

	/* for the closing log line */
	uint64_t fetched, bodies, stored, appended, copied, expunged;
};

extern const struct imap_command session_commands[];
extern const size_t session_commands_n;

/* ---- session.c ---------------------------------------------------------- */

void session_capabilities(const struct session *s, struct str *out);
/* name the paths of the jail, and make what is missing of the mailbox */
void session_jail(const struct session_user *user);
void session_keep(const struct session_user *user);
/* the client is silent (work.c): index what is new, give back what can be had
 * again */
void session_idle(void *session);
static inline bool
enabled(const struct session *s, unsigned what)
{
	return (s->enabled & what) != 0;
}
/* Wait for the client, the watcher, or the end of the service; after a second
 * the session shrinks, once. */
enum session_wait { WAIT_ON, WAIT_INPUT, WAIT_STOP };
enum session_wait session_wait(struct session *s, int64_t end, bool *shrunk);
/* INPROGRESS (RFC 9585): called now and then by what may take long, with how
 * much is done */
void session_progress(struct session *s, uint64_t done, uint64_t total);
/* imap.update: before the tagged reply */
void session_update(void *session);
/* CONDSTORE is on from now on (RFC 7162 section 3.1): once told, the client
 * gets MODSEQ with every FLAGS */
void session_condstore(struct session *s);
/* UTF-8 in what we send? */
static inline bool
utf8(const struct session *s)
{
	return s->imap.utf8;
}

/* ---- select.c ------------------------------------------------------------ */

/* open folder name as the selected one; the old one must be closed */
int select_open(struct session *s, const char *name, bool readonly,
    struct err *err);
void select_close(struct session *s);	/* none is fine */
/* Another folder for a moment (APPEND, COPY), refreshed: the selected one
 * where it is that and may be written.  NULL: err.  Nothing to give back. */
struct mailbox *select_other(struct session *s, const char *name,
    struct err *err);
/* what the user may do in it: ACL_... */
unsigned select_rights(const struct session *s, const struct mailbox *mb);
void select_forget(struct session *s);	/* before a folder changes its name */

/* ---- view.c -------------------------------------------------------------- */

enum { VIEW_EXPUNGE = 1 /* may be told */ };
/* look what others did, and tell it */
void view_sync(struct session *s, unsigned how);
/* the same without looking */
void view_tell(struct session *s, unsigned how);
/* "* 12 FETCH (" or, with UIDONLY, "* 345 UIDFETCH (": the head of a message
 * data response, appended.  The UID, where it must be told, is part of it:
 * *first is false then. */
void view_fetch_head(struct session *s, size_t i, bool uid, struct str *out,
    bool *first);
/* FLAGS (...) of message i, \Recent included */
void view_flags(struct session *s, size_t i, struct str *out);
/* MSG_... of the protocol's bits (IMAP_SEEN ...), and back */
unsigned flags_to_store(unsigned imap);
unsigned flags_to_imap(unsigned store);
/* "* FLAGS (...)", and PERMANENTFLAGS where all; noted in kw_told */
void view_flag_list(struct session *s, bool all);

/* "* VANISHED (EARLIER) uids": what went after modseq; only: a set of UIDs, as
 * it came, or NULL */
void view_vanished(struct session *s, uint64_t modseq,
    const struct imap_seqset *only);

/* The messages that a sequence set names, below told: indexes ascending, in
 * the command's arena, MSG_GONE left out but counted.  uid: the set is of
 * UIDs.  False:
 * the lexer's error is set (a number that is not there; "$" is resolved). */
struct index_list { uint32_t *v; size_t n, gone; };
bool view_resolve(struct session *s, struct imap_seqset *set, bool uid,
    struct index_list *r);

/* what STORE and APPEND set: $Forwarded is one of our flags; f is changed, and
 * c borrows from it */
void flags_change_fill(struct flags_change *c, struct imap_flags *f);
/* FETCH responses for the messages from index on that were told: items as they
 * came, "(UID FLAGS)"; UID is added */
void fetch_report(struct session *s, const char *items, size_t from);
/* take out what rights do not allow to set; false: nothing is left */
bool flags_allowed(struct flags_change *c, unsigned rights);
/* expunge, and expunge_note; told by view.c: 0 or -1 */
int expunge_indexes(struct session *s, const uint32_t *v, size_t n,
    struct err *err);
/* they were expunged: what was derived from them is forgotten */
void expunge_note(struct session *s, const uint32_t *v, size_t n);

/* the tagged reply to it, with HIGHESTMODSEQ (RFC 7162 section 3.2.7) */
void expunge_ok(struct session *s, size_t n, const char *text);

/* ---- cmd_unauthenticate.c ------------------------------------------------ */

/* before the jail: a way to imap-login */
void unauthenticate_open(void);
bool unauthenticate_offered(const struct session *s);

/* ---- commands ------------------------------------------------------------ */

void cmd_append(void *session);
void cmd_cancelupdate(void *session);
void cmd_capability(void *session);
void cmd_check(void *session);
void cmd_close(void *session);
void cmd_compress(void *session);
void cmd_copy(void *session);
void cmd_create(void *session);
void cmd_delete(void *session);
void cmd_deleteacl(void *session);
void cmd_enable(void *session);
void cmd_examine(void *session);
void cmd_expunge(void *session);
void cmd_fetch(void *session);
void cmd_getacl(void *session);
void cmd_getmetadata(void *session);
void cmd_getquota(void *session);
void cmd_getquotaroot(void *session);
void cmd_id(void *session);
void cmd_idle(void *session);
void cmd_list(void *session);
void cmd_listrights(void *session);
void cmd_logout(void *session);
void cmd_lsub(void *session);
void cmd_move(void *session);
void cmd_myrights(void *session);
void cmd_namespace(void *session);
void cmd_noop(void *session);
void cmd_notify(void *session);
void cmd_rename(void *session);
void cmd_replace(void *session);
void cmd_search(void *session);
void cmd_select(void *session);
void cmd_setacl(void *session);
void cmd_setmetadata(void *session);
void cmd_setquota(void *session);
void cmd_sort(void *session);
void cmd_status(void *session);
void cmd_store(void *session);
void cmd_subscribe(void *session);
void cmd_thread(void *session);
void cmd_unauthenticate(void *session);
void cmd_unselect(void *session);
void cmd_unsubscribe(void *session);

#endif
