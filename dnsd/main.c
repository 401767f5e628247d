/*
 * main.c - dnsd(8).
 */
#include "dnsd.h"

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &dnsd);
}
