/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.c - the cluster's advertisements: four indexes over entries.
 *
 * by_key finds an entry for an update or a removal, by_name the candidates of a call, by_id keeps
 * names and ids 1:1, nodes collects what one node advertises. One heap of wall-clock deadlines
 * serves entries, another serves nodes.
 *
 * An entry holds an identity and facts, which others may hold as well. It never changes but for its times; an update
 * with other contents replaces it.
 */
#include "core/catalog.h"

struct catalog_name {
    struct identity *identity; /* of one of them: all have this name and id */
    struct list entries;
};

struct catalog {
    struct catalog_config config;
    struct map by_key;
    struct map by_name; /* struct catalog_name by name */
    struct map by_id;   /* the same things by function_id */
    struct map nodes;
    struct list entries; /* all, the newest first: no walk comes to what came after it began */
    struct list walks;
    struct facts_table facts;
    struct heap expiries;
    struct heap node_expiries;
    uint32_t described_count;
    uint64_t prunes[PRUNE_REASON_COUNT];
};

static uint64_t
hash_key_of(const struct catalog *catalog, const struct function_key *key)
{
    /* Resources are a set in any order: their hashes are added, which does not depend on it, each once. */
    uint64_t resources = 0;
    for (uint32_t i = 0; i < key->resources.count; i++) {
        struct span resource = key->resources.items[i];
        const struct text_list before = { .items = key->resources.items, .count = i };
        bool again = text_list_has(&before, resource);
        resources += again ? 0 : hash_bytes(&catalog->config.hash_key, resource);
    }
    const struct hash_key *secret = &catalog->config.hash_key;
    /* Not the cluster, which is the same one for nearly all. */
    uint64_t hash = hash_fold(secret, resources, key->node_id);
    hash = hash_fold(secret, hash, key->identity.name);
    return hash_fold(
        secret, hash, span_from(&key->identity.version, sizeof(key->identity.version)));
}

static bool
entry_same(const void *item, const void *key)
{
    const struct function_endpoint endpoint = catalog_endpoint(item);
    return function_key_equal(&endpoint.key, key);
}

static bool
name_same(const void *item, const void *key)
{
    const struct catalog_name *name = item;
    return span_equal(identity_name(name->identity), *(const struct span *)key);
}

static bool
id_same(const void *item, const void *key)
{
    const struct catalog_name *name = item;
    return span_equal(identity_view(name->identity).function_id, *(const struct span *)key);
}

static bool
node_same(const void *item, const void *key)
{
    const struct catalog_node *node = item;
    return span_equal(node->descriptor.key.node_id, *(const struct span *)key);
}

static uint64_t
hash_text(const struct catalog *catalog, struct span text)
{
    return hash_bytes(&catalog->config.hash_key, text);
}

static void
entry_free(struct catalog *catalog, struct catalog_entry *entry)
{
    identity_release(entry->identity);
    if (entry->facts != NULL) {
        facts_release(&catalog->facts, entry->facts);
    }
    mem_give(catalog->config.mem, entry, sizeof(*entry));
}

static struct catalog_entry *
entry_create(struct catalog *catalog, const struct function_endpoint *from,
    struct catalog_node *node, struct wall now)
{
    struct catalog_entry *entry = mem_take(catalog->config.mem, sizeof(*entry));
    if (entry == NULL) {
        return NULL;
    }
    entry->identity = identity_hold(catalog->config.mem, &from->key.identity);
    entry->facts = facts_hold(&catalog->facts, from);
    if (entry->identity == NULL || entry->facts == NULL) {
        entry_free(catalog, entry);
        return NULL;
    }
    entry->node = node;
    entry->advertised_at = from->advertised_at;
    entry->ttl_ns = from->ttl_ns;
    entry->learnt_at = now;
    list_init(&entry->in_name);
    list_init(&entry->in_node);
    list_init(&entry->in_catalog);
    return entry;
}

struct function_endpoint
catalog_endpoint(const struct catalog_entry *entry)
{
    const struct facts *facts = entry->facts;
    return (struct function_endpoint){
        .key = {
            .cluster_id = facts->cluster_id,
            .node_id = entry->node->descriptor.key.node_id,
            .identity = identity_view(entry->identity),
            .resources = facts->resources,
        },
        .scope = facts->scope,
        .tags = facts->tags,
        .advertised_at = entry->advertised_at,
        .ttl_ns = entry->ttl_ns,
        .rpc_summary = facts->rpc_summary,
        .rpc_spec = facts->rpc_spec,
        .spec_digest = facts->spec_digest,
    };
}

struct catalog *
catalog_create(const struct catalog_config *config)
{
    CHECK(config->function_count_max > 0);
    struct catalog *catalog = mem_take(config->mem, sizeof(*catalog));
    if (catalog == NULL) {
        return NULL;
    }
    catalog->config = *config;
    map_init(&catalog->by_key, config->mem, entry_same);
    map_init(&catalog->by_name, config->mem, name_same);
    map_init(&catalog->by_id, config->mem, id_same);
    map_init(&catalog->nodes, config->mem, node_same);
    list_init(&catalog->entries);
    list_init(&catalog->walks);
    facts_table_init(&catalog->facts, config->mem, config->hash_key);
    heap_init(&catalog->expiries, config->mem);
    heap_init(&catalog->node_expiries, config->mem);
    return catalog;
}

static void
node_free(struct catalog *catalog, struct catalog_node *node)
{
    mem_give(catalog->config.mem, node->text, node->text_size);
    mem_give(catalog->config.mem, node, sizeof(*node) + node->id_size);
}

static void
name_free(struct catalog *catalog, struct catalog_name *name)
{
    identity_release(name->identity);
    mem_give(catalog->config.mem, name, sizeof(*name));
}

void
catalog_free(struct catalog *catalog)
{
    if (catalog == NULL) {
        return;
    }
    CHECK(list_empty(&catalog->walks));
    struct mem *mem = catalog->config.mem;
    size_t cursor = 0;
    for (struct catalog_entry *entry; (entry = map_next(&catalog->by_key, &cursor)) != NULL;) {
        entry_free(catalog, entry);
    }
    cursor = 0;
    for (struct catalog_name *name; (name = map_next(&catalog->by_name, &cursor)) != NULL;) {
        name_free(catalog, name);
    }
    cursor = 0;
    for (struct catalog_node *node; (node = map_next(&catalog->nodes, &cursor)) != NULL;) {
        node_free(catalog, node);
    }
    heap_destroy(&catalog->expiries);
    heap_destroy(&catalog->node_expiries);
    map_destroy(&catalog->by_key);
    map_destroy(&catalog->by_name);
    map_destroy(&catalog->by_id);
    map_destroy(&catalog->nodes);
    facts_table_destroy(&catalog->facts);
    mem_give(mem, catalog, sizeof(*catalog));
}

/* Names: one per function name, alive while it has entries. */

static struct catalog_name *
find_name(const struct catalog *catalog, struct span name)
{
    return map_find(&catalog->by_name, hash_text(catalog, name), &name);
}

/* `by_name` is who has the name, or NULL. */
static bool
binding_conflicts(const struct catalog *catalog, const struct catalog_name *by_name,
    const struct function_identity *identity)
{
    if (by_name != NULL) {
        return !span_equal(identity_view(by_name->identity).function_id, identity->function_id);
    }
    return map_find(&catalog->by_id, hash_text(catalog, identity->function_id),
               &identity->function_id) != NULL;
}

static struct catalog_name *
name_create(struct catalog *catalog, struct identity *of)
{
    struct mem *mem = catalog->config.mem;
    struct catalog_name *name = mem_take(mem, sizeof(*name));
    if (name == NULL) {
        return NULL;
    }
    const struct function_identity identity = identity_view(of);
    list_init(&name->entries);
    name->identity = identity_hold(mem, &identity);
    CHECK(name->identity == of); /* it is in this account */
    uint64_t name_hash = hash_text(catalog, identity.name);
    if (!map_insert(&catalog->by_name, name_hash, name)) {
        name_free(catalog, name);
        return NULL;
    }
    if (!map_insert(&catalog->by_id, hash_text(catalog, identity.function_id), name)) {
        map_remove(&catalog->by_name, name_hash, &identity.name);
        name_free(catalog, name);
        return NULL;
    }
    return name;
}

static void
name_drop_if_empty(struct catalog *catalog, struct catalog_name *name)
{
    if (!list_empty(&name->entries)) {
        return;
    }
    const struct function_identity identity = identity_view(name->identity);
    map_remove(&catalog->by_name, hash_text(catalog, identity.name), &identity.name);
    map_remove(&catalog->by_id, hash_text(catalog, identity.function_id), &identity.function_id);
    name_free(catalog, name);
}

/* Nodes: alive while they have a descriptor, functions or a tombstone. */

static struct catalog_node *
find_node(const struct catalog *catalog, struct span node_id)
{
    return map_find(&catalog->nodes, hash_text(catalog, node_id), &node_id);
}

/* It is not known. */
static struct catalog_node *
node_create(struct catalog *catalog, struct span node_id)
{
    struct mem *mem = catalog->config.mem;
    bool room = catalog->nodes.count < catalog->config.node_count_max;
    struct catalog_node *node = room ? mem_take(mem, sizeof(*node) + node_id.size) : NULL;
    if (node == NULL) {
        return NULL;
    }
    struct packer packer = pack_into(node + 1, node_id.size);
    node->id_size = node_id.size;
    node->descriptor.key.node_id = pack_text(&packer, node_id);
    list_init(&node->functions);
    if (!map_insert(&catalog->nodes, hash_text(catalog, node_id), node)) {
        mem_give(mem, node, sizeof(*node) + node_id.size);
        return NULL;
    }
    return node;
}

static void
node_drop_if_unused(struct catalog *catalog, struct catalog_node *node)
{
    if (node->described || node->dead || !list_empty(&node->functions)) {
        return;
    }
    struct span node_id = node->descriptor.key.node_id;
    heap_remove(&catalog->node_expiries, &node->expiry);
    map_remove(&catalog->nodes, hash_text(catalog, node_id), &node_id);
    node_free(catalog, node);
}

/* Both descriptor and function entries count as signs of life of a node. */
static bool
raises_the_dead(const struct catalog_node *node, struct wall advertised_at)
{
    return node != NULL && node->dead && advertised_at.ns <= node->newest.ns;
}

static void
node_seen(struct catalog_node *node, struct wall advertised_at)
{
    if (advertised_at.ns > node->newest.ns) {
        node->newest = advertised_at;
        node->dead = false;
    }
}

/* Entries. */

/* What is put, and what is known of it. */
struct putting {
    const struct function_endpoint *endpoint;
    uint64_t hash;             /* of its key */
    struct catalog_node *node; /* NULL: not known, like its name */
    struct catalog_name *name;
    struct wall now;
};

static int64_t
end_of_life(struct wall advertised_at, uint64_t ttl_ns)
{
    return wall_after(advertised_at, ttl_ns).ns;
}

static bool
is_newer(struct wall advertised_at, uint64_t ttl_ns, struct wall known_at, uint64_t known_ttl_ns)
{
    return advertised_at.ns > known_at.ns ||
           (advertised_at.ns == known_at.ns && ttl_ns > known_ttl_ns);
}

static void
tell(struct catalog *catalog, struct catalog_change change)
{
    if (catalog->config.listener.changed != NULL) {
        catalog->config.listener.changed(catalog->config.listener.owner, &change);
    }
}

/* Who would come to the entry next comes to `next`. */
static void
turn_walks(struct catalog *catalog, const struct catalog_entry *entry, struct list *next)
{
    LIST_EACH (link, &catalog->walks) {
        struct catalog_walk *walk = CONTAINER_OF(link, struct catalog_walk, in_catalog);
        walk->at = walk->at == &entry->in_catalog ? next : walk->at;
    }
}

/* Its name and node stay, even if they are empty now. */
static void
unlink_lists(struct catalog *catalog, struct catalog_entry *entry)
{
    list_remove(&entry->in_name);
    list_remove(&entry->in_node);
    turn_walks(catalog, entry, entry->in_catalog.next);
    list_remove(&entry->in_catalog);
}

/* `next`: before which one it comes in the catalog's list. */
static void
link_lists(struct catalog_entry *entry, struct catalog_name *name, struct list *next)
{
    list_push(&name->entries, &entry->in_name);
    list_push(&entry->node->functions, &entry->in_node);
    list_push(next, &entry->in_catalog);
}

static void
drop_entry(struct catalog *catalog, struct catalog_entry *entry, enum prune_reason reason)
{
    struct catalog_name *name = find_name(catalog, identity_name(entry->identity));
    CHECK(name != NULL);
    const struct function_endpoint endpoint = catalog_endpoint(entry);
    void *removed =
        map_remove(&catalog->by_key, hash_key_of(catalog, &endpoint.key), &endpoint.key);
    CHECK(removed == entry);
    heap_remove(&catalog->expiries, &entry->expiry);
    unlink_lists(catalog, entry);
    catalog->prunes[reason]++;
    tell(catalog,
        (struct catalog_change){ .kind = CATALOG_REMOVED, .entry = entry, .reason = reason });
    name_drop_if_empty(catalog, name);
    entry_free(catalog, entry);
}

static bool
set_expiry(struct catalog *catalog, struct catalog_entry *entry)
{
    int64_t end = end_of_life(entry->advertised_at, entry->ttl_ns);
    return heap_set(&catalog->expiries, &entry->expiry, end);
}

/* `hash` is its key's. */
static bool
link_entry(
    struct catalog *catalog, struct catalog_entry *entry, struct catalog_name *name, uint64_t hash)
{
    if (!set_expiry(catalog, entry)) {
        return false;
    }
    if (!map_insert(&catalog->by_key, hash, entry)) {
        heap_remove(&catalog->expiries, &entry->expiry);
        return false;
    }
    link_lists(entry, name, catalog->entries.next);
    return true;
}

static bool
same_contents(const struct function_endpoint *a, const struct function_endpoint *b)
{
    return text_list_same(&a->tags, &b->tags) && span_equal(a->scope, b->scope) &&
           span_equal(a->rpc_summary, b->rpc_summary) && span_equal(a->rpc_spec, b->rpc_spec) &&
           span_equal(a->spec_digest, b->spec_digest);
}

/* By one of the same key, in its place, so that no walk misses it: only the entry itself takes memory. */
static enum catalog_result
replace_entry(struct catalog *catalog, struct catalog_entry *old, const struct putting *putting)
{
    const struct function_endpoint *endpoint = putting->endpoint;
    struct catalog_entry *entry = entry_create(catalog, endpoint, old->node, putting->now);
    if (entry == NULL) {
        return CATALOG_FULL;
    }
    entry->learnt_at = old->learnt_at;
    entry->context = old->context;
    void *replaced = map_replace(&catalog->by_key, putting->hash, &endpoint->key, entry);
    CHECK(replaced == old);
    heap_remove(&catalog->expiries, &old->expiry);
    bool expires = set_expiry(catalog, entry);
    CHECK(expires);
    struct list *next = old->in_catalog.next;
    turn_walks(catalog, old, &entry->in_catalog);
    unlink_lists(catalog, old);
    link_lists(entry, putting->name, next);
    node_seen(entry->node, endpoint->advertised_at);
    tell(catalog, (struct catalog_change){ .kind = CATALOG_CHANGED, .entry = entry, .old = old });
    entry_free(catalog, old);
    return CATALOG_OK;
}

static enum catalog_result
update_entry(struct catalog *catalog, struct catalog_entry *entry, const struct putting *putting)
{
    const struct function_endpoint *endpoint = putting->endpoint;
    if (!is_newer(endpoint->advertised_at, endpoint->ttl_ns, entry->advertised_at, entry->ttl_ns)) {
        return CATALOG_STALE;
    }
    const struct function_endpoint known = catalog_endpoint(entry);
    if (!same_contents(&known, endpoint)) {
        return replace_entry(catalog, entry, putting);
    }
    entry->advertised_at = endpoint->advertised_at;
    entry->ttl_ns = endpoint->ttl_ns;
    bool moved = heap_set(
        &catalog->expiries, &entry->expiry, end_of_life(entry->advertised_at, entry->ttl_ns));
    CHECK(moved);
    node_seen(entry->node, endpoint->advertised_at);
    return CATALOG_REFRESHED;
}

static enum catalog_result
add_entry(struct catalog *catalog, const struct putting *putting)
{
    if (catalog->by_key.count >= catalog->config.function_count_max) {
        return CATALOG_FULL;
    }
    const struct function_endpoint *endpoint = putting->endpoint;
    struct catalog_node *node =
        putting->node != NULL ? putting->node : node_create(catalog, endpoint->key.node_id);
    struct catalog_entry *entry =
        node == NULL ? NULL : entry_create(catalog, endpoint, node, putting->now);
    struct catalog_name *name = putting->name;
    if (name == NULL && entry != NULL) {
        name = name_create(catalog, entry->identity);
    }
    bool linked = entry != NULL && name != NULL && link_entry(catalog, entry, name, putting->hash);
    if (linked) {
        node_seen(node, endpoint->advertised_at);
        tell(catalog, (struct catalog_change){ .kind = CATALOG_ADDED, .entry = entry });
        return CATALOG_OK;
    }
    if (name != NULL) {
        name_drop_if_empty(catalog, name);
    }
    if (node != NULL) {
        node_drop_if_unused(catalog, node);
    }
    if (entry != NULL) {
        entry_free(catalog, entry);
    }
    return CATALOG_FULL;
}

void
catalog_prefetch(const struct catalog *catalog, const struct function_key *key)
{
    map_prefetch(&catalog->by_key, hash_key_of(catalog, key));
    map_prefetch(&catalog->by_name, hash_text(catalog, key->identity.name));
    map_prefetch(&catalog->by_id, hash_text(catalog, key->identity.function_id));
}

enum catalog_result
catalog_put(struct catalog *catalog, const struct function_endpoint *endpoint, struct wall now)
{
    const struct function_key *key = &endpoint->key;
    if (!function_alive(endpoint->advertised_at, endpoint->ttl_ns, now)) {
        return CATALOG_EXPIRED;
    }
    const struct putting putting = {
        .endpoint = endpoint,
        .hash = hash_key_of(catalog, key),
        .node = find_node(catalog, key->node_id),
        .name = find_name(catalog, key->identity.name),
        .now = now,
    };
    if (raises_the_dead(putting.node, endpoint->advertised_at)) {
        return CATALOG_STALE;
    }
    if (binding_conflicts(catalog, putting.name, &key->identity)) {
        return CATALOG_ID_CONFLICT;
    }
    struct catalog_entry *known = map_find(&catalog->by_key, putting.hash, key);
    return known != NULL ? update_entry(catalog, known, &putting) : add_entry(catalog, &putting);
}

enum catalog_result
catalog_remove(struct catalog *catalog, const struct function_key *key, enum prune_reason reason)
{
    struct catalog_entry *entry = map_find(&catalog->by_key, hash_key_of(catalog, key), key);
    if (entry == NULL) {
        return CATALOG_UNKNOWN;
    }
    struct catalog_node *node = entry->node;
    if (entry->advertised_at.ns > node->withdrawn.ns) {
        node->withdrawn = entry->advertised_at;
    }
    drop_entry(catalog, entry, reason);
    node_drop_if_unused(catalog, node);
    return CATALOG_OK;
}

/* Node descriptors. */

static size_t
descriptor_size(const struct node_descriptor *node)
{
    return node->key.cluster_id.size + node->region.size + node->scope.size +
           node->transport_endpoints.size + node->dial_url.size + text_list_size(&node->tags) +
           text_list_size(&node->resources) + text_list_size(&node->capabilities);
}

static void
pack_descriptor(struct catalog_node *node, const struct node_descriptor *from)
{
    struct packer packer = pack_into(node->text, node->text_size - 1);
    struct span *tags = pack_spans(&packer, from->tags.count);
    struct span *resources = pack_spans(&packer, from->resources.count);
    struct span *capabilities = pack_spans(&packer, from->capabilities.count);
    struct span node_id = node->descriptor.key.node_id;

    node->descriptor = *from;
    struct node_descriptor *to = &node->descriptor;
    to->key.node_id = node_id;
    to->tags = text_list_pack(&packer, tags, &from->tags);
    to->resources = text_list_pack(&packer, resources, &from->resources);
    to->capabilities = text_list_pack(&packer, capabilities, &from->capabilities);
    to->key.cluster_id = pack_text(&packer, from->key.cluster_id);
    to->region = pack_text(&packer, from->region);
    to->scope = pack_text(&packer, from->scope);
    to->transport_endpoints = pack_text(&packer, from->transport_endpoints);
    to->dial_url = pack_text(&packer, from->dial_url);
    pack_done(&packer);
}

static bool
same_descriptor(const struct node_descriptor *a, const struct node_descriptor *b)
{
    return span_equal(a->key.cluster_id, b->key.cluster_id) && span_equal(a->region, b->region) &&
           span_equal(a->scope, b->scope) && text_list_same(&a->tags, &b->tags) &&
           span_equal(a->transport_endpoints, b->transport_endpoints) &&
           span_equal(a->dial_url, b->dial_url) && text_list_same(&a->resources, &b->resources) &&
           text_list_same(&a->capabilities, &b->capabilities);
}

static bool
describe(struct catalog *catalog, struct catalog_node *node, const struct node_descriptor *from)
{
    /* One more byte: a descriptor may be empty, a block may not. */
    size_t size = descriptor_size(from) + 1;
    uint8_t *text = mem_take(catalog->config.mem, size);
    if (text == NULL) {
        return false;
    }
    mem_give(catalog->config.mem, node->text, node->text_size);
    node->text = text;
    node->text_size = size;
    pack_descriptor(node, from);
    catalog->described_count += !node->described;
    node->described = true;
    return true;
}

static void
undescribe(struct catalog *catalog, struct catalog_node *node)
{
    struct span node_id = node->descriptor.key.node_id;
    mem_give(catalog->config.mem, node->text, node->text_size);
    node->text = NULL;
    node->text_size = 0;
    node->descriptor = (struct node_descriptor){ .key.node_id = node_id };
    catalog->described_count -= node->described;
    node->described = false;
}

static enum catalog_result
add_node(struct catalog *catalog, struct catalog_node *node, const struct node_descriptor *from)
{
    bool was_described = node->described;
    bool same = was_described && same_descriptor(&node->descriptor, from);
    int64_t end = end_of_life(from->advertised_at, from->ttl_ns);
    if (!same && !describe(catalog, node, from)) {
        return CATALOG_FULL;
    }
    if (!heap_set(&catalog->node_expiries, &node->expiry, end)) {
        /* In no heap was only a node without a descriptor, and so it is again. */
        undescribe(catalog, node);
        return CATALOG_FULL;
    }
    node->descriptor.advertised_at = from->advertised_at;
    node->descriptor.ttl_ns = from->ttl_ns;
    node_seen(node, from->advertised_at);
    return same ? CATALOG_REFRESHED : CATALOG_OK;
}

enum catalog_result
catalog_put_node(struct catalog *catalog, const struct node_descriptor *descriptor, struct wall now)
{
    struct catalog_node *node = find_node(catalog, descriptor->key.node_id);
    if (!function_alive(descriptor->advertised_at, descriptor->ttl_ns, now)) {
        return CATALOG_EXPIRED;
    }
    if (raises_the_dead(node, descriptor->advertised_at)) {
        return CATALOG_STALE;
    }
    if (node != NULL && node->described &&
        !is_newer(descriptor->advertised_at, descriptor->ttl_ns, node->descriptor.advertised_at,
            node->descriptor.ttl_ns)) {
        return CATALOG_STALE;
    }
    node = node != NULL ? node : node_create(catalog, descriptor->key.node_id);
    if (node == NULL) {
        return CATALOG_FULL;
    }
    enum catalog_result result = add_node(catalog, node, descriptor);
    node_drop_if_unused(catalog, node);
    return result;
}

enum catalog_result
catalog_remove_node(
    struct catalog *catalog, struct span node_id, enum prune_reason reason, struct wall now)
{
    struct catalog_node *node = find_node(catalog, node_id);
    if (node == NULL || (!node->described && list_empty(&node->functions))) {
        return CATALOG_UNKNOWN;
    }
    LIST_EACH (link, &node->functions) {
        drop_entry(catalog, CONTAINER_OF(link, struct catalog_entry, in_node), reason);
    }
    undescribe(catalog, node);
    /* Without memory for the tombstone's timer there is no tombstone: an entry may come back once. */
    int64_t end = wall_after(now, CATALOG_TOMBSTONE_NS).ns;
    node->dead = heap_set(&catalog->node_expiries, &node->expiry, end);
    node_drop_if_unused(catalog, node);
    return CATALOG_OK;
}

/* Time. */

void
catalog_expire(struct catalog *catalog, struct wall now)
{
    struct heap_node *due;
    while ((due = heap_first(&catalog->expiries)) != NULL && due->at < now.ns) {
        struct catalog_entry *entry = CONTAINER_OF(due, struct catalog_entry, expiry);
        struct catalog_node *node = entry->node;
        drop_entry(catalog, entry, PRUNE_TTL_EXPIRED);
        node_drop_if_unused(catalog, node);
    }
    while ((due = heap_first(&catalog->node_expiries)) != NULL && due->at < now.ns) {
        struct catalog_node *node = CONTAINER_OF(due, struct catalog_node, expiry);
        heap_remove(&catalog->node_expiries, due);
        undescribe(catalog, node);
        node->dead = false;
        node_drop_if_unused(catalog, node);
    }
}

struct wall
catalog_deadline(const struct catalog *catalog)
{
    const struct heap_node *entry = heap_first(&catalog->expiries);
    const struct heap_node *node = heap_first(&catalog->node_expiries);
    int64_t at = entry == NULL ? INT64_MAX : entry->at;
    if (node != NULL && node->at < at) {
        at = node->at;
    }
    /* Alive while now <= end (protocol.md 4.3): due one nanosecond later. */
    return (struct wall){ .ns = at == INT64_MAX ? INT64_MAX : at + 1 };
}

/* Reading. */

const struct catalog_entry *
catalog_find(const struct catalog *catalog, const struct function_key *key)
{
    return map_find(&catalog->by_key, hash_key_of(catalog, key), key);
}

enum catalog_result
catalog_set_context(struct catalog *catalog, const struct function_key *key, void *context)
{
    struct catalog_entry *entry = map_find(&catalog->by_key, hash_key_of(catalog, key), key);
    if (entry == NULL) {
        return CATALOG_UNKNOWN;
    }
    entry->context = context;
    return CATALOG_OK;
}

const struct catalog_node *
catalog_find_node(const struct catalog *catalog, struct span node_id)
{
    return find_node(catalog, node_id);
}

struct span
catalog_id_of(const struct catalog *catalog, struct span name)
{
    const struct catalog_name *known = find_name(catalog, name);
    return known == NULL ? SPAN_NONE : identity_view(known->identity).function_id;
}

const struct catalog_entry *
catalog_next(const struct catalog *catalog, size_t *cursor)
{
    return map_next(&catalog->by_key, cursor);
}

void
catalog_walk_begin(struct catalog *catalog, struct catalog_walk *walk)
{
    CHECK(walk->at == NULL);
    walk->at = catalog->entries.next;
    list_push(&catalog->walks, &walk->in_catalog);
}

const struct catalog_entry *
catalog_walk_next(struct catalog *catalog, struct catalog_walk *walk)
{
    struct list *at = walk->at;
    if (at == NULL || at == &catalog->entries) {
        catalog_walk_end(walk);
        return NULL;
    }
    walk->at = at->next;
    return CONTAINER_OF(at, const struct catalog_entry, in_catalog);
}

void
catalog_walk_end(struct catalog_walk *walk)
{
    if (walk->at != NULL) {
        walk->at = NULL;
        list_remove(&walk->in_catalog);
    }
}

const struct catalog_node *
catalog_next_node(const struct catalog *catalog, size_t *cursor)
{
    const struct catalog_node *node;
    do {
        node = map_next(&catalog->nodes, cursor);
    } while (node != NULL && !node->described);
    return node;
}

const struct catalog_entry *
catalog_next_of_node(const struct catalog_node *node, const struct catalog_entry *entry)
{
    const struct list *link = entry == NULL ? node->functions.next : entry->in_node.next;
    return link == &node->functions ? NULL
                                    : CONTAINER_OF(link, const struct catalog_entry, in_node);
}

const struct catalog_entry *
catalog_next_named(
    const struct catalog *catalog, struct span name, const struct catalog_entry *entry)
{
    const struct catalog_name *known = find_name(catalog, name);
    if (known == NULL) {
        return NULL;
    }
    const struct list *link = entry == NULL ? known->entries.next : entry->in_name.next;
    return link == &known->entries ? NULL : CONTAINER_OF(link, const struct catalog_entry, in_name);
}

uint32_t
catalog_count(const struct catalog *catalog)
{
    return (uint32_t)catalog->by_key.count;
}

uint32_t
catalog_node_count(const struct catalog *catalog)
{
    return catalog->described_count;
}

const uint64_t *
catalog_prunes(const struct catalog *catalog)
{
    return catalog->prunes;
}

const char *
catalog_result_name(enum catalog_result result)
{
    switch (result) {
    case CATALOG_OK:
        return "ok";
    case CATALOG_REFRESHED:
        return "refreshed";
    case CATALOG_STALE:
        return "stale";
    case CATALOG_EXPIRED:
        return "expired";
    case CATALOG_ID_CONFLICT:
        return "id_conflict";
    case CATALOG_FULL:
        return "full";
    case CATALOG_UNKNOWN:
        return "unknown";
    }
    return "unknown";
}
