/* store_tree_fuzz.c - names of folders and their directories: each name has
 * one directory, which is one entry of Maildir that is not ours, and each
 * directory that is a folder has one name */
#include "store/tree_part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_dir(struct slice dir)
{
	if (slice_eqz(dir, "."))
		return;
	if (dir.n < 2 || dir.n > 255 || dir.p[0] != '.' ||
	    slice_find(dir, '/') < dir.n || slice_has_nul(dir) ||
	    slice_eqz(dir, "..") || slice_eqz(dir, ".state"))
		abort();
}

static void
check_name(const char *name)
{
	struct str dir = STR_INIT, canon = STR_INIT, back = STR_INIT;
	struct err err;

	if (tree_dir(name, &dir, &err) == 0) {
		check_dir(slice_str(&dir));
		if (tree_canon(name, &canon, &err) < 0 ||
		    (dir.len > 1 && !tree_dir_name(slice_str(&dir), &back)))
			abort();
		if (dir.len > 1 && strcmp(canon.s, back.s) != 0)
			abort();
	}
	str_free(&dir);
	str_free(&canon);
	str_free(&back);
}

static void
check_back(struct slice dir)
{
	struct str name = STR_INIT, again = STR_INIT;
	struct err err;

	if (tree_dir_name(dir, &name)) {
		check_dir(dir);
		if (tree_dir(name.s, &again, &err) < 0 ||
		    !slice_eq(slice_str(&again), dir))
			abort();
	}
	str_free(&name);
	str_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	char *name;

	check_back(in);
	if (slice_has_nul(in))
		return 0;
	name = slice_dup(in);
	check_name(name);
	free(name);
	return 0;
}
