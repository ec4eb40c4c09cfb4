/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_route.c - over which link a call goes: any of those that are as good as the best, one after the other.
 *
 * The cluster sees one choice (rib_decide.h), which is made when tables change; a call looks at what can carry it
 * now, since a link may have broken since, or be one of several that lead to bridges side by side.
 */
#include "bridge/rib_decide.h"
#include "bridge/rib_state.h"

/* A neighbour may announce one function under any number of routes; more of them than this are not looked at. */
#define ROUTES_LOOKED_AT_MAX 64u

struct routing {
    const struct rib *rib;
    const struct rib_route_query *query;
    const struct rib_import *found;
    struct rib_rank best;
    uint64_t equals; /* as good as the best, and seen so far */
};

static bool
can_carry(const struct routing *routing, const struct rib_import *import)
{
    const struct rib_route_query *query = routing->query;
    struct span federation = routing->rib->config.link_federations[import->link];
    return (query->tried >> import->link & 1) == 0 &&
           (query->federation.size == 0 || span_equal(query->federation, federation)) &&
           rib_may_offer(routing->rib, import) && query->usable(query->owner, import);
}

/* The first pass finds out how good the best are, and how many; the second takes the one whose turn it is. */
static void
consider(struct routing *routing, const struct rib_import *import)
{
    struct rib_rank rank = rib_rank_of(routing->rib, import);
    bool wins = true;
    uint32_t step = routing->found == NULL ? 1 : rib_decide(&rank, &routing->best, &wins);
    bool decided = step != 0 && step <= RIB_DECIDE_BETTER;
    routing->equals = !decided ? routing->equals + 1 : wins ? 1 : routing->equals;
    if (wins) {
        routing->found = import;
        routing->best = rank;
    }
}

static bool
is_equal(const struct routing *routing, const struct rib_import *import)
{
    struct rib_rank rank = rib_rank_of(routing->rib, import);
    bool wins;
    uint32_t step = rib_decide(&rank, &routing->best, &wins);
    return step == 0 || step > RIB_DECIDE_BETTER;
}

static const struct rib_import *
next_candidate(const struct rib_offer *offer, const struct list **at, uint32_t *looked_at)
{
    *at = *at == NULL ? offer->candidates.next : (*at)->next;
    (*looked_at)++;
    bool ends = *at == &offer->candidates || *looked_at > ROUTES_LOOKED_AT_MAX;
    return ends ? NULL : CONTAINER_OF(*at, struct rib_import, in_offer);
}

const struct rib_import *
rib_route(const struct rib *rib, const struct rib_offer *offer, const struct rib_route_query *query)
{
    struct routing routing = { .rib = rib, .query = query };
    const struct rib_import *import;
    const struct list *at = NULL;
    uint32_t looked_at = 0;
    while ((import = next_candidate(offer, &at, &looked_at)) != NULL) {
        if (can_carry(&routing, import)) {
            consider(&routing, import);
        }
    }
    if (routing.equals < 2) {
        return routing.found;
    }
    uint64_t turn = query->turn % routing.equals;
    at = NULL;
    looked_at = 0;
    while ((import = next_candidate(offer, &at, &looked_at)) != NULL) {
        if (can_carry(&routing, import) && is_equal(&routing, import) && turn-- == 0) {
            return import;
        }
    }
    return routing.found;
}

const struct rib_import *
rib_route_over(const struct rib *rib, struct span name, uint32_t link)
{
    const struct rib_name *known = rib_name_find(rib, name);
    if (known == NULL) {
        return NULL;
    }
    LIST_EACH (offer_at, &known->offers) {
        const struct rib_offer *offer = CONTAINER_OF(offer_at, struct rib_offer, in_name);
        const struct rib_import *import;
        const struct list *at = NULL;
        uint32_t looked_at = 0;
        while ((import = next_candidate(offer, &at, &looked_at)) != NULL) {
            if (import->link == link) {
                return import;
            }
        }
    }
    return NULL;
}

bool
rib_has_choice(const struct rib_offer *offer)
{
    return offer->candidates.next != offer->candidates.prev;
}

uint64_t
rib_offer_mark(const struct rib *rib, const struct rib_offer *offer)
{
    const struct function_identity identity = rib_offer_identity(offer);
    const struct text_list resources = rib_offer_resources(offer);
    return rib_hash_identity(rib, &identity, &resources);
}

const struct rib_offer *
rib_find_offer(const struct rib *rib, struct span name, uint64_t mark)
{
    const struct rib_name *known = rib_name_find(rib, name);
    if (known == NULL) {
        return NULL;
    }
    LIST_EACH (at, &known->offers) {
        const struct rib_offer *offer = CONTAINER_OF(at, struct rib_offer, in_name);
        if (rib_offer_mark(rib, offer) == mark) {
            return offer;
        }
    }
    return NULL;
}
