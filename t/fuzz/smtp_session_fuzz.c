/*
 * smtp_session_fuzz.c - what follows the first octet is all that a server
 * says; that octet picks the protocol, the recipients and the content.  auth
 * and tlsd are made of the linker's --wrap: a login takes two steps, and what
 * comes behind STARTTLS is what was encrypted.  Each recipient has one result
 * at most, and the call ends.
 */
#include "../../smtp/smtp.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "conf/common.h"
#include "proto/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int __wrap_ipc_call(struct ipc *c, const struct verb_def *v, const void *in,
    int in_fd, void *out, int *out_fd_r, bool *sent, struct err *err);
int __wrap_tls_connect(struct io *io, const struct tls_client_in *in,
    struct tls_facts *facts, struct err *err);

enum { LMTP = 1, MANY = 2, EIGHT = 4, LONG = 8, UTF8 = 16, TLS = 32,
	STUCK = 64, FEW_MS = 4, RCPTS = 3, LONG_SIZE = 200000 };

struct smtp_conf conf;
struct session session;

static struct slice server;
static bool stuck;		/* the server takes less than a long content */
static int other = -1;
static bool told[RCPTS];

/* of auth, only: an account for who offers a mechanism */
static int
step(const struct auth_client_in *in, struct auth_client_out *out,
    struct err *err)
{
	static char response[8];

	slice_copy(response, sizeof(response), SLICE_LIT("YQ=="));
	if (in->challenge[0] == 'x')
		return err_perm(err, "5.7.8", "the proof is false");
	*out = (struct auth_client_out){ .mech = "", .user = "ann",
		.has_response = true, .response = response };
	if (in->challenge[0] == '\0' && in->mechs[0] == '\0')
		out->none = true;
	else if (in->challenge[0] == '\0')
		out->mech = "PLAIN";
	else
		out->final = true;
	return 0;
}

int
__wrap_ipc_call(struct ipc *c UNUSED, const struct verb_def *v,
    const void *in, int in_fd UNUSED, void *out, int *out_fd_r UNUSED,
    bool *sent UNUSED, struct err *err)
{
	return v == &auth_client ? step(in, out, err) :
	    err_temp(err, "4.3.0", "nobody else is here");
}

int
__wrap_tls_connect(struct io *io UNUSED, const struct tls_client_in *in,
    struct tls_facts *facts, struct err *err)
{
	if (in->timeout == 0)
		return err_temp(err, "4.7.5", "no time");
	*facts = (struct tls_facts){ .on = true, .f = { .version = "TLSv1.3",
		.cipher = "c", .subject = "", .issuer = "", .why = "",
		.fingerprint = "", .exporter = "", .end_point = "" } };
	return 0;
}

int
targets_find(const char *nexthop, const char *sid UNUSED, struct arena *a,
    struct targets *t, struct err *err UNUSED)
{
	*t = (struct targets){ .nexthop = nexthop, .domain = nexthop,
		.site = nexthop, .n = 2 };
	t->v = arena_alloc(a, 2 * sizeof(*t->v));
	t->v[0] = t->v[1] = (struct target){ .host = "mx.example.net",
		.canon = "mx.example.net", .addr = "192.0.2.1", .port = 25 };
	return 0;
}

int
target_connect(const struct target *t UNUSED,
    const struct targets *all UNUSED, const char *sender UNUSED,
    int timeout_ms UNUSED, struct arena *a UNUSED, const char **local_r,
    struct err *err)
{
	int pair[2], room = 2 * LONG_SIZE;

	*local_r = "";
	close_fd(other);
	other = -1;
	if (server.n == 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return err_temp(err, "4.4.1", "no server");
	if (!stuck)
		setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room,
		    sizeof(room));
	if (send(pair[1], server.p, server.n, MSG_DONTWAIT) < 0)
		die("send: %s", strerror(errno));
	shutdown(pair[1], SHUT_WR);
	other = pair[1];
	return pair[0];
}

int
policy_domain(const struct targets *t UNUSED, bool requiretls,
    const char *sid UNUSED, struct arena *a UNUSED, struct domain_policy *p,
    struct err *err UNUSED)
{
	*p = (struct domain_policy){ .requiretls = requiretls,
		.level = requiretls ? LEVEL_MAY : LEVEL_NONE };
	return 0;
}

int
policy_target(const struct domain_policy *d,
    const struct targets *all UNUSED, const struct target *t UNUSED,
    const char *sid UNUSED, struct arena *a UNUSED, struct tls_policy *p,
    struct err *err UNUSED)
{
	*p = (struct tls_policy){ .level = d->level, .why = "" };
	return 1;
}

void
policy_ignore(struct domain_policy *p UNUSED)
{
}

void
policy_count(const struct tls_policy *p UNUSED,
    const struct targets *all UNUSED, const struct target *t UNUSED,
    const char *local UNUSED, const char *helo UNUSED,
    enum sts_result result UNUSED, const struct err *why UNUSED)
{
}

bool
policy_fallback(const struct tls_policy *p UNUSED,
    const struct err *why UNUSED)
{
	return true;
}

enum sts_result
policy_result(const struct tls_policy *p UNUSED, const struct err *why UNUSED)
{
	return STS_VALIDATION;
}

void
policy_done(const struct tls_policy *p UNUSED,
    const struct targets *all UNUSED, const struct target *t UNUSED,
    const char *local UNUSED, const char *helo UNUSED,
    const struct tls_facts_out *facts UNUSED)
{
}

static int
on_result(struct call *c UNUSED, const void *rec, struct err *err UNUSED)
{
	const struct agent_result *r = rec;

	if (r->alive)
		return 0;
	if (r->i < 0 || r->i >= RCPTS || told[r->i] || r->dsn[0] == '\0')
		abort();
	told[r->i] = true;
	return 0;
}

static void
drop_line(const char *line UNUSED, size_t n UNUSED)
{
}

static void
set_up(void)
{
	int64_t *t[] = { &conf.greeting_timeout, &conf.helo_timeout,
		&conf.tls_timeout, &conf.auth_timeout, &conf.mail_timeout,
		&conf.rcpt_timeout, &conf.data_init_timeout,
		&conf.data_block_timeout, &conf.data_done_timeout,
		&conf.rset_timeout, &conf.quit_timeout };
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++)
		*t[i] = FEW_MS;
	conf.helo_name = common.hostname = "we.example.org";
	common.run_dir = "/nonexistent";
	conf.target.bind_table = "";
	conf.total_timeout = 50 * FEW_MS;
	conf.min_data_rate = 1 << 20;
	conf.recipients = 100;
	conf.sessions = 2;
	conf.reuse_messages = 100;
	conf.reuse_time = conf.idle_time = 60000;
	conf.line_max = 998;
	conf.convert_max = 1 << 20;
	log_set_sink(drop_line);
}

static int
content(unsigned how, struct agent_deliver_in *in)
{
	int fd = memfd_create("content", MFD_CLOEXEC);
	struct str s = STR_INIT;
	size_t i;

	str_adds(&s, "Return-Path: <s@example.org>\nSubject: x\n\n.dot\n");
	if (how & EIGHT)
		str_adds(&s, "gr\xc3\xbc\n");
	for (i = 0; (how & LONG) && i < LONG_SIZE; i += 10)
		str_adds(&s, "012345678\n");
	in->size = s.len;
	if (fd < 0 || full_write(fd, s.s, s.len) < 0)
		die("memfd: %s", strerror(errno));
	str_free(&s);
	return fd;
}

static void
deliver(unsigned how, struct arena *a)
{
	struct agent_deliver_in in = { .q = "q", .sender = "s@example.org",
		.ret = "HDRS", .envid = how & UTF8 ? "" : "a+2B+20b",
		.nexthop = "example.net",
		.session = "", .verp = "", .utf8 = how & UTF8,
		.requiretls = (how & TLS) != 0 };
	struct agent_deliver_out out;
	struct call c = { .arena = a, .more = on_result };
	struct err err = ERR_INIT;
	size_t i, n = how & MANY ? RCPTS : 1;

	for (i = 0; i < n; i++) {
		strlist_add(&in.addr, a, arena_printf(a, "r%zu@%s.example", i,
		    how & UTF8 ? "b\xc3\xbc" : "d"));
		strlist_add(&in.orig, a, "");
		strlist_add(&in.orcpt, a, i > 0 ? "" : how & UTF8 ?
		    "utf-8;b\xc3\xbc\\x{FC}@x" : "rfc822;a+2Bb@x");
		strlist_add(&in.notify, a, "SUCCESS");
	}
	c.fd = content(how, &in);
	memset(told, 0, sizeof(told));
	if (deliver_verb(&c, &in, &out, &err) != 0)
		abort();
	for (i = 0; i < n; i++)
		if (!told[i])
			abort();
	close(c.fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };

	if (conf.helo_name == NULL)
		set_up();
	if (n < 1 || n > 60000)
		return 0;
	conf.protocol = data[0] & LMTP ? PROTO_LMTP : PROTO_SMTP;
	stuck = data[0] & STUCK;
	server = (struct slice){ (const char *)data + 1, n - 1 };
	deliver(data[0], &a);
	deliver(data[0], &a);	/* perhaps over the same session */
	session_close(&session, false);
	arena_free(&a);
	return 0;
}
