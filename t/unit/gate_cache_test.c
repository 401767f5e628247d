/* gate_cache_test.c - who passed, over files that end anywhere; counts */
#include "../../gate/gate.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "test/tap.h"

struct gate_conf conf = { .cache = 4, .pregreet_ttl = 100000,
    .dnsbl_ttl = 50000, .ipv4_prefix = 24, .ipv6_prefix = 64,
    .addresses = 4 };
struct gate_made made;
static char path[PATH_MAX];
static struct str lines = STR_INIT;
static int reaped;

/* of send.c: sessions that end are looked for where there are too many */
void
send_reap(void)
{
	reaped++;
}

static void
sink(const char *line, size_t n)
{
	str_add(&lines, line, n);
}

static struct addr
at(const char *text)
{
	struct addr a;

	assert(addr_parse(slice_of(text), &a));
	return a;
}

static bool
knows(const char *text)
{
	struct addr a = at(text);
	struct known k;

	return cache_get(&a, &k);
}

static void
put(const char *text, unsigned tests, int score)
{
	struct addr a = at(text);

	cache_put(&a, tests, score);
}

static void
again(void)
{
	struct err err = ERR_INIT;

	cache_close();
	str_reset(&lines);
	is_int(cache_open(path, &err), 0, "opened again %s", err.text);
}

static void
test_kept(void)
{
	struct addr a = at("192.0.2.1");
	struct err err = ERR_INIT;
	struct known k;

	is_int(cache_open(path, &err), 0, "a new file");
	ok(!knows("192.0.2.1"), "nobody is known");
	put("192.0.2.1", 1U << PREGREET, 7);
	put("192.0.2.1", 1U << DNSBL, -3);
	put("2001:db8::1", 1U << DNSBL, 0);
	again();
	ok(cache_get(&a, &k), "known after a start");
	is_int(k.score, -3, "with its score");
	ok(llabs(k.until[PREGREET] - wall_s() - 100) < 5, "one test");
	ok(llabs(k.until[DNSBL] - wall_s() - 50) < 5, "and the other");
	ok(knows("2001:db8::1"), "another one");
	is_int(cache_entries(), 2, "two in all");
	cache_forget(&a);
	ok(!knows("192.0.2.1"), "forgotten");
	again();
	ok(!knows("192.0.2.1"), "for good");
	ok(knows("2001:db8::1"), "that one alone");
	cache_forget(NULL);
	again();
	is_int(cache_entries(), 0, "all are forgotten");
}

static void
test_room(void)
{
	put("192.0.2.1", 1, 0);
	put("192.0.2.2", 1, 0);
	put("192.0.2.3", 1, 0);
	put("192.0.2.4", 1, 0);
	ok(knows("192.0.2.1"), "the first is used");
	put("192.0.2.5", 1, 0);
	ok(!knows("192.0.2.2"), "the coldest goes");
	ok(knows("192.0.2.1"), "not who was seen");
	again();
	is_int(cache_entries(), 4, "the same after a start");
	cache_forget(NULL);
	conf.pregreet_ttl = 0;
	put("192.0.2.9", 1, 0);
	ok(!knows("192.0.2.9"), "its time is over");
	again();
	is_int(cache_entries(), 0, "nor is it read");
	conf.pregreet_ttl = 100000;
}

/* the file as it was when the machine went down: any length of it */
static void
test_cut(void)
{
	struct stat st;
	off_t n;
	size_t got = 0;

	put("192.0.2.1", 1, 0);
	put("192.0.2.2", 1, 0);
	again();
	put("192.0.2.3", 1, 0);
	is_int(stat(path, &st), 0, "its file");
	for (n = st.st_size; n > 0; n -= 17) {
		cache_close();
		if (truncate(path, n) < 0)
			break;
		again();
		got += cache_entries() << n % 2;
		if (cache_entries() > 3 || (n < st.st_size &&
		    cache_entries() == 3))
			break;
		cache_forget(NULL);
		put("192.0.2.1", 1, 0);
		put("192.0.2.2", 1, 0);
		put("192.0.2.3", 1, 0);
	}
	ok(n <= 0, "what is whole is read, whatever is missing");
	ok(got > 3, "and something is");
	again();
}

static void
flip(off_t where)
{
	FILE *f = fopen(path, "r+");
	int c;

	assert(f != NULL);
	fseeko(f, where, SEEK_SET);
	c = fgetc(f);
	fseeko(f, where, SEEK_SET);
	fputc(c ^ 4, f);
	fclose(f);
}

static void
test_damaged(void)
{
	cache_forget(NULL);
	put("192.0.2.1", 1, 0);
	put("192.0.2.2", 1, 0);
	cache_close();
	flip(24 + 20);	/* in the first record: how long it is known */
	again();
	ok(!knows("192.0.2.1"), "a damaged record is none");
	ok(knows("192.0.2.2"), "the next is one");
	ok(strstr(lines.s, "state-lost") != NULL, "said");
	cache_close();
	flip(3);
	again();
	is_int(cache_entries(), 0, "another file altogether");
	ok(strstr(lines.s, "state-lost") != NULL, "said");
	unlink(path);
	put("192.0.2.1", 1, 0);
	ok(knows("192.0.2.1"), "deleted while in use");
	again();
	is_int(cache_entries(), 0, "and begun anew");
}

static int
count_lines(const char *word)
{
	const char *z;
	int n = 0;

	for (z = lines.s; z != NULL && (z = strstr(z, word)) != NULL; z++)
		n++;
	return n;
}

/* a directory where the new file is to be made */
static void
fail_once(const char *tmp, struct stat *st)
{
	struct addr a = at("192.0.2.1");

	again();
	put("192.0.2.1", 1, 0);
	put("192.0.2.2", 1, 0);
	assert(mkdir(tmp, 0700) == 0 && stat(path, st) == 0);
	cache_forget(&a);
	rmdir(tmp);
	put("192.0.2.3", 1, 0);
	put("192.0.2.4", 1, 0);
}

static void
test_failing(void)
{
	char *tmp = xasprintf("%s~", path);
	struct stat was, now;
	int64_t start;
	int tries = 0;

	do {	/* the time to come again must not be over by accident */
		start = mono_ms();
		fail_once(tmp, &was);
		assert(stat(path, &now) == 0);
	} while (mono_ms() - start > CACHE_RETRY_MS / 2 && ++tries < 20);
	ok(was.st_ino == now.st_ino, "what failed is not tried for each");
	is_int(count_lines("not-saved"), 1, "said once");
	again();
	ok(!knows("192.0.2.1"), "who was forgotten is not there again");
	ok(knows("192.0.2.2") && knows("192.0.2.4"), "all others are");
	cache_forget(NULL);
	free(tmp);
}

/* --- counts --- */

static enum over
comes(const char *text)
{
	struct addr a = at(text);
	int64_t times = 0;

	return count_add(&a, &times);
}

static void
goes(const char *text)
{
	struct addr a = at(text);

	count_end(&a);
}

static void
test_connections(void)
{
	struct gate_look_out out = { 0 };
	struct addr a = at("192.0.2.1");

	made.address_rate = made.network_rate = (struct limits_rate){ 0,
		60000 };
	conf.address_connections = 2;
	conf.network_connections = 3;
	is_int(comes("192.0.2.1"), WITHIN, "one");
	is_int(comes("192.0.2.1"), WITHIN, "two");
	is_int(reaped, 0, "there is room");
	is_int(comes("192.0.2.1"), ADDRESS_CONNECTIONS, "not three");
	is_int(reaped, 1, "which was looked at twice");
	is_int(comes("192.0.2.2"), WITHIN, "another address");
	is_int(comes("192.0.2.3"), NETWORK_CONNECTIONS, "not a fourth one");
	is_int(comes("192.0.3.3"), WITHIN, "another network");
	count_look(&a, &out);
	is_int(out.connections, 2, "now");
	is_int(out.network_connections, 3, "of the network");
	is_int(out.rate, 3, "with the refused one");
	is_int(out.refused, 1, "which is known");
	goes("192.0.2.1");
	is_int(comes("192.0.2.3"), WITHIN, "room again");
	goes("192.0.2.1");
	goes("192.0.2.2");
	goes("192.0.2.3");
	goes("192.0.3.3");
	goes("192.0.3.3");
	is_int(comes("192.0.2.9"), WITHIN, "all are gone");
	goes("192.0.2.9");
}

static void
test_addresses(void)
{
	char text[ADDR_TEXT];
	int i, n = 0;

	count_forget(NULL);
	is_int(count_entries(), 0, "nobody is known");
	is_int(comes("198.51.100.1"), WITHIN, "who stays");
	for (i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "203.0.%d.1", i);
		n += comes(text) == WITHIN;
		goes(text);
	}
	is_int(n, 50, "as many as come");
	ok(count_entries() <= 2 + 4 + 2, "%zu are known", count_entries());
	is_int(comes("198.51.100.1"), WITHIN, "twice");
	is_int(comes("198.51.100.1"), ADDRESS_CONNECTIONS,
	    "the connection is still counted");
	goes("198.51.100.1");
	goes("198.51.100.1");
}

static void
test_rate(void)
{
	conf.address_connections = conf.network_connections = 0;
	made.address_rate = (struct limits_rate){ 3, 3600000 };
	made.network_rate = (struct limits_rate){ 5, 3600000 };
	count_forget(NULL);
	is_int(comes("192.0.2.1"), WITHIN, "one");
	is_int(comes("192.0.2.1"), WITHIN, "two");
	is_int(comes("192.0.2.1"), WITHIN, "three");
	is_int(comes("192.0.2.1"), ADDRESS_RATE, "not four");
	is_int(comes("192.0.2.2"), WITHIN, "the fifth of the network");
	is_int(comes("192.0.2.3"), NETWORK_RATE, "not the sixth");
	goes("192.0.2.1");
	is_int(comes("192.0.2.1"), ADDRESS_RATE, "who has gone counts");
	count_forget(NULL);
	is_int(comes("192.0.2.1"), WITHIN, "forgotten");
}

int
main(void)
{
	snprintf(path, sizeof(path), "%s/cache", tap_dir());
	log_set_sink(sink);
	test_kept();
	test_room();
	test_cut();
	test_damaged();
	test_failing();
	cache_close();
	test_connections();
	test_addresses();
	test_rate();
	str_free(&lines);
	return tap_done();
}
