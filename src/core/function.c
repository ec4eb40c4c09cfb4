/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function.c - equality and liveness of what a cluster advertises.
 */
#include "core/function.h"

bool
text_list_has(const struct text_list *list, struct span text)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (span_equal(list->items[i], text)) {
            return true;
        }
    }
    return false;
}

bool
text_list_includes(const struct text_list *whole, const struct text_list *part)
{
    for (uint32_t i = 0; i < part->count; i++) {
        if (!text_list_has(whole, part->items[i])) {
            return false;
        }
    }
    return true;
}

bool
text_list_same(const struct text_list *a, const struct text_list *b)
{
    return text_list_includes(a, b) && text_list_includes(b, a);
}

bool
text_list_equal(const struct text_list *a, const struct text_list *b)
{
    bool equal = a->count == b->count;
    for (uint32_t i = 0; equal && i < a->count; i++) {
        equal = span_equal(a->items[i], b->items[i]);
    }
    return equal;
}

uint64_t
text_list_fold(const struct hash_key *secret, uint64_t hash, const struct text_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        hash = hash_fold(secret, hash, list->items[i]);
    }
    return hash + list->count;
}

size_t
text_list_text_size(const struct text_list *list)
{
    size_t size = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        size += list->items[i].size;
    }
    return size;
}

size_t
text_list_size(const struct text_list *list)
{
    return list->count * sizeof(struct span) + text_list_text_size(list);
}

struct text_list
text_list_pack(struct packer *packer, struct span *spans, const struct text_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        spans[i] = pack_text(packer, list->items[i]);
    }
    return (struct text_list){ .items = spans, .count = list->count };
}

bool
function_identity_equal(const struct function_identity *a, const struct function_identity *b)
{
    return span_equal(a->name, b->name) && span_equal(a->function_id, b->function_id) &&
           version_compare(a->version, b->version) == 0;
}

bool
function_key_equal(const struct function_key *a, const struct function_key *b)
{
    return span_equal(a->cluster_id, b->cluster_id) && span_equal(a->node_id, b->node_id) &&
           function_identity_equal(&a->identity, &b->identity) &&
           text_list_same(&a->resources, &b->resources);
}

bool
function_alive(struct wall advertised_at, uint64_t ttl_ns, struct wall now)
{
    return now.ns <= wall_after(advertised_at, ttl_ns).ns;
}
