/*
 * hash.h - SipHash-2-4: a hash that whoever chooses the keys of a table, and
 * does not know its secret, can not make collide.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/base.h"

enum { HASH_KEY = 16, HASH_MAC = 16 };
uint64_t hash_sip(const unsigned char key[HASH_KEY], const void *p, size_t n);
/* The same of twice the length, with a random key a MAC: for what is signed and
 * looked at again with each message, where HMAC (hmac.h) would take long. */
void hash_mac(const unsigned char key[HASH_KEY], const void *p, size_t n,
    unsigned char mac[HASH_MAC]);
/* the same as hash_sip with a secret of this process */
uint64_t hash_secret(const void *p, size_t n);

#endif
