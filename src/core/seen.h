/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seen.h - have we passed this message on already? A bounded memory of message ids.
 *
 * Two generations of hashes: when the younger is full the older is forgotten, so at least
 * GOSSIP_SEEN_MAX / 2 ids are remembered at any time. Hashes are keyed, so a peer cannot choose ids
 * that look seen.
 */
#ifndef CORE_SEEN_H
#define CORE_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "core/limits.h"

/* Half full at most. */
#define SEEN_SLOTS GOSSIP_SEEN_MAX

struct seen {
    struct hash_key hash_key;
    uint32_t young;                /* index of the generation that grows */
    uint32_t count;                /* ids in it */
    uint64_t slots[2][SEEN_SLOTS]; /* 0: free */
};

void seen_init(struct seen *seen, struct hash_key hash_key);

/* Remember `id`. true: it was new. */
bool seen_add(struct seen *seen, struct span id);

#endif
