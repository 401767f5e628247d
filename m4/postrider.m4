# Checks of our own, so that the build needs no macro archive.

# PR_DEFINE_DIR(NAME, DIRECTORY, DOC): a fully expanded path into config.h
AC_DEFUN([PR_DEFINE_DIR], [
	pr_prefix=$prefix pr_exec_prefix=$exec_prefix
	test "$prefix" = NONE && prefix=$ac_default_prefix
	test "$exec_prefix" = NONE && exec_prefix=$prefix
	pr_dir="$2"
	pr_last=
	while test "$pr_dir" != "$pr_last"; do
		pr_last=$pr_dir
		eval pr_dir=\"$pr_dir\"
	done
	AC_DEFINE_UNQUOTED([$1], ["$pr_dir"], [$3])
	prefix=$pr_prefix exec_prefix=$pr_exec_prefix
])

# PR_CHECK_LIB(VAR, HEADER, FUNCTION, LIB, NAME): VAR_LIBS, or stop
AC_DEFUN([PR_CHECK_LIB], [
	pr_libs=$LIBS
	LIBS=
	AC_CHECK_HEADER([$2], [], [AC_MSG_ERROR([$5: no header $2])])
	AC_SEARCH_LIBS([$3], [$4], [], [AC_MSG_ERROR([$5: no $3 in -l$4])])
	$1_LIBS=$LIBS
	LIBS=$pr_libs
	AC_SUBST([$1_LIBS])
])

# PR_CFLAGS(VAR, FLAGS): those of FLAGS that the compiler takes, into VAR.
# All are in force while the next is tried, as they will be in the build.
AC_DEFUN([PR_CFLAGS], [
	$1=
	for pr_flag in m4_normalize([$2]); do
		AC_MSG_CHECKING([whether $CC takes $pr_flag])
		pr_cflags=$CFLAGS
		CFLAGS="$CFLAGS $$1 $pr_flag -Werror"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]],
			[[return printf("%d\n", 1) < 0;]])],
			[AC_MSG_RESULT([yes]); pr_yes=yes],
			[AC_MSG_RESULT([no]); pr_yes=no])
		CFLAGS=$pr_cflags
		test $pr_yes = yes && $1="$$1 $pr_flag"
	done
	AC_SUBST([$1])
])

# PR_LDFLAGS(VAR, FLAGS): the same for the linker
AC_DEFUN([PR_LDFLAGS], [
	$1=
	for pr_flag in m4_normalize([$2]); do
		AC_MSG_CHECKING([whether the linker takes $pr_flag])
		pr_ldflags=$LDFLAGS pr_cflags=$CFLAGS
		CFLAGS="$CFLAGS $HARDEN_CFLAGS"
		LDFLAGS="$LDFLAGS $$1 $pr_flag"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AC_MSG_RESULT([yes]); pr_yes=yes],
			[AC_MSG_RESULT([no]); pr_yes=no])
		LDFLAGS=$pr_ldflags CFLAGS=$pr_cflags
		test $pr_yes = yes && $1="$$1 $pr_flag"
	done
	AC_SUBST([$1])
])

# PR_FORTIFY(VAR): the highest level of _FORTIFY_SOURCE that compiles without
# a warning (none where CFLAGS has no optimisation)
AC_DEFUN([PR_FORTIFY], [
	$1=
	for pr_level in 3 2; do
		test -n "$$1" && continue
		AC_MSG_CHECKING([for _FORTIFY_SOURCE=$pr_level])
		pr_cflags=$CFLAGS
		pr_flag="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$pr_level"
		CFLAGS="$CFLAGS $pr_flag -Werror"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]],
			[])],
			[AC_MSG_RESULT([yes]); $1=$pr_flag],
			[AC_MSG_RESULT([no])])
		CFLAGS=$pr_cflags
	done
	AC_SUBST([$1])
])
