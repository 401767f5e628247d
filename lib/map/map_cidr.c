/*
 * map_cidr.c - cidr:FILE, networks tried in order, read whole when it is
 * opened.
 *
 * Rows that follow each other without ! and if make a run: a sorted array for
 * each length of a prefix, in which of equal ones only the first is kept.  A
 * look-up is a binary search in each of them, and the row that stands first
 * wins, as if all were tried.
 *
 * A network is of its family alone: ::/0 and !2001:db8::/32 say nothing about
 * IPv4.  An IPv4 address that is mapped into IPv6 is the IPv4 address.
 */
#include "base/networks.h"
#include "map/rules.h"

enum { V4_BITS = 96 };		/* of ::ffff:0:0/96 */

struct entry {
	unsigned char ip[16];
	size_t rule;
};

struct group {			/* of one length */
	unsigned bits;
	struct entry *v;	/* into cidr_map.entry */
	size_t n;
};

struct run {
	struct group *group;	/* malloced */
	size_t n;
	size_t past;		/* the rule behind it */
};

struct cidr_map {
	struct map_rules rules;
	char *path;
	struct entry *entry;
	struct run *run;
	size_t runs;
};

static int
take_net(struct map_rule *r, char **pp, char *end, struct err *err)
{
	struct network n;
	const char *why;
	char *p = *pp, *e = p;

	while (e < end && !ascii_isblank(*e))
		e++;
	why = network_parse((struct slice){ p, (size_t)(e - p) }, &n);
	if (why != NULL)
		return err_temp(err, "4.3.5", "%.*s: %s, expected something "
		    "like 192.0.2.0/24", (int)MIN(e - p, 60), p, why);
	memcpy(r->net.ip, n.ip, sizeof(n.ip));
	r->net.bits = (unsigned char)n.bits;
	r->net.v4 = n.bits >= V4_BITS && network_is_v4(n.ip);
	*pp = e;
	return 0;
}

static bool
same_prefix(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned char mask = (unsigned char)(0xff << (8 - bits % 8));

	return memcmp(a, b, bits / 8) == 0 && (bits % 8 == 0 ||
	    (a[bits / 8] & mask) == (b[bits / 8] & mask));
}

static bool
is_run(const struct map_rule *r)
{
	return r->kind == RULE_ROW && !r->negate;
}

/* by length, prefix and place */
static const struct map_rule *sorted;

static int
by_net(const void *va, const void *vb)
{
	const struct entry *a = va, *b = vb;
	unsigned x = sorted[a->rule].net.bits, y = sorted[b->rule].net.bits;
	int c = x != y ? (x > y) - (x < y) : memcmp(a->ip, b->ip, 16);

	return c != 0 ? c : (a->rule > b->rule) - (a->rule < b->rule);
}

/* the entries of a run, sorted, become its groups */
static void
make_groups(const struct cidr_map *m, struct run *run, struct entry *v,
    size_t n)
{
	struct group *g = NULL;
	unsigned bits;
	size_t i;

	run->group = xcalloc(129, sizeof(*run->group));
	for (i = 0; i < n; i++) {
		bits = m->rules.v[v[i].rule].net.bits;
		if (g == NULL || g->bits != bits) {
			g = &run->group[run->n++];
			*g = (struct group){ bits, &v[i], 0 };
		}
		if (g->n == 0 || memcmp(g->v[g->n - 1].ip, v[i].ip, 16) != 0)
			g->v[g->n++] = v[i];
	}
	run->group = xrealloc(run->group, run->n * sizeof(*run->group));
}

/* the run that begins with rule i; returns the rule behind it */
static size_t
make_run(struct cidr_map *m, size_t i)
{
	struct run *run = &m->run[m->runs++];
	struct entry *v = m->entry + i;
	struct map_rule *r = m->rules.v;
	size_t n;

	for (n = 0; i + n < m->rules.n && is_run(&r[i + n]); n++) {
		memcpy(v[n].ip, r[i + n].net.ip, 16);
		v[n].rule = i + n;
	}
	run->past = i + n;
	r[i].end = m->runs;
	sorted = r;
	qsort(v, n, sizeof(*v), by_net);
	make_groups(m, run, v, n);
	return run->past;
}

static void
make_runs(struct cidr_map *m)
{
	const struct map_rule *r = m->rules.v;
	size_t i, n = 0;

	for (i = 0; i < m->rules.n; i++)
		n += is_run(&r[i]) && (i == 0 || !is_run(&r[i - 1]));
	m->run = xcalloc(n + 1, sizeof(*m->run));
	m->entry = xcalloc(m->rules.n + 1, sizeof(*m->entry));
	for (i = 0; i < m->rules.n; )
		i = is_run(&r[i]) ? make_run(m, i) : i + 1;
}

static const struct entry *
find_entry(const struct group *g, const unsigned char ip[16])
{
	unsigned char want[16] = { 0 };
	size_t lo = 0, hi = g->n, mid;
	int c;

	memcpy(want, ip, (g->bits + 7) / 8);
	if (g->bits % 8 != 0)
		want[g->bits / 8] &= (unsigned char)(0xff << (8 - g->bits %
		    8));
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		c = memcmp(want, g->v[mid].ip, 16);
		if (c == 0)
			return &g->v[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

/* the first rule of the run that has the address, or SIZE_MAX */
static size_t
find_in_run(const struct run *run, const unsigned char ip[16], bool v4)
{
	const struct entry *e;
	size_t best = SIZE_MAX, i;

	for (i = 0; i < run->n; i++) {
		if (v4 && run->group[i].bits < V4_BITS)
			continue;
		e = find_entry(&run->group[i], ip);
		if (e != NULL && e->rule < best)
			best = e->rule;
	}
	return best;
}

static bool
matches(const struct map_rule *r, const unsigned char ip[16], bool v4)
{
	return r->net.v4 == v4 &&
	    same_prefix(r->net.ip, ip, r->net.bits) != r->negate;
}

static int
cidr_get(void *self, struct slice key, struct str *out,
    struct err *err UNUSED)
{
	const struct cidr_map *m = self;
	const struct map_rule *r = m->rules.v;
	unsigned char ip[16];
	size_t i = 0, found;
	bool v4;

	if (!network_address(key, ip))
		return 0;
	v4 = network_is_v4(ip);
	while (i < m->rules.n) {
		found = SIZE_MAX;
		if (is_run(&r[i])) {
			found = find_in_run(&m->run[r[i].end - 1], ip, v4);
			i = m->run[r[i].end - 1].past;
		} else if (r[i].kind == RULE_ENDIF) {
			i++;
		} else if (!matches(&r[i], ip, v4)) {
			i = r[i].kind == RULE_IF ? r[i].end : i + 1;
		} else if (r[i].kind == RULE_ROW) {
			found = i;
		} else {
			i++;
		}
		if (found != SIZE_MAX) {
			str_addsl(out, r[found].value);
			return 1;
		}
	}
	return 0;
}

static int
cidr_each(void *self, map_each_fn *fn, void *ctx, struct err *err UNUSED)
{
	const struct cidr_map *m = self;

	return map_rules_each(&m->rules, fn, ctx);
}

static void
cidr_close(void *self)
{
	struct cidr_map *m = self;
	size_t i;

	for (i = 0; i < m->runs; i++)
		free(m->run[i].group);
	free(m->run);
	free(m->entry);
	map_rules_free(&m->rules);
	free(m->path);
	free(m);
}

static int
cidr_open(const char *path, void **self_r, struct stat *st, struct err *err)
{
	struct cidr_map *m = xcalloc(1, sizeof(*m));

	m->path = xstrdup(path);
	if (map_table_read(&m->rules.text, m->path, st, err) != 0 ||
	    map_rules_parse(&m->rules, take_net, NULL, err) != 0) {
		cidr_close(m);
		return -1;
	}
	make_runs(m);
	*self_r = m;
	return 0;
}

const struct map_type map_type_cidr = {
	.name = "cidr",
	.suffix = "",
	.pattern = true,
	.open = cidr_open,
	.get = cidr_get,
	.each = cidr_each,
	.close = cidr_close,
};
