/*
 * ext_xclient.c - XCLIENT: a proxy in front of us says who its client is, and
 * the session begins anew as if that client had connected.  As Postfix has it
 * (XCLIENT_README).  Who may is decided once, by the address that is connected.
 */
#include <arpa/inet.h>

#include "backend.h"
#include "base/log.h"
#include "base/networks.h"
#include "ext.h"
#include "filter.h"

/* what one command says; strings are empty where it says nothing */
struct claim {
	struct str addr, name, helo, login, dest;
	bool has_addr, has_name, has_helo, has_login;
	uint64_t port, dest_port;
	bool smtp;		/* PROTO=SMTP */
};

static bool
xclient_offered(const struct session *s)
{
	return s->may_xclient;
}

static void
xclient_args(const struct session *s UNUSED, struct str *out)
{
	str_adds(out, " NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT "
	    "REVERSE_NAME");
}

bool
xclient_address(struct slice z, struct str *out)
{
	unsigned char ip[16];
	char text[INET6_ADDRSTRLEN];
	bool six = slice_istarts(z, "IPV6:");

	if (six)
		z = slice_sub(z, 5, z.n);
	slice_copy(text, sizeof(text), z);
	if (z.n >= sizeof(text) ||
	    inet_pton(six ? AF_INET6 : AF_INET, text, ip) != 1 ||
	    inet_ntop(six ? AF_INET6 : AF_INET, ip, text,
	    sizeof(text)) == NULL)
		return false;
	str_reset(out);
	str_adds(out, text);
	return true;
}

bool
xclient_nothing(struct slice z)
{
	return slice_ieqz(z, "[UNAVAILABLE]") ||
	    slice_ieqz(z, "[TEMPUNAVAIL]");
}

/* what goes into headers and logs holds no controls and no blanks */
static bool
is_plain(struct slice z)
{
	size_t i;

	for (i = 0; i < z.n; i++)
		if ((unsigned char)z.p[i] <= ' ' || z.p[i] == 0x7f)
			return false;
	return utf8_valid(z) && z.n <= SMTP_DOMAIN_MAX + SMTP_LOCAL_MAX;
}

static bool
take(struct claim *c, struct slice name, struct slice z)
{
	bool none = xclient_nothing(z);
	struct str *to = NULL;

	if (slice_ieqz(name, "ADDR")) {
		c->has_addr = true;
		str_reset(&c->addr);
		if (!none)
			return xclient_address(z, &c->addr);
		str_adds(&c->addr, UNKNOWN_ADDR);
		return true;
	}
	if (slice_ieqz(name, "DESTADDR"))
		return none || xclient_address(z, &c->dest);
	if (slice_ieqz(name, "PORT"))
		return none || slice_u64(z, 65535, &c->port);
	if (slice_ieqz(name, "DESTPORT"))
		return none || slice_u64(z, 65535, &c->dest_port);
	if (slice_ieqz(name, "PROTO")) {
		c->smtp = slice_ieqz(z, "SMTP");
		return c->smtp || slice_ieqz(z, "ESMTP");
	}
	if (slice_ieqz(name, "REVERSE_NAME"))
		return is_plain(z);	/* our own rules ask DNS */
	if (slice_ieqz(name, "NAME")) {
		c->has_name = true;
		to = &c->name;
	} else if (slice_ieqz(name, "HELO")) {
		c->has_helo = true;
		to = &c->helo;
	} else if (slice_ieqz(name, "LOGIN")) {
		c->has_login = true;
		to = &c->login;
	} else
		return false;
	str_reset(to);
	if (!none)
		str_addsl(to, z);
	return none || (z.n > 0 && is_plain(z));
}

static int
parse(struct slice args, struct claim *c, struct err *err)
{
	struct str plain = STR_INIT;
	struct slice word, name;
	bool good = true;

	while (good && slice_word(&args, &word)) {
		slice_cut(&word, '=', &name);
		str_reset(&plain);
		good = word.p != NULL && smtp_xtext_decode(&plain, word) &&
		    take(c, name, slice_str(&plain));
		if (!good)
			err_perm(err, "5.5.4", "bad attribute: %.*s",
			    (int)MIN(name.n, (size_t)40), name.p);
	}
	str_free(&plain);
	return good ? 0 : -1;
}

static void
free_claim(struct claim *c)
{
	str_free(&c->addr);
	str_free(&c->name);
	str_free(&c->helo);
	str_free(&c->login);
	str_free(&c->dest);
}

static void
set_name(struct session *s, const struct claim *c)
{
	if (!c->has_addr && !c->has_name)
		return;
	backend_client_drop();
	str_reset(&s->name);
	if (c->has_name)
		str_addsl(&s->name, slice_str(&c->name));
	else
		session_ask_name(s);
}

/* the client is that one from here on */
static void
become(struct session *s, const struct claim *c)
{
	struct peer *p = s->peer;

	log_event(LOG_INFO, "xclient", KS("client", p->addr),
	    KS("orig_client", c->has_addr ? c->addr.s : NULL),
	    KS("orig_client_name", c->name.len > 0 ? c->name.s : NULL),
	    KS("login", c->login.len > 0 ? c->login.s : NULL), KEND);
	session_forget(s);
	rules_free(s);
	filters_end(s);
	p->gate = NULL;
	p->greeted = false;
	if (c->has_addr) {
		slice_copy(p->addr, sizeof(p->addr), slice_str(&c->addr));
		s->trusted = networks_has(&conf.trusted_networks, p->addr);
	}
	if (c->port != 0)
		p->port = (int)c->port;
	if (c->dest.len > 0)
		slice_copy(p->local_addr, sizeof(p->local_addr),
		    slice_str(&c->dest));
	if (c->dest_port != 0)
		p->local_port = (int)c->dest_port;
	set_name(s, c);
	if (c->has_login)
		str_addsl(&s->login, slice_str(&c->login));
}

/* The greeting is for that client, and so is what is said of its HELO: where
 * that is refused, the next thing to come is another. */
static enum cmd_result
welcome(struct session *s, const struct claim *c)
{
	struct err err = ERR_INIT;
	int code;

	s->helo_refused = false;
	if (!session_welcome(s))
		return CMD_QUIT;
	if (s->refused || c->helo.len == 0)
		return CMD_OK;
	str_addsl(&s->helo, slice_str(&c->helo));
	s->esmtp = !c->smtp;
	(void)session_helo(s, &err, &code);
	return s->closes ? CMD_QUIT : CMD_OK;
}

static enum cmd_result
cmd_xclient(void *session, struct slice args)
{
	struct session *s = session;
	struct claim c = { .addr = STR_INIT, .name = STR_INIT,
		.helo = STR_INIT, .login = STR_INIT, .dest = STR_INIT };
	struct err err = ERR_INIT;
	enum cmd_result r = CMD_OK;

	if (!s->may_xclient) {
		reply(s, 550, "5.7.0", "you may not do that");
		return CMD_BAD;
	}
	if (parse(args, &c, &err) < 0) {
		reply_err(s, 501, &err);
		r = CMD_BAD;
	} else {
		become(s, &c);
		r = welcome(s, &c);
	}
	free_claim(&c);
	return r;
}

static const struct command commands[] = {
	{ "XCLIENT", 1, INT_MAX, ST_NEW | ST_IDLE, CMD_JUNK, cmd_xclient,
	    NULL },
	{ NULL, 0, 0, 0, 0, NULL, NULL }
};

const struct ext ext_xclient = {
	.keyword = "XCLIENT",
	.offered = xclient_offered,
	.args = xclient_args,
	.commands = commands,
};
