/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_export.c - from the cluster to the links: providers make services, export policy makes exports.
 *
 * Each service holds one slot a link: the export it is part of, or why it is denied. An export whose last
 * slot left is withdrawn at the next turn of its link port, and then freed; its name is free at once, for
 * those who wait for it.
 */
#include "bridge/rib_state.h"
#include "core/built_in.h"

/* What another bridge, or we, brought here is not ours to export; what every node has is nobody's. */
bool
rib_is_own(const struct function_endpoint *endpoint)
{
    for (uint32_t i = 0; i < endpoint->tags.count; i++) {
        if (span_starts_with(endpoint->tags.items[i], SPAN(ADVERTISEMENT_TAG_ORIGIN))) {
            return false;
        }
    }
    return !built_in_is(endpoint->key.identity.name);
}

static struct advertisement
facts_of(const struct rib *rib, const struct function_endpoint *endpoint)
{
    return (struct advertisement){
        .identity = endpoint->key.identity,
        .tags = endpoint->tags,
        .resources = endpoint->key.resources,
        .scope = endpoint->scope,
        .origin = rib->config.federation,
        .path = { .items = &rib->config.federation, .count = 1 },
        .hops_left = ADVERTISEMENT_HOPS_DEFAULT,
        .preference = ADVERTISEMENT_PREFERENCE_DEFAULT,
        .ttl_ns = endpoint->ttl_ns,
    };
}

static uint64_t
hash_service(const struct rib *rib, const struct advertisement *facts)
{
    uint64_t hash = rib_hash_identity(rib, &facts->identity, &facts->resources);
    uint64_t tags = 0;
    for (uint32_t i = 0; i < facts->tags.count; i++) {
        tags += hash_bytes(&rib->config.hash_key, facts->tags.items[i]);
    }
    hash = hash_fold(&rib->config.hash_key, hash + tags, facts->scope);
    return hash_fold(&rib->config.hash_key, hash, facts->origin);
}

static struct rib_service *
find_service(const struct rib *rib, const struct advertisement *facts)
{
    return map_find(&rib->services, hash_service(rib, facts), facts);
}

/* Exports. */

static void
queue_change(struct rib *rib, struct rib_export *exported)
{
    list_remove(&exported->change);
    if (!rib_pace_delays(rib, exported)) {
        list_push(&rib->links[exported->link].announcing.changes, &exported->change);
    }
}

/* It does not stand any more: no walk comes to it. */
static void
leave_walk(struct rib *rib, struct rib_export *exported)
{
    struct rib_announcing *announcing = &rib->links[exported->link].announcing;
    if (announcing->next == &exported->in_link) {
        announcing->next = exported->in_link.next;
    }
    list_remove(&exported->in_link);
}

/* `hash` is the name's. */
static struct rib_export *
find_export(const struct rib *rib, uint32_t link, const struct advertisement *out, uint64_t hash)
{
    struct rib_export_key key = { .out = out };
    return map_find(&rib->links[link].exports, hash, &key);
}

/* Any export of this name: they all stand for one function. */
static const struct rib_export *
find_holder(const struct rib *rib, uint32_t link, const struct advertisement *out, uint64_t hash)
{
    struct rib_export_key key = { .out = out, .name_only = true };
    return map_find(&rib->links[link].exports, hash, &key);
}

/* Whether what a verdict makes of this service may be part of an export. */
static bool
is_one_service(const struct rib_export *exported, const struct policy_verdict *verdict,
    const struct rib_service *service)
{
    bool same_function =
        span_equal(identity_name(exported->source), identity_name(service->facts.identity));
    return same_function || (exported->merge && verdict->merge);
}

/*
 * Two functions onto one name, or one under two ids: the first, `holder`, keeps the name, unless rules merge them. true:
 * *reason is which of both. With one id the far side would take the versions of two functions for those of one.
 */
static bool
is_refused(const struct rib_export *holder, const struct policy_verdict *verdict,
    const struct rib_service *service, enum prune_reason *reason)
{
    struct function_identity held = identity_view(holder->out.identity);
    bool same_id = span_equal(held.function_id, verdict->out.identity.function_id);
    *reason = same_id ? PRUNE_VERSION_CONFLICT : PRUNE_FUNCTION_ID_CONFLICT;
    return !same_id || !is_one_service(holder, verdict, service);
}

static void
note_rule(const struct rib *rib, struct rib_export *exported, const struct policy_verdict *verdict)
{
    exported->merge = verdict->merge;
    exported->rule = verdict->rule;
    exported->policy_number = rib_policy_number(rib, exported->link);
}

/* In no table any more. */
static void
export_destroy(struct rib *rib, struct rib_export *exported)
{
    kept_drop(&rib->kept, &exported->out);
    identity_release(exported->source);
    mem_give(rib->config.mem, exported, sizeof(*exported));
}

static struct rib_export *
export_create(struct rib *rib, uint32_t link, uint64_t route_id,
    const struct policy_verdict *verdict, const struct rib_service *service)
{
    struct rib_export *exported = mem_take(rib->config.mem, sizeof(*exported));
    if (exported == NULL) {
        return NULL;
    }
    const struct function_identity source = identity_view(service->facts.identity);
    exported->source = identity_hold(rib->config.mem, &source);
    if (exported->source == NULL || !kept_set(&rib->kept, &exported->out, &verdict->out)) {
        export_destroy(rib, exported);
        return NULL;
    }
    exported->link = (uint8_t)link;
    exported->route_id = route_id;
    exported->since = rib->now;
    note_rule(rib, exported, verdict);
    list_init(&exported->slots);
    list_init(&exported->change);
    list_init(&exported->in_link);
    return exported;
}

/* A withdrawn export has given up its name already. */
static void
export_give_up_name(struct rib *rib, struct rib_export *exported)
{
    const struct advertisement out = rib_export_out(exported);
    struct rib_export_key key = { .out = &out };
    void *removed = map_remove(
        &rib->links[exported->link].exports, rib_hash_name(rib, out.identity.name), &key);
    CHECK(removed == exported);
    leave_walk(rib, exported);
    rib->counts.exports[exported->link]--;
}

/* In no table any more. */
static void
export_forget(struct rib *rib, struct rib_export *exported)
{
    list_remove(&exported->change);
    rib_pace_leave(rib, exported);
    export_destroy(rib, exported);
}

void
rib_export_free(struct rib *rib, struct rib_export *exported)
{
    struct rib_link *port = &rib->links[exported->link];
    map_remove(&port->routes, rib_hash_number(rib, exported->route_id), &exported->route_id);
    export_forget(rib, exported);
}

/* Its number leads to `exported` from now on; `old`, to which it did, is freed. */
static void
take_route(struct rib *rib, struct rib_export *old, struct rib_export *exported)
{
    uint64_t hash = rib_hash_number(rib, exported->route_id);
    const void *replaced =
        map_replace(&rib->links[exported->link].routes, hash, &exported->route_id, exported);
    CHECK(replaced == old);
    export_forget(rib, old);
}

/* In the place of `gone`, which is freed; NULL: of none. false: no memory, nothing changed. */
static bool
export_index(struct rib *rib, struct rib_export *exported, struct rib_export *gone)
{
    struct rib_link *port = &rib->links[exported->link];
    const struct advertisement out = rib_export_out(exported);
    struct rib_export_key key = { .out = &out };
    uint64_t hash = rib_hash_name(rib, out.identity.name);
    if (!map_insert(&port->exports, hash, exported)) {
        return false;
    }
    if (gone != NULL) {
        take_route(rib, gone, exported);
    } else if (!map_insert(&port->routes, rib_hash_number(rib, exported->route_id), exported)) {
        map_remove(&port->exports, hash, &key);
        return false;
    }
    list_push(&port->announcing.exports, &exported->in_link);
    rib->counts.exports[exported->link]++;
    return true;
}

/* In the place of `old`, which stands for the same function by the same number, and is freed. */
static void
export_replace(struct rib *rib, struct rib_export *old, struct rib_export *exported)
{
    struct rib_link *port = &rib->links[exported->link];
    const struct advertisement out = rib_export_out(exported);
    struct rib_export_key key = { .out = &out };
    uint64_t hash = rib_hash_name(rib, out.identity.name);
    const void *replaced = map_replace(&port->exports, hash, &key, exported);
    CHECK(replaced == old);
    leave_walk(rib, old);
    list_push(&port->announcing.exports, &exported->in_link);
    take_route(rib, old, exported);
}

static struct rib_export *
find_route(const struct rib *rib, uint32_t link, uint64_t route_id)
{
    return map_find(&rib->links[link].routes, rib_hash_number(rib, route_id), &route_id);
}

/*
 * The same function has the same number over any session, restart and bridge, so that a far side that has kept it finds it
 * again. Only two numbers that happen to be the same depend on which came first, and that does no harm.
 */
static uint64_t
number_of(const struct advertisement *out)
{
    static const struct hash_key open_key = { .k0 = 0, .k1 = 0 };
    uint64_t resources = 0; /* a sum, since they are a set */
    for (uint32_t i = 0; i < out->resources.count; i++) {
        resources += hash_bytes(&open_key, out->resources.items[i]);
    }
    uint64_t number = hash_fold(&open_key, resources, out->identity.name);
    number = hash_fold(&open_key, number, out->identity.function_id);
    return hash_fold(&open_key, number, out->identity.version_text);
}

/*
 * The number that the export gets, its own one (number_of) or the next that is free; what is in its way was withdrawn, and
 * is the same function.
 */
static uint64_t
choose_route_id(const struct rib *rib, uint32_t link, const struct advertisement *out,
    uint64_t number, struct rib_export **gone)
{
    uint64_t route_id = number;
    struct rib_export *there;
    while ((there = find_route(rib, link, route_id)) != NULL) {
        if (rib_export_withdrawn(there) && rib_kept_is_one(&there->out, out)) {
            break;
        }
        route_id++;
    }
    *gone = there;
    return route_id;
}

static struct rib_export *
export_add(struct rib *rib, uint32_t link, const struct policy_verdict *verdict,
    const struct rib_service *service, uint64_t number)
{
    struct rib_export *gone;
    uint64_t route_id = choose_route_id(rib, link, &verdict->out, number, &gone);
    struct rib_export *exported = export_create(rib, link, route_id, verdict, service);
    if (exported == NULL) {
        return NULL;
    }
    if (gone != NULL) {
        /* Before its withdrawal was announced, which this replaces; or a moment after that. */
        exported->epoch = gone->epoch;
        exported->digest = gone->digest;
        exported->told_at = gone->told_at;
    }
    if (!export_index(rib, exported, gone)) {
        export_destroy(rib, exported);
        return NULL;
    }
    return exported;
}

/*
 * The export's first slot says what is announced, and this is its verdict. A route keeps its number over that, so
 * the far side sees one change.
 */
static void
export_rewrite(struct rib *rib, struct rib_export *old, const struct policy_verdict *verdict)
{
    struct rib_slot *first = CONTAINER_OF(old->slots.next, struct rib_slot, in_export);
    note_rule(rib, old, verdict);
    if (rib_kept_equal(&old->out, &verdict->out) &&
        span_equal(
            identity_name(old->source), identity_name(rib_slot_service(first)->facts.identity))) {
        return;
    }
    struct rib_export *exported =
        export_create(rib, old->link, old->route_id, verdict, rib_slot_service(first));
    if (exported == NULL) {
        return; /* What was said before stays on show until there is memory again. */
    }
    exported->epoch = old->epoch;
    exported->digest = old->digest;
    exported->told_at = old->told_at;
    LIST_EACH (at, &old->slots) {
        struct rib_slot *slot = CONTAINER_OF(at, struct rib_slot, in_export);
        slot->exported = exported;
        list_remove(at);
        list_push(&exported->slots, at);
    }
    export_replace(rib, old, exported);
    queue_change(rib, exported);
}

/* Slots. */

/* The far side would refuse the frame with it, and the session with that. */
static bool
fits_link(const struct policy_verdict *verdict)
{
    return link_check_advertisement(&verdict->out) == LINK_OK;
}

static void
deny(struct rib *rib, struct rib_slot *slot, uint32_t link, enum prune_reason reason)
{
    const struct rib_event event = {
        .kind = RIB_EVENT_REJECTED,
        .link = link,
        .direction = POLICY_EXPORT,
        .reason = reason,
        .function = identity_name(rib_slot_service(slot)->facts.identity),
        .rule_id = slot->rule_id,
        .rule_reason = slot->rule_reason,
    };
    slot->exported = NULL;
    slot->reason = reason;
    rib->counts.denied[link]++;
    rib_note_event(rib, &event);
}

/*
 * Calls go to nodes of our own while an export has any, so those come before what passes through: what is announced
 * has to be the way that calls take. Of what passes through the better comes first, as in rib_decide.h, so that federations
 * that merge what they pass on to each other come to rest.
 */
static bool
leads_before(const struct rib_service *service, const struct rib_service *other)
{
    const struct advertisement *a = kept_attributes(&service->facts);
    const struct advertisement *b = kept_attributes(&other->facts);
    if (service->import == NULL || other->import == NULL) {
        return service->import == NULL && other->import != NULL;
    }
    return a->doubted == b->doubted ? a->path.count < b->path.count : b->doubted;
}

static void
join_export(struct rib *rib, struct rib_export *exported, struct rib_slot *slot,
    const struct policy_verdict *verdict)
{
    struct list *before = &exported->slots;
    while (before->prev != &exported->slots &&
           leads_before(rib_slot_service(slot),
               rib_slot_service(CONTAINER_OF(before->prev, struct rib_slot, in_export)))) {
        before = before->prev;
    }
    bool leads = before->prev == &exported->slots;
    slot->exported = exported;
    list_push(before, &slot->in_export);
    if (leads) {
        export_rewrite(rib, exported, verdict);
    }
}

/* Its verdict was found; put it where that says. */
static void
settle_slot(struct rib *rib, struct rib_slot *slot, uint32_t link,
    const struct policy_verdict *verdict, enum prune_reason reason)
{
    if (verdict->action != POLICY_ACCEPT) {
        deny(rib, slot, link, reason);
        return;
    }
    /* Both will be looked up; they come while the texts are gone through. */
    uint64_t hash = rib_hash_name(rib, verdict->out.identity.name);
    uint64_t number = number_of(&verdict->out);
    map_prefetch(&rib->links[link].exports, hash);
    map_prefetch(&rib->links[link].routes, rib_hash_number(rib, number));
    if (!fits_link(verdict)) {
        deny(rib, slot, link, PRUNE_INVALID);
        return;
    }
    const struct rib_export *holder = find_holder(rib, link, &verdict->out, hash);
    if (holder != NULL && is_refused(holder, verdict, rib_slot_service(slot), &reason)) {
        deny(rib, slot, link, reason);
        slot->wanted = hash;
        list_push(&rib->links[link].waiting, &slot->in_export);
        return;
    }
    struct rib_export *exported =
        holder == NULL ? NULL : find_export(rib, link, &verdict->out, hash);
    if (exported == NULL) {
        exported = export_add(rib, link, verdict, rib_slot_service(slot), number);
    }
    if (exported == NULL) {
        deny(rib, slot, link, PRUNE_LIMIT_EXCEEDED);
        return;
    }
    if (list_empty(&exported->slots)) {
        queue_change(rib, exported);
    }
    join_export(rib, exported, slot, verdict);
}

static void
note_verdict(struct rib_slot *slot, const struct policy_verdict *verdict)
{
    slot->rule_id = verdict->rule_id;
    slot->rule_reason = verdict->reason;
}

/* What came over a link is for links that pass such things on, and did not come from there. */
static bool
is_outside(const struct rib *rib, const struct rib_service *service, uint32_t link)
{
    const struct advertisement *facts = kept_attributes(&service->facts);
    struct policy *policy = rib->links[link].policy;
    return facts->path.count > 1 &&
           (policy == NULL || !policy_passes_through(policy) || facts->hops_left == 0 ||
               text_list_has(&facts->path, rib->config.link_federations[link]));
}

/* The slot is in no list: it is new, or was taken out. */
static void
fill_slot(struct rib *rib, struct rib_service *service, uint32_t link)
{
    struct rib_slot *slot = &service->slots[link];
    slot->exported = NULL;
    slot->outside = is_outside(rib, service, link);
    list_init(&slot->in_export);
    if (!slot->outside) {
        struct policy_verdict verdict;
        const struct advertisement facts = kept_view(&service->facts);
        enum prune_reason reason = rib_judge(rib, link, POLICY_EXPORT, &facts, &verdict);
        rib_count_verdict(rib, link, POLICY_EXPORT, &facts, &verdict);
        note_verdict(slot, &verdict);
        settle_slot(rib, slot, link, &verdict, reason);
    }
    rib_mark_judged(rib, link, &slot->judged, &slot->compared);
}

/* What the verdict makes of a service is still this export, if perhaps with other tags or costs. */
static bool
keeps_export(const struct rib_export *exported, const struct policy_verdict *verdict,
    const struct rib_service *service)
{
    return verdict->action == POLICY_ACCEPT && fits_link(verdict) &&
           rib_kept_is_one(&exported->out, &verdict->out) &&
           is_one_service(exported, verdict, service);
}

/* Those who were denied this name are judged again, in the order they came. */
static void
serve_waiting(struct rib *rib, uint32_t link, uint64_t freed)
{
    struct list again;
    list_init(&again);
    LIST_EACH (at, &rib->links[link].waiting) {
        if (CONTAINER_OF(at, struct rib_slot, in_export)->wanted == freed) {
            list_remove(at);
            list_push(&again, at);
        }
    }
    while (!list_empty(&again)) {
        struct rib_slot *slot = CONTAINER_OF(again.next, struct rib_slot, in_export);
        list_remove(&slot->in_export);
        rib->counts.denied[link]--;
        fill_slot(rib, rib_slot_service(slot), link);
    }
}

static void
withdraw(struct rib *rib, struct rib_export *exported, enum prune_reason reason)
{
    uint32_t link = exported->link;
    const struct advertisement out = rib_export_out(exported);
    export_give_up_name(rib, exported);
    const struct rib_event event = {
        .kind = RIB_EVENT_PRUNED,
        .link = link,
        .direction = POLICY_EXPORT,
        .reason = reason,
        .function = rib_export_source_name(exported),
        .rule_id = rib_export_rule_id(rib, exported),
        .age_ns = wall_between(exported->since, rib->now),
    };
    rib_note_event(rib, &event);
    uint64_t name = rib_hash_name(rib, out.identity.name);
    bool name_is_free = find_holder(rib, link, &out, name) == NULL;
    list_remove(&exported->change);
    if (rib_export_announced(rib, exported)) {
        rib_pace_leave(rib, exported);
        list_push(&rib->links[link].announcing.withdrawals, &exported->change);
    } else if (!rib_pace_delays(rib, exported)) {
        rib_export_free(rib, exported);
    }
    if (name_is_free) {
        serve_waiting(rib, link, name);
    }
}

/*
 * The slot that said what is announced has gone. The next one takes its place if it still belongs here: while a
 * policy is being replaced it may not. Those that do not are put into `lost`. true: one did, and the export may
 * have become another one.
 */
static bool
hand_over(struct rib *rib, struct rib_export *exported, struct list *lost)
{
    while (!list_empty(&exported->slots)) {
        struct rib_slot *heir = CONTAINER_OF(exported->slots.next, struct rib_slot, in_export);
        uint32_t link = exported->link;
        struct policy_verdict verdict;
        const struct advertisement facts = kept_view(&rib_slot_service(heir)->facts);
        (void)rib_judge(rib, link, POLICY_EXPORT, &facts, &verdict);
        if (keeps_export(exported, &verdict, rib_slot_service(heir))) {
            rib_count_verdict(rib, link, POLICY_EXPORT, &facts, &verdict);
            note_verdict(heir, &verdict);
            export_rewrite(rib, exported, &verdict);
            rib_mark_judged(rib, link, &heir->judged, &heir->compared);
            return true;
        }
        list_remove(&heir->in_export);
        list_push(lost, &heir->in_export);
    }
    return false;
}

/* Out of its export, for `reason`, or out of the denied ones. */
static void
empty_slot(struct rib *rib, struct rib_slot *slot, uint32_t link, enum prune_reason reason)
{
    struct rib_export *exported = slot->exported;
    bool was_first = exported != NULL && exported->slots.next == &slot->in_export;
    struct list lost;
    list_init(&lost);
    list_remove(&slot->in_export);
    if (exported == NULL) {
        rib->counts.denied[link] -= !slot->outside;
        return;
    }
    if (was_first && !hand_over(rib, exported, &lost)) {
        withdraw(rib, exported, reason);
    }
    while (!list_empty(&lost)) {
        struct rib_slot *other = CONTAINER_OF(lost.next, struct rib_slot, in_export);
        list_remove(&other->in_export);
        fill_slot(rib, rib_slot_service(other), link);
    }
}

/* Denied before, and for the same reason now: nothing that has to be counted or told again. */
static bool
stays_denied(
    const struct rib_slot *slot, const struct policy_verdict *verdict, enum prune_reason reason)
{
    bool waits = !list_empty(&slot->in_export);
    return slot->exported == NULL && !waits && !slot->outside && verdict->action != POLICY_ACCEPT &&
           slot->reason == reason && span_equal(slot->rule_id, verdict->rule_id);
}

void
rib_rejudge_slot(struct rib *rib, struct rib_slot *slot, uint32_t link)
{
    struct rib_export *exported = slot->exported;
    struct policy_verdict verdict;
    const struct advertisement facts = kept_view(&rib_slot_service(slot)->facts);
    enum prune_reason reason = rib_judge(rib, link, POLICY_EXPORT, &facts, &verdict);
    bool stays = exported == NULL ? stays_denied(slot, &verdict, reason)
                                  : keeps_export(exported, &verdict, rib_slot_service(slot));
    if (!stays) {
        empty_slot(rib, slot, link, PRUNE_POLICY_REJECTED);
        fill_slot(rib, rib_slot_service(slot), link);
        return;
    }
    rib_count_verdict(rib, link, POLICY_EXPORT, &facts, &verdict);
    note_verdict(slot, &verdict);
    if (exported != NULL && exported->slots.next == &slot->in_export) {
        export_rewrite(rib, exported, &verdict);
    }
    rib_mark_judged(rib, link, &slot->judged, &slot->compared);
}

/* Services. */

static size_t
service_size(const struct rib *rib)
{
    return sizeof(struct rib_service) + rib->config.link_count * sizeof(struct rib_slot);
}

/* In no table any more. */
static void
service_free(struct rib *rib, struct rib_service *service)
{
    kept_drop(&rib->kept, &service->facts);
    mem_give(rib->config.mem, service, service_size(rib));
}

static struct rib_service *
service_create(struct rib *rib, const struct advertisement *from, uint64_t hash)
{
    struct rib_service *service = mem_take(rib->config.mem, service_size(rib));
    if (service == NULL) {
        return NULL;
    }
    if (!kept_set(&rib->kept, &service->facts, from)) {
        service_free(rib, service);
        return NULL;
    }
    /* Its name holds the same identity. */
    const struct advertisement facts = kept_view(&service->facts);
    service->name = rib_name_ensure(rib, &facts.identity);
    if (service->name == NULL || !map_insert(&rib->services, hash, service)) {
        if (service->name != NULL) {
            rib_name_drop_if_unused(rib, service->name);
        }
        service_free(rib, service);
        return NULL;
    }
    rib->counts.services++;
    return service;
}

struct rib_service *
rib_service_hold(
    struct rib *rib, const struct advertisement *facts, const struct rib_import *import)
{
    uint64_t hash = hash_service(rib, facts);
    map_prefetch(&rib->names, rib_hash_name(rib, facts->identity.name));
    struct rib_service *service = map_find(&rib->services, hash, facts);
    bool is_new = service == NULL;
    if (is_new) {
        service = service_create(rib, facts, hash);
    }
    if (service == NULL) {
        return NULL;
    }
    service->import = import;
    service->providers++;
    for (uint32_t link = 0; is_new && link < rib->config.link_count; link++) {
        struct rib_slot *slot = &service->slots[link];
        slot->link = (uint8_t)link;
        rib_mark_new(rib, link, &slot->judged, &slot->compared);
        fill_slot(rib, service, link);
    }
    return service;
}

void
rib_service_release(struct rib *rib, struct rib_service *service)
{
    CHECK(service->providers > 0);
    service->providers--;
    if (service->providers > 0) {
        return;
    }
    for (uint32_t link = 0; link < rib->config.link_count; link++) {
        struct rib_slot *slot = &service->slots[link];
        empty_slot(rib, slot, link, PRUNE_WITHDRAWN);
        rib_mark_gone(rib, link, slot->judged, slot->compared);
    }
    const struct advertisement facts = kept_view(&service->facts);
    map_remove(&rib->services, hash_service(rib, &facts), &facts);
    rib->counts.services--;
    service_free(rib, service);
}

void
rib_add_provider(struct rib *rib, const struct function_endpoint *endpoint)
{
    if (!rib_is_own(endpoint)) {
        return;
    }
    struct advertisement facts = facts_of(rib, endpoint);
    struct rib_service *service = rib_service_hold(rib, &facts, NULL);
    if (service != NULL) {
        service->name->providers++;
        rib_reconsider_name(rib, service->name);
    }
}

void
rib_remove_provider(struct rib *rib, const struct function_endpoint *endpoint)
{
    struct advertisement facts = facts_of(rib, endpoint);
    struct rib_service *service = rib_is_own(endpoint) ? find_service(rib, &facts) : NULL;
    if (service == NULL) {
        return;
    }
    struct rib_name *name = service->name;
    name->providers--;
    rib_service_release(rib, service);
    rib_reconsider_name(rib, name);
    rib_name_drop_if_unused(rib, name);
}

/* What is known of them. */

const struct rib_export *
rib_find_export(const struct rib *rib, uint32_t link, uint64_t route_id)
{
    const struct rib_export *exported = find_route(rib, link, route_id);
    bool callable =
        exported != NULL && rib_export_announced(rib, exported) && !rib_export_withdrawn(exported);
    return callable ? exported : NULL;
}

bool
rib_export_includes(const struct rib *rib, const struct rib_export *exported,
    const struct function_endpoint *endpoint)
{
    struct advertisement facts = facts_of(rib, endpoint);
    const struct rib_service *service = rib_is_own(endpoint) ? find_service(rib, &facts) : NULL;
    return service != NULL && service->slots[exported->link].exported == exported;
}

void
rib_free_exports(struct rib *rib)
{
    size_t cursor = 0;
    for (struct rib_service *service; (service = map_next(&rib->services, &cursor)) != NULL;) {
        service_free(rib, service);
    }
    for (uint32_t link = 0; link < rib->config.link_count; link++) {
        cursor = 0;
        for (struct rib_export *exported;
             (exported = map_next(&rib->links[link].routes, &cursor)) != NULL;) {
            export_destroy(rib, exported);
        }
    }
}
