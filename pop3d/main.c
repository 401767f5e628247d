/*
 * main.c - pop3d: the session after login, as the user, inside the mailbox.
 */
#include "base/clock.h"
#include "base/log.h"
#include "serve/tls.h"
#include "session.h"

struct pop3d_conf conf;

static const struct field fields[] = {
	F_TIME(struct pop3d_conf, timeout, "10m", "1s", "1d",
	    "how long a client may be idle"),
	F_TIME(struct pop3d_conf, lock_timeout, "0s", "0s", "1m",
	    "how long to wait for another session to end"),
	F_TIME(struct pop3d_conf, login_delay, "0s", "0s", "1d",
	    "least time between two logins of a user"),
	F_INT(struct pop3d_conf, expire, "-1", "-1", "36500",
	    "days that messages are kept, as announced; -1 for ever"),
	F_BOOL(struct pop3d_conf, save_seen, "yes",
	    "at QUIT, messages that were read leave new/"),
	F_BOOL(struct pop3d_conf, mark_seen, "yes",
	    "and are flagged as seen"),
	F_INT(struct pop3d_conf, max_messages, "500000", "1", "10000000",
	    "messages that a session shows"),
	F_INT(struct pop3d_conf, max_errors, "50", "1", "100000",
	    "bad commands, then the session ends"),
	F_END
};

static void
log_end(const struct session *s, const char *user, const struct peer *peer,
    const char *end, int64_t start)
{
	log_event(LOG_INFO, "disconnect", KS("user", user),
	    KS("client", peer->addr), TLS_KEYS(peer), KS("end", end),
	    KU("retr", s->retr), KU("top", s->top),
	    KU("deleted", s->done.deleted),
	    KU("left", s->drop.n - s->done.deleted),
	    KU("in", s->pop3.io->bytes_in), KU("out", s->pop3.io->bytes_out),
	    KI("ms", mono_ms() - start), KEND);
}

/* pop3-login names the mechanisms: anything else is none */
static struct slice
mechanisms(const char *state)
{
	struct slice s = slice_of(state);
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!ascii_isalnum((unsigned char)s.p[i]) &&
		    strchr(" -_", s.p[i]) == NULL)
			return SLICE_NULL;
	return s;
}

static void
offers(void *session, struct pop3_offers *o)
{
	const struct session *s = session;

	o->user = true;
	o->mechs = s->mechs;
}

static void
session(struct io *io, struct peer *peer, const struct session_user *user)
{
	struct session s = { .pop3 = { io, IN_TRANSACTION, offers,
	    session_commands, conf.login_delay, conf.expire },
	    .mechs = mechanisms(user->state) };
	int64_t start = mono_ms();
	const char *end = "refused";
	struct cmd_stats stats;
	struct line_proto p;

	io->timeout_ms = (int)conf.timeout;
	io_block(io, 100);	/* a client at work: no poll for each line */
	pop3_proto(&p, session_commands);
	p.max_line = 512;
	p.max_errors = (int)conf.max_errors;
	p.cmd_timeout_ms = conf.timeout;
	if (session_open(&s, user))
		end = cmd_end_name(cmd_loop(io, &p, &s, &stats));
	else
		io_flush(io);
	/* who reads the line may log in again at once */
	drop_unlock(&s.drop);
	log_end(&s, user->name, peer, end, start);
	drop_close(&s.drop);
	str_free(&s.ahead.text);
}

static const struct daemon pop3d = {
	.name = "pop3d", .kind = SERVE_USER, .fields = fields, .conf = &conf,
	.user = session, .user_jail = session_jail,
	.verbs = NULL, .user_root = true,
	.jail = { .groups = JAIL_FILES | JAIL_WRITE, .files = 32 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &pop3d);
}
