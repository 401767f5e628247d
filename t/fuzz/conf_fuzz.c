/*
 * conf_fuzz.c - configuration files: whatever one holds, it is read or refused
 * with its line, an option is within its range, and what is printed of it is
 * read again as the same.  The first octet: a table with each kind, that of
 * common.conf, or sections.
 */
#include <fcntl.h>

#include "conf/common.h"
#include "conf/conf.h"
#include "home.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct rec {
	const char *name, *lines;
	int64_t count, wait;
	uint64_t size;
	bool flag;
	int mode;
	struct strlist list;
};
static const struct field fields[] = {
	F_STR(struct rec, name, "x", "a name"),
	F_INT(struct rec, count, "3", "-5", "10", "a number"),
	F_TIME(struct rec, wait, "5m", "1s", "1d", "a time"),
	F_SIZE(struct rec, size, "64K", "1", "1G", "a size"),
	F_BOOL(struct rec, flag, "no", "a flag"),
	F_ENUM(struct rec, mode, "soft", "soft|hard", "a mode"),
	F_LIST_D(struct rec, list, "one two", "a list"),
	F_LINES(struct rec, lines, "lines with their places"),
	F_END
};

static char *path;

static void
begin(void)
{
	if (path != NULL)
		return;
	home_begin();
	path = xasprintf("%s/c", home);
}

/* nothing is included but this file: "include c" */
static void
write_conf(struct slice s)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct str text = STR_INIT;
	size_t i;

	str_addsl(&text, s);
	for (i = 0; i < text.len; i++)
		if (text.s[i] == '/')
			text.s[i] = '_';
	if (fd < 0 || full_write(fd, text.s, text.len) < 0)
		die("%s", path);
	close(fd);
	str_free(&text);
}

static void
add_value(const struct field *f, const void *rec, struct str *out)
{
	const struct strlist *l = (const void *)((const char *)rec +
	    f->offset);

	str_reset(out);
	if (f->kind != FIELD_LIST || l->n > 0)
		field_print(f, rec, out);
}

/* each option, as it is printed, set anew */
static void
judge(const struct field *t, void *rec, void *other, struct arena *a)
{
	struct str was = STR_INIT, is = STR_INIT;
	struct err err;

	field_defaults(t, other, a);
	for (; t->kind != FIELD_END; t++) {
		add_value(t, rec, &was);
		if (conf_set(t, other, slice_of(t->name), slice_str(&was), a,
		    &err) < 0)
			die("%s = %s: %s", t->name, was.s, err.text);
		add_value(t, other, &is);
		assert(strcmp(was.s, is.s) == 0);
	}
	str_free(&was);
	str_free(&is);
}

static int
setting(void *ctx UNUSED, struct slice section, struct slice name,
    struct slice value, struct err *err UNUSED)
{
	assert(name.n > 0 && slice_trim(name).n == name.n);
	assert(!slice_has_nul(section) && !slice_has_nul(value));
	assert(memchr(value.p, '\n', value.n) == NULL);
	return 0;
}

static void
try_all(int which, struct arena *a)
{
	static struct common c, d;
	struct err err = ERR_INIT;
	struct rec r, q;
	int rc;

	if (which == 0) {
		rc = conf_load(path, fields, &r, a, &err);
		if (rc == 0)
			judge(fields, &r, &q, a);
	} else if (which == 1) {
		rc = conf_load(path, common_fields, &c, a, &err);
		if (rc == 0)
			judge(common_fields, &c, &d, a);
	} else if (which == 2) {
		rc = conf_pick(path, fields, &r, a, &err);
	} else {
		rc = conf_read(path, true, setting, NULL, &err);
	}
	if (rc < 0)
		assert(err.kind != ERR_NONE && strstr(err.text, path) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };

	if (n == 0)
		return 0;
	begin();
	write_conf((struct slice){ (const char *)data + 1, n - 1 });
	try_all(data[0] % 4, &a);
	arena_free(&a);
	return 0;
}
