/*
 * edit.c - files of the conf directory are replaced as a whole or not at all.
 */
#include "conf/common.h"
#include "ctl.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

static int
write_new(const char *tmp, struct slice text, const struct stat *as)
{
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600), r;

	if (fd < 0)
		return -1;
	r = full_write(fd, text.p, text.n);
	if (r == 0 && geteuid() == 0)
		r = fchown(fd, as->st_uid, as->st_gid);
	if (r == 0)
		r = fchmod(fd, as->st_mode & 07777);
	if (r == 0)
		r = fsync(fd);
	close_fd(fd);
	return r;
}

int
sync_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? xstrdup(".") :
	    xasprintf("%.*s", (int)(slash - path) + 1, path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = -1;

	if (fd >= 0)
		r = fsync(fd);
	close_fd(fd);
	free(dir);
	return r;
}

static int
replace(const char *path, struct slice text, const struct stat *as,
    struct err *err)
{
	char *tmp = xasprintf("%s.new-%d", path, (int)getpid());
	int r = 0;

	(void)unlink(tmp);
	if (write_new(tmp, text, as) != 0 || rename(tmp, path) != 0 ||
	    sync_parent(path) != 0) {
		r = err_sys(err, "cannot write %s", path);
		(void)unlink(tmp);
	}
	free(tmp);
	return r;
}

/* owner and mode of a file that is there stay */
int
file_replace(const char *path, struct slice text, mode_t mode,
    struct err *err)
{
	struct stat st;

	if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
		st = (struct stat){ .st_mode = mode, .st_uid = (uid_t)-1,
		    .st_gid = (gid_t)-1 };
	return replace(path, text, &st, err);
}

int
file_replace_as(const char *path, struct slice text, mode_t mode, uid_t uid,
    gid_t gid, struct err *err)
{
	struct stat st = { .st_mode = mode, .st_uid = uid, .st_gid = gid };

	return replace(path, text, &st, err);
}

int
edit_lock(const char *name, struct err *err)
{
	char *path = xasprintf("%s/.%s.lock", common.conf_dir, name);
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, LOCK_EX) != 0) {
		err_sys(err, "cannot lock %s", path);
		close_fd(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

/* --- conf files --- */

static bool
is_blank_or_comment(struct slice line)
{
	line = slice_trim(line);
	return line.n == 0 || line.p[0] == '#';
}

static bool
sets(struct slice line, const char *name)
{
	struct slice rest = line, left;

	if (line.n == 0 || ascii_isblank(line.p[0]) || line.p[0] == '#')
		return false;
	slice_cut(&rest, '=', &left);
	return rest.p != NULL && slice_eqz(slice_trim(left), name);
}

/* a section's header line */
static bool
header(struct slice line, struct slice *name)
{
	line = slice_trim(line);
	if (line.n < 2 || line.p[0] != '[')
		return false;
	*name = slice_trim(slice_sub(line, 1, slice_find(line, ']') - 1));
	return true;
}

struct conf_copy {
	struct str *out;
	const char *section, *name, *value;
	struct slice at;	/* section being read */
	size_t end;		/* of out, where the section's settings end */
	bool done, skipping;
};

static void
copy_line(struct conf_copy *c, struct slice line)
{
	struct slice name;

	if (header(line, &name)) {
		if (c->section[0] == '\0' && c->end == SIZE_MAX)
			c->end = c->out->len;	/* before all sections */
		c->at = name;
		c->skipping = false;
	} else if (c->skipping && line.n > 0 && ascii_isblank(line.p[0])) {
		return;
	} else {
		c->skipping = false;
	}
	if (slice_eqz(c->at, c->section) && sets(line, c->name)) {
		c->skipping = true;
		if (c->done)
			return;
		c->done = true;
		str_addf(c->out, "%s = %s\n", c->name, c->value);
		return;
	}
	str_addsl(c->out, line);
	str_addc(c->out, '\n');
	if (slice_eqz(c->at, c->section) && !is_blank_or_comment(line))
		c->end = c->out->len;
}

void
conf_text_set(struct str *text, const char *section, const char *name,
    const char *value)
{
	struct str out = STR_INIT, tail = STR_INIT;
	struct conf_copy c = { .out = &out, .section = section, .name = name,
	    .value = value, .at = SLICE_LIT(""), .end = SIZE_MAX };
	struct slice rest = slice_str(text), line;

	if (rest.n > 0 && rest.p[rest.n - 1] == '\n')
		rest.n--;
	while (text->len > 0 && slice_cut(&rest, '\n', &line))
		copy_line(&c, line);
	if (!c.done && c.end == SIZE_MAX && section[0] != '\0') {
		str_addf(&out, "\n[%s]\n%s = %s\n", section, name, value);
	} else if (!c.done) {
		c.end = MIN(c.end, out.len);
		str_adds(&tail, out.s + c.end);
		str_trunc(&out, c.end);
		str_addf(&out, "%s = %s\n%s", name, value, tail.s);
	}
	str_free(&tail);
	str_free(text);
	*text = out;
}

/* --- rows of text tables --- */

void
row_key(struct slice line, struct str *key)
{
	size_t i = 0;

	if (line.n == 0 || line.p[0] == '#' || ascii_isblank(line.p[0]))
		return;
	if (line.p[0] != '"') {
		while (i < line.n && !ascii_isblank(line.p[i]) &&
		    line.p[i] != ':')
			i++;
		str_add(key, line.p, i);
	} else {
		for (i = 1; i < line.n && line.p[i] != '"'; i++) {
			if (line.p[i] == '\\' && i + 1 < line.n)
				i++;
			str_addc(key, line.p[i]);
		}
	}
	str_lower(key);
}

void
row_put_key(struct str *out, const char *name)
{
	if (strpbrk(name, " :\"") == NULL && name[0] != '#') {
		str_adds(out, name);
		return;
	}
	str_addc(out, '"');
	for (; *name != '\0'; name++) {
		if (*name == '"' || *name == '\\')
			str_addc(out, '\\');
		str_addc(out, *name);
	}
	str_addc(out, '"');
}

int
row_find(struct slice text, const char *key, size_t *at, size_t *len)
{
	struct str k = STR_INIT, want = STR_INIT;
	struct slice rest = text, line;
	bool in = false;
	int found = 0;

	str_adds(&want, key);
	str_lower(&want);
	while (slice_cut(&rest, '\n', &line)) {
		if (in && line.n > 0 && ascii_isblank(line.p[0])) {
			*len = (size_t)(line.p + line.n - text.p) - *at;
			continue;
		}
		/* a continuation may come behind these */
		if (in && (line.n == 0 || line.p[0] == '#'))
			continue;
		if (in)
			break;
		str_reset(&k);
		row_key(line, &k);
		if (k.len == 0 || strcmp(k.s, want.s) != 0)
			continue;
		in = true;
		found = 1;
		*at = (size_t)(line.p - text.p);
		*len = line.n;
	}
	/* the line end too */
	if (found && *at + *len < text.n)
		++*len;
	str_free(&k);
	str_free(&want);
	return found;
}
