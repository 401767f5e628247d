/* map_cidr_test.c - tables of networks: what they find, what they refuse, and
 * that the fast way gives what trying one after the other gives */
#include "base/clock.h"
#include "map/map.h"
#include "test/tap.h"

#include <arpa/inet.h>
#include <fcntl.h>

static char *path, *spec;

static void
put(struct slice text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || full_write(fd, text.p, text.n) != 0)
		die("%s: %s", path, strerror(errno));
	close_fd(fd);
}

static struct map *
get_map(struct slice text)
{
	struct err err = ERR_INIT;
	struct map *m;

	put(text);
	if (map_open(spec, &m, &err) != 0)
		die("%s", err.text);
	return m;
}

/* "-" where it is absent */
static const char *
look(struct map *m, const char *key, struct str *out)
{
	static struct err err;
	int r;

	str_reset(out);
	r = map_get(m, key, out, &err);
	return r > 0 ? out->s : r == 0 ? "-" : err.text;
}

static const struct {
	const char *name, *text, *key, *want;
} rows[] = {
	{ "an address", "192.0.2.1 1\n", "192.0.2.1", "1" },
	{ "another", "192.0.2.1 1\n", "192.0.2.2", "-" },
	{ "a network", "192.0.2.0/24\t1 2\n", "192.0.2.77", "1 2" },
	{ "beside it", "192.0.2.0/24 1\n", "192.0.3.0", "-" },
	{ "an odd length", "192.0.2.128/27 1\n", "192.0.2.159", "1" },
	{ "beyond it", "192.0.2.128/27 1\n", "192.0.2.160", "-" },
	{ "everything", "0.0.0.0/0 1\n", "1.2.3.4", "1" },
	{ "of its family", "0.0.0.0/0 1\n", "2001:db8::1", "-" },
	{ "nor the other way", "::/0 1\n", "1.2.3.4", "-" },
	{ "IPv6", "2001:db8::/32 1\n", "2001:DB8:ffff::1", "1" },
	{ "in brackets", "[2001:db8::]/32 1\n", "2001:db8::", "1" },
	{ "one of IPv6", "2001:db8::1 1\n", "2001:db8:0:0::1", "1" },
	{ "mapped is IPv4", "192.0.2.0/24 1\n", "::ffff:192.0.2.5", "1" },
	{ "in the table, too", "::ffff:192.0.2.0/120 1\n", "192.0.2.5",
	    "1" },
	{ "the first wins, small", "192.0.2.1 1\n192.0.2.0/24 2\n",
	    "192.0.2.1", "1" },
	{ "the first wins, large", "192.0.2.0/24 2\n192.0.2.1 1\n",
	    "192.0.2.1", "2" },
	{ "the first of the same", "192.0.2.1 1\n192.0.2.1 2\n192.0.2.1 0\n",
	    "192.0.2.1", "1" },
	{ "no value", "192.0.2.1\n", "192.0.2.1", "" },
	{ "not an address", "0.0.0.0/0 1\n::/0 1\n", "example.com", "-" },
	{ "a network is none", "0.0.0.0/0 1\n", "10.0.0.0/8", "-" },
	{ "nor is half of one", "0.0.0.0/0 1\n", "10.1", "-" },
	{ "negation", "!192.0.2.0/24 1\n0.0.0.0/0 2\n", "10.0.0.1", "1" },
	{ "which does not hold", "!192.0.2.0/24 1\n0.0.0.0/0 2\n",
	    "192.0.2.1", "2" },
	{ "nor for another family", "!192.0.2.0/24 1\n::/0 2\n", "::1",
	    "2" },
	{ "rows before and after", "10.0.0.0/8 1\n!192.0.2.0/24 2\n"
	    "192.0.2.1 3\n", "192.0.2.1", "3" },
	{ "if", "if 10.0.0.0/8\n10.1.0.0/16 1\n0.0.0.0/0 2\nendif\n"
	    "0.0.0.0/0 3\n", "10.2.0.1", "2" },
	{ "if not so", "if 10.0.0.0/8\n10.1.0.0/16 1\n0.0.0.0/0 2\nendif\n"
	    "0.0.0.0/0 3\n", "11.2.0.1", "3" },
	{ "nothing in it", "if 10.0.0.0/8\n10.1.0.0/16 1\nendif\n"
	    "0.0.0.0/0 3\n", "10.2.0.1", "3" },
	{ "if not", "if !10.0.0.0/8\n0.0.0.0/0 1\nendif\n0.0.0.0/0 2\n",
	    "11.2.0.1", "1" },
	{ "another family in an if not", "if !10.0.0.0/8\n::/0 1\nendif\n"
	    "::/0 2\n", "::1", "2" },
	{ "if in if", "if 10.0.0.0/8\nif 10.1.0.0/16\n10.1.1.1 1\nendif\n"
	    "10.0.0.0/8 2\nendif\n", "10.1.1.2", "2" },
};

static const struct {
	const char *name, *text, *want;
} bad[] = {
	{ "a name", "a.example 1\n", ":1: a.example: not an address, "
	    "expected something like 192.0.2.0/24" },
	{ "bits behind the mask", "# x\n192.0.2.1/24 1\n", ":2: 192.0.2.1/24:"
	    " bits behind the mask, expected something like 192.0.2.0/24" },
	{ "a mask", "192.0.2.0/33 1\n", ":1: 192.0.2.0/33: not a mask, "
	    "expected something like 192.0.2.0/24" },
	{ "no mask", "192.0.2.0/ 1\n", ":1: 192.0.2.0/: not a mask, "
	    "expected something like 192.0.2.0/24" },
	{ "endif", "endif\n", ":1: an endif without its if" },
};

static void
test_rows(void)
{
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	struct map *m;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		m = get_map(slice_of(rows[i].text));
		is_str(look(m, rows[i].key, &out), rows[i].want, "%s",
		    rows[i].name);
		map_close(m);
	}
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		put(slice_of(bad[i].text));
		is_int(map_open(spec, &m, &err), -1, "refused: %s",
		    bad[i].name);
		is_str(err.text + strlen(path), bad[i].want, "why: %s",
		    bad[i].name);
	}
	str_free(&out);
}

/* --- against trying one after the other ----------------------------------- */

enum { RANDOM_ROWS = 400, RANDOM_KEYS = 4000 };
static struct { uint32_t ip; unsigned bits; } net[RANDOM_ROWS];

static uint32_t
some(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* few bits differ, so that nets contain each other */
static uint32_t
some_ip(uint32_t *state)
{
	return 0x0a000000 | (some(state) & 0x00070107);
}

static void
test_order(void)
{
	struct str text = STR_INIT, out = STR_INIT;
	uint32_t state = 1, ip, mask, be;
	char addr[64], want[16];
	size_t i, k, wrong = 0;
	struct map *m;

	for (i = 0; i < RANDOM_ROWS; i++) {
		net[i].bits = 8 + some(&state) % 25;
		mask = (uint32_t)(0xffffffffULL << (32 - net[i].bits));
		net[i].ip = some_ip(&state) & mask;
		be = htonl(net[i].ip);
		inet_ntop(AF_INET, &be, addr, sizeof(addr));
		/* a row that is no run parts some of them */
		if (i % 50 == 17)
			str_adds(&text, "!0.0.0.0/0 never\n");
		str_addf(&text, "%s/%u %zu\n", addr, net[i].bits, i);
	}
	m = get_map(slice_str(&text));
	for (k = 0; k < RANDOM_KEYS; k++) {
		ip = some_ip(&state) | (k % 7 == 0 ? some(&state) & 0xff : 0);
		for (i = 0; i < RANDOM_ROWS; i++)
			if (((ip ^ net[i].ip) & (uint32_t)(0xffffffffULL <<
			    (32 - net[i].bits))) == 0)
				break;
		snprintf(want, sizeof(want), i < RANDOM_ROWS ? "%zu" : "-",
		    i);
		be = htonl(ip);
		inet_ntop(AF_INET, &be, addr, sizeof(addr));
		wrong += strcmp(look(m, addr, &out), want) != 0;
	}
	is_int(wrong, 0, "the first of nets that contain each other");
	map_close(m);
	str_free(&text);
	str_free(&out);
}

static void
test_many(void)
{
	struct str text = STR_INIT, out = STR_INIT;
	int64_t from;
	size_t i, found = 0;
	char addr[32];
	struct map *m;

	for (i = 0; i < 100000; i++)
		str_addf(&text, "%zu.%zu.%zu.0/%d %zu\n", 1 + i % 200,
		    i / 200 % 250, i / 50000, i % 3 == 0 ? 24 : 25, i);
	m = get_map(slice_str(&text));
	from = mono_ms();
	for (i = 0; i < 100000; i++) {
		snprintf(addr, sizeof(addr), "%zu.%zu.%zu.9", 1 + i % 200,
		    i / 200 % 250, i / 50000);
		found += strcmp(look(m, addr, &out), "-") != 0;
	}
	is_int(found, 100000, "each of 100000 networks is found");
	/* trying all would take a minute and more */
	ok(mono_ms() - from < 15000, "and soon");
	tap_diag("%lld ms", (long long)(mono_ms() - from));
	is_int(map_is_pattern(m), 1, "keys are whole addresses");
	map_close(m);
	str_free(&text);
	str_free(&out);
}

int
main(void)
{
	path = xasprintf("%s/table", tap_dir());
	spec = xasprintf("cidr:%s", path);
	test_rows();
	test_order();
	test_many();
	free(path);
	free(spec);
	return tap_done();
}
