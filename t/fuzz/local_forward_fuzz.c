/*
 * local_forward_fuzz.c - what an account may write: its .forward, whose targets
 * come out one a line, each of a kind that the parent knows; and, where the
 * account's process were somebody else's, the answer that the parent reads of
 * it.  The first octet says which.
 */
#include "../../local/forward.c"

#include "../../local/system.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { FORWARD, ANSWER, KINDS_ };

struct local_conf conf = { .child_timeout = 1000, .forward = true };

/* --- the rest of local ---------------------------------------------------- */

void
rcpt_fail(struct rcpt *r UNUSED, const struct err *err UNUSED)
{
}

const struct store_content *
rcpt_content(const struct job *j, const struct rcpt *r UNUSED)
{
	return &j->content;
}

int
quota_check(struct store *st UNUSED, const struct rcpt *r UNUSED,
    const struct store_content *c UNUSED, struct err *err UNUSED)
{
	return 0;
}

int
quota_of(struct store *st UNUSED, const char *home_dir UNUSED,
    uint64_t quota UNUSED, uint64_t *used_r UNUSED, struct err *err UNUSED)
{
	return 0;
}

void
quota_note(struct store *st UNUSED, const struct rcpt *r UNUSED,
    int64_t bytes UNUSED, int64_t count UNUSED)
{
}

int
file_deliver(const struct job *j UNUSED, const struct rcpt *r UNUSED,
    const char *path UNUSED, uid_t uid UNUSED, struct err *err UNUSED)
{
	return 0;
}

void
file_directory(const char *path UNUSED, struct str *out UNUSED)
{
}

int
forward_do(struct job *j UNUSED, struct rcpt *r UNUSED,
    const char *login UNUSED, bool rest UNUSED, struct slice targets UNUSED,
    struct err *err UNUSED)
{
	return 0;
}

/* -------------------------------------------------------------------------- */

static void
forward(struct slice text, struct arena *a)
{
	struct str out = STR_INIT;
	struct smtp_address x;
	struct slice rest, line;
	struct err err;
	size_t n = 0;
	int rc = parse(text, "ann", a, &out);

	rest = slice_str(&out);
	while (rc >= 0 && rest.n > 0 && slice_cut(&rest, '\n', &line)) {
		n++;
		assert(line.n > 0 && !slice_has_nul(line));
		assert(strchr("@|/.", line.p[0]) != NULL);
		if (line.p[0] == '@')
			assert(smtp_address_parse(slice_sub(line, 1, line.n),
			    SMTP_ADDR_BARE, a, &x, &err) == 1);
		else
			assert((line.p[0] == '.') == (line.n == 1));
	}
	assert(rc < 0 || (rc == 1) == (n > 0));
	assert(n <= TARGETS_MAX);
	str_free(&out);
}

/* Whatever the child wrote: an error is one that can be told.  What is too
 * short is filled up in front of the targets. */
static void
answered(struct slice said)
{
	struct answer *a = xmalloc(sizeof(*a));
	struct slice first = slice_sub(said, 0, sizeof(*a));
	struct str targets = STR_INIT;
	struct err err = ERR_INIT;
	const char *z;
	int p[2], rc;

	memset(a, 'x', sizeof(*a));
	memcpy(a, first.p, first.n);
	said = slice_sub(said, first.n, 60000);
	if (pipe(p) < 0 || full_write(p[1], a, sizeof(*a)) < 0 ||
	    full_write(p[1], said.p, said.n) < 0)
		die("pipe");
	close(p[1]);
	rc = read_answer(p[0], a, &targets, &err);
	if (rc == 0)
		rc = answer_take(a, &err);
	close(p[0]);
	if (rc < 0) {
		assert(err.kind == ERR_TEMP || err.kind == ERR_PERM);
		assert(err.dsn[0] == (err.kind == ERR_TEMP ? '4' : '5'));
		assert(strlen(err.dsn) < sizeof(err.dsn));
		for (z = err.text; *z != '\0'; z++)
			assert((unsigned char)*z >= ' ' && *z != 0x7f);
	}
	assert(targets.len == 0 || targets.s[targets.len] == '\0');
	str_free(&targets);
	free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	struct slice s;

	if (n == 0)
		return 0;
	s = (struct slice){ (const char *)data + 1, n - 1 };
	if (data[0] % KINDS_ == FORWARD)
		forward(s, &a);
	else
		answered(s);
	arena_free(&a);
	return 0;
}
