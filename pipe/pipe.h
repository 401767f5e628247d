/*
 * pipe.h - delivery to a command.
 *
 * Two processes.  The one that qmgr speaks to is jailed like all others: it
 * makes the command line and the text that the command reads, and judges how
 * it ended.  Commands need what a jail takes away, so they are children of the
 * other one, the starter: forked before the jail closed, it reads nothing but
 * four requests of the first (starter.h) and refuses to be root for anybody.
 *
 * template.c  command lines with words like ${recipient}
 * feed.c      what the command reads: trace fields, From_ line, line ends
 * run.c       one run: start, feed, listen, wait
 * outcome.c   exit status and output to a result
 * deliver.c   a request of qmgr: which recipients go into which run
 */
#ifndef PIPE_PIPE_H
#define PIPE_PIPE_H

#include "mime/from_line.h"
#include "proto/agent.h"
#include "serve/serve.h"

#define LINE_END "lf|crlf"
enum line_end { END_LF, END_CRLF };
#define UNKNOWN_EXIT "reject|defer"
enum unknown_exit { EXIT_REJECT, EXIT_DEFER };

struct pipe_conf {
	const char *command, *user, *directory, *shell, *path;
	struct strlist environment;
	int64_t recipients, time_limit;
	bool from_line, return_path, delivered_to, original_to;
	int line_end, unknown_exit;
	uint64_t size_limit;
};
extern struct pipe_conf conf;

/* what the words of a command line stand for; never NULL */
struct words {
	const char *sender, *recipient, *original, *nexthop, *queue_id,
	    *session, *size;
	/* of recipient: user of user+extension@domain */
	const char *user, *extension, *domain;
};
/* local part and domain of w->recipient */
void words_split(struct words *w, struct arena *a);

/* --- template.c --- */
/* 0; or -1: an unknown word, an open brace, no program with its path */
int template_check(const char *command, struct err *err);
/* does an argument name a recipient, so that it is repeated for each? */
bool template_repeats(const char *command);
/* The arguments for n recipients.  0; or -1: 5.1.3 a word would begin an
 * argument with a '-' that an address brought. */
int template_fill(const char *command, const struct words *w, size_t n,
    struct arena *a, struct strlist *arg, struct err *err);
/* SENDER=..., RECIPIENT=... and so on, harmless to a shell */
void template_environment(const struct words *w, struct arena *a,
    struct strlist *env);

/* --- feed.c --- */
struct feed {
	int fd;			/* the content */
	uint64_t size;
	const struct words *words;
	int64_t created;
};
/* A descriptor of what the command is to read, or -1: temporary. */
int feed_file(const struct feed *f, struct err *err);

/* --- run.c --- */
struct run {
	const char *login, *dir;	/* dir "": the login's home */
	struct strlist arg, env;
	struct feed feed;
	/* how it ended */
	int status;		/* of waitpid(2) */
	bool timed_out;
	struct str output;	/* its beginning */
};
/* fork the starter: before the jail */
int run_init(struct err *err);
/* 0: it ended; -1: it could not be started (err_temp), or the starter died */
int run_command(struct run *r, struct err *err);

/* --- outcome.c --- */
/* 0 delivered; -1 err, temporary or permanent */
int outcome(const struct run *r, struct err *err);

/* --- deliver.c --- */
int deliver_verb(struct call *c, const void *in, void *out, struct err *err);
/* the login and the command of a mailbox LOGIN:|COMMAND: 1, or 0: it is none */
int mailbox_command(const char *mailbox, struct arena *a, const char **login,
    const char **command);

#endif
