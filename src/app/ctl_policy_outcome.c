/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_policy_outcome.c - the state decides first: while something waits, the outcome is still that of before. */
#include "app/ctl_policy_outcome.h"

#include <math.h>
#include <string.h>

#include "app/ctl.h"
#include "app/ctl_json.h"

static const struct {
    enum ctl_policy_end end;
    const char *name;
} names[] = {
    { CTL_POLICY_UNDER_WAY, "under_way" },
    { CTL_POLICY_COMPARED, "compared" },
    { CTL_POLICY_APPLIED, "applied" },
    { CTL_POLICY_UNCONFIRMED, "unconfirmed" },
    { CTL_POLICY_GUARDED, "guarded" },
    { CTL_POLICY_REVERTED, "reverted" },
    { CTL_POLICY_NO_MEMORY, "no_memory" },
    { CTL_POLICY_INVALID, "invalid" },
    { CTL_POLICY_BLOCKED, "blocked" },
    { CTL_POLICY_SHADOWED, "shadowed" },
    { CTL_POLICY_UNKNOWN, "unknown" },
};

static enum ctl_policy_end
end_of_state(const char *state)
{
    static const struct {
        const char *state;
        enum ctl_policy_end end;
    } states[] = {
        { "loading", CTL_POLICY_UNDER_WAY },
        { "comparing", CTL_POLICY_UNDER_WAY },
        { "applying", CTL_POLICY_UNDER_WAY },
        { "reverting", CTL_POLICY_UNDER_WAY },
        { "confirming", CTL_POLICY_UNCONFIRMED },
        { "shadowing", CTL_POLICY_SHADOWED },
    };
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        if (strcmp(states[i].state, state) == 0) {
            return states[i].end;
        }
    }
    return CTL_POLICY_UNKNOWN;
}

static enum ctl_policy_end
end_of(const json_t *reload)
{
    enum ctl_policy_end end = end_of_state(ctl_text(reload, "state"));
    const char *outcome = ctl_text(reload, "outcome");
    for (size_t i = 0; end == CTL_POLICY_UNKNOWN && i < COUNT_OF(names); i++) {
        end = strcmp(names[i].name, outcome) == 0 ? names[i].end : end;
    }
    /* That a comparison began once says nothing of now. */
    return end == CTL_POLICY_SHADOWED && strcmp(ctl_text(reload, "state"), "shadowing") != 0
               ? CTL_POLICY_UNKNOWN
               : end;
}

static void
tell_guarded(const json_t *guarded, struct reason *text)
{
    reason_set(text,
        "nothing was changed: %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
        " functions would vanish or change their name over link %s, more than guard.withdraw_max "
        "%" JSON_INTEGER_FORMAT "%% allows; see the differences, or say it again with --force",
        ctl_integer(guarded, "vanish"), ctl_integer(guarded, "of"),
        value_quote(ctl_text(guarded, "link")).text, ctl_integer(guarded, "withdraw_max_percent"));
}

static void
tell_unconfirmed(
    const json_t *reload, json_int_t version, struct wall now, struct ctl_policy_outcome *outcome)
{
    /* Whole seconds: the way here took a part of one. */
    double left = fmin(fmax(ctl_real(reload, "confirm_seconds_left"), 0), 1e6);
    int64_t until = now.ns / (int64_t)SEC_NS + (int64_t)left;
    outcome->until = value_write_time((struct wall){ .ns = until * (int64_t)SEC_NS });
    reason_set(&outcome->text,
        "applied, and goes back to version %" JSON_INTEGER_FORMAT
        " at %s (in %s) unless somebody confirms it: mpregctl policy confirm",
        version, outcome->until.text, ctl_duration(left).text);
}

struct ctl_policy_outcome
ctl_policy_outcome(const json_t *policy, struct wall now)
{
    const json_t *reload = json_object_get(policy, "reload");
    json_int_t version = ctl_integer(policy, "version");
    struct ctl_policy_outcome outcome = { .end = end_of(reload), .name = "unknown" };
    const char *text = "";
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        outcome.name = names[i].end == outcome.end ? names[i].name : outcome.name;
    }
    switch (outcome.end) {
    case CTL_POLICY_GUARDED:
        tell_guarded(json_object_get(reload, "guarded"), &outcome.text);
        return outcome;
    case CTL_POLICY_UNCONFIRMED:
        tell_unconfirmed(reload, version, now, &outcome);
        return outcome;
    case CTL_POLICY_UNDER_WAY:
        text = "a change is under way: ";
        break;
    case CTL_POLICY_REVERTED:
        text = "what waited for a confirmation went back: ";
        break;
    case CTL_POLICY_NO_MEMORY:
        text = "nothing was changed, the bridge has not enough memory: ";
        break;
    case CTL_POLICY_INVALID:
        text = "nothing was changed, the files are wrong: ";
        break;
    case CTL_POLICY_BLOCKED:
        text = "nothing was changed, the bridge was at another change; say it again: ";
        break;
    case CTL_POLICY_SHADOWED:
        text = "files are compared and not used: ";
        break;
    case CTL_POLICY_COMPARED:
    case CTL_POLICY_APPLIED:
    case CTL_POLICY_UNKNOWN:
        break;
    }
    reason_set(&outcome.text, "%sversion %" JSON_INTEGER_FORMAT " is in use", text, version);
    return outcome;
}
