/*
 * test_fact.c - tests of one string: is it known, what is it, in which list.
 */
#include "conf/common.h"
#include "smtp/address.h"
#include "policy/tests.h"

enum op { OP_KNOWN, OP_UNKNOWN, OP_IS, OP_IN, OP_MATCHES, OP_NULL, OP_EXISTS,
	OP_FQDN, OP_VALID, OP_OWN, OP_LISTED };

struct fact_test {
	int op;
	const char *z;
	struct matcher *list;
	struct regex *regex;
	struct lists *lists;
};

static const struct {
	const char *name;
	int op;
} bare[] = {
	{ "unknown", OP_UNKNOWN }, { "null", OP_NULL },
	{ "exists", OP_EXISTS }, { "fqdn", OP_FQDN }, { "valid", OP_VALID },
	{ "own", OP_OWN },
};

static bool
op_fits(int op, enum fact f)
{
	switch (op) {
	case OP_NULL:
		return f == FACT_SENDER;
	case OP_VALID:
	case OP_OWN:
		return f == FACT_HELO;
	case OP_EXISTS:
	case OP_FQDN:
		return facts[f].kind == KIND_DOMAIN;
	case OP_LISTED:
		return facts[f].kind == KIND_DOMAIN ||
		    facts[f].kind == KIND_ADDRESS;
	default:
		return true;
	}
}

static int
parse_op(const struct test *t, struct words *w, struct fact_test *k,
    struct err *err)
{
	enum fact_kind kind = facts[t->arg].kind;
	size_t i;

	if (words_take(w, "is")) {
		k->op = OP_IS;
		k->z = words_arg(w);
		return k->z != NULL ? 0 :
		    words_expected(w, "a word behind is", err);
	}
	if (words_take(w, "in")) {
		k->op = OP_IN;
		return matcher_parse(w, kind, &k->list, err);
	}
	if (words_take(w, "matches")) {
		k->op = OP_MATCHES;
		return words_regex(w, &k->regex, err);
	}
	if (words_see(w, "listed")) {
		words_next(w);
		k->op = OP_LISTED;
		return lists_parse(w, &k->lists, err);
	}
	for (i = 0; i < ARRAY_LEN(bare); i++)
		if (words_take(w, bare[i].name))
			k->op = bare[i].op;
	return 0;
}

int
parse_fact(const struct test *t, struct words *w, void **self_r,
    struct err *err)
{
	struct fact_test *k = arena_alloc(&w->p->a, sizeof(*k));
	const char *word = w->at < w->n ? w->v[w->at].z : "";

	*self_r = k;
	k->op = OP_KNOWN;
	if (parse_op(t, w, k, err) < 0)
		return -1;
	return op_fits(k->op, (enum fact)t->arg) ? 0 : err_perm(err, "5.3.5",
	    "can not be asked: %s", word);
}

/* labels, and more than one of them */
static bool
is_fqdn(const char *z)
{
	struct slice name = slice_of(z);

	return smtp_domain_valid(name, NULL) && slice_find(name, '.') < name.n;
}

static bool
is_literal(const char *z)
{
	unsigned char ip[16];

	return smtp_literal_parse(slice_of(z), ip) != 0;
}

/* who says to be us is not: this is no session of ours with ourselves */
static bool
is_own(const char *z)
{
	return (common.hostname != NULL &&
	    strcasecmp(z, common.hostname) == 0) ||
	    strlist_ihas(&common.domains, slice_of(z)) ||
	    strlist_ihas(&common.system_domains, slice_of(z));
}

int
eval_fact(const struct test *t, void *self, struct eval *e, struct err *err)
{
	const struct fact_test *k = self;
	enum fact f = (enum fact)t->arg;
	struct str value = STR_INIT;
	const char *z;
	int r;

	if (fact_read(e, f, &z, err) < 0)
		return -1;
	if (e->trace != NULL && z[0] != '\0')
		eval_trace(e, "    %s: %s", t->name, z);
	switch ((enum op)k->op) {
	case OP_KNOWN:
		return z[0] != '\0';
	case OP_UNKNOWN:
		return z[0] == '\0';
	case OP_NULL:
		return e->f->has_sender && z[0] == '\0';
	case OP_IS:
		return strcasecmp(z, k->z) == 0;
	case OP_MATCHES:
		return regex_match(k->regex, slice_of(z), err);
	case OP_IN:
		if (z[0] == '\0' && !(f == FACT_SENDER && e->f->has_sender))
			return 0;
		r = matcher_get(k->list, facts[f].kind, z, &value, err);
		str_free(&value);
		return r;
	case OP_EXISTS:
		return domain_exists(e, z, f != FACT_HELO, err);
	case OP_FQDN:
		return is_fqdn(z);
	case OP_VALID:
		return is_fqdn(z) || is_literal(z);
	case OP_OWN:
		return is_own(z);
	case OP_LISTED:
		return z[0] != '\0' ? lists_ask(k->lists, z,
		    f != FACT_CLIENT && f != FACT_SERVER, e, err) : 0;
	}
	return 0;
}
