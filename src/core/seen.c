/* SPDX-License-Identifier: Apache-2.0 */
/* seen.c - two open-addressing sets of hashes that take turns. */
#include "core/seen.h"

#include <string.h>

static_assert((SEEN_SLOTS & (SEEN_SLOTS - 1)) == 0, "slots are found by masking");

void
seen_init(struct seen *seen, struct hash_key hash_key)
{
    memset(seen, 0, sizeof(*seen));
    seen->hash_key = hash_key;
}

/* The slot that holds `hash`, or the free one where it belongs. A set is never full. */
static uint64_t *
find(uint64_t *slots, uint64_t hash)
{
    size_t at = hash & (SEEN_SLOTS - 1);
    while (slots[at] != 0 && slots[at] != hash) {
        at = (at + 1) & (SEEN_SLOTS - 1);
    }
    return &slots[at];
}

bool
seen_add(struct seen *seen, struct span id)
{
    uint64_t hash = hash_bytes(&seen->hash_key, id);
    hash = hash == 0 ? 1 : hash;
    if (*find(seen->slots[1 - seen->young], hash) != 0) {
        return false;
    }
    uint64_t *slot = find(seen->slots[seen->young], hash);
    if (*slot != 0) {
        return false;
    }
    *slot = hash;
    if (++seen->count >= SEEN_SLOTS / 2) {
        seen->young = 1 - seen->young;
        seen->count = 0;
        memset(seen->slots[seen->young], 0, sizeof(seen->slots[seen->young]));
    }
    return true;
}
