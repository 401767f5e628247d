/* fault_test.c - a mapped file is made shorter */
#include <fcntl.h>
#include <sys/mman.h>

#include "base/fault.h"
#include "test/tap.h"

enum { PAGES = 4 };

int
main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = PAGES * page, i;
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	volatile char *p;
	char *text = xmalloc(n);
	long sum = 0;

	memset(text, 'x', n);
	if (fd < 0 || full_write(fd, text, n) < 0)
		die("file: %s", strerror(errno));
	p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	fault_catch();
	ok(p[n - 1] == 'x' && fault_count() == 0, "all is there");
	if (ftruncate(fd, (off_t)page) < 0)
		die("truncate: %s", strerror(errno));
	for (i = 0; i < n; i++)
		sum += p[i];
	is_int(sum, (long)page * 'x', "what is cut off is zeros");
	is_int(fault_count(), PAGES - 1, "each page is counted");
	for (i = 0; i < n; i++)
		sum -= p[i];
	is_int(fault_count(), PAGES - 1, "once");
	free(text);
	return tap_done();
}
