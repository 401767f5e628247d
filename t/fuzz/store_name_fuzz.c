/* store_name_fuzz.c - names of messages and mailboxes: whatever they hold,
 * a path stays below its directory and a UIDL is one of RFC 1939 */
#include "store/name.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_name(struct slice in)
{
	struct str out = STR_INIT;
	struct mail_name n, again;
	size_t i;

	mail_name_parse(in, &n);
	if (n.unique.n > n.base.n || n.base.n > in.n)
		abort();
	mail_name_uidl(&out, n.unique, in.n & 1);
	if (out.len == 0 || out.len > 70)
		abort();
	for (i = 0; i < out.len; i++)
		if (out.s[i] <= 0x20 || out.s[i] >= 0x7f)
			abort();
	str_reset(&out);
	mail_name_flag(&out, &n, 'S');
	mail_name_parse(slice_str(&out), &again);
	if (!slice_eq(n.unique, again.unique) ||
	    slice_find(again.flags, 'S') == again.flags.n)
		abort();
	str_free(&out);
}

static void
check_home(struct slice in)
{
	char *mailbox = slice_dup(in);
	struct str out = STR_INIT;
	struct slice rest, part;
	struct err err;
	int parts = 0;

	if (store_home(&out, mailbox, &err) == 0) {
		rest = slice_str(&out);
		while (slice_cut(&rest, '/', &part)) {
			parts++;
			if (part.n == 0 || part.n > 255 || part.p[0] == '.')
				abort();
		}
		if (parts != 2)
			abort();
	}
	str_free(&out);
	free(mailbox);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };

	check_name(in);
	check_home(in);
	return 0;
}
