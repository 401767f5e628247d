/*
 * journal_format.c - headers of journal files and records, as bytes.
 */
#include <zlib.h>

#include "queue/journal_impl.h"

static void
put(unsigned char *b, uint64_t v, int bytes)
{
	int i;

	for (i = 0; i < bytes; i++)
		b[i] = (unsigned char)(v >> (8 * i));
}

static uint64_t
get(const unsigned char *b, int bytes)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < bytes; i++)
		v |= (uint64_t)b[i] << (8 * i);
	return v;
}

void
journal_put_head(unsigned char *b, const struct journal_head *h)
{
	memset(b, 0, J_HEAD);
	put(b, J_FILE_MAGIC, 4);
	put(b + 4, J_VERSION, 4);
	put(b + 8, (uint64_t)h->gen, 8);
	put(b + 16, h->salt, 8);
	memcpy(b + 24, h->boot, 16);
	put(b + 40, crc32(0, b, 40), 4);
}

int
journal_get_head(const unsigned char *b, struct journal_head *h)
{
	size_t i;

	if (get(b, 4) != J_FILE_MAGIC) {
		for (i = 0; i < J_HEAD && b[i] == 0; i++)
			;
		return i == J_HEAD ? 0 : -1;
	}
	if (get(b + 4, 4) != J_VERSION || get(b + 40, 4) != crc32(0, b, 40))
		return -1;
	h->gen = (int64_t)get(b + 8, 8);
	h->salt = get(b + 16, 8);
	memcpy(h->boot, b + 24, 16);
	return h->gen > 0 ? 1 : -1;
}

void
journal_put_record(unsigned char *b, const struct journal_record *r)
{
	put(b, J_RECORD_MAGIC, 4);
	put(b + 4, r->type, 4);
	put(b + 8, (uint64_t)r->gen, 8);
	put(b + 16, r->salt, 8);
	put(b + 24, (uint64_t)r->id, 8);
	put(b + 32, r->synced, 8);
	put(b + 40, r->env_len, 4);
	put(b + 44, r->content_len, 4);
	put(b + 48, r->crc, 4);
	put(b + 52, 0, 4);
}

int
journal_get_record(const unsigned char *b, struct journal_record *r)
{
	if (get(b, 4) != J_RECORD_MAGIC)
		return 0;
	r->type = (uint32_t)get(b + 4, 4);
	r->gen = (int64_t)get(b + 8, 8);
	r->salt = get(b + 16, 8);
	r->id = (int64_t)get(b + 24, 8);
	r->synced = get(b + 32, 8);
	r->env_len = (uint32_t)get(b + 40, 4);
	r->content_len = (uint32_t)get(b + 44, 4);
	r->crc = (uint32_t)get(b + 48, 4);
	return r->env_len <= J_ENV_MAX &&
	    r->content_len <= JOURNAL_CONTENT_MAX;
}

uint32_t
journal_crc(const unsigned char *b, const void *p, size_t n)
{
	uLong c = crc32(0, b, 48);

	return (uint32_t)crc32_z(c, p, n);
}
