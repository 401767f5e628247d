/* mailbox_late_test.c - many files of another program in cur/ are taken in by
 * their names and get ours later: who comes in between, changes, removes,
 * loses or is killed, finds the same UIDs, flags and dates */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "mailbox_help.h"
#include "store/mbox.h"
#include "test/tap.h"

enum { MANY = 3000, DATE = 1600000000, ROUNDS = 12 };

static const char *const letters[] = { ":2,", ":2,S", ":2,FS", "", ":2,RST" };

/* before the first UID: who is killed between reserving UIDs and the first log
 * has told nobody, and leaves a gap */
static uint32_t base;

/* the name that message i (from 0) came with */
static const char *
came_as(size_t i)
{
	static char name[80];

	snprintf(name, sizeof(name), "cur/%zu.a,S=%zu,W=%zu%s", 1000000 + i,
	    4 + i % 3, 5 + i % 3, letters[i % ARRAY_LEN(letters)]);
	return name;
}

/* and the one that it shall have; flags are those of before */
static const char *
final_name(size_t i)
{
	static char name[80];
	const char *l = letters[i % ARRAY_LEN(letters)];

	snprintf(name, sizeof(name), "cur/%zu.a,S=%zu,W=%zu,U=%zu%s",
	    1000000 + i, 4 + i % 3, 5 + i % 3, base + i + 1, *l ? l : ":2,");
	return name;
}

static void
fill(struct place *p, const char *name, size_t n)
{
	static const char *const text[] = { "abc\n", "abcd\n", "abcde\n" };
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT }, { 0 } };
	size_t i;

	place_make(p, name);
	for (i = 0; i < n; i++) {
		place_put(p, came_as(i), text[i % 3]);
		ts[1].tv_sec = DATE + (time_t)i;
		if (utimensat(p->at.dir, came_as(i), ts, 0) < 0)
			die("utimensat: %s", strerror(errno));
	}
}

/* what a mailbox that nobody changed must be */
static size_t
wrong(struct mailbox *mb, size_t n)
{
	static const unsigned flags[] = { 0, MSG_SEEN,
		MSG_SEEN | MSG_FLAGGED, 0,
		MSG_SEEN | MSG_ANSWERED | MSG_DELETED };
	size_t i, bad = mb->n != n;

	for (i = 0; i < mb->n && i < n; i++)
		bad += mb->msg[i].uid != base + i + 1 ||
		    mb->msg[i].size != 4 + i % 3 ||
		    mb->msg[i].wsize != 5 + i % 3 ||
		    (mb->msg[i].flags & MSG_KEPT) !=
		    flags[i % ARRAY_LEN(flags)] ||
		    mailbox_date(mb, i) != DATE + (int64_t)i;
	return bad;
}

static size_t
count_names(struct place *p, size_t n, const char *name(size_t))
{
	size_t i, k = 0;

	for (i = 0; i < n; i++)
		k += place_has(p, name(i));
	return k;
}

static void
finding(void *ctx, const char *text)
{
	static int told;

	(void)ctx;
	if (told++ < 20)
		tap_diag("check: %s", text);
}

static int
findings(struct place *p)
{
	return mailbox_check(&p->at, CHECK_ONLY, finding, NULL, &test_err);
}

static void
test_order(void)
{
	struct place p;
	struct mailbox *mb, *other;

	fill(&p, "order", MANY);
	mb = place_open(&p, 0);
	is_int(wrong(mb, MANY), 0, "all are there");
	is_int(count_names(&p, MANY, came_as), MANY, "as they came");
	is_int(findings(&p), 0, "which is sound");
	is_str(text_of(mb, 1), "abcd\n", "they are read");
	other = place_open(&p, 0);
	is_int(wrong(other, MANY), 0, "another session sees the same");
	ok(mailbox_settle(mb), "some are renamed");
	ok(count_names(&p, MANY, final_name) > 0 &&
	    count_names(&p, MANY, came_as) > 0, "not all");
	is_str(text_of(other, 0), "abc\n", "the other reads one of them");
	is_str(text_of(other, MANY - 1), "abcde\n", "and one that was not");
	is_int(mailbox_refresh(other, &test_err), 0, "it has nothing to tell");
	is_int(findings(&p), 0, "this is sound, too");
	mailbox_close(other);
	is_int(count_names(&p, MANY, final_name), MANY,
	    "a close does the rest");
	is_int(place_count(&p, "cur"), MANY, "no file is left over");
	is_int(mailbox_refresh(mb, &test_err), 0, "which is no news");
	is_str(text_of(mb, 4), "abcd\n", "they are still read");
	is_int(wrong(mb, MANY), 0, "and the same");
	mailbox_close(mb);
	mb = place_open(&p, 0);
	is_int(wrong(mb, MANY), 0, "opened again");
	ok(!mailbox_settle(mb), "nothing is left to do");
	mailbox_close(mb);
	is_int(findings(&p), 0, "and nothing to find");
	place_free(&p);
}

/* sizes in names that are not true, letters that are not ours, U= */
static void
test_odd(void)
{
	struct place p;
	struct mailbox *mb;
	size_t i;

	fill(&p, "odd", 600);
	place_put(&p, "cur/1.lie,S=70,W=80:2,S", "x\ny\n");
	place_put(&p, "cur/2.more:2,Sab", "x\n");
	place_put(&p, "cur/3.order:2,SF", "x\n");
	place_put(&p, "cur/4.uid,S=2,W=3,U=7:2,S", "x\n");
	place_put(&p, "cur/5.info:1,x", "x\n");
	mb = place_open(&p, 0);
	is_int(mb->n, 605, "all are there");
	ok(place_find(&p, "cur", "4.uid")[0] &&
	    place_has(&p, "cur/4.uid,S=2,W=3,U=7:2,S"), "a UID is kept");
	for (i = 0; i < mb->n; i++)
		if (mb->msg[i].size != 70 &&
		    strlen(text_of(mb, i)) != mb->msg[i].size)
			break;
	is_int(i, mb->n, "each is read");
	for (i = 0; i < mb->n; i++)
		mailbox_date(mb, i);
	while (mailbox_settle(mb))
		;
	is_str(place_find(&p, "cur", "1.lie"), "1.lie,S=4,W=6,U=8:2,S",
	    "sizes that were not true are set right");
	is_int(mb->msg[mailbox_find(mb, 8)].wsize, 6, "here, too");
	is_str(place_find(&p, "cur", "2.more"), "2.more,S=2,W=3,U=9:2,Sab",
	    "letters of others stay");
	is_str(place_find(&p, "cur", "3.order"), "3.order,S=2,W=3,U=10:2,FS",
	    "ours are put in order");
	mailbox_close(mb);
	mb = place_open(&p, 0);
	for (i = 0; i < mb->n; i++)
		if (strlen(text_of(mb, i)) != mb->msg[i].size)
			break;
	is_int(i, mb->n, "all have their sizes");
	mailbox_close(mb);
	is_int(findings(&p), 0, "and all is well");
	place_free(&p);
}

/* flags, expunges, copies, other programs, while names wait */
static void
test_between(void)
{
	struct place p, q;
	struct mailbox *mb, *to;
	struct mailbox_add *a;
	uint32_t uid;

	fill(&p, "between", 1000);
	place_make(&q, "betweenTo");
	mb = place_open(&p, 0);
	to = place_open(&q, 0);
	change(mb, 1, 10, "=F $Work");
	expunge(mb, 20, 29);
	is_int(place_count(&p, "cur"), 990, "what is expunged is removed");
	a = mailbox_add_new(to);
	ok(mailbox_add_copy(a, mb, 30, &test_err) == 0 &&
	    mailbox_add_commit(a, &uid, &test_err) == 0, "one is copied");
	mailbox_add_free(a);
	mailbox_refresh(to, &test_err);
	is_int(mailbox_date(to, 0), DATE + 30, "with its date");
	place_remove(&p, came_as(99));
	place_move(&p, came_as(101), "cur/1000101.a,S=6,W=7:2,F");
	place_put(&p, "cur/1000102.a,S=2,W=3:2,", "z\n");
	usleep(30000);
	is_int(mailbox_refresh(mb, &test_err), 1, "others are noticed");
	ok(mb->msg[99].flags & MSG_GONE, "one removed a file");
	is_int(mb->msg[101].flags & MSG_KEPT, MSG_FLAGGED, "changed flags");
	is_int(mb->msg[mb->n - 1].uid, 1001, "made a file of a unique part");
	is_str(text_of(mb, 102), "abc\n", "that another has: each its own");
	is_str(text_of(mb, 1000), "z\n", "one by one");
	mailbox_close(mb);
	mailbox_close(to);
	mb = place_open(&p, 0);
	is_int(mb->n, 990, "as many as there were");
	is_int(mb->msg[9].flags & MSG_KEPT, MSG_FLAGGED, "flags are");
	ok(place_has(&p, "cur/1000009.a,S=4,W=5,U=10:2,F"), "in names, too");
	is_int(place_count(&p, "cur"), 990, "no file is left over");
	mailbox_close(mb);
	is_int(findings(&p), 0, "and all is well");
	place_free(&p);
	place_free(&q);
}

/* expunged and not yet removed, by the name of before */
static void
test_doomed(void)
{
	struct place p;
	struct mailbox *mb;
	struct str rec = STR_INIT;
	int fd;

	fill(&p, "doomed", 1000);
	mbox_free(place_open(&p, 0));
	mbox_log_addf(&rec, "E 9000000000000000 1:400");
	fd = openat(p.at.dir, ".state/log", O_WRONLY | O_APPEND);
	if (fd < 0 || full_write(fd, rec.s, rec.len) < 0)
		die("log");
	close(fd);
	place_move(&p, came_as(3), "cur/1000003.a,S=4,W=5:2,F");
	mb = place_open(&p, 0);
	is_int(mb->n, 600, "what the log expunged is gone");
	is_int(place_count(&p, "cur"), 600, "its files, too");
	is_int(mb->msg[0].uid, 401, "the others stay");
	mailbox_close(mb);
	str_free(&rec);
	place_free(&p);
}

/* the log goes while names wait: no UID is used again */
static void
test_lost(void)
{
	struct place p;
	struct mailbox *mb;
	uint32_t validity;

	fill(&p, "lost", 2000);
	mb = place_open(&p, 0);
	validity = mb->uidvalidity;
	mailbox_settle(mb);
	mbox_free(mb);
	place_remove(&p, ".state/log");
	mb = place_open(&p, 0);
	is_int(mb->uidvalidity, validity, "the same UIDVALIDITY");
	is_int(mb->n, 2000, "all are there");
	is_int(mb->msg[1023].uid, 1024, "names keep their UIDs");
	ok(mb->msg[1024].uid > 2000, "what had none gets one that none had");
	mailbox_close(mb);
	is_int(findings(&p), 0, "and all is well");
	place_free(&p);
}

/* a crash kept the names and lost the records */
static void
test_fell_back(void)
{
	struct place p;
	struct mailbox *mb;
	struct stat st;
	size_t i;
	int log;

	fill(&p, "back", 600);
	mb = place_open(&p, 0);
	log = openat(p.at.dir, ".state/log", O_RDWR | O_CLOEXEC);
	if (log < 0 || fstat(log, &st) < 0)
		die("log: %s", strerror(errno));
	while (mailbox_settle(mb))
		;
	if (unlinkat(p.at.index, mb->id, 0) < 0 && errno != ENOENT)
		die("snapshot: %s", strerror(errno));
	mbox_free(mb);
	if (ftruncate(log, st.st_size) < 0)
		die("log: %s", strerror(errno));
	close(log);
	mailbox_close(place_open(&p, 0));
	mb = place_open(&p, 0);
	is_int(wrong(mb, 600), 0, "what was renamed and not told is the same");
	for (i = 0; i < mb->n && mb->msg[i].date == DATE + (int64_t)i; )
		i++;
	is_int(i, mb->n, "and its dates are in the log");
	mailbox_close(mb);
	is_int(findings(&p), 0, "which is sound");
	place_free(&p);
}

/* two messages whose names begin alike: one is changed and expunged */
static void
test_alike(void)
{
	struct place p;
	struct mailbox *mb;

	fill(&p, "alike", 600);
	place_put(&p, "cur/9.dup,S=2,W=3:2,", "x\n");
	place_put(&p, "cur/9.dup,S=4,W=6:2,", "x\ny\n");
	mb = place_open(&p, 0);
	place_move(&p, "cur/9.dup,S=2,W=3:2,", "cur/9.dup,S=2,W=3:2,F");
	is_int(expunge(mb, 1, 1), 0, "one of two that begin alike goes");
	ok(!place_has(&p, "cur/9.dup,S=2,W=3:2,F"), "its file, too");
	ok(place_has(&p, "cur/9.dup,S=4,W=6:2,"), "the other's stays");
	mailbox_close(mb);
	place_free(&p);
}

/* --- kill ----------------------------------------------------------------- */

static void
child(struct place *p)
{
	struct mailbox *mb = mailbox_open(&p->at, 0, &test_err);

	if (mb == NULL)
		_exit(2);
	while (mailbox_settle(mb))
		if (random_below(3) == 0 &&
		    mailbox_refresh(mb, &test_err) < 0)
			_exit(3);
	mailbox_close(mb);
	_exit(0);
}

static size_t
kill_round(struct place *p, uint32_t *validity)
{
	struct mailbox *mb;
	int status;
	size_t bad;
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0)
		child(p);
	usleep(random_below(20000));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	mb = place_open(p, MAILBOX_READONLY);
	if (*validity == 0) {
		*validity = mb->uidvalidity;
		base = mb->n > 0 ? mb->msg[0].uid - 1 : 0;
	}
	bad = wrong(mb, MANY) + (*validity != mb->uidvalidity) +
	    (place_count(p, "cur") != MANY);
	bad += strcmp(text_of(mb, random_below(MANY) / 3 * 3), "abc\n") != 0;
	mbox_free(mb);
	return bad + (size_t)findings(p) + (!WIFSIGNALED(status) &&
	    WEXITSTATUS(status) != 0);
}

static void
test_kill(int rounds)
{
	struct place p;
	uint32_t validity;
	char name[20];
	size_t bad = 0, half = 0, k;
	int i, round;

	for (i = 0; i < rounds; i++) {
		snprintf(name, sizeof(name), "kill%d", i);
		fill(&p, name, MANY);
		validity = 0;
		for (round = 0; round < 4; round++)
			bad += kill_round(&p, &validity);
		k = count_names(&p, MANY, final_name);
		half += k > 0 && k < MANY;
		mailbox_close(place_open(&p, 0));
		bad += count_names(&p, MANY, final_name) != MANY;
		place_free(&p);
	}
	tap_diag("%zu of %d were left in the middle", half, rounds);
	is_int(bad, 0, "killed %d times: the same UIDs, flags and dates, and "
	    "all names in the end", rounds * 4);
}

int
main(int argc, char **argv)
{
	uint64_t rounds = ROUNDS;

	if (argc > 1 && !slice_u64(slice_of(argv[1]), 100000, &rounds))
		die("usage: %s [rounds]", argv[0]);
	test_order();
	test_odd();
	test_between();
	test_doomed();
	test_lost();
	test_fell_back();
	test_alike();
	test_kill((int)rounds);
	return tap_done();
}
