/* mailbox_kill_test.c - kill -9 at any moment.  Children change a mailbox and
 * tell through a pipe what they begin and what was answered; they are killed,
 * and what the mailbox holds then must be what was answered, with or without
 * the one change that was under way.  Other children deliver and rename at
 * the same time in the second part. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "mailbox_help.h"
#include "test/tap.h"

enum { MAX_UID = 1 << 16, ROUNDS = 40, DELIVERIES = 300 };

/* what the parent knows of each UID */
struct model {
	bool there, maybe_gone, maybe_flags;
	unsigned flags, next_flags;
	char text[40];
};
static struct model model[MAX_UID];
static uint32_t top;		/* highest UID that was answered */
static char pending[40];	/* text of an APPEND that was not answered */
static size_t extra;		/* messages that came of such */

struct note {
	char what;		/* b begin, e end */
	char op;		/* a append, f flags, x expunge */
	uint32_t uid;
	unsigned flags;
	char text[40];
};

static void
tell(int fd, const struct note *n)
{
	if (write(fd, n, sizeof(*n)) != (ssize_t)sizeof(*n))
		_exit(3);
}

/* --- the child ------------------------------------------------------------ */

static void
one_change(struct mailbox *mb, int fd, unsigned serial)
{
	struct note n = { .what = 'b' };
	uint32_t k = random_below(10), idx;
	struct flags_change c = { .op = FLAGS_SET };
	int r = 0;

	if (mb->n == 0 || k < 3) {
		n.op = 'a';
		snprintf(n.text, sizeof(n.text), "%d.%u\n", (int)getpid(),
		    serial);
		tell(fd, &n);
		n.uid = append(mb, n.text, 0, NULL);
		if (n.uid == 0)
			_exit(4);
	} else {
		idx = random_below((uint32_t)mb->n);
		n.op = k < 8 ? 'f' : 'x';
		n.uid = mb->msg[idx].uid;
		n.flags = c.flags = random_below(MSG_KEPT + 1);
		tell(fd, &n);
		if (mb->msg[idx].flags & MSG_GONE)
			_exit(5);
		r = n.op == 'f' ? mailbox_flags(mb, &idx, 1, &c, NULL,
		    &test_err) : mailbox_expunge(mb, &idx, 1,
		    &test_err);
		if (r < 0)
			_exit(6);
	}
	n.what = 'e';
	tell(fd, &n);
}

static void
child(struct place *p, int fd)
{
	struct mailbox *mb = mailbox_open(&p->at, 0, &test_err);
	unsigned serial = 0;

	if (mb == NULL)
		_exit(2);
	for (;;) {
		one_change(mb, fd, serial++);
		if (random_below(4) == 0 &&
		    mailbox_refresh(mb, &test_err) < 0)
			_exit(7);
		mailbox_purge(mb, NULL, NULL);
		if (random_below(6) == 0)
			mailbox_settle(mb);
		if (random_below(40) == 0) {
			mailbox_close(mb);
			mb = mailbox_open(&p->at, 0, &test_err);
			if (mb == NULL)
				_exit(8);
		}
	}
}

/* --- the parent ----------------------------------------------------------- */

static void
take_note(const struct note *n)
{
	struct model *m;
	bool end = n->what == 'e';

	if (n->op == 'a') {
		memcpy(pending, n->text, sizeof(pending));
		if (!end)
			return;
		pending[0] = '\0';
		if (n->uid <= top || n->uid >= MAX_UID)
			die("UID %u was given again", n->uid);
		top = n->uid;
		m = &model[n->uid];
		*m = (struct model){ .there = true };
		memcpy(m->text, n->text, sizeof(m->text));
		return;
	}
	m = &model[n->uid];
	if (!m->there)
		die("UID %u should not be there", n->uid);
	if (n->op == 'x') {
		m->maybe_gone = !end;
		m->there = !end;
	} else {
		m->maybe_flags = !end;
		m->next_flags = n->flags;
		if (end)
			m->flags = n->flags;
	}
}

static size_t
compare(struct mailbox *mb)
{
	size_t bad = 0, i;
	uint32_t uid;
	const struct mailbox_msg *x;
	struct model *m;

	for (i = 0; i < mb->n; i++) {
		x = &mb->msg[i];
		m = &model[x->uid];
		if (x->uid > top) {
			/* of the APPEND that was not answered */
			if (strcmp(text_of(mb, i), pending) != 0) {
				tap_diag("UID %u: whose?", x->uid);
				bad++;
			}
			pending[0] = '\0';
			top = x->uid;
			*m = (struct model){ .there = true };
			snprintf(m->text, sizeof(m->text), "%s",
			    text_of(mb, i));
			extra++;
		}
		if (!m->there) {
			tap_diag("UID %u is back", x->uid);
			bad++;
			continue;
		}
		if ((x->flags & MSG_KEPT) != m->flags && !(m->maybe_flags &&
		    (x->flags & MSG_KEPT) == m->next_flags)) {
			tap_diag("UID %u: flags %x, not %x", x->uid,
			    x->flags & MSG_KEPT, m->flags);
			bad++;
		}
		m->flags = x->flags & MSG_KEPT;
		if (strcmp(text_of(mb, i), m->text) != 0) {
			tap_diag("UID %u: another text", x->uid);
			bad++;
		}
	}
	for (uid = 1; uid <= top; uid++) {
		m = &model[uid];
		i = mailbox_find(mb, uid);
		if (m->there && (i == mb->n || mb->msg[i].uid != uid)) {
			if (!m->maybe_gone) {
				tap_diag("UID %u is lost", uid);
				bad++;
			}
			m->there = false;
		}
		m->maybe_gone = m->maybe_flags = false;
	}
	pending[0] = '\0';
	return bad;
}

static void
finding(void *ctx, const char *text)
{
	(void)ctx;
	tap_diag("check: %s", text);
}

/* log, snapshot and names agree */
static size_t
findings(struct place *p)
{
	int n = mailbox_check(&p->at, CHECK_ONLY, finding, NULL, &test_err);

	if (n < 0)
		tap_diag("check: %s", test_err.text);
	return n < 0 ? 1 : (size_t)n;
}

static size_t
kill_round(struct place *p)
{
	struct mailbox *mb;
	struct note n;
	size_t bad;
	int fd[2], status;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		die("fork");
	if (pid == 0) {
		close(fd[0]);
		child(p, fd[1]);
	}
	close(fd[1]);
	usleep(2000 + random_below(60000));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	while (read(fd[0], &n, sizeof(n)) == (ssize_t)sizeof(n))
		take_note(&n);
	close(fd[0]);
	if (!WIFSIGNALED(status)) {
		tap_diag("the child ended with %d", WEXITSTATUS(status));
		return 1;
	}
	mb = place_open(p, 0);
	bad = compare(mb);
	bad += place_count(p, "new") != 0;
	if (place_count(p, "cur") != mb->n) {
		tap_diag("%zu files, %zu messages", place_count(p, "cur"),
		    mb->n);
		bad++;
	}
	mailbox_close(mb);
	return bad + findings(p);
}

static void
test_kill(int rounds)
{
	struct place p;
	size_t bad = 0, live = 0;
	uint32_t uid;
	int i;

	place_make(&p, "kill");
	/* a busy machine may let the child do little before it is killed */
	for (i = 0; i < rounds || (top <= 20 && i < 100 * rounds); i++)
		bad += kill_round(&p);
	for (uid = 1; uid <= top; uid++)
		live += model[uid].there;
	tap_diag("%u UIDs, %zu live, %zu of APPENDs without an answer", top,
	    live, extra);
	ok(top > 20, "changes were made");
	is_int(bad, 0, "killed %d times, all that was answered is there",
	    rounds);
	place_free(&p);
}

/* --- several at once ------------------------------------------------------ */

/* a program of others: delivers, renames flags */
static int
rename_some(struct place *p, unsigned n)
{
	char from[NAME_MAX + 8], to[NAME_MAX + 16], start[16];
	struct slice name;
	size_t base;

	snprintf(start, sizeof(start), "%u.d", random_below(n));
	name = slice_of(place_find(p, "cur", start));
	base = slice_find(name, ':');
	if (base == name.n)
		return 0;
	snprintf(from, sizeof(from), "cur/%.*s", (int)name.n, name.p);
	snprintf(to, sizeof(to), "cur/%.*s:2,F", (int)base, name.p);
	return renameat(p->at.dir, from, p->at.dir, to);
}

static void
deliverer(struct place *p, unsigned n)
{
	char name[64], tmp[64];
	unsigned i;

	for (i = 0; i < n; i++) {
		snprintf(tmp, sizeof(tmp), "tmp/%u.d%u", i, i);
		snprintf(name, sizeof(name), "new/%u.d%u", i, i);
		place_put(p, tmp, "delivered\n");
		place_move(p, tmp, name);
		if (i % 4 == 0)
			rename_some(p, i + 1);
		usleep(3000);
	}
	_exit(0);
}

/* two sessions that change all they see, killed at the end */
static void
changer(struct place *p, int fd)
{
	struct mailbox *mb = place_open(p, 0);
	unsigned serial = 0, flags;
	uint32_t i;

	(void)fd;
	for (;; serial++) {
		if (mailbox_refresh(mb, &test_err) < 0)
			_exit(7);
		if (serial % 3 == 0)
			mailbox_purge(mb, NULL, NULL);
		if (mb->n == 0)
			continue;
		i = random_below((uint32_t)mb->n);
		flags = random_below(64);
		if (mb->msg[i].flags & MSG_GONE)
			continue;
		if (change(mb, mb->msg[i].uid, mb->msg[i].uid,
		    flags & 1 ? "+S a" : "-S b") < 0)
			_exit(8);
		if (flags < 6 && append(mb, "appended\n", MSG_DRAFT,
		    NULL) == 0)
			_exit(9);
		if (flags == 7 && (mb->msg[i].flags & MSG_DRAFT) &&
		    expunge(mb, mb->msg[i].uid, mb->msg[i].uid) < 0)
			_exit(10);
		if (flags == 4)
			mailbox_settle(mb);
	}
}

static size_t
differ(const struct mailbox *a, const struct mailbox *b)
{
	size_t i, bad = a->n != b->n;

	for (i = 0; i < a->n && i < b->n; i++)
		bad += a->msg[i].uid != b->msg[i].uid ||
		    a->msg[i].modseq != b->msg[i].modseq ||
		    ((a->msg[i].flags ^ b->msg[i].flags) & MSG_KEPT) != 0;
	return bad;
}

static void
test_together(unsigned n)
{
	struct place p;
	struct mailbox *watch, *mb;
	pid_t pid[3];
	size_t i, delivered = 0, lost = 0;
	int status;

	place_make(&p, "together");
	watch = place_open(&p, 0);
	for (i = 0; i < 3; i++)
		if ((pid[i] = fork()) == 0) {
			if (i == 0)
				deliverer(&p, n);
			changer(&p, -1);
		}
	while (waitpid(pid[0], &status, WNOHANG) == 0) {
		if (mailbox_refresh(watch, &test_err) < 0)
			die("refresh: %s", test_err.text);
		mailbox_purge(watch, NULL, NULL);
		usleep(5000);
	}
	is_int(status, 0, "all is delivered");
	for (i = 1; i < 3; i++) {
		is_int(waitpid(pid[i], &status, WNOHANG), 0,
		    "session %zu is still there", i);
		kill(pid[i], SIGKILL);
		waitpid(pid[i], &status, 0);
	}
	usleep(50000);
	mailbox_refresh(watch, &test_err);
	usleep(50000);
	mailbox_refresh(watch, &test_err);
	mailbox_purge(watch, NULL, NULL);
	mb = place_open(&p, 0);
	is_int(differ(watch, mb), 0, "the views converge");
	for (i = 0; i < mb->n; i++) {
		const char *t = text_of(mb, i);

		delivered += strcmp(t, "delivered\n") == 0;
		lost += strcmp(t, "delivered\n") != 0 &&
		    strcmp(t, "appended\n") != 0;
	}
	is_int(delivered, n, "every message is there once");
	is_int(lost, 0, "and can be read");
	is_int(place_count(&p, "cur"), mb->n, "no file is left over");
	mailbox_close(watch);
	mailbox_close(mb);
	is_int(findings(&p), 0, "log and names agree");
	place_free(&p);
}

int
main(int argc, char **argv)
{
	uint64_t rounds = ROUNDS, n = DELIVERIES;

	if ((argc > 1 && !slice_u64(slice_of(argv[1]), 100000, &rounds)) ||
	    (argc > 2 && !slice_u64(slice_of(argv[2]), 1000000, &n)))
		die("usage: %s [rounds [deliveries]]", argv[0]);
	test_kill((int)rounds);
	test_together((unsigned)n);
	return tap_done();
}
