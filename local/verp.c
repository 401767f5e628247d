/*
 * verp.c - a sender for each recipient: the first line of the content, which
 * is Return-Path, is another one in each copy, so there is no link to it.
 */
#include "local.h"
#include "smtp/verp.h"

enum { LINE_MAX_READ = 4096 };

/* the length of the line Return-Path; 0: there is none */
static size_t
first_line(int fd)
{
	char buf[LINE_MAX_READ];
	ssize_t n = pread(fd, buf, sizeof(buf), 0);
	struct slice s = { buf, n > 0 ? (size_t)n : 0 };
	size_t end = slice_find(s, '\n');

	return end < s.n && slice_istarts(s, "Return-Path:") ? end + 1 : 0;
}

int
verp_content(const struct job *j, struct rcpt *r, struct arena *a,
    struct err *err)
{
	struct str head = STR_INIT;
	size_t skip = first_line(j->content.fd);

	if (skip == 0)
		return err_temp(err, "4.3.0", "content has no Return-Path");
	str_adds(&head, "Return-Path: <");
	smtp_verp(j->sender, r->addr, j->verp, &head);
	str_adds(&head, ">\n");
	r->own = j->content;
	r->own.linkable = false;
	r->own.path = NULL;
	r->own.skip = skip;
	r->own.head_len = head.len;
	r->own.head = arena_slice(a, slice_str(&head));
	r->own.size += head.len - skip;
	r->own.wsize += head.len - skip;
	str_free(&head);
	return 0;
}

const struct store_content *
rcpt_content(const struct job *j, const struct rcpt *r)
{
	return r->own.head != NULL ? &r->own : &j->content;
}
