/*
 * tables.c - the tables of the configuration.  Trouble with any of them is
 * our own, and says nothing about an address.
 */
#include "router.h"

struct map_live mailboxes, aliases, virtual_domains, senders,
    relay_recipients, transport, sender_relayhost;
/* as many as conf has */
struct map_live *further_mailboxes, *further_aliases;

static struct map_live *
init_list(const struct strlist *specs)
{
	struct map_live *v = xcalloc(specs->n + 1, sizeof(*v));
	size_t i;

	for (i = 0; i < specs->n; i++)
		map_live_init(&v[i], specs->v[i]);
	return v;
}

static void
close_list(struct map_live *v, const struct strlist *specs)
{
	size_t i;

	for (i = 0; i < specs->n; i++)
		map_live_close(&v[i]);
	free(v);
}

void
tables_init(void)
{
	further_mailboxes = init_list(&conf.further_mailboxes);
	further_aliases = init_list(&conf.further_aliases);
	map_live_init(&mailboxes, conf.mailboxes);
	map_live_init(&aliases, conf.aliases);
	map_live_init(&virtual_domains, conf.virtual_domains);
	map_live_init(&senders, conf.senders);
	map_live_init(&relay_recipients, conf.relay_recipients);
	map_live_init(&transport, conf.transport);
	map_live_init(&sender_relayhost, conf.sender_relayhost);
}

void
tables_close(void)
{
	map_live_close(&mailboxes);
	map_live_close(&aliases);
	map_live_close(&virtual_domains);
	close_list(further_mailboxes, &conf.further_mailboxes);
	close_list(further_aliases, &conf.further_aliases);
	map_live_close(&senders);
	map_live_close(&relay_recipients);
	map_live_close(&transport);
	map_live_close(&sender_relayhost);
	place_forget();
}

int
our_trouble(struct err *err)
{
	err->kind = ERR_TEMP;
	slice_copy(err->dsn, sizeof(err->dsn), SLICE_LIT("4.3.0"));
	return -1;
}

int
table_get(struct map_live *t, const char *key, struct str *out,
    struct err *err)
{
	int r = map_live_get(t, key, out, err);

	return r < 0 ? our_trouble(err) : r;
}

int
table_get_further(struct map_live *v, const struct strlist *specs,
    const char *key, struct str *out, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; i < specs->n && r == 0; i++)
		r = table_get(&v[i], key, out, err);
	return r;
}

