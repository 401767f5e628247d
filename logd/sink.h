/*
 * sink.h - where lines go: a file, standard output, or the system's log.
 *
 * Trouble never stops the reader: what can not be written is counted, and the
 * count is told with the first batch that can.
 */
#ifndef LOGD_SINK_H
#define LOGD_SINK_H

#include "base/err.h"
#include "base/str.h"

enum sink_kind { SINK_FILE, SINK_STDOUT, SINK_SYSLOG };
#define SINK_KINDS "file|stdout|syslog"

struct sink {
	enum sink_kind kind;
	const char *path;	/* SINK_FILE; borrowed */
	int fd;			/* -1: not open */
	dev_t dev;
	ino_t ino;
	uint64_t dropped;	/* lines since the last that was written */
	bool half;		/* the last write ended within a line */
};

void sink_init(struct sink *s, enum sink_kind kind, const char *path);
/* 0, or -1: err.  May be called again after a failure. */
int sink_open(struct sink *s, struct err *err);
/* the file was moved or removed, or could not be opened so far: open it
 * (anew); 1 it was, 0 all is as it was, -1: err */
int sink_check(struct sink *s, struct err *err);
/* A batch of count whole lines.  true: written; *lost_r then says how many
 * lines before these are missing.  false: these are lost, and *err_r says
 * why (set at the first loss only). */
bool sink_write(struct sink *s, struct slice batch, size_t count,
    uint64_t *lost_r, struct err *err);
void sink_close(struct sink *s);

#endif
