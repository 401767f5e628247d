/*
 * queue_frame.c - lines and bytes of queue_frame.h.
 */
#include "queue_frame.h"

int
frame_line(FILE *in, char buf[FRAME_LINE], struct err *err)
{
	size_t n;

	if (fgets(buf, FRAME_LINE, in) == NULL)
		return ferror(in) ? err_sys(err, "read") : 0;
	n = strlen(buf);
	if (n == 0 || buf[n - 1] != '\n')
		return err_perm(err, "5.5.2", "a line that is cut off or too "
		    "long");
	buf[n - 1] = '\0';
	return 1;
}

int
frame_hello(FILE *in, struct err *err)
{
	char line[FRAME_LINE];
	int rc = frame_line(in, line, err);

	if (rc == 0)
		return err_temp(err, "4.4.2", "nobody is there");
	if (rc == 1 && strcmp(line, FRAME_HELLO) != 0)
		return err_perm(err, "5.5.2", "expected \"%s\", got "
		    "\"%.60s\"", FRAME_HELLO, line);
	return MIN(rc, 0);
}

int
frame_next(FILE *in, struct frame *f, struct err *err)
{
	char line[FRAME_LINE];
	struct slice rest, word;
	int rc = frame_line(in, line, err);

	*f = (struct frame){ 0 };
	if (rc != 1)
		return rc;
	rest = slice_of(line);
	slice_word(&rest, &word);
	if (slice_eqz(word, "E") && rest.n == 0) {
		f->kind = 'E';
		return 1;
	}
	if (word.n == 1 && (word.p[0] == 'Q' || word.p[0] == 'M'))
		f->kind = word.p[0];
	if (f->kind != 0 && slice_word(&rest, &word))
		slice_copy(f->q, sizeof(f->q), word);
	if (f->kind == 'M' && (!slice_word(&rest, &word) ||
	    !slice_u64(word, FRAME_ENVELOPE_MAX, &f->envelope) ||
	    !slice_word(&rest, &word) ||
	    !slice_u64(word, INT64_MAX, &f->content)))
		f->kind = 0;
	if (f->kind == 0 || !qid_valid(f->q) || slice_trim(rest).n > 0)
		return err_perm(err, "5.5.2", "not understood: %.60s", line);
	return 1;
}

static int
put_fd(FILE *out, int fd, uint64_t n, struct err *err)
{
	char buf[65536];
	off_t at = 0;
	ssize_t got;

	while (n > 0) {
		got = pread(fd, buf, MIN(sizeof(buf), n), at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_temp(err, "4.3.0", "content is cut off");
		if (fwrite(buf, 1, (size_t)got, out) != (size_t)got)
			return err_sys(err, "write");
		at += got;
		n -= (uint64_t)got;
	}
	return 0;
}

int
frame_put(FILE *out, const struct frame *f, struct slice envelope, int fd,
    struct err *err)
{
	if (f->kind == 'E')
		fprintf(out, "E\n");
	else if (f->kind == 'Q')
		fprintf(out, "Q %s\n", f->q);
	else
		fprintf(out, "M %s %zu %llu\n", f->q, envelope.n,
		    (unsigned long long)f->content);
	if (envelope.n > 0)
		fwrite(envelope.p, 1, envelope.n, out);
	if (fd >= 0 && put_fd(out, fd, f->content, err) != 0)
		return -1;
	if (fflush(out) != 0 || ferror(out))
		return err_sys(err, "write");
	return 0;
}

int
frame_copy(FILE *in, uint64_t n, int fd, struct err *err)
{
	char buf[65536];
	size_t got;
	int rc = 0;

	for (; n > 0; n -= got) {
		got = fread(buf, 1, MIN(sizeof(buf), n), in);
		if (got == 0)
			return err_temp(err, "4.4.2", "cut off");
		if (rc == 0 && fd >= 0 && full_write(fd, buf, got) != 0) {
			err_sys(err, "content");
			rc = -2;
		}
	}
	return rc;
}
