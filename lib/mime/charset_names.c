/*
 * charset_names.c - charsets that mail is written in, with the names that
 * programs have for them.
 */
#include "mime/charset.h"
#include "mime/charset_names.h"

enum { NAME_MAX_LEN = 40 };

/* the usual ones first */
static const struct charset charsets[] = {
	{ "utf-8", CHARSET_UTF8, NULL },
	{ "us-ascii", CHARSET_GUESS, NULL },
	{ "iso-8859-1", CHARSET_NAMED, "CP1252" },
	{ "windows-1252", CHARSET_NAMED, "CP1252" },
	{ "iso-8859-15", CHARSET_NAMED, "ISO-8859-15" },
	{ "iso-8859-2", CHARSET_NAMED, "ISO-8859-2" },
	{ "utf8", CHARSET_UTF8, NULL },
	{ "ascii", CHARSET_GUESS, NULL },
	{ "gb2312", CHARSET_NAMED, "GB18030" },
	{ "gbk", CHARSET_NAMED, "GB18030" },
	{ "gb18030", CHARSET_NAMED, "GB18030" },
	{ "big5", CHARSET_NAMED, "BIG5-HKSCS" },
	{ "shift_jis", CHARSET_NAMED, "CP932" },
	{ "iso-2022-jp", CHARSET_NAMED, "ISO-2022-JP" },
	{ "euc-jp", CHARSET_NAMED, "EUC-JP" },
	{ "euc-kr", CHARSET_NAMED, "CP949" },
	{ "ks_c_5601-1987", CHARSET_NAMED, "CP949" },
	{ "koi8-r", CHARSET_NAMED, "KOI8-R" },
	{ "koi8-u", CHARSET_NAMED, "KOI8-U" },
	{ "windows-1250", CHARSET_NAMED, "CP1250" },
	{ "windows-1251", CHARSET_NAMED, "CP1251" },
	{ "windows-1253", CHARSET_NAMED, "CP1253" },
	{ "windows-1254", CHARSET_NAMED, "CP1254" },
	{ "windows-1255", CHARSET_NAMED, "CP1255" },
	{ "windows-1256", CHARSET_NAMED, "CP1256" },
	{ "windows-1257", CHARSET_NAMED, "CP1257" },
	{ "windows-1258", CHARSET_NAMED, "CP1258" },
	{ "windows-874", CHARSET_NAMED, "CP874" },
	{ "iso-8859-3", CHARSET_NAMED, "ISO-8859-3" },
	{ "iso-8859-4", CHARSET_NAMED, "ISO-8859-4" },
	{ "iso-8859-5", CHARSET_NAMED, "ISO-8859-5" },
	{ "iso-8859-6", CHARSET_NAMED, "ISO-8859-6" },
	{ "iso-8859-7", CHARSET_NAMED, "ISO-8859-7" },
	{ "iso-8859-8", CHARSET_NAMED, "ISO-8859-8" },
	{ "iso-8859-8-i", CHARSET_NAMED, "ISO-8859-8" },
	{ "iso-8859-8-e", CHARSET_NAMED, "ISO-8859-8" },
	{ "iso-8859-6-i", CHARSET_NAMED, "ISO-8859-6" },
	{ "iso-8859-6-e", CHARSET_NAMED, "ISO-8859-6" },
	{ "iso-8859-9", CHARSET_NAMED, "CP1254" },
	{ "iso-8859-10", CHARSET_NAMED, "ISO-8859-10" },
	{ "iso-8859-11", CHARSET_NAMED, "CP874" },
	{ "iso-8859-13", CHARSET_NAMED, "ISO-8859-13" },
	{ "iso-8859-14", CHARSET_NAMED, "ISO-8859-14" },
	{ "iso-8859-16", CHARSET_NAMED, "ISO-8859-16" },
	{ "tis-620", CHARSET_NAMED, "CP874" },
	{ "utf-7", CHARSET_NAMED, "UTF-7" },
	{ "unicode-1-1-utf-7", CHARSET_NAMED, "UTF-7" },
	{ "utf-16", CHARSET_NAMED, "UTF-16" },
	{ "utf-16be", CHARSET_NAMED, "UTF-16BE" },
	{ "utf-16le", CHARSET_NAMED, "UTF-16LE" },
	{ "utf-32", CHARSET_NAMED, "UTF-32" },
	{ "ibm437", CHARSET_NAMED, "IBM437" },
	{ "ibm850", CHARSET_NAMED, "IBM850" },
	{ "ibm852", CHARSET_NAMED, "IBM852" },
	{ "ibm855", CHARSET_NAMED, "IBM855" },
	{ "ibm857", CHARSET_NAMED, "IBM857" },
	{ "ibm862", CHARSET_NAMED, "IBM862" },
	{ "ibm864", CHARSET_NAMED, "IBM864" },
	{ "ibm866", CHARSET_NAMED, "IBM866" },
	{ "iso-2022-kr", CHARSET_NAMED, "ISO-2022-KR" },
	{ "iso-2022-cn", CHARSET_NAMED, "ISO-2022-CN" },
	{ "euc-tw", CHARSET_NAMED, "EUC-TW" },
	{ "johab", CHARSET_NAMED, "JOHAB" },
	{ "viscii", CHARSET_NAMED, "VISCII" },
	{ "tcvn", CHARSET_NAMED, "TCVN" },
	{ "macintosh", CHARSET_NAMED, "MACINTOSH" },
	{ "armscii-8", CHARSET_NAMED, "ARMSCII-8" },
	{ "georgian-ps", CHARSET_NAMED, "GEORGIAN-PS" },
	/* other names for them */
	{ "latin1", CHARSET_NAMED, "CP1252" },
	{ "latin-1", CHARSET_NAMED, "CP1252" },
	{ "iso8859-1", CHARSET_NAMED, "CP1252" },
	{ "iso_8859-1", CHARSET_NAMED, "CP1252" },
	{ "iso88591", CHARSET_NAMED, "CP1252" },
	{ "iso-8859-1-windows-3.1-latin-1", CHARSET_NAMED, "CP1252" },
	{ "8859-1", CHARSET_NAMED, "CP1252" },
	{ "l1", CHARSET_NAMED, "CP1252" },
	{ "ansi", CHARSET_NAMED, "CP1252" },
	{ "cp1252", CHARSET_NAMED, "CP1252" },
	{ "cp-1252", CHARSET_NAMED, "CP1252" },
	{ "x-ansi", CHARSET_NAMED, "CP1252" },
	{ "win-1252", CHARSET_NAMED, "CP1252" },
	{ "utf_8", CHARSET_UTF8, NULL },
	{ "utf-8-sig", CHARSET_UTF8, NULL },
	{ "unicode-1-1-utf-8", CHARSET_UTF8, NULL },
	{ "x-utf-8", CHARSET_UTF8, NULL },
	{ "cp65001", CHARSET_UTF8, NULL },
	{ "utf8mb4", CHARSET_UTF8, NULL },
	{ "ansi_x3.4-1968", CHARSET_GUESS, NULL },
	{ "iso646-us", CHARSET_GUESS, NULL },
	{ "us_ascii", CHARSET_GUESS, NULL },
	{ "usascii", CHARSET_GUESS, NULL },
	{ "unknown-8bit", CHARSET_GUESS, NULL },
	{ "x-unknown", CHARSET_GUESS, NULL },
	{ "unknown", CHARSET_GUESS, NULL },
	{ "x-user-defined", CHARSET_GUESS, NULL },
	{ "default", CHARSET_GUESS, NULL },
	{ "default_charset", CHARSET_GUESS, NULL },
	{ "8bit", CHARSET_GUESS, NULL },
	{ "binary", CHARSET_GUESS, NULL },
	{ "none", CHARSET_GUESS, NULL },
	{ "latin2", CHARSET_NAMED, "ISO-8859-2" },
	{ "latin-2", CHARSET_NAMED, "ISO-8859-2" },
	{ "iso8859-2", CHARSET_NAMED, "ISO-8859-2" },
	{ "iso_8859-2", CHARSET_NAMED, "ISO-8859-2" },
	{ "iso8859-5", CHARSET_NAMED, "ISO-8859-5" },
	{ "iso8859-7", CHARSET_NAMED, "ISO-8859-7" },
	{ "iso8859-9", CHARSET_NAMED, "CP1254" },
	{ "latin5", CHARSET_NAMED, "CP1254" },
	{ "iso8859-15", CHARSET_NAMED, "ISO-8859-15" },
	{ "iso_8859-15", CHARSET_NAMED, "ISO-8859-15" },
	{ "latin9", CHARSET_NAMED, "ISO-8859-15" },
	{ "latin-9", CHARSET_NAMED, "ISO-8859-15" },
	{ "cp1250", CHARSET_NAMED, "CP1250" },
	{ "cp1251", CHARSET_NAMED, "CP1251" },
	{ "win-1251", CHARSET_NAMED, "CP1251" },
	{ "x-cp1251", CHARSET_NAMED, "CP1251" },
	{ "cp1253", CHARSET_NAMED, "CP1253" },
	{ "cp1254", CHARSET_NAMED, "CP1254" },
	{ "cp1255", CHARSET_NAMED, "CP1255" },
	{ "cp1256", CHARSET_NAMED, "CP1256" },
	{ "cp1257", CHARSET_NAMED, "CP1257" },
	{ "cp1258", CHARSET_NAMED, "CP1258" },
	{ "cp437", CHARSET_NAMED, "IBM437" },
	{ "cp850", CHARSET_NAMED, "IBM850" },
	{ "cp852", CHARSET_NAMED, "IBM852" },
	{ "cp866", CHARSET_NAMED, "IBM866" },
	{ "cp874", CHARSET_NAMED, "CP874" },
	{ "koi8r", CHARSET_NAMED, "KOI8-R" },
	{ "koi8", CHARSET_NAMED, "KOI8-R" },
	{ "sjis", CHARSET_NAMED, "CP932" },
	{ "shift-jis", CHARSET_NAMED, "CP932" },
	{ "x-sjis", CHARSET_NAMED, "CP932" },
	{ "ms_kanji", CHARSET_NAMED, "CP932" },
	{ "cp932", CHARSET_NAMED, "CP932" },
	{ "windows-31j", CHARSET_NAMED, "CP932" },
	{ "eucjp", CHARSET_NAMED, "EUC-JP" },
	{ "x-euc-jp", CHARSET_NAMED, "EUC-JP" },
	{ "iso-2022-jp-1", CHARSET_NAMED, "ISO-2022-JP" },
	{ "iso-2022-jp-ms", CHARSET_NAMED, "ISO-2022-JP" },
	{ "cp50220", CHARSET_NAMED, "ISO-2022-JP" },
	{ "cp50221", CHARSET_NAMED, "ISO-2022-JP" },
	{ "gb_2312-80", CHARSET_NAMED, "GB18030" },
	{ "x-gbk", CHARSET_NAMED, "GB18030" },
	{ "cp936", CHARSET_NAMED, "GB18030" },
	{ "euc-cn", CHARSET_NAMED, "GB18030" },
	{ "euccn", CHARSET_NAMED, "GB18030" },
	{ "chinesebig5", CHARSET_NAMED, "BIG5-HKSCS" },
	{ "x-x-big5", CHARSET_NAMED, "BIG5-HKSCS" },
	{ "big-5", CHARSET_NAMED, "BIG5-HKSCS" },
	{ "big5-hkscs", CHARSET_NAMED, "BIG5-HKSCS" },
	{ "cp950", CHARSET_NAMED, "BIG5-HKSCS" },
	{ "euckr", CHARSET_NAMED, "CP949" },
	{ "ksc5601", CHARSET_NAMED, "CP949" },
	{ "ks_c_5601", CHARSET_NAMED, "CP949" },
	{ "cp949", CHARSET_NAMED, "CP949" },
	{ "windows-949", CHARSET_NAMED, "CP949" },
	{ "utf7", CHARSET_NAMED, "UTF-7" },
	{ "utf16", CHARSET_NAMED, "UTF-16" },
	{ "mac", CHARSET_NAMED, "MACINTOSH" },
	{ "x-mac-roman", CHARSET_NAMED, "MACINTOSH" },
};

const struct charset *
mime_charset_find(struct slice name)
{
	struct slice s = slice_trim(name);
	size_t i;

	while (s.n > 0 && strchr("\"' ", s.p[0]) != NULL)
		s = slice_sub(s, 1, s.n);
	while (s.n > 0 && strchr("\"' ", s.p[s.n - 1]) != NULL)
		s.n--;
	if (s.n == 0)
		return &charsets[1];
	if (s.n > NAME_MAX_LEN)
		return NULL;
	for (i = 0; i < ARRAY_LEN(charsets); i++)
		if (slice_ieqz(s, charsets[i].name))
			return &charsets[i];
	return NULL;
}

bool
mime_charset_known(struct slice name)
{
	return mime_charset_find(name) != NULL;
}
