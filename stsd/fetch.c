/*
 * fetch.c - sts-fetch(8): speaks to web servers for stsd, one request at a
 * time.  It keeps nothing: what a server said is parsed here, and stsd gets
 * the fields.
 */
#include "base/clock.h"
#include "base/networks.h"
#include "http.h"
#include "serve/submit.h"
#include "text.h"
#include "web.h"

struct fetch_conf conf;

enum { POLICY_MAX = 65536, FILE_MAX = 32 << 20 };

static const struct field fields[] = {
	F_TIME(struct fetch_conf, cleanup_timeout, "5m", "1s", "10m",
	    "time for cleanup to take a report"),
	F_TIME(struct fetch_conf, connect_timeout, "10s", "100ms", "5m",
	    "time for a connection to one address, and for its TLS"),
	F_TIME(struct fetch_conf, dns_timeout, "15s", "100ms", "5m",
	    "time for the addresses of a host"),
	F_INT(struct fetch_conf, https_port, "443", "1", "65535",
	    "the only port that is connected to"),
	F_LIST(struct fetch_conf, private_networks,
	    "networks that are not public and may be connected to"),
	F_END
};

/* --- policies --- */

static int
check_answer(const struct http_answer *r, struct err *err)
{
	if (r->status != 200)
		return err_perm(err, "5.7.0", "HTTP status %d", r->status);
	if (strcmp(r->type, "text/plain") != 0)
		return err_perm(err, "5.7.0", "it is %s, not text/plain",
		    r->type[0] != '\0' ? r->type : "of no type");
	return 0;
}

/* STS_SUCCESS, or what RFC 8460 calls it, with err */
static enum sts_result
get_policy(const char *domain, int64_t timeout, struct arena *a,
    struct sts_text *text, struct err *err)
{
	const char *host = arena_printf(a, "mta-sts.%s", domain);
	struct http_answer r = { .body = STR_INIT };
	enum sts_result result = STS_SUCCESS;
	struct web w;

	if (web_open(&w, host, mono_ms() + timeout, a, err) < 0) {
		result = strcmp(err->dsn, "4.7.5") == 0 ?
		    STS_WEBPKI_INVALID : STS_FETCH_ERROR;
	} else {
		http_request(&w.io, "GET", host, "/.well-known/mta-sts.txt",
		    "", -1);
		if (http_read(&w.io, POLICY_MAX, &r, err) < 0 ||
		    check_answer(&r, err) < 0)
			result = STS_FETCH_ERROR;
		else if (policy_parse(slice_str(&r.body), a, text, err) < 0)
			result = STS_POLICY_INVALID;
	}
	web_close(&w);
	str_free(&r.body);
	return result;
}

static int
do_fetch(struct call *c, const void *in_, void *out_, struct err *err)
{
	const struct sts_fetch_in *in = in_;
	struct sts_fetch_out *out = out_;
	const char *domain = domain_name(in->domain, c->arena);
	struct sts_text text = { .mode = STS_NONE };
	struct err why = ERR_INIT;

	if (domain == NULL)
		return err_perm(err, "5.1.2", "%s can not have a policy",
		    in->domain);
	out->result = get_policy(domain, in->timeout, c->arena, &text, &why);
	if (out->result != STS_SUCCESS) {
		out->why = arena_strdup(c->arena, why.text);
		return 0;
	}
	out->mode = text.mode;
	out->mx = text.mx;
	out->max_age = text.max_age;
	return 0;
}

/* --- reports --- */

static int
read_fd(int fd, struct str *out, struct err *err)
{
	char buf[16384];
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, "read report");
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		if (out->len + (size_t)n > FILE_MAX)
			return err_perm(err, "5.3.4", "a report of more than "
			    "%d bytes", FILE_MAX);
		str_add(out, buf, (size_t)n);
	}
	return n < 0 ? err_sys(err, "read report") : 0;
}

static int
judge(int status, struct err *err)
{
	if (status >= 200 && status < 300)
		return 0;
	if (status >= 500 || status == 408 || status == 429)
		return err_temp(err, "4.5.0", "HTTP status %d", status);
	return err_perm(err, "5.5.0", "HTTP status %d", status);
}

static int
post(const struct sts_post_in *in, const struct str *body, struct arena *a,
    struct err *err)
{
	struct http_answer r = { .body = STR_INIT };
	struct http_url u;
	const char *host;
	struct web w;
	int rc;

	if (!http_url_parse(in->url, &u))
		return err_perm(err, "5.5.4", "no https: URL of a host");
	host = domain_name(arena_slice(a, u.host), a);
	if (host == NULL || (u.port != 0 && u.port != conf.https_port &&
	    u.port != 443))
		return err_perm(err, "5.7.1", "no name of a host, or not the "
		    "port of https:");
	rc = web_open(&w, host, mono_ms() + in->timeout, a, err);
	if (rc == 0) {
		http_request(&w.io, "POST", host, u.path, in->type,
		    (int64_t)body->len);
		io_put(&w.io, body->s, body->len);
		rc = http_read(&w.io, POLICY_MAX, &r, err);
		/* it was taken, whatever is wrong with the rest */
		if (r.status >= 200)
			rc = judge(r.status, err);
	}
	web_close(&w);
	str_free(&r.body);
	return rc;
}

static int
do_post(struct call *c, const void *in, void *out UNUSED, struct err *err)
{
	struct str body = STR_INIT;
	int rc = read_fd(c->fd, &body, err);

	if (rc == 0)
		rc = post(in, &body, c->arena, err);
	str_free(&body);
	return rc;
}

static int
do_mail(struct call *c, const void *in_, void *out_, struct err *err)
{
	const struct sts_mail_in *in = in_;
	struct sts_mail_out *out = out_;
	struct cleanup_begin_in begin = { .sender = in->sender, .rcpts = 1,
		.rcpt = in->to, .notify = "never", .orcpt = "", .ret = "",
		.envid = "", .proto = "", .tls = "", .cipher = "", .sni = "",
		.subject = "", .helo = "", .client_addr = "",
		.client_name = "", .login = "", .uid = (int64_t)geteuid(),
		.session = "" };
	struct str text = STR_INIT;
	int rc = read_fd(c->fd, &text, err);

	if (rc == 0)
		rc = submit_message(&begin, slice_str(&text),
		    (int)conf.cleanup_timeout, c->arena, &out->q, err);
	str_free(&text);
	return rc;
}

static const struct verb verbs[] = {
	{ &sts_fetch, do_fetch, PEER_STS },
	{ &sts_post, do_post, PEER_STS },
	{ &sts_mail, do_mail, PEER_STS },
	{ 0 }
};

static int
check(struct err *err)
{
	return networks_check(&conf.private_networks, err) < 0 ?
	    err_prefix(err, "private_networks") : 0;
}

static int
before_jail(struct err *err UNUSED)
{
	jail_port((uint16_t)conf.https_port);
	return 0;
}

static const struct daemon fetcher = {
	.name = "sts-fetch",
	.kind = SERVE_REQUEST,
	.fields = fields,
	.conf = &conf,
	.check = check,
	.before_jail = before_jail,
	.verbs = verbs,
	.jail = { .groups = JAIL_FILES | JAIL_UNIX | JAIL_INET,
	    .memory = 1ULL << 30, .files = 256 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &fetcher);
}
