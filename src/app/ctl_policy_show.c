/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_show.c - `mpregctl policy` show, versions and stats: what a bridge does with its policies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ctl_http.h"
#include "app/ctl_policy.h"
#include "app/ctl_policy_outcome.h"
#include "app/ctl_table.h"
#include "host/log_sink.h"
#include "host/value.h"

#define BRIDGE_USAGE "mpregctl [--admin URL] [-o table|json] policy "

static const char show_help[] =
    "Usage: " BRIDGE_USAGE "show\n"
    "\n"
    "Shows the policies in use, since when and by whom, and whether a change is under way.\n";

static const char versions_help[] =
    "Usage: " BRIDGE_USAGE "versions\n"
    "\n"
    "Shows what was in use, the newest first; policy rollback VERSION brings one back.\n";

static const char stats_help[] = "Usage: " BRIDGE_USAGE "stats [--never-hit TIME]\n"
                                 "\n"
                                 "  -N, --never-hit TIME   only rules that decided nothing for so "
                                 "long, such as 24h; exit code 2 if "
                                 "there are any\n"
                                 "\n"
                                 "Shows how often each rule decided, and when last.\n";

struct number {
    char text[24];
};

static struct number
number_in(const json_t *object, const char *key)
{
    struct number number;
    (void)snprintf(
        number.text, sizeof(number.text), "%" JSON_INTEGER_FORMAT, ctl_integer(object, key));
    return number;
}

/* "a, b" */
static const char *
join(const json_t *list, char *text, size_t size)
{
    size_t used = 0;
    size_t index = 0;
    const json_t *item = NULL;
    text[0] = '\0';
    json_array_foreach(list, index, item)
    {
        const char *word = json_is_string(item) ? json_string_value(item) : "";
        int added = snprintf(&text[used], size - used, "%s%s", index == 0 ? "" : ", ", word);
        if (added < 0 || (size_t)added >= size - used) {
            break;
        }
        used += (size_t)added;
    }
    return text;
}

/* Prints a page as JSON, or by `print`. */
static int
show_page(const struct ctl *ctl, const char *page, void (*print)(const json_t *answer))
{
    json_t *answer = ctl_get(ctl, page, NULL);
    if (answer == NULL) {
        return APP_FAILED;
    }
    if (ctl->json) {
        ctl_print_json(answer);
        return APP_OK;
    }
    print(answer);
    json_decref(answer);
    return APP_OK;
}

/* ---- show ---- */

static void
print_policies(const json_t *answer)
{
    static const char *const heads[] = { "POLICY", "FILE", "LINKS", "EXPORT RULES",
        "IMPORT RULES" };
    size_t index = 0;
    const json_t *policy = NULL;
    struct ctl_table table;
    ctl_table_init(&table, heads, COUNT_OF(heads));
    json_array_foreach(json_object_get(answer, "policies"), index, policy)
    {
        char links[4096];
        const json_t *rules = json_object_get(policy, "rules");
        struct number exported = number_in(rules, "export");
        struct number imported = number_in(rules, "import");
        const char *row[] = { ctl_text(policy, "policy"), ctl_text(policy, "file"),
            join(json_object_get(policy, "links"), links, sizeof(links)), exported.text,
            imported.text };
        ctl_table_add(&table, row);
    }
    if (table.row_count > 0) {
        (void)putchar('\n');
        ctl_table_print(&table, stdout);
    }
    ctl_table_destroy(&table);
}

static void
print_show(const json_t *answer)
{
    static const char *const heads[] = { "VERSION", "IN USE SINCE", "AUTHOR", "ORIGIN", "CHANGE" };
    struct ctl_policy_outcome outcome = ctl_policy_outcome(answer, log_sink_now().wall);
    struct number version = number_in(answer, "version");
    const json_t *reload = json_object_get(answer, "reload");
    const char *row[] = { version.text, ctl_text(answer, "applied_at"), ctl_text(answer, "author"),
        ctl_text(answer, "origin"), ctl_text(reload, "state") };
    struct ctl_table table;
    ctl_table_init(&table, heads, COUNT_OF(heads));
    ctl_table_add(&table, row);
    ctl_table_print(&table, stdout);
    ctl_table_destroy(&table);
    print_policies(answer);
    if (outcome.end == CTL_POLICY_UNCONFIRMED) {
        (void)printf("\n%s\n", outcome.text.text);
    }
}

int
ctl_policy_show(struct ctl *ctl, int argc, char **argv)
{
    int code = APP_OK;
    return ctl_read_no_arguments(ctl, argc, argv, show_help, &code)
               ? show_page(ctl, "/v1/policy", print_show)
               : code;
}

/* ---- versions ---- */

static void
print_versions(const json_t *answer)
{
    static const char *const heads[] = { "VERSION", "APPLIED AT", "AUTHOR", "ORIGIN", "POLICIES",
        "IN USE" };
    size_t index = 0;
    const json_t *version = NULL;
    struct ctl_table table;
    ctl_table_init(&table, heads, COUNT_OF(heads));
    json_array_foreach(json_object_get(answer, "versions"), index, version)
    {
        char policies[4096];
        struct number number = number_in(version, "version");
        bool is_current = json_is_true(json_object_get(version, "current"));
        const char *row[] = { number.text, ctl_text(version, "applied_at"),
            ctl_text(version, "author"), ctl_text(version, "origin"),
            join(json_object_get(version, "policies"), policies, sizeof(policies)),
            is_current ? "yes" : "no" };
        ctl_table_add(&table, row);
    }
    ctl_table_print(&table, stdout);
    ctl_table_destroy(&table);
}

int
ctl_policy_versions(struct ctl *ctl, int argc, char **argv)
{
    int code = APP_OK;
    return ctl_read_no_arguments(ctl, argc, argv, versions_help, &code)
               ? show_page(ctl, "/v1/policy/versions", print_versions)
               : code;
}

/* ---- stats ---- */

/* The rules of `answer` that a person wrote and that decided nothing since `since`. */
static json_t *
without_hit(const json_t *answer, struct wall since)
{
    json_t *found = json_array();
    size_t index = 0;
    json_t *rule = NULL;
    json_array_foreach(json_object_get(answer, "rules"), index, rule)
    {
        struct wall last = { .ns = 0 };
        bool was_hit = value_read_time(ctl_text(rule, "last_hit"), &last) == VALUE_OK;
        bool is_default = strcmp(ctl_text(rule, "rule"), "default") == 0;
        if (!is_default && (!was_hit || last.ns < since.ns)) {
            (void)json_array_append(found, rule);
        }
    }
    return found;
}

static void
print_stats(const json_t *answer)
{
    static const char *const heads[] = { "POLICY", "LINK", "DIRECTION", "RULE", "HITS",
        "LAST HIT" };
    size_t index = 0;
    const json_t *rule = NULL;
    struct ctl_table table;
    ctl_table_init(&table, heads, COUNT_OF(heads));
    json_array_foreach(json_object_get(answer, "rules"), index, rule)
    {
        struct number hits = number_in(rule, "hits");
        const char *row[] = { ctl_text(rule, "policy"), ctl_text(rule, "link"),
            ctl_text(rule, "direction"), ctl_text(rule, "rule"), hits.text,
            ctl_text(rule, "last_hit") };
        ctl_table_add(&table, row);
    }
    ctl_table_print(&table, stdout);
    ctl_table_destroy(&table);
    (void)printf("counted since %s\n", ctl_text(answer, "since"));
}

/* `never_ns` 0: all rules. */
static int
show_stats(const struct ctl *ctl, uint64_t never_ns)
{
    int64_t now_ns = log_sink_now().wall.ns;
    struct wall since = { .ns = never_ns < (uint64_t)now_ns ? now_ns - (int64_t)never_ns : 0 };
    struct wall begun = { .ns = 0 };
    int code = APP_OK;
    json_t *answer = ctl_get(ctl, "/v1/policy/stats", NULL);
    if (answer == NULL) {
        return APP_FAILED;
    }
    if (never_ns > 0) {
        json_t *found = without_hit(answer, since);
        code = json_array_size(found) > 0 ? APP_DIFFERENT : APP_OK;
        (void)json_object_set_new(answer, "rules", found);
    }
    if (ctl->json) {
        ctl_print_json(json_incref(answer));
    } else {
        print_stats(answer);
    }
    if (never_ns > 0 && value_read_time(ctl_text(answer, "since"), &begun) == VALUE_OK &&
        begun.ns > since.ns) {
        (void)fprintf(stderr, "%s: hits are counted for a shorter time: since %s\n", ctl->program,
            ctl_text(answer, "since"));
    }
    json_decref(answer);
    return code;
}

static bool
take_never_hit(const struct options *line, uint64_t *never_ns)
{
    enum value_result result = value_read_duration(line->value, never_ns);
    if (result != VALUE_OK) {
        struct value_words words = value_explain(VALUE_DURATION, result, line->value);
        (void)options_fault(line, "--never-hit: %s; %s", words.message, words.hint);
    } else if (*never_ns == 0) {
        (void)options_fault(line, "--never-hit is more than 0s");
    }
    return result == VALUE_OK && *never_ns > 0;
}

int
ctl_policy_stats(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = { { "never-hit", required_argument, NULL, 'N' },
        CTL_COMMON_OPTIONS };
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS "N:",
        .longs = longs,
        .argc = argc,
        .argv = argv };
    uint64_t never_ns = 0;
    enum ctl_common common = CTL_COMMON_TAKEN;
    int code = 0;
    while (common == CTL_COMMON_TAKEN && (code = options_next(&line)) != OPTIONS_END) {
        if (code == OPTIONS_ARGUMENT) {
            return options_fault(&line, "unexpected argument '%s'", line.value);
        }
        if (code != 'N') {
            common = ctl_take_common(ctl, &line, code);
        } else if (!take_never_hit(&line, &never_ns)) {
            common = CTL_COMMON_WRONG;
        }
    }
    if (common == CTL_COMMON_HELP) {
        (void)fputs(stats_help, stdout);
    }
    if (common != CTL_COMMON_TAKEN) {
        return common == CTL_COMMON_HELP ? APP_OK : APP_USAGE;
    }
    return show_stats(ctl, never_ns);
}
