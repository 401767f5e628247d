/*
 * jail_host.c - servers that a program connects to, by name or address.
 */
#include "serve/jail.h"

#include <netdb.h>

void
jail_names(void)
{
	static const char *const files[] = { "/etc/resolv.conf", "/etc/hosts",
	    "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
	    "/etc/services" };
	static bool done;
	struct addrinfo *r = NULL;
	size_t i;

	if (done)
		return;
	done = true;
	/* within the time of a question, or nearly */
	setenv("RES_OPTIONS", "timeout:2 attempts:1", 0);
	/* loads what nsswitch.conf names; no code can be loaded later */
	if (getaddrinfo("localhost", NULL, NULL, &r) == 0)
		freeaddrinfo(r);
	jail_port(53);
	for (i = 0; i < ARRAY_LEN(files); i++)
		jail_path(files[i], PATH_READ);
}

static bool
is_address(const char *host)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST }, *r = NULL;
	bool yes = getaddrinfo(host, NULL, &hints, &r) == 0;

	if (yes)
		freeaddrinfo(r);
	return yes;
}

void
jail_host(const char *host, uint16_t port)
{
	jail_need(JAIL_FILES | JAIL_UNIX | JAIL_INET);
	jail_port(port);
	if (!is_address(host))
		jail_names();
}
