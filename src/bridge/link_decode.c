/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_decode.c - bytes to frames.
 *
 * A sequence of fields is walked once to judge it and to note where each value is; then the values
 * are taken by tag. Faults stick: the first one is the verdict. Repeated fields are counted in the
 * first walk and collected in a second one, so a list takes exactly the memory it needs.
 */
#include "base/cursor.h"
#include "bridge/link_codec.h"
#include "bridge/link_field.h"
#include "core/limits.h"

#define TAG_BIT(tag_) (1u << (tag_))

static_assert(LINK_TAG_ROUTE_DOUBTED < LINK_TAG_LIMIT, "a tag has its slot in struct fields");
static_assert(LINK_TAG_HELLO_STALE < LINK_TAG_LIMIT, "a tag has its slot in struct fields");
static_assert(PATH_COUNT_MAX <= UINT8_MAX, "CALL counts its path in one byte");
static_assert(NAME_SIZE_MAX <= UINT16_MAX, "CALL and REPLY give texts two bytes of size");

/* Which tags a sequence may have. */
struct field_set {
    uint32_t known;
    uint32_t repeated; /* of the known ones */
};

struct fields {
    struct span payload;
    struct span value[LINK_TAG_LIMIT]; /* the last one, for repeated tags */
    uint32_t count[LINK_TAG_LIMIT];
    enum link_result result;
};

static void
fault(struct fields *fields, enum link_result result)
{
    if (fields->result == LINK_OK) {
        fields->result = result;
    }
}

/* Past the end: cursor->failed. */
static struct span
next_field(struct cursor *cursor, uint8_t *tag)
{
    *tag = cursor_u8(cursor);
    uint32_t size = cursor_u32(cursor);
    return cursor_bytes(cursor, size);
}

static void
note_field(struct fields *fields, const struct field_set *set, uint8_t tag, struct span value)
{
    if (tag >= LINK_TAG_LIMIT || (set->known & TAG_BIT(tag)) == 0) {
        if ((tag & LINK_TAG_CRITICAL) != 0) {
            fault(fields, LINK_UNKNOWN_FIELD);
        }
        return;
    }
    if (fields->count[tag] > 0 && (set->repeated & TAG_BIT(tag)) == 0) {
        fault(fields, LINK_BAD_FIELD);
        return;
    }
    fields->value[tag] = value;
    fields->count[tag]++;
}

static void
read_fields(struct fields *fields, const struct field_set *set, struct span payload)
{
    *fields = (struct fields){ .payload = payload };
    struct cursor cursor = cursor_over(payload);
    while (cursor.rest.size > 0 && fields->result == LINK_OK) {
        uint8_t tag;
        struct span value = next_field(&cursor, &tag);
        if (cursor.failed) {
            fault(fields, LINK_TRUNCATED);
            return;
        }
        note_field(fields, set, tag, value);
    }
}

static bool
has(const struct fields *fields, uint8_t tag)
{
    return fields->count[tag] > 0;
}

static uint64_t
take_number(struct fields *fields, uint8_t tag, size_t size)
{
    if (!has(fields, tag)) {
        fault(fields, LINK_MISSING_FIELD);
        return 0;
    }
    if (fields->value[tag].size != size) {
        fault(fields, LINK_BAD_FIELD);
        return 0;
    }
    struct cursor cursor = cursor_over(fields->value[tag]);
    return cursor_number(&cursor, size);
}

static uint16_t
take_u16(struct fields *fields, uint8_t tag)
{
    return (uint16_t)take_number(fields, tag, sizeof(uint16_t));
}

static uint32_t
take_u32(struct fields *fields, uint8_t tag)
{
    return (uint32_t)take_number(fields, tag, sizeof(uint32_t));
}

static uint64_t
take_u64(struct fields *fields, uint8_t tag)
{
    return take_number(fields, tag, sizeof(uint64_t));
}

static struct span
take_text(struct fields *fields, uint8_t tag, enum link_text_rule rule)
{
    if (!has(fields, tag)) {
        fault(fields, LINK_MISSING_FIELD);
        return SPAN_NONE;
    }
    enum link_result result = link_check_text(fields->value[tag], rule);
    if (result != LINK_OK) {
        fault(fields, result);
    }
    return fields->value[tag];
}

static struct span
take_name(struct fields *fields, uint8_t tag)
{
    return take_text(fields, tag, LINK_TEXT_NOT_EMPTY);
}

/* Sequences are numbered from 1. */
static uint64_t
take_sequence(struct fields *fields)
{
    uint64_t sequence = take_u64(fields, LINK_TAG_TABLE_SEQUENCE);
    if (sequence == 0) {
        fault(fields, LINK_BAD_FIELD);
    }
    return sequence;
}

/* All values of one repeated tag, in their order; `count` of them, as the first walk has counted. */
static void
collect(const struct fields *fields, uint8_t wanted, struct span *items)
{
    struct cursor cursor = cursor_over(fields->payload);
    uint32_t count = 0;
    while (cursor.rest.size > 0) {
        uint8_t tag;
        struct span value = next_field(&cursor, &tag);
        if (tag == wanted) {
            items[count++] = value;
        }
    }
    CHECK(!cursor.failed);
    CHECK(count == fields->count[wanted]);
}

/* NULL: none there, or a fault. */
static const struct span *
take_repeated(struct fields *fields, uint8_t tag, uint32_t count_max, struct arena *arena)
{
    uint32_t count = fields->count[tag];
    if (count > count_max) {
        fault(fields, LINK_TOO_LARGE);
    }
    if (fields->result != LINK_OK || count == 0) {
        return NULL;
    }
    struct span *items = arena_take(arena, count * sizeof(*items));
    if (items == NULL) {
        fault(fields, LINK_NO_MEMORY);
        return NULL;
    }
    collect(fields, tag, items);
    return items;
}

static struct text_list
take_list(struct fields *fields, uint8_t tag, enum link_text_rule rule, uint32_t count_max,
    struct arena *arena)
{
    const struct span *items = take_repeated(fields, tag, count_max, arena);
    if (items == NULL) {
        return (struct text_list){ 0 };
    }
    struct text_list list = { .items = items, .count = fields->count[tag] };
    for (uint32_t i = 0; i < list.count; i++) {
        enum link_result result = link_check_text(items[i], rule);
        if (result != LINK_OK) {
            fault(fields, result);
        }
    }
    return list;
}

static enum link_result
decode_hello(struct span payload, struct link_hello *hello)
{
    /* One bit for each tag from VERSION_MIN to FRAME_MAX. */
    const struct field_set set = { .known = (TAG_BIT(LINK_TAG_HELLO_FRAME_MAX + 1) - 1) & ~1u };
    struct fields fields;
    read_fields(&fields, &set, payload);
    hello->version_min = take_u32(&fields, LINK_TAG_HELLO_VERSION_MIN);
    hello->version_max = take_u32(&fields, LINK_TAG_HELLO_VERSION_MAX);
    if (has(&fields, LINK_TAG_HELLO_FEATURES)) {
        hello->features = take_u64(&fields, LINK_TAG_HELLO_FEATURES);
    }
    hello->federation = take_name(&fields, LINK_TAG_HELLO_FEDERATION);
    hello->bridge = take_name(&fields, LINK_TAG_HELLO_BRIDGE);
    hello->session = take_u64(&fields, LINK_TAG_HELLO_SESSION);
    hello->boot = take_u64(&fields, LINK_TAG_HELLO_BOOT);
    if (has(&fields, LINK_TAG_HELLO_CLOCK)) {
        hello->clock.ns = (int64_t)take_u64(&fields, LINK_TAG_HELLO_CLOCK);
    }
    hello->keepalive_ns = take_u64(&fields, LINK_TAG_HELLO_KEEPALIVE);
    if (has(&fields, LINK_TAG_HELLO_RESUME)) {
        hello->resume = take_u64(&fields, LINK_TAG_HELLO_RESUME);
        hello->received = take_u64(&fields, LINK_TAG_HELLO_RECEIVED);
    }
    if (has(&fields, LINK_TAG_HELLO_STALE)) {
        hello->stale = take_u64(&fields, LINK_TAG_HELLO_STALE);
    }
    if (has(&fields, LINK_TAG_HELLO_FRAME_MAX)) {
        hello->frame_size_max = take_u32(&fields, LINK_TAG_HELLO_FRAME_MAX);
        if (hello->frame_size_max < LINK_FRAME_SIZE_MIN) {
            fault(&fields, LINK_BAD_FIELD);
        }
    }
    if (hello->version_min == 0 || hello->version_min > hello->version_max) {
        fault(&fields, LINK_BAD_FIELD);
    }
    return fields.result;
}

static enum link_result
decode_route(struct span payload, struct arena *arena, struct link_route *route)
{
    const struct field_set set = {
        .known = (TAG_BIT(LINK_TAG_ROUTE_DOUBTED + 1) - 1) & ~1u,
        .repeated = TAG_BIT(LINK_TAG_ROUTE_TAG) | TAG_BIT(LINK_TAG_ROUTE_RESOURCE) |
                    TAG_BIT(LINK_TAG_ROUTE_PATH),
    };
    struct fields fields;
    read_fields(&fields, &set, payload);
    struct advertisement *advertisement = &route->advertisement;
    struct function_identity *identity = &advertisement->identity;
    advertisement->preference = ADVERTISEMENT_PREFERENCE_DEFAULT;
    route->route_id = take_u64(&fields, LINK_TAG_ROUTE_ID);
    identity->name = take_name(&fields, LINK_TAG_ROUTE_NAME);
    identity->function_id = take_name(&fields, LINK_TAG_ROUTE_FUNCTION_ID);
    identity->version_text = take_name(&fields, LINK_TAG_ROUTE_VERSION);
    advertisement->tags =
        take_list(&fields, LINK_TAG_ROUTE_TAG, LINK_TEXT_ANY, LIST_COUNT_MAX, arena);
    advertisement->resources =
        take_list(&fields, LINK_TAG_ROUTE_RESOURCE, LINK_TEXT_ANY, LIST_COUNT_MAX, arena);
    advertisement->scope = LINK_SCOPE_DEFAULT;
    if (has(&fields, LINK_TAG_ROUTE_SCOPE)) {
        advertisement->scope = take_name(&fields, LINK_TAG_ROUTE_SCOPE);
    }
    advertisement->origin = take_name(&fields, LINK_TAG_ROUTE_ORIGIN);
    if (!has(&fields, LINK_TAG_ROUTE_PATH)) {
        fault(&fields, LINK_MISSING_FIELD);
    }
    advertisement->path =
        take_list(&fields, LINK_TAG_ROUTE_PATH, LINK_TEXT_NOT_EMPTY, PATH_COUNT_MAX, arena);
    advertisement->hops_left = take_u32(&fields, LINK_TAG_ROUTE_HOPS_LEFT);
    if (has(&fields, LINK_TAG_ROUTE_COST)) {
        advertisement->cost = take_u32(&fields, LINK_TAG_ROUTE_COST);
    }
    advertisement->ttl_ns = take_u64(&fields, LINK_TAG_ROUTE_TTL);
    if (has(&fields, LINK_TAG_ROUTE_DOUBTED)) {
        advertisement->doubted = take_u32(&fields, LINK_TAG_ROUTE_DOUBTED) != 0;
    }
    if (fields.result == LINK_OK && !version_parse(identity->version_text, &identity->version)) {
        fault(&fields, LINK_BAD_FIELD);
    }
    return fields.result;
}

static enum link_result
decode_announce(struct span payload, struct arena *arena, struct link_announce *announce)
{
    const struct field_set set = {
        .known = TAG_BIT(LINK_TAG_TABLE_SEQUENCE) | TAG_BIT(LINK_TAG_TABLE_ROUTE),
        .repeated = TAG_BIT(LINK_TAG_TABLE_ROUTE),
    };
    struct fields fields;
    read_fields(&fields, &set, payload);
    announce->sequence = take_sequence(&fields);
    if (!has(&fields, LINK_TAG_TABLE_ROUTE)) {
        fault(&fields, LINK_MISSING_FIELD);
    }
    const struct span *items = take_repeated(&fields, LINK_TAG_TABLE_ROUTE, LINK_BATCH_MAX, arena);
    if (items == NULL) {
        return fields.result;
    }
    uint32_t count = fields.count[LINK_TAG_TABLE_ROUTE];
    struct link_route *routes = arena_take(arena, count * sizeof(*routes));
    if (routes == NULL) {
        return LINK_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count && fields.result == LINK_OK; i++) {
        fields.result = decode_route(items[i], arena, &routes[i]);
        routes[i].digest = link_route_digest(items[i]);
    }
    announce->routes = routes;
    announce->route_count = count;
    return fields.result;
}

static enum link_result
decode_withdraw(struct span payload, struct arena *arena, struct link_withdraw *withdraw)
{
    const struct field_set set = {
        .known = TAG_BIT(LINK_TAG_TABLE_SEQUENCE) | TAG_BIT(LINK_TAG_TABLE_ROUTE_IDS),
    };
    struct fields fields;
    read_fields(&fields, &set, payload);
    withdraw->sequence = take_sequence(&fields);
    if (!has(&fields, LINK_TAG_TABLE_ROUTE_IDS)) {
        fault(&fields, LINK_MISSING_FIELD);
    }
    struct span ids = fields.value[LINK_TAG_TABLE_ROUTE_IDS];
    if (ids.size % sizeof(uint64_t) != 0 || ids.size == 0) {
        fault(&fields, LINK_BAD_FIELD);
    }
    if (ids.size / sizeof(uint64_t) > LINK_BATCH_MAX) {
        fault(&fields, LINK_TOO_LARGE);
    }
    if (fields.result != LINK_OK) {
        return fields.result;
    }
    uint32_t count = (uint32_t)(ids.size / sizeof(uint64_t));
    uint64_t *route_ids = arena_take(arena, ids.size);
    if (route_ids == NULL) {
        return LINK_NO_MEMORY;
    }
    struct cursor cursor = cursor_over(ids);
    for (uint32_t i = 0; i < count; i++) {
        route_ids[i] = cursor_u64(&cursor);
    }
    withdraw->route_ids = route_ids;
    withdraw->route_count = count;
    return LINK_OK;
}

static enum link_result
decode_sequence(struct span payload, uint64_t *sequence)
{
    const struct field_set set = { .known = TAG_BIT(LINK_TAG_TABLE_SEQUENCE) };
    struct fields fields;
    read_fields(&fields, &set, payload);
    *sequence = take_sequence(&fields);
    return fields.result;
}

static enum link_result
decode_end_of_sync(struct span payload, struct link_end_of_sync *end)
{
    const struct field_set set = {
        .known = TAG_BIT(LINK_TAG_TABLE_SEQUENCE) | TAG_BIT(LINK_TAG_TABLE_REFRESH),
    };
    struct fields fields;
    read_fields(&fields, &set, payload);
    end->sequence = take_sequence(&fields);
    if (has(&fields, LINK_TAG_TABLE_REFRESH)) {
        end->refresh = take_u64(&fields, LINK_TAG_TABLE_REFRESH);
    }
    return fields.result;
}

static enum link_result
decode_ping(struct span payload, struct link_ping *ping)
{
    const struct field_set set = {
        .known = TAG_BIT(LINK_TAG_PING_NUMBER) | TAG_BIT(LINK_TAG_PING_ROUTES) |
                 TAG_BIT(LINK_TAG_PING_DIGEST),
    };
    struct fields fields;
    read_fields(&fields, &set, payload);
    ping->number = take_u64(&fields, LINK_TAG_PING_NUMBER);
    ping->has_table = has(&fields, LINK_TAG_PING_ROUTES) || has(&fields, LINK_TAG_PING_DIGEST);
    if (ping->has_table) {
        ping->table.routes = take_u64(&fields, LINK_TAG_PING_ROUTES);
        ping->table.digest = take_u64(&fields, LINK_TAG_PING_DIGEST);
    }
    return fields.result;
}

static enum link_result
decode_pong(struct span payload, struct link_pong *pong)
{
    const struct field_set set = {
        .known = TAG_BIT(LINK_TAG_PONG_NUMBER) | TAG_BIT(LINK_TAG_PONG_CLOCK),
    };
    struct fields fields;
    read_fields(&fields, &set, payload);
    pong->number = take_u64(&fields, LINK_TAG_PONG_NUMBER);
    if (has(&fields, LINK_TAG_PONG_CLOCK)) {
        pong->clock.ns = (int64_t)take_u64(&fields, LINK_TAG_PONG_CLOCK);
    }
    return fields.result;
}

/* A frame of one number. */
static enum link_result
decode_number(struct span payload, uint8_t tag, uint64_t *number)
{
    const struct field_set set = { .known = TAG_BIT(tag) };
    struct fields fields;
    read_fields(&fields, &set, payload);
    *number = take_u64(&fields, tag);
    return fields.result;
}

static enum link_result
decode_refresh(struct span payload, uint64_t *number)
{
    enum link_result result = decode_number(payload, LINK_TAG_REFRESH_NUMBER, number);
    return result == LINK_OK && *number == 0 ? LINK_BAD_FIELD : result;
}

static enum link_result
decode_report_rule(struct span value, struct link_report_rule *rule)
{
    const struct field_set set = {
        .known = TAG_BIT(LINK_TAG_REPORT_RULE_REASON) | TAG_BIT(LINK_TAG_REPORT_RULE_ID) |
                 TAG_BIT(LINK_TAG_REPORT_RULE_COUNT),
    };
    struct fields fields;
    read_fields(&fields, &set, value);
    *rule = (struct link_report_rule){ 0 };
    rule->reason = take_name(&fields, LINK_TAG_REPORT_RULE_REASON);
    if (has(&fields, LINK_TAG_REPORT_RULE_ID)) {
        rule->rule = take_name(&fields, LINK_TAG_REPORT_RULE_ID);
    }
    rule->count = take_u64(&fields, LINK_TAG_REPORT_RULE_COUNT);
    return fields.result;
}

static void
take_report_rules(struct fields *fields, struct arena *arena, struct link_report *report)
{
    const struct span *values =
        take_repeated(fields, LINK_TAG_REPORT_RULE, LINK_REPORT_RULES_MAX, arena);
    if (values == NULL) {
        return;
    }
    uint32_t count = fields->count[LINK_TAG_REPORT_RULE];
    struct link_report_rule *rules = arena_take(arena, count * sizeof(*rules));
    if (rules == NULL) {
        fault(fields, LINK_NO_MEMORY);
        return;
    }
    for (uint32_t i = 0; i < count && fields->result == LINK_OK; i++) {
        enum link_result result = decode_report_rule(values[i], &rules[i]);
        if (result != LINK_OK) {
            fault(fields, result);
        }
    }
    report->rules = rules;
    report->rule_count = count;
}

static void
take_report_routes(struct fields *fields, struct arena *arena, struct link_report *report)
{
    struct span value = fields->value[LINK_TAG_REPORT_ROUTES];
    size_t count = value.size / LINK_REPORT_ROUTE_SIZE;
    if (!has(fields, LINK_TAG_REPORT_ROUTES) || fields->result != LINK_OK) {
        return;
    }
    if (count == 0 || value.size % LINK_REPORT_ROUTE_SIZE != 0) {
        fault(fields, LINK_BAD_FIELD);
        return;
    }
    if (count > LINK_REPORT_ROUTES_MAX) {
        fault(fields, LINK_TOO_LARGE);
        return;
    }
    struct link_report_route *routes = arena_take(arena, count * sizeof(*routes));
    if (routes == NULL) {
        fault(fields, LINK_NO_MEMORY);
        return;
    }
    struct cursor cursor = cursor_over(value);
    for (size_t i = 0; i < count; i++) {
        routes[i].route_id = cursor_number(&cursor, sizeof(uint64_t));
        routes[i].rule = cursor_u8(&cursor);
        if (routes[i].rule >= report->rule_count) {
            fault(fields, LINK_BAD_FIELD);
        }
    }
    report->routes = routes;
    report->route_count = (uint32_t)count;
}

static enum link_result
decode_report(struct span payload, struct arena *arena, struct link_report *report)
{
    const struct field_set set = {
        .known = TAG_BIT(LINK_TAG_REPORT_ACCEPTED) | TAG_BIT(LINK_TAG_REPORT_REJECTED) |
                 TAG_BIT(LINK_TAG_REPORT_RULE) | TAG_BIT(LINK_TAG_REPORT_ROUTES),
        .repeated = TAG_BIT(LINK_TAG_REPORT_RULE),
    };
    struct fields fields;
    read_fields(&fields, &set, payload);
    report->accepted = take_u64(&fields, LINK_TAG_REPORT_ACCEPTED);
    report->rejected = take_u64(&fields, LINK_TAG_REPORT_REJECTED);
    take_report_rules(&fields, arena, report);
    take_report_routes(&fields, arena, report);
    return fields.result;
}

static enum link_result
decode_error(struct span payload, struct link_error *error)
{
    const struct field_set set = {
        .known = TAG_BIT(LINK_TAG_ERROR_CODE) | TAG_BIT(LINK_TAG_ERROR_TEXT) |
                 TAG_BIT(LINK_TAG_ERROR_RETRY_AFTER),
    };
    struct fields fields;
    read_fields(&fields, &set, payload);
    error->code = take_u16(&fields, LINK_TAG_ERROR_CODE);
    if (has(&fields, LINK_TAG_ERROR_TEXT)) {
        error->text = take_text(&fields, LINK_TAG_ERROR_TEXT, LINK_TEXT_ANY);
    }
    if (has(&fields, LINK_TAG_ERROR_RETRY_AFTER)) {
        error->retry_after_ns = take_u64(&fields, LINK_TAG_ERROR_RETRY_AFTER);
    }
    return fields.result;
}

/* Fields that this version has none of: DRAIN's payload, and the room in the head of REPLY. */
static enum link_result
decode_no_fields(struct span payload)
{
    const struct field_set set = { .known = 0 };
    struct fields fields;
    read_fields(&fields, &set, payload);
    return fields.result;
}

/* What is left when all has been read. */
static enum link_result
judge_end(const struct cursor *cursor)
{
    if (cursor->failed) {
        return LINK_TRUNCATED;
    }
    return cursor->rest.size > 0 ? LINK_TRAILING_BYTES : LINK_OK;
}

static enum link_result
decode_call_path(struct cursor *cursor, struct arena *arena, uint32_t count, struct text_list *path)
{
    if (count > PATH_COUNT_MAX) {
        return LINK_TOO_LARGE;
    }
    struct span *items = arena_take(arena, count * sizeof(*items));
    if (items == NULL) {
        return LINK_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint16_t size = cursor_u16(cursor);
        items[i] = cursor_bytes(cursor, size);
        enum link_result result =
            cursor->failed ? LINK_TRUNCATED : link_check_text(items[i], LINK_TEXT_NOT_EMPTY);
        if (result != LINK_OK) {
            return result;
        }
    }
    *path = (struct text_list){ .items = items, .count = count };
    return LINK_OK;
}

static enum link_result
decode_call_fields(struct span payload, struct link_call *call)
{
    const struct field_set set = { .known = TAG_BIT(LINK_TAG_CALL_ID) };
    struct fields fields;
    read_fields(&fields, &set, payload);
    if (has(&fields, LINK_TAG_CALL_ID)) {
        call->id = fields.value[LINK_TAG_CALL_ID];
        if (call->id.size != LINK_CALL_ID_SIZE) {
            fault(&fields, LINK_BAD_FIELD);
        }
    }
    return fields.result;
}

static enum link_result
decode_call(struct span payload, struct arena *arena, struct link_call *call)
{
    struct cursor cursor = cursor_over(payload);
    call->call_id = cursor_u64(&cursor);
    call->route_id = cursor_u64(&cursor);
    call->timeout_ms = cursor_u32(&cursor);
    call->hops_left = cursor_u8(&cursor);
    uint8_t path_count = cursor_u8(&cursor);
    uint16_t fields_size = cursor_u16(&cursor);
    uint32_t args_size = cursor_u32(&cursor);
    uint32_t kwargs_size = cursor_u32(&cursor);
    if (cursor.failed) {
        return LINK_TRUNCATED;
    }
    if (path_count == 0) {
        return LINK_MISSING_FIELD;
    }
    enum link_result result = decode_call_path(&cursor, arena, path_count, &call->path);
    if (result != LINK_OK) {
        return result;
    }
    struct span fields = cursor_bytes(&cursor, fields_size);
    call->args = cursor_bytes(&cursor, args_size);
    call->kwargs = cursor_bytes(&cursor, kwargs_size);
    result = judge_end(&cursor);
    return result == LINK_OK ? decode_call_fields(fields, call) : result;
}

/* Only LINK_REPLY_ERROR has a code and a rule, and it always has a code. */
static enum link_result
judge_reply(const struct link_reply *reply)
{
    if (reply->status != LINK_REPLY_ERROR) {
        return reply->code == 0 && reply->rule.size == 0 ? LINK_OK : LINK_BAD_FIELD;
    }
    return reply->code == 0 ? LINK_BAD_FIELD : link_check_text(reply->rule, LINK_TEXT_ANY);
}

static enum link_result
decode_reply(struct span payload, struct link_reply *reply)
{
    struct cursor cursor = cursor_over(payload);
    reply->call_id = cursor_u64(&cursor);
    uint8_t status = cursor_u8(&cursor);
    uint8_t zero = cursor_u8(&cursor);
    reply->code = cursor_u16(&cursor);
    uint16_t rule_size = cursor_u16(&cursor);
    uint16_t fields_size = cursor_u16(&cursor);
    uint32_t body_size = cursor_u32(&cursor);
    reply->rule = cursor_bytes(&cursor, rule_size);
    struct span fields = cursor_bytes(&cursor, fields_size);
    reply->body = cursor_bytes(&cursor, body_size);
    enum link_result result = judge_end(&cursor);
    if (result != LINK_OK) {
        return result;
    }
    if (status > LINK_REPLY_ERROR || zero != 0) {
        return LINK_BAD_FIELD;
    }
    reply->status = (enum link_reply_status)status;
    result = judge_reply(reply);
    return result == LINK_OK ? decode_no_fields(fields) : result;
}

static enum link_result
decode_payload(struct span payload, struct arena *arena, struct link_frame *frame)
{
    switch (frame->type) {
    case LINK_FRAME_READY:
        return payload.size > 0 ? LINK_TRAILING_BYTES : LINK_OK;
    case LINK_FRAME_HELLO:
        return decode_hello(payload, &frame->hello);
    case LINK_FRAME_ANNOUNCE:
        return decode_announce(payload, arena, &frame->announce);
    case LINK_FRAME_WITHDRAW:
        return decode_withdraw(payload, arena, &frame->withdraw);
    case LINK_FRAME_END_OF_SYNC:
        return decode_end_of_sync(payload, &frame->end_of_sync);
    case LINK_FRAME_ACK:
        return decode_sequence(payload, &frame->sequence);
    case LINK_FRAME_CALL:
        return decode_call(payload, arena, &frame->call);
    case LINK_FRAME_REPLY:
        return decode_reply(payload, &frame->reply);
    case LINK_FRAME_PING:
        return decode_ping(payload, &frame->ping);
    case LINK_FRAME_PONG:
        return decode_pong(payload, &frame->pong);
    case LINK_FRAME_DRAIN:
        return decode_no_fields(payload);
    case LINK_FRAME_ERROR:
        return decode_error(payload, &frame->error);
    case LINK_FRAME_REFRESH:
        return decode_refresh(payload, &frame->refresh);
    case LINK_FRAME_REPORT:
        return decode_report(payload, arena, &frame->report);
    }
    return LINK_UNKNOWN_TYPE;
}

enum link_result
link_decode(struct span bytes, struct arena *arena, struct link_frame *frame)
{
    struct cursor cursor = cursor_over(bytes);
    uint32_t size = cursor_u32(&cursor);
    uint8_t type = cursor_u8(&cursor);
    uint8_t flags = cursor_u8(&cursor);
    uint16_t zero = cursor_u16(&cursor);
    if (cursor.failed) {
        return LINK_TRUNCATED;
    }
    if (size > LINK_FRAME_SIZE_MAX) {
        return LINK_TOO_LARGE;
    }
    struct span payload = cursor_bytes(&cursor, size);
    enum link_result result = judge_end(&cursor);
    if (result != LINK_OK) {
        return result;
    }
    if (type > LINK_FRAME_REPORT) {
        return LINK_UNKNOWN_TYPE;
    }
    if (flags != 0 || zero != 0) {
        return LINK_BAD_FIELD;
    }
    struct link_frame decoded = { .type = (enum link_frame_type)type };
    result = decode_payload(payload, arena, &decoded);
    if (result == LINK_OK) {
        *frame = decoded;
    }
    return result;
}
