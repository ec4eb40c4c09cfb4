/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_prove_solve.c - demands are gathered, and met: version, tags, resources, scope, time.
 */
#include "bridge/policy_prove_parts.h"
#include "core/limits.h"

/* What an example has where nothing is demanded. */
#define USUAL_VERSION ((struct version){ .major = 1 })

enum prove_fit
prove_doubt(struct prover *prover, enum prove_doubt doubt)
{
    prover->doubt = prover->doubt == PROVE_SURE ? doubt : prover->doubt;
    return PROVE_DOUBTFUL;
}

bool
prove_demand(struct prover *prover, struct prove_case *proven, const struct prove_demand *demand)
{
    struct prove_demand *copy = arena_take(&prover->arena, sizeof(*copy));
    if (copy == NULL) {
        (void)prove_doubt(prover, PROVE_NO_MEMORY);
        return false;
    }
    *copy = *demand;
    copy->next = proven->demands[demand->part];
    proven->demands[demand->part] = copy;
    proven->unsolved |= 1u << demand->part;
    return true;
}

bool
prove_begin(struct prover *prover, struct prove_case *proven)
{
    *proven = (struct prove_case){
        .unsolved = (1u << PROVE_PART_COUNT) - 1,
        .views = { { .has_own_id = true } },
        .view_count = 1,
        .in = { .hops_left = ADVERTISEMENT_HOPS_DEFAULT,
            .preference = ADVERTISEMENT_PREFERENCE_DEFAULT,
            .ttl_ns = UINT64_MAX },
    };
    return prove_solve(prover, proven) == PROVE_MET;
}

/* ---- Texts ---- */

static bool
is_mentioned(const struct prove_demand *demands, const struct text_list *others, struct span text)
{
    bool found = text_list_has(others, text);
    for (; demands != NULL && !found; demands = demands->next) {
        found = text_list_has(&demands->texts, text);
    }
    return found;
}

struct span
prove_fresh_text(
    struct prover *prover, const struct prove_demand *demands, const struct text_list *others)
{
    uint8_t *bytes = arena_take(&prover->arena, NAME_SIZE_MAX);
    struct span text = { .data = bytes, .size = 0 };
    if (bytes == NULL) {
        (void)prove_doubt(prover, PROVE_NO_MEMORY);
        return SPAN_NONE;
    }
    do {
        bytes[text.size] = 'x';
        text.size++;
    } while (text.size < NAME_SIZE_MAX && is_mentioned(demands, others, text));
    return text;
}

static bool
is_forbidden(const struct prove_demand *demands, struct span text)
{
    bool forbidden = false;
    for (; demands != NULL && !forbidden; demands = demands->next) {
        forbidden = demands->kind == PROVE_HAS_NONE && text_list_has(&demands->texts, text);
    }
    return forbidden;
}

struct gathering {
    const struct prove_demand *demands;
    struct span *items; /* room for LIST_COUNT_MAX */
    uint32_t count;
    enum prove_fit fit;
};

static bool
has(const struct gathering *gathering, struct span text)
{
    struct text_list list = { .items = gathering->items, .count = gathering->count };
    return text_list_has(&list, text);
}

static void
add(struct gathering *gathering, struct span text)
{
    if (is_forbidden(gathering->demands, text)) {
        gathering->fit = PROVE_CONTRADICTION;
    } else if (gathering->count == LIST_COUNT_MAX) {
        gathering->fit = PROVE_DOUBTFUL;
    } else {
        gathering->items[gathering->count] = text;
        gathering->count++;
    }
}

static void
add_all(struct gathering *gathering, const struct text_list *texts)
{
    for (uint32_t i = 0; gathering->fit == PROVE_MET && i < texts->count; i++) {
        if (!has(gathering, texts->items[i])) {
            add(gathering, texts->items[i]);
        }
    }
}

static void
add_any(struct gathering *gathering, const struct text_list *texts)
{
    uint32_t allowed = texts->count;
    for (uint32_t i = texts->count; i-- > 0;) {
        if (has(gathering, texts->items[i])) {
            return;
        }
        allowed = is_forbidden(gathering->demands, texts->items[i]) ? allowed : i;
    }
    if (allowed == texts->count) {
        gathering->fit = PROVE_CONTRADICTION;
    } else {
        add(gathering, texts->items[allowed]);
    }
}

/* Tags, resources: what is demanded, and nothing else. */
static enum prove_fit
solve_set(struct prover *prover, const struct prove_demand *demands, struct text_list *list)
{
    static const struct text_list nothing = { .count = 0 };
    if (demands == NULL) {
        *list = nothing;
        return PROVE_MET;
    }
    struct gathering gathering = {
        .demands = demands,
        .items = arena_take(&prover->arena, LIST_COUNT_MAX * sizeof(*gathering.items)),
    };
    if (gathering.items == NULL) {
        return prove_doubt(prover, PROVE_NO_MEMORY);
    }
    for (const struct prove_demand *each = demands; each != NULL; each = each->next) {
        if (each->kind == PROVE_HAS_ALL && gathering.fit == PROVE_MET) {
            add_all(&gathering, &each->texts);
        }
    }
    /* More than a list can have are demanded one by one: nothing has them all. */
    if (gathering.fit == PROVE_DOUBTFUL) {
        return PROVE_CONTRADICTION;
    }
    for (const struct prove_demand *each = demands; each != NULL; each = each->next) {
        if (each->kind == PROVE_HAS_ANY && gathering.fit == PROVE_MET) {
            add_any(&gathering, &each->texts);
        }
    }
    *list = (struct text_list){ .items = gathering.items, .count = gathering.count };
    return gathering.fit == PROVE_DOUBTFUL ? prove_doubt(prover, PROVE_LONG_LIST) : gathering.fit;
}

static bool
may_be(const struct prove_demand *demands, struct span text)
{
    bool right = true;
    for (; demands != NULL && right; demands = demands->next) {
        bool listed = text_list_has(&demands->texts, text);
        right = (demands->kind != PROVE_IS_ONE || listed) &&
                (demands->kind != PROVE_IS_NONE || !listed);
    }
    return right;
}

/* Our cluster makes any other scope one of the four; another bridge may send what it likes. */
static enum prove_fit
solve_scope(struct prover *prover, const struct prove_demand *demands, struct span *scope)
{
    const struct span usual[] = { SPAN("zone"), SPAN("local"), SPAN("region"), SPAN("global") };
    static const struct text_list nothing = { .count = 0 };
    for (size_t i = 0; i < COUNT_OF(usual); i++) {
        if (may_be(demands, usual[i])) {
            *scope = usual[i];
            return PROVE_MET;
        }
    }
    if (prover->steps[0].direction == POLICY_EXPORT) {
        return PROVE_CONTRADICTION;
    }
    for (const struct prove_demand *each = demands; each != NULL; each = each->next) {
        for (uint32_t i = 0; each->kind == PROVE_IS_ONE && i < each->texts.count; i++) {
            if (may_be(demands, each->texts.items[i])) {
                *scope = each->texts.items[i];
                return PROVE_MET;
            }
        }
    }
    *scope = prove_fresh_text(prover, demands, &nothing);
    if (scope->data == NULL) {
        return PROVE_DOUBTFUL;
    }
    return may_be(demands, *scope) ? PROVE_MET : PROVE_CONTRADICTION;
}

/* ---- Numbers ---- */

static void
write_decimal(uint32_t value, uint8_t *bytes, size_t *size)
{
    uint8_t digits[10];
    size_t count = 0;
    do {
        digits[count] = (uint8_t)('0' + value % 10);
        count++;
        value /= 10;
    } while (value > 0);
    while (count-- > 0) {
        bytes[*size] = digits[count];
        (*size)++;
    }
}

#define VERSION_TEXT_SIZE_MAX 32

static enum prove_fit
solve_version(
    struct prover *prover, const struct prove_demand *demands, struct function_identity *identity)
{
    struct version_range range = version_range_all();
    for (; demands != NULL; demands = demands->next) {
        range = version_range_both(range, demands->versions);
    }
    if (version_range_is_empty(&range)) {
        return PROVE_CONTRADICTION;
    }
    struct version version = version_range_has(&range, USUAL_VERSION) ? USUAL_VERSION : range.first;
    uint8_t *bytes = arena_take(&prover->arena, VERSION_TEXT_SIZE_MAX);
    size_t size = 0;
    if (bytes == NULL) {
        return prove_doubt(prover, PROVE_NO_MEMORY);
    }
    write_decimal(version.major, bytes, &size);
    bytes[size++] = '.';
    write_decimal(version.minor, bytes, &size);
    bytes[size++] = '.';
    write_decimal(version.patch, bytes, &size);
    identity->version = version;
    identity->version_text = span_from(bytes, size);
    return PROVE_MET;
}

static enum prove_fit
solve_time(const struct prover *prover, const struct prove_demand *demands, struct wall *at)
{
    struct policy_period period = { .from = prover->border->since, .until = POLICY_VALID_FOR_EVER };
    for (; demands != NULL; demands = demands->next) {
        period.from = demands->period.from.ns > period.from.ns ? demands->period.from : period.from;
        period.until =
            demands->period.until.ns < period.until.ns ? demands->period.until : period.until;
    }
    *at = period.from;
    return period.from.ns < period.until.ns ? PROVE_MET : PROVE_CONTRADICTION;
}

static enum prove_fit
solve_part(struct prover *prover, struct prove_case *proven, enum prove_part part)
{
    const struct prove_demand *demands = proven->demands[part];
    switch (part) {
    case PROVE_NAME:
        return prove_solve_name(prover, proven);
    case PROVE_ID:
        return prove_solve_id(prover, proven);
    case PROVE_VERSION:
        return solve_version(prover, demands, &proven->in.identity);
    case PROVE_TAGS:
        return solve_set(prover, demands, &proven->in.tags);
    case PROVE_RESOURCES:
        return solve_set(prover, demands, &proven->in.resources);
    case PROVE_SCOPE:
        return solve_scope(prover, demands, &proven->in.scope);
    case PROVE_PATH:
        return prove_solve_path(prover, proven);
    case PROVE_TIME:
        return solve_time(prover, demands, &proven->at);
    case PROVE_PART_COUNT:
        break;
    }
    CHECK(part < PROVE_PART_COUNT);
    return PROVE_CONTRADICTION;
}

enum prove_fit
prove_solve(struct prover *prover, struct prove_case *proven)
{
    enum prove_fit fit = PROVE_MET;
    /* Without demands of its own, the id follows the name. */
    if ((proven->unsolved & 1u << PROVE_NAME) != 0) {
        proven->unsolved |= 1u << PROVE_ID;
    }
    for (int part = 0; fit == PROVE_MET && part < PROVE_PART_COUNT; part++) {
        if ((proven->unsolved & 1u << part) != 0) {
            fit = solve_part(prover, proven, (enum prove_part)part);
        }
    }
    proven->unsolved = 0;
    return fit;
}

/* ---- What stays ---- */

bool
prove_keep_text(struct arena *arena, struct span *text)
{
    *text = text->size == 0 ? SPAN("") : arena_copy(arena, *text);
    return text->data != NULL;
}

static bool
keep_list(struct arena *arena, struct text_list *list)
{
    struct span *items = arena_take(arena, list->count * sizeof(*items));
    bool kept = items != NULL;
    for (uint32_t i = 0; kept && i < list->count; i++) {
        items[i] = list->items[i];
        kept = prove_keep_text(arena, &items[i]);
    }
    list->items = items;
    return kept;
}

bool
prove_keep(struct arena *arena, struct advertisement *advertisement)
{
    struct function_identity *identity = &advertisement->identity;
    return prove_keep_text(arena, &identity->name) &&
           prove_keep_text(arena, &identity->function_id) &&
           prove_keep_text(arena, &identity->version_text) &&
           prove_keep_text(arena, &advertisement->scope) &&
           prove_keep_text(arena, &advertisement->origin) &&
           keep_list(arena, &advertisement->tags) && keep_list(arena, &advertisement->resources) &&
           keep_list(arena, &advertisement->path);
}
