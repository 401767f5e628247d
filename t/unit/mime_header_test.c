/* walking headers, loading them from a file */
#include <fcntl.h>

#include "mime/header.h"
#include "test/tap.h"

static const struct {
	const char *in;
	const char *want;	/* "name=value;" with folds unfolded */
	const char *body;
	bool blank, malformed;
} t[] = {
	{ "A: b\nC: d\n\nbody\n", "A=b;C=d;", "body\n", true, false },
	{ "A: b\n c\n\td\nE:\n\n", "A=b c d;E=;", "", true, false },
	{ "A: b\r\n c\r\n\r\nbody", "A=b c;", "body", true, false },
	{ "A : b\n\n", "A=b;", "", true, false },
	{ "\nbody", "", "body", true, false },
	{ "", "", "", false, false },
	{ "A: b", "A=b;", "", false, false },
	{ "A: b\nno field\nC: d\n", "A=b;", "no field\nC: d\n", false, true },
	{ " A: b\n", "", " A: b\n", false, true },
	{ "From x Mon 1 10:00\nA: b\n", "", "From x Mon 1 10:00\nA: b\n",
	    false, true },
	{ ": x\n", "", ": x\n", false, true },
	{ "A: b\n \n c\n\nx", "A=b c;", "x", true, false },
};

static void
check_scan(void)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct str got = STR_INIT;
		struct mime_field f;
		struct mime_scan s;

		mime_scan_init(&s, slice_of(t[i].in));
		while (mime_scan_next(&s, &f)) {
			str_addsl(&got, f.name);
			str_addc(&got, '=');
			mime_unfold(f.value, &got);
			str_addc(&got, ';');
			ok(f.raw.p == t[i].in + f.offset, "raw is in place");
		}
		is_str(got.s, t[i].want, "header %zu", i);
		is_str(t[i].in + s.body, t[i].body, "  body");
		ok(s.blank == t[i].blank && s.malformed == t[i].malformed,
		    "  how it ended");
		str_free(&got);
	}
}

static void
check_find(void)
{
	struct slice h = SLICE_LIT("Received: 1\nSubject: x\nRECEIVED: 2\n\n"
	    "Received: 3\n");
	struct mime_field f;
	struct str many = STR_INIT;
	struct mime_scan s;
	size_t i;

	is_int(mime_hops(h), 2, "hops are counted in the header only");
	ok(mime_find(h, "subject", &f) && slice_eqz(f.value, "x"), "find");
	is_int(f.offset, 12, "  where it is");
	is_int(mime_find(h, "To", &f), 0, "not found");
	is_int(mime_count(h, "received"), 2, "count");
	is_int(mime_body_offset(h), 36, "where the body starts");
	for (i = 0; i < MIME_FIELDS_MAX + 10; i++)
		str_adds(&many, "A: b\n");
	mime_scan_init(&s, slice_str(&many));
	while (mime_scan_next(&s, &f))
		;
	ok(s.too_many && s.count == MIME_FIELDS_MAX, "fields are bounded");
	str_free(&many);
}

static void
load(const char *path, struct slice text, size_t max, int want, size_t len)
{
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	str_adds(&out, "x");
	ok(fd >= 0 && full_write(fd, text.p, text.n) == 0, "file written");
	is_int(mime_header_load(fd, max, &out, &err), want, "load");
	is_int(out.len, len + 1, "  as much as wanted");
	ok(memcmp(out.s + 1, text.p, len) == 0, "  the same bytes");
	close(fd);
	str_free(&out);
}

static void
check_load(void)
{
	char *path = xasprintf("%s/m", tap_dir());
	struct str big = STR_INIT;
	struct err err = ERR_INIT;
	size_t i;

	load(path, SLICE_LIT("A: b\n\nbody"), 1000, 1, 6);
	load(path, SLICE_LIT("\nbody"), 1000, 1, 1);
	load(path, SLICE_LIT("A: b\r\n\r\nbody"), 1000, 1, 8);
	load(path, SLICE_LIT("A: b\n"), 1000, 1, 5);
	load(path, SLICE_LIT(""), 1000, 1, 0);
	load(path, SLICE_LIT("A: b\n\nbody"), 3, 0, 3);
	/* the empty line at every place around a block's end */
	for (i = 16378; i < 16390; i++) {
		str_reset(&big);
		str_adds(&big, "A: ");
		while (big.len < i)
			str_addc(&big, 'x');
		str_adds(&big, "\n\r\nbody");
		load(path, slice_str(&big), 1 << 20, 1, i + 3);
	}
	is_int(mime_header_load(-1, 10, &big, &err), -1, "a bad fd");
	is_int(err.kind, ERR_TEMP, "  is a temporary error");
	str_free(&big);
	free(path);
}

int
main(void)
{
	check_scan();
	check_find();
	check_load();
	return tap_done();
}
