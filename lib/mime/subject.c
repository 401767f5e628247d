/*
 * subject.c - RFC 5256: base subjects, sort keys, message ids.
 */
#include "mime/address.h"
#include "mime/date.h"
#include "mime/impl.h"
#include "mime/subject.h"
#include "mime/word.h"

/* ---- base subject -------------------------------------------------------- */

static void
skip_blanks(struct slice *s)
{
	while (s->n > 0 && s->p[0] == ' ')
		*s = slice_sub(*s, 1, s->n);
}

/* subj-blob at s: its length with the blanks behind, or 0 */
static size_t
blob(struct slice s)
{
	size_t i;

	if (!slice_starts(s, "["))
		return 0;
	for (i = 1; i < s.n && s.p[i] != '[' && s.p[i] != ']'; i++)
		;
	if (i == s.n || s.p[i] == '[')
		return 0;
	for (i++; i < s.n && s.p[i] == ' '; i++)
		;
	return i;
}

/* subj-refwd at s: its length with its colon, or 0 */
static size_t
refwd(struct slice s)
{
	size_t i;

	if (slice_istarts(s, "fwd"))
		i = 3;
	else if (slice_istarts(s, "re") || slice_istarts(s, "fw"))
		i = 2;
	else
		return 0;
	while (i < s.n && s.p[i] == ' ')
		i++;
	i += blob(slice_sub(s, i, s.n));
	return i < s.n && s.p[i] == ':' ? i + 1 : 0;
}

/* Steps 3 to 5.  Blobs with no refwd behind them are taken off one by one
 * (step 4), but for the last where nothing would be left. */
static void
leaders(struct slice *s, bool *is_reply)
{
	size_t i, last, n;

	for (;;) {
		skip_blanks(s);
		for (i = last = 0; (n = blob(slice_sub(*s, i, s->n))) > 0;
		    i += n)
			last = i;
		n = refwd(slice_sub(*s, i, s->n));
		if (n == 0)
			break;
		*is_reply = true;
		*s = slice_sub(*s, i + n, s->n);
	}
	*s = slice_sub(*s, i == s->n ? last : i, s->n);
}

/* step 2 */
static void
trailers(struct slice *s, bool *is_reply)
{
	for (;;) {
		while (s->n > 0 && s->p[s->n - 1] == ' ')
			s->n--;
		if (!slice_iends(*s, "(fwd)"))
			break;
		s->n -= 5;
		*is_reply = true;
	}
}

int
mime_base_subject(struct slice subject, struct str *out)
{
	struct str text = STR_INIT;
	bool is_reply = false;
	size_t i, n = 0;
	struct slice s;

	mime_decode_text(subject, &text);
	for (i = 0; i < text.len; i++)		/* step 1: single blanks */
		if (text.s[i] != ' ' || n == 0 || text.s[n - 1] != ' ')
			text.s[n++] = text.s[i];
	s = slice_sub(slice_str(&text), 0, n);
	for (;;) {
		trailers(&s, &is_reply);
		leaders(&s, &is_reply);
		if (!slice_istarts(s, "[fwd:") || !slice_ends(s, "]"))
			break;			/* step 6 */
		s = slice_sub(s, 5, s.n - 6);
		is_reply = true;
	}
	str_addsl(out, s);
	str_free(&text);
	return is_reply;
}

/* ---- addresses ----------------------------------------------------------- */

/* the name of a group that has nobody in it, as in "undisclosed:;" */
static void
empty_group(struct slice value, struct str *out)
{
	size_t colon = slice_find(value, ':');

	if (colon < value.n)
		mime_decode_text(slice_trim(slice_sub(value, 0, colon)), out);
}

/* The first address, if it is in no group; NULL: the group's name, or nothing,
 * was appended. */
static const struct mime_address *
first_address(const struct mime_addresses *l, struct slice value,
    struct str *out)
{
	size_t i = 0;

	while (i < l->n && l->v[i].addr.n == 0)		/* marks */
		i++;
	if (i < l->n && l->v[i].group.n == 0)
		return &l->v[i];
	if (i < l->n)
		mime_decode_text(l->v[i].group, out);
	else
		empty_group(value, out);
	return NULL;
}

/* without quotes */
static void
put_local(struct slice s, struct str *out)
{
	size_t i;

	if (s.n < 2 || s.p[0] != '"') {
		str_addsl(out, s);
		return;
	}
	for (i = 1; i + 1 < s.n; i++) {
		if (s.p[i] == '\\' && i + 2 < s.n)
			i++;
		str_addc(out, s.p[i]);
	}
}

void
mime_sort_mailbox_of(const struct mime_addresses *l, struct slice value,
    struct str *out)
{
	const struct mime_address *first = value.n == 0 ? NULL :
	    first_address(l, value, out);

	if (first != NULL)
		put_local(slice_sub(first->addr, 0,
		    slice_rfind(first->addr, '@')), out);
}

void
mime_sort_display_of(const struct mime_addresses *l, struct slice value,
    struct str *out)
{
	const struct mime_address *first = value.n == 0 ? NULL :
	    first_address(l, value, out);

	if (first != NULL)
		mime_decode_text(first->name.n > 0 ? first->name :
		    first->addr, out);
}

void
mime_sort_mailbox(struct slice value, struct str *out)
{
	struct mime_addresses l = { 0 };
	struct arena a = { 0 };

	mime_addresses_parse(value, 1, &a, &l);
	mime_sort_mailbox_of(&l, value, out);
	arena_free(&a);
}

void
mime_sort_display(struct slice value, struct str *out)
{
	struct mime_addresses l = { 0 };
	struct arena a = { 0 };

	mime_addresses_parse(value, 1, &a, &l);
	mime_sort_display_of(&l, value, out);
	arena_free(&a);
}

/* ---- message ids --------------------------------------------------------- */

static bool
is_control(char c)
{
	return (unsigned char)c <= 0x20 || c == 0x7f;
}

/* The id between from and to: blanks and quotes out, if nothing in the
 * quotes needs them. */
static const char *
plain_id(struct slice s, struct arena *a)
{
	char *p = arena_alloc(a, s.n + 1);
	bool quoted = false, needed = false;
	size_t i, n = 0;

	for (i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '"')
			quoted = !quoted;
		else if (quoted && (is_control(c) ||
		    strchr("()<>[]:;@\\,", c) != NULL))
			needed = true;
	}
	for (i = 0; i < s.n; i++)
		if (!is_control(s.p[i]) && (needed || s.p[i] != '"'))
			p[n++] = s.p[i];
	p[n] = '\0';
	return n > 0 ? p : NULL;
}

/* the first and the last ids stay; done rarely, so that time is linear */
static void
compact(struct strlist *l, size_t max)
{
	if (l->n <= max)
		return;
	if (max > 1)
		memmove(l->v + 1, l->v + l->n - (max - 1),
		    (max - 1) * sizeof(*l->v));
	l->n = max;
}

static void
add_id(struct slice s, size_t max, struct arena *a, struct strlist *l)
{
	const char *id = plain_id(s, a);

	if (id != NULL)
		strlist_add(l, a, id);
	if (l->n >= 2 * max + 64)
		compact(l, max);
}

/* index of the ">" that ends the id at i, or s.n */
static size_t
id_end(struct slice s, size_t i)
{
	bool quoted = false;

	for (; i < s.n; i++) {
		if (s.p[i] == '"')
			quoted = !quoted;
		else if (quoted && s.p[i] == '\\')
			i++;
		else if (!quoted && (s.p[i] == '>' || s.p[i] == '<'))
			return i;
	}
	return s.n;
}

void
mime_message_ids(struct slice value, size_t max, struct arena *a,
    struct strlist *l)
{
	size_t i = slice_find(value, '<'), end;
	struct slice rest = value, word;

	if (i == value.n) {		/* an id that has lost its brackets */
		if (slice_word(&rest, &word) &&
		    slice_find(word, '@') < word.n &&
		    slice_trim(rest).n == 0)
			add_id(word, max, a, l);
	}
	while (i < value.n) {
		end = id_end(value, i + 1);
		if (end == value.n)	/* an odd quote: without regard */
			end = i + 1 + slice_find(slice_sub(value, i + 1,
			    value.n), '>');
		if (end >= value.n)
			break;
		if (value.p[end] == '>')
			add_id(slice_sub(value, i + 1, end - i - 1), max, a,
			    l);
		i = value.p[end] == '<' ? end : end + slice_find(
		    slice_sub(value, end, value.n), '<');
	}
	compact(l, max);
}

int
mime_sent_date(const struct mime_envelope *env, int64_t *unix_r)
{
	if (env->date.n == 0)
		return 0;
	return mime_date_parse(env->date, unix_r, NULL) ||
	    mime_date_guess(env->date, unix_r);
}
