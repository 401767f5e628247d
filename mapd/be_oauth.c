/*
 * be_oauth.c - who has this access token?  RFC 7662: the token goes to the
 * authorization server by POST, and only an answer that says it is active, has
 * not ended and is meant for us is one.  jwks: the keys of such a server, as
 * they are.
 *
 * libcurl would look names up in a thread, which the jail forbids: it gets
 * the addresses.
 */
#include "base/clock.h"
#include "mapd.h"

#include <curl/curl.h>
#include <jansson.h>
#include <netdb.h>
#include <sys/socket.h>

enum { BODY_MAX = 60000 };

struct conn {
	CURL *curl;
	struct curl_slist *resolve, *header;
	struct str body;
	char error[CURL_ERROR_SIZE];
};

#define HTTP_FIELDS \
	F_STR(struct table_conf, url, NULL, "where the server answers"), \
	F_BOOL(struct table_conf, insecure, "no", \
	    "http:// to other hosts, too: tokens go in the clear"), \
	F_STR(struct table_conf, tls_ca, \
	    "/etc/ssl/certs/ca-certificates.crt", \
	    "certificates of who may certify the server"), \
	F_TIME(struct table_conf, max_idle, "1m", "1s", "1h", \
	    "a connection that was not used for so long is closed")

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

static char *
url_part(CURLU *u, CURLUPart part)
{
	char *s = NULL;

	return curl_url_get(u, part, &s, CURLU_DEFAULT_PORT) == CURLUE_OK ?
	    s : NULL;
}

static int
check_url(struct table *t, CURLU *u, struct err *err)
{
	char *scheme, *host, *port, *user;
	struct slice h;
	uint64_t n = 0;
	int r;

	if (curl_url_set(u, CURLUPART_URL, t->c.url, 0) != CURLUE_OK)
		return err_perm(err, "5.3.5", "url: expected https://...");
	scheme = url_part(u, CURLUPART_SCHEME);
	host = url_part(u, CURLUPART_HOST);
	port = url_part(u, CURLUPART_PORT);
	user = url_part(u, CURLUPART_USER);
	h = slice_of(host);
	if (h.n > 2 && h.p[0] == '[')
		h = slice_sub(h, 1, h.n - 2);
	if (scheme == NULL || port == NULL || user != NULL ||
	    (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0) ||
	    !slice_u64(slice_of(port), 65535, &n) || n == 0)
		r = err_perm(err, "5.3.5", "url: expected https://HOST/PATH "
		    "without a user");
	else
		r = server_add(t, t->c.url, h, (uint16_t)n, err);
	if (r == 0 && strcmp(scheme, "http") == 0 && !t->server[0].here &&
	    !t->c.insecure)
		r = err_perm(err, "5.3.5", "url: http:// only to this host, "
		    "unless insecure = yes");
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(user);
	return r;
}

static int
check_http(struct table *t, struct err *err)
{
	CURLU *u = curl_url();
	int r;

	if (u == NULL)
		die("out of memory");
	r = check_url(t, u, err);
	curl_url_cleanup(u);
	t->c.max_size = BODY_MAX;
	return r;
}

/* any service that a user gives a token to could be the user here */
static int
check(struct table *t, struct err *err)
{
	if (t->c.audience.n == 0 && !t->c.any_audience)
		return err_perm(err, "5.3.5", "without audience the tokens of "
		    "any service would do here; or say any_audience = yes");
	return check_http(t, err);
}

static int
before_jail(struct table *t, struct err *err)
{
	servers_jail(t);
	jail_path(t->c.tls_ca, PATH_READ);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_temp(err, "4.3.0", "libcurl does not start");
	return 0;
}

static void
wipe_body(struct conn *c)
{
	if (c->body.cap > 0)
		explicit_bzero(c->body.s, c->body.cap);
	str_reset(&c->body);
}

static void
disconnect(struct server *s)
{
	struct conn *c = s->conn;

	curl_easy_cleanup(c->curl);
	curl_slist_free_all(c->resolve);
	curl_slist_free_all(c->header);
	wipe_body(c);
	str_free(&c->body);
	free(c);
	s->conn = NULL;
}

/* the addresses of a name, as libcurl wants to be told */
static int
find_addresses(const struct server *s, struct conn *c, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all, *a;
	struct str text = STR_INIT;
	char addr[80];
	int rc = getaddrinfo(s->host, NULL, &hints, &all);

	if (rc != 0)
		return err_temp(err, "4.3.0", "%s: %s", s->name,
		    gai_strerror(rc));
	str_addf(&text, "%s:%u:", s->host, s->port);
	for (a = all; a != NULL; a = a->ai_next)
		if (getnameinfo(a->ai_addr, a->ai_addrlen, addr, sizeof(addr),
		    NULL, 0, NI_NUMERICHOST) == 0)
			str_addf(&text, "%s%s", a == all ? "" : ",", addr);
	freeaddrinfo(all);
	/* an address needs no entry */
	if (strchr(s->host, ':') == NULL)
		c->resolve = curl_slist_append(NULL, text.s);
	str_free(&text);
	return 0;
}

static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct conn *c = ctx;

	if (c->body.len + size * n > BODY_MAX)
		return 0;
	str_add(&c->body, p, size * n);
	return size * n;
}

static int
connect_http(struct table *t, struct server *s, int64_t deadline UNUSED,
    struct err *err)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->body = (struct str)STR_INIT;
	/* never moved: nothing is left behind */
	str_grow(&c->body, BODY_MAX + 1);
	s->conn = c;
	c->curl = curl_easy_init();
	if (c->curl == NULL)
		return err_temp(err, "4.3.0", "libcurl does not start");
	if (find_addresses(s, c, err) < 0)
		return -1;
	c->header = curl_slist_append(NULL, "Accept: application/json");
	curl_easy_setopt(c->curl, CURLOPT_URL, t->c.url);
	curl_easy_setopt(c->curl, CURLOPT_RESOLVE, c->resolve);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->header);
	curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->error);
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c->curl, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c->curl, CURLOPT_CAINFO, t->c.tls_ca);
	curl_easy_setopt(c->curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "postrider");
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
	return 0;
}

/* c->body, where the server said 200: 0, or -1 */
static int
perform(const struct server *s, int64_t deadline, enum fault *fault_r,
    struct err *err)
{
	struct conn *c = s->conn;
	CURLcode rc;
	long status = 0;

	str_reset(&c->body);
	c->error[0] = '\0';
	*fault_r = FAULT_SERVER;
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS,
	    (long)MAX(ms_left(deadline), 1));
	rc = curl_easy_perform(c->curl);
	if (rc == CURLE_WRITE_ERROR)
		return err_temp(err, "4.3.0", "%s: an answer of more than %d "
		    "bytes", s->name, BODY_MAX);
	if (rc != CURLE_OK)
		return err_temp(err, "4.3.0", "%s: %s", s->name, c->error[0] ?
		    c->error : curl_easy_strerror(rc));
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
		return 0;
	if (status == 400)
		*fault_r = FAULT_QUERY;
	return err_temp(err, "4.3.0", "%s: the server says %ld%s", s->name,
	    status, status == 401 ? ": see client_id and client_secret" : "");
}

/* application/x-www-form-urlencoded */
static void
add_encoded(struct str *out, const char *z)
{
	for (; *z != '\0'; z++)
		if (ascii_isalnum((unsigned char)*z) ||
		    strchr("-._~", *z) != NULL)
			str_addc(out, *z);
		else
			str_addf(out, "%%%02X", (unsigned char)*z);
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
	add_encoded(&post, token);
	add_encoded(&id, t->c.client_id);
	add_encoded(&secret, t->c.client_secret);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE, (long)post.len);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, post.s);
	if (id.len > 0) {
		curl_easy_setopt(c->curl, CURLOPT_HTTPAUTH,
		    (long)CURLAUTH_BASIC);
		curl_easy_setopt(c->curl, CURLOPT_USERNAME, id.s);
		curl_easy_setopt(c->curl, CURLOPT_PASSWORD, secret.s);
	}
	r = perform(s, deadline, fault_r, err);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, NULL);
	explicit_bzero(post.s, post.len);
	str_free(&post);
	str_free(&id);
	if (secret.cap > 0)
		explicit_bzero(secret.s, secret.cap);
	str_free(&secret);
	return r;
}

static struct slice
member(const json_t *j, const char *name)
{
	const json_t *v = json_object_get(j, name);

	return json_is_string(v) ? (struct slice){ json_string_value(v),
		json_string_length(v) } : SLICE_NULL;
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
	    !has_scopes(&c->scopes, member(j, "scope")) ||
	    !(c->any_audience || is_for_us(&c->audience,
	    json_object_get(j, "aud"))))
		return false;
	if (c->issuer[0] != '\0' && !slice_eqz(member(j, "iss"), c->issuer))
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
	col[0] = member(j, t->c.user_claim);
	col[1] = member(j, "scope");
	col[2] = slice_str(&text);
	col[3] = member(j, "client_id");
	col[4] = member(j, "sub");
	if (is_good(&t->c, j, a) && col[0].n > 0)
		r = answer_row(a, col, ARRAY_LEN(col), err);
	str_free(&text);
	return MIN(r, 0);
}

static json_t *
parse(const struct server *s, struct err *err)
{
	const struct conn *c = s->conn;
	json_error_t why;
	json_t *j = json_loadb(c->body.s, c->body.len,
	    JSON_REJECT_DUPLICATES, &why);

	if (json_is_object(j))
		return j;
	json_decref(j);
	err_temp(err, "4.3.0", "%s: the answer is no JSON object", s->name);
	return NULL;
}

static int
query(struct table *t, struct server *s, const char *key, struct answer *a,
    int64_t deadline, enum fault *fault_r, struct err *err)
{
	json_t *j;
	int r;

	if (introspect(t, s, key, deadline, fault_r, err) < 0)
		return -1;
	j = parse(s, err);
	wipe_body(s->conn);
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

	if (perform(s, deadline, fault_r, err) < 0)
		return -1;
	j = parse(s, err);
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
	.before_jail = before_jail,
	.connect = connect_http,
	.query = query,
	.disconnect = disconnect,
	.token = true,
};

const struct backend be_jwks = {
	.name = "jwks",
	.fields = jwks_fields,
	.groups = JAIL_FILES | JAIL_UNIX | JAIL_INET,
	.check = check_http,
	.before_jail = before_jail,
	.connect = connect_http,
	.query = query_jwks,
	.disconnect = disconnect,
	.token = true,
};
