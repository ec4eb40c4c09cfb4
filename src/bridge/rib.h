/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib.h - what the bridge knows, per port: what came in, what policy made of it, what goes out.
 *
 *   cluster --add_provider--> service --export policy, per link--> rib_export --> announce
 *   link ------learn--------> rib_import --import policy, decide--> rib_offer --> offer in the cluster
 *
 * A service is one function of the cluster as policy sees it (name, id, version, resources, tags,
 * scope), however many nodes provide it; it is exported while it has a provider. Services that differ
 * only in tags or scope may become one export. A name that is exported stands for one function and has
 * one id: whatever else policy would put under it is denied until the name is free. An offer is one name in our cluster; several imports
 * may be candidates for it and rib_decide chooses one.
 *
 * Renaming keeps the origin: a call finds the far name through the entry, so no pattern is ever
 * inverted, and path and hops survive (design.md 4).
 *
 * What came over one link leaves over another where that one's policy has a rule that says `transit`: the import that
 * was chosen for an offer is then a service too, with the path and the hops of where it came from.
 *
 * Never exported: what carries an origin tag of ours, that is what this or another bridge of our
 * federation has imported; and the commands that every node answers by itself (core/built_in.h).
 * Never imported: what has our own federation in its path, or no hop left, or would take the name of
 * such a command; and what would not fit in the cluster with the tag of its origin.
 *
 * Changes wait in two queues until the ports take them: rib_next_export (a link port) and
 * rib_next_offer (the cluster port).
 */
#ifndef BRIDGE_RIB_H
#define BRIDGE_RIB_H

#include "base/hash.h"
#include "base/heap.h"
#include "base/instant.h"
#include "base/list.h"
#include "base/map.h"
#include "bridge/damping.h"
#include "bridge/kept.h"
#include "bridge/link_codec.h"
#include "bridge/policy.h"
#include "core/prune.h"

struct rib;

#define RIB_LINKS_MAX 64u

/* Functions of our cluster that merged exports lead to (policy_rule_source.merge), by name. */
#define RIB_SOURCES_MAX 64u

/* Differences between two policies that are kept for reading; the others are only counted. */
#define RIB_DIFFERENCES_MAX 1000u

/* The last events that are kept for reading, of each kind. */
#define RIB_EVENTS_MAX 10000u

/* One advertisement that goes out over one link. Open for reading. */
struct rib_export {
    uint64_t route_id;
    struct kept out;         /* as it is announced: rib_export_out() */
    struct identity *source; /* of the function of our cluster that it stands for */
    uint32_t rule;           /* of the export policy: rib_export_rule_id() */
    uint32_t policy_number;  /* of the policy that `rule` belongs to: rib_policy_number() */
    struct wall since;       /* it may be announced */
    uint64_t digest;         /* private: of what was announced last */
    uint32_t epoch;          /* private: of the announcing that it was announced in last */
    uint8_t link;
    bool merge;             /* it may stand for other functions too: rib_export_sources() */
    struct instant told_at; /* private: likewise, also of its last life; 0: never */
    struct heap_node due;   /* private: in rib_announcing.paced */
    struct list slots;      /* of the services behind it */
    struct list change;
    struct list in_link;
};

enum rib_import_state {
    RIB_IMPORT_REJECTED = 0, /* `reason` and rib_import_rule_id() say why */
    RIB_IMPORT_CANDIDATE,    /* for its offer */
};

/* One advertisement that came in over one link. Open for reading. */
struct rib_import {
    uint64_t route_id;
    struct kept in;    /* as it came: rib_import_in() */
    struct kept out;   /* CANDIDATE: as policy made it: rib_import_out() */
    uint64_t digest;   /* link_route.digest */
    struct wall since; /* CANDIDATE: it is one, with these contents or others */
    uint32_t epoch;    /* private: it was confirmed last in this one */
    enum rib_import_state state;
    enum prune_reason reason; /* REJECTED */
    uint32_t rule;            /* of the import policy; POLICY_NO_RULE: none decided */
    uint32_t policy_number;   /* of the policy that `rule` belongs to: rib_policy_number() */
    uint32_t judged;          /* private */
    uint32_t compared;        /* private */
    uint32_t in_size; /* POLICY_LIMIT_BYTES: of this and of `in`, as if nothing of it were shared */
    uint8_t link;
    uint8_t
        retries;  /* CANDIDATE: how often a call may go again although it may have been executed */
    bool asked;   /* its rules, or their default */
    bool blocked; /* REJECTED without asking a rule: more came than import.limits allows */
    uint8_t counter;         /* private; REJECTED: of those like it */
    struct span rule_reason; /* REJECTED by a rule: its text for people, or empty */
    struct rib_offer *offer;
    struct list
        in_offer; /* or, REJECTED, in the link's list of those, or of those that are blocked */
    struct list in_link;
};

enum rib_offer_state {
    RIB_OFFER_NONE = 0, /* not in the cluster */
    RIB_OFFER_MADE,     /* the cluster sees it, also while `made` is gone already */
    RIB_OFFER_CONFLICT, /* the cluster has this name under another id, or the id under another name */
    RIB_OFFER_NO_ROOM, /* the catalog is full */
};

/* One function that links bring to our cluster. Open for reading. */
struct rib_offer {
    struct kept key; /* its identity and resources: rib_offer_identity(), rib_offer_resources() */
    struct rib_import *chosen; /* NULL: no candidate is left, or `overlap` keeps all of them back */
    struct rib_import *made;   /* what is offered in the cluster now */
    enum rib_offer_state state;
    uint32_t decided;            /* private; rib.decision of then */
    struct rib_service *transit; /* private; what of it other links may get, or NULL */
    struct list transit_change;  /* private */
    struct rib_name *name;
    struct list in_name;
    struct list candidates;
    struct list change;
};

/* Views. Their texts live until the next change of the RIB. */
struct advertisement rib_export_out(const struct rib_export *exported);
struct span rib_export_source_name(const struct rib_export *exported);
struct advertisement rib_import_in(const struct rib_import *import);
struct advertisement rib_import_out(const struct rib_import *import);
struct function_identity rib_offer_identity(const struct rib_offer *offer);
struct text_list rib_offer_resources(const struct rib_offer *offer);

/* The rule that let it out, or in, or rejected it; empty: no rule was asked, or its policy is gone. */
struct span rib_export_rule_id(const struct rib *rib, const struct rib_export *exported);
struct span rib_import_rule_id(const struct rib *rib, const struct rib_import *import);

struct rib_config {
    struct mem *mem;
    struct log *log; /* or NULL */
    struct hash_key hash_key;
    struct span federation; /* ours */
    uint32_t link_count;    /* <= RIB_LINKS_MAX */
    struct policy *const
        *policies; /* one a link, of which each gets a holder; NULL: nothing passes */
    const struct span *link_federations; /* the far side of each link */
    struct damping_config damping;       /* of functions that flap, by link and route */
    uint64_t advertisement_interval_ns;  /* no export is announced again sooner; 0: at once */
    uint64_t hold_down_ns; /* what was withdrawn is not offered again for so long; 0: at once */
    /* Whether a node of the cluster that serves this name can be called right now; for overlap: failover. */
    void *owner;
    bool (*is_served)(void *owner, struct span name);
};

/* NULL: no memory. */
MUST_CHECK struct rib *rib_create(const struct rib_config *config);
void rib_free(struct rib *rib);

/* The time of what follows: by the wall, policies judge. To be told before the first of it, and at each step. */
void rib_set_time(struct rib *rib, struct now now);

/*
 * Judge by another policy (NULL: nothing passes) from now on. What is known already is judged again bit by bit, by
 * rib_work(); until then it stays as it is. Takes a holder. false: no memory, or rib_replacing(); nothing changed.
 */
MUST_CHECK bool rib_replace_policy(struct rib *rib, uint32_t link, struct policy *policy);
bool rib_replacing(const struct rib *rib, uint32_t link);

/* Counts the policies of a link, from 1. */
uint32_t rib_policy_number(const struct rib *rib, uint32_t link);
/* When the policy came into use. */
struct wall rib_policy_since(const struct rib *rib, uint32_t link);
/* NULL: none. */
struct policy *rib_policy(const struct rib *rib, uint32_t link);

/*
 * What another policy would change (NULL: if nothing passed). All that is known is compared bit by bit, by
 * rib_work(), and whatever comes is compared as it comes, until rib_end_comparison(). Takes a holder.
 */
void rib_compare_policy(struct rib *rib, uint32_t link, struct policy *candidate);
/* Compare no more; what was found stays to be read. */
void rib_end_comparison(struct rib *rib, uint32_t link);
void rib_forget_candidate(struct rib *rib, uint32_t link);

enum rib_difference_kind {
    RIB_APPEARS = 0, /* rejected today */
    RIB_VANISHES,    /* accepted today */
    RIB_RENAMED,     /* gets another name */
    RIB_ALTERED, /* keeps its name; its id, tags, resources, scope, cost, preference or lifetime differ */
};
#define RIB_DIFFERENCE_KIND_COUNT (RIB_ALTERED + 1)

/* Texts live as long as the candidate. */
struct rib_difference {
    enum rib_difference_kind kind;
    enum policy_direction direction;
    struct span function; /* as it came to the policy */
    struct span before;   /* the name it gets today; empty: rejected */
    struct span after;
    struct span rule_before;
    struct span rule_after;
};

struct rib_comparison {
    bool is_there;     /* a policy was compared, or is */
    bool whole;        /* all that is known was compared */
    uint64_t compared; /* judgements, also of the same function again when it changed */
    uint64_t accepted; /* of them today */
    uint64_t counts[RIB_DIFFERENCE_KIND_COUNT];
    const struct rib_difference *items; /* the first RIB_DIFFERENCES_MAX of them */
    uint32_t item_count;
};
struct rib_comparison rib_comparison(const struct rib *rib, uint32_t link);
const char *rib_difference_kind_name(enum rib_difference_kind kind);

/*
 * Go on with judging and comparing: at most about `budget` of them. Whether any is left.
 * A million take seconds, so this is done in pieces between which the bridge serves others.
 */
bool rib_work(struct rib *rib, uint32_t budget);
bool rib_has_work(const struct rib *rib);

/* When a function that is damped or held down may be offered, or its flaps are forgotten, and rib_set_time() makes work of it. */
struct instant rib_damping_deadline(const struct rib *rib);
/* Why an import is RIB_IMPORT_REJECTED with PRUNE_DAMPED: when it is judged again. */
struct instant rib_damped_until(const struct rib *rib, const struct rib_import *import);

/* When a rule begins or ceases to be valid next, and rib_set_time() makes work of it; .ns INT64_MAX: never. */
struct wall rib_deadline(const struct rib *rib);

/* How often a rule decided. */
struct rib_rule_use {
    uint64_t hits;
    struct wall last_hit; /* .ns 0: never */
};
/* `rule` POLICY_NO_RULE: the default. Since the policy is in use: rib_policy_since(). */
struct rib_rule_use rib_rule_use(
    const struct rib *rib, uint32_t link, enum policy_direction direction, uint32_t rule);

enum rib_event_kind {
    RIB_EVENT_REJECTED = 0, /* it was not let through */
    RIB_EVENT_PRUNED,       /* it had been, and went */
};
#define RIB_EVENT_KIND_COUNT 2

/* What became of one function. Lives, with its texts, until the next change of the RIB. */
struct rib_event {
    uint64_t number; /* of all kinds together, from 1 on */
    struct wall at;
    enum rib_event_kind kind;
    uint32_t link;
    enum policy_direction direction;
    enum prune_reason reason;
    struct span function; /* as it was called before policy */
    struct span
        rule_id; /* that rejected it, or that had let it through; empty: no rule was asked */
    struct span rule_reason; /* REJECTED; or empty */
    uint64_t age_ns;         /* PRUNED: for how long it had been let through */
};
/* From the newest to the oldest; NULL: there is none. */
const struct rib_event *rib_newest_event(const struct rib *rib, enum rib_event_kind kind);
const struct rib_event *rib_older_event(const struct rib_event *event);
/*
 * What was made of all that a link announced: how much is accepted and rejected now, and by which rules; with `names` also
 * which routes, the first of them. Its lists are in `arena`, its texts live until the next change. false: no memory.
 */
MUST_CHECK bool rib_report(const struct rib *rib, uint32_t link, bool names, struct arena *arena,
    struct link_report *report);
/* Another number when the report may be another. */
uint64_t rib_report_version(const struct rib *rib, uint32_t link);

/* The number of the last one, also if there was no memory to keep it; 0: nothing happened so far. */
uint64_t rib_last_event(const struct rib *rib);

/* More came over the link than its policy foresees (policy_import_limits()); what comes of it is the port's. */
bool rib_over_limit(const struct rib *rib, uint32_t link, enum policy_limit_kind kind);

/* A node that serves this name can be called from now on, or cannot any more. */
void rib_reconsider(struct rib *rib, struct span name);

/* A function of the cluster's own: not brought here by a bridge, and no command that every node has. */
bool rib_is_own(const struct function_endpoint *endpoint);

/* A node of the cluster started or ceased to provide a function. What is never exported is passed over. */
void rib_add_provider(struct rib *rib, const struct function_endpoint *endpoint);
void rib_remove_provider(struct rib *rib, const struct function_endpoint *endpoint);

/* A hint that the route is about to be learnt. */
void rib_prefetch(const struct rib *rib, uint32_t link, uint64_t route_id);

/*
 * A route came over a link, or came again with other contents. Returns the import, or NULL when there was
 * no memory to keep it (counted as PRUNE_LIMIT_EXCEEDED).
 */
const struct rib_import *rib_learn(struct rib *rib, uint32_t link, const struct link_route *route);

/* It is gone, for `reason`. false: it was not known. */
bool rib_unlearn(struct rib *rib, uint32_t link, uint64_t route_id, enum prune_reason reason);

/*
 * What is known of a link is fresh, or stale: kept although nobody vouches for it right now, and less preferred
 * (design.md 5: a restart neither flushes nor freezes).
 *
 *   rib_mark_down     the link is down: all of it is stale
 *   rib_mark_resumed  it is as before
 *   rib_mark_session  a new session begins: what was known is stale until it is announced again
 *   rib_mark_refresh  everything is announced again; nothing is stale meanwhile
 *   rib_sweep         what was not announced since the last of these two goes, for `reason`
 *   rib_unlearn_all   all goes, for `reason`
 *   rib_expire        what has been stale for its own ttl goes, which is due at rib_expiry_deadline()
 *
 * What goes, goes bit by bit in rib_work(), and choices among several links follow there, too.
 */
void rib_mark_down(struct rib *rib, uint32_t link);
void rib_mark_resumed(struct rib *rib, uint32_t link);
void rib_mark_session(struct rib *rib, uint32_t link);
void rib_mark_refresh(struct rib *rib, uint32_t link);
void rib_sweep(struct rib *rib, uint32_t link, enum prune_reason reason);
void rib_unlearn_all(struct rib *rib, uint32_t link, enum prune_reason reason);
void rib_expire(struct rib *rib, uint32_t link);
struct instant rib_expiry_deadline(const struct rib *rib, uint32_t link);
bool rib_import_is_stale(const struct rib *rib, const struct rib_import *import);
uint64_t rib_stale_count(const struct rib *rib, uint32_t link);
uint64_t rib_import_count(const struct rib *rib, uint32_t link);
bool rib_is_down(const struct rib *rib, uint32_t link);
/* What goes is not all gone. */
bool rib_is_sweeping(const struct rib *rib, uint32_t link);

/* What the far side of a link has announced, as far as it is known here. */
struct link_table rib_heard_table(const struct rib *rib, uint32_t link);

/* Of the far side, for the decision: the bridge that is or was there, and how far away it is (0: nearest). */
void rib_describe_link(struct rib *rib, uint32_t link, struct span bridge, uint32_t distance);

/* The link flaps: what comes over it is less preferred than what is fresh, for as long as that is said of it. */
void rib_damp_link(struct rib *rib, uint32_t link, bool damped);
bool rib_link_is_damped(const struct rib *rib, uint32_t link);
/* Likewise, because its probes fail. */
void rib_doubt_link(struct rib *rib, uint32_t link, bool doubted);
bool rib_link_is_doubted(const struct rib *rib, uint32_t link);
/* Its link is damped or doubted, or one that it came over before: whoever passed it on said so. */
bool rib_import_is_doubted(const struct rib *rib, const struct rib_import *import);

/* Which step of rib_decide.h has made the chosen import the best of several; 0: there was only one. */
uint32_t rib_offer_decided_by(const struct rib *rib, const struct rib_offer *offer);
/* How many would like to be chosen. */
uint32_t rib_offer_candidate_count(const struct rib_offer *offer);
/* Of an import that is not chosen, the step by which the chosen one is better; 0: there is none that is. */
uint32_t rib_import_beaten_by(const struct rib *rib, const struct rib_import *import);

/*
 * The next export of `link` to announce (rib_export.slots not empty) or to withdraw (empty), NULL when
 * there is none. Withdrawals come first. The caller takes it, sends it, and says rib_export_done() with the digest of
 * what was sent (0 for a withdrawal, which is forgotten then).
 */
struct rib_export *rib_next_export(struct rib *rib, uint32_t link);
void rib_export_take(struct rib *rib, struct rib_export *exported);
void rib_export_done(struct rib *rib, struct rib_export *exported, uint64_t digest);
/* When an export that was announced a moment ago may be announced again. */
struct instant rib_announcing_deadline(const struct rib *rib, uint32_t link);
bool rib_export_withdrawn(const struct rib_export *exported);
/* It was told in this session. */
bool rib_export_announced(const struct rib *rib, const struct rib_export *exported);

/* A session begins: everything is to be announced. Or it ended: nothing is announced any more. */
void rib_begin_announcing(struct rib *rib, uint32_t link);
void rib_end_announcing(struct rib *rib, uint32_t link);
/* Within a session everything is to be announced once more. */
void rib_announce_again(struct rib *rib, uint32_t link);

/* What was announced in this session and stands. */
struct link_table rib_announced_table(const struct rib *rib, uint32_t link);

/*
 * The next offer whose chosen import is not what was made in the cluster. The cluster port acts and
 * says rib_offer_done() with the outcome, which forgets an offer that has neither.
 */
struct rib_offer *rib_next_offer(struct rib *rib);
void rib_offer_done(struct rib *rib, struct rib_offer *offer, enum rib_offer_state state);

/* Over which link a call for an offer may go. */
struct rib_route_query {
    uint64_t tried;         /* not over these, a bit each */
    uint64_t turn;          /* links that are as good as each other take turns */
    struct span federation; /* only to this one; empty: to any */
    void *owner;
    /* Whether it suits, and its link takes a call now. */
    bool (*usable)(void *owner, const struct rib_import *import);
};
/* NULL: none. */
const struct rib_import *rib_route(
    const struct rib *rib, const struct rib_offer *offer, const struct rib_route_query *query);
/* The import by which this link itself brings the name into our cluster; NULL: it does not. */
const struct rib_import *rib_route_over(const struct rib *rib, struct span name, uint32_t link);
/* Several imports bring it. */
bool rib_has_choice(const struct rib_offer *offer);
/* By these two an offer is found again that may be gone meanwhile. The mark is a hash. */
uint64_t rib_offer_mark(const struct rib *rib, const struct rib_offer *offer);
const struct rib_offer *rib_find_offer(const struct rib *rib, struct span name, uint64_t mark);

/* Let other links have what was chosen since. After the offers were taken. */
void rib_pass_on(struct rib *rib);

/* Offers in CONFLICT or without room may have it now: queue them again. */
void rib_retry_offers(struct rib *rib);

/* The export that a far bridge calls, or NULL: withdrawn or never announced. */
const struct rib_export *rib_find_export(const struct rib *rib, uint32_t link, uint64_t route_id);

/* NULL: the link has not announced it, or it is gone. */
const struct rib_import *rib_find_import(const struct rib *rib, uint32_t link, uint64_t route_id);

/*
 * The names of the functions of our cluster behind an export, at most RIB_SOURCES_MAX; one unless rules merge.
 * In `arena`; count 0: no memory.
 */
struct text_list rib_export_sources(const struct rib_export *exported, struct arena *arena);

/* The import that an export passes on; NULL: it is of our own cluster. */
const struct rib_import *rib_export_import(const struct rib_export *exported);

/* Whether this endpoint of the cluster is one that `exported` stands for. */
bool rib_export_includes(const struct rib *rib, const struct rib_export *exported,
    const struct function_endpoint *endpoint);

/* Iterate: *cursor starts as 0, NULL at the end. No changes meanwhile. */
const struct rib_export *rib_each_export(const struct rib *rib, uint32_t link, size_t *cursor);
const struct rib_import *rib_each_import(const struct rib *rib, uint32_t link, size_t *cursor);

/* Cluster functions that a link's export policy denies, one after the other. */
struct rib_denied {
    struct function_identity identity;
    struct text_list tags;
    enum prune_reason reason;
    struct span rule_id;
    struct span rule_reason;
};
bool rib_each_denied(
    const struct rib *rib, uint32_t link, size_t *cursor, struct rib_denied *denied);

/* A function of our cluster, and what is made of it for a link. */
struct rib_service_view {
    struct advertisement facts;        /* as export policy sees it */
    const struct rib_export *exported; /* NULL: denied, and this is why */
    enum prune_reason reason;
    struct span rule_id;
    struct span rule_reason;
};
bool rib_each_service(
    const struct rib *rib, uint32_t link, size_t *cursor, struct rib_service_view *view);

struct rib_counts {
    uint64_t services;
    uint64_t exports[RIB_LINKS_MAX];
    uint64_t denied[RIB_LINKS_MAX];
    uint64_t imports_accepted[RIB_LINKS_MAX];
    uint64_t imports_rejected[RIB_LINKS_MAX];
    uint64_t table[RIB_LINKS_MAX][POLICY_LIMIT_KIND_COUNT];         /* all that the link brought */
    uint64_t table_blocked[RIB_LINKS_MAX][POLICY_LIMIT_KIND_COUNT]; /* of that */
    uint64_t imports_damped[RIB_LINKS_MAX];                         /* of the rejected ones */
    uint64_t offers;
    uint64_t offers_made; /* of them, what the cluster sees */
    uint64_t prunes[RIB_LINKS_MAX][PRUNE_REASON_COUNT];
    uint64_t rejects[RIB_LINKS_MAX][PRUNE_REASON_COUNT];
};
const struct rib_counts *rib_counts(const struct rib *rib);

#endif
