/*
 * cmd_notify.c - NOTIFY: RFC 5465 section 3.1 and 8.
 */
#include "imap/fetch.h"
#include "notify.h"

#define SUPPORTED "MessageNew MessageExpunge FlagChange MailboxName " \
    "SubscriptionChange MailboxMetadataChange ServerMetadataChange"

static const struct { const char *name; enum notify_filter filter; }
filters[] = {
	{ "selected", FILTER_SELECTED },
	{ "selected-delayed", FILTER_DELAYED },
	{ "inboxes", FILTER_INBOXES },
	{ "personal", FILTER_PERSONAL },
	{ "subscribed", FILTER_SUBSCRIBED },
	{ "subtree", FILTER_SUBTREE },
	{ "mailboxes", FILTER_MAILBOXES },
};
static const struct { const char *name; unsigned event; } events[] = {
	{ "MessageNew", NOTIFY_NEW },
	{ "MessageExpunge", NOTIFY_EXPUNGE },
	{ "FlagChange", NOTIFY_FLAGS },
	{ "MailboxName", NOTIFY_NAME },
	{ "SubscriptionChange", NOTIFY_SUBSCRIPTION },
	{ "MailboxMetadataChange", NOTIFY_META },
	{ "ServerMetadataChange", NOTIFY_SERVER_META },
};

static void
parse_names(struct imap_lex *l, struct notify *n, struct notify_group *g)
{
	struct slice name = { 0 };

	imap_lex_sp(l);
	if (imap_lex_peek(l) != '(') {
		if (imap_lex_mailbox(l, &name))
			strlist_add(&g->names, &n->arena,
			    arena_slice(&n->arena, name));
		return;
	}
	for (imap_lex_open(l); imap_lex_next(l); )
		if (imap_lex_mailbox(l, &name))
			strlist_add(&g->names, &n->arena,
			    arena_slice(&n->arena, name));
}

static void
parse_filter(struct imap_lex *l, struct notify *n, struct notify_group *g)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(filters); i++)
		if (imap_lex_try_word(l, filters[i].name))
			break;
	if (i == ARRAY_LEN(filters)) {
		imap_lex_expected(l, "a filter of mailboxes");
		return;
	}
	g->filter = filters[i].filter;
	if (g->filter == FILTER_SUBTREE || g->filter == FILTER_MAILBOXES)
		parse_names(l, n, g);
}

/* MessageNew's (items): kept as text, read again each time */
static void
parse_items(struct imap_lex *l, struct notify *n, struct notify_group *g)
{
	struct imap_fetch items = { 0 };
	size_t from = l->pos, len;

	if (!imap_fetch_parse_items(l, &items))
		return;
	len = l->pos - from;
	g->items = arena_slice(&n->arena, slice_sub(l->line, from, len));
}

static bool
parse_event(struct imap_lex *l, struct notify_group *g)
{
	struct slice name = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(events); i++)
		if (imap_lex_try_word(l, events[i].name))
			break;
	if (i == ARRAY_LEN(events)) {
		if (imap_lex_atom(l, &name))
			imap_lex_fail(l, IMAP_LEX_NO,
			    "BADEVENT (" SUPPORTED ")", "no such event");
		return false;
	}
	g->events |= events[i].event;
	return events[i].event == NOTIFY_NEW;
}

/* the items stand behind a blank in the list of events */
static void
parse_events(struct imap_lex *l, struct notify *n, struct notify_group *g)
{
	bool new = false;

	if (imap_lex_try_word(l, "NONE"))
		return;
	for (imap_lex_open(l); imap_lex_next(l); ) {
		if (new && imap_lex_peek(l) == '(')
			parse_items(l, n, g);
		else
			new = parse_event(l, g);
	}
}

static void
check_group(struct imap_lex *l, const struct notify_group *g)
{
	bool selected = g->filter == FILTER_SELECTED ||
	    g->filter == FILTER_DELAYED;
	unsigned e = g->events;
	const char *why = NULL;

	if (!(e & NOTIFY_NEW) != !(e & NOTIFY_EXPUNGE))
		why = "MessageNew and MessageExpunge go together";
	else if (e & NOTIFY_FLAGS && !(e & NOTIFY_NEW))
		why = "FlagChange goes with MessageNew and MessageExpunge";
	else if (selected && e & ~(unsigned)NOTIFY_MESSAGES)
		why = "the selected mailbox has events of messages only";
	else if (!selected && g->items != NULL)
		why = "items are for the selected mailbox only";
	if (why != NULL && imap_lex_ok(l))
		imap_lex_fail(l, IMAP_LEX_BAD, "", "%s", why);
}

static void
parse_group(struct imap_lex *l, struct notify *n)
{
	struct notify_group *g = &n->group[n->n];

	if (n->n == NOTIFY_GROUPS) {
		imap_lex_fail(l, IMAP_LEX_NO, "LIMIT", "too many groups");
		return;
	}
	imap_lex_char(l, '(');
	parse_filter(l, n, g);
	imap_lex_sp(l);
	parse_events(l, n, g);
	imap_lex_char(l, ')');
	check_group(l, g);
	if (!imap_lex_ok(l))
		return;
	n->n++;
	if (g->filter > FILTER_DELAYED)
		n->wanted |= g->events;
	else if (n->selected != NULL)
		imap_lex_fail(l, IMAP_LEX_BAD, "",
		    "the selected mailbox is named twice");
	else
		n->selected = g;
}

void
cmd_notify(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct notify *n;
	bool status = false;

	imap_lex_sp(l);
	if (imap_lex_try_word(l, "NONE")) {
		if (!imap_args_end(&s->imap))
			return;
		notify_stop(s);
		imap_ok(&s->imap, NULL, "nothing is told");
		return;
	}
	n = xcalloc(1, sizeof(*n));
	n->group = arena_alloc(&n->arena, NOTIFY_GROUPS * sizeof(*n->group));
	if (!imap_lex_try_word(l, "SET"))
		imap_lex_expected(l, "SET or NONE");
	imap_lex_sp(l);
	if (imap_lex_try_word(l, "STATUS")) {
		status = true;
		imap_lex_sp(l);
	}
	do {
		parse_group(l, n);
	} while (imap_lex_try_sp(l));
	if (!imap_args_end(&s->imap)) {
		arena_free(&n->arena);
		free(n);
		return;
	}
	notify_start(s, n, status);
	imap_ok(&s->imap, NULL, "you will be told");
}
