/*
 * text.c - a message's text, unit by unit: chunk of the file -> transfer
 * decoder -> charset -> HTML filter -> callback.
 */
#include "mime/charset.h"
#include "mime/decode.h"
#include "mime/header.h"
#include "mime/impl.h"
#include "mime/text.h"
#include "mime/word.h"

enum { CHUNK = 24576 };

struct out {
	mime_text_fn *fn;
	void *ctx;
	struct slice msg;
	struct str raw, utf8, plain;
};

static int
give_value(struct out *o, struct slice field, struct slice value)
{
	str_reset(&o->utf8);
	mime_decode_text(value, &o->utf8);
	return o->fn(o->ctx, field, slice_str(&o->utf8), true);
}

static int
give_header(struct out *o, const struct mime_part *p)
{
	struct mime_field f;
	struct mime_scan s;
	int r = 0;

	mime_scan_init(&s, mime_range(o->msg, p->begin, p->body));
	while (r == 0 && mime_scan_next(&s, &f))
		r = give_value(o, f.name, f.value);
	return r;
}

/* what a part's own header tells a reader */
static int
give_names(struct out *o, const struct mime_part *p)
{
	int r = 0;

	str_reset(&o->utf8);
	if (mime_filename(p, &o->utf8))
		r = o->fn(o->ctx, SLICE_LIT("Content-Disposition"),
		    slice_str(&o->utf8), true);
	if (r == 0 && p->description.p != NULL)
		r = give_value(o, SLICE_LIT("Content-Description"),
		    p->description);
	return r;
}

bool
mime_has_text(const struct mime_part *p)
{
	return p->kind == MIME_LEAF && !p->opaque &&
	    mime_decodable(p->encoding) &&
	    (slice_ieqz(p->type, "text") || slice_ieqz(p->type, "message"));
}

static int
give_body(struct out *o, const struct mime_part *p)
{
	struct slice rest = mime_range(o->msg, p->body, p->end), piece;
	bool html = slice_ieqz(p->subtype, "html"), last = false;
	struct mime_decoder d;
	struct mime_conv c;
	struct mime_html h;
	int r = 0;

	str_reset(&o->utf8);
	mime_param_decode(&p->params, "charset", &o->utf8);
	mime_conv_open(&c, slice_str(&o->utf8));
	mime_decode_init(&d, p->encoding, false);
	mime_html_init(&h);
	while (r == 0 && !last) {
		str_reset(&o->raw);
		str_reset(&o->utf8);
		str_reset(&o->plain);
		mime_decode(&d, slice_sub(rest, 0, CHUNK), &o->raw);
		rest = slice_sub(rest, CHUNK, rest.n);
		last = rest.n == 0;
		if (last)
			mime_decode_end(&d, &o->raw);
		mime_conv_add(&c, slice_str(&o->raw), &o->utf8);
		if (last)
			mime_conv_close(&c, &o->utf8);
		piece = slice_str(&o->utf8);
		if (html) {
			mime_html_add(&h, piece, &o->plain);
			if (last)
				mime_html_end(&h, &o->plain);
			piece = slice_str(&o->plain);
		}
		r = o->fn(o->ctx, SLICE_LIT(""), piece, last);
	}
	mime_conv_close(&c, &o->utf8);
	return r;
}

static int
give_part(struct out *o, const struct mime_part *p)
{
	int r = 0;

	if (p->is_message && p->parent != NULL)
		r = give_header(o, p);
	else if (p->parent != NULL)
		r = give_names(o, p);
	if (r == 0 && mime_has_text(p))
		r = give_body(o, p);
	return r;
}

static void
out_free(struct out *o)
{
	str_free(&o->raw);
	str_free(&o->utf8);
	str_free(&o->plain);
}

int
mime_part_text(struct slice msg, const struct mime_part *p,
    mime_text_fn *fn, void *ctx)
{
	struct out o = { fn, ctx, msg, STR_INIT, STR_INIT, STR_INIT };
	int r = give_body(&o, p);

	out_free(&o);
	return r;
}

int
mime_text(struct slice msg, const struct mime_part *root,
    enum mime_text_what what, mime_text_fn *fn, void *ctx)
{
	struct out o = { fn, ctx, msg, STR_INIT, STR_INIT, STR_INIT };
	const struct mime_part *p;
	int r = 0;

	if (what & MIME_TEXT_HEADER)
		r = give_header(&o, root);
	if (what & MIME_TEXT_BODY)
		for (p = root; p != NULL && r == 0; p = mime_next(p))
			r = give_part(&o, p);
	out_free(&o);
	return r;
}
