/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_link_codec.c - for random frames of every type: encode then decode is identity; every
 * truncation is refused; an unknown field that is not critical changes nothing, a critical one refuses.
 *
 * One seed, one frame. Each input is decoded from a block of exactly its size, so that the sanitizer
 * sees a read past the end.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/prng.h"
#include "bridge/link_codec.h"
#include "core/limits.h"
#include "tests/support/check_failed.h"
#include "tests/support/link_frames.h"
#include "tests/support/property.h"

#define SEED_COUNT 3000
#define MEMORY_MAX ((size_t)256 * 1024 * 1024)

/* Truncations tried of one frame; larger frames are cut at random places. */
#define CUTS_MAX 400u

struct world {
    struct prng prng;
    struct mem mem;
    struct arena values;
    struct arena decoded;
    struct link_frame frame;
    struct buf bytes;
    uint8_t *block; /* what was decoded last */
};

static void *
take(struct world *world, size_t size)
{
    void *taken = arena_take(&world->values, size);
    CHECK(taken != NULL);
    return taken;
}

/* Numbers with many and with few bits. */
static uint64_t
draw_number(struct world *world)
{
    return prng_next(&world->prng) >> prng_below(&world->prng, 64);
}

static struct span
draw_text(struct world *world, size_t size_min)
{
    static const char *const characters[] = { "a", "z", ".", "_", " ", "\xc3\xa9", "\xe2\x82\xac",
        "\xf0\x9f\x8c\x89", "\xc2\xa0" };
    bool is_long = prng_chance(&world->prng, 20);
    size_t size_max = is_long ? NAME_SIZE_MAX : 12;
    size_t wanted = size_min + (size_t)prng_below(&world->prng, size_max - size_min + 1);
    uint8_t *text = take(world, NAME_SIZE_MAX);
    size_t size = 0;
    while (size < wanted) {
        struct span character =
            span_from_text(characters[prng_below(&world->prng, COUNT_OF(characters))]);
        if (size + character.size > wanted) {
            character = SPAN("x");
        }
        memcpy(&text[size], character.data, character.size);
        size += character.size;
    }
    return span_from(text, size);
}

static struct text_list
draw_list(struct world *world, uint32_t count_min, uint32_t count_max, size_t size_min)
{
    uint32_t most = prng_chance(&world->prng, 30) ? count_max : count_min + 3;
    uint32_t count = count_min + (uint32_t)prng_below(&world->prng, most - count_min + 1);
    struct span *items = take(world, count * sizeof(*items));
    for (uint32_t i = 0; i < count; i++) {
        items[i] = draw_text(world, size_min);
    }
    return (struct text_list){ .items = items, .count = count };
}

static struct span
draw_bytes(struct world *world)
{
    size_t size =
        (size_t)prng_below(&world->prng, prng_chance(&world->prng, 20) ? UINT64_C(70000) : 40);
    uint8_t *bytes = take(world, size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)prng_next(&world->prng);
    }
    return span_from(bytes, size);
}

static void
draw_route(struct world *world, struct link_route *route)
{
    static const char *const versions[] = { "1.0.0", "v2", "0.10", "999.0.1" };
    struct advertisement *advertisement = &route->advertisement;
    struct function_identity *identity = &advertisement->identity;
    route->route_id = draw_number(world);
    identity->name = draw_text(world, 1);
    identity->function_id = draw_text(world, 1);
    identity->version_text = span_from_text(versions[prng_below(&world->prng, COUNT_OF(versions))]);
    CHECK(version_parse(identity->version_text, &identity->version));
    advertisement->tags = draw_list(world, 0, LIST_COUNT_MAX, 0);
    advertisement->resources = draw_list(world, 0, LIST_COUNT_MAX, 0);
    advertisement->scope = draw_text(world, 1);
    advertisement->origin = draw_text(world, 1);
    advertisement->path = draw_list(world, 1, PATH_COUNT_MAX, 1);
    advertisement->hops_left = (uint32_t)draw_number(world);
    advertisement->cost = (uint32_t)draw_number(world);
    advertisement->preference = ADVERTISEMENT_PREFERENCE_DEFAULT;
    advertisement->ttl_ns = draw_number(world);
    advertisement->doubted = prng_chance(&world->prng, 300);
    CHECK(link_check_advertisement(advertisement) == LINK_OK);
}

static uint32_t
draw_batch(struct world *world)
{
    uint32_t most = prng_chance(&world->prng, 20) ? LINK_BATCH_MAX : 4;
    return 1 + (uint32_t)prng_below(&world->prng, most);
}

static void
draw_hello(struct world *world, struct link_hello *hello)
{
    hello->version_max = 1 + (uint32_t)prng_below(&world->prng, UINT32_MAX);
    hello->version_min = 1 + (uint32_t)prng_below(&world->prng, hello->version_max);
    hello->features = draw_number(world);
    hello->federation = draw_text(world, 1);
    hello->bridge = draw_text(world, 1);
    hello->session = draw_number(world);
    hello->boot = draw_number(world);
    hello->clock.ns = (int64_t)prng_next(&world->prng);
    hello->keepalive_ns = draw_number(world);
    hello->resume = draw_number(world) * prng_below(&world->prng, 2);
    hello->received = hello->resume == 0 ? 0 : draw_number(world);
    hello->stale = draw_number(world);
    uint32_t frame_size_max = (uint32_t)draw_number(world);
    hello->frame_size_max = frame_size_max < LINK_FRAME_SIZE_MIN ? 0 : frame_size_max;
}

static void
draw_announce(struct world *world, struct link_announce *announce)
{
    announce->sequence = 1 + draw_number(world) / 2;
    announce->route_count = draw_batch(world);
    struct link_route *routes = take(world, announce->route_count * sizeof(*routes));
    for (uint32_t i = 0; i < announce->route_count; i++) {
        draw_route(world, &routes[i]);
    }
    announce->routes = routes;
}

static void
draw_withdraw(struct world *world, struct link_withdraw *withdraw)
{
    withdraw->sequence = 1 + draw_number(world) / 2;
    withdraw->route_count = draw_batch(world);
    uint64_t *route_ids = take(world, withdraw->route_count * sizeof(*route_ids));
    for (uint32_t i = 0; i < withdraw->route_count; i++) {
        route_ids[i] = draw_number(world);
    }
    withdraw->route_ids = route_ids;
}

static void
draw_call(struct world *world, struct link_call *call)
{
    call->call_id = draw_number(world);
    call->route_id = draw_number(world);
    call->timeout_ms = (uint32_t)draw_number(world);
    call->hops_left = (uint8_t)draw_number(world);
    call->path = draw_list(world, 1, PATH_COUNT_MAX, 1);
    if (prng_chance(&world->prng, 300)) {
        uint64_t *id = take(world, LINK_CALL_ID_SIZE);
        id[0] = draw_number(world);
        call->id = span_from(id, LINK_CALL_ID_SIZE);
    }
    call->args = draw_bytes(world);
    call->kwargs = draw_bytes(world);
}

static void
draw_reply(struct world *world, struct link_reply *reply)
{
    reply->call_id = draw_number(world);
    reply->status = (enum link_reply_status)prng_below(&world->prng, LINK_REPLY_ERROR + 1);
    reply->body = draw_bytes(world);
    if (reply->status == LINK_REPLY_ERROR) {
        reply->code = (uint16_t)(1 + prng_below(&world->prng, UINT16_MAX));
        reply->rule = draw_text(world, 0);
    }
}

static void
draw_report(struct world *world, struct link_report *report)
{
    struct prng *prng = &world->prng;
    report->accepted = draw_number(world);
    report->rejected = draw_number(world);
    report->rule_count = (uint32_t)prng_below(prng, LINK_REPORT_RULES_MAX + 1);
    report->route_count =
        report->rule_count == 0 ? 0 : (uint32_t)prng_below(prng, LINK_REPORT_ROUTES_MAX + 1);
    struct link_report_rule *rules = take(world, (report->rule_count + 1) * sizeof(*rules));
    struct link_report_route *routes = take(world, (report->route_count + 1) * sizeof(*routes));
    for (uint32_t i = 0; i < report->rule_count; i++) {
        rules[i].reason = draw_text(world, 1);
        rules[i].rule = draw_text(world, 0);
        rules[i].count = draw_number(world);
    }
    for (uint32_t i = 0; i < report->route_count; i++) {
        routes[i].route_id = draw_number(world);
        routes[i].rule = (uint8_t)prng_below(prng, report->rule_count);
    }
    report->rules = rules;
    report->routes = routes;
}

static struct link_frame
draw_frame(struct world *world)
{
    struct link_frame frame = {
        .type = (enum link_frame_type)prng_below(&world->prng, LINK_FRAME_REPORT + 1),
    };
    switch (frame.type) {
    case LINK_FRAME_READY:
    case LINK_FRAME_DRAIN:
        break;
    case LINK_FRAME_HELLO:
        draw_hello(world, &frame.hello);
        break;
    case LINK_FRAME_ANNOUNCE:
        draw_announce(world, &frame.announce);
        break;
    case LINK_FRAME_WITHDRAW:
        draw_withdraw(world, &frame.withdraw);
        break;
    case LINK_FRAME_END_OF_SYNC:
        frame.end_of_sync.sequence = 1 + draw_number(world) / 2;
        frame.end_of_sync.refresh = draw_number(world);
        break;
    case LINK_FRAME_REFRESH:
        frame.refresh = 1 + draw_number(world) / 2;
        break;
    case LINK_FRAME_REPORT:
        draw_report(world, &frame.report);
        break;
    case LINK_FRAME_ACK:
        frame.sequence = 1 + draw_number(world) / 2;
        break;
    case LINK_FRAME_CALL:
        draw_call(world, &frame.call);
        break;
    case LINK_FRAME_REPLY:
        draw_reply(world, &frame.reply);
        break;
    case LINK_FRAME_PING:
        frame.ping.has_table = prng_chance(&world->prng, 500);
        if (frame.ping.has_table) {
            frame.ping.table.routes = draw_number(world);
            frame.ping.table.digest = draw_number(world);
        }
        frame.ping.number = draw_number(world);
        break;
    case LINK_FRAME_PONG:
        frame.pong.number = draw_number(world);
        frame.pong.clock.ns = prng_chance(&world->prng, 500) ? (int64_t)prng_next(&world->prng) : 0;
        break;
    case LINK_FRAME_ERROR:
        frame.error.code = (uint16_t)draw_number(world);
        frame.error.text = draw_text(world, 0);
        frame.error.retry_after_ns = prng_chance(&world->prng, 500) ? draw_number(world) : 0;
        break;
    }
    return frame;
}

static void
begin(struct world *world, uint64_t seed)
{
    *world = (struct world){ .prng = { .state = seed } };
    mem_init(&world->mem, MEMORY_MAX);
    arena_init(&world->values, &world->mem);
    arena_init(&world->decoded, &world->mem);
    buf_init(&world->bytes, &world->mem, MEMORY_MAX);
    world->frame = draw_frame(world);
    link_frames_encode(&world->bytes, &world->frame);
    CHECK(!world->bytes.overflowed);
}

static void
end(struct world *world)
{
    free(world->block);
    buf_destroy(&world->bytes);
    arena_destroy(&world->values);
    arena_destroy(&world->decoded);
    CHECK(world->mem.used == 0);
}

/* Decode from a block of exactly this size. The frame lives until the next call. */
static enum link_result
decode(struct world *world, struct span bytes, struct link_frame *frame)
{
    uint8_t *block = malloc(bytes.size > 0 ? bytes.size : 1);
    CHECK(block != NULL);
    memcpy(block, bytes.data, bytes.size);
    free(world->block);
    world->block = block;
    arena_reset(&world->decoded);
    return link_decode(span_from(block, bytes.size), &world->decoded, frame);
}

static bool
expect(const struct world *world, bool held, const char *claim, enum link_result got)
{
    if (!held) {
        printf("%s: %s; got %s\n", link_frame_type_name(world->frame.type), claim,
            link_result_name(got));
    }
    return held;
}

static void
put_size(uint8_t *header, size_t payload_size)
{
    for (size_t i = 0; i < 4; i++) {
        header[i] = (uint8_t)(payload_size >> (8 * (3 - i)));
    }
}

static bool
encode_then_decode_is_identity(uint64_t seed)
{
    struct world world;
    struct link_frame decoded;
    begin(&world, seed);
    enum link_result result = decode(&world, buf_span(&world.bytes), &decoded);
    bool same = result == LINK_OK && link_frames_same(&world.frame, &decoded);
    bool holds = expect(&world, same, "must come back as it was", result);
    end(&world);
    return holds;
}

static bool
bytes_behind_the_frame_are_refused(uint64_t seed)
{
    struct world world;
    struct link_frame decoded;
    begin(&world, seed);
    buf_add_u8(&world.bytes, 0);
    enum link_result result = decode(&world, buf_span(&world.bytes), &decoded);
    bool holds =
        expect(&world, result == LINK_TRAILING_BYTES, "one byte more must be refused", result);
    end(&world);
    return holds;
}

static size_t
cut_size(struct world *world, size_t cut)
{
    bool all = world->bytes.size <= CUTS_MAX;
    return all ? cut : (size_t)prng_below(&world->prng, world->bytes.size);
}

static bool
truncations_are_refused(uint64_t seed)
{
    struct world world;
    struct link_frame decoded;
    bool holds = true;
    begin(&world, seed);
    size_t cuts = world.bytes.size < CUTS_MAX ? world.bytes.size : CUTS_MAX;
    for (size_t i = 0; holds && i < cuts; i++) {
        struct span part = span_part(buf_span(&world.bytes), 0, cut_size(&world, i));
        enum link_result result = decode(&world, part, &decoded);
        holds = expect(&world, result == LINK_TRUNCATED, "a part of it must be refused", result);
    }
    end(&world);
    return holds;
}

/* With a header that agrees with the cut, a shorter frame may be whole; it is never read past its end. */
static bool
payloads_are_not_read_past_their_end(uint64_t seed)
{
    struct world world;
    struct link_frame decoded;
    bool holds = true;
    begin(&world, seed);
    size_t cuts = world.bytes.size < CUTS_MAX ? world.bytes.size : CUTS_MAX;
    for (size_t i = 0; holds && i < cuts; i++) {
        size_t size = cut_size(&world, i);
        if (size < LINK_FRAME_HEADER_SIZE) {
            continue;
        }
        put_size(world.bytes.data, size - LINK_FRAME_HEADER_SIZE);
        struct span part = span_part(buf_span(&world.bytes), 0, size);
        enum link_result result = decode(&world, part, &decoded);
        bool possible =
            result == LINK_OK || result == LINK_TRUNCATED || result == LINK_MISSING_FIELD;
        holds = expect(&world, possible, "must be whole, truncated or lack a field", result);
    }
    end(&world);
    return holds;
}

/* The start of some field of a control payload, or its end. */
static size_t
draw_boundary(struct world *world)
{
    size_t boundary = LINK_FRAME_HEADER_SIZE;
    while (boundary < world->bytes.size && !prng_chance(&world->prng, 300)) {
        struct cursor field = cursor_over(span_after(buf_span(&world->bytes), boundary + 1));
        boundary += 5 + cursor_u32(&field);
    }
    return boundary;
}

/* The encoded frame with one field more that nobody knows. */
static enum link_result
decode_with_field(struct world *world, uint8_t tag, struct link_frame *decoded)
{
    struct span bytes = buf_span(&world->bytes);
    size_t boundary = draw_boundary(world);
    struct span value = draw_bytes(world);
    struct buf longer;
    buf_init(&longer, &world->mem, MEMORY_MAX);
    buf_add(&longer, span_part(bytes, 0, boundary));
    buf_add_u8(&longer, tag);
    buf_add_u32(&longer, (uint32_t)value.size);
    buf_add(&longer, value);
    buf_add(&longer, span_after(bytes, boundary));
    buf_put_u32(&longer, 0, (uint32_t)(longer.size - LINK_FRAME_HEADER_SIZE));
    CHECK(!longer.overflowed);
    enum link_result result = decode(world, buf_span(&longer), decoded);
    buf_destroy(&longer);
    return result;
}

static bool
has_fields(enum link_frame_type type)
{
    return type != LINK_FRAME_READY && type != LINK_FRAME_CALL && type != LINK_FRAME_REPLY;
}

static bool
unknown_optional_fields_are_skipped(uint64_t seed)
{
    struct world world;
    struct link_frame decoded;
    bool holds = true;
    begin(&world, seed);
    if (has_fields(world.frame.type)) {
        uint8_t tag = (uint8_t)(16 + prng_below(&world.prng, 112));
        enum link_result result = decode_with_field(&world, tag, &decoded);
        bool same = result == LINK_OK && link_frames_same(&world.frame, &decoded);
        holds = expect(&world, same, "an unknown field must change nothing", result);
    }
    end(&world);
    return holds;
}

static bool
unknown_critical_fields_refuse(uint64_t seed)
{
    struct world world;
    struct link_frame decoded;
    bool holds = true;
    begin(&world, seed);
    if (has_fields(world.frame.type)) {
        uint8_t tag = (uint8_t)(128 + prng_below(&world.prng, 128));
        enum link_result result = decode_with_field(&world, tag, &decoded);
        holds = expect(&world, result == LINK_UNKNOWN_FIELD, "must refuse", result);
    }
    end(&world);
    return holds;
}

int
main(int argc, char **argv)
{
    static const struct property properties[] = {
        { "encode_then_decode_is_identity", encode_then_decode_is_identity },
        { "bytes_behind_the_frame_are_refused", bytes_behind_the_frame_are_refused },
        { "truncations_are_refused", truncations_are_refused },
        { "payloads_are_not_read_past_their_end", payloads_are_not_read_past_their_end },
        { "unknown_optional_fields_are_skipped", unknown_optional_fields_are_skipped },
        { "unknown_critical_fields_refuse", unknown_critical_fields_refuse },
    };
    return property_main(argc, argv, properties, COUNT_OF(properties), SEED_COUNT);
}
