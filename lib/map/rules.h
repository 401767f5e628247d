/*
 * rules.h - inside lib/map: tables whose rows are tried one after the other,
 * the first that matches wins: pcre, cidr.
 *
 *   PATTERN value      !PATTERN value
 *   if PATTERN         if !PATTERN         endif
 *
 * A type reads its pattern; this is all around it.
 */
#ifndef MAP_RULES_H
#define MAP_RULES_H

#include "map/regex.h"
#include "map/table.h"

enum rule_kind { RULE_ROW, RULE_IF, RULE_ENDIF };

/* a network; IPv4 is ::ffff:a.b.c.d with 96 bits more */
struct map_net {
	unsigned char ip[16];
	unsigned char bits;
	bool v4;
};

struct map_rule {
	enum rule_kind kind;
	bool negate;
	size_t line;
	size_t end;		/* of an IF: the index of its ENDIF */
	struct slice shown;	/* the pattern as it was written */
	struct slice value;
	union {			/* of the type */
		struct regex *re;
		struct map_net net;
	};
};

enum { RULES_NEST = 32 };	/* if within if */

struct map_rules {
	struct map_table text;	/* its buffer and its name, no rows */
	struct map_rule *v;
	size_t n, cap;
	size_t open[RULES_NEST], depth;	/* while it is read: the IFs */
};

/* The pattern at *pp, which is set behind it; 0, or -1: err without place */
typedef int rule_pattern_fn(struct map_rule *r, char **pp, char *end,
    struct err *err);
/* is the value good for the pattern?  0, or -1 */
typedef int rule_value_fn(const struct map_rule *r, struct err *err);

/* r->text.buf becomes rules.  0, or -1: err with FILE:LINE */
int map_rules_parse(struct map_rules *r, rule_pattern_fn *pattern,
    rule_value_fn *value, struct err *err);
/* each row, its pattern as it was written */
int map_rules_each(const struct map_rules *r, map_each_fn *fn, void *ctx);
void map_rules_free(struct map_rules *r);	/* not the patterns */

#endif
