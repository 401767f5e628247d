/* store_mailbox_fuzz.c - the log and the snapshot of a mailbox, with good
 * checksums around whatever they hold: opening, changing and opening again
 * may fail, but UIDs ascend and every name leads into cur/ or new/ */
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "store/dir.h"
#include "store/mbox_snap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char head[] =
    "H 1 0123456789abcdef0123456789abcdef 1700000000 1 5 100 0";
static struct mailbox_place place = { .dir = -1, .index = -1, .maildir = -1,
	.hostname = "h" };

static void
write_file(int dir, const char *name, struct slice s)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || full_write(fd, s.p, s.n) < 0)
		abort();
	close(fd);
}

static char place_path[] = "/dev/shm/postrider-fuzz-XXXXXX";

static int
remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED,
    struct FTW *ftw UNUSED)
{
	return remove(path);
}

static void
remove_place(void)
{
	nftw(place_path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
make_place(void)
{
	static const char *const subs[] = { "new", "cur", "tmp", ".state",
		"index" };
	size_t i;

	if (mkdtemp(place_path) == NULL)
		abort();
	atexit(remove_place);
	place.dir = open(place_path, O_PATH | O_DIRECTORY);
	for (i = 0; i < ARRAY_LEN(subs); i++)
		mkdirat(place.dir, subs[i], 0700);
	place.index = openat(place.dir, "index", O_PATH | O_DIRECTORY);
	write_file(place.dir, "cur/1.a,S=1,W=1,U=1:2,S", SLICE_LIT("a"));
	write_file(place.dir, "new/2.b", SLICE_LIT("b"));
}

/* each line of data becomes a record */
static void
make_log(struct str *out, struct slice data)
{
	struct slice line;
	size_t start;

	mbox_log_addf(out, "%s", head);
	while (slice_cut(&data, '\n', &line)) {
		start = out->len;
		str_addsl(out, line);
		mbox_log_seal(out, start);
	}
}

static void
check(const struct mailbox *mb)
{
	struct mailbox_keywords k;
	char id[28];
	size_t i;

	for (i = 0; i < mb->n; i++) {
		if (mb->msg[i].uid == 0 || mb->msg[i].uid >= mb->uidnext ||
		    (i > 0 && mb->msg[i].uid <= mb->msg[i - 1].uid))
			abort();
		k = mailbox_keywords(mb, mb->msg[i].kw);
		if (k.n > KEYWORDS_MAX)
			abort();
		mailbox_emailid(mb, i, id);
	}
	if (mb->modseq == 0 || mb->uidvalidity == 0)
		abort();
}

/* all: the directories are read too, which takes its time */
static void
use(bool all)
{
	struct flags_change c = { .op = FLAGS_ADD, .flags = MSG_FLAGGED };
	struct uid_range *r = NULL;
	struct mailbox *mb;
	struct err err;
	uint32_t i = 0;
	size_t n;

	mb = mbox_open(&place, MBOX_LOOK, &err);
	if (mb == NULL)
		return;
	check(mb);
	if (mailbox_vanished(mb, 1, &r, &n, &err) >= 0)
		free(r);
	if (mb->n > 0)
		close_fd(mailbox_read(mb, 0, &err));
	mbox_free(mb);
	mb = all ? mailbox_open(&place, 0, &err) :
	    mbox_open(&place, MBOX_LOOK, &err);
	if (mb == NULL)
		return;
	check(mb);
	if (all && mb->n > 0 && mailbox_flags(mb, &i, 1, &c, NULL, &err) == 0)
		check(mb);
	mailbox_close(mb);
}

/* data patches the head or what is behind it; then the sums are made good */
static void
patch_snapshot(struct slice data)
{
	static const char id[] = "0123456789abcdef0123456789abcdef";
	struct snap_head h;
	struct stat st;
	char *s;
	size_t n, at;
	int fd = openat(place.index, id, O_RDWR);

	if (fd < 0 || fstat(fd, &st) < 0)
		abort();
	n = (size_t)st.st_size;
	s = xmalloc(n);
	if (pread(fd, s, n, 0) != st.st_size)
		abort();
	for (; data.n >= 3; data = slice_sub(data, 3, data.n)) {
		at = (unsigned char)data.p[0] << 8 | (unsigned char)data.p[1];
		s[at % n] = data.p[2];
	}
	memcpy(&h, s, sizeof(h));
	if (h.kw_len <= n - sizeof(h) && h.names_at <= n &&
	    h.names_len <= n - h.names_at && h.records_at <= n) {
		h.body_crc = mbox_crc(0, s + sizeof(h), h.kw_len);
		h.body_crc = mbox_crc(h.body_crc, s + h.names_at,
		    h.names_len);
		h.body_crc = mbox_crc(h.body_crc, s + h.records_at,
		    n - h.records_at);
	}
	h.head_crc = mbox_crc(0, &h, offsetof(struct snap_head, head_crc));
	memcpy(s, &h, sizeof(h));
	if (pwrite(fd, s, n, 0) != st.st_size)
		abort();
	free(s);
	close(fd);
}

static void
try_snapshot(struct slice data)
{
	static const char lines[] = "K 0 Work\nK 1 Other\n"
	    "A 6 1 1 1 1 1 S,0 S c1.a,S=1,W=1,U=1\n"
	    "A 7 2 1 1 1 1 S,0,1 - c2.b,S=1,W=1,U=2\n"
	    "A 8 3 1 1 1 1 - - o3.c,S=1,W=1,U=3:2,ab\nD 1 1 1\n";
	struct str log = STR_INIT;
	struct mailbox *mb;
	struct err err;

	make_log(&log, SLICE_LIT(lines));
	write_file(place.dir, ".state/log", slice_str(&log));
	mb = mbox_open(&place, MBOX_LOOK, &err);
	if (mb == NULL)
		abort();
	mbox_snap_write(mb);
	mbox_free(mb);
	patch_snapshot(data);
	use(false);
	str_free(&log);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct str log = STR_INIT;

	if (place.dir < 0)
		make_place();
	if (size > 0 && data[0] == '!') {
		try_snapshot(slice_sub(in, 1, in.n));
		return 0;
	}
	make_log(&log, in);
	write_file(place.dir, ".state/log", slice_str(&log));
	str_free(&log);
	use(size % 16 == 0);
	return 0;
}
