/*
 * sm_header.c - the header as it will be sent: Bcc taken out, what must be
 * there added; everything else byte for byte as it came.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "mime/address.h"
#include "mime/header.h"
#include "mime/write.h"
#include "sendmail.h"
#include "smtp/address.h"

#include <pwd.h>

/* where mail of this host comes from and bare names go to */
static const char *
origin(void)
{
	if (common.domains.n > 0)
		return common.domains.v[0];
	if (common.system_domains.n > 0)
		return common.system_domains.v[0];
	return common.hostname;
}

const char *
sm_address(struct mail *m, struct slice addr)
{
	struct smtp_address a;
	struct err err = ERR_INIT;
	struct str s = STR_INIT;
	const char *z;

	if (smtp_address_parse(addr, SMTP_ADDR_BARE, &m->arena, &a, &err) != 1)
		return NULL;
	if (a.domain.n == 0)
		a.domain = slice_of(origin());
	smtp_address_print(&a, &s);
	z = arena_strdup(&m->arena, s.s);
	str_free(&s);
	return z;
}

static int
add_list(struct mail *m, struct slice list, const char *what)
{
	struct mime_addresses l = { 0 };
	const char *z;
	size_t i;

	mime_addresses_parse(list, MIME_ADDRESSES_MAX, &m->arena, &l);
	if (l.bad > 0 || l.truncated)
		return sm_fail(EX_DATAERR, "%s: %s: %.*s", what, l.truncated ?
		    "too many addresses" : "not a list of addresses",
		    (int)MIN(list.n, (size_t)200), list.p);
	for (i = 0; i < l.n; i++) {
		z = sm_address(m, l.v[i].addr);
		if (z == NULL)
			return sm_fail(EX_DATAERR, "%s: not an address: %.*s",
			    what, (int)MIN(l.v[i].addr.n, (size_t)200),
			    l.v[i].addr.p);
		if (m->rcpts.n >= RCPTS_MAX)
			return sm_fail(EX_DATAERR, "too many recipients");
		strlist_add(&m->rcpts, &m->arena, z);
	}
	return EX_OK;
}

int
sm_add_rcpts(struct mail *m, struct slice list)
{
	return add_list(m, list, "recipient");
}

static bool
is_named(const struct mime_field *f, const char *const *names)
{
	for (; *names != NULL; names++)
		if (slice_ieqz(f->name, *names))
			return true;
	return false;
}

/* Resent-To and its like count alone where they are */
static int
rcpts_of_header(struct mail *m, struct slice header)
{
	static const char *const plain[] = { "To", "Cc", "Bcc", NULL };
	static const char *const resent[] = { "Resent-To", "Resent-Cc",
	    "Resent-Bcc", NULL };
	const char *const *names = plain;
	struct mime_field f;
	struct mime_scan s;
	int r = EX_OK;

	mime_scan_init(&s, header);
	while (mime_scan_next(&s, &f))
		if (is_named(&f, resent))
			names = resent;
	mime_scan_init(&s, header);
	while (r == EX_OK && mime_scan_next(&s, &f))
		if (is_named(&f, names))
			r = add_list(m, f.value, arena_slice(&m->arena,
			    f.name));
	return r;
}

static struct passwd *
caller(struct mail *m, const char **login)
{
	struct passwd *pw = getpwuid(getuid());

	*login = pw != NULL && pw->pw_name[0] != '\0' ? pw->pw_name :
	    arena_printf(&m->arena, "uid%u", (unsigned)getuid());
	return pw;
}

/* the caller's name in passwd: up to the first comma */
static const char *
full_name(struct mail *m, const struct passwd *pw)
{
	struct slice g;

	if (m->full_name != NULL)
		return m->full_name;
	g = slice_of(pw != NULL ? pw->pw_gecos : "");
	return arena_slice(&m->arena, slice_sub(g, 0, slice_find(g, ',')));
}

static int
find_sender(struct mail *m, const char **name)
{
	const char *login, *given = m->sender;
	struct passwd *pw = caller(m, &login);
	struct slice s = slice_of(given != NULL ? given : login);

	*name = full_name(m, pw);
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = slice_sub(s, 1, s.n - 2);
	if (s.n == 0) {
		m->sender = "";
		return EX_OK;
	}
	m->sender = sm_address(m, s);
	return m->sender != NULL ? EX_OK :
	    sm_fail(EX_USAGE, "-f %s: not an address", given);
}

static void
add_missing(struct mail *m, struct slice header, const char *name)
{
	struct mime_field f;
	struct str v = STR_INIT;
	const char *from = m->sender;

	if (from[0] == '\0')
		from = arena_printf(&m->arena, "MAILER-DAEMON@%s", origin());
	if (!mime_find(header, "Date", &f)) {
		date_5322(&v, wall_s());
		mime_put_fieldz(&m->header, "Date", v.s);
		str_reset(&v);
	}
	if (!mime_find(header, "From", &f)) {
		mime_address_print(slice_of(name), slice_of(from), &v);
		mime_put_fieldz(&m->header, "From", v.s);
		str_reset(&v);
	}
	if (!mime_find(header, "Message-ID", &f)) {
		mime_message_id(&v, common.hostname);
		mime_put_fieldz(&m->header, "Message-ID", v.s);
	}
	str_free(&v);
}

/* mbox's "From " line, which some programs still send first */
static size_t
skip_from_line(struct slice header)
{
	if (!slice_starts(header, "From ") && !slice_starts(header, ">From "))
		return 0;
	return MIN(slice_find(header, '\n') + 1, header.n);
}

static void
keep_fields(struct mail *m, struct slice header, struct mime_scan *s)
{
	static const char *const secret[] = { "Bcc", "Resent-Bcc", NULL };
	struct mime_field f;

	mime_scan_init(s, header);
	while (mime_scan_next(s, &f)) {
		if (is_named(&f, secret))
			continue;
		str_addsl(&m->header, f.raw);
		if (f.raw.n > 0 && f.raw.p[f.raw.n - 1] != '\n')
			str_addc(&m->header, '\n');
	}
}

int
sm_header(struct mail *m)
{
	struct str raw = STR_INIT;
	struct slice header;
	struct mime_scan s;
	struct err err = ERR_INIT;
	const char *name = "";
	size_t skip;
	int r = mime_header_load(m->fd, HEADER_MAX, &raw, &err);

	if (r < 0)
		r = sm_fail(EX_TEMPFAIL, "%s", err.text);
	else if (r == 0)
		r = sm_fail(EX_DATAERR, "the header is larger than %d bytes",
		    HEADER_MAX);
	else
		r = find_sender(m, &name);
	if (r == EX_OK) {
		skip = skip_from_line(slice_str(&raw));
		header = slice_sub(slice_str(&raw), skip, raw.len);
		if (m->from_header)
			r = rcpts_of_header(m, header);
		keep_fields(m, header, &s);
		if (s.too_many)
			r = sm_fail(EX_DATAERR, "too many header fields");
		add_missing(m, slice_sub(header, 0, s.body), name);
		str_addc(&m->header, '\n');
		m->body = skip + s.body;
	}
	str_free(&raw);
	return r;
}
