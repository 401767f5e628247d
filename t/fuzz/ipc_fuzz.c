/*
 * ipc_fuzz.c - a message as another program may send it, decoded by each
 * table of each interface: what is taken is well-formed, and what it says is
 * the same after it was sent on.  The first octet picks the interface.
 */
#include <sys/socket.h>

#include "ipc/codec.h"
#include "proto/agent.h"
#include "proto/auth.h"
#include "proto/cleanup.h"
#include "proto/dns.h"
#include "proto/filter.h"
#include "proto/gate.h"
#include "proto/imap.h"
#include "proto/key.h"
#include "proto/limit.h"
#include "proto/lookup.h"
#include "proto/master.h"
#include "proto/notify.h"
#include "proto/pam.h"
#include "proto/qmgr.h"
#include "proto/router.h"
#include "proto/sts.h"
#include "proto/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct verb_def *const imap_verbs[] = { &imap_back, NULL };
static const struct verb_def *const *const all[] = {
	agent_verbs, smtp_verbs, local_verbs, bounce_verbs, auth_verbs,
	session_verbs, cleanup_verbs, dns_verbs, filter_verbs, gate_verbs,
	imap_verbs, key_verbs, limit_verbs, lookup_verbs, master_verbs,
	notify_verbs, pam_verbs, qmgr_verbs, router_verbs, sts_verbs,
	sts_fetch_verbs, tls_verbs,
};

enum { RECORD_MAX = 4096 };
static _Alignas(16) char record[RECORD_MAX];
static int sock[2] = { -1, -1 };
static struct ipc_msg m, second;

/* every string of a record can be read to its end */
static void
read_strings(const struct field *t, const void *rec)
{
	const char *at;
	size_t i;

	for (; t->kind != FIELD_END; t++) {
		at = (const char *)rec + t->offset;
		if (t->kind == FIELD_STR)
			assert(strlen(*(const char *const *)at) < IPC_MAX);
		for (i = 0; t->kind == FIELD_LIST &&
		    i < ((const struct strlist *)at)->n; i++)
			assert(strlen(((const struct strlist *)at)->v[i]) <
			    IPC_MAX);
	}
}

static void
take(const struct field *t, size_t size)
{
	static struct arena a, b;
	struct str was = STR_INIT, is = STR_INIT;
	struct err err;

	if (t == NULL)
		return;
	assert(size <= RECORD_MAX);
	if (ipc_decode(&m, t, record, &a, &err) == 0) {
		read_strings(t, record);
		ipc_encode(&was, "x", t, record);
		second.buf = was.s;
		second.len = was.len;
		if (ipc_check(&second, &err) < 0 ||
		    ipc_decode(&second, t, record, &b, &err) < 0)
			abort();
		ipc_encode(&is, "x", t, record);
		assert(was.len == is.len && memcmp(was.s, is.s, is.len) == 0);
	}
	str_free(&was);
	str_free(&is);
	arena_reset(&a);
	arena_reset(&b);
}

static void
take_all(const struct verb_def *const *v)
{
	for (; *v != NULL; v++) {
		take((*v)->in, (*v)->in_size);
		take((*v)->out, (*v)->out_size);
		take((*v)->more, (*v)->more_size);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *pair = NULL;
	struct err err;

	if (sock[0] < 0) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock) < 0)
			die("socketpair");
		ipc_msg_init(&m);
	}
	if (n < 2 || send(sock[0], data + 1, n - 1, MSG_DONTWAIT) < 0)
		return 0;
	if (ipc_recv(sock[1], &m, 0, &err) < 1)
		return 0;
	while ((pair = ipc_next_pair(&m, pair)) != NULL)
		assert(pair + strlen(pair) < m.buf + m.len);
	ipc_get_err(&m, &err);
	assert(err.kind != ERR_NONE && strlen(err.text) < sizeof(err.text));
	take_all(all[data[0] % ARRAY_LEN(all)]);
	return 0;
}
