/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge_calls.h - one bridge between a node of its cluster and a far bridge made of frames, for the tests of
 * calls. Include it once, in the file with main().
 */
#ifndef TESTS_SUPPORT_BRIDGE_CALLS_H
#define TESTS_SUPPORT_BRIDGE_CALLS_H

#include <check.h>

#include "core/limits.h"
#include "tests/support/bridge_peers.h"

static struct rig rig;
static struct rig_peer *node; /* of the bridge of us */
static struct link_frame frame;

enum { US, EU };

static const struct policy_rule_source all[] = { RULE_ALL };

static inline void
set_up(void)
{
    rig_open(&rig);
}

static inline void
tear_down(void)
{
    ck_assert(rig_close(&rig));
}

/* us alone with a far bridge of eu made of frames. Route 1 of eu is f; route 1 of us is ours. */
static inline uint32_t
open_with_far_eu(void)
{
    struct policy *policy = rig_policy(&rig, all, 1, all, 1);
    const struct rig_link links[] = { { "eu", NULL, policy }, { "ap", NULL, policy } };
    rig_add_bridge(&rig, "us", links, COUNT_OF(links));
    rig_start(&rig);
    node = rig_peer_join(&rig, US, "ws://us-node:1");
    rig_peer_offer(&rig, node, (struct rib_facts){ .name = "ours" });
    uint32_t far = rig_far_join(&rig, US, "eu", "eu-1");
    rig_far_announce(&rig, far, 2, "eu", (struct rib_route){ .route_id = 1, .name = "f" });
    ck_assert_ptr_nonnull(rig_peer_sees(&rig, node, "f"));
    return far;
}

struct rig_far_call {
    uint64_t call_id;
    uint64_t route_id;
    uint32_t timeout_ms;
    uint8_t hops_left;
    struct text_list path;
    const char *args;
    const char *kwargs;
};

static const struct rig_far_call plain_call = { 7, 1, 5000, 4, LIST(T("eu")), "[1,2]", "{}" };

static inline void
far_calls(uint32_t far, const struct rig_far_call *call)
{
    const struct link_frame sent = {
        .type = LINK_FRAME_CALL,
        .call = {
            .call_id = call->call_id,
            .route_id = call->route_id,
            .timeout_ms = call->timeout_ms,
            .hops_left = call->hops_left,
            .path = call->path,
            .args = span_from_text(call->args),
            .kwargs = span_from_text(call->kwargs),
        },
    };
    rig_far_send(&rig, far, &sent);
}

static inline void
congest(uint32_t conn, enum event_kind kind)
{
    rig_push_event(&rig, conn, 0, (struct event){ .kind = kind });
    rig_run(&rig);
}

/* A JSON text of this many bytes. */
static inline struct span
long_json(char open, char close, size_t size)
{
    uint8_t *text = arena_take(&rig.wire.arena, size);
    ck_assert_ptr_nonnull(text);
    memset(text, ' ', size);
    text[0] = (uint8_t)open;
    text[size - 1] = (uint8_t)close;
    return span_from(text, size);
}

#endif
