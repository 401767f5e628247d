/*
 * search_print.c - a search tree as text, for tests and logs.
 */
#include "imap/search.h"
#include "imap/write.h"

static const char *const ops[] = {
	[IMAP_S_ALL] = "ALL",
	[IMAP_S_AND] = "AND",
	[IMAP_S_OR] = "OR",
	[IMAP_S_NOT] = "NOT",
	[IMAP_S_FUZZY] = "FUZZY",
	[IMAP_S_SEQ] = "SEQ",
	[IMAP_S_UID] = "UID",
	[IMAP_S_FLAG] = "FLAG",
	[IMAP_S_KEYWORD] = "KEYWORD",
	[IMAP_S_HEADER] = "HEADER",
	[IMAP_S_BODY] = "BODY",
	[IMAP_S_TEXT] = "TEXT",
	[IMAP_S_BEFORE] = "BEFORE",
	[IMAP_S_ON] = "ON",
	[IMAP_S_SINCE] = "SINCE",
	[IMAP_S_LARGER] = "LARGER",
	[IMAP_S_SMALLER] = "SMALLER",
	[IMAP_S_OLDER] = "OLDER",
	[IMAP_S_YOUNGER] = "YOUNGER",
	[IMAP_S_MODSEQ] = "MODSEQ",
	[IMAP_S_EMAILID] = "EMAILID",
	[IMAP_S_THREADID] = "THREADID",
	[IMAP_S_SAVEDATESUPPORTED] = "SAVEDATESUPPORTED",
	[IMAP_S_FILTER] = "FILTER",
};

static void
put_text(struct str *out, struct slice s)
{
	str_addc(out, ' ');
	imap_put_string(out, s, true);
}

static void
put_argument(const struct imap_search_key *k, struct str *out)
{
	static const char *const dates[] = { "", "SENT", "SAVED" };

	switch (k->op) {
	case IMAP_S_SEQ:
	case IMAP_S_UID:
		str_addc(out, ' ');
		imap_seqset_print(&k->set, out);
		break;
	case IMAP_S_FLAG:
		str_addf(out, " %s", imap_flag_name((unsigned)k->n));
		break;
	case IMAP_S_HEADER:
		put_text(out, k->name);
		put_text(out, k->text);
		break;
	case IMAP_S_FILTER:
		put_text(out, k->name);
		break;
	case IMAP_S_BEFORE:
	case IMAP_S_ON:
	case IMAP_S_SINCE:
		str_addf(out, " %s%d", dates[k->date], k->day);
		break;
	case IMAP_S_KEYWORD:
	case IMAP_S_BODY:
	case IMAP_S_TEXT:
	case IMAP_S_EMAILID:
	case IMAP_S_THREADID:
		put_text(out, k->text);
		break;
	case IMAP_S_LARGER:
	case IMAP_S_SMALLER:
	case IMAP_S_OLDER:
	case IMAP_S_YOUNGER:
	case IMAP_S_MODSEQ:
		str_addf(out, " %llu", (unsigned long long)k->n);
		break;
	default:
		break;
	}
}

/* depth is bounded by the parser */
void
imap_search_print(const struct imap_search_key *k, struct str *out)
{
	const struct imap_search_key *c;

	str_addf(out, "(%s", ops[k->op]);
	put_argument(k, out);
	for (c = k->child; c != NULL; c = c->next) {
		str_addc(out, ' ');
		imap_search_print(c, out);
	}
	str_addc(out, ')');
}
