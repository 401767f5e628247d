/*
 * ehlo.c - what a server says it can do: RFC 5321 section 4.1.1.1.  Unknown
 * keywords and what can not be read are left out.
 */
#include "smtp.h"

#include "conf/common.h"

static void
take_size(struct caps *c, struct slice rest)
{
	struct slice word;

	c->size = true;
	if (slice_word(&rest, &word) && !slice_u64(word, INT64_MAX,
	    &c->size_max))
		c->size_max = 0;
}

/* RFC 9422 */
static void
take_limits(struct caps *c, struct slice rest)
{
	struct slice word, name;
	uint64_t n;

	while (slice_word(&rest, &word)) {
		if (!slice_cut(&word, '=', &name) || word.p == NULL ||
		    !slice_u64(word, 1000000, &n) || n == 0)
			continue;
		if (slice_ieqz(name, "MAILMAX"))
			c->mail_max = (int64_t)n;
		else if (slice_ieqz(name, "RCPTMAX"))
			c->rcpt_max = (int64_t)n;
		else if (slice_ieqz(name, "RCPTDOMAINMAX"))
			c->domain_max = (int64_t)n;
	}
}

static void
take_auth(struct caps *c, struct slice rest)
{
	struct str all = STR_INIT;
	struct slice word;

	/* a second line, as "AUTH=LOGIN", adds to the first */
	str_adds(&all, c->mechs);
	while (slice_word(&rest, &word)) {
		if (all.len + word.n + 2 > sizeof(c->mechs))
			break;
		if (all.len > 0)
			str_addc(&all, ' ');
		str_addsl(&all, word);
	}
	slice_copy(c->mechs, sizeof(c->mechs), slice_str(&all));
	str_free(&all);
}

static void
take_line(struct caps *c, struct slice line)
{
	struct { const char *name; bool *flag; } flags[] = {
		{ "PIPELINING", &c->pipelining },
		{ "8BITMIME", &c->eightbit },
		{ "SMTPUTF8", &c->smtputf8 },
		{ "DSN", &c->dsn },
		{ "CHUNKING", &c->chunking },
		{ "STARTTLS", &c->starttls },
		{ "REQUIRETLS", &c->requiretls },
		{ "MT-PRIORITY", &c->priority },
		{ "ENHANCEDSTATUSCODES", &c->enhanced },
	};
	struct slice word;
	size_t i;

	if (!slice_word(&line, &word) || strlist_ihas(&conf.ignore, word))
		return;
	for (i = 0; i < ARRAY_LEN(flags); i++)
		if (slice_ieqz(word, flags[i].name))
			*flags[i].flag = true;
	if (slice_ieqz(word, "SIZE"))
		take_size(c, line);
	else if (slice_ieqz(word, "LIMITS"))
		take_limits(c, line);
	else if (slice_ieqz(word, "AUTH"))
		take_auth(c, line);
	else if (slice_istarts(word, "AUTH=")) {
		take_auth(c, slice_sub(word, 5, word.n));
		take_auth(c, line);
	}
}

void
caps_parse(struct slice text, struct caps *c)
{
	struct slice line;

	*c = (struct caps){ .esmtp = true };
	slice_cut(&text, '\n', &line);
	while (slice_cut(&text, '\n', &line))
		take_line(c, slice_trim(line));
}

bool
names_us(struct slice text)
{
	struct slice line, word;

	slice_cut(&text, '\n', &line);
	return slice_word(&line, &word) &&
	    (slice_ieqz(word, common.hostname) ||
	    slice_ieqz(word, conf.helo_name));
}
