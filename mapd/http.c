/*
 * http.c - questions to servers that speak HTTP, by libcurl.  It would look
 * names up in a thread, which the jail forbids: it gets the addresses.
 */
#include "http.h"

#include "base/clock.h"

#include <netdb.h>
#include <sys/socket.h>

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

int
http_check(struct table *t, struct err *err)
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

int
http_before_jail(struct table *t, struct err *err)
{
	servers_jail(t);
	jail_path(t->c.tls_ca, PATH_READ);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_temp(err, "4.3.0", "libcurl does not start");
	return 0;
}

void
http_wipe(struct conn *c)
{
	if (c->body.cap > 0)
		explicit_bzero(c->body.s, c->body.cap);
	str_reset(&c->body);
}

void
http_disconnect(struct server *s)
{
	struct conn *c = s->conn;

	curl_easy_cleanup(c->curl);
	curl_slist_free_all(c->resolve);
	curl_slist_free_all(c->header);
	http_wipe(c);
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

int
http_connect(struct table *t, struct server *s, int64_t deadline UNUSED,
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
int
http_perform(const struct server *s, int64_t deadline, enum fault *fault_r,
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
void
http_encode(struct str *out, const char *z)
{
	for (; *z != '\0'; z++)
		if (ascii_isalnum((unsigned char)*z) ||
		    strchr("-._~", *z) != NULL)
			str_addc(out, *z);
		else
			str_addf(out, "%%%02X", (unsigned char)*z);
}

struct slice
http_member(const json_t *j, const char *name)
{
	const json_t *v = json_object_get(j, name);

	return json_is_string(v) ? (struct slice){ json_string_value(v),
		json_string_length(v) } : SLICE_NULL;
}

json_t *
http_parse(const struct server *s, struct err *err)
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
