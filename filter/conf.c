/*
 * conf.c - filter.conf: defaults, then a section for each filter.
 */
#include "filter.h"

#include <netdb.h>

#include "conf/conf.h"

struct filter_conf defaults;
static struct filter_conf *filters[FILTERS_MAX];
static size_t nfilters;

const struct field filter_fields[] = {
	F_ENUM(struct filter_conf, type, "milter", KINDS,
	    "what it speaks"),
	F_STR(struct filter_conf, address, "",
	    "inet:ADDRESS:PORT or unix:PATH; in each section"),
	F_TIME(struct filter_conf, timeout_connect, "10s", "10ms", "10m",
	    "time to connect, and for a milter to agree on a protocol"),
	F_TIME(struct filter_conf, timeout_command, "30s", "10ms", "10m",
	    "time for an answer to anything but the whole content"),
	F_TIME(struct filter_conf, timeout_content, "5m", "10ms", "1h",
	    "time for the answer when it has the whole content; a milter's "
	    "\"progress\" starts it anew"),
	F_ENUM(struct filter_conf, default_action, "tempfail", DEFAULTS,
	    "what becomes of mail when it can not be asked"),
	F_TIME(struct filter_conf, retry, "10s", "0s", "1h",
	    "a filter that failed is not asked again before"),
	F_ENUM(struct filter_conf, found, "reject", FOUND,
	    "rspamd, clamd: what becomes of a message that it refuses"),
	F_SIZE(struct filter_conf, max_size, "0", NULL, NULL,
	    "a larger message is not shown to it; 0: all are"),
	F_SECRET(struct filter_conf, password, "",
	    "rspamd: its password, where it wants one"),
	F_INT(struct filter_conf, protocol, "6", "2", "6",
	    "milter: newest version of the protocol"),
	F_BOOL(struct filter_conf, reuse, "no",
	    "milter: a connection serves one client after another"),
	F_STR(struct filter_conf, daemon_name, "",
	    "milter: macro {daemon_name}; empty: the service's name"),
	F_LIST_D(struct filter_conf, macros_connect,
	    "j _ v {daemon_name} {daemon_addr} {daemon_port} {client_addr} "
	    "{client_name} {client_port} {client_ptr}",
	    "milter: macros that it gets with connect"),
	F_LIST_D(struct filter_conf, macros_helo,
	    "{tls_version} {cipher} {cipher_bits} {cert_subject} "
	    "{cert_issuer}", "milter: with helo"),
	F_LIST_D(struct filter_conf, macros_mail,
	    "{auth_type} {auth_authen} {auth_author} {mail_addr} "
	    "{mail_host} {mail_mailer}", "milter: with mail"),
	F_LIST_D(struct filter_conf, macros_rcpt,
	    "{rcpt_addr} {rcpt_host} {rcpt_mailer}", "milter: with rcpt"),
	F_LIST_D(struct filter_conf, macros_data, "", "milter: with data"),
	F_LIST_D(struct filter_conf, macros_eoh, "i",
	    "milter: with the end of the header"),
	F_LIST_D(struct filter_conf, macros_content, "i",
	    "milter: with the end of the content"),
	F_END
};

struct filter_conf *
filter_find(const char *name)
{
	size_t i;

	for (i = 0; i < nfilters; i++)
		if (strcmp(filters[i]->name, name) == 0)
			return filters[i];
	return NULL;
}

size_t
filters_count(void)
{
	return nfilters;
}

struct filter_conf *
filter_at(size_t i)
{
	return filters[i];
}

static bool
name_ok(struct slice n)
{
	size_t i;

	for (i = 0; i < n.n; i++)
		if (!ascii_isalnum((unsigned char)n.p[i]) && n.p[i] != '-' &&
		    n.p[i] != '_')
			return false;
	return n.n > 0 && n.n <= 32;
}

struct reader {
	struct arena *a;
	struct filter_conf *at;
};

/* the section begins with what was said before all of them */
static int
find_section(struct reader *r, struct slice name, struct err *err)
{
	const char *z = arena_slice(r->a, name);

	r->at = filter_find(z);
	if (r->at != NULL)
		return 0;
	if (!name_ok(name))
		return err_perm(err, "5.3.5", "[%.40s]: expected a name of "
		    "letters, digits, - and _, at most 32", z);
	if (nfilters == FILTERS_MAX)
		return err_perm(err, "5.3.5", "more than %d filters",
		    FILTERS_MAX);
	r->at = arena_alloc(r->a, sizeof(*r->at));
	*r->at = defaults;
	r->at->name = z;
	filters[nfilters++] = r->at;
	return 0;
}

static int
setting(void *ctx, struct slice section, struct slice name,
    struct slice value, struct err *err)
{
	struct reader *r = ctx;

	if (section.n == 0)
		return conf_set(filter_fields, &defaults, name, value, r->a,
		    err);
	if ((r->at == NULL || !slice_eqz(section, r->at->name)) &&
	    find_section(r, section, err) < 0)
		return -1;
	return conf_set(filter_fields, r->at, name, value, r->a, err);
}

int
filters_load(const char *path, struct arena *a, struct err *err)
{
	struct reader r = { a, NULL };
	size_t i;

	field_defaults(filter_fields, &defaults, a);
	if (conf_read(path, true, setting, &r, err) < 0)
		return -1;
	for (i = 0; i < nfilters; i++)
		if (filters[i]->address[0] == '\0')
			return err_perm(err, "5.3.5", "%s: [%s]: address is "
			    "not set", path, filters[i]->name);
	return 0;
}

static int
add_unix(struct filter_conf *c, struct slice path, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	if (path.n == 0 || path.p[0] != '/' ||
	    path.n >= sizeof(sun.sun_path))
		return err_perm(err, "5.3.5", "[%s] address = %s: expected a "
		    "path of at most %zu octets", c->name, c->address,
		    sizeof(sun.sun_path) - 1);
	memcpy(sun.sun_path, path.p, path.n);
	memcpy(&c->addr[0], &sun, sizeof(sun));
	c->addr_len[0] = sizeof(sun);
	c->addrs = 1;
	return 0;
}

/* names are looked up here and never again */
static int
add_inet(struct filter_conf *c, struct slice host, struct slice port,
    struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *ai;
	struct arena a = { 0 };
	uint64_t n;
	int r;

	if (host.n > 1 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = slice_sub(host, 1, host.n - 2);
	if (host.n == 0 || !slice_u64(port, 65535, &n) || n == 0)
		return err_perm(err, "5.3.5", "[%s] address = %s: expected "
		    "inet:ADDRESS:PORT", c->name, c->address);
	r = getaddrinfo(arena_slice(&a, host), arena_slice(&a, port), &hints,
	    &list);
	arena_free(&a);
	if (r != 0)
		return err_temp(err, "4.3.5", "[%s] address = %s: %s",
		    c->name, c->address, gai_strerror(r));
	for (ai = list; ai != NULL && c->addrs < ADDRESSES_MAX;
	    ai = ai->ai_next) {
		memcpy(&c->addr[c->addrs], ai->ai_addr, ai->ai_addrlen);
		c->addr_len[c->addrs++] = ai->ai_addrlen;
	}
	freeaddrinfo(list);
	jail_port((uint16_t)n);
	return 0;
}

int
filter_resolve(struct filter_conf *c, struct err *err)
{
	struct slice s = slice_of(c->address);
	size_t colon;

	c->addrs = 0;
	if (slice_starts(s, "unix:"))
		return add_unix(c, slice_sub(s, 5, s.n), err);
	if (!slice_starts(s, "inet:"))
		return err_perm(err, "5.3.5", "[%s] address = %s: expected "
		    "inet:ADDRESS:PORT or unix:PATH", c->name, c->address);
	s = slice_sub(s, 5, s.n);
	colon = slice_rfind(s, ':');
	return add_inet(c, slice_sub(s, 0, colon), slice_sub(s, colon + 1,
	    s.n), err);
}

int
filters_before_jail(struct jail *j, struct err *err)
{
	size_t i;

	for (i = 0; i < nfilters; i++) {
		if (filter_resolve(filters[i], err) < 0)
			return -1;
		j->groups |= slice_starts(slice_of(filters[i]->address),
		    "unix:") ? JAIL_UNIX : JAIL_INET;
	}
	return 0;
}
