/*
 * tests.h - inside lib/policy: the functions behind the rows of tests.c.
 */
#ifndef POLICY_TESTS_H
#define POLICY_TESTS_H

#include "policy/internal.h"

#define TEST_PARSE(f) int f(const struct test *t, struct words *w, \
    void **self_r, struct err *err)
#define TEST_EVAL(f) int f(const struct test *t, void *self, \
    struct eval *e, struct err *err)

/* test_fact.c: arg is the enum fact */
TEST_PARSE(parse_fact);
TEST_EVAL(eval_fact);
/* test_simple.c */
enum { FLAG_TRUE, FLAG_TRUSTED, FLAG_ESMTP, FLAG_RCPT_UNKNOWN,
	FLAG_UNAUTH_DESTINATION };
TEST_EVAL(eval_flag);
TEST_PARSE(parse_tag_test);
TEST_EVAL(eval_tag);
enum { NUMBER_SCORE, NUMBER_GATE, NUMBER_SIZE, NUMBER_NRCPT, NUMBER_BITS };
/* OP NUMBER: >= 10M; for test_dnsbl.c, too */
struct comparison {
	int op;
	int64_t n;
};
int comparison_parse(struct words *w, struct comparison *c, struct err *err);
bool comparison_holds(const struct comparison *c, int64_t n);
TEST_PARSE(parse_number);
TEST_EVAL(eval_number);
/* test_dnsbl.c */
TEST_PARSE(parse_dnsbl);
TEST_EVAL(eval_dnsbl);
struct lists;
/* `listed ZONE ...': of a fact */
int lists_parse(struct words *w, struct lists **l_r, struct err *err);
int lists_ask(struct lists *l, const char *z, bool domain, struct eval *e,
    struct err *err);
/* test_rate.c */
TEST_PARSE(parse_rate);
TEST_EVAL(eval_rate);
TEST_PARSE(parse_greylist);
TEST_EVAL(eval_greylist);
/* test_router.c */
enum { SENDER_LOCAL, SENDER_UNKNOWN, SENDER_MISMATCH };
TEST_EVAL(eval_sender);
TEST_EVAL(eval_quota);
TEST_PARSE(parse_batv);
TEST_EVAL(eval_batv);

#endif
