/*
 * jit.c - memory that is writable and executable becomes executable alone.
 * PCRE2 does not say where its code lies; the kernel does.
 */
#include "map/jit.h"

#include <sys/mman.h>

static bool closed, used;

bool
jit_open(void)
{
	return !closed;
}

void
jit_used(void)
{
	used = true;
}

/* one line of /proc/self/maps, "FROM-TO PERMS ...": 0, or -1 with errno */
static int
close_line(const char *line)
{
	uintptr_t from, to;
	char *end;

	from = strtoul(line, &end, 16);
	if (*end != '-')
		return 0;
	to = strtoul(end + 1, &end, 16);
	if (strncmp(end, " rwx", 4) != 0)
		return 0;
	return mprotect((void *)from, to - from, PROT_READ | PROT_EXEC);
}

int
jit_close(struct err *err)
{
	char *line = NULL;
	size_t cap = 0;
	FILE *f;
	int r = 0;

	closed = true;
	if (!used)
		return 0;
	used = false;
	f = fopen("/proc/self/maps", "re");
	if (f == NULL)
		return err_sys(err, "cannot open /proc/self/maps");
	while (r == 0 && getline(&line, &cap, f) > 0)
		r = close_line(line);
	if (r != 0)
		err_sys(err, "cannot protect the code of expressions");
	free(line);
	fclose(f);
	return r;
}
