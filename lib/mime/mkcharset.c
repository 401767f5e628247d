/*
 * mkcharset.c - a program of the build: asks iconv what the octets of East
 * Asian charsets are and prints it as C, for charset_multi.c.
 *
 *	mkcharset > charset_data.c
 *
 * So these tables are the C library's, but no program that reads mail has to
 * load its modules: those are many mappings in each process, and have to be
 * there before a jail closes.
 */
#include <iconv.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDE_MAX = 0xe000 - 0xd800, FOUR_END = 39420 };

static const struct {
	const char *table, *iconv;
	unsigned lead, lead_end, trail, trail_end;	/* first and last */
	const char *prefix;
	const char *also;	/* what iconv lacks is taken from that one, */
	bool fold;		/* whose rows are two in one (Shift JIS) */
} tables[] = {
	{ "gbk", "GB18030", 0x81, 0xfe, 0x40, 0xfe, "", NULL, false },
	{ "big5", "BIG5-HKSCS", 0x87, 0xfe, 0x40, 0xfe, "", NULL, false },
	{ "uhc", "CP949", 0x81, 0xfe, 0x41, 0xfe, "", NULL, false },
	{ "sjis", "CP932", 0x81, 0xfc, 0x40, 0xfc, "", NULL, false },
	{ "jis0208", "EUC-JP", 0xa1, 0xfe, 0xa1, 0xfe, "", "CP932", true },
	{ "jis0212", "EUC-JP", 0xa1, 0xfe, 0xa1, 0xfe, "\x8f", NULL, false },
};

static struct { uint32_t cp, then; } wide[WIDE_MAX];
static size_t nwide;

static iconv_t
opened(const char *name)
{
	iconv_t cd = iconv_open("UTF-32LE", name);

	if (cd == (iconv_t)-1) {
		fprintf(stderr, "mkcharset: iconv has no %s: the C library's "
		    "conversion modules are not installed\n", name);
		exit(1);
	}
	return cd;
}

/* how many characters these octets are: 1, 2; 0: none, or less than one */
static int
convert(iconv_t cd, const unsigned char *s, size_t n, uint32_t cp[2])
{
	char *in = (char *)(uintptr_t)s;
	uint32_t got[4];
	char *to = (char *)got;
	size_t room = sizeof(got), k;

	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &in, &n, &to, &room) == (size_t)-1 || n > 0)
		return 0;
	iconv(cd, NULL, NULL, &to, &room);
	k = (size_t)(to - (char *)got) / sizeof(got[0]);
	if (k == 0 || k > 2)
		return 0;
	memcpy(cp, got, k * sizeof(got[0]));
	return (int)k;
}

/* the same character in the JIS rows of Shift JIS */
static void
to_sjis(const unsigned char euc[2], unsigned char s[2])
{
	unsigned row = euc[0] - 0xa1, cell = euc[1] - 0xa1;

	s[0] = (unsigned char)(row / 2 + (row < 62 ? 0x81 : 0xc1));
	s[1] = (unsigned char)(row % 2 ? cell + 0x9f :
	    cell + (cell < 63 ? 0x40 : 0x41));
}

/* A character beyond 16 bits, or two of them, is a number of the list `wide',
 * which looks like a surrogate. */
static unsigned
unit(int n, const uint32_t cp[2])
{
	if (n == 0)
		return 0;
	if (n == 1 && cp[0] < 0x10000)
		return cp[0];
	if (nwide == WIDE_MAX) {
		fprintf(stderr, "mkcharset: too many wide characters\n");
		exit(1);
	}
	wide[nwide].cp = cp[0];
	wide[nwide].then = n == 2 ? cp[1] : 0;
	return (unsigned)(0xd800 + nwide++);
}

static void
print_table(size_t t)
{
	iconv_t cd = opened(tables[t].iconv);
	iconv_t also = tables[t].also != NULL ? opened(tables[t].also) : NULL;
	size_t k = strlen(tables[t].prefix), col = 0, i;
	unsigned char s[3], z[2];
	uint32_t cp[2];
	unsigned a, b;
	int n;

	nwide = 0;
	memcpy(s, tables[t].prefix, k);
	printf("static const uint16_t %s_v[] = {", tables[t].table);
	for (a = tables[t].lead; a <= tables[t].lead_end; a++) {
		for (b = tables[t].trail; b <= tables[t].trail_end; b++) {
			s[k] = (unsigned char)a;
			s[k + 1] = (unsigned char)b;
			n = k == 0 && convert(cd, s, 1, cp) != 0 ? 0 :
			    convert(cd, s, k + 2, cp);
			if (n == 0 && also != NULL) {
				to_sjis(s + k, z);
				n = convert(also, z, 2, cp);
			}
			printf("%s%u,", col++ % 12 ? " " : "\n\t",
			    unit(n, cp));
		}
	}
	printf("\n};\n");
	printf("static const struct charset_wide %s_wide[] = {\n",
	    tables[t].table);
	for (i = 0; i < nwide; i++)
		printf("\t{ %#x, %#x },\n", (unsigned)wide[i].cp,
		    (unsigned)wide[i].then);
	printf("\t{ 0, 0 }\n};\n");
	printf("const struct charset_two mime_%s = { %#x, %#x, %#x, %#x,\n"
	    "    %s_v, %s_wide };\n\n", tables[t].table, tables[t].lead,
	    tables[t].lead_end, tables[t].trail, tables[t].trail_end,
	    tables[t].table, tables[t].table);
	iconv_close(cd);
	if (also != NULL)
		iconv_close(also);
}

/* GB18030's characters of four octets, below the supplementary planes: in the
 * order of their numbers, with few gaps */
static void
print_ranges(void)
{
	iconv_t cd = opened("GB18030");
	uint32_t cp[2], expect = 0;
	unsigned char s[4];
	unsigned i, count = 0;
	bool in = false;
	int n;

	printf("const struct charset_range mime_gb_ranges[] = {\n");
	for (i = 0; i < FOUR_END; i++) {
		s[0] = (unsigned char)(0x81 + i / 12600);
		s[1] = (unsigned char)(0x30 + i / 1260 % 10);
		s[2] = (unsigned char)(0x81 + i / 10 % 126);
		s[3] = (unsigned char)(0x30 + i % 10);
		n = convert(cd, s, 4, cp);
		if (n != 1) {
			if (in)
				printf("\t{ %u, 0 },\n", i);
			count += in;
			in = false;
			continue;
		}
		if (!in || cp[0] != expect) {
			printf("\t{ %u, %#x },\n", i, (unsigned)cp[0]);
			count++;
		}
		in = true;
		expect = cp[0] + 1;
	}
	printf("\t{ %u, 0 },\n};\nconst size_t mime_gb_nranges = %u;\n",
	    (unsigned)FOUR_END, count + 1);
	iconv_close(cd);
}

/* letters with an accent behind them */
static void
print_1258(void)
{
	static const unsigned char marks[] = { 0xcc, 0xd2, 0xde, 0xec, 0xf2 };
	iconv_t cd = opened("CP1258");
	unsigned char s[2];
	uint32_t cp[2];
	size_t i;
	unsigned a;

	printf("const unsigned char mime_1258_marks[MARKS_1258] = {");
	for (i = 0; i < sizeof(marks); i++)
		printf(" %#x,", marks[i]);
	printf(" };\nconst uint16_t mime_1258[256][MARKS_1258] = {\n");
	for (a = 'A'; a < 256; a++) {
		for (i = 0; i < sizeof(marks); i++) {
			s[0] = (unsigned char)a;
			s[1] = marks[i];
			if (convert(cd, s, 2, cp) == 1)
				printf("\t[%u][%zu] = %#x,\n", a, i,
				    (unsigned)cp[0]);
		}
	}
	printf("};\n\n");
	iconv_close(cd);
}

int
main(void)
{
	size_t i;

	printf("/* made by mkcharset */\n"
	    "#include \"mime/charset_multi.h\"\n\n");
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		print_table(i);
	print_1258();
	print_ranges();
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "mkcharset: cannot write\n");
		return 1;
	}
	return 0;
}
