/*
 * main.c - limitd(8).
 */
#include "limitd.h"

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &limitd);
}
