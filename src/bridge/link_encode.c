/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_encode.c - frames to bytes. Sizes are written as zero and put right when the end is known.
 */
#include "base/check.h"
#include "base/cursor.h"
#include "bridge/link_codec.h"
#include "bridge/link_field.h"
#include "core/limits.h"

/* Where the frame starts, for end_frame(). */
static size_t
begin_frame(struct buf *out, enum link_frame_type type)
{
    size_t start = out->size;
    buf_add_u32(out, 0);
    buf_add_u8(out, (uint8_t)type);
    buf_add_u8(out, 0);
    buf_add_u16(out, 0);
    return start;
}

/* `outside` bytes of the payload do not go through `out`. */
static void
end_frame(struct buf *out, size_t start, size_t outside)
{
    if (out->overflowed) {
        return;
    }
    CHECK(out->size - start >= LINK_FRAME_HEADER_SIZE);
    size_t inside = out->size - start - LINK_FRAME_HEADER_SIZE;
    if (inside > LINK_FRAME_SIZE_MAX || outside > LINK_FRAME_SIZE_MAX - inside) {
        out->overflowed = true;
        return;
    }
    buf_put_u32(out, start, (uint32_t)(inside + outside));
}

static void
add_field(struct buf *out, uint8_t tag, size_t size)
{
    CHECK(size <= UINT32_MAX);
    buf_add_u8(out, tag);
    buf_add_u32(out, (uint32_t)size);
}

static void
add_u32(struct buf *out, uint8_t tag, uint32_t value)
{
    add_field(out, tag, sizeof(value));
    buf_add_u32(out, value);
}

static void
add_u64(struct buf *out, uint8_t tag, uint64_t value)
{
    add_field(out, tag, sizeof(value));
    buf_add_u64(out, value);
}

static void
add_text(struct buf *out, uint8_t tag, struct span text)
{
    add_field(out, tag, text.size);
    buf_add(out, text);
}

static void
add_list(struct buf *out, uint8_t tag, const struct text_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        add_text(out, tag, list->items[i]);
    }
}

void
link_encode_hello(struct buf *out, const struct link_hello *hello)
{
    CHECK(hello->version_min > 0);
    CHECK(hello->version_min <= hello->version_max);
    size_t start = begin_frame(out, LINK_FRAME_HELLO);
    add_u32(out, LINK_TAG_HELLO_VERSION_MIN, hello->version_min);
    add_u32(out, LINK_TAG_HELLO_VERSION_MAX, hello->version_max);
    add_u64(out, LINK_TAG_HELLO_FEATURES, hello->features);
    add_text(out, LINK_TAG_HELLO_FEDERATION, hello->federation);
    add_text(out, LINK_TAG_HELLO_BRIDGE, hello->bridge);
    add_u64(out, LINK_TAG_HELLO_SESSION, hello->session);
    add_u64(out, LINK_TAG_HELLO_BOOT, hello->boot);
    add_u64(out, LINK_TAG_HELLO_CLOCK, (uint64_t)hello->clock.ns);
    add_u64(out, LINK_TAG_HELLO_KEEPALIVE, hello->keepalive_ns);
    if (hello->resume != 0) {
        add_u64(out, LINK_TAG_HELLO_RESUME, hello->resume);
        add_u64(out, LINK_TAG_HELLO_RECEIVED, hello->received);
    }
    if (hello->stale > 0) {
        add_u64(out, LINK_TAG_HELLO_STALE, hello->stale);
    }
    if (hello->frame_size_max > 0) {
        CHECK(hello->frame_size_max >= LINK_FRAME_SIZE_MIN);
        add_u32(out, LINK_TAG_HELLO_FRAME_MAX, hello->frame_size_max);
    }
    end_frame(out, start, 0);
}

/* Returns its digest. */
static uint64_t
add_route(struct buf *out, const struct link_route *route)
{
    const struct advertisement *advertisement = &route->advertisement;
    size_t start = out->size;
    add_field(out, LINK_TAG_TABLE_ROUTE, 0);
    add_u64(out, LINK_TAG_ROUTE_ID, route->route_id);
    add_text(out, LINK_TAG_ROUTE_NAME, advertisement->identity.name);
    add_text(out, LINK_TAG_ROUTE_FUNCTION_ID, advertisement->identity.function_id);
    add_text(out, LINK_TAG_ROUTE_VERSION, advertisement->identity.version_text);
    add_list(out, LINK_TAG_ROUTE_TAG, &advertisement->tags);
    add_list(out, LINK_TAG_ROUTE_RESOURCE, &advertisement->resources);
    if (advertisement->scope.size > 0) {
        add_text(out, LINK_TAG_ROUTE_SCOPE, advertisement->scope);
    }
    add_text(out, LINK_TAG_ROUTE_ORIGIN, advertisement->origin);
    add_list(out, LINK_TAG_ROUTE_PATH, &advertisement->path);
    add_u32(out, LINK_TAG_ROUTE_HOPS_LEFT, advertisement->hops_left);
    add_u32(out, LINK_TAG_ROUTE_COST, advertisement->cost);
    add_u64(out, LINK_TAG_ROUTE_TTL, advertisement->ttl_ns);
    if (advertisement->doubted) {
        add_u32(out, LINK_TAG_ROUTE_DOUBTED, 1);
    }
    if (out->overflowed) {
        return 0;
    }
    size_t size = out->size - start - LINK_FIELD_HEADER_SIZE;
    buf_put_u32(out, start + 1, (uint32_t)size);
    return link_route_digest(span_part(buf_span(out), start + LINK_FIELD_HEADER_SIZE, size));
}

void
link_encode_announce(struct buf *out, const struct link_announce *announce, uint64_t *digests)
{
    CHECK(announce->sequence > 0);
    CHECK(announce->route_count > 0);
    CHECK(announce->route_count <= LINK_BATCH_MAX);
    size_t start = begin_frame(out, LINK_FRAME_ANNOUNCE);
    add_u64(out, LINK_TAG_TABLE_SEQUENCE, announce->sequence);
    for (uint32_t i = 0; i < announce->route_count; i++) {
        uint64_t digest = add_route(out, &announce->routes[i]);
        if (digests != NULL) {
            digests[i] = digest;
        }
    }
    end_frame(out, start, 0);
}

void
link_encode_withdraw(struct buf *out, const struct link_withdraw *withdraw)
{
    CHECK(withdraw->sequence > 0);
    CHECK(withdraw->route_count > 0);
    CHECK(withdraw->route_count <= LINK_BATCH_MAX);
    size_t start = begin_frame(out, LINK_FRAME_WITHDRAW);
    add_u64(out, LINK_TAG_TABLE_SEQUENCE, withdraw->sequence);
    add_field(out, LINK_TAG_TABLE_ROUTE_IDS, withdraw->route_count * sizeof(uint64_t));
    for (uint32_t i = 0; i < withdraw->route_count; i++) {
        buf_add_u64(out, withdraw->route_ids[i]);
    }
    end_frame(out, start, 0);
}

/* A frame of one number. */
static void
encode_number(struct buf *out, enum link_frame_type type, uint8_t tag, uint64_t number)
{
    size_t start = begin_frame(out, type);
    add_u64(out, tag, number);
    end_frame(out, start, 0);
}

void
link_encode_end_of_sync(struct buf *out, const struct link_end_of_sync *end)
{
    CHECK(end->sequence > 0);
    size_t start = begin_frame(out, LINK_FRAME_END_OF_SYNC);
    add_u64(out, LINK_TAG_TABLE_SEQUENCE, end->sequence);
    if (end->refresh != 0) {
        add_u64(out, LINK_TAG_TABLE_REFRESH, end->refresh);
    }
    end_frame(out, start, 0);
}

void
link_encode_ack(struct buf *out, uint64_t sequence)
{
    CHECK(sequence > 0);
    encode_number(out, LINK_FRAME_ACK, LINK_TAG_TABLE_SEQUENCE, sequence);
}

void
link_encode_ping(struct buf *out, const struct link_ping *ping)
{
    size_t start = begin_frame(out, LINK_FRAME_PING);
    add_u64(out, LINK_TAG_PING_NUMBER, ping->number);
    if (ping->has_table) {
        add_u64(out, LINK_TAG_PING_ROUTES, ping->table.routes);
        add_u64(out, LINK_TAG_PING_DIGEST, ping->table.digest);
    }
    end_frame(out, start, 0);
}

void
link_encode_pong(struct buf *out, const struct link_pong *pong)
{
    size_t start = begin_frame(out, LINK_FRAME_PONG);
    add_u64(out, LINK_TAG_PONG_NUMBER, pong->number);
    if (pong->clock.ns != 0) {
        add_u64(out, LINK_TAG_PONG_CLOCK, (uint64_t)pong->clock.ns);
    }
    end_frame(out, start, 0);
}

void
link_encode_refresh(struct buf *out, uint64_t number)
{
    CHECK(number > 0);
    encode_number(out, LINK_FRAME_REFRESH, LINK_TAG_REFRESH_NUMBER, number);
}

static void
add_report_rule(struct buf *out, const struct link_report_rule *rule)
{
    size_t start = out->size;
    add_field(out, LINK_TAG_REPORT_RULE, 0);
    add_text(out, LINK_TAG_REPORT_RULE_REASON, rule->reason);
    if (rule->rule.size > 0) {
        add_text(out, LINK_TAG_REPORT_RULE_ID, rule->rule);
    }
    add_u64(out, LINK_TAG_REPORT_RULE_COUNT, rule->count);
    if (!out->overflowed) {
        buf_put_u32(out, start + 1, (uint32_t)(out->size - start - LINK_FIELD_HEADER_SIZE));
    }
}

void
link_encode_report(struct buf *out, const struct link_report *report)
{
    CHECK(report->rule_count <= LINK_REPORT_RULES_MAX);
    CHECK(report->route_count <= LINK_REPORT_ROUTES_MAX);
    size_t start = begin_frame(out, LINK_FRAME_REPORT);
    add_u64(out, LINK_TAG_REPORT_ACCEPTED, report->accepted);
    add_u64(out, LINK_TAG_REPORT_REJECTED, report->rejected);
    for (uint32_t i = 0; i < report->rule_count; i++) {
        add_report_rule(out, &report->rules[i]);
    }
    if (report->route_count > 0) {
        add_field(out, LINK_TAG_REPORT_ROUTES, report->route_count * LINK_REPORT_ROUTE_SIZE);
    }
    for (uint32_t i = 0; i < report->route_count; i++) {
        CHECK(report->routes[i].rule < report->rule_count);
        buf_add_u64(out, report->routes[i].route_id);
        buf_add_u8(out, report->routes[i].rule);
    }
    end_frame(out, start, 0);
}

void
link_encode_drain(struct buf *out)
{
    end_frame(out, begin_frame(out, LINK_FRAME_DRAIN), 0);
}

void
link_encode_error(struct buf *out, const struct link_error *error)
{
    size_t start = begin_frame(out, LINK_FRAME_ERROR);
    add_field(out, LINK_TAG_ERROR_CODE, sizeof(error->code));
    buf_add_u16(out, error->code);
    add_text(out, LINK_TAG_ERROR_TEXT, error->text);
    if (error->retry_after_ns > 0) {
        add_u64(out, LINK_TAG_ERROR_RETRY_AFTER, error->retry_after_ns);
    }
    end_frame(out, start, 0);
}

/* The size of a span whose bytes follow; what does not fit in the frame is refused at its end. */
static uint32_t
announced_size(struct span bytes)
{
    return bytes.size > LINK_FRAME_SIZE_MAX ? UINT32_MAX : (uint32_t)bytes.size;
}

void
link_encode_call_head(struct buf *out, const struct link_call *call)
{
    CHECK(call->path.count > 0);
    CHECK(call->path.count <= PATH_COUNT_MAX);
    CHECK(call->id.size == 0 || call->id.size == LINK_CALL_ID_SIZE);
    size_t fields_size = call->id.size == 0 ? 0 : LINK_FIELD_HEADER_SIZE + LINK_CALL_ID_SIZE;
    size_t start = begin_frame(out, LINK_FRAME_CALL);
    buf_add_u64(out, call->call_id);
    buf_add_u64(out, call->route_id);
    buf_add_u32(out, call->timeout_ms);
    buf_add_u8(out, call->hops_left);
    buf_add_u8(out, (uint8_t)call->path.count);
    buf_add_u16(out, (uint16_t)fields_size);
    buf_add_u32(out, announced_size(call->args));
    buf_add_u32(out, announced_size(call->kwargs));
    for (uint32_t i = 0; i < call->path.count; i++) {
        struct span federation = call->path.items[i];
        CHECK(federation.size <= NAME_SIZE_MAX);
        buf_add_u16(out, (uint16_t)federation.size);
        buf_add(out, federation);
    }
    if (fields_size > 0) {
        add_text(out, LINK_TAG_CALL_ID, call->id);
    }
    bool huge = call->args.size > LINK_FRAME_SIZE_MAX || call->kwargs.size > LINK_FRAME_SIZE_MAX;
    end_frame(out, start, huge ? SIZE_MAX : call->args.size + call->kwargs.size);
}

void
link_encode_reply_head(struct buf *out, const struct link_reply *reply)
{
    bool is_error = reply->status == LINK_REPLY_ERROR;
    CHECK(!is_error || reply->code != 0);
    struct span rule = is_error ? reply->rule : SPAN_NONE;
    CHECK(rule.size <= NAME_SIZE_MAX);
    size_t start = begin_frame(out, LINK_FRAME_REPLY);
    buf_add_u64(out, reply->call_id);
    buf_add_u8(out, (uint8_t)reply->status);
    buf_add_u8(out, 0);
    buf_add_u16(out, is_error ? reply->code : 0);
    buf_add_u16(out, (uint16_t)rule.size);
    buf_add_u16(out, 0); /* fields of later versions */
    buf_add_u32(out, announced_size(reply->body));
    buf_add(out, rule);
    end_frame(out, start, reply->body.size);
}

/* Where the head of a CALL says how many milliseconds are left. */
#define CALL_TIMEOUT_OFFSET (LINK_FRAME_HEADER_SIZE + 16u)

void
link_call_shorten(uint8_t *frame, size_t size, uint64_t by_ms)
{
    CHECK(size >= LINK_FRAME_HEADER_SIZE);
    if (frame[sizeof(uint32_t)] != LINK_FRAME_CALL) {
        return;
    }
    CHECK(size >= LINK_FRAME_HEADER_SIZE + LINK_CALL_HEAD_SIZE);
    struct cursor cursor = cursor_over(span_from(&frame[CALL_TIMEOUT_OFFSET], sizeof(uint32_t)));
    uint64_t left_ms = cursor_u32(&cursor);
    left_ms = left_ms > by_ms ? left_ms - by_ms : 0;
    for (size_t i = 0; i < sizeof(uint32_t); i++) {
        frame[CALL_TIMEOUT_OFFSET + i] = (uint8_t)(left_ms >> (8 * (sizeof(uint32_t) - 1 - i)));
    }
}
