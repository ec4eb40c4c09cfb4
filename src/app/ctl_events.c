/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_events.c - `mpregctl events`: what became of functions, one by one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/ctl_http.h"
#include "core/prune.h"
#include "host/suggest.h"
#include "host/value.h"

/* What a bridge keeps at most, of all kinds. */
#define LIMIT_MAX     20000u
#define LIMIT_DEFAULT 100u

#define WATCH_INTERVAL_NS SEC_NS

static const char help[] = "Usage: mpregctl [--admin URL] [-o table|json] events [OPTION]...\n"
                           "\n"
                           "  -w, --watch           go on as they come, until Ctrl-C\n"
                           "  -n, --limit N         begin with the last N (100), at most 20000\n"
                           "  -k, --kind KIND       only rejected or only pruned\n"
                           "  -r, --reason REASON   only those for this reason, such as link_down\n"
                           "  -l, --link LINK       only those of this link\n"
                           "\n"
                           "rejected: not let through. pruned: was let through, and went. The "
                           "newest last. With -w and -o json,\n"
                           "one object a line.\n";

struct question {
    const char *kind;   /* NULL: both */
    const char *reason; /* NULL: any */
    const char *link;   /* NULL: any */
    uint64_t limit;
    bool watch;
};

/* ---- The command line ---- */

static bool
take_reason(struct question *question, const struct options *line)
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
take_kind(struct question *question, const struct options *line)
{
    question->kind = line->value;
    if (strcmp(line->value, "rejected") == 0 || strcmp(line->value, "pruned") == 0) {
        return true;
    }
    (void)options_fault(
        line, "--kind is rejected or pruned, not %s", value_quote(line->value).text);
    return false;
}

static bool
take_limit(struct question *question, const struct options *line)
{
    if (value_read_number(line->value, &question->limit) == VALUE_OK && question->limit > 0 &&
        question->limit <= LIMIT_MAX) {
        return true;
    }
    (void)options_fault(line, "--limit is a number from 1 to %u", LIMIT_MAX);
    return false;
}

static bool
take_option(struct ctl *ctl, struct question *question, const struct options *line, int code,
    enum ctl_common *common)
{
    switch (code) {
    case 'w':
        question->watch = true;
        return true;
    case 'n':
        return take_limit(question, line);
    case 'k':
        return take_kind(question, line);
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

/* ---- Asking ---- */

/* The events after number `after`. NULL: reported. */
static json_t *
ask(const struct ctl *ctl, const struct question *question, json_int_t after, uint64_t limit)
{
    char query[1024];
    int size = snprintf(query, sizeof(query),
        "after=%" JSON_INTEGER_FORMAT "&limit=%" PRIu64 "%s%s%s%s%s%s", after, limit,
        question->kind == NULL ? "" : "&kind=", question->kind == NULL ? "" : question->kind,
        question->reason == NULL ? "" : "&reason=",
        question->reason == NULL ? "" : question->reason,
        question->link == NULL ? "" : "&link=", question->link == NULL ? "" : question->link);
    if (size < 0 || (size_t)size >= sizeof(query)) {
        (void)ctl_fail(ctl, "the name of the link is too long");
        return NULL;
    }
    return ctl_get(ctl, "/v1/events", query);
}

/* ---- Telling ---- */

static void
print_event(const json_t *event)
{
    char line[2048];
    const char *rule = ctl_text(event, "rule");
    const char *text = ctl_text(event, "text");
    bool pruned = json_is_number(json_object_get(event, "age_seconds"));
    (void)snprintf(line, sizeof(line), "%s %-8s %s %s %s %s%s%s%s%s%s%s", ctl_text(event, "at"),
        ctl_text(event, "kind"), ctl_text(event, "link"), ctl_text(event, "direction"),
        ctl_text(event, "function"), ctl_text(event, "reason"),
        rule[0] == '\0' ? "" : " rule=", rule, pruned ? " age=" : "",
        pruned ? ctl_duration(ctl_real(event, "age_seconds")).text : "",
        text[0] == '\0' ? "" : ": ", text);
    ctl_print_text(line);
    (void)putchar('\n');
}

static void
print_events(const struct ctl *ctl, const json_t *answer)
{
    size_t index = 0;
    json_t *event = NULL;
    json_array_foreach(json_object_get(answer, "events"), index, event)
    {
        if (ctl->json) {
            ctl_print_json(json_incref(event));
        } else {
            print_event(event);
        }
    }
    (void)fflush(stdout);
}

/* Ends when the bridge does not answer. */
static int
watch(const struct ctl *ctl, const struct question *question)
{
    json_int_t after = 0;
    uint64_t limit = question->limit;
    for (json_t *answer; (answer = ask(ctl, question, after, limit)) != NULL;) {
        json_int_t last = ctl_integer(answer, "last");
        print_events(ctl, answer);
        json_decref(answer);
        limit = LIMIT_MAX;
        if (last < after) {
            after = 0; /* it was restarted, and counts from the start */
            continue;
        }
        after = last;
        ctl_sleep(WATCH_INTERVAL_NS);
    }
    return APP_FAILED;
}

static int
show(const struct ctl *ctl, const struct question *question)
{
    json_t *answer = ask(ctl, question, 0, question->limit);
    if (answer == NULL) {
        return APP_FAILED;
    }
    if (ctl->json) {
        ctl_print_json(json_incref(answer));
    } else {
        print_events(ctl, answer);
    }
    json_decref(answer);
    return APP_OK;
}

int
ctl_events(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = { { "watch", no_argument, NULL, 'w' },
        { "limit", required_argument, NULL, 'n' }, { "kind", required_argument, NULL, 'k' },
        { "reason", required_argument, NULL, 'r' }, { "link", required_argument, NULL, 'l' },
        CTL_COMMON_OPTIONS };
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS "wn:k:r:l:",
        .longs = longs,
        .argc = argc,
        .argv = argv };
    struct question question = { .limit = LIMIT_DEFAULT };
    enum ctl_common common = CTL_COMMON_TAKEN;
    int code = 0;
    bool good = true;
    while (good && (code = options_next(&line)) != OPTIONS_END) {
        good = take_option(ctl, &question, &line, code, &common);
    }
    if (common == CTL_COMMON_HELP) {
        (void)fputs(help, stdout);
        return APP_OK;
    }
    if (!good) {
        return APP_USAGE;
    }
    return question.watch ? watch(ctl, &question) : show(ctl, &question);
}
