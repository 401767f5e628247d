/*
 * report.c - puts a report together.  Everything but the original message is
 * made in memory first, so the sink sees few and large pieces.
 */
#include "dsn/parts.h"

#include "base/clock.h"
#include "mime/address.h"
#include "mime/header.h"
#include "mime/write.h"

static const char *
subject_of(enum dsn_kind kind)
{
	static const char *const subjects[] = {
		[DSN_FAILURE] = "Not delivered",
		[DSN_DELAY] = "Delayed",
		[DSN_SUCCESS] = "Delivered",
	};
	return subjects[kind];
}

/* "Not delivered: the subject of the original", which may hold encoded words
 * already, or raw UTF-8 */
static void
put_subject(struct str *out, const struct dsn_report *r, struct slice header)
{
	struct str was = STR_INIT, s = STR_INIT;
	struct mime_field f;

	if (r->subject != NULL) {
		if (slice_is_ascii(slice_of(r->subject)))
			str_adds(&s, r->subject);
		else
			mime_encode_text(&s, slice_of(r->subject));
		mime_put_field(out, "Subject", slice_str(&s));
		str_free(&s);
		return;
	}
	str_adds(&s, subject_of(r->kind));
	if (mime_find(header, "Subject", &f) && f.value.n > 0 &&
	    f.value.n <= DSN_SUBJECT_MAX) {
		mime_unfold(f.value, &was);
		str_adds(&s, ": ");
		if (slice_is_ascii(slice_str(&was)))
			str_addsl(&s, slice_str(&was));
		else
			mime_encode_text(&s, slice_str(&was));
	}
	mime_put_field(out, "Subject", slice_str(&s));
	str_free(&was);
	str_free(&s);
}

/* In-Reply-To, so that mail programs show the report beside the message */
static void
put_references(struct str *out, struct slice header)
{
	struct mime_field f;
	size_t i;

	if (!mime_find(header, "Message-ID", &f) || f.value.n < 5 ||
	    f.value.n > 250 || !slice_starts(f.value, "<") ||
	    !slice_ends(f.value, ">"))
		return;
	for (i = 0; i < f.value.n; i++)
		if (!ascii_isprint((unsigned char)f.value.p[i]) ||
		    f.value.p[i] == ' ')
			return;
	mime_put_field(out, "In-Reply-To", f.value);
	mime_put_field(out, "References", f.value);
}

static void
put_header(struct str *out, const struct dsn_report *r,
    const struct dsn_original *o, const char *boundary, bool is_8bit)
{
	struct slice header = slice_str(&o->header);
	struct str s = STR_INIT, from = STR_INIT;

	date_5322(&s, r->now);
	mime_put_field(out, "Date", slice_str(&s));
	str_reset(&s);
	if (r->from != NULL)
		str_adds(&from, r->from);
	else
		str_addf(&from, "MAILER-DAEMON@%s", r->reporting_mta);
	mime_address_print(slice_of(r->from_name != NULL ? r->from_name :
	    "Mail Delivery System"), slice_str(&from), &s);
	mime_put_field(out, "From", slice_str(&s));
	str_free(&from);
	str_reset(&s);
	str_addf(&s, "<%s>", r->to);
	mime_put_field(out, "To", slice_str(&s));
	str_reset(&s);
	put_subject(out, r, header);
	mime_message_id(&s, r->reporting_mta);
	mime_put_field(out, "Message-ID", slice_str(&s));
	str_free(&s);
	put_references(out, header);
	str_addf(out, "Auto-Submitted: auto-replied\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=%sdelivery-status;\n"
	    "\tboundary=\"%s\"\n"
	    "Content-Transfer-Encoding: %s\n\n",
	    dsn_is_global(r) ? "global-" : "", boundary,
	    is_8bit ? "8bit" : "7bit");
}

static int
compose(const struct dsn_report *r, const struct dsn_original *o,
    dsn_sink *sink, void *arg, struct err *err)
{
	struct str boundary = STR_INIT, parts = STR_INIT, out = STR_INIT;
	bool is_8bit;
	int rc;

	mime_boundary(&boundary);
	str_addf(&parts, "--%s\n", boundary.s);
	dsn_human(r, o, &parts);
	str_addf(&parts, "\n--%s\n", boundary.s);
	dsn_status(r, &parts);
	if (o->present) {
		str_addf(&parts, "\n--%s\n", boundary.s);
		dsn_original_head(o, &parts);
	}
	is_8bit = o->header_8bit || o->body_8bit ||
	    !slice_is_ascii(slice_str(&parts));
	put_header(&out, r, o, boundary.s, is_8bit);
	str_addsl(&out, slice_str(&parts));
	rc = sink(arg, slice_str(&out), err);
	if (rc == 0 && o->present)
		rc = dsn_original_copy(r, o, sink, arg, err) < 0 ? -1 : 0;
	str_reset(&out);
	str_addf(&out, "\n--%s--\n", boundary.s);
	if (rc == 0)
		rc = sink(arg, slice_str(&out), err);
	str_free(&boundary);
	str_free(&parts);
	str_free(&out);
	return rc < 0 ? -1 : 1;
}

int
dsn_compose(const struct dsn_report *r, dsn_sink *sink, void *arg,
    struct err *err)
{
	struct dsn_original o;
	int rc;

	rc = dsn_original_open(r, &o, err);
	if (rc > 0)
		rc = compose(r, &o, sink, arg, err);
	dsn_original_free(&o);
	return rc;
}

static int
to_str(void *arg, struct slice piece, struct err *err UNUSED)
{
	str_addsl(arg, piece);
	return 0;
}

int
dsn_compose_str(const struct dsn_report *r, struct str *out, struct err *err)
{
	return dsn_compose(r, to_str, out, err);
}

bool
dsn_needs_utf8(const struct dsn_report *r)
{
	return !slice_is_ascii(slice_of(r->to)) ||
	    !slice_is_ascii(slice_of(r->from));
}
