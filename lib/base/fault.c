/*
 * fault.c - a page that is not there is replaced by one of zeros, and the
 * instruction repeated.  Where that can not be, the signal kills, as it would
 * without us.
 */
#include "base/fault.h"

#include <signal.h>
#include <sys/mman.h>

static volatile sig_atomic_t faults;
static uintptr_t page_mask;

static void
on_fault(int sig, siginfo_t *si, void *context UNUSED)
{
	uintptr_t at = (uintptr_t)si->si_addr & page_mask;
	int e = errno;

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

unsigned
fault_count(void)
{
	return (unsigned)faults;
}
