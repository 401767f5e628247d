/*
 * gate.c - field tables of gate's interfaces.
 */
#include "proto/gate.h"

#define FACT(m, k, d, ch, txt) { #m, k, 0, \
	offsetof(struct gate_client_in, facts.m), d, NULL, NULL, ch, txt }

static const struct field client_in[] = {
	F_STR(struct gate_client_in, session, "", "session id"),
	F_STR(struct gate_client_in, addr, "", "of the client, if not that "
	    "of the connection"),
	F_STR(struct gate_client_in, local_addr, "", "that it connected to"),
	F_INT(struct gate_client_in, port, "0", "0", "65535", "its port"),
	F_INT(struct gate_client_in, local_port, "0", "0", "65535",
	    "that it connected to"),
	F_BOOL(struct gate_client_in, tls, "no", "begins with TLS"),
	F_BOOL(struct gate_client_in, greeted, "no", "it has been greeted"),
	FACT(how, FIELD_ENUM, "untested", GATE_HOW, "why it was let through"),
	FACT(score, FIELD_INT, "0", NULL, "of lists in the DNS"),
	FACT(lists, FIELD_LIST, "", NULL, "that have it"),
	FACT(pregreet, FIELD_BOOL, "no", NULL, "it spoke first"),
	FACT(passed, FIELD_LIST, "", NULL, "tests"),
	FACT(waited, FIELD_INT, "0", NULL, "ms before the session"),
	FACT(proxy, FIELD_STR, "", NULL, "proxy that it came by"),
	F_END
};

static const struct field stat_out[] = {
	F_INT(struct gate_stat_out, held, "0", NULL, NULL, "clients now"),
	F_INT(struct gate_stat_out, waiting, "0", NULL, NULL,
	    "for a free session"),
	F_INT(struct gate_stat_out, asking, "0", NULL, NULL,
	    "for answers of lists"),
	F_INT(struct gate_stat_out, sessions, "0", NULL, NULL,
	    "handed over, not over yet"),
	F_INT(struct gate_stat_out, known, "0", NULL, NULL,
	    "clients in the cache"),
	F_INT(struct gate_stat_out, counted, "0", NULL, NULL,
	    "addresses and networks in the table"),
	F_INT(struct gate_stat_out, connections, "0", NULL, NULL,
	    "since the start"),
	F_INT(struct gate_stat_out, passed, "0", NULL, NULL,
	    "since the start"),
	F_INT(struct gate_stat_out, refused, "0", NULL, NULL,
	    "since the start"),
	F_INT(struct gate_stat_out, hangups, "0", NULL, NULL,
	    "since the start"),
	F_END
};

static const struct field look_in[] = {
	F_STR(struct gate_look_in, addr, NULL, "address; . for all"),
	F_END
};

static const struct field look_out[] = {
	F_BOOL(struct gate_look_out, known, "no", "in the cache"),
	F_INT(struct gate_look_out, pregreet, "0", NULL, NULL,
	    "s that the test need not be done"),
	F_INT(struct gate_look_out, dnsbl, "0", NULL, NULL,
	    "s that the test need not be done"),
	F_INT(struct gate_look_out, score, "0", NULL, NULL, "that it had"),
	F_INT(struct gate_look_out, connections, "0", NULL, NULL,
	    "of the address, now"),
	F_INT(struct gate_look_out, network_connections, "0", NULL, NULL,
	    "of its network, now"),
	F_INT(struct gate_look_out, rate, "0", NULL, NULL,
	    "connections of the address in the window"),
	F_INT(struct gate_look_out, network_rate, "0", NULL, NULL,
	    "connections of its network in the window"),
	F_INT(struct gate_look_out, refused, "0", NULL, NULL,
	    "of the address, since it is known"),
	F_END
};

const struct verb_def gate_client = {
	.name = "client",
	.in = client_in, .in_size = sizeof(struct gate_client_in),
	.flags = VERB_FD_IN | VERB_NO_REPLY,
	.doc = "a client to be served",
};

const struct verb_def gate_stat = {
	.name = "stat",
	.out = stat_out, .out_size = sizeof(struct gate_stat_out),
	.flags = VERB_AGAIN,
	.doc = "counts",
};

const struct verb_def gate_look = {
	.name = "look",
	.in = look_in, .in_size = sizeof(struct gate_look_in),
	.out = look_out, .out_size = sizeof(struct gate_look_out),
	.flags = VERB_AGAIN,
	.doc = "what is known of an address",
};

const struct verb_def gate_forget = {
	.name = "forget",
	.in = look_in, .in_size = sizeof(struct gate_look_in),
	.flags = VERB_AGAIN,
	.doc = "forget an address, or all",
};

const struct verb_def *const gate_verbs[] = {
	&gate_stat,
	&gate_look,
	&gate_forget,
	NULL
};
