/*
 * settle.c - a program is ready and will wait, perhaps for days: what only its
 * start needed goes.  That is memory which was freed, and pages of code and
 * constants: the kernel maps sixteen around each that is touched, and linking
 * touches all libraries.  They are the files' own (a segment that is never
 * written), so who needs one again finds it in the page cache.
 */
#include <sys/mman.h>

#include <link.h>
#include <malloc.h>
#include <unistd.h>

#include "serve/internal.h"

static int
let_go(struct dl_phdr_info *info, size_t size UNUSED, void *page UNUSED)
{
	uintptr_t mask = ~(uintptr_t)(sysconf(_SC_PAGESIZE) - 1), from, end;
	size_t i;

	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_LOAD || (p->p_flags & PF_W))
			continue;
		from = (info->dlpi_addr + p->p_vaddr) & mask;
		end = (info->dlpi_addr + p->p_vaddr + p->p_memsz + ~mask) &
		    mask;
		/* the kernel's own object refuses, which is right */
		madvise((void *)from, end - from, MADV_DONTNEED);
	}
	return 0;
}

void
serve_settle(void)
{
	malloc_trim(0);
	dl_iterate_phdr(let_go, NULL);
}
