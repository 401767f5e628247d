/*
 * notice.c - the board and the datagrams.  The board is one file for the life
 * of a run directory: a notifyd that starts clears it but never replaces it,
 * since writers have mapped it and can open nothing any more.
 */
#include "store/notice.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "conf/common.h"
#include "ipc/codec.h"
#include "proto/notify.h"

static const unsigned char *board;
static int sock = -1;
static struct sockaddr_un hub = { .sun_family = AF_UNIX };
static char *real_mail_dir;		/* without symbolic links */
static struct arena arena;
static struct notify_changed_in noted;	/* in the arena */

/* A name that everybody opens is only ever a file of the right size. */
static int
make_board(const char *path)
{
	char *tmp = xasprintf("%s.%d", path, (int)getpid());
	int fd = open(tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	if (fd >= 0 && (ftruncate(fd, BOARD_SIZE) < 0 ||
	    fchmod(fd, 0640) < 0 || (!common.single_uid &&
	    fchown(fd, 0, common.gid[ROLE_STORE]) < 0) ||
	    (link(tmp, path) < 0 && errno != EEXIST))) {
		close_fd(fd);
		fd = -1;
	}
	unlink(tmp);
	free(tmp);
	close_fd(fd);
	return fd < 0 ? -1 : 0;
}

unsigned char *
notice_board(bool writer)
{
	const char *path = socket_path("watched");
	int flags = (writer ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW;
	int fd = open(path, flags);
	struct stat st;
	void *p = MAP_FAILED;

	if (fd < 0 && errno == ENOENT && make_board(path) == 0)
		fd = open(path, flags);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size == BOARD_SIZE)
		p = mmap(NULL, BOARD_SIZE, writer ? PROT_READ | PROT_WRITE :
		    PROT_READ, MAP_SHARED, fd, 0);
	close_fd(fd);
	return p == MAP_FAILED ? NULL : p;
}

unsigned
notice_slot(const char *relative)
{
	uint32_t h = 2166136261U;	/* FNV-1a */

	for (; *relative != '\0'; relative++)
		h = (h ^ (unsigned char)*relative) * 16777619U;
	return (h ^ h >> 16) & (BOARD_SIZE - 1);
}

void
notice_open(void)
{
	const char *path = socket_path("notices");

	if (board == NULL)
		board = notice_board(false);
	if (sock < 0 && strlen(path) < sizeof(hub.sun_path)) {
		slice_copy(hub.sun_path, sizeof(hub.sun_path),
		    slice_of(path));
		sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, 0);
	}
	if (real_mail_dir == NULL)
		real_mail_dir = realpath(common.mail_dir, NULL);
}

static const char *
below(const char *path, const char *dir)
{
	size_t n = dir != NULL ? strlen(dir) : 0;

	if (n == 0 || strncmp(path, dir, n) != 0 || path[n] != '/')
		return NULL;
	return path + n + 1;
}

const char *
notice_relative(const char *folder)
{
	const char *r;

	if (folder[0] != '/')
		return folder;
	r = below(folder, common.mail_dir);
	return r != NULL ? r : below(folder, real_mail_dir);
}

void
notice_note(const char *folder)
{
	const char *r = notice_relative(folder);

	if (board == NULL || r == NULL || __atomic_load_n(
	    &board[notice_slot(r)], __ATOMIC_RELAXED) == 0)
		return;
	if (strlen(r) > NOTIFY_PATH_MAX || strlist_has(&noted.folder, r))
		return;
	strlist_add(&noted.folder, &arena, arena_strdup(&arena, r));
	if (noted.folder.n == NOTIFY_FOLDERS)
		notice_flush();
}

/* A full socket or none there: whoever watches looks by itself as well. */
void
notice_flush(void)
{
	static struct str bytes = STR_INIT;

	if (noted.folder.n == 0)
		return;
	str_reset(&bytes);
	ipc_encode(&bytes, notify_changed.name, notify_changed.in, &noted);
	if (sock >= 0)
		(void)sendto(sock, bytes.s, bytes.len, MSG_NOSIGNAL |
		    MSG_DONTWAIT, (struct sockaddr *)&hub, sizeof(hub));
	noted = (struct notify_changed_in){ { 0 } };
	arena_reset(&arena);
}

void
notice_changed(const char *folder)
{
	notice_note(folder);
	notice_flush();
}

int
notice_path(int dir, struct str *out)
{
	char link[40], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, path, sizeof(path));
	if (n <= 0 || n == (ssize_t)sizeof(path) || path[0] != '/')
		return -1;
	str_add(out, path, (size_t)n);
	return 0;
}
