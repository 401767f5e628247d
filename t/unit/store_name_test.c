/* store_name_test.c - names of messages, UIDLs, mailbox paths */
#include "store/name.h"
#include "store/store.h"
#include "test/tap.h"

static const struct {
	const char *name, *unique, *base, *flags;
	long long time, size, wsize, uid;	/* -1: not there */
} names[] = {
	{ "1732300000.Qf3R1.mx.example.com,S=10,W=12", "1732300000.Qf3R1.mx."
	    "example.com", "1732300000.Qf3R1.mx.example.com,S=10,W=12", "",
	    1732300000, 10, 12, 0 },
	{ "17.a.b,S=1,W=2,U=7:2,FS", "17.a.b", "17.a.b,S=1,W=2,U=7", "FS",
	    17, 1, 2, 7 },
	{ "17.a.b:2,", "17.a.b", "17.a.b", "", 17, -1, -1, 0 },
	{ "foreign", "foreign", "foreign", "", 0, -1, -1, 0 },
	{ "17.x,S=12a,W=,Q=3", "17.x", "17.x,S=12a,W=,Q=3", "", 17, -1, -1,
	    0 },
	{ "17.x:1,experimental", "17.x", "17.x", "", 17, -1, -1, 0 },
	{ ",S=5", "", ",S=5", "", 0, 5, -1, 0 },
	{ "17.x,U=99999999999:2,S", "17.x", "17.x,U=99999999999", "S", 17,
	    -1, -1, 0 },
	{ "99999999999999999999999.x", "99999999999999999999999.x",
	    "99999999999999999999999.x", "", 0, -1, -1, 0 },
};

static void
test_parse(void)
{
	char buf[256];
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		struct mail_name n;

		mail_name_parse(slice_of(names[i].name), &n);
		is_str(slice_copy(buf, sizeof(buf), n.unique),
		    names[i].unique, "%s: unique part", names[i].name);
		is_str(slice_copy(buf, sizeof(buf), n.base), names[i].base,
		    "%s: base", names[i].name);
		is_str(slice_copy(buf, sizeof(buf), n.flags), names[i].flags,
		    "%s: flags", names[i].name);
		is_int(n.time, names[i].time, "%s: time", names[i].name);
		is_int(n.has_size ? (long long)n.size : -1, names[i].size,
		    "%s: S=", names[i].name);
		is_int(n.has_wsize ? (long long)n.wsize : -1, names[i].wsize,
		    "%s: W=", names[i].name);
		is_int(n.uid, names[i].uid, "%s: U=", names[i].name);
	}
}

static void
test_make(void)
{
	struct str s = STR_INIT;
	struct mail_name n;

	mail_name_unique(&s, 1732300000999999, "f3Kp0aZ91xy", "4",
	    "mx/a:b,c d");
	is_str(s.s, "1732300000.Qf3Kp0aZ91xyR4.mx\\057a\\072b\\054c\\040d",
	    "a host name can not break the name");
	str_reset(&s);
	mail_name_new(&s, "17.x", 5, 6);
	is_str(s.s, "17.x,S=5,W=6", "sizes follow the unique part");

	mail_name_parse(SLICE_LIT("17.x,S=5:2,FT"), &n);
	str_reset(&s);
	mail_name_flag(&s, &n, 'S');
	is_str(s.s, "17.x,S=5:2,FST", "flags stay in order");
	str_reset(&s);
	mail_name_flag(&s, &n, 'F');
	is_str(s.s, "17.x,S=5:2,FT", "and come once");
	mail_name_parse(SLICE_LIT("17.x"), &n);
	str_reset(&s);
	mail_name_flag(&s, &n, 0);
	is_str(s.s, "17.x:2,", "a name from new/ gets its colon");
	str_free(&s);
}

static void
test_uidl(void)
{
	struct str a = STR_INIT, b = STR_INIT;
	char longname[72];

	mail_name_uidl(&a, SLICE_LIT("17.x.host"), 0);
	is_str(a.s, "17.x.host", "the unique part is the UIDL");
	memset(longname, 'a', 71);
	longname[71] = '\0';
	str_reset(&a);
	mail_name_uidl(&a, slice_of(longname), 0);
	is_int(a.len, 32, "71 bytes are too many for a UIDL");
	mail_name_uidl(&b, slice_of(longname), 0);
	is_str(a.s, b.s, "the hash is the same each time");
	str_reset(&a);
	mail_name_uidl(&a, (struct slice){ longname, 70 }, 0);
	is_int(a.len, 70, "70 are not");
	str_reset(&a);
	mail_name_uidl(&a, SLICE_LIT("17 x"), 0);
	is_int(a.len, 32, "nor may it hold a blank");
	str_reset(&a);
	mail_name_uidl(&a, SLICE_LIT(""), 0);
	is_str(a.s, "6c62272e07bb014262b821756295c58d",
	    "of nothing: the hash's own start");
	str_reset(&a);
	str_reset(&b);
	mail_name_uidl(&a, SLICE_LIT("17.x"), 5);
	mail_name_uidl(&b, SLICE_LIT("17.x"), 6);
	ok(a.len == 32 && strcmp(a.s, b.s) != 0, "a salt tells twins apart");
	str_free(&a);
	str_free(&b);
}

static const struct { const char *mailbox, *path; } homes[] = {
	{ "example.com/ann", "example.com/ann" },
	{ "Example.COM/Ann", "example.com/ann" },
	{ "example.com/a/b", "example.com/a%2Fb" },
	{ "example.com/..", "example.com/%2E." },
	{ "example.com/.ssh", "example.com/%2Essh" },
	{ "example.com/a%2Fb", "example.com/a%252fb" },
	{ "example.com/a b\x01", "example.com/a%20b%01" },
	{ "example.com/a.b+c", "example.com/a.b+c" },
	{ "example.com/m\xc3\xbcller", "example.com/m\xc3\xbcller" },
	{ "b\xc3\xbc" "cher.example/ann", "b\xc3\xbc" "cher.example/ann" },
	{ "example.com/", NULL },
	{ "example.com", NULL },
	{ "/ann", NULL },
	{ "../ann", NULL },
	{ ".example.com/ann", NULL },
	{ "a..b/ann", NULL },
	{ "a b/ann", NULL },
	{ "[127.0.0.1]/ann", NULL },
	{ "example.com/\xff", NULL },
	{ "", NULL },
};

static void
test_home(void)
{
	struct str s = STR_INIT;
	struct err err;
	char longname[300];
	size_t i;
	int r;

	for (i = 0; i < ARRAY_LEN(homes); i++) {
		str_reset(&s);
		r = store_home(&s, homes[i].mailbox, &err);
		if (homes[i].path == NULL)
			ok(r == -1 && err.kind == ERR_TEMP && s.len == 0,
			    "\"%s\" is no mailbox", homes[i].mailbox);
		else
			is_str(r == 0 ? s.s : NULL, homes[i].path, "\"%s\"",
			    homes[i].mailbox);
	}
	snprintf(longname, sizeof(longname), "a.b/%0255d", 0);
	str_reset(&s);
	is_int(store_home(&s, longname, &err), 0, "255 bytes fit");
	snprintf(longname, sizeof(longname), "a.b/%0256d", 0);
	is_int(store_home(&s, longname, &err), -1, "256 do not");
	str_free(&s);
}

int
main(void)
{
	test_parse();
	test_make();
	test_uidl();
	test_home();
	return tap_done();
}
