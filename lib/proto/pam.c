/*
 * pam.c - field tables of auth-pam's interface.
 */
#include "proto/pam.h"

static const struct field find_in[] = {
	F_STR(struct pam_find_in, user, NULL, "login name"),
	F_END
};

static const struct field find_out[] = {
	F_BOOL(struct pam_find_out, found, "no", "there is such an account"),
	F_INT(struct pam_find_out, uid, "-1", NULL, NULL, "user id"),
	F_INT(struct pam_find_out, gid, "-1", NULL, NULL, "group id"),
	F_STR(struct pam_find_out, home, "", "home directory"),
	F_END
};

static const struct field check_in[] = {
	F_STR(struct pam_check_in, user, NULL, "login name"),
	F_SECRET(struct pam_check_in, pass, NULL, "password"),
	F_STR(struct pam_check_in, service, "", "smtp, pop3, imap"),
	F_STR(struct pam_check_in, client, "", "address"),
	F_END
};

static const struct field check_out[] = {
	F_BOOL(struct pam_check_out, right, "no", "the password is right"),
	F_END
};

const struct verb_def pam_find_verb = {
	.name = "find",
	.in = find_in, .in_size = sizeof(struct pam_find_in),
	.out = find_out, .out_size = sizeof(struct pam_find_out),
	.flags = VERB_AGAIN,
	.doc = "an account of the host",
};

const struct verb_def pam_check_verb = {
	.name = "check",
	.in = check_in, .in_size = sizeof(struct pam_check_in),
	.out = check_out, .out_size = sizeof(struct pam_check_out),
	.doc = "is that its password?",
};

const struct verb_def *const pam_verbs[] = {
	&pam_find_verb,
	&pam_check_verb,
	NULL
};
