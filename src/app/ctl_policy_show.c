/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_show.c - `mpregctl policy` show, versions, stats and rejects: what a bridge does with its policies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ctl_http.h"
#include "app/ctl_policy.h"
#include "app/ctl_policy_outcome.h"
#include "app/ctl_table.h"
#include "core/prune.h"
#include "host/log_sink.h"
#include "host/suggest.h"
#include "host/value.h"

#define BRIDGE_USAGE "mpregctl [--admin URL] [-o table|json] policy "

/* What the bridge keeps at most. */
#define REJECTS_MAX     1000
#define REJECTS_DEFAULT 100

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

static const char rejects_help[] =
    "Usage: " BRIDGE_USAGE "rejects [OPTION]...\n"
    "\n"
    "  -n, --limit N         show at most N (100), at most 1000\n"
    "  -r, --reason REASON   only those for this reason, such as policy_rejected\n"
    "  -l, --link LINK       only those of this link\n"
    "\n"
    "Shows the functions that were not let through last, the newest first.\n";

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

/* ---- rejects ---- */

struct rejects_question {
    uint64_t limit;
    const char *reason; /* NULL: any */
    const char *link;   /* likewise */
};

static bool
take_reason(struct rejects_question *question, const struct options *line)
{
    struct suggest suggest;
    suggest_init(&suggest, line->value);
    for (int reason = 0; reason < PRUNE_REASON_COUNT; reason++) {
        const char *name = prune_reason_name((enum prune_reason)reason);
        suggest_offer(&suggest, name);
        if (strcmp(name, line->value) == 0) {
            question->reason = name;
            return true;
        }
    }
    (void)options_fault(line, "%s is no reason%s%s%s (docs/metrics.md lists them)",
        value_quote(line->value).text, suggest.best == NULL ? "" : "; did you mean '",
        suggest.best == NULL ? "" : suggest.best, suggest.best == NULL ? "" : "'?");
    return false;
}

static bool
take_limit(struct rejects_question *question, const struct options *line)
{
    if (value_read_number(line->value, &question->limit) != VALUE_OK || question->limit == 0 ||
        question->limit > REJECTS_MAX) {
        (void)options_fault(line, "--limit is a number from 1 to %d", REJECTS_MAX);
        return false;
    }
    return true;
}

static bool
take_reject_option(struct ctl *ctl, struct rejects_question *question, const struct options *line,
    int code, enum ctl_common *common)
{
    switch (code) {
    case 'n':
        return take_limit(question, line);
    case 'r':
        return take_reason(question, line);
    case 'l':
        question->link = line->value;
        return true;
    case OPTIONS_ARGUMENT:
        (void)options_fault(line, "unexpected argument '%s'", line->value);
        return false;
    default:
        *common = ctl_take_common(ctl, line, code);
        return *common == CTL_COMMON_TAKEN;
    }
}

static bool
is_wanted(const struct rejects_question *question, const json_t *reject)
{
    return (question->reason == NULL ||
               strcmp(question->reason, ctl_text(reject, "reason")) == 0) &&
           (question->link == NULL || strcmp(question->link, ctl_text(reject, "link")) == 0);
}

static void
print_rejects(const json_t *rejects)
{
    static const char *const heads[] = { "AT", "LINK", "DIRECTION", "FUNCTION", "REASON", "RULE",
        "TEXT" };
    size_t index = 0;
    const json_t *reject = NULL;
    struct ctl_table table;
    ctl_table_init(&table, heads, COUNT_OF(heads));
    json_array_foreach(rejects, index, reject)
    {
        const char *row[] = { ctl_text(reject, "at"), ctl_text(reject, "link"),
            ctl_text(reject, "direction"), ctl_text(reject, "function"), ctl_text(reject, "reason"),
            ctl_text(reject, "rule"), ctl_text(reject, "text") };
        ctl_table_add(&table, row);
    }
    ctl_table_print(&table, stdout);
    ctl_table_destroy(&table);
}

static int
show_rejects(const struct ctl *ctl, const struct rejects_question *question)
{
    char query[32];
    size_t index = 0;
    json_t *reject = NULL;
    /* The limit is of those that are wanted, and only the bridge's own limit of those that are asked for. */
    (void)snprintf(query, sizeof(query), "limit=%d", REJECTS_MAX);
    json_t *answer = ctl_get(ctl, "/v1/policy/rejects", query);
    json_t *wanted = json_array();
    json_array_foreach(json_object_get(answer, "rejects"), index, reject)
    {
        if (json_array_size(wanted) < question->limit && is_wanted(question, reject)) {
            (void)json_array_append(wanted, reject);
        }
    }
    int code = answer == NULL ? APP_FAILED : APP_OK;
    if (answer != NULL && ctl->json) {
        ctl_print_json(json_pack("{s:O}", "rejects", wanted));
    } else if (answer != NULL) {
        print_rejects(wanted);
    }
    json_decref(wanted);
    json_decref(answer);
    return code;
}

int
ctl_policy_rejects(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = { { "limit", required_argument, NULL, 'n' },
        { "reason", required_argument, NULL, 'r' }, { "link", required_argument, NULL, 'l' },
        CTL_COMMON_OPTIONS };
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS "n:r:l:",
        .longs = longs,
        .argc = argc,
        .argv = argv };
    struct rejects_question question = { .limit = REJECTS_DEFAULT };
    enum ctl_common common = CTL_COMMON_TAKEN;
    int code = 0;
    bool good = true;
    while (good && (code = options_next(&line)) != OPTIONS_END) {
        good = take_reject_option(ctl, &question, &line, code, &common);
    }
    if (common == CTL_COMMON_HELP) {
        (void)fputs(rejects_help, stdout);
        return APP_OK;
    }
    return good ? show_rejects(ctl, &question) : APP_USAGE;
}
