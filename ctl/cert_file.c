/*
 * cert_file.c - the certificates that keyd.conf names, with their keys, from
 * the same places that keyd(8) looks at.
 */
#include "cert.h"
#include "conf/common.h"
#include "conf/conf.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <time.h>

enum { CERT_FILE_MAX = 1 << 20 };

/* --- what the configuration says --- */

struct lists {
	struct strlist certificates, keys;
};
static const struct field list_fields[] = {
	F_LIST_D(struct lists, certificates, "tls/cert.pem", "as in keyd"),
	F_LIST(struct lists, keys, "as in keyd"),
	F_END
};

static int
on_keyd(void *ctx, struct slice section UNUSED, struct slice name,
    struct slice value, struct err *err)
{
	if (field_find(list_fields, name) == NULL)
		return 0;
	return conf_set(list_fields, ctx, name, value, &ctl_arena, err);
}

/* a service as it is read: the last line of it is the next one's first */
struct section {
	struct strlist *services;
	const char *name;
	bool tls, program, off;
};

static void
end_section(struct section *s)
{
	if (s->name != NULL && s->tls && s->program && !s->off)
		strlist_add(s->services, &ctl_arena, s->name);
}

static int
on_master(void *ctx, struct slice section, struct slice name,
    struct slice value, struct err *err UNUSED)
{
	static const char *const programs[] = { "smtpd", "imap-login",
	    "pop3-login" };
	struct section *s = ctx;
	struct slice word;
	size_t i;

	if (section.n == 0)
		return 0;
	if (s->name == NULL || !slice_eqz(section, s->name)) {
		end_section(s);
		*s = (struct section){ .services = s->services,
		    .name = arena_slice(&ctl_arena, section) };
	}
	for (i = 0; i < ARRAY_LEN(programs); i++)
		s->program |= slice_eqz(name, "program") &&
		    slice_eqz(value, programs[i]);
	s->off |= slice_eqz(name, "enabled") && !slice_ieqz(value, "yes") &&
	    !slice_ieqz(value, "true") && !slice_ieqz(value, "on") &&
	    !slice_eqz(value, "1");
	while (slice_eqz(name, "listen") && slice_word(&value, &word))
		s->tls |= slice_starts(word, "inet:") ||
		    slice_starts(word, "tls:");
	return 0;
}

/* --- the files --- */

static struct slice
folder(const char *path)
{
	struct slice s = slice_of(path);
	size_t n = slice_rfind(s, '/');

	return slice_sub(s, 0, n == s.n ? 0 : n + 1);
}

/* where its key may lie, one after the other; NULL at the end */
static const char *
key_place(const struct cert *c, const struct strlist *keys, size_t i)
{
	struct slice dir = folder(c->path);
	const char *base = c->path + dir.n;

	if (i == 0)
		return c->path;
	if (i == 1)
		return arena_printf(&ctl_arena, "%s.key", c->path);
	if (i == 2)
		return arena_printf(&ctl_arena, "%.*s%s", (int)dir.n, dir.p,
		    strcmp(base, "fullchain.pem") == 0 ? "privkey.pem" :
		    "key.pem");
	if (i - 3 >= keys->n)
		return NULL;
	return keys->v[i - 3][0] == '/' ? keys->v[i - 3] :
	    common_path(common.conf_dir, keys->v[i - 3]);
}

static BIO *
open_pem(const char *path, char **text_r, size_t *n_r, struct err *err)
{
	*text_r = read_file(path, CERT_FILE_MAX, n_r);
	if (*text_r == NULL) {
		err_sys(err, "%s", path);
		return NULL;
	}
	return BIO_new_mem_buf(*text_r, (int)*n_r);
}

static void
close_pem(BIO *bio, char *text, size_t n)
{
	BIO_free(bio);
	ERR_clear_error();
	if (text != NULL)
		explicit_bzero(text, n);
	free(text);
}

static int
no_passphrase(char *buf UNUSED, int n UNUSED, int rw UNUSED, void *u UNUSED)
{
	return -1;
}

static EVP_PKEY *
read_key(const char *path, struct err *err)
{
	EVP_PKEY *key = NULL;
	char *text;
	size_t n;
	BIO *bio = open_pem(path, &text, &n, err);

	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	close_pem(bio, text, n);
	return key;
}

/* the first that is the certificate's; what can not be read is told only where
 * there is none */
static void
find_key(struct cert *c, const struct strlist *keys)
{
	struct err err = ERR_INIT;
	const char *place, *other = NULL;
	size_t i;

	for (i = 0; (place = key_place(c, keys, i)) != NULL; i++) {
		if (access(place, F_OK) != 0)
			continue;
		c->key = read_key(place, &err);
		if (c->key != NULL &&
		    X509_check_private_key(c->chain[0], c->key) == 1) {
			c->key_path = place;
			ERR_clear_error();
			return;
		}
		if (c->key != NULL)
			other = place;
		else if (err.kind != ERR_NONE)
			c->key_path = place;
		EVP_PKEY_free(c->key);
		c->key = NULL;
	}
	ERR_clear_error();
	if (err.kind != ERR_NONE)
		c->key_why = err;
	else if (other != NULL)
		err_perm(&c->key_why, "5.3.5", "the key in %s is not that of "
		    "this certificate", other);
	else
		err_perm(&c->key_why, "5.3.5", "there is no key beside it");
}

/* --- facts --- */

static const char *
one_line(const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const char *z = "";
	char *p;
	long n;

	if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 &
	    ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		n = BIO_get_mem_data(bio, &p);
		z = arena_slice(&ctl_arena, (struct slice){ p, (size_t)n });
	}
	BIO_free(bio);
	return z;
}

static int64_t
unix_time(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void
add_name(struct cert *c, const GENERAL_NAME *g)
{
	char text[INET6_ADDRSTRLEN];
	const ASN1_STRING *s;
	int n;

	if (g->type == GEN_DNS) {
		s = g->d.dNSName;
		strlist_add(&c->names, &ctl_arena, arena_slice(&ctl_arena,
		    (struct slice){ (const char *)ASN1_STRING_get0_data(s),
		    (size_t)ASN1_STRING_length(s) }));
	} else if (g->type == GEN_IPADD) {
		s = g->d.iPAddress;
		n = ASN1_STRING_length(s);
		if ((n == 4 || n == 16) && inet_ntop(n == 4 ? AF_INET :
		    AF_INET6, ASN1_STRING_get0_data(s), text, sizeof(text)))
			strlist_add(&c->names, &ctl_arena,
			    arena_strdup(&ctl_arena, text));
	}
}

static void
find_names(struct cert *c)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(c->chain[0],
	    NID_subject_alt_name, NULL, NULL);
	char cn[256];
	int i;

	for (i = 0; all != NULL && i < sk_GENERAL_NAME_num(all); i++)
		add_name(c, sk_GENERAL_NAME_value(all, i));
	GENERAL_NAMES_free(all);
	if (c->names.n == 0 && X509_NAME_get_text_by_NID(
	    X509_get_subject_name(c->chain[0]), NID_commonName, cn,
	    sizeof(cn)) > 0)
		strlist_add(&c->names, &ctl_arena, arena_strdup(&ctl_arena,
		    cn));
}

static const char *
key_type(X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	char curve[40];
	size_t n;

	if (key == NULL)
		return "unknown";
	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, curve,
	    sizeof(curve), &n) == 1)
		return arena_printf(&ctl_arena, "ECDSA %s",
		    strcmp(curve, "prime256v1") == 0 ? "P-256" : curve);
	if (EVP_PKEY_is_a(key, "RSA"))
		return arena_printf(&ctl_arena, "RSA %d",
		    EVP_PKEY_get_bits(key));
	return arena_strdup(&ctl_arena, EVP_PKEY_get0_type_name(key));
}

static const char *
fingerprint(X509 *x)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	struct str s = STR_INIT;
	const char *z;
	unsigned n = 0, i;

	if (X509_digest(x, EVP_sha256(), md, &n) != 1)
		n = 0;
	for (i = 0; i < n; i++)
		str_addf(&s, "%s%02X", i > 0 ? ":" : "", md[i]);
	z = arena_slice(&ctl_arena, slice_str(&s));
	str_free(&s);
	return z;
}

static void
find_facts(struct cert *c)
{
	X509 *x = c->chain[0];

	find_names(c);
	c->subject = one_line(X509_get_subject_name(x));
	c->issuer = one_line(X509_get_issuer_name(x));
	c->key_type = key_type(x);
	c->fingerprint = fingerprint(x);
	c->from = unix_time(X509_get0_notBefore(x));
	c->until = unix_time(X509_get0_notAfter(x));
	c->self_signed = X509_NAME_cmp(X509_get_subject_name(x),
	    X509_get_issuer_name(x)) == 0;
}

static void
load(struct cert *c, const struct strlist *keys)
{
	char *text;
	size_t n;
	BIO *bio = open_pem(c->path, &text, &n, &c->why);
	X509 *x;

	while (bio != NULL && c->n < CERT_CHAIN_MAX &&
	    (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		c->chain[c->n++] = x;
	close_pem(bio, text, n);
	if (c->n > 0) {
		find_facts(c);
		find_key(c, keys);
	} else if (c->why.kind == ERR_NONE) {
		err_perm(&c->why, "5.3.5", "%s: no certificate in PEM form",
		    c->path);
	}
}

int
certs_read(struct certs *c, struct err *err)
{
	const char *keyd = common_path(common.conf_dir, "keyd.conf");
	const char *master = common_path(common.conf_dir, "master.conf");
	struct section s = { .services = &c->services };
	struct lists l;
	size_t i;

	field_defaults(list_fields, &l, &ctl_arena);
	if ((access(keyd, F_OK) == 0 &&
	    conf_read(keyd, false, on_keyd, &l, err) != 0) ||
	    conf_read(master, true, on_master, &s, err) != 0)
		return -1;
	end_section(&s);
	c->n = l.certificates.n;
	c->v = arena_alloc(&ctl_arena, MAX(c->n, (size_t)1) * sizeof(*c->v));
	for (i = 0; i < c->n; i++) {
		c->v[i] = (struct cert){ .name = l.certificates.v[i] };
		c->v[i].path = c->v[i].name[0] == '/' ? c->v[i].name :
		    common_path(common.conf_dir, c->v[i].name);
		load(&c->v[i], &l.keys);
	}
	return 0;
}

void
certs_free(struct certs *c)
{
	size_t i, k;

	for (i = 0; i < c->n; i++) {
		for (k = 0; k < c->v[i].n; k++)
			X509_free(c->v[i].chain[k]);
		EVP_PKEY_free(c->v[i].key);
	}
}

bool
cert_covers(const struct cert *c, const char *host)
{
	return c->n > 0 && (X509_check_host(c->chain[0], host, 0, 0,
	    NULL) == 1 || X509_check_ip_asc(c->chain[0], host, 0) == 1);
}

const struct cert *
certs_next(const struct certs *c, const char *name, size_t *at)
{
	const struct cert *v;
	const char *base;

	while (*at < c->n) {
		v = &c->v[(*at)++];
		base = v->path + folder(v->path).n;
		if (strcmp(name, v->name) == 0 || strcmp(name, base) == 0 ||
		    strcmp(name, v->path) == 0 || cert_covers(v, name))
			return v;
	}
	return NULL;
}
