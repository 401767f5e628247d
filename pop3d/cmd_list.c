/*
 * cmd_list.c - STAT, LIST, UIDL: RFC 1939 sections 5 and 7.
 */
#include "session.h"

enum cmd_result
cmd_stat(void *session, struct slice args UNUSED)
{
	struct session *s = session;
	uint64_t n, octets;

	drop_stat(&s->drop, &n, &octets);
	return pop3_ok(&s->pop3, "%llu %llu", (unsigned long long)n,
	    (unsigned long long)octets);
}

static void
list_one(struct session *s, size_t i, struct str *out)
{
	str_addf(out, "%zu %llu", i + 1,
	    (unsigned long long)s->drop.msg[i].octets);
}

static void
uidl_one(struct session *s, size_t i, struct str *out)
{
	str_addf(out, "%zu ", i + 1);
	drop_uidl(&s->drop, i, out);
}

static enum cmd_result
list(struct session *s, struct slice args,
    void (*one)(struct session *, size_t, struct str *))
{
	struct io *io = s->pop3.io;
	struct str line = STR_INIT;
	ssize_t i;

	if (slice_trim(args).n > 0) {
		i = take_message(s, &args);
		if (i < 0)
			return CMD_BAD;
		one(s, (size_t)i, &line);
		pop3_ok(&s->pop3, "%s", line.s);
		str_free(&line);
		return CMD_OK;
	}
	pop3_ok(&s->pop3, "the list follows");
	for (i = 0; i < (ssize_t)s->drop.n && !io->failed; i++) {
		if (s->drop.msg[i].deleted)
			continue;
		str_reset(&line);
		one(s, (size_t)i, &line);
		str_adds(&line, "\r\n");
		io_put(io, line.s, line.len);
	}
	io_puts(io, ".\r\n");
	str_free(&line);
	return CMD_OK;
}

enum cmd_result
cmd_list(void *session, struct slice args)
{
	return list(session, args, list_one);
}

enum cmd_result
cmd_uidl(void *session, struct slice args)
{
	return list(session, args, uidl_one);
}
