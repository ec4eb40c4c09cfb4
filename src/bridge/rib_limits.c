/* SPDX-License-Identifier: Apache-2.0 */
/* rib_limits.c - how much a link brings, and how much of that its policy lets in (policy_import_limits). */
#include "bridge/rib_state.h"

/* What an advertisement of this size comes to. */
static uint64_t
cost_of(size_t in_size, enum policy_limit_kind kind)
{
    switch (kind) {
    case POLICY_LIMIT_FUNCTIONS:
        return 1;
    case POLICY_LIMIT_BYTES:
        return in_size;
    }
    return 0;
}

void
rib_limit_count(uint64_t counts[POLICY_LIMIT_KIND_COUNT], const struct rib_import *import)
{
    for (uint32_t kind = 0; kind < POLICY_LIMIT_KIND_COUNT; kind++) {
        counts[kind] += cost_of(import->in_size, (enum policy_limit_kind)kind);
    }
}

void
rib_limit_discount(uint64_t counts[POLICY_LIMIT_KIND_COUNT], const struct rib_import *import)
{
    for (uint32_t kind = 0; kind < POLICY_LIMIT_KIND_COUNT; kind++) {
        counts[kind] -= cost_of(import->in_size, (enum policy_limit_kind)kind);
    }
}

/* How much may come before the link's policy blocks; UINT64_MAX: it does not. */
static uint64_t
blocks_above(const struct rib_link *port, enum policy_limit_kind kind)
{
    if (port->policy == NULL) {
        return UINT64_MAX;
    }
    const struct policy_table_limit *limit = &policy_import_limits(port->policy)->table[kind];
    return limit->max == 0 || limit->action != POLICY_LIMIT_BLOCK ? UINT64_MAX : limit->max;
}

/* What is not blocked. */
static uint64_t
count_admitted(const struct rib *rib, uint32_t link, enum policy_limit_kind kind)
{
    return rib->counts.table[link][kind] - rib->counts.table_blocked[link][kind];
}

/* Whether limits let an advertisement of this size in, in the place of `known` (or NULL); if not, *kind is the first. */
bool
rib_limit_has_room(const struct rib *rib, uint32_t link, size_t in_size,
    const struct rib_import *known, enum policy_limit_kind *kind)
{
    for (uint32_t i = 0; i < POLICY_LIMIT_KIND_COUNT; i++) {
        *kind = (enum policy_limit_kind)i;
        uint64_t admitted = count_admitted(rib, link, *kind);
        if (known != NULL && !known->blocked) {
            admitted -= cost_of(known->in_size, *kind);
        }
        if (admitted + cost_of(in_size, *kind) > blocks_above(&rib->links[link], *kind)) {
            return false;
        }
    }
    return true;
}

/* There is more than a new policy allows. */
bool
rib_limit_is_exceeded(const struct rib *rib, uint32_t link, enum policy_limit_kind *kind)
{
    for (uint32_t i = 0; i < POLICY_LIMIT_KIND_COUNT; i++) {
        *kind = (enum policy_limit_kind)i;
        if (count_admitted(rib, link, *kind) > blocks_above(&rib->links[link], *kind)) {
            return true;
        }
    }
    return false;
}

bool
rib_over_limit(const struct rib *rib, uint32_t link, enum policy_limit_kind kind)
{
    const struct rib_link *port = &rib->links[link];
    uint64_t max = port->policy == NULL ? 0 : policy_import_limits(port->policy)->table[kind].max;
    return max > 0 && rib->counts.table[link][kind] > max;
}

struct span
rib_limit_text(enum policy_limit_kind kind)
{
    switch (kind) {
    case POLICY_LIMIT_FUNCTIONS:
        return SPAN("more functions come over this link than import.limits.functions allows");
    case POLICY_LIMIT_BYTES:
        return SPAN("what comes over this link takes more than import.limits.bytes allows");
    }
    return SPAN_NONE;
}
