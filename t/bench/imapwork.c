/*
 * imapwork.c - what a session sends next, and what counts as done.
 *
 * Invariant: a piece of work (a whole session, a command of the mix, a
 * message appended) is begun once and counted once: done, failed or dropped.
 */
#include "imapload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t
random_below(struct session *s, uint32_t n)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 17;
	s->random ^= s->random << 5;
	return s->random % n;
}

/* the user's number where the template says %d or %0Nd */
static void
user_name(const struct session *s, char *buf, size_t len)
{
	const char *t = opt.user, *at = strchr(t, '%');
	int user = opt.first_user + s->number % opt.users, width;
	char *end;

	if (at == NULL) {
		snprintf(buf, len, "%s", t);
		return;
	}
	width = (int)strtol(at + 1, &end, 10);
	snprintf(buf, len, "%.*s%0*d%s", (int)(at - t), t, width, user,
	    end + 1);
}

void
work_login(struct session *s)
{
	char user[400];

	user_name(s, user, sizeof(user));
	s->state = ST_LOGIN;
	send_cmd(s, "LOGIN \"%s\" \"%s\"", user, opt.password);
}

bool
work_left(void)
{
	return opt.mode == MODE_IDLE || fig.begun < opt.count;
}

static void
trouble(struct session *s)
{
	snprintf(fig.last_error, sizeof(fig.last_error), "%s",
	    s->answer.status);
}

static void
count_done(struct session *s, double since, bool good)
{
	double t = now();

	if (good)
		fig.latency[fig.done++] = (t - since) * 1e3;
	else {
		fig.failed++;
		trouble(s);
	}
	fig.last = t;
}

static void
range(struct session *s, uint32_t n, char *buf, size_t len)
{
	long max = s->exists > 0 ? s->exists : 1;
	long from = 1 + (long)random_below(s, (uint32_t)max);
	long to = from + (long)n - 1;

	snprintf(buf, len, "%ld:%ld", from, to > max ? max : to);
}

/* one command of the mix; the same seed gives the same ones */
static void
mixed(struct session *s)
{
	uint32_t k = random_below(s, 100);
	char set[60];

	range(s, k < 25 ? 20 : k < 40 ? 10 : 1, set, sizeof(set));
	if (k < 25)
		send_cmd(s, "FETCH %s (UID FLAGS)", set);
	else if (k < 40)
		send_cmd(s, "FETCH %s (UID FLAGS RFC822.SIZE ENVELOPE)", set);
	else if (k < 60)
		send_cmd(s, "FETCH %s (UID BODY.PEEK[])", set);
	else if (k < 70)
		send_cmd(s, "STORE %s %cFLAGS (%s)", set,
		    random_below(s, 2) ? '+' : '-',
		    random_below(s, 2) ? "\\Seen" : "\\Flagged");
	else if (k < 73)
		send_cmd(s, "SEARCH UNSEEN");
	else if (k < 75)
		send_cmd(s, "SEARCH FROM \"ann\"");
	else if (k < 80)
		send_cmd(s, "STATUS Archive (MESSAGES UNSEEN UIDNEXT)");
	else if (k < 88)
		send_cmd(s, "NOOP");
	else if (k < 93)
		send_cmd(s, "LIST \"\" \"*\"");
	else if (k < 97)
		send_literal(s, message, message_len, "APPEND Archive ");
	else
		send_cmd(s, "COPY %s Archive", set);
}

void
work_begin(struct session *s)
{
	if (opt.mode == MODE_SCRIPT)
		return;
	if (opt.mode == MODE_IDLE) {
		s->state = ST_IDLE_ASKED;
		send_cmd(s, "IDLE");
		return;
	}
	if (opt.mode == MODE_SESSIONS || !work_left()) {
		s->state = ST_LOGOUT;
		send_cmd(s, "LOGOUT");
		return;
	}
	if (fig.begun++ == 0)
		fig.first = now();
	s->state = ST_WORK;
	if (opt.mode == MODE_APPEND)
		send_literal(s, message, message_len, "APPEND %s ",
		    opt.mailbox);
	else
		mixed(s);
}

/* selected: sessions begin at once, the others when all are there */
static void
ready(struct session *s)
{
	s->state = ST_READY;
	fig.ready++;
	if (opt.mode == MODE_SESSIONS || opt.mode == MODE_IDLE)
		work_begin(s);
}

static void
refused(struct session *s)
{
	trouble(s);
	fig.refused++;
	work_lost(s);
}

void
work_answered(struct session *s, bool good)
{
	switch (s->state) {
	case ST_GREETING:
		if (good && opt.mode != MODE_SCRIPT)
			work_login(s);
		else if (!good)
			refused(s);
		else
			s->state = ST_READY;
		break;
	case ST_LOGIN:
		if (opt.mode == MODE_SCRIPT)
			s->state = ST_READY;
		else if (!good)
			refused(s);
		else {
			s->state = ST_SELECT;
			send_cmd(s, "SELECT %s", opt.mode == MODE_APPEND ?
			    "INBOX" : opt.mailbox);
		}
		break;
	case ST_SELECT:
		if (!good)
			refused(s);
		else if (opt.mode == MODE_MIXED) {
			s->state = ST_PREPARE;
			send_cmd(s, "CREATE Archive");
		} else
			ready(s);
		break;
	case ST_PREPARE:
		ready(s);	/* it may be there already */
		break;
	case ST_WORK:
		if (opt.mode == MODE_SCRIPT) {
			s->state = ST_READY;
			break;
		}
		count_done(s, s->begun, good);
		work_begin(s);
		break;
	case ST_LOGOUT:
		if (opt.mode == MODE_SESSIONS)
			count_done(s, s->opened, good);
		session_close(s);
		break;
	case ST_IDLE_ASKED:
	case ST_IDLE:
		refused(s);
		break;
	default:
		break;
	}
}

void
work_plus(struct session *s)
{
	if (s->state != ST_IDLE_ASKED)
		return;
	s->state = ST_IDLE;
	fig.idle++;
}

/* in IDLE each notice is told at once, with its time */
void
work_exists(struct session *s, long n)
{
	if (s->state != ST_IDLE)
		return;
	printf("{\"exists\":%ld,\"session\":%d,\"time\":%.6f}\n", n, s->number,
	    now());
	fflush(stdout);
}

/* the connection has ended, or makes no sense any more */
void
work_lost(struct session *s)
{
	if (opt.mode != MODE_SCRIPT && s->state != ST_LOGOUT)
		fig.dropped++;
	if (s->state == ST_LOGOUT && opt.mode == MODE_SESSIONS)
		fig.dropped++;
	if (s->state == ST_IDLE)
		fig.idle--;
	if (fig.last_error[0] == '\0' && s->state != ST_LOGOUT)
		snprintf(fig.last_error, sizeof(fig.last_error),
		    "connection lost in state %d", (int)s->state);
	session_close(s);
}
