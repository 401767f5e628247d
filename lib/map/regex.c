/*
 * regex.c - PCRE2, within limits.
 */
#include "map/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "map/jit.h"

/* Steps of one match (machine code counts others), their depth and memory:
 * some ms. */
enum { MATCH_STEPS = 200000, MATCH_DEPTH = 20000, MATCH_KB = 8192,
	STACK_MIN = 32 * 1024, STACK_MAX = 512 * 1024, PATTERN_PARENS = 100 };

struct regex {
	pcre2_code *code;
	uint32_t groups;
	bool jit;
	struct regex *next;	/* of those that can not be freed */
};

static struct {
	pcre2_compile_context *compile;
	pcre2_match_context *match;
	pcre2_match_data *data;
	int n;			/* pairs in data, of the last match */
} pcre;
static struct regex *kept;

static void
init(void)
{
	pcre2_jit_stack *stack;

	if (pcre.data != NULL)
		return;
	pcre.compile = pcre2_compile_context_create(NULL);
	pcre.match = pcre2_match_context_create(NULL);
	pcre.data = pcre2_match_data_create(REGEX_GROUPS + 1, NULL);
	stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, NULL);
	if (pcre.compile == NULL || pcre.match == NULL || pcre.data == NULL)
		die("out of memory");
	pcre2_set_parens_nest_limit(pcre.compile, PATTERN_PARENS);
	pcre2_set_match_limit(pcre.match, MATCH_STEPS);
	pcre2_set_depth_limit(pcre.match, MATCH_DEPTH);
	pcre2_set_heap_limit(pcre.match, MATCH_KB);
	/* without PCRE2's code maker there is none: it is not needed, then */
	if (stack != NULL)
		pcre2_jit_stack_assign(pcre.match, NULL, stack);
}

static int
read_flags(struct slice flags, uint32_t *options, struct err *err)
{
	static const struct {
		char letter;
		uint32_t option;
	} known[] = { { 'i', PCRE2_CASELESS }, { 'm', PCRE2_MULTILINE },
		{ 's', PCRE2_DOTALL }, { 'x', PCRE2_EXTENDED },
		{ 'A', PCRE2_ANCHORED }, { 'E', PCRE2_DOLLAR_ENDONLY },
		{ 'U', PCRE2_UNGREEDY }, { 'X', 0 } };
	size_t i, k;

	*options = PCRE2_CASELESS | PCRE2_DOTALL;
	for (i = 0; i < flags.n; i++) {
		for (k = 0; k < ARRAY_LEN(known); k++)
			if (known[k].letter == flags.p[i])
				break;
		if (k == ARRAY_LEN(known))
			return err_temp(err, "4.3.5", "unknown flag \"%c\" "
			    "behind the expression: expected some of imsxAEUX",
			    flags.p[i]);
		*options ^= known[k].option;
	}
	return 0;
}

static int
pcre_err(int code, struct err *err, const char *what)
{
	PCRE2_UCHAR text[120];

	if (pcre2_get_error_message(code, text, sizeof(text)) < 0)
		text[0] = '\0';
	return err_temp(err, "4.3.5", "%s%s", what, (char *)text);
}

int
regex_new(struct slice pattern, struct slice flags, struct regex **re_r,
    struct err *err)
{
	struct regex *re = xcalloc(1, sizeof(*re));
	uint32_t options;
	PCRE2_SIZE at;
	int code;

	*re_r = NULL;
	init();
	if (read_flags(flags, &options, err) != 0) {
		free(re);
		return -1;
	}
	re->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, options |
	    PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C,
	    &code, &at, pcre.compile);
	if (re->code == NULL) {
		free(re);
		pcre_err(code, err, "");
		return err_prefix(err, "octet %zu of the expression", at + 1);
	}
	pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &re->groups);
	if (re->groups > REGEX_GROUPS) {
		regex_free(re);
		return err_temp(err, "4.3.5", "more than %d groups",
		    REGEX_GROUPS);
	}
	if (jit_open() && pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE) ==
	    0) {
		re->jit = true;
		jit_used();
	}
	*re_r = re;
	return 0;
}

void
regex_free(struct regex *re)
{
	if (re == NULL)
		return;
	if (re->jit && !jit_open()) {
		re->next = kept;
		kept = re;
		return;
	}
	pcre2_code_free(re->code);
	free(re);
}

unsigned
regex_groups(const struct regex *re)
{
	return re->groups;
}

int
regex_match(const struct regex *re, struct slice subject, struct err *err)
{
	int r;

	if (subject.n > REGEX_SUBJECT)
		return err_temp(err, "4.3.5", "more than %d bytes to match",
		    REGEX_SUBJECT);
	r = pcre2_match(re->code, (PCRE2_SPTR)(subject.n > 0 ? subject.p :
	    ""), subject.n, 0, 0, pcre.data, pcre.match);
	if (r > 0) {
		pcre.n = r;
		return 1;
	}
	if (r == PCRE2_ERROR_NOMATCH || r == PCRE2_ERROR_PARTIAL)
		return 0;
	return pcre_err(r, err, "the match was given up: ");
}

struct slice
regex_group(struct slice subject, unsigned n)
{
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(pcre.data);

	if (n >= (unsigned)pcre.n || v[2 * n] == PCRE2_UNSET ||
	    v[2 * n + 1] < v[2 * n] || v[2 * n + 1] > subject.n)
		return SLICE_LIT("");
	return slice_sub(subject, v[2 * n], v[2 * n + 1] - v[2 * n]);
}
