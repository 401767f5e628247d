/*
 * redirect.c - what a .forward says, carried out by the parent.
 *
 * A copy that goes to other addresses is a new message of the queue, with a
 * field Delivered-To that tells of where it was: mail that comes back with it
 * is in a loop.  What fails for now is tried again as a whole; a file or a
 * command may then see the message twice, a mailbox or other people do not,
 * since these come first and last.
 *
 * Commands and files take what time the account likes.  They are passed on to
 * COMMAND_SERVICE, when mailbox and addresses are done, and what is tried
 * again is then they alone.
 */
#include "base/clock.h"
#include "base/log.h"
#include "forward.h"
#include "queue/content.h"
#include "serve/submit.h"

enum { HEAD_MAX = 256 * 1024 };

struct work {
	struct job *j;
	struct rcpt *r;
	const char *login;
	struct arena arena;
	bool mailbox;
	struct strlist addr, slow;
	size_t n;		/* targets */
	struct err err;		/* what went wrong first, temporary ones before
				 * all */
};

static void
note(struct work *w, const struct err *err)
{
	if (w->err.kind == ERR_NONE || (w->err.kind == ERR_PERM &&
	    err->kind == ERR_TEMP))
		w->err = *err;
}

static size_t
index_of(const struct work *w)
{
	return (size_t)(w->r - w->j->rcpt);
}

/* --- commands ---------------------------------------------------- */

static int
on_result(void *ctx, const void *more, struct err *err UNUSED)
{
	const struct agent_result *res = more;
	struct work *w = ctx;
	struct err e;

	if (res->status == AGENT_DELIVERED)
		return 0;
	if (res->status == AGENT_FAILED)
		err_perm(&e, res->dsn, "%s", res->text);
	else
		err_temp(&e, res->dsn, "%s", res->text);
	note(w, &e);
	return 0;
}

static void
one(struct strlist *l, struct work *w, const char *z)
{
	*l = (struct strlist){ 0 };
	strlist_add(l, &w->arena, z);
}

static void
command(struct work *w, const char *text)
{
	static struct ipc pipe;
	struct agent_deliver_in in = *w->j->in;
	struct agent_deliver_out out;
	struct err err;

	if (mono_ms() - w->j->began > conf.command_timeout) {
		err_temp(&err, "4.3.0", "other commands took too long");
		note(w, &err);
		return;
	}
	if (pipe.path == NULL)
		ipc_init(&pipe, socket_path("pipe"),
		    (int)conf.command_timeout);
	one(&in.n, w, w->j->in->n.v[index_of(w)]);
	one(&in.addr, w, w->r->addr);
	one(&in.orig, w, w->j->in->orig.v[index_of(w)]);
	one(&in.quota, w, "");
	one(&in.orcpt, w, "");
	one(&in.notify, w, "");
	one(&in.mailbox, w, arena_printf(&w->arena, "%s:%s", w->login, text));
	if (ipc_call_more(&pipe, &agent_deliver, &in, w->j->content.fd,
	    on_result, w, &out, &err) < 0) {
		err.kind = ERR_TEMP;	/* it is our own trouble */
		err.dsn[0] = '4';
		note(w, &err);
	}
}

/* --- other addresses --------------------------------------------- */

/* where the fields end that cleanup put in front of all */
static size_t
skip_trace(struct slice head)
{
	size_t at = content_trace(head, "Return-Path:");

	return at + content_trace(slice_sub(head, at, head.n),
	    "Delivered-To:");
}

/* has this address had the message before? */
static bool
is_loop(struct slice head, const char *addr)
{
	static const char name[] = "Delivered-To:";
	struct slice line;

	while (slice_cut(&head, '\n', &line) && line.n > 0)
		if (slice_istarts(line, name) && slice_ieq(slice_trim(
		    slice_sub(line, sizeof(name) - 1, line.n)),
		    slice_of(addr)))
			return true;
	return false;
}

/* Receipts: one address takes them along; of several, or beside a mailbox, we
 * say that it was delivered (RFC 3461 section 5.2.7). */
static const char *
notify_on(const struct work *w, const char *notify, bool alone)
{
	if (alone || notify[0] == '\0' ||
	    strcasestr(notify, "success") == NULL)
		return notify;
	return arena_strdup(&((struct work *)(uintptr_t)w)->arena,
	    strcasestr(notify, "failure") != NULL ? "FAILURE" : "NEVER");
}

static int
send_copy(struct work *w, struct slice head, size_t skip, bool alone,
    struct err *err)
{
	const struct agent_deliver_in *in = w->j->in;
	struct cleanup_rcpt_in *rcpt;
	struct cleanup_begin_in begin = { .sender = in->sender,
		.ret = in->ret, .envid = in->envid, .verp = in->verp,
		.utf8 = in->utf8, .body8 = in->body8,
		.requiretls = in->requiretls, .proto = "", .helo = "",
		.client_addr = "", .client_name = "", .login = "",
		.uid = -1, .session = in->session, .hide_client = true,
		.priority = in->priority };
	struct submit_source src = { .fd = w->j->content.fd,
		.from = skip, .to = in->size };
	const char *q, *orcpt = alone ? in->orcpt.v[index_of(w)] : "";
	size_t i;

	if (is_loop(slice_sub(head, skip, head.n), w->r->addr))
		return err_perm(err, "5.4.6", "mail forwarding loop for %s",
		    w->r->addr);
	src.head = slice_of(arena_printf(&w->arena, "Delivered-To: %s\n",
	    w->r->addr));
	rcpt = arena_alloc(&w->arena, w->addr.n * sizeof(*rcpt));
	for (i = 0; i < w->addr.n; i++)
		rcpt[i] = (struct cleanup_rcpt_in){ .addr = w->addr.v[i],
			.notify = notify_on(w, in->notify.v[index_of(w)],
			alone), .orcpt = orcpt, .orig = w->r->addr };
	if (submit_copy(&begin, rcpt, w->addr.n, &src,
	    (int)conf.cleanup_timeout, &w->arena, &q, err) < 0)
		return -1;
	log_set_session(in->session);
	log_set_queue(in->q);
	log_event(LOG_INFO, "forwarded", KS("to", w->r->addr),
	    KS("as", q), KU("nrcpt", w->addr.n), KEND);
	log_set_queue(NULL);
	log_set_session(NULL);
	return 0;
}

static void
copy(struct work *w, bool alone)
{
	static char buf[HEAD_MAX];
	struct slice head = { buf, 0 };
	ssize_t n = pread(w->j->content.fd, buf, sizeof(buf), 0);
	struct err err;

	head.n = n > 0 ? (size_t)n : 0;
	if (n < 0) {
		err_sys(&err, "read content");
		note(w, &err);
	} else if (send_copy(w, head, skip_trace(head), alone, &err) < 0) {
		note(w, &err);
	}
}

/* --- all of them ------------------------------------------------- */

/* what an account may make last: a command, or a lock on its file */
static bool
is_slow(struct slice line)
{
	return slice_starts(line, "|") || (slice_starts(line, "/") &&
	    !slice_eqz(line, "/dev/null"));
}

static void
sort_out(struct work *w, struct slice targets)
{
	struct slice line, addr;

	while (slice_cut(&targets, '\n', &line)) {
		w->n += line.n > 0;
		addr = slice_sub(line, 1, line.n);
		if (is_slow(line))
			strlist_add(&w->slow, &w->arena,
			    arena_slice(&w->arena, line));
		else if (!slice_starts(line, "@"))
			w->mailbox |= slice_eqz(line, ".");
		else if (slice_ieq(addr, slice_of(w->r->addr)))
			w->mailbox = true;
		else
			strlist_add(&w->addr, &w->arena,
			    arena_slice(&w->arena, addr));
	}
}

static void
mailbox(struct work *w)
{
	struct err err;

	if (w->mailbox && system_mailbox(w->j, w->r, w->login, &err) < 0)
		note(w, &err);
}

/* files, which see it twice at worst, before commands */
static void
slow(struct work *w)
{
	struct err err;
	size_t i;

	for (i = 0; i < w->slow.n; i++)
		if (w->slow.v[i][0] == '/' && system_file(w->j, w->r,
		    w->login, w->slow.v[i], &err) < 0)
			note(w, &err);
	for (i = 0; i < w->slow.n && w->err.kind != ERR_TEMP; i++)
		if (w->slow.v[i][0] == '|')
			command(w, w->slow.v[i]);
}

int
forward_do(struct job *j, struct rcpt *r, const char *login, bool rest,
    struct slice targets, struct err *err)
{
	struct work w = { .j = j, .r = r, .login = login };
	bool here = rest || conf.commands == COMMANDS_RUN, pass;

	sort_out(&w, targets);
	pass = w.slow.n > 0 && !here;
	if (!rest)
		mailbox(&w);
	if (here)
		slow(&w);
	/* nobody else gets it twice because of our own trouble */
	if (!rest && w.addr.n > 0 && w.err.kind != ERR_TEMP)
		copy(&w, w.n == 1);
	r->partly = pass && (w.mailbox || w.addr.n > 0);
	*err = w.err;
	arena_free(&w.arena);
	return err->kind != ERR_NONE ? -1 : pass;
}
