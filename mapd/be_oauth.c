/*
 * be_oauth.c - who has this access token?  RFC 7662: the token goes to the
 * authorization server by POST, and only an answer that says it is active, has
 * not ended and is meant for us is one.  jwks: the keys of such a server, as
 * they are.
 */
#include "base/clock.h"
#include "http.h"

static const struct field fields[] = {
	TABLE_FIELDS("1m"), HTTP_FIELDS,
	F_STR(struct table_conf, result, "%1",
	    "%1 the user, %2 scope, %3 exp, %4 client_id, %5 sub"),
	F_STR(struct table_conf, client_id, "", "who we are there"),
	F_SECRET(struct table_conf, client_secret, "", "and our password"),
	F_STR(struct table_conf, user_claim, "username",
	    "the member of the answer that names the account"),
	{ "scope", FIELD_LIST, 0, offsetof(struct table_conf, scopes), "", 0,
	    0, 0, "what the token must be good for, all of it" },
	F_LIST(struct table_conf, audience,
	    "whom it must be meant for, one of these"),
	F_BOOL(struct table_conf, any_audience, "no",
	    "tokens that were made for others are taken, too"),
	F_STR(struct table_conf, issuer, "",
	    "who must have issued it (iss); empty: not looked at"),
	F_END
};

static const struct field jwks_fields[] = {
	TABLE_FIELDS("1m"), HTTP_FIELDS, F_END
};

/* any service that a user gives a token to could be the user here */
static int
check(struct table *t, struct err *err)
{
	if (t->c.audience.n == 0 && !t->c.any_audience)
		return err_perm(err, "5.3.5", "without audience the tokens of "
		    "any service would do here; or say any_audience = yes");
	return http_check(t, err);
}

static int
introspect(const struct table *t, const struct server *s, const char *token,
    int64_t deadline, enum fault *fault_r, struct err *err)
{
	struct str post = STR_INIT, id = STR_INIT, secret = STR_INIT;
	struct conn *c = s->conn;
	int r;

	str_grow(&post, 3 * strlen(token) + 64);
	str_adds(&post, "token_type_hint=access_token&token=");
	http_encode(&post, token);
	http_encode(&id, t->c.client_id);
	http_encode(&secret, t->c.client_secret);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE, (long)post.len);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, post.s);
	if (id.len > 0) {
		curl_easy_setopt(c->curl, CURLOPT_HTTPAUTH,
		    (long)CURLAUTH_BASIC);
		curl_easy_setopt(c->curl, CURLOPT_USERNAME, id.s);
		curl_easy_setopt(c->curl, CURLOPT_PASSWORD, secret.s);
	}
	r = http_perform(s, deadline, fault_r, err);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, NULL);
	explicit_bzero(post.s, post.len);
	str_free(&post);
	str_free(&id);
	if (secret.cap > 0)
		explicit_bzero(secret.s, secret.cap);
	str_free(&secret);
	return r;
}

/* each word that is required is among those that are there */
static bool
has_scopes(const struct strlist *need, struct slice have)
{
	struct slice rest, word;
	bool found;
	size_t i;

	for (i = 0; i < need->n; i++) {
		found = false;
		for (rest = have; slice_word(&rest, &word);)
			found |= slice_eqz(word, need->v[i]);
		if (!found)
			return false;
	}
	return true;
}

static bool
is_for_us(const struct strlist *us, const json_t *aud)
{
	const char *one = json_string_value(aud);
	size_t i;

	if (one != NULL && strlist_has(us, one))
		return true;
	for (i = 0; i < json_array_size(aud); i++) {
		one = json_string_value(json_array_get(aud, i));
		if (one != NULL && strlist_has(us, one))
			return true;
	}
	return false;
}

/* 0: of no use to us, or good until a->ttl */
static bool
is_good(const struct table_conf *c, const json_t *j, struct answer *a)
{
	const json_t *exp = json_object_get(j, "exp"),
	    *nbf = json_object_get(j, "nbf");
	double now = (double)wall_us() / 1e6, left;

	if (!json_is_true(json_object_get(j, "active")) ||
	    !has_scopes(&c->scopes, http_member(j, "scope")) ||
	    !(c->any_audience || is_for_us(&c->audience,
	    json_object_get(j, "aud"))))
		return false;
	if (c->issuer[0] != '\0' && !slice_eqz(http_member(j, "iss"),
	    c->issuer))
		return false;
	if (json_is_number(nbf) && json_number_value(nbf) > now)
		return false;
	if (!json_is_number(exp))
		return true;
	left = json_number_value(exp) - now;
	a->ttl = left > 1e6 ? (int64_t)1e9 : (int64_t)(left * 1e3);
	return left > 0;
}

static int
take_answer(const struct table *t, const json_t *j, struct answer *a,
    struct err *err)
{
	const json_t *exp = json_object_get(j, "exp");
	struct str text = STR_INIT;
	struct slice col[5];
	int r = 0;

	if (json_is_number(exp))
		str_addf(&text, "%.0f", json_number_value(exp));
	col[0] = http_member(j, t->c.user_claim);
	col[1] = http_member(j, "scope");
	col[2] = slice_str(&text);
	col[3] = http_member(j, "client_id");
	col[4] = http_member(j, "sub");
	if (is_good(&t->c, j, a) && col[0].n > 0)
		r = answer_row(a, col, ARRAY_LEN(col), err);
	str_free(&text);
	return MIN(r, 0);
}

static int
query(struct table *t, struct server *s, const char *key, struct answer *a,
    int64_t deadline, enum fault *fault_r, struct err *err)
{
	json_t *j;
	int r;

	if (introspect(t, s, key, deadline, fault_r, err) < 0)
		return -1;
	j = http_parse(s, err);
	http_wipe(s->conn);
	if (j == NULL)
		return -1;
	*fault_r = FAULT_QUERY;
	r = take_answer(t, j, a, err);
	json_decref(j);
	return r;
}

static int
query_jwks(struct table *t UNUSED, struct server *s, const char *key UNUSED,
    struct answer *a, int64_t deadline, enum fault *fault_r, struct err *err)
{
	const struct conn *c = s->conn;
	struct slice body;
	json_t *j;
	int r;

	if (http_perform(s, deadline, fault_r, err) < 0)
		return -1;
	j = http_parse(s, err);
	if (j == NULL)
		return -1;
	body = slice_str(&c->body);
	*fault_r = FAULT_QUERY;
	if (json_is_array(json_object_get(j, "keys")))
		r = MIN(answer_row(a, &body, 1, err), 0);
	else
		r = err_temp(err, "4.3.0", "%s: no set of keys", s->name);
	json_decref(j);
	return r;
}

const struct backend be_oauth = {
	.name = "oauth",
	.fields = fields,
	.groups = JAIL_FILES | JAIL_UNIX | JAIL_INET,
	.check = check,
	.before_jail = http_before_jail,
	.connect = http_connect,
	.query = query,
	.disconnect = http_disconnect,
	.token = true,
};

const struct backend be_jwks = {
	.name = "jwks",
	.fields = jwks_fields,
	.groups = JAIL_FILES | JAIL_UNIX | JAIL_INET,
	.check = http_check,
	.before_jail = http_before_jail,
	.connect = http_connect,
	.query = query_jwks,
	.disconnect = http_disconnect,
	.token = true,
};
