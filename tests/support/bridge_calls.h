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

#define WINDOW_NS (10 * SEC_NS)
#define STALE_NS  (60 * SEC_NS)

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
open_with_policy(struct policy *policy)
{
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

static inline uint32_t
open_with_far_eu(void)
{
    return open_with_policy(rig_policy(&rig, all, 1, all, 1));
}

/* The same, where a link that breaks may resume and its functions stay a while. */
static inline uint32_t
open_lasting(void)
{
    rig.resume_window_ns = WINDOW_NS;
    rig.stale_time_ns = STALE_NS;
    return open_with_far_eu();
}

/* Of the link to eu. */
static inline struct bridge_link_stats
link_stats(void)
{
    return rig_link_stats(&rig, US, 0);
}

/* The route that a function of the cluster has or had last over some link; 0: it never was exported. */
static inline uint64_t
route_of(const char *function)
{
    static char last[32];
    static uint64_t route_id;
    const struct rib *rib = bridge_rib(rig.bridges[US].bridge);
    for (uint32_t link = 0; link < bridge_link_count(rig.bridges[US].bridge); link++) {
        size_t cursor = 0;
        const struct rib_export *exported;
        while ((exported = rib_each_export(rib, link, &cursor)) != NULL) {
            if (span_is(rib_export_source_name(exported), function)) {
                snprintf(last, sizeof(last), "%s", function);
                route_id = exported->route_id;
                return route_id;
            }
        }
    }
    return strcmp(last, function) == 0 ? route_id : 0;
}

struct rig_far_call {
    uint64_t call_id;
    const char *function; /* of the cluster; NULL: a route that nobody announced */
    uint32_t timeout_ms;
    uint8_t hops_left;
    struct text_list path;
    const char *args;
    const char *kwargs;
};

static const struct rig_far_call plain_call = { 7, "ours", 5000, 4, LIST(T("eu")), "[1,2]", "{}" };

static inline void
far_calls(uint32_t far, const struct rig_far_call *call)
{
    const struct link_frame sent = {
        .type = LINK_FRAME_CALL,
        .call = {
            .call_id = call->call_id,
            .route_id = call->function == NULL ? 0 : route_of(call->function),
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

/* What the node has got for its call. */

static inline void
expect_text(const char *name, const struct json_doc *doc, uint32_t object, const char *key,
    const char *want)
{
    uint32_t member = 0;
    const struct json_want wants[] = { { span_from_text(key), &member } };
    ck_assert_int_eq(json_pick(doc, object, wants, 1, NULL), JSON_PICK_OK);
    struct span got = member == 0 ? SPAN_NONE : json_read_text(doc, member, &rig.wire.arena);
    ck_assert_msg(span_is(got, want), "%s: %s is %.*s, want %s", name, key, SPAN_ARGS(got), want);
}

/* The call failed with this error object. */
static inline void
expect_near_error_by_rule(const char *name, struct span request_id, enum call_code code,
    const char *hop, const char *side, const char *rule)
{
    const struct fabric_response *answer = rig_peer_answered(&rig, node, request_id);
    ck_assert_msg(answer != NULL, "%s: not answered", name);
    ck_assert_msg(!answer->success, "%s: succeeded", name);
    struct json_doc doc;
    uint32_t details = 0;
    uint32_t number = 0;
    int64_t got = 0;
    ck_assert_int_eq(json_scan(answer->error, NULL, 0, &rig.wire.tape, &doc, NULL), JSON_OK);
    const struct json_want wants[] = { { SPAN("details"), &details }, { SPAN("code"), &number } };
    ck_assert_int_eq(json_pick(&doc, 0, wants, 2, NULL), JSON_PICK_OK);
    ck_assert_msg(number != 0 && json_read_integer(&doc, number, &got) && got == (int64_t)code,
        "%s: got code %ld, want %s", name, (long)got, call_code_name(code));
    expect_text(name, &doc, 0, "error_type", call_code_name(code));
    ck_assert_msg(details != 0, "%s: no details", name);
    expect_text(name, &doc, details, "hop", hop);
    expect_text(name, &doc, details, "side", side);
    expect_text(name, &doc, details, "reason", call_code_name(code));
    expect_text(name, &doc, details, "rule", rule);
}

static inline void
expect_near_error(const char *name, struct span request_id, enum call_code code, const char *hop,
    const char *side)
{
    expect_near_error_by_rule(name, request_id, code, hop, side, "");
}

static inline void
expect_result(struct span request_id, const char *want)
{
    const struct fabric_response *answer = rig_peer_answered(&rig, node, request_id);
    ck_assert_msg(answer != NULL, "no answer; want %s", want);
    ck_assert(answer->success);
    ck_assert_msg(
        span_is(answer->result, want), "got %.*s, want %s", SPAN_ARGS(answer->result), want);
}

static inline void
far_replies(
    uint32_t far, uint64_t call_id, enum link_reply_status status, uint16_t code, struct span body)
{
    const struct link_frame reply = {
        .type = LINK_FRAME_REPLY,
        .reply = { .call_id = call_id, .status = status, .code = code, .body = body },
    };
    rig_far_send(&rig, far, &reply);
}

/* The call that the far bridge was sent last. */
static inline const struct link_call *
far_called(uint32_t far)
{
    ck_assert_uint_gt(rig_far_heard(&rig, far, LINK_FRAME_CALL, &frame), 0);
    return &frame.call;
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
