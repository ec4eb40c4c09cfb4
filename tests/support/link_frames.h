/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_frames.h - whole frames of a link for tests: encode any decoded frame, compare two.
 */
#ifndef TESTS_SUPPORT_LINK_FRAMES_H
#define TESTS_SUPPORT_LINK_FRAMES_H

#include "bridge/link_codec.h"

static inline void
link_frames_encode(struct buf *out, const struct link_frame *frame)
{
    switch (frame->type) {
    case LINK_FRAME_READY:
        for (size_t i = 0; i < LINK_FRAME_HEADER_SIZE; i++) {
            buf_add_u8(out, 0);
        }
        break;
    case LINK_FRAME_HELLO:
        link_encode_hello(out, &frame->hello);
        break;
    case LINK_FRAME_ANNOUNCE:
        link_encode_announce(out, &frame->announce, NULL);
        break;
    case LINK_FRAME_WITHDRAW:
        link_encode_withdraw(out, &frame->withdraw);
        break;
    case LINK_FRAME_END_OF_SYNC:
        link_encode_end_of_sync(out, &frame->end_of_sync);
        break;
    case LINK_FRAME_ACK:
        link_encode_ack(out, frame->sequence);
        break;
    case LINK_FRAME_CALL:
        link_encode_call_head(out, &frame->call);
        buf_add(out, frame->call.args);
        buf_add(out, frame->call.kwargs);
        break;
    case LINK_FRAME_REPLY:
        link_encode_reply_head(out, &frame->reply);
        buf_add(out, frame->reply.body);
        break;
    case LINK_FRAME_PING:
        link_encode_ping(out, &frame->ping);
        break;
    case LINK_FRAME_PONG:
        link_encode_pong(out, &frame->pong);
        break;
    case LINK_FRAME_DRAIN:
        link_encode_drain(out);
        break;
    case LINK_FRAME_ERROR:
        link_encode_error(out, &frame->error);
        break;
    case LINK_FRAME_REFRESH:
        link_encode_refresh(out, frame->refresh);
        break;
    case LINK_FRAME_REPORT:
        link_encode_report(out, &frame->report);
        break;
    }
}

static inline bool
link_frames_same_list(const struct text_list *a, const struct text_list *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++) {
        same = span_equal(a->items[i], b->items[i]);
    }
    return same;
}

static inline bool
link_frames_same_route(const struct link_route *a, const struct link_route *b)
{
    const struct advertisement *one = &a->advertisement;
    const struct advertisement *two = &b->advertisement;
    return a->route_id == b->route_id && span_equal(one->identity.name, two->identity.name) &&
           span_equal(one->identity.function_id, two->identity.function_id) &&
           span_equal(one->identity.version_text, two->identity.version_text) &&
           version_compare(one->identity.version, two->identity.version) == 0 &&
           link_frames_same_list(&one->tags, &two->tags) &&
           link_frames_same_list(&one->resources, &two->resources) &&
           span_equal(one->scope, two->scope) && span_equal(one->origin, two->origin) &&
           link_frames_same_list(&one->path, &two->path) && one->hops_left == two->hops_left &&
           one->cost == two->cost && one->preference == two->preference &&
           one->ttl_ns == two->ttl_ns && one->doubted == two->doubted;
}

static inline bool
link_frames_same_hello(const struct link_hello *a, const struct link_hello *b)
{
    return a->version_min == b->version_min && a->version_max == b->version_max &&
           a->features == b->features && span_equal(a->federation, b->federation) &&
           span_equal(a->bridge, b->bridge) && a->session == b->session && a->boot == b->boot &&
           a->clock.ns == b->clock.ns && a->keepalive_ns == b->keepalive_ns &&
           a->resume == b->resume && a->received == b->received && a->stale == b->stale &&
           a->frame_size_max == b->frame_size_max;
}

static inline bool
link_frames_same_announce(const struct link_announce *a, const struct link_announce *b)
{
    bool same = a->sequence == b->sequence && a->route_count == b->route_count;
    for (uint32_t i = 0; same && i < a->route_count; i++) {
        same = link_frames_same_route(&a->routes[i], &b->routes[i]);
    }
    return same;
}

static inline bool
link_frames_same_withdraw(const struct link_withdraw *a, const struct link_withdraw *b)
{
    bool same = a->sequence == b->sequence && a->route_count == b->route_count;
    for (uint32_t i = 0; same && i < a->route_count; i++) {
        same = a->route_ids[i] == b->route_ids[i];
    }
    return same;
}

static inline bool
link_frames_same_call(const struct link_call *a, const struct link_call *b)
{
    return a->call_id == b->call_id && a->route_id == b->route_id &&
           a->timeout_ms == b->timeout_ms && a->hops_left == b->hops_left &&
           link_frames_same_list(&a->path, &b->path) && span_equal(a->id, b->id) &&
           span_equal(a->args, b->args) && span_equal(a->kwargs, b->kwargs);
}

static inline bool
link_frames_same_report(const struct link_report *a, const struct link_report *b)
{
    bool same = a->accepted == b->accepted && a->rejected == b->rejected &&
                a->rule_count == b->rule_count && a->route_count == b->route_count;
    for (uint32_t i = 0; same && i < a->rule_count; i++) {
        same = span_equal(a->rules[i].reason, b->rules[i].reason) &&
               span_equal(a->rules[i].rule, b->rules[i].rule) &&
               a->rules[i].count == b->rules[i].count;
    }
    for (uint32_t i = 0; same && i < a->route_count; i++) {
        same = a->routes[i].route_id == b->routes[i].route_id &&
               a->routes[i].rule == b->routes[i].rule;
    }
    return same;
}

static inline bool
link_frames_same(const struct link_frame *a, const struct link_frame *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case LINK_FRAME_READY:
    case LINK_FRAME_DRAIN:
        return true;
    case LINK_FRAME_HELLO:
        return link_frames_same_hello(&a->hello, &b->hello);
    case LINK_FRAME_ANNOUNCE:
        return link_frames_same_announce(&a->announce, &b->announce);
    case LINK_FRAME_WITHDRAW:
        return link_frames_same_withdraw(&a->withdraw, &b->withdraw);
    case LINK_FRAME_END_OF_SYNC:
        return a->end_of_sync.sequence == b->end_of_sync.sequence &&
               a->end_of_sync.refresh == b->end_of_sync.refresh;
    case LINK_FRAME_REFRESH:
        return a->refresh == b->refresh;
    case LINK_FRAME_REPORT:
        return link_frames_same_report(&a->report, &b->report);
    case LINK_FRAME_ACK:
        return a->sequence == b->sequence;
    case LINK_FRAME_CALL:
        return link_frames_same_call(&a->call, &b->call);
    case LINK_FRAME_REPLY:
        return a->reply.call_id == b->reply.call_id && a->reply.status == b->reply.status &&
               a->reply.code == b->reply.code && span_equal(a->reply.rule, b->reply.rule) &&
               span_equal(a->reply.body, b->reply.body);
    case LINK_FRAME_PING:
        return a->ping.number == b->ping.number && a->ping.has_table == b->ping.has_table &&
               a->ping.table.routes == b->ping.table.routes &&
               a->ping.table.digest == b->ping.table.digest;
    case LINK_FRAME_PONG:
        return a->pong.number == b->pong.number && a->pong.clock.ns == b->pong.clock.ns;
    case LINK_FRAME_ERROR:
        return a->error.code == b->error.code && span_equal(a->error.text, b->error.text) &&
               a->error.retry_after_ns == b->error.retry_after_ns;
    }
    return false;
}

#endif
