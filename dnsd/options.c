/*
 * options.c - dnsd.conf as options of libunbound, which are those of
 * unbound.conf(5).  Files that it names are read with the configuration, as
 * each context needs them anew and the jail is closed then.
 */
#include "dnsd.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unbound.h>

#include "conf/common.h"
#include "resolver.h"

enum { FILE_MAX = 1 << 20, DNS_PORT = 53, UDP_BYTES = 1232,
	TCP_SOCKETS = 64 };

static struct str anchors = STR_INIT, local_data = STR_INIT;
static struct strlist forwards;		/* addresses, with a port or not */
static struct arena lists;

/* ADDR or ADDR@PORT; 1, or 0 it is none */
static int
split_address(const char *z, uint16_t *port_r)
{
	struct slice s = slice_of(z), port;
	size_t at = slice_find(s, '@');
	unsigned char bin[16];
	char addr[INET6_ADDRSTRLEN];
	uint64_t n = DNS_PORT;

	if (at >= sizeof(addr))
		return 0;
	slice_copy(addr, sizeof(addr), slice_sub(s, 0, at));
	port = slice_sub(s, at + 1, s.n);
	if (at < s.n && (!slice_u64(port, 65535, &n) || n == 0))
		return 0;
	*port_r = (uint16_t)n;
	return inet_pton(AF_INET, addr, bin) == 1 ||
	    inet_pton(AF_INET6, addr, bin) == 1;
}

/* ZONE=ADDR[@PORT]; 1, or 0 it is none */
static int
split_stub(const char *z, char zone[NAME_TEXT], const char **addr_r,
    uint16_t *port_r)
{
	const char *eq = strchr(z, '=');
	char name[4 * NAME_TEXT];

	if (eq == NULL || (size_t)(eq - z) >= sizeof(name))
		return 0;
	slice_copy(name, sizeof(name), (struct slice){ z, (size_t)(eq - z) });
	*addr_r = eq + 1;
	return name_make(name, zone) && split_address(*addr_r, port_r);
}

static int
check_words(struct err *err)
{
	char zone[NAME_TEXT];
	const char *addr;
	uint16_t port;
	size_t i;

	for (i = 0; i < conf.forward.n; i++)
		if (!split_address(conf.forward.v[i], &port))
			return err_perm(err, "5.3.5", "forward: %s: expected "
			    "ADDRESS or ADDRESS@PORT", conf.forward.v[i]);
	for (i = 0; i < conf.stub.n; i++)
		if (!split_stub(conf.stub.v[i], zone, &addr, &port))
			return err_perm(err, "5.3.5", "stub: %s: expected "
			    "ZONE=ADDRESS or ZONE=ADDRESS@PORT",
			    conf.stub.v[i]);
	for (i = 0; i < conf.insecure.n; i++)
		if (!name_make(conf.insecure.v[i], zone))
			return err_perm(err, "5.3.5", "insecure: %s is no "
			    "domain name", conf.insecure.v[i]);
	return 0;
}

static int
load(const char *name, struct str *out, struct err *err)
{
	const char *path = name[0] == '/' ? name :
	    common_path(common.conf_dir, name);
	size_t n;
	char *text = read_file(path, FILE_MAX, &n);

	if (text == NULL)
		return err_sys(err, "%s", path);
	str_add(out, text, n);
	str_addc(out, '\n');
	free(text);
	return 0;
}

static int
load_resolv_conf(struct err *err)
{
	struct str text = STR_INIT;
	struct slice rest, line, word;
	const char *addr;
	uint16_t port;

	if (load("/etc/resolv.conf", &text, err) < 0)
		return -1;
	rest = slice_str(&text);
	while (slice_cut(&rest, '\n', &line)) {
		if (!slice_word(&line, &word) ||
		    !slice_eqz(word, "nameserver") ||
		    !slice_word(&line, &word))
			continue;
		addr = arena_slice(&lists, word);
		if (split_address(addr, &port))
			strlist_add(&forwards, &lists, addr);
	}
	str_free(&text);
	return forwards.n > 0 ? 0 : err_perm(err, "5.3.5",
	    "/etc/resolv.conf names no server");
}

void
options_ports(void)
{
	char zone[NAME_TEXT];
	const char *addr;
	uint16_t port;
	size_t i;

	jail_port(DNS_PORT);
	for (i = 0; i < forwards.n; i++)
		if (split_address(forwards.v[i], &port) && port != DNS_PORT)
			jail_port(port);
	for (i = 0; i < conf.stub.n; i++)
		if (split_stub(conf.stub.v[i], zone, &addr, &port) &&
		    port != DNS_PORT)
			jail_port(port);
}

static int
load_files(struct err *err)
{
	size_t i;

	for (i = 0; i < conf.forward.n; i++)
		strlist_add(&forwards, &lists, conf.forward.v[i]);
	if (conf.resolv_conf && load_resolv_conf(err) < 0)
		return -1;
	for (i = 0; conf.dnssec && i < conf.trust_anchors.n; i++)
		if (load(conf.trust_anchors.v[i], &anchors, err) < 0)
			return -1;
	if (conf.local_data[0] != '\0' &&
	    load(conf.local_data, &local_data, err) < 0)
		return -1;
	return 0;
}

/* can the family reach the Internet?  Nothing is sent. */
static bool
family_there(int family)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_port = htons(DNS_PORT) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(DNS_PORT) };
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return false;
	inet_pton(AF_INET, "198.41.0.4", &v4.sin_addr);
	inet_pton(AF_INET6, "2001:503:ba3e::2:30", &v6.sin6_addr);
	rc = family == AF_INET ?
	    connect(fd, (struct sockaddr *)&v4, sizeof(v4)) :
	    connect(fd, (struct sockaddr *)&v6, sizeof(v6));
	close_fd(fd);
	return rc == 0;
}

/* Servers on this machine are reached though nothing else is. */
static bool
named_family(int family)
{
	char zone[NAME_TEXT];
	const char *addr;
	uint16_t port;
	size_t i;
	char sign = family == AF_INET ? '.' : ':';

	for (i = 0; i < forwards.n; i++)
		if (strchr(forwards.v[i], sign) != NULL)
			return true;
	for (i = 0; i < conf.stub.n; i++)
		if (split_stub(conf.stub.v[i], zone, &addr, &port) &&
		    strchr(addr, sign) != NULL)
			return true;
	return false;
}

/* Where there is no network at all, there may be one later. */
static bool
use_family(int use, int family)
{
	int other = family == AF_INET ? AF_INET6 : AF_INET;

	if (use != FAMILY_AUTO)
		return use == FAMILY_YES;
	return named_family(family) || family_there(family) ||
	    (!named_family(other) && !family_there(other));
}

/* options of unbound.conf(5); the first that fails sticks */
struct setting {
	struct ub_ctx *ub;
	int rc;
	const char *what;
};

static void
note(struct setting *s, const char *what, int rc)
{
	if (s->rc == 0 && rc != 0) {
		s->rc = rc;
		s->what = what;
	}
}

static void
set(struct setting *s, const char *name, const char *value)
{
	note(s, name, ub_ctx_set_option(s->ub, name, value));
}

static void PRINTF(3, 4)
set_f(struct setting *s, const char *name, const char *fmt, ...)
{
	struct str value = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&value, fmt, ap);
	va_end(ap);
	set(s, name, value.s);
	str_free(&value);
}

static void
set_bool(struct setting *s, const char *name, bool on)
{
	set(s, name, on ? "yes" : "no");
}

static void
set_cache(struct setting *s)
{
	unsigned long long size = conf.cache_size;

	set_f(s, "rrset-cache-size:", "%llu", size / 2);
	set_f(s, "msg-cache-size:", "%llu", size / 4);
	set_f(s, "key-cache-size:", "%llu", size / 8);
	set_f(s, "neg-cache-size:", "%llu", size / 8);
	set_f(s, "cache-max-ttl:", "%lld", (long long)conf.max_ttl / 1000);
	set_f(s, "cache-max-negative-ttl:", "%lld",
	    (long long)conf.max_negative_ttl / 1000);
	set(s, "cache-min-ttl:", "0");
	set(s, "infra-cache-numhosts:", "10000");
	set(s, "serve-expired:", "no");
}

static void
set_network(struct setting *s)
{
	set_bool(s, "do-ip4:", use_family(conf.ipv4, AF_INET));
	set_bool(s, "do-ip6:", use_family(conf.ipv6, AF_INET6));
	set_f(s, "edns-buffer-size:", "%d", UDP_BYTES);
	set_f(s, "outgoing-range:", "%lld", (long long)conf.sockets);
	set_f(s, "outgoing-num-tcp:", "%d", TCP_SOCKETS);
	set_f(s, "num-queries-per-thread:", "%lld",
	    (long long)conf.questions);
	set_f(s, "infra-cache-min-rtt:", "%lld",
	    (long long)conf.retry_time);
	set_bool(s, "qname-minimisation:", conf.qname_minimisation);
	/* forwarders and split zones may be on this machine */
	set_bool(s, "do-not-query-localhost:", forwards.n == 0 &&
	    conf.stub.n == 0);
	set(s, "unwanted-reply-threshold:", "1000000");
	set(s, "use-syslog:", "no");
	set(s, "log-servfail:", "yes");
}

static void
set_dnssec(struct setting *s)
{
	struct slice rest = slice_str(&anchors), line;
	char zone[NAME_TEXT], *text;
	size_t i;

	set(s, "module-config:", conf.dnssec ? "validator iterator" :
	    "iterator");
	set(s, "val-log-level:", "2");
	set(s, "val-log-squelch:", "no");
	set(s, "harden-glue:", "yes");
	set(s, "harden-dnssec-stripped:", "yes");
	set(s, "harden-below-nxdomain:", "yes");
	set_bool(s, "aggressive-nsec:", conf.dnssec);
	set_bool(s, "prefetch-key:", conf.dnssec);
	set(s, "trust-anchor-signaling:", "no");
	for (i = 0; i < conf.insecure.n; i++)
		if (name_make(conf.insecure.v[i], zone))
			set(s, "domain-insecure:", zone);
	while (conf.dnssec && slice_cut(&rest, '\n', &line)) {
		line = slice_trim(slice_sub(line, 0, slice_find(line, ';')));
		if (line.n == 0)
			continue;
		text = slice_dup(line);
		note(s, "trust_anchors", ub_ctx_add_ta(s->ub, text));
		free(text);
	}
}

/* libunbound answers for private reverse zones and some others itself, but
 * not where a stub for them or below them says who knows */
static void
open_zone(struct setting *s, const char *zone)
{
	const char *dot = zone;

	for (; dot != NULL; dot = strchr(dot, '.')) {
		dot += *dot == '.';
		set_f(s, "local-zone:", "%s transparent", dot);
	}
}

static void
set_zones(struct setting *s)
{
	struct slice rest = slice_str(&local_data), line;
	char zone[NAME_TEXT], *text;
	const char *addr;
	uint16_t port;
	size_t i;

	for (i = 0; i < forwards.n; i++)
		note(s, "forward", ub_ctx_set_fwd(s->ub, forwards.v[i]));
	if (forwards.n > 0)
		set(s, "unblock-lan-zones:", "yes");
	for (i = 0; i < conf.stub.n; i++)
		if (split_stub(conf.stub.v[i], zone, &addr, &port)) {
			note(s, "stub", ub_ctx_set_stub(s->ub, zone, addr,
			    0));
			open_zone(s, zone);
		}
	while (slice_cut(&rest, '\n', &line)) {
		line = slice_trim(line);
		if (line.n == 0 || slice_starts(line, ";"))
			continue;
		text = slice_dup(line);
		set(s, "local-data:", text);
		free(text);
	}
}

int
options_load(struct err *err)
{
	return check_words(err) < 0 ? -1 : load_files(err);
}

int
options_set(struct ub_ctx *ub, struct err *err)
{
	struct setting s = { .ub = ub };

	set_cache(&s);
	set_network(&s);
	set_dnssec(&s);
	set_zones(&s);
	return s.rc == 0 ? 0 : err_perm(err, "5.3.5", "libunbound: %s %s",
	    s.what, ub_strerror(s.rc));
}
