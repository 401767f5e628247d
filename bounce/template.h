/*
 * template.h - texts of reports that an admin has written, see
 * bounce.conf(5).  Everything is checked when the file is read.
 */
#ifndef BOUNCE_TEMPLATE_H
#define BOUNCE_TEMPLATE_H

#include "bounce.h"

struct template {
	const char *from, *subject, *copy_subject;	/* NULL: as without */
	const char *text;		/* NULL: there is no such template */
};

/* 0, or -1: err says FILE:LINE */
int templates_load(const char *path, struct err *err);
/* set what the template of this kind of report has, macros expanded; copy: for
 * the postmaster */
void template_use(const struct bounce_report_in *in, bool copy,
    struct arena *a, struct dsn_report *r);

#endif
