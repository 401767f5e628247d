/*
 * tests.c - which tests there are.
 */
#include "policy/internal.h"
#include "policy/tests.h"

const struct test tests[] = {
	/* test_fact.c: the names of facts, see fact.c */
	{ "client", POLICY_CONNECT, parse_fact, eval_fact, FACT_CLIENT, 0 },
	{ "client_name", POLICY_CONNECT, parse_fact, eval_fact,
	    FACT_CLIENT_NAME, POLICY_NEEDS_NAME },
	{ "reverse", POLICY_CONNECT, parse_fact, eval_fact, FACT_REVERSE,
	    POLICY_NEEDS_NAME },
	{ "helo", POLICY_HELO, parse_fact, eval_fact, FACT_HELO, 0 },
	{ "tls", POLICY_CONNECT, parse_fact, eval_fact, FACT_TLS, 0 },
	{ "cipher", POLICY_CONNECT, parse_fact, eval_fact, FACT_CIPHER, 0 },
	{ "tls_subject", POLICY_CONNECT, parse_fact, eval_fact,
	    FACT_TLS_SUBJECT, 0 },
	{ "tls_issuer", POLICY_CONNECT, parse_fact, eval_fact,
	    FACT_TLS_ISSUER, 0 },
	{ "tls_fingerprint", POLICY_CONNECT, parse_fact, eval_fact,
	    FACT_TLS_FINGERPRINT, 0 },
	{ "login", POLICY_MAIL, parse_fact, eval_fact, FACT_LOGIN, 0 },
	{ "mech", POLICY_MAIL, parse_fact, eval_fact, FACT_MECH, 0 },
	{ "protocol", POLICY_HELO, parse_fact, eval_fact, FACT_PROTOCOL, 0 },
	{ "service", POLICY_CONNECT, parse_fact, eval_fact, FACT_SERVICE, 0 },
	{ "server", POLICY_CONNECT, parse_fact, eval_fact, FACT_SERVER, 0 },
	{ "sender", POLICY_MAIL, parse_fact, eval_fact, FACT_SENDER, 0 },
	{ "sender_domain", POLICY_MAIL, parse_fact, eval_fact,
	    FACT_SENDER_DOMAIN, 0 },
	{ "recipient", POLICY_RCPT, parse_fact, eval_fact, FACT_RCPT, 0 },
	{ "recipient_domain", POLICY_RCPT, parse_fact, eval_fact,
	    FACT_RCPT_DOMAIN, 0 },
	{ "recipient_class", POLICY_RCPT, parse_fact, eval_fact,
	    FACT_RCPT_CLASS, 0 },
	{ "gate_lists", POLICY_CONNECT, parse_fact, eval_fact,
	    FACT_GATE_LISTS, 0 },
	/* test_simple.c */
	{ "true", POLICY_CONNECT, no_words, eval_flag, FLAG_TRUE, 0 },
	{ "trusted", POLICY_CONNECT, no_words, eval_flag, FLAG_TRUSTED, 0 },
	{ "esmtp", POLICY_HELO, no_words, eval_flag, FLAG_ESMTP, 0 },
	{ "recipient_unknown", POLICY_RCPT, no_words, eval_flag,
	    FLAG_RCPT_UNKNOWN, POLICY_NEEDS_REFUSED },
	{ "unauth_destination", POLICY_RCPT, no_words, eval_flag,
	    FLAG_UNAUTH_DESTINATION, POLICY_NEEDS_REFUSED },
	{ "tag", POLICY_CONNECT, parse_tag_test, eval_tag, 0, 0 },
	{ "score", POLICY_CONNECT, parse_number, eval_number, NUMBER_SCORE,
	    0 },
	{ "gate_score", POLICY_CONNECT, parse_number, eval_number,
	    NUMBER_GATE, 0 },
	{ "size", POLICY_MAIL, parse_number, eval_number, NUMBER_SIZE, 0 },
	{ "nrcpt", POLICY_RCPT, parse_number, eval_number, NUMBER_NRCPT, 0 },
	{ "tls_bits", POLICY_CONNECT, parse_number, eval_number, NUMBER_BITS,
	    0 },
	/* test_dnsbl.c */
	{ "dnsbl", POLICY_CONNECT, parse_dnsbl, eval_dnsbl, 0, 0 },
	/* test_rate.c */
	{ "rate", POLICY_CONNECT, parse_rate, eval_rate, 0, 0 },
	{ "greylist", POLICY_RCPT, parse_greylist, eval_greylist, 0, 0 },
	/* test_router.c */
	{ "sender_local", POLICY_MAIL, no_words, eval_sender, SENDER_LOCAL,
	    0 },
	{ "sender_unknown", POLICY_MAIL, no_words, eval_sender,
	    SENDER_UNKNOWN, 0 },
	{ "sender_login_mismatch", POLICY_MAIL, no_words, eval_sender,
	    SENDER_MISMATCH, 0 },
	{ "quota", POLICY_RCPT, parse_number, eval_quota, 0, 0 },
	{ "batv", POLICY_RCPT, parse_batv, eval_batv, 0,
	    POLICY_NEEDS_REFUSED },
	{ NULL, POLICY_CONNECT, NULL, NULL, 0, 0 }
};

int
no_words(const struct test *t UNUSED, struct words *w UNUSED, void **self_r,
    struct err *err UNUSED)
{
	*self_r = NULL;
	return 0;
}
