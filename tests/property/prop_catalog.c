/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_catalog.c - whatever is put, removed, expired and refused for want of memory, the catalog is a plain
 * array with the rules written down naively; and what its listener saw come and go is the catalog.
 */
#include "base/prng.h"
#include "core/catalog.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"

#define NAME_COUNT     5
#define ID_COUNT       2 /* a name's own id, or the id of the next name */
#define VERSION_COUNT  2
#define RESOURCE_COUNT 3
#define NODE_COUNT     4
#define KEY_COUNT      (NAME_COUNT * ID_COUNT * VERSION_COUNT * RESOURCE_COUNT * NODE_COUNT)

#define FUNCTIONS_MAX 24
#define NODES_MAX     3
#define STEP_COUNT    600
#define SEED_COUNT    100
#define SECOND        ((int64_t)SEC_NS)

struct model_entry {
    bool in;
    int64_t advertised_at;
    uint64_t ttl_ns;
    uint64_t scope;
};

struct model_node {
    bool known; /* described, dead, or with functions */
    bool described;
    bool dead;
    int64_t newest;
    int64_t advertised_at;
    uint64_t ttl_ns;
    uint64_t region;
    int64_t expiry; /* of the descriptor or of the tombstone; INT64_MAX: none */
};

struct trial {
    struct prng prng;
    struct mem mem;
    struct catalog *catalog;
    int64_t now;
    struct model_entry entries[KEY_COUNT];
    struct model_node nodes[NODE_COUNT];
    uint64_t prunes[PRUNE_REASON_COUNT];
    /* The listener's view. */
    struct model_entry view[KEY_COUNT];
    bool view_holds;
};

static const struct span names[] = { { (const uint8_t *)"a", 1 }, { (const uint8_t *)"b", 1 },
    { (const uint8_t *)"c.d", 3 }, { (const uint8_t *)"c.e", 3 }, { (const uint8_t *)"f", 1 } };
static const struct span node_ids[] = { { (const uint8_t *)"n1", 2 }, { (const uint8_t *)"n2", 2 },
    { (const uint8_t *)"n3", 2 }, { (const uint8_t *)"n4", 2 } };
static const struct span texts[] = { { (const uint8_t *)"zone", 4 },
    { (const uint8_t *)"region", 6 }, { (const uint8_t *)"global", 6 } };
static const struct span resources[] = { { (const uint8_t *)"x", 1 }, { (const uint8_t *)"y", 1 },
    { (const uint8_t *)"x", 1 } };

struct parts {
    size_t name;
    size_t id; /* index of the name that the id is */
    uint32_t version;
    uint32_t resource_count; /* 0, 1: {x}, 2: {x, y} */
    size_t node;
};

static struct parts
parts_of(size_t key)
{
    struct parts parts;
    parts.node = key % NODE_COUNT;
    key /= NODE_COUNT;
    parts.resource_count = (uint32_t)(key % RESOURCE_COUNT);
    key /= RESOURCE_COUNT;
    parts.version = (uint32_t)(key % VERSION_COUNT);
    key /= VERSION_COUNT;
    parts.name = key % NAME_COUNT;
    parts.id = (parts.name + key / NAME_COUNT) % NAME_COUNT;
    return parts;
}

static struct function_key
key_of(size_t index)
{
    struct parts parts = parts_of(index);
    return (struct function_key){
        .cluster_id = SPAN("c1"),
        .node_id = node_ids[parts.node],
        .identity = { .name = names[parts.name],
            .function_id = names[parts.id],
            .version_text = SPAN("v"),
            .version = { .major = parts.version } },
        .resources = { .items = resources, .count = parts.resource_count },
    };
}

static size_t
index_of(const struct function_key *key)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        struct function_key candidate = key_of(i);
        if (function_key_equal(&candidate, key)) {
            return i;
        }
    }
    return KEY_COUNT;
}

static uint64_t
text_index(struct span text)
{
    for (uint64_t i = 0; i < COUNT_OF(texts); i++) {
        if (span_equal(text, texts[i])) {
            return i;
        }
    }
    return COUNT_OF(texts);
}

static void
on_changed(void *owner, const struct catalog_change *change)
{
    struct trial *trial = owner;
    const struct function_endpoint endpoint = catalog_endpoint(change->entry);
    size_t index = index_of(&endpoint.key);
    bool known = index < KEY_COUNT;
    struct model_entry *seen = &trial->view[known ? index : 0];
    uint64_t scope = text_index(endpoint.scope);
    switch (change->kind) {
    case CATALOG_ADDED:
        trial->view_holds = trial->view_holds && known && !seen->in;
        break;
    case CATALOG_CHANGED:
        trial->view_holds = trial->view_holds && known && seen->in && seen->scope != scope &&
                            text_index(catalog_endpoint(change->old).scope) == seen->scope;
        break;
    case CATALOG_REMOVED:
        trial->view_holds = trial->view_holds && known && seen->in && seen->scope == scope;
        break;
    }
    seen->in = change->kind != CATALOG_REMOVED;
    seen->scope = scope;
}

static void
begin(struct trial *trial, uint64_t seed)
{
    *trial = (struct trial){ .prng = { seed }, .now = 1000 * SECOND, .view_holds = true };
    for (size_t i = 0; i < NODE_COUNT; i++) {
        trial->nodes[i].expiry = INT64_MAX;
    }
    mem_init(&trial->mem, SIZE_MAX);
    const struct catalog_config config = {
        .mem = &trial->mem,
        .hash_key = { prng_next(&trial->prng), prng_next(&trial->prng) },
        .function_count_max = FUNCTIONS_MAX,
        .node_count_max = NODES_MAX,
        .listener = { .owner = trial, .changed = on_changed },
    };
    trial->catalog = catalog_create(&config);
    CHECK(trial->catalog != NULL);
}

/* The rules, once more. */

static int64_t
end_of(int64_t advertised_at, uint64_t ttl_ns)
{
    return advertised_at + (int64_t)ttl_ns;
}

static uint32_t
model_count(const struct trial *trial)
{
    uint32_t count = 0;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        count += trial->entries[i].in;
    }
    return count;
}

static bool
has_functions(const struct trial *trial, size_t node)
{
    bool found = false;
    for (size_t i = node; i < KEY_COUNT; i += NODE_COUNT) {
        found = found || trial->entries[i].in;
    }
    return found;
}

static void
forget_node_if_unused(struct trial *trial, size_t index)
{
    struct model_node *node = &trial->nodes[index];
    if (!node->described && !node->dead && !has_functions(trial, index)) {
        *node = (struct model_node){ .expiry = INT64_MAX };
    }
}

static bool
node_fits(const struct trial *trial, size_t index)
{
    uint32_t count = 0;
    for (size_t i = 0; i < NODE_COUNT; i++) {
        count += i != index && trial->nodes[i].known;
    }
    return count < NODES_MAX || trial->nodes[index].known;
}

static void
node_seen(struct model_node *node, int64_t advertised_at)
{
    node->known = true;
    if (advertised_at > node->newest) {
        node->newest = advertised_at;
        node->dead = false;
    }
}

static bool
id_conflicts(const struct trial *trial, const struct parts *parts)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        struct parts other = parts_of(i);
        bool same_name = other.name == parts->name;
        bool same_id = other.id == parts->id;
        if (trial->entries[i].in && same_name != same_id) {
            return true;
        }
    }
    return false;
}

static enum catalog_result
model_put(struct trial *trial, size_t index, const struct model_entry *wanted)
{
    struct parts parts = parts_of(index);
    struct model_entry *entry = &trial->entries[index];
    struct model_node *node = &trial->nodes[parts.node];
    if (trial->now > end_of(wanted->advertised_at, wanted->ttl_ns)) {
        return CATALOG_EXPIRED;
    }
    if (node->dead && wanted->advertised_at <= node->newest) {
        return CATALOG_STALE;
    }
    if (id_conflicts(trial, &parts)) {
        return CATALOG_ID_CONFLICT;
    }
    bool newer = wanted->advertised_at > entry->advertised_at ||
                 (wanted->advertised_at == entry->advertised_at && wanted->ttl_ns > entry->ttl_ns);
    if (entry->in && !newer) {
        return CATALOG_STALE;
    }
    if (!entry->in && (model_count(trial) == FUNCTIONS_MAX || !node_fits(trial, parts.node))) {
        return CATALOG_FULL;
    }
    bool refreshed = entry->in && entry->scope == wanted->scope;
    *entry = *wanted;
    node_seen(node, wanted->advertised_at);
    return refreshed ? CATALOG_REFRESHED : CATALOG_OK;
}

static enum catalog_result
model_put_node(struct trial *trial, size_t index, const struct model_node *wanted)
{
    struct model_node *node = &trial->nodes[index];
    if (trial->now > end_of(wanted->advertised_at, wanted->ttl_ns)) {
        return CATALOG_EXPIRED;
    }
    if (node->dead && wanted->advertised_at <= node->newest) {
        return CATALOG_STALE;
    }
    bool newer = wanted->advertised_at > node->advertised_at ||
                 (wanted->advertised_at == node->advertised_at && wanted->ttl_ns > node->ttl_ns);
    if (node->described && !newer) {
        return CATALOG_STALE;
    }
    if (!node_fits(trial, index)) {
        return CATALOG_FULL;
    }
    bool refreshed = node->described && node->region == wanted->region;
    node->described = true;
    node->region = wanted->region;
    node->advertised_at = wanted->advertised_at;
    node->ttl_ns = wanted->ttl_ns;
    node->expiry = end_of(wanted->advertised_at, wanted->ttl_ns);
    node_seen(node, wanted->advertised_at);
    return refreshed ? CATALOG_REFRESHED : CATALOG_OK;
}

static void
model_drop(struct trial *trial, size_t index, enum prune_reason reason)
{
    trial->entries[index] = (struct model_entry){ .in = false };
    trial->prunes[reason]++;
}

static enum catalog_result
model_remove_node(struct trial *trial, size_t index)
{
    struct model_node *node = &trial->nodes[index];
    if (!node->described && !has_functions(trial, index)) {
        return CATALOG_UNKNOWN;
    }
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (trial->entries[i].in && parts_of(i).node == index) {
            model_drop(trial, i, PRUNE_NODE_DEAD);
        }
    }
    node->described = false;
    node->dead = true;
    node->expiry = trial->now + (int64_t)CATALOG_TOMBSTONE_NS;
    return CATALOG_OK;
}

static void
model_expire(struct trial *trial)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct model_entry *entry = &trial->entries[i];
        if (entry->in && end_of(entry->advertised_at, entry->ttl_ns) < trial->now) {
            model_drop(trial, i, PRUNE_TTL_EXPIRED);
            forget_node_if_unused(trial, parts_of(i).node);
        }
    }
    for (size_t i = 0; i < NODE_COUNT; i++) {
        struct model_node *node = &trial->nodes[i];
        if (node->expiry < trial->now) {
            node->described = false;
            node->dead = false;
            node->expiry = INT64_MAX;
            forget_node_if_unused(trial, i);
        }
    }
}

/* Steps: the same to both, with the same result; or the account denied memory and nothing happened. */

static int64_t
draw_time(struct trial *trial)
{
    return trial->now + ((int64_t)prng_below(&trial->prng, 40) - 30) * SECOND;
}

static uint64_t
draw_ttl(struct trial *trial)
{
    return (prng_below(&trial->prng, 4) * 20 + 1) * SEC_NS;
}

static bool
agree(struct trial *trial, const struct trial *before, enum catalog_result got,
    enum catalog_result want, uint64_t denied)
{
    if (got == CATALOG_FULL && want != CATALOG_FULL && trial->mem.denied > denied) {
        memcpy(trial->entries, before->entries, sizeof(trial->entries));
        memcpy(trial->nodes, before->nodes, sizeof(trial->nodes));
        return true;
    }
    return got == want;
}

static bool
step_put(struct trial *trial)
{
    static struct trial before;
    size_t index = prng_below(&trial->prng, KEY_COUNT);
    const struct model_entry wanted = {
        .in = true,
        .advertised_at = draw_time(trial),
        .ttl_ns = draw_ttl(trial),
        .scope = prng_below(&trial->prng, COUNT_OF(texts)),
    };
    struct function_endpoint endpoint = {
        .key = key_of(index),
        .scope = texts[wanted.scope],
        .advertised_at = { wanted.advertised_at },
        .ttl_ns = wanted.ttl_ns,
    };
    if (endpoint.key.resources.count == 2 && prng_chance(&trial->prng, 500)) {
        endpoint.key.resources.count = 3; /* the same set, one of it twice */
    }
    before = *trial;
    uint64_t denied = trial->mem.denied;
    enum catalog_result want = model_put(trial, index, &wanted);
    enum catalog_result got = catalog_put(trial->catalog, &endpoint, (struct wall){ trial->now });
    return agree(trial, &before, got, want, denied);
}

static bool
step_put_node(struct trial *trial)
{
    static struct trial before;
    size_t index = prng_below(&trial->prng, NODE_COUNT);
    const struct model_node wanted = {
        .advertised_at = draw_time(trial),
        .ttl_ns = draw_ttl(trial),
        .region = prng_below(&trial->prng, COUNT_OF(texts)),
    };
    const struct node_descriptor descriptor = {
        .key = { .cluster_id = SPAN("c1"), .node_id = node_ids[index] },
        .region = texts[wanted.region],
        .advertised_at = { wanted.advertised_at },
        .ttl_ns = wanted.ttl_ns,
    };
    before = *trial;
    uint64_t denied = trial->mem.denied;
    enum catalog_result want = model_put_node(trial, index, &wanted);
    enum catalog_result got =
        catalog_put_node(trial->catalog, &descriptor, (struct wall){ trial->now });
    return agree(trial, &before, got, want, denied);
}

static bool
step_remove(struct trial *trial)
{
    size_t index = prng_below(&trial->prng, KEY_COUNT);
    struct function_key key = key_of(index);
    enum catalog_result want = trial->entries[index].in ? CATALOG_OK : CATALOG_UNKNOWN;
    if (want == CATALOG_OK) {
        model_drop(trial, index, PRUNE_WITHDRAWN);
        forget_node_if_unused(trial, parts_of(index).node);
    }
    return catalog_remove(trial->catalog, &key, PRUNE_WITHDRAWN) == want;
}

static bool
step_remove_node(struct trial *trial)
{
    size_t index = prng_below(&trial->prng, NODE_COUNT);
    /* With memory: without it there is no tombstone, which the model does not know. */
    trial->mem.cap = SIZE_MAX;
    enum catalog_result want = model_remove_node(trial, index);
    return catalog_remove_node(trial->catalog, node_ids[index], PRUNE_NODE_DEAD,
               (struct wall){ trial->now }) == want;
}

static bool
step_expire(struct trial *trial)
{
    static const int64_t delays[] = { 0, 1, SECOND, 15 * SECOND, 100 * SECOND };
    trial->now += delays[prng_below(&trial->prng, COUNT_OF(delays))];
    model_expire(trial);
    catalog_expire(trial->catalog, (struct wall){ trial->now });
    return true;
}

static bool
step(struct trial *trial)
{
    uint64_t chance = prng_below(&trial->prng, 1000);
    trial->mem.cap = prng_chance(&trial->prng, 100)
                         ? trial->mem.used + prng_below(&trial->prng, 1000)
                         : SIZE_MAX;
    if (chance < 600) {
        return step_put(trial);
    }
    if (chance < 700) {
        return step_put_node(trial);
    }
    if (chance < 850) {
        return step_remove(trial);
    }
    return chance < 880 ? step_remove_node(trial) : step_expire(trial);
}

static bool
entry_agrees(const struct trial *trial, size_t index)
{
    struct function_key key = key_of(index);
    const struct model_entry *want = &trial->entries[index];
    const struct catalog_entry *got = catalog_find(trial->catalog, &key);
    if (got == NULL || !want->in) {
        return got == NULL && !want->in && !trial->view[index].in;
    }
    return trial->view[index].in && trial->view[index].scope == want->scope &&
           got->advertised_at.ns == want->advertised_at && got->ttl_ns == want->ttl_ns &&
           text_index(catalog_endpoint(got).scope) == want->scope;
}

static bool
node_agrees(const struct trial *trial, size_t index)
{
    const struct model_node *want = &trial->nodes[index];
    const struct catalog_node *got = catalog_find_node(trial->catalog, node_ids[index]);
    if (got == NULL || !want->known) {
        return got == NULL && !want->known;
    }
    uint32_t count = 0;
    const struct catalog_entry *entry = NULL;
    while ((entry = catalog_next_of_node(got, entry)) != NULL) {
        count++;
    }
    uint32_t wanted = 0;
    for (size_t i = index; i < KEY_COUNT; i += NODE_COUNT) {
        wanted += trial->entries[i].in;
    }
    return got->described == want->described && count == wanted &&
           (!want->described || text_index(got->descriptor.region) == want->region);
}

static bool
names_agree(const struct trial *trial)
{
    for (size_t name = 0; name < NAME_COUNT; name++) {
        uint32_t wanted = 0;
        struct span id = SPAN_NONE;
        for (size_t i = 0; i < KEY_COUNT; i++) {
            struct parts parts = parts_of(i);
            bool named = trial->entries[i].in && parts.name == name;
            wanted += named;
            id = named ? names[parts.id] : id;
        }
        uint32_t count = 0;
        const struct catalog_entry *entry = NULL;
        while ((entry = catalog_next_named(trial->catalog, names[name], entry)) != NULL) {
            count++;
        }
        if (count != wanted || !span_equal(catalog_id_of(trial->catalog, names[name]), id)) {
            return false;
        }
    }
    return true;
}

static bool
all_agrees(const struct trial *trial)
{
    int64_t deadline = INT64_MAX;
    bool holds = trial->view_holds && names_agree(trial);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct model_entry *entry = &trial->entries[i];
        int64_t over = entry->in ? end_of(entry->advertised_at, entry->ttl_ns) + 1 : INT64_MAX;
        deadline = over < deadline ? over : deadline;
        holds = holds && entry_agrees(trial, i);
    }
    uint32_t described = 0;
    for (size_t i = 0; i < NODE_COUNT; i++) {
        const struct model_node *node = &trial->nodes[i];
        int64_t over = node->expiry == INT64_MAX ? INT64_MAX : node->expiry + 1;
        deadline = over < deadline ? over : deadline;
        described += node->described;
        holds = holds && node_agrees(trial, i);
    }
    for (size_t i = 0; i < PRUNE_REASON_COUNT; i++) {
        holds = holds && catalog_prunes(trial->catalog)[i] == trial->prunes[i];
    }
    return holds && catalog_count(trial->catalog) == model_count(trial) &&
           catalog_node_count(trial->catalog) == described &&
           catalog_deadline(trial->catalog).ns == deadline;
}

static bool
catalog_is_a_plain_array_with_rules(uint64_t seed)
{
    static struct trial trial;
    begin(&trial, seed);
    bool holds = true;
    for (int i = 0; i < STEP_COUNT && holds; i++) {
        holds = step(&trial) && all_agrees(&trial);
    }
    catalog_free(trial.catalog);
    return holds && trial.mem.used == 0;
}

static bool
what_expires_leaves_no_memory(uint64_t seed)
{
    static struct trial trial;
    begin(&trial, seed);
    size_t empty = trial.mem.used;
    for (int i = 0; i < STEP_COUNT; i++) {
        (void)step(&trial);
    }
    trial.now += 1000 * SECOND;
    catalog_expire(trial.catalog, (struct wall){ trial.now });
    /* The indexes keep the room of their peak, a few slots each. */
    bool holds = catalog_count(trial.catalog) == 0 && trial.mem.used < empty + 8192;
    for (size_t i = 0; i < NODE_COUNT; i++) {
        holds = holds && catalog_find_node(trial.catalog, node_ids[i]) == NULL;
    }
    holds = holds && catalog_deadline(trial.catalog).ns == INT64_MAX;
    catalog_free(trial.catalog);
    return holds && trial.mem.used == 0;
}

/* Of each key: it was there when the walk began, and has been ever since; it was met. */
struct walked {
    struct catalog_walk walk;
    bool stays[KEY_COUNT];
    bool met[KEY_COUNT];
};

static void
begin_walk(struct trial *trial, struct walked *walked)
{
    catalog_walk_end(&walked->walk);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        struct function_key key = key_of(i);
        walked->stays[i] = catalog_find(trial->catalog, &key) != NULL;
        walked->met[i] = false;
    }
    catalog_walk_begin(trial->catalog, &walked->walk);
}

/* It is there still, and was from the beginning; and it comes once. */
static bool
walks_on(struct trial *trial, struct walked *walked)
{
    const struct catalog_entry *entry = catalog_walk_next(trial->catalog, &walked->walk);
    if (entry == NULL) {
        bool all = walked->walk.at == NULL;
        for (size_t i = 0; i < KEY_COUNT; i++) {
            all = all && (walked->met[i] || !walked->stays[i]);
        }
        return all;
    }
    const struct function_endpoint endpoint = catalog_endpoint(entry);
    size_t index = index_of(&endpoint.key);
    bool right = catalog_find(trial->catalog, &endpoint.key) == entry && walked->stays[index] &&
                 !walked->met[index];
    walked->met[index] = true;
    return right;
}

static void
note_what_went(const struct trial *trial, struct walked *walked)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        walked->stays[i] = walked->stays[i] && trial->view[i].in;
    }
}

/* Two at a time, of which each goes at its own pace, and begins again when it is over or sooner. */
static bool
walk_in_pieces_meets_what_stays(uint64_t seed)
{
    static struct trial trial;
    static struct walked walks[2];
    begin(&trial, seed);
    bool holds = true;
    for (int i = 0; i < STEP_COUNT && holds; i++) {
        holds = step(&trial);
        for (size_t j = 0; j < COUNT_OF(walks); j++) {
            struct walked *walked = &walks[j];
            note_what_went(&trial, walked);
            if (walked->walk.at == NULL || prng_chance(&trial.prng, 10)) {
                begin_walk(&trial, walked);
            }
            for (uint64_t k = prng_below(&trial.prng, 3); k > 0 && holds; k--) {
                holds = walks_on(&trial, walked);
            }
        }
    }
    catalog_walk_end(&walks[0].walk);
    catalog_walk_end(&walks[1].walk);
    catalog_free(trial.catalog);
    return holds && trial.mem.used == 0;
}

int
main(int argc, char **argv)
{
    static const struct property properties[] = {
        { "walk_in_pieces_meets_what_stays", walk_in_pieces_meets_what_stays },
        { "catalog_is_a_plain_array_with_rules", catalog_is_a_plain_array_with_rules },
        { "what_expires_leaves_no_memory", what_expires_leaves_no_memory },
    };
    return property_main(argc, argv, properties, COUNT_OF(properties), SEED_COUNT);
}
