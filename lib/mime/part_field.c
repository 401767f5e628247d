/*
 * part_field.c - what the fields of a header say about their part.  The first
 * field of a name counts.
 */
#include "mime/decode.h"
#include "mime/impl.h"

#define PART(name, member) \
	{ name, sizeof(name) - 1, offsetof(struct mime_part, member) }
#define ENV(name, member) \
	{ name, sizeof(name) - 1, offsetof(struct mime_envelope, member) }

static const struct row {
	const char *name;
	size_t len, offset;
} part_rows[] = {
	PART("content-id", id),
	PART("content-description", description),
	PART("content-md5", md5),
	PART("content-language", language),
	PART("content-location", location),
}, env_rows[] = {
	ENV("date", date),
	ENV("subject", subject),
	ENV("from", from),
	ENV("sender", sender),
	ENV("reply-to", reply_to),
	ENV("to", to),
	ENV("cc", cc),
	ENV("bcc", bcc),
	ENV("in-reply-to", in_reply_to),
	ENV("message-id", message_id),
	ENV("references", references),
};

static void
keep(const struct row *rows, size_t n, void *base, struct slice name,
    struct slice value)
{
	struct slice *to;
	size_t i;

	for (i = 0; i < n; i++) {
		if (rows[i].len != name.n || (rows[i].name[0] ^ name.p[0]) &
		    ~0x20 || strncasecmp(rows[i].name, name.p, name.n) != 0)
			continue;
		to = (struct slice *)(void *)((char *)base + rows[i].offset);
		if (to->p == NULL)
			*to = value;
		return;
	}
}

static void
content_type(struct mime_part *p, struct slice value, unsigned max,
    struct arena *a)
{
	struct mime_params params;
	struct slice type, subtype;

	if (p->has_type ||
	    !mime_param_parse(value, max, a, &type, &subtype, &params))
		return;
	p->has_type = true;
	p->type = type;
	p->subtype = subtype;
	p->params = params;
}

static void
disposition(struct mime_part *p, struct slice value, unsigned max,
    struct arena *a)
{
	struct mime_params params;
	struct slice token;

	if (p->disposition.p != NULL ||
	    !mime_param_parse(value, max, a, &token, NULL, &params))
		return;
	p->disposition = token;
	p->disposition_params = params;
}

void
mime_part_field(struct mime_part *p, struct slice name, struct slice value,
    unsigned max, struct arena *a)
{
	if (p->is_message)
		keep(env_rows, ARRAY_LEN(env_rows), p->env, name, value);
	if (name.n < 10 || strncasecmp(name.p, "content-", 8) != 0)
		return;
	if (slice_ieqz(name, "content-type")) {
		content_type(p, value, max, a);
	} else if (slice_ieqz(name, "content-transfer-encoding")) {
		if (p->encoding_raw.p != NULL)
			return;
		p->encoding_raw = value;
		p->encoding = mime_encoding_of(value);
	} else if (slice_ieqz(name, "content-disposition")) {
		disposition(p, value, max, a);
	} else {
		keep(part_rows, ARRAY_LEN(part_rows), p, name, value);
	}
}
