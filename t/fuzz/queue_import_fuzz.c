/*
 * queue_import_fuzz.c - an envelope of another queue, and what of it comes to
 * qmgr: nothing that smtpd would not have taken.  Octets 254 part the parts of
 * the envelope, which get their lengths here.  qmgr and the spool are the
 * linker's (--wrap).
 */
#include "../../ctl/queue_import.c"

#include "home.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int __wrap_ipc_call(struct ipc *c, const struct verb_def *v, const void *in,
    int in_fd, void *out, int *out_fd_r, bool *sent, struct err *err);
int __wrap_ipc_tell(struct ipc *c, const struct verb_def *v, const void *in,
    struct err *err);
int __wrap_content_create(const char *spool, const char *q, int *fd_r,
    struct err *err);
int __wrap_content_sync(const char *spool, const char *q, struct err *err);

enum { PARTING = 254, MAX_LEN = 20000 };
#define Q "0123456789a"

/* --- the rest of ctl ------------------------------------------------------ */

int
queue_parse(int argc UNUSED, char **argv UNUSED, struct query *q UNUSED)
{
	return EXIT_FAILED;
}

bool
may_ask(const char *socket UNUSED)
{
	return false;
}

int
fail(const char *fmt UNUSED, ...)
{
	return EXIT_FAILED;
}

int
fail_usage(const char *fmt UNUSED, ...)
{
	return EXIT_FAILED;
}

int
fail_err(const struct err *err UNUSED)
{
	return EXIT_FAILED;
}

/* --- qmgr and the spool --------------------------------------------------- */

static void
one_line(const char *z)
{
	assert(strpbrk(z, "\r\n") == NULL);
}

static void
judge(const struct qmgr_rcpts *r)
{
	const struct strlist *l[] = { &r->addr, &r->orig, &r->nexthop,
		&r->mailbox, &r->dsn, &r->text, &r->orcpt, &r->notify };
	size_t i, k;

	for (k = 0; k < ARRAY_LEN(l); k++)
		for (i = 0; i < l[k]->n; i++)
			one_line(l[k]->v[i]);
}

int
__wrap_ipc_call(struct ipc *c UNUSED, const struct verb_def *v,
    const void *in, int in_fd UNUSED, void *out, int *out_fd_r UNUSED,
    bool *sent, struct err *err)
{
	const struct qmgr_enqueue_in *e = in;

	if (v == &qmgr_imported) {
		*(struct qmgr_known *)out = (struct qmgr_known){ 0 };
		return 0;
	}
	if (v != &qmgr_enqueue)
		return err_temp(err, "4.3.0", "nobody else is here");
	*sent = true;
	assert(strcmp(e->q, Q) == 0 && e->size == 5);
	assert(e->import && !e->unsynced);
	one_line(e->sender);
	one_line(e->session);
	one_line(e->envid);
	one_line(e->reason);
	assert(e->verp[0] == '\0' || strlen(e->verp) == 2);
	assert(e->priority >= -9 && e->priority <= 9);
	judge(&e->r);
	return 0;
}

int
__wrap_ipc_tell(struct ipc *c UNUSED, const struct verb_def *v,
    const void *in, struct err *err UNUSED)
{
	assert(v == &qmgr_rcpt);
	judge(in);
	return 0;
}

int
__wrap_content_create(const char *spool, const char *q UNUSED, int *fd_r,
    struct err *err)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/content", spool);
	*fd_r = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return *fd_r < 0 ? err_sys(err, "content") : 1;
}

int
__wrap_content_sync(const char *spool UNUSED, const char *q UNUSED,
    struct err *err UNUSED)
{
	return 0;
}

/* ------------------------------------------------------------------------- */

/* a whole transfer with this envelope */
static void
put_frames(struct str *out, struct slice in)
{
	struct str env = STR_INIT;
	struct slice part;

	while (slice_cut(&in, (char)PARTING, &part)) {
		str_addf(&env, "%zu\n", part.n);
		str_addsl(&env, part);
	}
	str_addf(out, FRAME_HELLO "\nM " Q " %zu 5\n", env.len);
	str_addsl(out, slice_str(&env));
	str_adds(out, "helloE\n");
	str_free(&env);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct import m = { .content = -1 };
	struct str in = STR_INIT;
	struct err err = ERR_INIT;
	char *said = NULL;
	size_t len = 0;

	if (common.spool_dir == NULL) {
		home_begin();
		common.spool_dir = home;
		common.single_uid = true;
	}
	if (n > MAX_LEN)
		return 0;
	put_frames(&in, (struct slice){ (const char *)data, n });
	m.in = fmemopen(in.s, in.len, "r");
	m.answers = open_memstream(&said, &len);
	if (m.in == NULL || m.answers == NULL)
		die("fmemopen");
	ipc_init(&m.qmgr, "/nonexistent", 1000);
	if (read_all(&m, &err) == 0)
		assert(m.taken + m.failed == 1);
	else
		assert(err.kind != ERR_NONE);
	fclose(m.in);
	fclose(m.answers);
	ipc_free(&m.qmgr);
	arena_free(&m.arena);
	free(said);
	str_free(&in);
	return 0;
}
