/*
 * brute.c - guessing passwords is made slow and then impossible, and nobody
 * else is kept out by it.
 *
 * limitd counts failures by address, by network and by account.  An address
 * or a network that is over its limit is refused without a check.  An account
 * is never locked: from an address that it has not logged in from, its answers
 * only come later.  From one that it has (`auth-good`), neither counts, but
 * failures of this account from this address alone: who shares the address or
 * guesses from elsewhere does no harm.  The same wrong password again, as of a
 * device that was not told the new one, is no further guess.  Of a proof
 * (SCRAM, CRAM-MD5) nobody can say whether it was the same password: nonces
 * are fresh and the salt changes with the password.  So of an account from an
 * address the first few are one guess together, the connections that a mail
 * reader opens at once, and each further one is one.
 *
 * Tokens are counted by address and apart: nobody guesses them, and a device
 * whose token has ended must not keep out who has a password.  What is bounded
 * is how often a stranger makes us ask their issuer.
 *
 * What is asked, and when, is the same for accounts that do not exist.
 */
#include "auth.h"

#include "base/log.h"
#include "sasl/scram.h"
#include "serve/limits.h"

enum { ACCOUNT_MAX = 160, WRONG_TIME = 24 * 3600 * 1000 };
/* proofs that are one guess */
#define PROOFS "5/1h"

static bool
is_exempt(const struct net *client)
{
	return client->family == 0 || net_in(client, &conf.exempt_networks);
}

int
brute_conf(struct err *err)
{
	const char *const limits[] = { conf.address_failures,
	    conf.network_failures, conf.known_failures,
	    conf.account_failures, conf.token_failures };
	struct limits_rate rate;
	struct net n;
	size_t i;
	int bits;

	for (i = 0; i < ARRAY_LEN(limits); i++)
		if (limits_parse(limits[i], &rate, err) < 0)
			return err_prefix(err, "limits of failures");
	for (i = 0; i < conf.exempt_networks.n; i++)
		if (!net_parse_cidr(conf.exempt_networks.v[i], &n, &bits))
			return err_perm(err, "5.3.5", "exempt_networks: not a "
			    "network: %s", conf.exempt_networks.v[i]);
	return 0;
}

/* --- keys --- */

/* the name of the account, whether there is one or not; of who is, or seems to
 * want to be, a master user that name, whoever he wants to act as */
static const char *
account_text(struct login *l, struct arena *a)
{
	struct str s = STR_INIT;
	unsigned char mac[32];
	const char *z;
	size_t i;

	(void)who_find(l);
	if (l->name[0] != '\0' && (l->is_master || l->found != 1))
		str_addf(&s, "master:%s", l->name);
	else
		str_adds(&s, l->acct.key[0] != '\0' ? l->acct.key :
		    l->sasl.authcid);
	str_lower(&s);
	if (s.len > ACCOUNT_MAX) {
		scram_hmac256(state_secret(), 32, slice_str(&s), mac);
		str_reset(&s);
		hex_encode(&s, mac, 16);
	}
	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.s[i] <= 0x20 || s.s[i] == 0x7f)
			s.s[i] = '?';
	z = arena_slice(a, slice_str(&s));
	str_free(&s);
	return z;
}

static void
make_keys(struct login *l, struct brute *b)
{
	struct arena *a = &l->arena;
	struct net client;

	net_parse(l->client, &client);
	b->exempt = is_exempt(&client);
	b->addr = net_text(a, &client, 32, 64);
	b->account = account_text(l, a);
	b->k_addr = arena_printf(a, "auth-addr %s", b->addr);
	b->k_net = arena_printf(a, "auth-net %s", net_text(a, &client, 24,
	    48));
	b->k_pair = arena_printf(a, "auth-known %s %s", b->addr, b->account);
	b->k_account = arena_printf(a, "auth-account %s", b->account);
	b->k_good = arena_printf(a, "auth-good %s", b->account);
	b->k_wrong = arena_printf(a, "auth-wrong %s %s", b->addr, b->account);
	b->k_proof = arena_printf(a, "auth-proof %s %s", b->addr, b->account);
}

/* --- before --- */

/* has the account logged in from there?  1, 0, -1 */
static int
ask_good(struct login *l, const struct brute *b, bool peek)
{
	struct limit_seen_in in = { .key = b->k_good, .limit = "",
	    .remember = conf.good_time, .peek = peek };
	struct limit_seen_out out;

	strlist_add(&in.value, &l->arena, b->addr);
	return limits_seen(&in, &out) == 1 ? out.fresh == 0 : -1;
}

static int64_t
doubled(int64_t times)
{
	int64_t ms = conf.failure_delay;

	while (times-- > 0 && ms < conf.failure_delay_max)
		ms *= 2;
	return MIN(ms, conf.failure_delay_max);
}

/* how long answers about the account wait after so many failures */
static int64_t
account_delay(int64_t used)
{
	struct limits_rate rate;
	struct err ignored;

	if (limits_parse(conf.account_failures, &rate, &ignored) < 0 ||
	    rate.count == 0 || used < rate.count)
		return 0;
	return doubled(used / rate.count - 1);
}

/* 0 may try, 1 blocked, -1 no answer */
static int
ask_blocked(struct login *l, struct brute *b)
{
	struct limit_hit_in in = { .key = { 0 } };
	struct limit_hit_out out;
	size_t n = 0;
	int r;

	if (b->good) {
		limits_add(&in, &l->arena, b->k_pair, conf.known_failures, 1);
	} else if (!b->exempt) {
		limits_add(&in, &l->arena, b->k_addr, conf.address_failures,
		    1);
		limits_add(&in, &l->arena, b->k_net, conf.network_failures,
		    1);
	}
	n = in.key.n;
	/* counted with a limit, but asked without: it blocks nobody */
	limits_add(&in, &l->arena, b->k_account, arena_printf(&l->arena,
	    "0%s", strchr(conf.account_failures, '/')), 1);
	r = limits_peek(&in, &out);
	if (r < 0)
		return -1;
	b->used = n > 0 ? limits_used(&out, 0) : 0;
	if (!b->good)
		b->delay = account_delay(limits_used(&out, n));
	if (r == 1)
		return 0;
	b->what = in.key.v[MIN((size_t)out.at, n)];
	b->wait = out.wait;
	return 1;
}

static void
tell_blocked(const struct login *l, const char *user)
{
	const struct brute *b = &l->brute;

	if (b->blocked && b->what != NULL)
		log_event(LOG_WARN, "auth-blocked", KS("user", user),
		    KS("service", l->service), KS("client", l->client),
		    KS("key", b->what), KI("wait_ms", b->wait), KEND);
}

bool
brute_blocked(struct login *l)
{
	struct brute *b = &l->brute;
	int good;

	if (b->asked)
		return b->blocked;
	b->asked = true;
	make_keys(l, b);
	good = ask_good(l, b, true);
	/* behind an exempt address is everybody */
	b->good = good == 1 && !b->exempt;
	b->blocked = good < 0 ? conf.limits_needed :
	    ask_blocked(l, b) != 0;
	tell_blocked(l, b->account);
	return b->blocked;
}

int64_t
brute_delay(const struct login *l)
{
	const struct brute *b = &l->brute;

	return b->asked ? MAX(b->delay, b->used > 0 ? doubled(b->used) : 0) :
	    0;
}

int64_t
brute_account_delay(const struct login *l)
{
	return l->brute.asked ? l->brute.delay : 0;
}

/* --- after --- */

/* was this secret wrong under that key before? */
static bool
was_wrong(struct login *l, const char *key, const char *name,
    struct slice secret)
{
	struct limit_seen_in in = { .key = key, .limit = "",
	    .remember = WRONG_TIME };
	struct limit_seen_out out;
	struct str text = STR_INIT, hex = STR_INIT;
	unsigned char mac[32];
	int r;

	str_grow(&text, strlen(name) + secret.n + 2);
	str_add(&text, name, strlen(name) + 1);
	str_addsl(&text, secret);
	scram_hmac256(state_secret(), 32, slice_str(&text), mac);
	explicit_bzero(text.s, text.len);
	hex_encode(&hex, mac, 16);
	strlist_add(&in.value, &l->arena, arena_strdup(&l->arena, hex.s));
	str_free(&text);
	str_free(&hex);
	r = limits_seen(&in, &out);
	return r == 1 && out.fresh == 0;
}

/* one of the first few proofs, but not the first */
static bool
is_further_proof(struct login *l, const struct brute *b)
{
	struct limit_hit_in in = { .key = { 0 } };
	struct limit_hit_out out;

	limits_add(&in, &l->arena, b->k_proof, PROOFS, 1);
	return limits_hit(&in, &out) == 1 && limits_used(&out, 0) > 1;
}

/* the same wrong password as before, of this account from this address */
static bool
is_repeated(struct login *l, const struct brute *b)
{
	if (l->sasl.mech != NULL && !(l->sasl.mech->flags & MECH_CLEAR))
		return is_further_proof(l, b);
	return l->sasl.password[0] != '\0' && was_wrong(l, b->k_wrong,
	    b->account, slice_of(l->sasl.password));
}

/* counted, however many there are */
static void
count(struct login *l, struct limit_hit_in *in, const char *key,
    const char *limit)
{
	limits_add(in, &l->arena, key, arena_printf(&l->arena, "0%s",
	    strchr(limit, '/')), 1);
}

void
brute_failed(struct login *l)
{
	struct brute *b = &l->brute;
	struct limit_hit_in in = { .key = { 0 } };
	struct limit_hit_out out;

	if (!b->asked)
		(void)brute_blocked(l);
	if (b->blocked || is_repeated(l, b))
		return;
	if (b->good) {
		count(l, &in, b->k_pair, conf.known_failures);
	} else if (!b->exempt) {
		count(l, &in, b->k_addr, conf.address_failures);
		count(l, &in, b->k_net, conf.network_failures);
	}
	count(l, &in, b->k_account, conf.account_failures);
	(void)limits_hit(&in, &out);
}

void
brute_passed(struct login *l)
{
	if (!l->brute.asked)
		make_keys(l, &l->brute);
	(void)ask_good(l, &l->brute, false);
}

/* --- tokens --- */

/* auth-token ADDRESS; NULL: it is not counted */
static const char *
token_key(struct login *l)
{
	struct net client;

	net_parse(l->client, &client);
	return is_exempt(&client) ? NULL : arena_printf(&l->arena,
	    "auth-token %s", net_text(&l->arena, &client, 32, 64));
}

bool
brute_token_blocked(struct login *l)
{
	struct limit_hit_in in = { .key = { 0 } };
	struct limit_hit_out out;
	struct brute *b = &l->brute;
	const char *key = token_key(l);
	int r;

	if (key == NULL)
		return false;
	limits_add(&in, &l->arena, key, conf.token_failures, 1);
	r = limits_peek(&in, &out);
	b->blocked = r < 0 ? conf.limits_needed : r == 0;
	if (r == 0) {
		b->what = key;
		b->wait = out.wait;
	}
	tell_blocked(l, l->sasl.authzid);
	return b->blocked;
}

void
brute_token_failed(struct login *l, struct slice token)
{
	struct limit_hit_in in = { .key = { 0 } };
	struct limit_hit_out out;
	const char *key = token_key(l);

	if (key == NULL || was_wrong(l, arena_printf(&l->arena,
	    "auth-wrong-token %s", key + strlen("auth-token ")), "", token))
		return;
	count(l, &in, key, conf.token_failures);
	(void)limits_hit(&in, &out);
}
