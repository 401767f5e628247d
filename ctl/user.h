/*
 * user.h - inside ctl: what the verbs of postrider user share.
 */
#ifndef CTL_USER_H
#define CTL_USER_H

#include "users.h"

/* parse no options, load the instance, check the number of words */
int user_begin(int argc, char **argv, int min, int max, const char *usage);
/* begin an edit and find the account: must it be there? */
int user_edit(struct table_edit *e, const char *name, bool there,
    struct user_record *u, const char **full_r);
/* put the record, commit, say what was done */
int user_put(struct table_edit *e, const char *full,
    const struct user_record *u, const char *what);
int user_finish(struct table_edit *e, const char *full, const char *what);

/* --- user_show.c --- */
int user_list(int argc, char **argv);
int user_show(int argc, char **argv);
/* "quota", and how full it is */
void user_print_quota(const char *full, const struct user_record *u);

/* --- user_forward.c --- */
int user_forward(int argc, char **argv);
void user_print_forward(const struct user_record *u);

/* --- user_app.c --- */
int user_app(int argc, char **argv);

#endif
