/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_import.c - from the links to the cluster: import policy makes candidates, the decision makes offers.
 *
 * While a node of the cluster itself serves a name, `overlap` of the import's policy (policy.h) says whether it
 * is offered beside it.
 */
#include "bridge/rib_decide.h"
#include "bridge/rib_state.h"
#include "core/built_in.h"
#include "core/limits.h"

static struct rib_import *
find_import(const struct rib *rib, uint32_t link, uint64_t route_id)
{
    return map_find(&rib->links[link].imports, rib_hash_number(rib, route_id), &route_id);
}

/* Offers. */

static uint64_t
hash_offer(const struct rib *rib, const struct rib_offer *offer)
{
    const struct function_identity identity = rib_offer_identity(offer);
    const struct text_list resources = rib_offer_resources(offer);
    return rib_hash_identity(rib, &identity, &resources);
}

/* In no table any more. */
static void
offer_destroy(struct rib *rib, struct rib_offer *offer)
{
    kept_drop(&rib->kept, &offer->key);
    mem_give(rib->config.mem, offer, sizeof(*offer));
}

static struct rib_offer *
offer_create(struct rib *rib, const struct advertisement *out)
{
    struct rib_offer *offer = mem_take(rib->config.mem, sizeof(*offer));
    if (offer == NULL) {
        return NULL;
    }
    if (!kept_set(&rib->kept, &offer->key, out)) {
        offer_destroy(rib, offer);
        return NULL;
    }
    list_init(&offer->candidates);
    list_init(&offer->change);
    list_init(&offer->transit_change);
    return offer;
}

static struct rib_offer *
offer_ensure(struct rib *rib, const struct advertisement *out)
{
    uint64_t hash = rib_hash_identity(rib, &out->identity, &out->resources);
    map_prefetch(&rib->names, rib_hash_name(rib, out->identity.name));
    struct rib_offer *offer = map_find(&rib->offers, hash, out);
    if (offer != NULL) {
        return offer;
    }
    offer = offer_create(rib, out);
    struct rib_name *name = offer == NULL ? NULL : rib_name_ensure(rib, &out->identity);
    if (name == NULL || !map_insert(&rib->offers, hash, offer)) {
        if (name != NULL) {
            rib_name_drop_if_unused(rib, name);
        }
        if (offer != NULL) {
            offer_destroy(rib, offer);
        }
        return NULL;
    }
    offer->name = name;
    list_push(&name->offers, &offer->in_name);
    rib->counts.offers++;
    return offer;
}

static void
offer_free(struct rib *rib, struct rib_offer *offer)
{
    const struct advertisement key = kept_view(&offer->key);
    struct rib_name *name = offer->name;
    rib_transit_end(rib, offer);
    map_remove(&rib->offers, hash_offer(rib, offer), &key);
    list_remove(&offer->in_name);
    list_remove(&offer->change);
    rib->counts.offers--;
    offer_destroy(rib, offer);
    rib_name_drop_if_unused(rib, name);
}

/* Whether nodes of the cluster itself leave room for this import under their name. */
static bool
is_eligible(const struct rib *rib, const struct rib_import *import, const struct rib_name *name)
{
    struct policy *policy = rib->links[import->link].policy;
    if (name->providers == 0 || policy == NULL) {
        return name->providers == 0;
    }
    switch (policy_overlap(policy)) {
    case POLICY_OVERLAP_PREFER_LOCAL:
        return false;
    case POLICY_OVERLAP_FAILOVER:
        return rib->config.is_served != NULL &&
               !rib->config.is_served(rib->config.owner, identity_name(name->identity));
    case POLICY_OVERLAP_BALANCE:
        return true;
    }
    return false;
}

/* `best` may be NULL: nothing yet. */
static bool
is_better(const struct rib *rib, const struct rib_import *import, const struct rib_import *best)
{
    if (best == NULL) {
        return true;
    }
    bool wins;
    struct rib_rank rank = rib_rank_of(rib, import);
    struct rib_rank other = rib_rank_of(rib, best);
    return rib_decide(&rank, &other, &wins) != 0 && wins;
}

static struct rib_import *
best_candidate(const struct rib *rib, const struct rib_offer *offer)
{
    struct rib_import *best = NULL;
    LIST_EACH (link, &offer->candidates) {
        struct rib_import *import = CONTAINER_OF(link, struct rib_import, in_offer);
        bool wins = is_eligible(rib, import, offer->name) && is_better(rib, import, best);
        best = wins ? import : best;
    }
    return best;
}

static bool
is_visible(const struct rib_offer *offer)
{
    return offer->state == RIB_OFFER_MADE;
}

/* It could not be made when it was tried last. */
static bool
offer_waits(const struct rib_offer *offer)
{
    return offer->state == RIB_OFFER_CONFLICT || offer->state == RIB_OFFER_NO_ROOM;
}

/* Queue the offer when what the cluster sees has to change. It may be freed. */
static void
show_choice(struct rib *rib, struct rib_offer *offer)
{
    bool waits = offer_waits(offer);
    bool stands = offer->made != NULL && offer->made == offer->chosen;
    bool change = is_visible(offer) ? !stands : offer->chosen != NULL && !waits;
    rib_transit_follow(rib, offer);
    list_remove(&offer->change);
    if (change) {
        list_push(&rib->offer_changes, &offer->change);
    } else if (!is_visible(offer) && list_empty(&offer->candidates)) {
        offer_free(rib, offer);
    } else if (waits) {
        list_push(&rib->offers_waiting, &offer->change);
    }
}

/* Choose among all candidates. The offer may be freed. */
static void
decide(struct rib *rib, struct rib_offer *offer)
{
    offer->chosen = best_candidate(rib, offer);
    offer->decided = rib->decision;
    show_choice(rib, offer);
}

bool
rib_may_offer(const struct rib *rib, const struct rib_import *import)
{
    return is_eligible(rib, import, import->offer->name);
}

void
rib_reconsider_name(struct rib *rib, struct rib_name *name)
{
    name->pins++;
    LIST_EACH (link, &name->offers) {
        decide(rib, CONTAINER_OF(link, struct rib_offer, in_name));
    }
    name->pins--;
}

void
rib_reconsider(struct rib *rib, struct span name)
{
    struct rib_name *known = rib_name_find(rib, name);
    if (known != NULL) {
        rib_reconsider_name(rib, known);
    }
}

uint32_t
rib_offer_decided_by(const struct rib *rib, const struct rib_offer *offer)
{
    uint32_t last = 0;
    if (offer->chosen == NULL) {
        return 0;
    }
    struct rib_rank chosen = rib_rank_of(rib, offer->chosen);
    LIST_EACH (link, &offer->candidates) {
        const struct rib_import *import = CONTAINER_OF(link, struct rib_import, in_offer);
        if (is_eligible(rib, import, offer->name)) {
            bool wins;
            struct rib_rank other = rib_rank_of(rib, import);
            uint32_t step = rib_decide(&chosen, &other, &wins);
            last = step > last ? step : last;
        }
    }
    return last;
}

/* Imports. */

/* It is in the table of its link. */
static void
import_enter(struct rib *rib, struct rib_import *import)
{
    struct rib_hearing *hearing = &rib->links[import->link].hearing;
    list_push(&hearing->imports, &import->in_link);
    rib_limit_count(rib->counts.table[import->link], import);
    link_table_add(&hearing->table, import->digest);
    hearing->confirmed += import->epoch == hearing->epoch;
}

static void
import_leave(struct rib *rib, struct rib_import *import)
{
    struct rib_hearing *hearing = &rib->links[import->link].hearing;
    for (uint32_t walk = 0; walk < RIB_HEARING_WALK_COUNT; walk++) {
        if (hearing->walks[walk] == &import->in_link) {
            hearing->walks[walk] = import->in_link.next;
        }
    }
    list_remove(&import->in_link);
    rib_limit_discount(rib->counts.table[import->link], import);
    link_table_remove(&hearing->table, import->digest);
    hearing->confirmed -= import->epoch == hearing->epoch;
}

/* false: no memory, nothing changed. */
static bool
import_index(struct rib *rib, struct rib_import *import)
{
    uint64_t hash = rib_hash_number(rib, import->route_id);
    if (!map_insert(&rib->links[import->link].imports, hash, import)) {
        return false;
    }
    import_enter(rib, import);
    rib_note_arrival(rib, import);
    return true;
}

/* In no table any more. */
static void
import_destroy(struct rib *rib, struct rib_import *import)
{
    kept_drop(&rib->kept, &import->in);
    kept_drop(&rib->kept, &import->out);
    mem_give(rib->config.mem, import, sizeof(*import));
}

static void
import_free(struct rib *rib, struct rib_import *import)
{
    uint64_t hash = rib_hash_number(rib, import->route_id);
    map_remove(&rib->links[import->link].imports, hash, &import->route_id);
    rib_note_departure(rib, import);
    import_leave(rib, import);
    import_destroy(rib, import);
}

/* It goes for good, after it was retired. */
static void
forget_import(struct rib *rib, struct rib_import *import)
{
    rib_mark_gone(rib, import->link, import->judged, import->compared);
    import_free(rib, import);
}

/* Whether everybody in the cluster can read its tags when ours is among them. */
static bool
has_room_for_origin(const struct advertisement *out)
{
    size_t tag_size = SPAN(ADVERTISEMENT_TAG_ORIGIN).size + out->origin.size;
    return out->tags.count < LIST_COUNT_MAX && tag_size <= NAME_SIZE_MAX;
}

/* What policy lets in must be of use in the cluster; otherwise it becomes a reject, and this its reason. */
static enum prune_reason
judge_accepted(struct policy_verdict *verdict)
{
    if (built_in_is(verdict->out.identity.name)) {
        verdict->action = POLICY_REJECT;
        verdict->reason = SPAN("every node answers this command by itself");
        return PRUNE_FUNCTION_ID_CONFLICT;
    }
    if (!has_room_for_origin(&verdict->out)) {
        verdict->action = POLICY_REJECT;
        verdict->reason = SPAN("with the tag of its origin it is more than a cluster reads");
    }
    return PRUNE_LIMIT_EXCEEDED;
}

/* Reasons that no rule is asked about. true: `reason` is one. */
static bool
is_refused_anyway(
    const struct rib *rib, uint32_t link, const struct advertisement *in, enum prune_reason *reason)
{
    const struct text_list *path = &in->path;
    struct span far = rib->config.link_federations[link];
    if (text_list_has(path, rib->config.federation) || in->hops_left == 0 ||
        span_equal(in->origin, rib->config.federation)) {
        *reason = PRUNE_LOOP;
        return true;
    }
    /* A path that does not start at the origin and end at the far side was not made by a bridge. */
    *reason = PRUNE_INVALID;
    return path->count == 0 || !span_equal(path->items[0], in->origin) ||
           !span_equal(path->items[path->count - 1], far);
}

/* Longer names, ids or tags came than the link's policy takes. */
static bool
is_too_long(const struct rib *rib, uint32_t link, const struct advertisement *in)
{
    const struct policy *policy = rib->links[link].policy;
    uint64_t max = policy == NULL ? 0 : policy_import_limits(policy)->name_size;
    bool fits = max == 0 || (in->identity.name.size <= max && in->identity.function_id.size <= max);
    for (uint32_t i = 0; fits && i < in->tags.count; i++) {
        fits = max == 0 || in->tags.items[i].size <= max;
    }
    return !fits;
}

bool
rib_import_is_for_rules(const struct rib *rib, const struct rib_import *import)
{
    enum prune_reason reason;
    const struct advertisement in = rib_import_in(import);
    return !import->blocked && !is_refused_anyway(rib, import->link, &in, &reason) &&
           !is_too_long(rib, import->link, &in);
}

static enum prune_reason
judge(
    struct rib *rib, uint32_t link, const struct link_route *route, struct policy_verdict *verdict)
{
    const struct advertisement *in = &route->advertisement;
    enum prune_reason reason;
    *verdict = (struct policy_verdict){ .rule = POLICY_NO_RULE };
    if (is_refused_anyway(rib, link, in, &reason)) {
        return reason;
    }
    if (is_too_long(rib, link, in)) {
        verdict->reason =
            SPAN("its name, its id or a tag is longer than import.limits.name allows");
        return PRUNE_LIMIT_EXCEEDED;
    }
    reason = rib_judge(rib, link, POLICY_IMPORT, in, verdict);
    rib_count_verdict(rib, link, POLICY_IMPORT, in, verdict);
    if (verdict->action == POLICY_ACCEPT) {
        reason = judge_accepted(verdict);
    }
    if (verdict->action == POLICY_ACCEPT &&
        rib_holds_back(rib, link, route->route_id, &verdict->reason)) {
        verdict->action = POLICY_REJECT;
        return PRUNE_DAMPED;
    }
    return reason;
}

static void
note_verdict(const struct rib *rib, struct rib_import *import, const struct policy_verdict *verdict)
{
    import->rule = verdict->rule;
    import->retries = verdict->action == POLICY_ACCEPT ? (uint8_t)verdict->retries : 0;
    import->asked = verdict->rule_id.size > 0;
    import->rule_reason = verdict->reason;
    import->policy_number = rib_policy_number(rib, import->link);
}

/* Of an import and of what came. A frame is far below what 32 bits count. */
static uint32_t
size_in(const struct advertisement *in)
{
    return (uint32_t)(sizeof(struct rib_import) + advertisement_size(in));
}

/* In no table yet. */
static struct rib_import *
import_create(struct rib *rib, uint32_t link, const struct link_route *route,
    const struct policy_verdict *verdict)
{
    struct rib_import *import = mem_take(rib->config.mem, sizeof(*import));
    if (import == NULL) {
        return NULL;
    }
    bool kept = kept_set(&rib->kept, &import->in, &route->advertisement);
    if (kept && verdict->action == POLICY_ACCEPT) {
        kept = kept_set(&rib->kept, &import->out, &verdict->out);
    }
    if (!kept) {
        import_destroy(rib, import);
        return NULL;
    }
    import->in_size = size_in(&route->advertisement);
    import->link = (uint8_t)link;
    import->route_id = route->route_id;
    import->digest = route->digest;
    import->epoch = rib->links[link].hearing.epoch;
    import->since = rib->now;
    note_verdict(rib, import, verdict);
    list_init(&import->in_offer);
    list_init(&import->in_link);
    return import;
}

static void
reject(struct rib *rib, struct rib_import *import, enum prune_reason reason)
{
    const struct rib_event event = {
        .kind = RIB_EVENT_REJECTED,
        .link = import->link,
        .direction = POLICY_IMPORT,
        .reason = reason,
        .function = identity_name(import->in.identity),
        .rule_id = rib_import_rule_id(rib, import),
        .rule_reason = import->rule_reason,
    };
    import->state = RIB_IMPORT_REJECTED;
    import->reason = reason;
    rib->counts.imports_rejected[import->link]++;
    rib->counts.imports_damped[import->link] += reason == PRUNE_DAMPED;
    rib_report_rejected(rib, import);
    rib_note_event(rib, &event);
}

/* If it had been let through, it is not any more. */
static void
prune(struct rib *rib, const struct rib_import *import, enum prune_reason reason)
{
    const struct rib_event event = {
        .kind = RIB_EVENT_PRUNED,
        .link = import->link,
        .direction = POLICY_IMPORT,
        .reason = reason,
        .function = identity_name(import->in.identity),
        .rule_id = rib_import_rule_id(rib, import),
        .age_ns = wall_between(import->since, rib->now),
    };
    if (import->state == RIB_IMPORT_CANDIDATE) {
        rib_note_event(rib, &event);
    }
}

static void
become_candidate(struct rib *rib, struct rib_import *import)
{
    const struct advertisement out = rib_import_out(import);
    struct rib_offer *offer = offer_ensure(rib, &out);
    if (offer == NULL) {
        reject(rib, import, PRUNE_LIMIT_EXCEEDED);
        return;
    }
    import->state = RIB_IMPORT_CANDIDATE;
    import->offer = offer;
    list_push(&offer->candidates, &import->in_offer);
    rib->counts.imports_accepted[import->link]++;
    rib->links[import->link].reporting.changes++;
    /* Against the best so far only: a neighbour may announce one function under any number of routes. */
    if (is_eligible(rib, import, offer->name) && is_better(rib, import, offer->chosen)) {
        offer->chosen = import;
    }
    show_choice(rib, offer);
}

static void
unblock(struct rib *rib, struct rib_import *import)
{
    import->blocked = false;
    list_remove(&import->in_offer);
    rib_limit_discount(rib->counts.table_blocked[import->link], import);
}

/* Take an import out of the decision. Its offer, if it had been made with it, changes. */
static void
retire(struct rib *rib, struct rib_import *import)
{
    switch (import->state) {
    case RIB_IMPORT_REJECTED:
        rib->counts.imports_rejected[import->link]--;
        rib->counts.imports_damped[import->link] -= import->reason == PRUNE_DAMPED;
        rib_report_gone(rib, import);
        if (import->blocked) {
            unblock(rib, import);
        }
        return;
    case RIB_IMPORT_CANDIDATE:
        break;
    }
    struct rib_offer *offer = import->offer;
    rib->counts.imports_accepted[import->link]--;
    rib->links[import->link].reporting.changes++;
    list_remove(&import->in_offer);
    if (offer->made == import) {
        /* The cluster still sees it; only the port can change that. */
        offer->made = NULL;
    }
    if (offer->chosen == import) {
        decide(rib, offer);
    } else {
        show_choice(rib, offer);
    }
}

/* Where its verdict puts it. */
static void
settle_import(struct rib *rib, struct rib_import *import, const struct policy_verdict *verdict,
    enum prune_reason reason)
{
    if (verdict->action == POLICY_ACCEPT) {
        become_candidate(rib, import);
    } else {
        reject(rib, import, reason);
    }
    rib_note_lifetime(rib, import);
}

/* It is one too many: no rule is asked. */
static void
block(struct rib *rib, struct rib_import *import, enum policy_limit_kind kind)
{
    import->blocked = true;
    import->rule_reason = rib_limit_text(kind);
    list_push(&rib->links[import->link].blocked, &import->in_offer);
    rib_limit_count(rib->counts.table_blocked[import->link], import);
    reject(rib, import, PRUNE_LIMIT_EXCEEDED);
}

/* The import takes the place of what was known by its route, which goes. */
static void
replace_import(struct rib *rib, struct rib_import *known, struct rib_import *import)
{
    import->judged = known->judged;
    import->compared = known->compared;
    if (known->state == RIB_IMPORT_CANDIDATE) {
        import->since = known->since;
    }
    struct rib_hearing *hearing = &rib->links[import->link].hearing;
    struct list *before = known->in_link.prev;
    bool is_next[RIB_HEARING_WALK_COUNT];
    for (uint32_t walk = 0; walk < RIB_HEARING_WALK_COUNT; walk++) {
        is_next[walk] = hearing->walks[walk] == &known->in_link;
    }
    retire(rib, known);
    uint64_t hash = rib_hash_number(rib, import->route_id);
    const void *replaced =
        map_replace(&rib->links[import->link].imports, hash, &import->route_id, import);
    CHECK(replaced == known);
    import_leave(rib, known);
    import_destroy(rib, known);
    import_enter(rib, import);
    /* In the same place, so that no walk misses it. */
    list_remove(&import->in_link);
    list_push(before->next, &import->in_link);
    for (uint32_t walk = 0; walk < RIB_HEARING_WALK_COUNT; walk++) {
        hearing->walks[walk] = is_next[walk] ? &import->in_link : hearing->walks[walk];
    }
}

void
rib_serve_blocked(struct rib *rib, uint32_t link)
{
    struct list *blocked = &rib->links[link].blocked;
    while (!list_empty(blocked)) {
        struct rib_import *oldest = CONTAINER_OF(blocked->next, struct rib_import, in_offer);
        enum policy_limit_kind kind;
        if (!rib_limit_has_room(rib, link, oldest->in_size, NULL, &kind)) {
            break;
        }
        rib_rejudge_import(rib, oldest);
    }
}

void
rib_choose_again(struct rib *rib, struct rib_import *import)
{
    if (import->state == RIB_IMPORT_CANDIDATE) {
        const struct list *candidates = &import->offer->candidates;
        if (candidates->next != candidates->prev) {
            decide(rib, import->offer);
        } else {
            rib_transit_follow(rib, import->offer);
        }
    }
}

/* It was announced again as it is known. */
static void
confirm(struct rib *rib, struct rib_import *import)
{
    struct rib_hearing *hearing = &rib->links[import->link].hearing;
    if (import->epoch != hearing->epoch) {
        import->epoch = hearing->epoch;
        hearing->confirmed++;
        /* It was stale when it was chosen or not, also if it is none now because a sweep is on its way to it. */
        rib_choose_again(rib, import);
    }
}

/* It is new, or says something else than what is known by its route. */
static const struct rib_import *
learn(struct rib *rib, uint32_t link, const struct link_route *route, struct rib_import *known)
{
    struct policy_verdict verdict = { .rule = POLICY_NO_RULE };
    enum prune_reason reason = PRUNE_LIMIT_EXCEEDED;
    enum policy_limit_kind kind;
    bool fits = rib_limit_has_room(rib, link, size_in(&route->advertisement), known, &kind);
    if (fits) {
        reason = judge(rib, link, route, &verdict);
    }
    struct rib_import *import = import_create(rib, link, route, &verdict);
    if (known != NULL && (import == NULL || verdict.action != POLICY_ACCEPT)) {
        prune(rib, known, import == NULL ? PRUNE_LIMIT_EXCEEDED : reason);
    }
    if (import != NULL && known != NULL) {
        replace_import(rib, known, import);
    } else if (import != NULL) {
        rib_mark_new(rib, link, &import->judged, &import->compared);
        if (!import_index(rib, import)) {
            import_destroy(rib, import);
            import = NULL;
        }
    } else if (known != NULL) {
        /* What it was is not true any more. */
        retire(rib, known);
        forget_import(rib, known);
    }
    if (import == NULL) {
        const struct rib_event event = {
            .kind = RIB_EVENT_REJECTED,
            .link = link,
            .direction = POLICY_IMPORT,
            .reason = PRUNE_LIMIT_EXCEEDED,
            .function = route->advertisement.identity.name,
        };
        rib_note_event(rib, &event);
        return NULL;
    }
    if (fits) {
        settle_import(rib, import, &verdict, reason);
    } else {
        block(rib, import, kind);
    }
    rib_mark_judged(rib, link, &import->judged, &import->compared);
    if (known != NULL) {
        /* What it is now may take less. It is not among those that this lets in. */
        rib_serve_blocked(rib, link);
    }
    return import;
}

void
rib_prefetch(const struct rib *rib, uint32_t link, uint64_t route_id)
{
    map_prefetch(&rib->links[link].imports, rib_hash_number(rib, route_id));
}

const struct rib_import *
rib_learn(struct rib *rib, uint32_t link, const struct link_route *route)
{
    struct rib_import *known = find_import(rib, link, route->route_id);
    if (known != NULL && known->digest == route->digest &&
        rib_kept_equal(&known->in, &route->advertisement)) {
        confirm(rib, known);
        return known;
    }
    if (known != NULL) {
        rib_note_change(rib, known, &route->advertisement);
    }
    struct kept told = { .identity = NULL };
    struct link_route kept_route = *route;
    if (kept_set(&rib->kept, &told, &route->advertisement)) {
        /* What policy makes of it shares what it leaves as it is. */
        kept_route.advertisement = kept_view(&told);
    }
    const struct rib_import *import = learn(rib, link, &kept_route, known);
    kept_drop(&rib->kept, &told);
    return import;
}
/* Its verdict is what it was: accepted with the same outcome, or rejected for the same reason. */
static bool
verdict_stays(const struct rib *rib, const struct rib_import *import,
    const struct policy_verdict *verdict, enum prune_reason reason)
{
    switch (import->state) {
    case RIB_IMPORT_REJECTED:
        return verdict->action != POLICY_ACCEPT && !import->blocked && import->reason == reason &&
               span_equal(rib_import_rule_id(rib, import), verdict->rule_id);
    case RIB_IMPORT_CANDIDATE:
        return verdict->action == POLICY_ACCEPT && rib_kept_equal(&import->out, &verdict->out);
    }
    return false;
}

void
rib_rejudge_import(struct rib *rib, struct rib_import *import)
{
    uint32_t link = import->link;
    struct policy_verdict verdict;
    enum policy_limit_kind kind;
    if (import->blocked ? !rib_limit_has_room(rib, link, import->in_size, NULL, &kind)
                        : rib_limit_is_exceeded(rib, link, &kind)) {
        prune(rib, import, PRUNE_LIMIT_EXCEEDED);
        retire(rib, import);
        verdict = (struct policy_verdict){ .rule = POLICY_NO_RULE };
        note_verdict(rib, import, &verdict);
        block(rib, import, kind);
        rib_mark_judged(rib, link, &import->judged, &import->compared);
        return;
    }
    const struct link_route route = {
        .route_id = import->route_id,
        .digest = import->digest,
        .advertisement = rib_import_in(import),
    };
    enum prune_reason reason = judge(rib, link, &route, &verdict);
    if (verdict_stays(rib, import, &verdict, reason)) {
        note_verdict(rib, import, &verdict);
        rib_mark_judged(rib, link, &import->judged, &import->compared);
        bool undecided =
            import->state == RIB_IMPORT_CANDIDATE && import->offer->decided != rib->decision;
        if (undecided) {
            /* The policy may see overlap or transit in another way. Once an offer, however many candidates it has. */
            decide(rib, import->offer);
        }
        return;
    }
    if (verdict.action != POLICY_ACCEPT) {
        prune(rib, import, reason);
    }
    struct rib_import *again = import_create(rib, link, &route, &verdict);
    if (again != NULL) {
        again->epoch = import->epoch; /* nobody has announced it */
        replace_import(rib, import, again);
        settle_import(rib, again, &verdict, reason);
    } else {
        again = import;
        if (verdict.action == POLICY_ACCEPT) {
            prune(rib, import, PRUNE_LIMIT_EXCEEDED);
        }
        retire(rib, import);
        verdict = (struct policy_verdict){ .rule = POLICY_NO_RULE };
        note_verdict(rib, import, &verdict);
        reject(rib, import, PRUNE_LIMIT_EXCEEDED);
    }
    rib_mark_judged(rib, link, &again->judged, &again->compared);
}

void
rib_drop_import(struct rib *rib, struct rib_import *import, enum prune_reason reason)
{
    prune(rib, import, reason);
    if (reason == PRUNE_WITHDRAWN) {
        rib_note_withdrawal(rib, import);
    }
    retire(rib, import);
    forget_import(rib, import);
}

bool
rib_unlearn(struct rib *rib, uint32_t link, uint64_t route_id, enum prune_reason reason)
{
    struct rib_import *import = find_import(rib, link, route_id);
    if (import == NULL) {
        return false;
    }
    rib_drop_import(rib, import, reason);
    rib_serve_blocked(rib, link);
    return true;
}

/* What the cluster port takes. */

struct rib_offer *
rib_next_offer(struct rib *rib)
{
    struct list *changes = &rib->offer_changes;
    return list_empty(changes) ? NULL : CONTAINER_OF(changes->next, struct rib_offer, change);
}

void
rib_offer_done(struct rib *rib, struct rib_offer *offer, enum rib_offer_state state)
{
    bool was_visible = is_visible(offer);
    const struct rib_import *before = offer->made;
    list_remove(&offer->change);
    offer->state = state;
    offer->made = is_visible(offer) ? offer->chosen : NULL;
    if (before != NULL && before != offer->made) {
        /* It is a candidate still, or it would not have been `made` until now. */
        prune(rib, before, PRUNE_SUPERSEDED);
    }
    rib->counts.offers_made += is_visible(offer);
    rib->counts.offers_made -= was_visible;
    if (!is_visible(offer) && list_empty(&offer->candidates)) {
        offer_free(rib, offer);
    } else if (offer_waits(offer)) {
        list_push(&rib->offers_waiting, &offer->change);
    }
}

void
rib_retry_offers(struct rib *rib)
{
    LIST_EACH (at, &rib->offers_waiting) {
        if (CONTAINER_OF(at, struct rib_offer, change)->chosen != NULL) {
            list_remove(at);
            list_push(&rib->offer_changes, at);
        }
    }
}

void
rib_free_imports(struct rib *rib)
{
    size_t cursor = 0;
    for (struct rib_offer *offer; (offer = map_next(&rib->offers, &cursor)) != NULL;) {
        offer_destroy(rib, offer);
    }
    for (uint32_t link = 0; link < rib->config.link_count; link++) {
        cursor = 0;
        for (struct rib_import *import;
             (import = map_next(&rib->links[link].imports, &cursor)) != NULL;) {
            import_destroy(rib, import);
        }
    }
}
