/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_policy.c - who judges: the policy of each link, the period in which its verdicts hold, how often each rule
 * decided, and what another policy would have said.
 */
#include "bridge/rib_state.h"

/* ---- The policy in use ---- */

static void
give_uses(struct rib *rib, struct rib_link *port)
{
    for (int direction = POLICY_EXPORT; direction <= POLICY_IMPORT; direction++) {
        mem_give(rib->config.mem, port->uses[direction], port->uses_size[direction]);
        port->uses[direction] = NULL;
        port->uses_size[direction] = 0;
    }
}

static bool
take_uses(struct rib *rib, const struct policy *policy, struct rib_link *port)
{
    for (int direction = POLICY_EXPORT; policy != NULL && direction <= POLICY_IMPORT; direction++) {
        size_t count = policy_rule_count(policy, (enum policy_direction)direction) + (size_t)1;
        port->uses_size[direction] = count * sizeof(struct rib_rule_use);
        port->uses[direction] = mem_take(rib->config.mem, port->uses_size[direction]);
        if (port->uses[direction] == NULL) {
            port->uses_size[direction] = 0;
            give_uses(rib, port);
            return false;
        }
    }
    return true;
}

static void
begin_period(struct rib *rib, struct rib_link *port)
{
    const struct policy_period for_ever = { .from = POLICY_VALID_FROM_EVER,
        .until = POLICY_VALID_FOR_EVER };
    port->period = port->policy == NULL ? for_ever : policy_period(port->policy, rib->now);
    port->stamp++;
}

static bool
passes_through(const struct rib *rib)
{
    bool found = false;
    for (uint32_t i = 0; i < rib->config.link_count; i++) {
        struct policy *policy = rib->links[i].policy;
        found = found || (policy != NULL && policy_passes_through(policy));
    }
    return found;
}

bool
rib_policies_init(struct rib *rib)
{
    for (uint32_t i = 0; i < rib->config.link_count; i++) {
        struct rib_link *port = &rib->links[i];
        struct policy *policy = rib->config.policies[i];
        arena_init(&port->candidate.arena, rib->config.mem);
        if (!take_uses(rib, policy, port)) {
            return false;
        }
        port->policy = policy_ref(policy);
        port->policy_number = 1;
        begin_period(rib, port);
    }
    rib->passes_through = passes_through(rib);
    return true;
}

void
rib_policies_destroy(struct rib *rib)
{
    for (uint32_t i = 0; i < rib->config.link_count; i++) {
        struct rib_link *port = &rib->links[i];
        rib_forget_candidate(rib, i);
        give_uses(rib, port);
        policy_unref(port->policy);
        policy_unref(port->old);
    }
}

static uint64_t
count_known(const struct rib *rib, const struct rib_link *port)
{
    return (uint64_t)rib->services.count + port->imports.count;
}

void
rib_judge_again(struct rib *rib, uint32_t link)
{
    struct rib_link *port = &rib->links[link];
    rib->decision++;
    begin_period(rib, port);
    port->left = count_known(rib, port);
    port->judging = (struct rib_walk){ .cursor = 0 };
    if (port->left == 0) {
        policy_unref(port->old);
        port->old = NULL;
    }
}

bool
rib_replacing(const struct rib *rib, uint32_t link)
{
    return rib->links[link].old != NULL;
}

bool
rib_replace_policy(struct rib *rib, uint32_t link, struct policy *policy)
{
    struct rib_link *port = &rib->links[link];
    struct rib_link next = { .policy = NULL };
    if (port->old != NULL || !take_uses(rib, policy, &next)) {
        return false;
    }
    give_uses(rib, port);
    for (int direction = POLICY_EXPORT; direction <= POLICY_IMPORT; direction++) {
        port->uses[direction] = next.uses[direction];
        port->uses_size[direction] = next.uses_size[direction];
    }
    /* What it judged speaks of its rules until it is judged again. */
    port->old = port->policy;
    port->policy = policy_ref(policy);
    port->policy_number++;
    port->since = rib->now;
    bool passed_through = rib->passes_through;
    rib->passes_through = passes_through(rib);
    for (uint32_t i = 0; i < rib->config.link_count; i++) {
        /* What comes over the others is passed on only while somebody wants it. */
        if (i == link || passed_through != rib->passes_through) {
            rib_judge_again(rib, i);
        }
    }
    return true;
}

uint32_t
rib_policy_number(const struct rib *rib, uint32_t link)
{
    return rib->links[link].policy_number;
}

struct wall
rib_policy_since(const struct rib *rib, uint32_t link)
{
    return rib->links[link].since;
}

struct policy *
rib_policy(const struct rib *rib, uint32_t link)
{
    return rib->links[link].policy;
}

/* ---- Time ---- */

void
rib_set_time(struct rib *rib, struct now now)
{
    struct wall wall = now.wall;
    rib->mono = now.mono;
    rib->now = wall;
    for (uint32_t i = 0; i < rib->config.link_count; i++) {
        struct policy_period period = rib->links[i].period;
        if (rib->links[i].since.ns == 0) {
            rib->links[i].since = wall;
        }
        /* Also back: a wall clock may be set. */
        if (wall.ns >= period.until.ns || wall.ns < period.from.ns) {
            rib_judge_again(rib, i);
        }
    }
}

struct wall
rib_deadline(const struct rib *rib)
{
    struct wall first = POLICY_VALID_FOR_EVER;
    for (uint32_t i = 0; i < rib->config.link_count; i++) {
        struct wall until = rib->links[i].period.until;
        first = until.ns < first.ns ? until : first;
    }
    return first;
}

/* ---- Judging ---- */

static enum prune_reason
evaluate(struct rib *rib, struct policy *policy, enum policy_direction direction,
    const struct advertisement *facts, struct arena *arena, struct policy_verdict *verdict)
{
    *verdict = (struct policy_verdict){ .rule = POLICY_NO_RULE };
    if (policy == NULL) {
        return PRUNE_POLICY_REJECTED;
    }
    arena_reset(arena);
    switch (policy_evaluate(policy, direction, facts, rib->now, arena, verdict)) {
    case POLICY_EVALUATED:
        return PRUNE_POLICY_REJECTED;
    case POLICY_OUT_OF_MEMORY:
    case POLICY_NAME_TOO_LONG:
        return PRUNE_LIMIT_EXCEEDED;
    }
    return PRUNE_INVALID;
}

static struct rib_rule_use *
find_use(const struct rib_link *port, enum policy_direction direction, uint32_t rule)
{
    if (port->policy == NULL) {
        return NULL;
    }
    uint32_t count = policy_rule_count(port->policy, direction);
    CHECK(rule == POLICY_NO_RULE || rule < count);
    return &port->uses[direction][rule == POLICY_NO_RULE ? count : rule];
}

struct rib_rule_use
rib_rule_use(const struct rib *rib, uint32_t link, enum policy_direction direction, uint32_t rule)
{
    const struct rib_rule_use *use = find_use(&rib->links[link], direction, rule);
    return use == NULL ? (struct rib_rule_use){ .hits = 0 } : *use;
}

/* ---- The candidate ---- */

static bool
is_comparing(const struct rib_candidate *candidate)
{
    return candidate->is_there && !candidate->ended;
}

/* Texts that no longer fit make an item that says less, not one that lies. */
static void
keep_difference(struct rib_candidate *candidate, const struct rib_difference *found)
{
    struct arena *arena = &candidate->arena;
    if (candidate->counted.item_count == RIB_DIFFERENCES_MAX || candidate->items == NULL) {
        return;
    }
    struct rib_difference kept = *found;
    kept.function = arena_copy(arena, found->function);
    kept.before = arena_copy(arena, found->before);
    kept.after = arena_copy(arena, found->after);
    kept.rule_before = arena_copy(arena, found->rule_before);
    kept.rule_after = arena_copy(arena, found->rule_after);
    bool whole = kept.function.data != NULL && kept.before.data != NULL &&
                 kept.after.data != NULL && kept.rule_before.data != NULL &&
                 kept.rule_after.data != NULL;
    if (whole) {
        candidate->items[candidate->counted.item_count] = kept;
        candidate->counted.item_count++;
    }
}

/* false: they agree. */
static bool
differ(const struct policy_verdict *today, const struct policy_verdict *then,
    enum rib_difference_kind *kind)
{
    bool accepted = today->action == POLICY_ACCEPT;
    if (accepted != (then->action == POLICY_ACCEPT)) {
        *kind = accepted ? RIB_VANISHES : RIB_APPEARS;
        return true;
    }
    if (!accepted || rib_advertisement_equal(&today->out, &then->out)) {
        return false;
    }
    bool same_name = span_equal(today->out.identity.name, then->out.identity.name);
    *kind = same_name ? RIB_ALTERED : RIB_RENAMED;
    return true;
}

static void
compare(struct rib *rib, struct rib_link *port, enum policy_direction direction,
    const struct advertisement *facts, const struct policy_verdict *today)
{
    struct rib_candidate *candidate = &port->candidate;
    struct policy_verdict then;
    (void)evaluate(rib, candidate->policy, direction, facts, &rib->candidate_scratch, &then);
    candidate->counted.compared++;
    candidate->counted.accepted += today->action == POLICY_ACCEPT;
    struct rib_difference found = {
        .direction = direction,
        .function = facts->identity.name,
        .before = today->action == POLICY_ACCEPT ? today->out.identity.name : SPAN_NONE,
        .after = then.action == POLICY_ACCEPT ? then.out.identity.name : SPAN_NONE,
        .rule_before = today->rule_id,
        .rule_after = then.rule_id,
    };
    if (differ(today, &then, &found.kind)) {
        candidate->counted.counts[found.kind]++;
        keep_difference(candidate, &found);
    }
}

enum prune_reason
rib_judge(struct rib *rib, uint32_t link, enum policy_direction direction,
    const struct advertisement *facts, struct policy_verdict *verdict)
{
    return evaluate(rib, rib->links[link].policy, direction, facts, &rib->scratch, verdict);
}

void
rib_count_verdict(struct rib *rib, uint32_t link, enum policy_direction direction,
    const struct advertisement *facts, const struct policy_verdict *verdict)
{
    struct rib_link *port = &rib->links[link];
    struct rib_rule_use *use = find_use(port, direction, verdict->rule);
    if (use != NULL) {
        use->hits++;
        use->last_hit = rib->now;
    }
    if (is_comparing(&port->candidate)) {
        compare(rib, port, direction, facts, verdict);
    }
}

void
rib_compare(struct rib *rib, uint32_t link, enum policy_direction direction,
    const struct advertisement *facts)
{
    struct rib_link *port = &rib->links[link];
    struct policy_verdict today;
    (void)evaluate(rib, port->policy, direction, facts, &rib->scratch, &today);
    compare(rib, port, direction, facts, &today);
}

void
rib_compare_policy(struct rib *rib, uint32_t link, struct policy *candidate)
{
    struct rib_link *port = &rib->links[link];
    struct rib_candidate *made = &port->candidate;
    policy_ref(candidate);
    rib_forget_candidate(rib, link);
    made->is_there = true;
    made->policy = candidate;
    made->stamp++;
    made->left = count_known(rib, port);
    made->items = arena_take(&made->arena, RIB_DIFFERENCES_MAX * sizeof(*made->items));
    port->comparing = (struct rib_walk){ .cursor = 0 };
}

void
rib_end_comparison(struct rib *rib, uint32_t link)
{
    struct rib_candidate *candidate = &rib->links[link].candidate;
    candidate->ended = candidate->is_there;
    candidate->left = 0;
    policy_unref(candidate->policy);
    candidate->policy = NULL;
}

void
rib_forget_candidate(struct rib *rib, uint32_t link)
{
    struct rib_candidate *candidate = &rib->links[link].candidate;
    policy_unref(candidate->policy);
    arena_destroy(&candidate->arena);
    *candidate = (struct rib_candidate){ .stamp = candidate->stamp };
    arena_init(&candidate->arena, rib->config.mem);
}

struct rib_comparison
rib_comparison(const struct rib *rib, uint32_t link)
{
    const struct rib_candidate *candidate = &rib->links[link].candidate;
    struct rib_comparison comparison = candidate->counted;
    comparison.is_there = candidate->is_there;
    comparison.whole = candidate->is_there && candidate->left == 0;
    comparison.items = candidate->items;
    return comparison;
}

const char *
rib_difference_kind_name(enum rib_difference_kind kind)
{
    switch (kind) {
    case RIB_APPEARS:
        return "appear";
    case RIB_VANISHES:
        return "vanish";
    case RIB_RENAMED:
        return "rename";
    case RIB_ALTERED:
        return "alter";
    }
    return "unknown";
}

/* ---- What is left to do ---- */

void
rib_mark_new(const struct rib *rib, uint32_t link, uint32_t *judged, uint32_t *compared)
{
    *judged = rib->links[link].stamp;
    *compared = rib->links[link].candidate.stamp;
}

static void
mark(uint64_t *left, uint32_t stamp, uint32_t *item)
{
    if (*item != stamp) {
        CHECK(*left > 0);
        (*left)--;
        *item = stamp;
    }
}

void
rib_mark_compared(struct rib *rib, uint32_t link, uint32_t *compared)
{
    struct rib_candidate *candidate = &rib->links[link].candidate;
    if (is_comparing(candidate)) {
        mark(&candidate->left, candidate->stamp, compared);
    }
}

void
rib_mark_judged(struct rib *rib, uint32_t link, uint32_t *judged, uint32_t *compared)
{
    struct rib_link *port = &rib->links[link];
    mark(&port->left, port->stamp, judged);
    rib_mark_compared(rib, link, compared);
    if (port->left == 0 && port->old != NULL) {
        policy_unref(port->old);
        port->old = NULL;
    }
}

void
rib_mark_gone(struct rib *rib, uint32_t link, uint32_t judged, uint32_t compared)
{
    rib_mark_judged(rib, link, &judged, &compared);
}
