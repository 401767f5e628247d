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
mbox_name_keep(struct mbox_state *st, const char *kind_text)
{
	size_t at;

	if (st->more.len == 0)
		str_addc(&st->more, '\0');
	at = st->names_len + st->more.len;
	if (at + strlen(kind_text) + 1 > UINT32_MAX)
		die("names of a mailbox are over 4 GiB");
	str_add(&st->more, kind_text, strlen(kind_text) + 1);
	return (uint32_t)at;
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
	size_t k;

	if (c < 'D' || c > 'T')
		return 0;
	for (k = 0; letters[k].letter != c; )
		if (++k == ARRAY_LEN(letters))
			return 0;
	return letters[k].flag;
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

/* flags, and of others what is no flag of ours, in ASCII order */
void
mbox_letters(struct str *out, unsigned flags, struct slice others)
{
	char v[256], c;
	size_t n = 0, i, j;

	for (i = 0; i < ARRAY_LEN(letters); i++)
		if (flags & letters[i].flag)
			v[n++] = letters[i].letter;
	for (i = 0; i < others.n && n < sizeof(v); i++)
		if (!flag_of(others.p[i]))
			v[n++] = others.p[i];
	for (i = 1; i < n && others.n > 0; i++) {
		for (c = v[i], j = i; j > 0 && (unsigned char)v[j - 1] >
		    (unsigned char)c; j--)
			v[j] = v[j - 1];
		v[j] = c;
	}
	str_add(out, v, n);
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

/* the fields of base that we do not write ourselves, and then ours */
static void
add_base(struct str *out, const struct mail_name *n,
    const struct mailbox_msg *m)
{
	struct slice rest = slice_sub(n->base, n->unique.n, n->base.n), f;

	str_addsl(out, n->unique);
	str_addf(out, ",S=%llu,W=%llu", (unsigned long long)m->size,
	    (unsigned long long)m->wsize);
	if (rest.n > 0)
		slice_cut(&rest, ',', &f);
	while (rest.n > 0 && slice_cut(&rest, ',', &f))
		if (!(f.n > 1 && f.p[1] == '=' &&
		    memchr("SWU", f.p[0], 3) != NULL)) {
			str_addc(out, ',');
			str_addsl(out, f);
		}
	str_addf(out, ",U=%lu", (unsigned long)m->uid);
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
