/*
 * open.c - into the mailbox.  The answer to the login is given only when the
 * drop is locked and read, as RFC 1939 section 4 wants.
 */
#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "session.h"
#include "store/store.h"

static int
home_of(struct str *out, const struct session_user *user, struct err *err)
{
	return store_user_home(out, common.mail_dir, user->mailbox,
	    user->home, err);
}

static void
make_mailbox(const struct session_user *user)
{
	struct err err;

	if (geteuid() == user->uid && store_user_make(common.mail_dir,
	    user->mailbox, user->home, &err) < 0)
		log_event(LOG_WARN, "mailbox", KS("user", user->name),
		    KERR(&err), KEND);
}

void
session_jail(const struct session_user *user)
{
	static const struct { const char *name; unsigned rights; } paths[] = {
		{ "", PATH_READ },
		/* moved and removed, but never written */
		{ "/new", PATH_READ | PATH_CREATE | PATH_LINK },
		{ "/cur", PATH_READ | PATH_CREATE | PATH_LINK },
		{ "/tmp", PATH_ALL }, { "/.state", PATH_ALL },
		{ "/maildirsize", PATH_READ | PATH_WRITE },
	};
	struct str path = STR_INIT;
	struct err err;
	size_t i, len;

	make_mailbox(user);
	if (home_of(&path, user, &err) == 0) {
		str_adds(&path, "/Maildir");
		len = path.len;
		for (i = 0; i < ARRAY_LEN(paths); i++) {
			str_trunc(&path, len);
			str_adds(&path, paths[i].name);
			jail_path(path.s, paths[i].rights);
		}
	}
	str_free(&path);
}

/* 1, or 0: too soon, the reply is given */
static int
check_delay(struct session *s)
{
	int64_t wait, delay = (conf.login_delay + 999) / 1000;
	struct err err;

	if (delay == 0)
		return 1;
	wait = drop_last_login(&s->drop) + delay - wall_s();
	if (wait > 0 && wait <= delay) {
		pop3_bad(&s->pop3, "[LOGIN-DELAY] log in again in %lld "
		    "seconds", (long long)wait);
		return 0;
	}
	if (drop_set_login(&s->drop, wall_s(), &err) < 0)
		log_event(LOG_WARN, "mailbox", KERR(&err), KEND);
	return 1;
}

static int
open_drop(struct session *s, const struct session_user *user, struct err *err)
{
	struct str home = STR_INIT;
	int r = home_of(&home, user, err);

	if (r == 0)
		r = drop_open(&s->drop, home.s, err);
	str_free(&home);
	return r == 0 ? drop_lock(&s->drop, conf.lock_timeout, err) : -1;
}

int
session_open(struct session *s, const struct session_user *user)
{
	struct err err = ERR_INIT;
	uint64_t n, octets;

	s->drop = (struct drop){ .maildir = -1, .sub = { -1, -1 },
		.lock = -1 };
	switch (open_drop(s, user, &err)) {
	case 0:
		pop3_bad(&s->pop3, "[IN-USE] another session has the "
		    "mailbox");
		return 0;
	case 1:
		if (!check_delay(s))
			return 0;
		if (drop_scan(&s->drop, (size_t)conf.max_messages, &err) == 0)
			break;
		/* FALLTHROUGH */
	default:
		log_event(LOG_ERROR, "mailbox", KS("user", user->name),
		    KERR(&err), KEND);
		err_temp(&err, "4.3.0", "the mailbox can not be opened now");
		pop3_trouble(&s->pop3, &err);
		return 0;
	}
	drop_stat(&s->drop, &n, &octets);
	pop3_ok(&s->pop3, "logged in, %llu messages (%llu octets)",
	    (unsigned long long)n, (unsigned long long)octets);
	return 1;
}
