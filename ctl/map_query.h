/*
 * map_query.h - inside ctl: postrider map query, list and check.  Words
 * behind the verb; each returns an exit status.
 */
#ifndef CTL_MAP_QUERY_H
#define CTL_MAP_QUERY_H

/* TABLE KEY...: EXIT_OK one was found at least, EXIT_FAILED none,
 * EXIT_DEFERRED trouble with any */
int map_query(int argc, char **argv);
/* TABLE; EXIT_DEFERRED where it can not be listed */
int map_list(int argc, char **argv);
/* tables, or the texts of the instance: each error of each */
int map_check_tables(int argc, char **argv);

#endif
