/*
 * mbox_kw.c - keywords of a mailbox.  The log defines each once, by number;
 * messages hold the number of a set, and equal sets have one number, so a
 * message costs four bytes whatever it has.  Names are compared without
 * regard to case and shown as they came first.  Sets that no message has any
 * more are dropped where they are many (mbox_kw_compact).
 */
#include "store/mbox.h"

#include "base/hash.h"

enum { SPARE_SETS = 256 };

static int
cmp_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	int r = strcasecmp(*x, *y);

	return r ? r : strcmp(*x, *y);
}

void
mbox_kw_init(struct mbox_kw *kw)
{
	memset(kw, 0, sizeof(*kw));
	kw->cap_sets = 8;
	kw->set = xcalloc(kw->cap_sets, sizeof(*kw->set));
	kw->sets = 1;
}

void
mbox_kw_free(struct mbox_kw *kw)
{
	free(kw->name);
	free(kw->set);
	free(kw->table);
	free(kw->sorted);
	arena_free(&kw->mem);
	arena_free(&kw->set_mem);
	memset(kw, 0, sizeof(*kw));
}

/* an atom of RFC 3501, bounded */
bool
mbox_keyword_valid(struct slice s)
{
	size_t i;

	if (s.n == 0 || s.n > KEYWORD_MAX)
		return false;
	for (i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f ||
		    strchr("(){%*\"\\]", s.p[i]) != NULL)
			return false;
	return true;
}

bool
mbox_kw_define(struct mbox_kw *kw, uint64_t num, struct slice name)
{
	size_t i;

	if (num != kw->names || num >= KEYWORDS_MAX ||
	    !mbox_keyword_valid(name) || mbox_kw_find(kw, name) >= 0)
		return false;
	if (kw->names == kw->cap_names) {
		kw->cap_names = kw->cap_names ? kw->cap_names * 2 : 16;
		kw->name = xrealloc(kw->name,
		    kw->cap_names * sizeof(*kw->name));
		kw->sorted = xrealloc(kw->sorted,
		    kw->cap_names * sizeof(*kw->sorted));
	}
	kw->name[kw->names++] = arena_slice(&kw->mem, name);
	for (i = kw->nsorted++; i > 0 &&
	    cmp_name(&kw->sorted[i - 1], &kw->name[num]) > 0; i--)
		kw->sorted[i] = kw->sorted[i - 1];
	kw->sorted[i] = kw->name[num];
	return true;
}

int
mbox_kw_find(const struct mbox_kw *kw, struct slice name)
{
	size_t i;

	for (i = 0; i < kw->names; i++)
		if (slice_ieqz(name, kw->name[i]))
			return (int)i;
	return -1;
}

static size_t
hash_set(const uint16_t *num, size_t n)
{
	return (size_t)hash_secret(num, n * sizeof(*num));
}

static void
table_put(struct mbox_kw *kw, uint32_t set)
{
	const struct mbox_kwset *s = &kw->set[set];
	size_t i = hash_set(s->num, s->n) & (kw->table_size - 1);

	while (kw->table[i] != 0)
		i = (i + 1) & (kw->table_size - 1);
	kw->table[i] = set;
}

static void
table_grow(struct mbox_kw *kw)
{
	uint32_t i;

	kw->table_size = kw->table_size ? kw->table_size * 2 : 64;
	free(kw->table);
	kw->table = xcalloc(kw->table_size, sizeof(*kw->table));
	for (i = 1; i < kw->sets; i++)
		table_put(kw, i);
}

static uint32_t
new_set(struct mbox_kw *kw, const uint16_t *num, size_t n)
{
	struct mbox_kwset *s;
	size_t i;

	if (kw->sets == kw->cap_sets) {
		kw->cap_sets *= 2;
		kw->set = xrealloc(kw->set, kw->cap_sets * sizeof(*kw->set));
	}
	s = &kw->set[kw->sets];
	s->n = (uint16_t)n;
	s->num = arena_alloc(&kw->set_mem, n * sizeof(*s->num));
	s->v = arena_alloc(&kw->set_mem, n * sizeof(*s->v));
	for (i = 0; i < n; i++) {
		s->num[i] = num[i];
		s->v[i] = kw->name[num[i]];
	}
	qsort(s->v, n, sizeof(*s->v), cmp_name);
	kw->sets++;
	if (kw->sets * 2 > kw->table_size)
		table_grow(kw);
	else
		table_put(kw, (uint32_t)kw->sets - 1);
	return (uint32_t)kw->sets - 1;
}

/* num ascending, each defined */
uint32_t
mbox_kw_set(struct mbox_kw *kw, const uint16_t *num, size_t n)
{
	const struct mbox_kwset *s;
	size_t i;

	if (n == 0)
		return 0;
	if (kw->table_size == 0)
		table_grow(kw);
	i = hash_set(num, n) & (kw->table_size - 1);
	for (; kw->table[i] != 0; i = (i + 1) & (kw->table_size - 1)) {
		s = &kw->set[kw->table[i]];
		if (s->n == n && memcmp(s->num, num, n * sizeof(*num)) == 0)
			return kw->table[i];
	}
	return new_set(kw, num, n);
}

void
mbox_kw_compact(struct mailbox *mb)
{
	struct mbox_kw *kw = &mb->in->st.kw;
	struct mbox_kw old = *kw;
	uint32_t *to, set;
	size_t i;

	if (old.sets <= 2 * mb->n + SPARE_SETS)
		return;
	kw->sets = 1;
	kw->cap_sets = 8;
	kw->set = xcalloc(kw->cap_sets, sizeof(*kw->set));
	kw->set_mem = (struct arena){ 0 };
	kw->table = NULL;
	kw->table_size = 0;
	to = xcalloc(old.sets, sizeof(*to));
	for (i = 0; i < mb->n; i++) {
		set = mb->msg[i].kw < old.sets ? mb->msg[i].kw : 0;
		if (set != 0 && to[set] == 0)
			to[set] = mbox_kw_set(kw, old.set[set].num,
			    old.set[set].n);
		if (mb->msg[i].kw != to[set])
			mb->msg[i].kw = to[set];
	}
	free(to);
	free(old.set);
	free(old.table);
	arena_free(&old.set_mem);
}

static bool
has_num(const uint16_t *num, size_t n, uint16_t k)
{
	size_t lo = 0, hi = n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (num[mid] < k)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && num[lo] == k;
}

uint32_t
mbox_kw_change(struct mbox_kw *kw, uint32_t set, char op,
    const uint16_t *num, size_t n)
{
	const struct mbox_kwset *s = &kw->set[set < kw->sets ? set : 0];
	uint16_t to[KEYWORDS_MAX];
	size_t i = 0, j = 0, k = 0;

	if (op == '=')
		return mbox_kw_set(kw, num, n);
	if (n == 0)
		return set;
	if (op == '-') {
		for (; i < s->n; i++)
			if (!has_num(num, n, s->num[i]))
				to[k++] = s->num[i];
		return mbox_kw_set(kw, to, k);
	}
	while (i < s->n || j < n) {
		if (j == n || (i < s->n && s->num[i] < num[j])) {
			to[k++] = s->num[i++];
		} else {
			if (i < s->n && s->num[i] == num[j])
				i++;
			to[k++] = num[j++];
		}
	}
	return mbox_kw_set(kw, to, k);
}

static int
cmp_num(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

int
mbox_kw_numbers(struct mailbox *mb, const struct slice *v, size_t n,
    uint16_t num[KEYWORDS_MAX], unsigned *flags, bool define,
    struct err *err)
{
	struct mbox_kw *kw = &mb->in->st.kw;
	size_t i, k = 0, u = 0;
	int x;

	for (i = 0; i < n; i++) {
		if (slice_ieqz(v[i], "$Forwarded")) {
			*flags |= MSG_FORWARDED;
			continue;
		}
		if (!mbox_keyword_valid(v[i]))
			return err_perm(err, "5.5.4", "bad keyword");
		x = mbox_kw_find(kw, v[i]);
		if (x < 0 && !define)
			continue;
		if (x < 0) {
			x = (int)kw->names;
			if (!mbox_kw_define(kw, kw->names, v[i]))
				return err_perm(err, "5.3.4", "too many "
				    "keywords in this mailbox");
			mbox_log_addf(&mb->in->out, "K %d %.*s", x,
			    (int)v[i].n, v[i].p);
		}
		if (k == KEYWORDS_MAX)
			return err_perm(err, "5.3.4", "too many keywords");
		num[k++] = (uint16_t)x;
	}
	qsort(num, k, sizeof(*num), cmp_num);
	for (i = 0; i < k; i++)
		if (u == 0 || num[u - 1] != num[i])
			num[u++] = num[i];
	return (int)u;
}

/* --- mailbox.h ------------------------------------------------------------ */

struct mailbox_keywords
mailbox_keywords(const struct mailbox *mb, uint32_t kw)
{
	const struct mbox_kw *k = &mb->in->st.kw;

	if (kw >= k->sets)
		kw = 0;
	return (struct mailbox_keywords){ k->set[kw].v, k->set[kw].n };
}

struct mailbox_keywords
mailbox_all_keywords(const struct mailbox *mb)
{
	const struct mbox_kw *k = &mb->in->st.kw;

	return (struct mailbox_keywords){ k->sorted, k->nsorted };
}

bool
mailbox_has_keyword(const struct mailbox *mb, uint32_t kw, struct slice name)
{
	struct mailbox_keywords k = mailbox_keywords(mb, kw);
	size_t i;

	for (i = 0; i < k.n; i++)
		if (slice_ieqz(name, k.v[i]))
			return true;
	return false;
}
