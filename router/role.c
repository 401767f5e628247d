/*
 * role.c - who reads the mail of postmaster and abuse where nobody is called
 * so.
 */
#include "conf/common.h"
#include "map/users.h"
#include "router.h"

/* the postmaster where nobody is: the first mailbox that gets mail */
static struct {
	uint64_t opened;	/* of the mailboxes that it was looked for in */
	char *addr;		/* NULL: none */
} first;

void
place_forget(void)
{
	free(first.addr);
	first.addr = NULL;
	first.opened = 0;
}

static int
try_first(void *ctx, struct slice key, struct slice value)
{
	struct slice def = slice_of(domain_default());
	struct arena *a = ctx;
	struct user_record u;
	struct err err = ERR_INIT;
	size_t at = slice_rfind(key, '@');
	bool preferred = at < key.n && slice_ieq(def,
	    slice_sub(key, at + 1, key.n));

	arena_reset(a);
	if (!user_key_valid(key) || (first.addr != NULL && !preferred) ||
	    user_parse(value, &u, a, &err) < 0 || u.disabled)
		return 0;
	free(first.addr);
	first.addr = slice_dup(key);
	return preferred;
}

/* the address of the first mailbox, of the default domain where it has one */
static int
first_mailbox(const char **addr, struct err *err)
{
	struct arena a = { 0 };
	int r = 0;

	if (map_live_refresh(&mailboxes, err) < 0)
		return our_trouble(err);
	if (first.opened != mailboxes.opened && map_can_list(mailboxes.map)) {
		free(first.addr);
		first.addr = NULL;
		r = map_each(mailboxes.map, try_first, &a, err);
		arena_free(&a);
		if (r < 0)
			return our_trouble(err);
		first.opened = mailboxes.opened;
	}
	*addr = first.addr;
	return first.addr != NULL;
}

/* RFC 5321 section 4.5.1, RFC 2142: somebody reads these in every domain */
int
postmaster_find(struct query *q, struct place *p, struct err *err)
{
	struct smtp_address key = { 0 };
	struct str text = STR_INIT;
	const char *addr = common.postmaster;
	struct slice s;
	int r;

	if (addr[0] == '\0') {
		r = first_mailbox(&addr, err);
		if (r < 0)
			return -1;
		if (r == 0)
			return err_temp(err, "4.3.0", "no mailbox for %s",
			    q->k.local[q->k.n - 1]);
		/* a key is not quoted */
		s = slice_of(addr);
		key.local = slice_sub(s, 0, slice_rfind(s, '@'));
		key.domain = slice_sub(s, key.local.n + 1, s.n);
		smtp_address_print(&key, &text);
		addr = arena_slice(q->a, slice_str(&text));
		str_free(&text);
	}
	p->class = CLASS_ALIAS;
	p->targets = addr;
	trace_step("role", "%s is nobody's: to %s", q->k.local[q->k.n - 1],
	    addr);
	p->fallback = true;
	return 1;
}
