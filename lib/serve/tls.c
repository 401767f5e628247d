/*
 * tls.c - the caller's side of tlsd.  The client's descriptor goes to tlsd
 * and is closed here before anything is read from the plain side, so there is
 * never a moment with two readers.
 */
#include "serve/tls.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"

/* to tlsd, from one client's handshake to the next's */
static struct ipc kept;

enum { ASK_EVERY_MS = 5000, ASK_MS = 1000, GRACE_MS = 5000 };

void
tls_facts_free(struct tls_facts *facts)
{
	arena_free(&facts->arena);
	*facts = (struct tls_facts){ 0 };
}

void
tls_facts_text(const struct tls_facts *facts, struct str *out)
{
	str_addf(out, "%s with cipher %s (%lld bits)", facts->f.version,
	    facts->f.cipher, (long long)facts->f.bits);
}

bool
tls_possible(void)
{
	static int64_t next;
	static bool possible;
	struct tls_stat_out out;
	struct err ignored;
	struct ipc c;

	if (next != 0 && mono_ms() < next)
		return possible;
	ipc_init(&c, socket_path("tlsd"), ASK_MS);
	possible = ipc_call(&c, &tls_stat, NULL, -1, &out, NULL, NULL,
	    &ignored) == 0 && out.certificates > 0;
	ipc_free(&c);
	next = mono_ms() + ASK_EVERY_MS;
	return possible;
}

static const char *
copy(struct arena *a, const char *z)
{
	return z[0] == '\0' ? "" : arena_strdup(a, z);
}

static void
copy_facts(struct tls_facts *to, const struct tls_facts_out *from)
{
	struct strlist boxes = { 0 };
	struct arena *a = &to->arena;
	size_t i;

	for (i = 0; i < from->mailboxes.n; i++)
		strlist_add(&boxes, a, arena_strdup(a, from->mailboxes.v[i]));
	to->on = true;
	to->f = *from;
	to->f.mailboxes = boxes;
	to->f.version = copy(a, from->version);
	to->f.cipher = copy(a, from->cipher);
	to->f.sni = copy(a, from->sni);
	to->f.alpn = copy(a, from->alpn);
	to->f.exporter = copy(a, from->exporter);
	to->f.end_point = copy(a, from->end_point);
	to->f.subject = copy(a, from->subject);
	to->f.issuer = copy(a, from->issuer);
	to->f.fingerprint = copy(a, from->fingerprint);
	to->f.why = copy(a, from->why);
	to->f.voucher = copy(a, from->voucher);
}

static int
fail(struct io *io, struct err *err)
{
	io->failed = true;
	io->err = *err;
	str_reset(&io->out);
	return -1;
}

bool
tls_kept(void)
{
	return kept.path != NULL && kept.fd >= 0;
}

void
tls_release(void)
{
	if (kept.path != NULL)
		ipc_free(&kept);
}

static int
wrap(struct io *io, struct ipc *c, const struct verb_def *v, const void *in,
    struct tls_facts *facts, struct err *err)
{
	struct tls_facts_out out;
	int fd = -1, rc;

	*facts = (struct tls_facts){ 0 };
	if (io_pending(io) > 0) {
		err_perm(err, "5.5.1", "input before the TLS handshake");
		return fail(io, err);
	}
	if (io_flush(io) < 0) {
		*err = io->err;
		return -1;
	}
	rc = ipc_call(c, v, in, io->fd, &out, &fd, NULL, err);
	if (rc == 0 && fd < 0)
		rc = err_temp(err, "4.3.0", "tlsd gave no descriptor");
	if (rc == 0) {
		copy_facts(facts, &out);
		close_fd(io->fd);
		io->fd = io->out_fd = fd;
		io->is_socket = true;
		io->block_ms = 0;
	}
	return rc < 0 ? fail(io, err) : 0;
}

int
tls_accept(struct io *io, struct peer *peer, const char *service,
    bool ask_certificate, int timeout_ms, struct tls_facts *facts,
    struct err *err)
{
	struct tls_server_in in = { .service = service,
		.client_addr = peer->addr, .session = peer->id,
		.ask_certificate = ask_certificate, .timeout = timeout_ms };

	if (kept.path == NULL)
		ipc_init(&kept, socket_path("tlsd"), 0);
	kept.timeout_ms = timeout_ms + GRACE_MS;
	if (wrap(io, &kept, &tls_server, &in, facts, err) < 0)
		return -1;
	peer->fd = io->fd;
	peer->tls = true;
	return 0;
}

/* --- servers --- */

bool
tls_offered(const struct tls_conf *c, const struct peer *peer)
{
	return c->mode != TLS_OFF && !peer->tls && peer->port != 0 &&
	    tls_possible();
}

bool
tls_needed(const struct tls_conf *c, const struct peer *peer)
{
	return c->mode == TLS_REQUIRED && !peer->tls && peer->port != 0;
}

bool
tls_injected(struct io *io, const struct peer *peer)
{
	char byte;

	if (io_pending(io) == 0 &&
	    recv(io->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
		return false;
	log_event(LOG_WARN, "tls-injected", KS("client", peer->addr), KEND);
	return true;
}

/* the client is silent, once */
static void
pause_client(void *arg)
{
	struct io *io = arg;

	io->idle = NULL;
	tls_release();
}

int
tls_start(struct io *io, struct peer *peer, const struct tls_conf *c,
    const char *service)
{
	struct err err = ERR_INIT;

	if (tls_accept(io, peer, service, c->ask_certificate,
	    (int)c->timeout, peer->facts, &err) == 0) {
		if (io->idle == NULL) {
			io->idle_ms = IDLE_MS;
			io->idle = pause_client;
			io->idle_arg = io;
		}
		return 0;
	}
	/* of a client's failure tlsd has said why */
	log_event(strcmp(err.dsn, "4.7.0") == 0 ? LOG_DEBUG : LOG_WARN,
	    "tls-failed", KS("client", peer->addr), KERR(&err), KEND);
	return -1;
}

static bool
has_tls(const struct peer *peer)
{
	return peer->facts != NULL && peer->facts->on;
}

struct auth_channel
tls_channel(const struct peer *peer)
{
	struct auth_channel ch = { peer->tls, "", "", "", "" };

	if (has_tls(peer)) {
		ch.exporter = peer->facts->f.exporter;
		ch.end_point = peer->facts->f.end_point;
		ch.voucher = peer->facts->f.voucher;
		ch.version = peer->facts->f.version;
	}
	return ch;
}

/* NULL where there is nothing */
static const char *
some(const char *z)
{
	return z != NULL && z[0] != '\0' ? z : NULL;
}

const char *
tls_version(const struct peer *peer)
{
	return has_tls(peer) ? some(peer->facts->f.version) : NULL;
}

const char *
tls_cipher(const struct peer *peer)
{
	return has_tls(peer) ? some(peer->facts->f.cipher) : NULL;
}

const char *
tls_sni(const struct peer *peer)
{
	return has_tls(peer) ? some(peer->facts->f.sni) : NULL;
}

const char *
tls_subject(const struct peer *peer)
{
	return has_tls(peer) && peer->facts->f.verified ?
	    some(peer->facts->f.subject) : NULL;
}

/* --- clients --- */

int
tls_connect(struct io *io, const struct tls_client_in *in,
    struct tls_facts *facts, struct err *err)
{
	struct ipc c;
	int rc;

	ipc_init(&c, socket_path("tlsd"), (int)in->timeout + GRACE_MS);
	rc = wrap(io, &c, &tls_client, in, facts, err);
	ipc_free(&c);
	return rc;
}
