/*
 * user.c - SERVE_USER: one hand-over from auth, then for good that user.
 * Nothing of the client is read before the ids are set and the jail closed.
 */
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "conf/common.h"
#include "proto/auth.h"
#include "serve/internal.h"
#include "serve/tls.h"

enum { HANDOVER_TIMEOUT_MS = 10000 };

static void
fill_peer(struct peer *peer, const struct session_begin_in *in, int fd)
{
	memset(peer, 0, sizeof(*peer));
	peer->fd = fd;
	peer->uid = (uid_t)-1;
	slice_copy(peer->addr, sizeof(peer->addr), slice_of(in->client_addr));
	slice_copy(peer->local_addr, sizeof(peer->local_addr),
	    slice_of(in->local_addr));
	slice_copy(peer->id, sizeof(peer->id), slice_of(in->session));
	peer->port = (int)in->client_port;
	peer->local_port = (int)in->local_port;
	peer->tls = in->tls;
}

static int
check_ids(const struct session_begin_in *in, struct err *err)
{
	if (common.single_uid) {
		if (in->uid != (int64_t)geteuid())
			return err_temp(err, "4.3.5", "can not become uid %lld "
			    "without root", (long long)in->uid);
		return 0;
	}
	if (in->uid <= 0 || in->gid <= 0 || in->uid > UINT32_MAX - 1 ||
	    in->gid > UINT32_MAX - 1)
		return err_perm(err, "5.7.0", "bad ids");
	if ((uid_t)in->uid != common.uid[ROLE_STORE] &&
	    in->uid < common.first_uid)
		return err_perm(err, "5.7.0", "uid %lld is below first_uid",
		    (long long)in->uid);
	return 0;
}

/* What master gave to this process, and what the caller of --stdio had open,
 * is not the session's: all but standard descriptors, one socket (-1: none) and
 * what wakes us is closed. */
static void
close_between(int low, int high)
{
	if (low + 1 < high && close_range((unsigned)low + 1,
	    (unsigned)high - 1, 0) < 0)
		die("close_range: %s", strerror(errno));
}

static void
keep_only(int sock)
{
	int low = MIN(sock, serve_stop_fd), high = MAX(sock, serve_stop_fd);

	close_between(STDERR_FILENO, low);
	close_between(MAX(STDERR_FILENO, low), high);
	close_between(high, INT_MAX);
}

/* the one message; 1, or -1 */
static int
receive(int sock, struct ipc_msg *m, struct session_begin_in *in,
    struct err *err)
{
	struct ipc_cred cred;
	int r;

	if (ipc_peer(sock, &cred) < 0)
		return err_sys(err, "peer");
	if (cred.uid != common.uid[ROLE_AUTH] && cred.uid != 0)
		return err_perm(err, "5.7.1", "hand-over from uid %u, not from "
		    "auth", (unsigned)cred.uid);
	r = ipc_recv(sock, m, HANDOVER_TIMEOUT_MS, err);
	if (r <= 0)
		return r < 0 ? -1 : err_temp(err, "4.3.0", "no hand-over");
	if (strcmp(m->verb, session_begin.name) != 0)
		return err_perm(err, "5.5.1", "unexpected verb %s", m->verb);
	if (m->fd < 0)
		return err_perm(err, "5.5.4", "no client came along");
	return ipc_decode(m, session_begin.in, in, NULL, err) < 0 ? -1 : 1;
}

/* set after the ids, which clear it */
static int
follow(pid_t nursery, struct err *err)
{
	if (nursery == 0)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0)
		return err_sys(err, "prctl");
	return getppid() == nursery ? 0 :
	    err_temp(err, "4.3.2", "service shutting down");
}

/* Landlock asks nobody who watches a directory, or learns the names in it: who
 * has one uid with others leaves that to notifyd. */
struct jail
serve_session_jail(const struct daemon *d, uid_t uid)
{
	struct jail j = d->jail;

	if (!common.single_uid && uid == common.uid[ROLE_STORE])
		j.groups &= ~(unsigned)JAIL_INOTIFY;
	return j;
}

static int
become(const struct daemon *d, const struct session_begin_in *in,
    const struct session_user *user, pid_t nursery, struct err *err)
{
	struct jail jail = serve_session_jail(d, user->uid);

	if (check_ids(in, err) < 0)
		return -1;
	if (d->user_open != NULL)
		d->user_open(user);
	if (serve_become(user->uid, user->gid, 0, err) < 0 ||
	    follow(nursery, err) < 0)
		return -1;
	if (d->user_jail != NULL)
		d->user_jail(user);
	return jail_enter(&jail, err);
}

int
serve_probe_user(const struct daemon *d, const char *mailbox,
    struct err *err)
{
	struct session_user user = { "probe", mailbox, NULL,
		common.uid[ROLE_STORE], common.gid[ROLE_STORE], 0, "", false };
	struct jail jail = serve_session_jail(d, user.uid);

	user.home = common_path(common.mail_dir, mailbox);
	if (serve_become(user.uid, user.gid, 0, err) < 0)
		return -1;
	if (d->user_jail != NULL)
		d->user_jail(&user);
	return jail_enter(&jail, err);
}

static void
run_session(const struct daemon *d, const struct session_begin_in *in, int fd,
    const struct session_user *user)
{
	struct tls_facts facts = { .on = in->tls, .f = {
	    .version = in->version, .cipher = in->cipher, .sni = in->sni } };
	struct str input = STR_INIT;
	struct peer peer;
	struct io io;

	fill_peer(&peer, in, fd);
	peer.facts = &facts;
	log_set_session(peer.id);
	fault_catch();
	io_init(&io, fd, 0);
	io_wake_on(&io, serve_stop_fd);
	if (base64_decode(&input, slice_of(in->input)))
		io_unread(&io, input.s, input.len);
	str_free(&input);
	d->user(&io, &peer, user);
	io_close(&io);
}

static const char *
caller_name(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw != NULL ? xstrdup(pw->pw_name) : "?";
}

int
serve_stdio(const struct daemon *d, struct err *err)
{
	struct session_user user = { .name = caller_name(), .mailbox = "",
		.home = getenv("HOME"), .uid = geteuid(), .gid = getegid(),
		.state = "", .preauth = true };
	struct peer peer = { .addr = "stdio", .local_addr = "stdio",
		.uid = geteuid() };
	struct io io;

	if (user.home == NULL || user.home[0] != '/')
		return err_perm(err, "5.3.5", "HOME is not set");
	if (user.uid == 0)
		return err_perm(err, "5.7.0", "not as root");
	keep_only(-1);
	session_id(peer.id);
	log_set_session(peer.id);
	fault_catch();
	if (d->user_open != NULL)
		d->user_open(&user);
	if (d->user_jail != NULL)
		d->user_jail(&user);
	if (jail_enter(&d->jail, err) < 0)
		return -1;
	io_init(&io, STDIN_FILENO, 0);
	io.out_fd = STDOUT_FILENO;
	io.is_socket = false;
	io_wake_on(&io, serve_stop_fd);
	d->user(&io, &peer, &user);
	io_free(&io);
	return 0;
}

void
serve_handover(const struct daemon *d, int sock, pid_t nursery)
{
	struct session_begin_in in = { 0 };
	struct session_user user;
	struct err err = ERR_INIT, ignored;
	struct ipc_msg m;
	int fd;

	status_close();
	keep_only(sock);
	ipc_msg_init(&m);
	if (receive(sock, &m, &in, &err) < 0)
		goto refuse;
	user = (struct session_user){ in.user, in.mailbox, in.home,
	    (uid_t)in.uid, (gid_t)in.gid, in.quota,
		in.state, false };
	if (become(d, &in, &user, nursery, &err) < 0)
		goto refuse;
	ipc_send(sock, "ok", NULL, NULL, -1, 1000, &ignored);
	close(sock);
	fd = m.fd;
	m.fd = -1;
	run_session(d, &in, fd, &user);
	ipc_msg_free(&m);
	return;
refuse:
	log_event(LOG_ERROR, "handover", KERR(&err), KEND);
	ipc_reply_err(sock, &err, &ignored);
	close(sock);
	ipc_msg_free(&m);
}

int
serve_users(const struct daemon *d)
{
	struct arrival a;
	int fd;

	if (launch.clients > 1)
		return serve_nursery(d);
	for (;;) {
		if (serve_wait(launch.max_idle) != WAIT_READY)
			return 0;
		fd = serve_accept(&a);
		if (fd < 0)
			continue;
		status_busy();
		serve_handover(d, fd, 0);
		return 0;
	}
}
