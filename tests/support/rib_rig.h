/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_rig.h - a RIB in a test: its links and policies, short ways to write endpoints and routes, and
 * what its ports would have been told. Failures are CHECKs, so that property tests can use it as well.
 */
#ifndef TESTS_SUPPORT_RIB_RIG_H
#define TESTS_SUPPORT_RIB_RIG_H

#include <string.h>

#include "base/instant.h"
#include "bridge/rib.h"
#include "tests/support/at.h"

#define RIB_RIG_LINKS_MAX 4u
#define RIB_RIG_SENT_MAX  64u

/* SPAN() and a list of them, as initialisers of static things. */
#define T(literal_)                                                                                \
    {                                                                                              \
        (const uint8_t *)("" literal_), sizeof(literal_) - 1                                       \
    }
#define LIST(...)                                                                                  \
    {                                                                                              \
        .items = (const struct span[]){ __VA_ARGS__ },                                             \
        .count = sizeof((const struct span[]){ __VA_ARGS__ }) / sizeof(struct span)                \
    }

/* A rule that accepts everything as it is. */
#define RULE_ALL                                                                                   \
    {                                                                                              \
        .id = T("all"), .action = POLICY_ACCEPT                                                    \
    }

/* What the port of one link took: an advertisement or a withdrawal. */
struct rib_rig_sent {
    uint64_t route_id;
    bool withdrawn;
};

struct rib_rig {
    struct mem mem;
    struct policy *owned[RIB_RIG_LINKS_MAX];
    struct policy *policies[RIB_RIG_LINKS_MAX];
    struct span federations[RIB_RIG_LINKS_MAX];
    struct damping_config damping; /* off unless a test says so, as is: */
    uint64_t hold_down_ns;
    uint64_t advertisement_interval_ns;
    void *owner; /* of is_served; both may be left empty */
    bool (*is_served)(void *owner, struct span name);
    struct rib *rib;
    struct rib_rig_sent sent[RIB_RIG_SENT_MAX];
    uint32_t sent_count;
};

static inline struct policy *
rib_rig_policy_with(struct mem *mem, const struct policy_source *source)
{
    struct policy_fault fault;
    struct policy *policy = policy_create(source, mem, &fault);
    CHECK(policy != NULL);
    return policy;
}

static inline struct policy *
rib_rig_policy(struct mem *mem, const struct policy_rule_source *exports, uint32_t export_count,
    const struct policy_rule_source *imports, uint32_t import_count)
{
    const struct policy_source source = {
        .name = SPAN("test"),
        .rules = { exports, imports },
        .rule_count = { export_count, import_count },
    };
    return rib_rig_policy_with(mem, &source);
}

/* Takes the policies; one may be NULL. Link 0 leads to eu, 1 to ap, 2 to af, 3 to eu again. */
static inline void
rib_rig_open(struct rib_rig *rig, uint32_t link_count)
{
    static const struct span federations[] = { T("eu"), T("ap"), T("af"), T("eu") };
    for (uint32_t i = 0; i < RIB_RIG_LINKS_MAX; i++) {
        rig->policies[i] = rig->owned[i];
        rig->federations[i] = federations[i];
    }
    const struct rib_config config = {
        .mem = &rig->mem,
        .hash_key = { 1, 2 },
        .federation = SPAN("us"),
        .link_count = link_count,
        .policies = rig->policies,
        .link_federations = rig->federations,
        .damping = rig->damping,
        .hold_down_ns = rig->hold_down_ns,
        .advertisement_interval_ns = rig->advertisement_interval_ns,
        .owner = rig->owner,
        .is_served = rig->is_served,
    };
    rig->rib = rib_create(&config);
    if (rig->rib != NULL) {
        rib_set_time(rig->rib, (struct now){ .wall = AT });
    }
}

/* Whether all memory came back. */
static inline bool
rib_rig_close(struct rib_rig *rig)
{
    rib_free(rig->rib);
    for (uint32_t i = 0; i < RIB_RIG_LINKS_MAX; i++) {
        policy_unref(rig->owned[i]);
        rig->owned[i] = NULL;
    }
    rig->rib = NULL;
    return rig->mem.used == 0;
}

/* Takes the policy: the link judges by it once the RIB has done its work. */
static inline void
rib_rig_replace(struct rib_rig *rig, uint32_t link, struct policy *policy)
{
    bool replaced = rib_replace_policy(rig->rib, link, policy);
    CHECK(replaced);
    policy_unref(rig->owned[link]);
    rig->owned[link] = policy;
    rig->policies[link] = policy;
}

static inline void
rib_rig_work(struct rib_rig *rig)
{
    while (rib_work(rig->rib, 1000)) {
    }
}

/* A function as a node of the cluster advertises it. Absent: id as the name, version 1.0.0. */
struct rib_facts {
    const char *node;
    const char *name;
    const char *id;
    const char *version;
    struct text_list tags;
    struct text_list resources;
};

static inline struct function_identity
rib_rig_identity(const char *name, const char *id, const char *version)
{
    struct function_identity identity = {
        .name = span_from_text(name),
        .function_id = span_from_text(id == NULL ? name : id),
        .version_text = span_from_text(version == NULL ? "1.0.0" : version),
    };
    bool parsed = version_parse(identity.version_text, &identity.version);
    CHECK(parsed);
    return identity;
}

static inline struct function_endpoint
rib_rig_endpoint(struct rib_facts facts)
{
    return (struct function_endpoint){
        .key = {
            .cluster_id = SPAN("us"),
            .node_id = span_from_text(facts.node == NULL ? "ws://n1:1" : facts.node),
            .identity = rib_rig_identity(facts.name, facts.id, facts.version),
            .resources = facts.resources,
        },
        .scope = SPAN("zone"),
        .tags = facts.tags,
        .ttl_ns = 120 * SEC_NS,
    };
}

static inline void
rib_rig_add(struct rib_rig *rig, struct rib_facts facts)
{
    struct function_endpoint endpoint = rib_rig_endpoint(facts);
    rib_add_provider(rig->rib, &endpoint);
}

static inline void
rib_rig_remove(struct rib_rig *rig, struct rib_facts facts)
{
    struct function_endpoint endpoint = rib_rig_endpoint(facts);
    rib_remove_provider(rig->rib, &endpoint);
}

/* The order of the cluster port: an export that both belong to stays up. */
static inline void
rib_rig_change(struct rib_rig *rig, struct rib_facts from, struct rib_facts to)
{
    rib_rig_add(rig, to);
    rib_rig_remove(rig, from);
}

/* A route as a far bridge announces it. Absent: origin and path as the link's, five hops. */
struct rib_route {
    uint64_t route_id;
    const char *name;
    const char *id;
    const char *version;
    struct text_list tags;
    struct text_list resources;
    struct span origin;
    struct text_list path;
    uint32_t hops_left;
    uint32_t cost;
    bool doubted;
    uint64_t ttl_ns; /* 0: two minutes */
};

static inline struct link_route
rib_rig_route(const struct rib_rig *rig, uint32_t link, struct rib_route route)
{
    bool has_path = route.path.items != NULL;
    const struct text_list own_path = { .items = &rig->federations[link], .count = 1 };
    return (struct link_route){
        .route_id = route.route_id,
        .advertisement = {
            .identity = rib_rig_identity(route.name, route.id, route.version),
            .tags = route.tags,
            .resources = route.resources,
            .scope = SPAN("zone"),
            .origin = route.origin.size == 0 ? rig->federations[link] : route.origin,
            .path = has_path ? route.path : own_path,
            .hops_left = route.hops_left == 0 ? ADVERTISEMENT_HOPS_DEFAULT : route.hops_left,
            .cost = route.cost,
            .doubted = route.doubted,
            .preference = ADVERTISEMENT_PREFERENCE_DEFAULT,
            .ttl_ns = route.ttl_ns == 0 ? 120 * SEC_NS : route.ttl_ns,
        },
    };
}

static inline const struct rib_import *
rib_rig_learn(struct rib_rig *rig, uint32_t link, struct rib_route facts)
{
    struct link_route route = rib_rig_route(rig, link, facts);
    return rib_learn(rig->rib, link, &route);
}

/* Everything that came over a link goes. */
static inline void
rib_rig_drop(struct rib_rig *rig, uint32_t link, enum prune_reason reason)
{
    rib_unlearn_all(rig->rib, link, reason);
    rib_rig_work(rig);
}

/* What a link port does: take everything that waits, and remember the first of it. */
static inline void
rib_rig_flush(struct rib_rig *rig, uint32_t link)
{
    struct rib_export *exported;
    rig->sent_count = 0;
    while ((exported = rib_next_export(rig->rib, link)) != NULL) {
        if (rig->sent_count < RIB_RIG_SENT_MAX) {
            rig->sent[rig->sent_count++] = (struct rib_rig_sent){
                .route_id = exported->route_id,
                .withdrawn = rib_export_withdrawn(exported),
            };
        }
        rib_export_take(rig->rib, exported);
        rib_export_done(rig->rib, exported, 0);
    }
}

/* What the cluster port does when everything can be offered. How many offers changed. */
static inline uint32_t
rib_rig_settle(struct rib_rig *rig)
{
    struct rib_offer *offer;
    uint32_t count = 0;
    while ((offer = rib_next_offer(rig->rib)) != NULL) {
        rib_offer_done(rig->rib, offer, offer->chosen == NULL ? RIB_OFFER_NONE : RIB_OFFER_MADE);
        count++;
    }
    return count;
}

/* The export of this name over this link, or NULL. */
static inline const struct rib_export *
rib_rig_export(const struct rib_rig *rig, uint32_t link, const char *name)
{
    size_t cursor = 0;
    const struct rib_export *exported;
    while ((exported = rib_each_export(rig->rib, link, &cursor)) != NULL) {
        if (span_is(rib_export_out(exported).identity.name, name)) {
            return exported;
        }
    }
    return NULL;
}

/* Whether `name` is denied on the link; *denied says why. */
static inline bool
rib_rig_denied(const struct rib_rig *rig, uint32_t link, const char *name, struct rib_denied *found)
{
    size_t cursor = 0;
    while (rib_each_denied(rig->rib, link, &cursor, found)) {
        if (span_is(found->identity.name, name)) {
            return true;
        }
    }
    return false;
}

#endif
