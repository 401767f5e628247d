/*
 * mime_header_fuzz.c - any bytes as a message header, as a date, as text to be
 * encoded, and as every string of a delivery report, which must stay what it
 * is whatever they say.
 */
#include "dsn/report.h"
#include "mime/date.h"
#include "mime/header.h"
#include "mime/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
scan(struct slice in)
{
	struct mime_field f;
	struct mime_scan s;
	struct str out = STR_INIT;
	size_t pos = 0;
	int64_t t;
	int zone;

	mime_scan_init(&s, in);
	while (mime_scan_next(&s, &f)) {
		assert(f.offset == pos && f.name.n > 0);
		pos += f.raw.n;
		str_reset(&out);
		mime_unfold(f.value, &out);
		assert(memchr(out.s, '\n', out.len) == NULL);
		mime_date_parse(f.value, &t, &zone);
	}
	assert(s.count <= MIME_FIELDS_MAX && s.body >= pos && s.body <= in.n);
	assert(s.body - pos <= 2);
	str_free(&out);
}

static void
fields(struct slice in)
{
	struct str out = STR_INIT, word = STR_INIT;
	struct mime_field f;
	struct mime_scan s;
	struct slice rest;
	size_t lf;

	mime_put_field(&out, "X", in);
	mime_encode_text(&word, in);
	mime_put_field(&out, "Subject", slice_str(&word));
	mime_encode_phrase(&word, in);
	assert(slice_is_ascii(slice_str(&word)));
	mime_scan_init(&s, slice_str(&out));
	while (mime_scan_next(&s, &f))
		;
	assert(s.count == 2 && !s.malformed && !s.blank);
	for (rest = slice_str(&out); rest.n > 0;
	    rest = slice_sub(rest, lf + 1, rest.n)) {
		lf = slice_find(rest, '\n');
		assert(lf <= MIME_LINE_MAX && lf < rest.n);
	}
	str_free(&out);
	str_free(&word);
}

static void
report(struct slice in)
{
	char *z = slice_dup(in);
	struct dsn_recipient rc = { z, z, DSN_ACT_DELAYED, z, z, z, 1, 1 };
	struct dsn_report r = { .kind = DSN_DELAY, .reporting_mta = "mx",
		.to = z, .postmaster = z, .envid = z, .queue_id = z,
		.received_from = z, .arrival = 1, .now = 1, .rcpt = &rc,
		.n = 1, .fd = -1 };
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	struct slice all;

	if (strlen(z) > 0) {
		assert(dsn_compose_str(&r, &out, &err) == 1);
		all = slice_str(&out);
		assert(mime_count(all, "To") == 1);
		assert(mime_count(all, "MIME-Version") == 1);
		assert(mime_count(all, "Bcc") == 0);
		assert(slice_find(all, '\r') == all.n);
	}
	str_free(&out);
	free(z);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	int64_t t;

	scan(in);
	mime_date_parse(in, &t, NULL);
	fields(in);
	report(in);
	return 0;
}
