/*
 * main.c - notifyd(8).
 */
#include "notifyd.h"

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &notifyd);
}
