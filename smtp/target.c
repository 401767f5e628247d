/*
 * target.c - from a next hop to addresses.  What DNS does not say is trouble
 * that passes; only what it says is a reason to return mail.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "base/hash.h"
#include "conf/common.h"
#include "map/live.h"
#include "serve/jail.h"
#include "target_part.h"

const struct target_conf *target_conf;
struct map_live family_table, bind_table;

bool
is_address(const char *text)
{
	struct in6_addr ip;

	return inet_pton(AF_INET, text, &ip) == 1 ||
	    inet_pton(AF_INET6, text, &ip) == 1;
}

int
target_check(const struct target_conf *c, struct err *err)
{
	size_t i;

	for (i = 0; i < c->own_addresses.n; i++)
		if (strcmp(c->own_addresses.v[i], "interfaces") != 0 &&
		    !is_address(c->own_addresses.v[i]))
			return err_perm(err, "5.3.5", "own_addresses: not an "
			    "address: %s", c->own_addresses.v[i]);
	for (i = 0; i < c->bind_addresses.n; i++)
		if (!is_address(c->bind_addresses.v[i]))
			return err_perm(err, "5.3.5", "bind_addresses: not "
			    "an address: %s", c->bind_addresses.v[i]);
	if (c->families[0] != '\0' && map_check(c->families, err) < 0)
		return -1;
	return c->bind_table[0] != '\0' ? map_check(c->bind_table, err) : 0;
}

int
target_start(const struct target_conf *c, struct err *err)
{
	target_conf = c;
	map_set_dir(common.conf_dir);
	map_live_close(&family_table);
	map_live_close(&bind_table);
	map_live_init(&family_table, c->families);
	map_live_init(&bind_table, c->bind_table);
	self_start();
	if (jail_table(c->families, err) < 0)
		return -1;
	return jail_table(c->bind_table, err);
}

int
table_domain(struct map_live *m, const char *domain, struct arena *a,
    const char **value_r, struct err *err)
{
	struct str value = STR_INIT;
	const char *key = domain;
	int rc;

	do {
		rc = key == domain ? map_live_get(m, key, &value, err) :
		    map_live_get_part(m, key, &value, err);
		key = strchr(key + 1, '.');
	} while (rc == 0 && key != NULL && !is_address(domain));
	if (rc > 0)
		*value_r = arena_slice(a, slice_str(&value));
	str_free(&value);
	return rc;
}

static void
set_addr(struct target *t, int port)
{
	struct sockaddr_in *v4 = (void *)&t->sa;
	struct sockaddr_in6 *v6 = (void *)&t->sa;

	t->port = port;
	if (inet_pton(AF_INET, t->addr, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		t->sa_len = sizeof(*v4);
	} else if (inet_pton(AF_INET6, t->addr, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		t->sa_len = sizeof(*v6);
	}
}

static void
one_target(struct targets *t, struct arena *a)
{
	t->v = arena_alloc(a, sizeof(*t->v));
	t->n = 1;
	t->v[0].host = t->v[0].canon = t->v[0].addr = t->domain;
}

static int
find_literal(const struct nexthop *nh, int port, struct arena *a,
    struct targets *t, struct err *err)
{
	if (nh->port == 0 && self_address(nh->domain))
		return err_perm(err, "5.4.6", "%s is this host", nh->domain);
	one_target(t, a);
	set_addr(&t->v[0], port);
	t->site = arena_printf(a, "[%s]:%d", nh->domain, port);
	return 0;
}

static int
find_path(const struct nexthop *nh, struct arena *a, struct targets *t)
{
	struct sockaddr_un *sun;

	one_target(t, a);
	sun = (void *)&t->v[0].sa;
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, nh->domain, strlen(nh->domain) + 1);
	t->v[0].sa_len = sizeof(*sun);
	t->site = arena_slice(a, slice_sub(slice_of(t->nexthop), 0,
	    SITE_MAX));
	return 0;
}

/* Who are the hosts?  0 or -1 */
static int
find_hosts(const struct nexthop *nh, const char *session, struct arena *a,
    struct targets *t, struct host **h_r, size_t *n_r, struct err *err)
{
	struct dns_question q = { .name = nh->domain, .type = DNS_MX };
	struct host *h;

	t->mx_secure = true;
	t->mx_asked = !nh->bracket;
	if (!nh->bracket) {
		if (dns_ask(&q, 1, (int)target_conf->dns_timeout, session, a,
		    err) < 0)
			return -1;
		t->mx_secure = q.a.secure;
		t->mx = q.a.status == DNS_OK;
		if (t->mx)
			return mx_hosts(&q, a, h_r, n_r, err);
		if (q.a.status != DNS_NODATA)
			return dns_err(&q, err);
	}
	h = arena_alloc(a, sizeof(*h));
	h->name = h->canon = nh->domain;
	h->secure = t->mx_secure;
	*h_r = h;
	*n_r = 1;
	return 0;
}

/* What was not asked, as we do not use it, is a fact about the domain, too:
 * has it none of these?  false: or it can not be said */
static bool
no_other(const char *domain, int family, const char *session,
    struct arena *a)
{
	struct dns_question q = { .name = domain,
		.type = family == FAMILY_IPV4 ? DNS_AAAA : DNS_A };
	struct err ignored;

	if (family != FAMILY_IPV4 && family != FAMILY_IPV6)
		return true;
	return dns_ask(&q, 1, (int)target_conf->dns_timeout, session, a,
	    &ignored) == 0 && (q.a.status == DNS_NODATA ||
	    q.a.status == DNS_NXDOMAIN);
}

/* There are hosts, but no address of any. */
static int
no_address(const struct nexthop *nh, const struct targets *t, int family,
    bool none, const struct dns_question *trouble, struct err *err)
{
	bool fact = trouble->name == NULL ||
	    trouble->a.status == DNS_NODATA ||
	    trouble->a.status == DNS_NXDOMAIN;

	if (!fact)
		return dns_err(trouble, err);
	if (!t->mx && !nh->bracket && none)
		return err_perm(err, "5.1.2", "%.200s takes no mail: it has "
		    "neither MX nor address records", nh->domain);
	return err_temp(err, "4.4.4", "no host of %.200s has an address%s",
	    nh->domain, family == FAMILY_IPV4 ? " (IPv4)" :
	    family == FAMILY_IPV6 ? " (IPv6)" : "");
}

/* which family is tried first: for one next hop always the same */
static bool
v6_first(const char *domain, int family)
{
	static const unsigned char key[HASH_KEY];

	if (family == FAMILY_ANY)
		return hash_sip(key, domain, strlen(domain)) & 1;
	return family == FAMILY_IPV6 || family == FAMILY_IPV6_FIRST;
}

static int
find_named(const struct nexthop *nh, int port, const char *session,
    struct arena *a, struct targets *t, struct err *err)
{
	struct dns_question trouble;
	size_t i, n, max = (size_t)target_conf->max_addresses;
	struct host *h;
	int family;

	if (resolve_family(nh->domain, a, &family, err) < 0 ||
	    find_hosts(nh, session, a, t, &h, &n, err) < 0)
		return -1;
	if (n > (size_t)target_conf->max_hosts)
		n = (size_t)target_conf->max_hosts;
	if (resolve_hosts(h, n, family, session, a, &trouble, err) < 0)
		return -1;
	if (nh->port == 0 && mx_drop_self(nh->domain, h, &n, err) < 0)
		return -1;
	t->v = arena_alloc(a, max * sizeof(*t->v));
	t->n = hosts_order(h, n, v6_first(nh->domain, family), t->v, max);
	if (t->n == 0)
		return no_address(nh, t, family, !t->mx && no_other(
		    nh->domain, family, session, a), &trouble, err);
	for (i = 0; i < t->n; i++)
		set_addr(&t->v[i], port);
	t->site = hosts_site(h, n, a);
	if (port != target_conf->port)
		t->site = arena_printf(a, "%s:%d", t->site, port);
	return 0;
}

int
targets_find(const char *nexthop, const char *session, struct arena *a,
    struct targets *t, struct err *err)
{
	struct nexthop nh;
	int port;

	*t = (struct targets){ .site = "" };
	t->nexthop = arena_strdup(a, nexthop);
	if (nexthop_parse(nexthop, a, &nh, err) < 0)
		return -1;
	t->domain = nh.domain;
	port = nh.port != 0 ? nh.port : (int)target_conf->port;
	if (nh.family == AF_UNIX)
		return find_path(&nh, a, t);
	if (nh.family != 0)
		return find_literal(&nh, port, a, t, err);
	return find_named(&nh, port, session, a, t, err);
}
