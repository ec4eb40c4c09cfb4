/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_explain.c - `mpregctl explain`: what a bridge does with a function that it knows, and why.
 */
#include <stdio.h>
#include <string.h>

#include "app/ctl_choice.h"
#include "app/ctl_explanation.h"
#include "app/ctl_http.h"

static const char help[] =
    "Usage: mpregctl [--admin URL] [-o table|json] explain FUNCTION --export LINK | --import LINK\n"
    "\n"
    "  -e, --export LINK   FUNCTION is of our cluster: does it leave over this link?\n"
    "  -i, --import LINK   FUNCTION is of the far side, as that names it: does it come in over "
    "this "
    "link?\n"
    "\n"
    "Tells each rule tried and the first condition that failed, the verdict, what the function "
    "becomes, and whether it\n"
    "passes. It has to be there now; for one that is not: policy explain.\n";

struct question {
    const char *function;
    const char *link;
    const char *direction; /* "export" or "import" */
};

static bool
take_link(struct question *question, const struct options *line, const char *direction)
{
    if (question->link != NULL) {
        (void)options_fault(line, "one of --export and --import, and once");
        return false;
    }
    question->link = line->value;
    question->direction = direction;
    return true;
}

static bool
take_function(struct question *question, const struct options *line)
{
    if (question->function != NULL) {
        (void)options_fault(line, "unexpected argument '%s'", line->value);
        return false;
    }
    question->function = line->value;
    return true;
}

static bool
passes(const char *state)
{
    return strcmp(state, "exported") == 0 || strcmp(state, "imported") == 0;
}

/* "math.add 1.0.0 over link eu, export: denied: function_id_conflict, although policy accepts it" */
static void
print_state(const struct question *question, const json_t *explanation)
{
    const json_t *in = json_object_get(explanation, "in");
    const char *state = ctl_text(explanation, "state");
    const char *reason = ctl_text(explanation, "state_reason");
    bool accepted = strcmp(ctl_text(explanation, "action"), "accept") == 0;
    ctl_print_text(ctl_text(in, "function"));
    (void)putchar(' ');
    ctl_print_text(ctl_text(in, "version"));
    (void)printf(", %s over link %s: %s%s%s%s\n", question->direction, question->link, state,
        reason[0] == '\0' ? "" : ": ", reason,
        accepted && !passes(state) ? ", although policy accepts it" : "");
}

/* "  choice       first of 2 by hops" */
static void
print_choice(const json_t *explanation)
{
    char text[512];
    ctl_choice_write(explanation, text, sizeof(text));
    if (json_object_get(explanation, "offer") != NULL) {
        (void)fputs("  choice       ", stdout);
        ctl_print_text(text[0] == '\0' ? "the only one" : text);
        (void)putchar('\n');
    }
}

static int
explain(const struct ctl *ctl, const struct question *question)
{
    struct mem mem;
    struct buf query;
    json_t *answer = NULL;
    size_t index = 0;
    const json_t *explanation = NULL;
    mem_init(&mem, (size_t)64 * 1024);
    buf_init(&query, &mem, (size_t)8 * 1024);
    ctl_add_argument(&query, "function", question->function);
    ctl_add_argument(&query, "link", question->link);
    ctl_add_argument(&query, "direction", question->direction);
    buf_add_u8(&query, '\0');
    if (query.overflowed) {
        (void)ctl_fail(ctl, "the name of the function or of the link is too long");
    } else {
        answer = ctl_get(ctl, "/v1/policy/explain", (const char *)query.data);
    }
    buf_destroy(&query);
    if (answer == NULL) {
        return APP_FAILED;
    }
    if (ctl->json) {
        ctl_print_json(answer);
        return APP_OK;
    }
    json_array_foreach(json_object_get(answer, "explanations"), index, explanation)
    {
        (void)fputs(index == 0 ? "" : "\n", stdout);
        print_state(question, explanation);
        ctl_explanation_print(explanation);
        print_choice(explanation);
    }
    json_decref(answer);
    return APP_OK;
}

static bool
take(struct ctl *ctl, struct question *question, const struct options *line, int code,
    enum ctl_common *common)
{
    switch (code) {
    case 'e':
        return take_link(question, line, "export");
    case 'i':
        return take_link(question, line, "import");
    case OPTIONS_ARGUMENT:
        return take_function(question, line);
    default:
        *common = ctl_take_common(ctl, line, code);
        return *common == CTL_COMMON_TAKEN;
    }
}

int
ctl_explain(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = { { "export", required_argument, NULL, 'e' },
        { "import", required_argument, NULL, 'i' }, CTL_COMMON_OPTIONS };
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS "e:i:",
        .longs = longs,
        .argc = argc,
        .argv = argv };
    struct question question = { .function = NULL };
    enum ctl_common common = CTL_COMMON_TAKEN;
    int code = 0;
    bool good = true;
    while (good && (code = options_next(&line)) != OPTIONS_END) {
        good = take(ctl, &question, &line, code, &common);
    }
    if (common == CTL_COMMON_HELP) {
        (void)fputs(help, stdout);
        return APP_OK;
    }
    if (!good) {
        return APP_USAGE;
    }
    if (question.function == NULL) {
        return options_fault(&line, "FUNCTION is missing");
    }
    return question.link == NULL ? options_fault(&line, "--export LINK or --import LINK is missing")
                                 : explain(ctl, &question);
}
