/* SPDX-License-Identifier: Apache-2.0 */
/* rib_decide.c - the decision, step by step as its header numbers them. */
#include "bridge/rib_decide.h"

#include "bridge/rib_state.h"

struct rib_rank
rib_rank_of(const struct rib *rib, const struct rib_import *import)
{
    const struct rib_link *port = &rib->links[import->link];
    const struct advertisement *out = kept_attributes(&import->out);
    return (struct rib_rank){
        .preference = out->preference,
        .freshness = rib_import_is_stale(rib, import)     ? RIB_STALE
                     : rib_import_is_doubted(rib, import) ? RIB_DOUBTED
                                                          : RIB_FRESH,
        .hops = out->path.count,
        .cost = out->cost,
        .distance = port->distance,
        .bridge = span_from(port->bridge, port->bridge_size),
        .link = import->link,
        .route_id = import->route_id,
    };
}

/* Below 0: a wins this step; 0: it does not decide. */
static int
compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int
decide_step(uint32_t step, const struct rib_rank *a, const struct rib_rank *b)
{
    switch (step) {
    case 1:
        return compare(b->preference, a->preference);
    case 2:
        return compare(a->freshness, b->freshness);
    case 3:
        return compare(a->hops, b->hops);
    case 4:
        return compare(a->cost, b->cost);
    case 5:
        return compare(a->distance, b->distance);
    case 6:
        return span_compare(a->bridge, b->bridge);
    case 7:
        return compare(a->link, b->link);
    default:
        return compare(a->route_id, b->route_id);
    }
}

uint32_t
rib_decide(const struct rib_rank *a, const struct rib_rank *b, bool *a_wins)
{
    *a_wins = true;
    for (uint32_t step = 1; step <= RIB_DECIDE_STEPS; step++) {
        int order = decide_step(step, a, b);
        if (order != 0) {
            *a_wins = order < 0;
            return step;
        }
    }
    return 0;
}

uint32_t
rib_offer_candidate_count(const struct rib_offer *offer)
{
    uint32_t count = 0;
    for (const struct list *at = offer->candidates.next; at != &offer->candidates; at = at->next) {
        count++;
    }
    return count;
}

uint32_t
rib_import_beaten_by(const struct rib *rib, const struct rib_import *import)
{
    if (import->offer == NULL || import->offer->chosen == NULL) {
        return 0;
    }
    struct rib_rank chosen = rib_rank_of(rib, import->offer->chosen);
    struct rib_rank other = rib_rank_of(rib, import);
    bool wins;
    uint32_t step = rib_decide(&chosen, &other, &wins);
    return wins ? step : 0;
}

const char *
rib_decision_name(uint32_t step)
{
    static const char *const names[RIB_DECIDE_STEPS + 1] = { "only", "preference", "freshness",
        "hops", "cost", "round_trip", "bridge", "link", "route" };
    return step <= RIB_DECIDE_STEPS ? names[step] : "unknown";
}
