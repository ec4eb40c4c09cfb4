/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge.h - the bridge's engine: an ordinary member of its cluster on one side, links to other
 * federations on the other, and policy between them.
 *
 * Pure: one event in, actions out (core/io.h). The path of an advertisement: core/member ->
 * core/catalog -> cluster_port -> rib (export policy) -> link_port -> link_codec; and back:
 * link_port -> rib (import policy, decision) -> cluster_port -> core/member. The path of a call:
 * core/member -> cluster_calls -> forward -> link_port; on the far side link_port -> cluster_calls ->
 * forward -> core/member; replies retrace the pending tables of forward.
 *
 * The bridge serves no clients: whoever sends role rpc to it is told to ask a node of its cluster.
 */
#ifndef BRIDGE_BRIDGE_H
#define BRIDGE_BRIDGE_H

#include "bridge/call_limits.h"
#include "bridge/damping.h"
#include "bridge/link_session.h"
#include "bridge/policy.h"
#include "bridge/probe.h"
#include "bridge/reload.h"
#include "bridge/rib.h"
#include "core/member.h"

/* How long calls under way may still take after EVENT_STOP. */
#define BRIDGE_DRAIN_NS (UINT64_C(5) * SEC_NS)

/* What a new policy leaves to be judged again is done in pieces of a millisecond or two, so that nobody else waits. */
#define BRIDGE_JUDGEMENTS_A_STEP 16u

/* What our cluster sees of us in NodeDescriptor.capabilities, besides "rpc". */
#define BRIDGE_CAPABILITY "mpreg-bridge"

struct bridge_link_config {
    struct link_session_config session;
    struct policy *policy; /* gets a holder; NULL: nothing passes */
    const struct probe_config *probes;
    uint32_t probe_count; /* <= PROBES_MAX */
};

/* All texts live as long as the bridge. */
struct bridge_config {
    struct span name;
    struct span federation;
    struct member_config member;
    const struct bridge_link_config *links;
    uint32_t link_count; /* <= RIB_LINKS_MAX */
    uint64_t call_timeout_ns;
    uint64_t stale_time_ns; /* what came over a link that is down stays for so long; 0: it goes */
    struct damping_config
        link_damping; /* of links that flap: they are the last choice for a while */
    struct damping_config function_damping; /* of functions that come and go over links */
    uint64_t advertisement_interval_ns;     /* a link is not told of a function again sooner */
    uint64_t hold_down_ns; /* what a link took back is not offered again for so long */
    size_t memory_max;     /* bytes that the engine may use */
    uint32_t
        judgements_a_step; /* of what a new policy leaves to judge; 0: BRIDGE_JUDGEMENTS_A_STEP */
};

struct bridge;

/* NULL: no memory. `seed` starts the engine's chance, hash_key its tables. */
MUST_CHECK struct bridge *bridge_create(
    const struct bridge_config *config, struct hash_key hash_key, uint64_t seed, struct log *log);
void bridge_free(struct bridge *bridge);

/* The actions live until the next step. */
const struct actions *bridge_step(struct bridge *bridge, const struct event *event, struct now now);
struct instant bridge_deadline(const struct bridge *bridge, struct now now);

/* Upper bounds of the call time histogram's buckets, in microseconds; one more bucket is open. */
#define BRIDGE_CALL_BUCKETS                                                                        \
    {                                                                                              \
        500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000,      \
            5000000, 10000000                                                                      \
    }
#define BRIDGE_CALL_BUCKET_COUNT 14u

struct bridge_call_stats {
    uint64_t by_result[CALL_RESULT_COUNT]; /* call_result_name() */
    uint64_t buckets[BRIDGE_CALL_BUCKET_COUNT + 1];
    uint64_t sum_ns;
    uint64_t in_flight; /* now */
};

/* Of a link: what its session does, or why it has none. */
enum bridge_link_view {
    BRIDGE_LINK_DOWN = LINK_DOWN,
    BRIDGE_LINK_GREETING = LINK_GREETING,
    BRIDGE_LINK_SYNCING = LINK_SYNCING,
    BRIDGE_LINK_UP = LINK_UP,
    BRIDGE_LINK_DRAINING = LINK_DRAINING,
    BRIDGE_LINK_SUSPENDED, /* no connection, but the session may go on over another one */
    BRIDGE_LINK_HELD,      /* ended because of import.limits */
    BRIDGE_LINK_DISABLED,  /* the operator has taken it away, at once: */
    BRIDGE_LINK_DRAINED,   /* or after its calls had ended */
};

/* One link as every view of it shows it (design.md 5: state does not lie). Borrowed. */
struct bridge_link_stats {
    struct span name;
    struct span federation;
    struct span far_bridge; /* empty until greeted */
    enum link_state state;
    bool dials; /* we dial; else the far side does */
    const struct link_session_stats *session;
    uint64_t exported;      /* announced or about to be */
    uint64_t export_denied; /* functions of our cluster that policy keeps in */
    uint64_t import_accepted;
    uint64_t import_rejected;
    uint64_t import_blocked; /* of those, the ones beyond import.limits */
    uint64_t import_damped;  /* likewise, the ones that flap or are held down */
    uint64_t table_bytes;    /* of all that came: POLICY_LIMIT_BYTES */
    bool disabled;           /* by the operator */
    bool drained;            /* likewise, and it has ended */
    bool held; /* ended because of that limit, for a while or until the policy changes */
    const uint64_t *prunes;  /* by enum prune_reason */
    const uint64_t *rejects; /* by enum prune_reason */
    uint64_t announced;      /* advertisements sent */
    uint64_t withdrawn;
    uint64_t retried;         /* calls that went over another link instead */
    uint64_t calls_held;      /* calls of the far side that waited for a connection to a node */
    uint64_t heard_announced; /* advertisements received */
    uint64_t heard_withdrawn;
    uint64_t refreshed; /* times that everything was announced because the far side asked for it */
    uint64_t resyncs;   /* times that we asked */
    uint64_t stale;     /* imports that nobody vouches for now */
    uint64_t stale_for_ns; /* they go after so long; 0: nothing is stale */
    bool suspended;        /* without a connection; the session may go on over another one, for: */
    uint64_t suspended_for_ns;
    uint32_t penalty; /* of its flaps, decayed */
    bool damped;      /* what comes over it is the last choice, for: */
    uint64_t damped_for_ns;
    uint64_t diverged_ns; /* for so long our table is not what the far side means; 0: it is */
    const struct probe_config *probe_configs;
    const struct probe *probes; /* one for each of these */
    uint32_t probe_count;
    bool doubted;           /* what comes over it is the last choice: a probe fails */
    uint64_t update_pauses; /* how often it was not read for a while: import.limits.updates */
    struct bridge_call_stats to_link;   /* calls of our cluster over this link */
    struct bridge_call_stats from_link; /* calls of the far side into our cluster */
};

struct bridge_stats {
    struct member_stats member;
    uint64_t functions_known;   /* in the cluster's catalog, ours included */
    uint64_t functions_offered; /* imported functions in the cluster now */
    uint64_t nodes_known;
    uint64_t calls_recognised; /* calls that came again, and were not executed again */
    uint64_t links_refused;    /* connections that no link is configured for */
    size_t memory_used;
    size_t memory_peak;
};

struct bridge_stats bridge_stats(const struct bridge *bridge);
/* Bytes; as in bridge_stats(), for those who ask all the time. */
size_t bridge_memory_used(const struct bridge *bridge);
uint32_t bridge_link_count(const struct bridge *bridge);
struct bridge_link_stats bridge_link_stats(const struct bridge *bridge, uint32_t link);
enum bridge_link_view bridge_link_view(const struct bridge_link_stats *stats);
const char *bridge_link_view_name(enum bridge_link_view view);

/*
 * What an operator may do to a link.
 *
 *   enable    dial, and take whoever comes; also a link that a limit holds
 *   disable   end it, tell the far side so, and refuse whoever comes; what came over it goes
 *   refresh   ask the far side for everything again
 *   drain     what came over it goes, and no call starts; when those under way have ended, as disable
 *   forget    what came over it goes, also while it is down; while it is up, refresh
 */
enum link_verb {
    LINK_VERB_ENABLE = 0,
    LINK_VERB_DISABLE,
    LINK_VERB_REFRESH,
    LINK_VERB_DRAIN,
    LINK_VERB_FORGET,
};
#define LINK_VERB_COUNT (LINK_VERB_FORGET + 1)

enum link_verb_result {
    LINK_VERB_TAKEN = 0, /* the next step does it */
    LINK_VERB_NOT_UP,    /* refresh: nobody is there to ask */
    LINK_VERB_BUSY,      /* too many wait for the next step */
    LINK_VERB_STOPPING,
};

/* Between two steps. It is remembered until the bridge ends, no longer. */
MUST_CHECK enum link_verb_result bridge_link_command(
    struct bridge *bridge, uint32_t link, enum link_verb verb);
const char *link_verb_name(enum link_verb verb);

/* What a rule's limits have counted on this link; NULL: it has none. Until the link's policy is replaced. */
const struct call_limit *bridge_call_limit(const struct bridge *bridge, uint32_t link,
    enum policy_direction direction, struct span rule_id);
/*
 * What the far side has told of our functions: link_codec.h. NULL: nothing in this session; its policy decides. Until the
 * next step.
 */
const struct link_report *bridge_link_told(
    const struct bridge *bridge, uint32_t link, uint64_t *ago_ns);
const struct rib *bridge_rib(const struct bridge *bridge);
struct member *bridge_member(struct bridge *bridge);

/* Its cluster is joined, and every link is up that the operator has not taken away. */
bool bridge_ready(const struct bridge *bridge);

#endif
