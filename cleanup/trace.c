/*
 * trace.c - the fields in front of a message: RFC 5321 section 4.4.
 * Whatever the client called itself, Received stays one well-formed field:
 * what could end a word, a comment or a path becomes '?'.
 */
#include "base/clock.h"
#include "cleanup.h"
#include "conf/common.h"
#include "mime/write.h"

/* one word of a Received field */
static void
add_word(struct str *out, const char *z, bool utf8)
{
	size_t i;

	for (i = 0; i < 255 && z[i] != '\0'; i++) {
		unsigned char c = (unsigned char)z[i];

		if (c <= 0x20 || c == 0x7f || (c >= 0x80 && !utf8) ||
		    strchr("()<>;,\\\"", c) != NULL)
			c = '?';
		str_addc(out, (char)c);
	}
}

/* an address as it is, but for what no header may hold */
static void
add_path(struct str *out, const char *z, bool utf8)
{
	for (; *z != '\0'; z++) {
		unsigned char c = (unsigned char)*z;

		if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
			c = '?';
		str_addc(out, (char)c);
	}
}

/* TCP-info: (NAME [ADDR]) or ([ADDR]) */
static void
add_client(struct str *out, const struct cleanup_begin_in *in)
{
	if (in->client_addr[0] == '\0')
		return;
	str_adds(out, " (");
	if (in->client_name[0] != '\0') {
		add_word(out, in->client_name, in->utf8);
		str_addc(out, ' ');
	}
	str_adds(out, strchr(in->client_addr, ':') ? "[IPv6:" : "[");
	add_word(out, in->client_addr, false);
	str_adds(out, "])");
}

/* one in a comment, with a word in front of it */
static void
add_fact(struct str *out, const char *what, const char *z)
{
	if (z[0] == '\0')
		return;
	str_addf(out, " %s ", what);
	add_word(out, z, false);
}

/* as others write it: (using TLSv1.3 with cipher X (256 bits)), and more */
static void
add_tls(struct str *out, const struct cleanup_begin_in *in)
{
	str_adds(out, " (using ");
	add_word(out, in->tls, false);
	str_adds(out, " with cipher ");
	add_word(out, in->cipher, false);
	str_addf(out, " (%lld bits)", (long long)in->bits);
	add_fact(out, "sni", in->sni);
	add_fact(out, "client", in->subject);
	str_addc(out, ')');
}

static void
add_origin(struct str *out, const struct cleanup_begin_in *in)
{
	if (in->uid >= 0) {
		str_addf(out, "(from userid %lld)", (long long)in->uid);
	} else if (in->hide_client) {
		/* from must name something */
		str_adds(out, "from localhost");
	} else {
		str_adds(out, "from ");
		if (in->helo[0] == '\0')
			str_adds(out, "unknown");
		add_word(out, in->helo, in->utf8);
		add_client(out, in);
		if (in->tls[0] != '\0')
			add_tls(out, in);
	}
	if (in->login[0] != '\0') {
		str_adds(out, " (authenticated as ");
		add_word(out, in->login, in->utf8);
		str_addc(out, ')');
	}
}

static void
add_received(struct str *out, const struct cleanup_begin_in *in,
    const char *q, const char *rcpt, int64_t unix_s)
{
	static struct str v = STR_INIT;

	str_reset(&v);
	add_origin(&v, in);
	str_addf(&v, " by %s (Postrider)", common.hostname);
	if (in->proto[0] != '\0') {
		str_adds(&v, " with ");
		add_word(&v, in->proto, false);
	}
	str_addf(&v, " id %s", q);
	if (rcpt != NULL) {
		str_adds(&v, " for <");
		add_path(&v, rcpt, in->utf8);
		str_addc(&v, '>');
	}
	str_adds(&v, "; ");
	date_5322(&v, unix_s);
	mime_put_field(out, "Received", slice_str(&v));
}

void
trace_return_path(struct str *out, const char *sender, bool utf8)
{
	str_adds(out, "Return-Path: <");
	add_path(out, sender, utf8);
	str_adds(out, ">\n");
}

void
trace_headers(struct str *out, const struct cleanup_begin_in *in,
    const char *q, const char *rcpt, int64_t unix_s)
{
	trace_return_path(out, in->sender, in->utf8);
	if (rcpt != NULL) {
		str_adds(out, "Delivered-To: ");
		add_path(out, rcpt, in->utf8);
		str_addc(out, '\n');
	}
	if (!in->internal)
		add_received(out, in, q, rcpt, unix_s);
}
