/* srs_test.c - senders of forwarded mail and back */
#include "../../router/secrets.h"
#include "../../router/srs.h"

#include <sys/stat.h>

#include <fcntl.h>

#include "base/log.h"
#include "test/tap.h"

static char path[64];

/* the file is replaced, as an admin's tool does */
static void
put_secrets(const char *text)
{
	static char other[80];
	int fd;

	snprintf(other, sizeof(other), "%s.new", path);
	fd = open(other, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || full_write(fd, text, strlen(text)) < 0 ||
	    rename(other, path) < 0)
		die("cannot write %s", path);
	close(fd);
	secrets_init(path);
}

static struct arena a;

static const char *
forward(const char *sender, int64_t day)
{
	struct smtp_address s;
	struct err err;
	const char *out = "none";

	if (smtp_address_parse(slice_of(sender), 0, &a, &s, &err) != 1)
		return "bad";
	if (srs_rewrite(&s, "us.example", day, &a, &out, &err) < 0)
		return "error";
	return out;
}

static const char *
back(const char *addr, int64_t day)
{
	struct smtp_address s;
	struct err err;
	const char *out;

	if (smtp_address_parse(slice_of(addr), 0, &a, &s, &err) != 1 ||
	    !srs_is(s.local))
		return "no";
	if (srs_reverse(s.local, day, 21, &a, &out, &err) < 0)
		return arena_strdup(&a, err.dsn);
	return out;
}

static const char *
fold(const char *addr)
{
	char *z = arena_strdup(&a, addr);
	size_t i;

	for (i = 0; z[i] != '\0' && z[i] != '@'; i++)
		z[i] = (char)ascii_lower((unsigned char)z[i]);
	return z;
}

static const char *const senders[] = { "joe@away.example",
	"a=b+c-d@x.example", "\"two words\"@x.example", "x@[192.0.2.1]",
	"j\xc3\xb6@x.example", "SRS0@x.example" };

static void
test_plain(void)
{
	const char *s;
	size_t i;

	for (i = 0; i < ARRAY_LEN(senders); i++) {
		s = forward(senders[i], 20000);
		ok(strcasestr(s, "SRS0=") != NULL &&
		    slice_ends(slice_of(s), "@us.example"), "%s", s);
		is_str(back(s, 20000), senders[i], "and back");
		is_str(back(s, 20021), senders[i], "for three weeks");
		is_str(back(s, 20022), "5.1.1", "then no more");
		is_str(back(s, 19999), senders[i], "from tomorrow");
		is_str(back(s, 19998), "5.1.1", "not from the day after");
	}
	/* 10 bits of days come round */
	s = forward("joe@away.example", 1023);
	is_str(back(s, 1024 + 19), "joe@away.example", "over the wrap");
	s = forward("joe@away.example", 20000);
	is_str(back(fold(s), 20000), "joe@away.example", "a folded one");
	is_str(back("SRS0=AAAAAAAA=AA=x.example=joe@us.example", 20000),
	    "5.7.1", "a forged one");
	is_str(back("SRS0=AAAAAAAA@us.example", 20000), "5.7.1", "a short one");
	is_str(back("SRS0=@us.example", 20000), "no", "an empty one");
	is_str(back("SRS1==@us.example", 20000), "5.7.1", "another");
	is_str(back("srs00@us.example", 20000), "no", "none at all");
}

static void
test_changed(void)
{
	const char *s = forward("joe@away.example", 20000);
	char *z;
	size_t i, bad = 0;

	for (i = 5; s[i] != '@'; i++) {
		z = arena_strdup(&a, s);
		z[i] = z[i] == 'x' ? 'y' : 'x';
		bad += strcmp(back(z, 20000), "5.7.1") == 0;
	}
	is_int((int64_t)bad, (int64_t)i - 5, "no letter can be changed");
}

static void
test_chain(void)
{
	const char *s, *t;

	s = forward("SRS0=abcd=XY=first.example=joe@second.example", 20000);
	ok(slice_starts(slice_of(s), "SRS1=") &&
	    slice_ends(slice_of(s), "=second.example==abcd=XY=first.example="
	    "joe@us.example"), "%s", s);
	is_str(back(s, 20000), "SRS0=abcd=XY=first.example=joe@"
	    "second.example", "goes to the first that rewrote it");
	is_str(back(s, 29000), "SRS0=abcd=XY=first.example=joe@"
	    "second.example", "which knows how old it is");
	s = forward("SRS0+abcd=XY=first.example=joe@second.example", 20000);
	is_str(back(s, 20000), "SRS0+abcd=XY=first.example=joe@"
	    "second.example", "whatever separator it likes");
	t = forward("SRS1=zzzz=second.example==abcd=XY=first.example=joe@"
	    "third.example", 20000);
	ok(slice_ends(slice_of(t), "=second.example==abcd=XY=first.example="
	    "joe@us.example"), "%s", t);
	is_str(back(t, 20000), "SRS0=abcd=XY=first.example=joe@"
	    "second.example", "a third is left out");
	is_str(forward("SRS1=zzzz=b-c=d@third.example", 20000), "none",
	    "one that would not lead back stays");
	is_str(forward("SRS1=zzzz@third.example", 20000), "none",
	    "a malformed one stays");
}

static void
test_secrets(void)
{
	struct str big = STR_INIT;
	const char *s = forward("joe@away.example", 20000);
	int i;

	put_secrets("newsecret 1795000000\nfirst-secret\n");
	is_str(back(s, 20000), "joe@away.example", "an older secret verifies");
	ok(strcmp(forward("joe@away.example", 20000), s) != 0,
	    "the first signs");
	put_secrets("# none\nshort\nnewsecret\n");
	is_str(back(s, 20000), "5.7.1", "one that is gone does not");
	put_secrets("# none\n\n");
	is_str(forward("joe@away.example", 20000), "none", "no secret");
	is_str(back(s, 20000), "5.1.1", "nobody");
	unlink(path);
	secrets_init(path);
	is_str(forward("joe@away.example", 20000), "none", "no file");
	mkdir(path, 0700);
	secrets_init(path);
	is_str(forward("joe@away.example", 20000), "error", "trouble");
	is_str(back(s, 20000), "4.3.0", "is ours");
	rmdir(path);
	put_secrets("first-secret\n");
	for (i = 0; i < 240; i++)
		str_addc(&big, 'x');
	str_adds(&big, "@x.example");
	is_str(forward(big.s, 20000), "none", "too long: as it is");
	str_free(&big);
}

static void
no_log(const char *line UNUSED, size_t n UNUSED)
{
}

int
main(void)
{
	log_set_sink(no_log);
	snprintf(path, sizeof(path), "/tmp/srs_test.%d", (int)getpid());
	put_secrets("first-secret\n");
	test_plain();
	test_changed();
	test_chain();
	test_secrets();
	unlink(path);
	arena_free(&a);
	return tap_done();
}
