/*
 * cert_check.c - would clients be content with a certificate?
 */
#include "base/clock.h"
#include "cert.h"
#include "conf/common.h"

#include <openssl/x509v3.h>
#include <sys/stat.h>

enum { SOON_DAYS = 14 };

static int
wrong(const struct cert *c, const char *fmt, ...) PRINTF(2, 3);

static int
wrong(const struct cert *c, const char *fmt, ...)
{
	struct str s = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	printf("%s: WRONG: %s\n", c->name, s.s);
	str_free(&s);
	return 1;
}

static int
check_dates(const struct cert *c)
{
	int64_t now = wall_s();

	if (c->from > now)
		return wrong(c, "not valid before %s",
		    show_date(c->from));
	if (c->until <= now)
		return wrong(c, "ended on %s", show_date(c->until));
	if (c->until - now < SOON_DAYS * 86400)
		printf("%s: note: ends in %lld days\n", c->name,
		    (long long)((c->until - now) / 86400));
	return 0;
}

/* keyd runs as another user and must be able to read it, nobody else */
static int
check_key(const struct cert *c)
{
	struct stat st;

	if (c->key == NULL)
		return wrong(c, "%s", c->key_why.text);
	if (stat(c->key_path, &st) != 0)
		return wrong(c, "%s: %s", c->key_path, strerror(errno));
	if ((st.st_mode & 07) != 0)
		return wrong(c, "%s: mode %04o lets everybody read the key",
		    c->key_path, (unsigned)st.st_mode & 07777);
	if (!common.single_uid && st.st_uid != common.uid[ROLE_KEY] &&
	    !(st.st_gid == common.gid[ROLE_KEY] && (st.st_mode & 040) != 0))
		return wrong(c, "%s: %s can not read it (chown)", c->key_path,
		    common.key_user);
	return 0;
}

static int
check_chain(const struct cert *c)
{
	X509_STORE *roots = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *rest = sk_X509_new_null();
	int r = 0, code;
	size_t i;

	if (roots == NULL || ctx == NULL || rest == NULL ||
	    X509_STORE_set_default_paths(roots) != 1)
		die("out of memory");
	for (i = 1; i < c->n; i++)
		sk_X509_push(rest, c->chain[i]);
	if (X509_STORE_CTX_init(ctx, roots, c->chain[0], rest) != 1)
		die("out of memory");
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
	if (X509_verify_cert(ctx) != 1) {
		code = X509_STORE_CTX_get_error(ctx);
		r = wrong(c, "%s%s", code ==
		    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY || code ==
		    X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ?
		    "the chain is not complete: " : "",
		    X509_verify_cert_error_string(code));
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(roots);
	sk_X509_free(rest);
	return r;
}

int
cert_check(const struct cert *c)
{
	int n;

	if (c->n == 0)
		return wrong(c, "%s", c->why.text);
	n = check_dates(c) + check_key(c);
	if (c->self_signed)
		printf("%s: note: self-signed, so clients believe it only "
		    "where they are told to\n", c->name);
	else
		n += check_chain(c);
	if (n == 0)
		printf("%s: good until %s\n", c->name, show_date(c->until));
	return n;
}

int
cert_check_host(const struct certs *c, const char *host, bool must)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (cert_covers(&c->v[i], host))
			return 1;
	printf("%s: %s: no certificate has this name\n", host, must ?
	    "WRONG" : "note");
	return 0;
}
