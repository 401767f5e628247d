/*
 * address.c - which addresses may a web server of somebody else have?  Who
 * names a host of ours in his zone must not make us speak to it.
 */
#include "web.h"

#include "base/networks.h"

/* RFC 6890 and the registries that it made: what no public host has.  6to4 and
 * the local translation prefix hide an IPv4 address, and are in no use. */
static const char *const special[] = { "0.0.0.0/8", "10.0.0.0/8",
	"100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
	"::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "2001::/23",
	"2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/9", "ff00::/8" };

/* 64:ff9b::/96 (RFC 6052): a translator of this network's makes it the IPv4
 * address behind it */
static bool
translated(const char *addr, char v4[16])
{
	static const unsigned char prefix[12] = { 0x00, 0x64, 0xff, 0x9b };
	unsigned char ip[16];

	if (!network_address(slice_of(addr), ip) ||
	    memcmp(ip, prefix, sizeof(prefix)) != 0)
		return false;
	snprintf(v4, 16, "%u.%u.%u.%u", ip[12], ip[13], ip[14], ip[15]);
	return true;
}

bool
web_may_reach(const char *addr, const struct strlist *private)
{
	static const struct strlist list = {
		.v = (const char **)(uintptr_t)special,
		.n = ARRAY_LEN(special) };
	char v4[16];

	if (networks_has(private, addr))
		return true;
	if (networks_has(&list, addr))
		return false;
	return !translated(addr, v4) || web_may_reach(v4, private);
}
