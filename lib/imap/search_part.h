/*
 * search_part.h - what the files of the search parser share.
 */
#ifndef IMAP_SEARCH_PART_H
#define IMAP_SEARCH_PART_H

#include "imap/search.h"

struct search_parse {
	struct imap_lex *l;
	struct imap_search *r;
	struct slice charset;	/* "": UTF-8 */
	unsigned depth;
};
/* key *(SP key), into one node */
bool search_keys(struct search_parse *p, struct imap_search_key **key_r);
/* an astring of the client's charset, in UTF-8 */
bool search_string(struct search_parse *p, struct slice *r);

#endif
