/*
 * mime_decode_fuzz.c - the first octet says which transfer encoding, charset
 * and where to cut: in pieces or whole, the result is the same; text from any
 * charset is UTF-8.
 */
#include "mime/charset.h"
#include "mime/decode.h"
#include "mime/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
decode(enum mime_encoding e, bool crlf, struct slice in, size_t step,
    struct str *out)
{
	struct mime_decoder d;
	size_t i;

	mime_decode_init(&d, e, crlf);
	for (i = 0; i < in.n; i += step)
		mime_decode(&d, slice_sub(in, i, step), out);
	mime_decode_end(&d, out);
}

static void
convert(const char *charset, struct slice in, size_t step, struct str *out)
{
	struct mime_conv c;
	size_t i;

	mime_conv_open(&c, slice_of(charset));
	for (i = 0; i < in.n; i += step)
		mime_conv_add(&c, slice_sub(in, i, step), out);
	mime_conv_close(&c, out);
}

static void
html(struct slice in, size_t step, struct str *out)
{
	struct mime_html h;
	size_t i;

	mime_html_init(&h);
	for (i = 0; i < in.n; i += step)
		mime_html_add(&h, slice_sub(in, i, step), out);
	mime_html_end(&h, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const charsets[] = { "utf-8", "us-ascii", "x",
		"windows-1252", "iso-8859-2", "gb18030", "big5", "cp932",
		"iso-2022-jp", "euc-jp", "euc-kr", "utf-7", "utf-16",
		"windows-1258", "iso-2022-kr", "koi8-r" };
	struct str a = STR_INIT, b = STR_INIT, t = STR_INIT;
	struct slice in = { (const char *)data, n };
	enum mime_encoding e;
	const char *cs;
	size_t step;
	bool crlf;

	if (n == 0)
		return 0;
	e = data[0] % 6;
	crlf = data[0] & 64;
	cs = charsets[data[0] % ARRAY_LEN(charsets)];
	step = 1 + data[0] / 16;
	in = slice_sub(in, 1, n);
	decode(e, crlf, in, n, &a);
	decode(e, crlf, in, step, &b);
	assert(slice_eq(slice_str(&a), slice_str(&b)));
	str_reset(&b);
	convert(cs, slice_str(&a), step, &b);
	assert(utf8_valid(slice_str(&b)));
	mime_to_utf8(slice_of(cs), slice_str(&a), &t);
	assert(utf8_valid(slice_str(&t)));
	/* cut or not, HTML is the same text */
	str_reset(&a);
	str_reset(&b);
	html(slice_str(&t), MAX(t.len, (size_t)1), &a);
	html(slice_str(&t), step, &b);
	assert(slice_eq(slice_str(&a), slice_str(&b)));
	assert(utf8_valid(slice_str(&a)));
	str_free(&a);
	str_free(&b);
	str_free(&t);
	return 0;
}
