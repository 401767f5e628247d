/*
 * put.c - packets for a milter.
 */
#include "milter/milter.h"

#include <arpa/inet.h>

static void
put_u32(struct str *out, uint32_t v)
{
	uint32_t be = htonl(v);

	str_add(out, &be, sizeof(be));
}

/* a string with its NUL */
static void
put_z(struct str *out, const char *z)
{
	str_add(out, z, strlen(z) + 1);
}

static size_t
begin(struct str *out, int cmd)
{
	size_t at = out->len;

	put_u32(out, 0);
	str_addc(out, (char)cmd);
	return at;
}

static void
end(struct str *out, size_t at)
{
	uint32_t be = htonl((uint32_t)(out->len - at - sizeof(be)));

	memcpy(out->s + at, &be, sizeof(be));
}

uint32_t
milter_actions(int version)
{
	return version >= 6 ? SMFIF_ALL : 0x3f;
}

uint32_t
milter_protocol(int version)
{
	static const uint32_t known[] = { 0, 0, 0x7f, 0x17f, 0x3ff, 0x3ff };

	return version >= 6 ? SMFIP_ALL : known[MAX(version, 2)];
}

void
milter_put(struct str *out, int cmd, struct slice data)
{
	size_t at = begin(out, cmd);

	str_addsl(out, data);
	end(out, at);
}

void
milter_put_optneg(struct str *out, int version)
{
	size_t at = begin(out, SMFIC_OPTNEG);

	put_u32(out, (uint32_t)version);
	put_u32(out, milter_actions(version));
	put_u32(out, milter_protocol(version));
	end(out, at);
}

void
milter_put_connect(struct str *out, const char *name, const char *addr,
    int port)
{
	size_t at = begin(out, SMFIC_CONNECT);
	uint16_t be = htons((uint16_t)port);
	char family = addr[0] == '\0' ? 'U' : strcmp(addr, "unix") == 0 ?
	    'L' : strchr(addr, ':') != NULL ? '6' : '4';

	put_z(out, name);
	str_addc(out, family);
	if (family != 'U') {
		str_add(out, &be, sizeof(be));
		/* as Sendmail spells it */
		if (family == '6')
			str_adds(out, "IPv6:");
		put_z(out, addr);
	}
	end(out, at);
}

void
milter_put_words(struct str *out, int cmd, const char *const *v, size_t n)
{
	size_t at = begin(out, cmd), i;

	for (i = 0; i < n; i++)
		put_z(out, v[i]);
	end(out, at);
}

void
milter_put_header(struct str *out, const char *name, struct slice value)
{
	size_t at = begin(out, SMFIC_HEADER);

	put_z(out, name);
	str_addsl(out, value);
	str_addc(out, '\0');
	end(out, at);
}

size_t
milter_macros_begin(struct str *out, int cmd)
{
	size_t at = begin(out, SMFIC_MACRO);

	str_addc(out, (char)cmd);
	return at;
}

void
milter_macro(struct str *out, const char *name, const char *value)
{
	put_z(out, name);
	put_z(out, value);
}

void
milter_macros_end(struct str *out, size_t at)
{
	/* length, letter, which command, and nothing */
	if (out->len == at + 6)
		str_trunc(out, at);
	else
		end(out, at);
}
