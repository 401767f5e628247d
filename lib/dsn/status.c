/*
 * status.c - the part for programs: RFC 3464 section 2, RFC 6533 section 4.
 * Whatever the strings hold, each field stays one field.
 */
#include "dsn/parts.h"

#include "base/clock.h"
#include "mime/write.h"

bool
dsn_is_global(const struct dsn_report *r)
{
	size_t i;

	for (i = 0; i < r->n && r->utf8; i++)
		if (!slice_is_ascii(slice_of(r->rcpt[i].final)) ||
		    (r->rcpt[i].orcpt != NULL &&
		    !slice_is_ascii(slice_of(r->rcpt[i].orcpt))))
			return true;
	return false;
}

void
dsn_clean(struct str *out, const char *z, size_t max, bool utf8)
{
	struct slice all = slice_of(z), s = slice_sub(all, 0, max);
	size_t i;

	/* a character that the bound cuts in two is left out whole */
	while (s.n > 0 && s.n < all.n &&
	    ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
		s.n--;
	if (utf8 && !utf8_valid(s))
		utf8 = false;
	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f)
			str_addc(out, ' ');
		else if (c >= 0x80 && !utf8)
			str_addc(out, '?');
		else
			str_addc(out, (char)c);
	}
}

struct slice
dsn_mta(const char *remote)
{
	struct slice s = slice_of(remote);
	size_t n = slice_find(s, '[');

	return slice_trim(n > 0 ? slice_sub(s, 0, n) : s);
}

/* RFC 6533 section 3, utf-8-addr-xtext: z is valid UTF-8 */
static void
add_xtext(struct str *out, const char *z)
{
	const unsigned char *p = (const unsigned char *)z;
	unsigned c, more;

	while (*p != '\0') {
		c = *p++;
		if (c < 0x80) {
			if (c <= ' ' || c >= 0x7f || strchr("+=\\", (int)c))
				str_addf(out, "\\x{%02X}", c);
			else
				str_addc(out, (char)c);
			continue;
		}
		more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
		c &= 0x3fU >> more;
		for (; more > 0 && *p != '\0'; more--)
			c = c << 6 | (*p++ & 0x3f);
		str_addf(out, "\\x{%X}", c);
	}
}

static void
put(struct str *out, const char *name, const char *type, const char *value,
    bool utf8)
{
	struct str v = STR_INIT;

	str_adds(&v, type);
	dsn_clean(&v, value, DSN_DIAGNOSTIC_MAX, utf8);
	mime_put_field(out, name, slice_str(&v));
	str_free(&v);
}

/* "type;address", where `type' names the form of z */
static void
put_address(struct str *out, const char *name, const char *type,
    const char *z, bool global)
{
	struct str v = STR_INIT;

	if (global || slice_is_ascii(slice_of(z)) ||
	    !utf8_valid(slice_of(z))) {
		str_addf(&v, "%s; %s", type, z);
		put(out, name, "", v.s, global);
	} else {
		str_addf(&v, "%s; ", type);
		add_xtext(&v, z);
		put(out, name, "", v.s, false);
	}
	str_free(&v);
}

static void
put_date(struct str *out, const char *name, int64_t t)
{
	struct str v = STR_INIT;

	if (t == 0)
		return;
	date_5322(&v, t);
	mime_put_field(out, name, slice_str(&v));
	str_free(&v);
}

static const char *
action_name(enum dsn_action a)
{
	static const char *const names[] = {
		[DSN_ACT_FAILED] = "failed",
		[DSN_ACT_DELAYED] = "delayed",
		[DSN_ACT_DELIVERED] = "delivered",
		[DSN_ACT_RELAYED] = "relayed",
		[DSN_ACT_EXPANDED] = "expanded",
	};
	return names[a];
}

/* orcpt is "type;address"; what is not ASCII can only be of utf-8 */
static void
put_orcpt(struct str *out, const char *orcpt, bool global)
{
	const char *addr = strchr(orcpt, ';');

	if (global || addr == NULL || slice_is_ascii(slice_of(orcpt)))
		put(out, "Original-Recipient", "", orcpt, global);
	else
		put_address(out, "Original-Recipient", "utf-8", addr + 1,
		    false);
}

static void
put_recipient(struct str *out, const struct dsn_report *r,
    const struct dsn_recipient *rc, bool global)
{
	bool utf8 = !slice_is_ascii(slice_of(rc->final));
	struct str mta = STR_INIT;

	str_addc(out, '\n');
	if (rc->orcpt != NULL && rc->orcpt[0] != '\0')
		put_orcpt(out, rc->orcpt, global);
	put_address(out, "Final-Recipient", utf8 ? "utf-8" : "rfc822",
	    rc->final, global);
	put(out, "Action", "", action_name(rc->action), false);
	put(out, "Status", "", rc->status, false);
	if (rc->remote_mta != NULL && rc->remote_mta[0] != '\0') {
		str_addsl(&mta, dsn_mta(rc->remote_mta));
		put(out, "Remote-MTA", "dns; ", mta.s, false);
	}
	if (rc->diagnostic != NULL && rc->diagnostic[0] != '\0')
		put(out, "Diagnostic-Code", mta.len > 0 ? "smtp; " :
		    "x-postrider; ", rc->diagnostic, global);
	put_date(out, "Last-Attempt-Date", rc->last_attempt);
	/* RFC 3464 section 2.3.8 */
	if (r->queue_id != NULL)
		put(out, "Final-Log-Id", "", r->queue_id, false);
	if (rc->action == DSN_ACT_DELAYED)
		put_date(out, "Will-Retry-Until", rc->will_retry_until);
	str_free(&mta);
}

void
dsn_status(const struct dsn_report *r, struct str *out)
{
	bool global = dsn_is_global(r);
	size_t i;

	str_addf(out, "Content-Description: Delivery report\n"
	    "Content-Type: message/%sdelivery-status\n"
	    "Content-Transfer-Encoding: %s\n\n", global ? "global-" : "",
	    global ? "8bit" : "7bit");
	put(out, "Reporting-MTA", "dns; ", r->reporting_mta, false);
	if (r->envid != NULL && r->envid[0] != '\0')
		put(out, "Original-Envelope-Id", "", r->envid, global);
	if (r->queue_id != NULL)
		put(out, "X-Postrider-Queue-Id", "", r->queue_id, false);
	if (r->received_from != NULL && r->received_from[0] != '\0')
		put(out, "Received-From-MTA", "dns; ", r->received_from,
		    false);
	put_date(out, "Arrival-Date", r->arrival);
	for (i = 0; i < r->n; i++)
		put_recipient(out, r, &r->rcpt[i], global);
}
