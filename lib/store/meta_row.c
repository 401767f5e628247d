/*
 * meta_row.c - a row is one blob: a check sum, flags, the date, lengths, then
 * their bytes.  The sum is over all behind it and the key: a file that is not
 * synced may hold pages of another time after a crash.  A part that was not
 * made has the length ABSENT, with which no row is as long as it says: to a
 * version that does not know of it such a row is damaged, and it makes its own.
 */
#include "store/meta_part.h"

enum {
	SUM = 8,
	HEAD = SUM + 2 + 8 + 2 * META_PARTS,
	IS_REPLY = 1,
	ABSENT = 0xffff,
};

void
meta_parts(struct meta_row *r, struct slice *v[META_PARTS])
{
	struct slice *const all[META_PARTS] = { &r->envelope, &r->body,
		&r->structure, &r->fields, &r->preview, &r->subject, &r->from,
		&r->to, &r->cc, &r->display_from, &r->display_to,
		&r->message_id, &r->refs };

	memcpy(v, all, sizeof(all));
}

/* Four lanes of 64-bit multiplication: 2 KiB in about 0.1 us.  Not against
 * malice, and not the same on machines of another byte order. */
static uint64_t
lane(uint64_t h, uint64_t w)
{
	h = (h ^ w) * 0x9e3779b97f4a7c15;
	return h ^ h >> 29;
}

static uint64_t
sum(const char *p, size_t n, uint64_t key)
{
	static const uint64_t k = 0x9e3779b97f4a7c15;
	uint64_t a = key, b = n, c = k, d = ~key, w[4];

	while (n > 0) {
		if (n < sizeof(w))
			memset(w, 0, sizeof(w));
		if (n >= sizeof(w))
			memcpy(w, p, sizeof(w));
		else
			memcpy(w, p, n);
		a = lane(a, w[0]);
		b = lane(b, w[1]);
		c = lane(c, w[2]);
		d = lane(d, w[3]);
		p += MIN(n, sizeof(w));
		n -= MIN(n, sizeof(w));
	}
	a = (a ^ b) * k ^ a >> 32;
	a = (a ^ c) * k ^ a >> 32;
	return (a ^ d) * k ^ a >> 32;
}

int
meta_encode(struct str *out, uint64_t key, const struct meta_row *row)
{
	struct meta_row r = *row;
	struct slice *v[META_PARTS];
	size_t start = out->len, total = HEAD, i;
	uint16_t flags = row->is_reply ? IS_REPLY : 0, len;
	uint64_t h = 0;

	meta_parts(&r, v);
	for (i = 0; i < META_PARTS; i++)
		if (add_overflows(total, v[i]->n, &total))
			return 0;
	if (total > META_ROW_MAX)
		return 0;
	str_grow(out, total);
	str_add(out, &h, SUM);
	str_add(out, &flags, 2);
	str_add(out, &row->sent, 8);
	for (i = 0; i < META_PARTS; i++) {
		len = v[i]->p != NULL ? (uint16_t)v[i]->n : ABSENT;
		str_add(out, &len, 2);
	}
	for (i = 0; i < META_PARTS; i++)
		str_addsl(out, *v[i]);
	h = sum(out->s + start + SUM, total - SUM, key);
	memcpy(out->s + start, &h, SUM);
	return 1;
}

int
meta_decode(struct slice s, uint64_t key, struct meta_row *row)
{
	struct slice *v[META_PARTS];
	uint16_t flags, len[META_PARTS];
	size_t at = HEAD, i;
	uint64_t h;

	if (s.n < HEAD || s.n > META_ROW_MAX)
		return 0;
	memcpy(&h, s.p, SUM);
	if (h != sum(s.p + SUM, s.n - SUM, key))
		return 0;
	memcpy(&flags, s.p + SUM, 2);
	memcpy(&row->sent, s.p + SUM + 2, 8);
	memcpy(len, s.p + SUM + 10, sizeof(len));
	row->is_reply = flags & IS_REPLY;
	meta_parts(row, v);
	for (i = 0; i < META_PARTS; i++) {
		*v[i] = SLICE_NULL;
		if (len[i] == ABSENT)
			continue;
		*v[i] = (struct slice){ s.p + at, len[i] };
		at += len[i];
	}
	return at == s.n;
}
