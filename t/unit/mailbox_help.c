/* mailbox_help.c - see mailbox_help.h */
#include "mailbox_help.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "store/dir.h"
#include "test/tap.h"

struct err test_err;

void
place_make(struct place *p, const char *name)
{
	struct str path = STR_INIT;

	str_addf(&path, "%s/%s", tap_dir(), name);
	mkdir(path.s, 0700);
	memset(p, 0, sizeof(*p));
	p->dir = xstrdup(path.s);
	p->at.dir = open(path.s, O_PATH | O_DIRECTORY | O_CLOEXEC);
	str_adds(&path, ".index");
	mkdir(path.s, 0700);
	p->at.index = open(path.s, O_PATH | O_DIRECTORY | O_CLOEXEC);
	p->at.maildir = p->at.dir;
	p->at.hostname = "host.example";
	if (p->at.dir < 0 || p->at.index < 0)
		die("%s: %s", path.s, strerror(errno));
	str_free(&path);
	mkdirat(p->at.dir, "new", 0700);
	mkdirat(p->at.dir, "cur", 0700);
	mkdirat(p->at.dir, "tmp", 0700);
}

void
place_free(struct place *p)
{
	close_fd(p->at.dir);
	close_fd(p->at.index);
	free(p->dir);
}

struct mailbox *
place_open(struct place *p, unsigned flags)
{
	struct mailbox *mb = mailbox_open(&p->at, flags, &test_err);

	if (mb == NULL)
		die("open %s: %s", p->dir, test_err.text);
	return mb;
}

void
place_put(struct place *p, const char *name, const char *text)
{
	int fd = openat(p->at.dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || full_write(fd, text, strlen(text)) < 0)
		die("%s: %s", name, strerror(errno));
	close(fd);
}

bool
place_has(struct place *p, const char *name)
{
	return faccessat(p->at.dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void
place_move(struct place *p, const char *from, const char *to)
{
	if (renameat(p->at.dir, from, p->at.dir, to) < 0)
		die("%s to %s: %s", from, to, strerror(errno));
}

void
place_remove(struct place *p, const char *name)
{
	if (unlinkat(p->at.dir, name, 0) < 0)
		die("%s: %s", name, strerror(errno));
}

struct finding { const char *start; char *name; size_t n; };

static int
find_one(void *ctx, const char *name, int type)
{
	struct finding *f = ctx;

	(void)type;
	if (strncmp(name, f->start, strlen(f->start)) != 0)
		return 0;
	if (f->n++ == 0)
		snprintf(f->name, NAME_MAX + 1, "%s", name);
	return 0;
}

const char *
place_find(struct place *p, const char *sub, const char *start)
{
	static char name[NAME_MAX + 1];
	struct finding f = { start, name, 0 };

	dir_each(p->at.dir, sub, false, find_one, &f, &test_err);
	return f.n == 0 ? "" : f.n == 1 ? name : "many";
}

size_t
place_count(struct place *p, const char *sub)
{
	char name[NAME_MAX + 1];
	struct finding f = { "", name, 0 };

	dir_each(p->at.dir, sub, false, find_one, &f, &test_err);
	return f.n;
}

const char *
view(const struct mailbox *mb)
{
	static const char letters[] = "SRFTDP";
	static struct str s = STR_INIT;
	struct mailbox_keywords k;
	size_t i, j;

	str_reset(&s);
	for (i = 0; i < mb->n; i++) {
		const struct mailbox_msg *m = &mb->msg[i];

		str_addf(&s, "%s%s%u:", i ? ";" : "",
		    m->flags & MSG_GONE ? "(" : "", m->uid);
		for (j = 0; letters[j]; j++)
			if (m->flags & (1u << j))
				str_addc(&s, letters[j]);
		if (!(m->flags & MSG_KEPT))
			str_addc(&s, '-');
		k = mailbox_keywords(mb, m->kw);
		for (j = 0; j < k.n; j++)
			str_addf(&s, ",%s", k.v[j]);
		if (m->flags & MSG_GONE)
			str_addc(&s, ')');
	}
	return s.s;
}

static size_t
indexes(struct mailbox *mb, uint32_t first, uint32_t last, uint32_t **out)
{
	size_t i, n = 0;

	*out = xcalloc(mb->n + 1, sizeof(**out));
	for (i = mailbox_find(mb, first); i < mb->n &&
	    mb->msg[i].uid <= last; i++)
		(*out)[n++] = (uint32_t)i;
	return n;
}

static unsigned
flag_bits(const char *p, const char **end)
{
	static const char letters[] = "SRFTDP";
	unsigned f = 0;
	const char *l;

	for (; *p != '\0' && (l = strchr(letters, *p)) != NULL; p++)
		f |= 1u << (l - letters);
	*end = p;
	return f;
}

int
change(struct mailbox *mb, uint32_t first, uint32_t last, const char *what)
{
	struct slice kw[8], rest;
	struct flags_change c = { .kw = kw };
	uint32_t *idx;
	size_t n = indexes(mb, first, last, &idx);
	const char *p;
	int r;

	c.op = what[0] == '+' ? FLAGS_ADD : what[0] == '-' ? FLAGS_REMOVE :
	    FLAGS_SET;
	c.flags = flag_bits(what + 1, &p);
	rest = slice_of(p);
	while (c.nkw < ARRAY_LEN(kw) && slice_word(&rest, &kw[c.nkw]))
		c.nkw++;
	r = mailbox_flags(mb, idx, n, &c, NULL, &test_err);
	free(idx);
	return r;
}

int
expunge(struct mailbox *mb, uint32_t first, uint32_t last)
{
	uint32_t *idx;
	size_t n = indexes(mb, first, last, &idx);
	int r = mailbox_expunge(mb, idx, n, &test_err);

	free(idx);
	return r;
}

uint32_t
append(struct mailbox *mb, const char *text, unsigned flags, const char *kw)
{
	struct mailbox_add *a = mailbox_add_new(mb);
	struct slice k = slice_of(kw);
	struct mailbox_attrs at = { flags, &k, kw != NULL, 1000000000 };
	uint32_t uid = 0;

	if (mailbox_add_begin(a, &test_err) < 0 ||
	    mailbox_add_write(a, slice_of(text), &test_err) < 0 ||
	    mailbox_add_end(a, &at, &test_err) < 0 ||
	    mailbox_add_commit(a, &uid, &test_err) < 0)
		uid = 0;
	mailbox_add_free(a);
	return uid;
}

const char *
text_of(struct mailbox *mb, size_t i)
{
	static char buf[65536];
	int fd = mailbox_read(mb, i, &test_err);
	ssize_t n;

	if (fd < 0)
		return test_err.text;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}
