/*
 * keyd_fuzz.c - any bytes as what is to be signed, and as a voucher.  What is
 * taken for a step of a handshake has the shape of one, and a voucher that
 * was read can be written again as it was.
 */
#include "../../keyd/tbs.h"
#include "../../keyd/voucher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const unsigned char secret[VOUCHER_SECRET] = { 7 };

static void
tbs(struct slice in)
{
	enum tbs kind = tbs_kind(in);

	if (kind == TBS_13) {
		assert(in.n == 64 + 34 + 32 || in.n == 64 + 34 + 48);
		assert(in.p[0] == ' ' && in.p[63] == ' ');
	} else if (kind == TBS_12) {
		assert(in.n > 64 + 4 && in.n <= 64 + 3 * 1026);
		/* an octet less is none */
		in.n--;
		assert(tbs_kind(in) == TBS_NONE);
	}
}

static void
read_voucher(const char *text)
{
	struct key_vouch_in out = { 0 };
	struct arena a = { 0 };
	struct err err = ERR_INIT;

	if (voucher_read(secret, text, 0, &a, &out, &err) == 0)
		assert(out.session && out.fingerprint && out.subject);
	else
		assert(err.kind == ERR_PERM);
	arena_free(&a);
}

/* the strings of the input as a voucher of our own */
static void
round_trip(struct slice in)
{
	struct key_vouch_in v = { .session = "", .fingerprint = "",
		.subject = "" }, out;
	struct arena a = { 0 };
	struct err err = ERR_INIT;
	struct str text = STR_INIT;
	struct slice part;
	size_t i;

	for (i = 0; i < 40 && slice_cut(&in, '\n', &part); i++) {
		const char *z = arena_slice(&a, part);

		if (i == 0)
			v.session = z;
		else if (i == 1)
			v.subject = z;
		else
			strlist_add(&v.mailboxes, &a, z);
	}
	if (voucher_make(secret, &v, 5, &text, &err) == 0) {
		assert(voucher_read(secret, text.s, 4, &a, &out, &err) == 0);
		assert(strcmp(out.session, v.session) == 0);
		assert(strcmp(out.subject, v.subject) == 0);
		assert(out.mailboxes.n == v.mailboxes.n);
	}
	str_free(&text);
	arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	char *text = slice_dup(in);

	tbs(in);
	read_voucher(text);
	round_trip(in);
	free(text);
	return 0;
}
