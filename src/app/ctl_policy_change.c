/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_change.c - a bridge answers at once that it begins (202) and is asked again until it has ended, so
 * that no connection waits and an operator who loses it loses nothing.
 */
#include "app/ctl_policy_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pwd.h>
#include <unistd.h>

#include "app/ctl_http.h"
#include "app/ctl_policy_differences.h"
#include "host/log_sink.h"

/* A million functions are compared in seconds; this is for a bridge that has much else to do. */
#define AWAIT_MAX_NS       (600 * SEC_NS)
#define AWAIT_FIRST_NS     (20 * MS_NS)
#define AWAIT_INTERVAL_MAX (500 * MS_NS)

/* As a bridge has it. */
#define CONFIRM_WITHIN_MIN_NS (1 * SEC_NS)
#define CONFIRM_WITHIN_MAX_NS (24 * 3600 * SEC_NS)

/* ---- The command line ---- */

static const char *
user_name(void)
{
    const char *user = getenv("USER");
    const struct passwd *entry = user == NULL || user[0] == '\0' ? getpwuid(geteuid()) : NULL;
    if (entry != NULL) {
        return entry->pw_name;
    }
    return user == NULL || user[0] == '\0' ? "unknown" : user;
}

static void
set_author(struct ctl_policy_change *change, const char *name)
{
    char host[256] = "";
    if (name != NULL) {
        (void)snprintf(change->author, sizeof(change->author), "%s", name);
        return;
    }
    if (gethostname(host, sizeof(host) - 1) != 0) {
        (void)snprintf(host, sizeof(host), "unknown");
    }
    (void)snprintf(change->author, sizeof(change->author), "%s@%s", user_name(), host);
}

static bool
take_confirm_within(struct ctl_policy_change *change, const struct options *line)
{
    enum value_result result = value_read_duration(line->value, &change->confirm_within_ns);
    if (result != VALUE_OK) {
        struct value_words words = value_explain(VALUE_DURATION, result, line->value);
        (void)options_fault(line, "--confirm-within: %s; %s", words.message, words.hint);
        return false;
    }
    if (change->confirm_within_ns < CONFIRM_WITHIN_MIN_NS ||
        change->confirm_within_ns > CONFIRM_WITHIN_MAX_NS) {
        (void)options_fault(line, "--confirm-within is from 1s to 24h");
        return false;
    }
    return true;
}

static bool
take_author(struct ctl_policy_change *change, const struct options *line)
{
    if (line->value[0] == '\0' || strlen(line->value) > CTL_POLICY_AUTHOR_SIZE_MAX) {
        (void)options_fault(line, "--author has 1 to %d bytes", CTL_POLICY_AUTHOR_SIZE_MAX);
        return false;
    }
    set_author(change, line->value);
    return true;
}

static bool
take_argument(struct ctl_policy_change *change, const struct options *line, size_t argument_max)
{
    if (change->argument_count == argument_max && argument_max == CTL_POLICY_FILES_MAX) {
        (void)options_fault(line, "more than %d files", CTL_POLICY_FILES_MAX);
        return false;
    }
    if (change->argument_count == argument_max) {
        (void)options_fault(line, "unexpected argument '%s'", line->value);
        return false;
    }
    change->arguments[change->argument_count] = line->value;
    change->argument_count++;
    return true;
}

/* An option of these verbs, or a common one. */
static enum ctl_common
take_option(struct ctl *ctl, struct ctl_policy_change *change, const struct options *line, int code)
{
    switch (code) {
    case 'A':
        return take_author(change, line) ? CTL_COMMON_TAKEN : CTL_COMMON_WRONG;
    case 'c':
        return take_confirm_within(change, line) ? CTL_COMMON_TAKEN : CTL_COMMON_WRONG;
    case 'f':
        change->force = true;
        return CTL_COMMON_TAKEN;
    case 'n':
        change->dry_run = true;
        return CTL_COMMON_TAKEN;
    case 's':
        change->stop = true;
        return CTL_COMMON_TAKEN;
    default:
        return ctl_take_common(ctl, line, code);
    }
}

bool
ctl_policy_change_read(struct ctl *ctl, struct options *line, size_t argument_max, const char *help,
    struct ctl_policy_change *change, int *exit_code)
{
    enum ctl_common common = CTL_COMMON_TAKEN;
    int code = 0;
    CHECK(argument_max <= CTL_POLICY_FILES_MAX);
    *change = (struct ctl_policy_change){ .argument_count = 0 };
    set_author(change, NULL);
    while (common == CTL_COMMON_TAKEN && (code = options_next(line)) != OPTIONS_END) {
        if (code != OPTIONS_ARGUMENT) {
            common = take_option(ctl, change, line, code);
        } else if (!take_argument(change, line, argument_max)) {
            common = CTL_COMMON_WRONG;
        }
    }
    if (common == CTL_COMMON_HELP) {
        (void)fputs(help, stdout);
    }
    *exit_code = common == CTL_COMMON_WRONG ? APP_USAGE : APP_OK;
    return common == CTL_COMMON_TAKEN;
}

json_t *
ctl_policy_change_body(const struct ctl_policy_change *change)
{
    json_t *body = json_pack("{s:s,s:b}", "author", change->author, "force", change->force);
    if (change->confirm_within_ns > 0) {
        (void)json_object_set_new(body, "confirm_within_seconds",
            json_real((double)change->confirm_within_ns / (double)SEC_NS));
    }
    return body;
}

/* ---- Sending ---- */

bool
ctl_policy_change_send(const struct ctl *ctl, const char *page, json_t *body)
{
    json_t *answer = ctl_post(ctl, page, body);
    json_decref(answer);
    return answer != NULL;
}

/* What the bridge found wrong with the files: as this program says it of files that it checks itself. */
static void
report_faults(const struct ctl *ctl, const json_t *faults)
{
    static const char what[] = "nothing was changed: the bridge does not take these files, or "
                               "their tests or asserts fail there";
    size_t index = 0;
    const json_t *error = NULL;
    if (ctl->json) {
        json_t *json = json_pack("{s:b,s:s,s:s,s:O,s:O}", "ok", false, "outcome", "invalid",
            "error", what, "errors", json_object_get(faults, "errors"), "warnings",
            json_object_get(faults, "warnings"));
        ctl_print_json(json);
        return;
    }
    json_array_foreach(json_object_get(faults, "errors"), index, error)
    {
        (void)fprintf(stderr, "%s:%" JSON_INTEGER_FORMAT ":%" JSON_INTEGER_FORMAT ": %s%s%s\n",
            ctl_text(error, "file"), ctl_integer(error, "line"), ctl_integer(error, "column"),
            ctl_text(error, "message"), ctl_text(error, "hint")[0] == '\0' ? "" : "; ",
            ctl_text(error, "hint"));
    }
    (void)ctl_fail(ctl, "%s", what);
}

/* ---- Waiting ---- */

json_t *
ctl_policy_change_await(const struct ctl *ctl)
{
    struct instant deadline = instant_after(log_sink_now().mono, AWAIT_MAX_NS);
    uint64_t interval_ns = AWAIT_FIRST_NS;
    json_t *policy = ctl_get(ctl, "/v1/policy", NULL);
    while (policy != NULL &&
           ctl_policy_outcome(policy, log_sink_now().wall).end == CTL_POLICY_UNDER_WAY) {
        json_decref(policy);
        if (instant_reached(deadline, log_sink_now().mono)) {
            (void)ctl_fail(ctl,
                "the bridge has not ended it within %d minutes; see mpregctl policy show",
                (int)(AWAIT_MAX_NS / (60 * SEC_NS)));
            return NULL;
        }
        ctl_sleep(interval_ns);
        interval_ns = 2 * interval_ns > AWAIT_INTERVAL_MAX ? AWAIT_INTERVAL_MAX : 2 * interval_ns;
        policy = ctl_get(ctl, "/v1/policy", NULL);
    }
    if (policy != NULL &&
        ctl_policy_outcome(policy, log_sink_now().wall).end == CTL_POLICY_INVALID) {
        report_faults(ctl, json_object_get(json_object_get(policy, "reload"), "faults"));
        json_decref(policy);
        return NULL;
    }
    return policy;
}

/* ---- Telling ---- */

int
ctl_policy_change_compare(const struct ctl *ctl)
{
    json_t *answer = ctl_get(ctl, "/v1/policy/differences", NULL);
    if (answer == NULL) {
        return APP_FAILED;
    }
    int code = ctl_policy_differences_any(answer) ? APP_DIFFERENT : APP_OK;
    if (ctl->json) {
        ctl_print_json(ctl_policy_differences_json(answer));
    } else {
        ctl_policy_differences_print(answer, stdout);
    }
    json_decref(answer);
    return code;
}

static bool
is_good(enum ctl_policy_end end, bool may_revert)
{
    switch (end) {
    case CTL_POLICY_APPLIED:
    case CTL_POLICY_UNCONFIRMED:
        return true;
    case CTL_POLICY_REVERTED:
        return may_revert;
    case CTL_POLICY_UNDER_WAY:
    case CTL_POLICY_COMPARED:
    case CTL_POLICY_GUARDED:
    case CTL_POLICY_NO_MEMORY:
    case CTL_POLICY_INVALID:
    case CTL_POLICY_BLOCKED:
    case CTL_POLICY_SHADOWED:
    case CTL_POLICY_UNKNOWN:
        return false;
    }
    return false;
}

static void
print_json(
    const json_t *policy, const struct ctl_policy_outcome *outcome, bool good, json_t *differences)
{
    json_t *json = json_pack("{s:b,s:s,s:s,s:I}", "ok", good, "outcome", outcome->name,
        good ? "text" : "error", outcome->text.text, "version", ctl_integer(policy, "version"));
    json_t *guarded = json_object_get(json_object_get(policy, "reload"), "guarded");
    bool is_guarded = outcome->end == CTL_POLICY_GUARDED && guarded != NULL;
    (void)json_object_set_new(json, "confirm_until",
        outcome->end == CTL_POLICY_UNCONFIRMED ? json_string(outcome->until.text) : json_null());
    (void)json_object_set_new(json, "guarded", is_guarded ? json_incref(guarded) : json_null());
    if (differences != NULL) {
        (void)json_object_set_new(json, "differences", ctl_policy_differences_json(differences));
    }
    ctl_print_json(json);
}

static int
tell(const struct ctl *ctl, const json_t *policy, bool may_revert, json_t *differences)
{
    struct ctl_policy_outcome outcome = ctl_policy_outcome(policy, log_sink_now().wall);
    bool good = is_good(outcome.end, may_revert);
    if (ctl->json) {
        print_json(policy, &outcome, good, differences);
        return good ? APP_OK : APP_FAILED;
    }
    if (differences != NULL) {
        ctl_policy_differences_print(differences, stdout);
    }
    if (!good) {
        return ctl_fail(ctl, "%s", outcome.text.text);
    }
    (void)printf("%s\n", outcome.text.text);
    return APP_OK;
}

int
ctl_policy_change_run(
    const struct ctl *ctl, const struct ctl_policy_change_plan *plan, json_t *body)
{
    json_t *policy = NULL;
    json_t *differences = NULL;
    int code = APP_FAILED;
    if (ctl_policy_change_send(ctl, plan->page, body)) {
        policy = ctl_policy_change_await(ctl);
    }
    if (policy != NULL && plan->differences) {
        differences = ctl_get(ctl, "/v1/policy/differences", NULL);
    }
    if (policy != NULL && (differences != NULL || !plan->differences)) {
        code = tell(ctl, policy, plan->may_revert, differences);
    }
    json_decref(differences);
    json_decref(policy);
    return code;
}
