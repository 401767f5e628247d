/* smtpd_fake.c - see smtpd_fake.h */
#include "smtpd_fake.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "conf/common.h"

enum { SOCKET_HOLDS = 65536 };

struct fake fake = { .content = STR_INIT, .rcpts = STR_INIT,
    .sender = STR_INIT, .proto = STR_INIT };
static struct arena arena;
static int content_fd = -1;

void
fake_conf(enum personality p)
{
	arena_reset(&arena);
	memset(&conf, 0, sizeof(conf));
	field_defaults(conf_fields, &conf, &arena);
	conf.personality = p;
	conf.future_release = 0;	/* EHLO shall not tell the time */
	common.hostname = "mx.example.org";
}

void
fake_reset(void)
{
	str_free(&fake.content);
	str_free(&fake.rcpts);
	str_free(&fake.sender);
	str_free(&fake.proto);
	fake = (struct fake){ .content = STR_INIT, .rcpts = STR_INIT,
	    .sender = STR_INIT, .proto = STR_INIT };
}

int
backend_space(uint64_t size UNUSED, struct err *err)
{
	return fake.no_space ? err_temp(err, "4.3.1", "disk full") : 0;
}

int
backend_resolve(struct txn *t, bool relay, struct rcpt *r, struct err *err)
{
	struct slice s = slice_of(r->addr);

	r->class = CLASS_VIRTUAL;
	if (slice_find(s, '@') == s.n) {
		r->addr = arena_printf(&t->arena, "%s@example.org", r->addr);
		return 0;
	}
	if (!slice_iends(s, "@example.org"))
		return relay ? 0 :
		    err_perm(err, "5.7.1", "relaying denied");
	if (slice_starts(s, "unknown"))
		return err_perm(err, "5.1.1", "no such user");
	if (slice_starts(s, "full"))
		return err_temp(err, "4.2.2", "mailbox full");
	if (slice_starts(s, "broken"))
		return err_temp(err, "4.3.0", "a table can not be read");
	return 0;
}

int
backend_owns(const char *login UNUSED, const char *addr,
    struct router_owns_out *out, struct err *err UNUSED)
{
	*out = (struct router_owns_out){ .at = -1, .limit_hour = -1,
		.limit_day = -1, .limit_new = -1 };
	out->owned = !slice_starts(slice_of(addr), "foreign");
	return 0;
}

static void
take_envelope(const struct session *s, const struct txn *t)
{
	size_t i;

	str_reset(&fake.rcpts);
	for (i = 0; i < t->n; i++) {
		str_adds(&fake.rcpts, t->rcpts[i].addr);
		if (t->rcpts[i].notify[0] || t->rcpts[i].orcpt[0])
			str_addf(&fake.rcpts, "/%s/%s", t->rcpts[i].notify,
			    t->rcpts[i].orcpt);
		str_addc(&fake.rcpts, ' ');
	}
	str_reset(&fake.sender);
	str_adds(&fake.sender, t->sender);
	if (t->ret[0] || t->envid[0])
		str_addf(&fake.sender, "/%s/%s", t->ret, t->envid);
	str_reset(&fake.proto);
	session_proto(s, &fake.proto);
}

int
backend_begin(const struct session *s, struct txn *t, int *fd_r,
    struct err *err)
{
	*fd_r = -1;
	if (fake.no_begin)
		return err_temp(err, "4.3.0", "no cleanup");
	close_fd(content_fd);
	content_fd = fake.full_disk ? open("/dev/full", O_RDWR | O_CLOEXEC) :
	    memfd_create("content", MFD_CLOEXEC);
	*fd_r = fcntl(content_fd, F_DUPFD_CLOEXEC, 0);
	if (*fd_r < 0)
		die("content: %s", strerror(errno));
	take_envelope(s, t);
	slice_copy(t->q, sizeof(t->q), SLICE_LIT("QID"));
	t->begun = true;
	fake.begun++;
	return 0;
}

/* nothing is put: what begin and commit get is looked at */
int
backend_put(const struct session *s UNUSED, struct txn *t UNUSED,
    const struct str *content UNUSED, struct err *err UNUSED)
{
	return 0;
}

int
backend_complete(struct txn *t UNUSED, uint64_t size, int *fd_r,
    uint64_t *trace_r, uint64_t *size_r, struct err *err)
{
	*fd_r = fcntl(content_fd, F_DUPFD_CLOEXEC, 0);
	*trace_r = 0;
	*size_r = size;
	return *fd_r < 0 ? err_sys(err, "dup") : 0;
}

int
backend_commit(struct txn *t, uint64_t size, struct err *err)
{
	t->begun = false;
	if (fake.no_commit)
		return err_temp(err, "4.3.0", "lost");
	if (fake.bad_content)
		return err_perm(err, "5.4.6", "too many hops");
	str_reset(&fake.content);
	str_grow(&fake.content, size);
	if (pread(content_fd, fake.content.s, size, 0) != (ssize_t)size)
		die("size %llu does not agree", (unsigned long long)size);
	fake.content.len = size;
	fake.content.s[size] = '\0';
	fake.committed++;
	return 0;
}

void
backend_abort(struct txn *t)
{
	t->begun = false;
	fake.aborted++;
}

int
backend_auth(const struct auth_sasl_in *in, struct auth_out *out,
    struct err *err)
{
	*out = (struct auth_out){ .challenge = "", .user = "", .login = "" };
	if (!in->has_data)
		out->challenge = "VXNlcm5hbWU6";
	else if (strcmp(in->data, "AGFubgBwdw==") == 0) {	/* ann, pw */
		out->done = true;
		out->user = "ann@example.org";
	} else if (strcmp(in->data, "dGVtcA==") == 0)
		return err_temp(err, "4.7.0", "try later");
	else
		return err_perm(err, "5.7.8", "wrong");
	return 0;
}

void
backend_init(void)
{
}

void
backend_auth_end(void)
{
}

bool
backend_connected(void)
{
	return false;
}

void
backend_release(void)
{
}

void
backend_client_ask(const struct peer *peer UNUSED)
{
}

void
backend_client_name(struct str *out UNUSED, bool wait UNUSED)
{
}

void
backend_client_drop(void)
{
}

/* The client's side.  What does not fit into a socket is written by a child;
 * its pid, or 0. */
static pid_t
send_input(int fd, int other, struct slice input)
{
	pid_t pid = 0;

	if (input.n > SOCKET_HOLDS)
		pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	if (input.n > SOCKET_HOLDS)
		close_fd(other);
	if (send(fd, input.p, input.n, MSG_NOSIGNAL) == (ssize_t)input.n)
		shutdown(fd, SHUT_WR);
	if (input.n > SOCKET_HOLDS)
		_exit(0);
	return 0;
}

void
fake_session(struct slice input, const char *addr, struct str *out)
{
	struct peer peer = { .uid = 1000, .pid = 1, .id = "session" };
	struct io io;
	char buf[65536];
	int sv[2];
	ssize_t n;
	pid_t writer;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		die("socketpair: %s", strerror(errno));
	writer = send_input(sv[0], sv[1], input);
	slice_copy(peer.addr, sizeof(peer.addr), slice_of(addr));
	peer.port = strcmp(addr, "unix") == 0 ? 0 : 12345;
	io_init(&io, sv[1], 0);
	session_run(&io, &peer);
	io_close(&io);
	if (writer > 0)
		waitpid(writer, NULL, 0);
	while ((n = read(sv[0], buf, sizeof(buf))) > 0)
		str_add(out, buf, (size_t)n);
	close_fd(sv[0]);
}
