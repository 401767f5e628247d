/* mailbox_first_test.c - a mailbox that is opened for the first time, killed
 * before each of its system calls: nobody was told anything then, and the next
 * who opens it finds all messages, whatever of the files that were not synced
 * a power cut takes away, and no UID is left out, nor given twice. */
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "mailbox_help.h"
#include "store/mbox.h"
#include "test/tap.h"

enum { FILES = 280, FRESH = 2, ALL = FILES + FRESH, STEPS_MAX = 2000,
	LONG = 1500, SHORT = 9000 };

static struct place p;
static bool outlived;	/* postrider-uid did, and says 5000 */
static const uint32_t from = 5000;

static const char *
came_as(size_t i)
{
	static char name[80];

	snprintf(name, sizeof(name), "cur/%zu.a,S=4,W=5:2,%s", 1000000 + i,
	    i % 2 ? "S" : "FR");
	return name;
}

static void
fill(void)
{
	size_t i;

	place_make(&p, "first");
	for (i = 0; i < FILES; i++)
		place_put(&p, came_as(i), "abc\n");
	place_put(&p, "new/2000000.b", "abc\n");
	place_put(&p, "new/2000001.b,S=4,W=5", "abc\n");
}

/* "" where next is 0 */
static void
put_uid_file(uint32_t next)
{
	struct str text = STR_INIT;

	if (place_has(&p, MBOX_UID_FILE))
		place_remove(&p, MBOX_UID_FILE);
	if (next > 0)
		mbox_log_addf(&text, "1 1600000000 %lu %032d",
		    (unsigned long)next, 7);
	place_put(&p, MBOX_UID_FILE, text.len > 0 ? text.s : "");
	str_free(&text);
}

/* as it was before anybody saw it, some time ago: what changed just now is read
 * again */
static void
never_seen(void)
{
	static const struct timespec ts[2] = { { 1600000000, 5 },
		{ 1600000000, 5 } };
	static const char *const names[] = { ".state/log", ".state/log.tmp",
		MBOX_UID_FILE, MBOX_UID_FILE ".tmp" };
	static const char *const fresh[][2] = {
		{ "2000000.b", "new/2000000.b" },
		{ "2000001.b", "new/2000001.b,S=4,W=5" },
	};
	const char *name;
	char path[300];
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (place_has(&p, names[i]))
			place_remove(&p, names[i]);
	if (outlived)
		put_uid_file(from);
	for (i = 0; i < ARRAY_LEN(fresh); i++) {
		name = place_find(&p, "cur", fresh[i][0]);
		snprintf(path, sizeof(path), "cur/%s", name);
		if (name[0] != '\0')
			place_move(&p, path, fresh[i][1]);
	}
	if (utimensat(p.at.dir, "cur", ts, 0) < 0 ||
	    utimensat(p.at.dir, "new", ts, 0) < 0)
		die("utimensat: %s", strerror(errno));
}

/* --- a child that is watched ---------------------------------------------- */

static _Noreturn void
child(void)
{
	struct mailbox *mb;

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(2);
	raise(SIGSTOP);
	mb = mailbox_open(&p.at, 0, &test_err);
	_exit(mb == NULL || mb->n != ALL);
}

static void
note(struct str *calls, uint64_t nr)
{
	if (nr == SYS_write || nr == SYS_pwrite64)
		str_addc(calls, 'w');
	else if (nr == SYS_fsync || nr == SYS_fdatasync)
		str_addc(calls, 's');
	else if (nr == SYS_renameat || nr == SYS_renameat2)
		str_addc(calls, 'r');
}

/* Kill it before its call number `step`: true.  false: it came to its end.
 * What it did goes behind calls. */
static bool
open_until(size_t step, struct str *calls)
{
	struct __ptrace_syscall_info info;
	int status;
	size_t n = 0;
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0)
		child();
	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD |
	    PTRACE_O_EXITKILL);
	while (WIFSTOPPED(status)) {
		memset(&info, 0, sizeof(info));
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) &&
		    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info),
		    &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY) {
			if (n++ == step)
				kill(pid, SIGKILL);
			else
				note(calls, info.entry.nr);
		}
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
		if (waitpid(pid, &status, 0) < 0)
			die("waitpid: %s", strerror(errno));
	}
	if (WIFSIGNALED(status))
		return true;
	is_int(WEXITSTATUS(status), 0, "left alone it is opened");
	return false;
}

/* --- what is found -------------------------------------------------------- */

static void
finding(void *ctx, const char *text)
{
	(void)ctx;
	tap_diag("check: %s", text);
}

static size_t
wrong(const struct mailbox *mb)
{
	size_t i, bad = mb->n != ALL;

	for (i = 0; i < mb->n; i++) {
		bad += i > 0 && mb->msg[i].uid <= mb->msg[i - 1].uid;
		bad += mb->msg[i].uid >= mb->uidnext;
		bad += mb->msg[i].size != 4 || mb->msg[i].wsize != 5;
		bad += (mb->msg[i].flags & MSG_KEPT) != (i >= FILES ? 0 :
		    i % 2 ? MSG_SEEN : MSG_FLAGGED | MSG_ANSWERED);
	}
	return bad;
}

/* whoever opens it now, and again, sees one and the same sound mailbox */
static size_t
opened_twice(bool gaps)
{
	struct mailbox *a = place_open(&p, 0), *b = place_open(&p, 0);
	size_t bad = wrong(a) + wrong(b), i;

	bad += a->uidvalidity != b->uidvalidity || a->uidnext != b->uidnext;
	if (outlived)
		bad += a->uidvalidity != 1600000000 || a->msg[0].uid < from;
	else if (!gaps)
		bad += a->n == 0 || a->msg[0].uid != 1 || a->uidnext != ALL + 1;
	for (i = 0; i < a->n && i < b->n; i++)
		bad += a->msg[i].uid != b->msg[i].uid;
	mbox_free(a);
	mbox_free(b);
	bad += place_count(&p, "new") != 0 || place_count(&p, "cur") != ALL;
	return bad + (size_t)mailbox_check(&p.at, CHECK_ONLY, finding, NULL,
	    &test_err);
}

/* what a power cut may do until directories are synced, and behind which
 * renaming; postrider-uid has a name before it is on the disk */
enum cut { NOTHING, LOG_GONE, UID_GONE, UID_EMPTY, CUTS };
static const struct { const char *name, *what; size_t behind; } cuts[CUTS] = {
	{ NULL, "nothing is lost", 0 },
	{ ".state/log", "the log is lost", 1 },
	{ MBOX_UID_FILE, "postrider-uid is lost", 2 },
	{ MBOX_UID_FILE, "postrider-uid is empty", 2 },
};

static bool
synced(const struct str *calls)
{
	return strstr(calls->s, "rss") != NULL;
}

/* killed there, and that is lost; 0 or how much is wrong, SIZE_MAX: it was not
 * killed */
static size_t
one_state(size_t step, enum cut cut, struct str *calls)
{
	const char *name = cuts[cut].name;
	size_t bad;

	never_seen();
	str_reset(calls);
	if (!open_until(step, calls))
		return SIZE_MAX;
	/* it may not have come as far as the one before */
	if (name != NULL && (!place_has(&p, name) || synced(calls)))
		return 0;
	if (cut == UID_EMPTY)
		put_uid_file(0);
	else if (name != NULL)
		place_remove(&p, name);
	bad = opened_twice(cut == LOG_GONE);
	if (bad > 0)
		tap_diag("killed before call %zu, %s: %zu faults",
		    step, cuts[cut].what, bad);
	return bad;
}

static void
test_killed(void)
{
	struct str calls = STR_INIT;
	size_t step, bad = 0, states = 0, now = 0, i, renamed;

	for (step = 0; step < STEPS_MAX; step++) {
		now = one_state(step, NOTHING, &calls);
		if (now == SIZE_MAX)
			break;
		bad += now;
		states++;
		for (renamed = 0, i = 0; i < calls.len; i++)
			renamed += calls.s[i] == 'r';
		if (outlived || synced(&calls))
			continue;
		for (i = LOG_GONE; i < CUTS; i++)
			if (renamed >= cuts[i].behind) {
				bad += one_state(step, (enum cut)i, &calls);
				states++;
			}
	}
	ok(now == SIZE_MAX, "it ends after %zu calls", step);
	is_int(bad, 0, "opened in %zu states, all messages are there%s",
	    states, outlived ? ", under no UID that was given" : "");
	str_free(&calls);
}

/* What may not be lost is synced before it is renamed; the log and UIDs that go
 * on are synced, and so are their names, before anybody is told, or a file gets
 * the name with its UID. */
static void
test_order(void)
{
	struct str calls = STR_INIT;

	never_seen();
	ok(!open_until(STEPS_MAX, &calls), "opened");
	/* the last UIDVALIDITY; the log; its name, UIDs and theirs, and the
	 * directories; then what is in new/, times and \Recent */
	is_str(calls.s, "wwwsrwrssrrww", "the order of its calls");
	outlived = true;
	never_seen();
	str_reset(&calls);
	ok(!open_until(STEPS_MAX, &calls), "with UIDs that were given");
	/* the log; UIDs and their name; its name, and the directories */
	is_str(calls.s, "wwswsrrssrrww", "they are reserved first");
	outlived = false;
	str_free(&calls);
}

/* a directory that was larger once: room is made for what it could hold */
static void
test_larger(void)
{
	char name[NAME_MAX + 1];
	struct mailbox *mb;
	size_t i, bad;

	for (i = 0; i < LONG; i++) {
		snprintf(name, sizeof(name), "cur/%zu.%0200d", i, 7);
		place_put(&p, name, "");
	}
	for (i = 0; i < LONG; i++) {
		snprintf(name, sizeof(name), "cur/%zu.%0200d", i, 7);
		place_remove(&p, name);
	}
	never_seen();
	mb = place_open(&p, 0);
	bad = wrong(mb);
	for (i = 0; i < mb->n; i++)
		bad += strcmp(text_of(mb, i), "abc\n") != 0;
	is_int(bad, 0, "what is left of a large directory is there");
	mbox_free(mb);
	is_int(opened_twice(true), 0, "and stays so");
}

/* names so short that the directory holds more than was thought */
static void
test_short(void)
{
	struct place q;
	struct mailbox *mb;
	char name[30];
	size_t i, bad;

	place_make(&q, "short");
	for (i = SHORT; i > 0; i--) {
		snprintf(name, sizeof(name), "cur/%zu.", 1000000 + i);
		place_put(&q, name, "abc\n");
	}
	mb = place_open(&q, 0);
	bad = mb->n != SHORT;
	for (i = 0; i < mb->n; i++)
		bad += mb->msg[i].uid != i + 1;
	mailbox_close(mb);
	is_int(bad, 0, "%d short names are all there", SHORT);
	is_str(place_find(&q, "cur", "1009000."),
	    "1009000.,S=4,W=5,U=9000:2,", "in their order");
	place_free(&q);
}

int
main(void)
{
	fill();
	test_order();
	test_killed();
	outlived = true;
	test_killed();
	outlived = false;
	test_larger();
	test_short();
	place_free(&p);
	return tap_done();
}
