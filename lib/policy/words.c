/*
 * words.c - a rule as words: plain ones, "texts" in either quotes, /regular
 * expressions/ with a blank in front, and the marks ( ) and , which also end
 * a plain word but inside of [ ] and behind a colon's table name.
 */
#include "policy/internal.h"

#include "base/clock.h"

enum { WORDS_MAX = 500 };

static const char *const joints[] = { "if", "and", "or", "not", "else", NULL };

static bool
is_mark(char c)
{
	return c == '(' || c == ')' || c == ',';
}

static void
put(struct words *w, struct slice z, enum word_kind kind)
{
	w->v[w->n++] = (struct word){ arena_slice(&w->p->a, z), "", kind };
}

/* up to the closing quote or slash; in /.../ a backslash keeps the next */
static int
take_quoted(struct words *w, struct slice line, size_t *at, struct err *err)
{
	char q = line.p[*at];
	size_t i = *at + 1, from = i;

	for (; i < line.n && line.p[i] != q; i++)
		if (q == '/' && line.p[i] == '\\' && i + 1 < line.n)
			i++;
	if (i >= line.n)
		return err_perm(err, "5.3.5", "no closing %c", q);
	put(w, slice_sub(line, from, i - from),
	    q == '/' ? WORD_REGEX : WORD_QUOTED);
	for (from = ++i; q == '/' && i < line.n &&
	    ascii_isalpha((unsigned char)line.p[i]); i++)
		;
	w->v[w->n - 1].flags = arena_slice(&w->p->a, slice_sub(line, from,
	    i - from));
	*at = i;
	return 0;
}

static void
take_plain(struct words *w, struct slice line, size_t *at)
{
	size_t i = *at;
	int depth = 0;

	for (; i < line.n && !ascii_isblank(line.p[i]); i++) {
		depth += line.p[i] == '[';
		depth -= line.p[i] == ']';
		if (depth <= 0 && is_mark(line.p[i]))
			break;
	}
	put(w, slice_sub(line, *at, i - *at), WORD_PLAIN);
	*at = i;
}

int
words_split(struct slice line, struct words *w, struct err *err)
{
	size_t i = 0;

	w->v = arena_alloc(&w->p->a, WORDS_MAX * sizeof(*w->v));
	w->n = w->at = 0;
	while (i < line.n) {
		if (ascii_isblank(line.p[i])) {
			i++;
			continue;
		}
		if (w->n == WORDS_MAX)
			return err_perm(err, "5.3.5", "more than %d words",
			    WORDS_MAX);
		if (is_mark(line.p[i])) {
			put(w, slice_sub(line, i++, 1), WORD_MARK);
			continue;
		}
		if (line.p[i] == '"' || line.p[i] == '\'' ||
		    line.p[i] == '/') {
			if (take_quoted(w, line, &i, err) < 0)
				return -1;
			continue;
		}
		take_plain(w, line, &i);
	}
	return 0;
}

bool
words_see(const struct words *w, const char *z)
{
	return w->at < w->n && w->v[w->at].kind != WORD_QUOTED &&
	    w->v[w->at].kind != WORD_REGEX &&
	    strcmp(w->v[w->at].z, z) == 0;
}

bool
words_take(struct words *w, const char *z)
{
	if (!words_see(w, z))
		return false;
	w->at++;
	return true;
}

const char *
words_next(struct words *w)
{
	return w->at < w->n ? w->v[w->at++].z : NULL;
}

const char *
words_arg(struct words *w)
{
	const char *const *j;

	if (w->at >= w->n || w->v[w->at].kind == WORD_MARK ||
	    w->v[w->at].kind == WORD_REGEX)
		return NULL;
	if (w->v[w->at].kind == WORD_PLAIN)
		for (j = joints; *j != NULL; j++)
			if (strcmp(w->v[w->at].z, *j) == 0)
				return NULL;
	return w->v[w->at++].z;
}

const char *
words_text(struct words *w)
{
	return w->at < w->n && w->v[w->at].kind == WORD_QUOTED ?
	    w->v[w->at++].z : NULL;
}

int
words_expected(struct words *w, const char *what, struct err *err)
{
	if (w->at >= w->n)
		return err_perm(err, "5.3.5", "expected %s at the end", what);
	return err_perm(err, "5.3.5", "expected %s, not \"%.60s\"", what,
	    w->v[w->at].z);
}

int
words_time(struct words *w, int64_t *ms_r, struct err *err)
{
	if (w->at >= w->n || w->v[w->at].kind != WORD_PLAIN ||
	    !parse_duration(slice_of(w->v[w->at].z), ms_r))
		return words_expected(w, "a time like 5m", err);
	w->at++;
	return 0;
}

int
words_int(struct words *w, int64_t lo, int64_t hi, int64_t *r,
    struct err *err)
{
	struct slice z;
	uint64_t u;
	bool minus;
	char what[64];

	if (w->at < w->n && w->v[w->at].kind == WORD_PLAIN) {
		z = slice_of(w->v[w->at].z);
		minus = slice_starts(z, "-");
		if (slice_u64(minus ? slice_sub(z, 1, z.n) : z, INT64_MAX,
		    &u)) {
			*r = minus ? -(int64_t)u : (int64_t)u;
			if (*r >= lo && *r <= hi) {
				w->at++;
				return 0;
			}
		}
	}
	snprintf(what, sizeof(what), "a number from %lld to %lld",
	    (long long)lo, (long long)hi);
	return words_expected(w, what, err);
}

int
words_list(struct words *w, struct strlist *l, struct err *err)
{
	bool group = words_take(w, "(");
	const char *z;

	for (;;) {
		z = words_arg(w);
		if (z == NULL)
			return words_expected(w, "a word of a list", err);
		strlist_add(l, &w->p->a, z);
		if (group && words_take(w, ")"))
			return 0;
		if (!words_take(w, ",") && !group)
			return 0;
	}
}
