/*
 * cleanup_checks_fuzz.c - any message through tables of content checks.  What
 * is to be changed lies within the message, in order; the message stays one
 * that the queue takes, its trace as it was; and what a table wanted gone or
 * replaced is, so that the same table finds nothing of it a second time.
 *
 * The first octet: how much of bodies is looked at (odd: little).
 */
#include <sys/mman.h>

#include "../../cleanup/checks.h"
#include "base/log.h"
#include "conf/common.h"
#include "mime/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct cleanup_conf conf = { .checks_time = 600000, .recipient_limit = 100 };

#define TRACE "Return-Path: <a@b>\nReceived: by x\n"

static const char *const texts[CHECKS] = {
	[CHECK_HEADER] = "/^X-Del:/ IGNORE\n/^X-Strip:/ STRIP gone\n"
	    "/^Subject:(.*)/s REPLACE X-Was:$1\n"
	    "/^X-Pre:(.*)/s PREPEND X-Added:$1\n/^X-Hold/ HOLD look\n"
	    "/^X-To: *(\\S+)/ REDIRECT $1\n/^X-Bcc: *(\\S+)/ BCC $1\n"
	    "/^X-Route: *(.*)/ FILTER $1\n/^X-No: *(.*)/ REJECT $1\n"
	    "/^X-Discard/ DISCARD\n/^X-Pass/ PASS\n/^X-Warn(.*)/ WARN $1\n",
	[CHECK_MIME] = "/^Content-Description:/ IGNORE\n"
	    "/^Content-Language: *(.*)/s REPLACE X-Language: $1\n",
	[CHECK_NESTED] = "/^Subject: *secret/ IGNORE\n"
	    "/^To:(.*)/s REPLACE X-Nested-To:$1\n",
	[CHECK_BODY] = "/^secret/ IGNORE\n/^old(.*)/ REPLACE new$1\n"
	    "/^X-Pre/ PREPEND in front\n/^stop/ PASS\n",
};

static int content = -1;
static struct str made;		/* by rewrite */

/* --- rewrite.c, in memory ------------------------------------------------- */

static void
add_range(uint64_t from, uint64_t to)
{
	char *p = xmalloc(to - from + 1);
	struct err err;

	if (content_read(content, p, to - from, from, &err) < 0)
		die("content: %s", err.text);
	str_add(&made, p, to - from);
	free(p);
}

int
rewrite(struct message *m UNUSED, const struct splices *s, uint64_t *size,
    struct err *err UNUSED)
{
	const struct splice *v;
	uint64_t at = sizeof(TRACE) - 1;

	for (v = s->v; v < s->v + s->n; at = v->at + v->len, v++)
		assert(v->at >= at);
	at = 0;
	str_reset(&made);
	for (v = s->v; v < s->v + s->n; v++) {
		assert(v->at + v->len <= *size);
		add_range(at, v->at);
		str_addsl(&made, v->text);
		at = v->at + v->len;
	}
	add_range(at, *size);
	*size = made.len;
	return 0;
}

/* --- message.c ------------------------------------------------------------ */

void
message_rcpt(struct message *m, const struct cleanup_rcpt_in *in)
{
	assert(in->addr[0] != '\0' && strpbrk(in->addr, "\r\n") == NULL);
	m->n = 0;
}

void
message_discard(struct message *m, const char *by UNUSED,
    const char *why UNUSED)
{
	m->discard = true;
}

/* ------------------------------------------------------------------------- */

static void
drop(const char *line, size_t n)
{
	assert(memchr(line, '\n', n) == line + n - 1);
}

static const char *
table(const char *text)
{
	int fd = memfd_create("checks", MFD_CLOEXEC);

	if (fd < 0 || full_write(fd, text, strlen(text)) < 0)
		die("memfd_create");
	return xasprintf("pcre:/proc/self/fd/%d", fd);
}

static void
begin(void)
{
	if (content >= 0)
		return;
	log_set_sink(drop);
	common.conf_dir = "/";
	conf.header_checks = table(texts[CHECK_HEADER]);
	conf.mime_header_checks = table(texts[CHECK_MIME]);
	conf.nested_header_checks = table(texts[CHECK_NESTED]);
	conf.body_checks = table(texts[CHECK_BODY]);
	checks_init();
	content = memfd_create("content", MFD_CLOEXEC);
	if (content < 0)
		die("memfd_create");
}

static void
set_content(struct slice s)
{
	if (ftruncate(content, 0) < 0 || lseek(content, 0, SEEK_SET) < 0 ||
	    full_write(content, s.p, s.n) < 0)
		die("content");
}

/* as of checks_run; 2: the queue does not take it, or cleanup would have made
 * a header of what begins with a blank */
static int
run(struct slice text, struct err *err)
{
	static const struct content_limits limits = { .header = 65536,
		.fields = 1000, .hops = 50, .trace = sizeof(TRACE) - 1 };
	struct message m = { .fd = content, .trace = sizeof(TRACE) - 1,
		.sender = "a@b", .verp = "", .begun = true };
	struct content_facts f;
	uint64_t size = text.n;
	int r;

	set_content(text);
	if (content_check(content, size, &limits, &f, err) < 0 || f.glued)
		return 2;
	r = checks_run(&m, &f, &size, err);
	assert(r != 1 || size == made.len);
	if (m.discard && r == 0)
		r = 2;
	arena_free(&m.arena);
	return r;
}

static void
judge(const char *was, bool all)
{
	struct str now = STR_INIT;
	struct err err = ERR_INIT;
	int r;

	str_addsl(&now, slice_str(&made));
	assert(slice_starts(slice_str(&now), TRACE));
	r = run(slice_str(&now), &err);
	/* a text of a table may make a header too large, else it fits */
	assert(r != 2 || err.kind == ERR_NONE || strcmp(err.dsn, "5.3.4") == 0);
	/* what is put in front is so each time; what matched has a limit */
	if (all && strcasestr(was, "X-Pre") == NULL && r != 2)
		assert(r == 0);
	str_free(&now);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	bool all;

	begin();
	if (n == 0)
		return 0;
	all = data[0] % 2 == 0;
	conf.body_checks_size = all ? 1 << 20 : 64;
	str_adds(&text, TRACE);
	str_add(&text, (const char *)data + 1, n - 1);
	if (run(slice_str(&text), &err) == 1)
		judge(text.s, all);
	str_free(&text);
	return 0;
}
