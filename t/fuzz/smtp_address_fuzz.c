/*
 * smtp_address_fuzz.c - any bytes as an envelope path and as the address list
 * of a header field.  What was accepted is within its bounds, holds no
 * control, and is printed so that it reads back as the same address.
 */
#include "mime/address.h"
#include "smtp/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
no_controls(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		assert((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f);
}

static void
path(struct slice in, unsigned flags)
{
	struct smtp_address r, again;
	struct err err = ERR_INIT;
	struct arena a = { 0 };
	struct slice user, ext;
	struct str out = STR_INIT;

	if (smtp_path_parse(&in, flags, &a, &r, &err) == 1) {
		assert(r.local.n <= SMTP_LOCAL_MAX);
		assert(r.domain.n <= SMTP_DOMAIN_MAX);
		no_controls(r.local);
		no_controls(r.domain);
		assert(r.null ? r.local.n == 0 : r.local.n > 0);
		smtp_address_print(&r, &out);
		assert(smtp_address_parse(slice_str(&out), flags, &a, &again,
		    &err) == 1);
		assert(smtp_address_eq(&r, &again) && r.utf8 == again.utf8 &&
		    r.literal == again.literal);
		smtp_address_key(&r, &out);
		smtp_local_split(r.local, "+-", &user, &ext);
		assert(user.n + ext.n <= r.local.n);
	} else {
		assert(err.kind == ERR_PERM);
	}
	str_free(&out);
	arena_free(&a);
}

static void
list(struct slice in)
{
	struct mime_addresses r = { 0 };
	struct arena a = { 0 };
	struct str out = STR_INIT;
	size_t i;

	mime_addresses_parse(in, 50, &a, &r);
	assert(r.n <= 50);
	for (i = 0; i < r.n; i++) {
		assert(r.v[i].addr.n > 0);
		no_controls(r.v[i].addr);
		no_controls(r.v[i].name);
		no_controls(r.v[i].group);
		str_reset(&out);
		mime_address_print(r.v[i].name, r.v[i].addr, &out);
		no_controls(slice_str(&out));
	}
	str_free(&out);
	arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };

	path(in, SMTP_ADDR_NULL | SMTP_ADDR_POSTMASTER);
	path(in, SMTP_ADDR_BARE);
	list(in);
	return 0;
}
