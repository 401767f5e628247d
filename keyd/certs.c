/*
 * certs.c - the certificates of keyd.conf, and what becomes of them when
 * their files change.  The generation changes with each change that a client
 * could see.
 */
#include "keyd.h"

#include <event2/event.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

enum { SOON_S = 3 * 86400, WAITERS_MAX = 1024 };

struct cert {
	const char *file;
	struct loaded l;		/* n == 0: there was no good one yet */
	struct before *before;		/* the newest first */
	struct str staple;
	int64_t staple_ends;		/* unix seconds */
	uint64_t stamp;			/* of all its files, as last read */
};
struct waiter {
	struct waiter *next;
	struct hub_ticket ticket;
	int64_t until;
};

static struct cert *certs;
static size_t ncerts;
static int64_t generation;
static struct waiter *waiters;
static size_t nwaiters;
static bool leaving;
static struct event *timer;

static uint64_t
mix(uint64_t h, uint64_t v)
{
	return (h ^ v) * 0x100000001b3ULL;
}

static uint64_t
stamp_of(uint64_t h, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return mix(h, 1);
	h = mix(mix(h, st.st_ino), (uint64_t)st.st_size);
	h = mix(mix(h, (uint64_t)st.st_mtim.tv_sec),
	    (uint64_t)st.st_mtim.tv_nsec);
	return mix(mix(h, (uint64_t)st.st_ctim.tv_sec),
	    (uint64_t)st.st_ctim.tv_nsec);
}

static const char *
staple_path(const struct cert *c, struct arena *a)
{
	return arena_printf(a, "%s.ocsp", c->file);
}

static uint64_t
stamps(const struct cert *c)
{
	struct arena a = { 0 };
	uint64_t h = 0xcbf29ce484222325ULL;
	const char *place;
	size_t i;

	for (i = 0; (place = file_key_place(c->file, i, &a)) != NULL; i++)
		h = stamp_of(h, place);
	h = stamp_of(h, staple_path(c, &a));
	arena_free(&a);
	return h;
}

static void
complain(const char *file, const struct err *err, bool kept)
{
	log_event(kept ? LOG_WARN : LOG_ERROR, "certificate-bad",
	    KS("file", file), KS("kept", kept ? "yes" : "no"), KERR(err),
	    KEND);
}

static void
load_staple(struct cert *c)
{
	struct arena a = { 0 };
	struct err err = ERR_INIT;

	str_reset(&c->staple);
	c->staple_ends = 0;
	if (staple_load(staple_path(c, &a), &c->l, &c->staple,
	    &c->staple_ends, &err) < 0)
		log_event(LOG_WARN, "staple-bad", KS("file", c->file),
		    KERR(&err), KEND);
	arena_free(&a);
}

static void
check_dates(const struct cert *c)
{
	const ASN1_TIME *from = X509_get0_notBefore(c->l.chain[0]);
	const ASN1_TIME *to = X509_get0_notAfter(c->l.chain[0]);
	time_t soon = time(NULL) + SOON_S;

	if (X509_cmp_current_time(to) < 0)
		log_event(LOG_WARN, "certificate-expired",
		    KS("file", c->file), KEND);
	else if (X509_cmp_time(to, &soon) < 0)
		log_event(LOG_WARN, "certificate-expires",
		    KS("file", c->file), KEND);
	if (X509_cmp_current_time(from) > 0)
		log_event(LOG_WARN, "certificate-early", KS("file", c->file),
		    KEND);
}

/* true where something was replaced */
static bool
load(struct cert *c)
{
	struct err err = ERR_INIT;
	struct loaded l;

	c->stamp = stamps(c);
	if (file_load(c->file, &l, &err) < 0) {
		complain(c->file, &err, c->l.n > 0);
		return false;
	}
	if (c->l.n > 0 && strcmp(c->l.id, l.id) != 0) {
		before_add(&c->before, &c->l);
	} else {
		file_free(&c->l);
	}
	c->l = l;
	load_staple(c);
	check_dates(c);
	log_event(LOG_INFO, "certificate", KS("file", c->file),
	    KS("key", l.key_file), KS("id", l.id),
	    KS("staple", c->staple.len > 0 ? "yes" : "no"), KEND);
	return true;
}

void
certs_load(void)
{
	size_t i;

	ncerts = conf.certificates.n;
	certs = xcalloc(MAX(ncerts, (size_t)1), sizeof(*certs));
	generation = wall_us();		/* never that of an earlier keyd */
	for (i = 0; i < ncerts; i++) {
		certs[i].file = conf.certificates.v[i];
		certs[i].staple = (struct str)STR_INIT;
		load(&certs[i]);
	}
}

/* the directory, also that of what a symbolic link leads to */
static void
allow_folder(const char *file)
{
	char *real = realpath(file, NULL);
	const char *path[] = { file, real };
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(path); i++) {
		char *dir;

		if (path[i] == NULL)
			continue;
		n = slice_rfind(slice_of(path[i]), '/');
		dir = slice_dup(slice_sub(slice_of(path[i]), 0, n));
		jail_path(dir, PATH_READ);
		free(dir);
	}
	free(real);
}

void
certs_jail(void)
{
	struct arena a = { 0 };
	const char *place;
	size_t i, k;

	for (i = 0; i < conf.certificates.n; i++)
		for (k = 0; (place = file_key_place(conf.certificates.v[i], k,
		    &a)) != NULL; k++)
			allow_folder(place);
	arena_free(&a);
}

struct loaded *
certs_find(const char *id)
{
	struct loaded *l = NULL;
	size_t i;

	for (i = 0; i < ncerts; i++)
		if (certs[i].l.n > 0 && strcmp(certs[i].l.id, id) == 0)
			return &certs[i].l;
	for (i = 0; i < ncerts && l == NULL; i++)
		l = before_find(certs[i].before, id);
	return l;
}

void
certs_wipe(void)
{
	size_t i;

	for (i = 0; i < ncerts; i++) {
		file_free(&certs[i].l);
		before_expire(&certs[i].before, true);
	}
}

static void
fill_more(const struct cert *c, struct key_cert_more *m, struct arena *a)
{
	struct str b64 = STR_INIT;
	unsigned char *der;
	size_t i;
	int n;

	*m = (struct key_cert_more){ .id = c->l.id,
		.staple = c->staple.len > 0 ? c->staple.s : "" };
	for (i = 0; i < c->l.n; i++) {
		der = NULL;
		n = i2d_X509(c->l.chain[i], &der);
		if (n <= 0)
			continue;
		str_reset(&b64);
		base64_encode(&b64, der, (size_t)n);
		OPENSSL_free(der);
		strlist_add(&m->chain, a, arena_slice(a, slice_str(&b64)));
	}
	str_free(&b64);
}

typedef int send_fn(void *ctx, const struct key_cert_more *m,
    struct err *err);

static int
send_all(send_fn *fn, void *ctx, struct err *err)
{
	struct arena a = { 0 };
	struct key_cert_more m;
	size_t i;
	int rc = 0;

	for (i = 0; i < ncerts && rc == 0; i++) {
		if (certs[i].l.n == 0)
			continue;
		arena_reset(&a);
		fill_more(&certs[i], &m, &a);
		rc = fn(ctx, &m, err);
	}
	arena_free(&a);
	return rc;
}

static int
send_call(void *ctx, const struct key_cert_more *m, struct err *err)
{
	return call_more(ctx, m, err);
}

static int
send_ticket(void *ctx, const struct key_cert_more *m, struct err *err)
{
	return hub_more(*(struct hub_ticket *)ctx, m, err);
}

int
certs_list(struct call *c, const void *arg, void *res, struct err *err)
{
	const struct key_certs_in *in = arg;
	struct key_certs_out *out = res;
	struct waiter *w;

	out->generation = generation;
	if (in->known != generation || in->wait == 0)
		return send_all(send_call, c, err);
	if (leaving) {
		hub_end(hub_hold(c));
		return CALL_LATER;
	}
	if (nwaiters >= WAITERS_MAX)
		return err_temp(err, "4.3.2", "too many wait for certificates");
	nwaiters++;
	w = xcalloc(1, sizeof(*w));
	w->ticket = hub_hold(c);
	w->until = mono_ms() + in->wait;
	w->next = waiters;
	waiters = w;
	return CALL_LATER;
}

static void
answer(struct waiter *w)
{
	struct key_certs_out out = { generation };
	struct err err = ERR_INIT;

	if (send_all(send_ticket, &w->ticket, &err) == 0)
		hub_ok(w->ticket, &out);
	else
		hub_err(w->ticket, &err);
	free(w);
}

/* those whose time has come, or all */
static void
answer_waiters(bool all)
{
	struct waiter **p = &waiters, *w;
	int64_t now = mono_ms();

	while ((w = *p) != NULL) {
		if (!all && w->until > now) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		nwaiters--;
		answer(w);
	}
}

void
certs_leave(void)
{
	struct waiter *w;

	leaving = true;
	while ((w = waiters) != NULL) {
		waiters = w->next;
		nwaiters--;
		hub_end(w->ticket);
		free(w);
	}
}

static void
on_timer(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	int64_t ms = conf.check_interval, left;
	struct timeval tv;
	bool changed = false;
	size_t i;

	for (i = 0; i < ncerts; i++) {
		struct cert *c = &certs[i];

		before_expire(&c->before, false);
		if (stamps(c) != c->stamp && !before_full(c->before)) {
			changed |= load(c);
		} else if (c->staple_ends != 0 &&
		    c->staple_ends <= wall_s()) {
			load_staple(c);		/* says that it has ended */
			changed = true;
		}
		left = before_expire(&c->before, false);
		if (left >= 0)
			ms = MIN(ms, left);
	}
	if (changed)
		generation++;
	answer_waiters(changed);
	tv = (struct timeval){ ms / 1000, ms % 1000 * 1000 };
	evtimer_add(timer, &tv);
}

int
certs_start(struct err *err)
{
	timer = evtimer_new(hub_base, on_timer, NULL);
	if (timer == NULL)
		return err_temp(err, "4.3.0", "evtimer_new");
	on_timer(-1, 0, NULL);
	return 0;
}
