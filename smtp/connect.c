/*
 * connect.c - from which address to where.  The source is the same for all
 * attempts to a next hop: who greylists wants to see one address again.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/hash.h"
#include "map/live.h"
#include "serve/serve.h"
#include "target_part.h"

static socklen_t
source_addr(const char *text, int family, struct sockaddr_storage *ss)
{
	struct sockaddr_in *v4 = (void *)ss;
	struct sockaddr_in6 *v6 = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = (sa_family_t)family;
	if (family == AF_INET)
		return inet_pton(AF_INET, text, &v4->sin_addr) == 1 ?
		    sizeof(*v4) : 0;
	return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1 ?
	    sizeof(*v6) : 0;
}

/* the one of the pool for this next hop: the size of the address, or 0:
 * there is none of this family */
static socklen_t
choose(const struct strlist *pool, const char *nexthop, int family,
    struct sockaddr_storage *ss)
{
	static const unsigned char key[HASH_KEY];
	size_t i, n = 0, k;
	socklen_t len;

	for (i = 0; i < pool->n; i++)
		n += source_addr(pool->v[i], family, ss) > 0;
	if (n == 0)
		return 0;
	k = hash_sip(key, nexthop, strlen(nexthop)) % n;
	for (i = 0; i < pool->n; i++) {
		len = source_addr(pool->v[i], family, ss);
		if (len > 0 && k-- == 0)
			return len;
	}
	return 0;
}

/* addresses parted by commas or blanks */
static int
read_pool(const char *value, const char *key, struct arena *a,
    struct strlist *pool, struct err *err)
{
	static const struct field row = { "bind_table", FIELD_LIST, 0, 0, "",
		0, 0, 0, "" };
	struct slice rest = slice_of(value), part, word;
	size_t i;

	*pool = (struct strlist){ 0 };
	while (slice_cut(&rest, ',', &part))
		while (slice_word(&part, &word))
			if (field_set(&row, pool, word, a, err) < 0)
				return -1;
	for (i = 0; i < pool->n; i++)
		if (!is_address(pool->v[i]))
			return err_temp(err, "4.3.5", "%s: %s: not an "
			    "address: %s", target_conf->bind_table, key,
			    pool->v[i]);
	return 0;
}

/* by the sender, its domain, the next hop, its parents: 1, 0, -1 */
static int
table_pool(const struct targets *all, const char *sender, struct arena *a,
    struct strlist *pool, struct err *err)
{
	const char *key = sender[0] != '\0' ? sender : "<>", *value;
	const char *at = strrchr(sender, '@');
	struct str found = STR_INIT;
	int rc = 0;

	if (target_conf->bind_table[0] == '\0')
		return 0;
	rc = map_live_get(&bind_table, key, &found, err);
	if (rc == 0 && at != NULL) {
		key = at;
		rc = map_live_get_part(&bind_table, key, &found, err);
	}
	if (rc > 0)
		value = arena_slice(a, slice_str(&found));
	str_free(&found);
	if (rc == 0) {
		key = all->domain;
		rc = table_domain(&bind_table, key, a, &value, err);
	}
	if (rc <= 0)
		return rc;
	return read_pool(value, key, a, pool, err) < 0 ? -1 : 1;
}

static int
bind_source(int fd, const struct target *t, const struct targets *all,
    const char *sender, struct arena *a, struct err *err)
{
	struct strlist pool = target_conf->bind_addresses;
	struct sockaddr_storage ss;
	char text[INET6_ADDRSTRLEN];
	const void *ip;
	socklen_t len;
	int one = 1;

	if (table_pool(all, sender, a, &pool, err) < 0)
		return -1;
	len = choose(&pool, all->domain, t->sa.ss_family, &ss);
	if (len == 0)
		return 0;
#ifdef IP_BIND_ADDRESS_NO_PORT
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
#endif
	if (bind(fd, (const struct sockaddr *)&ss, len) == 0)
		return 0;
	ip = ss.ss_family == AF_INET ?
	    (const void *)&((struct sockaddr_in *)&ss)->sin_addr :
	    (const void *)&((struct sockaddr_in6 *)&ss)->sin6_addr;
	inet_ntop(ss.ss_family, ip, text, sizeof(text));
	return err_temp(err, "4.3.5", "bind to %s: %s", text,
	    strerror(errno));
}

static int
failed(const struct target *t, int e, struct err *err)
{
	if (t->port == 0)
		return err_temp(err, "4.4.1", "connect to %.200s: %s", t->addr,
		    strerror(e));
	return err_temp(err, "4.4.1", "connect to %.200s[%s]:%d: %s", t->host,
	    t->addr, t->port, strerror(e));
}

/* 0, or an errno; ECANCELED: this process has to end */
static int
wait_connected(int fd, int timeout_ms)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLOUT },
		{ .fd = serve_end_fd(), .events = POLLIN } };
	int64_t end = mono_ms() + timeout_ms, left;
	socklen_t n = sizeof(int);
	int rc, e = 0;

	do {
		left = MAX(end - mono_ms(), (int64_t)0);
		rc = poll(p, 2, (int)left);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return errno;
	if (rc == 0)
		return ETIMEDOUT;
	if (p[0].revents == 0)
		return ECANCELED;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) < 0 ? errno : e;
}

static int
connect_fd(int fd, const struct target *t, int timeout_ms, struct err *err)
{
	int e = 0, one = 1;

	if (connect(fd, (const struct sockaddr *)&t->sa, t->sa_len) < 0)
		e = errno == EINPROGRESS || errno == EINTR ?
		    wait_connected(fd, timeout_ms) : errno;
	if (e == ECANCELED)
		return err_temp(err, "4.3.2", "this host shuts down");
	if (e != 0)
		return failed(t, e, err);
	if (t->port != 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	}
	if (fcntl(fd, F_SETFL, 0) < 0)
		return err_sys(err, "fcntl");
	return 0;
}

static const char *
local_text(int fd, struct arena *a)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char text[INET6_ADDRSTRLEN];
	const void *ip;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0 ||
	    (ss.ss_family != AF_INET && ss.ss_family != AF_INET6))
		return "";
	ip = ss.ss_family == AF_INET ?
	    (const void *)&((struct sockaddr_in *)&ss)->sin_addr :
	    (const void *)&((struct sockaddr_in6 *)&ss)->sin6_addr;
	if (inet_ntop(ss.ss_family, ip, text, sizeof(text)) == NULL)
		return "";
	return arena_strdup(a, text);
}

int
target_connect(const struct target *t, const struct targets *all,
    const char *sender, int timeout_ms, struct arena *a,
    const char **local_r, struct err *err)
{
	int fd = socket(t->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);

	*local_r = "";
	if (fd < 0)
		return errno == EAFNOSUPPORT ? failed(t, errno, err) :
		    err_sys(err, "socket");
	if ((t->port != 0 && bind_source(fd, t, all, sender, a, err) < 0) ||
	    connect_fd(fd, t, timeout_ms, err) < 0) {
		close(fd);
		return -1;
	}
	if (t->port != 0)
		*local_r = local_text(fd, a);
	return fd;
}
