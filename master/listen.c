/*
 * listen.c - listening sockets, in one table by what they listen on.
 *
 * Binding never disturbs what is bound: a reload first binds what is new and
 * gives up as a whole where that fails.  A UNIX socket is made under another
 * name and renamed into place, so its path always leads to a live one.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "master.h"
#include "serve/serve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct listener *listeners;

static int
bad_spec(const char *spec, struct err *err)
{
	return err_perm(err, "5.3.5", "listen = %s: expected "
	    "inet:ADDRESS:PORT or tls:ADDRESS:PORT (IPv6 in brackets, * for "
	    "all), private:NAME, inbox:NAME, gate:NAME, local:NAME or "
	    "public:NAME", spec);
}

bool
listen_tcp(enum listen_kind kind)
{
	return kind == LISTEN_INET || kind == LISTEN_TLS;
}

/* the part behind "inet:" or "tls:"; 0 or -1 */
static int
parse_inet(struct slice s, struct sockaddr_storage *ss, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	size_t colon = slice_rfind(s, ':');
	struct slice host = slice_sub(s, 0, colon);
	char addr[INET6_ADDRSTRLEN];
	uint64_t port;

	memset(ss, 0, sizeof(*ss));
	if (colon == s.n || host.n == 0 || host.n >= sizeof(addr) ||
	    !slice_u64(slice_sub(s, colon + 1, s.n), 65535, &port) ||
	    port == 0)
		return -1;
	if (slice_eqz(host, "*"))
		host = SLICE_LIT("[::]");
	if (host.p[0] == '[' && host.p[host.n - 1] == ']') {
		slice_copy(addr, sizeof(addr), slice_sub(host, 1, host.n - 2));
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		*len = sizeof(*in6);
		return inet_pton(AF_INET6, addr, &in6->sin6_addr) == 1 ? 0 : -1;
	}
	slice_copy(addr, sizeof(addr), host);
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	*len = sizeof(*in);
	return inet_pton(AF_INET, addr, &in->sin_addr) == 1 ? 0 : -1;
}

static const struct {
	const char *prefix;
	enum listen_kind kind;
	const char *dir;
	int type;
	mode_t mode;
} kinds[] = {
	{ "inet:", LISTEN_INET, NULL, SOCK_STREAM, 0 },
	{ "tls:", LISTEN_TLS, NULL, SOCK_STREAM, 0 },
	{ "private:", LISTEN_PRIVATE, "private", SOCK_SEQPACKET, 0660 },
	{ "inbox:", LISTEN_INBOX, "private", SOCK_DGRAM, 0600 },
	{ "gate:", LISTEN_GATE, "private", SOCK_DGRAM, 0600 },
	{ "local:", LISTEN_LOCAL, "private", SOCK_STREAM, 0660 },
	{ "public:", LISTEN_PUBLIC, "public", SOCK_STREAM, 0666 },
};

/* index in kinds and the rest of the spec, or -1 */
static int
kind_of(const char *spec, struct slice *rest)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (strncmp(spec, kinds[i].prefix,
		    strlen(kinds[i].prefix)) == 0) {
			*rest = slice_of(spec + strlen(kinds[i].prefix));
			return (int)i;
		}
	return -1;
}

static bool
socket_name_ok(struct slice n)
{
	size_t i;

	for (i = 0; i < n.n; i++)
		if (!ascii_isalnum((unsigned char)n.p[i]) && n.p[i] != '-' &&
		    n.p[i] != '_')
			return false;
	return n.n > 0 && n.n <= 32 && !slice_eqz(n, "master");
}

int
listen_check(const char *spec, struct err *err)
{
	struct sockaddr_storage ss;
	struct slice rest;
	socklen_t len;
	int k = kind_of(spec, &rest);

	if (k < 0 || (listen_tcp(kinds[k].kind) ?
	    parse_inet(rest, &ss, &len) != 0 : !socket_name_ok(rest)))
		return bad_spec(spec, err);
	return 0;
}

/* What each client's socket is to have it has from its listener: that saves a
 * session the calls.  Before listen(2), for clients come before the program. */
static void
set_options(int fd)
{
	const struct timeval tv = { 0, IDLE_MS * 1000 };
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

static int
bind_inet(struct slice rest, bool any, int wait_ms, struct err *err)
{
	struct sockaddr_storage ss;
	int64_t until = mono_ms() + wait_ms;
	int fd, one = 1, zero = 0;
	socklen_t len;

	if (parse_inet(rest, &ss, &len) != 0)
		return err_perm(err, "5.3.5", "bad address");
	fd = fd_high(socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0));
	if (fd < 0 && errno == EAFNOSUPPORT && any) {
		struct slice port = slice_sub(rest, 1, rest.n);
		char v4[32] = "0.0.0.0";

		slice_copy(v4 + 7, sizeof(v4) - 7, port);
		return bind_inet(slice_of(v4), false, wait_ms, err);
	}
	if (fd < 0)
		return err_sys(err, "socket");
	set_options(fd);
	if (ss.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, any ? &zero : &one,
		    sizeof(one));
	while (bind(fd, (struct sockaddr *)&ss, len) != 0) {
		/* the children of a master that was killed are leaving */
		if (errno == EADDRINUSE && mono_ms() < until) {
			poll(NULL, 0, 50);
			continue;
		}
		err_sys(err, "cannot bind");
		close_fd(fd);
		return -1;
	}
	return fd;
}

static int
bind_unix(int k, const char *path, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, n;

	n = snprintf(sun.sun_path, sizeof(sun.sun_path), "%s.new", path);
	if (n < 0 || (size_t)n >= sizeof(sun.sun_path))
		return err_perm(err, "5.3.5", "%s: path is too long for a "
		    "socket; choose a shorter run_dir", path);
	fd = fd_high(socket(AF_UNIX, kinds[k].type | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0));
	if (fd < 0)
		return err_sys(err, "socket");
	(void)unlink(sun.sun_path);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0 ||
	    (kinds[k].kind != LISTEN_PUBLIC && !common.single_uid &&
	    lchown(sun.sun_path, 0, common.suite_gid) != 0) ||
	    chmod(sun.sun_path, kinds[k].mode) != 0 ||
	    rename(sun.sun_path, path) != 0) {
		err_sys(err, "cannot make %s", path);
		(void)unlink(sun.sun_path);
		close_fd(fd);
		return -1;
	}
	return fd;
}

int
listen_private(const char *name, struct err *err)
{
	char *path = xasprintf("%s/private/%s", common.run_dir, name);
	int fd = bind_unix(LISTEN_PRIVATE, path, err);

	free(path);
	if (fd >= 0 && listen(fd, 64) != 0) {
		err_sys(err, "cannot listen on %s", name);
		close_fd(fd);
		return -1;
	}
	return fd;
}

static int
open_listener(const char *spec, int wait_ms, struct listener **l_r,
    struct err *err)
{
	struct listener *l;
	struct slice rest;
	char *path = NULL;
	int k = kind_of(spec, &rest), fd;

	if (k < 0)
		return bad_spec(spec, err);
	if (listen_tcp(kinds[k].kind)) {
		fd = bind_inet(rest, rest.p[0] == '*', wait_ms, err);
	} else {
		path = xasprintf("%s/%s/%.*s", common.run_dir, kinds[k].dir,
		    (int)rest.n, rest.p);
		fd = bind_unix(k, path, err);
	}
	if (fd < 0) {
		free(path);
		return err_prefix(err, "listen = %s", spec);
	}
	l = xcalloc(1, sizeof(*l));
	l->spec = xstrdup(spec);
	l->kind = kinds[k].kind;
	l->fd = fd;
	l->path = path;
	l->fresh = true;
	l->next = listeners;
	listeners = l;
	*l_r = l;
	return 0;
}

struct listener *
listen_find(const char *spec)
{
	struct listener *l;

	for (l = listeners; l != NULL; l = l->next)
		if (strcmp(l->spec, spec) == 0)
			return l;
	return NULL;
}

static int
prepare_service(const struct service_conf *s, int wait_ms, struct err *err)
{
	struct listener *l;
	size_t i;

	for (i = 0; i < s->listen.n; i++) {
		l = listen_find(s->listen.v[i]);
		if (l == NULL && open_listener(s->listen.v[i], wait_ms, &l,
		    err) != 0)
			return err_prefix(err, "[%s]", s->name);
		if (l->kind != LISTEN_INBOX && l->kind != LISTEN_GATE &&
		    listen(l->fd, (int)s->backlog) != 0) {
			err_sys(err, "cannot listen");
			return err_prefix(err, "[%s] listen = %s", s->name,
			    l->spec);
		}
		l->wanted = true;
	}
	return 0;
}

/* drop those for which the test holds */
static void
drop(bool (*test)(const struct listener *))
{
	struct listener **p = &listeners, *l;

	while ((l = *p) != NULL) {
		if (!test(l)) {
			p = &l->next;
			continue;
		}
		*p = l->next;
		/* busy children hold it too: nobody shall connect in vain */
		if (listen_tcp(l->kind))
			(void)shutdown(l->fd, SHUT_RDWR);
		close_fd(l->fd);
		if (l->path != NULL)
			(void)unlink(l->path);
		free(l->path);
		free(l->spec);
		free(l);
	}
}

static bool
is_fresh(const struct listener *l)
{
	return l->fresh;
}

static bool
is_unwanted(const struct listener *l)
{
	return !l->wanted;
}

static bool
is_any(const struct listener *l UNUSED)
{
	return true;
}

int
listen_prepare(const struct config *c, int wait_ms, struct err *err)
{
	struct listener *l;
	size_t i;

	for (l = listeners; l != NULL; l = l->next)
		l->wanted = l->fresh = false;
	for (i = 0; i < c->services; i++)
		if (c->service[i].enabled &&
		    prepare_service(&c->service[i], wait_ms, err) != 0) {
			drop(is_fresh);
			return -1;
		}
	return 0;
}

void
listen_commit(void)
{
	drop(is_unwanted);
}

void
listen_close(struct listener *l)
{
	struct listener *i;

	for (i = listeners; i != NULL; i = i->next)
		i->wanted = i != l;
	drop(is_unwanted);
}

void
listen_close_all(void)
{
	drop(is_any);
}

unsigned
listen_waiting(const struct listener *l)
{
	struct tcp_info ti;
	socklen_t len = sizeof(ti);

	memset(&ti, 0, sizeof(ti));
	if (!listen_tcp(l->kind) ||
	    getsockopt(l->fd, IPPROTO_TCP, TCP_INFO, &ti, &len) != 0)
		return 1;
	return ti.tcpi_unacked;		/* of a listener: its accept queue */
}
