/*
 * landlock.c - every right that the running kernel knows is handled, so what
 * no rule grants is denied.
 */
#include "serve/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "serve/jail.h"

/* <linux/landlock.h>, of which Debian 12 has only ABI 2 */
struct ruleset_attr {
	uint64_t handled_access_fs, handled_access_net, scoped;
};
struct path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));
struct net_port_attr {
	uint64_t allowed_access, port;
};
enum { RULE_PATH_BENEATH = 1, RULE_NET_PORT = 2, CREATE_RULESET_VERSION = 1 };

#define FS_EXECUTE 1ULL
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_READ_DIR (1ULL << 3)
#define FS_REMOVE_DIR (1ULL << 4)
#define FS_REMOVE_FILE (1ULL << 5)
#define FS_MAKE_DIR (1ULL << 7)
#define FS_MAKE_REG (1ULL << 8)
#define FS_REFER (1ULL << 13)
#define FS_TRUNCATE (1ULL << 14)
#define NET_BIND_CONNECT_TCP 3ULL
#define NET_CONNECT_TCP 2ULL
#define SCOPE_ABSTRACT_SIGNAL 3ULL

static uint64_t
fs_rights_of_abi(int abi)
{
	/* ABI 1: bits 0..12; 2: refer; 3: truncate; 5: ioctl on devices */
	if (abi >= 5)
		return (1ULL << 16) - 1;
	if (abi >= 3)
		return (1ULL << 15) - 1;
	return abi == 2 ? (1ULL << 14) - 1 : (1ULL << 13) - 1;
}

static uint64_t
fs_rights(unsigned rights, bool dir)
{
	uint64_t r = 0;

	if (rights & PATH_READ)
		r |= FS_READ_FILE | (dir ? FS_READ_DIR : 0);
	if (rights & PATH_EXEC)
		r |= FS_EXECUTE;
	if (rights & PATH_WRITE)
		r |= FS_WRITE_FILE | FS_TRUNCATE;
	if (!dir)
		return r;
	if (rights & PATH_CREATE)
		r |= FS_MAKE_REG | FS_MAKE_DIR | FS_REMOVE_FILE |
		    FS_REMOVE_DIR;
	if (rights & PATH_LINK)
		r |= FS_REFER;
	return r;
}

static int
add_rule(int ruleset, const struct jail_rule *rule, uint64_t handled,
    struct err *err)
{
	struct path_beneath_attr attr;
	struct stat st;
	int rc, fd = open(rule->path, O_PATH | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0) {
		close_fd(fd);
		return err_sys(err, "%s", rule->path);
	}
	if (rule->ino != 0 && (st.st_dev != rule->dev ||
	    st.st_ino != rule->ino)) {
		close_fd(fd);
		return 0;
	}
	attr.allowed_access = fs_rights(rule->rights,
	    S_ISDIR(st.st_mode)) & handled;
	attr.parent_fd = fd;
	rc = attr.allowed_access == 0 ? 0 : (int)syscall(
	    SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &attr, 0);
	close_fd(fd);
	return rc < 0 ? err_sys(err, "landlock: %s", rule->path) : 0;
}

static int
no_landlock(struct err *err)
{
	if (getenv("POSTRIDER_NO_LANDLOCK") == NULL)
		return err_sys(err, "this kernel has no Landlock, and "
		    "POSTRIDER_NO_LANDLOCK is not set");
	log_event(LOG_WARN, "no-landlock", KEND);
	return 0;
}

static int
add_ports(int ruleset, const uint16_t *ports, size_t n, struct err *err)
{
	struct net_port_attr attr = { .allowed_access = NET_CONNECT_TCP };
	size_t i;

	for (i = 0; i < n; i++) {
		attr.port = ports[i];
		if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT,
		    &attr, 0) < 0)
			return err_sys(err, "landlock: port %u", ports[i]);
	}
	return 0;
}

int
landlock_enter(const struct jail_rule *rules, size_t n,
    const uint16_t *ports, size_t nports, struct err *err)
{
	struct ruleset_attr attr = { 0, 0, 0 };
	int fd, rc = 0, abi = (int)syscall(SYS_landlock_create_ruleset, NULL,
	    0, CREATE_RULESET_VERSION);
	size_t i, size = sizeof(attr);

	if (abi < 1)
		return no_landlock(err);
	attr.handled_access_fs = fs_rights_of_abi(abi);
	if (abi >= 4 && ports != NULL)
		attr.handled_access_net = NET_BIND_CONNECT_TCP;
	if (abi >= 6)
		attr.scoped = SCOPE_ABSTRACT_SIGNAL;
	if (abi < 6)
		size = abi < 4 ? 8 : 16;
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (fd < 0)
		return err_sys(err, "landlock");
	for (i = 0; i < n && rc == 0; i++)
		rc = add_rule(fd, &rules[i], attr.handled_access_fs, err);
	if (rc == 0 && abi >= 4)
		rc = add_ports(fd, ports, nports, err);
	if (rc == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		rc = err_sys(err, "landlock");
	close_fd(fd);
	return rc;
}
