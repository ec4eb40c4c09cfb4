/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - command lines: getopt_long, with faults that say what to do, and "did you mean".
 */
#ifndef APP_OPTIONS_H
#define APP_OPTIONS_H

#include <stdbool.h>

#include <getopt.h>

#include "base/check.h"

/* Exit codes of all programs (docs/cli.md). */
enum app_exit {
    APP_OK = 0,
    APP_FAILED = 1,
    APP_DIFFERENT = 2, /* mpregctl: differences or warnings; the daemons: a bad configuration */
    APP_USAGE = 64,
};

/* What options_next() returns besides the `val` of an option. */
#define OPTIONS_END      (-1)
#define OPTIONS_ARGUMENT 1   /* what is no option; in the order of the line */
#define OPTIONS_BAD      '?' /* reported on stderr */

struct options {
    const char *program; /* in messages: "mpregctl call" */
    const char *shorts;  /* getopt's: "c:h" */
    const struct option *longs;
    bool takes_numbers; /* "-1" is an argument, not an option */
    int argc;
    char **argv; /* [0] is not looked at */
    char *value; /* of the option or argument just returned */
    bool begun;
    bool rest; /* behind "--": everything is an argument */
    char optstring[64];
};

/* The next option or argument. One reader at a time: getopt keeps its place in globals. */
int options_next(struct options *options);

/* How many of argv were used up, [0] included: the rest belongs to a verb. */
int options_used(const struct options *options);

/* "PROGRAM: what is wrong; try PROGRAM --help", and APP_USAGE. */
int options_fault(const struct options *options, const char *format, ...) PRINTF(2);

#endif
