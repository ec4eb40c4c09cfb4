/* SPDX-License-Identifier: Apache-2.0 */
/* rib_read.c - what others read of the RIB: views of what is kept, and walks over the tables. */
#include "bridge/rib_state.h"

struct advertisement
rib_export_out(const struct rib_export *exported)
{
    return kept_view(&exported->out);
}

struct span
rib_export_source_name(const struct rib_export *exported)
{
    return identity_name(exported->source);
}

struct advertisement
rib_import_in(const struct rib_import *import)
{
    return kept_view(&import->in);
}

struct advertisement
rib_import_out(const struct rib_import *import)
{
    return kept_view(&import->out);
}

static struct span
rule_id_of(const struct rib_link *port, enum policy_direction direction, uint32_t rule,
    uint32_t policy_number)
{
    const struct policy *policy = NULL;
    if (policy_number == port->policy_number) {
        policy = port->policy;
    } else if (policy_number + 1 == port->policy_number) {
        policy = port->old; /* it was not judged again yet */
    }
    return policy == NULL ? SPAN_NONE : policy_rule_id(policy, direction, rule);
}

struct span
rib_export_rule_id(const struct rib *rib, const struct rib_export *exported)
{
    return rule_id_of(
        &rib->links[exported->link], POLICY_EXPORT, exported->rule, exported->policy_number);
}

struct span
rib_import_rule_id(const struct rib *rib, const struct rib_import *import)
{
    return import->asked ? rule_id_of(&rib->links[import->link], POLICY_IMPORT, import->rule,
                               import->policy_number)
                         : SPAN_NONE;
}

struct function_identity
rib_offer_identity(const struct rib_offer *offer)
{
    return identity_view(offer->key.identity);
}

struct text_list
rib_offer_resources(const struct rib_offer *offer)
{
    return kept_attributes(&offer->key)->resources;
}

const struct rib_counts *
rib_counts(const struct rib *rib)
{
    return &rib->counts;
}

const struct rib_import *
rib_each_import(const struct rib *rib, uint32_t link, size_t *cursor)
{
    return map_next(&rib->links[link].imports, cursor);
}

struct text_list
rib_export_sources(const struct rib_export *exported, struct arena *arena)
{
    struct text_list sources = { .count = 0 };
    struct span *names = arena_take(arena, RIB_SOURCES_MAX * sizeof(*names));
    if (names == NULL) {
        return sources;
    }
    sources.items = names;
    LIST_EACH (at, &exported->slots) {
        const struct rib_slot *slot = CONTAINER_OF(at, struct rib_slot, in_export);
        struct span name = identity_name(rib_slot_service(slot)->facts.identity);
        if (sources.count < RIB_SOURCES_MAX && !text_list_has(&sources, name)) {
            names[sources.count] = name;
            sources.count++;
        }
    }
    return sources;
}

const struct rib_import *
rib_export_import(const struct rib_export *exported)
{
    const struct rib_import *import = NULL;
    LIST_EACH (at, &exported->slots) {
        const struct rib_service *service =
            rib_slot_service(CONTAINER_OF(at, struct rib_slot, in_export));
        if (service->import == NULL) {
            return NULL;
        }
        import = import == NULL ? service->import : import;
    }
    return import;
}

const struct rib_export *
rib_each_export(const struct rib *rib, uint32_t link, size_t *cursor)
{
    const struct rib_export *exported;
    do {
        exported = map_next(&rib->links[link].routes, cursor);
    } while (exported != NULL && rib_export_withdrawn(exported));
    return exported;
}

bool
rib_each_service(
    const struct rib *rib, uint32_t link, size_t *cursor, struct rib_service_view *view)
{
    const struct rib_service *service;
    while ((service = map_next(&rib->services, cursor)) != NULL) {
        const struct rib_slot *slot = &service->slots[link];
        if (slot->outside) {
            continue;
        }
        *view = (struct rib_service_view){
            .facts = kept_view(&service->facts),
            .exported = slot->exported,
            .reason = slot->reason,
            .rule_id = slot->rule_id,
            .rule_reason = slot->rule_reason,
        };
        return true;
    }
    return false;
}

bool
rib_each_denied(const struct rib *rib, uint32_t link, size_t *cursor, struct rib_denied *denied)
{
    const struct rib_service *service;
    while ((service = map_next(&rib->services, cursor)) != NULL) {
        const struct rib_slot *slot = &service->slots[link];
        if (slot->exported == NULL && !slot->outside) {
            *denied = (struct rib_denied){
                .identity = identity_view(service->facts.identity),
                .tags = kept_attributes(&service->facts)->tags,
                .reason = slot->reason,
                .rule_id = slot->rule_id,
                .rule_reason = slot->rule_reason,
            };
            return true;
        }
    }
    return false;
}
