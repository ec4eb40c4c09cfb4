/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_errors.h - everything that is wrong with a configuration, collected in one run.
 *
 * Printed, an entry is one line:
 *
 *      node.yaml:3:5: unknown key 'lisen' in node; did you mean 'listen'? (allowed: cluster_id, listen)
 *      FILE:LINE:COLUMN: [warning: ] MESSAGE [; HINT]
 *
 * The parts are kept apart, since they are also printed as JSON: every text is well-formed UTF-8
 * without control characters (those are written as \n, \t, \x1b), whatever was put into it.
 *
 * The first YAML_ERRORS_MAX are kept, the others counted. An error that finds the list full replaces
 * the newest warning, so that warnings never hide why a configuration was refused.
 */
#ifndef HOST_YAML_ERRORS_H
#define HOST_YAML_ERRORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/check.h"

#define YAML_ERRORS_MAX 100
/* Longer messages and hints are cut, and end with "...". */
#define YAML_ERROR_TEXT_SIZE_MAX 1023

enum yaml_severity {
    YAML_ERROR = 0, /* the configuration cannot be used */
    YAML_WARNING,   /* it can, but is hardly what was meant */
};

struct yaml_place {
    const char *file;
    uint32_t line;   /* from 1; 0: the file as a whole, as when it cannot be read */
    uint32_t column; /* from 1, in characters; 0 with line 0 */
};

struct yaml_error {
    enum yaml_severity severity;
    struct yaml_place place;
    const char *message; /* what is wrong */
    const char *hint;    /* what is allowed, and what was probably meant; "" when there is none */
    size_t order;        /* of arrival */
};

struct yaml_errors {
    struct yaml_error list[YAML_ERRORS_MAX];
    size_t count;            /* entries in `list` */
    size_t more;             /* those there was no room for */
    size_t error_count;      /* of all, kept or not: the configuration is good when this is 0 */
    size_t warning_count;    /* of all */
    struct yaml_error *last; /* takes hints; NULL: none, or it was not kept */
};

void yaml_errors_init(struct yaml_errors *errors);

/* Releases every text. */
void yaml_errors_destroy(struct yaml_errors *errors);

/* Add one entry; `place.file` and the message are copied. */
void yaml_errors_add(struct yaml_errors *errors, enum yaml_severity severity,
    struct yaml_place place, const char *format, ...) PRINTF(4);

/* Give the entry that was added last its hint, or add to it; nothing when that one was not kept. */
void yaml_errors_hint(struct yaml_errors *errors, const char *format, ...) PRINTF(2);

/* Order the list by file, line and column; in one place, by arrival. */
void yaml_errors_sort(struct yaml_errors *errors);

/* Sort, and write a line for each, and at the end "... and N more" if there are. */
void yaml_errors_print(struct yaml_errors *errors, FILE *out);

#endif
