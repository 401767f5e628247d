/*
 * fault.c - a page that is not there is replaced by one of zeros, and the
 * instruction repeated.  Where that can not be, the signal kills, as it would
 * without us; where zeros would be believed, the process ends.
 */
#include "base/fault.h"

#include <signal.h>
#include <sys/mman.h>

static volatile sig_atomic_t faults;
static uintptr_t page_mask;
static struct region { uintptr_t at; size_t n; } *vital;
static size_t n_vital, vital_cap;

static bool
is_vital(uintptr_t at)
{
	size_t i;

	for (i = 0; i < n_vital; i++)
		if (at - vital[i].at < vital[i].n)
			return true;
	return false;
}

static void
on_fault(int sig, siginfo_t *si, void *context UNUSED)
{
	uintptr_t at = (uintptr_t)si->si_addr & page_mask;
	int e = errno;

	/* it is where we read what is mapped, not in the middle of anything */
	if (si->si_code == BUS_ADRERR && is_vital((uintptr_t)si->si_addr))
		die("a file that is mapped was cut off by another program");
	if (si->si_code == BUS_ADRERR && at != 0 && mmap((void *)at,
	    ~page_mask + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
		faults = faults + 1;
	else
		signal(sig, SIG_DFL);
	errno = e;
}

void
fault_catch(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO };

	page_mask = ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
	sigaction(SIGBUS, &sa, NULL);
}

void
fault_vital(const void *p, size_t n)
{
	if (n_vital == vital_cap) {
		vital_cap = vital_cap > 0 ? 2 * vital_cap : 8;
		vital = xrealloc(vital, vital_cap * sizeof(*vital));
	}
	vital[n_vital++] = (struct region){ (uintptr_t)p, n };
}

void
fault_unmap(const void *p, size_t n)
{
	size_t i;

	for (i = 0; i < n_vital && vital[i].at != (uintptr_t)p; )
		i++;
	if (i < n_vital)
		vital[i] = vital[--n_vital];
	munmap((void *)(uintptr_t)p, n);
}

unsigned
fault_count(void)
{
	return (unsigned)faults;
}
