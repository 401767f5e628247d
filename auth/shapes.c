/*
 * shapes.c - what the verifiers of accounts look like, so that what is made up
 * for a name that nobody has looks like one of them.
 *
 * The first message of SCRAM tells the count of iterations and the length of
 * the salt.  Were all made-up ones alike, an account of another count could be
 * told from none.  So a sample is kept in state.db: an account has one of 256
 * places by its name, and the first that comes keeps it.  A name that nobody
 * has gets its place the same way, and the shape of the account that is there
 * or next: as often as accounts have it, and always the same.
 */
#include <sqlite3.h>
#include <sys/stat.h>

#include "auth.h"

#include "conf/common.h"
#include "map/map.h"

enum { PLACES = 256, HASHES = 2, WHO = 16, SEED_ROWS = 5000 };

struct place {
	bool taken;
	unsigned char who[WHO];
	uint32_t iterations;
	size_t salt_len;
};
static struct place places[HASHES][PLACES];
static struct stat loaded;

static void
mac_of(const char *name, const char *use, unsigned char mac[32])
{
	struct str s = STR_INIT;

	str_adds(&s, name);
	str_lower(&s);
	str_addc(&s, '\n');
	str_adds(&s, use);
	scram_hmac256(state_secret(), 32, slice_str(&s), mac);
	str_free(&s);
}

static void
take_row(sqlite3_stmt *st)
{
	int hash = sqlite3_column_int(st, 0), at = sqlite3_column_int(st, 1);
	int64_t n = sqlite3_column_int64(st, 3),
	    len = sqlite3_column_int64(st, 4);
	struct place *p;

	if (hash < 0 || hash >= HASHES || at < 0 || at >= PLACES ||
	    sqlite3_column_bytes(st, 2) != WHO || n < SCRAM_ITERATIONS_MIN ||
	    n > SCRAM_ITERATIONS_MAX || len < 1 || len > SCRAM_SALT_MAX)
		return;
	p = &places[hash][at];
	p->taken = true;
	memcpy(p->who, sqlite3_column_blob(st, 2), WHO);
	p->iterations = (uint32_t)n;
	p->salt_len = (size_t)len;
}

/* what other processes wrote counts here, too */
static void
load(void)
{
	sqlite3_stmt *st;

	if (!state_changed(&loaded))
		return;
	st = state_query("SELECT hash, place, who, iterations, salt_len "
	    "FROM shape");
	if (st == NULL)
		return;
	memset(places, 0, sizeof(places));
	while (sqlite3_step(st) == SQLITE_ROW)
		take_row(st);
	sqlite3_finalize(st);
}

static void
store(const struct scram_verifier *v, int at, const struct place *p)
{
	sqlite3_stmt *st = state_query("INSERT INTO shape "
	    "VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE "
	    "SET iterations = ?4, salt_len = ?5 WHERE who = ?3");

	if (st == NULL)
		return;
	sqlite3_bind_int(st, 1, (int)v->hash);
	sqlite3_bind_int(st, 2, at);
	sqlite3_bind_blob(st, 3, p->who, WHO, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, p->iterations);
	sqlite3_bind_int64(st, 5, (int64_t)p->salt_len);
	state_run(st, "shape");
}

void
shape_seen(const char *name, const struct scram_verifier *v)
{
	unsigned char mac[32];
	struct place *p;

	load();
	mac_of(name, "place", mac);
	p = &places[v->hash][mac[WHO]];
	if (p->taken && (memcmp(p->who, mac, WHO) != 0 ||
	    (p->iterations == v->iterations && p->salt_len == v->salt_len)))
		return;
	p->taken = true;
	memcpy(p->who, mac, WHO);
	p->iterations = v->iterations;
	p->salt_len = v->salt_len;
	store(v, mac[WHO], p);
}

void
shape_make_up(const char *name, struct scram_verifier *v)
{
	const struct place *p;
	unsigned char mac[32];
	int i;

	load();
	v->iterations = (uint32_t)common.scram_iterations;
	v->salt_len = 16;
	mac_of(name, "shape", mac);
	for (i = 0; i < PLACES; i++) {
		p = &places[v->hash][(mac[0] + i) % PLACES];
		if (!p->taken)
			continue;
		v->iterations = p->iterations;
		v->salt_len = p->salt_len;
		break;
	}
	mac_of(name, "salt", v->salt);
	mac_of(name, "more salt", v->salt + 32);
}

/* --- at the first start: the tables that can be listed --- */

static int
seed_row(void *ctx, struct slice key, struct slice value)
{
	struct arena a = { 0 };
	struct account acct = { .system = false };
	struct scram_verifier v;
	struct err ignored;
	int *left = ctx;
	char name[AUTH_NAME_MAX + 1];
	size_t i;

	slice_copy(name, sizeof(name), key);
	if (user_parse(value, &acct.record, &a, &ignored) == 0)
		for (i = 0; i < acct.record.pass.n; i++)
			if (scram_parse(slice_of(acct.record.pass.v[i]),
			    &v) == 1)
				shape_seen(name, &v);
	account_wipe(&acct, &a);
	explicit_bzero(&v, sizeof(v));
	return --*left <= 0;
}

static bool
is_known(void)
{
	size_t i, n = 0;

	load();
	for (i = 0; i < PLACES; i++)
		n += places[SCRAM_SHA1][i].taken +
		    places[SCRAM_SHA256][i].taken;
	return n > 0;
}

static void
command(const char *sql)
{
	sqlite3_stmt *st = state_query(sql);

	if (st != NULL)
		state_run(st, "shape");
}

void
shapes_seed(void)
{
	struct err ignored;
	struct map *m;
	int left = SEED_ROWS;
	size_t i;

	if (is_known())
		return;
	command("BEGIN IMMEDIATE");
	for (i = 0; i < conf.users.n; i++) {
		if (map_open(conf.users.v[i], &m, &ignored) < 0)
			continue;
		if (map_can_list(m))
			(void)map_each(m, seed_row, &left, &ignored);
		map_close(m);
	}
	command("COMMIT");
}
