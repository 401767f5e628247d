/*
 * html.c - text of HTML.  One octet at a time, a state and a bounded hold: the
 * name of a tag or an entity, which is let go as text where it is none.
 */
#include "mime/impl.h"
#include "mime/text.h"

enum {
	TEXT,
	OPEN,		/* behind "<" */
	NAME,		/* in a tag's name, or "!" and "--" of a comment */
	TAG,		/* in a tag behind its name */
	QUOTED,		/* in a value of an attribute */
	COMMENT,	/* n: dashes seen */
	ENTITY,		/* behind "&" */
};

static const struct { const char *name; uint32_t cp; } entities[] = {
	{ "nbsp", ' ' }, { "amp", '&' }, { "lt", '<' }, { "gt", '>' },
	{ "quot", '"' }, { "apos", '\'' }, { "zwnj", 0x200c },
	{ "zwj", 0x200d }, { "shy", 0xad }, { "copy", 0xa9 },
	{ "reg", 0xae }, { "trade", 0x2122 }, { "euro", 0x20ac },
	{ "hellip", 0x2026 }, { "mdash", 0x2014 }, { "ndash", 0x2013 },
	{ "lsquo", 0x2018 }, { "rsquo", 0x2019 }, { "sbquo", 0x201a },
	{ "ldquo", 0x201c }, { "rdquo", 0x201d }, { "bdquo", 0x201e },
	{ "laquo", 0xab }, { "raquo", 0xbb }, { "lsaquo", 0x2039 },
	{ "rsaquo", 0x203a }, { "bull", 0x2022 }, { "middot", 0xb7 },
	{ "deg", 0xb0 }, { "plusmn", 0xb1 }, { "times", 0xd7 },
	{ "divide", 0xf7 }, { "frac12", 0xbd }, { "frac14", 0xbc },
	{ "frac34", 0xbe }, { "sup1", 0xb9 }, { "sup2", 0xb2 },
	{ "sup3", 0xb3 }, { "micro", 0xb5 }, { "para", 0xb6 },
	{ "sect", 0xa7 }, { "pound", 0xa3 }, { "yen", 0xa5 },
	{ "cent", 0xa2 }, { "curren", 0xa4 }, { "iexcl", 0xa1 },
	{ "iquest", 0xbf }, { "ordf", 0xaa }, { "ordm", 0xba },
	{ "not", 0xac }, { "macr", 0xaf }, { "acute", 0xb4 },
	{ "cedil", 0xb8 }, { "uml", 0xa8 }, { "brvbar", 0xa6 },
	{ "Agrave", 0xc0 }, { "Aacute", 0xc1 }, { "Acirc", 0xc2 },
	{ "Atilde", 0xc3 }, { "Auml", 0xc4 }, { "Aring", 0xc5 },
	{ "AElig", 0xc6 }, { "Ccedil", 0xc7 }, { "Egrave", 0xc8 },
	{ "Eacute", 0xc9 }, { "Ecirc", 0xca }, { "Euml", 0xcb },
	{ "Igrave", 0xcc }, { "Iacute", 0xcd }, { "Icirc", 0xce },
	{ "Iuml", 0xcf }, { "ETH", 0xd0 }, { "Ntilde", 0xd1 },
	{ "Ograve", 0xd2 }, { "Oacute", 0xd3 }, { "Ocirc", 0xd4 },
	{ "Otilde", 0xd5 }, { "Ouml", 0xd6 }, { "Oslash", 0xd8 },
	{ "Ugrave", 0xd9 }, { "Uacute", 0xda }, { "Ucirc", 0xdb },
	{ "Uuml", 0xdc }, { "Yacute", 0xdd }, { "THORN", 0xde },
	{ "szlig", 0xdf }, { "agrave", 0xe0 }, { "aacute", 0xe1 },
	{ "acirc", 0xe2 }, { "atilde", 0xe3 }, { "auml", 0xe4 },
	{ "aring", 0xe5 }, { "aelig", 0xe6 }, { "ccedil", 0xe7 },
	{ "egrave", 0xe8 }, { "eacute", 0xe9 }, { "ecirc", 0xea },
	{ "euml", 0xeb }, { "igrave", 0xec }, { "iacute", 0xed },
	{ "icirc", 0xee }, { "iuml", 0xef }, { "eth", 0xf0 },
	{ "ntilde", 0xf1 }, { "ograve", 0xf2 }, { "oacute", 0xf3 },
	{ "ocirc", 0xf4 }, { "otilde", 0xf5 }, { "ouml", 0xf6 },
	{ "oslash", 0xf8 }, { "ugrave", 0xf9 }, { "uacute", 0xfa },
	{ "ucirc", 0xfb }, { "uuml", 0xfc }, { "yacute", 0xfd },
	{ "thorn", 0xfe }, { "yuml", 0xff }, { "OElig", 0x152 },
	{ "oelig", 0x153 }, { "Scaron", 0x160 }, { "scaron", 0x161 },
	{ "Yuml", 0x178 }, { "fnof", 0x192 }, { "larr", 0x2190 },
	{ "uarr", 0x2191 }, { "rarr", 0x2192 }, { "darr", 0x2193 },
	{ "infin", 0x221e }, { "ne", 0x2260 }, { "le", 0x2264 },
	{ "ge", 0x2265 }, { "minus", 0x2212 }, { "dagger", 0x2020 },
	{ "permil", 0x2030 }, { "ensp", ' ' }, { "emsp", ' ' },
	{ "thinsp", ' ' }, { "alpha", 0x3b1 }, { "beta", 0x3b2 },
	{ "gamma", 0x3b3 }, { "delta", 0x3b4 }, { "pi", 0x3c0 },
	{ "omega", 0x3c9 }, { "Omega", 0x3a9 }, { "Delta", 0x394 },
	{ "sum", 0x2211 },
};

/* tags within a line; all others end one */
static const char *const inlines[] = { "a", "abbr", "acronym", "b", "bdi",
	"bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "img",
	"ins", "kbd", "label", "mark", "nobr", "o:p", "q", "s", "samp",
	"small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var",
	"wbr" };
/* tags whose content is no text */
static const char *const hidden[] = { "script", "style", "title",
	"template", "noembed", "noframes", "xml" };

void
mime_html_init(struct mime_html *h)
{
	memset(h, 0, sizeof(*h));
}

static bool
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static struct slice
held(const struct mime_html *h)
{
	return (struct slice){ h->hold, h->n };
}

static void
put(struct mime_html *h, struct slice s, struct str *out)
{
	if (h->skip)
		return;
	if (h->space)
		str_addc(out, ' ');
	h->space = false;
	h->line = true;
	str_addsl(out, s);
}

static bool
is_one_of(struct slice s, const char *const *names, size_t n)
{
	size_t i;

	/* the first letter sorts out nearly all */
	for (i = 0; i < n; i++)
		if (s.n > 0 && (s.p[0] | 0x20) == names[i][0] &&
		    slice_ieqz(s, names[i]))
			return true;
	return false;
}

/* a tag's name is complete */
static void
tag(struct mime_html *h, struct str *out)
{
	struct slice name = held(h);

	if (h->skip) {
		if (slice_ieqz(name, h->skip_tag))
			h->skip = false;
		return;
	}
	if (!h->closing && is_one_of(name, hidden, ARRAY_LEN(hidden))) {
		h->skip = true;
		slice_copy(h->skip_tag, sizeof(h->skip_tag), name);
		return;
	}
	if (is_one_of(name, inlines, ARRAY_LEN(inlines)))
		return;
	if (h->line)
		str_addc(out, '\n');
	h->space = h->line = false;
}

/* the entity that is held, without & and ; */
static uint32_t
entity(struct slice s)
{
	uint32_t cp = 0;
	uint64_t v;
	size_t i;

	if (slice_istarts(s, "#x")) {
		for (i = 2; i < s.n && cp < 0x110000; i++) {
			int c = ascii_lower((unsigned char)s.p[i]);

			if (!ascii_isdigit(c) && (c < 'a' || c > 'f'))
				return 0;
			cp = cp << 4 | (uint32_t)(c <= '9' ? c - '0' :
			    c - 'a' + 10);
		}
	} else if (slice_starts(s, "#")) {
		if (slice_u64(slice_sub(s, 1, s.n), 0x10ffff, &v))
			cp = (uint32_t)v;
	} else {
		for (i = 0; i < ARRAY_LEN(entities); i++)
			if (s.n > 0 && s.p[0] == entities[i].name[0] &&
			    slice_eqz(s, entities[i].name))
				cp = entities[i].cp;
	}
	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff) || cp < 9)
		return 0;
	return cp == 0xa0 ? ' ' : cp;
}

static void
end_entity(struct mime_html *h, bool semicolon, struct str *out)
{
	struct str c = STR_INIT;
	uint32_t cp = entity(held(h));

	if (cp == ' ' || cp == '\n' || cp == '\r' || cp == '\t') {
		h->space = h->line;
	} else if (cp != 0) {
		mime_utf8_put(cp, &c);
		put(h, slice_str(&c), out);
		str_free(&c);
	} else {
		put(h, SLICE_LIT("&"), out);
		put(h, held(h), out);
		if (semicolon)
			put(h, SLICE_LIT(";"), out);
	}
	h->n = 0;
	h->state = TEXT;
}

static void
text(struct mime_html *h, char c, struct str *out)
{
	if (c == '<') {
		h->state = OPEN;
	} else if (c == '&' && !h->skip) {
		h->state = ENTITY;
	} else if (is_white(c)) {
		h->space = h->line && (h->space || !h->skip);
	} else {
		put(h, (struct slice){ &c, 1 }, out);
	}
	h->n = 0;
}

/* behind "<": a tag, a comment, or only a character */
static void
open_tag(struct mime_html *h, char c, struct str *out)
{
	h->closing = c == '/';
	h->n = 0;
	if (h->skip && !h->closing) {	/* a less-than of a script */
		h->state = TEXT;
		text(h, c, out);
		return;
	}
	if (h->closing || c == '!' || c == '?' ||
	    ascii_isalpha((unsigned char)c)) {
		h->state = NAME;
		if (!h->closing)
			h->hold[h->n++] = c;
		return;
	}
	put(h, SLICE_LIT("<"), out);
	h->state = TEXT;
	text(h, c, out);
}

static void
name(struct mime_html *h, char c, struct str *out)
{
	if (h->skip && c == '<') {
		h->state = OPEN;
		return;
	}
	if (c == '>' || c == '/' || is_white(c)) {
		if (h->n > 0 && h->hold[0] != '!' && h->hold[0] != '?')
			tag(h, out);
		h->state = c == '>' ? TEXT : TAG;
		return;
	}
	if (h->n < sizeof(h->hold))
		h->hold[h->n++] = c;
	if (slice_eqz(held(h), "!--")) {
		h->state = COMMENT;
		h->n = 2;	/* <!--> is all of one */
	}
}

static void
in_tag(struct mime_html *h, char c)
{
	if (h->skip && c == '<')
		h->state = OPEN;
	else if (c == '>')
		h->state = TEXT;
	else if ((c == '"' || c == '\'') && !h->skip) {
		h->quote = c;
		h->state = QUOTED;
	}
}

static void
comment(struct mime_html *h, char c)
{
	if (c == '>' && h->n >= 2)
		h->state = TEXT;
	h->n = c == '-' ? MIN(h->n + 1, (size_t)2) : 0;
}

static void
in_entity(struct mime_html *h, char c, struct str *out)
{
	if (ascii_isalnum((unsigned char)c) || (c == '#' && h->n == 0)) {
		if (h->n < 12) {
			h->hold[h->n++] = c;
			return;
		}
	}
	end_entity(h, c == ';', out);
	if (c != ';')
		text(h, c, out);
}

static void
octet(struct mime_html *h, char c, struct str *out)
{
	switch (h->state) {
	case TEXT:
		text(h, c, out);
		break;
	case OPEN:
		open_tag(h, c, out);
		break;
	case NAME:
		name(h, c, out);
		break;
	case TAG:
		in_tag(h, c);
		break;
	case QUOTED:
		if (c == h->quote)
			h->state = TAG;
		break;
	case COMMENT:
		comment(h, c);
		break;
	default:
		in_entity(h, c, out);
		break;
	}
}

static bool
is_plain(char c)
{
	return (unsigned char)c > ' ' && c != '<' && c != '&';
}

/* octets at s that are text as they stand, with the blanks within */
static size_t
plain(const struct mime_html *h, struct slice s)
{
	size_t i = 0;

	if (h->state != TEXT)
		return 0;
	while (i < s.n && (is_plain(s.p[i]) || (i > 0 && s.p[i] == ' ' &&
	    i + 1 < s.n && is_plain(s.p[i + 1]))))
		i++;
	return i;
}

void
mime_html_add(struct mime_html *h, struct slice s, struct str *out)
{
	size_t i = 0, k;

	while (i < s.n) {
		k = plain(h, slice_sub(s, i, s.n));
		if (k > 0)
			put(h, slice_sub(s, i, k), out);
		else
			octet(h, s.p[i++], out);
		i += k;
	}
}

void
mime_html_end(struct mime_html *h, struct str *out)
{
	if (h->state == ENTITY)
		end_entity(h, false, out);
	else if (h->state == OPEN)
		put(h, SLICE_LIT("<"), out);
	h->state = TEXT;
}
