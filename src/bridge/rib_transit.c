/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_transit.c - from one link to the others: the import that was chosen for an offer becomes a service as well.
 *
 * It carries the path it came by and our own federation behind it, and one hop less, so that no loop closes whatever
 * policies say. It also says whether somebody doubts it: two federations that take each other's way to be better than their
 * own would change places for ever (docs/adr/0025-doubt-travels.md). A choice that changes and changes back within one step
 * makes no difference to anybody: what follows it waits for rib_pass_on().
 */
#include "bridge/rib_state.h"

void
rib_transit_follow(struct rib *rib, struct rib_offer *offer)
{
    bool wants = rib->passes_through && offer->chosen != NULL;
    list_remove(&offer->transit_change);
    if (wants || offer->transit != NULL) {
        list_push(&rib->transit_changes, &offer->transit_change);
    }
}

void
rib_transit_end(struct rib *rib, struct rib_offer *offer)
{
    struct rib_service *service = offer->transit;
    list_remove(&offer->transit_change);
    offer->transit = NULL;
    if (service != NULL) {
        rib_service_release(rib, service);
    }
}

/* As export policy sees it. NULL in .path.items: no memory. */
static struct advertisement
facts_of(struct rib *rib, const struct rib_import *import)
{
    struct advertisement facts = rib_import_out(import);
    const struct advertisement *in = kept_attributes(&import->in);
    const struct text_list *path = &in->path;
    struct span *longer = arena_take(&rib->transit_scratch, (path->count + 1) * sizeof(*longer));
    for (uint32_t i = 0; longer != NULL && i < path->count; i++) {
        longer[i] = path->items[i];
    }
    if (longer != NULL) {
        longer[path->count] = rib->config.federation;
    }
    facts.path = (struct text_list){ .items = longer, .count = path->count + 1 };
    facts.origin = in->origin;
    facts.hops_left = in->hops_left - 1;
    facts.doubted = rib_import_is_doubted(rib, import);
    facts.preference = ADVERTISEMENT_PREFERENCE_DEFAULT;
    return facts;
}

/*
 * What is stale is passed on as long as it was before, and not anew: those who lost a neighbour at once, and go over each
 * other until they see that there is no way, would start again when they fall back on what they have.
 */
static bool
may_pass_on(const struct rib *rib, const struct rib_import *import,
    const struct rib_service *before, const struct advertisement *facts)
{
    bool stands =
        before != NULL && text_list_equal(&kept_attributes(&before->facts)->path, &facts->path);
    return facts->path.items != NULL && (stands || !rib_import_is_stale(rib, import));
}

static void
pass_on(struct rib *rib, struct rib_offer *offer)
{
    struct rib_service *before = offer->transit;
    const struct rib_import *import = rib->passes_through ? offer->chosen : NULL;
    offer->transit = NULL;
    arena_reset(&rib->transit_scratch);
    if (import != NULL) {
        struct advertisement facts = facts_of(rib, import);
        /* The new one first: an export that both belong to stays up. */
        offer->transit =
            may_pass_on(rib, import, before, &facts) ? rib_service_hold(rib, &facts, import) : NULL;
    }
    if (before != NULL) {
        rib_service_release(rib, before);
    }
}

void
rib_pass_on(struct rib *rib)
{
    while (!list_empty(&rib->transit_changes)) {
        struct rib_offer *offer =
            CONTAINER_OF(rib->transit_changes.next, struct rib_offer, transit_change);
        list_remove(&offer->transit_change);
        pass_on(rib, offer);
    }
}
