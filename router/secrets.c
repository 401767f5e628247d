/*
 * secrets.c - the secrets of srs.c and batv.c, see secrets.h.
 */
#include "secrets.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"

enum { SECRETS = 16, SECRET_MIN = 8, SECRET_MAX = 128, FILE_MAX = 65536,
	LOOK_MS = 1000 };

static struct {
	const char *path;
	int64_t next_look;
	struct timespec mtime;
	ino_t ino;
	size_t n;
	struct { char s[SECRET_MAX]; size_t len; } v[SECRETS];
	struct err why;		/* where the file can not be read */
	bool told;
} secrets;

void
secrets_init(const char *path)
{
	memset(&secrets, 0, sizeof(secrets));
	secrets.path = path;
}

/* "SECRET" or "SECRET CREATED", with comments */
static void
read_line(struct slice line)
{
	struct slice word;

	if (!slice_word(&line, &word) || word.p[0] == '#' ||
	    word.n < SECRET_MIN || word.n > SECRET_MAX ||
	    secrets.n == SECRETS)
		return;
	memcpy(secrets.v[secrets.n].s, word.p, word.n);
	secrets.v[secrets.n++].len = word.n;
}

static void
trouble(const char *what)
{
	err_sys(&secrets.why, "%s %s", what, secrets.path);
	if (!secrets.told)
		log_event(LOG_WARN, "srs", KERR(&secrets.why), KEND);
	secrets.told = true;
}

static void
read_secrets(const struct stat *st)
{
	struct slice rest, line;
	size_t n;
	char *text = read_file(secrets.path, FILE_MAX, &n);

	if (text == NULL) {
		trouble("cannot read");
		return;
	}
	explicit_bzero(secrets.v, sizeof(secrets.v));
	secrets.n = 0;
	rest = (struct slice){ text, n };
	while (slice_cut(&rest, '\n', &line))
		read_line(line);
	explicit_bzero(text, n);
	free(text);
	secrets.mtime = st->st_mtim;
	secrets.ino = st->st_ino;
	secrets.why.kind = ERR_NONE;
	secrets.told = false;
}

int
secrets_refresh(struct err *err)
{
	int64_t now = mono_ms();
	struct stat st;

	if (now >= secrets.next_look) {
		secrets.next_look = now + LOOK_MS;
		if (stat(secrets.path, &st) == 0) {
			if (secrets.n == 0 || st.st_ino != secrets.ino ||
			    st.st_mtim.tv_sec != secrets.mtime.tv_sec ||
			    st.st_mtim.tv_nsec != secrets.mtime.tv_nsec)
				read_secrets(&st);
		} else if (errno != ENOENT) {
			trouble("cannot look at");
		} else {
			secrets.n = 0;
			secrets.why.kind = ERR_NONE;
		}
	}
	/* what was read before still verifies */
	if (secrets.n > 0)
		return 1;
	if (secrets.why.kind == ERR_NONE)
		return 0;
	*err = secrets.why;
	return -1;
}

size_t
secrets_count(void)
{
	return secrets.n;
}

struct slice
secrets_get(size_t i)
{
	return (struct slice){ secrets.v[i].s, secrets.v[i].len };
}
