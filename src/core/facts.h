/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts.h - what endpoints of a cluster say besides who they are and how long they live, kept once.
 *
 * A node tells of thousands of functions with the same tags and scope. A catalog keeps one block of each kind, counted;
 * entries point to it. Only functions that come with a specification of their own have a block of their own.
 */
#ifndef CORE_FACTS_H
#define CORE_FACTS_H

#include "base/hash.h"
#include "base/map.h"
#include "core/function.h"

/* Lists in the order they came. Texts live as long as it is held. */
struct facts {
    struct span cluster_id;
    struct span scope;
    struct text_list resources;
    struct text_list tags;
    struct span rpc_summary;
    struct span rpc_spec;
    struct span spec_digest;
    /* Private to facts.c. */
    uint64_t hash;
    size_t size;
    uint32_t holders;
};

struct facts_table {
    struct mem *mem;
    struct hash_key hash_key;
    struct map map;
    struct facts *recent; /* found last, or NULL: neighbours tend to be alike */
};

void facts_table_init(struct facts_table *table, struct mem *mem, struct hash_key hash_key);
/* Nothing is held any more. */
void facts_table_destroy(struct facts_table *table);

/* One more holds the facts of `endpoint`. NULL: no memory. */
MUST_CHECK struct facts *facts_hold(
    struct facts_table *table, const struct function_endpoint *endpoint);
/* One less; the last one frees them. */
void facts_release(struct facts_table *table, struct facts *facts);

#endif
