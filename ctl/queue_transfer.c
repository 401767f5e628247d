/*
 * queue_transfer.c - postrider queue transfer and export: messages leave for
 * another queue.  Each is put on hold for that, is sent, and is removed when
 * the other side has it for good: so one that was under way when something
 * broke is still here, on hold, and the next run asks for it by its id.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "ctl.h"
#include "ipc/codec.h"
#include "queue.h"
#include "queue_frame.h"
#include "queue_list.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

enum { CALL_MS = 120000, BUSY_MS = 15000, FAILURES_MAX = 10 };

struct transfer {
	struct ipc qmgr;
	FILE *out, *in;		/* in NULL: to a file */
	struct strlist ids;	/* to look at; in the arena */
	struct strlist sent;	/* to a file: removed when it is whole */
	struct arena arena;
	bool taken;		/* the list is of those that were taken */
	struct str envelope;
	int64_t done, failed, busy;
};

/* --- the list --- */

static int
on_items(void *ctx, const void *more, struct err *err)
{
	const struct qmgr_items *l = more;
	struct transfer *t = ctx;
	struct qmgr_item it;
	size_t i;
	bool taken;

	for (i = 0; i < l->q.n; i++) {
		if (qmgr_items_get(l, i, &it, err) != 0)
			return -1;
		taken = strcmp(it.state, "hold") == 0 && strncmp(it.text,
		    QMGR_TAKEN, strlen(QMGR_TAKEN)) == 0;
		if (taken == t->taken && (t->ids.n == 0 ||
		    strcmp(t->ids.v[t->ids.n - 1], it.q) != 0))
			strlist_add(&t->ids, &t->arena,
			    arena_strdup(&t->arena, it.q));
	}
	return 0;
}

static int
list(struct transfer *t, const struct qmgr_filter *f, bool taken,
    struct err *err)
{
	struct qmgr_filter page = *f;
	struct qmgr_count n;
	char next[32];

	t->taken = taken;
	do {
		if (ipc_call_more(&t->qmgr, &qmgr_list, &page, -1, on_items,
		    t, &n, err) != 0)
			return -1;
		snprintf(next, sizeof(next), "%s", n.next);
		page.after = next;
		page.limit -= f->limit > 0 ? n.messages : 0;
	} while (*next && (f->limit == 0 || page.limit > 0));
	return 0;
}

/* --- one message --- */

static void
add_part(struct str *to, const struct verb_def *v, const void *rec)
{
	struct str bytes = STR_INIT;

	ipc_encode(&bytes, v->name, v->in, rec);
	str_addf(to, "%zu\n", bytes.len);
	str_add(to, bytes.s, bytes.len);
	str_free(&bytes);
}

static int
on_rcpts(void *ctx, const void *more, struct err *err UNUSED)
{
	add_part(ctx, &qmgr_rcpt, more);
	return 0;
}

/* 0; -1: err, and it may be only that it is being delivered */
static int
get_envelope(struct transfer *t, const char *q, struct frame *f, int *fd_r,
    struct err *err)
{
	struct qmgr_id in = { q };
	struct qmgr_enqueue_in m;
	int64_t end = mono_ms() + BUSY_MS;
	int rc;

	do {
		str_reset(&t->envelope);
		rc = ipc_call_more(&t->qmgr, &qmgr_envelope, &in, -1,
		    on_rcpts, &t->envelope, &m, err);
		if (rc == 0 || strcmp(err->dsn, "4.3.2") != 0)
			break;
		poll(NULL, 0, 200);
	} while (mono_ms() < end);
	if (rc != 0)
		return -1;
	add_part(&t->envelope, &qmgr_enqueue, &m);
	f->kind = 'M';
	slice_copy(f->q, sizeof(f->q), slice_of(q));
	f->content = m.size;
	*fd_r = t->qmgr.reply.fd;
	t->qmgr.reply.fd = -1;
	return 0;
}

static int
order(struct transfer *t, const struct verb_def *v, const char *q,
    struct err *err)
{
	struct qmgr_id in = { q };
	struct qmgr_count n;

	return ipc_call(&t->qmgr, v, &in, -1, &n, NULL, NULL, err);
}

/* It is on the other side for good.  Where it can not be removed here it stays
 * on hold, and a later run asks for it. */
static void
leave(struct transfer *t, const char *q)
{
	struct err err = ERR_INIT;

	if (order(t, &qmgr_transferred, q, &err) == 0) {
		t->done++;
		return;
	}
	t->failed++;
	fail("%s: is on the other side, but could not be removed here, where "
	    "it is on hold: %s", q, err.text);
}

/* it stays; one that was on hold before stays so */
static void
give_back(struct transfer *t, const char *q)
{
	struct qmgr_filter f;
	struct qmgr_count n;
	struct qmgr_id in = { q };
	struct qmgr_enqueue_in m;
	struct qmgr_schedule_in at;
	struct err err;
	bool known;

	field_defaults(qmgr_list.in, &f, &t->arena);
	f.q = q;
	known = ipc_call_more(&t->qmgr, &qmgr_envelope, &in, -1, on_rcpts,
	    &t->envelope, &m, &err) == 0;
	if (known && m.hold != 0)
		return;
	at = (struct qmgr_schedule_in){ f, known ? m.release_at : 0 };
	if (known && m.release_at > wall_s())
		ipc_call(&t->qmgr, &qmgr_schedule, &at, -1, &n, NULL, NULL,
		    &err);
	else
		ipc_call(&t->qmgr, &qmgr_release, &f, -1, &n, NULL, NULL,
		    &err);
}

/* the answer to a question or a message: "ok", "known", ... : 1 it is the
 * wanted word, 0 it is not (text in err), -1 nobody answers */
static int
read_answer(struct transfer *t, const char *q, const char *want,
    struct err *err)
{
	char line[FRAME_LINE];
	struct slice rest, word, id;
	int rc = frame_line(t->in, line, err);

	if (rc <= 0)
		return rc < 0 ? -1 : err_temp(err, "4.4.2", "the other side "
		    "has gone");
	rest = slice_of(line);
	slice_word(&rest, &word);
	slice_word(&rest, &id);
	if (!slice_eqz(id, q))
		return err_perm(err, "5.5.2", "an answer for another "
		    "message: %.60s", line);
	if (slice_eqz(word, want))
		return 1;
	err_temp(err, "4.3.0", "%.*s", (int)MIN(rest.n, 300), rest.p);
	return 0;
}

/* 0: it is on the other side, or stays here; -1: broken off */
static int
send_one(struct transfer *t, const char *q, struct err *err)
{
	struct frame f = { 0 };
	int fd = -1, rc;

	if (order(t, &qmgr_take, q, err) != 0) {
		t->failed += err->kind == ERR_TEMP;	/* else it has gone */
		return 0;
	}
	if (get_envelope(t, q, &f, &fd, err) != 0) {
		t->busy++;
		fail("%s: %s", q, err->text);
		give_back(t, q);
		return 0;
	}
	rc = frame_put(t->out, &f, slice_str(&t->envelope), fd, err);
	close_fd(fd);
	if (rc == 0 && t->in == NULL) {
		strlist_add(&t->sent, &t->arena, q);
		return 0;
	}
	if (rc == 0)
		rc = read_answer(t, q, "ok", err);
	if (rc == 1) {
		leave(t, q);
	} else if (rc == 0) {
		t->failed++;
		fail("%s: %s", q, err->text);
		give_back(t, q);
	}
	return rc < 0 ? -1 : 0;
}

/* what a run before this one left on hold: did it arrive? */
static int
settle_one(struct transfer *t, const char *q, struct err *err)
{
	struct frame f = { .kind = 'Q' };
	int rc;

	if (t->in == NULL)
		return send_one(t, q, err);
	slice_copy(f.q, sizeof(f.q), slice_of(q));
	if (frame_put(t->out, &f, SLICE_NULL, -1, err) != 0)
		return -1;
	rc = read_answer(t, q, "known", err);
	if (rc == 0)
		return send_one(t, q, err);
	if (rc == 1)
		leave(t, q);
	return rc == 1 ? 0 : -1;
}

static int
send_all(struct transfer *t, const struct qmgr_filter *f, struct err *err)
{
	struct qmgr_filter all;
	size_t i, old;

	field_defaults(qmgr_list.in, &all, &t->arena);
	if (list(t, &all, true, err) != 0)
		return -1;
	old = t->ids.n;
	if (list(t, f, false, err) != 0)
		return -1;
	fprintf(t->out, "%s\n", FRAME_HELLO);
	fflush(t->out);
	if (t->in != NULL && frame_hello(t->in, err) != 0)
		return -1;
	for (i = 0; i < t->ids.n && t->failed < FAILURES_MAX; i++)
		if ((i < old ? settle_one(t, t->ids.v[i], err) :
		    send_one(t, t->ids.v[i], err)) != 0)
			return -1;
	return frame_put(t->out, &(struct frame){ .kind = 'E' }, SLICE_NULL,
	    -1, err);
}

static int
begin(struct transfer *t, struct query *q)
{
	if (!q->any && !q->yes)
		return fail_usage("which messages?  Say a filter; all of them: "
		    "--yes");
	if (!may_ask("qmgr"))
		return EXIT_FAILED;
	signal(SIGPIPE, SIG_IGN);
	t->envelope = (struct str)STR_INIT;
	ipc_init(&t->qmgr, socket_path("qmgr"), CALL_MS);
	return EXIT_OK;
}

static int
end(struct transfer *t, int rc, const struct err *err)
{
	ipc_free(&t->qmgr);
	arena_free(&t->arena);
	str_free(&t->envelope);
	printf("transferred: %lld, failed: %lld, busy: %lld\n",
	    (long long)t->done, (long long)t->failed, (long long)t->busy);
	if (rc != 0) {
		fail("%s; the message under way is on hold: the next transfer "
		    "asks for it", err->text);
		return EXIT_FAILED;
	}
	return t->failed > 0 || t->busy > 0 ? EXIT_FAILED : EXIT_OK;
}

/* --- transfer FILTER -- COMMAND --- */

static pid_t
start(struct transfer *t, char **command)
{
	int to[2], from[2];
	pid_t pid;

	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		execvp(command[0], command);
		fprintf(stderr, "%s: %s\n", command[0], strerror(errno));
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	t->out = fdopen(to[1], "w");
	t->in = fdopen(from[0], "r");
	if (t->out == NULL || t->in == NULL)
		die("fdopen");
	return pid;
}

int
queue_transfer(int argc, char **argv)
{
	struct transfer t = { 0 };
	struct err err = ERR_INIT;
	struct query q;
	char line[FRAME_LINE];
	pid_t pid;
	int r, i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		;
	if (i + 1 >= argc)
		return fail_usage("usage: postrider queue transfer "
		    "[FILTER]... -- COMMAND...");
	r = queue_parse(i, argv, &q);
	if (r == EXIT_OK && q.n_ids > 0)
		r = fail_usage("an id is said with --id");
	if (r == EXIT_OK)
		r = begin(&t, &q);
	if (r != EXIT_OK)
		return r;
	pid = start(&t, argv + i + 1);
	if (pid < 0)
		return fail("%s: %s", argv[i + 1], strerror(errno));
	r = send_all(&t, &q.filter, &err);
	if (r == 0)
		(void)frame_line(t.in, line, &err);	/* bye */
	fclose(t.out);
	fclose(t.in);
	waitpid(pid, NULL, 0);
	return end(&t, r, &err);
}

/* --- export FILE --- */

static int
to_file(struct transfer *t, const struct qmgr_filter *f, const char *path,
    struct err *err)
{
	char *tmp = xasprintf("%s.new", path);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc;
	size_t i;

	t->out = fd < 0 ? NULL : fdopen(fd, "w");
	if (t->out == NULL) {
		free(tmp);
		return err_sys(err, "%s.new", path);
	}
	rc = send_all(t, f, err);
	if (rc == 0 && (fflush(t->out) != 0 || fsync(fd) != 0))
		rc = err_sys(err, "%s", tmp);
	fclose(t->out);
	if (rc == 0 && (link(tmp, path) < 0 || unlink(tmp) < 0 ||
	    sync_parent(path) != 0))
		rc = err_sys(err, "%s", path);
	free(tmp);
	for (i = 0; i < t->sent.n; i++)
		if (rc != 0)
			give_back(t, t->sent.v[i]);
		else
			leave(t, t->sent.v[i]);
	return rc;
}

int
queue_export(int argc, char **argv)
{
	struct transfer t = { 0 };
	struct err err = ERR_INIT;
	struct query q;
	int r = queue_parse(argc, argv, &q);

	if (r != EXIT_OK)
		return r;
	if (q.n_ids != 1)
		return fail_usage("usage: postrider queue export FILE "
		    "[FILTER]...");
	q.any = q.any && (*q.filter.from || *q.filter.to || *q.filter.dest ||
	    q.filter.state != 0 || q.filter.older != 0 ||
	    q.filter.younger != 0 || *q.filter.q);
	r = begin(&t, &q);
	if (r != EXIT_OK)
		return r;
	r = to_file(&t, &q.filter, q.ids[0], &err);
	return end(&t, r, &err);
}
