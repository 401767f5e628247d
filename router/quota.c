/*
 * quota.c - is there room in a mailbox?  local knows, as it sees the store.
 * Its answer is remembered for seconds, and where it gives none in time the
 * mailbox is taken to have room and nothing is asked for a while: delivery
 * checks again, and one slow disk must not hold up all recipients.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "proto/agent.h"
#include "router.h"

enum { SLOTS = 1024, NAME_MAX_KEPT = 320, PAUSE_MS = 10000 };

static struct slot {
	char mailbox[NAME_MAX_KEPT];
	uint64_t quota, used;
	int64_t until;		/* mono_ms */
	bool full;
} *slots;
static struct ipc local;
static int64_t quiet_until;

void
quota_init(void)
{
	slots = xcalloc(SLOTS, sizeof(*slots));
	ipc_init(&local, socket_path("local"), (int)conf.quota_timeout);
}

static struct slot *
slot_of(const char *mailbox)
{
	uint32_t h = 2166136261u;

	for (; *mailbox != '\0'; mailbox++)
		h = (h ^ (unsigned char)*mailbox) * 16777619u;
	return &slots[(h ^ h >> 16) % SLOTS];
}

/* what local says, or said; NULL: nothing */
static const struct slot *
ask(const char *mailbox, uint64_t quota)
{
	static struct slot unkept;
	struct local_quota_in in = { mailbox, quota };
	struct local_quota_out out;
	struct err ignored = ERR_INIT;
	struct slot *s = slot_of(mailbox);
	int64_t now = mono_ms();

	if (now < s->until && s->quota == quota &&
	    strcmp(s->mailbox, mailbox) == 0)
		return s;
	if (now < quiet_until)
		return NULL;
	if (ipc_call(&local, &local_quota, &in, -1, &out, NULL, NULL,
	    &ignored) < 0) {
		quiet_until = mono_ms() + PAUSE_MS;
		return NULL;
	}
	if (strlen(mailbox) >= NAME_MAX_KEPT)
		s = &unkept;
	slice_copy(s->mailbox, sizeof(s->mailbox), slice_of(mailbox));
	s->quota = quota;
	s->used = out.used;
	s->full = out.full;
	s->until = mono_ms() + conf.quota_cache;
	return s;
}

int
quota_full(const char *mailbox, uint64_t quota)
{
	const struct slot *s = ask(mailbox, quota);

	return s != NULL && s->full;
}

int64_t
quota_percent(const char *mailbox, uint64_t quota)
{
	const struct slot *s = ask(mailbox, quota);
	uint64_t percent;

	if (s == NULL)
		return -1;
	percent = s->used <= UINT64_MAX / 100 ? s->used * 100 / quota :
	    s->used / MAX(quota / 100, (uint64_t)1);
	return (int64_t)MIN(percent, (uint64_t)INT64_MAX);
}
