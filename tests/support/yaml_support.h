/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_support.h - for tests of what reads YAML: load a text with a small environment, and see the
 * errors as they would be printed. Include after <check.h>, once, in the file with main().
 */
#ifndef TESTS_SUPPORT_YAML_SUPPORT_H
#define TESTS_SUPPORT_YAML_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/yaml.h"

/* HOST=eu-1.example, PORT=9443, EMPTY=(nothing), BELL=(a control character), LATIN=(not UTF-8),
 * BRACES=[a, b], DOLLAR=${HOST}. */
static inline const char *
yaml_support_lookup(void *host, const char *name)
{
    static const char *const variables[][2] = {
        { "HOST", "eu-1.example" },
        { "PORT", "9443" },
        { "EMPTY", "" },
        { "BELL", "ding\a" },
        { "LATIN", "caf\xe9" },
        { "BRACES", "[a, b]" },
        { "DOLLAR", "${HOST}" },
    };
    (void)host;
    for (size_t i = 0; i < COUNT_OF(variables); i++) {
        if (strcmp(variables[i][0], name) == 0) {
            return variables[i][1];
        }
    }
    return NULL;
}

/* Messages call the text "t.yaml". */
static inline struct yaml_doc *
yaml_support_load(const char *text, struct yaml_errors *errors)
{
    struct yaml_environment environment = { .lookup = yaml_support_lookup };
    return yaml_load_text("t.yaml", span_from_text(text), &environment, errors);
}

/* What yaml_errors_print() writes, to be freed. */
static inline char *
yaml_support_printed(struct yaml_errors *errors)
{
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);
    ck_assert_ptr_nonnull(out);
    yaml_errors_print(errors, out);
    ck_assert_int_eq(fclose(out), 0);
    return printed;
}

/* The errors are these lines, no more and no less. */
static inline void
yaml_support_expect(struct yaml_errors *errors, const char *name, const char *want)
{
    char *got = yaml_support_printed(errors);
    ck_assert_msg(strcmp(got, want) == 0, "%s: got\n%s\nwant\n%s", name, got, want);
    free(got);
}

#endif
