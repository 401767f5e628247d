/*
 * seal.c - MAC (hex), then fields behind a tab each: until, address ("": the
 * recipient), transport, next hop, mailbox, quota.  No field has a control
 * character, so none can pass for two.  The MAC is of the fields, the recipient
 * and the sender, with a NUL between them, which none of them has.
 */
#include "proto/seal.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/hmac.h"

enum { HEX = 2 * HASH_MAC, FIELDS = 6 };

static unsigned char key[HASH_KEY];
static bool ready;

int
seal_make(void)
{
	unsigned char new[HASH_KEY];
	int fd = memfd_create("seal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int e;

	random_bytes(new, sizeof(new));
	if (fd >= 0 && pwrite(fd, new, sizeof(new), 0) == sizeof(new) &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_WRITE | F_SEAL_SEAL) == 0) {
		explicit_bzero(new, sizeof(new));
		return fd;
	}
	e = errno;
	explicit_bzero(new, sizeof(new));
	close_fd(fd);
	errno = e;
	return -1;
}

int
seal_take(int fd, struct err *err)
{
	ssize_t n = pread(fd, key, sizeof(key), 0);
	int rc = n < 0 ? err_sys(err, "cannot read the key of seals") : 0;

	/* of another length it is of another version's master */
	ready = n == sizeof(key) && pread(fd, &(char){ 0 }, 1, n) == 0;
	close_fd(fd);
	return rc;
}

bool
seal_ready(void)
{
	return ready;
}

static void
sign(struct slice fields, const char *rcpt, const char *sender,
    unsigned char mac[HASH_MAC])
{
	static struct str text = STR_INIT;

	str_reset(&text);
	str_addsl(&text, fields);
	str_addc(&text, '\0');
	str_adds(&text, rcpt);
	str_addc(&text, '\0');
	str_adds(&text, sender);
	hash_mac(key, text.s, text.len, mac);
}

static bool
clean(const char *z)
{
	for (; *z != '\0'; z++)
		if ((unsigned char)*z < 0x20)
			return false;
	return true;
}

void
seal_route(const struct router_route_more *r, const char *rcpt,
    const char *sender, int64_t until, struct str *out)
{
	static struct str text = STR_INIT;
	unsigned char mac[HASH_MAC];

	if (!ready || !clean(r->addr) || !clean(r->transport) ||
	    !clean(r->nexthop) || !clean(r->mailbox))
		return;
	str_reset(&text);
	str_addf(&text, "%lld\t%s\t%s\t%s\t%s\t%llu", (long long)until,
	    strcmp(r->addr, rcpt) == 0 ? "" : r->addr, r->transport,
	    r->nexthop, r->mailbox, (unsigned long long)r->quota);
	if (text.len > SEAL_MAX - HEX - 1)
		return;
	sign(slice_str(&text), rcpt, sender, mac);
	hex_encode(out, mac, HASH_MAC);
	str_addc(out, '\t');
	str_addsl(out, slice_str(&text));
}

/* is it the MAC in hex, as hex_encode writes it? */
static bool
same(struct slice hex, const unsigned char *mac)
{
	unsigned char got[HASH_MAC];

	return hex_decode(hex, got, HASH_MAC) &&
	    hmac_same(got, mac, HASH_MAC);
}

/* what has verified was written above; even so, all of it is looked at */
static int
parse(struct slice rest, const char *rcpt, struct arena *a,
    struct router_route_more *r, int64_t *until_r)
{
	struct slice f[FIELDS];
	uint64_t until;
	size_t i;

	for (i = 0; i < FIELDS; i++)
		if (!slice_cut(&rest, '\t', &f[i]))
			return 0;
	if (rest.p != NULL || !slice_u64(f[0], INT64_MAX, &until) ||
	    !slice_u64(f[5], UINT64_MAX, &r->quota))
		return 0;
	*until_r = (int64_t)until;
	r->addr = f[1].n > 0 ? arena_slice(a, f[1]) : rcpt;
	r->transport = arena_slice(a, f[2]);
	r->nexthop = arena_slice(a, f[3]);
	r->mailbox = arena_slice(a, f[4]);
	return 1;
}

int
seal_open(const char *seal, const char *rcpt, const char *sender,
    struct arena *a, struct router_route_more *r_, int64_t *until_r)
{
	struct router_route_more r = { .sender = "", .dsn = "", .text = "" };
	struct slice rest = { seal, strnlen(seal, SEAL_MAX + 1) }, hex;
	unsigned char mac[HASH_MAC];
	int64_t now = mono_ms();

	if (!ready || rest.n == 0 || rest.n > SEAL_MAX ||
	    !slice_cut(&rest, '\t', &hex) || rest.p == NULL)
		return 0;
	sign(rest, rcpt, sender, mac);
	if (!same(hex, mac) || !parse(rest, rcpt, a, &r, until_r) ||
	    *until_r <= now || *until_r - now > SEAL_TIME_MAX)
		return 0;
	*r_ = r;
	return 1;
}
