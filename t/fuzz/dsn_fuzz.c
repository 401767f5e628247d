/*
 * dsn_fuzz.c - reports about anything that a server said, an envelope holds,
 * or a message begins with: what comes out is a message with a header and
 * three parts, in lines that may be sent, and its part for programs has the
 * fields that it should, each once.  Lines up to an empty one are strings of
 * the report, the rest is the original; the first octet has what is asked.
 */
#include <sys/mman.h>

#include "dsn/report.h"
#include "mime/header.h"
#include "mime/part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { STRINGS = 8, LINE = 998 };

static char *
next(struct slice *rest)
{
	struct slice line;

	if (!slice_cut(rest, '\n', &line) || line.n == 0)
		return xstrdup("");
	line.n = strnlen(line.p, line.n);
	return slice_dup(line);
}

static size_t
count_field(struct slice s, const char *name)
{
	struct slice line;
	size_t n = 0;

	while (slice_cut(&s, '\n', &line))
		n += slice_istarts(line, name);
	return n;
}

/* lines that are ours, up to the original, are such as may be sent */
static void
lines(struct slice s)
{
	struct slice line;
	size_t i;

	while (slice_cut(&s, '\n', &line)) {
		assert(line.n <= LINE);
		for (i = 0; i < line.n; i++)
			assert((unsigned char)line.p[i] >= ' ' ||
			    line.p[i] == '\t');
	}
}

static void
judge(struct slice text, const struct dsn_report *r)
{
	struct arena a = { 0 };
	struct mime_part *root = mime_parse(text, NULL, &a);
	const struct mime_part *p;
	struct slice status;

	assert(root != NULL && root->child != NULL);
	p = root->child;			/* for people */
	assert(p->next != NULL);
	p = p->next;				/* for programs */
	status = slice_sub(text, p->body.pos, p->end.pos - p->body.pos);
	lines(slice_sub(text, 0, p->end.pos));
	assert(count_field(status, "Reporting-MTA:") == 1);
	assert(count_field(status, "Final-Recipient:") == r->n);
	assert(count_field(status, "Action:") == r->n);
	assert(count_field(status, "Status:") == r->n);
	assert((p->next != NULL) == (r->fd >= 0));
	arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int fd = -1;
	struct slice rest = { (const char *)data, n };
	struct dsn_recipient rcpt[2] = { 0 };
	struct dsn_report r = { .reporting_mta = "mx.example",
		.now = 1700000000, .arrival = 1600000000, .rcpt = rcpt };
	struct str out = STR_INIT;
	struct err err;
	char *z[STRINGS];
	size_t i;

	if (n == 0)
		return 0;
	rest = slice_sub(rest, 1, rest.n);
	for (i = 0; i < STRINGS; i++)
		z[i] = next(&rest);
	r.kind = (enum dsn_kind)(data[0] % 3);
	r.utf8 = data[0] & 8;
	r.full = data[0] & 16;
	r.n = data[0] & 32 ? 2 : 1;
	r.to = "ann@example.org";
	rcpt[0] = (struct dsn_recipient){ .final = z[0], .orcpt = z[1],
		.status = "5.1.1", .diagnostic = z[2], .remote_mta = z[3] };
	rcpt[1] = (struct dsn_recipient){ .final = z[4], .status = "4.0.0",
		.action = DSN_ACT_DELAYED, .diagnostic = z[5] };
	r.envid = z[6];
	r.received_from = z[7];
	if (fd < 0)
		fd = memfd_create("original", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, rest.p, rest.n, 0) !=
	    (ssize_t)rest.n)
		die("memfd_create");
	r.fd = data[0] & 64 ? -1 : fd;
	if (dsn_compose_str(&r, &out, &err) < 0)
		die("dsn_compose_str: %s", err.text);
	judge(slice_str(&out), &r);
	str_free(&out);
	for (i = 0; i < STRINGS; i++)
		free(z[i]);
	return 0;
}
