/*
 * template.c - from `program -f ${sender} -- ${recipient}` to arguments.  No
 * shell reads them, so nothing in an address can be more than text.
 */
#include "pipe.h"
#include "smtp/address.h"
#include "conf/common.h"

static const struct word {
	const char *name;
	size_t offset;
	bool each;		/* of one recipient */
} words[] = {
#define W(m, each) { #m, offsetof(struct words, m), each }
	W(sender, false), W(recipient, true), W(original, true),
	W(nexthop, false), W(queue_id, false), W(session, false),
	W(size, false), W(user, true), W(extension, true), W(domain, true),
#undef W
};

void
words_split(struct words *w, struct arena *a)
{
	struct smtp_address addr;
	struct slice user, ext;
	struct err ignored;

	w->user = w->recipient;
	w->extension = w->domain = "";
	if (smtp_address_parse(slice_of(w->recipient), SMTP_ADDR_BARE |
	    SMTP_ADDR_NULL, a, &addr, &ignored) < 0)
		return;
	smtp_local_split(addr.local, common.recipient_delimiter, &user, &ext);
	w->user = arena_slice(a, user);
	w->extension = arena_slice(a, ext);
	w->domain = arena_slice(a, addr.domain);
}

static const struct word *
find(struct slice name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (slice_eqz(name, words[i].name))
			return &words[i];
	return NULL;
}

/*
 * The next piece of an argument: text, or a word.  1, 0 at its end, -1: err.
 */
static int
next_piece(struct slice *rest, struct slice *text, const struct word **w,
    struct err *err)
{
	size_t n = 0;

	*w = NULL;
	if (rest->n == 0)
		return 0;
	if (rest->p[0] != '$') {
		while (n < rest->n && rest->p[n] != '$')
			n++;
		*text = slice_sub(*rest, 0, n);
		*rest = slice_sub(*rest, n, rest->n);
		return 1;
	}
	if (slice_starts(*rest, "$$")) {
		*text = slice_sub(*rest, 0, 1);
		*rest = slice_sub(*rest, 2, rest->n);
		return 1;
	}
	while (n < rest->n && rest->p[n] != '}')
		n++;
	if (n == rest->n || !slice_starts(*rest, "${"))
		return err_temp(err, "4.3.5", "expected ${WORD} or $$ in "
		    "\"%.*s\"", (int)rest->n, rest->p);
	*text = slice_sub(*rest, 2, n - 2);
	*w = find(*text);
	if (*w == NULL)
		return err_temp(err, "4.3.5", "no word ${%.*s}",
		    (int)text->n, text->p);
	*rest = slice_sub(*rest, n + 1, rest->n);
	return 1;
}

/* 1: it names a recipient, 0 it does not, -1 */
static int
check_argument(struct slice arg, struct err *err)
{
	const struct word *w;
	struct slice text;
	int rc, each = 0;

	while ((rc = next_piece(&arg, &text, &w, err)) == 1)
		if (w != NULL && w->each)
			each = 1;
	return rc < 0 ? -1 : each;
}

int
template_check(const char *command, struct err *err)
{
	struct slice rest = slice_of(command), arg;
	bool first = true;

	while (slice_word(&rest, &arg)) {
		if (first && arg.p[0] != '/')
			return err_temp(err, "4.3.5", "expected a program "
			    "with its path");
		first = false;
		if (check_argument(arg, err) < 0)
			return -1;
	}
	return 0;
}

bool
template_repeats(const char *command)
{
	struct slice rest = slice_of(command), arg;
	struct err ignored;

	while (slice_word(&rest, &arg))
		if (check_argument(arg, &ignored) == 1)
			return true;
	return false;
}

static int
fill(struct slice arg, const struct words *w, struct arena *a,
    struct strlist *out, struct err *err)
{
	struct str s = STR_INIT;
	const struct word *word;
	struct slice text;
	const char *value;
	int rc;

	while ((rc = next_piece(&arg, &text, &word, err)) == 1) {
		if (word == NULL) {
			str_addsl(&s, text);
			continue;
		}
		value = *(const char *const *)((const char *)w +
		    word->offset);
		if (s.len == 0 && value[0] == '-') {
			rc = err_perm(err, "5.1.3", "this address can not be "
			    "given to a command");
			break;
		}
		str_adds(&s, value);
	}
	if (rc == 0)
		strlist_add(out, a, s.s != NULL ? arena_slice(a,
		    slice_str(&s)) : "");
	str_free(&s);
	return rc;
}

int
template_fill(const char *command, const struct words *w, size_t n,
    struct arena *a, struct strlist *arg, struct err *err)
{
	struct slice rest = slice_of(command), word;
	size_t i, times;
	int each;

	while (slice_word(&rest, &word)) {
		each = check_argument(word, err);
		if (each < 0)
			return -1;
		times = each == 1 ? n : 1;
		for (i = 0; i < times; i++)
			if (fill(word, &w[i], a, arg, err) < 0)
				return -1;
	}
	return 0;
}

/* What a script may put on a command line without quotes. */
static void
add(struct strlist *env, struct arena *a, const char *name, const char *value)
{
	char *z = arena_printf(a, "%s=%s", name, value), *c;

	for (c = z + strlen(name) + 1; *c != '\0'; c++)
		if (!ascii_isalnum((unsigned char)*c) &&
		    (unsigned char)*c < 0x80 &&
		    strchr("!@%-_=+:,./", *c) == NULL)
			*c = '_';
	strlist_add(env, a, z);
}

void
template_environment(const struct words *w, struct arena *a,
    struct strlist *env)
{
	add(env, a, "SENDER", w->sender);
	add(env, a, "RECIPIENT", w->recipient);
	add(env, a, "ORIGINAL_RECIPIENT", w->original);
	add(env, a, "LOCAL", w->user);
	add(env, a, "EXTENSION", w->extension);
	add(env, a, "DOMAIN", w->domain);
	add(env, a, "QUEUE_ID", w->queue_id);
	add(env, a, "SESSION", w->session);
}
