/*
 * config.c - master.conf: options of master itself, then one section a
 * service.
 */
#include "conf/common.h"
#include "conf/conf.h"
#include "master.h"

enum { WATCHDOG_MIN_MS = 1000 };

static const struct field master_fields[] = {
	F_TIME(struct config, stop_timeout, "30s", "1s", "1h",
	    "how long a stop may take before children are killed"),
	F_TIME(struct config, start_timeout, "30s", "1s", "1h",
	    "how long a start may take until all services are ready"),
	F_TIME(struct config, throttle_max, "60s", "1s", "1h",
	    "longest wait before a crashing service is tried again"),
	F_INT(struct config, files, "65536", "1024", "1048576",
	    "descriptors that master and each child may have open"),
	F_END
};

static const struct field service_fields[] = {
	F_STR(struct service_conf, program, NULL, "program"),
	F_STR(struct service_conf, conf, "",
	    "its file in the configuration directory; "
	    "empty: PROGRAM.conf, where the program has options"),
	F_STR(struct service_conf, user, NULL,
	    "role: root, net, queue, maps, store, auth or log"),
	F_LIST(struct service_conf, listen,
	    "inet:ADDRESS:PORT, tls:ADDRESS:PORT, private:NAME, inbox:NAME, "
	    "gate:NAME, local:NAME, public:NAME"),
	F_INT(struct service_conf, process_limit, "1", "1", "100000",
	    "children at a time"),
	F_INT(struct service_conf, uses, "0", "0", "1000000000",
	    "clients that a child serves before it ends; 0: no end"),
	F_INT(struct service_conf, clients, "1", "1", "100000",
	    "connections that a child serves at a time"),
	F_INT(struct service_conf, spare, "0", "0", "1000",
	    "idle children kept ready"),
	F_INT(struct service_conf, order, "50", "0", "99",
	    "services with a lower number stop first"),
	F_TIME(struct service_conf, max_idle, "100s", "0s", "30d",
	    "a child without a client for so long ends; 0: never"),
	F_TIME(struct service_conf, watchdog, "2m", "0s", "1d",
	    "a child whose event loop hangs for so long is killed; 0: never"),
	F_INT(struct service_conf, backlog, "511", "1", "65535",
	    "clients waiting to be accepted"),
	F_BOOL(struct service_conf, enabled, "yes", "no: not started"),
	F_BOOL(struct service_conf, fsuid_store, "no",
	    "files that it creates belong to the user of the store"),
	F_BOOL(struct service_conf, reads_log, "no",
	    "gets the reading end of the log pipe"),
	F_END
};

struct reader {
	struct config *c;
	const char *path;
	struct service_conf *at;
};

static bool
name_ok(struct slice n)
{
	size_t i;

	for (i = 0; i < n.n; i++)
		if (!ascii_isalnum((unsigned char)n.p[i]) && n.p[i] != '-' &&
		    n.p[i] != '_')
			return false;
	return n.n > 0 && n.n <= 32 && n.p[0] != '-';
}

const struct service_conf *
config_find(const struct config *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->services; i++)
		if (strcmp(c->service[i].name, name) == 0)
			return &c->service[i];
	return NULL;
}

static int
find_section(struct reader *r, struct slice name, struct err *err)
{
	struct config *c = r->c;
	size_t i;

	for (i = 0; i < c->services; i++)
		if (slice_eqz(name, c->service[i].name)) {
			r->at = &c->service[i];
			return 0;
		}
	if (!name_ok(name))
		return err_perm(err, "5.3.5", "[%.*s]: expected a name of "
		    "letters, digits, - and _, at most 32",
		    (int)MIN(name.n, (size_t)40), name.p);
	if (c->services == SERVICES_MAX)
		return err_perm(err, "5.3.5", "more than %d services",
		    SERVICES_MAX);
	r->at = &c->service[c->services++];
	field_defaults(service_fields, r->at, &c->arena);
	r->at->name = arena_slice(&c->arena, name);
	return 0;
}

static int
bad_role(struct slice value, struct err *err)
{
	struct str all = STR_INIT;
	int role;

	for (role = 0; role < ROLE_COUNT; role++)
		str_addf(&all, "%s%s", role > 0 ? ", " : "", role_name(role));
	err_perm(err, "5.3.5", "user = %.*s: expected one of %s",
	    (int)MIN(value.n, (size_t)40), value.p, all.s);
	str_free(&all);
	return -1;
}

static int
setting(void *ctx, struct slice section, struct slice name,
    struct slice value, struct err *err)
{
	struct reader *r = ctx;

	if (section.n == 0)
		return conf_set(master_fields, r->c, name, value,
		    &r->c->arena, err);
	if (r->at == NULL || !slice_eqz(section, r->at->name))
		if (find_section(r, section, err) != 0)
			return -1;
	if (slice_eqz(name, "user") && role_find(value) < 0)
		return bad_role(value, err);
	return conf_set(service_fields, r->at, name, value, &r->c->arena, err);
}

static int
check_conf_file(const struct service_conf *s, struct err *err)
{
	const char *path;

	if (s->conf[0] == '\0')
		return 0;
	if (strchr(s->conf, '/') != NULL)
		return err_perm(err, "5.3.5", "conf = %s: expected the name "
		    "of a file in the configuration directory", s->conf);
	path = common_path(common.conf_dir, s->conf);
	if (access(path, R_OK) != 0)
		return err_sys(err, "conf = %s: cannot read %s", s->conf,
		    path);
	return 0;
}

/* on another the client would speak TLS with a program that does not, or gate
 * send clients to who does not know what that is */
static int
check_kind(const struct service_conf *s, const char *spec, struct err *err)
{
	static const char *const programs[] = { "smtpd", "pop3-login",
	    "imap-login" };
	bool tls = strncmp(spec, "tls:", 4) == 0;
	size_t i;

	if ((!tls && strncmp(spec, "gate:", 5) != 0) ||
	    (tls && strcmp(s->program, "gate") == 0))
		return 0;
	for (i = 0; i < ARRAY_LEN(programs); i++)
		if (strcmp(s->program, programs[i]) == 0)
			return 0;
	return err_perm(err, "5.3.5", "listen = %s: %s %s", spec, s->program,
	    tls ? "knows no TLS" : "takes no clients from gate");
}

static int
check_service(struct service_conf *s, struct err *err)
{
	size_t i;

	if (s->program[0] == '\0' || strchr(s->program, '/') != NULL)
		return err_perm(err, "5.3.5", s->program[0] ?
		    "program = %s: expected the name of a program of the suite"
		    : "program%s is not set", s->program);
	if (s->user[0] == '\0')
		return err_perm(err, "5.3.5", "user is not set");
	s->path = program_path(s->program);
	if (access(s->path, X_OK) != 0)
		return err_sys(err, "program = %s: cannot run %s", s->program,
		    s->path);
	if (s->listen.n > LISTENERS_MAX)
		return err_perm(err, "5.3.5", "listen: more than %d",
		    LISTENERS_MAX);
	if (s->spare > s->process_limit)
		return err_perm(err, "5.3.5", "spare = %lld is more than "
		    "process_limit = %lld", (long long)s->spare,
		    (long long)s->process_limit);
	if (s->watchdog > 0 && s->watchdog < WATCHDOG_MIN_MS)
		return err_perm(err, "5.3.5", "watchdog = %lldms: expected 0 "
		    "or at least a second", (long long)s->watchdog);
	for (i = 0; i < s->listen.n; i++)
		if (listen_check(s->listen.v[i], err) != 0 ||
		    check_kind(s, s->listen.v[i], err) != 0)
			return -1;
	return check_conf_file(s, err);
}

/* a listener has one owner */
static int
check_listeners(const struct config *c, struct err *err)
{
	struct strlist seen = { 0 };
	struct arena a = { 0 };
	size_t i, j;
	int r = 0;

	for (i = 0; i < c->services && r == 0; i++) {
		const struct service_conf *s = &c->service[i];

		if (!s->enabled)
			continue;
		for (j = 0; j < s->listen.n && r == 0; j++) {
			if (strlist_has(&seen, s->listen.v[j]))
				r = err_perm(err, "5.3.5", "[%s] listen = %s: "
				    "another service has it already", s->name,
				    s->listen.v[j]);
			strlist_add(&seen, &a, s->listen.v[j]);
		}
	}
	arena_free(&a);
	return r;
}

static int
check_all(const struct config *c, struct err *err)
{
	size_t i, n = 0;

	for (i = 0; i < c->services; i++) {
		struct service_conf *s = &c->service[i];

		if (!s->enabled)
			continue;
		if (check_service(s, err) != 0)
			return err_prefix(err, "[%s]", s->name);
		n += s->reads_log;
	}
	if (n > 1)
		return err_perm(err, "5.3.5",
		    "more than one service has reads_log = yes");
	return check_listeners(c, err);
}

struct config *
config_read(const char *dir, struct err *err)
{
	struct config *c = xcalloc(1, sizeof(*c));
	struct reader r = { .c = c };

	c->service = arena_alloc(&c->arena,
	    SERVICES_MAX * sizeof(*c->service));
	field_defaults(master_fields, c, &c->arena);
	r.path = arena_printf(&c->arena, "%s/master.conf", dir);
	if (conf_read(r.path, true, setting, &r, err) != 0) {
		config_free(c);
		return NULL;
	}
	if (c->services == 0 || check_all(c, err) != 0) {
		if (c->services == 0)
			err_perm(err, "5.3.5", "no [service]");
		conf_place(r.path, err);
		config_free(c);
		return NULL;
	}
	return c;
}

void
config_free(struct config *c)
{
	struct arena a;

	if (c == NULL)
		return;
	a = c->arena;
	arena_free(&a);
	free(c);
}

void
config_print_options(void)
{
	conf_print_options(master_fields);
	conf_print_options(service_fields);
}
