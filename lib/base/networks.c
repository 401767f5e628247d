/*
 * networks.c - networks are parsed where they are compared: lists are short.
 */
#include "base/networks.h"

#include <arpa/inet.h>

static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
	0xff };

/* the size of an address in bits; 0: it is none */
static unsigned
parse_ip(struct slice s, unsigned char ip[16])
{
	char text[INET6_ADDRSTRLEN];

	if (s.n >= sizeof(text) || slice_has_nul(s))
		return 0;
	slice_copy(text, sizeof(text), s);
	if (inet_pton(AF_INET, text, ip + 12) == 1) {
		memcpy(ip, mapped, sizeof(mapped));
		return 32;
	}
	return inet_pton(AF_INET6, text, ip) == 1 ? 128 : 0;
}

static bool
is_set(const unsigned char *ip, unsigned bit)
{
	return ip[bit / 8] & (0x80 >> bit % 8);
}

bool
network_address(struct slice s, unsigned char ip[16])
{
	return parse_ip(s, ip) != 0;
}

bool
network_is_v4(const unsigned char ip[16])
{
	return memcmp(ip, mapped, sizeof(mapped)) == 0;
}

const char *
network_parse(struct slice s, struct network *n)
{
	size_t slash = slice_find(s, '/');
	struct slice host = slice_sub(s, 0, slash);
	uint64_t bits;
	unsigned size, i;

	if (host.n > 1 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = slice_sub(host, 1, host.n - 2);
	size = parse_ip(host, n->ip);
	if (size == 0)
		return "not an address";
	bits = size;
	if (slash < s.n && !slice_u64(slice_sub(s, slash + 1, s.n), size,
	    &bits))
		return "not a mask";
	n->bits = 128 - size + (unsigned)bits;
	for (i = n->bits; i < 128; i++)
		if (is_set(n->ip, i))
			return "bits behind the mask";
	return NULL;
}

int
networks_check(const struct strlist *l, struct err *err)
{
	struct network n;
	const char *why;
	size_t i;

	for (i = 0; i < l->n; i++) {
		why = network_parse(slice_of(l->v[i]), &n);
		if (why != NULL)
			return err_perm(err, "5.3.5", "%s: %s, expected "
			    "something like 192.0.2.0/24", l->v[i], why);
	}
	return 0;
}

static bool
contains(const struct network *n, const unsigned char ip[16])
{
	unsigned i;

	for (i = 0; i < n->bits; i++)
		if (is_set(n->ip, i) != is_set(ip, i))
			return false;
	return true;
}

bool
networks_has(const struct strlist *l, const char *addr)
{
	struct network n;
	unsigned char ip[16];
	size_t i;

	if (l->n == 0 || parse_ip(slice_of(addr), ip) == 0)
		return false;
	for (i = 0; i < l->n; i++)
		if (network_parse(slice_of(l->v[i]), &n) == NULL &&
		    contains(&n, ip))
			return true;
	return false;
}
