/*
 * read.c - answers of a milter.
 */
#include "milter/milter.h"

#include <arpa/inet.h>

#include "smtp/reply.h"

static int
bad(struct err *err, const char *why)
{
	return err_temp(err, "4.3.0", "milter: %s", why);
}

static uint32_t
get_u32(const char *p)
{
	uint32_t be;

	memcpy(&be, p, sizeof(be));
	return ntohl(be);
}

int
milter_length(const char four[4], size_t *n_r, struct err *err)
{
	uint32_t n = get_u32(four);

	if (n == 0)
		return bad(err, "an empty packet");
	if (n > MILTER_ANSWER_MAX)
		return bad(err, "a packet that is far too long");
	*n_r = n;
	return 0;
}

/* cut a string with its NUL off rest; 1, 0 at the end, -1 no NUL */
static int
cut_z(struct slice *rest, struct slice *z)
{
	size_t at = slice_find(*rest, '\0');

	if (rest->n == 0)
		return 0;
	if (at == rest->n)
		return -1;
	*z = slice_sub(*rest, 0, at);
	*rest = slice_sub(*rest, at + 1, rest->n);
	return 1;
}

/* pairs of a stage and its macros, each a string of words */
static int
read_symlists(struct slice rest, struct arena *a, struct milter_options *o,
    struct err *err)
{
	struct slice z, word;
	uint32_t stage;
	int pairs = 0;

	while (rest.n > 0) {
		if (rest.n < 5)
			return bad(err, "a broken list of macros");
		stage = get_u32(rest.p);
		rest = slice_sub(rest, 4, rest.n);
		if (cut_z(&rest, &z) != 1 || ++pairs > 2 * MILTER_STAGES)
			return bad(err, "a broken list of macros");
		if (stage >= MILTER_STAGES)
			continue;
		o->macros[stage].n = 0;
		o->chosen[stage] = true;
		while (slice_word(&z, &word) && o->macros[stage].n < 64)
			strlist_add(&o->macros[stage], a,
			    arena_slice(a, word));
	}
	return 0;
}

int
milter_read_optneg(struct slice packet, int offered, struct arena *a,
    struct milter_options *o, struct err *err)
{
	uint32_t version;

	memset(o, 0, sizeof(*o));
	if (packet.n < 13 || packet.p[0] != SMFIC_OPTNEG)
		return bad(err, "no answer to the options");
	version = get_u32(packet.p + 1);
	o->actions = get_u32(packet.p + 5);
	o->protocol = get_u32(packet.p + 9);
	if (version < 2 || version > (uint32_t)offered)
		return err_temp(err, "4.3.0", "milter: version %u, where %d "
		    "was offered", (unsigned)version, offered);
	o->version = (int)version;
	/* libmilter marks sizes of its own in the upper bits */
	if ((o->protocol & 0x0fffffff) & ~milter_protocol(offered))
		return err_temp(err, "4.3.0", "milter: it wants a protocol "
		    "that was not offered (%08x)", (unsigned)o->protocol);
	o->protocol &= milter_protocol(offered);
	return read_symlists(slice_sub(packet, 13, packet.n), a, o, err);
}

/* name and value; both with their NUL, or the last without */
static int
read_strings(struct slice s, struct milter_answer *r, int want,
    struct err *err)
{
	struct slice one[2] = { SLICE_LIT(""), SLICE_LIT("") };
	int i;

	for (i = 0; i < 2 && s.n > 0; i++)
		if (cut_z(&s, &one[i]) < 0) {
			/* the octet behind the packet is a NUL */
			one[i] = s;
			s.n = 0;
		}
	if (i < want || s.n > 0)
		return bad(err, "an answer of the wrong shape");
	if (want == 2) {
		r->name = one[0].p;
		r->value = one[1].p;
	} else {
		r->value = one[0].p;
	}
	return 0;
}

int
milter_read(char *packet, size_t n, struct milter_answer *r, struct err *err)
{
	struct slice s = { packet + 1, n - 1 };

	assert(n > 0);
	packet[n] = '\0';
	*r = (struct milter_answer){ .cmd = (unsigned char)packet[0],
		.name = "", .value = "" };
	switch (r->cmd) {
	case SMFIR_CONTINUE:
	case SMFIR_ACCEPT:
	case SMFIR_REJECT:
	case SMFIR_TEMPFAIL:
	case SMFIR_DISCARD:
	case SMFIR_PROGRESS:
	case SMFIR_SKIP:
	case SMFIR_CONN_FAIL:
	case SMFIR_SHUTDOWN:
		return 0;
	case SMFIR_REPLBODY:
		r->body = s;
		return 0;
	case SMFIR_QUARANTINE:
	case SMFIR_REPLYCODE:
	case SMFIR_ADDRCPT:
	case SMFIR_DELRCPT:
		return read_strings(s, r, 1, err);
	case SMFIR_CHGFROM:
	case SMFIR_ADDRCPT_PAR:
		/* the parameters of ESMTP behind it may be missing */
		return read_strings(s, r, 1, err);
	case SMFIR_ADDHEADER:
		return read_strings(s, r, 2, err);
	case SMFIR_INSHEADER:
	case SMFIR_CHGHEADER:
		if (s.n < 4)
			return bad(err, "an answer of the wrong shape");
		r->n = get_u32(s.p);
		if (r->n > INT32_MAX)
			return bad(err, "a header index that can not be");
		return read_strings(slice_sub(s, 4, s.n), r, 2, err);
	}
	return err_temp(err, "4.3.0", "milter: unknown answer 0x%02x",
	    (unsigned)r->cmd);
}

static void
add_unescaped(struct str *out, struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		str_addc(out, s.p[i]);
		if (s.p[i] == '%' && i + 1 < s.n && s.p[i + 1] == '%')
			i++;
	}
}

/* "550", "550 text" or "550-text": 1 where more lines follow, 0, -1 */
static int
reply_line(struct slice line, int *code, char dsn[12], struct str *text)
{
	uint64_t c;
	size_t n;

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (!slice_u64(slice_sub(line, 0, 3), 599, &c) || c < 400 ||
	    (*code != 0 && (int)c != *code) || (line.n > 3 &&
	    line.p[3] != ' ' && line.p[3] != '-'))
		return -1;
	*code = (int)c;
	n = smtp_dsn_parse(slice_sub(line, 4, line.n), dsn);
	if (text->len > 0)
		str_addc(text, '\n');
	add_unescaped(text, slice_trim(slice_sub(line, 4 + n, line.n)));
	return line.n > 3 && line.p[3] == '-';
}

int
milter_read_reply(const char *z, int *code_r, char dsn[12], struct str *text,
    struct err *err)
{
	struct slice rest = slice_of(z), line;
	int lines = 0, r = 1;

	*code_r = 0;
	dsn[0] = '\0';
	while (r == 1 && slice_cut(&rest, '\n', &line)) {
		if (++lines > MILTER_REPLY_LINES)
			break;
		r = reply_line(line, code_r, dsn, text);
	}
	if (r < 0 || *code_r == 0)
		return bad(err, "a reply code that is none");
	if (dsn[0] != '\0' && dsn[0] != (char)('0' + *code_r / 100))
		dsn[0] = '\0';
	if (dsn[0] == '\0')
		slice_copy(dsn, 12, *code_r < 500 ?
		    SLICE_LIT("4.7.1") : SLICE_LIT("5.7.1"));
	return 0;
}

void
milter_field_text(const char *value, struct str *out)
{
	const char *z;

	for (z = value; *z != '\0'; z++) {
		if (*z == '\r') {
			if (z[1] != '\n' && z[1] != '\0')
				str_addc(out, ' ');
			continue;
		}
		str_addc(out, *z);
		if (*z == '\n' && z[1] != ' ' && z[1] != '\t')
			str_addc(out, '\t');
	}
	while (out->len > 0 && strchr(" \t\n", out->s[out->len - 1]) != NULL)
		str_trunc(out, out->len - 1);
}
