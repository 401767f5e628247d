/*
 * conf.c - logical lines are joined first, then split at '='; an error
 * always carries file:line of the line that the setting began on.
 */
#include "conf/conf.h"

enum { MAX_FILE = 1 << 20, MAX_DEPTH = 8 };

struct reader {
	const char *path;
	bool sections;
	conf_fn *fn;
	void *ctx;
	int depth;
	bool placed;		/* the error has its file:line */
	struct str section;
	/* the setting under way, as an option of lines has it */
	struct str lines;
	size_t indent;		/* of the first line behind its name's; 0 */
};

static int read_one(struct reader *r, const char *path, struct err *err);

/* cut a comment: '#' at the start or after a blank, outside quotes */
static struct slice
strip_comment(struct slice s)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == '#' && !quoted &&
		    (i == 0 || ascii_isblank(s.p[i - 1])))
			break;
	}
	return slice_trim(slice_sub(s, 0, i));
}

static struct slice
unquote(struct slice v)
{
	if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"' &&
	    memchr(v.p + 1, '"', v.n - 2) == NULL)
		return slice_sub(v, 1, v.n - 2);
	return v;
}

static int
do_include(struct reader *r, const char *from, struct slice name,
    struct err *err)
{
	struct str path = STR_INIT;
	struct slice dir = slice_of(from);
	int rc;

	if (r->depth >= MAX_DEPTH)
		return err_perm(err, "5.3.5", "include: more than %d deep",
		    MAX_DEPTH);
	name = unquote(name);
	if (!slice_starts(name, "/")) {
		dir.n = slice_rfind(dir, '/');
		if (dir.p[dir.n] == '/')
			str_addf(&path, "%.*s/", (int)dir.n, dir.p);
	}
	str_addsl(&path, name);
	r->depth++;
	rc = read_one(r, path.s, err);
	r->depth--;
	str_free(&path);
	return rc;
}

static int
do_section(struct reader *r, struct slice line, struct err *err)
{
	struct slice name;

	if (!r->sections)
		return err_perm(err, "5.3.5", "no [section] allowed here");
	if (line.p[line.n - 1] != ']')
		return err_perm(err, "5.3.5", "expected [name]");
	name = slice_trim(slice_sub(line, 1, line.n - 2));
	if (name.n == 0)
		return err_perm(err, "5.3.5", "empty section name");
	str_reset(&r->section);
	str_addsl(&r->section, name);
	return 0;
}

static int
do_line(struct reader *r, const char *path, struct slice line,
    struct err *err)
{
	struct slice name, rest = line;

	if (line.p[0] == '[')
		return do_section(r, line, err);
	if (slice_starts(line, "include ") || slice_starts(line, "include\t"))
		return do_include(r, path, slice_trim(slice_sub(line, 8,
		    line.n)), err);
	slice_cut(&rest, '=', &name);
	if (rest.p == NULL)
		return err_perm(err, "5.3.5", "expected name = value: %.*s",
		    (int)MIN(line.n, (size_t)60), line.p);
	name = slice_trim(name);
	if (name.n == 0)
		return err_perm(err, "5.3.5", "no name before '='");
	return r->fn(r->ctx, slice_str(&r->section), name,
	    unquote(slice_trim(rest)), err);
}

/* columns to the left of the text */
static size_t
indent_of(struct slice line)
{
	size_t i, n = 0;

	for (i = 0; i < line.n && ascii_isblank(line.p[i]); i++)
		n = line.p[i] == '\t' ? (n / 8 + 1) * 8 : n + 1;
	return n;
}

static void
add_place(struct reader *r, const char *path, int lineno, struct slice text)
{
	const char *slash = strrchr(path, '/');

	if (text.n > 0)
		str_addf(&r->lines, "%s%s:%d\t%.*s", r->lines.len > 0 ?
		    "\n" : "", slash != NULL ? slash + 1 : path, lineno,
		    (int)text.n, text.p);
}

static void
begin_lines(struct reader *r, const char *path, int lineno, struct slice text)
{
	size_t at = slice_find(text, '=');

	str_reset(&r->lines);
	r->indent = 0;
	add_place(r, path, lineno, slice_trim(slice_sub(text, at + 1,
	    text.n)));
}

static void
more_lines(struct reader *r, const char *path, int lineno, struct slice line,
    struct slice text)
{
	size_t indent = indent_of(line);

	if (r->indent == 0)
		r->indent = indent;
	if (indent > r->indent && r->lines.len > 0)
		str_addf(&r->lines, " %.*s", (int)text.n, text.p);
	else
		add_place(r, path, lineno, text);
}

static int
finish_line(struct reader *r, const char *path, struct str *line, int lineno,
    struct err *err)
{
	int rc = 0;

	if (line->len > 0)
		rc = do_line(r, path, slice_str(line), err);
	if (rc < 0 && !r->placed)
		err_prefix(err, "%s:%d", path, lineno);
	r->placed = rc < 0;
	str_reset(line);
	return rc;
}

static int
read_lines(struct reader *r, const char *path, struct slice rest,
    struct err *err)
{
	struct str joined = STR_INIT;
	struct slice line, text;
	int lineno = 0, first = 0, rc = 0;

	while (rc == 0 && slice_cut(&rest, '\n', &line)) {
		lineno++;
		text = strip_comment(line);
		if (text.n == 0)
			continue;
		if (ascii_isblank(line.p[0]) && joined.len > 0) {
			str_addc(&joined, ' ');
			str_addsl(&joined, text);
			more_lines(r, path, lineno, line, text);
			continue;
		}
		rc = finish_line(r, path, &joined, first, err);
		first = lineno;
		str_addsl(&joined, text);
		begin_lines(r, path, lineno, text);
	}
	if (rc == 0)
		rc = finish_line(r, path, &joined, first, err);
	str_free(&joined);
	return rc;
}

static int
read_one(struct reader *r, const char *path, struct err *err)
{
	size_t n;
	char *text = read_file(path, MAX_FILE, &n);
	int rc;

	if (text == NULL)
		return err_sys(err, "%s", path);
	if (memchr(text, '\0', n) != NULL)
		rc = err_perm(err, "5.3.5", "%s: NUL byte", path);
	else
		rc = read_lines(r, path, (struct slice){ text, n }, err);
	free(text);
	return rc;
}

static int
read_all(struct reader *r, struct err *err)
{
	int rc = read_one(r, r->path, err);

	str_free(&r->section);
	str_free(&r->lines);
	return rc;
}

int
conf_read(const char *path, bool sections, conf_fn *fn, void *ctx,
    struct err *err)
{
	struct reader r = { .path = path, .sections = sections, .fn = fn,
		.ctx = ctx, .section = STR_INIT, .lines = STR_INIT };

	return read_all(&r, err);
}

static int
set_list(const struct field *f, void *rec, struct slice value,
    struct arena *a, struct err *err)
{
	struct strlist *l = (struct strlist *)((char *)rec + f->offset);
	struct slice word, part;

	*l = (struct strlist){ 0 };
	while (slice_word(&value, &word))
		while (slice_cut(&word, ',', &part))
			if (part.n > 0 && field_set(f, rec, part, a, err) < 0)
				return -1;
	return 0;
}

int
conf_set(const struct field *t, void *rec, struct slice name,
    struct slice value, struct arena *a, struct err *err)
{
	const struct field *f = field_find(t, name);
	const char *near;

	if (f != NULL)
		return f->kind == FIELD_LIST ? set_list(f, rec, value, a, err) :
		    field_set(f, rec, value, a, err);
	near = field_nearest(t, name);
	if (near != NULL)
		return err_perm(err, "5.3.5",
		    "unknown option \"%.*s\", did you mean \"%s\"?",
		    (int)MIN(name.n, (size_t)60), name.p, near);
	return err_perm(err, "5.3.5", "unknown option \"%.*s\"",
	    (int)MIN(name.n, (size_t)60), name.p);
}

struct load {
	const struct field *t;
	void *rec;
	struct arena *a;
	struct str seen;	/* one byte a row: was it set? */
	const struct reader *reader;
	bool some;		/* names that are not known are others' */
};

static int
load_setting(void *ctx, struct slice section UNUSED, struct slice name,
    struct slice value, struct err *err)
{
	struct load *l = ctx;
	const struct field *f = field_find(l->t, name);

	if (f == NULL && l->some)
		return 0;
	if (f != NULL)
		l->seen.s[f - l->t] = 1;
	if (f != NULL && f->flags & FIELD_LINES)
		value = slice_str(&l->reader->lines);
	return conf_set(l->t, l->rec, name, value, l->a, err);
}

static int
load_file(const char *path, const struct field *t, void *rec, bool some,
    struct arena *a, struct err *err)
{
	struct load l = { t, rec, a, STR_INIT, NULL, some };
	struct reader r = { .path = path, .fn = load_setting, .ctx = &l,
		.section = STR_INIT, .lines = STR_INIT };
	const struct field *f;
	int rc;

	for (f = t; f->kind != FIELD_END; f++)
		str_addc(&l.seen, 0);
	str_addc(&l.seen, 0);
	field_defaults(t, rec, a);
	l.reader = &r;
	rc = read_all(&r, err);
	for (f = t; rc == 0 && f->kind != FIELD_END; f++)
		if (f->def == NULL && !l.seen.s[f - t])
			rc = err_perm(err, "5.3.5", "%s: %s is not set", path,
			    f->name);
	str_free(&l.seen);
	return rc;
}

int
conf_load(const char *path, const struct field *t, void *rec,
    struct arena *a, struct err *err)
{
	return load_file(path, t, rec, false, a, err);
}

int
conf_pick(const char *path, const struct field *t, void *rec,
    struct arena *a, struct err *err)
{
	return load_file(path, t, rec, true, a, err);
}

void
conf_print_options(const struct field *t)
{
	for (; t->kind != FIELD_END; t++) {
		printf("%s\t%s\t%s\t", t->name, t->kind == FIELD_ENUM ?
		    t->choices : field_kind_name(t->kind),
		    t->def ? t->def : "(required)");
		if (t->min != NULL && t->max != NULL)
			printf("%s to %s", t->min, t->max);
		printf("\t%s\n", t->doc);
	}
}
