/*
 * mime_word_fuzz.c - any bytes as the value of a header field: decoded text is
 * UTF-8 on one line, whatever key is made of it.
 */
#include "mime/subject.h"
#include "mime/word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_line(const struct str *s)
{
	size_t i;

	assert(utf8_valid(slice_str(s)));
	for (i = 0; i < s->len; i++)
		assert((unsigned char)s->s[i] >= 0x20 && s->s[i] != 0x7f);
}

static void
keys(struct slice in, struct str *out)
{
	mime_base_subject(in, out);
	check_line(out);
	assert(out->len == 0 || (out->s[0] != ' ' &&
	    out->s[out->len - 1] != ' '));
	str_reset(out);
	mime_sort_mailbox(in, out);
	str_reset(out);
	mime_sort_display(in, out);
	check_line(out);
	str_reset(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n }, type, sub;
	struct mime_envelope env = { .date = in };
	struct str out = STR_INIT;
	struct strlist l = { 0 };
	struct arena a = { 0 };
	struct mime_params p;
	int64_t t;
	size_t i;

	mime_decode_text(in, &out);
	check_line(&out);
	str_reset(&out);
	keys(in, &out);
	mime_param_parse(in, 20, &a, &type, &sub, &p);
	for (i = 0; i < p.n; i++) {
		char *name = slice_dup(p.v[i].name);

		name[strcspn(name, "*")] = '\0';
		str_reset(&out);
		mime_param_decode(&p, name, &out);
		check_line(&out);
		free(name);
	}
	mime_message_ids(in, 5, &a, &l);
	assert(l.n <= 5);
	for (i = 0; i < l.n; i++)
		assert(l.v[i][0] != '\0');
	mime_sent_date(&env, &t);
	str_free(&out);
	arena_free(&a);
	return 0;
}
