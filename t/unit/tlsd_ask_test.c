/*
 * tlsd_ask_test.c - each handshake gets the answer to its own question: where
 * a question is too long, where there is another keyd meanwhile, and where
 * one dies.
 */
#include <event2/event.h>

#include "../../tlsd/tlsd.h"
#include "ipc/codec.h"
#include "test/tap.h"

enum { LINES = 8 };

struct tlsd_conf conf = { .key_timeout = 10000, .key_waiting = 10 };

/* --- connections to keyds, which this test plays ------------------------- */

struct hub_agent {
	hub_msg_fn *on_msg;
	hub_gone_fn *on_gone;
	void *ctx;
	int asked;		/* questions that came */
	bool closed;
} agents[LINES];
static int nagents;

struct hub_agent *
hub_agent_open(const char *path UNUSED, hub_msg_fn *on_msg,
    hub_gone_fn *on_gone, void *ctx, struct err *err)
{
	struct hub_agent *a = &agents[nagents];

	if (nagents == LINES) {
		err_temp(err, "4.3.0", "too many");
		return NULL;
	}
	nagents++;
	*a = (struct hub_agent){ on_msg, on_gone, ctx, 0, false };
	return a;
}

int
hub_agent_send(struct hub_agent *a, const struct verb_def *v, const void *rec,
    int fd UNUSED, struct err *err)
{
	struct str bytes = STR_INIT;
	bool fits;

	ok(!a->closed, "nothing is sent to one that was closed");
	ipc_encode(&bytes, v->name, v->in, rec);
	fits = bytes.len <= IPC_MAX;
	str_free(&bytes);
	if (!fits)
		return err_perm(err, "5.3.4", "too long");
	a->asked++;
	return 0;
}

void
hub_agent_close(struct hub_agent *a)
{
	a->closed = true;
}

/* a voucher of that text from line i */
static void
answer(int i, const char *text)
{
	struct key_vouch_out out = { text };
	struct str bytes = STR_INIT;
	struct ipc_msg m;
	struct err err;

	ipc_msg_init(&m);
	ipc_encode(&bytes, "ok", key_vouch.out, &out);
	m.buf = xcalloc(1, IPC_MAX + 1);
	memcpy(m.buf, bytes.s, bytes.len);
	m.len = bytes.len;
	if (ipc_check(&m, &err) < 0)
		die("%s", err.text);
	agents[i].on_msg(&agents[i], agents[i].ctx, &m);
	str_free(&bytes);
	ipc_msg_free(&m);
}

static void
break_off(int i)
{
	struct err why;

	err_temp(&why, "4.3.0", "connection closed");
	agents[i].on_gone(&agents[i], agents[i].ctx, &why);
	agents[i].closed = true;
}

/* --- handshakes ---------------------------------------------------------- */

struct shake {
	struct fibre_work w;
	const char *subject;
	char got[20];		/* "-": no answer */
};

static void
work(void *arg)
{
	struct shake *s = arg;
	struct key_vouch_in in = { "", "00", s->subject, { 0 } };
	const char *text;

	slice_copy(s->got, sizeof(s->got), slice_of(keyd_vouch(&in, &text) ==
	    0 ? text : "-"));
}

static void
over(void *arg UNUSED)
{
}

static void
begin(struct shake *s, const char *subject)
{
	*s = (struct shake){ .subject = subject };
	s->w.work = work;
	s->w.then = over;
	s->w.arg = s;
	(void)fibre_run(&s->w);
}

static void
test_long(void)
{
	char *huge = xcalloc(1, IPC_MAX + 1);
	struct shake a, b, c;

	memset(huge, 'x', IPC_MAX);
	begin(&a, "a");
	begin(&b, huge);
	begin(&c, "c");
	is_str(b.got, "-", "a question that no message holds has no answer");
	is_int(agents[0].asked, 2, "two were asked");
	answer(0, "to a");
	answer(0, "to c");
	is_str(a.got, "to a", "who asked before has his answer");
	is_str(c.got, "to c", "who asked behind it has his own, too");
	free(huge);
}

static void
test_move(void)
{
	struct shake a, b, c;

	begin(&a, "a");
	ask_move();
	is_int(nagents, 2, "another keyd: a new connection at once");
	ok(!agents[0].closed, "the old one stays for its answer");
	begin(&b, "b");
	ask_move();
	begin(&c, "c");
	is_int(nagents, 3, "and yet another keyd");
	is_int(agents[1].asked, 1, "new questions go to the new one");
	answer(2, "to c");
	answer(0, "to a");
	ok(agents[0].closed && !agents[1].closed,
	    "a connection ends with its last answer");
	answer(1, "to b");
	ok(agents[1].closed && !agents[2].closed, "but for the last of them");
	is_str(a.got, "to a", "the first has his answer");
	is_str(b.got, "to b", "the second, too");
	is_str(c.got, "to c", "and the third");
	ask_move();
	ok(agents[2].closed, "one where nothing was asked ends at once");
}

static void
test_gone(void)
{
	struct shake a, b;
	int at = nagents - 1;

	begin(&a, "a");
	ask_move();
	begin(&b, "b");
	break_off(at);
	is_int(agents[at + 1].asked, 2, "the old keyd dies: the new is asked");
	answer(at + 1, "to b");
	answer(at + 1, "to a");
	is_str(a.got, "to a", "so the first has an answer");
	is_str(b.got, "to b", "and the second his own");
	begin(&a, "a");
	break_off(at + 1);
	is_int(agents[at + 2].asked, 1, "the new one dies: asked once more");
	break_off(at + 2);
	is_str(a.got, "-", "but not twice");
}

int
main(void)
{
	hub_base = event_base_new();
	ask_start();
	test_long();
	test_move();
	test_gone();
	event_base_free(hub_base);
	return tap_done();
}
