/*
 * main.c - auth: the only program that reads password hashes.
 */
#include "auth.h"

#include "conf/common.h"
#include "map/credential.h"
#include "map/domains.h"
#include "sasl/jwt.h"
#include "sasl/password.h"
#include "serve/limits.h"

struct auth_conf conf;
static const struct field fields[] = {
	F_LIST_D(struct auth_conf, users, "cdb:users",
	    "tables of accounts: the first that has one decides"),
	F_STR(struct auth_conf, credentials, "text:credentials",
	    "table of our accounts at other servers; empty: there are none"),
	F_LIST_D(struct auth_conf, mechanisms, "SCRAM-SHA-256-PLUS "
	    "SCRAM-SHA-256 EXTERNAL OAUTHBEARER XOAUTH2 PLAIN LOGIN",
	    "SASL mechanisms that are offered where they can work"),
	F_TIME(struct auth_conf, failure_delay, "2s", "0s", "1m",
	    "how long the answer to a failed login is held back"),
	F_TIME(struct auth_conf, failure_delay_max, "15s", "0s", "5m",
	    "it is doubled with each failure of a connection up to this"),
	F_INT(struct auth_conf, max_failures, "10", "1", "1000",
	    "failed logins of one connection before all are refused"),
	F_TIME(struct auth_conf, step_timeout, "2m", "1s", "30m",
	    "how long a client may think between two SASL steps"),
	F_TIME(struct auth_conf, handover_timeout, "10s", "100ms", "5m",
	    "how long a session program may take to accept a client"),
	F_TIME(struct auth_conf, cache_time, "1h", "0s", "1d",
	    "how long a password that was right is known without a hash"),
	F_BOOL(struct auth_conf, upgrade, "yes",
	    "keep better verifiers of a password that was right"),
	F_BOOL(struct auth_conf, allow_plain_storage, "no",
	    "accept passwords that are stored as {PLAIN}"),
	F_BOOL(struct auth_conf, pam, "no",
	    "accounts of the host log in, by PAM"),
	F_STR(struct auth_conf, masters, "",
	    "table of master users; empty: there are none"),
	F_STR(struct auth_conf, master_separator, "*",
	    "between user and master in a name; empty: not possible"),
	F_STR(struct auth_conf, certificates, "",
	    "table from certificates to accounts; empty: no EXTERNAL"),
	F_STR(struct auth_conf, oauth_keys, "",
	    "file of keys (JWKS) that sign tokens; empty: none"),
	F_STR(struct auth_conf, oauth_issuer, "",
	    "who issues the tokens (iss)"),
	F_LIST(struct auth_conf, oauth_audience,
	    "for whom they are (aud): one of these"),
	F_LIST(struct auth_conf, oauth_scope,
	    "what they must permit (scope): all of these"),
	F_STR(struct auth_conf, oauth_user_claim, "email",
	    "claim that names the account"),
	F_LIST_D(struct auth_conf, oauth_algorithms,
	    "RS256 PS256 ES256 EdDSA", "how they may be signed"),
	F_TIME(struct auth_conf, oauth_leeway, "1m", "0s", "10m",
	    "how far the clocks may differ"),
	F_STR(struct auth_conf, oauth_introspection, "",
	    "table that knows whose an opaque token is; empty: none"),
	F_STR(struct auth_conf, domains, DOMAINS_DEFAULT,
	    "table of what is special about domains; empty: none"),
	F_BOOL(struct auth_conf, domain_admins, "no",
	    "who administers a domain may log in as its accounts"),
	F_STR(struct auth_conf, address_failures, "30/1h",
	    "failed logins of an address before it is refused"),
	F_STR(struct auth_conf, network_failures, "200/1h",
	    "failed logins of a network before it is refused"),
	F_STR(struct auth_conf, known_failures, "50/1h",
	    "the same of an account from an address that it logged in from"),
	F_STR(struct auth_conf, account_failures, "20/1h",
	    "failed logins of an account that make others wait longer"),
	F_STR(struct auth_conf, token_failures, "100/1h",
	    "tokens of an address that are not good before it is refused"),
	F_LIST_D(struct auth_conf, exempt_networks, "127.0.0.0/8 ::1",
	    "networks that are not refused, such as that of a webmailer"),
	F_TIME(struct auth_conf, good_time, "90d", "1h", "1000d",
	    "how long an address is known that an account logged in from"),
	F_BOOL(struct auth_conf, limits_needed, "no",
	    "without limitd nobody logs in"),
	F_TIME(struct auth_conf, outside_timeout, "10s", "100ms", "5m",
	    "how long keyd and auth-pam may take"),
	F_END
};

static int
check_tables(struct err *err)
{
	const char *more[] = { conf.masters, conf.certificates, conf.domains,
	    conf.oauth_introspection, conf.credentials };
	size_t i;

	for (i = 0; i < conf.users.n; i++)
		if (map_check(conf.users.v[i], err) < 0)
			return -1;
	for (i = 0; i < ARRAY_LEN(more); i++)
		if (more[i][0] != '\0' && map_check(more[i], err) < 0)
			return -1;
	return 0;
}

static int
check_tokens(struct err *err)
{
	size_t i;

	for (i = 0; i < conf.oauth_algorithms.n; i++)
		if (jwt_alg_find(conf.oauth_algorithms.v[i]) == JWT_NONE)
			return err_perm(err, "5.3.5", "oauth_algorithms: "
			    "\"%s\" is unknown; expected RS256, PS256, ES256 "
			    "or EdDSA", conf.oauth_algorithms.v[i]);
	if (conf.oauth_keys[0] != '\0' && (conf.oauth_issuer[0] == '\0' ||
	    conf.oauth_audience.n == 0))
		return err_perm(err, "5.3.5", "oauth_keys without oauth_issuer "
		    "and oauth_audience would take anybody's tokens");
	return 0;
}

static int
check(struct err *err)
{
	if (sasl_password_cost((enum password_scheme)common.password_scheme,
	    common.password_cost, err) < 0)
		return -1;
	if (offer_check(err) < 0 || check_tables(err) < 0 ||
	    brute_conf(err) < 0)
		return -1;
	return check_tokens(err);
}

static int
before_jail(struct err *err)
{
	struct str keys = STR_INIT;
	size_t i;

	map_set_dir(common.conf_dir);
	for (i = 0; i < conf.users.n; i++)
		if (jail_table(conf.users.v[i], err) < 0)
			return -1;
	if (jail_table(conf.masters, err) < 0 ||
	    jail_table(domains_open(conf.domains), err) < 0 ||
	    jail_table(conf.certificates, err) < 0 ||
	    jail_table(conf.credentials, err) < 0)
		return -1;
	token_files();
	if (conf.oauth_keys[0] != '\0') {
		str_adds(&keys, conf.oauth_keys[0] == '/' ? conf.oauth_keys :
		    common_path(common.conf_dir, conf.oauth_keys));
		jail_dir_of(keys.s);
		str_free(&keys);
	}
	account_init();
	handover_init();
	outside_init();
	state_init();
	sasl_password_by((enum password_scheme)common.password_scheme,
	    common.password_cost);
	if (conf.allow_plain_storage)
		sasl_password_allow_plain();
	return 0;
}

/* made before anybody can time it */
static int
start(struct err *err UNUSED)
{
	limits_init();
	sasl_dummy_hash();
	state_secret();
	shapes_seed();
	return 0;
}

static const struct daemon auth = {
	.name = "auth",
	.kind = SERVE_REQUEST,
	.fields = fields,
	.conf = &conf,
	.check = check,
	.before_jail = before_jail,
	.start = start,
	.verbs = auth_serves,
	.conn_open = login_open,
	.conn_close = login_close,
	.conn_busy = login_busy,
	.idle = login_idle,
	.wake = login_wake,
	.jail = { .groups = JAIL_FILES | JAIL_UNIX | JAIL_WRITE | JAIL_SQLITE,
		.memory = 1024UL * 1024 * 1024, .files = 256 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &auth);
}
