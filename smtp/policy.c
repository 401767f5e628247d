/*
 * policy.c - which demands hold for one server.  Nothing here makes a demand
 * weaker because something could not be found out: then the server is not
 * used, or nothing is sent yet.
 */
#include "policy.h"

#include "base/log.h"
#include "conf/common.h"
#include "map/live.h"
#include "serve/jail.h"
#include "policy_part.h"
#include "target_part.h"

const struct policy_conf *policy_conf;
static struct map_live policies;

int
policy_check(const struct policy_conf *c, struct err *err)
{
	if (c->level == LEVEL_FINGERPRINT)
		return err_perm(err, "5.3.5", "tls_level: fingerprints are "
		    "given in the table tls_policy");
	return c->table[0] != '\0' ? map_check(c->table, err) : 0;
}

int
policy_start(const struct policy_conf *c, struct err *err)
{
	policy_conf = c;
	map_set_dir(common.conf_dir);
	map_live_close(&policies);
	map_live_init(&policies, c->table);
	return jail_table(c->table, err);
}

/* the row of the next hop as it was given, of its domain, of a parent */
static int
find_row(const struct targets *t, struct arena *a, const char **row_r,
    struct err *err)
{
	struct str value = STR_INIT;
	int rc;

	if (policy_conf->table[0] == '\0')
		return 0;
	rc = map_live_get(&policies, t->nexthop, &value, err);
	if (rc > 0)
		*row_r = arena_slice(a, slice_str(&value));
	str_free(&value);
	if (rc != 0)
		return rc;
	return table_domain(&policies, t->domain, a, row_r, err);
}

/* There is no such service in master.conf, so that waiting would not help, and
 * mail goes as it does without policies.  It is not said of each message. */
static void
log_no_stsd(void)
{
	static bool told;

	if (!told)
		log_event(LOG_WARN, "no-stsd", KS("reason", "mta_sts is on, "
		    "and no stsd is there: policies are not known"), KEND);
	told = true;
}

/* What does the domain say?  An instance without stsd knows no policies; one
 * that is there and does not answer is trouble, and the mail waits. */
static int
ask_sts(const struct targets *t, const char *session, struct arena *a,
    struct sts_policy_out *out, struct err *err)
{
	struct sts_policy_in in = { t->domain, session,
		policy_conf->sts_timeout };
	const char *path = socket_path("stsd");
	struct strlist *lists[] = { &out->mx, &out->text }, copy;
	struct ipc c;
	size_t i, k;
	int rc;

	if (access(path, F_OK) < 0 && errno == ENOENT) {
		*out = (struct sts_policy_out){ .mode = STS_NONE };
		log_no_stsd();
		return 0;
	}
	ipc_init(&c, path, (int)policy_conf->sts_timeout + 5000);
	rc = ipc_call(&c, &sts_policy, &in, -1, out, NULL, NULL, err);
	for (i = 0; rc == 0 && i < ARRAY_LEN(lists); i++) {
		copy = (struct strlist){ 0 };
		for (k = 0; k < lists[i]->n; k++)
			strlist_add(&copy, a,
			    arena_strdup(a, lists[i]->v[k]));
		*lists[i] = copy;
	}
	ipc_free(&c);
	/* whatever stsd says, it is no reason to return mail */
	err->kind = rc < 0 ? ERR_TEMP : err->kind;
	return rc;
}

/* MTA-STS is about domains; what an administrator demands of a next hop wins.
 * That there are no MX records may be a lie as well as any that there are: the
 * domain itself must then be a host of its policy. */
static bool
wants_sts(const struct targets *t, const struct domain_policy *p)
{
	return policy_conf->mta_sts && t->mx_asked && (p->level == LEVEL_MAY ||
	    p->level == LEVEL_ENCRYPT || p->level == LEVEL_DANE);
}

int
policy_domain(const struct targets *t, bool requiretls,
    const char *session, struct arena *a, struct domain_policy *p,
    struct err *err)
{
	struct err why = ERR_INIT;
	const char *row;
	int rc;

	*p = (struct domain_policy){ .requiretls = requiretls };
	p->level = (enum tls_level)policy_conf->level;
	rc = find_row(t, a, &row, err);
	if (rc < 0)
		return -1;
	if (rc > 0 && row_parse(row, a, p, &why) < 0)
		return err_temp(err, "4.3.5", "%s: %.200s: %s",
		    policy_conf->table, t->nexthop, why.text);
	if (wants_sts(t, p))
		return ask_sts(t, session, a, &p->sts, err);
	return 0;
}

void
policy_ignore(struct domain_policy *p)
{
	if (p->level == LEVEL_DANE)
		p->level = LEVEL_MAY;
	p->sts.mode = STS_NONE;
}

static void
add_domain(struct strlist *l, struct arena *a, const char *domain)
{
	strlist_add(l, a, domain);
	if (!is_address(domain))
		strlist_add(l, a, arena_printf(a, ".%s", domain));
}

/* is the server's name more than what an MX record has claimed? */
static bool
host_proven(const struct targets *all)
{
	return !all->mx || all->mx_secure;
}

/* Names of a certificate that is checked by our CAs.  That of the server does
 * for an administrator who says so, but not for REQUIRETLS. */
static void
pkix_names(const struct domain_policy *d, const struct targets *all,
    const struct target *t, struct arena *a, struct strlist *l)
{
	bool host = host_proven(all) || !d->requiretls;
	const char *word;
	size_t i;

	for (i = 0; i < d->names.n; i++) {
		word = d->names.v[i];
		if (strcmp(word, "hostname") == 0 && !host)
			continue;
		if (strcmp(word, "hostname") == 0)
			strlist_add(l, a, t->host);
		else if (strcmp(word, "nexthop") == 0)
			strlist_add(l, a, all->domain);
		else if (strcmp(word, "dot-nexthop") == 0)
			strlist_add(l, a, arena_printf(a, ".%s",
			    all->domain));
		else
			strlist_add(l, a, word);
	}
	if (l->n > 0)
		return;
	if (d->level == LEVEL_VERIFY && host) {
		strlist_add(l, a, t->host);
		return;
	}
	add_domain(l, a, all->domain);
	/* DNSSEC has proven that it is the domain's host */
	if (all->mx && all->mx_secure)
		strlist_add(l, a, t->host);
}

static void
use_pkix(const struct domain_policy *d, const struct targets *all,
    const struct target *t, struct arena *a, struct tls_policy *p)
{
	p->starttls = true;
	p->fallback = false;
	p->in.verify = TLS_PKIX;
	p->in.names = (struct strlist){ 0 };
	pkix_names(d, all, t, a, &p->in.names);
}

/* RFC 7672 sections 3.2.2 and 3.2.3 */
static void
use_dane(const struct dane *found, const struct targets *all,
    const struct target *t, struct arena *a, struct tls_policy *p)
{
	const char *names[] = { found->base, t->canon, t->host, all->domain };
	struct err why = ERR_INIT;
	size_t i;

	p->starttls = true;
	p->fallback = false;
	p->why = "dane";
	p->kind = STS_TLSA;
	p->text = found->all;
	strlist_add(&p->mx, a, t->host);
	p->in.sni = found->base;
	p->level = LEVEL_ENCRYPT;
	if (found->usable.n == 0) {
		err_temp(&why, "4.7.5", TLS_WHY_TLSA);
		policy_count(p, all, t, "", "", STS_TLSA_INVALID, &why);
		p->counted = true;
		return;
	}
	p->level = LEVEL_DANE;
	p->in.verify = TLS_DANE;
	p->in.tlsa = found->usable;
	for (i = 0; i < ARRAY_LEN(names); i++)
		if (!strlist_has(&p->in.names, names[i]))
			strlist_add(&p->in.names, a, names[i]);
}

/* 1, 0: not this server, -1 */
static int
try_dane(const struct domain_policy *d, const struct targets *all,
    const struct target *t, const char *session, struct arena *a,
    struct tls_policy *p, struct err *err)
{
	struct err none = ERR_INIT;
	struct dane found;
	bool bogus;
	int rc = dane_find(t, session, a, &found, &bogus, err);

	if (rc < 0) {
		p->kind = STS_TLSA;
		strlist_add(&p->mx, a, t->host);
		if (bogus)
			policy_count(p, all, t, "", "", STS_DNSSEC_INVALID,
			    NULL);
		return 0;
	}
	if (rc > 0)
		use_dane(&found, all, t, a, p);
	if (d->level != LEVEL_DANE_ONLY || p->in.verify == TLS_DANE)
		return 1;
	err_temp(&none, "4.7.5", "%s has no %s TLSA records", t->host,
	    rc > 0 ? "usable" : "proven");
	policy_count(p, all, t, "", "", STS_DANE_REQUIRED, &none);
	*err = none;
	return 0;
}

/* RFC 8461 sections 4 and 5.  1; 0: not this server */
static int
use_sts(const struct domain_policy *d, const struct targets *all,
    const struct target *t, struct arena *a, struct tls_policy *p,
    struct err *err)
{
	struct err why = ERR_INIT;
	bool listed = false;
	size_t i;

	for (i = 0; i < d->sts.mx.n; i++)
		listed = listed || sts_match(d->sts.mx.v[i], t->host);
	p->kind = STS_STS;
	p->counted = false;
	p->text = d->sts.text;
	p->mx = d->sts.mx;
	p->why = "sts";
	if (!listed) {
		err_temp(&why, "4.7.5", "%.200s is not a host of the MTA-STS "
		    "policy of %.200s", t->host, all->domain);
		policy_count(p, all, t, "", "", STS_VALIDATION, &why);
		*err = why;
		p->counted = true;
		return d->sts.mode == STS_TESTING;
	}
	p->in.verify = TLS_PKIX;
	p->in.min = MAX(p->in.min, (int)TLS_MIN_1_2);
	strlist_add(&p->in.names, a, t->host);
	if (d->sts.mode == STS_TESTING) {
		p->testing = p->in.lenient = true;
		return 1;
	}
	p->level = LEVEL_SECURE;
	p->starttls = true;
	p->fallback = false;
	return 1;
}

/* RFC 8689 section 4.2.1: the server must be known to be the right one, by
 * DNSSEC or MTA-STS.  One with a certificate for the recipient's domain itself
 * is, whatever named it. */
static void
use_requiretls(const struct domain_policy *d, const struct targets *all,
    const struct target *t, struct arena *a, struct tls_policy *p)
{
	bool known = p->in.verify != TLS_NONE && !p->in.lenient;

	p->starttls = true;
	p->fallback = false;
	if (known)
		return;
	p->in.lenient = p->testing = false;
	p->level = LEVEL_SECURE;
	p->why = "requiretls";
	use_pkix(d, all, t, a, p);
}

static void
use_level(const struct domain_policy *d, const struct targets *all,
    const struct target *t, struct arena *a, struct tls_policy *p)
{
	p->level = d->level == LEVEL_DANE ? LEVEL_MAY : d->level;
	p->why = "configured";
	p->in.service = "smtp";
	p->in.alpn = "";
	p->in.sni = is_address(t->host) ? "" : t->host;
	p->in.min = d->min;
	p->kind = STS_NO_POLICY;
	p->starttls = p->level > LEVEL_MAY;
	p->fallback = p->level == LEVEL_MAY;
	if (p->level == LEVEL_VERIFY || p->level == LEVEL_SECURE)
		use_pkix(d, all, t, a, p);
	if (p->level == LEVEL_FINGERPRINT) {
		p->in.verify = TLS_FINGERPRINT;
		p->in.fingerprints = d->fingerprints;
	}
}

int
policy_target(const struct domain_policy *d, const struct targets *all,
    const struct target *t, const char *session, struct arena *a,
    struct tls_policy *p, struct err *err)
{
	*p = (struct tls_policy){ .why = "configured" };
	p->in.session = session;
	p->sender = d->sender != NULL ? d->sender : "";
	use_level(d, all, t, a, p);
	if (t->port == 0) {
		/* a socket of this host */
		p->level = LEVEL_NONE;
		p->starttls = p->fallback = false;
		return 1;
	}
	if ((d->level == LEVEL_DANE || d->level == LEVEL_DANE_ONLY) &&
	    try_dane(d, all, t, session, a, p, err) == 0)
		return 0;
	if (d->sts.mode != STS_NONE && p->in.verify != TLS_DANE &&
	    use_sts(d, all, t, a, p, err) == 0)
		return 0;
	if (d->requiretls)
		use_requiretls(d, all, t, a, p);
	return 1;
}
