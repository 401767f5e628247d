/*
 * map_socket.c - socket:inet:HOST:PORT:NAME and socket:unix:PATH:NAME, a
 * server that is asked in the protocol of sendmail's socketmap.
 *
 * One connection for each open table.  Where it turns out to be dead before an
 * answer came, the question is asked once more on a new one.  A server that
 * gives no answer in time is avoided for a while, so that who asks does not
 * wait for it each time.
 */
#include "base/clock.h"
#include "base/io.h"
#include "map/map.h"
#include "map/socketmap.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ANSWER_MS = 5000, IDLE_MS = 60000, RETRY_MS = 1000,
	RETRY_MAX_MS = 60000 };

struct socket_map {
	char *spec;
	struct socketmap at;	/* into spec */
	struct io io;		/* fd -1: not connected */
	int64_t used;		/* mono_ms of the last answer */
	int64_t until;		/* avoided; 0: not */
	int64_t retry;		/* ms, for the next time */
	struct err why;		/* while it is avoided */
};

static void
hang_up(struct socket_map *m)
{
	if (m->io.fd >= 0)
		io_close(&m->io);
	m->io.fd = -1;
}

/* blocking, and within the time that is left: fd, or -1 with errno */
static int
connect_to(int family, const struct sockaddr *sa, socklen_t n,
    int64_t deadline)
{
	int64_t left = MAX(deadline - mono_ms(), (int64_t)1);
	struct timeval tv = { left / 1000, left % 1000 * 1000 };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), e;

	if (fd < 0)
		return -1;
	/* connect(2) heeds it */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(fd, sa, n) == 0)
		return fd;
	e = errno == EINPROGRESS || errno == EAGAIN ? ETIMEDOUT : errno;
	close_fd(fd);
	errno = e;
	return -1;
}

static int
connect_unix(const struct socket_map *m, int64_t deadline, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	slice_copy(sun.sun_path, sizeof(sun.sun_path), m->at.path);
	fd = connect_to(AF_UNIX, (struct sockaddr *)&sun, sizeof(sun),
	    deadline);
	return fd >= 0 ? fd : err_sys(err, "%s", sun.sun_path);
}

static int
connect_inet(const struct socket_map *m, int64_t deadline, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all, *a;
	char host[256], port[8];
	int fd = -1, rc;

	slice_copy(host, sizeof(host), m->at.host);
	snprintf(port, sizeof(port), "%u", m->at.port);
	rc = getaddrinfo(host, port, &hints, &all);
	if (rc != 0)
		return err_temp(err, "4.3.0", "%s: %s", host,
		    gai_strerror(rc));
	for (a = all; a != NULL && fd < 0; a = a->ai_next)
		fd = connect_to(a->ai_family, a->ai_addr, a->ai_addrlen,
		    deadline);
	rc = errno;
	freeaddrinfo(all);
	errno = rc;
	return fd >= 0 ? fd : err_sys(err, "%s:%s", host, port);
}

static int
read_answer(struct socket_map *m, struct str *out, struct err *err)
{
	struct slice in, text;
	size_t have = 0, used;
	int r, got;

	for (;;) {
		got = io_peek(&m->io, &in);
		if (got <= 0) {
			r = got < 0 ? err_temp(err, "4.3.0", "%s",
			    m->io.timed_out ? "no answer in time" :
			    m->io.err.text) :
			    err_temp(err, "4.3.0", "it closed the "
			    "connection without an answer");
			break;
		}
		str_addsl(out, in);
		io_consume(&m->io, in.n);
		have = out->len;
		r = netstring_take(slice_str(out), &text, &used, err);
		if (r != 0)
			break;
	}
	if (r > 0 && used != have)
		r = err_temp(err, "4.3.0", "more than one answer");
	return r;
}

/* 1 found, 0 absent, -1: err; what it says about us is no failure of it: *said
 * is set */
static int
ask(struct socket_map *m, struct slice key, int64_t deadline,
    struct str *out, bool *said, struct err *err)
{
	struct str in = STR_INIT;
	struct slice text;
	size_t used;
	int fd, r;

	*said = false;
	if (m->io.fd < 0) {
		fd = m->at.host.p != NULL ? connect_inet(m, deadline, err) :
		    connect_unix(m, deadline, err);
		if (fd < 0)
			return -1;
		io_init(&m->io, fd, ANSWER_MS);
	}
	m->io.deadline = deadline;
	netstring_add(&in, m->at.name, key);
	io_put(&m->io, in.s, in.len);
	str_reset(&in);
	r = read_answer(m, &in, err);
	if (r > 0) {
		*said = true;
		netstring_take(slice_str(&in), &text, &used, err);
		r = socketmap_answer(text, out, err);
	}
	if (!*said)
		hang_up(m);
	str_wipe(&in);
	return r;
}

static int
socket_get(void *self, struct slice key, struct str *out, struct err *err)
{
	struct socket_map *m = self;
	int64_t now = mono_ms(), deadline = now + ANSWER_MS;
	bool old, said;
	int r;

	if (slice_has_nul(key))
		return 0;
	if (now < m->until)
		return err_temp(err, "4.3.0", "socket:%s: %s; asked again in "
		    "%lld s", m->spec, m->why.text,
		    (long long)(m->until - now) / 1000 + 1);
	if (now - m->used > IDLE_MS)
		hang_up(m);
	old = m->io.fd >= 0;
	r = ask(m, key, deadline, out, &said, err);
	if (!said && old && mono_ms() < deadline)
		r = ask(m, key, deadline, out, &said, err);
	m->used = mono_ms();
	if (said) {
		m->until = 0;
		m->retry = RETRY_MS;
	} else {
		m->why = *err;
		m->until = m->used + m->retry;
		m->retry = MIN(2 * m->retry, RETRY_MAX_MS);
	}
	return r >= 0 ? r : err_prefix(err, "socket:%s", m->spec);
}

static void
socket_close(void *self)
{
	struct socket_map *m = self;

	hang_up(m);
	free(m->spec);
	free(m);
}

static int
socket_open(const char *name, void **self_r, struct stat *st UNUSED,
    struct err *err)
{
	struct socket_map *m = xcalloc(1, sizeof(*m));

	m->spec = xstrdup(name);
	m->io.fd = -1;
	m->retry = RETRY_MS;
	if (socketmap_parse(slice_of(m->spec), &m->at, err) != 0) {
		socket_close(m);
		return -1;
	}
	*self_r = m;
	return 0;
}

static int
socket_check(const char *name, struct err *err)
{
	struct socketmap s;

	return socketmap_parse(slice_of(name), &s, err);
}

static void
socket_needs(const char *name, struct map_needs *n)
{
	struct socketmap s;
	struct err ignored = ERR_INIT;

	if (socketmap_parse(slice_of(name), &s, &ignored) != 0)
		return;
	n->local = s.host.p == NULL;
	n->port = s.port;
	slice_copy(n->host, sizeof(n->host), s.host);
}

const struct map_type map_type_socket = {
	.name = "socket",
	.check = socket_check,
	.needs = socket_needs,
	.open = socket_open,
	.get = socket_get,
	.close = socket_close,
};
