/*
 * verbs.c - requests of smtpd.
 */
#include "filter.h"
#include "verbs.h"

void *
conn_open(const struct ipc_cred *peer UNUSED)
{
	return xcalloc(1, sizeof(struct session));
}

void
conn_close(void *conn)
{
	net_caller(-1);
	session_end(conn);
	free(conn);
}

/* a client that is being served keeps its filters across a reload */
bool
conn_busy(void *conn)
{
	const struct session *s = conn;

	return s->begun;
}

static int
do_session(struct call *c, const void *in, void *out, struct err *err)
{
	net_caller(c->sock);
	return session_begin(c->conn, in, out, err);
}

static int
do_helo(struct call *c, const void *in, void *out, struct err *err UNUSED)
{
	net_caller(c->sock);
	session_helo(c->conn, in, out);
	return 0;
}

static int
do_mail(struct call *c, const void *in, void *out, struct err *err)
{
	net_caller(c->sock);
	return session_mail(c->conn, in, out, err);
}

static int
do_rcpt(struct call *c, const void *in, void *out, struct err *err)
{
	net_caller(c->sock);
	return session_rcpt(c->conn, in, out, err);
}

static int
do_data(struct call *c, const void *in UNUSED, void *out, struct err *err)
{
	net_caller(c->sock);
	return session_data(c->conn, out, err);
}

static int
do_unknown(struct call *c, const void *in_, void *out, struct err *err UNUSED)
{
	const struct filter_unknown_in *in = in_;

	net_caller(c->sock);
	session_unknown(c->conn, in->line, out);
	return 0;
}

static int
do_content(struct call *c, const void *in, void *out, struct err *err)
{
	net_caller(c->sock);
	return session_content(c->conn, c, in, out, err);
}

static int
do_abort(struct call *c, const void *in UNUSED, void *out UNUSED,
    struct err *err UNUSED)
{
	net_caller(c->sock);
	session_abort(c->conn);
	return 0;
}

const struct verb filter_serves[] = {
	{ &filter_session, do_session, PEER_NET },
	{ &filter_helo, do_helo, PEER_NET },
	{ &filter_mail, do_mail, PEER_NET },
	{ &filter_rcpt, do_rcpt, PEER_NET },
	{ &filter_data, do_data, PEER_NET },
	{ &filter_unknown, do_unknown, PEER_NET },
	{ &filter_content, do_content, PEER_NET },
	{ &filter_abort, do_abort, PEER_NET },
	{ 0 }
};
