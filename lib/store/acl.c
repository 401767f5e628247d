/*
 * acl.c - the file .state/acl, replaced as a whole under a lock of its own.
 */
#include "store/acl.h"

#include <fcntl.h>

#include "store/dir.h"
#include "store/tree_part.h"

#define HEAD "postrider-acl 1\n"
#define LETTERS "lrswipkxtea"

enum { FILE_MAX = (ACL_ID_MAX + 16) * ACL_ENTRIES_MAX };

/* RFC 4314 section 2.1.1: d was deleting messages, c making folders */
int
acl_parse(struct slice letters, unsigned *rights_r)
{
	const char *at;
	size_t i;

	*rights_r = 0;
	for (i = 0; i < letters.n; i++) {
		at = letters.p[i] != '\0' ? strchr(LETTERS, letters.p[i]) :
		    NULL;
		if (at != NULL)
			*rights_r |= 1U << (at - LETTERS);
		else if (letters.p[i] == 'd')
			*rights_r |= ACL_DELETE | ACL_EXPUNGE;
		else if (letters.p[i] == 'c')
			*rights_r |= ACL_CREATE;
		else
			return 0;
	}
	return 1;
}

void
acl_print(unsigned rights, struct str *out)
{
	size_t i;

	for (i = 0; LETTERS[i] != '\0'; i++)
		if (rights & 1U << i)
			str_addc(out, LETTERS[i]);
}

bool
acl_is_anyone(const char *id)
{
	return strcmp(id, "anyone") == 0 || strcmp(id, "authenticated") == 0;
}

int
acl_identifier(struct slice id, const char *owner, struct str *out)
{
	struct slice domain = slice_of(owner);
	size_t start = out->len, i;

	domain = slice_sub(domain, slice_rfind(domain, '@'), domain.n);
	if (id.n == 0 || id.n + domain.n > ACL_ID_MAX || id.p[0] == '-' ||
	    !utf8_valid(id))
		return 0;
	for (i = 0; i < id.n; i++)
		if ((unsigned char)id.p[i] <= 0x20 || id.p[i] == 0x7f)
			return 0;
	for (i = 0; i < id.n; i++)
		str_addc(out, (char)ascii_lower((unsigned char)id.p[i]));
	if (slice_find(id, '@') == id.n &&
	    !acl_is_anyone(out->s + start))
		str_addsl(out, domain);
	return 1;
}

static bool
take_line(struct slice line, struct arena *a, struct acl_entry *e)
{
	struct slice letters;

	*e = (struct acl_entry){ .negative = slice_starts(line, "-") };
	if (e->negative)
		line = slice_sub(line, 1, line.n);
	if (!slice_cut(&line, ' ', &letters) || line.n == 0 ||
	    line.n > ACL_ID_MAX || !acl_parse(letters, &e->rights))
		return false;
	e->id = arena_slice(a, line);
	return true;
}

int
acl_read(int dir, struct arena *a, struct acl *l, struct err *err)
{
	struct str text = STR_INIT;
	struct slice rest, line;
	int r = tree_read(dir, ".state/acl", FILE_MAX, &text, err);

	*l = (struct acl){ .v = NULL };
	rest = slice_str(&text);
	if (r == 1 && slice_starts(rest, HEAD)) {
		l->v = arena_alloc(a, ACL_ENTRIES_MAX * sizeof(*l->v));
		rest = slice_sub(rest, strlen(HEAD), rest.n);
		while (l->n < ACL_ENTRIES_MAX &&
		    slice_cut(&rest, '\n', &line))
			if (take_line(line, a, &l->v[l->n]))
				l->n++;
	}
	str_free(&text);
	return r < 0 ? -1 : 0;
}

unsigned
acl_rights(const struct acl *l, const char *user)
{
	unsigned give = 0, take = 0;
	const struct acl_entry *e;
	size_t i;

	for (i = 0; i < l->n; i++) {
		e = &l->v[i];
		if (!acl_is_anyone(e->id) && strcmp(e->id, user) != 0)
			continue;
		if (e->negative)
			take |= e->rights;
		else
			give |= e->rights;
	}
	return give & ~take;
}

static unsigned
changed(unsigned old, unsigned rights, enum acl_op op)
{
	if (op == ACL_SET)
		return rights;
	return op == ACL_ADD ? old | rights : old & ~rights;
}

static void
put_entry(struct str *out, const struct acl_entry *e, unsigned rights)
{
	if (rights == 0)
		return;
	if (out->len == 0)
		str_adds(out, HEAD);
	if (e->negative)
		str_addc(out, '-');
	acl_print(rights, out);
	str_addf(out, " %s\n", e->id);
}

static int
change(int dir, const struct acl_entry *e, enum acl_op op, bool *left_r,
    struct err *err)
{
	struct str text = STR_INIT;
	struct arena arena = { 0 };
	struct acl l;
	bool found = false, same;
	unsigned rights;
	size_t i;
	int r = acl_read(dir, &arena, &l, err);

	*left_r = false;
	for (i = 0; r == 0 && i < l.n; i++) {
		same = l.v[i].negative == e->negative &&
		    strcmp(l.v[i].id, e->id) == 0;
		rights = same ? changed(l.v[i].rights, e->rights, op) :
		    l.v[i].rights;
		found |= same;
		*left_r |= same && rights != 0;
		put_entry(&text, &l.v[i], rights);
	}
	if (r == 0 && !found) {
		rights = changed(0, e->rights, op);
		*left_r = rights != 0;
		if (rights != 0 && l.n >= ACL_ENTRIES_MAX)
			r = err_perm(err, "5.2.2", "the list is full");
		put_entry(&text, e, rights);
	}
	if (r == 0)
		r = tree_write(dir, ".state", "acl", &text, err);
	arena_free(&arena);
	str_free(&text);
	return r;
}

int
acl_change(int dir, const struct acl_entry *e, enum acl_op op, bool *left_r,
    struct err *err)
{
	int fd = dir_open(dir, ".state/acl.lock", O_RDWR | O_CREAT, 0600), r;

	if (fd < 0)
		return err_sys(err, "open .state/acl.lock");
	*left_r = false;
	r = dir_lock(fd, ".state/acl.lock", DIR_LOCK_MS, err);
	if (r == 0)
		r = change(dir, e, op, left_r, err);
	close(fd);
	return r;
}
