/*
 * tap.c - every check prints exactly one "ok" or "not ok" line on standard
 * output, numbered from 1, and what explains it as "#" lines before the next.
 */
#include "test/tap.h"

#include <ftw.h>

static unsigned checks, failures;
static char dir[PATH_MAX];
static pid_t dir_owner;

/* text on one line: a newline would end the comment or the name */
static void
put_line(const char *s)
{
	for (; *s; s++)
		putchar(*s == '\n' || *s == '\r' ? ' ' :
		    *s == '#' ? '=' : *s);
}

static bool
report(bool pass, const char *file, int line, const char *fmt, va_list ap)
{
	char *name = NULL;

	checks++;
	failures += !pass;
	if (vasprintf(&name, fmt, ap) == -1)
		die("out of memory");
	printf("%sok %u - ", pass ? "" : "not ", checks);
	put_line(name);
	putchar('\n');
	if (!pass)
		printf("#   failed at %s:%d\n", file, line);
	fflush(stdout);
	free(name);
	return pass;
}

bool
tap_ok(bool pass, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(pass, file, line, fmt, ap);
	va_end(ap);
	return pass;
}

static void
put_value(const char *label, const char *s)
{
	printf("#   %s: ", label);
	if (!s) {
		puts("NULL");
		return;
	}
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\n')
			fputs("\\n", stdout);
		else if (c == '\r')
			fputs("\\r", stdout);
		else if (c < 0x20 || c == 0x7f)
			printf("\\x%02x", c);
		else
			putchar(c);
	}
	puts("\"");
}

bool
tap_is_str(const char *got, const char *want, const char *file, int line,
    const char *fmt, ...)
{
	bool pass = got && want ? strcmp(got, want) == 0 : got == want;
	va_list ap;

	va_start(ap, fmt);
	report(pass, file, line, fmt, ap);
	va_end(ap);
	if (!pass) {
		put_value("got ", got);
		put_value("want", want);
		fflush(stdout);
	}
	return pass;
}

bool
tap_is_int(long long got, long long want, const char *file, int line,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(got == want, file, line, fmt, ap);
	va_end(ap);
	if (got != want)
		tap_diag("  got %lld, want %lld", got, want);
	return got == want;
}

void
tap_diag(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		die("out of memory");
	va_end(ap);
	fputs("# ", stdout);
	put_line(text);
	putchar('\n');
	fflush(stdout);
	free(text);
}

static int
remove_one(const char *path, const struct stat *st UNUSED, int flag UNUSED,
    struct FTW *ftw UNUSED)
{
	return remove(path);
}

/* also from atexit, for a test that leaves early; a forked child never */
static void
remove_dir(void)
{
	if (dir[0] && dir_owner == getpid())
		nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	dir[0] = '\0';
}

const char *
tap_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	if (dir[0])
		return dir;
	if (!tmp || !*tmp)
		tmp = "/tmp";
	if (snprintf(dir, sizeof(dir), "%s/postrider-test.XXXXXX", tmp) >=
	    (int)sizeof(dir) || !mkdtemp(dir))
		die("no throw-away directory in %s: %s", tmp,
		    strerror(errno));
	dir_owner = getpid();
	atexit(remove_dir);
	return dir;
}

int
tap_done(void)
{
	remove_dir();
	printf("1..%u\n", checks);
	if (checks == 0)
		puts("# no check was made");
	else if (failures)
		printf("# %u of %u failed\n", failures, checks);
	fflush(stdout);
	return checks == 0 || failures ? 1 : 0;
}
