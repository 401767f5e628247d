/*
 * session.c - the one connection of this process: from its targets to QUIT.
 */
#include "smtp.h"

#include <sys/socket.h>

#include "base/clock.h"

enum { BLOCK_MS = 100 };	/* before a stop is seen in a wait */

/* has the server said or ended something while nobody asked? */
static bool
is_quiet(struct session *s)
{
	char byte;
	ssize_t n;

	if (io_pending(&s->io) > 0)
		return false;
	n = recv(s->io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* who logs in, and from which address, may depend on the sender */
static bool
suits_sender(const struct session *s, const struct job *j)
{
	if (strcmp(s->sender, j->in->sender) == 0)
		return true;
	return !s->by_sender && conf.target.bind_table[0] == '\0';
}

static bool
is_used_up(const struct session *s)
{
	const struct caps *c = &s->caps;

	return s->bye || s->messages >= conf.reuse_messages ||
	    (c->mail_max > 0 && s->messages >= c->mail_max) ||
	    mono_ms() - s->opened >= conf.reuse_time;
}

bool
session_fits(struct session *s, const struct job *j)
{
	if (!s->open)
		return false;
	if (strcmp(s->nexthop, j->in->nexthop) == 0 && !is_used_up(s) &&
	    (s->requiretls || !j->in->requiretls) &&
	    (!s->tls_optional || j->in->tls_optional) && suits_sender(s, j) &&
	    is_quiet(s)) {
		s->io.deadline = j->deadline;
		log_set_session(s->id);
		return true;
	}
	session_close(s, false);
	return false;
}

bool
session_stays(struct session *s)
{
	s->last = mono_ms();
	if (!s->open || (!is_used_up(s) && conf.idle_time > 0))
		return s->open;
	session_close(s, false);
	return false;
}

int64_t
session_ends(const struct session *s)
{
	return s->open ? s->last + conf.idle_time : 0;
}

static void
say_quit(struct session *s, bool wait)
{
	struct err ignored = ERR_INIT;

	s->io.deadline = mono_ms() + conf.quit_timeout;
	io_puts(&s->io, "QUIT\r\n");
	if (s->trace != NULL)
		s->trace(">>> QUIT", s->trace_ctx);
	if (io_flush(&s->io) < 0)
		return;
	/* what is unread when a socket is closed resets the connection */
	shutdown(s->io.fd, SHUT_WR);
	if (wait)
		reply_read(s, AT_QUIT, &ignored);
}

void
session_close(struct session *s, bool wait)
{
	if (!s->open)
		return;
	if (!s->io.failed && !s->io.eof && !s->lost)
		say_quit(s, wait);
	io_close(&s->io);
	tls_facts_free(&s->facts);
	s->open = false;
}

static void
set_names(struct session *s)
{
	const struct target *t = s->target;

	if (t->port == 0) {
		snprintf(s->peer, sizeof(s->peer), "%s", t->addr);
		snprintf(s->relay, sizeof(s->relay), "%s", t->addr);
		return;
	}
	snprintf(s->peer, sizeof(s->peer), "%s[%s]", t->host, t->addr);
	snprintf(s->relay, sizeof(s->relay), "%s:%d", s->peer, t->port);
}

/* a connected socket: 0 or -1 */
static int
dial(struct session *s, const struct job *j, struct err *err)
{
	int64_t left = j->deadline - mono_ms();
	int fd;

	if (left <= 0)
		return err_temp(err, "4.4.2", "the time for this message is "
		    "over");
	fd = target_connect(s->target, &s->targets, j->in->sender,
	    (int)MIN(left, conf.connect_timeout), &s->host_arena, &s->local,
	    err);
	if (fd < 0)
		return -1;
	io_init_socket(&s->io, fd, 0);
	io_block(&s->io, BLOCK_MS);
	io_wake_on(&s->io, serve_end_fd());
	s->io.deadline = j->deadline;
	s->open = true;
	s->bye = s->lost = s->tainted = s->logged_in = s->never = false;
	s->unfit = false;
	s->by_sender = s->own_login = false;
	s->messages = s->rcpt_max = 0;
	s->opened = s->last = mono_ms();
	s->greeted[0] = '\0';
	s->caps = (struct caps){ 0 };
	return 0;
}

static void
log_failed(const struct session *s, const struct job *j,
    const struct err *err)
{
	log_event(LOG_INFO, "connect-failed", KS("q", j->in->q),
	    KS("dest", s->nexthop), KS("relay", s->relay), KERR(err), KEND);
}

/* 1; 0: not this host; -1: no host */
static int
try_host(struct session *s, struct job *j, struct err *err)
{
	bool plain = false, again = true;
	int rc;

	arena_reset(&s->host_arena);
	s->domain.sender = s->sender;
	rc = policy_target(&s->domain, &s->targets, s->target, s->id,
	    &s->host_arena, &s->policy, err);
	if (rc <= 0) {
		if (strcmp(err->dsn, "4.7.5") == 0)
			hello_unfit(s, err);
		return 0;
	}
	for (;;) {
		if (dial(s, j, err) < 0)
			return 0;
		rc = hello(s, j, plain, &again, err);
		if (rc == 1)
			return 1;
		session_close(s, false);
		if (rc < 0 || plain || !again)
			return rc;
		plain = true;
	}
}

/* where to, and how safe?  0 or -1 */
static int
look_up(struct session *s, const struct job *j, struct err *err)
{
	arena_reset(&s->arena);
	s->targets = (struct targets){ 0 };
	session_id(s->id);
	s->nexthop = arena_strdup(&s->arena, j->in->nexthop);
	s->requiretls = j->in->requiretls;
	s->tls_optional = j->in->tls_optional;
	s->relay[0] = s->peer[0] = '\0';
	if (targets_find(s->nexthop, s->id, &s->arena, &s->targets, err) < 0)
		return -1;
	if (policy_domain(&s->targets, s->requiretls, s->id, &s->arena,
	    &s->domain, err) < 0)
		return -1;
	if (s->tls_optional)
		policy_ignore(&s->domain);
	return 0;
}

bool
session_more(const struct session *s, const struct job *j)
{
	return j->host < s->targets.n && j->sessions < conf.sessions &&
	    mono_ms() < j->deadline && !serve_stopping();
}

int
session_open(struct session *s, struct job *j, struct err *err)
{
	int rc;

	session_close(s, false);
	if (j->host == 0 && look_up(s, j, err) < 0)
		return -1;
	if (serve_stopping())
		return err_temp(err, "4.3.2", "this host shuts down");
	if (s->trace != NULL && j->host == 0)
		trace_targets(s);
	log_set_session(s->id);
	free(s->sender);
	s->sender = xstrdup(j->in->sender);
	while (session_more(s, j)) {
		s->target = &s->targets.v[j->host++];
		set_names(s);
		note(s, "to ", s->relay);
		rc = try_host(s, j, err);
		if (rc == 1) {
			j->sessions++;
			return 0;
		}
		if (s->unfit)
			j->lacks = true;
		else
			j->other = true;
		j->never += s->never;
		s->never = s->unfit = false;
		note(s, "not this one: ", err->text);
		if (s->trace == NULL)
			log_failed(s, j, err);
		if (rc < 0)
			return -1;
	}
	return -1;
}
