/*
 * cmd_thread.c - THREAD: RFC 5256 section 3.
 */
#include "search.h"
#include "sort.h"

static struct slice
keep(struct arena *a, struct slice s)
{
	return (struct slice){ arena_slice(a, s), s.n };
}

static void
keep_refs(struct arena *a, struct slice refs, struct thread_msg *m)
{
	struct slice rest = refs, word;
	size_t n = 0;

	while (slice_word(&rest, &word))
		n++;
	m->refs = arena_alloc(a, (n + 1) * sizeof(*m->refs));
	rest = keep(a, refs);
	while (m->nrefs < n && slice_word(&rest, &word))
		m->refs[m->nrefs++] = word;
}

/* messages that went meanwhile are left out */
static int
load(struct session *s, const struct index_list *r, struct thread_msg *v,
    size_t *n_r, struct err *err)
{
	struct arena *a = &s->imap.arena;
	struct thread_msg *m;
	struct meta_row row;
	size_t k, n = 0;

	for (k = 0; k < r->n; k++) {
		if (meta_get(s->meta, s->mb, r->v[k], &row, err) < 0) {
			if (err->kind == ERR_PERM)
				continue;
			return -1;
		}
		m = &v[n++];
		*m = (struct thread_msg){ .index = r->v[k],
			.sent = row.sent != INT64_MIN ? row.sent :
			    mailbox_date(s->mb, r->v[k]),
			.subject = keep(a, row.subject),
			.is_reply = row.is_reply,
			.id = keep(a, row.message_id) };
		keep_refs(a, row.refs, m);
	}
	*n_r = n;
	return 0;
}

static uint32_t
number(void *session, uint32_t i)
{
	const struct session *s = session;

	return s->imap.lex.uid ? s->mb->msg[i].uid : i + 1;
}

void
cmd_thread(void *session)
{
	struct session *s = session;
	struct imap_search q = { 0 };
	struct thread_msg *v;
	struct index_list r;
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	size_t n = 0;

	imap_thread_parse(&s->imap.lex, &q);
	if (!imap_args_end(&s->imap) || !search_checked(s, &q))
		return;
	if (search_run(s, q.root, &r, &err) < 0) {
		imap_fail(&s->imap, &err);
		return;
	}
	v = arena_alloc(&s->imap.arena, (r.n + 1) * sizeof(*v));
	if (load(s, &r, v, &n, &err) < 0) {
		imap_fail(&s->imap, &err);
		return;
	}
	str_adds(&out, n > 0 ? "* THREAD " : "* THREAD");
	thread_run(&s->imap.arena, q.thread, v, n, number, s, &out);
	str_adds(&out, "\r\n");
	imap_put(&s->imap, &out);
	str_free(&out);
	imap_ok(&s->imap, NULL, "that is all");
}
