/* queue_content_test.c - queue ids and content files */
#include "base/clock.h"
#include "queue/content.h"
#include "test/tap.h"

#include <fcntl.h>
#include <sys/stat.h>

static const struct {
	const char *name, *q;
	bool valid;
} ids[] = {
	{ "the lowest", "00000000000", true },
	{ "the highest", "AzL8n0Y58m7", true },
	{ "one more", "AzL8n0Y58m8", false },
	{ "far over 63 bits", "zzzzzzzzzzz", false },
	{ "too short", "0000000000", false },
	{ "too long", "000000000000", false },
	{ "empty", "", false },
	{ "a slash", "0000/000000", false },
	{ "a dot", "...........", false },
	{ "a sign", "-0000000001", false },
};

static void
test_ids(void)
{
	char q[QID_SIZE], r[QID_SIZE];
	int64_t id = 0, other = 0, now = wall_us();
	size_t i;
	int ordered = 1;

	for (i = 0; i < ARRAY_LEN(ids); i++)
		is_int(qid_valid(ids[i].q), ids[i].valid, "id: %s",
		    ids[i].name);
	ok(qid_parse("AzL8n0Y58m7", &id), "parsed");
	ok(id == INT64_MAX, "the highest is 2^63 - 1");
	qid_print(id, q);
	is_str(q, "AzL8n0Y58m7", "printed again");
	qid_make(q);
	ok(qid_parse(q, &id), "a new id is valid");
	ok(llabs(qid_time_us(id) - now) < 5000000, "and tells its time");
	ok(qid_at(now / 1000000 - 1) < id && id < qid_at(now / 1000000 + 5),
	    "and lies between the seconds");
	for (i = 0; i < 1000; i++) {
		other = id + (int64_t)i * 77777777777;
		qid_print(other, r);
		if (strcmp(q, r) > 0 || (i > 0 && strcmp(q, r) == 0))
			ordered = 0;
		memcpy(q, r, sizeof(q));
	}
	ok(ordered, "text sorts as the numbers do");
}

static void
test_files(void)
{
	struct str path = STR_INIT;
	struct err err = ERR_INIT;
	char q[QID_SIZE], buf[8];
	const char *spool = tap_dir();
	struct stat st;
	int fd = -1, again = -1;

	is_int(content_create(spool, "00000000011", &fd, &err), -1,
	    "without spool/content there is no file");
	is_int(err.kind, ERR_TEMP, "which is temporary");
	str_addf(&path, "%s/content", spool);
	is_int(mkdir(path.s, 0755), 0, "content");
	is_int(content_create_new(spool, q, &fd, &err), 1,
	    "a new file, its directory made: %s", err.text);
	is_int(content_create(spool, q, &again, &err), 0,
	    "an id is taken once");
	is_int(full_write(fd, "abc", 3), 0, "written");
	is_int(lseek(fd, 0, SEEK_SET), 0, "at the start again");
	is_int(full_write(fd, "def", 3), 0, "written again");
	is_int(fsync(fd), 0, "synced");
	is_int(content_sync(spool, q, &err), 0, "directory synced");
	close_fd(fd);
	str_reset(&path);
	content_path(&path, spool, q);
	is_int(stat(path.s, &st), 0, "it lies where content_path says");
	is_int(st.st_mode & 0777 & ~0640, 0, "nobody else may read it");
	is_int(content_open(spool, q, &fd, &err), 1, "opened");
	is_int(read(fd, buf, sizeof(buf)), 6, "both are there: appended");
	ok(memcmp(buf, "abcdef", 6) == 0, "in order");
	is_int(write(fd, "x", 1), -1, "read only");
	close_fd(fd);
	is_int(content_remove(spool, q, &err), 1, "removed");
	is_int(content_remove(spool, q, &err), 0, "was removed");
	is_int(content_open(spool, q, &fd, &err), 0, "is no more");
	str_free(&path);
}

int
main(void)
{
	test_ids();
	test_files();
	return tap_done();
}
