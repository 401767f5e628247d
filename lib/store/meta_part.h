/*
 * meta_part.h - shared by the parts of meta.h, of use to nobody else.
 */
#ifndef STORE_META_PART_H
#define STORE_META_PART_H

#include "store/meta.h"

enum {
	META_ROW_MAX = 65535,	/* what is longer is not kept */
	META_PARTS = 13,	/* slices of a row */
};

/* the row of a message in memory; its bytes go to buf (reset before) */
struct meta_make {
	struct arena arena;
	struct str part[META_PARTS], text;
};
/* preview false: that is the part that costs most, and few clients ask for it;
 * it is NULL then */
void meta_make(struct meta_make *mk, struct slice msg, bool preview,
    struct meta_row *row);
void meta_make_free(struct meta_make *mk);

/* the slices of a row, in their order */
void meta_parts(struct meta_row *r, struct slice *v[META_PARTS]);

/* A row as the file keeps it, appended: 1, or 0 where it is too long */
int meta_encode(struct str *out, uint64_t key, const struct meta_row *row);
/* 1, or 0: it is damaged; *row borrows s */
int meta_decode(struct slice s, uint64_t key, struct meta_row *row);

#endif
