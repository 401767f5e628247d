/*
 * shim.c - stands in front of the C library (LD_PRELOAD) and lets one call of
 * one program fail.  It is loaded, and its page is mapped, before a jail is
 * closed; what is not to fail goes on to the library.  The calls are in
 * files.c, opens.c, waits.c, rights.c, more.c and others.c.
 */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "shim.h"

static struct fault_control *control;
static struct fault_count *mine;
static bool serves;
static const char *self = "";

/* the row of this program: the first that is free, or another process has
 * taken for it */
static struct fault_count *
my_row(void)
{
	struct fault_count *c;
	int i;

	for (i = 0; i < FAULT_PROGRAMS; i++) {
		c = &control->count[i];
		if (c->program[0] == '\0') {
			memcpy(c->program, self, strnlen(self,
			    sizeof(c->program) - 1));
			return c;
		}
		if (strncmp(c->program, self, sizeof(c->program) - 1) == 0)
			return c;
	}
	return NULL;
}

static void __attribute__((constructor))
begin(void)
{
	const char *path = getenv("POSTRIDER_FAULTS");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p;

	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	flock(fd, LOCK_EX);
	self = program_invocation_short_name;
	if (p != MAP_FAILED) {
		control = p;
		mine = my_row();
	}
	flock(fd, LOCK_UN);	/* the map keeps the file, and its lock */
	close(fd);
}

bool
shim_idle(void)
{
	return control == NULL ||
	    (control->class == FAULT_NONE && !control->counting);
}

/* what is called at a start alone counts as that */
static bool
counts(enum fault_class class)
{
	return control->counting && mine != NULL && (serves ||
	    class == FAULT_START || class == FAULT_RIGHTS);
}

bool
shim_now(enum fault_class class)
{
	if (control == NULL)
		return false;
	if (counts(class))
		__atomic_add_fetch(&mine->n[class], 1, __ATOMIC_SEQ_CST);
	if (control->class != class || strcmp(control->program, self) != 0 ||
	    __atomic_sub_fetch(&control->countdown, 1, __ATOMIC_SEQ_CST) != 0)
		return false;
	__atomic_add_fetch(&control->fired, 1, __ATOMIC_SEQ_CST);
	return true;
}

/* whatever it is, at a start it is a call of the start, too */
bool
shim_fails(enum fault_class class, int error)
{
	bool yes = shim_now(class);

	if (!serves && shim_now(FAULT_START))
		yes = true;
	if (yes)
		errno = error;
	return yes;
}

/* no jail lets us send a signal, but each lets us end */
void
shim_dies(void)
{
	if (shim_now(FAULT_KILL))
		syscall(SYS_exit_group, 137);
}

void
shim_serves(void)
{
	serves = true;
}

bool
shim_serving(void)
{
	return serves;
}

int
shim_ahead(void)
{
	shim_now(FAULT_CLOCK);
	if (control == NULL || control->class != FAULT_CLOCK ||
	    strcmp(control->program, self) != 0)
		return 0;
	return control->countdown <= 0 ? control->jump : 0;
}

mode_t
shim_kind(int fd)
{
	struct stat st;
	int e = errno;
	mode_t m;
	REAL(fstat);

	m = real(fd, &st) < 0 ? 0 : st.st_mode & S_IFMT;
	errno = e;
	return m;
}
