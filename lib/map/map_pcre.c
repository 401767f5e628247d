/*
 * map_pcre.c - pcre:FILE, regular expressions tried in order, read whole when
 * it is opened.  A value may hold what groups matched.
 *
 * Who asks chose the key, and a value is a text with a meaning: a comma in a
 * list of addresses parts them.  So what is put in holds nothing that parts
 * or quotes; a key that would put in such is a temporary error.
 */
#include "map/rules.h"

struct pcre_map {
	struct map_rules rules;
	char *path;
};

/* up to a delimiter that has no backslash before it */
static char *
find_end(char *p, char *end, char delimiter)
{
	for (; p < end && *p != delimiter; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end ? p : NULL;
}

static int
take_regex(struct map_rule *r, char **pp, char *end, struct err *err)
{
	char *p = *pp, *close, *e;

	if (ascii_isalnum((unsigned char)*p) || *p == '\\' || *p == '"' ||
	    (*p & 0x80))
		return err_temp(err, "4.3.5", "expected /EXPRESSION/FLAGS "
		    "value, if /EXPRESSION/FLAGS or endif");
	close = find_end(p + 1, end, *p);
	if (close == NULL)
		return err_temp(err, "4.3.5", "no %c at the end of the "
		    "expression", *p);
	for (e = close + 1; e < end && !ascii_isblank(*e); e++)
		;
	*pp = e;
	return regex_new((struct slice){ p + 1, (size_t)(close - p - 1) },
	    (struct slice){ close + 1, (size_t)(e - close - 1) }, &r->re, err);
}

/* The next $ of a value: what is before it is cut off *rest into *text, and
 * *group is its number, or -1 where it stands for itself.  1, 0: there is none
 * and *text is all, -1 malformed */
static int
next_group(struct slice *rest, struct slice *text, int *group)
{
	size_t i = slice_find(*rest, '$'), n;
	char open, close;
	uint64_t number;

	*text = slice_sub(*rest, 0, i);
	*rest = slice_sub(*rest, i, rest->n);
	if (rest->n == 0)
		return 0;
	*rest = slice_sub(*rest, 1, rest->n);
	open = rest->n > 0 ? rest->p[0] : '\0';
	*group = -1;
	if (open == '$') {
		*rest = slice_sub(*rest, 1, rest->n);
		return 1;
	}
	close = open == '{' ? '}' : open == '(' ? ')' : '\0';
	if (close != '\0')
		*rest = slice_sub(*rest, 1, rest->n);
	for (n = 0; n < rest->n && ascii_isdigit(rest->p[n]); n++)
		;
	if (!slice_u64(slice_sub(*rest, 0, n), REGEX_GROUPS, &number) ||
	    number == 0 ||
	    (close != '\0' && (n == rest->n || rest->p[n] != close)))
		return -1;
	*group = (int)number;
	*rest = slice_sub(*rest, n + (close != '\0'), rest->n);
	return 1;
}

static int
check_value(const struct map_rule *r, struct err *err)
{
	struct slice rest = r->value, text;
	int got, group;

	while ((got = next_group(&rest, &text, &group)) > 0) {
		if (group < 0)
			continue;
		if (r->negate)
			return err_temp(err, "4.3.5", "what does not match "
			    "has no groups");
		if (group > (int)regex_groups(r->re))
			return err_temp(err, "4.3.5", "$%d: the expression "
			    "has %u groups", group, regex_groups(r->re));
	}
	return got == 0 ? 0 : err_temp(err, "4.3.5", "expected $1, ${1} or "
	    "$$ (a $ that stands for itself)");
}

/* nothing that parts or quotes in a value */
static bool
is_plain(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f ||
		    strchr(",;\"\\<>()", s.p[i]) != NULL)
			return false;
	return utf8_valid(s);
}

/* Commands, files and lists begin so where an address may stand: no key makes
 * one of an address. */
static bool
begins_other(const struct str *out, size_t before, struct slice part)
{
	return part.n > 0 && strchr("|/:", part.p[0]) != NULL &&
	    (out->len == before || strchr(" \t,", out->s[out->len - 1]) !=
	    NULL);
}

static int
add_value(const struct map_rule *r, struct slice key, bool plain,
    struct str *out, struct err *err)
{
	struct slice rest = r->value, text, part;
	size_t before = out->len;
	int group, got;

	do {
		got = next_group(&rest, &text, &group);
		str_addsl(out, text);
		if (got > 0 && group < 0)
			str_addc(out, '$');
		if (got <= 0 || group < 0)
			continue;
		part = regex_group(key, (unsigned)group);
		if ((plain && (!is_plain(part) ||
		    begins_other(out, before, part))) ||
		    out->len - before > MAP_LINE_MAX) {
			str_trunc(out, before);
			return err_temp(err, "4.3.5", "what matched as $%d "
			    "can not be put into a value", group);
		}
		str_addsl(out, part);
	} while (got > 0);
	return 1;
}

/* gave_up NULL: a match that takes too long is an error, and what is put into
 * a value must be plain */
static int
find(const struct pcre_map *m, struct slice key, struct str *out,
    bool *gave_up, struct err *err)
{
	const struct map_rule *r;
	size_t i;
	int got;

	for (i = 0; i < m->rules.n; i++) {
		r = &m->rules.v[i];
		if (r->kind == RULE_ENDIF)
			continue;
		got = regex_match(r->re, key, err);
		if (got < 0 && gave_up != NULL) {
			*gave_up = true;
			got = r->negate;	/* as one that does not hold */
		}
		if (got >= 0 && (got > 0) == r->negate) {
			i = r->kind == RULE_IF ? r->end : i;
			continue;
		}
		if (got >= 0 && r->kind == RULE_IF)
			continue;
		if (got >= 0)
			got = add_value(r, key, gave_up == NULL, out, err);
		return got > 0 ? 1 : err_prefix(err, "%s:%zu", m->path,
		    r->line);
	}
	return 0;
}

static int
pcre_get(void *self, struct slice key, struct str *out, struct err *err)
{
	return find(self, key, out, NULL, err);
}

/* Bytes that are no UTF-8, as if they were Latin-1: nothing matches them as
 * they are, and with one of them anything could be hidden. */
static struct slice
as_utf8(struct slice s)
{
	static struct str buf = STR_INIT;
	unsigned char c;
	size_t n;

	if (utf8_valid(s))
		return s;
	str_reset(&buf);
	for (; s.n > 0; s = slice_sub(s, n, s.n)) {
		c = (unsigned char)s.p[0];
		n = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		if (n <= s.n && utf8_valid(slice_sub(s, 0, n))) {
			str_add(&buf, s.p, n);
		} else {
			n = 1;
			str_addc(&buf, (char)(0xc0 | c >> 6));
			str_addc(&buf, (char)(0x80 | (c & 0x3f)));
		}
	}
	return slice_sub(slice_str(&buf), 0, MAP_TEXT_MAX);
}

static int
pcre_text(void *self, struct slice text, struct str *out, bool *gave_up,
    struct err *err)
{
	text = as_utf8(text);
	return find(self, text, out, gave_up, err);
}

static int
pcre_each(void *self, map_each_fn *fn, void *ctx, struct err *err UNUSED)
{
	const struct pcre_map *m = self;

	return map_rules_each(&m->rules, fn, ctx);
}

static void
pcre_close(void *self)
{
	struct pcre_map *m = self;
	size_t i;

	for (i = 0; i < m->rules.n; i++)
		if (m->rules.v[i].kind != RULE_ENDIF)
			regex_free(m->rules.v[i].re);
	map_rules_free(&m->rules);
	free(m->path);
	free(m);
}

static int
pcre_open(const char *path, void **self_r, struct stat *st, struct err *err)
{
	struct pcre_map *m = xcalloc(1, sizeof(*m));

	m->path = xstrdup(path);
	if (map_table_read(&m->rules.text, m->path, st, err) != 0 ||
	    map_rules_parse(&m->rules, take_regex, check_value, err) != 0) {
		pcre_close(m);
		return -1;
	}
	*self_r = m;
	return 0;
}

const struct map_type map_type_pcre = {
	.name = "pcre",
	.suffix = "",
	.exact = true,
	.pattern = true,
	.ahead = true,
	.open = pcre_open,
	.get = pcre_get,
	.text = pcre_text,
	.each = pcre_each,
	.close = pcre_close,
};
