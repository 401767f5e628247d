/*
 * offer.c - which mechanisms are there.  Only what is offered is accepted.
 */
#include "auth.h"

static const char *const all[] = { "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256",
	"SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "EXTERNAL", "OAUTHBEARER",
	"XOAUTH2", "CRAM-MD5", "PLAIN", "LOGIN", NULL };

int
offer_check(struct err *err)
{
	const char *near;
	size_t i;

	for (i = 0; i < conf.mechanisms.n; i++) {
		if (sasl_mech_any(slice_of(conf.mechanisms.v[i])) != NULL)
			continue;
		near = nearest_name(all, slice_of(conf.mechanisms.v[i]));
		return err_perm(err, "5.3.5", "mechanisms: \"%s\" is unknown"
		    "%s%s%s", conf.mechanisms.v[i],
		    near != NULL ? "; did you mean " : "",
		    near != NULL ? near : "", near != NULL ? "?" : "");
	}
	return 0;
}

static bool
has_binding(const struct auth_channel *ch)
{
	return ch->exporter[0] != '\0' || ch->end_point[0] != '\0';
}

/* plaintext: passwords may go in the clear, or there is TLS */
bool
offered(const struct sasl_mech *m, const struct auth_channel *ch,
    bool plaintext)
{
	if (!strlist_ihas(&conf.mechanisms, slice_of(m->name)))
		return false;
	if ((m->flags & MECH_CLEAR) && !plaintext)
		return false;
	if ((m->flags & MECH_PLUS) && !has_binding(ch))
		return false;
	if ((m->flags & MECH_CERTIFICATE) && (ch->voucher[0] == '\0' ||
	    conf.certificates[0] == '\0'))
		return false;
	return !(m->flags & MECH_TOKEN) || outside_has_tokens();
}

bool
offered_by_name(void)
{
	return strlist_ihas(&conf.mechanisms, SLICE_LIT("PLAIN")) ||
	    strlist_ihas(&conf.mechanisms, SLICE_LIT("LOGIN"));
}

void
offer_list(const struct auth_mechs_in *in, struct str *out)
{
	const struct sasl_mech *m;
	size_t i;

	for (i = 0; (m = sasl_mech_at(i)) != NULL; i++)
		if (offered(m, &in->ch, in->plaintext || in->ch.tls))
			str_addf(out, "%s%s", out->len > 0 ? " " : "",
			    m->name);
}

static size_t
take(const char *text, unsigned char *to)
{
	struct str raw = STR_INIT;
	size_t n = 0;

	if (base64_decode(&raw, slice_of(text)) &&
	    raw.len <= SASL_BINDING_MAX) {
		memcpy(to, raw.s, raw.len);
		n = raw.len;
	}
	str_free(&raw);
	return n;
}

void
offer_channel(const struct auth_channel *ch, struct sasl_channel *to)
{
	const struct sasl_mech *m;
	size_t i;

	memset(to, 0, sizeof(*to));
	to->exporter_len = take(ch->exporter, to->exporter);
	to->end_point_len = take(ch->end_point, to->end_point);
	for (i = 0; (m = sasl_mech_at(i)) != NULL; i++)
		to->plus |= (m->flags & MECH_PLUS) && offered(m, ch, true);
}
