/*
 * session.c - what a session is made of, and the commands that need no
 * mailbox.
 */
#include "session.h"

#include "base/clock.h"
#include "base/log.h"
#include "capability.h"
#include "conf/common.h"
#include "share.h"
#include "store/store.h"
#include "store/watcher.h"

void
session_capabilities(const struct session *s, struct str *out)
{
	struct capability_facts f = { .compressed = s->deflate != NULL,
		.back = unauthenticate_offered(s),
		.append_limit = conf.message_size };

	capability_list(out, &f);
}

/* Message files are 0440 and chmod is no call of ours: what is linked to
 * other mailboxes can not be changed from here. */
void
session_jail(const struct session_user *user)
{
	static const struct { const char *name; unsigned rights; } paths[] = {
		{ "", PATH_READ },
		{ "/Maildir", PATH_ALL | PATH_LINK },
		{ "/.index", PATH_ALL },
	};
	struct str path = STR_INIT;
	struct err err;
	size_t i, len;

	if (geteuid() == user->uid && store_user_make(common.mail_dir,
	    user->mailbox, user->home, &err) < 0)
		log_event(LOG_WARN, "mailbox", KS("user", user->name),
		    KERR(&err), KEND);
	if (store_user_home(&path, common.mail_dir, user->mailbox,
	    user->home, &err) == 0) {
		len = path.len;
		for (i = 0; i < ARRAY_LEN(paths); i++) {
			str_trunc(&path, len);
			str_adds(&path, paths[i].name);
			if (i == 2 && geteuid() == user->uid)
				mkdir(path.s, 0700);
			jail_path(path.s, paths[i].rights);
		}
	}
	str_free(&path);
	share_jail(user);
}

/* Only what lies below mail_dir, the store's, is notifyd's to watch. */
void
session_keep(const struct session_user *user)
{
	unauthenticate_open();
	if (user->uid == common.uid[ROLE_STORE])
		watcher_open();
}

void
session_update(void *session)
{
	struct session *s = session;
	bool numbers = s->imap.at->flags & CMD_SEQ && !s->imap.lex.uid;

	view_sync(s, numbers ? 0 : VIEW_EXPUNGE);
	meta_flush(s->meta);	/* no transaction stays open */
}

void
session_progress(struct session *s, uint64_t done, uint64_t total)
{
	struct str out = STR_INIT;
	int64_t now = mono_ms();

	if (s->progress_of != s->imap.count) {
		s->progress_of = s->imap.count;
		s->progress_at = now + conf.progress_interval;
	}
	/* between commands (NOTIFY) there is no tag to name */
	if (s->imap.at == NULL || now < s->progress_at)
		return;
	s->progress_at = now + conf.progress_interval;
	str_adds(&out, "* OK [INPROGRESS (");
	imap_put_string(&out, s->imap.lex.tag, false);
	str_addf(&out, " %llu %llu)] still at work\r\n",
	    (unsigned long long)done, (unsigned long long)total);
	imap_put(&s->imap, &out);
	str_free(&out);
	io_flush(s->imap.io);
}

void
session_condstore(struct session *s)
{
	s->enabled |= ENABLED_CONDSTORE;
}

void
cmd_capability(void *session)
{
	struct session *s = session;
	struct str out = STR_INIT;

	if (!imap_args_end(&s->imap))
		return;
	str_adds(&out, "* CAPABILITY ");
	session_capabilities(s, &out);
	str_adds(&out, "\r\n");
	imap_put(&s->imap, &out);
	str_free(&out);
	imap_ok(&s->imap, NULL, "here they are");
}

void
cmd_noop(void *session)
{
	struct session *s = session;

	if (imap_args_end(&s->imap))
		imap_ok(&s->imap, NULL, "done");
}

/* the mailbox is always in order; what waits is done now */
void
cmd_check(void *session)
{
	struct session *s = session;

	if (!imap_args_end(&s->imap))
		return;
	while (mailbox_settle(s->mb))
		;
	imap_ok(&s->imap, NULL, "done");
}

void
cmd_logout(void *session)
{
	struct session *s = session;

	if (!imap_args_end(&s->imap))
		return;
	imap_say(&s->imap, "BYE good-bye");
	imap_ok(&s->imap, NULL, "logged out");
	s->imap.end = "logout";
}

/* RFC 2971: what clients say of themselves goes to the log */
void
cmd_id(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct slice k = { 0 }, v, name = { 0 }, version = { 0 };

	imap_lex_sp(l);
	if (imap_lex_peek(l) == '(') {
		for (imap_lex_open(l); imap_lex_next(l); ) {
			imap_lex_string(l, &k);
			imap_lex_sp(l);
			if (!imap_lex_nstring(l, &v))
				break;
			if (slice_ieqz(k, "name"))
				name = v;
			else if (slice_ieqz(k, "version"))
				version = v;
		}
	} else {
		imap_lex_nstring(l, &k);
	}
	if (!imap_args_end(&s->imap))
		return;
	if (name.n > 0)
		log_event(LOG_INFO, "client", KS("user", s->user->name),
		    KS("name", name.p),
		    KS("version", version.n > 0 ? version.p : NULL), KEND);
	imap_say(&s->imap, "ID (\"name\" \"Postrider\")");
	imap_ok(&s->imap, NULL, "nice to meet you");
}

/* RFC 2342: personal folders are without a prefix */
void
cmd_namespace(void *session)
{
	struct session *s = session;
	struct str out = STR_INIT;

	if (!imap_args_end(&s->imap))
		return;
	share_namespaces(&out);
	imap_say(&s->imap, "NAMESPACE %s", out.s);
	str_free(&out);
	imap_ok(&s->imap, NULL, "here they are");
}

static const struct { const char *name; unsigned bits; } extensions[] = {
	{ "CONDSTORE", ENABLED_CONDSTORE },
	{ "QRESYNC", ENABLED_QRESYNC | ENABLED_CONDSTORE },
	{ "IMAP4rev2", ENABLED_REV2 },
	{ "UIDONLY", ENABLED_UIDONLY },
	{ "UTF8=ACCEPT", ENABLED_UTF8 },
};

static unsigned
enable(struct session *s, struct slice name, struct str *out)
{
	size_t i;
	unsigned new;

	for (i = 0; i < ARRAY_LEN(extensions); i++) {
		if (!slice_ieqz(name, extensions[i].name))
			continue;
		new = extensions[i].bits & ~s->enabled;
		if (new != 0)
			str_addf(out, " %s", extensions[i].name);
		return new;
	}
	return 0;
}

/* RFC 5161: what is unknown is passed over */
void
cmd_enable(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct str out = STR_INIT;
	struct slice name;
	unsigned new = 0;

	str_adds(&out, "* ENABLED");
	imap_lex_sp(l);
	do {
		if (!imap_lex_atom(l, &name))
			break;
		new |= enable(s, name, &out);
	} while (imap_lex_try_sp(l));
	if (imap_args_end(&s->imap)) {
		s->enabled |= new;
		if (enabled(s, ENABLED_UTF8 | ENABLED_REV2)) {
			s->imap.utf8 = true;
			l->flags |= IMAP_LEX_UTF8;
		}
		s->imap.uidonly = enabled(s, ENABLED_UIDONLY);
		str_adds(&out, "\r\n");
		imap_put(&s->imap, &out);
		imap_ok(&s->imap, NULL, "enabled");
	}
	str_free(&out);
}
