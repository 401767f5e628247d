/*
 * tree_meta.c - what is kept of a folder beside its messages, in its file
 * .state/meta (the server's own: .state/server of Maildir):
 *
 *	postrider-meta 1
 *	special \Sent
 *	set /private/comment Sent from the office
 *
 * Values have % and controls as %XX.  The special use is in the first lines,
 * since a listing reads no more than these.
 */
#include "store/tree_part.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "store/dir.h"

#define HEAD "postrider-meta 1\n"
#define SPECIAL_ENTRY "/private/specialuse"	/* RFC 6154 section 4 */

enum { FILE_MAX = 2 << 20, HEAD_MAX = 64, ENTRY_MAX = 1024 };

/* RFC 6154; \All and \Flagged would be searches, which no folder is */
static const char *const uses[] = {
	"\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash",
	"\\Important",	/* RFC 8457 */
};

const char *
tree_special_name(const char *special)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(uses); i++)
		if (strcasecmp(uses[i], special) == 0)
			return uses[i];
	return NULL;
}

void
tree_special_text(struct str *out, const char *special)
{
	str_adds(out, HEAD);
	if (special != NULL)
		str_addf(out, "special %s\n", special);
}

/* "special \Sent" of text, or NULL */
static const char *
special_in(struct slice text)
{
	struct slice line;
	size_t i;

	if (!slice_starts(text, HEAD "special "))
		return NULL;
	text = slice_sub(text, sizeof(HEAD "special ") - 1, text.n);
	slice_cut(&text, '\n', &line);
	for (i = 0; i < ARRAY_LEN(uses); i++)
		if (slice_eqz(line, uses[i]))
			return uses[i];
	return NULL;
}

const char *
tree_special_of(struct tree *t, const char *dir)
{
	struct str path = STR_INIT;
	char buf[HEAD_MAX];
	ssize_t n = -1;
	int fd;

	str_addf(&path, "%s/.state/meta", dir);
	fd = dir_open(t->maildir, path.s, O_RDONLY | O_NONBLOCK, 0);
	if (fd >= 0)
		n = read(fd, buf, sizeof(buf));
	close_fd(fd);
	str_free(&path);
	return n <= 0 ? NULL :
	    special_in((struct slice){ buf, (size_t)n });
}

struct search { struct tree *t; const char *special, *except; };

static int
has_special(void *ctx, const char *name, int type UNUSED)
{
	struct search *s = ctx;
	const char *use;

	if (name[0] != '.' || strcmp(name, s->except) == 0)
		return 0;
	use = tree_special_of(s->t, name);
	return use != NULL && strcmp(use, s->special) == 0;
}

int
tree_special_free(struct tree *t, const char *special, const char *dir,
    struct err *err)
{
	struct search s = { t, special, dir };
	const char *inbox = tree_special_of(t, ".");
	int r;

	r = inbox != NULL && strcmp(inbox, special) == 0 &&
	    strcmp(dir, ".") != 0;
	if (r == 0)
		r = dir_each(t->maildir, ".", true, has_special, &s, err);
	return r != 1 ? r : err_perm(err, "5.1.4",
	    "another mailbox is used as %s", special);
}

/* the place of folder's file; name "" is the server */
struct place { struct str dir, path; const char *file; };

static int
find_place(struct tree *t, const char *folder, struct place *p,
    struct err *err)
{
	struct stat st;

	*p = (struct place){ STR_INIT, STR_INIT,
		folder[0] ? "meta" : "server" };
	if (folder[0] == '\0')
		str_addc(&p->dir, '.');
	else if (tree_dir(folder, &p->dir, err) < 0)
		return -1;
	if (fstatat(t->maildir, p->dir.s, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? tree_none(folder, err) :
		    err_sys(err, "folder %s", p->dir.s);
	str_addf(&p->path, "%s/.state", p->dir.s);
	return 0;
}

static void
free_place(struct place *p)
{
	str_free(&p->dir);
	str_free(&p->path);
}

static int
load(struct tree *t, const struct place *p, struct str *text,
    struct err *err)
{
	struct str path = STR_INIT;
	int r;

	str_addf(&path, "%s/%s", p->path.s, p->file);
	r = tree_read(t->maildir, path.s, FILE_MAX, text, err);
	str_free(&path);
	if (r == 1 && !slice_starts(slice_str(text), HEAD))
		str_reset(text);	/* damaged, or not ours */
	return r < 0 ? -1 : 0;
}

static int
save(struct tree *t, const struct place *p, const struct str *text,
    struct err *err)
{
	static const struct str none = STR_INIT;
	bool empty = text->len <= sizeof(HEAD) - 1;

	if (mkdirat(t->maildir, p->path.s, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "make %s", p->path.s);
	return tree_write(t->maildir, p->path.s, p->file,
	    empty ? &none : text, err);
}

/* "set ENTRY VALUE": 1; a damaged line: 0 */
static int
parse_line(struct slice line, struct slice *entry, struct slice *value)
{
	size_t blank;

	if (!slice_starts(line, "set "))
		return 0;
	line = slice_sub(line, 4, line.n);
	blank = slice_find(line, ' ');
	*entry = slice_sub(line, 0, blank);
	*value = slice_sub(line, blank + 1, line.n);
	return blank < line.n && slice_starts(*entry, "/");
}

static void
encode(struct str *out, struct slice value)
{
	size_t i;

	for (i = 0; i < value.n; i++) {
		unsigned c = (unsigned char)value.p[i];

		if (c < 0x20 || c == 0x7f || c == '%')
			str_addf(out, "%%%02X", c);
		else
			str_addc(out, (char)c);
	}
}

static void
decode(struct str *out, struct slice s)
{
	size_t i;
	int hi, lo;

	for (i = 0; i < s.n; i++) {
		hi = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
		lo = hi >= 0 ? hex_digit(s.p[i + 2]) : -1;
		if (lo >= 0) {
			str_addc(out, (char)(hi << 4 | lo));
			i += 2;
		} else {
			str_addc(out, s.p[i]);
		}
	}
}

/* RFC 5464 section 4.1: /private or /shared, no wildcards, ASCII */
static int
check_entry(const char *entry, struct str *out, struct err *err)
{
	struct slice s = slice_of(entry), rest = s, level;
	bool ok;
	size_t i;

	str_adds(out, entry);
	str_lower(out);
	ok = slice_starts(slice_str(out), "/private/") ||
	    slice_starts(slice_str(out), "/shared/");
	for (i = 0; i < s.n && ok; i++)
		ok = s.p[i] > 0x20 && s.p[i] < 0x7f && s.p[i] != '*' &&
		    s.p[i] != '%';
	slice_cut(&rest, '/', &level);
	while (ok && slice_cut(&rest, '/', &level))
		ok = level.n > 0;
	if (ok && s.n <= ENTRY_MAX)
		return 0;
	return err_perm(err, "5.1.3", "no entry can be called %.100s", entry);
}

struct edit { struct slice entry, value; };

/* text without the entry, and with its new value */
static int
edit_text(struct str *out, struct slice text, const struct edit *e,
    struct err *err)
{
	struct slice line, entry, value;
	size_t n = 0;

	tree_special_text(out, special_in(text));
	while (slice_cut(&text, '\n', &line)) {
		if (!parse_line(line, &entry, &value) ||
		    slice_eq(entry, e->entry))
			continue;
		str_addsl(out, line);
		str_addc(out, '\n');
		n++;
	}
	if (e->value.p == NULL)
		return 0;
	str_adds(out, "set ");
	str_addsl(out, e->entry);
	str_addc(out, ' ');
	encode(out, e->value);
	str_addc(out, '\n');
	if (n >= META_ENTRIES)
		return err_perm(err, "5.2.2", "too many annotations");
	if (out->len > FILE_MAX)
		return err_perm(err, "5.2.2", "the annotations are too long");
	return 0;
}

struct sum { struct tree *t; uint64_t bytes; };

static void
add_file(struct sum *s, const char *dir, const char *file)
{
	struct str path = STR_INIT;
	struct stat st;

	str_addf(&path, "%s/.state/%s", dir, file);
	if (fstatat(s->t->maildir, path.s, &st, AT_SYMLINK_NOFOLLOW) == 0)
		s->bytes += (uint64_t)st.st_size;
	str_free(&path);
}

static int
add_folder(void *ctx, const char *name, int type UNUSED)
{
	if (name[0] == '.')
		add_file(ctx, name, "meta");
	return 0;
}

/* No quota counts them, so what all folders have together is bounded. */
static int
check_total(struct tree *t, size_t more, struct err *err)
{
	struct sum s = { t, more };

	add_file(&s, ".", "meta");
	add_file(&s, ".", "server");
	if (dir_each(t->maildir, ".", true, add_folder, &s, err) < 0)
		return -1;
	return s.bytes <= META_TOTAL ? 0 : err_perm(err, "5.2.2",
	    "the annotations of all folders are too long");
}

static int
change(struct tree *t, const char *folder, const struct edit *e,
    struct err *err)
{
	struct str old = STR_INIT, text = STR_INIT;
	struct place p;
	int fd = tree_lock(t, err), r;

	if (fd < 0)
		return -1;
	r = find_place(t, folder, &p, err);
	if (r == 0)
		r = load(t, &p, &old, err);
	if (r == 0)
		r = edit_text(&text, slice_str(&old), e, err);
	if (r == 0 && text.len > old.len)
		r = check_total(t, text.len - old.len, err);
	if (r == 0)
		r = save(t, &p, &text, err);
	free_place(&p);
	str_free(&old);
	str_free(&text);
	close(fd);
	return r;
}

int
tree_meta_set(struct tree *t, const char *folder, const char *entry,
    struct slice value, struct err *err)
{
	struct str low = STR_INIT;
	char use[32];
	int r;

	r = check_entry(entry, &low, err);
	if (r == 0 && value.p != NULL && value.n > META_MAX)
		r = err_perm(err, "5.2.2", "an annotation has at most "
		    "%d octets", META_MAX);
	if (r == 0 && folder[0] && strcmp(low.s, SPECIAL_ENTRY) == 0)
		r = tree_special(t, folder, value.n == 0 ? NULL :
		    slice_copy(use, sizeof(use), value), err);
	else if (r == 0)
		r = change(t, folder, &(struct edit){ slice_str(&low),
		    value }, err);
	str_free(&low);
	return r;
}

int
tree_meta_each(struct tree *t, const char *folder, tree_meta_fn *fn,
    void *ctx, struct err *err)
{
	struct str text = STR_INIT, name = STR_INIT, val = STR_INIT;
	struct slice rest, line, entry, value;
	const char *use;
	struct place p;
	int r;

	r = find_place(t, folder, &p, err);
	if (r == 0)
		r = load(t, &p, &text, err);
	rest = slice_str(&text);
	use = special_in(rest);
	if (r == 0 && use != NULL)
		fn(ctx, SPECIAL_ENTRY, slice_of(use));
	while (r == 0 && slice_cut(&rest, '\n', &line)) {
		if (!parse_line(line, &entry, &value))
			continue;
		str_reset(&name);
		str_reset(&val);
		str_addsl(&name, entry);
		decode(&val, value);
		fn(ctx, name.s, slice_str(&val));
	}
	free_place(&p);
	str_free(&text);
	str_free(&name);
	str_free(&val);
	return r;
}

static int
set_special(struct tree *t, const char *folder, const char *use,
    struct err *err)
{
	struct str old = STR_INIT, text = STR_INIT;
	struct slice rest, line, e, v;
	struct place p;
	int r;

	r = find_place(t, folder, &p, err);
	if (r == 0 && use != NULL)
		r = tree_special_free(t, use, p.dir.s, err);
	if (r == 0)
		r = load(t, &p, &old, err);
	if (r == 0) {
		tree_special_text(&text, use);
		rest = slice_str(&old);
		while (slice_cut(&rest, '\n', &line))
			if (parse_line(line, &e, &v)) {
				str_addsl(&text, line);
				str_addc(&text, '\n');
			}
		r = save(t, &p, &text, err);
	}
	free_place(&p);
	str_free(&old);
	str_free(&text);
	return r;
}

int
tree_special(struct tree *t, const char *name, const char *special,
    struct err *err)
{
	const char *use = NULL;
	struct str canon = STR_INIT;
	int fd, r = 0;

	if (special != NULL && (use = tree_special_name(special)) == NULL)
		r = err_perm(err, "5.1.4", "no mailbox can be used as %.40s",
		    special);
	if (r == 0)
		r = tree_canon(name, &canon, err);
	if (r == 0) {
		fd = tree_lock(t, err);
		r = fd < 0 ? -1 : set_special(t, canon.s, use, err);
		close_fd(fd);
	}
	str_free(&canon);
	return r;
}
