/*
 * http.h - inside mapd: servers that are asked by HTTP and answer with JSON.
 * What they say may hold secrets: http_wipe, after use.
 */
#ifndef MAPD_HTTP_H
#define MAPD_HTTP_H

#include "mapd.h"

#include <curl/curl.h>
#include <jansson.h>

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

/* the url: 0 or -1 */
int http_check(struct table *t, struct err *err);
int http_before_jail(struct table *t, struct err *err);
int http_connect(struct table *t, struct server *s, int64_t deadline,
    struct err *err);
void http_disconnect(struct server *s);
/* ask; the body is in s->conn.  0 where the server said 200, or -1 */
int http_perform(const struct server *s, int64_t deadline,
    enum fault *fault_r, struct err *err);
void http_wipe(struct conn *c);
/* appended, for application/x-www-form-urlencoded */
void http_encode(struct str *out, const char *z);
/* the body, an object, or NULL */
json_t *http_parse(const struct server *s, struct err *err);
/* a member that is a string, or SLICE_NULL */
struct slice http_member(const json_t *j, const char *name);

#endif
