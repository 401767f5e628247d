/*
 * message.c - RFC 8460 section 5.3.  TLS-Required: No (RFC 8689) as a report
 * of broken TLS is of use only if it arrives.
 */
#include "stsd.h"

#include "base/clock.h"
#include "conf/common.h"
#include "mime/write.h"

static void
put(struct str *out, const char *name, struct str *v)
{
	mime_put_field(out, name, slice_str(v));
	str_reset(v);
}

static void
header(const char *domain, const char *id, const char *to,
    const char *boundary, struct str *out)
{
	struct str v = STR_INIT;

	str_addf(&v, "<%s>", report_from());
	put(out, "From", &v);
	str_addf(&v, "<%s>", to);
	put(out, "To", &v);
	str_addf(&v, "Report Domain: %s Submitter: %s Report-ID: <%s>",
	    domain, report_submitter(), id);
	put(out, "Subject", &v);
	date_5322(&v, wall_s());
	put(out, "Date", &v);
	mime_message_id(&v, common.hostname);
	put(out, "Message-ID", &v);
	mime_put_fieldz(out, "Auto-Submitted", "auto-generated");
	mime_put_fieldz(out, "TLS-Report-Domain", domain);
	mime_put_fieldz(out, "TLS-Report-Submitter", report_submitter());
	mime_put_fieldz(out, "TLS-Required", "No");
	mime_put_fieldz(out, "MIME-Version", "1.0");
	str_addf(&v, "multipart/report; report-type=\"tlsrpt\"; "
	    "boundary=\"%s\"", boundary);
	put(out, "Content-Type", &v);
	str_free(&v);
}

static void
add_base64(struct str *out, struct slice bytes)
{
	struct slice part;
	size_t at;

	for (at = 0; at < bytes.n; at += 57) {
		part = slice_sub(bytes, at, 57);
		base64_encode(out, part.p, part.n);
		str_addc(out, '\n');
	}
}

void
message_make(const char *domain, const char *id, const char *file,
    struct slice gz, const char *to, struct str *out)
{
	struct str b = STR_INIT;

	mime_boundary(&b);
	header(domain, id, to, b.s, out);
	str_addf(out, "\nThis is a report on TLS sessions, RFC 8460.\n\n"
	    "--%s\nContent-Type: text/plain; charset=us-ascii\n\n"
	    "This is an aggregate report of TLS sessions with mail servers "
	    "of\n%s, as RFC 8460 describes it.\n\n", b.s, domain);
	str_addf(out, "--%s\nContent-Type: application/tlsrpt+gzip;\n"
	    " name=\"%s\"\nContent-Transfer-Encoding: base64\n"
	    "Content-Disposition: attachment;\n filename=\"%s\"\n\n", b.s,
	    file, file);
	add_base64(out, gz);
	str_addf(out, "\n--%s--\n", b.s);
	str_free(&b);
}
