/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_state.h - what the two halves of the RIB share. Private to rib*.c.
 *
 *   rib.c         birth, names, counting, packing of advertisements
 *   rib_policy.c  the policy of a link, and its candidate: who judges, by what time, and how often
 *   rib_work.c    judging and comparing again what is known, in pieces
 *   rib_events.c the last rejects and prunes
 *   rib_export.c  from the cluster to the links
 *   rib_announce.c what they are told, and
 *   rib_pace.c    not too often
 *   rib_import.c  from the links to the cluster
 *   rib_damping.c which of that comes and goes, and
 *   rib_limits.c  how much a link may bring
 *   rib_read.c    what others read
 *   rib_hear.c    how fresh that is, and what goes
 *   rib_route.c   over which link a call goes
 *   rib_report.c  why imports are rejected, in numbers
 *   rib_transit.c from one link to the others
 */
#ifndef BRIDGE_RIB_STATE_H
#define BRIDGE_RIB_STATE_H

#include <assert.h>

#include "base/fifo.h"
#include "base/heap.h"
#include "bridge/rib.h"

/* A function name in our cluster: who serves it here, and what links offer under it. */
struct rib_name {
    struct identity *identity; /* one that has this name */
    uint32_t providers;
    uint32_t pins; /* somebody walks its offers: it stays */
    struct list offers;
};

static_assert(RIB_LINKS_MAX <= UINT8_MAX + 1u, "a table's entries count them in a byte");
static_assert(POLICY_RETRIES_MAX <= UINT8_MAX, "so do imports their retries");

/* A service and one link. */
struct rib_slot {
    struct rib_export *exported; /* NULL: denied */
    struct list in_export;       /* or, denied because its name is taken, in rib_link.waiting */
    uint64_t wanted;             /* hash of that name */
    uint8_t link;                /* its place in rib_service.slots */
    bool outside;                /* neither exported nor denied: transit is not for this link */
    uint32_t judged;             /* rib_link.stamp of then; 0: never */
    uint32_t compared;           /* rib_candidate.stamp of then */
    enum prune_reason reason;    /* why denied */
    struct span rule_id;
    struct span rule_reason;
};

struct rib_service {
    struct kept facts;               /* as export policy sees it */
    const struct rib_import *import; /* it passes on; NULL: nodes of our cluster provide it */
    struct rib_name *name;
    uint32_t providers;
    struct rib_slot slots[]; /* one a link */
};

static inline struct rib_service *
rib_slot_service(const struct rib_slot *slot)
{
    return CONTAINER_OF(slot - slot->link, struct rib_service, slots);
}

/* What finds an export: its identity and resources, or any that has its name. */
struct rib_export_key {
    const struct advertisement *out;
    bool name_only;
};

/* What a policy that is not in use would do. */
struct rib_candidate {
    bool is_there;
    bool ended;            /* it is not compared any more; what was found can be read */
    struct policy *policy; /* NULL: nothing would pass */
    uint32_t stamp;        /* of what was compared with it */
    uint64_t left;         /* slots and imports that were not */
    struct arena arena;    /* of `items` and their texts */
    struct rib_difference *items;
    struct rib_comparison counted; /* its counts */
};

/* Where one of the two walks over the tables stands. Tables change meanwhile, so it may have to come round again. */
struct rib_walk {
    bool in_imports; /* else in the services */
    size_t cursor;
};

/* What one link was told. Epochs only grow; an export has the one in which it was told last. */
struct rib_announcing {
    struct list exports;     /* all that stand, in the order they came */
    struct list changes;     /* of them, those to be told of */
    struct list withdrawals; /* no more among them */
    struct heap paced;       /* changes that wait until they may be told, see rib_pace.c */
    struct list *
        next; /* of `exports`: from here on a walk tells whatever is of an older epoch; NULL: no walk */
    uint32_t session; /* the epoch that this session began with: older ones were not told in it */
    uint32_t epoch;
    struct link_table table;
};

/* What is done over all imports of a link, in pieces. */
enum rib_hearing_walk {
    RIB_SWEEPS = 0, /* drops what is older than drop_before */
    RIB_EXPIRES,    /* drops what has been stale for its lifetime */
    RIB_CHOOSES,    /* decides again among several */
};
#define RIB_HEARING_WALK_COUNT 3

/* What one link tells us. An import has the epoch in which it was told last. */
struct rib_hearing {
    struct list imports;                        /* all, in the order they came */
    struct list *walks[RIB_HEARING_WALK_COUNT]; /* of `imports`: the next one; NULL: no walk */
    uint32_t drop_before;
    enum prune_reason drop_reason;
    struct instant stale_since;    /* nobody vouches for what is stale */
    struct instant expire_at;      /* the next walk over lifetimes may begin */
    uint64_t stale_ns;             /* RIB_EXPIRES: since stale_since, when it began */
    uint64_t shortest_lifetime_ns; /* RIB_EXPIRES: of what it has left */
    uint32_t epoch;
    uint64_t confirmed; /* imports of this epoch */
    bool down;
    bool syncing; /* what is not of this epoch is stale */
    struct link_table table;
};

/* How often one function came and went over a link. Only while there is something to remember. */
struct rib_flaps {
    struct heap_node due; /* in rib.flaps_due: when it says less than now */
    uint32_t link;
    uint64_t route_id;
    struct damping damping;
    struct instant held_until; /* by hold_down */
    struct list in_gone;       /* the function is not there */
};

/* Imports that are rejected now for one reason and by one rule; count 0: free. */
struct rib_rejection {
    enum prune_reason reason;
    struct span rule;
    uint64_t count;
};

struct rib_reporting {
    struct rib_rejection counters[LINK_REPORT_RULES_MAX];
    struct list rejected; /* those that are not blocked, in the order they came */
    uint64_t changes;     /* also of those that are accepted */
};

struct rib_link {
    struct policy *policy; /* in use; NULL: nothing passes */
    struct policy *old;    /* what judged some of the `left`; NULL when there is none */
    uint32_t policy_number;
    struct wall since;
    uint32_t stamp; /* counts policies and periods: whatever has another was not judged by these */
    struct policy_period period; /* of `policy`, around rib.now */
    uint64_t left;               /* slots and imports that `policy` did not judge in this period */
    struct rib_rule_use
        *uses[2]; /* by enum policy_direction; one a rule, and the default's behind them */
    size_t uses_size[2];
    struct rib_candidate candidate;
    struct rib_walk judging;
    struct rib_walk comparing;
    struct list waiting; /* slots whose exported name is taken */
    struct list blocked; /* imports beyond what policy_import_limits() lets in */
    struct rib_announcing announcing;
    struct rib_hearing hearing;
    struct rib_reporting reporting;
    struct map exports; /* by rib_export_key */
    struct map routes;  /* the same, and those that are withdrawn but not told so, by route_id */
    struct map imports; /* by route_id */
    struct map flaps;   /* likewise */
    struct list gone;   /* flaps of functions that are not there, from the one that went first on */
    uint32_t gone_count;
    size_t bridge_size; /* of the far side */
    char bridge[LINK_BRIDGE_NAME_MAX];
    uint32_t distance;
    bool damped;
    bool doubted;
};

struct rib {
    struct rib_config config;
    struct arena scratch;           /* of one policy evaluation */
    struct arena candidate_scratch; /* likewise, of a candidate's */
    struct arena transit_scratch;   /* a path */
    struct wall now;
    struct instant mono;
    struct heap flaps_due;
    struct map services;
    struct map names;
    struct map offers;
    struct kept_table kept;
    struct list offer_changes;
    struct list offers_waiting; /* in conflict, or without room */
    struct list transit_changes;
    bool passes_through; /* some link's policy has transit */
    uint32_t
        decision; /* counts changes of policies and periods, after which offers are decided again */
    struct fifo events[RIB_EVENT_KIND_COUNT]; /* struct rib_event, each with its texts behind it */
    uint64_t last_event;
    struct rib_link *links;
    struct rib_counts counts;
};

/* rib.c */
struct rib_name *rib_name_ensure(struct rib *rib, const struct function_identity *identity);
struct rib_name *rib_name_find(const struct rib *rib, struct span name);
void rib_name_drop_if_unused(struct rib *rib, struct rib_name *name);
uint64_t rib_hash_name(const struct rib *rib, struct span name);
uint64_t rib_hash_identity(const struct rib *rib, const struct function_identity *identity,
    const struct text_list *resources);
uint64_t rib_hash_number(const struct rib *rib, uint64_t number);

/* The same function with the same resources. */
bool rib_kept_is_one(const struct kept *kept, const struct advertisement *other);
bool rib_kept_equal(const struct kept *kept, const struct advertisement *other);
bool rib_advertisement_equal(const struct advertisement *a, const struct advertisement *b);

/* rib_policy.c */
bool rib_policies_init(struct rib *rib);
void rib_policies_destroy(struct rib *rib);
/* Judge `facts` by the policy in use. The verdict lives until the next one. Returns why, of a reject. */
enum prune_reason rib_judge(struct rib *rib, uint32_t link, enum policy_direction direction,
    const struct advertisement *facts, struct policy_verdict *verdict);
/* This verdict stands: count who decided, and compare with what the candidate says. */
void rib_count_verdict(struct rib *rib, uint32_t link, enum policy_direction direction,
    const struct advertisement *facts, const struct policy_verdict *verdict);
/* Compare only: nothing is counted as a hit. */
void rib_compare(struct rib *rib, uint32_t link, enum policy_direction direction,
    const struct advertisement *facts);
/* A slot or an import was judged for the first time; or again; or only compared; or it goes. */
void rib_mark_new(const struct rib *rib, uint32_t link, uint32_t *judged, uint32_t *compared);
void rib_mark_compared(struct rib *rib, uint32_t link, uint32_t *compared);
void rib_mark_judged(struct rib *rib, uint32_t link, uint32_t *judged, uint32_t *compared);
void rib_mark_gone(struct rib *rib, uint32_t link, uint32_t judged, uint32_t compared);
/* Everything of the link is to be judged again. */
void rib_judge_again(struct rib *rib, uint32_t link);

/* rib_events.c */
void rib_events_init(struct rib *rib);
void rib_events_destroy(struct rib *rib);
/* Count, keep and log it; its number and time are set here. */
void rib_note_event(struct rib *rib, const struct rib_event *event);

/* rib_limits.c: what an import comes to, by enum policy_limit_kind, is added or taken away. */
void rib_limit_count(uint64_t counts[POLICY_LIMIT_KIND_COUNT], const struct rib_import *import);
void rib_limit_discount(uint64_t counts[POLICY_LIMIT_KIND_COUNT], const struct rib_import *import);
/* Whether limits let an advertisement of this size in, in the place of `known` (or NULL); if not, *kind is the first. */
bool rib_limit_has_room(const struct rib *rib, uint32_t link, size_t in_size,
    const struct rib_import *known, enum policy_limit_kind *kind);
/* There is more than a new policy allows. */
bool rib_limit_is_exceeded(const struct rib *rib, uint32_t link, enum policy_limit_kind *kind);
/* What to tell people of what it keeps out. */
struct span rib_limit_text(enum policy_limit_kind kind);

/* rib_export.c, for rib_work.c. */
void rib_rejudge_slot(struct rib *rib, struct rib_slot *slot, uint32_t link);
/* rib_export.c, for rib_announce.c. After its name was given up: the route id goes too. */
void rib_export_free(struct rib *rib, struct rib_export *exported);
/* rib_pace.c: it was told a moment ago, and waits from now on. false: it does not. */
bool rib_pace_delays(struct rib *rib, struct rib_export *exported);
void rib_pace_leave(struct rib *rib, struct rib_export *exported);
/* What has waited long enough, or NULL. */
struct rib_export *rib_pace_due(const struct rib *rib, uint32_t link);
/* rib_report.c: an import is rejected, for its reason and by its rule; it is not any more. */
void rib_report_init(struct rib_link *link);
void rib_report_destroy(struct rib *rib, uint32_t link);
void rib_report_rejected(struct rib *rib, struct rib_import *import);
void rib_report_gone(struct rib *rib, struct rib_import *import);

/* rib_import.c, for rib_hear.c: it goes. */
void rib_drop_import(struct rib *rib, struct rib_import *import, enum prune_reason reason);
/* There is room since some went: those that were blocked are judged, the oldest first. */
void rib_serve_blocked(struct rib *rib, uint32_t link);
/* It has become fresh, doubted or stale, or what it was: that matters to several under one name, and to other links. */
void rib_choose_again(struct rib *rib, struct rib_import *import);
/* Likewise, for rib_work.c. The import may be freed. */
void rib_rejudge_import(struct rib *rib, struct rib_import *import);
/* No loop, nothing malformed, and not too many: it was for the rules to say. */
bool rib_import_is_for_rules(const struct rib *rib, const struct rib_import *import);

/* rib_damping.c: an import that was let through, or would have been, is taken back; or comes with other contents. */
void rib_note_withdrawal(struct rib *rib, const struct rib_import *import);
void rib_note_change(
    struct rib *rib, const struct rib_import *known, const struct advertisement *next);
/* An import of this route is there from now on; or is not. */
void rib_note_arrival(struct rib *rib, const struct rib_import *import);
void rib_note_departure(struct rib *rib, const struct rib_import *import);
/* It may not be offered now, and *text says why. */
bool rib_holds_back(const struct rib *rib, uint32_t link, uint64_t route_id, struct span *text);
/* Judge again what need not be held back any longer, at most `budget`. Returns how many. */
uint32_t rib_damping_work(struct rib *rib, uint32_t budget);
bool rib_damping_has_work(const struct rib *rib);
void rib_damping_init(struct rib *rib);
void rib_damping_destroy(struct rib *rib);

/* rib_hear.c: go on with the walks of rib_hearing, over at most `budget` imports. Returns over how many. */
uint32_t rib_hear_work(struct rib *rib, uint32_t link, uint32_t budget);
bool rib_hearing_walks(const struct rib_hearing *hearing);
/* It was judged; if it is stale, its lifetime may be another. */
void rib_note_lifetime(struct rib *rib, const struct rib_import *import);

/* rib_import.c: whether nodes of the cluster itself leave room for this candidate under its name. */
bool rib_may_offer(const struct rib *rib, const struct rib_import *import);

/* rib_import.c: a local provider of the name came or went. */
void rib_reconsider_name(struct rib *rib, struct rib_name *name);
void rib_free_imports(struct rib *rib);

/* rib_export.c. NULL: no memory. One more, or one less, provides it: a node of our cluster, or this import. */
struct rib_service *rib_service_hold(
    struct rib *rib, const struct advertisement *facts, const struct rib_import *import);
void rib_service_release(struct rib *rib, struct rib_service *service);
void rib_free_exports(struct rib *rib);

/* rib_transit.c: its choice may have changed; or it goes. */
void rib_transit_follow(struct rib *rib, struct rib_offer *offer);
void rib_transit_end(struct rib *rib, struct rib_offer *offer);

#endif
