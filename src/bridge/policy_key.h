/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_key.h - the keys under which the rules of a policy are found: hashed texts, each of a kind.
 *
 * Private to policy_index.c and policy_index_build.c. A literal is hashed byte by byte from its end of the name, so
 * that one walk over a name gives the hashes of all its beginnings, and one back those of all its endings.
 *
 * The hash has no secret: the keys in the table are those of the policy's author, who owns the bridge, and
 * what peers look up adds none.
 */
#ifndef BRIDGE_POLICY_KEY_H
#define BRIDGE_POLICY_KEY_H

#include <stdint.h>

#include "bridge/policy_rules.h"

#define POLICY_HASH_START UINT64_C(0xcbf29ce484222325)
#define POLICY_HASH_PRIME UINT64_C(0x100000001b3)

static inline uint64_t
policy_hash_add(uint64_t hash, uint8_t byte)
{
    return (hash ^ byte) * POLICY_HASH_PRIME;
}

/* Never 0. FNV leaves its best bits in the middle: the multiplication takes them to the top. */
static inline uint32_t
policy_key_hash(enum policy_key_kind kind, uint64_t hash)
{
    uint64_t mixed = (hash ^ (hash >> 32) ^ ((uint64_t)kind << 56)) * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t top = (uint32_t)(mixed >> 32);
    return top == 0 ? 1 : top;
}

struct policy_key {
    enum policy_key_kind kind;
    uint32_t hash;
    uint32_t size; /* of its text */
};

static inline struct policy_key
policy_key_of(enum policy_key_kind kind, struct span text)
{
    uint64_t hash = POLICY_HASH_START;
    for (size_t i = 0; i < text.size; i++) {
        hash = policy_hash_add(hash, text.data[i]);
    }
    return (struct policy_key){
        .kind = kind, .hash = policy_key_hash(kind, hash), .size = (uint32_t)text.size
    };
}

static inline struct policy_key
policy_key_of_ending(enum policy_key_kind kind, struct span text)
{
    uint64_t hash = POLICY_HASH_START;
    for (size_t i = text.size; i-- > 0;) {
        hash = policy_hash_add(hash, text.data[i]);
    }
    return (struct policy_key){
        .kind = kind, .hash = policy_key_hash(kind, hash), .size = (uint32_t)text.size
    };
}

/* Of other bits than the place in the table. */
static inline uint32_t
policy_key_filter_bit(uint32_t hash)
{
    return hash >> 16 | hash << 16;
}

/* The keys of texts at the two ends of names, or of ids. */
struct policy_key_ends {
    enum policy_key_kind whole;
    enum policy_key_kind prefix;
    enum policy_key_kind suffix;
};

static const struct policy_key_ends policy_name_ends = { POLICY_KEY_NAME, POLICY_KEY_NAME_PREFIX,
    POLICY_KEY_NAME_SUFFIX };
static const struct policy_key_ends policy_id_ends = { POLICY_KEY_ID, POLICY_KEY_ID_PREFIX,
    POLICY_KEY_ID_SUFFIX };

#endif
