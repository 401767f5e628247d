/*
 * queue_list.c - messages of the queue, for people and for programs.  A list
 * is asked for page by page, so neither we nor qmgr hold a long queue in
 * memory.
 */
#include "queue_list.h"

#include "ctl.h"

#include <time.h>

enum { PAGE = 100000 };

void
print_counts(int64_t messages, int64_t rcpts)
{
	printf("%lld message%s, %lld recipient%s\n", (long long)messages,
	    messages == 1 ? "" : "s", (long long)rcpts,
	    rcpts == 1 ? "" : "s");
}

static void
list_json(struct listing *l, const struct qmgr_item *m)
{
	struct str *o = &l->text;
	bool first = true;

	str_adds(o, l->first ? "[{" : ",\n{");
	l->first = false;
	json_member(o, &first, "id", m->q);
	json_member(o, &first, "state", m->state);
	json_member(o, &first, "from", m->sender);
	json_member(o, &first, "to", m->rcpt);
	json_member(o, &first, "original", m->orig);
	json_member(o, &first, "destination", m->dest);
	json_int(o, &first, "size", m->size);
	json_int(o, &first, "created", m->created);
	json_int(o, &first, "due", m->due);
	json_int(o, &first, "attempts", m->attempts);
	json_int(o, &first, "priority", m->priority);
	json_member(o, &first, "status", m->dsn);
	json_member(o, &first, "text", m->text);
	json_member(o, &first, "session", m->session);
	if (m->until != 0) {
		json_int(o, &first, "suspended_until", m->until);
		json_member(o, &first, "trouble", m->why);
	}
	str_addc(o, '}');
}

/* right-aligned; printf would take most of the time of a long list */
static void
pad(struct str *o, const char *z, size_t width)
{
	static const char blanks[] = "                "
	    "                                ";
	size_t n = strlen(z);

	assert(width < sizeof(blanks));
	if (width > n)
		str_add(o, blanks, width - n);
	str_add(o, z, n);
}

static void
head_line(struct listing *l, const struct qmgr_item *m)
{
	struct str *o = &l->text, cell = STR_INIT;
	size_t at = o->len;

	str_adds(o, m->q);
	pad(o, "", at + 12 - MIN(o->len, at + 12));
	at = o->len;
	str_adds(o, m->state);
	pad(o, "", at + 9 - MIN(o->len, at + 9));
	show_age(&cell, l->now - m->created);
	pad(o, cell.s, 6);
	str_reset(&cell);
	show_size(&cell, (uint64_t)m->size);
	pad(o, cell.s, 7);
	str_reset(&cell);
	if (m->due > l->now)
		show_age(&cell, m->due - l->now);
	pad(o, cell.len > 0 ? cell.s : "-", 7);
	str_free(&cell);
	str_adds(o, "  <");
	str_adds(o, m->sender);
	str_addc(o, '>');
	if (m->priority != 0)
		str_addf(o, " priority %lld", (long long)m->priority);
	str_addc(o, '\n');
}

static void
list_suspended(struct listing *l, const struct qmgr_item *m)
{
	struct str *o = &l->text;
	time_t t = (time_t)m->until;
	struct tm tm;
	char when[32];

	pad(o, "[", 46);
	if (localtime_r(&t, &tm) == NULL) {	/* no end: of a pause */
		str_addf(o, "paused: %s]\n", m->why);
		return;
	}
	strftime(when, sizeof(when), m->until - l->now < 86400 ? "%H:%M:%S" :
	    "%Y-%m-%d %H:%M", &tm);
	str_addf(o, "suspended until %s: %s]\n", when, m->why);
}

/* the columns are fixed, so that a line can go out at once */
static void
list_text(struct listing *l, const struct qmgr_item *m)
{
	struct str *o = &l->text;

	if (l->first)
		str_addf(o, "%-11s %-9s %5s %6s %6s  %s\n", "ID", "STATE",
		    "AGE", "SIZE", "NEXT", "FROM and TO");
	l->first = false;
	if (strcmp(l->last, m->q) != 0)
		head_line(l, m);
	pad(o, "", 43);
	str_adds(o, m->rcpt);
	str_adds(o, m->dest[0] ? " via " : "");
	str_adds(o, m->dest);
	str_addc(o, '\n');
	if (m->until > l->now)
		list_suspended(l, m);
	if (m->text[0] == '\0' && m->dsn[0] == '\0')
		return;
	pad(o, "(", 46);
	str_adds(o, m->dsn);
	str_adds(o, m->dsn[0] ? " " : "");
	str_adds(o, m->text);
	str_addf(o, "; attempts: %lld)\n", (long long)m->attempts);
}

int
queue_items(void *ctx, const void *more, struct err *err)
{
	const struct qmgr_items *v = more;
	struct listing *l = ctx;
	struct qmgr_item m;
	size_t i;

	if (l->quiet)
		return 0;
	str_reset(&l->text);
	for (i = 0; i < v->q.n; i++) {
		if (qmgr_items_get(v, i, &m, err) != 0)
			return -1;
		if (l->json)
			list_json(l, &m);
		else
			list_text(l, &m);
		slice_copy(l->last, sizeof(l->last), slice_of(m.q));
	}
	if (fwrite(l->text.s, 1, l->text.len, stdout) != l->text.len)
		return err_sys(err, "cannot write");
	return 0;
}

int
queue_pages(struct ipc *c, const struct qmgr_filter *filter,
    struct listing *l, struct err *err)
{
	struct qmgr_filter f = *filter;
	int64_t left = f.limit;
	struct qmgr_count n;

	do {
		f.limit = left > 0 ? MIN(left, (int64_t)PAGE) : PAGE;
		if (ipc_call_more(c, &qmgr_list, &f, -1, queue_items, l, &n,
		    err) != 0)
			return -1;
		l->messages += n.messages;
		l->rcpts += n.rcpts;
		f.after = arena_strdup(&ctl_arena, n.next);
		left -= n.messages;
	} while (n.next[0] != '\0' && n.messages > 0 &&
	    (filter->limit == 0 || left > 0));
	return 0;
}
