/*
 * self.c - is it us?  Addresses of interfaces come and go, so they are looked
 * at anew now and then.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include "base/clock.h"
#include "conf/common.h"
#include "target_part.h"

enum { LOOK_MS = 60000 };
#define INTERFACES "interfaces"

static struct in6_addr *own;
static size_t nown;
static int64_t next_look;

/* IPv4 as ::ffff:a.b.c.d, so that each address has one form */
static bool
parse(const char *text, struct in6_addr *r)
{
	struct in_addr v4;

	if (inet_pton(AF_INET6, text, r) == 1)
		return true;
	if (inet_pton(AF_INET, text, &v4) != 1)
		return false;
	*r = (struct in6_addr){ 0 };
	r->s6_addr[10] = r->s6_addr[11] = 0xff;
	memcpy(&r->s6_addr[12], &v4, sizeof(v4));
	return true;
}

static bool
wants_interfaces(void)
{
	return strlist_has(&target_conf->own_addresses, INTERFACES);
}

static void
look(void)
{
	char text[INET6_ADDRSTRLEN];
	struct ifaddrs *list, *i;
	size_t n = 0;

	if (getifaddrs(&list) != 0)
		return;		/* as it was */
	for (i = list; i != NULL; i = i->ifa_next)
		n++;
	own = xrealloc(own, (n + 1) * sizeof(*own));
	nown = 0;
	for (i = list; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL)
			continue;
		if (i->ifa_addr->sa_family == AF_INET6)
			own[nown++] = ((const struct sockaddr_in6 *)
			    (const void *)i->ifa_addr)->sin6_addr;
		else if (i->ifa_addr->sa_family == AF_INET &&
		    inet_ntop(AF_INET, &((const struct sockaddr_in *)
		    (const void *)i->ifa_addr)->sin_addr, text,
		    sizeof(text)) != NULL && parse(text, &own[nown]))
			nown++;
	}
	freeifaddrs(list);
}

/* loopback and "any", which leads to it */
static bool
loopback(const struct in6_addr *ip)
{
	if (IN6_IS_ADDR_V4MAPPED(ip))
		return ip->s6_addr[12] == 127 || ip->s6_addr[12] == 0;
	return IN6_IS_ADDR_LOOPBACK(ip) || IN6_IS_ADDR_UNSPECIFIED(ip);
}

void
self_start(void)
{
	look();
	next_look = mono_ms() + LOOK_MS;
}

static void
look_again(void)
{
	if (mono_ms() >= next_look)
		self_start();
}

bool
self_has_ipv6(void)
{
	size_t i;

	look_again();
	for (i = 0; i < nown; i++)
		if (!loopback(&own[i]) && !IN6_IS_ADDR_V4MAPPED(&own[i]) &&
		    !IN6_IS_ADDR_LINKLOCAL(&own[i]))
			return true;
	return false;
}

static bool
of_interface(const struct in6_addr *ip)
{
	size_t i;

	if (loopback(ip))
		return true;
	look_again();
	for (i = 0; i < nown; i++)
		if (memcmp(&own[i], ip, sizeof(*ip)) == 0)
			return true;
	return false;
}

bool
self_address(const char *addr)
{
	const struct strlist *l = &target_conf->own_addresses;
	struct in6_addr ip, other;
	size_t i;

	if (!parse(addr, &ip))
		return false;
	for (i = 0; i < l->n; i++)
		if (parse(l->v[i], &other) &&
		    memcmp(&ip, &other, sizeof(ip)) == 0)
			return true;
	return wants_interfaces() && of_interface(&ip);
}

bool
self_name(const char *host)
{
	struct slice s = slice_of(host);

	return slice_ieqz(s, common.hostname) || slice_ieqz(s, "localhost") ||
	    slice_iends(s, ".localhost") ||
	    slice_ieqz(s, "localhost.localdomain");
}
