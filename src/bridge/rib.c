/* SPDX-License-Identifier: Apache-2.0 */
/* rib.c - birth and death of the RIB, the names both halves share, and what is kept. */
#include "bridge/rib.h"

#include "bridge/rib_state.h"

static bool
name_same(const void *item, const void *key)
{
    const struct rib_name *name = item;
    return span_equal(identity_name(name->identity), *(const struct span *)key);
}

bool
rib_kept_is_one(const struct kept *kept, const struct advertisement *other)
{
    struct function_identity identity = identity_view(kept->identity);
    return function_identity_equal(&identity, &other->identity) &&
           text_list_same(&kept_attributes(kept)->resources, &other->resources);
}

static bool
service_same(const void *item, const void *key)
{
    const struct kept *facts = &((const struct rib_service *)item)->facts;
    const struct advertisement *a = kept_attributes(facts);
    const struct advertisement *b = key;
    struct function_identity identity = identity_view(facts->identity);
    return function_identity_equal(&identity, &b->identity) &&
           text_list_same(&a->resources, &b->resources) && text_list_same(&a->tags, &b->tags) &&
           span_equal(a->scope, b->scope) && span_equal(a->origin, b->origin) &&
           a->hops_left == b->hops_left && a->cost == b->cost && a->doubted == b->doubted &&
           text_list_equal(&a->path, &b->path);
}

static bool
export_same(const void *item, const void *key)
{
    const struct kept *out = &((const struct rib_export *)item)->out;
    const struct rib_export_key *wanted = key;
    if (wanted->name_only) {
        return span_equal(identity_name(out->identity), wanted->out->identity.name);
    }
    return rib_kept_is_one(out, wanted->out);
}

static bool
route_same(const void *item, const void *key)
{
    return ((const struct rib_export *)item)->route_id == *(const uint64_t *)key;
}

static bool
import_same(const void *item, const void *key)
{
    return ((const struct rib_import *)item)->route_id == *(const uint64_t *)key;
}

static bool
offer_same(const void *item, const void *key)
{
    return rib_kept_is_one(&((const struct rib_offer *)item)->key, key);
}

static void
name_free(struct rib *rib, struct rib_name *name)
{
    identity_release(name->identity);
    mem_give(rib->config.mem, name, sizeof(*name));
}

struct rib *
rib_create(const struct rib_config *config)
{
    CHECK(config->link_count <= RIB_LINKS_MAX);
    struct mem *mem = config->mem;
    struct rib *rib = mem_take(mem, sizeof(*rib));
    size_t links_size = (config->link_count + 1) * sizeof(struct rib_link);
    struct rib_link *links = mem_take(mem, links_size);
    if (rib == NULL || links == NULL) {
        mem_give(mem, rib, rib == NULL ? 0 : sizeof(*rib));
        mem_give(mem, links, links == NULL ? 0 : links_size);
        return NULL;
    }
    rib->config = *config;
    rib->links = links;
    arena_init(&rib->scratch, mem);
    arena_init(&rib->candidate_scratch, mem);
    arena_init(&rib->transit_scratch, mem);
    map_init(&rib->services, mem, service_same);
    map_init(&rib->names, mem, name_same);
    map_init(&rib->offers, mem, offer_same);
    kept_table_init(&rib->kept, mem, config->hash_key);
    rib_events_init(rib);
    list_init(&rib->offer_changes);
    list_init(&rib->offers_waiting);
    list_init(&rib->transit_changes);
    for (uint32_t i = 0; i < config->link_count; i++) {
        map_init(&links[i].exports, mem, export_same);
        map_init(&links[i].routes, mem, route_same);
        map_init(&links[i].imports, mem, import_same);
        list_init(&links[i].announcing.exports);
        list_init(&links[i].announcing.changes);
        list_init(&links[i].announcing.withdrawals);
        heap_init(&links[i].announcing.paced, mem);
        links[i].announcing.session = 1; /* of which no export is yet */
        links[i].announcing.epoch = 1;
        list_init(&links[i].hearing.imports);
        links[i].hearing.expire_at = INSTANT_NEVER;
        rib_report_init(&links[i]);
        list_init(&links[i].waiting);
        list_init(&links[i].blocked);
    }
    rib_damping_init(rib);
    if (!rib_policies_init(rib)) {
        rib_free(rib);
        return NULL;
    }
    return rib;
}

void
rib_free(struct rib *rib)
{
    if (rib == NULL) {
        return;
    }
    struct mem *mem = rib->config.mem;
    rib_free_exports(rib);
    rib_free_imports(rib);
    rib_damping_destroy(rib);
    size_t cursor = 0;
    for (struct rib_name *name; (name = map_next(&rib->names, &cursor)) != NULL;) {
        name_free(rib, name);
    }
    for (uint32_t i = 0; i < rib->config.link_count; i++) {
        rib_report_destroy(rib, i);
        heap_destroy(&rib->links[i].announcing.paced);
        map_destroy(&rib->links[i].exports);
        map_destroy(&rib->links[i].routes);
        map_destroy(&rib->links[i].imports);
    }
    map_destroy(&rib->services);
    map_destroy(&rib->names);
    map_destroy(&rib->offers);
    kept_table_destroy(&rib->kept);
    rib_policies_destroy(rib);
    rib_events_destroy(rib);
    arena_destroy(&rib->scratch);
    arena_destroy(&rib->candidate_scratch);
    arena_destroy(&rib->transit_scratch);
    mem_give(mem, rib->links, (rib->config.link_count + 1) * sizeof(struct rib_link));
    mem_give(mem, rib, sizeof(*rib));
}

/* Names. */

struct rib_name *
rib_name_find(const struct rib *rib, struct span name)
{
    return map_find(&rib->names, rib_hash_name(rib, name), &name);
}

struct rib_name *
rib_name_ensure(struct rib *rib, const struct function_identity *identity)
{
    struct rib_name *name = rib_name_find(rib, identity->name);
    if (name != NULL) {
        return name;
    }
    name = mem_take(rib->config.mem, sizeof(*name));
    if (name == NULL) {
        return NULL;
    }
    name->identity = identity_hold(rib->config.mem, identity);
    list_init(&name->offers);
    if (name->identity == NULL ||
        !map_insert(&rib->names, rib_hash_name(rib, identity->name), name)) {
        name_free(rib, name);
        return NULL;
    }
    return name;
}

void
rib_name_drop_if_unused(struct rib *rib, struct rib_name *name)
{
    if (name->providers == 0 && name->pins == 0 && list_empty(&name->offers)) {
        struct span text = identity_name(name->identity);
        map_remove(&rib->names, rib_hash_name(rib, text), &text);
        name_free(rib, name);
    }
}

/* Hashing and comparing. */

uint64_t
rib_hash_name(const struct rib *rib, struct span name)
{
    return hash_bytes(&rib->config.hash_key, name);
}

uint64_t
rib_hash_identity(const struct rib *rib, const struct function_identity *identity,
    const struct text_list *resources)
{
    const struct hash_key *secret = &rib->config.hash_key;
    uint64_t set = 0; /* a sum, since resources are a set */
    for (uint32_t i = 0; i < resources->count; i++) {
        set += hash_bytes(secret, resources->items[i]);
    }
    uint64_t hash = hash_fold(secret, set, identity->name);
    hash = hash_fold(secret, hash, identity->function_id);
    return hash_fold(secret, hash, span_from(&identity->version, sizeof(identity->version)));
}

uint64_t
rib_hash_number(const struct rib *rib, uint64_t number)
{
    return hash_bytes(&rib->config.hash_key, span_from(&number, sizeof(number)));
}

/* Lists as sets: their order says nothing. The path's does. */
bool
rib_advertisement_equal(const struct advertisement *a, const struct advertisement *b)
{
    return text_list_equal(&a->path, &b->path) &&
           function_identity_equal(&a->identity, &b->identity) &&
           text_list_same(&a->tags, &b->tags) && text_list_same(&a->resources, &b->resources) &&
           span_equal(a->scope, b->scope) && span_equal(a->origin, b->origin) &&
           a->hops_left == b->hops_left && a->cost == b->cost && a->preference == b->preference &&
           a->doubted == b->doubted && a->ttl_ns == b->ttl_ns;
}

bool
rib_kept_equal(const struct kept *kept, const struct advertisement *other)
{
    const struct advertisement view = kept_view(kept);
    return rib_advertisement_equal(&view, other);
}
