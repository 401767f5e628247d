/*
 * record.h - values that are records: name=value parted by blanks.
 *
 * A row of the users table is
 *   ann@example.com  pass=$y$... quota=1G home=/srv/ann disabled=yes
 * and its value is such a record, described by a field table (base/field.h).
 * A value that is empty or holds blanks, quotes or backslashes is written
 * "like this", with \" and \\ inside.  Errors are temporary, 4.3.5: a table
 * that an admin must mend.
 */
#ifndef MAP_RECORD_H
#define MAP_RECORD_H

#include "base/field.h"

/* Defaults, then each name=value.  Strings are copied to the arena.  0, or
 * -1: an unknown name (with the nearest known one), a name given twice, a
 * bad value, a required one missing. */
int record_parse(const struct field *t, void *rec, struct slice text,
    struct arena *a, struct err *err);
/* name=value parted by blanks, appended; what is as its default is left out,
 * and so are secrets unless asked for */
void record_print(const struct field *t, const void *rec, bool secrets,
    struct str *out);

/* a value as it stands behind name=, appended: quoted where it must be */
void record_quote(struct slice v, struct str *out);

/* an account: the value of a row of `users` */
struct user_record {
	struct strlist pass;	/* verifiers (sasl/password.h) of one password;
				 * none: can not log in by one */
	struct strlist app;	/* app passwords, see app_parse */
	uint64_t quota;		/* bytes; 0: the default of common.conf */
	int64_t uid, gid;	/* -1: those of the store */
	const char *home;	/* mail root; "": the place by its address */
	bool disabled;		/* neither logs in nor gets mail */
	const char *services;	/* that it may log in to, parted by commas;
				 * "": all */
	bool app_only;		/* pass logs in nowhere */
	/* messages it may send, 0: as the service's configuration says:
	 * recipients an hour, a day; new recipients a day */
	int64_t limit_hour, limit_day, limit_new;
	const char *forward;	/* addresses that its mail goes to; "" none */
	bool keep;		/* and into the mailbox as well */
	const char *transport;	/* a next hop, or transport:nexthop, where its
				 * mailbox is somewhere else; "" here */
};
extern const struct field user_fields[];

int user_parse(struct slice value, struct user_record *u, struct arena *a,
    struct err *err);
/* is service one of a list such as "imap,smtp"?  An empty list has all */
bool service_in(const char *list, const char *service);
/* names of services, known ones, parted by commas or blanks: 0 or -1 */
int services_check(const char *list, struct err *err);

/*
 * An app password: a password of an account that was made for one program or
 * device, good for some services alone.  As text, a value of `app`:
 *   ID DATE SERVICES VERIFIER LABEL
 * SERVICES is a list as above, never empty; VERIFIER one of SCRAM-SHA-256;
 * LABEL may be empty and hold blanks.
 */
struct app_password {
	struct slice id, date, services, verifier, label;
};
/* slices of text; 1, or 0: malformed */
int app_parse(const char *text, struct app_password *app);
enum { APP_PASSWORDS_MAX = 20, APP_ID_MAX = 16 };

/* filters of map_compile_cdb_with: the row checked and printed anew, with
 * the password hash (for auth alone) and without (for everybody else) */
int user_filter_secret(void *ctx, struct slice key, struct slice value,
    struct str *out, struct err *err);
int user_filter_public(void *ctx, struct slice key, struct slice value,
    struct str *out, struct err *err);

#endif
