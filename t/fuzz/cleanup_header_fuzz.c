/*
 * cleanup_header_fuzz.c - what becomes of a header that a client sent, when all
 * of it is there: judged, completed, without Bcc, with addresses in the form
 * that others see.  The first octet says what is done.  Ours stays in front,
 * the body stays as it was, and what is added is there once.  The router is
 * made of the linker's --wrap: what begins with x is rewritten, with y to
 * what is none, and who begins with a is the login.
 */
#include "../../cleanup/cleanup.h"
#include "base/log.h"
#include "conf/common.h"
#include "mime/header.h"
#include "proto/router.h"

#include <sys/mman.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int __wrap_ipc_call(struct ipc *c, const struct verb_def *v, const void *in,
    int in_fd, void *out, int *out_fd_r, bool *sent, struct err *err);

enum { NORMALIZE = 1, OURS_ = 2, CHECK_FROM = 4, KEEP_BCC = 8, COMPLETE = 16,
	UTF8 = 32, OTHER_AUTHORS = 64, NULL_SENDER = 128, MAX_LEN = 20000 };

#define OURS "Return-Path: <a@b.example>\nReceived: by x; today\n"

struct cleanup_conf conf;
static struct arena arena;

static const char *
rewritten(const char *addr)
{
	switch (addr[0]) {
	case 'x':
		return "new.name@other.example";
	case 'y':
		return "no address\nX: y";
	case 'u':
		return "\xc3\xbc@b.example";
	}
	return addr;
}

int
__wrap_ipc_call(struct ipc *c UNUSED, const struct verb_def *v,
    const void *in, int in_fd UNUSED, void *out, int *out_fd_r UNUSED,
    bool *sent UNUSED, struct err *err)
{
	const struct router_rewrite_in *r = in;
	struct router_rewrite_out *o = out;
	size_t i;

	if (v == &router_owns) {
		((struct router_owns_out *)out)->owned =
		    ((const struct router_owns_in *)in)->addr.v[0][0] == 'a';
		return 0;
	}
	if (v != &router_rewrite)
		return err_temp(err, "4.3.0", "nobody else is here");
	*o = (struct router_rewrite_out){ .idle = false };
	for (i = 0; i < r->addr.n; i++) {
		if (r->addr.v[i][0] == 't')
			return err_temp(err, "4.3.0", "trouble");
		strlist_add(&o->addr, &arena, rewritten(r->addr.v[i]));
	}
	return 0;
}

static void
drop(const char *line UNUSED, size_t n UNUSED)
{
}

static void
begin(unsigned how)
{
	log_set_sink(drop);
	common.hostname = "mx.example.org";
	conf.header_limit = 16384;
	conf.header_fields = 100;
	conf.hop_limit = 5;
	conf.keep_bcc = how & KEEP_BCC;
	conf.complete_addresses = how & COMPLETE;
	conf.other_authors = how & OTHER_AUTHORS;
}

/* of a put: in memory, and in a file without a name; *whole_r until the next */
static int
content(struct slice s, struct slice *whole_r)
{
	static struct str whole = STR_INIT;
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("content", MFD_CLOEXEC);
	str_reset(&whole);
	str_adds(&whole, OURS);
	str_addsl(&whole, s);
	*whole_r = slice_str(&whole);
	if (fd < 0 || ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
	    full_write(fd, whole.s, whole.len) < 0)
		die("content");
	return fd;
}

static void
judge(const struct message *m, struct slice was, unsigned how)
{
	struct str s = STR_INIT;
	struct slice is, body;
	struct stat st;

	if (fstat(m->fd, &st) < 0 || (uint64_t)st.st_size != m->total)
		abort();
	str_grow(&s, m->total);
	if (pread(m->fd, s.s, m->total, 0) != (ssize_t)m->total)
		abort();
	is = (struct slice){ s.s, m->total };
	assert(slice_starts(is, OURS));
	body = slice_sub(was, mime_body_offset(was), was.n);
	assert(is.n >= body.n &&
	    slice_eq(slice_sub(is, is.n - body.n, body.n), body));
	if (how & NORMALIZE) {
		assert(mime_count(is, "Date") > 0);
		assert(mime_count(is, "From") > 0);
		assert(mime_count(is, "Message-ID") > 0);
		if (!conf.keep_bcc)
			assert(mime_count(is, "Bcc") == 0 &&
			    mime_count(is, "Resent-Bcc") == 0);
	}
	str_free(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice s;
	struct message m = { .sender = "ann@example.org",
		.login = "ann@example.org", .ret = "", .envid = "",
		.session = "session", .verp = "", .floating = true,
		.trace = sizeof(OURS) - 1, .created = 1700000000000000 };
	struct err err = ERR_INIT;

	if (n == 0 || n > MAX_LEN)
		return 0;
	begin(data[0]);
	s = (struct slice){ (const char *)data + 1, n - 1 };
	if (data[0] & NULL_SENDER)
		m.sender = "";
	m.normalize = data[0] & NORMALIZE;
	m.ours = data[0] & OURS_;
	m.check_from = data[0] & CHECK_FROM;
	m.utf8 = data[0] & UTF8;
	m.fd = content(s, &m.whole);
	if (message_complete(&m, s.n, &err) == 0)
		judge(&m, s, data[0]);
	else
		assert(err.kind != ERR_NONE && err.dsn[0] ==
		    (err.kind == ERR_TEMP ? '4' : '5'));
	arena_free(&m.arena);
	arena_reset(&arena);
	return 0;
}
