/*
 * outbox.c - reports on their way.  One that is being sent is not due again
 * for a while, so that a crash sends it once more and a slow receiver keeps
 * only its own waiting.
 */
#include "stsd.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"

enum { AT_ONCE = 2, POST_MS = 60000, MAIL_MS = 660000, LEASE_S = 900,
	RETRY_S = 300, RETRY_MAX_S = 4 * 3600, ROWS_MAX = 100000 };

struct sending {
	int64_t number, tries;
	struct arena arena;
	const char *domain, *uri, *id, *file;
};

static int under_way;

void
outbox_add(const struct report *r, const struct str *gz, const char *uri)
{
	if (db_number(0, "SELECT count(*) FROM outbox", "") >= ROWS_MAX)
		return;
	db_run("INSERT INTO outbox(day, domain, uri, id, file, body, tries,"
	    " next) VALUES(?, ?, ?, ?, ?, ?, 0, 0)", "issssb", r->day,
	    r->domain, uri, r->id, r->file, gz->s, (int64_t)gz->len);
	log_event(LOG_INFO, "report", KS("domain", r->domain), KI("day",
	    r->day), KS("to", uri), KI("good", r->good), KI("failed",
	    r->failed), KEND);
}

static void
log_failed(const struct sending *s, const struct err *why, bool last)
{
	log_event(LOG_WARN, "report-failed", KS("domain", s->domain),
	    KS("to", s->uri), KI("tries", s->tries), KS("again", last ?
	    "no" : "yes"), KERR(why), KEND);
}

static void
remove_row(const struct sending *s)
{
	db_run("DELETE FROM outbox WHERE number = ?", "i", s->number);
	db_commit();
}

static void
over(struct sending *s, const struct err *why)
{
	int64_t pause = RETRY_S;
	bool last;

	s->tries++;
	if (why == NULL) {
		log_event(LOG_INFO, "report-sent", KS("domain", s->domain),
		    KS("to", s->uri), KEND);
		remove_row(s);
	} else {
		last = why->kind == ERR_PERM || s->tries >= conf.report_tries;
		log_failed(s, why, last);
		pause <<= MIN(s->tries - 1, (int64_t)10);
		if (last)
			remove_row(s);
		else
			db_run("UPDATE outbox SET tries = ?, next = ? WHERE"
			    " number = ?", "iii", s->tries, wall_s() +
			    MIN(pause, (int64_t)RETRY_MAX_S), s->number);
	}
	arena_free(&s->arena);
	free(s);
}

static void
on_sent(void *ctx, const struct ipc_msg *m UNUSED, const struct err *why)
{
	under_way--;
	over(ctx, why);
}

static int
send_mail(struct sending *s, struct slice gz, struct err *err)
{
	struct sts_mail_in in = { .sender = report_from() };
	struct str text = STR_INIT;
	int fd, rc;

	if (!mailto_address(s->uri, &s->arena, &in.to))
		return err_perm(err, "5.1.3", "no address that could be "
		    "used");
	message_make(s->domain, s->id, s->file, gz, in.to, &text);
	fd = db_file(slice_str(&text), err);
	str_free(&text);
	rc = fd < 0 ? -1 : ask(socket_path("sts-fetch"), &sts_mail, &in, fd,
	    MAIL_MS, on_sent, s, err);
	close_fd(fd);
	return rc;
}

static int
send_post(struct sending *s, struct slice gz, struct err *err)
{
	struct sts_post_in in = { .url = s->uri,
		.type = "application/tlsrpt+gzip", .timeout = POST_MS };
	int fd = db_file(gz, err), rc;

	rc = fd < 0 ? -1 : ask(socket_path("sts-fetch"), &sts_post, &in, fd,
	    POST_MS + 15000, on_sent, s, err);
	close_fd(fd);
	return rc;
}

static void
send_one(struct sending *s, struct slice gz)
{
	struct err err = ERR_INIT;
	int rc = slice_istarts(slice_of(s->uri), "mailto:") ?
	    send_mail(s, gz, &err) : send_post(s, gz, &err);

	if (rc == 0)
		under_way++;
	else
		over(s, &err);
}

/* true where there was one */
static bool
next_one(int64_t now)
{
	struct sqlite3_stmt *st = db_select("SELECT number, tries, domain,"
	    " uri, id, file, body FROM outbox WHERE next <= ? ORDER BY next,"
	    " number LIMIT 1", "i", now);
	struct sending *s = NULL;
	struct str gz = STR_INIT;

	while (db_row(st)) {
		s = xcalloc(1, sizeof(*s));
		s->number = db_int(st, 0);
		s->tries = db_int(st, 1);
		s->domain = db_text(st, 2, &s->arena);
		s->uri = db_text(st, 3, &s->arena);
		s->id = db_text(st, 4, &s->arena);
		s->file = db_text(st, 5, &s->arena);
		str_addsl(&gz, db_blob(st, 6));
	}
	if (s != NULL) {
		db_run("UPDATE outbox SET next = ? WHERE number = ?", "ii",
		    now + LEASE_S, s->number);
		send_one(s, slice_str(&gz));
	}
	str_free(&gz);
	return s != NULL;
}

void
outbox_tick(int64_t now)
{
	while (under_way < AT_ONCE && next_one(now))
		;
}
