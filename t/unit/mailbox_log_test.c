/* mailbox_log_test.c - the log, the snapshot and what is lost of them */
#include <fcntl.h>
#include <sys/stat.h>

#include "mailbox_help.h"
#include "store/mbox.h"
#include "test/tap.h"

static char *
slurp(struct place *p, const char *name, size_t *n)
{
	struct str path = STR_INIT;
	char *text;

	str_addf(&path, "%s/%s", p->dir, name);
	text = read_file(path.s, 1 << 28, n);
	if (text == NULL)
		die("%s: %s", path.s, strerror(errno));
	str_free(&path);
	return text;
}

static void
spill(struct place *p, const char *name, const char *text, size_t n)
{
	int fd = openat(p->at.dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || full_write(fd, text, n) < 0)
		die("%s: %s", name, strerror(errno));
	close(fd);
}

/* five messages, 2 expunged, flags, keywords, one not settled */
static void
make(struct place *p, const char *name)
{
	struct mailbox *mb;
	char file[40];
	int i;

	place_make(p, name);
	for (i = 1; i <= 5; i++) {
		snprintf(file, sizeof(file), "new/%d.x", i);
		place_put(p, file, "text\n");
	}
	mb = place_open(p, 0);
	change(mb, 1, 3, "+S $Work");
	change(mb, 3, 3, "+F Other");
	expunge(mb, 2, 2);
	mailbox_close(mb);
}
static const char made[] = "1:S,$Work;3:SF,$Work,Other;4:-;5:-";

static void
test_crc(void)
{
	struct str s = STR_INIT;
	struct slice rest, rec;
	char buf[64];
	size_t i;

	is_int(mbox_crc(0, "123456789", 9), 0xe3069283, "CRC-32C");
	is_int(mbox_crc(mbox_crc(0, "1234", 4), "56789", 5), 0xe3069283,
	    "in parts");
	mbox_log_addf(&s, "E 5 1:3");
	rest = slice_str(&s);
	is_int(mbox_log_next(&rest, &rec), 1, "a record");
	is_str(slice_copy(buf, sizeof(buf), rec), "E 5 1:3", "is read");
	for (i = 0; i + 1 < s.len; i++) {
		s.s[i] ^= 1;
		rest = slice_str(&s);
		if (mbox_log_next(&rest, &rec) > 0)
			break;
		s.s[i] ^= 1;
	}
	is_int(i + 1, s.len, "with any bit changed it is not");
	str_reset(&s);
	mbox_log_text(&s, "a b%\n\x7f\xff");
	is_str(s.s, "a%20b%25%0A%7F\xff", "strange names are escaped");
	{
		struct str t = STR_INIT;

		ok(mbox_log_untext(&t, slice_str(&s)), "and read");
		is_str(t.s, "a b%\n\x7f\xff", "as they were");
		ok(!mbox_log_untext(&t, SLICE_LIT("a%2")) &&
		    !mbox_log_untext(&t, SLICE_LIT("a%zz")) &&
		    !mbox_log_untext(&t, SLICE_LIT("a%00")), "bad ones not");
		str_free(&t);
	}
	str_free(&s);
}

/* cut the log at every byte: a prefix of its records is what is known, and
 * files are what they are */
static void
test_torn(void)
{
	struct place p;
	struct mailbox *mb;
	size_t n, cut, lines = 0, bad = 0, i;
	char *log;

	make(&p, "torn");
	log = slurp(&p, ".state/log", &n);
	for (cut = n; cut > 0; cut -= MIN(cut, 17)) {
		spill(&p, ".state/log", log, cut);
		mb = mailbox_open(&p.at, MAILBOX_NO_RECENT, &test_err);
		if (mb == NULL) {
			bad++;
			continue;
		}
		for (i = 0; i < mb->n; i++)
			bad += strcmp(text_of(mb, i), "text\n") != 0 ||
			    (i > 0 && mb->msg[i].uid <= mb->msg[i - 1].uid);
		bad += mb->n != 4 || mb->uidnext < 6 ||
		    mb->msg[0].uid != 1 || mb->msg[1].uid != 3;
		mailbox_close(mb);
		lines++;
	}
	ok(lines > 20, "a log cut at %zu places", lines);
	is_int(bad, 0, "all messages keep their UIDs");
	spill(&p, ".state/log", log, n);
	mb = place_open(&p, 0);
	mailbox_close(mb);
	free(log);
	log = slurp(&p, ".state/log", &n);
	spill(&p, ".state/log", log, n - 4);
	mb = place_open(&p, 0);
	change(mb, 5, 5, "+D");
	mailbox_close(mb);
	mb = place_open(&p, 0);
	is_str(view(mb), "1:S,$Work;3:SF,$Work,Other;4:-;5:D",
	    "what is written behind a torn line is read");
	mailbox_close(mb);
	free(log);
	place_free(&p);
}

/* one byte of the log changed: whatever it was, no message is lost */
static void
test_damaged(void)
{
	struct place p;
	struct mailbox *mb;
	size_t n, i, k, bad = 0, tried = 0;
	char *log, before[200];

	make(&p, "damaged");
	log = slurp(&p, ".state/log", &n);
	for (i = 0; i < n; i += 11, tried++) {
		log[i] ^= 4;
		spill(&p, ".state/log", log, n);
		log[i] ^= 4;
		mb = mailbox_open(&p.at, MAILBOX_NO_RECENT, &test_err);
		if (mb == NULL) {
			tap_diag("byte %zu: %s", i, test_err.text);
			bad++;
			continue;
		}
		if (mb->n != 4 || mb->uidnext < 6 || mb->msg[0].uid != 1 ||
		    mb->msg[1].uid != 3 || mb->msg[2].uid != 4 ||
		    mb->msg[3].uid != 5) {
			tap_diag("byte %zu: %s", i, view(mb));
			bad++;
		}
		for (k = 0; k < mb->n; k++)
			bad += strcmp(text_of(mb, k), "text\n") != 0;
		snprintf(before, sizeof(before), "%s", view(mb));
		mailbox_close(mb);
		mb = place_open(&p, 0);
		bad += strcmp(view(mb), before) != 0;
		mailbox_close(mb);
	}
	ok(tried > 30, "a log with one of %zu bytes changed", tried);
	is_int(bad, 0, "all messages have their UIDs each time");
	free(log);
	place_free(&p);
}

static void
test_lost(void)
{
	struct place p;
	struct mailbox *mb, *old;
	uint32_t validity;
	uint64_t modseq;
	char id[33];

	make(&p, "lost");
	mb = place_open(&p, 0);
	is_str(view(mb), made, "the mailbox");
	validity = mb->uidvalidity;
	modseq = mb->modseq;
	memcpy(id, mb->id, sizeof(id));
	mailbox_close(mb);
	place_remove(&p, ".state/log");
	mb = place_open(&p, 0);
	is_str(view(mb), "1:S;3:SF;4:-;5:-",
	    "without its log: UIDs and flags are in the names");
	is_int(mb->uidvalidity, validity, "UIDVALIDITY stays");
	is_str(mb->id, id, "so does the id");
	ok(mb->uidnext > 6, "UIDs that were given are not given again");
	ok(mb->modseq > modseq, "modseqs go on");
	mailbox_close(mb);

	place_remove(&p, ".state/log");
	place_remove(&p, "postrider-uid");
	mb = place_open(&p, 0);
	is_str(view(mb), "1:S;3:SF;4:-;5:-", "without postrider-uid, too");
	is_int(mb->uidnext, 6, "UIDNEXT is behind the last");
	mailbox_close(mb);

	/* the log goes while it is open */
	old = place_open(&p, 0);
	change(old, 5, 5, "+ Word");
	place_remove(&p, ".state/log");
	is_int(change(old, 4, 4, "+S"), 0, "the log is removed under us");
	mailbox_close(old);
	mb = place_open(&p, 0);
	is_str(view(mb), "1:S;3:SF;4:S;5:-,Word", "it is written again");
	mailbox_close(mb);
	place_free(&p);
}

static void
test_checkpoint(void)
{
	struct place p;
	struct mailbox *mb, *other, *third;
	struct uid_range *r;
	struct err err;
	size_t n;
	uint64_t modseq;

	make(&p, "checkpoint");
	other = place_open(&p, 0);
	third = place_open(&p, 0);
	mb = place_open(&p, 0);
	modseq = mb->modseq;
	expunge(mb, 4, 4);
	change(mb, 5, 5, "+T New");
	is_int(mbox_lock(mb, &err), 0, "locked");
	is_int(mbox_checkpoint(mb, &err), 0, "a checkpoint");
	mbox_unlock(mb);
	is_int(mailbox_refresh(other, &test_err), 1, "another session");
	is_str(view(other), "1:S,$Work;3:SF,$Work,Other;(4:-);5:T,New",
	    "finds out what happened");
	ok(other->msg[3].flags & MSG_TOUCHED &&
	    !(other->msg[0].flags & MSG_TOUCHED), "and what changed");
	is_int(change(third, 5, 5, "+S"), 0, "a third one changes flags");
	is_str(view(third), "1:S,$Work;3:SF,$Work,Other;(4:-);5:ST,New",
	    "behind it");
	is_int(mailbox_vanished(third, modseq, &r, &n, &test_err), 1,
	    "the history is kept");
	ok(n == 1 && r[0].first == 4 && r[0].last == 4, "in the new log");
	free(r);
	mailbox_refresh(mb, &test_err);
	mailbox_purge(mb, NULL, NULL);
	is_str(view(mb), "1:S,$Work;3:SF,$Work,Other;5:ST,New",
	    "all see the same");
	mailbox_close(other);
	mailbox_close(third);
	mailbox_close(mb);
	mb = place_open(&p, 0);
	is_str(view(mb), "1:S,$Work;3:SF,$Work,Other;5:ST,New",
	    "so does a new one");
	is_int(mb->uidnext, 6, "UIDNEXT is kept");
	mailbox_close(mb);
	place_free(&p);
}

/* many changes: checkpoints happen by themselves, the log stays small */
static void
test_growth(void)
{
	struct place p;
	struct mailbox *mb;
	size_t n;
	int i;

	make(&p, "growth");
	mb = place_open(&p, 0);
	for (i = 0; i < 7000; i++)
		if (change(mb, 1, 5, i % 2 ? "+D" : "-D") < 0)
			die("%s", test_err.text);
	mailbox_close(mb);
	free(slurp(&p, ".state/log", &n));
	ok(n < 270000, "7000 changes, %zu bytes", n);
	mb = place_open(&p, 0);
	is_str(view(mb), "1:SD,$Work;3:SFD,$Work,Other;4:D;5:D",
	    "and all is right");
	mailbox_close(mb);
	place_free(&p);
}

/* --- the snapshot --------------------------------------------------------- */

static void
snap_name(const struct mailbox *mb, struct str *out)
{
	str_addf(out, "../snap.index/%s", mb->id);
}

static void
test_snapshot(void)
{
	struct place p;
	struct mailbox *mb;
	struct str name = STR_INIT;
	size_t n, i, bad = 0, used = 0;
	char *snap;

	make(&p, "snap");
	mb = place_open(&p, 0);
	mbox_snap_write(mb);
	snap_name(mb, &name);
	mailbox_close(mb);
	snap = slurp(&p, name.s, &n);
	mb = place_open(&p, 0);
	ok(mb->in->st.map != NULL, "the snapshot is used");
	is_str(view(mb), made, "and says the same as the log");
	change(mb, 4, 4, "+ Third");
	append(mb, "a\r\n", 0, NULL);
	is_str(view(mb), "1:S,$Work;3:SF,$Work,Other;4:-,Third;5:-;6:-",
	    "the view is changed");
	mailbox_close(mb);
	mb = place_open(&p, 0);
	ok(mb->in->st.map != NULL, "it is still good");
	is_str(view(mb), "1:S,$Work;3:SF,$Work,Other;4:-,Third;5:-;6:-",
	    "the log's tail is read behind it");
	mailbox_close(mb);
	for (i = 0; i < n; i += i < 100 ? 1 : 97) {
		snap[i] = (char)~snap[i];
		spill(&p, name.s, snap, n);
		snap[i] = (char)~snap[i];
		mb = place_open(&p, MAILBOX_NO_RECENT);
		used += i < 200 && mb->in->st.map != NULL;
		bad += strcmp(view(mb), "1:S,$Work;3:SF,$Work,Other;"
		    "4:-,Third;5:-;6:-") != 0;
		mailbox_close(mb);
	}
	is_int(bad, 0, "a damaged one changes nothing");
	is_int(used, 0, "it is not used");
	for (i = 0; i < n; i += 397) {
		spill(&p, name.s, snap, i);
		mb = place_open(&p, MAILBOX_NO_RECENT);
		bad += strcmp(view(mb), "1:S,$Work;3:SF,$Work,Other;"
		    "4:-,Third;5:-;6:-") != 0 || mb->in->st.map != NULL;
		mailbox_close(mb);
	}
	is_int(bad, 0, "nor does one that is cut off");
	free(snap);
	str_free(&name);
	place_free(&p);
}

/* In the boot that wrote it, one is believed as long as it has the time that
 * its writer gave it: damage that no write made is found by samples. */
static void
test_fresh(void)
{
	struct place p;
	struct mailbox *mb;
	struct str name = STR_INIT;
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT }, { 0 } };
	struct stat st;
	size_t n, i, found;
	char *snap, *want;

	make(&p, "snap");
	mb = place_open(&p, 0);
	want = xstrdup(view(mb));
	mbox_snap_write(mb);
	snap_name(mb, &name);
	mailbox_close(mb);
	if (fstatat(p.at.dir, name.s, &st, 0) < 0)
		die("%s: %s", name.s, strerror(errno));
	ts[1] = st.st_mtim;
	snap = slurp(&p, name.s, &n);
	for (i = 4096; i < n; i++)
		snap[i] = (char)(snap[i] ^ 0x5a);
	snap[4096] = 0;
	spill(&p, name.s, snap, n);
	mb = place_open(&p, MAILBOX_NO_RECENT);
	ok(mb->in->st.map == NULL, "what was written to is not believed");
	is_str(view(mb), want, "the log is");
	mbox_free(mb);
	spill(&p, name.s, snap, n);
	utimensat(p.at.dir, name.s, ts, 0);
	for (i = found = 0; i < 2000 && !found; i++) {
		mb = mbox_open(&p.at, MBOX_LOOK, &test_err);
		found = mb == NULL || mb->in->st.map == NULL;
		if (mb != NULL) {
			view(mb);
			mbox_free(mb);
		}
	}
	ok(found, "damage that no write made is found by and by");
	free(want);
	free(snap);
	str_free(&name);
	place_free(&p);
}

/* records that were read and then taken back: their writer could not sync */
static void
test_taken_back(void)
{
	struct place p;
	struct mailbox *mb;
	struct str rec = STR_INIT;
	size_t n;
	char *log;

	make(&p, "back");
	mb = place_open(&p, 0);
	log = slurp(&p, ".state/log", &n);
	mbox_log_addf(&rec, "F 9000000000000000 4 +T");
	{
		int fd = openat(p.at.dir, ".state/log", O_WRONLY | O_APPEND);

		if (fd < 0 || full_write(fd, rec.s, rec.len) < 0)
			die("log");
		mailbox_refresh(mb, &test_err);
		is_str(view(mb), "1:S,$Work;3:SF,$Work,Other;4:T;5:-",
		    "a record is read");
		if (ftruncate(fd, (off_t)n) < 0)
			die("log");
		close(fd);
	}
	is_int(mailbox_refresh(mb, &test_err), 1, "it is taken back");
	is_str(view(mb), made, "and so is what it said");
	is_int(change(mb, 5, 5, "+S"), 0, "others follow");
	mailbox_close(mb);
	mb = place_open(&p, 0);
	is_str(view(mb), "1:S,$Work;3:SF,$Work,Other;4:-;5:S", "and are read");
	mailbox_close(mb);
	free(log);
	str_free(&rec);
	place_free(&p);
}

/* an idle session gives its memory back and goes on */
static void
test_shrink(void)
{
	struct place p;
	struct mailbox *mb;
	char name[40];
	int i;

	place_make(&p, "shrink");
	for (i = 0; i < 1100; i++) {
		snprintf(name, sizeof(name), "new/%d.x", i);
		place_put(&p, name, "x\n");
	}
	mb = place_open(&p, 0);
	change(mb, 1, 1000, "+S $Work");
	ok(mb->in->st.map == NULL, "an array on the heap");
	mailbox_shrink(mb);
	ok(mb->in->st.map != NULL, "is a mapping when the session idles");
	ok(mb->n == 1100 && (mb->msg[0].flags & MSG_SEEN) &&
	    mailbox_has_keyword(mb, mb->msg[999].kw, SLICE_LIT("$work")) &&
	    (mb->msg[5].flags & MSG_RECENT), "with all that it held");
	is_int(mailbox_refresh(mb, &test_err), 0, "nothing has changed");
	is_int(change(mb, 3, 3, "+F"), 0, "and it goes on");
	append(mb, "y\r\n", 0, NULL);
	ok(mb->n == 1101 && strcmp(text_of(mb, 1100), "y\n") == 0,
	    "also behind the mapping");
	mailbox_close(mb);
	place_free(&p);
}

/* the same messages, whichever way they were read */
static void
test_equal(void)
{
	struct place p;
	struct mailbox *a, *b;
	struct str name = STR_INIT;
	size_t i, bad = 0;

	make(&p, "snap");
	a = place_open(&p, 0);
	mbox_snap_write(a);
	snap_name(a, &name);
	mailbox_close(a);
	a = place_open(&p, 0);
	place_remove(&p, name.s);
	b = place_open(&p, 0);
	ok(a->in->st.map != NULL && b->in->st.map == NULL && a->n == b->n,
	    "one from the snapshot, one from the log");
	for (i = 0; i < a->n; i++) {
		a->msg[i].name = b->msg[i].name;
		a->msg[i].kw = b->msg[i].kw;
		bad += memcmp(&a->msg[i], &b->msg[i], sizeof(a->msg[i])) != 0;
	}
	is_int(bad, 0, "are the same to the bit");
	ok(a->modseq == b->modseq && a->uidnext == b->uidnext &&
	    a->uidvalidity == b->uidvalidity, "in all");
	mailbox_close(a);
	mailbox_close(b);
	str_free(&name);
	place_free(&p);
}

/* expunged and then killed before the files were removed */
static void
test_doomed(void)
{
	struct place p;
	struct mailbox *mb;
	struct str rec = STR_INIT;
	int fd;

	make(&p, "doomed");
	mbox_log_addf(&rec, "E 9000000000000000 3:4");
	fd = openat(p.at.dir, ".state/log", O_WRONLY | O_APPEND);
	if (fd < 0 || full_write(fd, rec.s, rec.len) < 0)
		die("log");
	close(fd);
	place_move(&p, "cur/4.x,S=5,W=6,U=4:2,", "cur/4.x,S=5,W=6,U=4:2,R");
	mb = place_open(&p, 0);
	is_str(view(mb), "1:S,$Work;5:-", "what the log expunged is gone");
	is_int(place_count(&p, "cur"), 2, "its files too, by any name");
	is_int(mb->modseq, 9000000000000000, "modseqs only go up");
	change(mb, 5, 5, "+S");
	ok(mb->msg[1].modseq > 9000000000000000, "also behind the clock");
	mailbox_close(mb);
	str_free(&rec);
	place_free(&p);
}

/* --- check ---------------------------------------------------------------- */

static struct str findings = STR_INIT;

static void
finding(void *ctx, const char *text)
{
	(void)ctx;
	str_addf(&findings, "%s\n", text);
}

static int
check(struct place *p, int how)
{
	str_reset(&findings);
	return mailbox_check(&p->at, how, finding, NULL, &test_err);
}

static void
test_check(void)
{
	struct place p;
	struct mailbox *mb;
	size_t n;
	char *log, *nl;

	make(&p, "check");
	is_int(check(&p, CHECK_ONLY), 0, "a sound mailbox");
	is_str(findings.s, "", "nothing is found");
	place_move(&p, "cur/5.x,S=5,W=6,U=5:2,", "cur/5.x,S=5,W=6,U=5:2,R");
	place_put(&p, "cur/9.y,S=1,U=77:2,", "y");
	place_put(&p, "cur/1.z,S=1,U=1:2,", "z");
	place_remove(&p, "cur/4.x,S=5,W=6,U=4:2,");
	is_int(check(&p, CHECK_ONLY), 4, "four things are wrong");
	ok(strstr(findings.s, "U=5:2,R: flags are not") != NULL &&
	    strstr(findings.s, "UID 77 is not in the log") != NULL &&
	    strstr(findings.s, "a second file of UID 1\n") != NULL &&
	    strstr(findings.s, "UID 4 has no file") != NULL,
	    "each is named");
	log = slurp(&p, ".state/log", &n);
	nl = memchr(log, '\n', n);
	nl[5] ^= 1;
	spill(&p, ".state/log", log, n - 3);
	check(&p, CHECK_ONLY);
	ok(strstr(findings.s, ".state/log:2: bad checksum") != NULL,
	    "so is a bad line");
	ok(strstr(findings.s, "not finished") != NULL, "and a torn one");
	free(log);
	ok(check(&p, CHECK_REPAIR) > 0, "repair");
	is_int(check(&p, CHECK_ONLY), 0, "and all is well");
	is_str(findings.s, "", "nothing is found");
	mb = place_open(&p, 0);
	is_int(mb->n, 5, "messages are there");
	is_int(mb->msg[0].uid, 1, "UIDs stay");
	mailbox_close(mb);
	is_int(check(&p, CHECK_REBUILD), 0, "rebuild");
	mb = place_open(&p, 0);
	ok(mb->in->st.map != NULL, "makes a snapshot");
	mailbox_close(mb);
	is_int(check(&p, CHECK_ONLY), 0, "that is right");
	str_free(&findings);
	place_free(&p);
}

/* the same, and another wrote there before the reader looks again */
static void
test_withdrawn(const char *by, const char *want)
{
	struct mailbox *mb, *reader;
	struct place p;
	struct str name = STR_INIT;
	char *log;
	size_t n;

	str_addf(&name, "Withdrawn%s", by);
	make(&p, name.s);
	str_free(&name);
	reader = place_open(&p, 0);
	mb = place_open(&p, 0);
	log = slurp(&p, ".state/log", &n);
	change(mb, 4, 4, "+D");
	mailbox_refresh(reader, &test_err);
	is_int(reader->msg[2].flags & MSG_DRAFT, MSG_DRAFT, "it was seen");
	mbox_free(mb);
	spill(&p, ".state/log", log, n);
	free(log);
	mb = place_open(&p, 0);
	change(mb, 5, 5, by);
	is_int(change(reader, 1, 1, "+R"), 0, "the reader writes");
	mailbox_refresh(mb, &test_err);
	is_str(view(reader), want, "and sees what is");
	is_str(view(mb), want, "others, too");
	mailbox_close(reader);
	mailbox_close(mb);
	mb = place_open(&p, 0);
	is_str(view(mb), want, "nothing is lost");
	mailbox_close(mb);
	place_free(&p);
}

static void
test_numbers(void)
{
	static const char *const none[] = { "", "-", "x", "1x", "12345678x",
		"9223372036854775808", "-9223372036854775808", "--1", " 1" };
	struct str s = STR_INIT;
	struct slice rest;
	int64_t v, r;
	size_t i, bad = 0, n = 0;

	for (v = INT64_MAX; v != 0; v /= 3)
		for (i = 0; i < 4; i++, n++) {
			str_reset(&s);
			mbox_log_number(&s, i % 2 ? -v : v);
			mbox_log_number(&s, i / 2 ? v % 100 : 0);
			rest = slice_str(&s);
			bad += !mbox_word_i64(&rest, &r) ||
			    r != (i % 2 ? -v : v) ||
			    !mbox_word_i64(&rest, &r) ||
			    r != (i / 2 ? v % 100 : 0) || rest.n > 0;
		}
	ok(n > 100 && bad == 0, "numbers, there and back");
	for (i = 0; i < ARRAY_LEN(none); i++) {
		rest = slice_of(none[i]);
		ok(!mbox_word_i64(&rest, &r), "no number: %s", none[i]);
	}
	str_free(&s);
}

int
main(void)
{
	mailbox_prepare();
	test_numbers();
	test_crc();
	test_torn();
	test_damaged();
	test_lost();
	test_checkpoint();
	test_growth();
	test_snapshot();
	test_fresh();
	test_equal();
	test_shrink();
	test_taken_back();
	test_withdrawn("+F", "1:SR,$Work;3:SF,$Work,Other;4:-;5:F");
	test_withdrawn("+S a b c d e f",
	    "1:SR,$Work;3:SF,$Work,Other;4:-;5:S,a,b,c,d,e,f");
	test_doomed();
	test_check();
	return tap_done();
}
