/*
 * map_remote.c - tables that mapd asks for us: each question is a connection
 * of its own, so that it goes to a process that has nothing else to do.
 * Nothing is known here of what lies behind, nor remembered.
 */
#include "conf/common.h"
#include "map/map.h"
#include "proto/lookup.h"

/* more than mapd allows any table, and its start */
enum { ANSWER_MS = 25000 };

struct remote {
	const char *socket;
	char *spec;		/* as mapd knows it */
};

static int
open_as(const char *type, const char *name, void **self_r, struct err *err)
{
	struct remote *r;

	if (name[0] == '\0')
		return err_temp(err, "4.3.5", "\"%s:\": expected the name of "
		    "a file after the colon", type);
	r = xcalloc(1, sizeof(*r));
	r->socket = socket_path("mapd");
	r->spec = xasprintf("%s:%s", type, name);
	*self_r = r;
	return 0;
}

static int
get(void *self, struct slice key, struct str *out, struct err *err)
{
	const struct remote *r = self;
	char *z = slice_dup(key);
	struct lookup_get_in in = { r->spec, z };
	struct lookup_get_out answer = { false, "" };
	struct ipc c;
	int rc;

	ipc_init(&c, r->socket, ANSWER_MS);
	rc = slice_has_nul(key) ? 0 : ipc_call(&c, &lookup_get, &in, -1,
	    &answer, NULL, NULL, err);
	if (rc == 0 && answer.found) {
		str_adds(out, answer.value);
		rc = 1;
	}
	/* nobody bounces mail because of what mapd says */
	if (rc < 0)
		err->kind = ERR_TEMP;
	if (rc < 0 && err->dsn[0] != '4')
		slice_copy(err->dsn, sizeof(err->dsn), SLICE_LIT("4.3.0"));
	if (c.reply.buf != NULL)
		explicit_bzero(c.reply.buf, c.reply.len);
	explicit_bzero(z, key.n);
	free(z);
	ipc_free(&c);
	return rc;
}

static void
close_remote(void *self)
{
	struct remote *r = self;

	free(r->spec);
	free(r);
}

#define REMOTE(type, is_exact) \
	static int \
	open_##type(const char *name, void **self_r, \
	    struct stat *st UNUSED, struct err *err) \
	{ \
		return open_as(#type, name, self_r, err); \
	} \
	const struct map_type map_type_##type = { \
		.name = #type, .exact = is_exact, .mapd = true, \
		.open = open_##type, .get = get, .close = close_remote, \
	};

/* TO ADD A TYPE: a line here, in map.h and in map.c; mapd has the rest */
REMOTE(sqlite, false)
REMOTE(pgsql, false)
REMOTE(mysql, false)
REMOTE(ldap, false)
REMOTE(lmdb, false)
REMOTE(oauth, true)
REMOTE(jwks, true)
REMOTE(refresh, true)
