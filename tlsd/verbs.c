/*
 * verbs.c - what callers ask for.  A connection has at most one handshake
 * under way; where the caller goes, it ends.  Programs keep a connection for
 * their next client; between two handshakes we end it where we have no place
 * or no time for more, and now and then, so that they find who is idle.
 */
#include "tlsd.h"

#include <openssl/err.h>
#include <sys/socket.h>

enum {
	OVERRUN = 64,		/* callers that came before we said full */
	TURNS = 16,		/* handshakes of a connection */
};

struct caller {
	struct caller *next, **prev;
	struct handshake *h;
	struct hub_ticket last;
	int turns;
};

static struct caller *callers;
static size_t ncallers;

size_t
callers_open(void)
{
	return ncallers;
}

void *
caller_open(const struct ipc_cred *peer UNUSED)
{
	struct caller *c = xcalloc(1, sizeof(*c));

	c->next = callers;
	c->prev = &callers;
	if (callers != NULL)
		callers->prev = &c->next;
	callers = c;
	ncallers++;
	return c;
}

void
caller_close(void *conn)
{
	struct caller *c = conn;

	if (c->h != NULL) {
		c->h->caller = NULL;
		session_free(c->h->session);
	}
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	free(c);
	ncallers--;
	session_over();
}

void
callers_end(void)
{
	struct caller *c;

	for (c = callers; c != NULL; c = c->next)
		if (c->h == NULL && c->turns > 0)
			hub_end(c->last);
}

/* it was answered */
static void
leave(struct handshake *h)
{
	struct caller *c = h->caller;

	if (c == NULL)
		return;
	h->caller = NULL;
	c->h = NULL;
	if (!h->session->server || ++c->turns >= TURNS || sessions_closed())
		hub_end(c->last);
}

void
caller_ok(struct handshake *h, const struct tls_facts_out *facts, int fd)
{
	if (h->caller != NULL)
		hub_ok_fd(h->caller->last, facts, fd);
	leave(h);
}

void
caller_err(struct handshake *h, const struct err *err)
{
	if (h->caller != NULL)
		hub_err(h->caller->last, err);
	leave(h);
}

static int
check(const struct call *c, struct err *err)
{
	int type = 0;
	socklen_t n = sizeof(type);

	if (((struct caller *)c->conn)->h != NULL)
		return err_perm(err, "5.5.1", "one handshake a connection");
	if ((int64_t)sessions_open() >= launch.clients + OVERRUN)
		return err_temp(err, "4.3.2", "too many sessions");
	if (getsockopt(c->fd, SOL_SOCKET, SO_TYPE, &type, &n) < 0 ||
	    type != SOCK_STREAM)
		return err_perm(err, "5.5.4", "not a stream socket");
	return 0;
}

static struct session *
begin(struct call *c, bool server, const char *service, const char *id)
{
	struct session *s = session_new(c->fd, server);
	struct handshake *h = xcalloc(1, sizeof(*h));

	c->fd = -1;
	s->hs = h;
	s->service = alpn_service(service);
	slice_copy(s->id, sizeof(s->id), slice_of(id));
	h->session = s;
	s->ssl = SSL_new(server ? server_ctx : client_ctx);
	if (s->ssl == NULL || wire_open(s) < 0)
		die("SSL_new");
	/* the index is there since ctx_make */
	ssl_set_session(s->ssl, s);
	return s;
}

static void
start(struct session *s, struct call *c)
{
	struct caller *caller = c->conn;

	s->hs->caller = caller;
	caller->h = s->hs;
	caller->last = hub_hold(c);
	session_limit();
	session_start(s);
}

/* any certificate is taken; whether it is good is one of the facts */
static int
take_any(int ok UNUSED, X509_STORE_CTX *ctx UNUSED)
{
	return 1;
}

static int
do_server(struct call *c, const void *arg, void *out UNUSED, struct err *err)
{
	const struct tls_server_in *in = arg;
	struct session *s;
	struct arena *a;

	if (check(c, err) < 0)
		return -1;
	if (certs_count() == 0)
		return err_temp(err, "4.3.5", "there is no certificate");
	s = begin(c, true, in->service, in->session);
	a = &s->hs->arena;
	s->hs->server = *in;
	s->hs->server.service = arena_strdup(a, in->service);
	s->hs->server.client_addr = arena_strdup(a, in->client_addr);
	SSL_set_accept_state(s->ssl);
	if (in->ask_certificate)
		SSL_set_verify(s->ssl, SSL_VERIFY_PEER |
		    SSL_VERIFY_CLIENT_ONCE, take_any);
	/* a session that was not asked is not one that was */
	SSL_set_session_id_context(s->ssl, (const unsigned char *)
	    (in->ask_certificate ? "1" : "0"), 1);
	start(s, c);
	return CALL_LATER;
}

static void
copy_list(struct strlist *l, struct arena *a)
{
	struct strlist copy = { 0 };
	size_t i;

	for (i = 0; i < l->n; i++)
		strlist_add(&copy, a, arena_strdup(a, l->v[i]));
	*l = copy;
}

static int
do_client(struct call *c, const void *arg, void *out UNUSED, struct err *err)
{
	const struct tls_client_in *in = arg;
	struct tls_client_in *own;
	struct session *s;
	struct arena *a;

	if (check(c, err) < 0)
		return -1;
	s = begin(c, false, in->service, in->session);
	a = &s->hs->arena;
	own = &s->hs->client;
	*own = *in;
	own->service = arena_strdup(a, in->service);
	own->sni = arena_strdup(a, in->sni);
	copy_list(&own->fingerprints, a);
	SSL_set_connect_state(s->ssl);
	if ((in->sni[0] != '\0' && SSL_set_tlsext_host_name(s->ssl,
	    in->sni) != 1) || alpn_offer(s->ssl, in->alpn) < 0) {
		session_free(s);
		ERR_clear_error();
		return err_perm(err, "5.5.4", "bad server name or protocol");
	}
	if (peer_demand(s->ssl, in, err) < 0) {
		session_free(s);
		return -1;
	}
	start(s, c);
	return CALL_LATER;
}

static int
do_stat(struct call *c UNUSED, const void *in UNUSED, void *out,
    struct err *err UNUSED)
{
	*(struct tls_stat_out *)out = counters;
	return 0;
}

const struct verb verbs[] = {
	{ &tls_server, do_server, PEER_NET },
	{ &tls_client, do_client, PEER_NET | PEER_OUT | PEER_STS },
	{ &tls_stat, do_stat, PEER_SUITE },
	{ 0 }
};
