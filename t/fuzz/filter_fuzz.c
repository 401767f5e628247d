/*
 * filter_fuzz.c - what milters, rspamd and clamd answer.
 */
#include "../../filter/clamd.h"
#include "../../filter/rspamd.h"
#include "milter/milter.h"
#include "peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ANSWER, OPTIONS, REPLY, HTTP, JSON, CLAMD, KINDS_ };

static void
answer(struct slice s)
{
	struct milter_answer r;
	struct str text = STR_INIT;
	struct err err;
	char *packet;

	if (s.n == 0)
		return;
	packet = xmalloc(s.n + 1);
	memcpy(packet, s.p, s.n);
	if (milter_read(packet, s.n, &r, &err) == 0) {
		assert(strlen(r.name) + strlen(r.value) < s.n + 1);
		milter_field_text(r.value, &text);
		assert(strchr(text.s, '\r') == NULL);
	}
	free(packet);
	str_free(&text);
}

static void
options(struct slice s, struct arena *a)
{
	struct milter_options o;
	struct err err;

	if (milter_read_optneg(s, 6, a, &o, &err) == 0)
		assert(o.version >= 2 && o.version <= 6 &&
		    (o.protocol & ~(uint32_t)SMFIP_ALL) == 0);
}

static void
reply(struct slice s, struct arena *a)
{
	struct str text = STR_INIT;
	struct err err;
	char dsn[12];
	int code;

	if (milter_read_reply(arena_slice(a, s), &code, dsn, &text,
	    &err) == 0)
		assert(code >= 400 && code < 600 &&
		    dsn[0] == (char)('0' + code / 100));
	str_free(&text);
}

static void
http(struct slice s)
{
	struct str body = STR_INIT;
	struct io io;
	struct err err;

	peer_says(&io, s);
	if (rspamd_http(&io, 4096, &body, &err) == 0)
		assert(body.len <= 4096);
	io_close(&io);
	str_free(&body);
}

/* what was let in is what edits_add takes, or refuses with an error */
static void
json(struct slice s, struct arena *a)
{
	struct rspamd_result r = { 0 };
	struct edits edits = { 0 };
	struct err err;
	size_t i;

	if (rspamd_read(s, a, &r, &err) == 0)
		assert(r.action >= 0 && r.text != NULL && r.subject != NULL);
	assert(r.n <= EDITS_MAX);
	for (i = 0; i < r.n; i++)
		edits_add(&edits, &r.v[i], -1, a, &err);
	edits_clear(&edits);
	free(r.v);
}

static void
clamd(struct slice s)
{
	struct slice name = SLICE_NULL;
	struct err err;

	if (clamd_read(s, &name, &err) > 0)
		assert(name.n < s.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	struct slice s;

	if (n == 0)
		return 0;
	s = (struct slice){ (const char *)data + 1, n - 1 };
	switch (data[0] % KINDS_) {
	case ANSWER:
		answer(s);
		break;
	case OPTIONS:
		options(s, &a);
		break;
	case REPLY:
		reply(s, &a);
		break;
	case HTTP:
		http(s);
		break;
	case JSON:
		json(s, &a);
		break;
	case CLAMD:
		clamd(s);
		break;
	}
	arena_free(&a);
	return 0;
}
