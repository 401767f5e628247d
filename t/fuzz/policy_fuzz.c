/*
 * policy_fuzz.c - rules as an administrator writes them, run where they ask
 * nobody; what policy servers answer; and the actions that they name.
 */
#include "conf/common.h"
#include "policy/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { RULES, ANSWER, ACCESS };

/* who asks another program, or reads a file, has no place here */
static bool
asks(const char *text)
{
	static const char *const words[] = { "dnsbl", "listed", "exists",
	    "rate", "greylist", "sender_local", "sender_unknown",
	    "sender_login", "ask", "client_name", "reverse", "quota", "batv",
	    "text:", "cdb:", "pcre:", "cidr:", "socket:", "sqlite:",
	    "pgsql:", "mysql:", "ldap:", "lmdb:", "oauth:", "jwks:",
	    "refresh:" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strstr(text, words[i]) != NULL)
			return true;
	return false;
}

static void
check(const struct policy_verdict *v, const struct policy_marks *m)
{
	const char *p;
	size_t i;

	if (v->action == POLICY_REJECT)
		assert(v->code / 100 == 5 && v->dsn[0] == '5');
	if (v->action == POLICY_DEFER)
		assert(v->code / 100 == 4 && v->dsn[0] == '4');
	for (p = v->text; *p != '\0'; p++)
		assert((unsigned char)*p >= 0x20 && *p != 0x7f);
	for (i = 0; i < m->edits.n; i++)
		assert(strchr(m->edits.v[i].value, '\n') == NULL);
}

/* the next of what NULs part; or what else it is */
static const char *
part(struct slice *rest, const char *other, struct arena *a)
{
	struct slice s;

	return slice_cut(rest, '\0', &s) ? arena_slice(a, s) : other;
}

/* rules, and then what the client says: its sender, recipient, HELO, login */
static void
rules(enum policy_stage stage, struct slice s, struct arena *a)
{
	struct policy_facts f = policy_nothing;
	struct policy_marks m = { .a = a };
	struct policy_verdict v;
	struct policy *p;
	struct err err = ERR_INIT;
	const char *text = part(&s, "", a);

	f.sender = part(&s, "\x7f$\"@b.example", a);
	f.rcpt = part(&s, "ann@example.org", a);
	f.helo = part(&s, "x\r\ny", a);
	f.login = part(&s, "", a);
	f.client = "192.0.2.1";
	f.has_sender = f.dry = true;
	f.size = 1000;
	if (policy_compile(&p, stage, stage, text, &err) < 0) {
		assert(err.kind != ERR_NONE && err.text[0] != '\0');
		return;
	}
	if (!asks(text)) {
		policy_run(p, &f, NULL, &m, &v, NULL, NULL);
		check(&v, &m);
	}
	policy_free(p);
}

static void
answer(struct slice s)
{
	struct slice action = SLICE_NULL, more;
	struct err err = ERR_INIT;

	if (server_answer(s, &action, &err) <= 0)
		return;
	assert(slice_find(action, '\n') == action.n);
	/* it was complete a byte before its last empty line, too, or later */
	more = slice_sub(s, 0, (size_t)(action.p - s.p));
	assert(server_answer(more, &action, &err) <= 0);
}

static void
access_row(struct slice s, struct arena *a)
{
	struct action r;
	struct err err = ERR_INIT;

	if (access_parse(arena_slice(a, s), a, &r, &err) < 0)
		return;
	assert(r.text != NULL && r.dsn != NULL);
	assert(r.code == 0 || (r.code >= 400 && r.code <= 599));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	struct slice s;

	if (n == 0 || n > 20000)
		return 0;
	common.hostname = "mx.example.org";
	s = (struct slice){ (const char *)data + 1, n - 1 };
	if (data[0] % 4 == ANSWER)
		answer(s);
	else if (data[0] % 4 == ACCESS)
		access_row(s, &a);
	else
		rules(data[0] / 4 % POLICY_STAGES, s, &a);
	arena_free(&a);
	return 0;
}
