/*
 * text.c - texts of rules with $words in them.
 */
#include "policy/internal.h"

#include "conf/common.h"

enum { NAME_MAX_ = 40, TEXT_MAX = 900, VALUE_MAX = 300 };

/* words that tests leave behind, and others that are no facts */
static const char *const words[] = { "hostname", "score", "tags", "size",
	"nrcpt", "dnsbl", "dnsbl_score", "rate", "wait", "gate_score",
	"rcpt" };

bool
text_word_known(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], name) == 0)
			return true;
	return fact_find(name) != FACT_NONE;
}

/* the name behind a $, or in ${...}; its length in the text; 0: none */
static size_t
name_at(const char *z, char name[NAME_MAX_])
{
	bool braces = z[0] == '{';
	const char *p = z + braces;
	size_t n = 0;

	while (ascii_isalpha((unsigned char)p[n]) || p[n] == '_')
		n++;
	if (n == 0 || n >= NAME_MAX_ || (braces && p[n] != '}'))
		return 0;
	slice_copy(name, NAME_MAX_, (struct slice){ p, n });
	return n + 2 * (size_t)braces;
}

int
text_check(const char *text, struct err *err)
{
	char name[NAME_MAX_];
	const char *z = text;

	if (strlen(text) > TEXT_MAX)
		return err_perm(err, "5.3.5", "a text of more than %d bytes",
		    TEXT_MAX);
	while ((z = strchr(z, '$')) != NULL) {
		z++;
		if (*z == '$') {
			z++;
			continue;
		}
		if (name_at(z, name) == 0 || !text_word_known(name))
			return err_perm(err, "5.3.5", "no such word: $%.30s "
			    "(a dollar sign is $$)", z);
	}
	return 0;
}

static const char *
number(struct eval *e, int64_t n)
{
	return arena_printf(e->a, "%lld", (long long)n);
}

static const char *
value_of(struct eval *e, const char *name)
{
	const char *z = eval_get(e, name);

	if (z != NULL)
		return z;
	if (strcmp(name, "hostname") == 0)
		return common.hostname != NULL ? common.hostname : "";
	if (strcmp(name, "score") == 0)
		return number(e, eval_score(e));
	if (strcmp(name, "tags") == 0)
		return eval_tags(e);
	if (strcmp(name, "size") == 0)
		return number(e, (int64_t)e->f->size);
	if (strcmp(name, "nrcpt") == 0)
		return number(e, e->f->nrcpt);
	if (strcmp(name, "gate_score") == 0)
		return number(e, e->f->gate_score);
	if (strcmp(name, "rcpt") == 0)
		return e->f->rcpt;
	z = fact_get(e, fact_find(name));
	return z[0] != '\0' ? z : "unknown";
}

const char *
text_expand(struct eval *e, const char *text)
{
	struct str out = STR_INIT;
	char name[NAME_MAX_], *r;
	size_t n, i;

	for (; *text != '\0'; text++) {
		n = *text == '$' ? name_at(text + 1, name) : 0;
		if (n == 0) {
			str_addc(&out, *text);
			text += text[0] == '$' && text[1] == '$';
			continue;
		}
		str_addsl(&out, utf8_cut(slice_of(value_of(e, name)),
		    VALUE_MAX));
		text += n;
	}
	for (i = 0; i < out.len; i++)
		if ((unsigned char)out.s[i] < 0x20 || out.s[i] == 0x7f)
			out.s[i] = '?';
	r = arena_slice(e->marks->a, utf8_cut(slice_str(&out), TEXT_MAX));
	str_free(&out);
	return r;
}
