/*
 * parts.c - copies that carry another sender than the message: of a list with
 * an owner, or where one has a canonical form.  A message in the queue has one
 * sender, so each of them is a message of its own.
 */
#include <sys/stat.h>

#include "base/log.h"
#include "rewrite.h"

/* further ones keep the sender that the client gave */
enum { PARTS_MAX = 20, LINE_MAX_BYTES = 4096 };

struct part {
	char q[QID_SIZE];
	int fd;
	const char *sender;
	bool owned;		/* by a list's owner, who asked for nothing */
	bool queued;		/* or it may be: its content is not ours */
	struct dests dests;
	uint64_t size;
};

static int
put_return_path(struct message *m, const char *sender, struct splices *s,
    struct str *text, struct err *err)
{
	char line[LINE_MAX_BYTES];
	const char *end;
	ssize_t n = pread(m->fd, line, sizeof(line), 0);

	if (n < 0)
		return err_sys(err, "read content");
	end = memchr(line, '\n', (size_t)n);
	if (end == NULL || !slice_istarts((struct slice){ line, (size_t)n },
	    "Return-Path:"))
		return err_temp(err, "4.3.0", "content without Return-Path");
	trace_return_path(text, sender, m->utf8);
	splice_add(s, 0, (uint64_t)(end + 1 - line), slice_str(text));
	return 0;
}

static bool
needs_utf8(const struct message *m, const char *sender)
{
	return m->utf8 || !slice_is_ascii(slice_of(sender));
}

/* part NULL: the message itself gets the sender */
static int
write_part(struct job *j, const char *sender, struct part *part,
    struct err *err)
{
	struct splices s = { 0 };
	struct str text = STR_INIT;
	uint64_t old = j->m->trace, size = j->size;
	int rc = put_return_path(j->m, sender, &s, &text, err);

	if (rc == 0 && part == NULL) {
		rc = rewrite(j->m, &s, &j->size, err);
		if (rc == 0)
			j->m->trace = old + j->size - size;
	} else if (rc == 0) {
		rc = rewrite_copy(j->m, &s, &size, part->q, &part->fd, err);
		part->size = size;
	}
	splices_free(&s);
	str_free(&text);
	return rc;
}

static int
become(struct job *j, const struct dest *like, struct err *err)
{
	struct message *m = j->m;

	m->utf8 = needs_utf8(m, like->sender);
	if (write_part(j, like->sender, NULL, err) < 0)
		return -1;
	m->sender = like->sender;
	if (like->owned)
		m->ret = m->envid = m->verp = "";
	return 0;
}

static void
add_to(struct dests *d, const struct dest *t)
{
	if (d->n == d->cap) {
		d->cap = d->cap > 0 ? 2 * d->cap : 8;
		d->v = xrealloc(d->v, d->cap * sizeof(*d->v));
	}
	d->v[d->n++] = *t;
}

static struct part *
part_of(struct job *j, const struct dest *t)
{
	struct part *p;
	size_t i;

	for (i = 0; i < j->nparts; i++)
		if (strcmp(j->parts[i].sender, t->sender) == 0)
			return &j->parts[i];
	if (j->nparts == PARTS_MAX)
		return NULL;
	if (j->parts == NULL)
		j->parts = xcalloc(PARTS_MAX, sizeof(*j->parts));
	p = &j->parts[j->nparts++];
	*p = (struct part){ .fd = -1, .sender = t->sender,
		.owned = t->owned };
	return p;
}

/* those with the sender `own` stay */
static void
share_out(struct job *j, const char *own)
{
	struct dests *d = &j->dests;
	struct part *p;
	size_t i, kept = 0;

	for (i = 0; i < d->n; i++) {
		/* the owner has asked for no reports, nor named any */
		if (d->v[i].owned)
			d->v[i].notify = d->v[i].orcpt = "";
		p = strcmp(d->v[i].sender, own) == 0 ? NULL :
		    part_of(j, &d->v[i]);
		if (p != NULL)
			add_to(&p->dests, &d->v[i]);
		else
			d->v[kept++] = d->v[i];
	}
	d->n = kept;
}

int
parts_make(struct job *j, struct err *err)
{
	const struct dests *d = &j->dests;
	const struct dest *own = d->v;
	struct part *p;
	size_t i, others = 0;

	for (i = 0; i < d->n; i++) {
		others += d->v[i].sender[0] != '\0';
		if (d->v[i].sender[0] == '\0')
			own = &d->v[i];
	}
	if (others == 0)
		return 0;
	if (own->sender[0] != '\0' && become(j, own, err) < 0)
		return -1;
	share_out(j, own->sender);
	for (i = 0; i < j->nparts; i++) {
		p = &j->parts[i];
		if (write_part(j, p->sender, p, err) < 0)
			return -1;
		if (fchmod(p->fd, 0440) < 0)
			return err_sys(err, "chmod content");
	}
	return 0;
}

static int
enqueue_part(struct job *j, struct part *p, struct err *err)
{
	struct message m = *j->m;
	struct job one = { .m = &m, .dests = p->dests, .size = p->size,
		.wsize = p->size + j->lines, .unsynced = j->unsynced };

	memcpy(m.q, p->q, sizeof(m.q));
	m.fd = p->fd;
	m.floating = false;
	m.utf8 = needs_utf8(&m, p->sender);
	m.sender = p->sender;
	if (p->owned)
		m.ret = m.envid = m.verp = "";
	if (!one.unsynced) {
		if (fsync(p->fd) < 0)
			return err_sys(err, "fsync content");
		if (spool_sync_dir(p->q, err) < 0)
			return -1;
	}
	enqueue_all(&one, 1);
	p->queued = one.rc == 0 || one.keep;
	if (one.rc == 0) {
		log_set_session(m.session);
		log_set_queue(j->m->q);
		log_event(LOG_INFO, "part", KS("part", p->q),
		    KS("from", p->sender), KU("nrcpt", p->dests.n), KEND);
		log_set_queue(NULL);
		log_set_session(NULL);
	}
	*err = one.err;
	return one.rc;
}

int
parts_enqueue(struct job *j, struct err *err)
{
	size_t i;

	for (i = 0; i < j->nparts; i++)
		if (enqueue_part(j, &j->parts[i], err) < 0)
			return -1;
	return 0;
}

void
parts_drop(struct job *j)
{
	struct part *p;
	size_t i;

	for (i = 0; i < j->nparts; i++) {
		p = &j->parts[i];
		if (p->fd >= 0 && !p->queued)
			spool_remove(p->q);
		close_fd(p->fd);
		free(p->dests.v);
	}
	free(j->parts);
	j->parts = NULL;
	j->nparts = 0;
}
