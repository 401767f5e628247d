/*
 * mime_check.h - what is true of every tree of mime_parse, whatever the bytes
 * were.  For the unit test and the fuzzer.
 */
#ifndef UNIT_MIME_CHECK_H
#define UNIT_MIME_CHECK_H

#include "mime/header.h"
#include "mime/part.h"

/* asserts; returns how many parts there are */
static inline size_t
mime_check_tree(struct slice msg, struct mime_part *root, unsigned depth)
{
	uint32_t path[256];
	const struct mime_part *p, *up;
	struct mime_field f;
	struct mime_scan scan;
	struct slice s;
	size_t parts = 0, n;

	assert(root->begin.pos == 0 && root->end.pos == msg.n);
	for (p = root; p != NULL; p = mime_next(p), parts++) {
		up = p->parent;
		assert(p->depth <= depth && p->depth < ARRAY_LEN(path));
		assert(p->begin.pos <= p->body.pos);
		assert(p->body.pos <= p->end.pos && p->end.pos <= msg.n);
		assert(up == NULL || (p->begin.pos >= up->body.pos &&
		    p->end.pos <= up->end.pos && p->depth == up->depth + 1));
		assert(p->next == NULL || (p->next->parent == up &&
		    p->next->number == p->number + 1 &&
		    p->end.pos <= p->next->begin.pos));
		assert((p->kind == MIME_LEAF) == (p->child == NULL));
		assert(p->kind != MIME_LEAF || p->children == 0);
		assert(p->kind != MIME_MESSAGE || (p->children == 1 &&
		    p->child->next == NULL && p->child->is_message));
		assert(p->kind != MIME_MULTIPART || p->children > 0);
		assert(p->is_message == (p->env != NULL));
		assert(p->type.n > 0 && p->subtype.n > 0);
		s = mime_range(msg, p->body, p->end);
		assert(mime_wire_size(s) == mime_wire(p->body, p->end));
		s = mime_range(msg, p->begin, p->body);
		assert(mime_wire_size(s) == mime_wire(p->begin, p->body));
		mime_scan_init(&scan, s);
		while (mime_scan_next(&scan, &f))
			;
		assert(scan.body == s.n && !scan.malformed);
		/* the way to it by numbers: none names a message within */
		n = 0;
		for (up = p; up->parent != NULL; up = up->parent)
			if (!up->is_message || up->kind != MIME_MULTIPART)
				path[n++] = up->number;
		if (root->kind != MIME_MULTIPART)
			path[n++] = 1;
		for (size_t i = 0; i < n / 2; i++) {
			uint32_t t = path[i];

			path[i] = path[n - 1 - i];
			path[n - 1 - i] = t;
		}
		if (!p->is_message || p->kind != MIME_MULTIPART)
			assert(mime_find_part(root, path, n) == p);
	}
	return parts;
}

#endif
