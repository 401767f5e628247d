/*
 * tables.c - the tables of the configuration.  Trouble with any of them is
 * our own, and says nothing about an address.
 */
#include "router.h"

struct map_live mailboxes, aliases, virtual_domains, senders, domains,
    relay_recipients, transport, sender_relayhost, canonical_both,
    canonical_sender, canonical_recipient, relocated, sender_bcc,
    recipient_bcc;
/* as many as conf has */
struct map_live *further_mailboxes, *further_aliases;

static const struct {
	struct map_live *table;
	const char **spec;
} tables[] = {
	{ &mailboxes, &conf.mailboxes },
	{ &aliases, &conf.aliases },
	{ &virtual_domains, &conf.virtual_domains },
	{ &senders, &conf.senders },
	{ &domains, &conf.domains },
	{ &relay_recipients, &conf.relay_recipients },
	{ &transport, &conf.transport },
	{ &sender_relayhost, &conf.sender_relayhost },
	{ &canonical_both, &conf.canonical },
	{ &canonical_sender, &conf.canonical_sender },
	{ &canonical_recipient, &conf.canonical_recipient },
	{ &relocated, &conf.relocated },
	{ &sender_bcc, &conf.sender_bcc },
	{ &recipient_bcc, &conf.recipient_bcc },
};

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
	size_t i;

	further_mailboxes = init_list(&conf.further_mailboxes);
	further_aliases = init_list(&conf.further_aliases);
	for (i = 0; i < ARRAY_LEN(tables); i++)
		map_live_init(tables[i].table, *tables[i].spec ?
		    *tables[i].spec : "");
}

void
tables_close(void)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(tables); i++)
		map_live_close(tables[i].table);
	close_list(further_mailboxes, &conf.further_mailboxes);
	close_list(further_aliases, &conf.further_aliases);
	place_forget();
	include_forget();
}

static int
each_of(const struct strlist *l, int (*fn)(const char *, struct err *),
    struct err *err)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (fn(l->v[i], err) < 0)
			return -1;
	return 0;
}

static int
each_table(int (*fn)(const char *, struct err *), struct err *err)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(tables); i++)
		if (*tables[i].spec[0] != '\0' &&
		    fn(*tables[i].spec, err) < 0)
			return -1;
	return each_of(&conf.further_mailboxes, fn, err) < 0 ||
	    each_of(&conf.further_aliases, fn, err) < 0 ? -1 : 0;
}

int
tables_check(struct err *err)
{
	if (map_check(conf.mailboxes, err) < 0)
		return -1;
	return each_table(map_check, err);
}

int
tables_jail(struct err *err)
{
	return each_table(jail_table, err);
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
	int r;

	if (t->spec[0] == '\0')
		return 0;
	r = map_live_get(t, key, out, err);
	return r < 0 ? our_trouble(err) : r;
}

int
table_get_part(struct map_live *t, const char *key, struct str *out,
    struct err *err)
{
	int r;

	if (t->spec[0] == '\0' || key[0] == '\0')
		return 0;
	r = map_live_get_part(t, key, out, err);
	return r < 0 ? our_trouble(err) : r;
}

int
table_get_keys(struct map_live *t, const struct place_keys *k,
    size_t *at_r, struct str *out, struct err *err)
{
	int r = table_get(t, k->key[0], out, err);
	size_t i;

	*at_r = 0;
	for (i = 1; i < k->n && r == 0; i++) {
		r = table_get_part(t, k->key[i], out, err);
		*at_r = i;
	}
	return r;
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
