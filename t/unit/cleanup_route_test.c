/*
 * cleanup_route_test.c - recipients that come twice.
 */
#include "../../cleanup/cleanup.h"
#include "test/tap.h"

struct cleanup_conf conf;

static struct dest
dest(const char *addr, const char *orcpt, const char *notify, size_t order)
{
	return (struct dest){ .addr = addr, .orig = addr, .orcpt = orcpt,
		.notify = notify, .transport = "local", .nexthop = "",
		.mailbox = "", .sender = "",
		.quota = "0", .dsn = "", .text = "",
		.order = order };
}

static void
is_list(const struct dests *d, const char *want, const char *name)
{
	struct str s = STR_INIT;
	size_t i;

	for (i = 0; i < d->n; i++)
		str_addf(&s, "%s%s", i ? " " : "", d->v[i].addr);
	is_str(s.s, want, "%s", name);
	str_free(&s);
}

int
main(void)
{
	struct dest v[] = { dest("c", "", "", 0), dest("a", "", "", 1),
		dest("c", "", "never", 2), dest("b", "", "", 3),
		dest("a", "", "", 4), dest("c", "", "NEVER", 5),
		dest("a", "rfc822;x", "", 6), dest("A", "", "", 7),
		dest("a", "", "", 8) };
	struct dests d = { v, ARRAY_LEN(v), ARRAY_LEN(v) };
	static struct dest many[5000];
	static char names[100][8];
	size_t i;

	dests_unique(&d);
	is_list(&d, "c a c b a A", "first ones stay, in order");
	is_str(d.v[2].notify, "never", "another NOTIFY is another");
	is_str(d.v[4].orcpt, "rfc822;x", "another ORCPT, too");
	d.n = 1;
	dests_unique(&d);
	is_list(&d, "c", "one");
	d.n = 0;
	dests_unique(&d);
	is_int(d.n, 0, "none");
	v[0] = dest("c", "", "NEVER", 0);
	v[1] = dest("d", "", "NEVER", 1);
	v[0].bcc = v[1].bcc = true;
	v[2] = dest("c", "", "", 2);
	v[3] = dest("e", "", "", 3);
	v[4] = dest("e", "", "", 4);
	v[3].mailbox = "nobody:|/bin/a";
	v[4].mailbox = "nobody:|/bin/b";
	d.n = 5;
	dests_unique(&d);
	is_list(&d, "d c e e", "no copy to who is named, all of the commands");
	for (i = 0; i < 100; i++)
		snprintf(names[i], sizeof(names[i]), "u%zu", 99 - i);
	for (i = 0; i < ARRAY_LEN(many); i++)
		many[i] = dest(names[i % 100], "", "", i);
	d = (struct dests){ many, ARRAY_LEN(many), ARRAY_LEN(many) };
	dests_unique(&d);
	is_int(d.n, 100, "many");
	for (i = 0; i < d.n; i++)
		if (strcmp(d.v[i].addr, names[i]) != 0)
			break;
	is_int(i, 100, "... in order");
	return tap_done();
}
