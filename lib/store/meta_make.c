/*
 * meta_make.c - the row of a message from its bytes.
 */
#include "imap/structure.h"
#include "mime/header.h"
#include "mime/preview.h"
#include "mime/subject.h"
#include "mime/text.h"
#include "store/meta_part.h"

enum { REFS_MAX = 100, REFS_BYTES = 16384 };

/* What clients ask for when they list mail, lower case and sorted: the sets
 * of Thunderbird, Apple Mail, Outlook, mutt, K-9 and Roundcube, and fields by
 * which mail is often filtered or searched. */
static const char *const kept[] = {
	"auto-submitted", "bcc", "cc", "chat-version", "content-class",
	"content-description", "content-disposition", "content-language",
	"content-transfer-encoding", "content-type", "date", "delivered-to",
	"disposition-notification-to", "envelope-to", "feedback-id",
	"followup-to", "from", "importance", "in-reply-to", "keywords",
	"lines", "list-archive", "list-help", "list-id", "list-owner",
	"list-post", "list-subscribe", "list-unsubscribe",
	"list-unsubscribe-post", "mail-followup-to", "mail-reply-to",
	"message-id", "mime-version", "newsgroups", "organization",
	"precedence", "priority", "references", "reply-to", "resent-cc",
	"resent-date", "resent-from", "resent-message-id", "resent-to",
	"return-path", "return-receipt-to", "sender", "sensitivity",
	"subject", "thread-index", "thread-topic", "to", "user-agent",
	"x-auto-response-suppress", "x-label", "x-mailer",
	"x-mozilla-draft-info", "x-mozilla-keys", "x-mozilla-status",
	"x-mozilla-status2", "x-msmail-priority", "x-original-to",
	"x-priority", "x-spam-flag", "x-spam-level", "x-spam-status",
	"x-tuid", "x-uniform-type-identifier",
	"x-universally-unique-identifier",
};

/* Places of kept by a sum of length, first and last letter: 1 + index, several
 * one behind the other.  Each field of each message is looked for. */
enum { PLACES = 512 };
static unsigned char place[PLACES];

static unsigned
place_of(const char *name, size_t n)
{
	return ((unsigned)ascii_lower((unsigned char)name[0]) * 7 +
	    (unsigned)ascii_lower((unsigned char)name[n - 1]) * 31 +
	    (unsigned)n * 5) % PLACES;
}

static void
make_places(void)
{
	size_t i;
	unsigned k;

	for (i = 0; i < ARRAY_LEN(kept); i++) {
		k = place_of(kept[i], strlen(kept[i]));
		while (place[k] != 0)
			k = (k + 1) % PLACES;
		place[k] = (unsigned char)(i + 1);
	}
}

bool
meta_kept(struct slice name)
{
	static bool made;
	const char *z;
	unsigned k;

	if (!made) {
		make_places();
		made = true;
	}
	if (name.n == 0)
		return false;
	for (k = place_of(name.p, name.n); place[k] != 0;
	    k = (k + 1) % PLACES) {
		z = kept[place[k] - 1];
		if (strlen(z) == name.n &&
		    strncasecmp(z, name.p, name.n) == 0)
			return true;
	}
	return false;
}

static void
add_crlf(struct str *out, struct slice raw)
{
	struct slice line;

	if (raw.n > 0 && raw.p[raw.n - 1] == '\n')
		raw.n--;
	while (slice_cut(&raw, '\n', &line)) {
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		str_addsl(out, line);
		str_add(out, "\r\n", 2);
	}
}

static void
put_fields(struct str *out, struct slice msg)
{
	struct mime_field f;
	struct mime_scan s;

	mime_scan_init(&s, msg);
	while (mime_scan_next(&s, &f))
		if (meta_kept(f.name))
			add_crlf(out, f.raw);
}

static void
put_folded(struct meta_make *mk, struct str *out)
{
	mime_fold(slice_str(&mk->text), out);
	str_reset(&mk->text);
}

static void
put_ids(struct str *out, const struct strlist *l)
{
	size_t i, n;

	for (i = 0; i < l->n; i++) {
		n = strlen(l->v[i]);
		if (out->len + n > REFS_BYTES)
			break;
		if (i > 0)
			str_addc(out, ' ');
		str_add(out, l->v[i], n);
	}
}

static void
put_refs(struct meta_make *mk, struct str *out,
    const struct mime_envelope *env)
{
	struct strlist l = { 0 };

	mime_message_ids(env->references, REFS_MAX, &mk->arena, &l);
	if (l.n == 0)
		/* RFC 5256 section 3: the first one only */
		mime_message_ids(env->in_reply_to, 1, &mk->arena, &l);
	put_ids(out, &l);
}

static void
put_keys(struct meta_make *mk, const struct mime_envelope *env,
    const struct imap_envelope_lists *l, struct meta_row *row)
{
	struct str *p = mk->part;
	struct strlist ids = { 0 };

	row->is_reply = mime_base_subject(env->subject, &mk->text);
	put_folded(mk, &p[5]);
	mime_sort_mailbox_of(&l->from, env->from, &mk->text);
	put_folded(mk, &p[6]);
	mime_sort_mailbox_of(&l->to, env->to, &mk->text);
	put_folded(mk, &p[7]);
	mime_sort_mailbox_of(&l->cc, env->cc, &mk->text);
	put_folded(mk, &p[8]);
	mime_sort_display_of(&l->from, env->from, &mk->text);
	put_folded(mk, &p[9]);
	mime_sort_display_of(&l->to, env->to, &mk->text);
	put_folded(mk, &p[10]);
	mime_message_ids(env->message_id, 1, &mk->arena, &ids);
	put_ids(&p[11], &ids);
	put_refs(mk, &p[12], env);
	if (!mime_sent_date(env, &row->sent))
		row->sent = INT64_MIN;
}

void
meta_make(struct meta_make *mk, struct slice msg, bool preview,
    struct meta_row *row)
{
	struct imap_envelope_lists lists;
	struct slice *v[META_PARTS];
	const struct mime_part *root;
	size_t i;

	arena_reset(&mk->arena);
	for (i = 0; i < META_PARTS; i++)
		str_reset(&mk->part[i]);
	*row = (struct meta_row){ .sent = INT64_MIN };
	root = mime_parse(msg, NULL, &mk->arena);
	imap_put_envelope_lists(&mk->part[0], root->env, &mk->arena, &lists);
	imap_put_structures(&mk->part[1], &mk->part[2], root);
	put_fields(&mk->part[3], msg);
	if (preview)
		mime_preview(msg, root, &mk->part[4]);
	put_keys(mk, root->env, &lists, row);
	meta_parts(row, v);
	for (i = 0; i < META_PARTS; i++)
		*v[i] = slice_str(&mk->part[i]);
	if (!preview)
		row->preview = SLICE_NULL;
}

void
meta_make_free(struct meta_make *mk)
{
	size_t i;

	arena_free(&mk->arena);
	for (i = 0; i < META_PARTS; i++)
		str_free(&mk->part[i]);
	str_free(&mk->text);
}
