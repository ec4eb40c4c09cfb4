/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_explain.c - the naive walk: each rule in turn, each condition in turn.
 */
#include "bridge/policy_explain.h"

#include "bridge/pattern.h"
#include "core/limits.h"

struct walk {
    enum policy_direction direction;
    struct wall at;
    const struct advertisement *advertisement;
    struct arena *arena;
    struct policy_step *step;
    bool out_of_memory;
};

static bool
fail(struct walk *walk, enum policy_condition condition, struct span item)
{
    walk->step->failed_on = condition;
    walk->step->item = item;
    return false;
}

static bool
is_name(struct span name)
{
    return name.size > 0 && name.size <= NAME_SIZE_MAX && pattern_is_plain(name);
}

static bool
patterns_hold(struct walk *walk, const struct text_list *patterns, enum policy_condition condition,
    struct span name)
{
    for (uint32_t i = 0; i < patterns->count; i++) {
        struct pattern pattern;
        enum pattern_result result = pattern_compile(patterns->items[i], walk->arena, &pattern);
        if (result == PATTERN_NO_MEMORY) {
            walk->out_of_memory = true;
            return false;
        }
        CHECK(result == PATTERN_OK);
        if (pattern_match(&pattern, name, NULL)) {
            return true;
        }
    }
    return patterns->count == 0 || fail(walk, condition, SPAN_NONE);
}

/* Every item of `wanted` is in `list`. */
static bool
all_hold(struct walk *walk, const struct text_list *wanted, enum policy_condition condition,
    const struct text_list *list)
{
    for (uint32_t i = 0; i < wanted->count; i++) {
        if (!text_list_has(list, wanted->items[i])) {
            return fail(walk, condition, wanted->items[i]);
        }
    }
    return true;
}

static bool
none_holds(struct walk *walk, const struct text_list *unwanted, enum policy_condition condition,
    const struct text_list *list)
{
    for (uint32_t i = 0; i < unwanted->count; i++) {
        if (text_list_has(list, unwanted->items[i])) {
            return fail(walk, condition, unwanted->items[i]);
        }
    }
    return true;
}

static bool
any_holds(struct walk *walk, const struct text_list *wanted, enum policy_condition condition,
    const struct text_list *list)
{
    for (uint32_t i = 0; i < wanted->count; i++) {
        if (text_list_has(list, wanted->items[i])) {
            return true;
        }
    }
    return wanted->count == 0 || fail(walk, condition, SPAN_NONE);
}

/* `condition` is the one on all of the set; those on any and none of it follow. */
static bool
set_holds(struct walk *walk, const struct policy_set_match *match, enum policy_condition condition,
    const struct text_list *list)
{
    bool is_tags = condition == POLICY_CONDITION_TAGS_ALL;
    return all_hold(walk, &match->all, condition, list) &&
           any_holds(walk, &match->any,
               is_tags ? POLICY_CONDITION_TAGS_ANY : POLICY_CONDITION_RESOURCES_ANY, list) &&
           none_holds(walk, &match->none,
               is_tags ? POLICY_CONDITION_TAGS_NONE : POLICY_CONDITION_RESOURCES_NONE, list);
}

static bool
version_holds(struct walk *walk, struct span text)
{
    struct version_constraint constraint;
    if (text.size == 0) {
        return true;
    }
    bool parsed = version_constraint_parse(text, &constraint);
    CHECK(parsed);
    return version_satisfies(walk->advertisement->identity.version, &constraint) ||
           fail(walk, POLICY_CONDITION_VERSION, SPAN_NONE);
}

static bool
path_holds(struct walk *walk, const struct policy_rule_source *rule)
{
    const struct text_list *path = &walk->advertisement->path;
    if (rule->has_max_hops && path->count > rule->max_hops) {
        return fail(walk, POLICY_CONDITION_PATH_MAX_HOPS, SPAN_NONE);
    }
    return all_hold(walk, &rule->path_includes, POLICY_CONDITION_PATH_INCLUDES, path) &&
           none_holds(walk, &rule->path_excludes, POLICY_CONDITION_PATH_EXCLUDES, path);
}

static bool
transit_holds(struct walk *walk, const struct policy_rule_source *rule)
{
    bool passes_through = walk->direction == POLICY_EXPORT && walk->advertisement->path.count > 1;
    bool holds = !passes_through || rule->transit || rule->action == POLICY_REJECT;
    return holds || fail(walk, POLICY_CONDITION_TRANSIT, SPAN_NONE);
}

static bool
validity_holds(struct walk *walk, const struct policy_rule_source *rule)
{
    if (rule->has_valid_from && walk->at.ns < rule->valid_from.ns) {
        return fail(walk, POLICY_CONDITION_VALID_FROM, SPAN_NONE);
    }
    bool over = rule->has_valid_until && walk->at.ns >= rule->valid_until.ns;
    return !over || fail(walk, POLICY_CONDITION_VALID_UNTIL, SPAN_NONE);
}

static bool
rule_holds(struct walk *walk, const struct policy_rule_source *rule)
{
    const struct advertisement *advertisement = walk->advertisement;
    const struct function_identity *identity = &advertisement->identity;
    struct text_list scope = { .items = &advertisement->scope, .count = 1 };
    struct text_list origin = { .items = &advertisement->origin, .count = 1 };
    return patterns_hold(walk, &rule->functions, POLICY_CONDITION_FUNCTION, identity->name) &&
           patterns_hold(
               walk, &rule->function_ids, POLICY_CONDITION_FUNCTION_ID, identity->function_id) &&
           version_holds(walk, rule->version) &&
           set_holds(walk, &rule->tags, POLICY_CONDITION_TAGS_ALL, &advertisement->tags) &&
           set_holds(
               walk, &rule->resources, POLICY_CONDITION_RESOURCES_ALL, &advertisement->resources) &&
           any_holds(walk, &rule->scopes, POLICY_CONDITION_SCOPE, &scope) &&
           any_holds(walk, &rule->origins, POLICY_CONDITION_ORIGIN, &origin) &&
           path_holds(walk, rule) && transit_holds(walk, rule) && validity_holds(walk, rule);
}

bool
policy_explain(const struct policy_source *source, enum policy_direction direction,
    const struct advertisement *advertisement, struct wall at, struct arena *arena,
    struct policy_explanation *explanation)
{
    const struct policy_rule_source *rules = source->rules[direction];
    uint32_t count = source->rule_count[direction];
    struct policy_step *steps = arena_take(arena, count * sizeof(*steps));
    if (steps == NULL) {
        return false;
    }
    *explanation = (struct policy_explanation){
        .action = POLICY_REJECT, .rule = POLICY_NO_RULE, .steps = steps
    };
    if (!is_name(advertisement->identity.name) || !is_name(advertisement->identity.function_id)) {
        return true;
    }
    struct walk walk = {
        .direction = direction, .at = at, .advertisement = advertisement, .arena = arena
    };
    bool found = false;
    for (uint32_t i = 0; !found && !walk.out_of_memory && i < count; i++) {
        walk.step = &steps[i];
        walk.step->rule = i;
        found = rule_holds(&walk, &rules[i]);
        explanation->step_count++;
        if (found) {
            explanation->rule = i;
            explanation->action = rules[i].action;
        }
    }
    return !walk.out_of_memory;
}

const char *
policy_condition_name(enum policy_condition condition)
{
    switch (condition) {
    case POLICY_CONDITION_NONE:
        return "none";
    case POLICY_CONDITION_FUNCTION:
        return "function";
    case POLICY_CONDITION_FUNCTION_ID:
        return "function_id";
    case POLICY_CONDITION_VERSION:
        return "version";
    case POLICY_CONDITION_TAGS_ALL:
        return "tags.all";
    case POLICY_CONDITION_TAGS_ANY:
        return "tags.any";
    case POLICY_CONDITION_TAGS_NONE:
        return "tags.none";
    case POLICY_CONDITION_RESOURCES_ALL:
        return "resources.all";
    case POLICY_CONDITION_RESOURCES_ANY:
        return "resources.any";
    case POLICY_CONDITION_RESOURCES_NONE:
        return "resources.none";
    case POLICY_CONDITION_SCOPE:
        return "scope";
    case POLICY_CONDITION_ORIGIN:
        return "origin";
    case POLICY_CONDITION_PATH_MAX_HOPS:
        return "path.max_hops";
    case POLICY_CONDITION_PATH_INCLUDES:
        return "path.includes";
    case POLICY_CONDITION_PATH_EXCLUDES:
        return "path.excludes";
    case POLICY_CONDITION_TRANSIT:
        return "transit";
    case POLICY_CONDITION_VALID_FROM:
        return "valid.from";
    case POLICY_CONDITION_VALID_UNTIL:
        return "valid.until";
    }
    return "unknown";
}
