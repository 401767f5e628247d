/*
 * trace.c - what is looked at on the way of an address, told to who asked
 * for it.  Nobody did, most of the time: then a step costs a comparison.
 */
#include "router.h"

static struct {
	trace_fn *fn;
	void *ctx;
	int depth;
} trace;

void
trace_begin(trace_fn *fn, void *ctx)
{
	trace.fn = fn;
	trace.ctx = ctx;
	trace.depth = 0;
}

void
trace_depth(int depth)
{
	trace.depth = depth;
}

void
trace_step(const char *what, const char *fmt, ...)
{
	struct str text = STR_INIT;
	va_list ap;
	int i;

	if (trace.fn == NULL)
		return;
	for (i = 0; i < trace.depth; i++)
		str_adds(&text, "  ");
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	trace.fn(trace.ctx, what, text.s);
	str_free(&text);
}
