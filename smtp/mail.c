/*
 * mail.c - MAIL and RCPT with the parameters that the server knows: RFC 5321
 * section 4.1.1.2, 1870, 3461, 6152, 6531, 6710, 8689.
 */
#include "smtp.h"

#include "smtp/address.h"
#include "smtp/command.h"

/* What is no address is at least one word, and can not end the line. */
static void
put_local(const char *addr, struct str *out)
{
	struct slice s = slice_of(addr);
	size_t at = slice_rfind(s, '@'), i = out->len;

	smtp_local_print(slice_sub(s, 0, at), out);
	for (at = MIN(at, s.n); at < s.n; at++)
		str_addc(out, strchr(" <>", s.p[at]) != NULL ? '?' : s.p[at]);
	for (; i < out->len; i++)
		if ((unsigned char)out->s[i] < ' ' || out->s[i] == 0x7f)
			out->s[i] = '?';
}

static void
put_path(const struct job *j, const char *addr, struct str *out)
{
	struct smtp_address a;
	struct err ignored;

	str_addc(out, '<');
	if (smtp_address_parse(slice_of(addr), SMTP_ADDR_NULL |
	    SMTP_ADDR_BARE | SMTP_ADDR_POSTMASTER, j->arena, &a,
	    &ignored) == 1)
		smtp_address_print(&a, out);
	else
		put_local(addr, out);
	str_addc(out, '>');
}

/* Both lie in the envelope as they were given, in xtext or what RFC 6533 has
 * instead, and are written anew as this server may read them. */
static void
put_envid(const char *envid, struct str *out)
{
	struct str plain = STR_INIT;
	struct err ignored;

	if (smtp_envid_parse(slice_of(envid), &plain, &ignored) == 1) {
		str_adds(out, " ENVID=");
		smtp_xtext_encode(out, slice_str(&plain));
	}
	str_free(&plain);
}

void
mail_line(const struct session *s, const struct job *j, const char *sender,
    struct str *out)
{
	const struct agent_deliver_in *in = j->in;
	const struct caps *c = &s->caps;
	uint64_t wire = need_wire(j);

	str_adds(out, "MAIL FROM:");
	put_path(j, sender, out);
	if (c->size && wire > 0)
		str_addf(out, " SIZE=%llu", (unsigned long long)wire);
	if (c->eightbit && (in->body8 || j->eightbit == 1) &&
	    j->converted.len == 0)
		str_adds(out, " BODY=8BITMIME");
	if (c->smtputf8 && j->wants_utf8)
		str_adds(out, " SMTPUTF8");
	if (c->requiretls && in->requiretls)
		str_adds(out, " REQUIRETLS");
	if (c->priority && in->priority != 0)
		str_addf(out, " MT-PRIORITY=%lld", (long long)in->priority);
	if (c->dsn && in->ret[0] != '\0')
		str_addf(out, " RET=%s", in->ret);
	if (c->dsn && in->envid[0] != '\0')
		put_envid(in->envid, out);
	str_adds(out, "\r\n");
}

/* one character of UTF-8 at s.p[*i]; s is valid */
static uint32_t
code_point(struct slice s, size_t *i)
{
	unsigned char c = (unsigned char)s.p[(*i)++];
	uint32_t v = c < 0xe0 ? c & 0x1f : c < 0xf0 ? c & 0x0f : c & 0x07;
	int more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

	for (; more > 0 && *i < s.n; more--)
		v = v << 6 | ((unsigned char)s.p[(*i)++] & 0x3f);
	return v;
}

/* RFC 6533 section 3: utf-8-addr-unitext where the server may be sent UTF-8,
 * else utf-8-addr-xtext */
static void
put_unitext(struct slice s, bool raw, struct str *out)
{
	size_t i = 0;

	while (i < s.n) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x80 && raw) {
			str_addc(out, s.p[i++]);
		} else if (c >= 0x80) {
			str_addf(out, "\\x{%X}", code_point(s, &i));
		} else {
			if (c > 0x20 && c < 0x7f && c != '+' && c != '=' &&
			    c != '\\')
				str_addc(out, (char)c);
			else
				str_addf(out, "\\x{%02X}", c);
			i++;
		}
	}
}

static void
put_orcpt(const struct session *s, const struct job *j, const char *orcpt,
    struct str *out)
{
	struct str plain = STR_INIT;
	struct slice rest, type;
	struct err ignored;

	if (smtp_orcpt_parse(slice_of(orcpt), &plain, &ignored) == 1) {
		rest = slice_str(&plain);
		slice_cut(&rest, ';', &type);
		str_addf(out, " ORCPT=%.*s;", (int)type.n, type.p);
		if (slice_ieqz(type, "utf-8"))
			put_unitext(rest, s->caps.smtputf8 && j->wants_utf8,
			    out);
		else
			smtp_xtext_encode(out, rest);
	}
	str_free(&plain);
}

void
rcpt_line(const struct session *s, const struct job *j,
    const struct recipient *r, struct str *out)
{
	str_adds(out, "RCPT TO:");
	put_path(j, r->wire, out);
	if (s->caps.dsn && r->notify[0] != '\0')
		str_addf(out, " NOTIFY=%s", r->notify);
	if (s->caps.dsn && r->orcpt[0] != '\0')
		put_orcpt(s, j, r->orcpt, out);
	str_adds(out, "\r\n");
}
