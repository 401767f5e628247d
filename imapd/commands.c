/*
 * commands.c - the table of commands after login.  TO ADD ONE: a function in
 * a cmd_x.c and a row here, where the names stay sorted.
 */
#include "session.h"

enum { ANY = IN_AUTH | IN_SELECTED, SEL = IN_SELECTED };
enum { UID_SEQ = CMD_UID | CMD_SEQ | CMD_NO_UIDONLY };

const struct imap_command session_commands[] = {
	{ "APPEND", ANY, 0, cmd_append },
	{ "CANCELUPDATE", SEL, 0, cmd_cancelupdate },
	{ "CAPABILITY", ANY, 0, cmd_capability },
	{ "CHECK", SEL, 0, cmd_check },
	{ "CLOSE", SEL, CMD_LAST, cmd_close },
	{ "COMPRESS", ANY, 0, cmd_compress },
	{ "COPY", SEL, UID_SEQ, cmd_copy },
	{ "CREATE", ANY, 0, cmd_create },
	{ "DELETE", ANY, 0, cmd_delete },
	{ "DELETEACL", ANY, 0, cmd_deleteacl },
	{ "ENABLE", ANY, 0, cmd_enable },
	{ "EXAMINE", ANY, CMD_LAST, cmd_examine },
	{ "EXPUNGE", SEL, CMD_UID, cmd_expunge },
	{ "FETCH", SEL, UID_SEQ, cmd_fetch },
	{ "GETACL", ANY, 0, cmd_getacl },
	{ "GETMETADATA", ANY, 0, cmd_getmetadata },
	{ "GETQUOTA", ANY, 0, cmd_getquota },
	{ "GETQUOTAROOT", ANY, 0, cmd_getquotaroot },
	{ "ID", ANY, 0, cmd_id },
	{ "IDLE", ANY, 0, cmd_idle },
	{ "LIST", ANY, 0, cmd_list },
	{ "LISTRIGHTS", ANY, 0, cmd_listrights },
	{ "LOGOUT", ANY, CMD_LAST, cmd_logout },
	{ "LSUB", ANY, 0, cmd_lsub },
	{ "MOVE", SEL, CMD_UID | CMD_NO_UIDONLY, cmd_move },
	{ "MYRIGHTS", ANY, 0, cmd_myrights },
	{ "NAMESPACE", ANY, 0, cmd_namespace },
	{ "NOOP", ANY, 0, cmd_noop },
	{ "NOTIFY", ANY, 0, cmd_notify },
	{ "RENAME", ANY, 0, cmd_rename },
	{ "REPLACE", SEL, CMD_UID | CMD_NO_UIDONLY, cmd_replace },
	{ "SEARCH", SEL, UID_SEQ, cmd_search },
	{ "SELECT", ANY, CMD_LAST, cmd_select },
	{ "SETACL", ANY, 0, cmd_setacl },
	{ "SETMETADATA", ANY, 0, cmd_setmetadata },
	{ "SETQUOTA", ANY, 0, cmd_setquota },
	{ "SORT", SEL, UID_SEQ, cmd_sort },
	{ "STATUS", ANY, 0, cmd_status },
	{ "STORE", SEL, UID_SEQ, cmd_store },
	{ "SUBSCRIBE", ANY, 0, cmd_subscribe },
	{ "THREAD", SEL, UID_SEQ, cmd_thread },
	{ "UNAUTHENTICATE", ANY, CMD_LAST, cmd_unauthenticate },
	{ "UNSELECT", SEL, CMD_LAST, cmd_unselect },
	{ "UNSUBSCRIBE", ANY, 0, cmd_unsubscribe },
};
const size_t session_commands_n = ARRAY_LEN(session_commands);
