/*
 * notices.c - what our own writers say: the board, by which we ask them to,
 * and the socket that they write to.  Both can be reached by root and the
 * store only.
 */
#include "notifyd.h"

#include <sys/socket.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/log.h"
#include "conf/common.h"
#include "proto/notify.h"
#include "store/notice.h"

enum { BURST = 64 };

static unsigned char *board;
static uint32_t counts[BOARD_SIZE];
static int sock = -1;
static struct event *readable;

/* the name leads to the socket of whoever is there, at any time */
static int
bind_socket(struct err *err)
{
	const char *path = socket_path("notices"), *tmp = socket_path(
	    "notice~");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(sun.sun_path))
		return err_perm(err, "5.3.5", "%s: path is too long for a "
		    "socket", path);
	slice_copy(sun.sun_path, sizeof(sun.sun_path), slice_of(tmp));
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return err_sys(err, "socket");
	unlink(tmp);
	if (bind(sock, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    (!common.single_uid &&
	    lchown(tmp, 0, common.gid[ROLE_STORE]) < 0) ||
	    chmod(tmp, 0620) < 0 || rename(tmp, path) < 0)
		return err_sys(err, "%s", path);
	return 0;
}

int
notices_open(struct err *err)
{
	if (launch.listeners == 0)
		return 0;	/* -J: what is there is another's */
	board = notice_board(true);
	if (board == NULL)
		return err_sys(err, "%s", socket_path("watched"));
	memset(board, 0, BOARD_SIZE);
	return bind_socket(err);
}

static void
show(int slot)
{
	__atomic_store_n(&board[slot], counts[slot] > 0, __ATOMIC_RELEASE);
}

int
board_take(const char *relative)
{
	int slot = (int)notice_slot(relative);

	counts[slot]++;
	show(slot);
	return slot;
}

void
board_give(int slot)
{
	if (slot < 0)
		return;
	counts[slot]--;
	show(slot);
}

/* it goes down only */
static bool
is_plain(const char *path)
{
	struct slice rest = slice_of(path), part;

	while (slice_cut(&rest, '/', &part))
		if (part.n == 0 || slice_eqz(part, "..") ||
		    slice_eqz(part, "."))
			return false;
	return true;
}

int
notices_stat(const char *relative, struct folder_key *key)
{
	char path[PATH_MAX];
	struct stat st;

	if (!is_plain(relative) || (size_t)snprintf(path, sizeof(path),
	    "%s/%s", common.mail_dir, relative) >= sizeof(path))
		return 0;
	if (fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	memset(key, 0, sizeof(*key));
	key->dev = st.st_dev;
	key->ino = st.st_ino;
	return 1;
}

static void
take(const struct ipc_msg *m, struct arena *a)
{
	struct notify_changed_in in;
	struct folder *f;
	struct err err;
	size_t i;

	if (strcmp(m->verb, notify_changed.name) != 0 ||
	    ipc_decode(m, notify_changed.in, &in, a, &err) < 0)
		return;
	for (i = 0; i < in.folder.n && i < NOTIFY_FOLDERS; i++) {
		f = folder_find(in.folder.v[i]);
		if (f != NULL)
			folder_changed(f);
	}
}

static void
on_readable(evutil_socket_t fd, short what UNUSED, void *arg UNUSED)
{
	static struct arena arena;
	static struct ipc_msg m = { .fd = -1 };
	struct err err;
	int i;

	for (i = 0; i < BURST; i++) {
		if (ipc_recv((int)fd, &m, 0, &err) > 0)
			take(&m, &arena);
		else if (strcmp(err.dsn, "again") == 0)
			return;
		arena_reset(&arena);
	}
}

int
notices_start(struct err *err)
{
	readable = event_new(hub_base, sock, EV_READ | EV_PERSIST,
	    on_readable, NULL);
	if (readable == NULL || event_add(readable, NULL) < 0)
		return err_temp(err, "4.3.0", "cannot wait for notices");
	return 0;
}
