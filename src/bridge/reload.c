/* SPDX-License-Identifier: Apache-2.0 */
/* reload.c - policies change all together, after a look at what that does, or not at all. */
#include "bridge/reload.h"

#include "bridge/bridge_state.h"

/* Going back needs a little memory; where there is none, it is tried again so much later. */
#define RETRY_NS (1 * SEC_NS)

#define AT_ONCE ((struct instant){ .ns = 0 })

bool
reload_init(struct bridge *bridge)
{
    bridge->reload.due = INSTANT_NEVER;
    size_t size = (bridge->config.link_count + (size_t)1) * sizeof(struct policy *);
    bridge->reload.wanted = mem_take(&bridge->mem, size);
    bridge->reload.before = mem_take(&bridge->mem, size);
    return bridge->reload.wanted != NULL && bridge->reload.before != NULL;
}

static void
release(struct bridge *bridge, struct policy **policies)
{
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        policy_unref(policies[i]);
        policies[i] = NULL;
    }
}

static void
give_list(struct bridge *bridge, struct policy **policies)
{
    if (policies != NULL) {
        release(bridge, policies);
        mem_give(&bridge->mem, policies,
            (bridge->config.link_count + (size_t)1) * sizeof(struct policy *));
    }
}

void
reload_destroy(struct bridge *bridge)
{
    give_list(bridge, bridge->reload.wanted);
    give_list(bridge, bridge->reload.before);
}

static bool
is_under_way(const struct reload *reload)
{
    switch (reload->state) {
    case RELOAD_IDLE:
    case RELOAD_SHADOWING:
        return false;
    case RELOAD_COMPARING:
    case RELOAD_APPLYING:
    case RELOAD_CONFIRMING:
    case RELOAD_REVERTING:
        return true;
    }
    return true;
}

/* ---- Ends ---- */

static void
end(struct bridge *bridge, enum reload_outcome outcome)
{
    struct reload *reload = &bridge->reload;
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        rib_end_comparison(bridge->rib, i);
    }
    release(bridge, reload->wanted);
    release(bridge, reload->before);
    reload->state = RELOAD_IDLE;
    reload->outcome = outcome;
    reload->due = INSTANT_NEVER;
    LOG_INFO(bridge->log, "policy.reload_ended", LOG_TEXT("outcome", reload_outcome_name(outcome)));
}

/* ---- Comparing ---- */

static bool
all_compared(const struct bridge *bridge)
{
    bool all = true;
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        struct rib_comparison comparison = rib_comparison(bridge->rib, i);
        all = all && (!comparison.is_there || comparison.whole);
    }
    return all;
}

static uint32_t
withdraw_max_percent(const struct policy *policy)
{
    return policy == NULL ? 100 : policy_withdraw_max_percent(policy);
}

/* A name that is another one from now on vanishes for whoever calls it. The stricter of both policies holds. */
static bool
is_guarded(struct bridge *bridge, uint32_t link)
{
    struct rib_comparison comparison = rib_comparison(bridge->rib, link);
    uint32_t now = withdraw_max_percent(rib_policy(bridge->rib, link));
    uint32_t then = withdraw_max_percent(bridge->reload.wanted[link]);
    uint64_t gone = comparison.counts[RIB_VANISHES] + comparison.counts[RIB_RENAMED];
    bridge->reload.guarded_percent = now < then ? now : then;
    return gone * 100 > comparison.accepted * bridge->reload.guarded_percent;
}

static bool
find_guarded(struct bridge *bridge)
{
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        if (is_guarded(bridge, i)) {
            bridge->reload.guarded_link = i;
            return true;
        }
    }
    return false;
}

/* ---- Applying ---- */

static bool
any_replacing(const struct bridge *bridge)
{
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        if (rib_replacing(bridge->rib, i)) {
            return true;
        }
    }
    return false;
}

/* false: no memory for one of them; those before it were replaced, and perhaps it, but not its limits of calls. */
static bool
replace_all(struct bridge *bridge, struct policy *const *policies)
{
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        if (policies[i] == rib_policy(bridge->rib, i)) {
            continue;
        }
        if (!rib_replace_policy(bridge->rib, i, policies[i]) ||
            !call_limits_replace(
                &bridge->ports[i].limits, policies[i], rib_policy_number(bridge->rib, i))) {
            return false;
        }
        link_port_policy_changed(bridge, i);
    }
    return true;
}

static void
go_back(struct bridge *bridge, enum reload_outcome outcome)
{
    bridge->reload.state = RELOAD_REVERTING;
    bridge->reload.outcome = outcome;
    bridge->reload.due = AT_ONCE;
}

static void
apply(struct bridge *bridge)
{
    struct reload *reload = &bridge->reload;
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        rib_end_comparison(bridge->rib, i);
        reload->before[i] = policy_ref(rib_policy(bridge->rib, i));
    }
    reload->state = RELOAD_APPLYING;
    reload->due = AT_ONCE;
    if (!replace_all(bridge, reload->wanted)) {
        go_back(bridge, RELOAD_NO_MEMORY);
    }
}

static void
on_compared(struct bridge *bridge)
{
    struct reload *reload = &bridge->reload;
    if (!reload->request.apply) {
        end(bridge, RELOAD_COMPARED);
    } else if (!reload->request.force && find_guarded(bridge)) {
        end(bridge, RELOAD_GUARDED);
    } else {
        apply(bridge);
    }
}

static void
on_applied(struct bridge *bridge, struct now now)
{
    struct reload *reload = &bridge->reload;
    if (reload->request.confirm_within_ns == 0) {
        end(bridge, RELOAD_APPLIED);
        return;
    }
    reload->state = RELOAD_CONFIRMING;
    reload->due = instant_after(now.mono, reload->request.confirm_within_ns);
    LOG_INFO(bridge->log, "policy.unconfirmed",
        LOG_MS("within_ms", reload->request.confirm_within_ns),
        LOG_TEXT("advice", "confirm it, or it goes back by itself"));
}

static void
on_unconfirmed(struct bridge *bridge)
{
    LOG_WARN(bridge->log, "policy.not_confirmed",
        LOG_TEXT("advice", "the policies of before are in use again"));
    go_back(bridge, RELOAD_REVERTED);
}

static void
go_on_reverting(struct bridge *bridge, struct now now)
{
    if (any_replacing(bridge)) {
        return;
    }
    if (replace_all(bridge, bridge->reload.before)) {
        end(bridge, bridge->reload.outcome);
    } else {
        bridge->reload.due = instant_after(now.mono, RETRY_NS);
    }
}

void
reload_step(struct bridge *bridge, struct now now)
{
    struct reload *reload = &bridge->reload;
    switch (reload->state) {
    case RELOAD_IDLE:
    case RELOAD_SHADOWING:
        reload->due = INSTANT_NEVER;
        break;
    case RELOAD_COMPARING:
        if (all_compared(bridge)) {
            on_compared(bridge);
        }
        break;
    case RELOAD_APPLYING:
        if (!any_replacing(bridge)) {
            on_applied(bridge, now);
        }
        break;
    case RELOAD_CONFIRMING:
        if (instant_reached(reload->due, now.mono)) {
            on_unconfirmed(bridge);
        }
        break;
    case RELOAD_REVERTING:
        go_on_reverting(bridge, now);
        break;
    }
}

struct instant
reload_deadline(const struct bridge *bridge)
{
    return bridge->reload.due;
}

/* ---- What operators ask for ---- */

static void
compare_all(struct bridge *bridge, struct policy *const *policies, enum reload_state state)
{
    struct reload *reload = &bridge->reload;
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        policy_ref(policies[i]);
        policy_unref(reload->wanted[i]);
        reload->wanted[i] = policies[i];
        if (policies[i] == rib_policy(bridge->rib, i)) {
            rib_forget_candidate(bridge->rib, i);
        } else {
            rib_compare_policy(bridge->rib, i, policies[i]);
        }
    }
    reload->state = state;
    reload->outcome = RELOAD_NONE;
    reload->due = AT_ONCE;
}

bool
bridge_reload_begin(struct bridge *bridge, const struct reload_request *request)
{
    struct reload *reload = &bridge->reload;
    if (is_under_way(reload) || any_replacing(bridge)) {
        return false;
    }
    compare_all(bridge, request->policies, RELOAD_COMPARING);
    reload->request = *request;
    reload->request.policies = reload->wanted;
    return true;
}

bool
bridge_shadow_begin(struct bridge *bridge, struct policy *const *policies)
{
    if (is_under_way(&bridge->reload)) {
        return false;
    }
    compare_all(bridge, policies, RELOAD_SHADOWING);
    return true;
}

bool
bridge_forget_differences(struct bridge *bridge)
{
    if (is_under_way(&bridge->reload)) {
        return false;
    }
    for (uint32_t i = 0; i < bridge->config.link_count; i++) {
        rib_forget_candidate(bridge->rib, i);
    }
    release(bridge, bridge->reload.wanted);
    bridge->reload.state = RELOAD_IDLE;
    return true;
}

bool
bridge_reload_confirm(struct bridge *bridge)
{
    if (bridge->reload.state != RELOAD_CONFIRMING) {
        return false;
    }
    end(bridge, RELOAD_APPLIED);
    return true;
}

bool
bridge_reload_revert(struct bridge *bridge)
{
    if (bridge->reload.state != RELOAD_CONFIRMING) {
        return false;
    }
    go_back(bridge, RELOAD_REVERTED);
    return true;
}

const struct reload *
bridge_reload(const struct bridge *bridge)
{
    return &bridge->reload;
}

const char *
reload_state_name(enum reload_state state)
{
    switch (state) {
    case RELOAD_IDLE:
        return "idle";
    case RELOAD_COMPARING:
        return "comparing";
    case RELOAD_APPLYING:
        return "applying";
    case RELOAD_CONFIRMING:
        return "confirming";
    case RELOAD_REVERTING:
        return "reverting";
    case RELOAD_SHADOWING:
        return "shadowing";
    }
    return "unknown";
}

const char *
reload_outcome_name(enum reload_outcome outcome)
{
    switch (outcome) {
    case RELOAD_NONE:
        return "none";
    case RELOAD_COMPARED:
        return "compared";
    case RELOAD_APPLIED:
        return "applied";
    case RELOAD_GUARDED:
        return "guarded";
    case RELOAD_REVERTED:
        return "reverted";
    case RELOAD_NO_MEMORY:
        return "no_memory";
    }
    return "unknown";
}
