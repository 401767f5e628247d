/*
 * addr.c - addresses and networks.
 */
#include "addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/networks.h"

static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
	0xff };

void
addr_v4(struct addr *a, const unsigned char ip[4])
{
	memcpy(a->b, mapped, sizeof(mapped));
	memcpy(a->b + 12, ip, 4);
}

bool
addr_is_v4(const struct addr *a)
{
	return memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

bool
addr_of(const struct sockaddr *sa, struct addr *a, int *port_r)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;
	in_port_t port = 0;

	if (sa->sa_family == AF_INET) {
		addr_v4(a, (const unsigned char *)&in->sin_addr);
		port = in->sin_port;
	} else if (sa->sa_family == AF_INET6) {
		memcpy(a->b, &in6->sin6_addr, sizeof(a->b));
		port = in6->sin6_port;
	} else {
		return false;
	}
	if (port_r != NULL)
		*port_r = ntohs(port);
	return true;
}

bool
addr_parse(struct slice s, struct addr *a)
{
	char text[ADDR_TEXT];
	unsigned char ip[4];

	if (s.n == 0 || s.n >= sizeof(text) || slice_has_nul(s))
		return false;
	slice_copy(text, sizeof(text), s);
	if (inet_pton(AF_INET, text, ip) == 1) {
		addr_v4(a, ip);
		return true;
	}
	return inet_pton(AF_INET6, text, a->b) == 1;
}

const char *
addr_text(const struct addr *a, char out[ADDR_TEXT])
{
	if (addr_is_v4(a))
		inet_ntop(AF_INET, a->b + 12, out, ADDR_TEXT);
	else
		inet_ntop(AF_INET6, a->b, out, ADDR_TEXT);
	return out;
}

struct addr
addr_network(const struct addr *a, int v4_prefix, int v6_prefix)
{
	int bits = addr_is_v4(a) ? 96 + v4_prefix : v6_prefix, i;
	struct addr net = *a;

	for (i = bits / 8; i < 16; i++)
		net.b[i] &= i == bits / 8 ? (unsigned char)(0xff00 >>
		    bits % 8) : 0;
	return net;
}

const char *
addr_network_text(const struct addr *a, int v4_prefix, int v6_prefix,
    char out[ADDR_TEXT])
{
	struct addr net = addr_network(a, v4_prefix, v6_prefix);
	size_t n;

	addr_text(&net, out);
	n = strlen(out);
	snprintf(out + n, ADDR_TEXT - n, "/%d", addr_is_v4(a) ? v4_prefix :
	    v6_prefix);
	return out;
}

/* checked before */
static struct net
parse_net(const char *word)
{
	struct slice s = slice_of(word);
	size_t slash = slice_find(s, '/');
	struct slice host = slice_sub(s, 0, slash);
	struct net n = { .bits = 128 };
	uint64_t bits;

	if (host.n > 1 && host.p[0] == '[')
		host = slice_sub(host, 1, host.n - 2);
	addr_parse(host, &n.a);
	if (slash < s.n && slice_u64(slice_sub(s, slash + 1, s.n), 128,
	    &bits))
		n.bits = (slice_find(host, ':') < host.n ? 0 : 96) +
		    (unsigned)bits;
	return n;
}

int
nets_parse(const struct strlist *words, struct nets *n, struct err *err)
{
	size_t i;

	nets_free(n);
	if (networks_check(words, err) < 0)
		return -1;
	n->v = xcalloc(words->n + 1, sizeof(*n->v));
	for (i = 0; i < words->n; i++)
		n->v[n->n++] = parse_net(words->v[i]);
	return 0;
}

bool
nets_have(const struct nets *n, const struct addr *a)
{
	struct addr net;
	size_t i;

	for (i = 0; i < n->n; i++) {
		if (n->v[i].bits == 128)
			net = *a;
		else	/* of either family: bits are those of IPv6 */
			net = addr_network(a, (int)n->v[i].bits - 96,
			    (int)n->v[i].bits);
		if (memcmp(&net, &n->v[i].a, sizeof(net)) == 0)
			return true;
	}
	return false;
}

void
nets_free(struct nets *n)
{
	free(n->v);
	*n = (struct nets){ NULL, 0 };
}
