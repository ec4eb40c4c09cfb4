/* SPDX-License-Identifier: Apache-2.0 */
/* admin_policy.c - reading: versions, differences and hits. */
#include "host/admin_policy.h"

#include <string.h>

#include "host/policy_json.h"

/* ---- What is in use ---- */

static json_t *
describe_policies(const struct policy_version *version)
{
    json_t *list = json_array();
    for (size_t i = 0; i < version->set.file_count; i++) {
        const struct policy_yaml *loaded = version->set.files[i]->loaded;
        (void)json_array_append_new(
            list, json_pack("{s:o,s:s,s:o,s:{s:I,s:I}}", "policy", admin_text(loaded->source.name),
                      "file", yaml_doc_name(loaded->doc), "links", admin_texts(&loaded->links),
                      "rules", "export", (json_int_t)loaded->source.rule_count[POLICY_EXPORT],
                      "import", (json_int_t)loaded->source.rule_count[POLICY_IMPORT]));
    }
    return list;
}

/* What the guard found; null when it did not refuse. */
static json_t *
describe_guard(const struct admin_bridge *admin)
{
    const struct reload *reload = bridge_reload(admin->bridge);
    if (policy_store_outcome(admin->policies) != POLICY_STORE_GUARDED) {
        return json_null();
    }
    uint32_t link = reload->guarded_link;
    struct rib_comparison comparison = rib_comparison(bridge_rib(admin->bridge), link);
    return json_pack("{s:o,s:o,s:o,s:I}", "link",
        admin_text(bridge_link_stats(admin->bridge, link).name), "vanish",
        admin_u64(comparison.counts[RIB_VANISHES] + comparison.counts[RIB_RENAMED]), "of",
        admin_u64(comparison.accepted), "withdraw_max_percent",
        (json_int_t)reload->guarded_percent);
}

/* What was wrong with the last change that was loaded; null while one is. */
static json_t *
describe_faults(const struct admin_bridge *admin)
{
    bool loading = strcmp(policy_store_state(admin->policies), "loading") == 0;
    return loading ? json_null() : policy_json_errors(policy_store_errors(admin->policies));
}

static json_t *
describe_reload(const struct admin_bridge *admin, struct now now)
{
    const struct reload *reload = bridge_reload(admin->bridge);
    bool waits = reload->state == RELOAD_CONFIRMING;
    return json_pack("{s:s,s:s,s:o,s:o,s:o}", "state", policy_store_state(admin->policies),
        "outcome", policy_store_outcome_name(policy_store_outcome(admin->policies)), "faults",
        describe_faults(admin), "confirm_seconds_left",
        waits ? admin_seconds(instant_between(now.mono, reload->due)) : json_null(), "guarded",
        describe_guard(admin));
}

void
admin_policy_serve(void *self, const struct admin_call *call)
{
    const struct admin_bridge *admin = self;
    const struct policy_version *version = policy_store_version(admin->policies, 0);
    const struct policy_version *used = policy_store_in_use(admin->policies);
    admin_reply_json(call->response,
        json_pack("{s:I,s:o,s:s,s:s,s:o,s:o,s:o}", "version", (json_int_t)version->number,
            "applied_at", admin_time(version->applied_at), "author", version->author, "origin",
            policy_origin_name(version->origin), "policies", describe_policies(used), "reload",
            describe_reload(admin, call->now), "reloads",
            admin_counts(policy_store_counts(admin->policies), POLICY_STORE_OUTCOMES,
                policy_store_outcome_name)));
}

void
admin_policy_serve_versions(void *self, const struct admin_call *call)
{
    const struct admin_bridge *admin = self;
    const struct policy_version *version;
    json_t *list = json_array();
    for (uint32_t i = 0; (version = policy_store_version(admin->policies, i)) != NULL; i++) {
        json_t *names = json_array();
        for (size_t file = 0; file < version->set.file_count; file++) {
            (void)json_array_append_new(
                names, admin_text(version->set.files[file]->loaded->source.name));
        }
        (void)json_array_append_new(list,
            json_pack("{s:I,s:o,s:s,s:s,s:b,s:o}", "version", (json_int_t)version->number,
                "applied_at", admin_time(version->applied_at), "author", version->author, "origin",
                policy_origin_name(version->origin), "current", i == 0, "policies", names));
    }
    admin_reply_json(call->response, json_pack("{s:o}", "versions", list));
}

/* ---- What another would change ---- */

static const char *
difference_kind_at(uint32_t index)
{
    return rib_difference_kind_name((enum rib_difference_kind)index);
}

static json_t *
describe_counts(const struct rib_comparison *comparison)
{
    json_t *counts = json_object();
    for (uint32_t i = 0; i < RIB_DIFFERENCE_KIND_COUNT; i++) {
        (void)json_object_set_new(counts, difference_kind_at(i), admin_u64(comparison->counts[i]));
    }
    return counts;
}

static json_t *
describe_differences(const struct rib_comparison *comparison)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < comparison->item_count; i++) {
        const struct rib_difference *item = &comparison->items[i];
        (void)json_array_append_new(list,
            json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o}", "kind", rib_difference_kind_name(item->kind),
                "direction", admin_bridge_direction(item->direction), "function",
                admin_text(item->function), "before", admin_text_or_null(item->before), "after",
                admin_text_or_null(item->after), "rule_before",
                admin_text_or_null(item->rule_before), "rule_after",
                admin_text_or_null(item->rule_after)));
    }
    return list;
}

void
admin_policy_serve_differences(void *self, const struct admin_call *call)
{
    const struct admin_bridge *admin = self;
    json_t *links = json_array();
    for (uint32_t i = 0; i < bridge_link_count(admin->bridge); i++) {
        struct rib_comparison comparison = rib_comparison(bridge_rib(admin->bridge), i);
        if (!comparison.is_there) {
            continue;
        }
        (void)json_array_append_new(
            links, json_pack("{s:o,s:b,s:o,s:o,s:o,s:o}", "link",
                       admin_text(bridge_link_stats(admin->bridge, i).name), "whole",
                       comparison.whole, "compared", admin_u64(comparison.compared), "accepted",
                       admin_u64(comparison.accepted), "counts", describe_counts(&comparison),
                       "differences", describe_differences(&comparison)));
    }
    admin_reply_json(call->response,
        json_pack("{s:s,s:s,s:o}", "state", policy_store_state(admin->policies), "outcome",
            policy_store_outcome_name(policy_store_outcome(admin->policies)), "links", links));
}

/* ---- Rules ---- */

static json_t *
describe_rule(
    const struct admin_bridge *admin, uint32_t link, enum policy_direction direction, uint32_t rule)
{
    const struct rib *rib = bridge_rib(admin->bridge);
    struct policy *policy = rib_policy(rib, link);
    struct rib_rule_use use = rib_rule_use(rib, link, direction, rule);
    json_t *json =
        json_pack("{s:o,s:o,s:s,s:o,s:o,s:o,s:o}", "policy", admin_text(policy_name(policy)),
            "link", admin_text(bridge_link_stats(admin->bridge, link).name), "direction",
            admin_bridge_direction(direction), "rule",
            rule == POLICY_NO_RULE ? json_string("default")
                                   : admin_text(policy_rule_id(policy, direction, rule)),
            "hits", admin_u64(use.hits), "last_hit",
            use.last_hit.ns == 0 ? json_null() : admin_time(use.last_hit), "since",
            admin_time(rib_policy_since(rib, link)));
    return json;
}

static void
list_rules(
    const struct admin_bridge *admin, uint32_t link, enum policy_direction direction, json_t *list)
{
    struct policy *policy = rib_policy(bridge_rib(admin->bridge), link);
    for (uint32_t i = 0; policy != NULL && i < policy_rule_count(policy, direction); i++) {
        (void)json_array_append_new(list, describe_rule(admin, link, direction, i));
    }
    if (policy != NULL) {
        (void)json_array_append_new(list, describe_rule(admin, link, direction, POLICY_NO_RULE));
    }
}

void
admin_policy_serve_stats(void *self, const struct admin_call *call)
{
    const struct admin_bridge *admin = self;
    json_t *rules = json_array();
    struct wall since = { .ns = 0 };
    for (uint32_t i = 0; i < bridge_link_count(admin->bridge); i++) {
        struct wall its = rib_policy_since(bridge_rib(admin->bridge), i);
        since = its.ns > since.ns ? its : since;
        list_rules(admin, i, POLICY_EXPORT, rules);
        list_rules(admin, i, POLICY_IMPORT, rules);
    }
    admin_reply_json(
        call->response, json_pack("{s:o,s:o}", "since", admin_time(since), "rules", rules));
}
