/*
 * driver.h - main of a fuzzer where there is no libFuzzer (gcc): runs its
 * seeds, then what becomes of them by random changes, within a time.
 *
 *   NAME_fuzz [-n inputs] [-t ms] [-s seed] [-w seconds]   prints TAP
 *   NAME_fuzz FILE...       runs these, as libFuzzer does
 *
 * -w is how long one input may take.
 *
 * There is no coverage to steer by: the seeds have to lead into the code.  An
 * input that kills the fuzzer, or takes too long, is written to a file in
 * $TMPDIR whose name is said.
 */
#ifndef FUZZ_DRIVER_H
#define FUZZ_DRIVER_H

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

/* seeds.c: those of a fuzzer (NAME of NAME_fuzz), at least one */
const struct slice *seeds_of(struct slice name, size_t *n_r);

/* mutate.c: *s becomes something else; others are what it may be mixed with */
struct prng { uint64_t state; };
uint32_t prng_next(struct prng *r);
uint32_t prng_below(struct prng *r, size_t n);		/* 0 where n is 0 */
void mutate(struct prng *r, struct str *s, const struct slice *others,
    size_t n);

#endif
