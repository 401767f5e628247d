/* mailbox_kw_test - keyword sets that nobody has any more, and directories
 * that can not be synced */
#include "mailbox_help.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include "store/mbox.h"
#include "test/tap.h"

static bool bad_disk;
static int bad_syncs;

/* the library's fsync: directories fail where the test says so */
int
fsync(int fd)
{
	struct stat st;

	if (bad_disk && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		bad_syncs++;
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

/* the bits of i as keywords: "+k1 k3" */
static const char *
bits(int i)
{
	static char text[64];
	size_t n = 1;
	int b;

	text[0] = '=';
	text[1] = '\0';
	for (b = 0; b < 8; b++)
		if (i & 1 << b)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%sk%d", n > 1 ? " " : "", b);
	return text;
}

static void
test_compact(void)
{
	struct place p;
	struct mailbox *mb, *other;
	struct str was = STR_INIT;
	int i, bad = 0;

	place_make(&p, "compact");
	mb = place_open(&p, 0);
	append(mb, "one\r\n", 0, "k0");
	append(mb, "two\r\n", 0, "Other");
	append(mb, "three\r\n", 0, NULL);
	other = place_open(&p, 0);
	for (i = 1; i < 256; i++)
		bad += change(mb, 1, 1, bits(i)) != 0;
	for (i = 1; i < 256; i++) {
		bad += change(mb, 1, 1, bits(i)) != 0;
		bad += change(mb, 1, 1, "+Other") != 0;
	}
	is_int(bad, 0, "many sets are made");
	ok(mb->in->st.kw.sets > 256 + 2 * mb->n, "and kept at first");
	str_adds(&was, view(mb));
	ok(mailbox_refresh(mb, &test_err) >= 0 && mb->in->st.kw.sets == 3,
	    "a refresh drops what nobody has");
	is_str(view(mb), was.s, "messages have what they had");
	change(mb, 3, 3, "+Other");
	ok(mb->msg[2].kw == mb->msg[1].kw, "equal sets have one number");
	is_int(change(mb, 3, 3, "-Other"), 0, "and it goes on");
	ok(mailbox_refresh(other, &test_err) >= 0, "another session reads it");
	is_str(view(other), was.s, "and has the same");
	ok(mailbox_refresh(other, &test_err) >= 0 &&
	    other->in->st.kw.sets <= 4, "and drops them, too");
	mbox_snap_write(mb);
	mailbox_close(mb);
	mb = place_open(&p, 0);
	is_str(view(mb), was.s, "the snapshot has them");
	ok(mb->in->st.kw.sets <= 4, "and nothing else");
	mailbox_close(mb);
	mailbox_close(other);
	str_free(&was);
	place_free(&p);
}

static void
test_sync(void)
{
	struct place p;
	struct mailbox *mb;
	int i, bad = 0;

	place_make(&p, "sync");
	bad_disk = true;
	mb = mailbox_open(&p.at, 0, &test_err);
	ok(mb == NULL && bad_syncs > 0, "no log without a synced directory");
	is_int(test_err.kind, ERR_TEMP, "for now");
	bad_disk = false;
	mb = place_open(&p, 0);
	is_int(append(mb, "one\r\n", 0, NULL), 1, "later it is made");
	mb->in->reserved = 1;
	bad_disk = true;
	bad_syncs = 0;
	is_int(append(mb, "two\r\n", 0, NULL), 0,
	    "no UID without a reservation that lasts");
	is_int(bad_syncs > 0, 1, "it was tried");
	is_int(mb->in->reserved, 1, "what was written is not believed");
	is_int(mbox_reserve(mb, 3, &test_err), -1, "also the next time");
	bad_disk = false;
	is_int(append(mb, "two\r\n", 0, NULL), 2, "then it goes on");
	bad_disk = true;
	is_int(mbox_lock(mb, &test_err), 0, "under the lock");
	is_int(mbox_checkpoint(mb, &test_err), -1,
	    "a checkpoint whose name may not last is none");
	mbox_unlock(mb);
	bad_disk = false;
	for (i = 0; i < 3; i++)
		bad += mailbox_refresh(mb, &test_err) < 0;
	is_int(bad, 0, "the log is read anew");
	is_str(view(mb), "1:-;2:-", "and holds all");
	is_int(append(mb, "three\r\n", 0, NULL), 3, "and goes on");
	mailbox_close(mb);
	place_free(&p);
}

int
main(void)
{
	test_compact();
	test_sync();
	return tap_done();
}
