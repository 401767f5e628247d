/*
 * corpus.c - archives of ar(1): files one after the other, each behind a head
 * of 60 octets, which ends with "`\n" and has the size in decimal.
 */
#include "driver.h"

enum { HEAD = 60, SIZE_AT = 48, SIZE_LEN = 10, FILE_MAX = 4 << 20 };

/* the next file: 1, 0 there is none, -1 */
static int
next(struct slice *rest, struct slice *file)
{
	struct slice head = slice_sub(*rest, 0, HEAD);
	uint64_t n;

	if (rest->n == 0)
		return 0;
	if (head.n < HEAD || !slice_ends(head, "`\n") ||
	    !slice_u64(slice_trim(slice_sub(head, SIZE_AT, SIZE_LEN)),
	    rest->n - HEAD, &n))
		return -1;
	*file = slice_sub(*rest, HEAD, n);
	*rest = slice_sub(*rest, HEAD + n + n % 2, rest->n);
	return 1;
}

int
corpus_read(const char *path, char **text_r, struct slice **v_r, size_t *n_r)
{
	struct slice rest, file;
	size_t n;
	int r;

	*v_r = NULL;
	*n_r = 0;
	*text_r = read_file(path, FILE_MAX, &n);
	if (*text_r == NULL)
		return -1;
	rest = (struct slice){ *text_r, n };
	r = slice_starts(rest, "!<arch>\n") ? 1 : -1;
	rest = slice_sub(rest, 8, rest.n);
	while (r > 0 && (r = next(&rest, &file)) > 0) {
		*v_r = xrealloc(*v_r, (*n_r + 1) * sizeof(**v_r));
		(*v_r)[(*n_r)++] = file;
	}
	errno = EILSEQ;
	return r;
}
