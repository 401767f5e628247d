/*
 * tlsd_rest.h - what facts.c of tlsd calls and nobody needs here.
 */
#ifndef FUZZ_TLSD_REST_H
#define FUZZ_TLSD_REST_H

#include "../../tlsd/tlsd.h"

size_t
tickets_end_point(SSL *ssl UNUSED, unsigned char md[END_POINT_MAX] UNUSED)
{
	return 0;
}

size_t
certs_end_point(const SSL *ssl UNUSED,
    unsigned char md[END_POINT_MAX] UNUSED)
{
	return 0;
}

int
ctx_load_cas(struct err *err UNUSED)
{
	return 0;
}

void
reason_verify(long rc UNUSED, char *to, size_t cap)
{
	slice_copy(to, cap, SLICE_LIT("why"));
}

static inline void
one_line(const char *z)
{
	for (; *z != '\0'; z++)
		assert((unsigned char)*z >= ' ' && *z != 0x7f);
}

#endif
