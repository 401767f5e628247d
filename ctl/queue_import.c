/*
 * queue_import.c - postrider queue import: messages of another queue, each
 * made durable here before it is acknowledged.  Content first, then the
 * envelope: what is left without one is removed by qmgr some time later.
 *
 * A content file is locked from its creation until qmgr has answered.  Who
 * finds one of that id that is locked leaves it alone, and who has the lock of
 * one that is there asks qmgr again before it goes.
 */
#include "conf/common.h"
#include "ctl.h"
#include "ipc/codec.h"
#include "queue.h"
#include "queue_frame.h"
#include "smtp/command.h"
#include "smtp/verp.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { CALL_MS = 120000 };

struct import {
	FILE *in, *answers;	/* answers NULL: a file */
	struct ipc qmgr;
	struct arena arena;
	int content;		/* of the message under way, locked; or -1 */
	bool unsure;		/* did qmgr take it?  The next run asks */
	int64_t taken, known, failed;
};

static void
answer(struct import *m, const char *word, const char *q, const char *text)
{
	if (m->answers == NULL)
		return;
	fprintf(m->answers, "%s%s%s%s%s\n", word, *q ? " " : "", q,
	    *text ? " " : "", text);
	fflush(m->answers);
}

/* 1 it came already, 0, -1: it is another's, or nobody says */
static int
is_known(struct import *m, const char *q, struct err *err)
{
	struct qmgr_id in = { q };
	struct qmgr_known out;

	if (ipc_call(&m->qmgr, &qmgr_imported, &in, -1, &out, NULL, NULL,
	    err) != 0) {
		m->unsure = err->kind != ERR_PERM;
		return -1;
	}
	return out.known;
}

/* It may come of another import yet: only a later run can say. */
static int
in_use(struct import *m, struct err *err)
{
	m->unsure = true;
	return err_temp(err, "4.3.2", "it is on its way into this queue");
}

/* 0 it is ours, and lies where it should; -1 */
static int
lock(struct import *m, int fd, struct err *err)
{
	struct stat st;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? in_use(m, err) :
		    err_sys(err, "content");
	if (fstat(fd, &st) < 0)
		return err_sys(err, "content");
	return st.st_nlink == 0 ? in_use(m, err) : 0;
}

/* What one left behind that was cut off goes.  0, 1 the message came
 * meanwhile, -1 */
static int
remove_leftover(struct import *m, const char *q, struct err *err)
{
	int fd = -1, rc = content_open(common.spool_dir, q, &fd, err);

	if (rc <= 0)
		return rc;
	rc = lock(m, fd, err);
	if (rc == 0)
		rc = is_known(m, q, err);
	if (rc == 0 && content_remove(common.spool_dir, q, err) < 0)
		rc = -1;
	close(fd);
	return rc;
}

/* 0 m->content is there and locked, 1 the message came meanwhile, -1 */
static int
create(struct import *m, const char *q, struct err *err)
{
	int rc = content_create(common.spool_dir, q, &m->content, err);

	if (rc == 0) {
		rc = remove_leftover(m, q, err);
		if (rc != 0)
			return rc;
		rc = content_create(common.spool_dir, q, &m->content, err);
	}
	if (rc == 0)
		return in_use(m, err);
	return rc < 0 ? -1 : lock(m, m->content, err);
}

/* The file belongs to the store, as cleanup would have it; its group is that of
 * the directory.  0 durable, 1 it came meanwhile, -1 the input ended, -2 err */
static int
write_content(struct import *m, const struct frame *f, struct err *err)
{
	int rc = create(m, f->q, err);
	int copied = frame_copy(m->in, f->content, rc == 0 ? m->content : -1,
	    err);

	if (copied != 0 || rc < 0)
		return copied == -1 ? -1 : -2;
	if (rc == 1)
		return 1;
	if ((!common.single_uid && fchown(m->content, common.uid[ROLE_STORE],
	    (gid_t)-1) < 0) || fchmod(m->content, 0440) < 0 ||
	    fsync(m->content) < 0)
		rc = err_sys(err, "content");
	else
		rc = content_sync(common.spool_dir, f->q, err);
	return rc == 0 ? 0 : -2;
}

/* a part of the envelope: 1, 0 the end, -1 */
static int
next_part(struct slice *env, struct ipc_msg *m, struct err *err)
{
	struct slice len;
	uint64_t n;

	if (env->n == 0)
		return 0;
	slice_cut(env, '\n', &len);
	if (!slice_u64(len, IPC_MAX, &n) || n == 0 || n > env->n)
		return err_perm(err, "5.5.2", "a damaged envelope");
	memcpy(m->buf, env->p, n);
	m->buf[n] = '\0';
	m->len = n;
	*env = slice_sub(*env, n, SIZE_MAX);
	return ipc_check(m, err) != 0 ? -1 : 1;
}

/* It goes into commands to other servers, and into reports and logs: it must
 * be what smtpd could have taken. */
static int
check_rcpts(const struct qmgr_rcpts *r, struct err *err)
{
	const struct strlist *l[] = { &r->addr, &r->orig, &r->nexthop,
		&r->mailbox, &r->dsn };
	size_t i, k;

	for (k = 0; k < ARRAY_LEN(l); k++)
		for (i = 0; i < l[k]->n; i++)
			if (!smtp_text_ok(l[k]->v[i], FRAME_TEXT_MAX))
				return err_perm(err, "5.5.2", "a recipient "
				    "that is no text");
	for (i = 0; i < r->text.n; i++)
		if (strpbrk(r->text.v[i], "\r\n") != NULL)
			return err_perm(err, "5.5.2", "a text of more than "
			    "one line");
	for (i = 0; i < r->orcpt.n; i++)
		if (!smtp_orcpt_ok(r->orcpt.v[i]))
			return err_perm(err, "5.5.4", "malformed ORCPT");
	for (i = 0; i < r->notify.n; i++)
		if (!smtp_notify_ok(r->notify.v[i]))
			return err_perm(err, "5.5.4", "malformed NOTIFY");
	return 0;
}

static int
check_message(const struct qmgr_enqueue_in *in, struct err *err)
{
	if (!smtp_text_ok(in->sender, SMTP_PATH_MAX) ||
	    !smtp_text_ok(in->session, FRAME_TEXT_MAX) ||
	    !smtp_text_ok(in->reason, FRAME_TEXT_MAX))
		return err_perm(err, "5.5.2", "a sender that is no text");
	if (!smtp_ret_ok(in->ret) || !smtp_envid_ok(in->envid))
		return err_perm(err, "5.5.4", "malformed RET or ENVID");
	if (in->verp[0] != '\0' && !smtp_verp_valid(slice_of(in->verp)))
		return err_perm(err, "5.5.4", "malformed VERP");
	if (in->priority < -9 || in->priority > 9)
		return err_perm(err, "5.5.4", "malformed MT-PRIORITY");
	return check_rcpts(&in->r, err);
}

static int
tell(struct import *m, const struct ipc_msg *part, const struct frame *f,
    struct err *err)
{
	struct qmgr_enqueue_in in;
	struct qmgr_rcpts rcpts;
	bool sent;
	int rc;

	if (strcmp(part->verb, qmgr_rcpt.name) == 0) {
		if (ipc_decode(part, qmgr_rcpt.in, &rcpts, &m->arena,
		    err) != 0)
			return -1;
		if (check_rcpts(&rcpts, err) != 0)
			return -1;
		return ipc_tell(&m->qmgr, &qmgr_rcpt, &rcpts, err);
	}
	if (strcmp(part->verb, qmgr_enqueue.name) != 0)
		return err_perm(err, "5.5.2", "a damaged envelope");
	if (ipc_decode(part, qmgr_enqueue.in, &in, &m->arena, err) != 0)
		return -1;
	if (strcmp(in.q, f->q) != 0 || in.size != f->content)
		return err_perm(err, "5.5.2", "envelope and content differ");
	if (check_message(&in, err) != 0)
		return -1;
	in.import = true;
	in.unsynced = false;
	rc = ipc_call(&m->qmgr, &qmgr_enqueue, &in, -1, NULL, NULL, &sent,
	    err);
	/* an answer leaves the connection open */
	m->unsure = rc != 0 && sent && m->qmgr.fd < 0;
	return rc;
}

/* A connection of its own: what was told of another message is forgotten. */
static int
enqueue(struct import *m, const struct frame *f, struct slice env,
    struct err *err)
{
	struct ipc_msg part;
	int rc;

	ipc_msg_init(&part);
	part.buf = xmalloc(IPC_MAX + 1);
	ipc_close(&m->qmgr);
	while ((rc = next_part(&env, &part, err)) == 1)
		if (tell(m, &part, f, err) != 0) {
			rc = -1;
			break;
		}
	ipc_msg_free(&part);
	arena_reset(&m->arena);
	return rc;
}

/* 0: it was answered; -1: the input can not be read on, or nobody knows what
 * became of it: an answer would have it delivered there, and perhaps here */
static int
take_message(struct import *m, const struct frame *f, struct err *err)
{
	struct err why = ERR_INIT;
	char *env = xmalloc(f->envelope + 1);
	int rc, known;

	if (fread(env, 1, f->envelope, m->in) != f->envelope) {
		free(env);
		return err_temp(err, "4.4.2", "cut off");
	}
	m->unsure = false;
	known = is_known(m, f->q, &why);
	rc = known == 0 ? write_content(m, f, &why) :
	    frame_copy(m->in, f->content, -1, err);
	if (rc == 1) {
		known = 1;
		rc = 0;
	}
	if (rc == 0 && known == 0)
		rc = enqueue(m, f, (struct slice){ env, f->envelope }, &why);
	close_fd(m->content);
	m->content = -1;
	free(env);
	if (m->unsure || (rc == -1 && feof(m->in))) {
		*err = why;
		return -1;
	}
	if (known == 1) {
		m->known++;
		answer(m, "ok", f->q, "");
	} else if (known < 0 || rc != 0) {
		m->failed++;
		answer(m, "err", f->q, why.text);
		if (m->answers == NULL)
			fail("%s: %s", f->q, why.text);
	} else {
		m->taken++;
		answer(m, "ok", f->q, "");
	}
	return 0;
}

static int
question(struct import *m, const struct frame *f)
{
	struct err err;
	int rc = is_known(m, f->q, &err);

	answer(m, rc == 1 ? "known" : rc == 0 ? "none" : "err", f->q, rc < 0 ?
	    err.text : "");
	return 0;
}

static int
read_all(struct import *m, struct err *err)
{
	struct frame f;
	int rc;

	if (frame_hello(m->in, err) != 0)
		return -1;
	answer(m, FRAME_HELLO, "", "");
	while ((rc = frame_next(m->in, &f, err)) == 1) {
		if (f.kind == 'E') {
			answer(m, "bye", "", "");
			return 0;
		}
		rc = f.kind == 'Q' ? question(m, &f) : take_message(m, &f,
		    err);
		if (rc != 0)
			break;
	}
	return rc == 0 ? err_temp(err, "4.4.2", "cut off: no end was said") :
	    -1;
}

int
queue_import(int argc, char **argv)
{
	struct import m = { .in = stdin, .answers = stdout,
		.content = -1 };
	struct err err = ERR_INIT;
	struct query q;
	int r = queue_parse(argc, argv, &q);

	if (r != EXIT_OK)
		return r;
	if (q.n_ids > 1)
		return fail_usage("usage: postrider queue import [FILE]");
	if (!may_ask("qmgr"))
		return EXIT_FAILED;
	if (q.n_ids == 1) {
		m.answers = NULL;
		m.in = fopen(q.ids[0], "re");
		if (m.in == NULL)
			return fail("%s: %s", q.ids[0], strerror(errno));
	}
	signal(SIGPIPE, SIG_IGN);
	umask(0027);
	ipc_init(&m.qmgr, socket_path("qmgr"), CALL_MS);
	r = read_all(&m, &err);
	ipc_free(&m.qmgr);
	arena_free(&m.arena);
	fprintf(m.answers == NULL ? stdout : stderr, "imported: %lld, already "
	    "here: %lld, failed: %lld\n", (long long)m.taken,
	    (long long)m.known, (long long)m.failed);
	if (m.in != stdin)
		fclose(m.in);
	if (r != 0)
		return fail_err(&err);
	return m.failed > 0 ? EXIT_FAILED : EXIT_OK;
}
