/*
 * impl.h - between the files of this folder only.
 */
#ifndef MIME_IMPL_H
#define MIME_IMPL_H

#include "mime/address.h"
#include "mime/part.h"

/* header.c: the length of a field's name at the start of a line, with the
 * index of its colon; 0: the line is no field */
size_t mime_field_name(struct slice line, size_t *colon_r);
/* octets of an empty line at s (1 or 2), or 0 */
size_t mime_blank_line(struct slice s);

/* part_field.c: take what the field says into the part */
void mime_part_field(struct mime_part *part, struct slice name,
    struct slice value, unsigned max_params, struct arena *a);

/* address.c: one more address */
void mime_address_push(struct mime_addresses *r, struct arena *a,
    struct mime_address m);
/* address_plain.c: mime_addresses_parse for what is written plainly; false:
 * it is not, and nothing was appended */
bool mime_addresses_plain(struct slice value, size_t max, struct arena *a,
    struct mime_addresses *r);

/* utf8.c: octets of the UTF-8 character at p (n > 0 are there) with its code
 * point; 0: none.  NUL is a character here. */
size_t mime_utf8_get(const char *p, size_t n, uint32_t *cp_r);
void mime_utf8_put(uint32_t cp, struct str *out);
/* how much of s is whole characters: all of it, or what is before an
 * unfinished one at its end */
size_t mime_utf8_whole(struct slice s);
/* octets at the start of s that are ASCII without NUL */
size_t mime_ascii_run(struct slice s);

#endif
