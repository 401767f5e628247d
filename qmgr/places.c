/*
 * places.c - how many connections a transport's service has room for, by
 * master.conf.  Who connects to more agents than there are processes waits in
 * front of a socket that nobody accepts, with the mail that was sent there.
 *
 * Read at the start; a reload starts another qmgr.  What master.conf does not
 * have (agents of a test, say) has no limit here.
 */
#include "qmgr.h"

#include "conf/conf.h"
#include "proto/agent.h"

struct service {
	struct service *next;
	char *name;
	uint64_t processes, clients;
	struct strlist sockets;		/* private ones */
};
static struct service *all;
static struct arena arena;

static int
setting(void *ctx UNUSED, struct slice section, struct slice name,
    struct slice value, struct err *err UNUSED)
{
	struct service *s = all;
	struct slice word;

	if (section.n == 0)
		return 0;
	if (s == NULL || !slice_eqz(section, s->name)) {
		s = arena_alloc(&arena, sizeof(*s));
		*s = (struct service){ .next = all, .processes = 1,
			.clients = 1, .name = arena_slice(&arena, section) };
		all = s;
	}
	if (slice_eqz(name, "process_limit"))
		slice_u64(value, 100000, &s->processes);
	else if (slice_eqz(name, "clients"))
		slice_u64(value, 100000, &s->clients);
	while (slice_eqz(name, "listen") && slice_word(&value, &word))
		if (slice_starts(word, "private:"))
			strlist_add(&s->sockets, &arena, arena_slice(&arena,
			    slice_sub(word, strlen("private:"), word.n)));
	return 0;
}

int
places_before_jail(struct err *err)
{
	char *path = xasprintf("%s/master.conf", common.conf_dir);
	int rc = 0;

	/* what is wrong with it is master's to say, but for the form */
	if (access(path, F_OK) == 0)
		rc = conf_read(path, true, setting, NULL, err);
	free(path);
	return rc;
}

static const struct service *
service_of(const char *transport)
{
	const struct service *s;

	for (s = all; s != NULL; s = s->next)
		if (strlist_has(&s->sockets, transport))
			return s;
	return NULL;
}

int64_t
places_of(const char *transport)
{
	const struct service *s = service_of(transport);

	return s != NULL ? (int64_t)(s->processes * s->clients) : INT64_MAX;
}

/* a master.conf that is older than COMMAND_SERVICE: `system' did its work */
const char *
places_instead(const char *transport)
{
	return strcmp(transport, COMMAND_SERVICE) == 0 &&
	    service_of(COMMAND_SERVICE) == NULL &&
	    service_of("system") != NULL ? "system" : transport;
}
