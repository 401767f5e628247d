/*
 * net.c - addresses of clients and the networks that they are in.
 */
#include "auth.h"

#include <arpa/inet.h>

int
net_parse(const char *z, struct net *n)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	memset(n, 0, sizeof(*n));
	if (inet_pton(AF_INET, z, n->ip) == 1) {
		n->family = AF_INET;
	} else if (inet_pton(AF_INET6, z, n->ip) == 1) {
		n->family = AF_INET6;
		if (memcmp(n->ip, mapped, sizeof(mapped)) == 0) {
			memmove(n->ip, n->ip + 12, 4);
			n->family = AF_INET;
		}
	}
	return n->family != 0;
}

static int
net_bits(const struct net *n)
{
	return n->family == AF_INET ? 32 : 128;
}

static void
net_mask(struct net *n, int bits)
{
	int i;

	for (i = bits; i < net_bits(n); i++)
		n->ip[i / 8] &= (unsigned char)~(0x80 >> i % 8);
}

int
net_parse_cidr(const char *z, struct net *n, int *bits)
{
	struct slice rest = slice_of(z), addr;
	char text[64];
	uint64_t u;

	slice_cut(&rest, '/', &addr);
	slice_copy(text, sizeof(text), addr);
	if (addr.n >= sizeof(text) || !net_parse(text, n))
		return 0;
	*bits = net_bits(n);
	if (rest.p != NULL) {
		if (!slice_u64(rest, (uint64_t)net_bits(n), &u))
			return 0;
		*bits = (int)u;
	}
	net_mask(n, *bits);
	return 1;
}

bool
net_in(const struct net *client, const struct strlist *networks)
{
	struct net n, mine;
	size_t i;
	int bits;

	for (i = 0; i < networks->n; i++) {
		mine = *client;
		if (!net_parse_cidr(networks->v[i], &n, &bits) ||
		    n.family != mine.family)
			continue;
		net_mask(&mine, bits);
		if (memcmp(n.ip, mine.ip, sizeof(n.ip)) == 0)
			return true;
	}
	return false;
}

bool
client_in(const char *addr, const struct strlist *networks)
{
	struct net client;

	net_parse(addr, &client);
	return client.family != 0 && net_in(&client, networks);
}

const char *
net_text(struct arena *a, const struct net *client, int bits4, int bits6)
{
	struct net n = *client;
	int bits = n.family == AF_INET ? bits4 : bits6;
	char text[INET6_ADDRSTRLEN];

	if (n.family == 0)
		return "local";
	net_mask(&n, bits);
	inet_ntop(n.family, n.ip, text, sizeof(text));
	return bits == 32 ? arena_strdup(a, text) :
	    arena_printf(a, "%s/%d", text, bits);
}
