/*
 * queue_journal_fuzz.c - a journal with any damage.  The input is a list of
 * edits {place: 2 bytes, width: 1 byte, value: 4 bytes} to a good file; an odd
 * width also makes the checksums good again, so that what is in a record is
 * looked at.  A last incomplete edit cuts the file.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "queue/journal_impl.h"
#include "queue/message.h"

enum { EDIT = 7, IMAGE_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const unsigned char boot[16] = "the boot of this";
static char dir[] = "/tmp/queue_journal_fuzz.XXXXXX";
static char *image, *path;
static size_t image_len;

static int
on_entry(void *ctx UNUSED, const struct journal_entry *e, struct err *err)
{
	struct queue_message m;

	if (e->content.n > JOURNAL_CONTENT_MAX)
		abort();
	if (queue_message_decode(e->env.p, e->env.n, &m, err) == 0)
		free(m.rcpt);
	return 0;
}

static void
on_damaged(void *ctx UNUSED, const char *file, int64_t at)
{
	if (at < 0 || *file == '\0')
		abort();
}

static struct journal *
open_journal(void)
{
	struct journal_open o = { .dir = dir, .limit = 1 << 30, .boot = boot,
		.fn = on_entry, .damaged = on_damaged };
	struct journal *j;
	struct err err = ERR_INIT;

	if (journal_open(&o, &j, &err) != 0)
		die("%s", err.text);
	return j;
}

static void
remove_at_exit(void)
{
	char *aside = xasprintf("%s/damaged-1", dir);

	unlink(path);
	unlink(aside);
	rmdir(dir);
	free(aside);
}

int
LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	struct queue_rcpt r = { .n = 1, .addr = "a@b", .orig = "a@b",
		.orcpt = "", .notify = "", .mailbox = "m",
		.transport = "local", .nexthop = "b" };
	struct queue_message m = { .sender = "s@t", .ret = "", .envid = "",
		.session = "", .verp = "", .n = 1, .rcpt = &r };
	struct str rec = STR_INIT;
	struct journal *j;
	struct err err = ERR_INIT;
	int fd = memfd_create("content", MFD_CLOEXEC), i;
	size_t end;

	if (mkdtemp(dir) == NULL || full_write(fd, "content\n", 8) != 0)
		die("%s: %s", dir, strerror(errno));
	path = xasprintf("%s/1", dir);
	j = open_journal();
	for (i = 1; i <= 6; i++) {
		str_reset(&rec);
		m.id = i;
		queue_message_encode(&rec, &m);
		if (journal_add(j, i, slice_str(&rec), i % 2 ? fd : -1,
		    i % 2 ? 8 : 0, &err) != 0 || (i % 2 &&
		    journal_commit(j, &err) != 0))
			die("%s", err.text);
		journal_note(j, i);
	}
	journal_commit(j, &err);
	journal_flush(j);
	journal_doubt(j, 1, &err);
	end = (size_t)journal_bytes(j);
	journal_close(j);
	image = read_file(path, IMAGE_MAX, &image_len);
	if (image == NULL)
		die("no image");
	image_len = MIN(image_len, end + J_BLOCK);
	atexit(remove_at_exit);
	str_free(&rec);
	close_fd(fd);
	return 0;
}

/* the checksums of whatever looks like a record */
static void
mend(unsigned char *b, size_t n)
{
	struct journal_record r;
	struct journal_head h;
	size_t at, len;

	if (journal_get_head(b, &h) != 1)
		return;
	for (at = J_BLOCK; at + J_RECORD <= n; at++) {
		if (!journal_get_record(b + at, &r))
			continue;
		len = (size_t)r.env_len + r.content_len;
		if (len > n - at - J_RECORD)
			continue;
		r.gen = h.gen;
		r.salt = h.salt;
		journal_put_record(b + at, &r);
		r.crc = journal_crc(b + at, b + at + J_RECORD, len);
		journal_put_record(b + at, &r);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *bad = xmalloc(image_len);
	size_t len = image_len, at, i;
	bool good = false;
	int fd;

	memcpy(bad, image, image_len);
	for (; n >= EDIT; data += EDIT, n -= EDIT) {
		at = (data[0] | (size_t)data[1] << 8) % len;
		for (i = 0; i < data[2] % 9u && at + i < len; i++)
			bad[at + i] = (char)data[3 + i % 4];
		good |= data[2] & 1;
	}
	if (good)
		mend((unsigned char *)bad, len);
	if (n >= 2)
		len = (data[0] | (size_t)data[1] << 8) % len;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || full_write(fd, bad, len) != 0)
		die("%s: %s", path, strerror(errno));
	close_fd(fd);
	free(bad);
	journal_close(open_journal());
	return 0;
}
