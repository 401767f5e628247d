/*
 * sasl_client_fuzz.c - a server says anything: the first byte picks the
 * mechanism, lines are its challenges.  It is never believed to know the
 * password, and does not learn it by SCRAM or CRAM-MD5.
 */
#include "sasl/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define SECRET "Secret-of-ours"

static void
check(const struct sasl_client *c, int rc, const struct str *said)
{
	bool scram = c->mech->step == client_scram;

	if (rc < 0 && (c->why[0] == '\0' || c->final))
		abort();
	if (scram && c->final)
		abort();
	if (!(c->mech->flags & MECH_CLEAR) && said->len > 0 &&
	    memmem(said->s, said->len, SECRET, strlen(SECRET)) != NULL)
		abort();
	if (said->len > 16000)
		abort();
}

/* many iterations cost time, and find nothing */
static bool
is_dear(struct slice line)
{
	size_t i, k;

	for (i = 0; i + 2 < line.n; i++) {
		if (line.p[i] != 'i' || line.p[i + 1] != '=')
			continue;
		for (k = i + 2; k < line.n && ascii_isdigit(
		    (unsigned char)line.p[k]); k++)
			;
		if (k - i > 6)
			return true;
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct sasl_client c;
	struct slice rest, line;
	struct str said = STR_INIT;
	int rc, steps = 0;

	/* who knows it may say it, and hears his nonce again */
	if (n == 0 || memmem(data, n, SECRET, strlen(SECRET)) != NULL)
		return 0;
	memset(&c, 0, sizeof(c));
	c.mech = sasl_client_at(data[0] % 9);
	c.channel = (struct sasl_channel){ .exporter = "EX",
	    .exporter_len = 2, .plus = data[0] & 0x80 };
	snprintf(c.user, sizeof(c.user), "ann");
	snprintf(c.secret, sizeof(c.secret), SECRET);
	snprintf(c.nonce, sizeof(c.nonce), "abc");
	rest = (struct slice){ (const char *)data + 1, n - 1 };
	rc = sasl_client_start(&c, &said);
	check(&c, rc, &said);
	while (rc == 0 && steps++ < 6 && slice_cut(&rest, '\n', &line)) {
		str_reset(&said);
		if (is_dear(line))
			break;
		rc = sasl_client_step(&c, line, &said);
		check(&c, rc, &said);
	}
	str_free(&said);
	sasl_client_wipe(&c);
	return 0;
}
