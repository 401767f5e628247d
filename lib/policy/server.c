/*
 * server.c - policy servers that speak the protocol of Postfix's
 * SMTPD_POLICY_README: lines name=value and an empty one, answered by
 * action=... and an empty line.  The connection is kept; one that the server
 * closed meanwhile is made anew, once a question.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "policy/internal.h"
#include "serve/jail.h"

enum { ANSWER_MAX = 8192, TIMEOUT_MS = 10000, TIMEOUT_MAX = 300000 };

struct server {
	const char *where;	/* unix:PATH, inet:HOST:PORT */
	const char *otherwise;	/* the action where it gives no answer; NULL */
	int64_t timeout;
	int fd;
};

union address {
	struct sockaddr sa;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static int
parse_inet(const char *z, union address *a, socklen_t *len, struct err *err)
{
	char host[INET6_ADDRSTRLEN + 2], *h = host;
	struct slice all = slice_of(z);
	size_t colon = slice_rfind(all, ':');
	uint64_t port;

	if (colon == all.n || colon >= sizeof(host) || !slice_u64(slice_sub(
	    all, colon + 1, all.n), 65535, &port) || port == 0)
		return err_perm(err, "5.3.5", "expected inet:ADDRESS:PORT");
	slice_copy(host, sizeof(host), slice_sub(all, 0, colon));
	if (host[0] == '[' && host[colon - 1] == ']') {
		host[colon - 1] = '\0';
		h++;
	}
	if (strcmp(h, "localhost") == 0)
		h = (char *)"127.0.0.1";
	*a = (union address){ .in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) } };
	*len = sizeof(a->in);
	if (inet_pton(AF_INET, h, &a->in.sin_addr) == 1)
		return 0;
	*a = (union address){ .in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port) } };
	*len = sizeof(a->in6);
	if (inet_pton(AF_INET6, h, &a->in6.sin6_addr) == 1)
		return 0;
	return err_perm(err, "5.3.5", "%s: not an address", h);
}

static int
parse_address(const char *where, union address *a, socklen_t *len,
    struct err *err)
{
	struct slice z = slice_of(where);

	if (slice_starts(z, "inet:"))
		return parse_inet(where + 5, a, len, err);
	if (!slice_starts(z, "unix:/"))
		return err_perm(err, "5.3.5", "expected unix:/PATH or "
		    "inet:ADDRESS:PORT, not %.60s", where);
	*a = (union address){ .un = { .sun_family = AF_UNIX } };
	*len = sizeof(a->un);
	if (z.n - 5 >= sizeof(a->un.sun_path))
		return err_perm(err, "5.3.5", "the path is too long");
	slice_copy(a->un.sun_path, sizeof(a->un.sun_path), slice_sub(z, 5,
	    z.n));
	return 0;
}

static void
close_server(void *self)
{
	struct server *s = self;

	close_fd(s->fd);
	s->fd = -1;
}

static int
parse_options(struct words *w, struct server *s, struct err *err)
{
	struct action a;

	for (;;) {
		if (words_take(w, "timeout")) {
			if (words_time(w, &s->timeout, err) < 0)
				return -1;
			if (s->timeout < 1 || s->timeout > TIMEOUT_MAX)
				return err_perm(err, "5.3.5",
				    "expected a time of at most 5m");
		} else if (words_take(w, "default")) {
			s->otherwise = words_text(w);
			if (s->otherwise == NULL)
				return words_expected(w,
				    "an \"ACTION\" as the server would say",
				    err);
			if (access_parse(s->otherwise, &w->p->a, &a, err) < 0)
				return -1;
		} else
			return 0;
	}
}

int
server_parse(struct words *w, struct server **s_r, struct err *err)
{
	struct server *s = arena_alloc(&w->p->a, sizeof(*s));
	union address a;
	socklen_t len;

	*s_r = s;
	s->fd = -1;
	s->timeout = TIMEOUT_MS;
	s->where = words_arg(w);
	if (s->where == NULL)
		return words_expected(w, "unix:/PATH or inet:ADDRESS:PORT",
		    err);
	if (parse_address(s->where, &a, &len, err) < 0)
		return -1;
	if (a.sa.sa_family != AF_UNIX)
		w->p->needs |= POLICY_NEEDS_INET;
	strlist_add(&w->p->servers, &w->p->a, s->where);
	policy_closes(w->p, close_server, s);
	return parse_options(w, s, err);
}

int
server_jail(const char *where, struct err *err)
{
	union address a;
	socklen_t len;

	if (parse_address(where, &a, &len, err) < 0)
		return -1;
	if (a.sa.sa_family == AF_INET)
		jail_port(ntohs(a.in.sin_port));
	else if (a.sa.sa_family == AF_INET6)
		jail_port(ntohs(a.in6.sin6_port));
	return 0;
}

/* --- the protocol ------------------------------------------------------- */

static void
attribute(struct str *out, const char *name, const char *z)
{
	size_t from;

	str_addf(out, "%s=", name);
	for (from = out->len, str_adds(out, z); from < out->len; from++)
		if ((unsigned char)out->s[from] < 0x20)
			out->s[from] = '?';
	str_addc(out, '\n');
}

static void
number(struct str *out, const char *name, int64_t n)
{
	str_addf(out, "%s=%lld\n", name, (long long)n);
}

static const char *
or_unknown(const char *z)
{
	return z[0] != '\0' ? z : "unknown";
}

void
server_request(const struct eval *e, struct str *out)
{
	static const char *const states[] = { "CONNECT", "EHLO", "MAIL",
	    "RCPT", "DATA", "END-OF-MESSAGE" };
	const struct policy_facts *f = e->f;
	bool helo = e->p->stage == POLICY_HELO && !f->esmtp;
	const char *name = e->late_name != NULL && f->client_name[0] == '\0' ?
	    e->late_name : f->client_name;

	str_adds(out, "request=smtpd_access_policy\n");
	attribute(out, "protocol_state", helo ? "HELO" :
	    states[e->p->stage]);
	attribute(out, "protocol_name", f->proto);
	attribute(out, "client_address", f->client_port != 0 ?
	    or_unknown(f->client) : f->client);
	attribute(out, "client_name", or_unknown(name));
	attribute(out, "reverse_client_name", or_unknown(name));
	number(out, "client_port", f->client_port);
	attribute(out, "server_address", f->local);
	number(out, "server_port", f->local_port);
	attribute(out, "helo_name", f->helo);
	attribute(out, "sender", f->sender);
	attribute(out, "recipient", f->rcpt);
	number(out, "recipient_count", e->p->stage > POLICY_RCPT ? f->nrcpt :
	    0);
	attribute(out, "queue_id", f->q);
	attribute(out, "instance", f->instance);
	number(out, "size", (int64_t)f->size);
	attribute(out, "etrn_domain", "");
	attribute(out, "stress", "");
	attribute(out, "sasl_method", f->mech);
	attribute(out, "sasl_username", f->login);
	attribute(out, "sasl_sender", "");
	attribute(out, "ccert_subject", f->subject);
	attribute(out, "ccert_issuer", f->issuer);
	attribute(out, "ccert_fingerprint", f->fingerprint);
	attribute(out, "encryption_protocol", f->tls);
	attribute(out, "encryption_cipher", f->cipher);
	number(out, "encryption_keysize", f->bits);
	str_addc(out, '\n');
}

int
server_answer(struct slice text, struct slice *action_r, struct err *err)
{
	struct slice line;
	bool found = false;

	if (slice_has_nul(text))
		return err_temp(err, "4.3.5", "NUL in the answer");
	while (slice_cut(&text, '\n', &line)) {
		if (text.p == NULL)
			break;		/* no line end yet */
		line = slice_trim(line);
		if (line.n == 0)
			return found ? 1 : err_temp(err, "4.3.5",
			    "no action= in the answer");
		if (slice_starts(line, "action=") && !found) {
			*action_r = slice_trim(slice_sub(line, 7, line.n));
			found = true;
		}
	}
	return 0;
}

/* --- the connection ----------------------------------------------------- */

static int
wait_for(int fd, short what, int64_t deadline, struct err *err)
{
	struct pollfd p = { .fd = fd, .events = what };
	int64_t left = deadline - mono_ms();
	int r;

	do {
		r = poll(&p, 1, (int)MAX(left, 0));
		left = deadline - mono_ms();
	} while (r < 0 && errno == EINTR);
	if (r > 0)
		return 0;
	return r < 0 ? err_sys(err, "poll") :
	    err_temp(err, "4.4.1", "no answer in time");
}

static int
connect_server(struct server *s, int64_t deadline, struct err *err)
{
	union address a;
	socklen_t len;
	int error = 0;

	if (parse_address(s->where, &a, &len, err) < 0)
		return -1;
	s->fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return err_sys(err, "socket");
	if (connect(s->fd, &a.sa, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return err_sys(err, "connect");
	if (wait_for(s->fd, POLLOUT, deadline, err) < 0)
		return -1;
	len = sizeof(error);
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return err_sys(err, "connect");
	errno = error;
	return error == 0 ? 0 : err_sys(err, "connect");
}

static int
send_all(int fd, struct slice z, int64_t deadline, struct err *err)
{
	ssize_t n;

	while (z.n > 0) {
		n = send(fd, z.p, z.n, MSG_NOSIGNAL);
		if (n >= 0)
			z = slice_sub(z, (size_t)n, z.n);
		else if (errno == EAGAIN) {
			if (wait_for(fd, POLLOUT, deadline, err) < 0)
				return -1;
		} else if (errno != EINTR)
			return err_sys(err, "send");
	}
	return 0;
}

/* 1 and the action in out; 0 it closed before it said a word; -1 */
static int
receive(int fd, struct str *out, struct slice *action_r, int64_t deadline,
    struct err *err)
{
	ssize_t n;
	int r;

	while (out->len < ANSWER_MAX) {
		if (wait_for(fd, POLLIN, deadline, err) < 0)
			return -1;
		str_grow(out, ANSWER_MAX - out->len);
		n = recv(fd, out->s + out->len, ANSWER_MAX - out->len, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return out->len == 0 && errno == ECONNRESET ? 0 :
			    err_sys(err, "recv");
		if (n == 0)
			return out->len == 0 ? 0 : err_temp(err, "4.3.5",
			    "the answer ends too early");
		out->len += (size_t)n;
		out->s[out->len] = '\0';
		r = server_answer(slice_str(out), action_r, err);
		if (r != 0)
			return r;
	}
	return err_temp(err, "4.3.5", "the answer is too long");
}

/* 1 answered; 0: it closed the connection, which was an old one; -1 */
static int
try(struct server *s, struct slice request, struct eval *e,
    const char **action_r, struct err *err)
{
	int64_t deadline = mono_ms() + s->timeout;
	bool old = s->fd >= 0;
	struct str answer = STR_INIT;
	struct slice action;
	int r;

	if (!old && connect_server(s, deadline, err) < 0)
		return -1;
	r = send_all(s->fd, request, deadline, err);
	if (r < 0 && old) {
		str_free(&answer);
		return 0;
	}
	if (r == 0)
		r = receive(s->fd, &answer, &action, deadline, err);
	if (r > 0)
		*action_r = arena_slice(e->a, action);
	else if (r == 0 && !old)
		r = err_temp(err, "4.3.5", "it closed the connection");
	str_free(&answer);
	return r;
}

int
server_ask(struct server *s, struct eval *e, const char **action_r,
    struct err *err)
{
	struct str request = STR_INIT;
	int r;

	server_request(e, &request);
	r = try(s, slice_str(&request), e, action_r, err);
	if (r == 0) {
		close_server(s);
		r = try(s, slice_str(&request), e, action_r, err);
	}
	str_free(&request);
	if (r > 0)
		return 0;
	close_server(s);
	err_prefix(err, "policy server %s", s->where);
	if (s->otherwise == NULL)
		return -1;
	eval_trace(e, "    %s: by default %s", err->text, s->otherwise);
	*action_r = s->otherwise;
	return 0;
}
