/*
 * template.c - placeholders.  A value never becomes part of a statement: SQL
 * gets it as a parameter, a filter gets it escaped, and a record gets it
 * quoted, so that a column can not say more than its own field.
 */
#include "mapd.h"

#include "map/record.h"

enum { PARTS_MAX = 100 };

/* a piece of text, then a placeholder: 's', 'u', 'd', '1'.., 0 none */
struct part {
	struct slice text;
	int what;
};

struct template {
	struct part *part;
	size_t n;
};

static struct part *
add(struct template *t, struct arena *a, struct err *err)
{
	if (t->part == NULL)
		t->part = arena_alloc(a, PARTS_MAX * sizeof(*t->part));
	if (t->n == PARTS_MAX) {
		err_perm(err, "5.3.5", "too many placeholders");
		return NULL;
	}
	return &t->part[t->n++];
}

/* the placeholder at p[0] == '%': its length, or 0 */
static size_t
placeholder(struct slice s, bool query, int *what)
{
	size_t i = 1;

	if (s.n < 2)
		return 0;
	*what = 0;
	if (s.p[1] == '%')
		return 2;
	if (query) {
		*what = s.p[1];
		return memchr("sud", s.p[1], 3) != NULL ? 2 : 0;
	}
	while (i < s.n && i < 3 && ascii_isdigit(s.p[i]))
		*what = 10 * *what + (s.p[i++] - '0');
	return i > 1 && *what >= 1 && *what <= COLUMNS_MAX ? i : 0;
}

/* each piece with the text in front of it; a doubled % is the end of a piece
 * that has its first */
static struct template *
parse(struct slice s, bool query, struct arena *a, struct err *err)
{
	struct template *t = arena_alloc(a, sizeof(*t));
	struct part *p;
	size_t i, n;

	while (s.n > 0) {
		i = slice_find(s, '%');
		p = add(t, a, err);
		if (p == NULL)
			return NULL;
		p->text = slice_sub(s, 0, i);
		p->text.p = arena_slice(a, p->text);
		s = slice_sub(s, i, s.n);
		if (s.n == 0)
			break;
		n = placeholder(s, query, &p->what);
		if (n == 0) {
			err_perm(err, "5.3.5", "%.*s: expected %s, or %%%% "
			    "for a %%", (int)MIN(s.n, (size_t)3), s.p, query ?
			    "%s, %u or %d" : "%1, %2 and so on");
			return NULL;
		}
		if (p->what == 0) {
			p = add(t, a, err);
			if (p == NULL)
				return NULL;
			p->text = SLICE_LIT("%");
		}
		s = slice_sub(s, n, s.n);
	}
	return t;
}

struct template *
template_query(const char *text, struct arena *a, struct err *err)
{
	struct template *t = parse(slice_of(text), true, a, err);
	size_t i, n = 0;

	for (i = 0; t != NULL && i < t->n; i++)
		n += t->part[i].what != 0;
	if (t != NULL && n == 0)
		err_perm(err, "5.3.5", "nothing of the key is asked for: no "
		    "%%s, %%u or %%d");
	if (t != NULL && n > PARAMS_MAX)
		err_perm(err, "5.3.5", "too many placeholders");
	return n == 0 || n > PARAMS_MAX ? NULL : t;
}

struct template *
template_result(const char *text, struct arena *a, struct err *err)
{
	return parse(slice_of(text), false, a, err);
}

/* Within '...', "..." or a comment nothing is a parameter.  Dollar quotes are
 * not known; a placeholder in one is a parameter that the server refuses. */
static int
quoted_by(int state, const char *p)
{
	switch (state) {
	case 0:
		if (*p == '\'' || *p == '"')
			return *p;
		if (strncmp(p, "--", 2) == 0 || strncmp(p, "/*", 2) == 0)
			return p[1];
		return 0;
	case '-':
		return *p == '\n' ? 0 : state;
	case '*':
		return *p == '/' && p[-1] == '*' ? 0 : state;
	default:
		return *p == state ? 0 : state;
	}
}

int
template_sql(const char *text, template_mark *mark, struct str *out,
    struct err *err)
{
	const char *p;
	int state = 0;
	size_t n = 0;

	for (p = text; *p != '\0'; p++) {
		if (*p != '%') {
			state = quoted_by(state, p);
			str_addc(out, *p);
			continue;
		}
		p++;	/* template_query saw that there is one more */
		if (*p == '%')
			str_addc(out, '%');
		else if (state == 0)
			mark(++n, out);
		else
			return err_perm(err, "5.3.5", "a placeholder within "
			    "quotes or a comment: write it without, it is a "
			    "parameter");
	}
	return 0;
}

static struct slice
value_of(int what, struct slice key)
{
	size_t at = slice_rfind(key, '@');

	if (what == 'u')
		return slice_sub(key, 0, at);
	return what == 'd' ? slice_sub(key, at + 1, key.n) : key;
}

/* a key without a domain is in no row that is found by one */
static bool
lacks_domain(const struct template *t, struct slice key)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->part[i].what == 'd' && slice_rfind(key, '@') + 1 >=
		    key.n)
			return true;
	return false;
}

int
template_params(const struct template *t, const char *key,
    struct slice v[PARAMS_MAX])
{
	struct slice k = slice_of(key);
	size_t i;
	int n = 0;

	if (lacks_domain(t, k))
		return -1;
	for (i = 0; i < t->n; i++)
		if (t->part[i].what != 0)
			v[n++] = value_of(t->part[i].what, k);
	return n;
}

int
template_fill(const struct template *t, const char *key,
    template_escape *fn, struct str *out)
{
	struct slice k = slice_of(key);
	size_t i;

	if (lacks_domain(t, k))
		return 0;
	for (i = 0; i < t->n; i++) {
		str_addsl(out, t->part[i].text);
		if (t->part[i].what != 0)
			fn(value_of(t->part[i].what, k), out);
	}
	return 1;
}

/* --- results: words parted by blanks; some are name=value --- */

/* one word of a result as it is made */
struct word {
	struct str text;
	size_t eq;		/* text up to and with the '='; 0: none */
	size_t start;		/* of the row in out */
	bool columns, something;
};

static bool
is_name(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!ascii_isalnum((unsigned char)s.p[i]) && s.p[i] != '_')
			return false;
	return s.n > 0;
}

/* the end of a word: name=value whose columns are all empty is left out */
static void
put_word(struct word *w, struct str *out)
{
	struct slice text = slice_str(&w->text);

	if (w->eq == 0) {
		str_addsl(out, text);
	} else if (!w->columns || w->something) {
		str_add(out, text.p, w->eq);
		record_quote(slice_sub(text, w->eq, text.n), out);
	} else if (out->len > w->start && out->s[out->len - 1] == ' ') {
		str_trunc(out, out->len - 1);
	}
	str_reset(&w->text);
	w->eq = 0;
	w->columns = w->something = false;
}

/* literal text: blanks end words, the first = of a name makes a field */
static void
put_text(struct word *w, struct slice s, struct str *out)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (ascii_isblank(s.p[i])) {
			put_word(w, out);
			if (out->len > w->start)
				str_addc(out, ' ');
			continue;
		}
		str_addc(&w->text, s.p[i]);
		if (s.p[i] == '=' && w->eq == 0 && !w->columns &&
		    is_name(slice_sub(slice_str(&w->text), 0,
		    w->text.len - 1)))
			w->eq = w->text.len;
	}
}

int
template_row(const struct template *t, const struct slice *col, size_t n,
    struct str *out, struct err *err)
{
	struct word w = { .text = STR_INIT, .start = out->len };
	size_t i, k;

	for (i = 0; i < t->n; i++) {
		put_text(&w, t->part[i].text, out);
		k = (size_t)t->part[i].what;
		if (k > n) {
			str_free(&w.text);
			return err_temp(err, "4.3.5", "result: %%%zu, but "
			    "there are %zu columns", k, n);
		}
		if (k == 0)
			continue;
		str_add(&w.text, col[k - 1].p != NULL ? col[k - 1].p : "",
		    col[k - 1].n);
		w.columns = true;
		w.something |= col[k - 1].n > 0;
	}
	put_word(&w, out);
	if (w.text.cap > 0)
		explicit_bzero(w.text.s, w.text.cap);
	str_free(&w.text);
	return 0;
}
