/*
 * sts_text_fuzz.c - what strangers publish: a policy, TXT records, the answer
 * of a web server, URIs.
 */
#include "../../stsd/http.h"
#include "../../stsd/text.h"
#include "peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { POLICY, RECORD, URI, HTTP };

/* what was let in is a policy, also when it is written out again */
static void
policy(struct slice s, struct arena *a)
{
	struct strlist lines = { 0 };
	struct str text = STR_INIT;
	struct sts_text p, q;
	struct err err;
	size_t i;

	if (policy_parse(s, a, &p, &err) < 0)
		return;
	assert(p.max_age >= 0 && p.max_age <= MAX_AGE_MAX);
	assert(p.mx.n <= STS_MX_MAX && (p.mx.n > 0 || p.mode == STS_NONE));
	policy_lines(&p, a, &lines);
	for (i = 0; i < lines.n; i++)
		str_addf(&text, "%s\r\n", lines.v[i]);
	if (policy_parse(slice_str(&text), a, &q, &err) < 0)
		abort();
	assert(q.mode == p.mode && q.max_age == p.max_age &&
	    q.mx.n == p.mx.n);
	for (i = 0; i < p.mx.n; i++)
		assert(strcmp(p.mx.v[i], q.mx.v[i]) == 0);
	str_free(&text);
}

static void
records(struct slice s, struct arena *a)
{
	struct strlist rr = { 0 }, rua = { 0 };
	struct slice one;
	char id[ID_MAX + 1];
	struct err err;
	size_t i;

	while (slice_cut(&s, '\n', &one))
		strlist_add(&rr, a, arena_slice(a, one));
	if (sts_txt(&rr, id, &err) > 0)
		assert(id[0] != '\0' && strlen(id) <= ID_MAX);
	if (tlsrpt_txt(&rr, a, &rua, &err) > 0)
		assert(rua.n > 0 && rua.n <= RUA_MAX);
	for (i = 0; i < rua.n; i++)
		assert(strlen(rua.v[i]) <= URI_MAX);
}

static void
uri(struct slice s, struct arena *a)
{
	char *z = arena_slice(a, s);
	const char *addr, *name;
	struct http_url u;

	if (mailto_address(z, a, &addr))
		assert(strchr(addr, '@') != NULL &&
		    strpbrk(addr, "\r\n") == NULL);
	if (http_url_parse(z, &u))
		assert(u.host.n > 0 && u.path[0] == '/' &&
		    strpbrk(u.path, " \r\n") == NULL);
	name = domain_name(z, a);
	if (name != NULL)
		assert(pattern_valid(slice_of(name)));
}

static void
http(struct slice s)
{
	struct http_answer r = { .body = STR_INIT };
	struct io io;
	struct err err;

	peer_says(&io, s);
	if (http_read(&io, 4096, &r, &err) == 0)
		assert(r.status >= 100 && r.body.len <= 4096);
	io_close(&io);
	str_free(&r.body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	struct slice s;

	if (n == 0)
		return 0;
	s = (struct slice){ (const char *)data + 1, n - 1 };
	if (data[0] % 4 == POLICY)
		policy(s, &a);
	else if (data[0] % 4 == RECORD)
		records(s, &a);
	else if (data[0] % 4 == URI)
		uri(s, &a);
	else
		http(s);
	arena_free(&a);
	return 0;
}
