/*
 * cmd_mailbox.c - postrider mailbox: what lies in an account's mailboxes.
 * The accounts are read as who we are, the mailboxes as their owner.
 */
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>

#include "conf/common.h"
#include "ctl.h"
#include "map/map.h"
#include "map/users.h"
#include "mailbox.h"
#include "store/acl.h"
#include "users.h"

static const struct option no_options[] = { { NULL, 0, NULL, 0 } };

/* where the account is, and whose: 1, 0 there is none, -1 */
static int
find_virtual(const char *name, struct account *a, struct err *err)
{
	const char *full = users_name(name, err);
	struct str row = STR_INIT, box = STR_INIT;
	struct user_record u;
	struct map *m;
	int r;

	if (full == NULL || map_open("text:users", &m, err) != 0)
		return -1;
	r = map_get(m, full, &row, err);
	map_close(m);
	if (r == 1 && (user_parse(slice_str(&row), &u, &ctl_arena, err) < 0 ||
	    user_mailbox(slice_of(full), &u, &box, err) < 0))
		r = -1;
	if (r == 1) {
		a->home = arena_printf(&ctl_arena, "%s/%s", common.mail_dir,
		    box.s);
		a->quota = u.quota != 0 ? u.quota : common.default_quota;
		a->uid = common.uid[ROLE_STORE];
		a->gid = common.gid[ROLE_STORE];
	}
	str_free(&row);
	str_free(&box);
	return r;
}

static int
find_account(const char *name, struct account *a, struct err *err)
{
	struct system_user s;
	int r = find_virtual(name, a, err);

	if (r == 0 && strchr(name, '@') == NULL) {
		r = system_user_find(name, &s, &ctl_arena, err);
		if (r == 1)
			*a = (struct account){ .home = s.home, .uid = s.uid,
				.gid = s.gid, .quota = common.default_quota };
	}
	if (r == 0)
		r = err_perm(err, "5.1.1", "there is no account %s", name);
	return r < 0 ? -1 : 0;
}

/* become the owner of the mailbox, for good */
static int
become(const struct account *a, struct err *err)
{
	if (geteuid() == a->uid)
		return 0;
	if (geteuid() != 0)
		return err_perm(err, "5.7.0", "the mailbox belongs to uid %u:"
		    " be that user, or root", (unsigned)a->uid);
	if (setgroups(0, NULL) < 0 || setgid(a->gid) < 0 ||
	    setuid(a->uid) < 0)
		return err_sys(err, "become uid %u", (unsigned)a->uid);
	umask(077);
	return 0;
}

int
mailbox_account(int argc, char **argv, int max, const char *usage,
    struct account *a)
{
	struct err err = ERR_INIT;
	struct stat st;

	if (next_option(argc, argv, "+:", no_options) != -1)
		return EXIT_USAGE;
	if (argc - optind < 1 || argc - optind > max)
		return fail_usage("usage: postrider mailbox %s", usage);
	if (instance_load(&err) != 0 ||
	    find_account(argv[optind], a, &err) < 0 || become(a, &err) < 0)
		return fail_err(&err);
	a->there = stat(arena_printf(&ctl_arena, "%s/Maildir", a->home),
	    &st) == 0;
	return EXIT_OK;
}

/* the account of argv[optind], its folders opened; a mailbox that is not
 * there yet is not made */
static int
begin(int argc, char **argv, int max, const char *usage, struct tree *t)
{
	struct err err = ERR_INIT;
	struct account a;
	int r = mailbox_account(argc, argv, max, usage, &a);

	if (r != EXIT_OK)
		return r;
	if (!a.there)
		return fail("%s has no mailbox yet", argv[optind]);
	if (tree_open(t, a.home, a.quota, common.hostname, &err) < 0)
		return fail_err(&err);
	return EXIT_OK;
}

static void
list_folder(struct tree *t, const struct folder *f, struct table *table)
{
	struct mailbox_place p;
	struct mailbox_status st;
	struct err err = ERR_INIT;
	struct str size = STR_INIT;
	const char *special = f->special != NULL ? f->special : "";

	if (!(f->flags & FOLDER_EXISTS))
		return;
	table_cell(table, f->name);
	if (tree_place(t, f->name, &p, &err) == 0 &&
	    mailbox_status(&p, &st, &err) == 0) {
		show_size(&size, st.size);
		table_cell(table, arena_printf(&ctl_arena, "%llu",
		    (unsigned long long)st.messages));
		table_cell(table, arena_printf(&ctl_arena, "%llu",
		    (unsigned long long)st.unseen));
		table_cell(table, arena_strdup(&ctl_arena, size.s));
		table_cell(table, special);
	} else {
		table_cell(table, "?");
		table_cell(table, "?");
		table_cell(table, "?");
		table_cell(table, arena_strdup(&ctl_arena, err.text));
	}
	tree_place_end(&p);
	str_free(&size);
}

static int
mailbox_list(int argc, char **argv)
{
	struct table table = { .columns = 5 };
	struct folder_list l = { 0 };
	struct err err = ERR_INIT;
	struct tree t;
	size_t i;
	int r = begin(argc, argv, 1, "list USER", &t);

	if (r != EXIT_OK)
		return r;
	if (tree_list(&t, &ctl_arena, &l, &err) < 0)
		r = fail_err(&err);
	table_cell(&table, "FOLDER");
	table_cell(&table, "MESSAGES");
	table_cell(&table, "UNSEEN");
	table_cell(&table, "SIZE");
	table_cell(&table, "USE");
	for (i = 0; i < l.n; i++)
		list_folder(&t, &l.v[i], &table);
	if (r == EXIT_OK)
		table_print(&table);
	tree_close(&t);
	return r;
}

static void
print_finding(void *ctx, const char *text)
{
	printf("%s: %s\n", (const char *)ctx, text);
}

/* findings of one folder, or -1 */
static int
look_at(struct tree *t, const char *name, int how)
{
	struct mailbox_place p;
	struct err err = ERR_INIT;
	char *title = xstrdup(name);
	int n;

	n = tree_place(t, name, &p, &err);
	if (n == 0)
		n = mailbox_check(&p, how, print_finding, title, &err);
	if (n < 0)
		(void)fail("%s: %s", name, err.text);
	tree_place_end(&p);
	free(title);
	return n;
}

/* of all folders: findings; *failed where one could not be looked at */
static int
look_at_all(struct tree *t, int how, bool *failed)
{
	struct folder_list l = { 0 };
	struct err err = ERR_INIT;
	int n, sum = 0;
	size_t i;

	if (tree_list(t, &ctl_arena, &l, &err) < 0) {
		(void)fail_err(&err);
		*failed = true;
	}
	for (i = 0; i < l.n; i++) {
		if (!(l.v[i].flags & FOLDER_EXISTS))
			continue;
		n = look_at(t, l.v[i].name, how);
		*failed = *failed || n < 0;
		sum += MAX(n, 0);
	}
	return sum;
}

static int
look(int argc, char **argv, const char *usage, int how)
{
	bool failed = false;
	struct tree t;
	struct err err;
	int n, r = begin(argc, argv, 2, usage, &t);

	if (r != EXIT_OK)
		return r;
	if (argc - optind == 2) {
		n = look_at(&t, argv[optind + 1], how);
		failed = n < 0;
	} else {
		n = look_at_all(&t, how, &failed);
	}
	if (how != CHECK_ONLY && share_note_all(&t, common.mail_dir,
	    &err) < 0) {
		(void)fail_err(&err);
		failed = true;
	}
	tree_close(&t);
	if (!failed)
		printf("%d found%s\n", n, n > 0 && how != CHECK_ONLY ?
		    " and mended" : "");
	return failed || (n > 0 && how == CHECK_ONLY) ? EXIT_FAILED : EXIT_OK;
}

static int
do_check(int argc, char **argv)
{
	return look(argc, argv, "check USER [FOLDER]", CHECK_ONLY);
}

static int
do_repair(int argc, char **argv)
{
	return look(argc, argv, "repair USER [FOLDER]", CHECK_REPAIR);
}

static int
do_rebuild(int argc, char **argv)
{
	return look(argc, argv, "rebuild USER [FOLDER]", CHECK_REBUILD);
}

static const struct cmd verbs[] = {
	{ "list", mailbox_list, "USER", "folders and what is in them" },
	{ "check", do_check, "USER [FOLDER]", "compare log, names, snapshot" },
	{ "repair", do_repair, "USER [FOLDER]", "the same, and mend it" },
	{ "rebuild", do_rebuild, "USER [FOLDER]",
	    "mend it, and make the index anew" },
	{ "dump", mailbox_dump, "USER", "all of it as a tar file to standard "
	    "output" },
	{ "restore", mailbox_restore, "USER", "from such a file on standard "
	    "input, where no mail is yet" },
	{ NULL, NULL, NULL, NULL }
};

int
cmd_mailbox(int argc, char **argv)
{
	if (argc < 2) {
		printf("usage: postrider mailbox VERB ...\n\n");
		print_cmds(verbs, "mailbox ");
		return EXIT_USAGE;
	}
	return run_cmd(verbs, "mailbox verb", argc - 1, argv + 1);
}
