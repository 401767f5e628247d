/*
 * address_print.c - writes, compares and splits canonical addresses.  What
 * is printed is read back by smtp_address_parse as the same address.
 */
#include "smtp/address.h"

#include <sys/socket.h>

#include <arpa/inet.h>

static bool
must_quote(struct slice local)
{
	bool dot = true;	/* a dot here would be the first or a second */
	size_t i;

	for (i = 0; i < local.n; i++) {
		unsigned char c = (unsigned char)local.p[i];

		if (c == '.') {
			if (dot)
				return true;
			dot = true;
			continue;
		}
		dot = false;
		if (c < 0x80 && !ascii_isalnum(c) &&
		    (c == 0 || strchr("!#$%&'*+-/=?^_`{|}~", c) == NULL))
			return true;
	}
	return dot;
}

void
smtp_local_print(struct slice local, struct str *out)
{
	size_t i;

	if (!must_quote(local)) {
		str_addsl(out, local);
		return;
	}
	str_addc(out, '"');
	for (i = 0; i < local.n; i++) {
		if (local.p[i] == '"' || local.p[i] == '\\')
			str_addc(out, '\\');
		str_addc(out, local.p[i]);
	}
	str_addc(out, '"');
}

void
smtp_address_print(const struct smtp_address *addr, struct str *out)
{
	if (addr->null)
		return;
	smtp_local_print(addr->local, out);
	if (addr->domain.n > 0) {
		str_addc(out, '@');
		str_addsl(out, addr->domain);
	}
}

bool
smtp_address_eq(const struct smtp_address *a, const struct smtp_address *b)
{
	if (a->null != b->null)
		return false;
	if (a->postmaster && b->postmaster)
		return true;
	return slice_eq(a->local, b->local) && slice_ieq(a->domain, b->domain);
}

static void
add_folded(struct str *out, struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		str_addc(out, (char)ascii_lower((unsigned char)s.p[i]));
}

void
smtp_address_key(const struct smtp_address *addr, struct str *out)
{
	add_folded(out, addr->local);
	if (addr->domain.n > 0) {
		str_addc(out, '@');
		add_folded(out, addr->domain);
	}
}

void
smtp_address_copy(struct smtp_address *to, const struct smtp_address *from,
    struct arena *a)
{
	*to = *from;
	to->local.p = arena_slice(a, from->local);
	to->domain.p = arena_slice(a, from->domain);
}

int
smtp_local_split(struct slice local, const char *delims, struct slice *user,
    struct slice *ext)
{
	size_t i;

	*user = local;
	*ext = SLICE_NULL;
	for (i = 1; i < local.n; i++) {
		if (local.p[i] == '\0' || strchr(delims, local.p[i]) == NULL)
			continue;
		*user = slice_sub(local, 0, i);
		*ext = slice_sub(local, i + 1, local.n);
		return 1;
	}
	return 0;
}

void
smtp_literal_print(int family, const unsigned char ip[16], struct str *out)
{
	char buf[INET6_ADDRSTRLEN];

	if (inet_ntop(family, ip, buf, sizeof(buf)) == NULL)
		die("address family %d", family);
	str_addf(out, "[%s%s]", family == AF_INET6 ? "IPv6:" : "", buf);
}
