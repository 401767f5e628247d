/*
 * mbox_snap.h - inside lib/store: the head of a snapshot.  Behind it lie the
 * keywords, then, each at a page, names and records.
 */
#ifndef STORE_MBOX_SNAP_H
#define STORE_MBOX_SNAP_H

#include "store/mbox.h"

enum {
	SNAP_VERSION = 3, SNAP_PAGE = 4096, SNAP_WORTH = 64 * 1024,
	SNAP_LOG_BYTES = 64, SNAP_NAMED = 500,
	SNAP_OLD = 2000,	/* messages: then one of before is replaced */
	SNAP_SAMPLE = 32	/* one open of so many checks all the same */
};
#define SNAP_MAGIC "prsnap1\n"

/* in the byte order of this machine: another one does not find the magic's
 * order mark */
struct snap_head {
	char magic[8];
	uint32_t order, version, head_size, record_size;
	char id[36];
	uint32_t uidvalidity, uidnext, recent, log_crc;
	uint64_t modseq, generation, base_modseq;
	int64_t off, live;
	int64_t ns[2], scanned;
	uint64_t n, dirty_lo, dirty_hi, wait_lo, wait_hi, unsettled;
	uint64_t kw_names, kw_sets, kw_len;	/* right behind the head */
	uint64_t names_at, names_len, records_at;
	/* the boot in which it was written, and the time that it was given
	 * then: whoever wrote to it since changed that */
	char boot[40];
	int64_t stamp;
	uint32_t kw_crc, body_crc, head_crc;
};

#endif
