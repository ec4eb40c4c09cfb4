/* SPDX-License-Identifier: Apache-2.0 */
/* test_link_codec.c - link frames: every verdict on a frame, and that encoding and decoding agree. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/link_codec.h"
#include "bridge/link_field.h"
#include "core/limits.h"
#include "tests/support/check_failed.h"
#include "tests/support/link_frames.h"

static struct mem mem;
static struct arena arena;
static struct buf out;

static void
setup(void)
{
    mem_init(&mem, (size_t)64 * 1024 * 1024);
    arena_init(&arena, &mem);
    buf_init(&out, &mem, (size_t)32 * 1024 * 1024);
}

static void
teardown(void)
{
    arena_destroy(&arena);
    buf_destroy(&out);
    ck_assert_uint_eq(mem.used, 0);
}

static struct link_hello
sample_hello(void)
{
    return (struct link_hello){
        .version_min = 1,
        .version_max = 1,
        .features = 5,
        .federation = SPAN("eu"),
        .bridge = SPAN("eu-1"),
        .session = 7,
        .boot = 8,
        .clock = { .ns = -1 },
        .keepalive_ns = 10 * SEC_NS,
    };
}

static const struct span sample_path[] = { { (const uint8_t *)"eu", 2 } };

static struct link_route
sample_route(void)
{
    struct link_route route = {
        .route_id = 3,
        .advertisement = {
            .identity = {
                .name = SPAN("billing.charge"),
                .function_id = SPAN("charge"),
                .version_text = SPAN("v2.1"),
                .version = { .major = 2, .minor = 1 },
            },
            .scope = SPAN("global"),
            .origin = SPAN("eu"),
            .path = { .items = sample_path, .count = 1 },
            .hops_left = 5,
            .cost = 10,
            .preference = ADVERTISEMENT_PREFERENCE_DEFAULT,
            .ttl_ns = 30 * SEC_NS,
        },
    };
    return route;
}

static enum link_result
decode(struct link_frame *frame)
{
    return link_decode(buf_span(&out), &arena, frame);
}

static void
expect(const char *name, enum link_result got, enum link_result want)
{
    ck_assert_msg(
        got == want, "%s: got %s, want %s", name, link_result_name(got), link_result_name(want));
}

/* ---- the header, and frames of small numbers, byte for byte */

/* SPAN is not a constant for gcc. */
#define BYTES(literal_)                                                                            \
    {                                                                                              \
        (const uint8_t *)("" literal_), sizeof(literal_) - 1                                       \
    }

#define CLOCK_FIELD "\x02\x00\x00\x00\x08\xff\xff\xff\xff\xff\xff\xff\xfe"
#define PING_FIELD  "\x01\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x07"

static const struct header_case {
    const char *name;
    struct span bytes;
    enum link_result result;
} header_cases[] = {
    { "nothing", { NULL, 0 }, LINK_TRUNCATED },
    { "a header less one byte", BYTES("\0\0\0\0\x0a\0\0"), LINK_TRUNCATED },
    { "ready", BYTES("\0\0\0\0\0\0\0\0"), LINK_OK },
    { "ready with a payload", BYTES("\0\0\0\x01\0\0\0\0x"), LINK_TRAILING_BYTES },
    { "drain", BYTES("\0\0\0\0\x0a\0\0\0"), LINK_OK },
    { "a byte behind the frame", BYTES("\0\0\0\0\x0a\0\0\0x"), LINK_TRAILING_BYTES },
    { "the payload has not come", BYTES("\0\0\0\x0d\x08\0\0\0"), LINK_TRUNCATED },
    { "a payload over the limit", BYTES("\x01\0\0\x01\x08\0\0\0"), LINK_TOO_LARGE },
    { "one past the last type", BYTES("\0\0\0\0\x0e\0\0\0"), LINK_UNKNOWN_TYPE },
    { "type 255", BYTES("\0\0\0\0\xff\0\0\0"), LINK_UNKNOWN_TYPE },
    { "flags", BYTES("\0\0\0\0\x0a\x01\0\0"), LINK_BAD_FIELD },
    { "reserved bytes", BYTES("\0\0\0\0\x0a\0\0\x01"), LINK_BAD_FIELD },
    { "ping", BYTES("\0\0\0\x0d\x08\0\0\0" PING_FIELD), LINK_OK },
    { "pong", BYTES("\0\0\0\x0d\x09\0\0\0" PING_FIELD), LINK_OK },
    { "pong with its clock", BYTES("\0\0\0\x1a\x09\0\0\0" PING_FIELD CLOCK_FIELD), LINK_OK },
    { "pong without its number", BYTES("\0\0\0\x0d\x09\0\0\0" CLOCK_FIELD), LINK_MISSING_FIELD },
    { "pong with a clock of four bytes",
        BYTES("\0\0\0\x16\x09\0\0\0" PING_FIELD "\x02\0\0\0\x04\0\0\0\1"), LINK_BAD_FIELD },
    { "ping without its number", BYTES("\0\0\0\0\x08\0\0\0"), LINK_MISSING_FIELD },
    { "ping with two numbers", BYTES("\0\0\0\x1a\x08\0\0\0" PING_FIELD PING_FIELD),
        LINK_BAD_FIELD },
    { "a number of one byte", BYTES("\0\0\0\x06\x08\0\0\0\x01\0\0\0\x01\x07"), LINK_BAD_FIELD },
    { "a field cut in its tag", BYTES("\0\0\0\x0e\x08\0\0\0" PING_FIELD "\x40"), LINK_TRUNCATED },
    { "a field cut in its value", BYTES("\0\0\0\x06\x08\0\0\0\x40\0\0\0\x02x"), LINK_TRUNCATED },
    { "a field of 4 GiB", BYTES("\0\0\0\x05\x08\0\0\0\x40\xff\xff\xff\xff"), LINK_TRUNCATED },
    { "an unknown optional field", BYTES("\0\0\0\x06\x0a\0\0\0\x7f\0\0\0\x01x"), LINK_OK },
    { "an unknown critical field", BYTES("\0\0\0\x06\x0a\0\0\0\x80\0\0\0\x01x"),
        LINK_UNKNOWN_FIELD },
    { "end of sync numbered 0", BYTES("\0\0\0\x0d\x04\0\0\0\x01\0\0\0\x08\0\0\0\0\0\0\0\0"),
        LINK_BAD_FIELD },
    { "error with a code", BYTES("\0\0\0\x07\x0b\0\0\0\x01\0\0\0\x02\0\x05"), LINK_OK },
    { "error without a code", BYTES("\0\0\0\0\x0b\0\0\0"), LINK_MISSING_FIELD },
    { "error with a newline in its text",
        BYTES("\0\0\0\x0d\x0b\0\0\0\x01\0\0\0\x02\0\x05\x02\0\0\0\x01\n"), LINK_BAD_FIELD },
    { "withdraw without routes", BYTES("\0\0\0\x0d\x03\0\0\0\x01\0\0\0\x08\0\0\0\0\0\0\0\x01"),
        LINK_MISSING_FIELD },
    { "withdraw of no routes",
        BYTES("\0\0\0\x12\x03\0\0\0\x01\0\0\0\x08\0\0\0\0\0\0\0\x01\x03\0\0\0\0"), LINK_BAD_FIELD },
    { "withdraw of half a route",
        BYTES("\0\0\0\x16\x03\0\0\0\x01\0\0\0\x08\0\0\0\0\0\0\0\x01\x03\0\0\0\x04\0\0\0\0"),
        LINK_BAD_FIELD },
    { "announce without routes", BYTES("\0\0\0\x0d\x02\0\0\0\x01\0\0\0\x08\0\0\0\0\0\0\0\x01"),
        LINK_MISSING_FIELD },
};

START_TEST(decode_judges_frame)
{
    const struct header_case *c = &header_cases[_i];
    struct link_frame frame = { .type = LINK_FRAME_CALL, .call = { .call_id = 99 } };

    expect(c->name, link_decode(c->bytes, &arena, &frame), c->result);

    bool untouched = frame.type == LINK_FRAME_CALL && frame.call.call_id == 99;
    ck_assert_msg(
        untouched == (c->result != LINK_OK), "%s: the frame is filled in on LINK_OK only", c->name);
}
END_TEST

/* ---- values that must be refused, in frames that are well-formed otherwise */

static void
spoil_hello_federation(struct link_hello *hello)
{
    hello->federation = SPAN("");
}

static void
spoil_hello_bridge(struct link_hello *hello)
{
    hello->bridge = SPAN("eu\x1b[2J");
}

static void
spoil_hello_c1(struct link_hello *hello)
{
    hello->bridge = SPAN("eu\xc2\x85");
}

static void
spoil_hello_utf8(struct link_hello *hello)
{
    hello->bridge = SPAN("eu\xff");
}

static void
spoil_hello_long(struct link_hello *hello)
{
    static uint8_t name[NAME_SIZE_MAX + 1];
    memset(name, 'x', sizeof(name));
    hello->federation = span_from(name, sizeof(name));
}

static void
longest_hello(struct link_hello *hello)
{
    static uint8_t name[NAME_SIZE_MAX];
    memset(name, 'x', sizeof(name));
    hello->federation = span_from(name, sizeof(name));
}

static const struct hello_case {
    const char *name;
    void (*spoil)(struct link_hello *hello);
    enum link_result result;
} hello_cases[] = {
    { "empty federation", spoil_hello_federation, LINK_BAD_FIELD },
    { "escape in the bridge", spoil_hello_bridge, LINK_BAD_FIELD },
    { "control character of two bytes", spoil_hello_c1, LINK_BAD_FIELD },
    { "not UTF-8", spoil_hello_utf8, LINK_BAD_FIELD },
    { "name too long", spoil_hello_long, LINK_TOO_LARGE },
    { "longest name", longest_hello, LINK_OK },
};

START_TEST(decode_judges_hello_texts)
{
    const struct hello_case *c = &hello_cases[_i];
    struct link_hello hello = sample_hello();
    struct link_frame frame;
    c->spoil(&hello);
    link_encode_hello(&out, &hello);
    expect(c->name, decode(&frame), c->result);
}
END_TEST

/* HELLO with one field left out: only features and clock may be absent. */
START_TEST(hello_wants_its_fields)
{
    uint8_t missing = (uint8_t)_i;
    struct link_hello hello = sample_hello();
    struct link_frame frame;
    struct buf shorter;
    link_encode_hello(&out, &hello);
    buf_init(&shorter, &mem, 4096);
    buf_add(&shorter, span_part(buf_span(&out), 0, LINK_FRAME_HEADER_SIZE));
    for (size_t at = LINK_FRAME_HEADER_SIZE; at < out.size;) {
        size_t size = LINK_FIELD_HEADER_SIZE + out.data[at + 4];
        if (out.data[at] != missing) {
            buf_add(&shorter, span_part(buf_span(&out), at, size));
        }
        at += size;
    }
    buf_put_u32(&shorter, 0, (uint32_t)(shorter.size - LINK_FRAME_HEADER_SIZE));
    bool optional = missing == LINK_TAG_HELLO_FEATURES || missing == LINK_TAG_HELLO_CLOCK;

    enum link_result result = link_decode(buf_span(&shorter), &arena, &frame);

    ck_assert_msg(result == (optional ? LINK_OK : LINK_MISSING_FIELD), "tag %u: got %s", missing,
        link_result_name(result));
    buf_destroy(&shorter);
}
END_TEST

START_TEST(hello_may_say_how_large_a_frame_may_be)
{
    struct link_hello hello = sample_hello();
    struct link_frame frame;
    hello.frame_size_max = (uint32_t)LINK_FRAME_SIZE_MIN;
    link_encode_hello(&out, &hello);
    expect("the least", decode(&frame), LINK_OK);
    ck_assert_uint_eq(frame.hello.frame_size_max, LINK_FRAME_SIZE_MIN);
    /* It is the last field. */
    buf_put_u32(&out, out.size - 4, (uint32_t)LINK_FRAME_SIZE_MIN - 1);
    expect("too little to announce in", decode(&frame), LINK_BAD_FIELD);
}
END_TEST

static const struct version_case {
    const char *name;
    uint8_t version_min;
    uint8_t version_max;
    enum link_result result;
} version_cases[] = {
    { "versions 1 to 3", 1, 3, LINK_OK },
    { "version 0", 0, 1, LINK_BAD_FIELD },
    { "versions 2 to 1", 2, 1, LINK_BAD_FIELD },
};

START_TEST(decode_judges_hello_versions)
{
    const struct version_case *c = &version_cases[_i];
    struct link_hello hello = sample_hello();
    struct link_frame frame;
    link_encode_hello(&out, &hello);
    out.data[LINK_FRAME_HEADER_SIZE + 8] = c->version_min;
    out.data[LINK_FRAME_HEADER_SIZE + 17] = c->version_max;
    expect(c->name, decode(&frame), c->result);
}
END_TEST

/* ---- advertisements: link_check_advertisement() says beforehand what the far side would say */

static void
keep_route(struct advertisement *advertisement)
{
    advertisement->cost = 11;
}

static void
spoil_name(struct advertisement *advertisement)
{
    advertisement->identity.name = SPAN("a\nb");
}

static void
spoil_function_id(struct advertisement *advertisement)
{
    advertisement->identity.function_id = SPAN_NONE;
}

static void
spoil_version(struct advertisement *advertisement)
{
    advertisement->identity.version_text = SPAN("1.2.3-beta");
}

static void
spoil_origin(struct advertisement *advertisement)
{
    advertisement->origin = SPAN_NONE;
}

static void
spoil_scope(struct advertisement *advertisement)
{
    advertisement->scope = SPAN("\x7f");
}

static void
spoil_path(struct advertisement *advertisement)
{
    advertisement->path = (struct text_list){ 0 };
}

static const struct span many_texts[LIST_COUNT_MAX + 1];

static void
spoil_path_item(struct advertisement *advertisement)
{
    advertisement->path = (struct text_list){ .items = many_texts, .count = 1 };
}

static void
lengthen_path(struct advertisement *advertisement)
{
    advertisement->path = (struct text_list){ .items = many_texts, .count = PATH_COUNT_MAX + 1 };
}

static void
fill_tags(struct advertisement *advertisement)
{
    advertisement->tags = (struct text_list){ .items = many_texts, .count = LIST_COUNT_MAX };
}

static void
lengthen_tags(struct advertisement *advertisement)
{
    advertisement->tags = (struct text_list){ .items = many_texts, .count = LIST_COUNT_MAX + 1 };
}

static void
lengthen_resources(struct advertisement *advertisement)
{
    advertisement->resources =
        (struct text_list){ .items = many_texts, .count = LIST_COUNT_MAX + 1 };
}

static void
spoil_tag(struct advertisement *advertisement)
{
    static const struct span tags[] = { { (const uint8_t *)"a\0b", 3 } };
    advertisement->tags = (struct text_list){ .items = tags, .count = 1 };
}

static const struct route_case {
    const char *name;
    void (*change)(struct advertisement *advertisement);
    enum link_result result;
} route_cases[] = {
    { "ordinary", keep_route, LINK_OK },
    { "newline in the name", spoil_name, LINK_BAD_FIELD },
    { "no function id", spoil_function_id, LINK_BAD_FIELD },
    { "not a version", spoil_version, LINK_BAD_FIELD },
    { "no origin", spoil_origin, LINK_BAD_FIELD },
    { "delete in the scope", spoil_scope, LINK_BAD_FIELD },
    { "no path", spoil_path, LINK_MISSING_FIELD },
    { "empty federation in the path", spoil_path_item, LINK_BAD_FIELD },
    { "path too long", lengthen_path, LINK_TOO_LARGE },
    { "as many tags as allowed", fill_tags, LINK_OK },
    { "too many tags", lengthen_tags, LINK_TOO_LARGE },
    { "too many resources", lengthen_resources, LINK_TOO_LARGE },
    { "zero byte in a tag", spoil_tag, LINK_BAD_FIELD },
};

START_TEST(check_and_decode_agree_on_advertisement)
{
    const struct route_case *c = &route_cases[_i];
    struct link_route route = sample_route();
    struct link_frame frame;
    c->change(&route.advertisement);
    const struct link_announce announce = { .sequence = 1, .routes = &route, .route_count = 1 };
    link_encode_announce(&out, &announce, NULL);

    expect(c->name, link_check_advertisement(&route.advertisement), c->result);
    expect(c->name, decode(&frame), c->result);

    ck_assert(c->result != LINK_OK || link_frames_same_route(&route, &frame.announce.routes[0]));
}
END_TEST

START_TEST(empty_scope_arrives_as_zone)
{
    struct link_route route = sample_route();
    struct link_frame frame;
    route.advertisement.scope = SPAN_NONE;
    const struct link_announce announce = { .sequence = 1, .routes = &route, .route_count = 1 };
    link_encode_announce(&out, &announce, NULL);
    expect("scope", decode(&frame), LINK_OK);
    ck_assert(span_is(frame.announce.routes[0].advertisement.scope, "zone"));
}
END_TEST

/* A batch of `count` routes or ids, by adding to the largest that the encoder makes. */
START_TEST(batches_over_the_limit_are_refused)
{
    static struct link_route routes[LINK_BATCH_MAX];
    static uint64_t route_ids[LINK_BATCH_MAX];
    struct link_frame frame;
    for (uint32_t i = 0; i < LINK_BATCH_MAX; i++) {
        routes[i] = sample_route();
        route_ids[i] = i;
    }
    const struct link_announce announce = {
        .sequence = 1, .routes = routes, .route_count = LINK_BATCH_MAX
    };
    link_encode_announce(&out, &announce, NULL);
    expect("largest announce", decode(&frame), LINK_OK);
    ck_assert_uint_eq(frame.announce.route_count, LINK_BATCH_MAX);
    buf_add_u8(&out, LINK_TAG_TABLE_ROUTE);
    buf_add_u32(&out, 0);
    buf_put_u32(&out, 0, (uint32_t)(out.size - LINK_FRAME_HEADER_SIZE));
    expect("one route more", decode(&frame), LINK_TOO_LARGE);

    buf_reset(&out);
    const struct link_withdraw withdraw = {
        .sequence = 1, .route_ids = route_ids, .route_count = LINK_BATCH_MAX
    };
    link_encode_withdraw(&out, &withdraw);
    expect("largest withdraw", decode(&frame), LINK_OK);
    ck_assert_uint_eq(frame.withdraw.route_ids[LINK_BATCH_MAX - 1], LINK_BATCH_MAX - 1);
    size_t size_at = LINK_FRAME_HEADER_SIZE + LINK_FIELD_HEADER_SIZE + 8 + 1;
    buf_add_u64(&out, 0);
    buf_put_u32(&out, size_at, (LINK_BATCH_MAX + 1) * 8);
    buf_put_u32(&out, 0, (uint32_t)(out.size - LINK_FRAME_HEADER_SIZE));
    expect("one id more", decode(&frame), LINK_TOO_LARGE);
}
END_TEST

/* ---- CALL and REPLY */

static void
encode_call(void)
{
    struct link_frame frame = {
        .type = LINK_FRAME_CALL,
        .call = {
            .call_id = 1,
            .route_id = 2,
            .timeout_ms = 5000,
            .hops_left = 4,
            .path = { .items = sample_path, .count = 1 },
            .args = SPAN("[1]"),
            .kwargs = SPAN("{}"),
        },
    };
    link_frames_encode(&out, &frame);
}

/* One byte of an encoded frame is changed, at a place counted from the payload's start. */
struct byte_case {
    const char *name;
    size_t at;
    uint8_t byte;
    enum link_result result;
};

static const struct byte_case call_cases[] = {
    { "unchanged", 0, 0, LINK_OK },
    { "no path", 21, 0, LINK_MISSING_FIELD },
    { "a path longer than allowed", 21, PATH_COUNT_MAX + 1, LINK_TOO_LARGE },
    { "a path that eats the arguments", 21, 2, LINK_TRUNCATED },
    { "fields that are not there", 22, 1, LINK_TRUNCATED },
    { "more arguments than there are", 27, 9, LINK_TRUNCATED },
    { "fewer arguments than there are", 27, 2, LINK_TRAILING_BYTES },
    { "kwargs over 4 GiB", 28, 255, LINK_TRUNCATED },
    { "an empty federation", 33, 0, LINK_BAD_FIELD },
    { "a federation of controls", 34, 1, LINK_BAD_FIELD },
    { "a federation too long for the frame", 33, 200, LINK_TRUNCATED },
};

START_TEST(decode_judges_call)
{
    const struct byte_case *c = &call_cases[_i];
    struct link_frame frame;
    encode_call();
    if (c->at > 0) {
        out.data[LINK_FRAME_HEADER_SIZE + c->at] = c->byte;
    }
    expect(c->name, decode(&frame), c->result);
}
END_TEST

static void
encode_reply(void)
{
    struct link_frame frame = {
        .type = LINK_FRAME_REPLY,
        .reply = {
            .call_id = 1,
            .status = LINK_REPLY_ERROR,
            .code = 2002,
            .rule = SPAN("billing"),
            .body = SPAN("the link is down"),
        },
    };
    link_frames_encode(&out, &frame);
}

static const struct byte_case reply_cases[] = {
    { "unchanged", 0, 0, LINK_OK },
    { "a status that is none", 8, 3, LINK_BAD_FIELD },
    { "a code on a result", 8, LINK_REPLY_OK, LINK_BAD_FIELD },
    { "the reserved byte", 9, 1, LINK_BAD_FIELD },
    { "a rule over the frame", 12, 255, LINK_TRUNCATED },
    { "a control in the rule", 20, 7, LINK_BAD_FIELD },
    { "a body shorter than announced", 19, 17, LINK_TRUNCATED },
    { "a body longer than announced", 19, 15, LINK_TRAILING_BYTES },
};

START_TEST(decode_judges_reply)
{
    const struct byte_case *c = &reply_cases[_i];
    struct link_frame frame;
    encode_reply();
    if (c->at > 0) {
        out.data[LINK_FRAME_HEADER_SIZE + c->at] = c->byte;
    }
    expect(c->name, decode(&frame), c->result);
}
END_TEST

START_TEST(error_reply_without_code_is_refused)
{
    struct link_frame frame;
    encode_reply();
    out.data[LINK_FRAME_HEADER_SIZE + 10] = 0;
    out.data[LINK_FRAME_HEADER_SIZE + 11] = 0;
    expect("code 0", decode(&frame), LINK_BAD_FIELD);
}
END_TEST

START_TEST(reply_that_is_no_error_has_neither_code_nor_rule)
{
    struct link_frame frame;
    const struct link_reply reply = {
        .call_id = 1, .status = LINK_REPLY_FAILED, .code = 3, .rule = SPAN("x"), .body = SPAN("{}")
    };
    link_encode_reply_head(&out, &reply);
    buf_add(&out, reply.body);
    expect("failed", decode(&frame), LINK_OK);
    ck_assert_uint_eq(frame.reply.code, 0);
    ck_assert_uint_eq(frame.reply.rule.size, 0);
}
END_TEST

/* Fields of later versions in the heads of CALL and REPLY follow the rule of all fields. */
START_TEST(heads_carry_fields_of_later_versions)
{
    static const uint8_t tags[] = { 0x7f, 0xff };
    uint8_t tag = tags[_i];
    struct link_frame frame;
    struct buf longer;
    encode_call();
    buf_init(&longer, &mem, 4096);
    size_t args_at = LINK_FRAME_HEADER_SIZE + LINK_CALL_HEAD_SIZE + 2 + sample_path[0].size;
    buf_add(&longer, span_part(buf_span(&out), 0, args_at));
    buf_add_u8(&longer, tag);
    buf_add_u32(&longer, 0);
    buf_add(&longer, span_after(buf_span(&out), args_at));
    buf_put_u32(&longer, 0, (uint32_t)(longer.size - LINK_FRAME_HEADER_SIZE));
    longer.data[LINK_FRAME_HEADER_SIZE + 23] = LINK_FIELD_HEADER_SIZE;
    enum link_result want = tag == 0x7f ? LINK_OK : LINK_UNKNOWN_FIELD;

    expect("call", link_decode(buf_span(&longer), &arena, &frame), want);

    ck_assert(want != LINK_OK || span_is(frame.call.args, "[1]"));
    buf_destroy(&longer);
}
END_TEST

/* ---- limits of our own */

START_TEST(frame_that_does_not_fit_overflows)
{
    uint8_t *huge = calloc(1, LINK_FRAME_SIZE_MAX);
    const struct link_call call = {
        .path = { .items = sample_path, .count = 1 },
        .args = span_from(huge, LINK_FRAME_SIZE_MAX - LINK_CALL_HEAD_SIZE - 4),
    };
    link_encode_call_head(&out, &call);
    ck_assert(!out.overflowed);
    struct link_call larger = call;
    larger.kwargs = span_from(huge, 1);
    buf_reset(&out);
    link_encode_call_head(&out, &larger);
    ck_assert(out.overflowed);

    const struct link_reply reply = { .body = span_from(huge, LINK_FRAME_SIZE_MAX) };
    buf_reset(&out);
    link_encode_reply_head(&out, &reply);
    ck_assert(out.overflowed);

    struct buf small;
    buf_init(&small, &mem, 20);
    struct link_hello hello = sample_hello();
    link_encode_hello(&small, &hello);
    ck_assert(small.overflowed);
    buf_destroy(&small);
    free(huge);
}
END_TEST

START_TEST(announce_without_memory_is_refused)
{
    const struct link_route route = sample_route();
    const struct link_announce announce = { .sequence = 1, .routes = &route, .route_count = 1 };
    struct link_frame frame;
    struct mem none;
    struct arena empty;
    link_encode_announce(&out, &announce, NULL);
    mem_init(&none, 0);
    arena_init(&empty, &none);
    expect("announce", link_decode(buf_span(&out), &empty, &frame), LINK_NO_MEMORY);
    buf_reset(&out);
    encode_call();
    expect("call", link_decode(buf_span(&out), &empty, &frame), LINK_NO_MEMORY);
    buf_reset(&out);
    const uint64_t route_id = 1;
    const struct link_withdraw withdraw = {
        .sequence = 1, .route_ids = &route_id, .route_count = 1
    };
    link_encode_withdraw(&out, &withdraw);
    expect("withdraw", link_decode(buf_span(&out), &empty, &frame), LINK_NO_MEMORY);
    arena_destroy(&empty);
}
END_TEST

START_TEST(names_are_distinct)
{
    for (int a = LINK_FRAME_READY; a <= LINK_FRAME_ERROR; a++) {
        for (int b = a + 1; b <= LINK_FRAME_ERROR; b++) {
            ck_assert_str_ne(link_frame_type_name((enum link_frame_type)a),
                link_frame_type_name((enum link_frame_type)b));
        }
    }
    for (int a = LINK_OK; a <= LINK_NO_MEMORY; a++) {
        for (int b = a + 1; b <= LINK_NO_MEMORY; b++) {
            ck_assert_str_ne(
                link_result_name((enum link_result)a), link_result_name((enum link_result)b));
        }
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("link_codec");
    TCase *tcase = tcase_create("frames");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, decode_judges_frame, 0, (int)COUNT_OF(header_cases));
    tcase_add_loop_test(tcase, decode_judges_hello_texts, 0, (int)COUNT_OF(hello_cases));
    tcase_add_test(tcase, hello_may_say_how_large_a_frame_may_be);
    tcase_add_loop_test(
        tcase, hello_wants_its_fields, LINK_TAG_HELLO_VERSION_MIN, LINK_TAG_HELLO_KEEPALIVE + 1);
    tcase_add_loop_test(tcase, decode_judges_hello_versions, 0, (int)COUNT_OF(version_cases));
    tcase_add_loop_test(
        tcase, check_and_decode_agree_on_advertisement, 0, (int)COUNT_OF(route_cases));
    tcase_add_test(tcase, empty_scope_arrives_as_zone);
    tcase_add_test(tcase, batches_over_the_limit_are_refused);
    tcase_add_loop_test(tcase, decode_judges_call, 0, (int)COUNT_OF(call_cases));
    tcase_add_loop_test(tcase, decode_judges_reply, 0, (int)COUNT_OF(reply_cases));
    tcase_add_test(tcase, error_reply_without_code_is_refused);
    tcase_add_test(tcase, reply_that_is_no_error_has_neither_code_nor_rule);
    tcase_add_loop_test(tcase, heads_carry_fields_of_later_versions, 0, 2);
    tcase_add_test(tcase, frame_that_does_not_fit_overflows);
    tcase_add_test(tcase, announce_without_memory_is_refused);
    tcase_add_test(tcase, names_are_distinct);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
