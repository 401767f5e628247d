/*
 * map_cdb_fuzz.c - a good cdb with any damage.  The input is a list of edits
 * {place: 2 bytes, width: 1 byte, value: 4 bytes} to a small compiled table;
 * a last incomplete edit cuts the file.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "map/map.h"

enum { ROWS = 40, EDIT = 7, IMAGE_MAX = 8192 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static char *image;
static size_t image_len;
static int fd;
static char fd_path[64];

int
LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	char dir[] = "/tmp/map_cdb_fuzz.XXXXXX";
	struct str s = STR_INIT;
	struct err err = ERR_INIT;
	char *text, *cdb;
	int i, f;

	if (mkdtemp(dir) == NULL)
		die("mkdtemp: %s", strerror(errno));
	text = xasprintf("%s/t", dir);
	cdb = xasprintf("%s/t.cdb", dir);
	for (i = 0; i < ROWS; i++)
		str_addf(&s, "key%d value of the key %d\n", i, i);
	f = open(text, O_WRONLY | O_CREAT, 0600);
	if (f < 0 || full_write(f, s.s, s.len) != 0)
		die("%s: %s", text, strerror(errno));
	close_fd(f);
	if (map_compile_cdb(text, cdb, 0600, (uid_t)-1, (gid_t)-1, NULL,
	    &err) != 0)
		die("%s", err.text);
	image = read_file(cdb, IMAGE_MAX, &image_len);
	unlink(text);
	unlink(cdb);
	rmdir(dir);
	fd = memfd_create("cdb", MFD_CLOEXEC);
	if (image == NULL || fd < 0)
		die("no image: %s", strerror(errno));
	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", fd);
	str_free(&s);
	free(text);
	free(cdb);
	return 0;
}

static void
edit(char *bad, const uint8_t *e)
{
	size_t at = (e[0] | (size_t)e[1] << 8) % image_len, i;

	for (i = 0; i < (size_t)(e[2] % 4 + 1) && at + i < image_len; i++)
		bad[at + i] = (char)e[3 + i];
}

static int
look_up(void *self, struct slice key, struct slice value)
{
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	int r = 0;

	assert(value.n <= 1024 * 1024);
	if (key.n > 0)
		r = map_type_cdb.get(self, key, &out, &err);
	assert(r >= 0 || err.kind == ERR_TEMP);
	assert(r == 1 || out.len == 0);
	str_free(&out);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err err = ERR_INIT;
	size_t len = image_len;
	char bad[IMAGE_MAX];
	struct stat st;
	void *self;
	int i, r;
	char key[16];

	memcpy(bad, image, image_len);
	for (; n >= EDIT; data += EDIT, n -= EDIT)
		edit(bad, data);
	if (n >= 2)
		len = (data[0] | (size_t)data[1] << 8) % (image_len + 1);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, bad, len, 0) != (ssize_t)len)
		die("image: %s", strerror(errno));
	if (map_type_cdb.open(fd_path, &self, &st, &err) != 0) {
		assert(err.kind == ERR_TEMP);
		return 0;
	}
	for (i = 0; i < ROWS; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		look_up(self, slice_of(key), SLICE_NULL);
	}
	r = map_type_cdb.each(self, look_up, self, &err);
	assert(r == 0 || err.kind == ERR_TEMP);
	map_type_cdb.close(self);
	return 0;
}
