/*
 * capability.c - the table of capabilities.
 */
#include "capability.h"

enum { BEFORE = 1, AFTER = 2, BOTH = 3 };

static const struct { const char *name; int when; } table[] = {
	{ "IMAP4rev1", BOTH },
	{ "IMAP4rev2", BOTH },
	{ "LITERAL+", BOTH },
	{ "SASL-IR", BEFORE },
	{ "ENABLE", BOTH },
	{ "ID", BOTH },
	{ "ACL", AFTER },
	{ "BINARY", AFTER },
	{ "CATENATE", AFTER },
	{ "CHILDREN", AFTER },
	{ "CONDSTORE", AFTER },
	{ "CONTEXT=SEARCH", AFTER },
	{ "CONTEXT=SORT", AFTER },
	{ "CREATE-SPECIAL-USE", AFTER },
	{ "ESEARCH", AFTER },
	{ "ESORT", AFTER },
	{ "FILTERS", AFTER },
	{ "I18NLEVEL=1", AFTER },
	{ "IDLE", AFTER },
	{ "INPROGRESS", AFTER },
	{ "LIST-EXTENDED", AFTER },
	{ "LIST-METADATA", AFTER },
	{ "LIST-MYRIGHTS", AFTER },
	{ "LIST-STATUS", AFTER },
	{ "METADATA", AFTER },
	{ "MOVE", AFTER },
	{ "MULTIAPPEND", AFTER },
	{ "NAMESPACE", AFTER },
	{ "NOTIFY", AFTER },
	{ "OBJECTID", AFTER },
	{ "PARTIAL", AFTER },
	{ "PREVIEW", AFTER },
	{ "QRESYNC", AFTER },
	{ "QUOTA", AFTER },
	{ "QUOTA=RES-STORAGE", AFTER },
	{ "REPLACE", AFTER },
	{ "RIGHTS=kxte", AFTER },
	{ "SAVEDATE", AFTER },
	{ "SEARCH=FUZZY", AFTER },
	{ "SEARCHRES", AFTER },
	{ "SORT", AFTER },
	{ "SORT=DISPLAY", AFTER },
	{ "SPECIAL-USE", AFTER },
	{ "STATUS=SIZE", AFTER },
	{ "THREAD=ORDEREDSUBJECT", AFTER },
	{ "THREAD=REFERENCES", AFTER },
	{ "THREAD=REFS", AFTER },
	{ "UIDONLY", AFTER },
	{ "UIDPLUS", AFTER },
	{ "UNSELECT", AFTER },
	{ "UTF8=ACCEPT", AFTER },
	{ "WITHIN", AFTER },
};

static void
add_login(struct str *out, const struct capability_facts *f)
{
	struct slice rest = slice_of(f->mechs), name;

	if (f->starttls)
		str_adds(out, " STARTTLS");
	if (!f->may_login)
		str_adds(out, " LOGINDISABLED");
	while (slice_word(&rest, &name))
		str_addf(out, " AUTH=%.*s", (int)name.n, name.p);
}

void
capability_list(struct str *out, const struct capability_facts *f)
{
	int now = f->login ? BEFORE : AFTER;
	bool first = true;
	size_t i;

	for (i = 0; i < ARRAY_LEN(table); i++) {
		if (!(table[i].when & now))
			continue;
		str_addf(out, first ? "%s" : " %s", table[i].name);
		first = false;
	}
	if (f->login) {
		add_login(out, f);
		return;
	}
	str_addf(out, " APPENDLIMIT=%lld", (long long)f->append_limit);
	if (!f->compressed)
		str_adds(out, " COMPRESS=DEFLATE");
	if (f->back)
		str_adds(out, " UNAUTHENTICATE");
}
