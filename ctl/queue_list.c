/*
 * queue_list.c - messages of the queue, for people and for programs.  A list
 * is asked for page by page, so neither we nor qmgr hold a long queue in
 * memory.
 */
#include "queue_list.h"

#include "ctl.h"

enum { PAGE = 1000 };

static void
list_json(struct listing *l, const struct qmgr_item *m)
{
	struct str *o = &l->line;
	bool first = true;

	str_adds(o, l->first ? "[{" : ",\n{");
	l->first = false;
	json_member(o, &first, "id", m->q);
	json_member(o, &first, "state", m->state);
	json_member(o, &first, "from", m->sender);
	json_member(o, &first, "to", m->rcpt);
	json_member(o, &first, "original", m->orig);
	json_member(o, &first, "destination", m->dest);
	json_int(o, &first, "size", (int64_t)m->size);
	json_int(o, &first, "created", m->created);
	json_int(o, &first, "due", m->due);
	json_int(o, &first, "attempts", m->attempts);
	json_int(o, &first, "priority", m->priority);
	json_member(o, &first, "status", m->dsn);
	json_member(o, &first, "text", m->text);
	json_member(o, &first, "session", m->session);
	str_addc(o, '}');
}

/* the columns are fixed, so that a line can go out at once */
static void
list_text(struct listing *l, const struct qmgr_item *m)
{
	struct str age = STR_INIT, size = STR_INIT, due = STR_INIT;

	if (l->first)
		str_addf(&l->line, "%-11s %-9s %5s %6s %6s  %s\n", "ID",
		    "STATE", "AGE", "SIZE", "NEXT", "FROM and TO");
	l->first = false;
	if (strcmp(l->last, m->q) != 0) {
		show_age(&age, l->now - m->created);
		show_size(&size, m->size);
		if (m->due > l->now)
			show_age(&due, m->due - l->now);
		else
			str_adds(&due, "-");
		str_addf(&l->line, "%-11s %-9s %5s %6s %6s  <%s>\n", m->q,
		    m->state, age.s, size.s, due.s, m->sender);
	}
	str_addf(&l->line, "%43s%s%s%s\n", "", m->rcpt, m->dest[0] ? " via " :
	    "", m->dest);
	if (m->text[0] != '\0' || m->dsn[0] != '\0')
		str_addf(&l->line, "%45s(%s%s%s; attempts: %lld)\n", "",
		    m->dsn, m->dsn[0] ? " " : "", m->text,
		    (long long)m->attempts);
	str_free(&age);
	str_free(&size);
	str_free(&due);
}

int
queue_item(void *ctx, const void *more, struct err *err)
{
	const struct qmgr_item *m = more;
	struct listing *l = ctx;

	str_reset(&l->line);
	if (l->json)
		list_json(l, m);
	else
		list_text(l, m);
	slice_copy(l->last, sizeof(l->last), slice_of(m->q));
	if (fwrite(l->line.s, 1, l->line.len, stdout) != l->line.len)
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
		if (ipc_call_more(c, &qmgr_list, &f, -1, queue_item, l, &n,
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
