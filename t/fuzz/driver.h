/*
 * driver.h - main of a fuzzer where there is no libFuzzer (gcc): runs its
 * seeds, then what becomes of them by random changes, within a time.
 *
 *   NAME_fuzz [-c folder] [-n inputs] [-t ms] [-s seed] [-w seconds]
 *                           prints TAP
 *   NAME_fuzz FILE...       runs these, as libFuzzer does
 *
 * -w is how long one input may take.
 *
 * There is no coverage to steer by: the seeds have to lead into the code, and
 * what libFuzzer found its way with: folder/NAME.ar (t/fuzz/corpus from the
 * top of the source), an archive of ar(1).  Its files that begin with `found'
 * were findings.  To go on from there, in a build with --enable-fuzzers (make
 * and its target are enough: `make t/fuzz/NAME_fuzz t/fuzz/unpack'):
 *
 *	t/fuzz/hour -b BUILD NAME		an hour of it, see there
 *	NAME_fuzz -merge=1 new NAME.seeds NAME.work	what is of use of it
 *	cd new; ar rcDS $TOP/t/fuzz/corpus/NAME.ar *	the few best, all small
 *
 * An input that kills the fuzzer, or takes too long, is written to a file in
 * $TMPDIR whose name is said.
 */
#ifndef FUZZ_DRIVER_H
#define FUZZ_DRIVER_H

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

/* seeds.c: those of a fuzzer (NAME of NAME_fuzz), at least one */
const struct slice *seeds_of(struct slice name, size_t *n_r);

/* corpus.c: the files of an archive, malloced, whose slices lie in *text_r; 0,
 * or -1: it can not be read, errno, EILSEQ where it is none */
int corpus_read(const char *path, char **text_r, struct slice **v_r,
    size_t *n_r);

/* mutate.c: *s becomes something else; others are what it may be mixed with */
struct prng { uint64_t state; };
uint32_t prng_next(struct prng *r);
uint32_t prng_below(struct prng *r, size_t n);		/* 0 where n is 0 */
void mutate(struct prng *r, struct str *s, const struct slice *others,
    size_t n);

#endif
