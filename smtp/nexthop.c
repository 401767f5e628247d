/*
 * nexthop.c - what a next hop says.
 */
#include <arpa/inet.h>
#include <sys/un.h>

#include "smtp/idna.h"
#include "target_part.h"

static int
bad(const char *text, struct err *err)
{
	return err_perm(err, "5.1.3", "not a next hop: %.200s", text);
}

static int
parse_port(struct slice s, struct nexthop *r)
{
	uint64_t port;

	if (!slice_u64(s, 65535, &port) || port == 0)
		return -1;
	r->port = (int)port;
	return 0;
}

/* an address in brackets: 1, or 0: it is none */
static int
parse_literal(struct slice s, struct arena *a, struct nexthop *r)
{
	char in[INET6_ADDRSTRLEN + 8], text[INET6_ADDRSTRLEN];
	struct in6_addr ip;
	bool tagged = slice_istarts(s, "IPv6:");

	if (tagged)
		s = slice_sub(s, 5, s.n);
	if (s.n >= sizeof(in) || slice_has_nul(s))
		return 0;
	slice_copy(in, sizeof(in), s);
	if (!tagged && inet_pton(AF_INET, in, &ip) == 1)
		r->family = AF_INET;
	else if (inet_pton(AF_INET6, in, &ip) == 1)
		r->family = AF_INET6;
	else
		return 0;
	inet_ntop(r->family, &ip, text, sizeof(text));
	r->domain = arena_strdup(a, text);
	return 1;
}

static int
parse_name(struct slice s, struct arena *a, struct nexthop *r, struct err *err)
{
	struct str name = STR_INIT;
	int rc = idna_ascii(s, &name, err);

	if (rc == 0)
		r->domain = arena_slice(a, slice_str(&name));
	str_free(&name);
	return rc;
}

static int
parse_bracket(const char *text, struct slice s, struct arena *a,
    struct nexthop *r, struct err *err)
{
	size_t end = slice_rfind(s, ']');
	struct slice inner = slice_sub(s, 1, end - 1), tail;

	if (end == s.n || end == 1)
		return bad(text, err);
	tail = slice_sub(s, end + 1, s.n);
	r->bracket = true;
	if (tail.n > 0 && (tail.p[0] != ':' ||
	    parse_port(slice_sub(tail, 1, tail.n), r) < 0))
		return bad(text, err);
	if (parse_literal(inner, a, r))
		return 0;
	return parse_name(inner, a, r, err);
}

static int
parse_path(const char *text, struct arena *a, struct nexthop *r,
    struct err *err)
{
	const char *path = text + strlen("unix:");

	if (path[0] != '/' ||
	    strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return bad(text, err);
	r->family = AF_UNIX;
	r->bracket = true;
	r->domain = arena_strdup(a, path);
	return 0;
}

int
nexthop_parse(const char *text, struct arena *a, struct nexthop *r,
    struct err *err)
{
	struct slice s = slice_of(text);
	size_t colon = slice_find(s, ':');

	*r = (struct nexthop){ .domain = "" };
	if (slice_starts(s, "unix:"))
		return parse_path(text, a, r, err);
	if (slice_starts(s, "["))
		return parse_bracket(text, s, a, r, err);
	if (colon < s.n && parse_port(slice_sub(s, colon + 1, s.n), r) < 0)
		return bad(text, err);
	return parse_name(slice_sub(s, 0, colon), a, r, err);
}
