/*
 * checks.c - walks a message for the content checks.
 *
 * What is looked at is read once into memory: no further than a table wants it,
 * and freed at once.  All is bounded: the tree by lib/mime, a part's body by
 * body_checks_size, a text by TEXT_MAX, one match by lib/map, and all of a
 * message by checks_time.  Where that is over, or a match was given up, the
 * rest is not looked at and the log says so: a message that is put off for it
 * would come again for days and never get in.
 */
#include "checks.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "map/live.h"
#include "mime/header.h"
#include "mime/part.h"
#include "serve/jail.h"

enum { TEXT_MAX = 8192, LOAD_MAX = 256 << 20 };

static struct map_live tables[CHECKS];
static struct map *open_now[CHECKS];	/* of the message at hand */

struct walk {
	struct checks k;
	struct slice msg;	/* what the client sent */
	uint64_t base;		/* where it lies in the content */
	bool whole;		/* msg is all of it */
	int64_t until;
	const char *gave_up;	/* why the log is told */
	struct str value;
	struct arena arena;
};

static const char *
spec(enum check_where w)
{
	const char *s = w == CHECK_HEADER ? conf.header_checks :
	    w == CHECK_MIME ? conf.mime_header_checks :
	    w == CHECK_NESTED ? conf.nested_header_checks : conf.body_checks;

	if (s[0] == '\0' && (w == CHECK_MIME || w == CHECK_NESTED))
		s = conf.header_checks;
	return strcmp(s, "none") == 0 ? "" : s;
}

void
checks_init(void)
{
	int w;

	map_set_dir(common.conf_dir);
	for (w = 0; w < CHECKS; w++)
		map_live_init(&tables[w], spec((enum check_where)w));
}

int
checks_check(struct err *err)
{
	int w;

	for (w = 0; w < CHECKS; w++)
		if (*spec((enum check_where)w) != '\0' &&
		    map_check(spec((enum check_where)w), err) < 0)
			return err_prefix(err, "%s_checks", check_names[w]);
	return 0;
}

static int
valid_row(void *ctx, struct slice key, struct slice value)
{
	struct err *err = ctx;
	char *z = slice_dup(value);
	int rc = check_action_valid(z, err) < 0;

	free(z);
	if (rc != 0)
		err_prefix(err, "row %.*s", (int)MIN(key.n, (size_t)200),
		    key.p);
	return rc;
}

int
checks_rows(struct err *err)
{
	struct err ignored;
	struct map *m;
	int w, rc = 0;

	if (!common_checking)
		return 0;
	map_set_dir(common.conf_dir);
	for (w = 0; w < CHECKS && rc == 0; w++) {
		if (*spec((enum check_where)w) == '\0' ||
		    map_open(spec((enum check_where)w), &m, &ignored) < 0)
			continue;
		rc = map_each(m, valid_row, err, &ignored);
		map_close(m);
		if (rc > 0)
			return err_prefix(err, "%s_checks", check_names[w]);
		rc = 0;
	}
	return 0;
}

static int
valid(void *ctx, struct slice key UNUSED, struct slice value)
{
	struct err err = ERR_INIT;
	char *z = slice_dup(value);

	if (check_action_valid(z, &err) < 0)
		log_event(LOG_WARN, "table", KS("table", ctx), KERR(&err),
		    KEND);
	free(z);
	return 0;
}

int
checks_open(struct err *err)
{
	struct err ignored = ERR_INIT;
	int w;

	for (w = 0; w < CHECKS; w++) {
		if (jail_table(tables[w].spec, err) < 0)
			return -1;
		/* a bad action is told now, not when mail comes */
		if (tables[w].spec[0] != '\0' && (w == CHECK_HEADER ||
		    strcmp(tables[w].spec, tables[CHECK_HEADER].spec) != 0) &&
		    map_live_refresh(&tables[w], &ignored) == 0)
			map_each(tables[w].map, valid,
			    (void *)(uintptr_t)tables[w].spec, &ignored);
	}
	return 0;
}

bool
checks_any(void)
{
	int w;

	for (w = 0; w < CHECKS; w++)
		if (tables[w].spec[0] != '\0')
			return true;
	return false;
}

static bool
time_is_over(struct walk *w)
{
	/* a table of many expressions may take long for one text */
	if (mono_ms() > w->until)
		w->gave_up = "time";
	return w->gave_up != NULL && strcmp(w->gave_up, "time") == 0;
}

/* 0 go on, 1 enough, -1 */
static int
ask(struct walk *w, enum check_where where, struct slice line, size_t all,
    struct err *err)
{
	struct check_hit h = { where, line,
		w->base + (size_t)(line.p - w->msg.p), all, NULL };
	bool long_match = false;
	int r;

	if (open_now[where] == NULL)
		return 0;
	if (time_is_over(w))
		return 1;
	str_reset(&w->value);
	r = map_get_text(open_now[where], slice_sub(line, 0, TEXT_MAX),
	    &w->value, &long_match, err);
	if (long_match)
		w->gave_up = "match";
	if (r <= 0)
		return r;
	h.action = w->value.s;
	return check_act(&w->k, &h, err);
}

static bool
is_mime(struct slice name)
{
	return slice_istarts(name, "Content-") ||
	    slice_ieqz(name, "MIME-Version");
}

static int
walk_header(struct walk *w, const struct mime_part *p, enum check_where where,
    struct err *err)
{
	struct mime_scan scan;
	struct mime_field f;
	struct slice line;
	int r = 0;

	mime_scan_init(&scan, slice_sub(w->msg, p->begin.pos,
	    p->body.pos - p->begin.pos));
	while (r == 0 && mime_scan_next(&scan, &f)) {
		line = f.raw;
		if (slice_ends(line, "\n"))
			line.n--;
		r = ask(w, is_mime(f.name) ? CHECK_MIME : where, line,
		    f.raw.n, err);
	}
	return r;
}

static int
walk_body(struct walk *w, const struct mime_part *p, struct err *err)
{
	struct slice body = slice_sub(w->msg, p->body.pos,
	    p->end.pos - p->body.pos), line;
	size_t at = 0, lf;
	int r = 0;

	while (r == 0 && at < body.n && at < conf.body_checks_size) {
		line = slice_sub(body, at, body.n);
		lf = slice_find(line, '\n');
		/* of the last line there may be more than was read */
		if (lf == line.n && p->end.pos == w->msg.n && !w->whole)
			break;
		line.n = lf;
		at += lf + (at + lf < body.n);
		r = ask(w, CHECK_BODY, line, at - (size_t)(line.p - body.p),
		    err);
	}
	return r;
}

/* does an empty line end its header? */
static bool
is_apart(const struct walk *w, const struct mime_part *p)
{
	struct slice header = slice_sub(w->msg, p->begin.pos,
	    p->body.pos - p->begin.pos);

	return slice_eqz(header, "\n") || slice_ends(header, "\n\n");
}

/* A body that follows its header without an empty line gets one, where splices
 * from n on change it: without its first lines the next ones could be fields.
 * So do the messages around it which begin in the same place. */
static void
separate(struct walk *w, const struct mime_part *p, size_t n)
{
	struct splices *s = &w->k.splices;
	struct splice blank = { .at = w->base + p->body.pos,
		.text = SLICE_LIT("\n\n\n\n\n\n\n\n") };
	size_t lines = 0;

	if (s->n == n || is_apart(w, p))
		return;
	do
		lines++;
	while (p->is_message && p->begin.pos == p->body.pos &&
	    (p = p->parent) != NULL && !is_apart(w, p));
	blank.text = slice_sub(blank.text, 0, lines);
	splice_add(s, blank.at, 0, blank.text);
	memmove(&s->v[n + 1], &s->v[n], (s->n - 1 - n) * sizeof(*s->v));
	s->v[n] = blank;
}

static int
walk(struct walk *w, struct mime_part *root, struct err *err)
{
	struct mime_part *p;
	size_t n;
	int r = 0;

	for (p = root; r == 0 && p != NULL; p = mime_next(p)) {
		r = walk_header(w, p, p == root ? CHECK_HEADER :
		    p->is_message ? CHECK_NESTED : CHECK_MIME, err);
		n = w->k.splices.n;
		if (r == 0 && p->child == NULL &&
		    open_now[CHECK_BODY] != NULL)
			r = walk_body(w, p, err);
		separate(w, p, n);
	}
	return MIN(r, 0);
}

/* How much of it is to be read: of a message without parts the header, and of
 * its body what body_checks look at. */
static size_t
wanted(struct walk *w, uint64_t size, size_t header, struct err *err)
{
	uint64_t all = size - w->base, n = header;
	char *head = xmalloc(header + 1);
	struct mime_part *root;

	if (content_read(w->k.m->fd, head, header, w->base, err) < 0) {
		free(head);
		return SIZE_MAX;
	}
	root = mime_parse_header((struct slice){ head, header }, NULL,
	    &w->arena);
	if (root->kind != MIME_LEAF)
		n = all;
	else if (open_now[CHECK_BODY] != NULL)
		n += conf.body_checks_size + 2 * TEXT_MAX;
	free(head);
	arena_reset(&w->arena);
	return (size_t)MIN(MIN(n, all), (uint64_t)LOAD_MAX);
}

static int
walk_message(struct walk *w, uint64_t size, size_t header, struct err *err)
{
	size_t n = wanted(w, size, header, err);
	char *p;
	int r;

	if (n == SIZE_MAX)
		return -1;
	p = xmalloc(n + 1);
	r = content_read(w->k.m->fd, p, n, w->base, err);
	if (r == 0) {
		w->msg = (struct slice){ p, n };
		w->whole = n == size - w->base;
		r = walk(w, mime_parse(w->msg, NULL, &w->arena), err);
	}
	free(p);
	return r;
}

/* the newest version of each table, the same for all of the message */
static int
refresh(struct err *err)
{
	int w;

	for (w = 0; w < CHECKS; w++) {
		open_now[w] = NULL;
		if (tables[w].spec[0] == '\0')
			continue;
		if (map_live_refresh(&tables[w], err) < 0)
			return -1;
		open_now[w] = tables[w].map;
	}
	return 0;
}

int
checks_run(struct message *m, const struct content_facts *f, uint64_t *size,
    struct err *err)
{
	struct walk w = { .k.m = m, .base = m->trace, .value = STR_INIT,
		.until = mono_ms() + conf.checks_time };
	int r;

	if (refresh(err) < 0)
		return -1;
	r = walk_message(&w, *size, f->body - m->trace, err);
	if (w.gave_up != NULL)
		log_event(LOG_WARN, "check_limit", KS("limit", w.gave_up),
		    KEND);
	if (r == 0 && w.k.splices.n > 0 && !m->discard)
		r = rewrite(m, &w.k.splices, size, err) < 0 ? -1 : 1;
	splices_free(&w.k.splices);
	str_free(&w.value);
	arena_free(&w.arena);
	return r;
}
