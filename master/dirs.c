/*
 * dirs.c - the instance's directories: made where they are missing, looked at
 * where they are there.  A symbolic link, a foreign owner or a directory that
 * everybody may write is refused: somebody could put things under our names.
 */
#include "conf/common.h"
#include "master.h"
#include "store/dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

struct want {
	const char *path;
	enum role role;
	bool suite_group;	/* else the group of the role */
	mode_t mode;
	bool apart;		/* see dir_spread */
};

/* mkdir with parents (those: 0755, ours); 0 or -1 errno */
static int
make_path(const char *path)
{
	char *copy = xstrdup(path), *p = copy;
	int r = 0;

	while (r == 0 && (p = strchr(p + 1, '/')) != NULL) {
		*p = '\0';
		if (mkdir(copy, 0755) != 0 && errno != EEXIST)
			r = -1;
		*p = '/';
	}
	if (r == 0 && mkdir(path, 0700) != 0 && errno != EEXIST)
		r = -1;
	free(copy);
	return r;
}

static bool
is_empty(int fd)
{
	DIR *d = fdopendir(dup(fd));
	struct dirent *e;
	bool empty = d != NULL;

	while (empty && (e = readdir(d)) != NULL)
		empty = strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0;
	if (d != NULL)
		closedir(d);
	return empty;
}

static int
check_owner(const struct want *w, int fd, const struct stat *st, gid_t gid,
    struct err *err)
{
	uid_t uid = common.uid[w->role];

	if (st->st_uid != uid && (common.single_uid || !is_empty(fd)))
		return err_perm(err, "5.3.5", "%s belongs to uid %u; expected "
		    "uid %u", w->path, (unsigned)st->st_uid, (unsigned)uid);
	if ((st->st_mode & S_IWOTH) != 0)
		return err_perm(err, "5.3.5", "%s may be written by everybody "
		    "(mode %o)", w->path, (unsigned)st->st_mode & 07777);
	if ((st->st_uid != uid || st->st_gid != gid) && !common.single_uid &&
	    fchown(fd, uid, gid) != 0)
		return err_sys(err, "cannot give %s to uid %u gid %u",
		    w->path, (unsigned)uid, (unsigned)gid);
	return 0;
}

static int
prepare_at(const struct want *w, int fd, struct err *err)
{
	gid_t gid = w->suite_group ? common.suite_gid : common.gid[w->role];
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(err, "cannot look at %s", w->path);
	if (check_owner(w, fd, &st, gid, err) != 0)
		return -1;
	if ((st.st_mode & 07777) != w->mode && fchmod(fd, w->mode) != 0)
		return err_sys(err, "cannot set the mode of %s", w->path);
	if (w->apart)
		dir_spread(fd);
	return 0;
}

static int
prepare(const struct want *w, struct err *err)
{
	int fd, r;

	fd = open(w->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		if (make_path(w->path) != 0)
			return err_sys(err, "cannot make %s", w->path);
		fd = open(w->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
	}
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return err_perm(err, "5.3.5", "%s is no directory (a symbolic "
		    "link is not followed)", w->path);
	if (fd < 0)
		return err_sys(err, "cannot open %s", w->path);
	r = prepare_at(w, fd, err);
	close(fd);
	return r;
}

/* content/00 .. content/ff: files of the store's user in the queue's group,
 * see lib/queue/content.h */
static int
prepare_content(struct err *err)
{
	char *content = xasprintf("%s/content", common.spool_dir);
	struct want w = { content, ROLE_QUEUE, false, 02771, true };
	int i, r = prepare(&w, err);

	for (i = 0; r == 0 && i < 256; i++) {
		char *sub = xasprintf("%s/%02x", content, i);

		w.path = sub;
		w.apart = false;
		r = prepare(&w, err);
		free(sub);
	}
	free(content);
	return r;
}

/* so many domains of an earlier version are laid apart: master has to start */
enum { SPREAD_MAX = 5000 };

struct spread {
	int mail, left;
};

static int
spread_domain(void *ctx, const char *name, int type)
{
	struct spread *s = ctx;
	int fd = type != DT_DIR ? -1 :
	    dir_open(s->mail, name, O_RDONLY | O_DIRECTORY, 0);

	if (fd >= 0)
		dir_spread(fd);
	close_fd(fd);
	return --s->left <= 0;
}

/* The mailboxes of a domain, too, lie apart: who deletes much in one makes
 * no delivery to another slow.  Domains that are there already are looked at
 * once, when their directory gets the attribute; a new one is local's. */
static void
spread_domains(void)
{
	struct err err;
	struct spread s = { open(common.mail_dir, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC), SPREAD_MAX };

	if (s.mail >= 0 && dir_spread(s.mail))
		(void)dir_each(s.mail, ".", false, spread_domain, &s, &err);
	close_fd(s.mail);
}

int
dirs_prepare(struct err *err)
{
	char *private = xasprintf("%s/private", common.run_dir);
	char *public = xasprintf("%s/public", common.run_dir);
	char *gate = xasprintf("%s/gate", common.spool_dir);
	char *limit = xasprintf("%s/limit", common.spool_dir);
	char *auth = xasprintf("%s/auth", common.spool_dir);
	char *sts = xasprintf("%s/sts", common.spool_dir);
	const struct want wants[] = {
		{ common.run_dir, ROLE_ROOT, false, 0755, false },
		{ private, ROLE_ROOT, true, 0750, false },
		{ public, ROLE_ROOT, false, 0755, false },
		{ common.spool_dir, ROLE_QUEUE, false, 0711, true },
		{ gate, ROLE_NET, false, 0700, false },
		{ limit, ROLE_LIMIT, false, 0700, false },
		{ auth, ROLE_AUTH, false, 0700, false },
		{ sts, ROLE_STS, false, 0700, false },
		{ common.mail_dir, ROLE_STORE, false, 0711, false },
		{ common.log_dir, ROLE_LOG, false, 0750, false },
	};
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < ARRAY_LEN(wants); i++)
		r = prepare(&wants[i], err);
	if (r == 0)
		r = prepare_content(err);
	if (r == 0)
		spread_domains();
	free(private);
	free(public);
	free(gate);
	free(limit);
	free(auth);
	free(sts);
	return r;
}
