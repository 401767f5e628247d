/*
 * compile.c - a text table becomes a cdb.
 *
 * The name of the cdb always leads to a whole file that is on disk: a new one
 * is written under another name beside it, synced, renamed, and then the
 * directory is synced.
 */
#include "map/table.h"

#include <cdb.h>
#include <fcntl.h>

struct job {
	const char *cdb_path;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	map_filter_fn *filter;
	void *ctx;
	struct map_table table;
	struct stat text_st;
	size_t count;
};

static int
put_row(struct job *j, struct cdb_make *cm, const struct map_row *row,
    struct str *value, struct err *err)
{
	struct slice v = row->value;
	int r = 1;

	if (j->filter != NULL) {
		str_reset(value);
		r = j->filter(j->ctx, row->key, v, value, err);
		v = slice_str(value);
	}
	if (r < 0)
		return err_prefix(err, "%s:%zu", j->table.name, row->line);
	if (r == 0)
		return 0;
	j->count++;
	if (cm != NULL && cdb_make_add(cm, row->key.p,
	    (unsigned)row->key.n, v.p, (unsigned)v.n) != 0)
		return err_sys(err, "cannot write %s", j->cdb_path);
	return 0;
}

static int
write_rows(struct job *j, int fd, struct err *err)
{
	struct str value = STR_INIT;
	struct cdb_make cm;
	size_t i;
	int r = 0;

	if (cdb_make_start(&cm, fd) != 0)
		return err_sys(err, "cannot write %s", j->cdb_path);
	for (i = 0; i < j->table.n && r == 0; i++)
		r = put_row(j, &cm, &j->table.row[i], &value, err);
	/* also after an error: it frees what cm holds */
	if (cdb_make_finish(&cm) != 0 && r == 0)
		r = err_sys(err, "cannot write %s", j->cdb_path);
	explicit_bzero(&cm, sizeof(cm));
	if (value.cap > 0)
		explicit_bzero(value.s, value.cap);
	str_free(&value);
	return r;
}

/* owner before mode: a change of owner may take mode bits away */
static int
finish_file(const struct job *j, int fd, struct err *err)
{
	const struct timespec times[2] = { j->text_st.st_mtim,
	    j->text_st.st_mtim };

	if ((j->uid != (uid_t)-1 || j->gid != (gid_t)-1) &&
	    fchown(fd, j->uid, j->gid) != 0)
		return err_sys(err, "cannot give %s to uid %ld gid %ld",
		    j->cdb_path, (long)(int)j->uid, (long)(int)j->gid);
	if (fchmod(fd, j->mode) != 0)
		return err_sys(err, "cannot set the mode of %s", j->cdb_path);
	if (futimens(fd, times) != 0)
		return err_sys(err, "cannot set the time of %s", j->cdb_path);
	if (fsync(fd) != 0)
		return err_sys(err, "cannot sync %s", j->cdb_path);
	return 0;
}

static int
sync_dir(const char *dir, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return err_sys(err, "cannot open %s", dir);
	if (fsync(fd) != 0)
		r = err_sys(err, "cannot sync %s", dir);
	close_fd(fd);
	return r;
}

static int
write_cdb(struct job *j, struct err *err)
{
	const char *slash = strrchr(j->cdb_path, '/');
	const char *base = slash ? slash + 1 : j->cdb_path;
	char *dir, *tmp;
	int fd, r;

	dir = xasprintf("%.*s", slash ? (int)(slash - j->cdb_path) + 1 : 2,
	    slash ? j->cdb_path : "./");
	tmp = xasprintf("%s.%s.XXXXXX", dir, base);
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0) {
		r = err_sys(err, "cannot make a file in %s", dir);
	} else {
		r = write_rows(j, fd, err);
		if (r == 0)
			r = finish_file(j, fd, err);
		close_fd(fd);
		if (r == 0 && rename(tmp, j->cdb_path) != 0)
			r = err_sys(err, "cannot rename to %s", j->cdb_path);
		if (r != 0)
			unlink(tmp);
		else
			r = sync_dir(dir, err);
	}
	free(tmp);
	free(dir);
	return r;
}

/* tell what is wrong with the rows; nothing is written */
static int
check_rows(struct job *j, struct err *err)
{
	struct str value = STR_INIT;
	size_t i;

	for (i = 0; i < j->table.n; i++)
		if (put_row(j, NULL, &j->table.row[i], &value, err) != 0)
			map_table_bad(&j->table, err);
	str_wipe(&value);
	return map_table_good(&j->table, err);
}

static int
compile(struct job *j, const char *text_path, struct err *err)
{
	int r;

	if (map_table_read(&j->table, text_path, &j->text_st, err) != 0)
		return -1;
	r = map_text_parse(&j->table, err);
	map_table_by_line(&j->table);
	if (map_reporting())
		return check_rows(j, err);
	return r == 0 ? write_cdb(j, err) : -1;
}

int
map_compile_cdb_with(const char *text_path, const char *cdb_path,
    mode_t mode, uid_t uid, gid_t gid, map_filter_fn *filter, void *ctx,
    size_t *count_r, struct err *err)
{
	struct job j = { .cdb_path = cdb_path, .mode = mode, .uid = uid,
	    .gid = gid, .filter = filter, .ctx = ctx };
	int r = compile(&j, text_path, err);

	map_table_free(&j.table);
	if (r == 0 && count_r != NULL)
		*count_r = j.count;
	return r;
}

int
map_compile_cdb(const char *text_path, const char *cdb_path, mode_t mode,
    uid_t uid, gid_t gid, size_t *count_r, struct err *err)
{
	return map_compile_cdb_with(text_path, cdb_path, mode, uid, gid, NULL,
	    NULL, count_r, err);
}

int
map_stale(const char *text_path, const char *cdb_path, struct err *err)
{
	struct stat text, cdb;

	if (stat(text_path, &text) != 0)
		return err_sys(err, "cannot look at %s", text_path);
	if (stat(cdb_path, &cdb) != 0)
		return 1;
	return text.st_mtim.tv_sec != cdb.st_mtim.tv_sec ||
	    text.st_mtim.tv_nsec != cdb.st_mtim.tv_nsec;
}
