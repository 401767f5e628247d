/*
 * part_find.c - ways through a tree, and from raw octets to wire octets.
 */
#include "mime/part.h"

struct mime_part *
mime_next(const struct mime_part *p)
{
	if (p->child != NULL)
		return p->child;
	while (p != NULL && p->next == NULL)
		p = p->parent;
	return p != NULL ? p->next : NULL;
}

bool
mime_is(const struct mime_part *p, const char *type, const char *subtype)
{
	return !p->opaque && slice_ieqz(p->type, type) &&
	    (subtype == NULL || slice_ieqz(p->subtype, subtype));
}

struct mime_part *
mime_message_of(const struct mime_part *p)
{
	return p->kind == MIME_MESSAGE ? p->child : NULL;
}

static struct mime_part *
child_at(struct mime_part *p, uint32_t number)
{
	struct mime_part *c;

	if (number > p->children)
		return NULL;
	for (c = p->child; c != NULL; c = c->next)
		if (c->number == number)
			return c;
	return NULL;
}

struct mime_part *
mime_find_part(struct mime_part *root, const uint32_t *path, size_t n)
{
	struct mime_part *p = root;
	bool fresh = true;	/* p is a message that no number named yet */
	size_t i;

	for (i = 0; i < n && p != NULL; i++) {
		if (!fresh && p->kind == MIME_MESSAGE) {
			p = p->child;
			fresh = true;
		}
		if (p->kind == MIME_MULTIPART)
			p = child_at(p, path[i]);
		else if (!fresh || path[i] != 1)
			p = NULL;
		fresh = false;
	}
	return p;
}

struct slice
mime_range(struct slice msg, struct mime_mark from, struct mime_mark to)
{
	return slice_sub(msg, from.pos, to.pos - from.pos);
}

size_t
mime_wire(struct mime_mark from, struct mime_mark to)
{
	return to.pos - from.pos + (to.bare - from.bare);
}

size_t
mime_lines(struct mime_mark from, struct mime_mark to)
{
	return to.lines - from.lines;
}

static bool
is_bare(struct slice s, size_t lf)
{
	return lf == 0 || s.p[lf - 1] != '\r';
}

size_t
mime_wire_size(struct slice s)
{
	const char *p = s.p, *end = s.p + s.n, *nl;
	size_t n = s.n;

	for (; p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL;
	    p = nl + 1)
		n += nl == s.p || nl[-1] != '\r';
	return n;
}

size_t
mime_wire_seek(struct slice s, size_t off, bool *in_crlf_r)
{
	size_t i = 0, len;

	*in_crlf_r = false;
	while (i < s.n) {
		len = slice_find(slice_sub(s, i, s.n), '\n');
		if (off <= len)
			return i + off;
		off -= len;
		i += len;
		if (i == s.n)
			break;
		if (is_bare(s, i)) {
			if (off == 1) {
				*in_crlf_r = true;
				return i;
			}
			off--;
		}
		off--;
		i++;
	}
	return s.n;
}
