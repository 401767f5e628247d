/*
 * be_refresh.c - access tokens for ourselves (RFC 6749 section 6, or 4.4 where
 * there is no refresh token): the token endpoint is asked, and the answer is
 * remembered until shortly before the token ends.  The key does not matter; one
 * that was not asked for before gets a new token.
 */
#include "http.h"

enum { EARLY_S = 300 };		/* before its end a token is not given out */

static const struct field fields[] = {
	TABLE_FIELDS("1h"), HTTP_FIELDS,
	F_STR(struct table_conf, client_id, NULL, "who we are there"),
	F_SECRET(struct table_conf, client_secret, "", "and our password"),
	F_SECRET(struct table_conf, refresh_token, "",
	    "what a token is had for; empty: for client_id alone"),
	{ "scope", FIELD_LIST, 0, offsetof(struct table_conf, scopes), "", 0,
	    0, 0, "what the token shall be good for" },
	F_BOOL(struct table_conf, basic, "no",
	    "client_id and client_secret in the header, not in the form"),
	F_END
};

static void
add(struct str *out, const char *name, const char *value)
{
	if (value[0] == '\0')
		return;
	str_addf(out, "&%s=", name);
	http_encode(out, value);
}

static void
form(const struct table_conf *c, struct str *post)
{
	size_t i;

	str_grow(post, 3 * (strlen(c->refresh_token) +
	    strlen(c->client_secret) + strlen(c->client_id)) + 256);
	str_addf(post, "grant_type=%s", c->refresh_token[0] != '\0' ?
	    "refresh_token" : "client_credentials");
	add(post, "refresh_token", c->refresh_token);
	for (i = 0; i < c->scopes.n; i++) {
		str_adds(post, i == 0 ? "&scope=" : "+");
		http_encode(post, c->scopes.v[i]);
	}
	if (c->basic)
		return;
	add(post, "client_id", c->client_id);
	add(post, "client_secret", c->client_secret);
}

/* what the server finds wrong: RFC 6749 section 5.2 */
static void
add_error(const struct server *s, struct err *err)
{
	struct err ignored;
	json_t *j = http_parse(s, &ignored);
	struct slice why = http_member(j, "error");
	size_t i;

	for (i = 0; i < why.n; i++)
		if (!ascii_isalnum((unsigned char)why.p[i]) &&
		    why.p[i] != '_')
			why.n = 0;
	if (why.n > 0 && why.n < 60)
		snprintf(err->text + strlen(err->text), sizeof(err->text) -
		    strlen(err->text), " (%.*s)", (int)why.n, why.p);
	json_decref(j);
}

static int
ask(const struct table *t, const struct server *s, int64_t deadline,
    enum fault *fault_r, struct err *err)
{
	struct str post = STR_INIT, id = STR_INIT, secret = STR_INIT;
	struct conn *c = s->conn;
	int r;

	form(&t->c, &post);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE, (long)post.len);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, post.s);
	if (t->c.basic) {
		http_encode(&id, t->c.client_id);
		http_encode(&secret, t->c.client_secret);
		curl_easy_setopt(c->curl, CURLOPT_HTTPAUTH,
		    (long)CURLAUTH_BASIC);
		curl_easy_setopt(c->curl, CURLOPT_USERNAME, id.s);
		curl_easy_setopt(c->curl, CURLOPT_PASSWORD, secret.s);
	}
	r = http_perform(s, deadline, fault_r, err);
	if (r < 0)
		add_error(s, err);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, NULL);
	str_wipe(&post);
	str_free(&id);
	str_wipe(&secret);
	return r;
}

static int
take_token(const struct server *s, const json_t *j, struct answer *a,
    struct err *err)
{
	const json_t *in = json_object_get(j, "expires_in");
	struct slice token = http_member(j, "access_token"),
	    type = http_member(j, "token_type");
	double left;

	if (token.n == 0 || (type.n > 0 && !slice_ieqz(type, "Bearer")))
		return err_temp(err, "4.3.0", "%s: no bearer token in the "
		    "answer", s->name);
	if (json_is_number(in)) {
		left = json_number_value(in);
		left -= MIN(left / 10, (double)EARLY_S);
		a->ttl = left <= 0 ? 0 : left > 1e6 ? (int64_t)1e9 :
		    (int64_t)(left * 1e3);
	}
	return MIN(answer_row(a, &token, 1, err), 0);
}

static int
query(struct table *t, struct server *s, const char *key UNUSED,
    struct answer *a, int64_t deadline, enum fault *fault_r, struct err *err)
{
	json_t *j;
	int r;

	r = ask(t, s, deadline, fault_r, err);
	j = r == 0 ? http_parse(s, err) : NULL;
	http_wipe(s->conn);
	if (j == NULL)
		return -1;
	*fault_r = FAULT_QUERY;
	r = take_token(s, j, a, err);
	json_decref(j);
	return r;
}

const struct backend be_refresh = {
	.name = "refresh",
	.fields = fields,
	.groups = JAIL_FILES | JAIL_UNIX | JAIL_INET,
	.check = http_check,
	.before_jail = http_before_jail,
	.connect = http_connect,
	.query = query,
	.disconnect = http_disconnect,
	.token = true,
};
