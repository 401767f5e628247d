/*
 * cmd_srs.c - postrider srs: the secrets that sign the senders of forwarded
 * mail, and our own (BATV).  A new one goes in front; those behind it verify
 * what they signed, until nothing of that is good any more.  The file is the
 * maps user's alone.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "conf/conf.h"
#include "ctl.h"

#include <sys/stat.h>

enum { FILE_MAX = 65536, KEEP_MAX = 15 };

struct srs_age { int64_t srs_max_age, batv_time; };
static const struct field age_fields[] = {
	F_TIME(struct srs_age, srs_max_age, "21d", "1d", "1000d",
	    "how long a rewritten sender is good for"),
	F_TIME(struct srs_age, batv_time, "7d", "1d", "100d",
	    "how long a signed sender is good for"),
	F_END
};

static int
on_setting(void *ctx, struct slice section, struct slice name,
    struct slice value, struct err *err)
{
	if (section.n > 0 || field_find(age_fields, name) == NULL)
		return 0;
	return conf_set(age_fields, ctx, name, value, &ctl_arena, err);
}

static int
read_age(int64_t *seconds_r, struct err *err)
{
	struct srs_age age;

	field_defaults(age_fields, &age, &ctl_arena);
	if (conf_read(common_path(common.conf_dir, "router.conf"), false,
	    on_setting, &age, err) < 0)
		return -1;
	*seconds_r = MAX(age.srs_max_age, age.batv_time) / 1000;
	return 0;
}

static void
add_secret(struct str *out)
{
	unsigned char key[32];

	random_bytes(key, sizeof(key));
	hex_encode(out, key, sizeof(key));
	str_addf(out, " %lld\n", (long long)wall_s());
	explicit_bzero(key, sizeof(key));
}

/* The lines of old that may still have to verify something: a secret signed
 * until the one before it was made.  How many were kept and left out. */
static void
keep_secrets(struct slice old, int64_t max_age, struct str *out,
    unsigned *kept, unsigned *dropped)
{
	int64_t now = wall_s(), since = now;
	struct slice line, rest, word;
	uint64_t made;

	while (slice_cut(&old, '\n', &line)) {
		rest = line;
		if (!slice_word(&rest, &word) || word.p[0] == '#')
			continue;
		if (now - since > max_age || *kept == KEEP_MAX) {
			++*dropped;
			continue;
		}
		++*kept;
		str_addsl(out, line);
		str_addc(out, '\n');
		/* one of the admin's own hand: of now */
		since = slice_word(&rest, &word) &&
		    slice_u64(word, INT64_MAX, &made) ? (int64_t)made : now;
	}
}

static int
write_secrets(const char *path, struct str *text, struct err *err)
{
	bool own = common.single_uid;
	int r = file_replace_as(path, slice_str(text), 0400,
	    own ? (uid_t)-1 : common.uid[ROLE_MAPS],
	    own ? (gid_t)-1 : common.gid[ROLE_MAPS], err);

	str_wipe(text);
	return r;
}

#define HEAD "# secrets of SRS: the first signs, all verify; " \
	"postrider srs rotate\n"

int
srs_make(struct err *err)
{
	const char *path = common_path(common.conf_dir, "srs.secret");
	struct str text = STR_INIT;

	if (access(path, F_OK) == 0)
		return 0;
	str_adds(&text, HEAD);
	add_secret(&text);
	return write_secrets(path, &text, err);
}

static int
rotate(const char *path, int64_t max_age, unsigned *kept, unsigned *dropped,
    struct err *err)
{
	struct str text = STR_INIT;
	size_t n = 0;
	char *old = read_file(path, FILE_MAX, &n);

	if (old == NULL && errno != ENOENT)
		return err_sys(err, "cannot read %s", path);
	str_adds(&text, HEAD);
	add_secret(&text);
	if (old != NULL) {
		keep_secrets((struct slice){ old, n }, max_age, &text, kept,
		    dropped);
		explicit_bzero(old, n);
		free(old);
	}
	return write_secrets(path, &text, err);
}

static int
srs_rotate(int argc, char **argv)
{
	static const struct option longs[] = { { NULL, 0, NULL, 0 } };
	unsigned kept = 0, dropped = 0;
	struct err err = ERR_INIT;
	const char *path;
	int64_t age;
	int fd, r;

	if (next_option(argc, argv, "", longs) != -1)
		return EXIT_USAGE;
	if (argc != optind)
		return fail_usage("usage: postrider srs rotate");
	if (instance_load(&err) != 0 || read_age(&age, &err) < 0)
		return fail_err(&err);
	path = common_path(common.conf_dir, "srs.secret");
	fd = edit_lock("srs.secret", &err);
	if (fd < 0)
		return fail_err(&err);
	r = rotate(path, age, &kept, &dropped, &err);
	close(fd);
	if (r < 0)
		return fail_err(&err);
	printf("a new secret signs; %u older verif%s, %u dropped\n", kept,
	    kept == 1 ? "ies" : "y", dropped);
	return EXIT_OK;
}

static const struct cmd verbs[] = {
	{ "rotate", srs_rotate, "", "a new secret; older ones verify as long "
	    "as what they signed is good" },
	{ NULL, NULL, NULL, NULL }
};

int
cmd_srs(int argc, char **argv)
{
	if (argc < 2) {
		printf("usage: postrider srs VERB ...\n\n");
		print_cmds(verbs, "srs ");
		return EXIT_USAGE;
	}
	return run_cmd(verbs, "srs verb", argc - 1, argv + 1);
}
