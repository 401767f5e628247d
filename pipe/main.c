/*
 * main.c - pipe: options and jail.
 */
#include "pipe.h"

#include "conf/common.h"
#include "map/map.h"

struct pipe_conf conf;

static const struct field fields[] = {
	F_STR(struct pipe_conf, command, "",
	    "program and arguments; none: what the alias says"),
	F_STR(struct pipe_conf, user, "nobody",
	    "account that command runs as"),
	F_STR(struct pipe_conf, directory, "",
	    "where it runs; none: the account's home"),
	F_STR(struct pipe_conf, shell, "/bin/sh",
	    "runs the commands of aliases"),
	F_STR(struct pipe_conf, path, "/usr/local/bin:/usr/bin:/bin",
	    "PATH of commands"),
	F_LIST(struct pipe_conf, environment,
	    "further NAME=value of their environment"),
	F_INT(struct pipe_conf, recipients, "1", "1", "250",
	    "how many recipients one run of command gets"),
	F_TIME(struct pipe_conf, time_limit, "15m", "1s", "1d",
	    "for one run; then it is killed"),
	F_SIZE(struct pipe_conf, size_limit, "0", "0", "1T",
	    "larger messages are returned; 0: none is"),
	F_BOOL(struct pipe_conf, from_line, "no",
	    "a From_ line in front, and > before such lines of the message"),
	F_BOOL(struct pipe_conf, return_path, "yes",
	    "a field Return-Path in front"),
	F_BOOL(struct pipe_conf, delivered_to, "yes",
	    "a field Delivered-To, where a run has one recipient"),
	F_BOOL(struct pipe_conf, original_to, "no",
	    "the same of X-Original-To"),
	F_ENUM(struct pipe_conf, line_end, "lf", LINE_END,
	    "how lines end that it reads"),
	F_ENUM(struct pipe_conf, unknown_exit, "reject", UNKNOWN_EXIT,
	    "what an exit status means that sysexits.h does not know"),
	F_END
};

static const struct verb verbs[] = {
	{ &agent_deliver, deliver_verb, PEER_QUEUE },
	{ 0 }
};

static int
check(struct err *err)
{
	struct slice rest = slice_of(conf.command), word;

	if (conf.command[0] != '\0' && template_check(conf.command, err) < 0)
		return err_prefix(err, "command");
	if (conf.recipients > 1 && !template_repeats(conf.command))
		return err_temp(err, "4.3.5", "recipients = %lld, but command "
		    "names none", (long long)conf.recipients);
	if (conf.shell[0] != '/')
		return err_temp(err, "4.3.5", "shell: expected a program with "
		    "its path");
	/* the program itself is not made of what others send */
	if (slice_word(&rest, &word) && memchr(word.p, '$', word.n) != NULL)
		return err_temp(err, "4.3.5", "command: the program has no "
		    "words");
	return 0;
}

static int
before_jail(struct err *err)
{
	map_set_dir(common.conf_dir);
	return run_init(err);
}

static const struct daemon pipe_daemon = {
	.name = "pipe", .kind = SERVE_REQUEST,
	.fields = fields, .conf = &conf,
	.before_jail = before_jail, .check = check,
	.verbs = verbs,
	/* files: as many may be under way of its user, with those of others */
	.jail = { .groups = JAIL_FILES | JAIL_MEMFD, .files = 1024 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &pipe_daemon);
}
