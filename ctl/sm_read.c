/*
 * sm_read.c - standard input becomes a file of LF lines.
 */
#include "sendmail.h"

#include <fcntl.h>
#include <sys/mman.h>

enum { CHUNK = 65536 };

/* where a line stands, over the ends of chunks */
struct copy {
	struct mail *m;
	struct str out;
	enum { BOL, DOT, DOT_CR, CR, INSIDE } at;
	bool ended;		/* by a lone dot */
};

static void
put(struct copy *c, char ch)
{
	if ((unsigned char)ch >= 0x80)
		c->m->eight_bit = true;
	str_addc(&c->out, ch);
}

/* what was held back, because it might have been something else */
static void
let_go(struct copy *c)
{
	if (c->at == DOT || c->at == DOT_CR)
		put(c, '.');
	if (c->at == DOT_CR || c->at == CR)
		put(c, '\r');
	c->at = INSIDE;
}

static void
take(struct copy *c, char ch)
{
	if (ch == '\n') {
		if (c->at == DOT || c->at == DOT_CR) {
			if (!c->m->ignore_dots) {
				c->ended = true;
				return;
			}
			put(c, '.');
		}
		put(c, '\n');
		c->at = BOL;
	} else if (ch == '.' && c->at == BOL) {
		c->at = DOT;
	} else if (ch == '\r' && c->at == DOT) {
		c->at = DOT_CR;
	} else if (ch == '\r') {
		if (c->at == CR || c->at == DOT_CR)
			let_go(c);
		c->at = CR;
	} else {
		let_go(c);
		put(c, ch);
	}
}

static int
save(struct copy *c)
{
	if (full_write(c->m->fd, c->out.s, c->out.len) != 0)
		return sm_fail(EX_TEMPFAIL, "cannot keep the message: %s",
		    strerror(errno));
	c->m->size += c->out.len;
	str_reset(&c->out);
	return EX_OK;
}

static int
copy_all(struct copy *c)
{
	static char buf[CHUNK];
	ssize_t n, i;
	int r = EX_OK;

	while (r == EX_OK && !c->ended &&
	    (n = read(STDIN_FILENO, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sm_fail(EX_IOERR, "cannot read the message: "
			    "%s", strerror(errno));
		for (i = 0; i < n && !c->ended; i++)
			take(c, buf[i]);
		r = save(c);
	}
	if (r != EX_OK || c->ended)
		return r;
	/* the end of input ends a line; a lone dot there too is the end */
	if (c->at == DOT && !c->m->ignore_dots)
		return r;
	if (c->at != BOL) {
		let_go(c);
		put(c, '\n');
	}
	return save(c);
}

/* an unlinked file, so that a large message needs no memory */
static int
open_temp(void)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	fd = open(dir != NULL && dir[0] == '/' ? dir : "/tmp",
	    O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd >= 0 ? fd : memfd_create("message", MFD_CLOEXEC);
}

int
sm_read(struct mail *m)
{
	struct copy c = { .m = m, .out = STR_INIT, .at = BOL };
	int r;

	m->fd = open_temp();
	if (m->fd < 0)
		return sm_fail(EX_TEMPFAIL, "no temporary file: %s",
		    strerror(errno));
	r = copy_all(&c);
	str_free(&c.out);
	return r;
}
