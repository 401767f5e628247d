/*
 * fields.h - the header of a message under way, as a list of fields that can
 * be changed.  In front are ours (Return-Path, Delivered-To, Received); what
 * the client sent comes behind them and is counted from 1.
 *
 * Texts borrow the header that was loaded, or lie in the arena of who changes
 * it.  A field that is not touched is printed as it was, byte for byte.
 */
#ifndef CLEANUP_FIELDS_H
#define CLEANUP_FIELDS_H

#include "base/str.h"
#include "proto/edit.h"

enum field_place {
	FIELD_OURS_FIRST,	/* stays in front: Return-Path, Delivered-To */
	FIELD_ABOVE,		/* inserted in front of ours */
	FIELD_OURS,
	FIELD_CLIENT,
};
struct one_field {
	struct slice name;
	struct slice text;	/* with its line ends */
	enum field_place place;
};
struct fields {
	struct one_field *v;	/* malloced */
	size_t n, cap;
	size_t changes;		/* that made a difference */
	bool blank;		/* an empty line ends it */
};

/* header: up to where the body starts; its first `trace` bytes are ours */
void fields_parse(struct fields *f, struct slice header, size_t trace);
void fields_free(struct fields *f);
/* one of EDIT_..._HEADER; 0, or -1: err_temp, a number that can not be */
int fields_edit(struct fields *f, const struct edit *e, struct arena *a,
    struct err *err);
/* another Return-Path, if there is one */
void fields_return_path(struct fields *f, const char *sender, bool utf8,
    struct arena *a);
/* append all; the last one ends with LF.  *trace_r: how much is ours, with
 * what stands in front of it. */
void fields_print(const struct fields *f, struct str *out, size_t *trace_r);

#endif
