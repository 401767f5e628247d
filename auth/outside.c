/*
 * outside.c - proofs that others made: a certificate that tlsd has seen and
 * keyd vouches for, a token that an issuer has signed.
 */
#include <sys/stat.h>

#include "auth.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "map/live.h"
#include "proto/key.h"
#include "sasl/jwt.h"

enum { LOOK_MS = 1000 };

static struct map_live certificates, introspection;
static struct {
	const char *path;
	struct jwks *keys;
	struct timespec mtime;
	ino_t ino;
	int64_t next_look;
	bool told;
} jwks;

void
outside_init(void)
{
	map_live_init(&certificates, conf.certificates);
	map_live_init(&introspection, conf.oauth_introspection);
	if (conf.oauth_keys[0] == '/')
		jwks.path = conf.oauth_keys;
	else if (conf.oauth_keys[0] != '\0')
		jwks.path = common_path(common.conf_dir, conf.oauth_keys);
}

bool
outside_has_tokens(void)
{
	return conf.oauth_keys[0] != '\0' ||
	    conf.oauth_introspection[0] != '\0';
}

/* --- tokens --- */

static int
no_keys(struct err *err)
{
	if (!jwks.told)
		log_event(LOG_WARN, "table", KS("table", jwks.path),
		    KERR(err), KEND);
	jwks.told = true;
	return jwks.keys != NULL ? 0 : -1;
}

/* the newest version of the file; one that can not be read leaves the old */
static int
load_keys(struct err *err)
{
	struct jwks *fresh = NULL;
	struct stat st;
	size_t n = 0;
	char *text;
	int r;

	if (jwks.next_look > mono_ms() && jwks.keys != NULL)
		return 0;
	jwks.next_look = mono_ms() + LOOK_MS;
	if (stat(jwks.path, &st) != 0) {
		err_sys(err, "cannot look at %s", jwks.path);
		return no_keys(err);
	}
	if (jwks.keys != NULL && st.st_ino == jwks.ino &&
	    memcmp(&st.st_mtim, &jwks.mtime, sizeof(jwks.mtime)) == 0)
		return 0;
	text = read_file(jwks.path, JWKS_MAX, &n);
	r = text == NULL ? err_sys(err, "cannot read %s", jwks.path) :
	    jwks_parse((struct slice){ text, n }, &fresh, err);
	free(text);
	if (r < 0)
		return no_keys(err);
	jwks_free(jwks.keys);
	jwks.keys = fresh;
	jwks.ino = st.st_ino;
	jwks.mtime = st.st_mtim;
	jwks.told = false;
	return 0;
}

/* 1, 0 and s->why, -1 */
static int
ask_keys(struct sasl *s, struct slice token, struct str *user,
    struct err *err)
{
	const struct jwt_rules rules = {
		.issuer = conf.oauth_issuer,
		.audience = &conf.oauth_audience,
		.scope = &conf.oauth_scope,
		.algorithms = &conf.oauth_algorithms,
		.user_claim = conf.oauth_user_claim,
		.now = wall_s(), .leeway = conf.oauth_leeway / 1000 };

	if (load_keys(err) < 0)
		return -1;
	s->why = jwt_verify(token, jwks.keys, &rules, user);
	return s->why == NULL;
}

/* the table answers with the name of the account */
static int
ask_issuer(struct sasl *s, struct slice token, struct str *user,
    struct err *err)
{
	char *key = slice_dup(token);
	int r = map_live_get(&introspection, key, user, err);

	explicit_bzero(key, token.n);
	free(key);
	if (r == 0)
		s->why = "a token that the issuer does not know";
	return r;
}

int
outside_token(struct sasl *s, struct slice token)
{
	struct login *l = s->ctx;
	struct str user = STR_INIT;
	bool is_jwt = slice_starts(token, "eyJ");
	int r = 0;

	if (brute_token_blocked(l)) {
		s->why = "too many bad tokens";
		return 0;
	}
	/* one that is signed by keys that we have needs nobody's answer */
	if (conf.oauth_keys[0] != '\0' && (is_jwt ||
	    conf.oauth_introspection[0] == '\0'))
		r = ask_keys(s, token, &user, &l->trouble);
	else if (conf.oauth_introspection[0] != '\0')
		r = ask_issuer(s, token, &user, &l->trouble);
	if (r == 0)
		brute_token_failed(l, token);
	if (r == 1 && (user.len == 0 ||
	    sasl_take_name(s, s->authcid, slice_trim(slice_str(&user))) < 0))
		r = 0;
	str_free(&user);
	/* who is named and who is logged in are told apart in grant.c */
	return r;
}

/* --- certificates --- */

/* One of the accounts in the value of a row: that which the client names, to
 * the letter, else the first; grant.c sees whether it is what was named. */
static int
pick(struct sasl *s, const struct str *value)
{
	struct slice rest = slice_str(value), word, best = SLICE_NULL;

	while (slice_word(&rest, &word)) {
		while (word.n > 0 && word.p[word.n - 1] == ',')
			word.n--;
		if (best.p == NULL || slice_ieqz(word, s->authzid))
			best = word;
	}
	return best.n > 0 && sasl_take_name(s, s->authcid, best) == 0;
}

static int
ask_table(struct sasl *s, const char *key, struct err *err)
{
	struct str value = STR_INIT;
	int r = map_live_get(&certificates, key, &value, err);

	if (r == 1 && !pick(s, &value))
		r = 0;
	str_free(&value);
	return r;
}

/* by its fingerprint, then its addresses, then its subject */
static int
find_owner(struct sasl *s, const struct key_vouch_in *cert, struct err *err)
{
	int r = ask_table(s, cert->fingerprint, err);
	size_t i;

	for (i = 0; r == 0 && i < cert->mailboxes.n; i++)
		r = ask_table(s, cert->mailboxes.v[i], err);
	if (r == 0 && cert->subject[0] != '\0')
		r = ask_table(s, cert->subject, err);
	return r;
}

int
outside_certificate(struct sasl *s)
{
	struct login *l = s->ctx;
	struct key_check_in in = { l->ch.voucher };
	struct key_vouch_in cert;
	struct ipc c;
	int r;

	if (conf.certificates[0] == '\0' || in.voucher[0] == '\0')
		return 0;
	ipc_init(&c, socket_path("keyd"), (int)conf.outside_timeout);
	r = ipc_call(&c, &key_check, &in, -1, &cert, NULL, NULL, &l->trouble);
	if (r < 0 && l->trouble.kind == ERR_PERM) {
		/* keyd says no: that is an answer */
		l->trouble = (struct err)ERR_INIT;
		s->why = "a certificate that nobody vouches for";
		r = 0;
	} else if (r == 0 && strcmp(cert.session, l->session) != 0) {
		s->why = "a voucher of another session";
	} else if (r == 0) {
		r = find_owner(s, &cert, &l->trouble);
	}
	ipc_free(&c);
	return r;
}
