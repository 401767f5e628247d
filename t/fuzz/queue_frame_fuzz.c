/*
 * queue_frame_fuzz.c - messages that come from another queue, or a file: each
 * frame is refused or one that can be sent on as it is.
 */
#include "../../ctl/queue_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
again(const struct frame *f)
{
	char *text = NULL;
	size_t len = 0;
	FILE *mem = open_memstream(&text, &len);
	struct frame second, head = *f;
	struct err err;

	if (mem == NULL)
		die("open_memstream");
	head.envelope = 0;
	if (frame_put(mem, &head, SLICE_LIT(""), -1, &err) < 0)
		die("frame_put: %s", err.text);
	fclose(mem);
	mem = fmemopen(text, len, "r");
	if (mem == NULL || frame_next(mem, &second, &err) != 1)
		die("%s: %s", text, err.text);
	assert(second.kind == f->kind && strcmp(second.q, f->q) == 0 &&
	    second.content == f->content);
	fclose(mem);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err err = ERR_INIT;
	struct frame f;
	FILE *in;

	if (n == 0)
		return 0;
	in = fmemopen((void *)(uintptr_t)data, n, "r");
	if (in == NULL)
		die("fmemopen");
	if (frame_hello(in, &err) == 0)
		while (frame_next(in, &f, &err) == 1) {
			assert(strchr("QME", f.kind) != NULL);
			assert(f.envelope <= FRAME_ENVELOPE_MAX);
			again(&f);
			if (frame_copy(in, f.envelope, -1, &err) < 0 ||
			    frame_copy(in, f.content, -1, &err) < 0)
				break;
		}
	fclose(in);
	return 0;
}
