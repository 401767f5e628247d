/*
 * view.c - the message under way, with all that the filters so far have
 * changed.  Invariant: v.edits, carried out one by one on what the client sent,
 * give the fields and the body of the view.
 */
#include "filter.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "mime/header.h"

enum { HEAD_STEP = 65536 };

static ssize_t
read_at(int fd, uint64_t at, char *p, size_t n, struct err *err)
{
	ssize_t r;

	do {
		r = pread(fd, p, n, (off_t)at);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? err_sys(err, "read content") : r;
}

/* the header, and perhaps more */
static int
load_head(struct view *v, uint64_t total, struct err *err)
{
	size_t from;
	ssize_t r;

	while (v->head.len < MIN(total, (uint64_t)MIME_HEADER_MAX)) {
		from = v->head.len > 0 ? v->head.len - 1 : 0;
		str_grow(&v->head, HEAD_STEP);
		r = read_at(v->fd, v->head.len, v->head.s + v->head.len,
		    (size_t)MIN((uint64_t)HEAD_STEP, total - v->head.len),
		    err);
		if (r < 0)
			return -1;
		if (r == 0)
			return err_temp(err, "4.3.0", "content is too short");
		v->head.len += (size_t)r;
		v->head.s[v->head.len] = '\0';
		if (memmem(v->head.s + from, v->head.len - from, "\n\n", 2))
			return 0;
	}
	if (total > MIME_HEADER_MAX)
		return err_perm(err, "5.3.4", "the header is too long");
	return 0;
}

static struct view_field *
make_room(struct view *v, size_t at)
{
	if (v->n == v->cap) {
		v->cap = v->cap > 0 ? 2 * v->cap : 64;
		v->v = xrealloc(v->v, v->cap * sizeof(*v->v));
	}
	memmove(v->v + at + 1, v->v + at, (v->n - at) * sizeof(*v->v));
	v->n++;
	v->v[at] = (struct view_field){ 0 };
	return &v->v[at];
}

/* what is behind the colon, without the end of the last line */
static struct slice
raw_value(const struct mime_field *f)
{
	struct slice s = f->raw;

	s = slice_sub(s, slice_find(s, ':') + 1, s.n);
	if (slice_ends(s, "\n"))
		s.n--;
	return s;
}

static void
parse(struct view *v)
{
	struct mime_scan scan;
	struct mime_field f;
	struct view_field *t;

	mime_scan_init(&scan, slice_sub(slice_str(&v->head), 0, v->trace));
	while (mime_scan_next(&scan, &f))
		if (v->received.n == 0 && slice_ieqz(f.name, "Received"))
			v->received = f.raw;
	mime_scan_init(&scan, slice_sub(slice_str(&v->head), v->trace,
	    v->head.len));
	while (mime_scan_next(&scan, &f)) {
		t = make_room(v, v->n);
		t->name = arena_slice(v->a, f.name);
		t->value = raw_value(&f);
	}
	v->blank = scan.blank;
	v->body_at = v->trace + scan.body;
}

int
view_open(struct view *v, int fd, const struct filter_content_in *in,
    struct arena *a, struct err *err)
{
	struct stat st;

	*v = (struct view){ .a = a, .head = STR_INIT, .fd = fd, .body = -1,
		.trace = (size_t)in->trace, .sender = "" };
	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat content");
	if (in->trace > MIME_HEADER_MAX / 2 || (uint64_t)st.st_size !=
	    in->trace + in->size)
		return err_temp(err, "4.3.0", "content has %lld bytes, not "
		    "%llu + %llu", (long long)st.st_size,
		    (unsigned long long)in->trace,
		    (unsigned long long)in->size);
	if (load_head(v, (uint64_t)st.st_size, err) < 0)
		return -1;
	parse(v);
	v->body_size = (uint64_t)st.st_size - v->body_at;
	return 0;
}

void
view_close(struct view *v)
{
	edits_clear(&v->edits);
	str_free(&v->head);
	free(v->v);
	v->v = NULL;
	v->n = v->cap = 0;
}

ssize_t
view_body(struct view *v, uint64_t at, char *p, size_t n, struct err *err)
{
	if (at >= v->body_size)
		return 0;
	n = (size_t)MIN((uint64_t)n, v->body_size - at);
	return v->body >= 0 ? read_at(v->body, at, p, n, err) :
	    read_at(v->fd, v->body_at + at, p, n, err);
}

int
view_memfd(struct err *err)
{
	int fd = memfd_create("body", MFD_CLOEXEC);

	return fd < 0 ? err_sys(err, "memfd_create") : fd;
}

/* index of the n-th of that name, deleted ones counted; v->n: none */
static size_t
find(const struct view *v, const char *name, int64_t n)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		if (strcasecmp(v->v[i].name, name) == 0 && --n <= 0)
			return i;
	return v->n;
}

/* the number that cleanup knows v->v[at] by: living ones of that name */
static int64_t
number_of(const struct view *v, size_t at)
{
	int64_t n = 1;
	size_t i;

	for (i = 0; i < at; i++)
		n += !v->v[i].dead &&
		    strcasecmp(v->v[i].name, v->v[at].name) == 0;
	return n;
}

static struct slice
value_of(struct view *v, const char *value)
{
	/* as cleanup writes it: one blank where it brings none */
	if (value[0] == '\0' || strchr(" \t\n", value[0]) != NULL)
		return slice_of(arena_strdup(v->a, value));
	return slice_of(arena_printf(v->a, " %s", value));
}

static void
add_field(struct view *v, size_t at, bool above, const struct edit *e)
{
	struct view_field *t = make_room(v, at);

	t->name = arena_strdup(v->a, e->name);
	t->value = value_of(v, e->value);
	t->above = above;
}

/* in front of the n-th field that a filter sees; 0: of all, ours included */
static void
insert(struct view *v, struct edit *e)
{
	size_t first = 0, at, i;

	while (first < v->n && v->v[first].above)
		first++;
	if (e->n <= 0) {
		e->n = 0;
		add_field(v, 0, true, e);
		return;
	}
	at = first + (size_t)MIN((uint64_t)e->n - 1, (uint64_t)(v->n - first));
	for (i = first, e->n = 1; i < at; i++)
		e->n += !v->v[i].dead;
	add_field(v, at, false, e);
}

/* false: it changes nothing */
static bool
change(struct view *v, struct edit *e)
{
	size_t at = find(v, e->name, MAX(e->n, (int64_t)1));
	bool delete = e->op == EDIT_DELETE_HEADER;

	if (at == v->n || v->v[at].dead) {
		if (delete)
			return false;
		e->op = EDIT_ADD_HEADER;
		e->n = 0;
		add_field(v, v->n, false, e);
		return true;
	}
	e->n = number_of(v, at);
	v->v[at].dead = delete;
	if (!delete)
		v->v[at].value = value_of(v, e->value);
	return true;
}

static int
new_body(struct view *v, int fd, struct err *err)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "a new body");
	v->body = fd;
	v->body_size = (uint64_t)st.st_size;
	return 0;
}

/* "<a@b>" or "a@b" */
static const char *
bare(struct arena *a, const char *z)
{
	struct slice s = slice_trim(slice_of(z));

	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = slice_sub(s, 1, s.n - 2);
	return arena_slice(a, s);
}

static void
delete_rcpt(struct view *v, const char *addr)
{
	size_t i, kept = 0;

	for (i = 0; i < v->rcpts.n; i++)
		if (strcasecmp(v->rcpts.v[i], addr) != 0)
			v->rcpts.v[kept++] = v->rcpts.v[i];
	v->rcpts.n = kept;
}

int
view_check(struct view *v, const struct edit *e, size_t n, struct err *err)
{
	struct edits tried = { 0 };
	size_t i;
	int rc = 0;

	if (n + v->edits.n >= EDITS_MAX)
		return err_temp(err, "4.3.0", "too many changes");
	for (i = 0; i < n && rc == 0; i++)
		rc = edits_add(&tried, &e[i], -1, v->a, err);
	edits_clear(&tried);
	return rc;
}

int
view_edit(struct view *v, const struct edit *e_in, int body, struct err *err)
{
	struct edit e = *e_in;

	/* nothing gets in here that cleanup would not take */
	if (e.op != EDIT_BODY && view_check(v, &e, 1, err) < 0)
		return -1;
	if (e.op == EDIT_INSERT_HEADER)
		insert(v, &e);
	else if (e.op == EDIT_ADD_HEADER)
		add_field(v, v->n, false, &e);
	else if ((e.op == EDIT_CHANGE_HEADER || e.op == EDIT_DELETE_HEADER) &&
	    !change(v, &e))
		return 0;
	if (e.op == EDIT_SENDER || e.op == EDIT_ADD_RCPT ||
	    e.op == EDIT_DELETE_RCPT)
		e.value = bare(v->a, e.value);
	if (e.op == EDIT_SENDER)
		v->sender = e.value;
	if (e.op == EDIT_ADD_RCPT)
		strlist_add(&v->rcpts, v->a, e.value);
	if (e.op == EDIT_DELETE_RCPT)
		delete_rcpt(v, e.value);
	if (edits_add(&v->edits, &e, body, v->a, err) < 0)
		return -1;
	return e.op == EDIT_BODY ? new_body(v, body, err) : 0;
}

void
view_settle(struct view *v)
{
	size_t i, kept = 0;

	for (i = 0; i < v->n; i++)
		if (!v->v[i].dead)
			v->v[kept++] = v->v[i];
	v->n = kept;
}

static void
print_field(const struct view_field *f, struct str *out)
{
	str_addf(out, "%s:", f->name);
	str_addsl(out, f->value);
	str_addc(out, '\n');
}

void
view_header(const struct view *v, bool ours, struct str *out)
{
	size_t i = 0;

	for (; i < v->n && v->v[i].above; i++)
		print_field(&v->v[i], out);
	if (ours)
		str_addsl(out, v->received);
	for (; i < v->n; i++)
		print_field(&v->v[i], out);
	if (v->blank || v->body >= 0)
		str_addc(out, '\n');
}
