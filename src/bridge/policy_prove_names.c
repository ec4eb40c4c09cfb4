/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_prove_names.c - a name, and an id, that all demands on it are met by.
 *
 * Most questions are answered by a name at hand: the one before, the shortest that a pattern matches, or the ends of two
 * patterns that cannot meet. Only the others are searched for.
 */
#include "bridge/pattern_search.h"
#include "bridge/policy_prove_parts.h"
#include "core/built_in.h"
#include "core/limits.h"

struct pattern
prove_literal(struct span name)
{
    return (struct pattern){ .text = name, .prefix = name, .size_min = name.size };
}

bool
prove_patterns_apart(const struct pattern *a, const struct pattern *b)
{
    size_t head = a->prefix.size < b->prefix.size ? a->prefix.size : b->prefix.size;
    /* A pattern without wildcards is all prefix. */
    struct span a_end = a->part_count == 0 ? a->prefix : a->suffix;
    struct span b_end = b->part_count == 0 ? b->prefix : b->suffix;
    size_t tail = a_end.size < b_end.size ? a_end.size : b_end.size;
    return (a->part_count == 0 && a->prefix.size < b->size_min) ||
           (b->part_count == 0 && b->prefix.size < a->size_min) ||
           !span_equal(span_part(a->prefix, 0, head), span_part(b->prefix, 0, head)) ||
           !span_equal(span_after(a_end, a_end.size - tail), span_after(b_end, b_end.size - tail));
}

/* What is looked for: x, of which the name is before + x + behind. */
struct hunt {
    struct prover *prover;
    struct span before;
    struct span behind;
    struct pattern_demand *demands; /* those that must match stand first */
    uint32_t count;
    uint32_t matching_count;
    bool may_be_empty;
};

/* Both are of the same text. */
static bool
same_place(const struct pattern_demand *a, const struct pattern_demand *b)
{
    return span_equal(a->before, b->before) && span_equal(a->behind, b->behind);
}

static struct pattern_demand
around(const struct prove_demand *demand, const struct pattern *pattern)
{
    return (struct pattern_demand){
        .pattern = pattern,
        .excluded = demand->kind == PROVE_MATCHES_NOT,
        .before = demand->before,
        .behind = demand->behind,
    };
}

/* Of an excluded pattern nothing remains that a pattern which has to match lets through. */
static bool
is_needless(const struct hunt *hunt, const struct pattern_demand *excluded)
{
    bool needless = false;
    for (uint32_t i = 0; i < hunt->matching_count && !needless; i++) {
        const struct pattern_demand *matching = &hunt->demands[i];
        needless = same_place(matching, excluded) &&
                   prove_patterns_apart(matching->pattern, excluded->pattern);
    }
    return needless;
}

static void
gather_matching(struct hunt *hunt, const struct prove_demand *demand)
{
    for (; demand != NULL; demand = demand->next) {
        if (demand->kind == PROVE_MATCHES) {
            CHECK(demand->patterns.count == 1);
            hunt->demands[hunt->count] = around(demand, demand->patterns.items);
            hunt->count++;
        }
    }
    hunt->matching_count = hunt->count;
}

static void
gather_excluded(struct hunt *hunt, const struct prove_demand *demand)
{
    for (; demand != NULL; demand = demand->next) {
        for (uint32_t i = 0; demand->kind == PROVE_MATCHES_NOT && i < demand->patterns.count; i++) {
            hunt->demands[hunt->count] = around(demand, &demand->patterns.items[i]);
            hunt->count += is_needless(hunt, &hunt->demands[hunt->count]) ? 0 : 1;
        }
    }
}

/* false: no memory. */
static bool
gather(struct hunt *hunt, const struct prove_demand *demands)
{
    uint32_t most = 0;
    for (const struct prove_demand *each = demands; each != NULL; each = each->next) {
        most += each->patterns.count;
    }
    hunt->demands = arena_take(&hunt->prover->scratch, (most + 1) * sizeof(*hunt->demands));
    if (hunt->demands != NULL) {
        gather_matching(hunt, demands);
        gather_excluded(hunt, demands);
    }
    return hunt->demands != NULL;
}

/* Two that have to match cannot meet. */
static bool
is_hopeless(const struct hunt *hunt)
{
    for (uint32_t i = 0; i < hunt->matching_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            const struct pattern_demand *a = &hunt->demands[i];
            const struct pattern_demand *b = &hunt->demands[j];
            if (same_place(a, b) && prove_patterns_apart(a->pattern, b->pattern)) {
                return true;
            }
        }
    }
    return false;
}

struct span
prove_joined(struct arena *arena, struct span before, struct span text, struct span behind)
{
    uint8_t *bytes = arena_take(arena, before.size + text.size + behind.size);
    const struct span parts[] = { before, text, behind };
    size_t size = 0;
    for (size_t i = 0; bytes != NULL && i < COUNT_OF(parts); i++) {
        if (parts[i].size > 0) {
            memcpy(&bytes[size], parts[i].data, parts[i].size);
            size += parts[i].size;
        }
    }
    return (struct span){ .data = bytes, .size = size };
}

/* x meets all demands. */
static bool
suits(const struct hunt *hunt, struct span x)
{
    bool right = x.size > 0 || hunt->may_be_empty;
    for (uint32_t i = 0; right && i < hunt->count; i++) {
        const struct pattern_demand *demand = &hunt->demands[i];
        struct span whole =
            demand->before.size + demand->behind.size == 0
                ? x
                : prove_joined(&hunt->prover->scratch, demand->before, x, demand->behind);
        right = whole.data != NULL && whole.size <= NAME_SIZE_MAX &&
                pattern_match(demand->pattern, whole, NULL) != demand->excluded;
    }
    return right;
}

/* A text that a pattern matches, whose double stars cover `anything`: one character at most. */
static struct span
sample(struct arena *arena, const struct pattern *pattern, struct span anything)
{
    uint8_t *bytes = arena_take(arena, pattern->size_min + PATTERN_WILDCARDS_MAX + 1);
    struct span text = { .data = bytes, .size = 0 };
    for (uint32_t i = 0; bytes != NULL && i < pattern->part_count + 2; i++) {
        bool inner = i > 0 && i <= pattern->part_count;
        struct span part = i == 0 ? pattern->prefix : pattern->suffix;
        if (inner) {
            const struct pattern_part *wildcard = &pattern->parts[i - 1];
            part = wildcard->kind == PATTERN_LITERAL   ? wildcard->text
                   : wildcard->kind == PATTERN_SEGMENT ? SPAN("x")
                                                       : anything;
        }
        if (part.size > 0) {
            memcpy(&bytes[text.size], part.data, part.size);
            text.size += part.size;
        }
    }
    return text.size > 0 || bytes == NULL ? text : SPAN("x");
}

/* Nothing stands around x in any demand. */
static bool
is_bare(const struct hunt *hunt)
{
    size_t size = hunt->before.size + hunt->behind.size;
    for (uint32_t i = 0; i < hunt->count; i++) {
        size += hunt->demands[i].before.size + hunt->demands[i].behind.size;
    }
    return size == 0;
}

/* *x: at hand. */
static bool
find_at_hand(const struct hunt *hunt, struct span hint, struct span *x)
{
    /* Names that people would not write, such as "a.", only if need be. */
    const struct span fillings[] = { SPAN("x"), SPAN("") };
    bool bare = is_bare(hunt);
    *x = hint;
    if (bare && hint.size > 0 && suits(hunt, hint)) {
        return true;
    }
    *x = SPAN("x");
    bool found = suits(hunt, *x);
    for (uint32_t i = 0; bare && i < 2 * hunt->matching_count && !found; i++) {
        const struct pattern *pattern = hunt->demands[i / 2].pattern;
        *x = sample(&hunt->prover->scratch, pattern, fillings[i % 2]);
        found = x->data != NULL && suits(hunt, *x);
    }
    return found;
}

static enum prove_fit
find(struct hunt *hunt, struct span hint, struct span *text)
{
    struct prover *prover = hunt->prover;
    struct span x = SPAN("");
    if (is_hopeless(hunt)) {
        return PROVE_CONTRADICTION;
    }
    if (!find_at_hand(hunt, hint, &x)) {
        struct pattern_question question = {
            .demands = hunt->demands, .count = hunt->count, .may_be_empty = hunt->may_be_empty
        };
        switch (pattern_search(&question, &prover->scratch, &x)) {
        case PATTERN_FOUND:
            break;
        case PATTERN_NOWHERE:
            return PROVE_CONTRADICTION;
        case PATTERN_SEARCH_OVER:
            return prove_doubt(prover, PROVE_HARD_PATTERNS);
        }
    }
    if (hunt->before.size + x.size + hunt->behind.size > NAME_SIZE_MAX) {
        return prove_doubt(prover, PROVE_LONG_NAME);
    }
    *text = prove_joined(&prover->arena, hunt->before, x, hunt->behind);
    return text->data == NULL ? prove_doubt(prover, PROVE_NO_MEMORY) : PROVE_MET;
}

/* Where x is empty, there is a name all the same: at first and after each step. */
static bool
may_be_empty(const struct prove_case *proven)
{
    bool right = proven->before.size + proven->behind.size > 0;
    for (uint32_t i = 1; i < proven->view_count && right; i++) {
        const struct prove_text *name = &proven->views[i].name;
        right = name->kind != PROVE_TEXT_AROUND || name->before.size + name->behind.size > 0;
    }
    return right;
}

static enum prove_fit
solve_name_once(struct prover *prover, struct prove_case *proven)
{
    struct hunt hunt = {
        .prover = prover,
        .before = proven->before,
        .behind = proven->behind,
        .may_be_empty = may_be_empty(proven),
    };
    bool gathered = gather(&hunt, proven->demands[PROVE_NAME]);
    enum prove_fit fit = gathered ? find(&hunt, SPAN_NONE, &proven->in.identity.name)
                                  : prove_doubt(prover, PROVE_NO_MEMORY);
    arena_reset(&prover->scratch);
    return fit;
}

enum prove_fit
prove_solve_name(struct prover *prover, struct prove_case *proven)
{
    enum prove_fit fit = solve_name_once(prover, proven);
    while (fit == PROVE_MET && built_in_is(proven->in.identity.name)) {
        fit = prove_pass_over(prover, proven, proven->in.identity.name)
                  ? solve_name_once(prover, proven)
                  : PROVE_DOUBTFUL;
    }
    return fit;
}

enum prove_fit
prove_solve_id(struct prover *prover, struct prove_case *proven)
{
    struct function_identity *identity = &proven->in.identity;
    struct hunt hunt = { .prover = prover };
    if (proven->demands[PROVE_ID] == NULL) {
        identity->function_id = identity->name;
        return PROVE_MET;
    }
    bool gathered = gather(&hunt, proven->demands[PROVE_ID]);
    enum prove_fit fit = gathered ? find(&hunt, identity->name, &identity->function_id)
                                  : prove_doubt(prover, PROVE_NO_MEMORY);
    arena_reset(&prover->scratch);
    return fit;
}

bool
prove_pass_over(struct prover *prover, struct prove_case *proven, struct span name)
{
    struct pattern *pattern = arena_take(&prover->arena, sizeof(*pattern));
    if (pattern == NULL) {
        (void)prove_doubt(prover, PROVE_NO_MEMORY);
        return false;
    }
    *pattern = prove_literal(name);
    struct prove_demand demand = {
        .kind = PROVE_MATCHES_NOT,
        .part = PROVE_NAME,
        .patterns = { .items = pattern, .count = 1 },
        .before = proven->before,
        .behind = proven->behind,
    };
    return prove_demand(prover, proven, &demand);
}
