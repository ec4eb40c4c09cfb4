/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_include.c - one condition implies another, or it is not claimed.
 */
#include "bridge/policy_include.h"

#include "bridge/pattern_include.h"
#include "core/version_range.h"

/* ---- Views ---- */

static bool
compile_patterns(const struct text_list *texts, struct arena *arena,
    const struct pattern **patterns, uint32_t *count)
{
    struct span everything = SPAN("**");
    struct text_list one = { .items = &everything, .count = 1 };
    const struct text_list *list = texts->count == 0 ? &one : texts;
    struct pattern *made = arena_take(arena, list->count * sizeof(*made));
    for (uint32_t i = 0; made != NULL && i < list->count; i++) {
        enum pattern_result result = pattern_compile(list->items[i], arena, &made[i]);
        if (result == PATTERN_NO_MEMORY) {
            return false;
        }
        CHECK(result == PATTERN_OK);
    }
    *patterns = made;
    *count = list->count;
    return made != NULL;
}

/* A pattern has a name in common with itself. */
static bool
find_sample(const struct pattern *pattern, struct arena *arena, struct span *sample)
{
    struct mem *mem = arena->mem;
    struct arena scratch;
    struct span found;
    arena_init(&scratch, mem);
    bool done = pattern_overlaps(pattern, pattern, &scratch, &found) == PATTERN_OVERLAPPING;
    if (done) {
        *sample = arena_copy(arena, found);
        done = sample->data != NULL;
    }
    arena_destroy(&scratch);
    return done;
}

bool
policy_rule_view_init(const struct policy_rule_source *source, enum policy_direction direction,
    struct arena *arena, struct policy_rule_view *view)
{
    *view = (struct policy_rule_view){
        .source = source,
        .takes_transit =
            direction == POLICY_IMPORT || source->transit || source->action == POLICY_REJECT,
    };
    if (!compile_patterns(&source->functions, arena, &view->functions, &view->function_count) ||
        !compile_patterns(
            &source->function_ids, arena, &view->function_ids, &view->function_id_count) ||
        !find_sample(&view->functions[0], arena, &view->sample_name) ||
        !find_sample(&view->function_ids[0], arena, &view->sample_id)) {
        return false;
    }
    bool parsed =
        source->version.size == 0 || version_constraint_parse(source->version, &view->version);
    CHECK(parsed);
    if (source->set_function.size == 0) {
        return true;
    }
    enum pattern_result result =
        pattern_template_compile(source->set_function, arena, &view->set_function);
    CHECK(result == PATTERN_OK || result == PATTERN_NO_MEMORY);
    return result == PATTERN_OK;
}

static bool
has_set_condition(const struct policy_set_match *match)
{
    return match->all.count > 0 || match->any.count > 0 || match->none.count > 0;
}

bool
policy_rule_is_unconditional(const struct policy_rule_view *view)
{
    const struct policy_rule_source *source = view->source;
    return !(source->function_ids.count > 0 || source->version.size > 0 ||
             has_set_condition(&source->tags) || has_set_condition(&source->resources) ||
             source->scopes.count > 0 || source->origins.count > 0 || source->has_max_hops ||
             source->path_includes.count > 0 || source->path_excludes.count > 0 ||
             source->has_valid_from || source->has_valid_until);
}

bool
policy_rule_is_catch_all(const struct policy_rule_view *view)
{
    bool found = false;
    for (uint32_t i = 0; i < view->function_count; i++) {
        found = found || pattern_is_catch_all(&view->functions[i]);
    }
    return found && view->takes_transit && policy_rule_is_unconditional(view);
}

/* ---- Conditions ---- */

static bool
version_includes(const struct version_constraint *whole, const struct version_constraint *part)
{
    struct version_range outer = version_range_of(whole);
    struct version_range inner = version_range_of(part);
    return version_range_includes(&outer, &inner);
}

static bool
shares_item(const struct text_list *a, const struct text_list *b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (text_list_has(b, a->items[i])) {
            return true;
        }
    }
    return false;
}

/* Whoever is one of `part` is one of `whole`; an empty list is no condition. */
static bool
choice_includes(const struct text_list *whole, const struct text_list *part)
{
    return whole->count == 0 || (part->count > 0 && text_list_includes(whole, part));
}

static bool
set_includes(const struct policy_set_match *whole, const struct policy_set_match *part)
{
    bool any_holds =
        shares_item(&part->all, &whole->any) || choice_includes(&whole->any, &part->any);
    return text_list_includes(&part->all, &whole->all) && any_holds &&
           text_list_includes(&part->none, &whole->none);
}

static bool
names_include(const struct pattern *whole, uint32_t whole_count, const struct pattern *part,
    uint32_t part_count, struct arena *scratch)
{
    for (uint32_t i = 0; i < part_count; i++) {
        struct span witness;
        if (pattern_includes(whole, whole_count, &part[i], scratch, &witness) != PATTERN_INCLUDED) {
            return false;
        }
    }
    return true;
}

static bool
matches_sample(const struct pattern *patterns, uint32_t count, struct span sample)
{
    for (uint32_t i = 0; i < count; i++) {
        if (pattern_match(&patterns[i], sample, NULL)) {
            return true;
        }
    }
    return false;
}

static bool
validity_includes(const struct policy_rule_source *whole, const struct policy_rule_source *part)
{
    bool from_holds = !whole->has_valid_from ||
                      (part->has_valid_from && part->valid_from.ns >= whole->valid_from.ns);
    bool until_holds = !whole->has_valid_until ||
                       (part->has_valid_until && part->valid_until.ns <= whole->valid_until.ns);
    return from_holds && until_holds;
}

bool
policy_rule_includes(const struct policy_rule_view *earlier, const struct policy_rule_view *later,
    struct arena *scratch)
{
    const struct policy_rule_source *whole = earlier->source;
    const struct policy_rule_source *part = later->source;
    bool transit_holds = earlier->takes_transit || !later->takes_transit;
    bool hops_hold =
        !whole->has_max_hops || (part->has_max_hops && part->max_hops <= whole->max_hops);
    /* The samples first: they decide most questions. */
    return matches_sample(earlier->functions, earlier->function_count, later->sample_name) &&
           matches_sample(earlier->function_ids, earlier->function_id_count, later->sample_id) &&
           version_includes(&earlier->version, &later->version) &&
           set_includes(&whole->tags, &part->tags) &&
           set_includes(&whole->resources, &part->resources) &&
           choice_includes(&whole->scopes, &part->scopes) &&
           choice_includes(&whole->origins, &part->origins) && hops_hold && transit_holds &&
           validity_includes(whole, part) &&
           text_list_includes(&part->path_includes, &whole->path_includes) &&
           text_list_includes(&part->path_excludes, &whole->path_excludes) &&
           names_include(earlier->functions, earlier->function_count, later->functions,
               later->function_count, scratch) &&
           names_include(earlier->function_ids, earlier->function_id_count, later->function_ids,
               later->function_id_count, scratch);
}

static bool
set_contradicts(const struct policy_set_match *match)
{
    return shares_item(&match->all, &match->none) ||
           (match->any.count > 0 && text_list_includes(&match->none, &match->any));
}

const char *
policy_rule_contradiction(const struct policy_rule_view *view)
{
    const struct policy_rule_source *source = view->source;
    struct version_range versions = version_range_of(&view->version);
    if (version_range_is_empty(&versions)) {
        return "version";
    }
    if (set_contradicts(&source->tags)) {
        return "tags";
    }
    if (set_contradicts(&source->resources)) {
        return "resources";
    }
    return shares_item(&source->path_includes, &source->path_excludes) ? "path" : NULL;
}
