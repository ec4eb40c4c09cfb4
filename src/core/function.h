/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function.h - what a cluster knows of a function and of a node: the values that gossip carries (protocol.md 4.2).
 *
 * All texts are spans that borrow from whoever decoded or stored the value. Times are Unix times of the *advertiser's*
 * clock; whether an entry is still alive is judged by the reader's clock (function_alive).
 */
#ifndef CORE_FUNCTION_H
#define CORE_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/instant.h"
#include "base/pack.h"
#include "base/span.h"
#include "core/version.h"

/* A function with this tag may be called twice for once: a call whose end nobody knows can be made again. */
#define FUNCTION_TAG_IDEMPOTENT "idempotent"

/* A list of texts, in the order they came. */
struct text_list {
    const struct span *items;
    uint32_t count;
};

struct identity;

struct function_identity {
    struct span name;
    struct span function_id;
    struct span version_text; /* as it was written; keys compare the parsed version */
    struct version version;
    struct identity *kept; /* that it is a view of (core/identity.h), or NULL */
};

/* Names one advertisement: a removal matches only when all of it is equal (protocol.md 4.2). */
struct function_key {
    struct span cluster_id;
    struct span node_id;
    struct function_identity identity;
    struct text_list resources; /* compared as a set */
};

struct function_endpoint {
    struct function_key key;
    struct span scope; /* "zone" when absent */
    struct text_list tags;
    struct wall advertised_at;
    uint64_t ttl_ns;
    struct span rpc_summary; /* raw JSON, or empty */
    struct span rpc_spec;    /* raw JSON, or empty */
    struct span spec_digest; /* or empty */
};

struct node_key {
    struct span cluster_id;
    struct span node_id;
};

struct node_descriptor {
    struct node_key key;
    struct span region; /* or empty */
    struct span scope;
    struct text_list tags;
    struct text_list resources;
    struct text_list capabilities;
    struct span transport_endpoints; /* raw JSON array, or empty */
    struct span dial_url; /* the best ws:// or wss:// of transport_endpoints, else node_id */
    struct wall advertised_at;
    uint64_t ttl_ns;
};

bool text_list_has(const struct text_list *list, struct span text);

/* Every text of `part` is in `whole`. An empty part is always inside. */
bool text_list_includes(const struct text_list *whole, const struct text_list *part);

/* Equal in this order. */
bool text_list_equal(const struct text_list *a, const struct text_list *b);
/* Its texts, in their order, folded into `hash`. */
uint64_t text_list_fold(const struct hash_key *secret, uint64_t hash, const struct text_list *list);

/* Equal as sets. */
bool text_list_same(const struct text_list *a, const struct text_list *b);

/* Bytes that text_list_pack needs behind `spans`, and all of them with the array of spans. */
size_t text_list_text_size(const struct text_list *list);
size_t text_list_size(const struct text_list *list);

/* Copy the list's texts; `spans` has room for list->count and becomes the items. */
struct text_list text_list_pack(
    struct packer *packer, struct span *spans, const struct text_list *list);

bool function_identity_equal(const struct function_identity *a, const struct function_identity *b);
bool function_key_equal(const struct function_key *a, const struct function_key *b);

/* advertised_at + ttl has not passed (protocol.md 4.3). */
bool function_alive(struct wall advertised_at, uint64_t ttl_ns, struct wall now);

#endif
