/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.h - everything that one cluster advertises, as this process knows it.
 *
 * Rules (protocol.md 4.2, 4.3): an entry is alive while now <= advertised_at + ttl by *our* clock; an
 * update needs a strictly newer advertised_at, or the same with a longer ttl; a removal needs the
 * exact key; a name has one function_id and an id one name. Unlike the reference, expired entries
 * are freed and the name is then free for another id.
 *
 * An entry whose node died or said goodbye comes back only with a newer advertised_at than the node
 * had shown before, so that gossip still under way cannot raise the dead (a tombstone, kept for
 * CATALOG_TOMBSTONE_NS).
 *
 * The listener hears of each change after it happened (REMOVED: before the entry is freed) and must
 * not change the catalog from there.
 */
#ifndef CORE_CATALOG_H
#define CORE_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/facts.h"
#include "core/function.h"
#include "core/identity.h"
#include "core/prune.h"

/* Longer than any TTL in use (120 s): what was advertised before a death has expired by then. */
#define CATALOG_TOMBSTONE_NS (UINT64_C(300) * SEC_NS)

struct catalog;

/* One endpoint. catalog_endpoint() shows it. */
struct catalog_entry {
    struct identity *identity;
    struct facts *facts;
    struct catalog_node *node;
    struct wall advertised_at;
    uint64_t ttl_ns;
    struct wall learnt_at;
    void *context; /* the member's, for what this process offers; kept over updates */
    /* Private to catalog.c. */
    struct heap_node expiry;
    struct list in_name;
    struct list in_node;
    struct list in_catalog;
};

struct catalog_node {
    struct node_descriptor descriptor; /* key.node_id is always set, the rest when `described` */
    bool described;
    struct wall withdrawn; /* the newest advertised_at of what catalog_remove() took */
    /* Private to catalog.c. */
    struct heap_node expiry; /* of the descriptor, or of the tombstone */
    struct list functions;
    struct wall newest; /* the newest advertised_at seen of this node */
    bool dead;          /* a tombstone: entries need to be newer than `newest` */
    uint8_t *text;      /* what the descriptor points into */
    size_t text_size;
    size_t id_size;
};

enum catalog_change_kind {
    CATALOG_ADDED = 0,
    CATALOG_CHANGED, /* same key, other tags, scope or summary; not for a mere refresh */
    CATALOG_REMOVED,
};

struct catalog_change {
    enum catalog_change_kind kind;
    const struct catalog_entry *entry;
    const struct catalog_entry *old; /* CATALOG_CHANGED: what it was */
    enum prune_reason reason;        /* CATALOG_REMOVED */
};

struct catalog_listener {
    void *owner;
    void (*changed)(void *owner, const struct catalog_change *change);
};

enum catalog_result {
    CATALOG_OK = 0,      /* new, or something besides its times changed */
    CATALOG_REFRESHED,   /* known; lives longer now */
    CATALOG_STALE,       /* not newer than what we have, or than its node's tombstone */
    CATALOG_EXPIRED,     /* its time is already over */
    CATALOG_ID_CONFLICT, /* its name has another id, or its id another name */
    CATALOG_FULL,        /* over CATALOG_FUNCTIONS_MAX or out of memory */
    CATALOG_UNKNOWN,     /* nothing has this key */
};

struct catalog_config {
    struct mem *mem;
    struct hash_key hash_key;
    uint32_t function_count_max; /* <= CATALOG_FUNCTIONS_MAX */
    uint32_t node_count_max;     /* nodes with a descriptor, a function or a tombstone */
    struct catalog_listener listener;
};

/* NULL: no memory. */
MUST_CHECK struct catalog *catalog_create(const struct catalog_config *config);
void catalog_free(struct catalog *catalog);

/* Texts are copied. `now` is the reader's clock. */
MUST_CHECK enum catalog_result catalog_put(
    struct catalog *catalog, const struct function_endpoint *endpoint, struct wall now);
MUST_CHECK enum catalog_result catalog_put_node(
    struct catalog *catalog, const struct node_descriptor *node, struct wall now);

/* CATALOG_OK or CATALOG_UNKNOWN. */
enum catalog_result catalog_remove(
    struct catalog *catalog, const struct function_key *key, enum prune_reason reason);

/* Its descriptor and all its functions go; a tombstone stays. CATALOG_OK or CATALOG_UNKNOWN. */
enum catalog_result catalog_remove_node(
    struct catalog *catalog, struct span node_id, enum prune_reason reason, struct wall now);

/* Remove what is over; catalog_deadline() is when something will be next (.ns INT64_MAX: never). */
void catalog_expire(struct catalog *catalog, struct wall now);
struct wall catalog_deadline(const struct catalog *catalog);

/* Give an entry its context, or take it away. CATALOG_OK or CATALOG_UNKNOWN. */
enum catalog_result catalog_set_context(
    struct catalog *catalog, const struct function_key *key, void *context);

/* A view. Its texts live as long as the entry. */
struct function_endpoint catalog_endpoint(const struct catalog_entry *entry);

/* A hint that the function is about to be put or found. */
void catalog_prefetch(const struct catalog *catalog, const struct function_key *key);

const struct catalog_entry *catalog_find(
    const struct catalog *catalog, const struct function_key *key);
const struct catalog_node *catalog_find_node(const struct catalog *catalog, struct span node_id);

/* The id that `name` has here, or an empty span when nobody advertises it. */
struct span catalog_id_of(const struct catalog *catalog, struct span name);

/* Iterate, in no promised order: *cursor starts as 0, NULL at the end. No changes meanwhile. */
const struct catalog_entry *catalog_next(const struct catalog *catalog, size_t *cursor);
/*
 * A walk in pieces, between which entries may come and go. It meets each that is there from its beginning to its end,
 * once, and none that comes later. All zero, or ended, it is over; it has to be before it is freed.
 */
struct catalog_walk {
    struct list *at; /* of the entry that is next; NULL: it is over */
    struct list in_catalog;
};
void catalog_walk_begin(struct catalog *catalog, struct catalog_walk *walk);
/* NULL: there are no more, and the walk is over. */
const struct catalog_entry *catalog_walk_next(struct catalog *catalog, struct catalog_walk *walk);
void catalog_walk_end(struct catalog_walk *walk);

/* Nodes with a descriptor only. */
const struct catalog_node *catalog_next_node(const struct catalog *catalog, size_t *cursor);

/* The functions of one node: start with NULL, until NULL. */
const struct catalog_entry *catalog_next_of_node(
    const struct catalog_node *node, const struct catalog_entry *entry);

/* The functions of one name, alive or not: start with NULL, until NULL. */
const struct catalog_entry *catalog_next_named(
    const struct catalog *catalog, struct span name, const struct catalog_entry *entry);

uint32_t catalog_count(const struct catalog *catalog);
uint32_t catalog_node_count(const struct catalog *catalog);

/* How many entries were removed, by reason. */
const uint64_t *catalog_prunes(const struct catalog *catalog);

/* Whom to call. Empty texts and lists mean "any". */
struct catalog_query {
    struct span function;
    struct text_list functions; /* names that serve as well as `function` */
    struct span function_id;
    struct version_constraint constraint;
    struct text_list resources; /* the endpoint must have all */
    struct span target_cluster;
    struct span target_node;
    struct span local_cluster; /* entries of it win over all others */
    struct span except_node;   /* never this one; empty: no exception */
    void *filter_owner;
    /* Optional: false means never this endpoint. */
    bool (*filter)(void *filter_owner, const struct catalog_entry *entry);
};

/* How loaded a node is; lower is better (protocol.md 6.2). */
struct catalog_load {
    void *owner;
    uint64_t (*score)(void *owner, struct span node_id);
};

/*
 * The endpoint to call, or NULL: of the live ones that match, those of the local cluster first, then
 * the smallest (load, cluster_id, node_id, function_id, version): the reference's choice, except
 * that versions order as numbers, the newest first.
 */
const struct catalog_entry *catalog_select(const struct catalog *catalog,
    const struct catalog_query *query, const struct catalog_load *load, struct wall now);

const char *catalog_result_name(enum catalog_result result);

#endif
