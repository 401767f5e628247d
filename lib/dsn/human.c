/*
 * human.c - the part for people, who did not ask for a mail server's inner
 * life: what happened, to whom, why, and what to do; the rest is attached.
 */
#include "dsn/parts.h"

#include "base/clock.h"

/* Why, by RFC 3463 code; the longest prefix behind the class counts, and of
 * equals the first.  Texts end the sentence "The reason: ". */
static const struct { const char *code, *text; } reasons[] = {
	{ "1.1", "there is no such mailbox. Please check the address for "
	    "typing errors" },
	{ "1.2", "the domain behind the @ does not exist or can not be "
	    "found. Please check the address for typing errors" },
	{ "1.3", "the address is not written correctly" },
	{ "1.6", "the mailbox has moved" },
	{ "1.10", "the domain behind the @ does not take any mail" },
	{ "1", "there is something wrong with the address" },
	{ "2.1", "the mailbox is disabled and does not take mail" },
	{ "2.2", "the mailbox is full" },
	{ "2.3", "the message is larger than this mailbox accepts" },
	{ "2", "the mailbox does not take mail at the moment" },
	{ "3.1", "the mail server has no disk space left" },
	{ "3.4", "the message is too large" },
	{ "3", "the mail server has trouble" },
	{ "4.1", "the mail server of the recipient does not answer" },
	{ "4.2", "the connection to the mail server of the recipient broke "
	    "off" },
	{ "4.3", "the directory of names (DNS) could not be asked" },
	{ "4.4", "no way to the mail server of the recipient was found" },
	{ "4.6", "the message went in circles between mail servers" },
	{ "4.7", "it could not be delivered for too long, and was given up" },
	{ "4", "the mail server of the recipient can not be reached" },
	{ "5", "the two mail servers did not understand each other" },
	{ "6", "the message holds something that the recipient's mail server "
	    "can not take" },
	{ "7", "the recipient's mail server refused the message by its "
	    "rules" },
};

static const char *
reason_of(const char *status)
{
	size_t i, n, best = 0;
	const char *text = NULL;

	if (!ascii_isdigit((unsigned char)status[0]) || status[1] != '.')
		return NULL;
	status += 2;
	for (i = 0; i < ARRAY_LEN(reasons); i++) {
		n = strlen(reasons[i].code);
		if (n > best && strncmp(status, reasons[i].code, n) == 0 &&
		    (status[n] == '\0' || status[n] == '.')) {
			best = n;
			text = reasons[i].text;
		}
	}
	return text;
}

/* words of z between margins, at most DSN_DIAGNOSTIC_MAX bytes of it */
static void
put_wrapped(struct str *out, const char *indent, const char *z)
{
	struct str clean = STR_INIT;
	struct slice rest, w;
	size_t col = 0, margin = strlen(indent);

	dsn_clean(&clean, z, DSN_DIAGNOSTIC_MAX, true);
	rest = slice_str(&clean);
	while (slice_word(&rest, &w)) {
		w.n = MIN(w.n, (size_t)900);
		if (col > 0 && col + 1 + w.n > 72) {
			str_addc(out, '\n');
			col = 0;
		}
		str_adds(out, col == 0 ? indent : " ");
		col += (col == 0 ? margin : 1) + w.n;
		str_addsl(out, w);
	}
	if (col > 0)
		str_addc(out, '\n');
	str_free(&clean);
}

static void
put_recipient(struct str *out, const struct dsn_report *r,
    const struct dsn_recipient *rc)
{
	struct str line = STR_INIT;
	const char *why = reason_of(rc->status);

	str_addc(out, '\n');
	put_wrapped(out, "  ", rc->final);
	if (r->kind == DSN_SUCCESS) {
		if (rc->action == DSN_ACT_RELAYED)
			put_wrapped(out, "    ", "It was handed to a mail "
			    "server that sends no receipts.");
		else if (rc->action == DSN_ACT_EXPANDED)
			put_wrapped(out, "    ", "It was passed on to the "
			    "addresses behind this one.");
	} else if (why != NULL) {
		str_addf(&line, "The reason: %s.", why);
		put_wrapped(out, "    ", line.s);
	}
	str_reset(&line);
	if (rc->diagnostic != NULL && rc->diagnostic[0] != '\0' &&
	    r->kind != DSN_SUCCESS) {
		if (rc->remote_mta != NULL && rc->remote_mta[0] != '\0') {
			str_addsl(&line, dsn_mta(rc->remote_mta));
			str_adds(&line, " said: ");
		} else {
			str_adds(&line, "In technical words: ");
		}
		str_adds(&line, rc->diagnostic);
		put_wrapped(out, "    ", line.s);
	}
	str_free(&line);
}

static void
put_opening(struct str *out, const struct dsn_report *r)
{
	struct str s = STR_INIT;

	str_addf(&s, "This is the mail server %s. The message that you sent",
	    r->reporting_mta);
	if (r->arrival != 0) {
		str_adds(&s, " on ");
		date_5322(&s, r->arrival);
	}
	str_adds(&s, r->kind == DSN_FAILURE ?
	    " could not be delivered to:" : r->kind == DSN_DELAY ?
	    " has not been delivered yet to:" : " was delivered to:");
	put_wrapped(out, "", s.s);
	str_free(&s);
}

static void
put_closing(struct str *out, const struct dsn_report *r,
    const struct dsn_original *o)
{
	struct str s = STR_INIT;
	int64_t until = 0;
	size_t i;

	if (r->kind == DSN_FAILURE) {
		str_adds(&s, "These recipients will not get the message, "
		    "unless you send it again.");
	} else if (r->kind == DSN_DELAY) {
		for (i = 0; i < r->n; i++)
			until = MAX(until, r->rcpt[i].will_retry_until);
		str_adds(&s, "You need not send it again: we keep trying");
		if (until != 0) {
			str_adds(&s, " until ");
			date_5322(&s, until);
		}
		str_adds(&s, ", and tell you if it fails in the end.");
	} else {
		str_adds(&s, "You get this receipt because your mail program "
		    "asked for it.");
	}
	str_addc(out, '\n');
	put_wrapped(out, "", s.s);
	str_reset(&s);
	if (r->postmaster != NULL && r->kind != DSN_SUCCESS) {
		str_addf(&s, "If you need help, write to %s", r->postmaster);
		if (r->queue_id != NULL)
			str_addf(&s, " and name the message %s", r->queue_id);
		str_addc(&s, '.');
		str_addc(out, '\n');
		put_wrapped(out, "", s.s);
		str_reset(&s);
	}
	str_addf(&s, "Attached: the details for experts%s.", !o->present ? "" :
	    o->full ? " and your message" : " and the header of your "
	    "message");
	str_addc(out, '\n');
	put_wrapped(out, "", s.s);
	str_free(&s);
	if (r->footer != NULL && r->footer[0] != '\0') {
		str_addc(out, '\n');
		put_wrapped(out, "", r->footer);
	}
}

void
dsn_human(const struct dsn_report *r, const struct dsn_original *o,
    struct str *out)
{
	struct str s = STR_INIT;
	bool ascii;
	size_t i;

	if (r->text != NULL)
		str_adds(&s, r->text);
	else
		put_opening(&s, r);
	for (i = 0; i < r->n; i++)
		put_recipient(&s, r, &r->rcpt[i]);
	if (r->text == NULL)
		put_closing(&s, r, o);
	ascii = slice_is_ascii(slice_str(&s));
	str_addf(out, "Content-Description: Notification\n"
	    "Content-Type: text/plain; charset=%s\n"
	    "Content-Transfer-Encoding: %s\n\n", ascii ? "us-ascii" : "utf-8",
	    ascii ? "7bit" : "8bit");
	str_addsl(out, slice_str(&s));
	str_free(&s);
}
