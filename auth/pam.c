/*
 * pam.c - auth-pam is asked, which alone may read what PAM reads.
 */
#include "auth.h"

#include "conf/common.h"
#include "proto/pam.h"

/* a connection for each question: a process of auth-pam serves one */
static int
ask(const struct verb_def *v, const void *in, void *out, struct ipc *c,
    struct err *err)
{
	ipc_init(c, socket_path("auth-pam"), (int)conf.outside_timeout);
	return ipc_call(c, v, in, -1, out, NULL, NULL, err);
}

int
pam_find(const char *name, struct system_user *u, struct arena *a,
    struct err *err)
{
	struct pam_find_in in = { name };
	struct pam_find_out out = { .home = "" };
	struct ipc c;
	int r = ask(&pam_find_verb, &in, &out, &c, err);

	if (r == 0 && out.found) {
		*u = (struct system_user){ (uid_t)out.uid, (gid_t)out.gid,
			arena_strdup(a, out.home) };
		r = 1;
	}
	ipc_free(&c);
	return r;
}

int
pam_check(const char *key, const char *password, const char *service,
    const char *client, struct err *err)
{
	struct slice s = slice_of(key);
	char *user = slice_dup(slice_sub(s, 0, slice_rfind(s, '@')));
	struct pam_check_in in = { user, password, service, client };
	struct pam_check_out out = { false };
	struct ipc c;
	int r = ask(&pam_check_verb, &in, &out, &c, err);

	free(user);
	ipc_free(&c);
	return r == 0 ? out.right : -1;
}
