/*
 * cmd_call.c - postrider call: one request to any daemon, its answers as
 * name=value lines.  The known interfaces are checked before anything is
 * sent; to a socket that we do not know, everything is sent as it is.
 */
#include "conf/common.h"
#include "ctl.h"
#include "ipc/ipc.h"
#include "proto/agent.h"
#include "proto/auth.h"
#include "proto/cleanup.h"
#include "proto/dns.h"
#include "proto/filter.h"
#include "proto/gate.h"
#include "proto/limit.h"
#include "proto/lookup.h"
#include "proto/master.h"
#include "proto/pam.h"
#include "proto/qmgr.h"
#include "proto/router.h"
#include "proto/sts.h"

#include <fcntl.h>

enum { CALL_MS = 120000, FIELDS_MAX = 2000 };

static const struct {
	const char *socket;
	const struct verb_def *const *verbs;
} interfaces[] = {
	{ "auth", auth_verbs },
	{ "auth-pam", pam_verbs },
	{ "bounce", bounce_verbs },
	{ "cleanup", cleanup_verbs },
	{ "command", local_verbs },
	{ "dnsd", dns_verbs },
	{ "filter", filter_verbs },
	{ "gate", gate_verbs },
	{ "limitd", limit_verbs },
	{ "local", local_verbs },
	{ "mapd", lookup_verbs },
	{ "master", master_verbs },
	{ "pipe", agent_verbs },
	{ "pop3d", session_verbs },
	{ "qmgr", qmgr_verbs },
	{ "router", router_verbs },
	{ "smtp", smtp_verbs },
	{ "sts-fetch", sts_fetch_verbs },
	{ "stsd", sts_verbs },
	{ "system", local_verbs },
};

static int
unknown_verb(const char *socket, const char *verb,
    const struct verb_def *const *verbs)
{
	const char *names[64], *near;
	size_t n = 0;

	for (; *verbs != NULL && n < ARRAY_LEN(names) - 2; verbs++)
		names[n++] = (*verbs)->name;
	names[n++] = "ping";
	names[n] = NULL;
	near = nearest_name(names, slice_of(verb));
	if (near != NULL)
		return fail_usage("%s has no verb \"%s\"; did you mean "
		    "\"%s\"?", socket, verb, near);
	return fail_usage("%s has no verb \"%s\"", socket, verb);
}

/* EXIT_OK and the definition, or NULL where the socket is not known */
static int
find_verb(const char *socket, const char *verb, const struct verb_def **v_r)
{
	const struct verb_def *const *v;
	size_t i;

	*v_r = NULL;
	for (i = 0; i < ARRAY_LEN(interfaces); i++) {
		if (strcmp(interfaces[i].socket, socket) != 0)
			continue;
		if (strcmp(verb, verb_ping.name) == 0) {
			*v_r = &verb_ping;
			return EXIT_OK;
		}
		for (v = interfaces[i].verbs; *v != NULL; v++)
			if (strcmp((*v)->name, verb) == 0) {
				*v_r = *v;
				return EXIT_OK;
			}
		return unknown_verb(socket, verb, interfaces[i].verbs);
	}
	return EXIT_OK;
}

static int
check_field(const struct verb_def *v, struct slice name, struct slice value)
{
	static const struct field none[] = { F_END };
	const struct field *t = v->in != NULL ? v->in : none;
	const struct field *f = field_find(t, name);
	struct err err = ERR_INIT;
	const char *near;
	void *rec;
	int r;

	if (f == NULL) {
		near = field_nearest(t, name);
		return fail_usage(near != NULL ? "%s has no field \"%.*s\"; "
		    "did you mean \"%s\"?" : "%s has no field \"%.*s\"%s",
		    v->name, (int)name.n, name.p, near ? near : "");
	}
	rec = xcalloc(1, v->in_size);
	r = field_set(f, rec, value, &ctl_arena, &err);
	free(rec);
	return r == 0 ? EXIT_OK : fail_usage("%s", err.text);
}

/* the words as a record of strings, with a table made for them */
struct record {
	struct field *fields;
	const char **values;
};

static int
make_record(const struct verb_def *v, int n, char **words, struct record *r)
{
	struct slice name, rest;
	int i, rc;

	r->fields = arena_alloc(&ctl_arena, ((size_t)n + 1) *
	    sizeof(*r->fields));
	r->values = arena_alloc(&ctl_arena, ((size_t)n + 1) *
	    sizeof(*r->values));
	for (i = 0; i < n; i++) {
		rest = slice_of(words[i]);
		slice_cut(&rest, '=', &name);
		if (rest.p == NULL || name.n == 0)
			return fail_usage("%s: expected NAME=VALUE", words[i]);
		rc = v != NULL ? check_field(v, name, rest) : EXIT_OK;
		if (rc != EXIT_OK)
			return rc;
		r->values[i] = arena_slice(&ctl_arena, rest);
		r->fields[i] = (struct field){
		    .name = arena_slice(&ctl_arena, name), .kind = FIELD_STR,
		    .offset = (size_t)i * sizeof(*r->values) };
	}
	return EXIT_OK;
}

static int
save_fd(int fd, const char *path)
{
	char buf[65536];
	ssize_t n;
	int out, r = 0;

	out = strcmp(path, "-") == 0 ? dup(STDOUT_FILENO) :
	    open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0)
		return fail("cannot write %s: %s", path, strerror(errno));
	(void)lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, buf, sizeof(buf))) > 0 && r == 0)
		r = full_write(out, buf, (size_t)n);
	if (n < 0 || r != 0)
		r = fail("cannot copy to %s: %s", path, strerror(errno));
	close(out);
	return r == 0 ? EXIT_OK : EXIT_FAILED;
}

static bool
is_secret(const struct verb_def *v, struct slice name)
{
	const struct field *f = v != NULL && v->out != NULL ?
	    field_find(v->out, name) : NULL;

	return f != NULL && (f->flags & FIELD_SECRET) != 0;
}

/* no password and no token comes onto a screen */
static void
print_pairs(const struct ipc_msg *m, const struct verb_def *v)
{
	const char *p = NULL;
	struct slice rest, name;

	while ((p = ipc_next_pair(m, p)) != NULL) {
		rest = slice_of(p);
		slice_cut(&rest, '=', &name);
		if (slice_eqz(name, "verb"))
			continue;
		if (is_secret(v, name) && rest.n > 0)
			printf("%.*s=(hidden)\n", (int)name.n, name.p);
		else
			printf("%s\n", p);
	}
}

/* 1 a further message may come, else an exit status as -1 - status */
static int
one_answer(int sock, struct ipc_msg *m, const struct verb_def *v,
    const char *fd_out)
{
	struct err err = ERR_INIT;
	int r = ipc_recv(sock, m, CALL_MS, &err);

	if (r < 0)
		return -1 - fail_err(&err);
	if (r == 0)
		return -1 - fail("the daemon hung up without an answer");
	print_pairs(m, v);
	if (m->fd >= 0 && fd_out != NULL) {
		fflush(stdout);
		r = save_fd(m->fd, fd_out);
		if (r != EXIT_OK)
			return -1 - r;
	}
	if (strcmp(m->verb, "more") == 0) {
		printf("\n");
		return 1;
	}
	return -1 - (strcmp(m->verb, "ok") == 0 ? EXIT_OK : EXIT_FAILED);
}

static int
talk(const char *path, const char *verb, const struct record *rec,
    const struct verb_def *v, int in_fd, const char *fd_out)
{
	struct err err = ERR_INIT;
	struct ipc_msg m;
	int sock, r;

	sock = ipc_connect(path, CALL_MS, &err);
	if (sock < 0)
		return fail_err(&err);
	/* fields: the table ends with a zeroed row */
	if (ipc_send(sock, verb, rec->fields, rec->values, in_fd, CALL_MS,
	    &err) != 0) {
		close(sock);
		return fail_err(&err);
	}
	ipc_msg_init(&m);
	r = v != NULL && (v->flags & VERB_NO_REPLY) ? -1 : 1;
	while (r == 1)
		r = one_answer(sock, &m, v, fd_out);
	ipc_msg_free(&m);
	close(sock);
	return -1 - r;
}

/* a service that has no socket is perhaps misspelled */
static int
check_socket(const char *name)
{
	const char *names[ARRAY_LEN(interfaces) + 1], *near;
	size_t i;

	if (!may_ask(name))
		return EXIT_FAILED;
	if (access(socket_path(name), F_OK) == 0)
		return EXIT_OK;
	for (i = 0; i < ARRAY_LEN(interfaces); i++) {
		if (strcmp(interfaces[i].socket, name) == 0)
			return EXIT_OK;
		names[i] = interfaces[i].socket;
	}
	names[i] = NULL;
	near = nearest_name(names, slice_of(name));
	if (near != NULL)
		return fail_usage("no socket \"%s\"; did you mean \"%s\"?",
		    name, near);
	return fail_usage("no socket \"%s\" in %s", name,
	    common_path(common.run_dir, "private"));
}

int
cmd_call(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "fd-in", required_argument, NULL, 'I' },
		{ "fd-out", required_argument, NULL, 'O' },
		{ NULL, 0, NULL, 0 }
	};
	const char *fd_out = NULL, *socket, *verb;
	const struct verb_def *v;
	struct record rec;
	struct err err = ERR_INIT;
	int c, in_fd = -1, r;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == 'O')
			fd_out = optarg;
		else if (c != 'I')
			return EXIT_USAGE;
		else if ((in_fd = open(optarg, O_RDONLY | O_CLOEXEC)) < 0)
			return fail("%s: %s", optarg, strerror(errno));
	}
	if (argc - optind < 2)
		return fail_usage("usage: postrider call [--fd-in FILE] "
		    "[--fd-out FILE] SOCKET VERB [NAME=VALUE]...");
	socket = argv[optind];
	verb = argv[optind + 1];
	r = find_verb(socket, verb, &v);
	if (r == EXIT_OK)
		r = make_record(v, MIN(argc - optind - 2, FIELDS_MAX),
		    argv + optind + 2, &rec);
	if (r != EXIT_OK)
		return r;
	if (strchr(socket, '/') == NULL) {
		if (instance_load(&err) != 0)
			return fail_err(&err);
		r = check_socket(socket);
		if (r != EXIT_OK)
			return r;
		socket = socket_path(socket);
	}
	return talk(socket, verb, &rec, v, in_fd, fd_out);
}
