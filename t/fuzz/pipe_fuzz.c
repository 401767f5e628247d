/*
 * pipe_fuzz.c - a command line of an admin, filled with what strangers chose,
 * and how a command ended.  The input is lines: the template, the sender, the
 * recipient, then what the command wrote; in front of them the first octet is
 * its exit status.  No argument begins with a dash that an address brought,
 * and the environment holds nothing that a shell would read.
 */
#include "../../pipe/pipe.h"

#include "conf/common.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct pipe_conf conf = { .unknown_exit = EXIT_DEFER };

static const char *
line(struct slice *rest, struct arena *a)
{
	struct slice s = SLICE_NULL;

	if (!slice_cut(rest, '\n', &s) || s.p == NULL)
		return "";
	return arena_slice(a, s);
}

static void
safe(const char *env)
{
	const char *z = strchr(env, '=');

	assert(z != NULL);
	for (; *z != '\0'; z++)
		assert((unsigned char)*z >= 0x80 ||
		    ascii_isalnum((unsigned char)*z) ||
		    strchr("!@%-_=+:,./", *z) != NULL);
}

/* arguments that repeat for each recipient are no more than that many */
static void
arguments(const char *template, const struct words *w, struct arena *a)
{
	struct slice rest = slice_of(template), word;
	struct strlist arg = { 0 };
	struct err err = ERR_INIT;
	size_t i = 0;

	if (template_check(template, &err) < 0) {
		assert(err.kind == ERR_TEMP);
		return;
	}
	if (template_fill(template, w, 1, a, &arg, &err) < 0) {
		assert(strcmp(err.dsn, "5.1.3") == 0);
		return;
	}
	while (slice_word(&rest, &word)) {
		assert(i < arg.n);
		assert(arg.v[i][0] != '-' ||
		    memchr(word.p, '-', word.n) != NULL);
		i++;
	}
	assert(i == arg.n);
}

static void
ended(int code, struct slice text)
{
	struct run r = { .status = code << 8, .output = STR_INIT };
	struct err err = ERR_INIT;
	const char *z;

	str_addsl(&r.output, text);
	if (outcome(&r, &err) == 0) {
		assert(code == 0);
	} else {
		assert(err.dsn[0] == (err.kind == ERR_TEMP ? '4' : '5'));
		for (z = err.text; *z != '\0'; z++)
			assert(z[0] == AGENT_PRIVATE[0] ||
			    (unsigned char)*z >= ' ');
	}
	str_free(&r.output);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct words w = { .nexthop = "", .queue_id = "q", .session = "s",
		.size = "1", .user = "", .extension = "", .domain = "" };
	struct strlist env = { 0 };
	struct arena a = { 0 };
	const char *template;
	struct slice s;
	size_t i;

	if (n == 0)
		return 0;
	common.recipient_delimiter = "+";
	s = (struct slice){ (const char *)data + 1, n - 1 };
	template = line(&s, &a);
	w.sender = line(&s, &a);
	w.recipient = w.original = line(&s, &a);
	words_split(&w, &a);
	arguments(template, &w, &a);
	template_environment(&w, &a, &env);
	for (i = 0; i < env.n; i++)
		safe(env.v[i]);
	ended(data[0], s);
	arena_free(&a);
	return 0;
}
