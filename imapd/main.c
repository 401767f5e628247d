/*
 * main.c - imapd: the session after login, as the user, inside the mailbox.
 */
#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "deflate.h"
#include "mime/charset.h"
#include "notify.h"
#include "serve/tls.h"
#include "store/side.h"
#include "store/store.h"
#include "store/watcher.h"

struct imapd_conf conf;

static const struct field fields[] = {
	F_TIME(struct imapd_conf, timeout, "30m", "1s", "1d",
	    "how long a client may be idle"),
	F_INT(struct imapd_conf, max_errors, "50", "1", "100000",
	    "bad commands, then the session ends"),
	F_SIZE(struct imapd_conf, literal_limit, "64K", "1K", "16M",
	    "a literal that is no message"),
	F_SIZE(struct imapd_conf, message_size, "50M", "1K", "1P",
	    "a message that is appended"),
	F_TIME(struct imapd_conf, idle_poll, "30s", "1s", "1h",
	    "how often an idle session looks itself"),
	F_TIME(struct imapd_conf, search_time, "1m", "1s", "1h",
	    "how long a search may take"),
	F_TIME(struct imapd_conf, progress_interval, "10s", "1ms", "1h",
	    "how often a client is told that its command goes on"),
	F_LIST(struct imapd_conf, public_admins,
	    "addresses of who makes public folders"),
	F_ENUM(struct imapd_conf, share_anyone, "admins",
	    "nobody|admins|users",
	    "who may share a folder with all users"),
	F_END
};

static void
log_end(const struct session *s, int64_t start)
{
	log_event(LOG_INFO, "disconnect", KS("user", s->user->name),
	    KS("client", s->peer->addr), TLS_KEYS(s->peer),
	    KS("end", s->imap.end),
	    KU("commands", s->imap.count), KU("errors", s->imap.errors),
	    KU("fetched", s->fetched), KU("bodies", s->bodies),
	    KU("stored", s->stored), KU("appended", s->appended),
	    KU("copied", s->copied), KU("expunged", s->expunged),
	    KU("in", s->imap.io->bytes_in), KU("out", s->imap.io->bytes_out),
	    KI("ms", mono_ms() - start), KEND);
}

/* the tag of LOGIN, which came through the login program */
static struct slice
login_tag(const struct session_user *user)
{
	struct slice tag = slice_of(user->state);
	size_t i;

	/* a tag may have what an atom may not, as ] */
	for (i = 0; i < tag.n; i++)
		if (tag.p[i] <= ' ' || tag.p[i] >= 0x7f)
			break;
	return tag.n > 0 && i == tag.n ? tag : SLICE_LIT("*");
}

static int
open_home(struct session *s, struct err *err)
{
	struct str home = STR_INIT;
	int r = store_user_home(&home, common.mail_dir, s->user->mailbox,
	    s->user->home, err);

	if (r == 0)
		r = tree_open(&s->tree, home.s, s->user->quota,
		    common.hostname, err);
	str_free(&home);
	return r;
}

/* the answer to LOGIN; false: the mailbox can not be opened */
static bool
greet(struct session *s)
{
	struct str caps = STR_INIT;
	struct err err = ERR_INIT;
	bool open = open_home(s, &err) == 0;

	s->imap.lex.tag = login_tag(s->user);
	if (open && s->user->preauth) {
		session_capabilities(s, &caps);
		imap_say(&s->imap, "PREAUTH [CAPABILITY %s] logged in as %s",
		    caps.s, s->user->name);
	} else if (open) {
		str_adds(&caps, "CAPABILITY ");
		session_capabilities(s, &caps);
		imap_ok(&s->imap, caps.s, "logged in as %s", s->user->name);
	} else {
		log_event(LOG_ERROR, "mailbox", KS("user", s->user->name),
		    KERR(&err), KEND);
		imap_no(&s->imap, "UNAVAILABLE",
		    "the mailbox can not be opened now");
		s->imap.end = "refused";
	}
	imap_put(&s->imap, &s->imap.tagged);
	str_free(&caps);
	return open;
}

static void
session(struct io *io, struct peer *peer, const struct session_user *user)
{
	struct session s = { .peer = peer, .user = user };
	int64_t start = mono_ms();

	imap_init(&s.imap, io, IN_AUTH, session_commands, session_commands_n);
	s.imap.max_errors = conf.max_errors;
	s.imap.lex.limits.literal = (size_t)conf.literal_limit;
	s.imap.lex.limits.literals = 4 * (size_t)conf.literal_limit;
	s.imap.lex.limits.drop = 2 * (uint64_t)conf.message_size;
	s.imap.update = session_update;
	io->timeout_ms = (int)conf.timeout;
	io->idle_ms = 1000;
	io->idle = session_idle;
	io->idle_arg = &s;
	s.place.dir = -1;
	if (greet(&s)) {
		s.meta = meta_new(s.tree.index);
		s.fts = fts_new(s.tree.index);
		imap_run(&s.imap);
		select_close(&s);
		notify_stop(&s);
		watcher_free(s.watcher);
		deflate_stop(s.deflate, io);
		meta_free(s.meta);
		fts_free(s.fts);
		tree_close(&s.tree);
		if (s.public.home != NULL)
			tree_close(&s.public);
	} else {
		imap_say(&s.imap, "BYE try again later");
		io_flush(io);
	}
	io->idle = NULL;
	log_end(&s, start);
	arena_free(&s.result_arena);
	free(s.reading);
	imap_free(&s.imap);
}

static int
before_jail(struct err *err UNUSED)
{
	side_preload();
	mailbox_prepare();
	return 0;
}

static const struct daemon imapd = {
	.name = "imapd", .kind = SERVE_USER, .fields = fields, .conf = &conf,
	.before_jail = before_jail, .user = session,
	.user_open = session_keep, .user_jail = session_jail,
	.verbs = NULL, .user_root = true,
	.jail = { .groups = JAIL_FILES | JAIL_WRITE | JAIL_SQLITE |
	    JAIL_PAIR | JAIL_INOTIFY, .files = 256,
	    .memory = 4ULL << 30 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &imapd);
}
