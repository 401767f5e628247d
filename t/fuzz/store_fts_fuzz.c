/*
 * store_fts_fuzz.c - a full-text index with any damage (dbfile.h), asked and
 * written to: what it answers are messages of the mailbox, in order, and it
 * never hangs.  Without damage no message is missed.
 */
#include "dbfile.h"
#include "home.h"
#include "store/fts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { MESSAGES = 24, GONE = 5 };

static struct dbfile file;
static char *path;
static int dir = -1;
static struct mailbox_msg msgs[MESSAGES];
static const struct mailbox box = { .msg = msgs, .n = MESSAGES,
	.uidvalidity = 5, .id = "box1" }, other = { .msg = msgs,
	.n = MESSAGES, .uidvalidity = 6, .id = "box2" };

/* the words of a message: "alpha" in all, "beta" in some */
static void
note(struct fts *f, struct mailbox *mb, uint32_t uid)
{
	char body[64];

	snprintf(body, sizeof(body), "number %u text %s", uid,
	    uid % 3 == 0 ? "beta" : "gamma");
	fts_note(f, mb, uid, SLICE_LIT("subject alpha"), slice_of(body));
}

int
LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	struct mailbox mb = box, mb2 = other;
	struct fts *f;
	uint32_t i;

	home_begin();
	path = xasprintf("%s/fts.db", home);
	dir = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f = fts_new(dir);
	for (i = 0; i < MESSAGES; i++)
		msgs[i].uid = i * i + 1;
	for (i = 0; i < MESSAGES; i++)
		note(f, &mb, msgs[i].uid);
	for (i = 0; i < MESSAGES; i++)
		note(f, &mb2, msgs[i].uid);
	fts_note(f, &mb2, 9000, SLICE_LIT(""), SLICE_LIT("far"));
	fts_free(f);
	dbfile_take(&file, path);
	return 0;
}

/* Terms that messages 3k hold; all: none may be missed. */
static void
ask(struct fts *f, unsigned where, const struct slice *terms, size_t nterms,
    bool all)
{
	struct mailbox mb = box;
	uint32_t *uid;
	struct err err;
	size_t n, i, j = 0, hits = 0;
	int r = fts_candidates(f, &mb, where, terms, nterms, &uid, &n, &err);

	assert(r >= 0 && n <= mb.n);
	for (i = 0; i < n; i++) {
		assert(i == 0 || uid[i] > uid[i - 1]);
		while (j < mb.n && mb.msg[j].uid < uid[i])
			j++;
		assert(j < mb.n && mb.msg[j].uid == uid[i] && j != GONE);
		hits += uid[i] % 3 == 0;
	}
	for (i = 0; i < mb.n; i++)
		hits -= r == 1 && all && i != GONE && mb.msg[i].uid % 3 == 0;
	assert(!all || hits == 0);
	free(uid);
}

static void
ask_all(struct fts *f, bool all)
{
	const struct slice terms[] = { SLICE_LIT("alpha"), SLICE_LIT("beta"),
		SLICE_LIT("b") };

	ask(f, FTS_HEADER | FTS_BODY, terms, ARRAY_LEN(terms), all);
	ask(f, FTS_HEADER, terms, 1, all);
	ask(f, FTS_BODY, terms + 1, 1, all);
}

static void
clean(void)
{
	static const char *const tails[] = { "-wal", "-shm", "-journal" };
	char *z;
	size_t i;

	for (i = 0; i < ARRAY_LEN(tails); i++) {
		z = xasprintf("%s%s", path, tails[i]);
		unlink(z);
		free(z);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mailbox mb = box, empty = box;
	struct fts *f;
	struct err err;
	uint32_t uid[] = { 1, 2, 5, 9000 };

	clean();
	dbfile_put(&file, data, n);
	msgs[GONE].flags |= MSG_GONE;
	f = fts_new(dir);
	ask_all(f, n == 0);
	fts_expunged(f, &mb, uid, ARRAY_LEN(uid));
	empty.n = 0;
	fts_update(f, &empty, 0, &err);
	note(f, &mb, msgs[3].uid);
	note(f, &mb, 5000);
	ask_all(f, n == 0);
	fts_shrink(f);
	ask_all(f, n == 0);
	fts_forget(f, "box2");
	fts_forget(f, "box1");
	ask_all(f, n == 0);
	fts_free(f);
	return 0;
}
