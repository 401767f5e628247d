/*
 * driver_bad.c - a target with faults, for driver.t: the environment's FAULT
 * says which happens as soon as an input's fourth octet is x.
 */
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static volatile int sum = INT_MAX;
static char *volatile lost;

static void
fault(const char *what, const uint8_t *data, size_t n)
{
	if (strcmp(what, "overrun") == 0)
		sum ^= data[n];
	else if (strcmp(what, "overflow") == 0)
		sum += (int)n;
	else if (strcmp(what, "abort") == 0 ||
	    (strcmp(what, "word") == 0 && n > 4 && data[4] == 'W'))
		abort();
	else if (strcmp(what, "leak") == 0)
		lost = strdup("lost");
	while (strcmp(what, "hang") == 0)
		sum ^= 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *what = getenv("FAULT");

	if (what != NULL && n > 3 && data[3] == 'x')
		fault(what, data, n);
	return 0;
}
