/*
 * health.c - a server that failed is avoided, twice as long after each
 * failure, so that a dead one costs a question its time only now and then.
 *
 * The processes of mapd share what they know in a file of the run directory
 * that they map before the jail.  A slot is taken once, by its id, and never
 * given back; without a free one, or a file, a process knows only its own.
 */
#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "mapd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { SLOTS = 256 };

static struct health *shared;

void
health_open(void)
{
	const char *path = common_path(common.run_dir, "mapd.health");
	size_t size = SLOTS * sizeof(*shared);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	void *p;

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0) {
		close_fd(fd);
		return;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		shared = p;
	places_open(fd);
}

static uint64_t
add_bytes(uint64_t h, const void *p, size_t n)
{
	const unsigned char *b = p;

	while (n-- > 0)
		h = (h ^ *b++) * 1099511628211ULL;
	return h;
}

/* changed options are another server: what was wrong may be mended */
static uint64_t
id_of(const struct table *t, const struct server *s)
{
	uint64_t h = 14695981039346656037ULL;
	struct stat st;

	memset(&st, 0, sizeof(st));
	if (stat(t->path, &st) == 0)
		h = add_bytes(h, &st.st_ctim, sizeof(st.st_ctim));
	h = add_bytes(h, t->spec, strlen(t->spec) + 1);
	h = add_bytes(h, s->name, strlen(s->name) + 1);
	return h != 0 ? h : 1;
}

void
health_find(const struct table *t, struct server *s)
{
	uint64_t id = id_of(t, s), found;
	size_t i;

	for (i = 0; shared != NULL && i < SLOTS; i++) {
		found = 0;
		if (atomic_compare_exchange_strong(&shared[i].id, &found, id) ||
		    found == id) {
			s->health = &shared[i];
			return;
		}
	}
	s->health = xcalloc(1, sizeof(*s->health));
}

bool
server_avoided(const struct server *s)
{
	return s->health->failures > 0 && mono_ms() < s->health->until;
}

void
server_failed(const struct table *t, struct server *s, const struct err *why)
{
	struct health *h = s->health;
	int n = atomic_fetch_add(&h->failures, 1), i;
	int64_t ms = t->c.retry;

	if (n == 0)
		log_event(LOG_ERROR, "server-down", KS("table", t->spec),
		    KS("server", s->name), KERR(why), KEND);
	for (i = 0; i < n && ms < t->c.retry_max; i++)
		ms *= 2;
	ms = MIN(ms, t->c.retry_max);
	/* a quarter less or more, so that hosts do not come together */
	ms += random_below((uint32_t)(ms / 2) + 1) - ms / 4;
	slice_copy(h->why, sizeof(h->why), slice_of(why->text));
	h->until = mono_ms() + ms;
}

void
server_works(const struct table *t, struct server *s)
{
	s->used = mono_ms();
	if (s->health->failures > 0 &&
	    atomic_exchange(&s->health->failures, 0) > 0)
		log_event(LOG_INFO, "server-up", KS("table", t->spec),
		    KS("server", s->name), KEND);
}
