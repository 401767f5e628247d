/*
 * milter.h - the wire of the milter protocol, the mail server's side: packets
 * that are sent, and answers that are taken apart.  No I/O, no state.
 *
 * A packet is four octets of length, a letter, data.  What a milter answers is
 * believed nothing: lengths, missing NULs, numbers and texts are checked here,
 * and strings of an answer borrow its packet, which has room for one octet
 * more behind its end.
 */
#ifndef MILTER_MILTER_H
#define MILTER_MILTER_H

#include "base/arena.h"
#include "base/err.h"

enum {
	MILTER_VERSION = 6,	/* the newest; 2 is the oldest */
	MILTER_CHUNK = 65535,	/* octets of body in one packet */
	MILTER_ANSWER_MAX = 1 << 20,
	MILTER_REPLY_LINES = 32,
};

/* what we tell */
enum {
	SMFIC_ABORT = 'A', SMFIC_BODY = 'B', SMFIC_CONNECT = 'C',
	SMFIC_MACRO = 'D', SMFIC_BODYEOB = 'E', SMFIC_HELO = 'H',
	SMFIC_QUIT_NC = 'K', SMFIC_HEADER = 'L', SMFIC_MAIL = 'M',
	SMFIC_EOH = 'N', SMFIC_OPTNEG = 'O', SMFIC_QUIT = 'Q',
	SMFIC_RCPT = 'R', SMFIC_DATA = 'T', SMFIC_UNKNOWN = 'U',
};
/* what it answers */
enum {
	SMFIR_ADDRCPT = '+', SMFIR_DELRCPT = '-', SMFIR_ADDRCPT_PAR = '2',
	SMFIR_SHUTDOWN = '4', SMFIR_ACCEPT = 'a', SMFIR_REPLBODY = 'b',
	SMFIR_CONTINUE = 'c', SMFIR_DISCARD = 'd', SMFIR_CHGFROM = 'e',
	SMFIR_CONN_FAIL = 'f', SMFIR_ADDHEADER = 'h', SMFIR_INSHEADER = 'i',
	SMFIR_CHGHEADER = 'm', SMFIR_PROGRESS = 'p', SMFIR_QUARANTINE = 'q',
	SMFIR_REJECT = 'r', SMFIR_SKIP = 's', SMFIR_TEMPFAIL = 't',
	SMFIR_REPLYCODE = 'y',
};
/* what it may change */
enum {
	SMFIF_ADDHDRS = 1, SMFIF_CHGBODY = 2, SMFIF_ADDRCPT = 4,
	SMFIF_DELRCPT = 8, SMFIF_CHGHDRS = 0x10, SMFIF_QUARANTINE = 0x20,
	SMFIF_CHGFROM = 0x40, SMFIF_ADDRCPT_PAR = 0x80,
	SMFIF_SETSYMLIST = 0x100, SMFIF_ALL = 0x1ff,
};
/* what it does not want to see, or does not answer (NR), or can */
enum {
	SMFIP_NOCONNECT = 1, SMFIP_NOHELO = 2, SMFIP_NOMAIL = 4,
	SMFIP_NORCPT = 8, SMFIP_NOBODY = 0x10, SMFIP_NOHDRS = 0x20,
	SMFIP_NOEOH = 0x40, SMFIP_NR_HDR = 0x80, SMFIP_NOUNKNOWN = 0x100,
	SMFIP_NODATA = 0x200, SMFIP_SKIP = 0x400, SMFIP_RCPT_REJ = 0x800,
	SMFIP_NR_CONN = 0x1000, SMFIP_NR_HELO = 0x2000,
	SMFIP_NR_MAIL = 0x4000, SMFIP_NR_RCPT = 0x8000,
	SMFIP_NR_DATA = 0x10000, SMFIP_NR_UNKN = 0x20000,
	SMFIP_NR_EOH = 0x40000, SMFIP_NR_BODY = 0x80000,
	SMFIP_HDR_LEADSPC = 0x100000, SMFIP_ALL = 0x1fffff,
};
/* stages for macros, as SETSYMLIST numbers them */
enum milter_stage { MILTER_CONNECT, MILTER_HELO, MILTER_MAIL, MILTER_RCPT,
	MILTER_DATA, MILTER_EOM, MILTER_EOH, MILTER_STAGES };

/* what a version knows of both */
uint32_t milter_actions(int version);
uint32_t milter_protocol(int version);

/* --- packets, appended --- */
void milter_put(struct str *out, int cmd, struct slice data);
void milter_put_optneg(struct str *out, int version);
/* name of the client; addr "" unknown, "unix", or an address */
void milter_put_connect(struct str *out, const char *name, const char *addr,
    int port);
/* each with its NUL */
void milter_put_words(struct str *out, int cmd, const char *const *v,
    size_t n);
void milter_put_header(struct str *out, const char *name, struct slice value);
/* a macro packet: begin, some macros, end; without a macro it is none */
size_t milter_macros_begin(struct str *out, int cmd);
void milter_macro(struct str *out, const char *name, const char *value);
void milter_macros_end(struct str *out, size_t at);

/* --- answers --- */
/* the octets behind the four of the length.  0, or -1: none, or too many */
int milter_length(const char four[4], size_t *n_r, struct err *err);

struct milter_options {
	int version;
	uint32_t actions, protocol;
	/* macros that it asks for, by stage; { 0 }: it did not say */
	struct strlist macros[MILTER_STAGES];
	bool chosen[MILTER_STAGES];
};
/* the answer to OPTNEG, where `offered` is the version that we named */
int milter_read_optneg(struct slice packet, int offered, struct arena *a,
    struct milter_options *o, struct err *err);

struct milter_answer {
	int cmd;		/* SMFIR_... */
	uint32_t n;		/* header index */
	const char *name, *value;
	struct slice body;	/* SMFIR_REPLBODY */
};
/* packet: letter and data; the octet behind it is set to NUL.  0, or -1:
 * err_temp, it is no answer */
int milter_read(char *packet, size_t n, struct milter_answer *r,
    struct err *err);
/*
 * Text of SMFIR_REPLYCODE: "550 5.7.1 no", several lines with "550-".  The
 * lines without codes go to text, parted by \n; %% is %.  0, or -1: err.
 */
int milter_read_reply(const char *z, int *code_r, char dsn[12],
    struct str *text, struct err *err);
/* text of a field as a content holds it: LF, each followed by a blank */
void milter_field_text(const char *value, struct str *out);

#endif
