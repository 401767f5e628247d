/*
 * cmd_append.c - APPEND: RFC 3501 and 9051 section 6.3.12, RFC 3502
 * (MULTIAPPEND: all or none), RFC 4315 (APPENDUID), RFC 7889, RFC 4469
 * (CATENATE).
 */
#include "append.h"
#include "share.h"

/* the lexer's error, so that a literal that is announced is not asked for */
bool
append_failed(struct session *s, const struct err *err)
{
	const char *code = strcmp(err->dsn, "5.1.1") == 0 ? "TRYCREATE" :
	    imap_code(err);

	if (code != NULL)
		return imap_lex_fail(&s->imap.lex, IMAP_LEX_NO, code, "%s",
		    err->text);
	imap_fail(&s->imap, err);	/* logs */
	return imap_lex_fail(&s->imap.lex, IMAP_LEX_NO,
	    err->kind == ERR_PERM ? "" : "UNAVAILABLE", "%s",
	    err->kind == ERR_PERM ? err->text :
	    "temporary trouble of this server");
}

struct mailbox *
append_folder(struct session *s, struct slice name)
{
	struct err err = ERR_INIT;
	struct mailbox *mb = select_other(s, name.p, &err);

	if (mb != NULL && !(select_rights(s, mb) & ACL_INSERT)) {
		err_perm(&err, "5.7.1", "your rights do not allow it");
		mb = NULL;
	}
	if (mb == NULL)
		append_failed(s, &err);
	return mb;
}

bool
append_literal(struct session *s, struct mailbox_add *add, uint64_t *total)
{
	struct imap_lex *l = &s->imap.lex;
	struct imap_literal lit;
	struct slice bytes;
	struct err err = ERR_INIT;
	int r;

	if (!imap_lex_literal(l, &lit))
		return false;
	if (lit.size > (uint64_t)conf.message_size ||
	    (*total += lit.size) > (uint64_t)conf.message_size)
		return imap_lex_fail(l, IMAP_LEX_NO, "TOOBIG", "the limit is "
		    "%lld bytes", (long long)conf.message_size);
	if (*total == 0)
		return imap_lex_fail(l, IMAP_LEX_NO, "", "an empty message");
	if (!imap_lex_literal_accept(l))
		return false;
	while ((r = imap_lex_literal_read(l, &bytes)) > 0)
		if (mailbox_add_write(add, bytes, &err) < 0)
			return append_failed(s, &err);
	return r == 0;
}

static bool
take_literal(struct session *s, struct mailbox_add *add)
{
	struct err err = ERR_INIT;
	uint64_t total = 0;

	if (mailbox_add_begin(add, &err) < 0)
		return append_failed(s, &err);
	return append_literal(s, add, &total);
}

/* a literal, or RFC 9755's UTF8 (~{n}...) */
static bool
take_data(struct session *s, struct mailbox_add *add)
{
	struct imap_lex *l = &s->imap.lex;

	if (imap_lex_try_word(l, "CATENATE"))
		return catenate(s, add);
	if (!imap_lex_try_word(l, "UTF8"))
		return take_literal(s, add);
	return imap_lex_sp(l) && imap_lex_char(l, '(') &&
	    take_literal(s, add) && imap_lex_char(l, ')');
}

bool
append_message(struct session *s, struct mailbox *mb,
    struct mailbox_add *add)
{
	struct imap_lex *l = &s->imap.lex;
	struct imap_flags flags = { 0 };
	struct flags_change c = { 0 };
	struct mailbox_attrs at = { .date = INT64_MIN };
	struct err err = ERR_INIT;
	int zone;

	imap_lex_sp(l);
	if (imap_lex_peek(l) == '(') {
		imap_lex_flag_list(l, &flags);
		imap_lex_sp(l);
	}
	if (imap_lex_peek(l) == '"') {
		imap_lex_date_time(l, &at.date, &zone);
		imap_lex_sp(l);
	}
	if (!take_data(s, add))
		return false;
	flags_change_fill(&c, &flags);
	flags_allowed(&c, select_rights(s, mb));
	at.flags = c.flags;
	at.kw = c.kw;
	at.nkw = c.nkw;
	if (mailbox_add_end(add, &at, &err) < 0)
		return append_failed(s, &err);
	return true;
}

void
append_code(const struct mailbox *mb, uint32_t first, size_t n,
    struct str *out)
{
	str_addf(out, "APPENDUID %u %u", (unsigned)mb->uidvalidity,
	    (unsigned)first);
	if (n > 1)
		str_addf(out, ":%u", (unsigned)(first + n - 1));
}

static void
commit(struct session *s, struct mailbox *mb, struct mailbox_add *add,
    size_t n)
{
	struct str code = STR_INIT;
	struct err err = ERR_INIT;
	uint32_t first;

	if (mailbox_add_commit(add, &first, &err) < 0) {
		imap_fail(&s->imap, &err);
		return;
	}
	s->appended += n;
	if (mb == s->mb)
		s->dirty = true;
	append_code(mb, first, n, &code);
	imap_ok(&s->imap, code.s, "appended");
	str_free(&code);
}

void
cmd_append(void *session)
{
	struct session *s = session;
	struct imap_lex *l = &s->imap.lex;
	struct mailbox_add *add;
	struct slice name = { 0 };
	struct mailbox *mb;
	size_t n = 0;

	imap_lex_sp(l);
	if (!imap_lex_mailbox(l, &name))
		return;
	mb = append_folder(s, name);
	if (mb == NULL)
		return;
	add = mailbox_add_new(mb);
	do {
		if (!append_message(s, mb, add))
			break;
		n++;
	} while (imap_lex_peek(l) == ' ');
	if (imap_args_end(&s->imap))
		commit(s, mb, add, n);
	mailbox_add_free(add);
}
