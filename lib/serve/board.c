/*
 * board.c - one byte a child: its state, and above that its beats.  Each
 * changes its own, then looks at all: of two that become busy at once the
 * later sees both, so master is told.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "serve/status.h"

struct board_memory {
	uint32_t want;		/* idle ones */
	uint32_t used;		/* no slot behind has ever been used */
	uint8_t slot[];
};

static int
map(struct board *b, int fd, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -1;
	b->memory = p;
	b->slots = (uint32_t)(size - sizeof(struct board_memory));
	return 0;
}

int
board_make(struct board *b, uint32_t slots, uint32_t want)
{
	size_t size = sizeof(struct board_memory) + slots;
	int fd = memfd_create("status", MFD_CLOEXEC | MFD_ALLOW_SEALING), e;

	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_SEAL) == 0 && map(b, fd, size) == 0) {
		b->memory->want = want;
		return fd;
	}
	e = errno;
	close_fd(fd);
	errno = e;
	return -1;
}

int
board_map(struct board *b, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	if ((size_t)st.st_size > sizeof(struct board_memory) &&
	    st.st_size < INT32_MAX)
		return map(b, fd, (size_t)st.st_size);
	errno = EINVAL;
	return -1;
}

void
board_unmap(struct board *b)
{
	if (b->memory != NULL)
		munmap(b->memory, sizeof(struct board_memory) + b->slots);
	*b = (struct board){ 0 };
}

enum { BEATS = 256 / (SLOT_STATE + 1) };

static uint8_t
load(const struct board *b, uint32_t i)
{
	return __atomic_load_n(&b->memory->slot[i], __ATOMIC_SEQ_CST);
}

void
board_set(const struct board *b, uint32_t i, uint8_t state)
{
	struct board_memory *m = b->memory;

	if (i >= b->slots)
		return;
	if (state != SLOT_FREE)
		state |= load(b, i) & ~SLOT_STATE;
	__atomic_store_n(&m->slot[i], state, __ATOMIC_SEQ_CST);
	/* true only for master, before it starts the child */
	if (i >= __atomic_load_n(&m->used, __ATOMIC_RELAXED))
		__atomic_store_n(&m->used, i + 1, __ATOMIC_SEQ_CST);
}

uint8_t
board_beats(const struct board *b, uint32_t i)
{
	return i < b->slots ? load(b, i) / (SLOT_STATE + 1) : 0;
}

void
board_beat(const struct board *b, uint32_t i)
{
	int n = board_beats(b, i) % (BEATS - 1) + 1;

	if (i < b->slots)
		__atomic_store_n(&b->memory->slot[i], (uint8_t)(n *
		    (SLOT_STATE + 1) | (load(b, i) & SLOT_STATE)),
		    __ATOMIC_SEQ_CST);
}

static uint32_t
count(const struct board *b, uint32_t most)
{
	const struct board_memory *m = b->memory;
	uint32_t used = MIN(__atomic_load_n(&m->used, __ATOMIC_SEQ_CST),
	    b->slots);
	uint32_t i, n = 0;

	for (i = 0; i < used && n < most; i++)
		n += (load(b, i) & SLOT_STATE) == SLOT_IDLE;
	return n;
}

uint32_t
board_idle(const struct board *b)
{
	return count(b, UINT32_MAX);
}

bool
board_few(const struct board *b)
{
	uint32_t want = __atomic_load_n(&b->memory->want, __ATOMIC_RELAXED);

	if (want == 0)
		want = 1;
	return count(b, want) < want;
}

bool
board_over(const struct board *b)
{
	uint32_t want = __atomic_load_n(&b->memory->want, __ATOMIC_RELAXED);

	return count(b, want == UINT32_MAX ? want : want + 1) > want;
}
