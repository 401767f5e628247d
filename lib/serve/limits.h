/*
 * limits.h - asking limitd.  It is there or it is not: no answer within a
 * second is no answer, said once a minute, and for some seconds nobody is
 * asked again.  What then happens to the client is the caller's decision.
 */
#ifndef SERVE_LIMITS_H
#define SERVE_LIMITS_H

#include "proto/limit.h"

#define LIMITS_TIME_MAX ((int64_t)100 * 86400 * 1000)
enum { LIMITS_COUNT_MAX = 100000000 };

/* "COUNT/TIME", COUNT 0: no limit; 1s to 100d */
struct limits_rate { int64_t count, time; };
int limits_parse(const char *z, struct limits_rate *r, struct err *err);

void limits_init(void);		/* once, at the start */
/* one key more; amount 0: looks whether one would fit, for limits_peek */
void limits_add(struct limit_hit_in *in, struct arena *a, const char *key,
    const char *limit, int64_t amount);
/* 1 within the limits (hit: and counted), 0 one is over, -1 no answer; out is
 * valid until the next call */
int limits_hit(const struct limit_hit_in *in, struct limit_hit_out *out);
int limits_peek(const struct limit_hit_in *in, struct limit_hit_out *out);
/* what a hit counted and was not used */
void limits_return(const struct limit_hit_in *in);
int limits_seen(const struct limit_seen_in *in, struct limit_seen_out *out);
/* 1, or -1 no answer */
int limits_grey(const struct limit_grey_in *in, struct limit_grey_out *out);
/* the count of a key in an answer */
int64_t limits_used(const struct limit_hit_out *out, size_t i);
/* Connections are few: who may be silent for long gives his back. */
void limits_release(void);

#endif
