/*
 * password.c - a password from an argument, a terminal or a pipe.
 */
#include "password.h"

#include "base/clock.h"
#include "ctl.h"

#include <termios.h>

static int
read_line(const char *prompt, bool hide, struct str *out)
{
	struct termios old, quiet;
	char c;

	if (prompt != NULL)
		fprintf(stderr, "%s", prompt);
	hide = hide && tcgetattr(STDIN_FILENO, &old) == 0;
	if (hide) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n' &&
	    out->len < 1024)
		str_addc(out, c);
	if (hide) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		fprintf(stderr, "\n");
	}
	return out->len > 0 ? 0 : -1;
}

int
password_get(struct str *out)
{
	struct str again = STR_INIT;
	int r = 0;

	if (!isatty(STDIN_FILENO))
		return read_line(NULL, false, out) == 0 ? EXIT_OK :
		    fail("no password on standard input");
	if (read_line("Password: ", true, out) != 0 ||
	    read_line("Again: ", true, &again) != 0)
		r = fail("no password");
	else if (strcmp(again.s, out->s) != 0)
		r = fail("the passwords differ");
	if (again.cap > 0)
		explicit_bzero(again.s, again.cap);
	str_free(&again);
	return r;
}

void
password_generate(struct str *out)
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	int i;

	for (i = 0; i < 20; i++) {
		if (i > 0 && i % 5 == 0)
			str_addc(out, '-');
		str_addc(out, letters[random_below(32)]);
	}
}

bool
confirmed(const char *question)
{
	struct str s = STR_INIT;
	bool yes;

	if (!isatty(STDIN_FILENO))
		return false;
	fprintf(stderr, "%s [y/N] ", question);
	(void)read_line(NULL, false, &s);
	yes = s.s[0] == 'y' || s.s[0] == 'Y';
	str_free(&s);
	return yes;
}
