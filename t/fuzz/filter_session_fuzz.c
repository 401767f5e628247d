/*
 * filter_session_fuzz.c - a whole session of smtpd with `filter' and one
 * filter, for whatever that says in all; the first octet is its kind.  What
 * filter makes of it are actions with their replies, and edits that cleanup
 * would take.  FRAMED: a milter that answers only to the end of the content;
 * octets 254 part its answers, which get their lengths here.
 */
#include "../../filter/filter.h"

#include <arpa/inet.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/log.h"
#include "conf/common.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int __wrap_net_connect(const struct filter_conf *c, struct err *err);
int __wrap_net_open(const struct filter_conf *c, struct io *io,
    struct err *err);

/* sections by KINDS; times that a test does not reach */
static const char text[] = "retry = 0s\ntimeout_connect = 10m\n"
    "timeout_command = 10m\ntimeout_content = 1h\n"
    "default_action = tempfail\n"
    "[0]\ntype = milter\naddress = unix:/x\n"
    "[1]\ntype = rspamd\naddress = unix:/x\n"
    "[2]\ntype = clamd\naddress = unix:/x\nfound = header\n"
    "[3]\ntype = proxy\naddress = unix:/x\n";
static const char content[] = "Return-Path: <a@b>\nReceived: by x\n"
    "Subject: a\n b\nX: 1\nx: 2\n\nbody\n.\n";
enum { TRACE = 34, FEW_OCTETS = 60000, FRAMED = 128, PARTING = 254 };

static struct slice says;
static int other = -1;
static struct edits edits;
static struct arena arena;

/* --- net.c ---------------------------------------------------------------- */

/* the first connection has it all; a next one is at its end */
int
__wrap_net_connect(const struct filter_conf *c UNUSED, struct err *err)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0)
		return err_sys(err, "socketpair");
	close_fd(other);
	other = fd[1];
	if (full_write(other, says.p, says.n) < 0)
		die("write");
	shutdown(other, SHUT_WR);
	says.n = 0;
	return fd[0];
}

int
__wrap_net_open(const struct filter_conf *c, struct io *io, struct err *err)
{
	int fd = __wrap_net_connect(c, err);

	if (fd < 0)
		return -1;
	io_init(io, fd, (int)c->timeout_command);
	return 0;
}

/* ------------------------------------------------------------------------- */

static void
drop(const char *line, size_t n)
{
	assert(memchr(line, '\n', n) == line + n - 1);
}

static int
memory_file(const char *p)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	if (fd < 0 || full_write(fd, p, strlen(p)) < 0)
		die("memfd_create");
	return fd;
}

static void
begin(void)
{
	static struct arena a;
	struct err err;
	char path[40];

	if (common.hostname != NULL)
		return;
	log_set_sink(drop);
	common.hostname = "filter.example";
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory_file(text));
	if (filters_load(path, &a, &err) < 0)
		die("filters_load: %s", err.text);
}

/* what smtpd says to a client is a reply of one class */
static bool
judge(const struct filter_out *out)
{
	if (out->action == FILTER_REJECT)
		assert(out->code >= 500 && out->code < 600);
	if (out->action == FILTER_DEFER || out->action == FILTER_CLOSE)
		assert(out->code >= 400 && out->code < 500);
	assert(out->text != NULL && strlen(out->dsn) < 12);
	return out->action == FILTER_CONTINUE ||
	    out->action == FILTER_ACCEPT;
}

static int
on_more(struct call *c UNUSED, const void *rec, struct err *err UNUSED)
{
	const struct edit *e = rec;

	if (e->op != EDIT_BODY && edits_add(&edits, e, -1, &arena, err) < 0)
		die("%s: %s", e->by, err->text);
	return 0;
}

static void
show_content(struct session *s, struct filter_out *out)
{
	struct filter_content_in in = { .q = "0123456789a", .trace = TRACE,
		.size = sizeof(content) - 1 - TRACE, .body8 = true };
	struct call c = { .fd = memory_file(content), .out_fd = -1,
		.more = on_more };
	struct err err;

	if (session_content(s, &c, &in, out, &err) == 0)
		judge(out);
	close_fd(c.fd);
	close_fd(c.out_fd);
	edits_clear(&edits);
	edits = (struct edits){ 0 };
	arena_reset(&arena);
}

static void
talk(struct session *s, const char *name)
{
	struct filter_session_in session = { .session = "session",
		.service = "smtp", .client_addr = "192.0.2.1",
		.client_name = "client.example", .client_port = 1025,
		.local_addr = "192.0.2.2", .local_port = 25 };
	struct filter_helo_in helo = { "client.example", true, "", "", "", "",
		0 };
	struct filter_mail_in mail = { .sender = "a@b", .login = "",
		.mech = "", .proto = "ESMTP" };
	struct filter_rcpt_in rcpt = { .addr = "c@d", .dsn = "", .text = "" };
	struct filter_out out;
	struct err err;

	strlist_add(&session.filters, &arena, name);
	if (session_begin(s, &session, &out, &err) < 0)
		die("session_begin: %s", err.text);
	if (!judge(&out))
		return;
	session_helo(s, &helo, &out);
	if (!judge(&out))
		return;
	session_unknown(s, "XYZZY", &out);
	if (session_mail(s, &mail, &out, &err) < 0 || !judge(&out) ||
	    session_rcpt(s, &rcpt, &out, &err) < 0)
		return;
	judge(&out);
	if (session_data(s, &out, &err) == 0 && judge(&out))
		show_content(s, &out);
	session_abort(s);
}

static void
put_answer(struct str *out, struct slice s)
{
	uint32_t len = htonl((uint32_t)s.n);

	str_add(out, &len, sizeof(len));
	str_addsl(out, s);
}

/* version 6, all actions, SMFIP_NR_ of every stage */
static void
put_framed(struct str *out, struct slice s)
{
	static const char agrees[] = "O\0\0\0\6\0\0\1\377\0\017\360\200";
	struct slice one;

	put_answer(out, (struct slice){ agrees, sizeof(agrees) - 1 });
	while (slice_cut(&s, (char)PARTING, &one))
		put_answer(out, one);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct str framed = STR_INIT;
	char name[2] = { 0 };
	struct session s = { 0 };

	if (n == 0)
		return 0;
	begin();
	name[0] = (char)('0' + data[0] % 4);
	says = (struct slice){ (const char *)data + 1, MIN(n - 1,
	    (size_t)FEW_OCTETS) };
	if (data[0] & FRAMED) {
		name[0] = '0';
		str_reset(&framed);
		put_framed(&framed, says);
		says = slice_sub(slice_str(&framed), 0, FEW_OCTETS);
	}
	talk(&s, name);
	session_end(&s);
	return 0;
}
