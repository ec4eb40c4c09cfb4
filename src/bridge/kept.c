/* SPDX-License-Identifier: Apache-2.0 */
/* kept.c - attributes are found by all of their contents, lists in the order they came. */
#include "bridge/kept.h"

struct attributes {
    struct advertisement of; /* its identity is empty */
    uint64_t hash;
    size_t size;
    uint32_t holders;
};

static bool
attributes_same(const void *item, const void *key)
{
    const struct advertisement *a = &((const struct attributes *)item)->of;
    const struct advertisement *b = key;
    return a->hops_left == b->hops_left && a->cost == b->cost && a->preference == b->preference &&
           a->doubted == b->doubted && a->ttl_ns == b->ttl_ns && span_equal(a->scope, b->scope) &&
           span_equal(a->origin, b->origin) && text_list_equal(&a->tags, &b->tags) &&
           text_list_equal(&a->resources, &b->resources) && text_list_equal(&a->path, &b->path);
}

static uint64_t
hash_attributes(const struct kept_table *table, const struct advertisement *of)
{
    const struct hash_key *secret = &table->hash_key;
    const uint64_t numbers[] = { of->hops_left, of->cost, of->preference, of->doubted, of->ttl_ns };
    uint64_t hash = hash_bytes(secret, span_from(numbers, sizeof(numbers)));
    hash = hash_fold(secret, hash, of->scope);
    hash = hash_fold(secret, hash, of->origin);
    hash = text_list_fold(secret, hash, &of->tags);
    hash = text_list_fold(secret, hash, &of->resources);
    return text_list_fold(secret, hash, &of->path);
}

void
kept_table_init(struct kept_table *table, struct mem *mem, struct hash_key hash_key)
{
    *table = (struct kept_table){ .mem = mem, .hash_key = hash_key };
    map_init(&table->attributes, mem, attributes_same);
}

void
kept_table_destroy(struct kept_table *table)
{
    CHECK(table->attributes.count == 0);
    map_destroy(&table->attributes);
}

static size_t
attributes_text_size(const struct advertisement *of)
{
    return text_list_size(&of->tags) + text_list_size(&of->resources) + text_list_size(&of->path) +
           of->scope.size + of->origin.size;
}

size_t
advertisement_size(const struct advertisement *advertisement)
{
    const struct function_identity *identity = &advertisement->identity;
    return attributes_text_size(advertisement) + identity->name.size + identity->function_id.size +
           identity->version_text.size;
}

static struct attributes *
attributes_create(struct kept_table *table, const struct advertisement *from, uint64_t hash)
{
    size_t text_size = attributes_text_size(from);
    struct attributes *attributes = mem_take(table->mem, sizeof(*attributes) + text_size);
    if (attributes == NULL) {
        return NULL;
    }
    struct packer packer = pack_into(attributes + 1, text_size);
    struct span *tags = pack_spans(&packer, from->tags.count);
    struct span *resources = pack_spans(&packer, from->resources.count);
    struct span *path = pack_spans(&packer, from->path.count);
    struct advertisement *of = &attributes->of;
    *of = *from;
    of->identity = (struct function_identity){ .kept = NULL };
    of->tags = text_list_pack(&packer, tags, &from->tags);
    of->resources = text_list_pack(&packer, resources, &from->resources);
    of->path = text_list_pack(&packer, path, &from->path);
    of->scope = pack_text(&packer, from->scope);
    of->origin = pack_text(&packer, from->origin);
    pack_done(&packer);
    attributes->hash = hash;
    attributes->size = sizeof(*attributes) + text_size;
    if (!map_insert(&table->attributes, hash, attributes)) {
        mem_give(table->mem, attributes, attributes->size);
        return NULL;
    }
    return attributes;
}

static struct attributes *
attributes_hold(struct kept_table *table, const struct advertisement *from)
{
    struct attributes *attributes = table->recent;
    if (attributes == NULL || !attributes_same(attributes, from)) {
        uint64_t hash = hash_attributes(table, from);
        attributes = map_find(&table->attributes, hash, from);
        attributes = attributes != NULL ? attributes : attributes_create(table, from, hash);
    }
    if (attributes != NULL) {
        table->recent = attributes;
        CHECK(attributes->holders < UINT32_MAX);
        attributes->holders++;
    }
    return attributes;
}

static void
attributes_release(struct kept_table *table, struct attributes *attributes)
{
    CHECK(attributes->holders > 0);
    attributes->holders--;
    if (attributes->holders == 0) {
        table->recent = table->recent == attributes ? NULL : table->recent;
        map_remove(&table->attributes, attributes->hash, &attributes->of);
        mem_give(table->mem, attributes, attributes->size);
    }
}

bool
kept_set(struct kept_table *table, struct kept *kept, const struct advertisement *from)
{
    CHECK(kept->identity == NULL);
    struct identity *identity = identity_hold(table->mem, &from->identity);
    struct attributes *attributes = identity == NULL ? NULL : attributes_hold(table, from);
    if (attributes == NULL) {
        identity_release(identity);
        return false;
    }
    *kept = (struct kept){ .identity = identity, .attributes = attributes };
    return true;
}

void
kept_drop(struct kept_table *table, struct kept *kept)
{
    if (kept->identity != NULL) {
        identity_release(kept->identity);
        attributes_release(table, kept->attributes);
        *kept = (struct kept){ .identity = NULL };
    }
}

struct advertisement
kept_view(const struct kept *kept)
{
    struct advertisement view = kept->attributes->of;
    view.identity = identity_view(kept->identity);
    return view;
}

const struct advertisement *
kept_attributes(const struct kept *kept)
{
    return &kept->attributes->of;
}
