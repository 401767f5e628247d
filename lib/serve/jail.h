/*
 * jail.h - what a program can not do any more once it serves.
 *
 * no_new_privs, not dumpable, limits, Landlock (files below the named paths,
 * TCP to the named ports, signals and abstract sockets only inside), and a
 * seccomp list: a small base for everybody plus the groups that a program
 * names.  Anything else fails with EPERM.  Where Landlock is missing the
 * program refuses to start unless `POSTRIDER_NO_LANDLOCK=1` is set (old
 * kernels; warned about once).
 */
#ifndef SERVE_JAIL_H
#define SERVE_JAIL_H

#include "base/err.h"

enum {
	/* seccomp groups */
	JAIL_FILES = 1 << 0,	/* open, stat, read directories */
	JAIL_WRITE = 1 << 1,	/* create, link, rename, unlink, mkdir, sync */
	JAIL_UNIX = 1 << 2,	/* socket, connect: call daemons */
	JAIL_FORK = 1 << 3,	/* fork, wait, kill */
	JAIL_EXEC = 1 << 4,	/* execve (pipe, master) */
	JAIL_IDS = 1 << 5,	/* set*id, before becoming a user */
	JAIL_SQLITE = 1 << 6,	/* mmap shared, fcntl locks, ftruncate */
	JAIL_EPOLL = 1 << 7,	/* event loops */
	JAIL_CHMOD = 1 << 8,	/* fchmod */
	JAIL_RELOCK = 1 << 9,	/* may enter a narrower jail later */
	JAIL_THREAD = 1 << 13,	/* threads, but no processes */
	JAIL_INOTIFY = 1 << 10,	/* an inotify instance of its own */
	JAIL_PAIR = 1 << 11,	/* socketpair: for an inbox (ipc/inbox.h) */
	JAIL_PLUGIN = 1 << 20,	/* load code of others and run programs: PAM */
	JAIL_INET = 1 << 12,	/* names of hosts, connect to jail_port */
	JAIL_MEMFD = 1 << 15,	/* files in memory; read, write at a place */
	JAIL_ANY_PORT = 1 << 14,	/* with it: connect to any port */
	JAIL_SPREAD = 1 << 16,	/* attributes of files (dir_spread) */
};

struct jail {
	unsigned groups;
	uint64_t memory;	/* RLIMIT_AS in bytes, 0 as it is */
	uint64_t files;		/* RLIMIT_NOFILE, 0 as it is */
};

/* rights on a path and all below, for the next jail_enter */
enum { PATH_READ = 1, PATH_WRITE = 2 /* existing files, no create */,
	PATH_CREATE = 4 /* create, remove, rename, link */,
	PATH_ALL = 7, PATH_LINK = 8 /* link or rename across directories */,
	PATH_EXEC = 16 /* run programs */ };
/* Missing paths are left out.  Called in before_jail or user_jail. */
void jail_path(const char *path, unsigned rights);
/* the same where path still leads to what is open as fd: what others can rename
 * was looked at, and is not to be another thing now */
void jail_path_of(int fd, const char *path, unsigned rights);
/* the directory of a file, which is replaced and not changed, may be read */
void jail_dir_of(const char *path);
/* What a table (map/map.h) needs: the same for its file, a connection to its
 * server, and more groups where the program has them not.  "" is none.
 * 0, or -1: err */
int jail_table(const char *spec, struct err *err);
/* TCP to this port of a host, which is looked up where it is a name */
void jail_host(const char *host, uint16_t port);
/* names of hosts can be looked up by the system's resolver */
void jail_names(void);
/* these groups, too, for the next jail_enter */
void jail_need(unsigned set);
/* With JAIL_INET: TCP may be connected to this port of any host.  Older
 * kernels (before 6.7) can not tell ports apart and allow all. */
void jail_port(uint16_t port);
/* The filter of calls is made now, for each jail_enter with these groups that
 * processes forked from this one call.  0 or -1 */
int jail_prepare(const struct jail *j, struct err *err);
/* Landlock, then seccomp; clears the lists of paths and ports.  0 or -1 */
int jail_enter(const struct jail *j, struct err *err);
/* -J: the next jail_enter prints what it allows: "jail calls<tab>files unix",
 * "jail path<tab>read /x", "jail port<tab>25" */
extern bool jail_loud;
/* -J: try what must fail and print one line each: "open-outside EACCES", and
 * before that what standard input asks for (probe.c) */
int jail_probe(void);

#endif
