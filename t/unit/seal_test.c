/* seal_test.c - a seal holds for what it was made for, and for nothing else */
#include "proto/seal.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "test/tap.h"

static const struct router_route_more place = { .addr = "ann@example.test",
	.transport = "local", .nexthop = "example.test",
	.mailbox = "example.test/ann", .quota = 12345678901234567890ULL };
static const char rcpt[] = "ann+x@example.test", sender[] = "a@example.org";
static struct arena arena;

static char *
seal_for(const struct router_route_more *r, int64_t ms)
{
	struct str s = STR_INIT;

	seal_route(r, rcpt, sender, mono_ms() + ms, &s);
	return str_steal(&s);
}

static int
opens(const char *seal, const char *to, const char *from)
{
	struct router_route_more r;
	int64_t until;

	return seal_open(seal, to, from, &arena, &r, &until);
}

static void
test_same(void)
{
	struct router_route_more r, own = place;
	char *seal = seal_for(&place, 30000);
	int64_t until, now = mono_ms();

	is_int(seal_open(seal, rcpt, sender, &arena, &r, &until), 1, "good");
	is_str(r.addr, place.addr, "address");
	is_str(r.transport, place.transport, "transport");
	is_str(r.nexthop, place.nexthop, "next hop");
	is_str(r.mailbox, place.mailbox, "mailbox");
	ok(r.quota == place.quota, "quota");
	ok(!r.failed && !r.bcc && !r.aliased && !r.owned &&
	    r.sender[0] == '\0' && r.n == 0, "nothing else");
	ok(until > now && until <= now + 30000, "and how long");
	free(seal);
	own.addr = rcpt;
	own.mailbox = "";
	seal = seal_for(&own, 30000);
	is_int(seal_open(seal, rcpt, sender, &arena, &r, &until), 1,
	    "an address that is the recipient");
	is_str(r.addr, rcpt, "... is known");
	is_str(r.mailbox, "", "empty fields are empty");
	free(seal);
}

static void
test_others(void)
{
	char *seal = seal_for(&place, 30000), *bad;
	size_t i, n = strlen(seal), got = 0;

	is_int(opens(seal, "ann+y@example.test", sender), 0, "a recipient");
	is_int(opens(seal, "", sender), 0, "no recipient");
	is_int(opens(seal, rcpt, "b@example.org"), 0, "a sender");
	is_int(opens(seal, rcpt, ""), 0, "the null sender");
	is_int(opens(seal, "ann+x@example.tes", "ta@example.org"), 0,
	    "the same octets, cut elsewhere");
	is_int(opens("", rcpt, sender), 0, "nothing");
	bad = arena_printf(&arena, "%s1", seal);
	is_int(opens(bad, rcpt, sender), 0, "one that goes on");
	bad = arena_strdup(&arena, seal);
	for (i = 0; i < n; i++) {
		bad[i] ^= 1;
		got += (size_t)opens(bad, rcpt, sender);
		bad[i] ^= 1;
	}
	is_int((long long)got, 0, "each octet counts");
	for (i = 0; i < n; i++)
		got += (size_t)opens(arena_slice(&arena,
		    (struct slice){ seal, i }), rcpt, sender);
	is_int((long long)got, 0, "all of it counts");
	free(seal);
}

static void
test_time(void)
{
	char *seal = seal_for(&place, 0);

	is_int(opens(seal, rcpt, sender), 0, "one that is over");
	free(seal);
	seal = seal_for(&place, SEAL_TIME_MAX + 60000);
	is_int(opens(seal, rcpt, sender), 0, "one that lasts too long");
	free(seal);
}

static void
test_unfit(void)
{
	struct router_route_more r = place;
	char *seal, *z = arena_alloc(&arena, SEAL_MAX + 1);

	memset(z, 'x', SEAL_MAX);
	z[SEAL_MAX] = '\0';
	r.nexthop = z;
	seal = seal_for(&r, 30000);
	is_str(seal, "", "too long to be sealed");
	free(seal);
	is_int(opens(z, rcpt, sender), 0, "too long to be one");
	r.nexthop = "a\tb";
	seal = seal_for(&r, 30000);
	is_str(seal, "", "a tab within a field");
	free(seal);
}

static void
test_keys(void)
{
	static const off_t lengths[] = { 0, HASH_KEY - 1, HASH_KEY + 1 };
	struct err err = ERR_INIT;
	size_t i;
	char *seal = seal_for(&place, 30000);
	int fd = seal_make(), p[2];

	ok(pwrite(fd, "x", 1, 0) < 0, "nobody can change a key");
	is_int(seal_take(fd, &err), 0, "another key");
	is_int(opens(seal, rcpt, sender), 0, "... opens nothing of before");
	if (pipe(p) != 0)
		die("pipe");
	is_int(seal_take(p[0], &err), -1, "no key");
	ok(!seal_ready(), "... is none");
	for (i = 0; i < ARRAY_LEN(lengths); i++) {
		fd = memfd_create("key", MFD_CLOEXEC);
		if (ftruncate(fd, lengths[i]) != 0)
			die("ftruncate");
		is_int(seal_take(fd, &err), 0, "another version's");
		ok(!seal_ready(), "... is none, too");
	}
	is_int(opens(seal, rcpt, sender), 0, "without one nothing opens");
	free(seal);
	seal = seal_for(&place, 30000);
	is_str(seal, "", "and nothing is sealed");
	free(seal);
	close(p[1]);
}

int
main(void)
{
	struct err err = ERR_INIT;

	ok(!seal_ready(), "no key at first");
	is_int(seal_take(seal_make(), &err), 0, "a key");
	ok(seal_ready(), "it is there");
	test_same();
	test_others();
	test_time();
	test_unfit();
	test_keys();
	arena_free(&arena);
	return tap_done();
}
