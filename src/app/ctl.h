/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl.h - what the verbs of mpregctl share: where to ask, how to print, how to fail.
 *
 * A verb gets the rest of the command line, its own name as [0], reads its options (the common ones
 * work behind the verb too), prints the result on stdout and what went wrong on stderr, and returns
 * the exit code (enum app_exit).
 */
#ifndef APP_CTL_H
#define APP_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/options.h"

#define CTL_ADMIN_DEFAULT "http://127.0.0.1:9180"
#define CTL_URL_DEFAULT   "ws://127.0.0.1:9101"

struct ctl {
    const char *admin;      /* NULL: MPREG_ADMIN, else CTL_ADMIN_DEFAULT */
    const char *token_file; /* NULL: as app/ctl_token.h says */
    bool json;              /* -o json */
    const char *program;    /* "mpregctl links" */
};

/* Rows for a verb's table of options, which ends them; and their letters. */
#define CTL_COMMON_OPTIONS                                                                         \
    { "admin", required_argument, NULL, 'a' }, { "output", required_argument, NULL, 'o' },         \
        { "token-file", required_argument, NULL, 'T' }, { "help", no_argument, NULL, 'h' },        \
    {                                                                                              \
        NULL, 0, NULL, 0                                                                           \
    }
#define CTL_COMMON_SHORTS "a:o:T:h"

/* What a common option did. */
enum ctl_common {
    CTL_COMMON_TAKEN = 0,
    CTL_COMMON_HELP,  /* print the verb's help and end with APP_OK */
    CTL_COMMON_WRONG, /* reported: end with APP_USAGE */
};
enum ctl_common ctl_take_common(struct ctl *ctl, const struct options *options, int code);

/*
 * For verbs that have only the common options and no argument. true: go on. false: end with *exit_code.
 */
MUST_CHECK bool ctl_read_no_arguments(
    struct ctl *ctl, int argc, char **argv, const char *help, int *exit_code);

/* "PROGRAM: what" on stderr, or with -o json {"ok":false,"error":what} on stdout. Returns APP_FAILED. */
int ctl_fail(const struct ctl *ctl, const char *format, ...) PRINTF(2);

/* On stdout; texts may come from anybody, and are made printable (host/printable.h). */
void ctl_print_text(const char *text);

/* "3h12m", "4.2s", "850us": two units at most. */
struct ctl_duration {
    char text[32];
};
struct ctl_duration ctl_duration(double seconds);

/* Between two questions to a program that runs. */
void ctl_sleep(uint64_t duration_ns);

/* ---- Verbs ---- */

int ctl_status(struct ctl *ctl, int argc, char **argv);
int ctl_links(struct ctl *ctl, int argc, char **argv);
int ctl_link(struct ctl *ctl, int argc, char **argv);
int ctl_functions(struct ctl *ctl, int argc, char **argv);
int ctl_events(struct ctl *ctl, int argc, char **argv);
int ctl_explain(struct ctl *ctl, int argc, char **argv);
int ctl_call(struct ctl *ctl, int argc, char **argv);
int ctl_policy(struct ctl *ctl, int argc, char **argv);
int ctl_cert(struct ctl *ctl, int argc, char **argv);

/* ---- Verbs within verbs, and the verbs of mpregctl itself ---- */

struct ctl_verb {
    const char *name;
    int (*run)(struct ctl *ctl, int argc, char **argv);
};

/* For a verb that only has verbs: argv[0] is its own name; common options may stand before the inner verb. */
int ctl_run_verb(struct ctl *ctl, const struct ctl_verb *verbs, size_t verb_count, const char *help,
    int argc, char **argv);

/* Run the verb that argv[0] names. "unknown verb 'x'; did you mean ...?" */
int ctl_dispatch(
    struct ctl *ctl, const struct ctl_verb *verbs, size_t verb_count, int argc, char **argv);

#endif
