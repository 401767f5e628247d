/* networks_test.c - which address lies in which network */
#include "base/networks.h"

#include "test/tap.h"

static const struct { const char *net, *addr; bool want; } rows[] = {
	{ "192.0.2.0/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.5", "192.0.2.5", true },
	{ "192.0.2.5", "192.0.2.4", false },
	{ "192.0.2.5", "::ffff:192.0.2.5", true },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "2001:db8::/32", "2001:db8:ffff::1", true },
	{ "2001:db8::/32", "2001:db9::", false },
	{ "[2001:db8::]/127", "2001:db8::1", true },
	{ "[::1]", "::1", true },
	{ "::/0", "::1", true },
	{ "127.0.0.0/8", "unix", false },
	{ "127.0.0.0/8", "", false },
	{ "127.0.0.0/8", "127.0.0.1.", false },
};

static const struct { const char *net, *why; } bad[] = {
	{ "192.0.2.5/24", "192.0.2.5/24: bits behind the mask" },
	{ "192.0.2.0/33", "192.0.2.0/33: not a mask" },
	{ "192.0.2.0/", "192.0.2.0/: not a mask" },
	{ "2001:db8::/129", "2001:db8::/129: not a mask" },
	{ "localhost", "localhost: not an address" },
	{ "[::1", "[::1: not an address" },
	{ "192.0.2", "192.0.2: not an address" },
};

int
main(void)
{
	struct err err = ERR_INIT;
	struct strlist l;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		const char *v[] = { "198.51.100.1", rows[i].net };

		l = (struct strlist){ v, 2, 2 };
		is_int(networks_check(&l, &err), 0, "%s", rows[i].net);
		is_int(networks_has(&l, rows[i].addr), rows[i].want,
		    "%s in %s", rows[i].addr, rows[i].net);
	}
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		const char *v[] = { bad[i].net };

		l = (struct strlist){ v, 1, 1 };
		is_int(networks_check(&l, &err), -1, "%s", bad[i].net);
		ok(slice_starts(slice_of(err.text), bad[i].why), "%s",
		    err.text);
		is_int(networks_has(&l, "192.0.2.5"), 0, "is no network");
	}
	return tap_done();
}
