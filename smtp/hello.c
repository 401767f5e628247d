/*
 * hello.c - from the greeting of a server to the point where it takes mail:
 * EHLO, STARTTLS as the policy wants it, EHLO anew (nothing that was said in
 * the clear counts any more), AUTH.
 */
#include "smtp.h"

#include "base/clock.h"
#include "login.h"

int
command(struct session *s, enum stage at, const char *line, struct err *err)
{
	struct str t = STR_INIT;

	if (s->trace != NULL) {
		str_addf(&t, ">>> %s", line);
		s->trace(t.s, s->trace_ctx);
		str_free(&t);
	}
	io_printf(&s->io, "%s\r\n", line);
	return reply_read(s, at, err);
}

void
note(const struct session *s, const char *what, const char *more)
{
	struct str t = STR_INIT;

	if (s->trace == NULL)
		return;
	str_addf(&t, "--- %s%s", what, more);
	s->trace(t.s, s->trace_ctx);
	str_free(&t);
}

static bool
is_good(const struct session *s)
{
	return s->reply.code / 100 == 2;
}

/* What one host says of itself is not for good: RFC 5321 section 5.1; it may be
 * another's turn.  0 */
static int
for_now(struct err *err)
{
	if (err->kind == ERR_PERM) {
		err->kind = ERR_TEMP;
		err->dsn[0] = '4';
	}
	return 0;
}

/* A mail system that talks to itself would do so for ever.  Where TLS is
 * demanded, what was said before it is anybody's.  1, 0 not this host, -1 */
static int
check_name(const struct session *s, struct err *err)
{
	if (conf.protocol == PROTO_LMTP || !names_us(slice_str(
	    &s->reply.text)))
		return 1;
	err_perm(err, "5.4.6", "mail for %s loops back to this host",
	    s->targets.domain);
	return s->policy.starttls && !s->facts.on ? for_now(err) : -1;
}

/* what the server calls itself, for reports */
static void
take_name(struct session *s)
{
	struct slice rest = slice_str(&s->reply.text), word = SLICE_NULL;
	size_t i;

	slice_word(&rest, &word);
	for (i = 0; i < word.n && ascii_isprint((unsigned char)word.p[i]); i++)
		;
	slice_copy(s->greeted, sizeof(s->greeted), slice_sub(word, 0, i));
}

static int
not_here(struct session *s, enum stage at, struct err *err)
{
	reply_err(s, at, err);
	/* where TLS is demanded, what is said before it is anybody's */
	s->never = (s->reply.code == 521 || s->reply.code == 556) &&
	    (s->facts.on || !s->policy.starttls);
	return for_now(err);
}

static int
greeting(struct session *s, struct err *err)
{
	if (reply_read(s, AT_GREETING, err) < 0)
		return 0;
	if (!is_good(s))
		return not_here(s, AT_GREETING, err);
	take_name(s);
	return check_name(s, err);
}

static int
helo(struct session *s, struct err *err)
{
	struct str line = STR_INIT;
	int rc;

	str_addf(&line, "HELO %s", conf.helo_name);
	rc = command(s, AT_HELO, line.s, err);
	str_free(&line);
	if (rc < 0)
		return 0;
	s->caps = (struct caps){ 0 };
	return is_good(s) ? 1 : not_here(s, AT_HELO, err);
}

static int
ehlo(struct session *s, struct err *err)
{
	struct str line = STR_INIT;
	int rc;

	str_addf(&line, "%s %s", stage_name(AT_EHLO), conf.helo_name);
	rc = command(s, AT_EHLO, line.s, err);
	str_free(&line);
	if (rc < 0)
		return 0;
	if (is_good(s)) {
		caps_parse(slice_str(&s->reply.text), &s->caps);
		return check_name(s, err);
	}
	/* one that does not know EHLO knows no STARTTLS either */
	if (s->reply.code < 500 || conf.protocol == PROTO_LMTP ||
	    s->policy.starttls || s->facts.on)
		return not_here(s, AT_EHLO, err);
	return helo(s, err);
}

static void
count(const struct session *s, enum sts_result result, const struct err *why)
{
	if (s->target->port != 0)
		policy_count(&s->policy, &s->targets, s->target, s->local,
		    s->greeted, result, why);
}

void
hello_unfit(struct session *s, struct err *err)
{
	if (!s->requiretls)
		return;
	s->unfit = true;
	slice_copy(err->dsn, sizeof(err->dsn), slice_of("4.7.10"));
}

/* No TLS, as the server has it.  1 go on in the clear, 0 not this host */
static int
without_tls(struct session *s, struct err *err)
{
	count(s, STS_NO_STARTTLS, err);
	return s->policy.starttls ? 0 : 1;
}

static void
note_tls(const struct session *s)
{
	const struct tls_facts_out *f = &s->facts.f;

	note(s, f->version, " ");
	note(s, "cipher ", f->cipher);
	note(s, "certificate ", f->subject);
	note(s, f->verified ? "it is good for " : "it is not verified: ",
	    f->verified ? s->policy.why : f->why);
}

static int
wrap(struct session *s, bool *again, struct err *err)
{
	struct tls_client_in in = s->policy.in;

	in.service = conf.protocol == PROTO_LMTP ? "lmtp" : "smtp";
	in.session = s->id;
	in.timeout = MAX(1, MIN(conf.tls_timeout,
	    s->io.deadline - mono_ms()));
	if (tls_connect(&s->io, &in, &s->facts, err) < 0) {
		note(s, "TLS failed: ", err->text);
		s->bye = s->lost = true;
		*again = policy_fallback(&s->policy, err);
		count(s, policy_result(&s->policy, err), err);
		log_event(LOG_INFO, "tls-failed", KS("relay", s->relay),
		    KS("policy", s->policy.why), KERR(err), KEND);
		/* a handshake that breaks off proves nothing */
		if (strcmp(err->dsn, "4.7.5") == 0)
			hello_unfit(s, err);
		return for_now(err);
	}
	if (s->target->port != 0)
		policy_done(&s->policy, &s->targets, s->target, s->local,
		    s->greeted, &s->facts.f);
	note_tls(s);
	s->caps = (struct caps){ 0 };
	return 1;
}

/* 1, also where there is none and none is needed; 0 not this host */
static int
starttls(struct session *s, bool plain, bool *again, struct err *err)
{
	if (s->policy.level == LEVEL_NONE || plain || s->facts.on)
		return 1;
	if (!s->caps.starttls) {
		err_temp(err, "4.7.4", "TLS is required, and the server does "
		    "not offer it");
		hello_unfit(s, err);
		return without_tls(s, err);
	}
	if (command(s, AT_STARTTLS, "STARTTLS", err) < 0)
		return 0;
	if (!is_good(s)) {
		not_here(s, AT_STARTTLS, err);
		if (s->reply.code >= 500)
			hello_unfit(s, err);
		return s->bye ? 0 : without_tls(s, err);
	}
	return wrap(s, again, err) == 1 ? ehlo(s, err) : 0;
}

static bool
is_implicit(const struct session *s)
{
	char port[12];

	snprintf(port, sizeof(port), "%d", s->target->port);
	return strlist_has(&conf.implicit_tls, port);
}

static int
login(struct session *s, const struct job *j, struct err *err)
{
	int rc;

	/* a next hop that is named without MX may be one that wants it, and
	 * hides that from who is in the clear */
	if (s->target->port == 0 || conf.protocol == PROTO_LMTP ||
	    j->no_login ||
	    (s->caps.mechs[0] == '\0' && s->nexthop[0] != '['))
		return 1;
	rc = smtp_login(s, j->in->sender, err);
	s->logged_in = rc == 1;
	if (rc != 0 || s->caps.mechs[0] != '\0')
		note(s, rc == 1 ? "logged in" : rc == 0 ? "no account for it" :
		    "not logged in: ", rc < 0 ? err->text : "");
	s->own_login = rc < 0 && s->by_sender;
	return rc < 0 ? for_now(err) : 1;
}

int
hello(struct session *s, const struct job *j, bool plain, bool *again,
    struct err *err)
{
	int rc;

	*again = false;
	if (is_implicit(s) && (rc = wrap(s, again, err)) != 1) {
		*again = false;
		return rc;
	}
	rc = greeting(s, err);
	if (rc == 1)
		rc = ehlo(s, err);
	if (rc == 1)
		rc = starttls(s, plain, again, err);
	return rc == 1 ? login(s, j, err) : rc;
}
