/*
 * count.c - what stsd is told of sessions: never waited for, and dropped
 * where stsd is away.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "policy_part.h"

enum { TELL_MS = 50, PAUSE_MS = 5000 };

static void
tell(const struct sts_count_in *in)
{
	static struct ipc stsd;
	static int64_t pause;
	struct err ignored;

	if (mono_ms() < pause)
		return;
	if (stsd.path == NULL)
		ipc_init(&stsd, socket_path("stsd"), TELL_MS);
	if (ipc_tell(&stsd, &sts_count, in, &ignored) == 0)
		return;
	ipc_close(&stsd);
	pause = mono_ms() + PAUSE_MS;
}

/* only what is about TLS: that tlsd or we are in trouble is no result */
static bool
about_tls(const struct err *why)
{
	return why == NULL || strncmp(why->dsn, "4.7.", 4) == 0;
}

bool
policy_fallback(const struct tls_policy *p, const struct err *why)
{
	return p->fallback && about_tls(why);
}

void
policy_count(const struct tls_policy *p, const struct targets *all,
    const struct target *t, const char *local, const char *helo,
    enum sts_result result, const struct err *why)
{
	struct sts_count_in in = { .domain = all->domain, .kind = p->kind,
		.policy = p->text, .mx = p->mx, .result = result, .n = 1,
		.source = local, .mx_host = t->host, .mx_helo = helo,
		.mx_addr = t->addr, .reason = why != NULL ? why->text : "",
		.sender = p->sender };

	if (!policy_conf->reports || t->port == 0 ||
	    (result != STS_NO_STARTTLS && !about_tls(why)))
		return;
	tell(&in);
}

static const struct { const char *text; enum sts_result result; } reasons[] = {
	{ TLS_WHY_EXPIRED, STS_EXPIRED },
	{ TLS_WHY_NAME, STS_HOST_MISMATCH },
	{ TLS_WHY_ADDRESS, STS_HOST_MISMATCH },
	{ TLS_WHY_CERTIFICATE, STS_NOT_TRUSTED },
	{ TLS_WHY_TLSA, STS_TLSA_INVALID },
};

enum sts_result
policy_result(const struct tls_policy *p UNUSED, const struct err *why)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(reasons); i++)
		if (slice_starts(slice_of(why->text), reasons[i].text))
			return reasons[i].result;
	return STS_VALIDATION;
}

void
policy_done(const struct tls_policy *p, const struct targets *all,
    const struct target *t, const char *local, const char *helo,
    const struct tls_facts_out *facts)
{
	struct err why = ERR_INIT;

	if (p->counted)
		return;
	if (!p->testing || facts->verified) {
		policy_count(p, all, t, local, helo, STS_SUCCESS, NULL);
		return;
	}
	err_temp(&why, "4.7.5", "%s", facts->why);
	policy_count(p, all, t, local, helo, policy_result(p, &why), &why);
}
