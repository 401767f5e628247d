/*
 * template.c - an admin's own texts.  The file is read and checked once, at
 * the start: what it may name is known then, so that a report can not fail by
 * it.  Nothing of a message is ever expanded, only the texts of the file.
 *
 *	failure_template = <<END
 *	From: MAILER-DAEMON (The post office of $mydomain)
 *	Subject: Not delivered
 *	Postmaster-Subject: Copy: not delivered
 *
 *	Text for people; the recipients follow.
 *	END
 */
#include "template.h"

#include "base/clock.h"
#include "conf/common.h"
#include "mime/address.h"

enum { FILE_MAX = 65536, TEXT_MAX = 16384, LINE_MAX_LEN = 900 };

static const char *const names[] = { "failure_template", "delay_template",
	"success_template", NULL };
static struct template templates[ARRAY_LEN(names)];
static struct arena arena;

/* macros: those that such files have elsewhere, and ours */
enum macro { M_HOSTNAME, M_DOMAIN, M_ORIGIN, M_NAME, M_POSTMASTER, M_QUEUE_ID,
	M_SENDER, M_DELAY_HOURS, M_LIFETIME_DAYS };
static const char *const macros[] = { "myhostname", "mydomain", "myorigin",
	"mail_name", "postmaster", "queue_id", "sender",
	"delay_warning_time_hours", "maximal_queue_lifetime_days", NULL };

static int
find_name(const char *const *list, struct slice name)
{
	int i;

	for (i = 0; list[i] != NULL; i++)
		if (slice_eqz(name, list[i]))
			return i;
	return -1;
}

/* $name, ${name} or $(name) behind a $: its name and what follows, or -1 */
static int
cut_macro(struct slice *rest, struct slice *name)
{
	char close = rest->n == 0 ? 0 : rest->p[0] == '{' ? '}' :
	    rest->p[0] == '(' ? ')' : 0;
	size_t n = 0;

	if (close != 0)
		*rest = slice_sub(*rest, 1, rest->n);
	while (n < rest->n && (ascii_isalnum((unsigned char)rest->p[n]) ||
	    rest->p[n] == '_'))
		n++;
	*name = slice_sub(*rest, 0, n);
	if (n == 0 || (close != 0 && (n == rest->n || rest->p[n] != close)))
		return -1;
	*rest = slice_sub(*rest, n + (close != 0), rest->n);
	return 0;
}

static void
put_macro(int which, const struct bounce_report_in *in, struct arena *a,
    struct str *out)
{
	const char *dot = strchr(common.hostname, '.');
	int64_t created = in->created / 1000000;

	switch (which) {
	case M_HOSTNAME:
		str_adds(out, common.hostname);
		break;
	case M_DOMAIN:
		str_adds(out, dot != NULL && strchr(dot + 1, '.') != NULL ?
		    dot + 1 : common.hostname);
		break;
	case M_ORIGIN:
		str_adds(out, common.domains.n > 0 ? common.domains.v[0] :
		    common.hostname);
		break;
	case M_NAME:
		str_adds(out, "Postrider");
		break;
	case M_POSTMASTER:
		str_adds(out, bounce_helper(a));
		break;
	case M_QUEUE_ID:
		str_adds(out, in->q);
		break;
	case M_SENDER:
		str_adds(out, in->sender);
		break;
	case M_DELAY_HOURS:
		str_addf(out, "%lld", (long long)MAX((wall_s() - created) /
		    3600, (int64_t)0));
		break;
	case M_LIFETIME_DAYS:
		str_addf(out, "%lld", (long long)MAX((in->expires - created +
		    43200) / 86400, (int64_t)0));
		break;
	default:
		break;
	}
}

/* Expand (in not NULL) or only check a text.  0, or -1: err */
static int
walk(struct slice text, const struct bounce_report_in *in, struct arena *a,
    struct str *out, struct err *err)
{
	struct slice name, rest = text;
	size_t at;
	int which;

	for (;;) {
		at = slice_find(rest, '$');
		if (in != NULL)
			str_addsl(out, slice_sub(rest, 0, at));
		if (at == rest.n)
			return 0;
		rest = slice_sub(rest, at + 1, rest.n);
		if (rest.n > 0 && rest.p[0] == '$') {
			if (in != NULL)
				str_addc(out, '$');
			rest = slice_sub(rest, 1, rest.n);
			continue;
		}
		if (cut_macro(&rest, &name) < 0)
			return err_perm(err, "5.3.5", "a $ that begins no "
			    "macro; $$ is a $");
		which = find_name(macros, name);
		if (which < 0)
			return err_perm(err, "5.3.5", "unknown macro $%.*s%s%s",
			    (int)MIN(name.n, 40), name.p,
			    nearest_name(macros, name) != NULL ?
			    "; did you mean $" : "",
			    nearest_name(macros, name) != NULL ?
			    nearest_name(macros, name) : "");
		if (in != NULL)
			put_macro(which, in, a, out);
	}
}

static int
check_from(struct slice value, struct err *err)
{
	struct mime_addresses l = { 0 };

	mime_addresses_parse(value, 2, &arena, &l);
	if (l.n != 1 || l.bad > 0)
		return err_perm(err, "5.3.5", "From: expected one address");
	return 0;
}

static int
set_header(struct template *t, struct slice name, struct slice value,
    struct err *err)
{
	const char **to;

	if (slice_ieqz(name, "Charset")) {
		if (slice_ieqz(value, "us-ascii") ||
		    slice_ieqz(value, "utf-8"))
			return 0;
		return err_perm(err, "5.3.5", "Charset: expected us-ascii or "
		    "utf-8");
	}
	to = slice_ieqz(name, "From") ? &t->from :
	    slice_ieqz(name, "Subject") ? &t->subject :
	    slice_ieqz(name, "Postmaster-Subject") ? &t->copy_subject : NULL;
	if (to == NULL)
		return err_perm(err, "5.3.5", "expected Charset, From, "
		    "Subject or Postmaster-Subject, found %.*s",
		    (int)MIN(name.n, 40), name.p);
	*to = arena_slice(&arena, value);
	if (to == &t->from && check_from(value, err) < 0)
		return -1;
	return walk(value, NULL, NULL, NULL, err);
}

/* the lines of one template: a header, an empty line, the text */
static int
set_template(struct template *t, struct slice body, struct err *err)
{
	struct slice rest = body, line, name;

	while (slice_cut(&rest, '\n', &line) && slice_trim(line).n > 0) {
		if (!slice_cut(&line, ':', &name) || line.p == NULL)
			return err_perm(err, "5.3.5", "a header line without "
			    "colon: %.*s", (int)MIN(name.n, 40), name.p);
		if (set_header(t, slice_trim(name), slice_trim(line),
		    err) < 0)
			return -1;
	}
	if (rest.p == NULL || slice_trim(rest).n == 0)
		return err_perm(err, "5.3.5", "no text behind the header");
	if (rest.n > TEXT_MAX)
		return err_perm(err, "5.3.5", "text is longer than %d bytes",
		    TEXT_MAX);
	t->text = arena_slice(&arena, rest);
	while (slice_cut(&rest, '\n', &line))
		if (line.n > LINE_MAX_LEN)
			return err_perm(err, "5.3.5", "a line is longer than "
			    "%d bytes", LINE_MAX_LEN);
	return walk(slice_of(t->text), NULL, NULL, NULL, err);
}

/* "name = <<WORD": its template, or -1 */
static int
parse_start(struct slice line, struct slice *word, struct err *err)
{
	struct slice name, value = line;
	int which;

	slice_cut(&value, '=', &name);
	name = slice_trim(name);
	value = slice_trim(value);
	which = find_name(names, name);
	if (which < 0)
		return err_perm(err, "5.3.5", "no such template: %.*s",
		    (int)MIN(name.n, 40), name.p);
	if (!slice_starts(value, "<<") || value.n < 3)
		return err_perm(err, "5.3.5", "expected %s = <<WORD",
		    names[which]);
	*word = slice_trim(slice_sub(value, 2, value.n));
	return which;
}

/* up to a line that is the word */
static int
cut_body(struct slice *rest, struct slice word, struct slice *body)
{
	const char *start = rest->p;
	struct slice line;

	while (rest->p != NULL && slice_cut(rest, '\n', &line))
		if (slice_eq(slice_trim(line), word)) {
			*body = (struct slice){ start,
			    (size_t)(line.p - start) };
			return 0;
		}
	return -1;
}

static int
parse(struct slice all, int *line_r, struct err *err)
{
	struct slice rest = all, line, word, body;
	int which, n = 0;

	while (slice_cut(&rest, '\n', &line)) {
		*line_r = ++n;
		if (slice_trim(line).n == 0 || slice_trim(line).p[0] == '#')
			continue;
		which = parse_start(line, &word, err);
		if (which < 0)
			return -1;
		if (rest.p == NULL || cut_body(&rest, word, &body) < 0)
			return err_perm(err, "5.3.5", "no line %.*s ends it",
			    (int)MIN(word.n, 40), word.p);
		if (set_template(&templates[which], body, err) < 0)
			return -1;
		for (; body.n > 0; body = slice_sub(body, 1, body.n))
			n += body.p[0] == '\n';
		n++;
	}
	return 0;
}

int
templates_load(const char *path, struct err *err)
{
	size_t n;
	char *text = read_file(path, FILE_MAX, &n);
	int r, line = 0;

	if (text == NULL)
		return err_sys(err, "cannot read %s", path);
	memset(templates, 0, sizeof(templates));
	arena_reset(&arena);
	if (!utf8_valid((struct slice){ text, n }) ||
	    slice_has_nul((struct slice){ text, n }))
		r = err_perm(err, "5.3.5", "is not UTF-8");
	else
		r = parse((struct slice){ text, n }, &line, err);
	free(text);
	if (r < 0)
		err_prefix(err, line > 0 ? "%s:%d" : "%s", path, line);
	return r;
}

static const char *
expanded(const char *z, const struct bounce_report_in *in, struct arena *a)
{
	struct str s = STR_INIT;
	struct err ignored;
	const char *r;

	if (z == NULL)
		return NULL;
	walk(slice_of(z), in, a, &s, &ignored);
	r = arena_slice(a, slice_str(&s));
	str_free(&s);
	return r;
}

/* "MAILER-DAEMON (Mail Delivery System)": the address, with our host name
 * where it has no domain, and the name */
static void
use_from(const char *z, struct arena *a, struct dsn_report *r)
{
	struct mime_addresses l = { 0 };

	mime_addresses_parse(slice_of(z), 2, a, &l);
	if (l.n == 0)
		return;
	r->from = slice_find(l.v[0].addr, '@') < l.v[0].addr.n ?
	    l.v[0].addr.p : arena_printf(a, "%s@%s", l.v[0].addr.p,
	    common.hostname);
	if (l.v[0].name.n > 0)
		r->from_name = l.v[0].name.p;
}

void
template_use(const struct bounce_report_in *in, bool copy, struct arena *a,
    struct dsn_report *r)
{
	const struct template *t = &templates[in->kind];
	const char *subject = copy && t->copy_subject != NULL ?
	    t->copy_subject : t->subject;

	if (t->text == NULL)
		return;
	r->text = expanded(t->text, in, a);
	if (subject != NULL)
		r->subject = expanded(subject, in, a);
	if (t->from != NULL)
		use_from(expanded(t->from, in, a), a, r);
}
