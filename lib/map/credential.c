/*
 * credential.c - which account for which server.  What is looked at and is not
 * the one is wiped at once.
 */
#include "map/credential.h"

const struct field credential_fields[] = {
	F_STR(struct credential, user, NULL, "name of the account"),
	F_SECRET(struct credential, pass, "", "its password"),
	F_STR(struct credential, token, "",
	    "table that has an access token, such as refresh:FILE"),
	F_STR(struct credential, token_file, "",
	    "file with an access token that another program writes"),
	F_LIST(struct credential, mechanisms, "of SASL that are used"),
	F_LIST(struct credential, at, "places where a sender's is used"),
	F_BOOL(struct credential, plaintext, "no",
	    "the password may go to a server that was not verified"),
	F_ENUM(struct credential, binding, "auto", CREDENTIAL_BINDINGS,
	    "of the channel, by -PLUS"),
	F_END
};

/* a constant, as an empty value is, has nothing to wipe */
void
credential_wipe(struct credential *c)
{
	if (c->pass != NULL && c->pass[0] != '\0')
		explicit_bzero((char *)(uintptr_t)c->pass, strlen(c->pass));
	memset(c, 0, sizeof(*c));
}

static const char *
wrong(struct slice key, const struct credential *c)
{
	bool sender = slice_find(key, '@') < key.n;

	if (c->user[0] == '\0')
		return "without a user";
	if ((c->pass[0] != '\0') + (c->token[0] != '\0') +
	    (c->token_file[0] != '\0') != 1)
		return "one of pass, token and token_file is needed";
	if (sender && c->at.n == 0)
		return "a sender without at, the places where it logs in";
	if (!sender && c->at.n > 0)
		return "at is for senders";
	return NULL;
}

int
credential_parse(struct slice key, struct slice value, struct credential *c,
    struct arena *a, struct err *err)
{
	const char *why;
	int n = (int)MIN(key.n, (size_t)200);

	if (record_parse(credential_fields, c, value, a, err) < 0) {
		credential_wipe(c);
		return err_prefix(err, "credentials: %.*s", n, key.p);
	}
	why = wrong(key, c);
	if (why == NULL)
		return 0;
	credential_wipe(c);
	return err_temp(err, "4.3.5", "credentials: %.*s: %s", n, key.p, why);
}

static struct slice
unbracketed(struct slice s)
{
	size_t end;

	if (s.n > 0 && s.p[0] == '[') {
		end = slice_find(s, ']');
		return slice_sub(s, 1, end - 1);
	}
	return slice_sub(s, 0, slice_find(s, ':'));
}

/* how well does a key name the place? */
static int
place_rank(struct slice key, const struct credential_place *p)
{
	if (slice_ieqz(key, p->nexthop))
		return 3;
	if (slice_ieq(key, unbracketed(slice_of(p->nexthop))))
		return 2;
	return slice_ieqz(key, p->host);
}

static bool
is_at(const struct strlist *at, const struct credential_place *p)
{
	size_t i;

	for (i = 0; i < at->n; i++)
		if (place_rank(slice_of(at->v[i]), p) > 0)
			return true;
	return false;
}

static int
sender_rank(struct slice key, const char *sender)
{
	const char *at = strrchr(sender, '@');

	if (key.p[0] != '@')
		return slice_ieqz(key, sender) ? 5 : 0;
	return at != NULL && slice_ieqz(key, at) ? 4 : 0;
}

struct walk {
	const struct credential_place *p;
	struct arena *a;
	struct err *err;
	bool by_sender;
	int rank;
	struct str key, value;	/* of the best */
};

static void
better(struct walk *w, struct slice key, struct slice value, int rank)
{
	if (rank <= w->rank)
		return;
	w->rank = rank;
	str_reset(&w->key);
	str_addsl(&w->key, key);
	str_wipe(&w->value);
	str_grow(&w->value, value.n + 1);
	str_addsl(&w->value, value);
}

static int
look(void *ctx, struct slice key, struct slice value)
{
	struct walk *w = ctx;
	struct credential c;

	if (slice_find(key, '@') == key.n) {
		better(w, key, value, place_rank(key, w->p));
		return 0;
	}
	if (credential_parse(key, value, &c, w->a, w->err) < 0)
		return -1;
	if (is_at(&c.at, w->p)) {
		w->by_sender = true;
		better(w, key, value, sender_rank(key, w->p->sender));
	}
	credential_wipe(&c);
	return 0;
}

int
credential_find(struct map *m, const struct credential_place *p,
    struct credential *c, struct arena *a, bool *by_sender, struct err *err)
{
	struct walk w = { .p = p, .a = a, .err = err, .key = STR_INIT,
		.value = STR_INIT };
	int r = map_each(m, look, &w, err);

	memset(c, 0, sizeof(*c));
	*by_sender = w.by_sender;
	if (r == 0 && w.rank > 0)
		r = credential_parse(slice_str(&w.key), slice_str(&w.value), c,
		    a, err) < 0 ? -1 : 1;
	str_free(&w.key);
	str_wipe(&w.value);
	return r;
}

int
credential_file(const char *spec, struct err *err)
{
	struct str path = STR_INIT;
	struct stat st;
	int r = 1;

	if (map_path(spec, &path, err) < 0)
		return -1;
	if (path.len == 0 || stat(path.s, &st) == 0) {
		if (path.len > 0 && (st.st_mode & 077) != 0)
			r = err_temp(err, "4.3.5", "%s can be read by others "
			    "than its owner: chmod 600", path.s);
	} else if (errno == ENOENT) {
		r = 0;
	} else {
		r = err_sys(err, "%s", path.s);
	}
	str_free(&path);
	return r;
}
