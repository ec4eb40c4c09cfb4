/* SPDX-License-Identifier: Apache-2.0 */
/* rib.c - birth and death of the RIB, the names both halves share, and packing. */
#include "bridge/rib.h"

#include "bridge/rib_state.h"

static bool
name_same(const void *item, const void *key)
{
    return span_equal(((const struct rib_name *)item)->name, *(const struct span *)key);
}

static bool
path_equal(const struct text_list *a, const struct text_list *b)
{
    bool equal = a->count == b->count;
    for (uint32_t i = 0; equal && i < a->count; i++) {
        equal = span_equal(a->items[i], b->items[i]);
    }
    return equal;
}

static bool
service_same(const void *item, const void *key)
{
    const struct advertisement *a = &((const struct rib_service *)item)->facts;
    const struct advertisement *b = key;
    return function_identity_equal(&a->identity, &b->identity) &&
           text_list_same(&a->resources, &b->resources) && text_list_same(&a->tags, &b->tags) &&
           span_equal(a->scope, b->scope) && span_equal(a->origin, b->origin) &&
           a->hops_left == b->hops_left && a->cost == b->cost && path_equal(&a->path, &b->path);
}

static bool
export_same(const void *item, const void *key)
{
    const struct advertisement *a = &((const struct rib_export *)item)->out;
    const struct rib_export_key *wanted = key;
    const struct advertisement *b = wanted->out;
    if (wanted->name_only) {
        return span_equal(a->identity.name, b->identity.name);
    }
    return function_identity_equal(&a->identity, &b->identity) &&
           text_list_same(&a->resources, &b->resources);
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
    const struct rib_offer *offer = item;
    const struct advertisement *wanted = key;
    return function_identity_equal(&offer->identity, &wanted->identity) &&
           text_list_same(&offer->resources, &wanted->resources);
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
        mem_give(mem, name, name->size);
    }
    for (uint32_t i = 0; i < rib->config.link_count; i++) {
        heap_destroy(&rib->links[i].announcing.paced);
        map_destroy(&rib->links[i].exports);
        map_destroy(&rib->links[i].routes);
        map_destroy(&rib->links[i].imports);
    }
    map_destroy(&rib->services);
    map_destroy(&rib->names);
    map_destroy(&rib->offers);
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
rib_name_ensure(struct rib *rib, struct span text)
{
    struct rib_name *name = rib_name_find(rib, text);
    if (name != NULL) {
        return name;
    }
    size_t size = sizeof(*name) + text.size;
    name = mem_take(rib->config.mem, size);
    if (name == NULL) {
        return NULL;
    }
    struct packer packer = pack_into(name + 1, text.size);
    name->name = pack_text(&packer, text);
    name->size = size;
    list_init(&name->offers);
    if (!map_insert(&rib->names, rib_hash_name(rib, text), name)) {
        mem_give(rib->config.mem, name, size);
        return NULL;
    }
    return name;
}

void
rib_name_drop_if_unused(struct rib *rib, struct rib_name *name)
{
    if (name->providers == 0 && name->pins == 0 && list_empty(&name->offers)) {
        map_remove(&rib->names, rib_hash_name(rib, name->name), &name->name);
        mem_give(rib->config.mem, name, name->size);
    }
}

/* Hashing and packing. */

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
    return path_equal(&a->path, &b->path) && function_identity_equal(&a->identity, &b->identity) &&
           text_list_same(&a->tags, &b->tags) && text_list_same(&a->resources, &b->resources) &&
           span_equal(a->scope, b->scope) && span_equal(a->origin, b->origin) &&
           a->hops_left == b->hops_left && a->cost == b->cost && a->preference == b->preference &&
           a->ttl_ns == b->ttl_ns;
}

size_t
rib_advertisement_size(const struct advertisement *advertisement)
{
    const struct function_identity *identity = &advertisement->identity;
    return text_list_size(&advertisement->tags) + text_list_size(&advertisement->resources) +
           text_list_size(&advertisement->path) + identity->name.size + identity->function_id.size +
           identity->version_text.size + advertisement->scope.size + advertisement->origin.size;
}

/* Arrays come before texts: the block must start aligned, and holds one advertisement. */
void
rib_advertisement_pack(
    struct packer *packer, struct advertisement *to, const struct advertisement *from)
{
    *to = *from;
    struct span *tags = pack_spans(packer, from->tags.count);
    struct span *resources = pack_spans(packer, from->resources.count);
    struct span *path = pack_spans(packer, from->path.count);
    to->tags = text_list_pack(packer, tags, &from->tags);
    to->resources = text_list_pack(packer, resources, &from->resources);
    to->path = text_list_pack(packer, path, &from->path);
    to->identity.name = pack_text(packer, from->identity.name);
    to->identity.function_id = pack_text(packer, from->identity.function_id);
    to->identity.version_text = pack_text(packer, from->identity.version_text);
    to->scope = pack_text(packer, from->scope);
    to->origin = pack_text(packer, from->origin);
}

const struct rib_counts *
rib_counts(const struct rib *rib)
{
    return &rib->counts;
}
