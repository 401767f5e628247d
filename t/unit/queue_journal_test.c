/* queue_journal_test.c - the journal: append, rotate, replay, damage */
#include "base/clock.h"
#include "queue/journal_impl.h"
#include "test/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>

static char *dir;
static unsigned char boot[16] = "this boot 012345";
static struct str seen = STR_INIT;	/* by the last replay */
static int damages;
static int64_t limit = 64 << 20;

static int
on_entry(void *ctx, const struct journal_entry *e, struct err *err)
{
	if (ctx != NULL)
		return err_temp(err, "4.3.0", "no more");
	str_addf(&seen, "%lld:%.*s", (long long)e->id, (int)e->env.n,
	    e->env.p);
	if (e->content.p != NULL)
		str_addf(&seen, "+%zu", e->content.n);
	str_addf(&seen, "%s%s ", e->done ? "!" : "", e->doubt ? "?" : "");
	return 0;
}

static void
on_damaged(void *ctx UNUSED, const char *file UNUSED, int64_t at UNUSED)
{
	damages++;
}

static struct journal *
open_it(int64_t done)
{
	struct journal_open o = { .dir = dir, .limit = limit, .done = done,
		.boot = boot, .fn = on_entry, .damaged = on_damaged };
	struct journal *j;
	struct err err;

	str_reset(&seen);
	damages = 0;
	if (journal_open(&o, &j, &err) != 0)
		die("%s", err.text);
	return j;
}

static int
add(struct journal *j, int64_t id, const char *env, const char *content)
{
	struct err err = ERR_INIT;
	int fd = -1, rc;
	FILE *f = content != NULL ? tmpfile() : NULL;

	if (f != NULL) {
		fputs(content, f);
		fflush(f);
		fd = fileno(f);
	}
	rc = journal_add(j, id, slice_of(env), fd, content != NULL ?
	    strlen(content) : 0, &err);
	if (f != NULL)
		fclose(f);
	return rc;
}

static int
put(struct journal *j, int64_t id, const char *env, const char *content)
{
	struct err err = ERR_INIT;

	return add(j, id, env, content) == 0 ? journal_commit(j, &err) : -1;
}

/* files that were put aside */
static int
put_aside(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)) != NULL)
		n += strncmp(e->d_name, "damaged-1-at-", 13) == 0;
	closedir(d);
	return n;
}

static void
fresh_dir(void)
{
	static int n;

	free(dir);
	dir = xasprintf("%s/j%d", tap_dir(), ++n);
}

/* n bytes of v at a place of file 1 */
static void
spoil(int64_t at, int v, size_t n)
{
	char *path = xasprintf("%s/1", dir), *b = xmalloc(n);
	int fd = open(path, O_RDWR);

	memset(b, v, n);
	if (pwrite(fd, b, n, at) != (ssize_t)n)
		die("pwrite");
	close(fd);
	free(b);
	free(path);
}

static void
test_basic(void)
{
	struct journal *j;
	struct err err = ERR_INIT;

	fresh_dir();
	j = open_it(0);
	is_str(seen.s, "", "a new one is empty");
	ok(!journal_busy(j, 0), "and nothing is in use");
	is_int(put(j, 7, "seven", "content"), 0, "one with content");
	add(j, 8, "eight", NULL);
	add(j, 9, "nine", "c");
	is_int(journal_commit(j, &err), 0, "two in a batch");
	is_int(journal_has(j, 9), 1, "it is there");
	is_int(journal_has(j, 10), 0, "another is not");
	journal_close(j);
	j = open_it(0);
	is_str(seen.s, "7:seven+7 8:eight 9:nine+1 ", "replayed in order");
	is_int(damages, 0, "no damage");
	is_int(journal_current(j), 2, "the next generation");
	is_int(put(j, 10, "ten", NULL), 0, "more");
	is_int(journal_rotate(j), 2, "closed");
	is_int(put(j, 11, "eleven", NULL), 0, "a third file");
	journal_retire(j, 1);
	is_int(journal_has(j, 7), 0, "the first is out of use");
	journal_close(j);
	j = open_it(1);
	is_str(seen.s, "10:ten 11:eleven ", "and not read");
	journal_retire(j, 3);
	ok(!journal_busy(j, 0), "all are free");
	is_int(put(j, 12, "x", NULL), 0, "one is used again");
	journal_close(j);
	j = open_it(3);
	is_str(seen.s, "12:x ", "nothing of its past is read");
	journal_close(j);
	j = open_it(0);
	is_str(seen.s, "12:x ", "not even without queue.db");
	journal_close(j);
}

static void
test_notes(void)
{
	struct journal *j;
	struct err err;

	fresh_dir();
	j = open_it(0);
	put(j, 1, "a", NULL);
	journal_note(j, 1);
	journal_flush(j);
	put(j, 2, "b", NULL);
	put(j, 3, "c", NULL);
	journal_note(j, 3);
	journal_rotate(j);
	journal_close(j);
	boot[0]++;
	j = open_it(0);
	is_str(seen.s, "1:a 2:b 3:c ", "notes of another boot do not count");
	journal_close(j);
	boot[0]--;
	j = open_it(0);
	is_str(seen.s, "1:a! 2:b 3:c! ", "those of this one do");
	is_int(journal_doubt(j, 1, &err), 0, "a failed sync is noted");
	journal_close(j);
	j = open_it(0);
	is_str(seen.s, "1:a? 2:b? 3:c? ", "then they do not");
	journal_close(j);
}

static void
test_damage(void)
{
	char *kept, *used, big[9001];
	struct journal *j;
	int64_t end, last;

	memset(big, 'b', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	fresh_dir();
	j = open_it(0);
	put(j, 1, "a", NULL);
	put(j, 2, "b", big);
	last = journal_bytes(j);
	put(j, 3, "c", big);
	end = journal_bytes(j);
	journal_close(j);

	spoil(end - 5000, 'x', 100);
	j = open_it(0);
	is_str(seen.s, "1:a 2:b+9000 ", "a torn tail");
	is_int(damages, 0, "is no damage");
	journal_close(j);
	spoil(last, 0, (size_t)(end - last));
	j = open_it(0);
	is_str(seen.s, "1:a 2:b+9000 ", "a tail that was never written");
	is_int(damages, 0, "is none");
	journal_close(j);

	fresh_dir();
	j = open_it(0);
	put(j, 1, "a", NULL);
	last = journal_bytes(j);
	add(j, 2, "b", big);
	put(j, 3, "c", "same batch");
	put(j, 4, "d", NULL);
	journal_close(j);
	spoil(last + 500, 'x', 10);
	j = open_it(0);
	is_str(seen.s, "1:a 3:c+10 4:d ", "a damaged content: all others");
	is_int(damages, 1, "said");
	journal_close(j);
	spoil(last, 0, 4096);
	j = open_it(0);
	is_str(seen.s, "1:a 4:d ", "a lost block");
	is_int(damages, 1, "said");
	journal_retire(j, 1);
	kept = xasprintf("%s/damaged-1-1", dir);
	ok(access(kept, F_OK) == 0, "kept aside when it is done with");
	free(kept);
	journal_close(j);

	fresh_dir();
	j = open_it(0);
	put(j, 1, "a", NULL);
	last = journal_bytes(j);
	put(j, 2, "b", NULL);
	put(j, 3, "c", NULL);
	put(j, 4, "d", NULL);
	journal_close(j);
	/* the length of the envelope */
	spoil(last + 41, 0x40, 1);
	j = open_it(0);
	is_str(seen.s, "1:a 3:c 4:d ", "a damaged length hides nothing");
	is_int(damages, 1, "said");
	journal_close(j);

	fresh_dir();
	j = open_it(0);
	put(j, 1, "a", NULL);
	journal_close(j);
	spoil(0, 'x', 64);
	j = open_it(0);
	is_str(seen.s, "1:a ", "the header has a copy");
	journal_close(j);
	spoil(J_COPY, 'x', 64);
	j = open_it(0);
	is_str(seen.s, "", "without either nothing is read");
	is_int(damages, 1, "said");
	is_int(put_aside(), 1, "and kept aside");
	put(j, 1, "a", NULL);
	journal_close(j);
	kept = xasprintf("%s/2", dir);
	used = xasprintf("%s/1", dir);
	is_int(rename(kept, used), 0, "a number is used again");
	free(kept);
	free(used);
	spoil(0, 'x', 64);
	spoil(J_COPY, 'x', 64);
	j = open_it(0);
	is_int(put_aside(), 2, "the next one beside it");
	journal_close(j);
}

static void
test_reread(void)
{
	struct journal *j;
	struct err err;

	fresh_dir();
	j = open_it(0);
	put(j, 1, "a", "aa");
	journal_rotate(j);
	put(j, 2, "b", "bb");
	journal_note(j, 2);
	journal_rotate(j);
	put(j, 3, "c", NULL);
	journal_close(j);
	j = open_it(0);
	put(j, 4, "d", NULL);
	str_reset(&seen);
	is_int(journal_reread(j, 2, 3, on_entry, NULL, &err), 0, "once more");
	is_str(seen.s, "2:b+2 3:c ", "what those generations have");
	is_int(journal_has(j, 2), 2, "in use as before");
	is_int(journal_reread(j, 2, 3, on_entry, j, &err), -1,
	    "who is told may end it");
	journal_close(j);
	j = open_it(0);
	is_str(seen.s, "1:a+2 2:b+2! 3:c 4:d ", "all is as it was");
	journal_close(j);
}

/* content that looks like a record must not become one */
static void
test_forged(void)
{
	struct journal_record r = { .type = J_ENTRY | J_FIRST, .gen = 1,
		.id = 666, .env_len = 4 };
	struct str evil = STR_INIT;
	unsigned char b[J_RECORD + 4];
	struct journal *j;
	struct err err;
	FILE *f = tmpfile();
	int i;

	fresh_dir();
	j = open_it(0);
	memcpy(b + J_RECORD, "evil", 4);
	journal_put_record(b, &r);
	r.crc = journal_crc(b, b + J_RECORD, 4);
	journal_put_record(b, &r);
	for (i = 0; i < 3 * J_BLOCK; i++)
		str_addc(&evil, 'x');
	/* at a block of the file */
	memcpy(evil.s + J_BLOCK - J_RECORD - 1, b, sizeof(b));
	fwrite(evil.s, 1, evil.len, f);
	fflush(f);
	put(j, 1, "a", NULL);
	is_int(journal_add(j, 2, slice_of("b"), fileno(f), evil.len, &err),
	    0, "a content with a record in it");
	journal_commit(j, &err);
	put(j, 3, "c", NULL);
	journal_close(j);
	spoil(2 * J_BLOCK, 0, 56);
	j = open_it(0);
	is_str(seen.s, "1:a 3:c ", "it is not read as one");
	journal_close(j);
	fclose(f);
	str_free(&evil);
}

static void
test_trouble(void)
{
	struct rlimit old, small = { 300 << 10, RLIM_INFINITY };
	struct journal *j;
	struct err err = ERR_INIT;
	char *big = xmalloc(400 << 10), *gone;
	FILE *f = tmpfile();

	memset(big, 'b', (400 << 10) - 1);
	big[(400 << 10) - 1] = '\0';
	fputs("abc", f);
	fflush(f);
	fresh_dir();
	j = open_it(0);
	is_int(journal_add(j, 1, slice_of("a"), fileno(f), 4, &err), -1,
	    "content that is too short");
	is_int(journal_add(j, 1, slice_of("a"), fileno(f), 2, &err), -1,
	    "or too long is not taken");
	is_int(put(j, 2, "b", NULL), 0, "others are");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	is_int(put(j, 3, "c", big), -1, "a write that fails");
	setrlimit(RLIMIT_FSIZE, &old);
	is_int(put(j, 4, "d", NULL), 0, "and one after it");
	journal_close(j);
	j = open_it(0);
	is_str(seen.s, "2:b 4:d ", "what failed is not there");
	is_int(damages, 0, "and no hole");
	journal_close(j);
	fclose(f);

	fresh_dir();
	j = open_it(0);
	put(j, 1, "a", NULL);
	journal_rotate(j);
	journal_retire(j, 1);
	gone = xasprintf("%s/1", dir);
	unlink(gone);
	free(gone);
	is_int(put(j, 2, "b", NULL), 0, "a file that somebody removed");
	journal_close(j);
	j = open_it(1);
	is_str(seen.s, "2:b ", "is not used again");
	journal_close(j);

	fresh_dir();
	limit = 1 << 20;
	j = open_it(0);
	is_int(put(j, 1, "a", big), 0, "below the limit");
	is_int(put(j, 2, "a", big), 0, "twice");
	is_int(journal_add(j, 3, slice_of(big), -1, 0, &err), -1, "above it");
	is_str(err.dsn, "4.3.1", "4.3.1");
	journal_rotate(j);
	is_int(put(j, 4, "a", big), -1, "what is closed counts");
	journal_retire(j, 1);
	is_int(put(j, 5, "a", big), 0, "room again");
	limit = 64 << 20;
	journal_close(j);
	free(big);
}

int
main(void)
{
	test_basic();
	test_notes();
	test_damage();
	test_reread();
	test_forged();
	test_trouble();
	str_free(&seen);
	free(dir);
	return tap_done();
}
