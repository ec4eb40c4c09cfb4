/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward.h - calls that wait: the two pending tables of the bridge.
 *
 * near: a node of our cluster called an imported function; the call went out over a link and its REPLY is
 *       awaited. Ends by reply, by its deadline, or with the link.
 * far:  a far bridge called an exported function; a node of our cluster is working on it, or it is held until one that
 *       serves it is connected (calls_held.c). Ends by the member's `answered`, or is forgotten with the link.
 *
 * However a call ends, forward_end_near() or forward_end_far() takes it out, and releases what it holds of its
 * rule's limits: once, and nobody else does.
 *
 * A call that only passes through is both: far on the link it came over, near on the one it goes on over.
 *
 * A near call that may have to go over another link keeps what it takes to send it again (calls_again.c).
 */
#ifndef BRIDGE_FORWARD_H
#define BRIDGE_FORWARD_H

#include "base/hash.h"
#include "base/heap.h"
#include "base/instant.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "bridge/call_limits.h"
#include "bridge/link_codec.h"
#include "bridge/repeats.h"
#include "core/member.h"

/* What it takes to send a near call again, copied. */
struct near_again {
    struct span offer_name; /* what it is for: rib_find_offer() */
    uint64_t offer_mark;
    struct span federation;   /* only there; empty: anywhere */
    struct link_call message; /* call_id, route_id and timeout_ms mean nothing */
    uint32_t retries_left;    /* times that it may go again although it may have been executed */
    size_t size;
};

struct near_call {
    uint64_t call_id;
    uint32_t link;
    struct member_back *back; /* a node of our cluster waits; or NULL: */
    uint64_t far_ticket;      /* the far call does that goes on over this link; or 0: */
    uint32_t probe;           /* one of the link's probes does: its index and 1 */
    uint64_t tried;           /* links that it went over, a bit each */
    struct near_again *again; /* NULL: it is not sent again */
    struct call_limit *limit; /* held; NULL: its rule has none. Set by the caller, as is: */
    uint64_t rule_timeout_ns; /* it ends by its rule's timeout, which is this; 0: by another */
    struct instant started_at;
    struct heap_node deadline;
    struct list gathered;
    struct span command; /* behind the struct */
    size_t size;
};

/* What it takes to send a far call later, copied. */
struct far_held {
    struct far_call *call;
    struct list in_order;     /* of forward.held */
    struct heap_node until;   /* it is held no longer */
    struct link_call message; /* of which route_id, id, args and kwargs are kept */
    size_t size;
};

struct far_call {
    uint64_t ticket;  /* of member_call */
    uint64_t call_id; /* the far bridge's */
    uint32_t link;
    uint64_t
        near_call_id; /* the near call by which it goes on over another link; 0: a node works on it */
    struct repeat *repeat;    /* it is known by its id, too; or NULL */
    bool orphaned;            /* who asked is gone; it goes on for whoever asks again */
    struct far_held *held;    /* it was sent to nobody yet; or NULL */
    struct instant deadline;  /* set by the caller; whoever executes it keeps it */
    struct call_limit *limit; /* as above */
    uint64_t rule_timeout_ns;
    struct instant started_at;
    struct list gathered;
};

struct forward {
    struct mem *mem;
    struct hash_key hash_key;
    struct map near;
    struct map far;
    struct heap deadlines;  /* of near calls */
    struct list held;       /* of struct far_held, the oldest first */
    struct heap held_until; /* the same, the first that is due first */
    struct list spent;      /* what is held no longer: the actions of this step may point to it */
    uint64_t next_call_id;
    uint64_t next_ticket;
};

void forward_init(struct forward *forward, struct mem *mem, struct hash_key hash_key);
/* The `back` of each near call was answered or dropped before. */
void forward_destroy(struct forward *forward);

/* NULL: CALLS_IN_FLIGHT_MAX or no memory; `back` is still the caller's. Else it takes it. */
MUST_CHECK struct near_call *forward_add_near(struct forward *forward, uint32_t link,
    struct member_back *back, struct span command, struct instant deadline, struct instant now);
/* Keep what it takes to send it again; `again` borrows. false: no memory, it goes once. */
bool forward_keep_near(
    struct forward *forward, struct near_call *call, const struct near_again *again);
struct near_call *forward_find_near(const struct forward *forward, uint64_t call_id);
struct instant forward_near_deadline(const struct near_call *call);
struct near_call *forward_due_near(const struct forward *forward, struct instant now);
struct instant forward_deadline(const struct forward *forward);
/* Takes it out and frees it; the caller has used up `back`. */
void forward_end_near(struct forward *forward, struct near_call *call);

/* NULL: as above. */
MUST_CHECK struct far_call *forward_add_far(
    struct forward *forward, uint32_t link, uint64_t call_id, struct instant now);
struct far_call *forward_find_far(const struct forward *forward, uint64_t ticket);
void forward_end_far(struct forward *forward, struct far_call *call);

/* It was sent to nobody, and may be until then; `message` borrows. false: no memory. */
MUST_CHECK bool forward_hold_far(struct forward *forward, struct far_call *call,
    const struct link_call *message, struct instant until);
/* It is held no longer. The copy lives until forward_free_spent(). No effect when it is not held. */
void forward_let_go_far(struct forward *forward, struct far_call *call);
struct far_call *forward_due_held(const struct forward *forward, struct instant now);
struct instant forward_held_deadline(const struct forward *forward);
/* Once a step, before anything else. */
void forward_free_spent(struct forward *forward);

/* Link into `gathered` all calls of `link`; the caller ends each. */
void forward_gather(struct forward *forward, uint32_t link, struct list *near, struct list *far);

size_t forward_count(const struct forward *forward);

#endif
