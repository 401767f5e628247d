/*
 * secret.h - a file of secrets for srs and batv.
 */
#ifndef FUZZ_SECRET_H
#define FUZZ_SECRET_H

#include <sys/mman.h>
#include <sys/stat.h>

#include "../../router/secrets.h"

static inline void
secret_begin(void)
{
	static char path[64];
	static const char text[] = "0123456789abcdef0123456789abcdef\n";
	int fd;

	if (path[0] != '\0')
		return;
	fd = memfd_create("srs.secret", MFD_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0600) < 0 ||
	    full_write(fd, text, strlen(text)) < 0)
		die("memfd_create");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	secrets_init(path);
}

#endif
