/*
 * ctx.c - what is the same for all sessions: protocols, ciphers, groups,
 * modes.  RSA key exchange is never there: keyd does not decrypt.
 */
#include "tlsd.h"

#include <openssl/err.h>

#include "base/log.h"
#include "conf/common.h"

/* Mozilla, "Server Side TLS" 5.7, intermediate; and what of its list for old
 * clients remains without RSA key exchange */
#define INTERMEDIATE \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:" \
	"DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:" \
	"DHE-RSA-CHACHA20-POLY1305"
#define OLD INTERMEDIATE \
	":ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:" \
	"ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:" \
	"ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:" \
	"ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:" \
	"DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA256:DHE-RSA-AES128-SHA:" \
	"DHE-RSA-AES256-SHA:@SECLEVEL=0"
#define NEVER ":!kRSA:!aNULL:!eNULL:!PSK:!SRP"
/* as a client we take what a server has, but nothing broken */
#define CLIENT "HIGH:!aNULL:!eNULL:!PSK:!SRP:!CAMELLIA:!ARIA"
/* of TLS 1.3: with the groups above 128 bits are as strong as all else, and
 * SHA-256 makes a handshake cheaper for both sides */
#define SUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:" \
	"TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:P-384"
#define SYSTEM_CAS "/etc/ssl/certs/ca-certificates.crt"

SSL_CTX *server_ctx, *client_ctx;
static int session_index;
static bool cas_loaded;

struct session *
ssl_session(const SSL *ssl)
{
	return SSL_get_ex_data(ssl, session_index);
}

void
ssl_set_session(SSL *ssl, struct session *s)
{
	if (SSL_set_ex_data(ssl, session_index, s) != 1)
		die("SSL_set_ex_data");
}

static int
openssl_err(struct err *err, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	err_perm(err, "5.3.5", "%s: %s", what, why ? why : "failed");
	ERR_clear_error();
	return -1;
}

static int
set_profile(SSL_CTX *ctx, int profile, bool server, struct err *err)
{
	struct str list = STR_INIT;
	int min = profile == PROFILE_STRICT ? TLS1_3_VERSION :
	    profile == PROFILE_OLD ? TLS1_VERSION : TLS1_2_VERSION;
	int rc = 0;

	if (server)
		str_addf(&list, "%s" NEVER, conf.ciphers[0] ? conf.ciphers :
		    profile == PROFILE_OLD ? OLD : INTERMEDIATE);
	else
		str_addf(&list, "%s%s", CLIENT, profile == PROFILE_OLD ?
		    ":@SECLEVEL=0" : "");
	if (SSL_CTX_set_min_proto_version(ctx, min) != 1)
		rc = openssl_err(err, "protocol versions");
	else if (SSL_CTX_set_cipher_list(ctx, list.s) != 1)
		rc = openssl_err(err, "ciphers");
	else if (SSL_CTX_set1_groups_list(ctx, conf.groups[0] ? conf.groups :
	    GROUPS) != 1)
		rc = openssl_err(err, "groups");
	if (profile == PROFILE_OLD)
		SSL_CTX_set_security_level(ctx, 0);
	str_free(&list);
	return rc;
}

/* Our order counts, but who puts ChaCha20 first has no AES in hardware. */
static int
set_suites(struct err *err)
{
	SSL_CTX_set_options(server_ctx, SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	return SSL_CTX_set_ciphersuites(server_ctx, conf.suites[0] ?
	    conf.suites : SUITES) == 1 ? 0 : openssl_err(err, "suites");
}

static SSL_CTX *
make(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL)
		die("SSL_CTX_new");
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION |
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	/* one message at a time: the pump counts those that are no data */
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_msg_callback(ctx, pump_message);
	return ctx;
}

static const char *
file_path(const char *name)
{
	return name[0] == '/' ? name : common_path(common.conf_dir, name);
}

/* With lists, each client's certificate needs one of its issuer that has not
 * ended. */
static int
load_client_crls(struct err *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(server_ctx);
	X509_LOOKUP *files;
	const char *path;

	if (conf.client_crl[0] == '\0')
		return 0;
	path = file_path(conf.client_crl);
	files = X509_STORE_add_lookup(store, X509_LOOKUP_file());
	if (files == NULL || X509_load_crl_file(files, path,
	    X509_FILETYPE_PEM) < 1)
		return openssl_err(err, path);
	return X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) == 1 ? 0 :
	    openssl_err(err, path);
}

static int
load_client_cas(struct err *err)
{
	const char *path;
	STACK_OF(X509_NAME) *names;

	if (conf.client_ca[0] == '\0')
		return 0;
	path = file_path(conf.client_ca);
	names = SSL_load_client_CA_file(path);
	if (names == NULL)
		return openssl_err(err, path);
	SSL_CTX_set_client_CA_list(server_ctx, names);
	return SSL_CTX_load_verify_file(server_ctx, path) == 1 ? 0 :
	    openssl_err(err, path);
}

static const char *
ca_path(void)
{
	return conf.ca_file[0] ? file_path(conf.ca_file) : SYSTEM_CAS;
}

int
ctx_load_cas(struct err *err)
{
	if (cas_loaded)
		return 0;
	if (SSL_CTX_load_verify_file(client_ctx, ca_path()) != 1)
		return openssl_err(err, ca_path());
	cas_loaded = true;
	return 0;
}

int
ctx_make(struct err *err)
{
	wire_init();
	session_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	server_ctx = make(TLS_server_method());
	client_ctx = make(TLS_client_method());
	if (set_profile(server_ctx, conf.profile, true, err) < 0 ||
	    set_profile(client_ctx, conf.client_profile, false, err) < 0 ||
	    set_suites(err) < 0 || load_client_cas(err) < 0 ||
	    load_client_crls(err) < 0)
		return -1;
	SSL_CTX_set_dh_auto(server_ctx, 1);
	/* Who resumes gets another one, so a client has as many as sessions,
	 * and each costs both sides a twentieth of a handshake. */
	SSL_CTX_set_num_tickets(server_ctx, 1);
	SSL_CTX_set_cert_cb(server_ctx, certs_choose, NULL);
	SSL_CTX_set_tlsext_status_cb(server_ctx, certs_staple);
	SSL_CTX_set_alpn_select_cb(server_ctx, alpn_select, NULL);
	if (SSL_CTX_set_tlsext_ticket_key_evp_cb(server_ctx, tickets_use) !=
	    1 || SSL_CTX_set_session_ticket_cb(server_ctx, tickets_note,
	    tickets_judge, NULL) != 1 || SSL_CTX_dane_enable(client_ctx) != 1)
		return openssl_err(err, "callbacks");
	SSL_CTX_dane_set_flags(client_ctx, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	jail_path(ca_path(), PATH_READ);
	return 0;
}
