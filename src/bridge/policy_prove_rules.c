/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_prove_rules.c - each condition of policy_evaluate.c once as it is, and once turned around.
 */
#include "bridge/policy_prove_rules.h"

#include "bridge/policy_prove_view.h"
#include "core/limits.h"

/* ---- Conditions as demands ---- */

struct wishes {
    struct prover *prover;
    struct prove_case *proven;
    uint32_t view;
    enum prove_fit fit;
};

static void
wish(struct wishes *wishes, const struct prove_demand *demand)
{
    if (wishes->fit == PROVE_MET) {
        wishes->fit = prove_require(wishes->prover, wishes->proven, wishes->view, demand);
    }
}

/* An empty list of texts is no condition. */
static void
wish_texts(struct wishes *wishes, enum prove_part part, enum prove_demand_kind kind,
    const struct text_list *texts)
{
    struct prove_demand demand = { .kind = kind, .part = part, .texts = *texts };
    if (texts->count > 0) {
        wish(wishes, &demand);
    }
}

static void
wish_set(struct wishes *wishes, enum prove_part part, const struct policy_set_match *match)
{
    wish_texts(wishes, part, PROVE_HAS_ALL, &match->all);
    wish_texts(wishes, part, PROVE_HAS_ANY, &match->any);
    wish_texts(wishes, part, PROVE_HAS_NONE, &match->none);
}

static void
wish_count(struct wishes *wishes, uint32_t max)
{
    struct prove_demand demand = {
        .kind = PROVE_COUNT, .part = PROVE_PATH, .count_min = 1, .count_max = max
    };
    if (max < PATH_COUNT_MAX) {
        wish(wishes, &demand);
    }
}

static void
wish_version(struct wishes *wishes, const struct version_constraint *version)
{
    struct prove_demand demand = {
        .kind = PROVE_VERSIONS, .part = PROVE_VERSION, .versions = version_range_of(version)
    };
    if (version->count > 0) {
        wish(wishes, &demand);
    }
}

static void
wish_time(struct wishes *wishes, const struct policy_conditions *more)
{
    struct prove_demand demand = {
        .kind = PROVE_PERIOD,
        .part = PROVE_TIME,
        .period = { .from = more->valid_from, .until = more->valid_until },
    };
    wish(wishes, &demand);
}

static void
wish_more(struct wishes *wishes, const struct policy_conditions *more)
{
    wish_set(wishes, PROVE_TAGS, &more->tags);
    wish_set(wishes, PROVE_RESOURCES, &more->resources);
    wish_version(wishes, &more->version);
    wish_texts(wishes, PROVE_SCOPE, PROVE_IS_ONE, &more->scopes);
    wish_time(wishes, more);
    wish_texts(wishes, PROVE_PATH, PROVE_IS_ONE, &more->origins);
    wish_texts(wishes, PROVE_PATH, PROVE_HAS_ALL, &more->path_includes);
    wish_texts(wishes, PROVE_PATH, PROVE_HAS_NONE, &more->path_excludes);
    wish_count(wishes, more->hops_max);
}

/* An export of what another federation serves needs a rule that says so. */
static uint32_t
hops_without_transit(const struct policy_rule *rule, enum policy_direction direction)
{
    bool own_only = direction == POLICY_EXPORT && rule->action == POLICY_ACCEPT && !rule->transit;
    return own_only ? 1 : PATH_COUNT_MAX;
}

enum prove_fit
prove_fulfil(
    struct prover *prover, struct prove_case *proven, uint32_t view, const struct policy_rule *rule)
{
    struct wishes wishes = { .prover = prover, .proven = proven, .view = view };
    wish_count(&wishes, hops_without_transit(rule, prover->steps[view].direction));
    if (rule->more != NULL) {
        wish_more(&wishes, rule->more);
    }
    return wishes.fit;
}

/* ---- Conditions turned around ---- */

struct turning {
    struct prove_demand *items;
    uint32_t count;
};

static void
turn(struct turning *turning, const struct prove_demand *demand)
{
    turning->items[turning->count] = *demand;
    turning->count++;
}

/* The texts all at once. */
static void
turn_texts(struct turning *turning, enum prove_part part, enum prove_demand_kind kind,
    const struct text_list *texts)
{
    struct prove_demand demand = { .kind = kind, .part = part, .texts = *texts };
    if (texts->count > 0) {
        turn(turning, &demand);
    }
}

/* One of all is missing. */
static void
turn_all(struct turning *turning, enum prove_part part, const struct text_list *texts)
{
    for (uint32_t i = 0; i < texts->count; i++) {
        struct text_list one = { .items = &texts->items[i], .count = 1 };
        turn_texts(turning, part, PROVE_HAS_NONE, &one);
    }
}

static void
turn_set(struct turning *turning, enum prove_part part, const struct policy_set_match *match)
{
    turn_all(turning, part, &match->all);
    turn_texts(turning, part, PROVE_HAS_NONE, &match->any);
    turn_texts(turning, part, PROVE_HAS_ANY, &match->none);
}

static void
turn_patterns(struct turning *turning, enum prove_part part, const struct policy_patterns *patterns)
{
    struct prove_demand demand = { .kind = PROVE_MATCHES_NOT, .part = part, .patterns = *patterns };
    if (patterns->count > 0) {
        turn(turning, &demand);
    }
}

static void
turn_version(struct turning *turning, const struct version_constraint *version)
{
    struct version_range range = version_range_of(version);
    struct version_range around[] = { version_range_below(&range), version_range_above(&range) };
    for (size_t i = 0; i < COUNT_OF(around); i++) {
        struct prove_demand demand = {
            .kind = PROVE_VERSIONS, .part = PROVE_VERSION, .versions = around[i]
        };
        if (version->count > 0 && !version_range_is_empty(&around[i])) {
            turn(turning, &demand);
        }
    }
}

static void
turn_count(struct turning *turning, uint32_t max)
{
    struct prove_demand demand = {
        .kind = PROVE_COUNT, .part = PROVE_PATH, .count_min = max + 1, .count_max = PATH_COUNT_MAX
    };
    if (max < PATH_COUNT_MAX) {
        turn(turning, &demand);
    }
}

static void
turn_time(struct turning *turning, const struct policy_conditions *more)
{
    struct policy_period around[] = {
        { .from = POLICY_VALID_FROM_EVER, .until = more->valid_from },
        { .from = more->valid_until, .until = POLICY_VALID_FOR_EVER },
    };
    for (size_t i = 0; i < COUNT_OF(around); i++) {
        struct prove_demand demand = {
            .kind = PROVE_PERIOD, .part = PROVE_TIME, .period = around[i]
        };
        if (around[i].from.ns < around[i].until.ns) {
            turn(turning, &demand);
        }
    }
}

static void
turn_more(struct turning *turning, const struct policy_conditions *more)
{
    turn_set(turning, PROVE_TAGS, &more->tags);
    turn_set(turning, PROVE_RESOURCES, &more->resources);
    turn_texts(turning, PROVE_SCOPE, PROVE_IS_NONE, &more->scopes);
    turn_version(turning, &more->version);
    turn_time(turning, more);
    turn_texts(turning, PROVE_PATH, PROVE_IS_NONE, &more->origins);
    turn_all(turning, PROVE_PATH, &more->path_includes);
    turn_texts(turning, PROVE_PATH, PROVE_HAS_ANY, &more->path_excludes);
    turn_count(turning, more->hops_max);
}

/* Of conditions that have no lists: two each of versions and times, one each of names, ids, hops and transit. */
#define SINGLE_ESCAPES 8u

static uint32_t
escape_count_max(const struct policy_rule *rule)
{
    const struct policy_conditions *more = rule->more;
    /* A list that has to be there in full may miss any of its texts; any other list counts as one. */
    return more == NULL ? SINGLE_ESCAPES
                        : more->tags.all.count + more->resources.all.count +
                              more->path_includes.count + SINGLE_ESCAPES + 7;
}

bool
prove_escapes_of(struct prover *prover, const struct policy_rule *rule,
    enum policy_direction direction, struct prove_escapes *escapes)
{
    struct turning turning = {
        .items = arena_take(&prover->arena, escape_count_max(rule) * sizeof(*turning.items)),
    };
    if (turning.items == NULL) {
        (void)prove_doubt(prover, PROVE_NO_MEMORY);
        return false;
    }
    if (rule->more != NULL) {
        turn_more(&turning, rule->more);
    }
    turn_count(&turning, hops_without_transit(rule, direction));
    turn_patterns(&turning, PROVE_ID, &rule->function_ids);
    turn_patterns(&turning, PROVE_NAME, &rule->functions);
    CHECK(turning.count <= escape_count_max(rule));
    *escapes = (struct prove_escapes){ .items = turning.items, .count = turning.count };
    return true;
}
