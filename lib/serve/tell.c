/*
 * tell.c - the child's side of status.h.
 */
#include "serve/internal.h"
#include "serve/status.h"

static struct board board;

int
status_open(struct err *err)
{
	if (board_map(&board, BOARD_FD) < 0)
		return err_sys(err, "status board");
	return 0;
}

static void
tell(char what)
{
	struct status_msg m = { (int32_t)getpid(), what, { 0, 0, 0 } };

	/* master is gone: the life pipe tells; a full pipe can wait */
	while (write(STATUS_FD, &m, sizeof(m)) < 0 && errno == EINTR)
		continue;
}

static void
set(uint8_t state)
{
	if (board.memory != NULL)
		board_set(&board, (uint32_t)launch.slot, state);
}

void
status_ready(void)
{
	set(SLOT_IDLE);
	if (board.memory != NULL)
		tell(STATUS_READY);
}

void
status_busy(void)
{
	set(SLOT_BUSY);
	if (board.memory != NULL && board_few(&board))
		tell(STATUS_FEW);
}

void
status_idle(void)
{
	set(SLOT_IDLE);
}

void
status_leaving(void)
{
	if (board.memory != NULL)
		tell(STATUS_LEAVING);
}

void
status_beat(void)
{
	if (board.memory != NULL)
		board_beat(&board, (uint32_t)launch.slot);
}

bool
status_spare(void)
{
	return board.memory == NULL || board_over(&board);
}

void
status_close(void)
{
	board_unmap(&board);
}
