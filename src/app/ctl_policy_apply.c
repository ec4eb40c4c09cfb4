/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_apply.c - `mpregctl policy` diff, apply, reload, confirm, rollback and shadow: other policies for a
 * bridge that runs.
 */
#include <stdio.h>
#include <string.h>

#include "app/ctl_http.h"
#include "app/ctl_policy.h"
#include "app/ctl_policy_candidate.h"
#include "app/ctl_policy_change.h"
#include "host/log_sink.h"

#define BRIDGE_USAGE "mpregctl [--admin URL] [--token-file FILE] [-o table|json] policy "

static const char diff_help[] =
    "Usage: " BRIDGE_USAGE "diff FILE...\n"
    "\n"
    "Shows what the bridge would let through otherwise, and under which name, with these files in "
    "place "
    "of those\n"
    "that it has for the links they name. Nothing is changed. Exit codes: 0 no difference, 2 "
    "differences, 1 failed.\n";

static const char apply_help[] =
    "Usage: " BRIDGE_USAGE "apply [OPTION]... FILE...\n"
    "\n"
    "  -c, --confirm-within TIME   go back after TIME unless somebody says policy confirm\n"
    "  -f, --force                 even if more vanishes than guard.withdraw_max allows\n"
    "  -A, --author NAME           who does it (user@host)\n"
    "  -n, --dry-run               only show what it changes: policy diff\n"
    "\n"
    "Puts these files in place of those that the bridge has for the links they name, and shows "
    "what "
    "that changes.\n";

static const char reload_help[] =
    "Usage: " BRIDGE_USAGE "reload [OPTION]...\n"
    "\n"
    "  -c, --confirm-within TIME   go back after TIME unless somebody says policy confirm\n"
    "  -f, --force                 even if more vanishes than guard.withdraw_max allows\n"
    "  -A, --author NAME           who does it (user@host)\n"
    "\n"
    "Lets the bridge read the policy files of its configuration again, and shows what that "
    "changes.\n";

static const char confirm_help[] = "Usage: " BRIDGE_USAGE "confirm\n"
                                   "\n"
                                   "Keeps what was applied with --confirm-within.\n";

static const char rollback_help[] =
    "Usage: " BRIDGE_USAGE "rollback [OPTION]... [VERSION]\n"
    "\n"
    "  -A, --author NAME   who does it (user@host)\n"
    "\n"
    "Without VERSION: what waits for a confirmation goes back at once; if nothing does, the "
    "version "
    "before the one in\n"
    "use comes back. guard.withdraw_max is not asked. See policy versions.\n";

static const char shadow_help[] =
    "Usage: " BRIDGE_USAGE "shadow [FILE...|--stop]\n"
    "\n"
    "With files: compare all that comes from now on by these files too, and change nothing. "
    "Without: "
    "show what\n"
    "differed so far; exit codes: 0 nothing, 2 something, 1 failed. --stop ends it.\n";

/* ---- diff ---- */

/* {"files": [...]}, or `body`, which is taken, with them. NULL: reported. */
static json_t *
add_files(const struct ctl *ctl, const struct ctl_policy_change *change, json_t *body)
{
    json_t *files = ctl_policy_candidate_read(ctl, change->arguments, change->argument_count);
    if (files == NULL) {
        json_decref(body);
        return NULL;
    }
    (void)json_object_set_new(body, "files", files);
    return body;
}

/* Hand in the files at `page` and wait for what becomes of them. false: reported. */
static bool
hand_in(const struct ctl *ctl, const struct ctl_policy_change *change, const char *page,
    struct ctl_policy_outcome *outcome)
{
    json_t *body = add_files(ctl, change, json_object());
    json_t *policy = NULL;
    if (body != NULL && ctl_policy_change_send(ctl, page, body)) {
        policy = ctl_policy_change_await(ctl);
    }
    if (policy == NULL) {
        return false;
    }
    *outcome = ctl_policy_outcome(policy, log_sink_now().wall);
    json_decref(policy);
    return true;
}

static int
compare(const struct ctl *ctl, const struct ctl_policy_change *change)
{
    struct ctl_policy_outcome outcome;
    if (!hand_in(ctl, change, "/v1/policy/diff", &outcome)) {
        return APP_FAILED;
    }
    if (outcome.end != CTL_POLICY_COMPARED) {
        return ctl_fail(
            ctl, "the comparison was lost to another change: %s; say it again", outcome.text.text);
    }
    return ctl_policy_change_compare(ctl);
}

int
ctl_policy_diff(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = { CTL_COMMON_OPTIONS };
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS,
        .longs = longs,
        .argc = argc,
        .argv = argv };
    struct ctl_policy_change change;
    int code = APP_OK;
    if (!ctl_policy_change_read(ctl, &line, CTL_POLICY_FILES_MAX, diff_help, &change, &code)) {
        return code;
    }
    return change.argument_count == 0 ? options_fault(&line, "FILE is missing")
                                      : compare(ctl, &change);
}

/* ---- apply, reload ---- */

static int
apply(const struct ctl *ctl, const struct ctl_policy_change *change)
{
    static const struct ctl_policy_change_plan plan = { "/v1/policy/apply", .differences = true };
    json_t *body = add_files(ctl, change, ctl_policy_change_body(change));
    return body == NULL ? APP_FAILED : ctl_policy_change_run(ctl, &plan, body);
}

int
ctl_policy_apply(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = { CTL_POLICY_AUTHOR_OPTION, CTL_POLICY_FORCE_OPTION,
        CTL_POLICY_CONFIRM_OPTION, CTL_POLICY_DRY_RUN_OPTION, CTL_COMMON_OPTIONS };
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS "A:fc:n",
        .longs = longs,
        .argc = argc,
        .argv = argv };
    struct ctl_policy_change change;
    int code = APP_OK;
    if (!ctl_policy_change_read(ctl, &line, CTL_POLICY_FILES_MAX, apply_help, &change, &code)) {
        return code;
    }
    if (change.argument_count == 0) {
        return options_fault(&line, "FILE is missing");
    }
    return change.dry_run ? compare(ctl, &change) : apply(ctl, &change);
}

int
ctl_policy_reload(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = { CTL_POLICY_AUTHOR_OPTION, CTL_POLICY_FORCE_OPTION,
        CTL_POLICY_CONFIRM_OPTION, CTL_COMMON_OPTIONS };
    static const struct ctl_policy_change_plan plan = { "/v1/policy/reload", .differences = true };
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS "A:fc:",
        .longs = longs,
        .argc = argc,
        .argv = argv };
    struct ctl_policy_change change;
    int code = APP_OK;
    if (ctl_policy_change_read(ctl, &line, 0, reload_help, &change, &code)) {
        code = ctl_policy_change_run(ctl, &plan, ctl_policy_change_body(&change));
    }
    return code;
}

/* ---- confirm, rollback ---- */

int
ctl_policy_confirm(struct ctl *ctl, int argc, char **argv)
{
    static const struct ctl_policy_change_plan plan = { "/v1/policy/confirm",
        .differences = false };
    int code = APP_OK;
    if (ctl_read_no_arguments(ctl, argc, argv, confirm_help, &code)) {
        code = ctl_policy_change_run(ctl, &plan, json_object());
    }
    return code;
}

/* VERSION, if it is given. false: wrong, which was said. */
static bool
take_version(const struct options *line, const struct ctl_policy_change *change, json_t *body)
{
    const char *text = change->argument_count == 0 ? NULL : change->arguments[0];
    uint64_t version = 0;
    if (text == NULL) {
        return true;
    }
    if (value_read_number(text, &version) != VALUE_OK || version == 0 || version > UINT32_MAX) {
        (void)options_fault(
            line, "%s is no version; see mpregctl policy versions", value_quote(text).text);
        return false;
    }
    return json_object_set_new(body, "version", json_integer((json_int_t)version)) == 0;
}

int
ctl_policy_rollback(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = { CTL_POLICY_AUTHOR_OPTION, CTL_COMMON_OPTIONS };
    static const struct ctl_policy_change_plan plan = { "/v1/policy/rollback", .may_revert = true };
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS "A:",
        .longs = longs,
        .argc = argc,
        .argv = argv };
    struct ctl_policy_change change;
    int code = APP_OK;
    if (!ctl_policy_change_read(ctl, &line, 1, rollback_help, &change, &code)) {
        return code;
    }
    json_t *body = json_pack("{s:s}", "author", change.author);
    if (!take_version(&line, &change, body)) {
        json_decref(body);
        return APP_USAGE;
    }
    return ctl_policy_change_run(ctl, &plan, body);
}

/* ---- shadow ---- */

static int
tell_ok(const struct ctl *ctl, const char *text)
{
    if (ctl->json) {
        ctl_print_json(json_pack("{s:b,s:s}", "ok", 1, "text", text));
    } else {
        (void)printf("%s\n", text);
    }
    return APP_OK;
}

static int
begin_shadow(const struct ctl *ctl, const struct ctl_policy_change *change)
{
    struct ctl_policy_outcome outcome;
    if (!hand_in(ctl, change, "/v1/policy/shadow", &outcome)) {
        return APP_FAILED;
    }
    if (outcome.end != CTL_POLICY_SHADOWED) {
        return ctl_fail(ctl, "%s", outcome.text.text);
    }
    return tell_ok(ctl,
        "what comes is compared from now on; mpregctl policy shadow shows the differences so far, "
        "--stop ends it");
}

static int
show_shadow(const struct ctl *ctl)
{
    json_t *policy = ctl_get(ctl, "/v1/policy", NULL);
    if (policy == NULL) {
        return APP_FAILED;
    }
    struct ctl_policy_outcome outcome = ctl_policy_outcome(policy, log_sink_now().wall);
    json_decref(policy);
    if (outcome.end != CTL_POLICY_SHADOWED) {
        return ctl_fail(ctl, "no files are compared; begin with mpregctl policy shadow FILE...");
    }
    return ctl_policy_change_compare(ctl);
}

static int
stop_shadow(const struct ctl *ctl)
{
    if (!ctl_policy_change_send(ctl, "/v1/policy/shadow", json_pack("{s:b}", "stop", 1))) {
        return APP_FAILED;
    }
    return tell_ok(ctl, "nothing is compared any more");
}

int
ctl_policy_shadow(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = { CTL_POLICY_STOP_OPTION, CTL_COMMON_OPTIONS };
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS "s",
        .longs = longs,
        .argc = argc,
        .argv = argv };
    struct ctl_policy_change change;
    int code = APP_OK;
    if (!ctl_policy_change_read(ctl, &line, CTL_POLICY_FILES_MAX, shadow_help, &change, &code)) {
        return code;
    }
    if (change.stop) {
        return change.argument_count > 0
                   ? options_fault(&line, "--stop takes no file '%s'", change.arguments[0])
                   : stop_shadow(ctl);
    }
    return change.argument_count > 0 ? begin_shadow(ctl, &change) : show_shadow(ctl);
}
