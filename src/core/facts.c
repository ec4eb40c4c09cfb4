/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c - found by all that an endpoint says; one block each: the struct, the lists, the texts. */
#include "core/facts.h"

static bool
facts_same(const void *item, const void *key)
{
    const struct facts *facts = item;
    const struct function_endpoint *endpoint = key;
    return span_equal(facts->cluster_id, endpoint->key.cluster_id) &&
           span_equal(facts->scope, endpoint->scope) &&
           span_equal(facts->rpc_summary, endpoint->rpc_summary) &&
           span_equal(facts->rpc_spec, endpoint->rpc_spec) &&
           span_equal(facts->spec_digest, endpoint->spec_digest) &&
           text_list_equal(&facts->resources, &endpoint->key.resources) &&
           text_list_equal(&facts->tags, &endpoint->tags);
}

static uint64_t
hash_facts(const struct facts_table *table, const struct function_endpoint *endpoint)
{
    const struct hash_key *secret = &table->hash_key;
    uint64_t hash = hash_fold(secret, 0, endpoint->key.cluster_id);
    hash = hash_fold(secret, hash, endpoint->scope);
    hash = hash_fold(secret, hash, endpoint->rpc_summary);
    hash = hash_fold(secret, hash, endpoint->rpc_spec);
    hash = hash_fold(secret, hash, endpoint->spec_digest);
    hash = text_list_fold(secret, hash, &endpoint->key.resources);
    return text_list_fold(secret, hash, &endpoint->tags);
}

void
facts_table_init(struct facts_table *table, struct mem *mem, struct hash_key hash_key)
{
    *table = (struct facts_table){ .mem = mem, .hash_key = hash_key };
    map_init(&table->map, mem, facts_same);
}

void
facts_table_destroy(struct facts_table *table)
{
    CHECK(table->map.count == 0);
    map_destroy(&table->map);
}

static struct facts *
facts_create(struct facts_table *table, const struct function_endpoint *endpoint, uint64_t hash)
{
    const struct function_key *key = &endpoint->key;
    size_t size = sizeof(struct facts) + text_list_size(&key->resources) +
                  text_list_size(&endpoint->tags) + key->cluster_id.size + endpoint->scope.size +
                  endpoint->rpc_summary.size + endpoint->rpc_spec.size + endpoint->spec_digest.size;
    struct facts *facts = mem_take(table->mem, size);
    if (facts == NULL) {
        return NULL;
    }
    struct packer packer = pack_into(facts + 1, size - sizeof(*facts));
    struct span *resources = pack_spans(&packer, key->resources.count);
    struct span *tags = pack_spans(&packer, endpoint->tags.count);
    facts->resources = text_list_pack(&packer, resources, &key->resources);
    facts->tags = text_list_pack(&packer, tags, &endpoint->tags);
    facts->cluster_id = pack_text(&packer, key->cluster_id);
    facts->scope = pack_text(&packer, endpoint->scope);
    facts->rpc_summary = pack_text(&packer, endpoint->rpc_summary);
    facts->rpc_spec = pack_text(&packer, endpoint->rpc_spec);
    facts->spec_digest = pack_text(&packer, endpoint->spec_digest);
    pack_done(&packer);
    facts->hash = hash;
    facts->size = size;
    if (!map_insert(&table->map, hash, facts)) {
        mem_give(table->mem, facts, size);
        return NULL;
    }
    return facts;
}

struct facts *
facts_hold(struct facts_table *table, const struct function_endpoint *endpoint)
{
    struct facts *facts = table->recent;
    if (facts == NULL || !facts_same(facts, endpoint)) {
        uint64_t hash = hash_facts(table, endpoint);
        facts = map_find(&table->map, hash, endpoint);
        facts = facts != NULL ? facts : facts_create(table, endpoint, hash);
    }
    if (facts != NULL) {
        table->recent = facts;
        CHECK(facts->holders < UINT32_MAX);
        facts->holders++;
    }
    return facts;
}

void
facts_release(struct facts_table *table, struct facts *facts)
{
    CHECK(facts->holders > 0);
    facts->holders--;
    if (facts->holders == 0) {
        const struct function_endpoint key = {
            .key = { .cluster_id = facts->cluster_id, .resources = facts->resources },
            .scope = facts->scope,
            .tags = facts->tags,
            .rpc_summary = facts->rpc_summary,
            .rpc_spec = facts->rpc_spec,
            .spec_digest = facts->spec_digest,
        };
        table->recent = table->recent == facts ? NULL : table->recent;
        map_remove(&table->map, facts->hash, &key);
        mem_give(table->mem, facts, facts->size);
    }
}
