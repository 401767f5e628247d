/*
 * mbox_name.c - names of a mailbox's files.  The heap holds for each message
 * a kind and a text; of the usual kind the flags are not part of it, so that
 * a change of flags moves no string.  Offset 0 is the empty name, which no
 * file has.
 */
#include "store/mbox.h"

static const struct { char letter; unsigned flag; } letters[] = {
	{ 'D', MSG_DRAFT }, { 'F', MSG_FLAGGED }, { 'P', MSG_FORWARDED },
	{ 'R', MSG_ANSWERED }, { 'S', MSG_SEEN }, { 'T', MSG_DELETED },
};

uint32_t
mbox_name_keep_slice(struct mbox_state *st, struct slice kind_text)
{
	size_t at;

	if (st->more.len == 0)
		str_addc(&st->more, '\0');
	at = st->names_len + st->more.len;
	if (at + kind_text.n + 1 > UINT32_MAX)
		die("names of a mailbox are over 4 GiB");
	str_addsl(&st->more, kind_text);
	str_addc(&st->more, '\0');
	return (uint32_t)at;
}

uint32_t
mbox_name_keep(struct mbox_state *st, const char *kind_text)
{
	return mbox_name_keep_slice(st, slice_of(kind_text));
}

const char *
mbox_name_get(const struct mbox_state *st, uint32_t name)
{
	if (name < st->names_len)
		return st->names + name;
	name -= (uint32_t)st->names_len;
	return name < st->more.len ? st->more.s + name : "";
}

static unsigned
flag_of(char c)
{
	switch (c) {
	case 'D':
		return MSG_DRAFT;
	case 'F':
		return MSG_FLAGGED;
	case 'P':
		return MSG_FORWARDED;
	case 'R':
		return MSG_ANSWERED;
	case 'S':
		return MSG_SEEN;
	case 'T':
		return MSG_DELETED;
	}
	return 0;
}

unsigned
mbox_letters_parse(struct slice s)
{
	unsigned flags = 0;
	size_t i;

	for (i = 0; i < s.n; i++)
		flags |= flag_of(s.p[i]);
	return flags;
}

bool
mbox_letters_ours(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!flag_of(s.p[i]) || (i > 0 && s.p[i] <= s.p[i - 1]))
			return false;
	return true;
}

/* is there one that is no flag of ours? */
static bool
has_others(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n && flag_of(s.p[i]); i++)
		;
	return i < s.n;
}

static void
letters_and_others(struct str *out, unsigned flags, struct slice others)
{
	char v[256], c;
	size_t n = 0, i, j;

	for (i = 0; i < ARRAY_LEN(letters); i++)
		if (flags & letters[i].flag)
			v[n++] = letters[i].letter;
	for (i = 0; i < others.n && n < sizeof(v); i++)
		if (!flag_of(others.p[i]))
			v[n++] = others.p[i];
	for (i = 1; i < n; i++) {
		for (c = v[i], j = i; j > 0 && (unsigned char)v[j - 1] >
		    (unsigned char)c; j--)
			v[j] = v[j - 1];
		v[j] = c;
	}
	str_add(out, v, n);
}

size_t
mbox_letters_put(char *p, unsigned flags)
{
	size_t i, n = 0;

	for (i = 0; i < ARRAY_LEN(letters); i++) {
		p[n] = letters[i].letter;
		n += (flags & letters[i].flag) != 0;
	}
	return n;
}

/* flags, and of others what is no flag of ours, in ASCII order */
void
mbox_letters(struct str *out, unsigned flags, struct slice others)
{
	char v[MBOX_LETTERS];

	if (has_others(others))
		letters_and_others(out, flags, others);
	else
		str_add(out, v, mbox_letters_put(v, flags));
}

int
mbox_name_file(const char *kind_text, unsigned flags, struct str *out)
{
	struct mail_name n;

	if (kind_text[0] == '\0' || strchr(kind_text, '/') != NULL)
		return -1;
	if (kind_text[0] == 'c') {
		str_adds(out, kind_text + 1);
		str_adds(out, ":2,");
		mbox_letters(out, flags, SLICE_LIT(""));
		return SUB_CUR;
	}
	mail_name_parse(slice_of(kind_text + 1), &n);
	if (kind_text[0] == 'o' && n.base.n + 3 <= strlen(kind_text + 1) &&
	    slice_starts(slice_of(kind_text + 1 + n.base.n), ":2,")) {
		str_addsl(out, n.base);
		str_adds(out, ":2,");
		mbox_letters(out, flags, n.flags);
	} else {
		str_adds(out, kind_text + 1);
	}
	return kind_text[0] == 'n' ? SUB_NEW : SUB_CUR;
}

struct slice
mbox_unique(const char *kind_text)
{
	struct mail_name n;

	if (kind_text[0] == '\0')
		return SLICE_LIT("");
	mail_name_parse(slice_of(kind_text + 1), &n);
	return n.unique;
}

bool
mbox_name_waits(const char *kind_text)
{
	struct mail_name n;

	if (kind_text[0] != 'o')
		return false;
	if (strstr(kind_text, ",U=") == NULL)
		return true;
	mail_name_parse(slice_of(kind_text + 1), &n);
	return n.uid == 0;
}

/* a comma, the field and the number as we write it, up to `to` */
static bool
is_field(struct slice s, size_t from, size_t to, char field)
{
	return to - from > 3 && s.p[from + 1] == field &&
	    s.p[from + 2] == '=' && (s.p[from + 3] != '0' || to - from == 4);
}

/* Is base the unique part with S= and W= of m, and nothing else? */
static bool
has_sizes(const struct mail_name *n, const struct mailbox_msg *m)
{
	size_t s = n->unique.n, w;

	if (!n->has_size || !n->has_wsize || n->size != m->size ||
	    n->wsize != m->wsize)
		return false;
	w = s + 1 + slice_find(slice_sub(n->base, s + 1, n->base.n), ',');
	return w < n->base.n && is_field(n->base, s, w, 'S') &&
	    is_field(n->base, w, n->base.n, 'W') &&
	    slice_find(slice_sub(n->base, w + 1, n->base.n), ',') ==
	    n->base.n - w - 1;
}

/* the fields of base that we do not write ourselves, and then ours */
static void
add_base(struct str *out, const struct mail_name *n,
    const struct mailbox_msg *m)
{
	struct slice rest = slice_sub(n->base, n->unique.n, n->base.n), f;

	if (has_sizes(n, m)) {
		str_addsl(out, n->base);
		str_add(out, ",U=", 3);
		str_addu(out, m->uid);
		return;
	}
	str_addsl(out, n->unique);
	str_add(out, ",S=", 3);
	str_addu(out, m->size);
	str_add(out, ",W=", 3);
	str_addu(out, m->wsize);
	if (rest.n > 0)
		slice_cut(&rest, ',', &f);
	while (rest.n > 0 && slice_cut(&rest, ',', &f))
		if (!(f.n > 1 && f.p[1] == '=' &&
		    memchr("SWU", f.p[0], 3) != NULL)) {
			str_addc(out, ',');
			str_addsl(out, f);
		}
	str_add(out, ",U=", 3);
	str_addu(out, m->uid);
}

void
mbox_name_final(struct str *out, struct slice file, unsigned flags,
    const struct mailbox_msg *m)
{
	bool odd;
	size_t start = out->len;
	struct str extra = STR_INIT;
	struct mail_name n;

	mail_name_parse(file, &n);
	if (has_others(n.flags))
		mbox_letters(&extra, 0, n.flags);
	odd = extra.len > 0;
	str_addc(out, odd ? 'o' : 'c');
	add_base(out, &n, m);
	/* room for :2, and all flags */
	if (out->len - start - 1 + 3 + 6 + extra.len > NAME_MAX) {
		str_trunc(out, start);
		str_addc(out, 'o');
		str_addsl(out, n.base);
		if (n.base.n + 3 + 6 + extra.len > NAME_MAX) {
			/* no room even for flags */
			str_free(&extra);
			return;
		}
		odd = true;
	}
	if (odd) {
		str_adds(out, ":2,");
		mbox_letters(out, flags, n.flags);
	}
	str_free(&extra);
}
