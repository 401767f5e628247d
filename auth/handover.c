/*
 * handover.c - the client's descriptor goes to the session program, with the
 * ids and the mailbox of the account: auth says who it is, nobody else.
 */
#include "auth.h"

#include <sys/stat.h>

#include "base/log.h"
#include "conf/common.h"
#include "store/store.h"

/* TO ADD A SERVICE: a row; the program is a section of master.conf. */
static struct { const char *service, *program, *path; } targets[] = {
	{ "pop3", "pop3d", NULL },
	{ "imap", "imapd", NULL },
};

void
handover_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(targets); i++)
		targets[i].path = socket_path(targets[i].program);
}

const char *
handover_path(const char *service)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(targets); i++)
		if (strcmp(service, targets[i].service) == 0)
			return targets[i].path;
	return NULL;
}

/* an account of the host: its mailbox is in its home */
static int
system_places(const struct account *acct, struct session_begin_in *b,
    struct arena *a)
{
	b->uid = acct->ids.uid;
	b->gid = acct->ids.gid;
	b->home = arena_strdup(a, acct->ids.home);
	b->quota = common.default_quota;
	return 0;
}

/* the places of the account: 0, or -1 */
static int
places(const char *user, struct session_begin_in *b, struct arena *a,
    struct err *err)
{
	struct str mailbox = STR_INIT, home = STR_INIT;
	struct arena secrets = { 0 };
	struct account acct;
	int r = account_find(user, &acct, &secrets, err);

	if (r == 0 || (r == 1 && acct.record.disabled))
		r = err_perm(err, "5.7.8", "the account is gone");
	else if (r == 1 && acct.system)
		r = system_places(&acct, b, a);
	else if (r == 1)
		r = user_mailbox(slice_of(user), &acct.record, &mailbox, err);
	if (r == 0 && !acct.system) {
		b->quota = acct.record.quota > 0 ? acct.record.quota :
		    common.default_quota;
		b->mailbox = arena_slice(a, slice_str(&mailbox));
		str_addf(&home, "%s/", common.mail_dir);
		r = store_home(&home, b->mailbox, err);
		b->home = arena_slice(a, slice_str(&home));
	}
	account_wipe(&acct, &secrets);
	str_free(&mailbox);
	str_free(&home);
	return r;
}

static int
give(struct login *l, const struct session_begin_in *b, const char *service,
    int fd, struct err *err)
{
	bool sent = false;
	struct ipc c;
	int r;

	ipc_init(&c, handover_path(service), (int)conf.handover_timeout);
	r = ipc_call(&c, &session_begin, b, fd, NULL, NULL, &sent, err);
	/* no answer: it may have the client */
	l->gone = r == 0 || (sent && c.fd < 0);
	if (l->gone)
		l->give_until = 0;
	ipc_free(&c);
	return r;
}

int
handover(struct login *l, const struct auth_handover_in *in, int fd,
    struct err *err)
{
	struct session_begin_in b = {
		.user = l->user, .mailbox = "", .home = "",
		.uid = common.uid[ROLE_STORE], .gid = common.gid[ROLE_STORE],
		.input = in->input, .state = in->state,
		.client_addr = in->client_addr,
		.local_addr = in->local_addr, .session = l->session,
		.client_port = in->client_port, .local_port = in->local_port,
		.tls = in->tls, .version = in->version, .cipher = in->cipher,
		.sni = in->sni };
	struct arena a = { 0 };
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode))
		return err_perm(err, "5.5.4", "that is no client");
	r = places(l->user, &b, &a, err);
	if (r == 0)
		r = give(l, &b, in->service, fd, err);
	if (r < 0)
		log_event(LOG_ERROR, "handover", KS("user", l->user),
		    KS("service", in->service), KERR(err), KEND);
	arena_free(&a);
	return r;
}
