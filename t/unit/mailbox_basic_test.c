/* mailbox_basic_test.c - one mailbox, one session: taking in, flags,
 * keywords, expunge, APPEND and COPY */
#include <fcntl.h>
#include <sys/stat.h>

#include "mailbox_help.h"
#include "test/tap.h"

static void
test_take_in(void)
{
	struct place p;
	struct mailbox *mb;
	char emailid[28];

	place_make(&p, "take");
	mb = place_open(&p, 0);
	is_int(mb->n, 0, "an empty folder");
	ok(mb->uidvalidity > 0 && mb->uidnext == 1 && mb->modseq > 0 &&
	    strlen(mb->id) == 32, "has UIDVALIDITY, UIDNEXT, modseq, id");
	is_int(mailbox_refresh(mb, &test_err), 0, "nothing new");
	place_put(&p, "new/10.b.h,S=4,W=6", "b\nb\n");
	place_put(&p, "new/9.a.h", "a\n");
	place_put(&p, "cur/11.c.h:2,FS", "c\r\nc");
	usleep(50000);
	is_int(mailbox_refresh(mb, &test_err), 1, "three messages came");
	is_str(view(mb), "1:-;2:-;3:SF", "in order of arrival");
	is_str(place_find(&p, "cur", "9."), "9.a.h,S=2,W=3,U=1:2,",
	    "sizes and UID are in the name");
	is_str(place_find(&p, "cur", "10."), "10.b.h,S=4,W=6,U=2:2,",
	    "sizes that were there stay");
	is_str(place_find(&p, "cur", "11."), "11.c.h,S=4,W=4,U=3:2,FS",
	    "flags of the name stay");
	is_int(place_count(&p, "new"), 0, "new/ is empty");
	ok(mb->msg[2].size == 4 && mb->msg[2].wsize == 4, "a CRLF is two");
	ok((mb->msg[0].flags & MSG_RECENT) && mb->uidnext == 4,
	    "they are recent");
	is_str(text_of(mb, 1), "b\nb\n", "a message is read");
	mailbox_emailid(mb, 1, emailid);
	ok(strlen(emailid) == 27 && emailid[0] == 'M', "EMAILID");
	mailbox_close(mb);
	mb = place_open(&p, 0);
	is_str(view(mb), "1:-;2:-;3:SF", "the same when opened again");
	ok(!(mb->msg[0].flags & MSG_RECENT), "not recent any more");
	mailbox_close(mb);
	place_free(&p);
}

static void
test_flags(void)
{
	struct place p;
	struct mailbox *mb;
	uint64_t modseq;

	place_make(&p, "flags");
	place_put(&p, "new/1.a", "a\n");
	place_put(&p, "new/2.b", "b\n");
	place_put(&p, "new/3.c", "c\n");
	mb = place_open(&p, 0);
	modseq = mb->modseq;
	is_int(change(mb, 1, 2, "+SF $Junk"), 0, "flags are added");
	is_str(view(mb), "1:SF,$Junk;2:SF,$Junk;3:-", "to those asked for");
	ok(mb->msg[0].modseq > modseq && mb->msg[0].modseq ==
	    mb->msg[1].modseq && mb->msg[2].modseq <= modseq,
	    "and these have a new modseq");
	modseq = mb->modseq;
	is_int(change(mb, 1, 2, "+S"), 0, "flags that are there");
	is_int(mb->modseq, modseq, "change nothing");
	change(mb, 2, 3, "=T Work $JUNK");
	is_str(view(mb), "1:SF,$Junk;2:T,$Junk,Work;3:T,$Junk,Work",
	    "set; a keyword is spelled as it came first");
	change(mb, 2, 2, "-T $junk none");
	is_str(view(mb), "1:SF,$Junk;2:-,Work;3:T,$Junk,Work", "removed");
	is_int(mailbox_all_keywords(mb).n, 2, "two keywords in all");
	change(mb, 2, 2, "+ $Forwarded");
	is_int(mb->msg[1].flags & MSG_KEPT, MSG_FORWARDED,
	    "$Forwarded is a flag");
	is_str(place_find(&p, "cur", "1."), "1.a,S=2,W=3,U=1:2,",
	    "names follow later");
	mailbox_settle(mb);
	is_str(place_find(&p, "cur", "1."), "1.a,S=2,W=3,U=1:2,FS",
	    "when there is time");
	is_str(text_of(mb, 0), "a\n", "the message is found");
	change(mb, 3, 3, "=D");
	mailbox_close(mb);
	is_str(place_find(&p, "cur", "3."), "3.c,S=2,W=3,U=3:2,D",
	    "or when it is closed");
	mb = place_open(&p, 0);
	is_str(view(mb), "1:SF,$Junk;2:P,Work;3:D", "all is there again");
	{
		uint32_t idx[] = { 0, 1, 2 };
		bool modified[3];
		struct flags_change c = { .op = FLAGS_ADD,
			.flags = MSG_ANSWERED, .conditional = true,
			.unchanged_since = mb->msg[1].modseq };

		is_int(mailbox_flags(mb, idx, 3, &c, modified, &test_err), 0,
		    "UNCHANGEDSINCE");
		ok(!modified[0] && !modified[1] && modified[2],
		    "tells who was changed");
		is_str(view(mb), "1:SRF,$Junk;2:RP,Work;3:D",
		    "and leaves it alone");
	}
	mailbox_close(mb);
	place_free(&p);
}

static struct str gone = STR_INIT;

static void
note_gone(void *ctx, uint32_t seq, uint32_t uid)
{
	(void)ctx;
	str_addf(&gone, "%u/%u ", seq, uid);
}

static void
test_expunge(void)
{
	struct place p;
	struct mailbox *mb;
	struct uid_range *r;
	uint64_t start;
	size_t n;

	place_make(&p, "expunge");
	place_put(&p, "new/1.a", "a\n");
	place_put(&p, "new/2.b", "b\n");
	place_put(&p, "new/3.c", "c\n");
	place_put(&p, "new/4.d", "d\n");
	mb = place_open(&p, 0);
	start = mb->modseq;
	is_int(expunge(mb, 2, 3), 0, "two are expunged");
	is_str(view(mb), "1:-;(2:-);(3:-);4:-", "but not moved");
	is_int(place_count(&p, "cur"), 2, "their files are gone");
	is_int(mailbox_read(mb, 1, &test_err), -1, "they can not be read");
	mailbox_purge(mb, note_gone, NULL);
	is_str(gone.s, "2/2 2/3 ", "told as EXPUNGE does");
	is_str(view(mb), "1:-;4:-", "and taken out");
	is_int(mailbox_vanished(mb, start, &r, &n, &test_err), 1,
	    "what vanished since then");
	ok(n == 1 && r[0].first == 2 && r[0].last == 3, "is known");
	free(r);
	is_int(mailbox_vanished(mb, 1, &r, &n, &test_err), 0,
	    "since ever: all that is not there");
	ok(n == 1 && r[0].first == 2 && r[0].last == 3, "the same here");
	free(r);
	expunge(mb, 4, 4);
	mailbox_close(mb);
	mb = place_open(&p, 0);
	is_str(view(mb), "1:-", "still gone");
	is_int(mb->uidnext, 5, "and their UIDs are not used again");
	mailbox_close(mb);
	place_free(&p);
}

static void
test_add(void)
{
	struct place p, q;
	struct mailbox *mb, *to;
	struct mailbox_add *a;
	char one[28], two[28];
	uint32_t uid;
	struct stat st;
	int fd;

	place_make(&p, "add");
	place_make(&q, "add2");
	mb = place_open(&p, 0);
	is_int(append(mb, "a: b\r\n\r\nx\ny\r\r\nz\r", MSG_SEEN, "$Work"), 1,
	    "APPEND gives the UID");
	is_int(mailbox_refresh(mb, &test_err), 1, "the view sees it");
	is_str(view(mb), "1:S,$Work", "with flags and keywords");
	is_str(text_of(mb, 0), "a: b\n\nx\ny\r\r\nz\r", "CRLF became LF");
	is_int(mb->msg[0].wsize, 17, "its size on the wire");
	is_int(mb->msg[0].size, 14, "and in the file");
	is_int(mb->msg[0].date, 1000000000, "its date");
	fd = mailbox_read(mb, 0, &test_err);
	fstat(fd, &st);
	close(fd);
	ok((st.st_mode & 0222) == 0, "nobody can write it");
	is_int(st.st_mtime, 1000000000, "the file has its date");
	is_int(place_count(&p, "tmp"), 0, "nothing is left in tmp/");

	to = place_open(&q, MAILBOX_NO_RECENT);
	a = mailbox_add_new(to);
	mailbox_add_copy(a, mb, 0, &test_err);
	mailbox_add_copy(a, mb, 0, &test_err);
	is_int(mailbox_add_commit(a, &uid, &test_err), 0, "COPY");
	mailbox_add_free(a);
	is_int(uid, 1, "UIDs of their own");
	mailbox_refresh(to, &test_err);
	is_str(view(to), "1:S,$Work;2:S,$Work", "flags and keywords too");
	is_str(text_of(to, 1), text_of(mb, 0), "the same text");
	fd = mailbox_read(mb, 0, &test_err);
	fstat(fd, &st);
	close(fd);
	is_int(st.st_nlink, 3, "one file in the end");
	mailbox_emailid(mb, 0, one);
	mailbox_emailid(to, 1, two);
	is_str(one, two, "one EMAILID");
	mailbox_close(to);
	to = place_open(&q, 0);
	ok(to->msg[0].flags & to->msg[1].flags & MSG_RECENT,
	    "recent for the first who looks");
	mailbox_close(to);

	/* into itself, while the name is another than the view knows */
	to = place_open(&p, MAILBOX_NO_RECENT);
	change(to, 1, 1, "+FD");
	mailbox_close(to);
	a = mailbox_add_new(mb);
	mailbox_add_copy(a, mb, 0, &test_err);
	is_int(mailbox_add_commit(a, &uid, &test_err), 0,
	    "a copy beside it, of a file that was renamed");
	mailbox_add_free(a);
	is_int(uid, 2, "has the next UID");
	mailbox_refresh(mb, &test_err);
	is_str(text_of(mb, 1), text_of(mb, 0), "and the same text");
	fd = mailbox_read(mb, 1, &test_err);
	fstat(fd, &st);
	close(fd);
	is_int(st.st_nlink, 4, "it is a link");

	a = mailbox_add_new(mb);
	mailbox_add_begin(a, &test_err);
	mailbox_add_write(a, SLICE_LIT("never"), &test_err);
	mailbox_add_free(a);
	is_int(place_count(&p, "tmp"), 0, "what is given up is removed");
	is_int(mb->n, 2, "and not seen");
	mailbox_close(mb);
	place_free(&p);
	place_free(&q);
}

static void
test_status(void)
{
	struct place p;
	struct mailbox_status st;

	place_make(&p, "status");
	place_put(&p, "new/1.a", "a\n");
	place_put(&p, "cur/2.b:2,ST", "b\n");
	is_int(mailbox_status(&p.at, &st, &test_err), 0, "STATUS");
	ok(st.messages == 2 && st.recent == 2 && st.unseen == 1 &&
	    st.deleted == 1 && st.size == 6 && st.uidnext == 3,
	    "counts them");
	mailbox_status(&p.at, &st, &test_err);
	is_int(st.recent, 2, "and takes no \\Recent away");
	place_free(&p);
}

int
main(void)
{
	test_take_in();
	test_flags();
	test_expunge();
	test_add();
	test_status();
	str_free(&gone);
	return tap_done();
}
