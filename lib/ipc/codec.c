/*
 * codec.c - records to messages and back.  A member that equals its empty
 * default is left out, so a message is as short as what it says.
 */
#include "ipc/codec.h"

#include <inttypes.h>

enum { ROWS_MAX = 256 };	/* of a table */

/* true where the receiver's default gives the same value */
static bool
is_default(const struct field *f, const void *m)
{
	const char *z;

	if (f->def == NULL)
		return false;
	switch (f->kind) {
	case FIELD_STR:
		z = *(const char *const *)m;
		return strcmp(z ? z : "", f->def) == 0;
	case FIELD_BOOL:
		return !*(const bool *)m && strcmp(f->def, "no") == 0;
	case FIELD_INT:
		return *(const int64_t *)m == 0 && strcmp(f->def, "0") == 0;
	case FIELD_SIZE:
		return *(const uint64_t *)m == 0 && strcmp(f->def, "0") == 0;
	default:
		return false;
	}
}

static void
add_name(struct str *out, const struct field *f)
{
	str_adds(out, f->name);
	str_addc(out, '=');
}

static void
encode_list(const struct field *f, const struct strlist *l, struct str *out)
{
	size_t i, n = strlen(f->name);

	for (i = 0; i < l->n; i++) {
		str_add(out, f->name, n);
		str_addc(out, '=');
		str_add(out, l->v[i], strlen(l->v[i]) + 1);
	}
}

bool
ipc_encode(struct str *out, const char *verb, const struct field *t,
    const void *rec)
{
	const void *m;
	bool secret = false;

	str_adds(out, "verb=");
	str_add(out, verb, strlen(verb) + 1);
	for (; t != NULL && t->kind != FIELD_END; t++) {
		m = (const char *)rec + t->offset;
		secret = secret || t->flags & FIELD_SECRET;
		if (is_default(t, m))
			continue;
		if (t->kind == FIELD_LIST) {
			encode_list(t, m, out);
			continue;
		}
		add_name(out, t);
		if (t->kind == FIELD_SIZE)	/* exact, not rounded to K */
			str_addu(out, *(const uint64_t *)m);
		else if (t->kind == FIELD_INT)
			str_addi(out, *(const int64_t *)m);
		else if (t->kind == FIELD_STR)
			str_adds(out, *(const char *const *)m != NULL ?
			    *(const char *const *)m : "");
		else if (t->kind == FIELD_TIME)
			str_addf(out, "%" PRId64 "ms", *(const int64_t *)m);
		else
			field_print(t, rec, out);
		str_addc(out, '\0');
	}
	return secret;
}

/* A message is good when it begins with verb= and ends with NUL: then every
 * string in it ends inside. */
int
ipc_check(struct ipc_msg *m, struct err *err)
{
	m->buf[m->len] = '\0';
	if (m->len < 7 || memcmp(m->buf, "verb=", 5) != 0 ||
	    m->buf[m->len - 1] != '\0')
		return err_perm(err, "5.5.4", "malformed message");
	m->verb = m->buf + 5;
	return 0;
}

const char *
ipc_next_pair(const struct ipc_msg *m, const char *prev)
{
	const char *p = prev ? prev + strlen(prev) + 1 : m->buf;

	return p < m->buf + m->len ? p : NULL;
}

/* rows are mostly sent in table order: look after the last hit first */
static const struct field *
find_from(const struct field *t, const struct field *hint, struct slice name)
{
	const struct field *f;

	for (f = hint; f->kind != FIELD_END; f++)
		if (slice_eqz(name, f->name))
			return f;
	return field_find(t, name);
}

static int
missing(const struct field *t, const uint64_t *seen, struct err *err)
{
	size_t i;

	for (i = 0; t[i].kind != FIELD_END; i++)
		if (t[i].def == NULL && !(seen[i / 64] >> i % 64 & 1))
			return err_perm(err, "5.5.4", "%s is missing",
			    t[i].name);
	return 0;
}

int
ipc_decode(const struct ipc_msg *m, const struct field *t, void *rec,
    struct arena *a, struct err *err)
{
	const struct field *f, *hint = t;
	const char *pair = m->buf, *eq;
	uint64_t seen[ROWS_MAX / 64] = { 0 };
	size_t len;

	if (t == NULL)
		return 0;
	field_defaults(t, rec, a);
	while ((pair = ipc_next_pair(m, pair)) != NULL) {
		len = strlen(pair);
		eq = memchr(pair, '=', len);
		if (eq == NULL)
			return err_perm(err, "5.5.4", "malformed field");
		f = find_from(t, hint, (struct slice){ pair,
		    (size_t)(eq - pair) });
		if (f == NULL)
			continue;
		hint = f->kind == FIELD_LIST ? f : f + 1;
		assert(f - t < ROWS_MAX);
		seen[(f - t) / 64] |= (uint64_t)1 << (f - t) % 64;
		if (f->kind == FIELD_LIST)
			strlist_add((struct strlist *)((char *)rec +
			    f->offset), a, eq + 1);
		else if (field_set(f, rec, (struct slice){ eq + 1,
		    len - (size_t)(eq + 1 - pair) }, NULL, err) < 0)
			return -1;
	}
	return missing(t, seen, err);
}
