/*
 * message.c - begin to commit.
 *
 * Order at commit: judged, completed, read-only, routed, larger content
 * synced, enqueued; only then the answer.  What fails before the envelope was
 * sent leaves nothing behind.
 */
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "checks.h"
#include "cleanup.h"
#include "conf/common.h"
#include "proto/seal.h"
#include "smtp/command.h"
#include "smtp/verp.h"

enum { ARENA_MAX = 64 << 20 };

static bool
clean(const char *z, size_t max)
{
	size_t i;

	for (i = 0; z[i] != '\0'; i++)
		if ((unsigned char)z[i] < 0x20 || z[i] == 0x7f || i >= max)
			return false;
	return true;
}

void
message_rcpt(struct message *m, const struct cleanup_rcpt_in *in)
{
	struct rcpt *r;

	if (m->err.kind != ERR_NONE)
		return;
	if (m->n >= (size_t)conf.recipient_limit ||
	    m->arena.total > ARENA_MAX) {
		err_temp(&m->err, "4.5.3", "too many recipients");
		return;
	}
	if (in->addr[0] == '\0' || !clean(in->addr, SMTP_PATH_MAX) ||
	    !clean(in->orcpt, SMTP_ORCPT_MAX) || !clean(in->notify, 64) ||
	    !clean(in->orig, SMTP_PATH_MAX)) {
		err_perm(&m->err, "5.1.3", "bad recipient address");
		return;
	}
	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 8;
		m->rcpts = xrealloc(m->rcpts, m->cap * sizeof(*m->rcpts));
	}
	r = &m->rcpts[m->n++];
	r->addr = arena_strdup(&m->arena, in->addr);
	r->notify = arena_strdup(&m->arena, in->notify);
	r->orcpt = arena_strdup(&m->arena, in->orcpt);
	r->orig = in->orig[0] == '\0' ? r->addr :
	    arena_strdup(&m->arena, in->orig);
	r->seal = in->seal == NULL || strlen(in->seal) > SEAL_MAX ? "" :
	    arena_strdup(&m->arena, in->seal);
}

int
message_check_envelope(const struct message *m,
    const struct cleanup_begin_in *in, struct err *err)
{
	if (m->err.kind != ERR_NONE) {
		*err = m->err;
		return -1;
	}
	if (in->rcpts < 0 || (uint64_t)in->rcpts != m->n)
		return err_temp(err, "4.3.0", "%lld recipients were "
		    "announced, %zu came", (long long)in->rcpts, m->n);
	if (m->n == 0)
		return err_perm(err, "5.5.1", "no recipients");
	if (!clean(in->sender, SMTP_PATH_MAX) ||
	    (in->internal && in->sender[0] != '\0'))
		return err_perm(err, "5.1.7", "bad sender address");
	if (!clean(in->envid, SMTP_ENVID_MAX) || (in->ret[0] != '\0' &&
	    strcasecmp(in->ret, "full") != 0 &&
	    strcasecmp(in->ret, "hdrs") != 0))
		return err_perm(err, "5.5.4", "bad ENVID or RET");
	if (in->verp[0] != '\0' && !smtp_verp_valid(slice_of(in->verp)))
		return err_perm(err, "5.5.4", "bad delimiters of VERP");
	return spool_space(0, err);
}

void
message_keep_envelope(struct message *m, const struct cleanup_begin_in *in)
{
	m->sender = arena_strdup(&m->arena, in->sender);
	m->ret = arena_strdup(&m->arena, in->ret);
	m->envid = arena_strdup(&m->arena, in->envid);
	m->session = arena_strdup(&m->arena, in->session);
	m->login = arena_strdup(&m->arena, in->login);
	m->check_from = in->check_from;
	m->ours = !in->internal && (in->trusted || in->login[0] != '\0' ||
	    in->uid >= 0);
	m->checks = in->checks && !in->internal;
	m->utf8 = in->utf8;
	m->body8 = in->body8;
	m->requiretls = in->requiretls;
	m->verp = in->sender[0] == '\0' ? "" :
	    arena_strdup(&m->arena, in->verp);
	m->internal = in->internal;
	m->normalize = in->normalize;
	m->hold = in->hold != 0;
	m->release_at = MAX(in->release_at, (int64_t)0);
	m->priority = MAX(MIN(in->priority, (int64_t)9), (int64_t)-9);
	m->hold_reason = m->transport = m->nexthop = NULL;
	m->discard = m->sender_changed = m->rcpts_changed = false;
}

int
message_begin(struct message *m, const struct cleanup_begin_in *in,
    struct err *err)
{
	if (in->content[0] != '\0')
		return err_perm(err, "5.5.4", "content comes with put");
	if (message_check_envelope(m, in, err) < 0)
		return -1;
	message_keep_envelope(m, in);
	route_ask(m);
	if (spool_create(m->q, &m->fd, err) < 0 ||
	    message_write_first(m, in, err) < 0)
		return -1;
	m->whole = SLICE_NULL;
	return 0;
}

static int
check_size(const struct message *m, uint64_t size, uint64_t *total_r,
    struct err *err)
{
	struct stat st;

	if (m->whole.p != NULL) {
		*total_r = m->whole.n;
		return 0;
	}
	if (fstat(m->fd, &st) < 0)
		return err_sys(err, "stat content");
	/* qmgr took it for an orphan: the clock leapt, or the machine slept */
	if (st.st_nlink == 0)
		return err_temp(err, "4.3.0", "content was removed");
	if (add_overflows(m->trace, size, total_r) ||
	    (uint64_t)st.st_size != *total_r)
		return err_temp(err, "4.3.0", "content has %lld bytes, not "
		    "%llu + %llu", (long long)st.st_size,
		    (unsigned long long)m->trace, (unsigned long long)size);
	return 0;
}

void
message_discard(struct message *m, const char *by, const char *why)
{
	if (m->discard)
		return;
	m->discard = true;
	log_event(LOG_INFO, "discarded", KS("by", by[0] ? by : NULL),
	    KS("from", m->sender), KU("nrcpt", m->n),
	    KS("reason", why[0] ? why : NULL), KEND);
}

static int
look(struct message *m, struct err *err)
{
	const struct content_limits limits = {
		(size_t)conf.header_limit, (size_t)conf.header_fields,
		(size_t)conf.hop_limit, (size_t)m->trace };

	return m->whole.p != NULL ?
	    content_check_whole(m->whole, &limits, &m->facts, err) :
	    content_check(m->fd, m->total, &limits, &m->facts, err);
}

/* Of the content as it is now.  A first line that begins with a blank would
 * belong to the last field of ours, to be lost or moved with it, and everybody
 * would see another header: it is no field, so the body begins with it. */
static int
judge(struct message *m, struct err *err)
{
	struct str blank = STR_INIT;
	int rc = look(m, err);

	m->whole = SLICE_NULL;
	if (rc < 0 || !m->facts.glued)
		return rc;
	str_addc(&blank, '\n');
	rc = content_insert(m->fd, m->trace, &blank, &m->total, err);
	str_free(&blank);
	return rc < 0 ? -1 : look(m, err);
}

/* The same of what we changed: what nobody may send is not the client's. */
static int
judge_again(struct message *m, struct err *err)
{
	if (judge(m, err) == 0)
		return 0;
	if (strcmp(err->dsn, "5.6.0") == 0) {
		err->kind = ERR_TEMP;
		slice_copy(err->dsn, sizeof(err->dsn), SLICE_LIT("4.3.0"));
	}
	return -1;
}

int
message_complete(struct message *m, uint64_t size, struct err *err)
{
	int dropped = 0, changed = 0;

	if (check_size(m, size, &m->total, err) < 0 || judge(m, err) < 0)
		return -1;
	if (m->check_from && owner_check(m, &m->facts, err) < 0)
		return -1;
	if (m->normalize && normalize(m, &m->facts, &m->total, err) < 0)
		return -1;
	if (m->normalize && m->facts.bcc && !conf.keep_bcc)
		dropped = bcc_drop(m, &m->total, err);
	if (dropped >= 0 && m->ours)
		changed = addresses_rewrite(m, &m->total, err);
	if (dropped < 0 || changed < 0)
		return -1;
	if (dropped + changed > 0 && judge_again(m, err) < 0)
		return -1;
	m->appended = size;
	m->completed = true;
	return 0;
}

/* nobody has written to it since it was complete */
static int
check_same(const struct message *m, uint64_t size, struct err *err)
{
	struct stat st;

	if (fstat(m->fd, &st) < 0)
		return err_sys(err, "stat content");
	if (size != m->appended || (uint64_t)st.st_size != m->total ||
	    st.st_nlink == 0)
		return err_temp(err, "4.3.0", "content is another one");
	return 0;
}

/* what others want, and what tables say about the result */
static int
change(struct message *m, struct err *err)
{
	int changed = edits_apply(m, &m->facts, &m->total, err);

	if (changed < 0 || m->discard)
		return MIN(changed, 0);
	if (changed > 0 && judge_again(m, err) < 0)
		return -1;
	if (!m->checks || !checks_any())
		return 0;
	changed = checks_run(m, &m->facts, &m->total, err);
	if (changed < 0 || m->discard)
		return MIN(changed, 0);
	return changed > 0 ? judge_again(m, err) : 0;
}

int
message_prepare(struct message *m, uint64_t size, struct job *j,
    struct err *err)
{
	const struct content_facts *f = &m->facts;

	if ((m->completed ? check_same(m, size, err) :
	    message_complete(m, size, err)) < 0 || change(m, err) < 0)
		return -1;
	j->size = m->total;
	/* router was asked about others */
	if (m->rcpts_changed || m->sender_changed || m->transport != NULL ||
	    m->discard)
		route_forget(m);
	if (m->discard)
		return 0;
	/* RFC 8689 section 3: the option wins over the field */
	m->tls_optional = f->tls_optional && !m->requiretls;
	/* smtp has to say it before it has read it all */
	m->body8 = m->body8 || f->eightbit;
	j->lines = f->lines;
	return 0;
}

int
message_route(struct message *m, struct job *j, struct err *err)
{
	if (route_all(m, &j->dests, err) < 0 || parts_make(j, err) < 0)
		return -1;
	j->wsize = j->size + j->lines;
	if (m->floating)
		return put_end(m, j, err);
	if (!m->sealed && fchmod(m->fd, 0440) < 0)
		return err_sys(err, "chmod content");
	return 0;
}

void
message_over(struct message *m)
{
	m->over = true;
	m->n = 0;
	route_forget(m);
	if (!m->floating && ftruncate(m->fd, 0) < 0)
		log_event(LOG_WARN, "orphan", KS("q", m->q),
		    KS("reason", strerror(errno)), KEND);
}

void
message_drop(struct message *m, bool unlink_it)
{
	if (m->begun) {
		close_fd(m->fd);
		if (unlink_it && !m->floating)
			spool_remove(m->q);
	}
	route_forget(m);
	m->fd = -1;
	m->begun = m->over = m->completed = false;
	m->whole = SLICE_NULL;
	m->sealed = m->floating = false;
	m->n = 0;
	m->err = m->edit_err = (struct err)ERR_INIT;
	edits_clear(&m->edits);
	m->edit_bytes = 0;
	if (m->cap > 1024) {
		free(m->rcpts);
		m->rcpts = NULL;
		m->cap = 0;
	}
	arena_reset(&m->arena);
}
