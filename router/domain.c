/*
 * domain.c - which domains are ours.  The lists of common.conf are short and
 * searched in order; more domains belong into the table virtual_domains.
 */
#include "router.h"

#include <sys/socket.h>

#include <ifaddrs.h>
#include <netinet/in.h>

#include "conf/common.h"

static struct strlist own;
static struct arena own_arena;

void
domain_own_addresses(void)
{
	struct ifaddrs *list, *i;
	struct str text = STR_INIT;
	const void *ip;
	int family;

	if (getifaddrs(&list) != 0)
		die("getifaddrs: %s", strerror(errno));
	for (i = list; i != NULL; i = i->ifa_next) {
		family = i->ifa_addr != NULL ? i->ifa_addr->sa_family : 0;
		if (family == AF_INET)
			ip = &((const struct sockaddr_in *)
			    (const void *)i->ifa_addr)->sin_addr;
		else if (family == AF_INET6)
			ip = &((const struct sockaddr_in6 *)
			    (const void *)i->ifa_addr)->sin6_addr;
		else
			continue;
		str_reset(&text);
		smtp_literal_print(family, ip, &text);
		strlist_add(&own, &own_arena,
		    arena_strdup(&own_arena, text.s));
	}
	freeifaddrs(list);
	str_free(&text);
}

const char *
domain_default(void)
{
	if (common.domains.n > 0)
		return common.domains.v[0];
	if (common.system_domains.n > 0)
		return common.system_domains.v[0];
	return conf.hostname_is_local ? common.hostname : "";
}

const char *
domain_kind_name(int kind)
{
	static const char *const names[] = {
		[DOMAIN_ALIAS] = "ours, aliases alone",
		[DOMAIN_REMOTE] = "of others",
		[DOMAIN_VIRTUAL] = "ours, virtual mailboxes",
		[DOMAIN_SYSTEM] = "ours, system accounts",
		[DOMAIN_RELAY] = "relayed for",
	};

	return names[kind];
}

static bool
is_hostname(struct slice d)
{
	return conf.hostname_is_local && slice_ieqz(d, common.hostname);
}

const char *
domain_srs(void)
{
	if (!conf.srs)
		return "";
	return conf.srs_domain[0] != '\0' ? conf.srs_domain :
	    domain_default();
}

/* a word .example.com stands for all below it */
static bool
is_relay(struct slice d)
{
	size_t i;

	for (i = 0; i < conf.relay_domains.n; i++) {
		const char *w = conf.relay_domains.v[i];

		if (w[0] == '.' ? slice_iends(d, w) : slice_ieqz(d, w))
			return true;
	}
	return false;
}

/* what its row says; -1: it says nothing */
static int
kind_of_row(const struct domain_record *row)
{
	static const int kinds[] = { -1, DOMAIN_SYSTEM, DOMAIN_VIRTUAL,
		DOMAIN_ALIAS, DOMAIN_RELAY };
	int kind = kinds[row->class];

	return kind >= 0 || row->alias_of[0] == '\0' ? kind : DOMAIN_ALIAS;
}

int
domains_get(struct slice domain, struct arena *a, struct domain_record *row,
    struct err *err)
{
	int r = domains_read(&domains, domain, a, row, err);

	return r < 0 ? our_trouble(err) : r;
}

static int
kind_of(struct slice d, struct arena *a, struct domain_record *row,
    struct err *err)
{
	struct str value = STR_INIT;
	int r = domains_get(d, a, row, err);

	if (r < 0)
		return -1;
	if (r > 0 && kind_of_row(row) >= 0)
		return kind_of_row(row);
	if (strlist_ihas(&common.domains, d))
		return DOMAIN_VIRTUAL;
	if (strlist_ihas(&common.system_domains, d))
		return DOMAIN_SYSTEM;
	if (strlist_ihas(&conf.virtual_alias_domains, d))
		return DOMAIN_ALIAS;
	r = table_get(&virtual_domains, arena_slice(a, d), &value, err);
	str_free(&value);
	if (r != 0)
		return r < 0 ? -1 : DOMAIN_VIRTUAL;
	if (conf.srs && slice_ieqz(d, conf.srs_domain))
		return DOMAIN_VIRTUAL;
	if (is_relay(d))
		return DOMAIN_RELAY;
	/* the default domain where nothing else is configured */
	return is_hostname(d) ? DOMAIN_VIRTUAL : DOMAIN_REMOTE;
}

static void
fold(struct slice *d, struct arena *a)
{
	char *p = arena_slice(a, *d);
	size_t i;

	for (i = 0; i < d->n; i++)
		p[i] = (char)ascii_lower((unsigned char)p[i]);
	d->p = p;
}

/* our host name, where nobody says that it is a domain by itself */
static bool
names_default(struct slice d, const struct domain_record *row)
{
	return is_hostname(d) && !strlist_ihas(&common.domains, d) &&
	    !strlist_ihas(&common.system_domains, d) && kind_of_row(row) < 0;
}

int
domain_find(struct smtp_address *addr, struct arena *a,
    struct domain_record *row, struct err *err)
{
	const char *def = domain_default();
	int kind = DOMAIN_REMOTE;
	bool other_name = addr->domain.n == 0 ||
	    (addr->literal && strlist_ihas(&own, addr->domain));

	*row = (struct domain_record){ .alias_of = "", .relay = "",
		.catch_all = "" };
	if (!other_name && !addr->literal) {
		kind = kind_of(addr->domain, a, row, err);
		if (kind < 0)
			return -1;
		other_name = names_default(addr->domain, row);
	}
	if (other_name) {
		if (def[0] == '\0')
			return err_perm(err, "5.1.2", "no domain, and no "
			    "default domain");
		addr->domain = slice_of(def);
		addr->literal = false;
		kind = kind_of(addr->domain, a, row, err);
	}
	fold(&addr->domain, a);
	return kind;
}

int
domain_kind(struct smtp_address *addr, struct arena *a, struct err *err)
{
	struct domain_record row;

	return domain_find(addr, a, &row, err);
}

bool
domain_is_ours(int kind)
{
	return kind == DOMAIN_VIRTUAL || kind == DOMAIN_SYSTEM ||
	    kind == DOMAIN_ALIAS;
}

bool
domain_signs(struct slice domain, int kind)
{
	if (!conf.batv)
		return false;
	return conf.batv_domains.n > 0 ?
	    strlist_ihas(&conf.batv_domains, domain) : domain_is_ours(kind);
}
