/*
 * imap_session_fuzz.c - a whole session of imapd, after its login, in a
 * mailbox of three messages.  Whatever a client sends, what it is answered is
 * lines with CRLF and literals of the length that they say, each a response;
 * and the mailbox is there afterwards, whole.  What follows COMPRESS DEFLATE is
 * packed, unless it begins with an exclamation mark.
 */
#define main imapd_main
int main(int argc, char **argv);
#include "../../imapd/main.c"
#undef main

#include <fcntl.h>
#include <zlib.h>

#include "home.h"
#include "talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const texts[] = {
	"From: Ann <ann@example.org>\nTo: bob@example.org\n"
	    "Subject: =?utf-8?q?gr=C3=BCn?=\nMessage-ID: <1@example.org>\n"
	    "Date: Mon, 2 Jan 2023 10:20:30 +0100\nMIME-Version: 1.0\n"
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n"
	    "Content-Type: message/rfc822\n\nSubject: in\n\ninner\n--b\n"
	    "Content-Type: text/html; charset=iso-8859-1\n"
	    "Content-Transfer-Encoding: base64\n\nPGI+5Dwvej4=\n--b--\n",
	"Subject: Re: gr\xc3\xbcn\nReferences: <1@example.org>\n\nshort\n",
	"no header at all",
};

static const struct session_user user = { .name = "ann@example.org",
	.mailbox = "example.org/ann", .home = "", .uid = 1, .gid = 1,
	.quota = 1 << 20, .state = "t" };

static void
drop(const char *line, size_t n)
{
	assert(memchr(line, '\n', n) == line + n - 1);
}

static void
begin(void)
{
	struct err err;

	if (common.mail_dir != NULL)
		return;
	log_set_sink(drop);
	home_begin();
	common.mail_dir = home;
	common.hostname = "imap.example";
	field_defaults(fields, &conf, NULL);
	conf.search_time = conf.progress_interval = 3600 * 1000;
	conf.timeout = 3600 * 1000;
	conf.literal_limit = 4096;
	conf.message_size = 65536;
	before_jail(&err);
}

/* as new: files of names and dates that are the same each time */
static void
fill(void)
{
	struct timespec when[2] = { { .tv_sec = 1700000000 },
		{ .tv_sec = 1700000000 } };
	struct str path = STR_INIT;
	struct err err;
	size_t i, len;
	int fd;

	str_addf(&path, "%s/example.org", home);
	home_remove(path.s);
	if (store_user_make(home, user.mailbox, "", &err) < 0)
		die("store_user_make: %s", err.text);
	str_adds(&path, "/ann/.index");
	mkdir(path.s, 0700);
	str_trunc(&path, path.len - strlen(".index"));
	len = path.len;
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		str_trunc(&path, len);
		str_addf(&path, "Maildir/new/170000000%zu.M%zu.h", i, i);
		fd = open(path.s, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || full_write(fd, texts[i], strlen(texts[i])) < 0 ||
		    futimens(fd, when) < 0)
			die("%s: %s", path.s, strerror(errno));
		close(fd);
	}
	str_free(&path);
}

/* n of a line that ends with {n}: a literal follows; -1: none */
static int64_t
literal(struct slice line)
{
	size_t at = slice_rfind(line, '{');
	uint64_t n;

	return at < line.n && slice_ends(line, "}") &&
	    slice_u64(slice_sub(line, at + 1, line.n - at - 2), 1 << 30, &n) ?
	    (int64_t)n : -1;
}

/* One response, and the literals in it, cut off; its beginning is judged.
 * False: what follows is packed. */
static bool
response(struct slice *rest)
{
	struct slice line;
	bool first = true;
	int64_t n;

	do {
		line = slice_sub(*rest, 0, slice_find(*rest, '\n'));
		assert(line.n < rest->n && slice_ends(line, "\r"));
		*rest = slice_sub(*rest, line.n + 1, rest->n);
		line.n--;
		assert(memchr(line.p, '\r', line.n) == NULL);
		assert(!slice_has_nul(line));
		if (first)
			assert(line.n >= 2 && line.p[0] != ' ' &&
			    slice_find(line, ' ') < line.n);
		first = false;
		n = literal(line);
		assert(n <= (int64_t)rest->n);
		if (n > 0)
			*rest = slice_sub(*rest, (size_t)n, rest->n);
	} while (n >= 0);
	return !slice_ends(line, " OK compression begins");
}

/* the input as it goes over the wire */
static void
put_wire(struct slice in, struct str *out)
{
	static const char ask[] = "COMPRESS DEFLATE\r\n";
	const char *at = memmem(in.p, in.n, ask, sizeof(ask) - 1);
	size_t n = at == NULL ? in.n : (size_t)(at - in.p) + sizeof(ask) - 1;
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)in.p + n,
		.avail_in = (unsigned)(in.n - n) };

	if (n < in.n && in.p[n] == '!')
		n = in.n;
	str_add(out, in.p, n);
	if (n == in.n)
		return;
	if (deflateInit2(&z, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		die("deflateInit2");
	str_grow(out, z.avail_out = (unsigned)deflateBound(&z, in.n) + 16);
	z.next_out = (unsigned char *)out->s + out->len;
	if (deflate(&z, Z_SYNC_FLUSH) != Z_OK || z.avail_in > 0)
		die("deflate");
	out->len += z.total_out;
	deflateEnd(&z);
}

/* what the packed rest says */
static void
unpack(struct slice in, struct str *out)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)in.p,
		.avail_in = (unsigned)in.n };
	int rc;

	if (inflateInit2(&z, -15) != Z_OK)
		die("inflateInit2");
	do {
		str_grow(out, 65536);
		z.next_out = (unsigned char *)out->s + out->len;
		z.avail_out = 65536;
		rc = inflate(&z, Z_SYNC_FLUSH);
		assert(rc == Z_OK || rc == Z_BUF_ERROR || rc == Z_STREAM_END);
		out->len += 65536 - z.avail_out;
	} while (rc == Z_OK && z.avail_out == 0);
	str_grow(out, 0);
	out->s[out->len] = '\0';
	inflateEnd(&z);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n }, rest;
	struct peer peer = { .uid = (uid_t)-1, .addr = "192.0.2.1",
		.id = "session" };
	struct str wire = STR_INIT, out = STR_INIT, plain = STR_INIT;
	struct io io;

	begin();
	fill();
	put_wire(in, &wire);
	talk_begin(&io, slice_str(&wire));
	session(&io, &peer, &user);
	talk_end(&io, &out);
	rest = slice_str(&out);
	while (rest.n > 0 && response(&rest))
		;
	unpack(rest, &plain);
	rest = slice_str(&plain);
	while (rest.n > 0)
		(void)response(&rest);
	str_free(&wire);
	str_free(&plain);
	str_free(&out);
	return 0;
}
