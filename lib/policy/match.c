/*
 * match.c - lists, networks and tables: under which keys something is looked
 * up, and regular expressions.
 */
#include <arpa/inet.h>

#include "base/networks.h"
#include "conf/common.h"
#include "policy/internal.h"

enum { KEY_MAX = 700, CUTS = 5 /* of one address */ };

struct matcher {
	struct strlist list;	/* in small letters */
	bool networks;
	struct map_live table;
	bool has_table;
};

static void
close_matcher(void *self)
{
	struct matcher *m = self;

	map_live_close(&m->table);
}

static int
set_table(struct words *w, struct matcher *m, const char *spec,
    struct err *err)
{
	if (map_check(spec, err) < 0)
		return -1;
	map_live_init(&m->table, spec);
	m->has_table = true;
	strlist_add(&w->p->tables, &w->p->a, spec);
	w->p->needs |= POLICY_NEEDS_FILES;
	policy_closes(w->p, close_matcher, m);
	return 0;
}

int
matcher_table(struct words *w, struct matcher **m_r, struct err *err)
{
	const char *spec = words_arg(w);

	if (spec == NULL)
		return words_expected(w, "a table, type:name", err);
	*m_r = arena_alloc(&w->p->a, sizeof(**m_r));
	return set_table(w, *m_r, spec, err);
}

/* a word with a colon that is no address is a table */
static bool
is_table(const char *z, enum fact_kind kind)
{
	struct strlist one = { &z, 1, 1 };
	struct err err = ERR_INIT;

	return strchr(z, ':') != NULL &&
	    (kind != KIND_ADDRESS || networks_check(&one, &err) < 0);
}

static int
fold_list(struct words *w, struct matcher *m, enum fact_kind kind,
    struct err *err)
{
	size_t i;
	char *p;

	for (i = 0; i < m->list.n; i++) {
		if (strchr(m->list.v[i], ':') != NULL && kind != KIND_PLAIN &&
		    kind != KIND_ADDRESS)
			return err_perm(err, "5.3.5", "%s: a table can not be "
			    "one of a list", m->list.v[i]);
		p = arena_strdup(&w->p->a, m->list.v[i]);
		m->list.v[i] = p;
		for (; *p != '\0'; p++)
			*p = (char)ascii_lower((unsigned char)*p);
	}
	m->networks = kind == KIND_ADDRESS;
	return m->networks ? networks_check(&m->list, err) : 0;
}

int
matcher_parse(struct words *w, enum fact_kind kind, struct matcher **m_r,
    struct err *err)
{
	struct matcher *m = arena_alloc(&w->p->a, sizeof(*m));

	*m_r = m;
	if (words_list(w, &m->list, err) < 0)
		return -1;
	if (m->list.n == 1 && is_table(m->list.v[0], kind))
		return set_table(w, m, m->list.v[0], err);
	return fold_list(w, m, kind, err);
}

/* --- keys --------------------------------------------------------------- */

static int
walk_domain(const char *z, key_fn *fn, void *ctx, struct err *err)
{
	bool literal = z[0] == '[';
	int r;

	if (z[0] == '\0')
		return 0;
	r = fn(ctx, z, err);
	while (r == 0 && !literal && (z = strchr(z + 1, '.')) != NULL) {
		r = fn(ctx, z, err);
		if (r == 0 && z[1] != '\0')
			r = fn(ctx, z + 1, err);
		if (z[1] == '\0')
			break;
	}
	return r;
}

/* does an extension begin at the i-th octet of a local part?  Of a quoted one
 * none does. */
static bool
cuts_at(struct slice local, size_t i)
{
	const char *d = common.recipient_delimiter;

	return d != NULL && i > 0 && i < local.n && local.p[0] != '"' &&
	    strchr(d, local.p[i]) != NULL;
}

/* The local part without its extensions, the longest first and in the end
 * without any, each with tail behind it. */
static int
walk_cuts(struct slice local, const char *tail, key_fn *fn, void *ctx,
    struct err *err)
{
	char key[KEY_MAX];
	size_t first = 0, i, n = 0;
	int r = 0;

	while (first < local.n && !cuts_at(local, first))
		first++;
	if (local.n + strlen(tail) >= sizeof(key))
		return 0;
	for (i = local.n; r == 0 && i-- > first;) {
		if (!cuts_at(local, i) || (++n >= CUTS && i > first))
			continue;
		snprintf(key, sizeof(key), "%.*s%s", (int)i, local.p, tail);
		r = fn(ctx, key, err);
	}
	return r;
}

/* As Postfix's access(5) has it: user+ext@domain, user@domain, the domain,
 * user+ext@, user@. */
static int
walk_mail(const char *z, key_fn *fn, void *ctx, struct err *err)
{
	const char *at = strrchr(z, '@');
	struct slice local;
	char key[KEY_MAX];
	int r = fn(ctx, z[0] != '\0' ? z : "<>", err);

	if (r != 0 || at == NULL)
		return r;
	local = (struct slice){ z, (size_t)(at - z) };
	r = walk_cuts(local, at, fn, ctx, err);
	if (r == 0)
		r = walk_domain(at + 1, fn, ctx, err);
	if (r != 0 || local.n + 2 > sizeof(key))
		return r;
	slice_copy(key, sizeof(key), (struct slice){ z, local.n + 1 });
	r = fn(ctx, key, err);
	return r != 0 ? r : walk_cuts(local, "@", fn, ctx, err);
}

/* the address, then it again and again without its last part */
static int
walk_address(const char *z, key_fn *fn, void *ctx, struct err *err)
{
	char key[INET6_ADDRSTRLEN], *cut;
	bool six = strchr(z, ':') != NULL;
	int r;

	slice_copy(key, sizeof(key), slice_of(z));
	while ((r = key[0] != '\0' ? fn(ctx, key, err) : 0) == 0) {
		cut = strrchr(key, six ? ':' : '.');
		if (cut == NULL)
			break;
		*cut = '\0';
		while (six && cut > key && cut[-1] == ':')
			*--cut = '\0';
	}
	return r;
}

int
keys_walk(enum fact_kind kind, const char *z, key_fn *fn, void *ctx,
    struct err *err)
{
	switch (kind) {
	case KIND_MAIL:
		return walk_mail(z, fn, ctx, err);
	case KIND_DOMAIN:
		return walk_domain(z, fn, ctx, err);
	case KIND_ADDRESS:
		return walk_address(z, fn, ctx, err);
	case KIND_PLAIN:
		break;
	}
	return z[0] != '\0' ? fn(ctx, z, err) : 0;
}

struct looking {
	struct matcher *m;
	struct str *out;
	bool part;		/* the key is not all of it */
};

static int
look(void *ctx, const char *key, struct err *err)
{
	struct looking *l = ctx;

	bool part = l->part;

	l->part = true;
	if (l->m->has_table)
		return part ? map_live_get_part(&l->m->table, key, l->out,
		    err) : map_live_get(&l->m->table, key, l->out, err);
	return strlist_ihas(&l->m->list, slice_of(key));
}

int
matcher_get(struct matcher *m, enum fact_kind kind, const char *z,
    struct str *out, struct err *err)
{
	struct looking l = { m, out, false };

	if (m->networks)
		return networks_has(&m->list, z);
	return keys_walk(kind, z, look, &l, err);
}

/* --- regular expressions ------------------------------------------------ */

static void
close_regex(void *self)
{
	regex_free(self);
}

int
words_regex(struct words *w, struct regex **r_r, struct err *err)
{
	const struct word *word = &w->v[w->at];

	if (w->at >= w->n || word->kind != WORD_REGEX)
		return words_expected(w, "a /regular expression/", err);
	if (regex_new(slice_of(word->z), slice_of(word->flags), r_r,
	    err) < 0) {
		err_prefix(err, "/%.60s/", word->z);
		return -1;
	}
	w->at++;
	policy_closes(w->p, close_regex, *r_r);
	return 0;
}
