/*
 * client.c - SERVE_CLIENT: one client after another, `uses` times.
 */
#include "base/log.h"
#include "serve/internal.h"

static void
serve_one(const struct daemon *d, int fd)
{
	struct peer peer;
	struct io io;

	peer_fill(&peer, fd);
	log_set_session(peer.id);
	io_init(&io, fd, 0);
	io_wake_on(&io, serve_stop_fd);
	d->client(&io, &peer);
	io_close(&io);
	log_set_session(NULL);
	log_set_queue(NULL);
}

int
serve_clients(const struct daemon *d)
{
	int64_t used = 0;
	int fd;

	for (;;) {
		if (serve_wait() != WAIT_READY)
			return 0;
		fd = serve_accept();
		if (fd < 0)
			continue;
		status_send('b');
		serve_one(d, fd);
		used++;
		if (launch.uses > 0 && used >= launch.uses)
			return 0;
		status_send('i');
	}
}
