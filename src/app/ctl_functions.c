/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_functions.c - `mpregctl functions`: what passes over links, and what does not and why.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ctl_choice.h"
#include "app/ctl_http.h"
#include "app/ctl_table.h"

static const char help[] =
    "Usage: mpregctl [--admin URL] [-o table|json] functions [OPTION]...\n"
    "\n"
    "  -l, --link LINK   only this link\n"
    "  -s, --side SIDE   only exported, denied, imported or rejected\n"
    "  -n, --limit N     show at most N (10000)\n"
    "\n"
    "exported: of our cluster, announced to the link. denied: of our cluster, kept in by policy.\n"
    "imported: of the far side, accepted. rejected: of the far side, kept out.\n";

/* Why it is where it is: nothing when it is where the rule wants it, and the only one. */
static const char *
explain(const json_t *function, char *text, size_t size)
{
    const char *reason = ctl_text(function, "reason");
    const char *words = ctl_text(function, "text");
    const json_t *left = json_object_get(function, "damped_seconds_left");
    if (json_is_number(left)) {
        (void)snprintf(
            text, size, "%s for %s: %s", reason, ctl_duration(json_number_value(left)).text, words);
    } else if (reason[0] != '\0') {
        (void)snprintf(text, size, "%s%s%s", reason, words[0] == '\0' ? "" : ": ", words);
    } else {
        ctl_choice_write(function, text, size);
    }
    return text;
}

static int
compare(const void *a, const void *b)
{
    static const char *const keys[] = { "link", "side", "name", "version" };
    const json_t *const *first = a;
    const json_t *const *second = b;
    int order = 0;
    for (size_t i = 0; order == 0 && i < COUNT_OF(keys); i++) {
        order = strcmp(ctl_text(*first, keys[i]), ctl_text(*second, keys[i]));
    }
    return order;
}

/* In an order that does not change from call to call. NULL: no memory, or nothing to sort. */
static const json_t **
sort_functions(const json_t *list)
{
    size_t count = json_array_size(list);
    const json_t **sorted = count == 0 ? NULL : calloc(count, sizeof(*sorted));
    for (size_t i = 0; sorted != NULL && i < count; i++) {
        sorted[i] = json_array_get(list, i);
    }
    if (sorted != NULL) {
        qsort(sorted, count, sizeof(const json_t *), compare);
    }
    return sorted;
}

static void
print_table(const json_t *answer)
{
    static const char *const heads[] = { "LINK", "SIDE", "FUNCTION", "VERSION", "WAS", "ORIGIN",
        "RULE", "WHY" };
    struct ctl_table table;
    const json_t *list = json_object_get(answer, "functions");
    const json_t **sorted = sort_functions(list);
    ctl_table_init(&table, heads, COUNT_OF(heads));
    for (size_t i = 0; sorted != NULL && i < json_array_size(list); i++) {
        const json_t *function = sorted[i];
        char why[512];
        const char *row[] = { ctl_text(function, "link"), ctl_text(function, "side"),
            ctl_text(function, "name"), ctl_text(function, "version"),
            ctl_text(function, "source_name"), ctl_text(function, "origin"),
            ctl_text(function, "rule"), explain(function, why, sizeof(why)) };
        ctl_table_add(&table, row);
    }
    ctl_table_print(&table, stdout);
    free(sorted);
    json_int_t hidden = ctl_integer(answer, "total") - (json_int_t)table.row_count;
    if (hidden > 0) {
        (void)printf(
            "... and %" JSON_INTEGER_FORMAT " more; see --link, --side and --limit\n", hidden);
    }
    ctl_table_destroy(&table);
}

/* false: end with *exit_code. */
static bool
read_options(struct ctl *ctl, int argc, char **argv, struct buf *query, int *exit_code)
{
    static const struct option longs[] = {
        { "link", required_argument, NULL, 'l' },
        { "side", required_argument, NULL, 's' },
        { "limit", required_argument, NULL, 'n' },
        CTL_COMMON_OPTIONS,
    };
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS "l:s:n:",
        .longs = longs,
        .argc = argc,
        .argv = argv };
    int code = 0;
    enum ctl_common common = CTL_COMMON_TAKEN;
    while (common == CTL_COMMON_TAKEN && (code = options_next(&line)) != OPTIONS_END) {
        switch (code) {
        case 'l':
            ctl_add_argument(query, "link", line.value);
            break;
        case 's':
            ctl_add_argument(query, "side", line.value);
            break;
        case 'n':
            ctl_add_argument(query, "limit", line.value);
            break;
        case OPTIONS_ARGUMENT:
            (void)options_fault(&line, "unexpected argument '%s'", line.value);
            common = CTL_COMMON_WRONG;
            break;
        default:
            common = ctl_take_common(ctl, &line, code);
            break;
        }
    }
    if (common == CTL_COMMON_HELP) {
        (void)fputs(help, stdout);
    }
    *exit_code = common == CTL_COMMON_WRONG ? APP_USAGE : APP_OK;
    return common == CTL_COMMON_TAKEN;
}

static int
ask(const struct ctl *ctl, struct buf *query)
{
    buf_add_u8(query, '\0');
    json_t *answer = ctl_get(ctl, "/v1/functions", (const char *)query->data);
    if (answer == NULL) {
        return APP_FAILED;
    }
    if (ctl->json) {
        ctl_print_json(answer);
        return APP_OK;
    }
    print_table(answer);
    json_decref(answer);
    return APP_OK;
}

int
ctl_functions(struct ctl *ctl, int argc, char **argv)
{
    struct mem mem;
    struct buf query;
    int code = APP_OK;
    mem_init(&mem, (size_t)64 * 1024);
    buf_init(&query, &mem, 1024);
    if (read_options(ctl, argc, argv, &query, &code)) {
        code = query.overflowed ? ctl_fail(ctl, "the options are too long") : ask(ctl, &query);
    }
    buf_destroy(&query);
    return code;
}
