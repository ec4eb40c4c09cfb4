/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_prove_search.c - examples are judged, and demands made of what the verdicts say.
 */
#include "bridge/policy_prove_search.h"

#include "bridge/policy_prove_rules.h"
#include "bridge/policy_prove_view.h"
#include "core/built_in.h"
#include "core/limits.h"

/* ---- Judging ----
 *
 * The next step sees what the one before it made: over a link as it was sent, and in a cluster as rib_transit.c passes it
 * on, without the tag that the cluster sees.
 */

/* What rib_import.c refuses though the policy accepts it. */
static bool
is_refused(const struct prove_step *step, const struct policy_verdict *verdict)
{
    return step->direction == POLICY_IMPORT && verdict->action == POLICY_ACCEPT &&
           (built_in_is(verdict->out.identity.name) || verdict->out.tags.count >= LIST_COUNT_MAX);
}

bool
prove_judge(struct prover *prover, const struct prove_case *proven, struct prove_trail *trail)
{
    struct advertisement advertisement = proven->in;
    bool goes_on = true;
    trail->count = 0;
    for (uint32_t i = 0; i < prover->step_count && goes_on; i++) {
        const struct prove_step *step = &prover->steps[i];
        struct policy_verdict *verdict = &trail->verdicts[i];
        if (step->path.count > 0) {
            advertisement.path = step->path;
            advertisement.origin = step->path.items[0];
        }
        enum policy_evaluation evaluation = policy_evaluate(
            step->policy, step->direction, &advertisement, proven->at, &prover->scratch, verdict);
        trail->count++;
        if (is_refused(step, verdict)) {
            verdict->action = POLICY_REJECT;
        }
        goes_on = verdict->action == POLICY_ACCEPT;
        advertisement = verdict->out;
        if (evaluation == POLICY_OUT_OF_MEMORY) {
            (void)prove_doubt(prover, PROVE_NO_MEMORY);
            return false;
        }
    }
    return true;
}

/* ---- Searching ---- */

enum next {
    NEXT_DONE = 0, /* found, or nothing is to be found here */
    NEXT_AGAIN,    /* the case has one more demand, and meets it */
};

static void search_from(struct prove_search *search, struct prove_case *proven, uint32_t depth);

static bool
has_lost_name(const struct prove_case *proven)
{
    bool lost = false;
    for (uint32_t i = 0; i < proven->view_count && !lost; i++) {
        lost = proven->views[i].name.kind == PROVE_TEXT_LOST;
    }
    return lost;
}

/* It is judged otherwise than the demands foresee, or rewriting it comes to nothing: try another name. */
static enum next
pass_over(struct prover *prover, struct prove_case *proven)
{
    if (proven->passed_over == POLICY_PROVE_NAMES_MAX) {
        (void)prove_doubt(
            prover, has_lost_name(proven) ? PROVE_HARD_TEMPLATE : PROVE_TOO_MANY_NAMES);
        return NEXT_DONE;
    }
    proven->passed_over++;
    bool more = prove_pass_over(prover, proven, proven->in.identity.name) &&
                prove_solve(prover, proven) == PROVE_MET;
    return more ? NEXT_AGAIN : NEXT_DONE;
}

/* The first step whose target does not decide. step_count: there is none. */
static uint32_t
find_astray(const struct prover *prover, const struct prove_trail *trail)
{
    uint32_t step = 0;
    while (step < trail->count && trail->verdicts[step].rule == prover->steps[step].target) {
        step++;
    }
    return step < trail->count ? step : prover->step_count;
}

/* One way not to match a rule, in a case of its own. */
static enum prove_fit
take(struct prover *prover, struct prove_case *other, uint32_t step,
    const struct prove_demand *escape)
{
    enum prove_fit fit = prove_require(prover, other, step, escape);
    if (fit != PROVE_MET) {
        return fit;
    }
    /* The demand is on a name or an id that is lost. */
    return other->unsolved == 0 ? prove_doubt(prover, PROVE_HARD_TEMPLATE)
                                : prove_solve(prover, other);
}

/* Another rule takes the example at a step: try each way not to match it, the last one in the case itself. */
static enum next
escape(struct prove_search *search, struct prove_case *proven, uint32_t step, uint32_t rule,
    uint32_t depth)
{
    struct prover *prover = search->prover;
    const struct prove_step *at = &prover->steps[step];
    const struct policy_rule *taken = at->policy->rules[at->direction].items[rule];
    struct prove_escapes escapes;
    struct prove_case last;
    bool has_last = false;
    if (!prove_escapes_of(prover, taken, at->direction, &escapes)) {
        return NEXT_DONE;
    }
    for (uint32_t i = 0; i < escapes.count && !search->found; i++) {
        struct prove_case other = *proven;
        if (take(prover, &other, step, &escapes.items[i]) != PROVE_MET) {
            continue;
        }
        if (has_last && depth == POLICY_PROVE_DEPTH_MAX) {
            (void)prove_doubt(prover, PROVE_TOO_DEEP);
        } else if (has_last) {
            search_from(search, &last, depth + 1);
        }
        last = other;
        has_last = true;
    }
    if (search->found) {
        return NEXT_DONE;
    }
    if (!has_last) {
        return prove_is_lost(proven) ? pass_over(prover, proven) : NEXT_DONE;
    }
    *proven = last;
    return NEXT_AGAIN;
}

static enum next
go_on(struct prove_search *search, struct prove_case *proven, const struct prove_trail *trail,
    uint32_t depth)
{
    struct prover *prover = search->prover;
    uint32_t step = find_astray(prover, trail);
    if (step == prover->step_count) {
        return pass_over(prover, proven);
    }
    /* It meets the conditions of the target: that one takes it, or one before it. */
    uint32_t rule = trail->verdicts[step].rule;
    bool before = rule < prover->steps[step].target;
    CHECK(before || prove_is_lost(proven));
    return before ? escape(search, proven, step, rule, depth) : pass_over(prover, proven);
}

static void
search_from(struct prove_search *search, struct prove_case *proven, uint32_t depth)
{
    struct prover *prover = search->prover;
    enum next next = NEXT_AGAIN;
    while (next == NEXT_AGAIN && !search->found) {
        struct prove_trail trail;
        if (prover->examples == POLICY_PROVE_STEPS_MAX) {
            (void)prove_doubt(prover, PROVE_TOO_MANY_STEPS);
            return;
        }
        prover->examples++;
        if (!prove_judge(prover, proven, &trail)) {
            next = NEXT_DONE;
        } else if (search->is_wanted(search->host, proven, &trail)) {
            search->found = true;
        } else {
            next = go_on(search, proven, &trail, depth);
        }
        arena_reset(&prover->scratch);
    }
}

void
prove_search(struct prove_search *search, struct prove_case *proven)
{
    search_from(search, proven, 0);
}
