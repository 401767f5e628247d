/*
 * reload.c - check first, then replace; on any error all stays as it is.
 */
#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "master.h"

static reload_done_fn *done;
static void *done_ctx;
static bool under_way;

/* the checks were good; what changed meanwhile is noticed again here */
static int
replace(struct err *err)
{
	struct common old = common;
	struct config *c;

	if (common_load(conf_dir, err) != 0)
		return -1;
	if (strcmp(old.run_dir, common.run_dir) != 0) {
		common = old;
		return err_perm(err, "5.3.5", "run_dir was changed");
	}
	c = config_read(conf_dir, err);
	if (c == NULL || dirs_prepare(err) != 0 ||
	    listen_prepare(c, 0, err) != 0 || service_apply(c, err) != 0) {
		config_free(c);
		common = old;
		return -1;
	}
	return 0;
}

static void
on_checked(const char *text)
{
	struct err err = ERR_INIT;
	struct slice s = slice_trim(slice_of(text));
	char stamp[64];
	int r = 0;

	if (s.n > 0)
		r = err_perm(&err, "5.3.5", "%.*s", (int)MIN(s.n,
		    sizeof(err.text) - 1), s.p);
	else if (!stop_active())
		r = replace(&err);
	under_way = false;
	if (r == 0) {
		generation_number++;
		log_set_level((enum log_level)common.log_level);
		log_event(LOG_INFO, "reloaded", KI("generation",
		    generation_number), KEND);
	} else {
		log_event(LOG_ERROR, "reload_failed", KERR(&err), KEND);
	}
	snprintf(stamp, sizeof(stamp), "READY=1\nSTATUS=generation %lld",
	    (long long)generation_number);
	notify_send(stamp);
	if (done != NULL)
		done(done_ctx, r == 0 ? NULL : &err);
}

int
reload_begin(reload_done_fn *fn, void *ctx, struct err *err)
{
	char stamp[96];

	if (stop_active())
		return err_temp(err, "4.3.2", "the suite is stopping");
	if (under_way)
		return err_temp(err, "4.3.0", "a reload is under way");
	if (check_start(on_checked, err) != 0)
		return -1;
	under_way = true;
	done = fn;
	done_ctx = ctx;
	snprintf(stamp, sizeof(stamp), "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)mono_ms() * 1000);
	notify_send(stamp);
	return 0;
}
