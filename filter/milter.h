/*
 * milter.h - inside filter: one connection to a milter.
 */
#ifndef FILTER_MILTER_H
#define FILTER_MILTER_H

#include "filter.h"
#include "milter/milter.h"

struct milter {
	struct io io;
	bool connected;
	bool reused;		/* it served a client before */
	struct milter_options o;
	struct arena arena;	/* of its options */
	char *packet;		/* the answer under way */
	int64_t end;		/* of showing it the content; 0: none */
};

/* Write what it does not answer, in the time for an answer.  0, or -1 */
int milter_flush(struct member *m, struct err *err);

/* A command was put; wait for what it says of it.  0 and v, or -1 */
int milter_answer_stage(struct member *m, int cmd, struct verdict *v,
    struct err *err);
/* The next answer but "progress", which moves the deadline by ms (at most to
 * `end`, mono_ms).  0, or -1 */
int milter_next(struct milter *t, struct milter_answer *r, int64_t ms,
    int64_t end, struct err *err);
/* an answer that decides: 1, 0: another one, -1 err */
int milter_verdict(struct member *m, const struct milter_answer *r, int cmd,
    struct verdict *v, struct err *err);
/* the macros that this milter wants with cmd */
void milter_put_macros(struct member *m, int cmd,
    const struct filter_rcpt_in *rcpt);
/* milter_body.c */
int milter_content(struct member *m, struct view *view,
    const struct filter_content_in *in, struct verdict *v, struct err *err);

#endif
