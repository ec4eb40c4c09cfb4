/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept.h - advertisements as the RIB keeps them: two pointers each, and what they share.
 *
 * Of a million functions each has its own name, but their tags, scopes, paths and costs repeat. So what is kept is an
 * identity (core/identity.h), which is shared with the table that the advertisement came from, and its attributes: all
 * the rest, in one block of which there is one of each kind. BGP daemons keep path attributes in this way.
 *
 * Readers get a view, that is a struct advertisement whose texts live as long as what is kept.
 */
#ifndef BRIDGE_KEPT_H
#define BRIDGE_KEPT_H

#include "base/hash.h"
#include "base/map.h"
#include "bridge/advertisement.h"
#include "core/identity.h"

struct attributes;

struct kept {
    struct identity *identity; /* NULL: nothing is kept */
    struct attributes *attributes;
};

struct kept_table {
    struct mem *mem;
    struct hash_key hash_key;
    struct map attributes;
    struct attributes *recent; /* found last, or NULL: neighbours tend to be alike */
};

void kept_table_init(struct kept_table *table, struct mem *mem, struct hash_key hash_key);
/* Nothing is kept any more. */
void kept_table_destroy(struct kept_table *table);

/* *kept holds nothing before. false: no memory, and it still does not. */
MUST_CHECK bool kept_set(
    struct kept_table *table, struct kept *kept, const struct advertisement *from);
/* Holds nothing afterwards, as it may before. */
void kept_drop(struct kept_table *table, struct kept *kept);

/* Something is kept. */
struct advertisement kept_view(const struct kept *kept);
/* Without the identity. Lives as long as it is kept. */
const struct advertisement *kept_attributes(const struct kept *kept);

/* What the texts and lists of an advertisement take by themselves: the most that keeping it needs besides its structs. */
size_t advertisement_size(const struct advertisement *advertisement);

#endif
