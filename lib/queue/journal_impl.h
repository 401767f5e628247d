/*
 * journal_impl.h - what the files of the journal share.
 */
#ifndef QUEUE_JOURNAL_IMPL_H
#define QUEUE_JOURNAL_IMPL_H

#include <sys/queue.h>

#include "queue/journal.h"

enum {
	J_BLOCK = 4096,		/* batches begin at its multiples */
	J_HEAD = 64,		/* bytes of a file's header that are used */
	J_COPY = 2048,		/* where its copy is in the first block */
	J_RECORD = 56,		/* bytes of a record's header */
	J_FILE_MAGIC = 0x314a5250,	/* PRJ1 */
	J_RECORD_MAGIC = 0x524a5250,	/* PRJR */
	J_VERSION = 1,
	J_ENTRY = 1, J_NOTES = 2, J_DOUBT = 3,
	J_CONTENT = 0x100, J_FIRST = 0x200,
	J_ENV_MAX = 64 << 20,
};

struct journal_head {
	int64_t gen;
	uint64_t salt;		/* nobody can guess it: content can not pass
				 * for a record */
	unsigned char boot[16];
};
/* b has J_HEAD bytes */
void journal_put_head(unsigned char *b, const struct journal_head *h);
/* 1; 0: blank, or out of use; -1: neither */
int journal_get_head(const unsigned char *b, struct journal_head *h);

struct journal_record {
	uint32_t type;
	int64_t gen;
	uint64_t salt;
	int64_t id;
	uint64_t synced;	/* the file up to here was durable before */
	uint32_t env_len, content_len, crc;
};
void journal_put_record(unsigned char *b, const struct journal_record *r);
/* 1, 0: no header of a record */
int journal_get_record(const unsigned char *b, struct journal_record *r);
/* of the header b but for its crc, and of what follows it */
uint32_t journal_crc(const unsigned char *b, const void *p, size_t n);

struct journal_file {
	TAILQ_ENTRY(journal_file) next;
	int n;			/* its name */
	int fd;
	struct journal_head head;
	int64_t end;		/* what follows will be overwritten */
	int64_t synced;
	int64_t size;		/* of the file */
	int64_t *ids;
	size_t nids, cap;
	bool damaged;		/* kept aside, not overwritten */
};
TAILQ_HEAD(journal_files, journal_file);

struct journal {
	char *dir;
	int dir_fd;
	int64_t limit, last_gen, doubt;
	unsigned char boot[16];
	struct journal_files closed, free;	/* oldest first */
	size_t nclosed, nfree;
	struct journal_file *current;	/* NULL: none was begun */
	int last_n;
	struct str batch;
	int64_t *batch_ids;
	size_t nbatch, batch_cap;
	int64_t *notes;
	size_t nnotes, notes_cap;
};

/* journal_files.c */
void journal_ids_add(struct journal_file *f, const int64_t *ids, size_t n);
void journal_file_free(struct journal_file *f);
/* the current file, begun where there is none; NULL: err */
struct journal_file *journal_begin(struct journal *j, struct err *err);
int journal_write(int fd, const char *p, size_t n, int64_t at);
/* all files of the directory; 0 or -1 */
int journal_read_all(struct journal *j, const struct journal_open *o,
    struct err *err);

#endif
