/*
 * http.h - one request of HTTP/1.1 and its answer, over a connection that is
 * plain text on our side: tlsd has the TLS.  Nothing is followed, nothing is
 * kept, and an answer whose end can not be known is none.
 */
#ifndef STSD_HTTP_H
#define STSD_HTTP_H

#include "base/io.h"

enum { HTTP_LINE = 8192, HTTP_LINES = 100 };

struct http_answer {
	int status;
	char type[64];		/* Content-Type without parameters, small */
	struct str body;
};
/* Read it, with a body of at most max bytes.  0, or -1: err_temp */
int http_read(struct io *io, size_t max, struct http_answer *r,
    struct err *err);
/* request line and fields; a body follows where length is not negative */
void http_request(struct io *io, const char *method, const char *host,
    const char *path, const char *type, int64_t length);

/* https://host[:port]/path without a user: false, it is none.  The parts
 * borrow the URL or are constant */
struct http_url {
	struct slice host;
	uint16_t port;		/* 0: none is named */
	const char *path;	/* "/..." */
};
bool http_url_parse(const char *url, struct http_url *u);

#endif
