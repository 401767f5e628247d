/*
 * tickets.c - secrets of session tickets.  A new one comes three times in a
 * ticket_lifetime; one is forgotten at its end.
 */
#include "keyd.h"

#include <event2/event.h>
#include <openssl/crypto.h>

#include "base/clock.h"

enum { SECRET = 80, KEEP = 4, PARTS = 3 };

static struct secret {
	unsigned char bytes[SECRET];
	int64_t born;		/* mono_ms; 0: none */
} secrets[KEEP];		/* the newest first */
static int64_t next;		/* mono_ms of the next new one */
static struct event *timer;

static void
rotate(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	int64_t now = mono_ms(), step = MAX(conf.ticket_lifetime / PARTS, 1);
	struct timeval tv = { step / 1000, step % 1000 * 1000 };
	size_t i;

	memmove(&secrets[1], &secrets[0], (KEEP - 1) * sizeof(secrets[0]));
	random_bytes(secrets[0].bytes, SECRET);
	secrets[0].born = now;
	for (i = 1; i < KEEP; i++)
		if (now - secrets[i].born >= conf.ticket_lifetime)
			OPENSSL_cleanse(&secrets[i], sizeof(secrets[i]));
	next = now + step;
	evtimer_add(timer, &tv);
}

int
tickets_start(struct err *err)
{
	timer = evtimer_new(hub_base, rotate, NULL);
	if (timer == NULL)
		return err_temp(err, "4.3.0", "evtimer_new");
	rotate(-1, 0, NULL);
	return 0;
}

void
tickets_wipe(void)
{
	OPENSSL_cleanse(secrets, sizeof(secrets));
}

int
tickets_list(struct call *c, const void *in UNUSED, void *res,
    struct err *err UNUSED)
{
	struct key_tickets_out *out = res;
	struct str b64 = STR_INIT;
	size_t i;

	for (i = 0; i < KEEP; i++) {
		if (secrets[i].born == 0)
			continue;
		str_reset(&b64);
		base64_encode(&b64, secrets[i].bytes, SECRET);
		strlist_add(&out->keys, c->arena, arena_slice(c->arena,
		    slice_str(&b64)));
	}
	str_free(&b64);
	out->next = MAX(next - mono_ms(), (int64_t)1);
	return 0;
}
