/*
 * main.c - gate(8).
 */
#include "serve/serve.h"

extern struct daemon gate;

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &gate);
}
