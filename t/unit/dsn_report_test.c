/* reports composed and taken apart again */
#include <fcntl.h>

#include "dsn/report.h"
#include "mime/address.h"
#include "mime/date.h"
#include "mime/header.h"
#include "test/tap.h"

enum { PARTS = 3 };

struct parsed {
	struct str text;
	struct slice part[PARTS];	/* each with its own header */
	size_t n;
};

static const char original[] =
	"Return-Path: <ann@d.example>\n"
	"Received: from x\n"
	"Subject: Gr\xc3\xbc\xc3\x9f" "e an alle\n"
	"Message-ID: <1@d.example>\n"
	"\n"
	"8-bit: \xc3\xbc\n"
	"no end";

static int
file_with(struct slice text)
{
	char *path = xasprintf("%s/original", tap_dir());
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || full_write(fd, text.p, text.n) < 0)
		die("%s", path);
	free(path);
	return fd;
}

static struct slice
value(struct slice part, const char *name)
{
	struct mime_field f;

	return mime_find(part, name, &f) ? f.value : SLICE_NULL;
}

static bool
has(struct slice s, const char *what)
{
	return memmem(s.p, s.n, what, strlen(what)) != NULL;
}

static struct slice
body(struct slice part)
{
	return slice_sub(part, mime_body_offset(part), part.n);
}

/* take a multipart apart at its boundary, strictly */
static void
compose(const struct dsn_report *r, struct parsed *p)
{
	struct str mark = STR_INIT;
	struct slice all, b;
	struct err err = ERR_INIT;
	const char *at, *next;
	size_t i;

	memset(p, 0, sizeof(*p));
	p->text = (struct str)STR_INIT;
	is_int(dsn_compose_str(r, &p->text, &err), 1, "composed");
	all = slice_str(&p->text);
	b = value(all, "Content-Type");
	i = slice_find(b, '"');
	b = slice_sub(b, i + 1, b.n);
	str_adds(&mark, "\n--");
	str_addsl(&mark, slice_sub(b, 0, slice_find(b, '"')));
	at = memmem(all.p, all.n, mark.s, mark.len);
	while (at != NULL) {
		at += mark.len;
		next = strstr(at, mark.s);
		if (at[0] != '\n' || next == NULL || p->n == PARTS)
			break;
		p->part[p->n++] = (struct slice){ at + 1,
			(size_t)(next - at) - 1 };
		at = next;
	}
	is_str(at, "--\n", "ends with the closing boundary");
	ok(!slice_has_nul(all) && slice_find(all, '\r') == all.n,
	    "LF line ends only");
	str_free(&mark);
}

static void
check_header(struct slice m, const char *to)
{
	struct mime_addresses list = { 0 };
	struct arena a = { 0 };
	int64_t t;

	mime_addresses_parse(value(m, "From"), 9, &a, &list);
	ok(list.n == 1 && slice_eqz(list.v[0].addr,
	    "MAILER-DAEMON@mx.example"), "From");
	mime_addresses_parse(value(m, "To"), 9, &a, &list);
	ok(list.n == 2 && slice_eqz(list.v[1].addr, to), "To");
	ok(mime_date_parse(value(m, "Date"), &t, NULL) && t == 1795369381,
	    "Date");
	ok(slice_eqz(value(m, "Auto-Submitted"), "auto-replied"),
	    "Auto-Submitted");
	ok(slice_eqz(value(m, "MIME-Version"), "1.0"), "MIME-Version");
	ok(has(value(m, "Message-ID"), "@mx.example>"), "Message-ID");
	arena_free(&a);
}

static const struct dsn_recipient failed[] = {
	{ "bob@other.example", "rfc822;robert@d.example", DSN_ACT_FAILED,
	    "5.1.1", "550 5.1.1 no such user\nX: injected",
	    "mx.other.example[192.0.2.1]", 1795369000, 0 },
	{ "cat@d.example", NULL, DSN_ACT_FAILED, "5.2.2", "mailbox is full",
	    NULL, 0, 0 },
};

static struct dsn_report
failure(int fd)
{
	return (struct dsn_report){ .kind = DSN_FAILURE,
		.reporting_mta = "mx.example", .to = "ann@d.example",
		.postmaster = "postmaster@d.example", .envid = "QQ+1",
		.queue_id = "4bX9", .arrival = 1795360000,
		.now = 1795369381, .rcpt = failed, .n = 2, .fd = fd,
		.full = true };
}

/* the n-th group of fields of a delivery-status body */
static struct slice
group(struct slice s, int n)
{
	while (n-- > 0)
		s = slice_sub(s, mime_body_offset(s), s.n);
	return s;
}

static void
check_status(struct slice part)
{
	struct slice s;

	ok(slice_eqz(value(part, "Content-Type"),
	    "message/delivery-status"), "type of the status part");
	s = body(part);
	ok(slice_eqz(value(s, "Reporting-MTA"), "dns; mx.example"),
	    "Reporting-MTA");
	ok(slice_eqz(value(s, "Original-Envelope-Id"), "QQ+1"), "envelope id");
	ok(value(s, "Arrival-Date").n > 0, "Arrival-Date");
	s = group(body(part), 1);
	ok(slice_eqz(value(s, "Original-Recipient"),
	    "rfc822;robert@d.example"), "Original-Recipient");
	ok(slice_eqz(value(s, "Final-Recipient"),
	    "rfc822; bob@other.example"), "Final-Recipient");
	ok(slice_eqz(value(s, "Action"), "failed"), "Action");
	ok(slice_eqz(value(s, "Status"), "5.1.1"), "Status");
	ok(slice_eqz(value(s, "Remote-MTA"), "dns; mx.other.example"),
	    "Remote-MTA");
	ok(slice_eqz(value(s, "Diagnostic-Code"),
	    "smtp; 550 5.1.1 no such user X: injected"),
	    "a diagnostic of two lines is one field");
	ok(value(s, "X").p == NULL, "  and forges none");
	s = group(body(part), 2);
	ok(slice_eqz(value(s, "Final-Recipient"), "rfc822; cat@d.example") &&
	    slice_eqz(value(s, "Diagnostic-Code"),
	    "x-postrider; mailbox is full") &&
	    value(s, "Remote-MTA").p == NULL, "the second recipient");
}

static void
check_failure(void)
{
	int fd = file_with(SLICE_LIT(original));
	struct dsn_report r = failure(fd);
	struct parsed p;
	struct slice m, s;

	compose(&r, &p);
	m = slice_str(&p.text);
	check_header(m, "ann@d.example");
	is_int(p.n, 3, "three parts");
	ok(slice_eqz(value(m, "Subject"),
	    "Not delivered: =?UTF-8?Q?Gr=C3=BC=C3=9Fe_an_alle?="),
	    "Subject");
	ok(slice_eqz(value(m, "In-Reply-To"), "<1@d.example>"),
	    "In-Reply-To");
	ok(slice_eqz(value(m, "Content-Transfer-Encoding"), "8bit"), "8bit");
	ok(has(value(m, "Content-Type"), "report-type=delivery-status"),
	    "report type");
	s = body(p.part[0]);
	ok(has(s, "bob@other.example") && has(s, "no such mailbox") &&
	    has(s, "mx.other.example said: 550 5.1.1 no such user"),
	    "the text says who, why and what was said");
	ok(has(s, "mailbox is full") && has(s, "postmaster@d.example") &&
	    has(s, "4bX9"), "  and whom to ask");
	check_status(p.part[1]);
	ok(slice_eqz(value(p.part[2], "Content-Type"), "message/global"),
	    "type of the original");
	s = body(p.part[2]);
	ok(slice_starts(s, "Received: from x\n") &&
	    slice_ends(s, "8-bit: \xc3\xbc\nno end\n"),
	    "the original but for Return-Path");
	str_free(&p.text);
	close(fd);
}

static void
check_headers_only(void)
{
	static const char plain[] = "Subject: x\n\nbody \xc3\xbc\n";
	int fd = file_with(SLICE_LIT(plain));
	struct dsn_report r = failure(fd);
	struct parsed p;

	r.full_max = sizeof(plain) - 2;
	compose(&r, &p);
	ok(slice_eqz(value(p.part[2], "Content-Type"), "text/rfc822-headers"),
	    "too large: header only");
	ok(slice_eqz(body(p.part[2]), "Subject: x\n\n"), "  is all of it");
	ok(slice_eqz(value(slice_str(&p.text), "Content-Transfer-Encoding"),
	    "7bit"), "  and is 7bit");
	ok(has(body(p.part[0]), "the header of your message"),
	    "  as the text says");
	str_free(&p.text);
	r.full_max = sizeof(plain) - 1;
	compose(&r, &p);
	ok(slice_eqz(value(p.part[2], "Content-Type"), "message/rfc822"),
	    "just not too large: all of it");
	str_free(&p.text);
	r.fd = -1;
	compose(&r, &p);
	is_int(p.n, 2, "no original, two parts");
	str_free(&p.text);
	close(fd);
}

static void
check_delay(void)
{
	static const struct dsn_recipient rc = { "bob@o.example", NULL,
		DSN_ACT_DELAYED, "4.4.1", "connection timed out", NULL,
		1795369000, 1795801381 };
	int fd = file_with(SLICE_LIT(original));
	struct dsn_report r = failure(fd);
	struct parsed p;
	struct slice s;
	int64_t t;

	r.kind = DSN_DELAY;
	r.rcpt = &rc;
	r.n = 1;
	compose(&r, &p);
	ok(slice_starts(value(slice_str(&p.text), "Subject"), "Delayed: "),
	    "Subject of a delay");
	ok(has(body(p.part[0]), "need not send it again"), "says so");
	s = group(body(p.part[1]), 1);
	ok(slice_eqz(value(s, "Action"), "delayed"), "Action delayed");
	ok(mime_date_parse(value(s, "Will-Retry-Until"), &t, NULL) &&
	    t == 1795801381, "Will-Retry-Until");
	ok(mime_date_parse(value(s, "Last-Attempt-Date"), &t, NULL) &&
	    t == 1795369000, "Last-Attempt-Date");
	ok(slice_eqz(value(p.part[2], "Content-Type"),
	    "message/global-headers"), "only the header comes back");
	str_free(&p.text);
	close(fd);
}

static void
check_global(void)
{
	static const struct dsn_recipient rc = { "j\xc3\xbcrg@o.example",
		"utf-8;j\xc3\xbcrg@o.example", DSN_ACT_RELAYED, "2.1.9", NULL,
		"[192.0.2.1]", 0, 0 };
	struct dsn_report r = failure(-1);
	struct parsed p;
	struct slice s;

	r.kind = DSN_SUCCESS;
	r.utf8 = true;
	r.rcpt = &rc;
	r.n = 1;
	ok(!dsn_needs_utf8(&r), "an ASCII sender needs no SMTPUTF8");
	compose(&r, &p);
	ok(has(value(slice_str(&p.text), "Content-Type"),
	    "report-type=global-delivery-status"), "global report type");
	ok(slice_eqz(value(p.part[1], "Content-Type"),
	    "message/global-delivery-status"), "global status part");
	s = group(body(p.part[1]), 1);
	ok(slice_eqz(value(s, "Final-Recipient"),
	    "utf-8; j\xc3\xbcrg@o.example"), "UTF-8 final recipient");
	ok(slice_eqz(value(s, "Remote-MTA"), "dns; [192.0.2.1]"),
	    "a literal as remote MTA");
	ok(slice_eqz(value(p.part[0], "Content-Type"),
	    "text/plain; charset=utf-8"), "text in UTF-8");
	str_free(&p.text);
	r.utf8 = false;
	compose(&r, &p);
	ok(slice_eqz(value(p.part[1], "Content-Type"),
	    "message/delivery-status"), "not for who knows no SMTPUTF8");
	s = group(body(p.part[1]), 1);
	ok(slice_is_ascii(body(p.part[1])), "... all of it is ASCII");
	ok(slice_eqz(value(s, "Final-Recipient"),
	    "utf-8; j\\x{FC}rg@o.example"), "... UTF-8 final recipient");
	ok(slice_eqz(value(s, "Original-Recipient"),
	    "utf-8; j\\x{FC}rg@o.example"), "... and the original one");
	str_free(&p.text);
	r.subject = "Der Postmeister gr\xc3\xbc\xc3\x9ft";
	r.text = "Eigener Text.\n";
	r.from = "post@d.example";
	r.from_name = "Post Office";
	compose(&r, &p);
	ok(has(value(slice_str(&p.text), "Subject"), "=?"),
	    "a subject of one's own");
	ok(slice_eqz(value(slice_str(&p.text), "From"),
	    "Post Office <post@d.example>"), "... and From");
	ok(slice_starts(body(p.part[0]), "Eigener Text.\n\n  j\xc3\xbcrg"),
	    "... and text, with the recipients behind it");
	str_free(&p.text);
	r.to = "\xc3\xbc@d.example";
	ok(dsn_needs_utf8(&r), "a UTF-8 sender does");
}

static int
full_disk(void *arg, struct slice piece UNUSED, struct err *err)
{
	int *calls = arg;

	++*calls;
	return err_temp(err, "4.3.1", "no space");
}

int
main(void)
{
	struct err err = ERR_INIT;
	struct dsn_report r;
	int calls = 0, fd;

	check_failure();
	check_headers_only();
	check_delay();
	check_global();
	fd = file_with(SLICE_LIT(original));
	r = failure(fd);
	is_int(dsn_compose(&r, full_disk, &calls, &err), -1, "the sink fails");
	ok(calls == 1 && err.kind == ERR_TEMP, "  at once, and is heard");
	close(fd);
	is_int(dsn_compose(&r, full_disk, &calls, &err), -1, "a closed file");
	is_int(calls, 1, "  nothing was written");
	return tap_done();
}
