/*
 * hash.h - SipHash-2-4: a hash that whoever chooses the keys of a table, and
 * does not know its secret, can not make collide.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/base.h"

enum { HASH_KEY = 16 };
uint64_t hash_sip(const unsigned char key[HASH_KEY], const void *p, size_t n);
/* the same with a secret of this process */
uint64_t hash_secret(const void *p, size_t n);

#endif
