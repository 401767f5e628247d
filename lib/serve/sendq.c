/*
 * sendq.c - order is kept: nothing is sent past a waiting message.
 */
#include "serve/sendq.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/io.h"
#include "ipc/codec.h"

/* no copy of a secret is left where a record grew out of */
enum { SENDQ_MAX = 16 << 20 };

struct sendq_item {
	struct sendq_item *next;
	struct str bytes;
	int fd;
};

static int
append(struct sendq *q, const struct str *bytes, int fd, struct err *err)
{
	struct sendq_item *it;

	if (q->bytes + bytes->len > SENDQ_MAX)
		return err_temp(err, "4.3.2", "the peer does not read");
	it = xcalloc(1, sizeof(*it));
	it->bytes = (struct str)STR_INIT;
	str_add(&it->bytes, bytes->s, bytes->len);
	it->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd >= 0 && it->fd < 0) {
		err_sys(err, "dup");
		str_free(&it->bytes);
		free(it);
		return -1;
	}
	if (q->tail != NULL)
		q->tail->next = it;
	else
		q->head = it;
	q->tail = it;
	q->n++;
	q->bytes += bytes->len;
	return 0;
}

static void
drop_head(struct sendq *q)
{
	struct sendq_item *it = q->head;

	q->head = it->next;
	if (q->head == NULL)
		q->tail = NULL;
	q->n--;
	q->bytes -= it->bytes.len;
	close_fd(it->fd);
	explicit_bzero(it->bytes.s, it->bytes.len);
	str_free(&it->bytes);
	free(it);
}

int
sendq_put(struct sendq *q, int sock, const struct str *bytes, int fd,
    struct err *err)
{
	if (q->head == NULL) {
		if (ipc_send_bytes(sock, bytes, fd, MSG_DONTWAIT) == 0)
			return 0;
		if (errno != EAGAIN && !io_later(errno))
			return err_sys(err, "send");
	}
	return append(q, bytes, fd, err);
}

int
sendq_record(struct sendq *q, int sock, const char *verb,
    const struct field *t, const void *rec, int fd, struct err *err)
{
	static struct str bytes = STR_INIT;
	bool secret;
	int r;

	r = ipc_pack(&bytes, verb, t, rec, &secret, err);
	if (r == 0)
		r = sendq_put(q, sock, &bytes, fd, err);
	if (secret)
		explicit_bzero(bytes.s, bytes.len);
	return r;
}

int
sendq_err(struct sendq *q, int sock, const struct err *why)
{
	static struct str bytes = STR_INIT;
	struct err ignored;

	str_reset(&bytes);
	ipc_encode_err(&bytes, why);
	return sendq_put(q, sock, &bytes, -1, &ignored);
}

int
sendq_flush(struct sendq *q, int sock, struct err *err)
{
	while (q->head != NULL) {
		if (ipc_send_bytes(sock, &q->head->bytes, q->head->fd,
		    MSG_DONTWAIT) < 0) {
			if (errno == EAGAIN || io_later(errno))
				return 1;
			return err_sys(err, "send");
		}
		drop_head(q);
	}
	return 0;
}

void
sendq_free(struct sendq *q)
{
	while (q->head != NULL)
		drop_head(q);
}
