/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern_include.c - two questions about patterns, put to pattern_search().
 */
#include "bridge/pattern_include.h"

#include "bridge/pattern_search.h"

enum pattern_inclusion
pattern_includes(const struct pattern *whole, uint32_t count, const struct pattern *part,
    struct arena *arena, struct span *witness)
{
    struct pattern_demand *demands = arena_take(arena, ((size_t)count + 1) * sizeof(*demands));
    if (demands == NULL) {
        return PATTERN_UNDECIDED;
    }
    demands[0] = (struct pattern_demand){ .pattern = part };
    for (uint32_t i = 0; i < count; i++) {
        demands[i + 1] = (struct pattern_demand){ .pattern = &whole[i], .excluded = true };
    }
    struct pattern_question question = { .demands = demands, .count = count + 1 };
    switch (pattern_search(&question, arena, witness)) {
    case PATTERN_FOUND:
        return PATTERN_NOT_INCLUDED;
    case PATTERN_NOWHERE:
        return PATTERN_INCLUDED;
    case PATTERN_SEARCH_OVER:
        break;
    }
    return PATTERN_UNDECIDED;
}

enum pattern_overlap
pattern_overlaps(
    const struct pattern *a, const struct pattern *b, struct arena *arena, struct span *witness)
{
    struct pattern_demand demands[] = { { .pattern = a }, { .pattern = b } };
    struct pattern_question question = { .demands = demands, .count = COUNT_OF(demands) };
    switch (pattern_search(&question, arena, witness)) {
    case PATTERN_FOUND:
        return PATTERN_OVERLAPPING;
    case PATTERN_NOWHERE:
        return PATTERN_DISJOINT;
    case PATTERN_SEARCH_OVER:
        break;
    }
    return PATTERN_OVERLAP_UNDECIDED;
}

const char *
pattern_inclusion_name(enum pattern_inclusion inclusion)
{
    switch (inclusion) {
    case PATTERN_INCLUDED:
        return "included";
    case PATTERN_NOT_INCLUDED:
        return "not_included";
    case PATTERN_UNDECIDED:
        return "undecided";
    }
    return "unknown";
}

const char *
pattern_overlap_name(enum pattern_overlap overlap)
{
    switch (overlap) {
    case PATTERN_DISJOINT:
        return "disjoint";
    case PATTERN_OVERLAPPING:
        return "overlapping";
    case PATTERN_OVERLAP_UNDECIDED:
        return "undecided";
    }
    return "unknown";
}
