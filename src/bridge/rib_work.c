/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_work.c - judging and comparing again what is known, in pieces.
 *
 * A walk goes over the services and then over the link's imports, and does what it finds with an old stamp. Entries
 * move in a map when others come and go between two pieces, so a walk comes round until nothing is left: what is
 * left is counted, not guessed from where the walk stands.
 */
#include "bridge/rib_state.h"

/* What was done already is passed over, which costs about so much less. */
#define VISITS_PER_JUDGEMENT 32u

/* One kind of walk over one link. */
struct walker {
    struct rib *rib;
    uint32_t link;
    struct rib_walk *walk;
    const uint64_t *left;
    /* Do what is due with a slot or an import; false: nothing was. The import may be freed. */
    bool (*visit_slot)(struct walker *walker, struct rib_slot *slot);
    bool (*visit_import)(struct walker *walker, struct rib_import *import);
};

static bool
judge_slot(struct walker *walker, struct rib_slot *slot)
{
    bool due = slot->judged != walker->rib->links[walker->link].stamp;
    if (due) {
        rib_rejudge_slot(walker->rib, slot, walker->link);
    }
    return due;
}

static bool
judge_import(struct walker *walker, struct rib_import *import)
{
    bool due = import->judged != walker->rib->links[walker->link].stamp;
    if (due) {
        rib_rejudge_import(walker->rib, import);
    }
    return due;
}

static bool
compare_slot(struct walker *walker, struct rib_slot *slot)
{
    bool due = slot->compared != walker->rib->links[walker->link].candidate.stamp;
    if (due) {
        const struct advertisement facts = kept_view(&rib_slot_service(slot)->facts);
        rib_compare(walker->rib, walker->link, POLICY_EXPORT, &facts);
        rib_mark_compared(walker->rib, walker->link, &slot->compared);
    }
    return due;
}

static bool
compare_import(struct walker *walker, struct rib_import *import)
{
    bool due = import->compared != walker->rib->links[walker->link].candidate.stamp;
    if (due) {
        /* What no rule is asked about does not depend on which rules there are. */
        if (rib_import_is_for_rules(walker->rib, import)) {
            const struct advertisement in = rib_import_in(import);
            rib_compare(walker->rib, walker->link, POLICY_IMPORT, &in);
        }
        rib_mark_compared(walker->rib, walker->link, &import->compared);
    }
    return due;
}

/* The next entry of the walk's table. false: it has none left, and the walk is at the other one now. */
static bool
visit_next(struct walker *walker, bool *did)
{
    struct rib_walk *walk = walker->walk;
    struct rib *rib = walker->rib;
    if (walk->in_imports) {
        struct rib_import *import = map_next(&rib->links[walker->link].imports, &walk->cursor);
        *did = import != NULL && walker->visit_import(walker, import);
        return import != NULL;
    }
    struct rib_service *service = map_next(&rib->services, &walk->cursor);
    *did = service != NULL && walker->visit_slot(walker, &service->slots[walker->link]);
    return service != NULL;
}

static uint32_t
walk(struct walker *walker, uint32_t budget)
{
    struct rib_walk *walk = walker->walk;
    uint64_t visits_left = (uint64_t)budget * VISITS_PER_JUDGEMENT;
    uint32_t done = 0;
    while (done < budget && visits_left > 0 && *walker->left > 0) {
        bool did;
        visits_left--;
        if (!visit_next(walker, &did)) {
            *walk = (struct rib_walk){ .in_imports = !walk->in_imports };
        }
        done += did;
    }
    return done;
}

bool
rib_has_work(const struct rib *rib)
{
    for (uint32_t i = 0; i < rib->config.link_count; i++) {
        const struct rib_link *port = &rib->links[i];
        if (port->left > 0 || port->candidate.left > 0 || rib_hearing_walks(&port->hearing)) {
            return true;
        }
    }
    return rib_damping_has_work(rib);
}

bool
rib_work(struct rib *rib, uint32_t budget)
{
    budget -= rib_damping_work(rib, budget);
    for (uint32_t i = 0; i < rib->config.link_count; i++) {
        struct rib_link *port = &rib->links[i];
        struct walker judging = {
            .rib = rib,
            .link = i,
            .walk = &port->judging,
            .left = &port->left,
            .visit_slot = judge_slot,
            .visit_import = judge_import,
        };
        struct walker comparing = {
            .rib = rib,
            .link = i,
            .walk = &port->comparing,
            .left = &port->candidate.left,
            .visit_slot = compare_slot,
            .visit_import = compare_import,
        };
        budget -= rib_hear_work(rib, i, budget);
        budget -= walk(&judging, budget);
        budget -= walk(&comparing, budget);
    }
    return rib_has_work(rib);
}
