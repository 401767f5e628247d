/*
 * dnsbl.h - lists of addresses in the DNS (RFC 5782): which are asked, what
 * their answers count, and the sum.
 *
 * A word of a list of lists is [NAME:]DOMAIN[=FILTER][*WEIGHT]:
 *
 *   zen.example.org=127.0.0.[2..11]*3    bad.example.net    ok.example*-2
 *   zen:SECRETKEY.zen.example.net=127.0.0.[2;4..6]*4
 *
 * NAME is what clients and logs are told, the domain unless it is given.  The
 * filter is four octets, each a number or numbers and ranges in brackets, with
 * `;' between them; without one each address of 127.0.0.0/8 counts but
 * 127.0.0.1 and 127.255.255.0/24, by which lists say that they refuse to
 * answer.  WEIGHT is 1 unless it is given; a negative one is for lists of good
 * clients.  What is no address of 127.0.0.0/8 never counts: a domain that is
 * parked answers with that.  Words with the same domain are asked once.
 *
 * An answer that does not come, or in which DNS fails, counts nothing.
 */
#ifndef SERVE_DNSBL_H
#define SERVE_DNSBL_H

#include "serve/dns.h"

enum { DNSBL_MAX = 64, DNSBL_WEIGHT_MAX = 1000 };

struct dnsbl_list {
	const char *name;	/* for people */
	size_t zone;		/* index in dnsbl.zone */
	int weight;
	bool filtered;
	uint64_t octet[4][4];	/* bits of the values that match */
};

/* up to DNSBL_MAX lists, in up to as many zones: the domains to be asked */
struct dnsbl {
	struct dnsbl_list *list;
	size_t lists;
	const char **zone;
	size_t zones;
};

/* what a client has so far */
struct dnsbl_result {
	int score;
	uint64_t hits;		/* a bit for each list that has it */
	uint64_t silent;	/* and for each zone that gave no answer */
};

/* Words as above; all in the arena.  0, or -1: err names the word. */
int dnsbl_parse(const struct strlist *words, struct arena *a,
    struct dnsbl *d, struct err *err);
/* append the name at which a zone is asked (for an A record) about an address:
 * false: it is no address.  An IPv4 address that was mapped is one of IPv4 */
bool dnsbl_name(const char *zone, const char *addr, struct str *out);
/* the same for lists of domain names */
void dnsbl_domain_name(const char *zone, const char *domain,
    struct str *out);
/* the answer of one zone, added to what is known */
void dnsbl_take(const struct dnsbl *d, size_t zone,
    const struct dns_answer *a, struct dnsbl_result *r);
/* append the names of the lists in a set of bits, parted by sep; bad: only of
 * those that count against a client */
void dnsbl_names(const struct dnsbl *d, uint64_t hits, bool bad,
    const char *sep, struct str *out);

/*
 * All at once, for who can wait: ask every zone about the address (or, with
 * domain true, the domain) what.  0, also where lists were silent; or -1: dnsd
 * is not there, nothing is known.
 */
int dnsbl_ask(const struct dnsbl *d, const char *what, bool domain,
    int timeout_ms, const char *session, struct dnsbl_result *r,
    struct err *err);

#endif
