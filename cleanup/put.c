/*
 * put.c - a message that comes whole.  With one recipient its content has no
 * file: it is in memory, and goes to qmgr as a descriptor that nobody can write
 * to any more (queue/content.h), from where it gets a file if it has to stay.
 */
#include "base/clock.h"
#include "cleanup.h"
#include "conf/common.h"

enum { ID_AGE_US = 60000000 };

/* it is there: trace headers, and the content of a put */
int
message_write_first(struct message *m, const struct cleanup_begin_in *in,
    struct err *err)
{
	static struct str text = STR_INIT;

	m->begun = true;
	m->created = wall_us();
	str_reset(&text);
	trace_headers(&text, in, m->q, m->n == 1 ? m->rcpts[0].addr : NULL,
	    m->created / 1000000);
	m->trace = text.len;
	str_adds(&text, in->content);
	m->whole = slice_str(&text);
	if (m->floating)
		return content_put(m->fd, m->whole, 0, err);
	return full_write(m->fd, text.s, text.len) < 0 ?
	    err_sys(err, "write content") : 0;
}

/* made just now, as its maker says? */
static bool
is_new(const char *q)
{
	int64_t id, us = wall_us();

	return qid_parse(q, &id) && qid_time_us(id) > us - ID_AGE_US &&
	    qid_time_us(id) < us + ID_AGE_US;
}

/* A file for each message, made and removed within the second, is what costs
 * most of a message that is passed on; so one with one recipient has none. */
int
message_put(struct message *m, const struct cleanup_begin_in *in,
    struct err *err)
{
	int rc;

	if (message_check_envelope(m, in, err) < 0)
		return -1;
	if (!is_new(in->q) || m->edits.n > 0)
		return 0;
	message_keep_envelope(m, in);
	route_ask(m);
	slice_copy(m->q, sizeof(m->q), slice_of(in->q));
	/* where there can be none in memory, a file is as good */
	m->floating = m->n == 1 && content_float(&m->fd, err) == 0;
	if (!m->floating) {
		rc = content_create_whole(common.spool_dir, m->q, &m->fd,
		    err);
		if (rc <= 0)
			return rc;
		m->sealed = true;
	}
	return message_write_first(m, in, err) < 0 ? -1 : 1;
}

/* Of a message that goes into several mailboxes one file is cheaper than a copy
 * for each; and the journal has only what is short. */
static bool
may_float(const struct job *j)
{
	const struct dests *d = &j->dests;
	size_t i;

	if (j->size > conf.sync_above)
		return false;
	for (i = 0; d->n > 1 && i < d->n; i++)
		if (d->v[i].mailbox[0] != '\0')
			return false;
	return true;
}

static int
make_file(struct message *m, uint64_t size, struct err *err)
{
	int fd;

	if (content_anchor(common.spool_dir, m->q, m->fd, size, &fd, err) < 0)
		return -1;
	close_fd(m->fd);
	m->fd = fd;
	m->floating = false;
	m->sealed = true;
	return 0;
}

int
put_end(struct message *m, const struct job *j, struct err *err)
{
	return may_float(j) ? content_seal(m->fd, err) :
	    make_file(m, j->size, err);
}
