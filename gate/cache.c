/*
 * cache.c - who passed which test until when.
 *
 * The file is a head and then records of one size, each with a sum of its own,
 * to which what happens is added; a later record of an address replaces an
 * earlier one.  At the start, and where it has grown to twice what is known,
 * it is written anew and renamed into place.  A record that a crash cut off, or
 * anything else that is none, is left out.  It may be deleted.
 */
#include "gate.h"

#include <fcntl.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"

#define HASH_FUNCTION(p, n, h) ((h) = (unsigned)hash_secret((p), (n)))
#include <uthash.h>

#define MAGIC "PRGATE01"
enum { FILE_LIMIT = 1 << 30, GROWN = 1000 };

struct head {
	char magic[8];
	unsigned char key[HASH_KEY];
};
struct record {
	struct addr addr;
	int64_t until[TESTS];
	int64_t score;
	uint64_t sum;
};

struct entry {
	UT_hash_handle hh;
	struct addr addr;
	struct known known;
	TAILQ_ENTRY(entry) link;
};

static struct entry *entries;
/* the coldest first */
static TAILQ_HEAD(, entry) order = TAILQ_HEAD_INITIALIZER(order);
static const char *path;
static struct head head;
static int fd = -1;
static size_t written;		/* records in the file */
static bool failing;		/* it was said that nothing can be written */
static int64_t try_at;		/* mono_ms(): before it no new file is made */

/* Said once until it is well again, and tried again after a while alone: the
 * whole file for each client of a flood would be what a full disk needs
 * least. */
static void
not_saved(const struct err *err)
{
	try_at = mono_ms() + CACHE_RETRY_MS;
	if (!failing)
		log_event(LOG_ERROR, "not-saved", KERR(err), KEND);
	failing = true;
}

static void
drop(struct entry *e)
{
	TAILQ_REMOVE(&order, e, link);
	HASH_DEL(entries, e);
	free(e);
}

static struct entry *
find(const struct addr *a)
{
	struct entry *e;

	HASH_FIND(hh, entries, a, sizeof(*a), e);
	return e;
}

static struct entry *
make(const struct addr *a)
{
	struct entry *e = find(a);

	if (e != NULL) {
		TAILQ_REMOVE(&order, e, link);
		TAILQ_INSERT_TAIL(&order, e, link);
		return e;
	}
	if ((int64_t)HASH_COUNT(entries) >= conf.cache &&
	    !TAILQ_EMPTY(&order))
		drop(TAILQ_FIRST(&order));
	e = xcalloc(1, sizeof(*e));
	e->addr = *a;
	HASH_ADD(hh, entries, addr, sizeof(e->addr), e);
	TAILQ_INSERT_TAIL(&order, e, link);
	return e;
}

static bool
is_old(const struct known *k, int64_t now)
{
	int i;

	for (i = 0; i < TESTS; i++)
		if (k->until[i] > now)
			return false;
	return true;
}

static struct record
make_record(const struct entry *e)
{
	struct record r = { .addr = e->addr, .score = e->known.score };

	memcpy(r.until, e->known.until, sizeof(r.until));
	r.sum = hash_sip(head.key, &r, offsetof(struct record, sum));
	return r;
}

/* --- the file --- */

static void
take_record(const struct record *r, int64_t now)
{
	static const int64_t longest = (int64_t)365 * 86400;
	struct entry *e;
	int i;

	if (conf.cache == 0)
		return;
	e = make(&r->addr);
	e->known.score = (int)r->score;
	for (i = 0; i < TESTS; i++)
		e->known.until[i] = MIN(r->until[i], now + longest);
	if (is_old(&e->known, now))
		drop(e);
}

/* how many records are none */
static size_t
take_file(struct slice s, int64_t now)
{
	struct record r;
	size_t bad = 0;

	memcpy(&head, s.p, sizeof(head));
	for (s = slice_sub(s, sizeof(head), s.n); s.n > 0;
	    s = slice_sub(s, sizeof(r), s.n)) {
		if (s.n < sizeof(r))
			return bad + 1;
		memcpy(&r, s.p, sizeof(r));
		if (hash_sip(head.key, &r, offsetof(struct record, sum)) ==
		    r.sum)
			take_record(&r, now);
		else
			bad++;
	}
	return bad;
}

static void
read_old(void)
{
	struct err err = ERR_INIT;
	size_t n, bad = 1;
	char *text = read_file(path, FILE_LIMIT, &n);

	if (text == NULL && errno == ENOENT)
		return;
	if (text == NULL)
		err_sys(&err, "%s", path);
	else if (n >= sizeof(head) && memcmp(text, MAGIC, 8) == 0)
		bad = take_file((struct slice){ text, n }, wall_s());
	free(text);
	if (bad > 0)
		log_event(LOG_WARN, "state-lost", KS("path", path),
		    KU("records", bad), KS("reason", err.text[0] != '\0' ?
		    err.text : "damaged"), KEND);
}

static int
write_all(int to, struct err *err)
{
	struct str out = STR_INIT;
	struct entry *e;
	struct record r;
	int rc = 0;

	str_add(&out, &head, sizeof(head));
	TAILQ_FOREACH(e, &order, link) {
		r = make_record(e);
		str_add(&out, &r, sizeof(r));
	}
	if (full_write(to, out.s, out.len) < 0)
		rc = err_sys(err, "%s", path);
	str_free(&out);
	return rc;
}

/* the file anew, which stays open for what is added */
static int
write_anew(struct err *err)
{
	char *tmp = xasprintf("%s~", path);
	int to = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW | O_APPEND, 0600), rc = 0;
	struct head old = head;

	memcpy(head.magic, MAGIC, sizeof(head.magic));
	random_bytes(head.key, sizeof(head.key));
	if (to < 0)
		rc = err_sys(err, "%s", tmp);
	else if ((rc = write_all(to, err)) == 0 && rename(tmp, path) < 0)
		rc = err_sys(err, "%s", path);
	if (rc < 0) {
		close_fd(to);
		unlink(tmp);
		head = old;	/* of the file that is still there */
	} else {
		close_fd(fd);
		fd = to;
		written = HASH_COUNT(entries);
		failing = false;
	}
	free(tmp);
	return rc;
}

/* who is known no more is not written again */
static void
sweep(void)
{
	struct entry *e, *next;
	int64_t now = wall_s();

	HASH_ITER(hh, entries, e, next)
		if (is_old(&e->known, now))
			drop(e);
}

static void
append(const struct entry *e)
{
	struct record r = make_record(e);
	struct err err = ERR_INIT;

	if ((fd < 0 || written > 2 * HASH_COUNT(entries) + GROWN) &&
	    mono_ms() >= try_at) {
		sweep();
		if (write_anew(&err) == 0)
			return;
		not_saved(&err);
	}
	if (fd < 0)
		return;
	if (full_write(fd, &r, sizeof(r)) == 0) {
		written++;
		return;
	}
	/* where it is cut off what follows is no record: anew next time */
	err_sys(&err, "%s", path);
	not_saved(&err);
	close_fd(fd);
	fd = -1;
}

int
cache_open(const char *file, struct err *err)
{
	path = file;
	read_old();
	failing = write_anew(err) < 0;
	try_at = failing ? mono_ms() + CACHE_RETRY_MS : 0;
	return failing ? -1 : 0;
}

void
cache_close(void)
{
	struct err ignored = ERR_INIT;

	if (fd < 0 && failing)
		write_anew(&ignored);
	close_fd(fd);
	fd = -1;
	while (!TAILQ_EMPTY(&order))
		drop(TAILQ_FIRST(&order));
}

/* --- */

bool
cache_get(const struct addr *a, struct known *k)
{
	struct entry *e = find(a);

	if (e == NULL || is_old(&e->known, wall_s()))
		return false;
	TAILQ_REMOVE(&order, e, link);
	TAILQ_INSERT_TAIL(&order, e, link);
	*k = e->known;
	return true;
}

void
cache_put(const struct addr *a, unsigned tests, int score)
{
	const int64_t ttl[TESTS] = { [PREGREET] = conf.pregreet_ttl / 1000,
		[DNSBL] = conf.dnsbl_ttl / 1000 };
	int64_t now = wall_s();
	struct entry *e;
	int i;

	if (tests == 0 || conf.cache == 0)
		return;
	e = make(a);
	for (i = 0; i < TESTS; i++)
		if (tests >> i & 1)
			e->known.until[i] = now + ttl[i];
	if (tests >> DNSBL & 1)
		e->known.score = score;
	append(e);
}

void
cache_forget(const struct addr *a)
{
	struct err err = ERR_INIT;
	struct entry *e = a != NULL ? find(a) : NULL;

	if (a != NULL && e == NULL)
		return;
	if (e != NULL)
		drop(e);
	while (a == NULL && !TAILQ_EMPTY(&order))
		drop(TAILQ_FIRST(&order));
	if (write_anew(&err) == 0)
		return;
	not_saved(&err);
	/* what is forgotten must not be read again: anew as soon as it goes */
	close_fd(fd);
	fd = -1;
}

size_t
cache_entries(void)
{
	return HASH_COUNT(entries);
}
