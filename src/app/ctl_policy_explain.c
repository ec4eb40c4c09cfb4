/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_explain.c - `mpregctl policy explain`: which rules of a file are tried for a function, why
 * they do not match, and what becomes of it.
 */
#include <stdio.h>
#include <string.h>

#include "app/ctl_explanation.h"
#include "app/ctl_json.h"
#include "app/ctl_policy.h"
#include "app/ctl_policy_question.h"
#include "bridge/policy_explain.h"
#include "host/admin.h"
#include "host/log_sink.h"
#include "host/policy_json.h"
#include "host/value.h"

static const char help[] =
    "Usage: mpregctl [-o table|json] policy explain FILE export|import KEY=VALUE...\n"
    "\n"
    "  function=NAME      the function (required)\n"
    "  function_id=ID     NAME if not given\n"
    "  version=1.2.3      1.0.0 if not given\n"
    "  tags=A,B           none if not given; also resources=A,B\n"
    "  scope=SCOPE        local, zone (if not given), region or global\n"
    "  path=A,B           the federations that it passed, the origin first; or only origin=A\n"
    "  at=TIME            when, such as 2026-12-01 or 2026-12-01T08:00:00Z; now if not given\n"
    "\n"
    "Tells each rule tried and the first condition that failed, the verdict, and what the function "
    "becomes.\n";

struct explaining {
    struct ctl *ctl;
    struct mem mem;
    struct arena arena;
    struct yaml_errors errors;
    const char *path;
    const char *direction_name;
    enum policy_direction direction;
    struct ctl_policy_question question;
    struct wall at;
    struct policy_yaml *loaded;
    struct policy_explanation explanation;
    struct policy_verdict verdict;
};

static const struct policy_call_limits *
limits_of(const struct explaining *explaining)
{
    const struct policy_verdict *verdict = &explaining->verdict;
    return verdict->action == POLICY_ACCEPT ? policy_rule_limits(explaining->loaded->policy,
                                                  explaining->direction, verdict->rule)
                                            : NULL;
}

/* As app/ctl_explanation.h says. */
static json_t *
json_of_explanation(const struct explaining *explaining)
{
    const struct policy_verdict *verdict = &explaining->verdict;
    bool accepted = verdict->action == POLICY_ACCEPT;
    return json_pack("{s:s,s:o,s:o,s:s,s:o,s:b,s:o,s:o}", "action", accepted ? "accept" : "reject",
        "rule", admin_text(verdict->rule_id), "reason", admin_text(verdict->reason), "at",
        value_write_time(explaining->at).text, "advertisement",
        accepted ? policy_json_advertisement(&verdict->out) : json_null(), "merge",
        accepted && verdict->merge, "limits", policy_json_limits(limits_of(explaining)), "trace",
        policy_json_trace(explaining->loaded, explaining->direction, &explaining->explanation));
}

/* ---- The verb ---- */

static int
explain(struct explaining *explaining)
{
    struct ctl *ctl = explaining->ctl;
    const struct advertisement *in = &explaining->question.in;
    explaining->loaded = policy_yaml_load_file(
        explaining->path, &yaml_process_environment, &explaining->mem, &explaining->errors);
    if (explaining->loaded == NULL) {
        return ctl_policy_refuse(ctl, &explaining->errors);
    }
    explaining->at = explaining->question.has_at ? explaining->question.at : log_sink_now().wall;
    enum policy_evaluation evaluation = policy_evaluate(explaining->loaded->policy,
        explaining->direction, in, explaining->at, &explaining->arena, &explaining->verdict);
    if (evaluation == POLICY_OUT_OF_MEMORY ||
        !policy_explain(&explaining->loaded->source, explaining->direction, in, explaining->at,
            &explaining->arena, &explaining->explanation)) {
        return ctl_fail(ctl, "no memory");
    }
    CHECK(explaining->explanation.rule == explaining->verdict.rule);
    json_t *explanation = json_of_explanation(explaining);
    if (ctl->json) {
        ctl_print_json(json_incref(explanation));
    } else {
        ctl_explanation_print(explanation);
    }
    json_decref(explanation);
    return APP_OK;
}

/* FILE, then the direction, then keys. false: wrong, which was said. */
static bool
take_argument(struct explaining *explaining, const struct options *line)
{
    if (explaining->path == NULL) {
        explaining->path = line->value;
        return true;
    }
    if (explaining->direction_name != NULL) {
        return ctl_policy_question_take(
            &explaining->question, line, line->value, &explaining->arena);
    }
    explaining->direction_name = line->value;
    explaining->direction = strcmp(line->value, "import") == 0 ? POLICY_IMPORT : POLICY_EXPORT;
    if (strcmp(line->value, ctl_policy_direction_name(explaining->direction)) != 0) {
        (void)options_fault(
            line, "%s is no direction (allowed: export, import)", value_quote(line->value).text);
        return false;
    }
    return true;
}

static int
read_and_explain(struct explaining *explaining, struct options *line)
{
    enum ctl_common common = CTL_COMMON_TAKEN;
    int code = 0;
    while (common == CTL_COMMON_TAKEN && (code = options_next(line)) != OPTIONS_END) {
        if (code != OPTIONS_ARGUMENT) {
            common = ctl_take_common(explaining->ctl, line, code);
        } else if (!take_argument(explaining, line)) {
            common = CTL_COMMON_WRONG;
        }
    }
    if (common == CTL_COMMON_HELP) {
        (void)fputs(help, stdout);
        return APP_OK;
    }
    if (common == CTL_COMMON_WRONG) {
        return APP_USAGE;
    }
    if (explaining->direction_name == NULL) {
        return options_fault(
            line, explaining->path == NULL ? "FILE is missing" : "export or import is missing");
    }
    return ctl_policy_question_complete(&explaining->question, line) ? explain(explaining)
                                                                     : APP_USAGE;
}

int
ctl_policy_explain(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = { CTL_COMMON_OPTIONS };
    static struct explaining explaining;
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS,
        .longs = longs,
        .argc = argc,
        .argv = argv };
    explaining = (struct explaining){ .ctl = ctl };
    mem_init(&explaining.mem, CTL_POLICY_MEMORY_MAX);
    arena_init(&explaining.arena, &explaining.mem);
    yaml_errors_init(&explaining.errors);
    ctl_policy_question_init(&explaining.question);
    int code = read_and_explain(&explaining, &line);
    policy_yaml_free(explaining.loaded);
    arena_destroy(&explaining.arena);
    yaml_errors_destroy(&explaining.errors);
    return code;
}
