/*
 * macro.c - the macros of milters, as Sendmail and Postfix name them.  What is
 * not known is not sent.
 */
#include "filter.h"

#include "conf/common.h"

static const char *
or_null(const char *z)
{
	return z != NULL && z[0] != '\0' ? z : NULL;
}

static const char *
name_or_unknown(const struct session *s)
{
	return s->in.client_name[0] != '\0' ? s->in.client_name : "unknown";
}

static const char *
of_host(const struct member *m, const char *n, struct arena *a)
{
	const struct session *s = m->s;

	if (strcmp(n, "j") == 0)
		return common.hostname;
	if (strcmp(n, "v") == 0)
		return "Postrider";
	if (strcmp(n, "_") == 0)
		return arena_printf(a, "%s [%s]", name_or_unknown(s),
		    s->in.client_addr);
	if (strcmp(n, "daemon_name") == 0)
		return m->c->daemon_name[0] != '\0' ? m->c->daemon_name :
		    or_null(s->in.service);
	if (strcmp(n, "daemon_addr") == 0 || strcmp(n, "if_addr") == 0)
		return or_null(s->in.local_addr);
	if (strcmp(n, "daemon_port") == 0)
		return arena_printf(a, "%lld", (long long)s->in.local_port);
	return NULL;
}

static const char *
of_client(const struct session *s, const char *n, struct arena *a)
{
	if (strcmp(n, "client_addr") == 0)
		return or_null(s->in.client_addr);
	if (strcmp(n, "client_name") == 0 || strcmp(n, "client_ptr") == 0)
		return name_or_unknown(s);
	if (strcmp(n, "client_port") == 0)
		return arena_printf(a, "%lld", (long long)s->in.client_port);
	if (!s->has_helo || s->helo.tls[0] == '\0')
		return NULL;
	if (strcmp(n, "tls_version") == 0)
		return s->helo.tls;
	if (strcmp(n, "cipher") == 0)
		return or_null(s->helo.cipher);
	if (strcmp(n, "cipher_bits") == 0)
		return arena_printf(a, "%lld", (long long)s->helo.bits);
	if (strcmp(n, "cert_subject") == 0)
		return or_null(s->helo.subject);
	if (strcmp(n, "cert_issuer") == 0)
		return or_null(s->helo.issuer);
	return NULL;
}

static const char *
domain_of(const char *addr)
{
	const char *at = strrchr(addr, '@');

	return at != NULL ? or_null(at + 1) : NULL;
}

static const char *
of_mail(const struct session *s, const char *n)
{
	if (strcmp(n, "i") == 0)
		return or_null(s->q);
	if (!s->in_mail)
		return NULL;
	if (strcmp(n, "auth_authen") == 0)
		return or_null(s->mail.login);
	if (strcmp(n, "auth_type") == 0)
		return or_null(s->mail.mech);
	if (strcmp(n, "mail_addr") == 0)
		return s->mail.sender;
	if (strcmp(n, "mail_host") == 0)
		return domain_of(s->mail.sender);
	if (strcmp(n, "mail_mailer") == 0)
		return "esmtp";
	return NULL;
}

/* one that we refused is told with why, as Sendmail and Postfix do */
static const char *
of_rcpt(const struct filter_rcpt_in *r, const char *n)
{
	if (r == NULL)
		return NULL;
	if (strcmp(n, "rcpt_addr") == 0)
		return r->refused ? or_null(r->text) : r->addr;
	if (strcmp(n, "rcpt_host") == 0)
		return r->refused ? or_null(r->dsn) : domain_of(r->addr);
	if (strcmp(n, "rcpt_mailer") == 0)
		return r->refused ? "error" : "esmtp";
	return NULL;
}

const char *
macro_value(const struct member *m, struct slice name,
    const struct filter_rcpt_in *rcpt, struct arena *a)
{
	const char *n, *v;

	/* "{name}" and "name" are one */
	if (name.n > 2 && name.p[0] == '{' && name.p[name.n - 1] == '}')
		name = slice_sub(name, 1, name.n - 2);
	n = arena_slice(a, name);
	v = of_host(m, n, a);
	if (v == NULL)
		v = of_client(m->s, n, a);
	if (v == NULL)
		v = of_mail(m->s, n);
	return v != NULL ? v : of_rcpt(rcpt, n);
}
