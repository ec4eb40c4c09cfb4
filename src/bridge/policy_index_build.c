/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_index_build.c - hanging each rule of a policy under the rarest thing that it demands.
 *
 * Three walks over the rules: the first counts how often each key is demanded, the second picks for each rule the
 * demand whose keys are rarest and counts the rules under each key picked, the third writes the lists.
 */
#include "bridge/policy_index.h"
#include "bridge/policy_key.h"

/* What must hold of a name that matches: up to two keys, of which either would do. */
#define PATTERN_KEYS_MAX 2u

static uint32_t
keys_of_pattern(
    const struct policy_key_ends *ends, const struct pattern *pattern, struct policy_key *keys)
{
    if (pattern->part_count == 0) {
        keys[0] = policy_key_of(ends->whole, pattern->prefix);
        return 1;
    }
    uint32_t count = 0;
    if (pattern->prefix.size > 0) {
        keys[count] = policy_key_of(ends->prefix, pattern->prefix);
        count++;
    }
    if (pattern->suffix.size > 0) {
        keys[count] = policy_key_of_ending(ends->suffix, pattern->suffix);
        count++;
    }
    return count;
}

/* A key that some rule demands. */
struct tally {
    uint32_t hash;       /* 0: free */
    uint32_t demands;    /* how many ask for it: how common it is */
    uint32_t rule_count; /* that hang under it */
    uint32_t rules;      /* as in its slot */
};

/* A condition that whoever has none of its keys does not meet. */
struct demand {
    const struct policy_key_ends *ends; /* of the patterns; NULL: texts */
    const struct policy_patterns *patterns;
    enum policy_key_kind kind; /* of the texts */
    struct text_list texts;
    bool all; /* of the texts must be there; otherwise one of texts or patterns */
};

#define DEMANDS_MAX 9u

static void
demands_of(const struct policy_rule *rule, struct demand *demands)
{
    static const struct policy_conditions none;
    const struct policy_conditions *more = rule->more != NULL ? rule->more : &none;
    const struct demand all[DEMANDS_MAX] = {
        { .ends = &policy_name_ends, .patterns = &rule->functions },
        { .ends = &policy_id_ends, .patterns = &rule->function_ids },
        { .kind = POLICY_KEY_TAG, .texts = more->tags.all, .all = true },
        { .kind = POLICY_KEY_TAG, .texts = more->tags.any },
        { .kind = POLICY_KEY_RESOURCE, .texts = more->resources.all, .all = true },
        { .kind = POLICY_KEY_RESOURCE, .texts = more->resources.any },
        { .kind = POLICY_KEY_PATH, .texts = more->path_includes, .all = true },
        { .kind = POLICY_KEY_ORIGIN, .texts = more->origins },
        { .kind = POLICY_KEY_SCOPE, .texts = more->scopes },
    };
    memcpy(demands, all, sizeof(all));
}

/* Patterns or texts. */
static uint32_t
demand_size(const struct demand *demand)
{
    return demand->ends != NULL ? demand->patterns->count : demand->texts.count;
}

/* The keys of the pattern or text `at`, any of which would do. */
static uint32_t
demand_keys(const struct demand *demand, uint32_t at, struct policy_key *keys)
{
    if (demand->ends != NULL) {
        return keys_of_pattern(demand->ends, &demand->patterns->items[at], keys);
    }
    keys[0] = policy_key_of(demand->kind, demand->texts.items[at]);
    return 1;
}

struct builder {
    const struct policy_rules *rules;
    struct demand *picked; /* of each rule; of size 0: it has no key */
    struct tally *tallies; /* by hash */
    uint32_t tally_mask;
    uint32_t key_count;  /* that rules hang under */
    uint32_t list_count; /* numbers in all the lists of several rules */
    uint32_t rest_count; /* rules without a key */
    uint64_t *filter;    /* while they are written */
    uint32_t *lists;     /* likewise */
    uint32_t *rest;      /* likewise */
    struct policy_index index;
};

static struct tally *
tally_of(const struct builder *builder, uint32_t hash)
{
    uint32_t at = hash & builder->tally_mask;
    while (builder->tallies[at].hash != 0 && builder->tallies[at].hash != hash) {
        at = (at + 1) & builder->tally_mask;
    }
    builder->tallies[at].hash = hash;
    return &builder->tallies[at];
}

static void
count_demands(const struct builder *builder, const struct policy_rule *rule)
{
    struct demand demands[DEMANDS_MAX];
    demands_of(rule, demands);
    for (size_t i = 0; i < DEMANDS_MAX; i++) {
        for (uint32_t at = 0; at < demand_size(&demands[i]); at++) {
            struct policy_key keys[PATTERN_KEYS_MAX];
            uint32_t count = demand_keys(&demands[i], at, keys);
            for (uint32_t k = 0; k < count; k++) {
                tally_of(builder, keys[k].hash)->demands++;
            }
        }
    }
}

#define COMMON_MAX UINT32_MAX

/* How common the rarest key of the pattern or text is, which is put to *key. COMMON_MAX: it has none. */
static uint32_t
rarest_key(
    const struct builder *builder, const struct demand *demand, uint32_t at, struct policy_key *key)
{
    struct policy_key keys[PATTERN_KEYS_MAX];
    uint32_t count = demand_keys(demand, at, keys);
    uint32_t least = COMMON_MAX;
    *key = (struct policy_key){ .hash = 0 };
    for (uint32_t k = 0; k < count; k++) {
        uint32_t common = tally_of(builder, keys[k].hash)->demands;
        if (common < least) {
            least = common;
            *key = keys[k];
        }
    }
    return least;
}

/* How common what the demand needs is: the rarest of texts that must all be there, to which *demand is then
 * reduced, or the commonest of alternatives. */
static uint32_t
weigh(const struct builder *builder, struct demand *demand)
{
    uint32_t size = demand_size(demand);
    uint32_t weight = demand->all || size == 0 ? COMMON_MAX : 0;
    uint32_t rarest = 0;
    for (uint32_t at = 0; at < size; at++) {
        struct policy_key key;
        uint32_t common = rarest_key(builder, demand, at, &key);
        if (demand->all ? common < weight : common > weight) {
            weight = common;
            rarest = at;
        }
    }
    if (demand->all && size > 0) {
        demand->texts = (struct text_list){ .items = &demand->texts.items[rarest], .count = 1 };
    }
    return weight;
}

/* Of equally rare ones the first: names, as they differ most among advertisements. */
static struct demand
pick_demand(const struct builder *builder, const struct policy_rule *rule)
{
    struct demand demands[DEMANDS_MAX];
    struct demand best = { .ends = NULL };
    uint32_t least = COMMON_MAX;
    demands_of(rule, demands);
    for (size_t i = 0; i < DEMANDS_MAX; i++) {
        uint32_t weight = weigh(builder, &demands[i]);
        if (weight < least) {
            least = weight;
            best = demands[i];
        }
    }
    return best;
}

static void
note_size(struct policy_index_sizes *sizes, uint32_t size)
{
    CHECK(size <= PATTERN_SIZE_MAX);
    sizes->bits[size / 64] |= UINT64_C(1) << (size % 64);
    sizes->largest = size > sizes->largest ? size : sizes->largest;
}

static void
note_key(struct policy_index *index, const struct policy_key *key)
{
    index->kinds |= 1u << key->kind;
    switch (key->kind) {
    case POLICY_KEY_NAME_PREFIX:
        note_size(&index->name_prefixes, key->size);
        break;
    case POLICY_KEY_NAME_SUFFIX:
        note_size(&index->name_suffixes, key->size);
        break;
    case POLICY_KEY_ID_PREFIX:
        note_size(&index->id_prefixes, key->size);
        break;
    case POLICY_KEY_ID_SUFFIX:
        note_size(&index->id_suffixes, key->size);
        break;
    case POLICY_KEY_NAME:
    case POLICY_KEY_ID:
    case POLICY_KEY_TAG:
    case POLICY_KEY_RESOURCE:
    case POLICY_KEY_SCOPE:
    case POLICY_KEY_ORIGIN:
    case POLICY_KEY_PATH:
        break;
    }
}

/* For each key of what was picked for the rule, be it the same twice. */
typedef void (*hang_rule)(struct builder *builder, struct tally *tally, uint32_t rule);

static void
hang(struct builder *builder, uint32_t rule, hang_rule hang_at)
{
    const struct demand *picked = &builder->picked[rule];
    for (uint32_t at = 0; at < demand_size(picked); at++) {
        struct policy_key key;
        uint32_t common = rarest_key(builder, picked, at, &key);
        CHECK(common < COMMON_MAX);
        note_key(&builder->index, &key);
        struct tally *tally = tally_of(builder, key.hash);
        hang_at(builder, tally, rule);
    }
}

static void
count_rule(struct builder *builder, struct tally *tally, uint32_t rule)
{
    (void)builder;
    (void)rule;
    tally->rule_count++;
}

static void
list_rule(struct builder *builder, struct tally *tally, uint32_t rule)
{
    if (tally->rule_count == 1) {
        tally->rules = POLICY_INDEX_ONE | rule;
        return;
    }
    uint32_t *list = &builder->lists[tally->rules];
    list[0]++;
    list[list[0]] = rule;
}

static void
pick_demands(struct builder *builder)
{
    const struct policy_rules *rules = builder->rules;
    for (uint32_t rule = 0; rule < rules->count; rule++) {
        count_demands(builder, rules->items[rule]);
    }
    for (uint32_t rule = 0; rule < rules->count; rule++) {
        builder->picked[rule] = pick_demand(builder, rules->items[rule]);
        builder->rest_count += demand_size(&builder->picked[rule]) == 0 ? 1 : 0;
        hang(builder, rule, count_rule);
    }
}

/* Where each key's list will be. */
static void
place_lists(struct builder *builder)
{
    for (uint32_t at = 0; at <= builder->tally_mask; at++) {
        struct tally *tally = &builder->tallies[at];
        builder->key_count += tally->rule_count > 0 ? 1 : 0;
        if (tally->rule_count > 1) {
            tally->rules = builder->list_count;
            builder->list_count += tally->rule_count + 1;
        }
    }
}

static void
write_lists(struct builder *builder)
{
    for (uint32_t rule = 0; rule < builder->rules->count; rule++) {
        hang(builder, rule, list_rule);
        if (demand_size(&builder->picked[rule]) == 0) {
            builder->rest[0]++;
            builder->rest[builder->rest[0]] = rule;
        }
    }
    CHECK(builder->rest[0] == builder->rest_count);
}

static void
fill_slots(const struct builder *builder, struct policy_index_slot *slots, uint32_t slot_mask)
{
    for (uint32_t i = 0; i <= builder->tally_mask; i++) {
        const struct tally *tally = &builder->tallies[i];
        if (tally->rule_count == 0) {
            continue;
        }
        uint32_t at = tally->hash & slot_mask;
        while (slots[at].hash != 0) {
            at = (at + 1) & slot_mask;
        }
        uint32_t bit = policy_key_filter_bit(tally->hash) & builder->index.filter_mask;
        builder->filter[bit / 64] |= UINT64_C(1) << (bit % 64);
        slots[at] = (struct policy_index_slot){ .hash = tally->hash, .rules = tally->rules };
    }
}

/* Places of a table for `count` keys: a power of two, of which they take at most half. */
static uint32_t
table_size(uint32_t count)
{
    uint32_t size = 2;
    while (size / 2 < count) {
        size *= 2;
    }
    return size;
}

static size_t
count_keys(const struct policy_rules *rules)
{
    size_t count = 0;
    for (uint32_t rule = 0; rule < rules->count; rule++) {
        struct demand demands[DEMANDS_MAX];
        demands_of(rules->items[rule], demands);
        for (size_t i = 0; i < DEMANDS_MAX; i++) {
            count += (size_t)demand_size(&demands[i]) * PATTERN_KEYS_MAX;
        }
    }
    return count;
}

/* With two slots a key at least, that lets through one in sixteen of the keys that are not there. */
#define FILTER_BITS_PER_SLOT 8u

static bool
make_index(struct builder *builder, struct arena *arena)
{
    pick_demands(builder);
    place_lists(builder);
    uint32_t slot_count = table_size(builder->key_count);
    struct policy_index_slot *slots = arena_take(arena, slot_count * sizeof(*slots));
    uint32_t filter_size = slot_count * FILTER_BITS_PER_SLOT;
    builder->filter = arena_take(arena, (filter_size + 63) / 64 * sizeof(*builder->filter));
    builder->lists = arena_take(arena, builder->list_count * sizeof(*builder->lists));
    builder->rest = arena_take(arena, (builder->rest_count + 1) * sizeof(*builder->rest));
    if (slots == NULL || builder->filter == NULL || builder->lists == NULL ||
        builder->rest == NULL) {
        return false;
    }
    builder->index.filter = builder->filter;
    builder->index.filter_mask = filter_size - 1;
    write_lists(builder);
    fill_slots(builder, slots, slot_count - 1);
    builder->index.slots = slots;
    builder->index.slot_mask = slot_count - 1;
    builder->index.lists = builder->lists;
    builder->index.rest = builder->rest;
    return true;
}

/* So many that every size here, of which the filter's is the largest, stays within 32 bits. */
#define KEYS_MAX (POLICY_INDEX_ONE / (4 * FILTER_BITS_PER_SLOT))

bool
policy_index_build(
    const struct policy_rules *rules, struct arena *arena, struct policy_index *index)
{
    size_t key_count = count_keys(rules);
    if (key_count > KEYS_MAX || rules->count > KEYS_MAX) {
        return false;
    }
    struct arena scratch;
    arena_init(&scratch, arena->mem);
    uint32_t tally_count = table_size((uint32_t)key_count);
    struct builder builder = { .rules = rules, .tally_mask = tally_count - 1 };
    builder.tallies = arena_take(&scratch, tally_count * sizeof(*builder.tallies));
    builder.picked = arena_take(&scratch, rules->count * sizeof(*builder.picked));
    bool built = builder.tallies != NULL && builder.picked != NULL && make_index(&builder, arena);
    arena_destroy(&scratch);
    if (built) {
        *index = builder.index;
    }
    return built;
}
