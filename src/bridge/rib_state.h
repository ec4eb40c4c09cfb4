/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_state.h - what the two halves of the RIB share. Private to rib*.c.
 *
 *   rib.c         birth, names, counting, packing of advertisements
 *   rib_export.c  from the cluster to the links
 *   rib_import.c  from the links to the cluster
 */
#ifndef BRIDGE_RIB_STATE_H
#define BRIDGE_RIB_STATE_H

#include "bridge/rib.h"

/* A function name in our cluster: who serves it here, and what links offer under it. */
struct rib_name {
    struct span name;
    uint32_t providers;
    uint32_t pins; /* somebody walks its offers: it stays */
    struct list offers;
    size_t size;
};

/* A service and one link. */
struct rib_slot {
    struct rib_service *service;
    struct rib_export *exported; /* NULL: denied */
    struct list in_export;       /* or, denied because its name is taken, in rib_link.waiting */
    uint64_t wanted;             /* hash of that name */
    enum prune_reason reason;    /* why denied */
    struct span rule_id;
    struct span rule_reason;
};

struct rib_service {
    struct advertisement facts; /* as export policy sees it */
    uint32_t providers;
    struct rib_name *name;
    size_t size;
    struct rib_slot slots[]; /* one a link */
};

/* What finds an export: its identity and resources, or any that has its name. */
struct rib_export_key {
    const struct advertisement *out;
    bool name_only;
};

struct rib_link {
    struct map exports;  /* by rib_export_key */
    struct map routes;   /* the same, by route_id */
    struct map imports;  /* by route_id */
    struct list changes; /* of exports */
    struct list waiting; /* slots whose exported name is taken */
    uint64_t next_route_id;
};

struct rib {
    struct rib_config config;
    struct arena scratch; /* of one policy evaluation */
    struct wall now;
    struct map services;
    struct map names;
    struct map offers;
    struct list offer_changes;
    struct list offers_waiting; /* in conflict, or without room */
    struct rib_link *links;
    struct rib_counts counts;
};

/* rib.c */
struct rib_name *rib_name_ensure(struct rib *rib, struct span text);
struct rib_name *rib_name_find(const struct rib *rib, struct span name);
void rib_name_drop_if_unused(struct rib *rib, struct rib_name *name);
uint64_t rib_hash_name(const struct rib *rib, struct span name);
uint64_t rib_hash_identity(const struct rib *rib, const struct function_identity *identity,
    const struct text_list *resources);
uint64_t rib_hash_number(const struct rib *rib, uint64_t number);
size_t rib_advertisement_size(const struct advertisement *advertisement);
void rib_advertisement_pack(
    struct packer *packer, struct advertisement *to, const struct advertisement *from);

/* rib_import.c: a local provider of the name came or went. */
void rib_reconsider_name(struct rib *rib, struct rib_name *name);
void rib_free_imports(struct rib *rib);

/* rib_export.c */
void rib_free_exports(struct rib *rib);

#endif
