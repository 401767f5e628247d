/*
 * search.h - SEARCH, SORT and THREAD arguments as a tree: RFC 3501 and 9051
 * section 6.4.4, RFC 4731 (RETURN), 5032 (WITHIN), 5182 ($), 5256 and 5957
 * (SORT, THREAD), 5267 (CONTEXT), 5466 (FILTER), 6203 (FUZZY), 7162 (MODSEQ),
 * 8474, 8514, 9394.
 *
 * All strings of the tree are valid UTF-8 without NUL, converted from the
 * client's charset.  The depth of the tree is at most limits.depth, its
 * nodes at most limits.count, so an evaluator may recurse.  All memory is the
 * arena's of the command.
 */
#ifndef IMAP_SEARCH_H
#define IMAP_SEARCH_H

#include "imap/lex.h"

enum imap_search_op {
	IMAP_S_ALL,
	IMAP_S_AND,		/* of child and its siblings */
	IMAP_S_OR,		/* of child and its siblings, two or more */
	IMAP_S_NOT,		/* of child */
	IMAP_S_FUZZY,		/* child, matched loosely */
	IMAP_S_SEQ,		/* set: sequence numbers, or saved ($) */
	IMAP_S_UID,		/* set, or saved */
	IMAP_S_FLAG,		/* n: one bit of IMAP_SEEN ..., is set.  NEW,
				 * OLD, UNSEEN are spread into AND and NOT */
	IMAP_S_KEYWORD,		/* text */
	IMAP_S_HEADER,		/* name has text in it; text empty: exists.
				 * FROM, TO, CC, BCC, SUBJECT, too */
	IMAP_S_BODY,		/* text */
	IMAP_S_TEXT,		/* text */
	IMAP_S_BEFORE,		/* date, day: internal date < */
	IMAP_S_ON,
	IMAP_S_SINCE,		/* >= */
	IMAP_S_LARGER,		/* n: octets, > */
	IMAP_S_SMALLER,		/* < */
	IMAP_S_OLDER,		/* n: seconds, internal date <= now - n */
	IMAP_S_YOUNGER,		/* >= now - n */
	IMAP_S_MODSEQ,		/* n: >=; name, entry type are checked, left */
	IMAP_S_EMAILID,		/* text */
	IMAP_S_THREADID,	/* text */
	IMAP_S_SAVEDATESUPPORTED,
	IMAP_S_FILTER,		/* name: parse its text, put the tree here */
};
enum imap_search_date { IMAP_DATE_INTERNAL, IMAP_DATE_SENT, IMAP_DATE_SAVED };

struct imap_search_key {
	enum imap_search_op op;
	struct imap_search_key *child, *next;
	enum imap_search_date date;
	int32_t day;		/* since 1970-01-01; zones are disregarded */
	uint64_t n;
	struct slice name, text;
	struct imap_seqset set;	/* as it came: imap_seqset_resolve first */
};

enum {
	IMAP_RETURN_MIN = 1, IMAP_RETURN_MAX = 2, IMAP_RETURN_ALL = 4,
	IMAP_RETURN_COUNT = 8, IMAP_RETURN_SAVE = 16,
	IMAP_RETURN_PARTIAL = 32, IMAP_RETURN_UPDATE = 64,
	IMAP_RETURN_CONTEXT = 128, IMAP_RETURN_RELEVANCY = 256,
};
enum imap_sort_key {
	IMAP_SORT_ARRIVAL, IMAP_SORT_CC, IMAP_SORT_DATE, IMAP_SORT_FROM,
	IMAP_SORT_SIZE, IMAP_SORT_SUBJECT, IMAP_SORT_TO,
	IMAP_SORT_DISPLAYFROM, IMAP_SORT_DISPLAYTO, IMAP_SORT_RELEVANCY,
};
struct imap_sort {
	enum imap_sort_key key;
	bool reverse;
};
enum imap_thread { IMAP_THREAD_NONE, IMAP_THREAD_ORDEREDSUBJECT,
	IMAP_THREAD_REFERENCES, IMAP_THREAD_REFS };
enum { IMAP_SORT_MAX = 20 };

struct imap_search {
	bool esearch;		/* RETURN was given: answer with ESEARCH */
	unsigned returns;	/* IMAP_RETURN_*; RETURN () is ALL */
	struct imap_partial page;	/* with IMAP_RETURN_PARTIAL */
	struct imap_sort sort[IMAP_SORT_MAX];
	size_t n_sort;
	enum imap_thread thread;
	struct imap_search_key *root;
	bool modseq;		/* MODSEQ is in it: report the highest */
	bool saved;		/* $ is in it */
	bool fuzzy;		/* FUZZY is in it */
	bool has_filter;
	unsigned keys;		/* how many nodes */
};

/* Each reads everything behind the command's name, with the blank in front
 * of it, and leaves the end of the line to imap_lex_end.  An unknown
 * charset is NO [BADCHARSET (US-ASCII UTF-8)]. */
bool imap_search_parse(struct imap_lex *l, struct imap_search *r);
bool imap_sort_parse(struct imap_lex *l, struct imap_search *r);
bool imap_thread_parse(struct imap_lex *l, struct imap_search *r);
/* parts of them: RETURN's "(...)"; keys to the end of the line (charset
 * empty: UTF-8; ESEARCH of RFC 7377, and filters) */
bool imap_search_returns(struct imap_lex *l, struct imap_search *r);
bool imap_search_program(struct imap_lex *l, struct slice charset,
    struct imap_search *r);
/* the tree in one line, each key in its shortest form: for tests and logs */
void imap_search_print(const struct imap_search_key *k, struct str *out);

#endif
