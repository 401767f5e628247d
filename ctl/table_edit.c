/*
 * table_edit.c - editing the text of a table.  What people wrote in it
 * (comments, order, rows that are not touched) stays as it is.
 */
#include "table_edit.h"

#include "conf/common.h"
#include "ctl.h"

enum { TABLE_MAX = 1 << 30, NEAR_MAX = 10000 };

static const char *
path_of(const struct table_edit *e)
{
	return arena_printf(&ctl_arena, "%s/%s", common.conf_dir, e->name);
}

int
table_begin(struct table_edit *e, const char *name, struct err *err)
{
	char *text;
	size_t n = 0;

	*e = (struct table_edit){ .name = name,
	    .lock = edit_lock(name, err), .text = STR_INIT };
	if (e->lock < 0)
		return -1;
	text = read_file(path_of(e), TABLE_MAX, &n);
	if (text == NULL && errno != ENOENT) {
		err_sys(err, "cannot read %s", path_of(e));
		table_abort(e);
		return -1;
	}
	if (text != NULL)
		str_add(&e->text, text, n);
	if (n > 0 && text[n - 1] != '\n')
		str_addc(&e->text, '\n');
	free(text);
	return 0;
}

void
table_abort(struct table_edit *e)
{
	close_fd(e->lock);
	e->lock = -1;
	str_wipe(&e->text);
}

int
table_commit(struct table_edit *e, mode_t mode, table_compile_fn *compile,
    struct err *err)
{
	size_t n = 0;
	char *old = read_file(path_of(e), TABLE_MAX, &n);
	struct err ignored;
	int r = e->bad ? err_perm(err, "5.5.4", "control characters in a row "
	    "of %s", e->name) : file_replace(path_of(e), slice_str(&e->text),
	    mode, err);

	if (r == 0) {
		r = compile(common.conf_dir, NULL, err);
		/* a row that can not be: nothing was done */
		if (r != 0 && old != NULL)
			(void)file_replace(path_of(e),
			    (struct slice){ old, n }, mode, &ignored);
	}
	if (old != NULL)
		explicit_bzero(old, n);
	free(old);
	table_abort(e);
	return r;
}

/* the row's value: its text behind the key, continuations joined */
static void
row_value(struct slice row, struct str *out)
{
	struct slice line;
	bool first = true;
	size_t skip = 0;

	while (slice_cut(&row, '\n', &line)) {
		if (first && line.n > 0 && line.p[0] == '"') {
			for (skip = 1; skip < line.n && line.p[skip] != '"';
			    skip++)
				skip += line.p[skip] == '\\';
			skip++;
		} else if (first) {
			while (skip < line.n && line.p[skip] != ':' &&
			    !ascii_isblank(line.p[skip]))
				skip++;
		} else if (line.n == 0 || !ascii_isblank(line.p[0])) {
			continue;
		}
		line = first ? slice_sub(line, skip, line.n) : line;
		if (first && line.n > 0 && line.p[0] == ':')
			line = slice_sub(line, 1, line.n);
		line = slice_trim(line);
		if (out->len > 0 && line.n > 0)
			str_addc(out, ' ');
		str_addsl(out, line);
		first = false;
	}
}

int
table_get(const struct table_edit *e, const char *key, struct str *value)
{
	struct slice text = slice_str(&e->text);
	size_t at = 0, len = 0;

	if (!row_find(text, key, &at, &len))
		return 0;
	row_value(slice_sub(text, at, len), value);
	return 1;
}

bool
table_line(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

/* What came from a command line must not be a row of its own. */
static void
add_row(struct table_edit *e, struct str *out, const char *key,
    struct slice value)
{
	e->bad |= !table_line(slice_of(key)) || !table_line(value);
	row_put_key(out, key);
	str_addc(out, ' ');
	str_addsl(out, value);
	str_addc(out, '\n');
}

void
table_append(struct table_edit *e, const char *key, struct slice value)
{
	add_row(e, &e->text, key, value);
}

void
table_put(struct table_edit *e, const char *key, struct slice value)
{
	struct slice text = slice_str(&e->text);
	struct str out = STR_INIT;
	size_t at = text.n, len = 0;

	(void)row_find(text, key, &at, &len);
	str_addsl(&out, slice_sub(text, 0, at));
	add_row(e, &out, key, value);
	str_addsl(&out, slice_sub(text, at + len, text.n));
	str_wipe(&e->text);
	e->text = out;
}

int
table_remove(struct table_edit *e, const char *key)
{
	struct slice text = slice_str(&e->text);
	struct str out = STR_INIT;
	size_t at = 0, len = 0;

	if (!row_find(text, key, &at, &len))
		return 0;
	str_addsl(&out, slice_sub(text, 0, at));
	str_addsl(&out, slice_sub(text, at + len, text.n));
	str_wipe(&e->text);
	e->text = out;
	return 1;
}

int
table_each(struct slice text, table_row_fn *fn, void *ctx)
{
	struct str key = STR_INIT, value = STR_INIT;
	struct slice rest = text, line;
	size_t at = 0, end;
	int r = 0;

	while (r == 0 && at < text.n) {
		rest = slice_sub(text, at, text.n);
		slice_cut(&rest, '\n', &line);
		end = at + line.n + 1;
		str_reset(&key);
		row_key(line, &key);
		if (key.len > 0) {
			/* with the lines that continue it */
			while (slice_cut(&rest, '\n', &line) && line.n > 0 &&
			    ascii_isblank(line.p[0]))
				end += line.n + 1;
			str_reset(&value);
			row_value(slice_sub(text, at, end - at), &value);
			r = fn(ctx, key.s, slice_str(&value));
		}
		at = end;
	}
	str_free(&key);
	str_wipe(&value);
	return r;
}

static int
add_name(void *ctx, const char *key, struct slice value UNUSED)
{
	struct strlist *names = ctx;

	/* a table that is so long is no place to guess in */
	if (names->n == NEAR_MAX)
		return 1;
	strlist_add(names, &ctl_arena, arena_strdup(&ctl_arena, key));
	return 0;
}

const char *
table_near(const struct table_edit *e, const char *name)
{
	struct strlist names = { 0 };

	table_each(slice_str(&e->text), add_name, &names);
	strlist_add(&names, &ctl_arena, NULL);
	return nearest_name(names.v, slice_of(name));
}
