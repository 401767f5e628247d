/*
 * token.c - access tokens for logins at other servers.  They come from a table
 * that knows how to get new ones (refresh:FILE, mapd), or from a file that
 * another program writes.  One that a server has refused is not sent again for
 * a while, by no process of auth: state.db has its hash.
 */
#include <sqlite3.h>

#include "auth.h"

#include "base/clock.h"
#include "conf/common.h"
#include "map/credential.h"

enum { REFUSED_S = 600, HASH = 8, FILE_SIZE = 16384 };

static void
hash_of(const char *token, unsigned char hash[32])
{
	scram_hmac256(state_secret(), 32, slice_of(token), hash);
}

static bool
was_refused(const char *token)
{
	unsigned char hash[32];
	sqlite3_stmt *st = state_query("SELECT 1 FROM refused "
	    "WHERE hash = ? AND at > ?");
	bool found = false;

	if (st == NULL)
		return false;
	hash_of(token, hash);
	sqlite3_bind_blob(st, 1, hash, sizeof(hash), SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, wall_s() - REFUSED_S);
	found = sqlite3_step(st) == SQLITE_ROW;
	sqlite3_finalize(st);
	return found;
}

void
token_refused(const char *token)
{
	unsigned char hash[32];
	sqlite3_stmt *st = state_query("DELETE FROM refused WHERE at < ?");

	if (st == NULL)
		return;
	sqlite3_bind_int64(st, 1, wall_s() - REFUSED_S);
	state_run(st, "token");
	st = state_query("INSERT OR REPLACE INTO refused VALUES(?, ?)");
	if (st == NULL)
		return;
	hash_of(token, hash);
	sqlite3_bind_blob(st, 1, hash, sizeof(hash), SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, wall_s());
	state_run(st, "token");
}

/* the first line */
static int
from_file(const struct credential *cred, struct str *out, struct err *err)
{
	const char *path = cred->token_file[0] == '/' ? cred->token_file :
	    common_path(common.conf_dir, cred->token_file);
	struct slice rest, line = SLICE_NULL;
	size_t n = 0;
	char *text = read_file(path, FILE_SIZE, &n);

	if (text == NULL)
		return err_sys(err, "cannot read %s", path);
	rest = (struct slice){ text, n };
	slice_cut(&rest, '\n', &line);
	str_grow(out, n + 1);
	str_addsl(out, slice_trim(line));
	explicit_bzero(text, n);
	free(text);
	return out->len > 0 ? 0 : err_temp(err, "4.7.0", "%s: no token",
	    path);
}

static int
from_table(const struct credential *cred, const char *key, struct str *out,
    struct err *err)
{
	struct map *m;
	int r;

	if (map_open(cred->token, &m, err) < 0)
		return -1;
	str_grow(out, FILE_SIZE);
	r = map_get(m, key, out, err);
	map_close(m);
	if (r == 0)
		return err_temp(err, "4.7.0", "%s has no token for %s",
		    cred->token, cred->user);
	return r < 0 ? -1 : 0;
}

/* The key says which token is not wanted: mapd has an answer of its own for
 * that, which all its processes find anew. */
static int
another(const struct credential *cred, struct str *out, struct err *err)
{
	unsigned char hash[32];
	struct str key = STR_INIT;
	int r;

	hash_of(out->s, hash);
	str_addf(&key, "%s not ", cred->user);
	hex_encode(&key, hash, HASH);
	str_wipe(out);
	r = from_table(cred, key.s, out, err);
	str_free(&key);
	return r;
}

/* it is part of a line, and of a field */
static int
check(const struct credential *cred, const struct str *token, struct err *err)
{
	size_t i;

	for (i = 0; i < token->len; i++)
		if (!ascii_isprint((unsigned char)token->s[i]) ||
		    token->s[i] == ' ')
			return err_temp(err, "4.7.0", "what should be the "
			    "token for %s is none", cred->user);
	return 0;
}

int
token_get(const struct credential *cred, struct str *out, struct err *err)
{
	bool table = cred->token[0] != '\0';
	int r = table ? from_table(cred, cred->user, out, err) :
	    from_file(cred, out, err);

	if (r == 0 && table && was_refused(out->s))
		r = another(cred, out, err);
	if (r == 0 && was_refused(out->s))
		r = err_temp(err, "4.7.0", "the token for %s was refused by "
		    "the server, and there is no other yet", cred->user);
	return r == 0 ? check(cred, out, err) : r;
}

/* --- before the jail: what will have to be read --- */

static int
one_file(void *ctx, struct slice key, struct slice value)
{
	struct credential cred;
	struct err ignored;
	const char *slash;

	if (credential_parse(key, value, &cred, ctx, &ignored) < 0)
		return 0;
	slash = strrchr(cred.token_file, '/');
	/* its directory: it is replaced, not changed */
	if (cred.token_file[0] == '/' && slash > cred.token_file)
		jail_path(arena_slice(ctx, (struct slice){ cred.token_file,
		    (size_t)(slash - cred.token_file) }), PATH_READ);
	credential_wipe(&cred);
	return 0;
}

void
token_files(void)
{
	struct arena a = { 0 };
	struct err ignored;
	struct map *m;

	if (conf.credentials[0] == '\0' ||
	    credential_file(conf.credentials, &ignored) != 1 ||
	    map_open(conf.credentials, &m, &ignored) < 0)
		return;
	(void)map_each(m, one_file, &a, &ignored);
	map_close(m);
	arena_free(&a);
}
