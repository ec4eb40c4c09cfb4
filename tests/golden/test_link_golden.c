/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_link_golden.c - one frame of every type, byte for byte, against tests/golden/link.
 *
 * The dumps are the examples of docs/link-protocol.md: a changed byte is a changed protocol. Run it
 * from the root; UPDATE=1 in the environment writes the dumps anew, and the diff is to be reviewed and
 * brought into that page.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/link_codec.h"
#include "tests/support/check_failed.h"
#include "tests/support/link_frames.h"

#define FOLDER        "tests/golden/link"
#define PAGE          "docs/link-protocol.md"
#define DUMP_SIZE_MAX ((size_t)256 * 1024)
#define LINE_BYTES    16u

#define TEXT(literal_)                                                                             \
    {                                                                                              \
        (const uint8_t *)("" literal_), sizeof(literal_) - 1                                       \
    }

static const struct span tags[] = { TEXT("public"), TEXT("from-eu") };
static const struct span resources[] = { TEXT("gpu") };
static const struct span path_one[] = { TEXT("eu") };
static const struct span path_two[] = { TEXT("ap"), TEXT("eu") };
static const uint64_t withdrawn[] = { 1, 2 };

static const struct link_route routes[] = {
    {
        .route_id = 1,
        .advertisement = {
            .identity = {
                .name = TEXT("billing.charge"),
                .function_id = TEXT("billing.charge"),
                .version_text = TEXT("2.1.0"),
                .version = { .major = 2, .minor = 1 },
            },
            .tags = { .items = tags, .count = 2 },
            .resources = { .items = resources, .count = 1 },
            .scope = TEXT("global"),
            .origin = TEXT("eu"),
            .path = { .items = path_one, .count = 1 },
            .hops_left = 5,
            .cost = 10,
            .preference = ADVERTISEMENT_PREFERENCE_DEFAULT,
            .ttl_ns = 30 * SEC_NS,
        },
    },
    {
        .route_id = 2,
        .advertisement = {
            .identity = {
                .name = TEXT("img.thumb"),
                .function_id = TEXT("thumb"),
                .version_text = TEXT("1.0.0"),
                .version = { .major = 1 },
            },
            .scope = TEXT("zone"),
            .origin = TEXT("ap"),
            .path = { .items = path_two, .count = 2 },
            .hops_left = 4,
            .preference = ADVERTISEMENT_PREFERENCE_DEFAULT,
            .ttl_ns = 10 * SEC_NS,
        },
    },
};

static const struct link_route doubted_routes[] = {
    {
        .route_id = 2,
        .advertisement = {
            .identity = {
                .name = TEXT("img.thumb"),
                .function_id = TEXT("thumb"),
                .version_text = TEXT("1.0.0"),
                .version = { .major = 1 },
            },
            .scope = TEXT("zone"),
            .origin = TEXT("ap"),
            .path = { .items = path_two, .count = 2 },
            .hops_left = 4,
            .preference = ADVERTISEMENT_PREFERENCE_DEFAULT,
            .doubted = true,
            .ttl_ns = 10 * SEC_NS,
        },
    },
};

static const struct link_report_rule report_rules[] = {
    { .reason = TEXT("policy_rejected"), .rule = TEXT("no-admin"), .count = 2 },
    { .reason = TEXT("limit_exceeded"), .count = 1 },
};
static const struct link_report_route report_routes[] = { { .route_id = 7, .rule = 0 } };

static const struct golden {
    const char *name;
    const char *says;
    struct link_frame frame;
} goldens[] = {
    { "ready", "READY: the transport's own", { .type = LINK_FRAME_READY } },
    { "hello", "HELLO: bridge eu-1 of federation eu, version 1, pings every 10 s",
        { .type = LINK_FRAME_HELLO,
            .hello = {
                .version_min = 1,
                .version_max = 1,
                .federation = TEXT("eu"),
                .bridge = TEXT("eu-1"),
                .session = UINT64_C(0x1122334455667788),
                .boot = UINT64_C(0x99aabbccddeeff00),
                .clock = { .ns = INT64_C(1700000000000000000) },
                .keepalive_ns = 10 * SEC_NS,
            } } },
    { "hello_resume", "HELLO: the same session goes on, of which the sender has received up to 42",
        { .type = LINK_FRAME_HELLO,
            .hello = {
                .version_min = 1,
                .version_max = 1,
                .federation = TEXT("eu"),
                .bridge = TEXT("eu-1"),
                .session = UINT64_C(0x1122334455667788),
                .boot = UINT64_C(0x99aabbccddeeff00),
                .clock = { .ns = INT64_C(1700000000000000000) },
                .keepalive_ns = 10 * SEC_NS,
                .resume = UINT64_C(0x0102030405060708),
                .received = 42,
                .stale = 3,
            } } },
    { "announce", "ANNOUNCE 1: two functions, the second learnt from ap",
        { .type = LINK_FRAME_ANNOUNCE,
            .announce = { .sequence = 1, .routes = routes, .route_count = 2 } } },
    { "announce_doubted", "ANNOUNCE 2: a function that passes on, and whose way is doubted",
        { .type = LINK_FRAME_ANNOUNCE,
            .announce = { .sequence = 2, .routes = doubted_routes, .route_count = 1 } } },
    { "withdraw", "WITHDRAW 3: routes 1 and 2",
        { .type = LINK_FRAME_WITHDRAW,
            .withdraw = { .sequence = 3, .route_ids = withdrawn, .route_count = 2 } } },
    { "end_of_sync", "END_OF_SYNC 2",
        { .type = LINK_FRAME_END_OF_SYNC, .end_of_sync = { .sequence = 2 } } },
    { "end_of_refresh", "END_OF_SYNC 9, of REFRESH 4",
        { .type = LINK_FRAME_END_OF_SYNC, .end_of_sync = { .sequence = 9, .refresh = 4 } } },
    { "report", "REPORT: 409 accepted, three not, of which one is named",
        { .type = LINK_FRAME_REPORT,
            .report = {
                .accepted = 409,
                .rejected = 3,
                .rules = report_rules,
                .rule_count = 2,
                .routes = report_routes,
                .route_count = 1,
            } } },
    { "refresh", "REFRESH 4", { .type = LINK_FRAME_REFRESH, .refresh = 4 } },
    { "ack", "ACK of everything up to 2", { .type = LINK_FRAME_ACK, .sequence = 2 } },
    { "call", "CALL 77 of route 1: 5000 ms left, come from ap over eu, [42], {\"currency\":\"EUR\"}",
        { .type = LINK_FRAME_CALL,
            .call = {
                .call_id = 77,
                .route_id = 1,
                .timeout_ms = 5000,
                .hops_left = 4,
                .path = { .items = path_two, .count = 2 },
                .args = TEXT("[42]"),
                .kwargs = TEXT("{\"currency\":\"EUR\"}"),
            } } },
    { "call_again", "CALL 80 of route 1: 100 ms left, may come again as 0123456789abcdef, [], {}",
        { .type = LINK_FRAME_CALL,
            .call = {
                .call_id = 80,
                .route_id = 1,
                .timeout_ms = 100,
                .hops_left = 4,
                .id = TEXT("0123456789abcdef"),
                .path = { .items = path_two, .count = 1 },
                .args = TEXT("[]"),
                .kwargs = TEXT("{}"),
            } } },
    { "reply_ok", "REPLY 77: the result",
        { .type = LINK_FRAME_REPLY,
            .reply = { .call_id = 77, .status = LINK_REPLY_OK, .body = TEXT("{\"paid\":true}") } } },
    { "reply_failed", "REPLY 78: the function's own error",
        { .type = LINK_FRAME_REPLY,
            .reply = {
                .call_id = 78,
                .status = LINK_REPLY_FAILED,
                .body = TEXT("{\"type\":\"ValueError\",\"message\":\"no such account\"}"),
            } } },
    { "reply_error", "REPLY 79: rate_limited (2004) by rule billing",
        { .type = LINK_FRAME_REPLY,
            .reply = {
                .call_id = 79,
                .status = LINK_REPLY_ERROR,
                .code = 2004,
                .rule = TEXT("billing"),
                .body = TEXT("more than 500 calls/s"),
            } } },
    { "ping", "PING 9, after two routes were announced",
        { .type = LINK_FRAME_PING,
            .ping = {
                .number = 9,
                .has_table = true,
                .table = { .routes = 2, .digest = UINT64_C(0xfedcba9876543210) },
            } } },
    { "pong", "PONG 9, answered at 2023-11-14 22:13:20",
        { .type = LINK_FRAME_PONG,
            .pong = { .number = 9, .clock = { .ns = INT64_C(1700000000000000000) } } } },
    { "drain", "DRAIN", { .type = LINK_FRAME_DRAIN } },
    { "error", "ERROR SHUTDOWN",
        { .type = LINK_FRAME_ERROR,
            .error = { .code = 7, .text = TEXT("stopped by this side") } } },
    { "error_retry_after", "ERROR NOT_WANTED: not before 30 s",
        { .type = LINK_FRAME_ERROR,
            .error = { .code = 8,
                .text = TEXT("no link is configured for your federation"),
                .retry_after_ns = 30 * SEC_NS } } },
};

static void
path_of(const struct golden *golden, char path[256])
{
    snprintf(path, 256, "%s/%s.txt", FOLDER, golden->name);
}

static size_t
dump_line(char *text, size_t room, size_t offset, struct span line)
{
    size_t used = (size_t)snprintf(text, room, "%04zx ", offset);
    for (size_t i = 0; i < LINE_BYTES; i++) {
        const char *gap = i == LINE_BYTES / 2 ? "  " : " ";
        if (i < line.size) {
            used += (size_t)snprintf(&text[used], room - used, "%s%02x", gap, line.data[i]);
        } else {
            used += (size_t)snprintf(&text[used], room - used, "%s  ", gap);
        }
    }
    used += (size_t)snprintf(&text[used], room - used, "  |");
    for (size_t i = 0; i < line.size; i++) {
        uint8_t byte = line.data[i];
        bool printable = byte >= ' ' && byte < 0x7f;
        used += (size_t)snprintf(&text[used], room - used, "%c", printable ? byte : '.');
    }
    return used + (size_t)snprintf(&text[used], room - used, "|\n");
}

static void
dump(const struct golden *golden, struct span bytes, char text[DUMP_SIZE_MAX])
{
    size_t used = (size_t)snprintf(text, DUMP_SIZE_MAX, "# %s\n", golden->says);
    for (size_t at = 0; at < bytes.size; at += LINE_BYTES) {
        size_t size = bytes.size - at < LINE_BYTES ? bytes.size - at : LINE_BYTES;
        used += dump_line(&text[used], DUMP_SIZE_MAX - used, at, span_part(bytes, at, size));
    }
}

static void
read_file(const char *path, char text[DUMP_SIZE_MAX])
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s: cannot be read (run from the root)", path);
    size_t size = fread(text, 1, DUMP_SIZE_MAX - 1, file);
    text[size] = '\0';
    fclose(file);
}

static void
write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "%s: cannot be written (run from the root)", path);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

/* The bytes of a dump: what stands between the offset and the bar. */
static size_t
undump(const char *text, uint8_t *bytes, size_t room)
{
    size_t size = 0;
    for (const char *line = strchr(text, '\n'); line != NULL && line[1] != '\0';
         line = strchr(line + 1, '\n')) {
        const char *at = line + 6;
        unsigned byte;
        int used;
        while (sscanf(at, " %2x%n", &byte, &used) == 1) {
            ck_assert_uint_lt(size, room);
            bytes[size++] = (uint8_t)byte;
            at += used;
        }
    }
    return size;
}

START_TEST(encoded_frame_is_the_golden_one)
{
    static char want[DUMP_SIZE_MAX];
    static char got[DUMP_SIZE_MAX];
    const struct golden *golden = &goldens[_i];
    char path[256];
    struct mem mem;
    struct buf out;
    mem_init(&mem, DUMP_SIZE_MAX);
    buf_init(&out, &mem, DUMP_SIZE_MAX);
    link_frames_encode(&out, &golden->frame);
    ck_assert(!out.overflowed);
    dump(golden, buf_span(&out), got);
    path_of(golden, path);
    if (getenv("UPDATE") != NULL) {
        write_file(path, got);
    }
    read_file(path, want);
    ck_assert_msg(strcmp(got, want) == 0, "%s:\ngot\n%s\nwant\n%s", path, got, want);
    buf_destroy(&out);
}
END_TEST

START_TEST(golden_bytes_decode_to_the_frame)
{
    static char text[DUMP_SIZE_MAX];
    static uint8_t bytes[DUMP_SIZE_MAX];
    const struct golden *golden = &goldens[_i];
    char path[256];
    struct mem mem;
    struct arena arena;
    struct link_frame frame;
    mem_init(&mem, (size_t)1024 * 1024);
    arena_init(&arena, &mem);
    path_of(golden, path);
    read_file(path, text);
    size_t size = undump(text, bytes, sizeof(bytes));
    enum link_result result = link_decode(span_from(bytes, size), &arena, &frame);
    ck_assert_msg(result == LINK_OK, "%s: %s", path, link_result_name(result));
    ck_assert_msg(link_frames_same(&frame, &golden->frame), "%s: another frame", path);
    arena_destroy(&arena);
}
END_TEST

START_TEST(protocol_page_shows_the_golden_frame)
{
    static char page[DUMP_SIZE_MAX];
    static char text[DUMP_SIZE_MAX];
    char path[256];
    path_of(&goldens[_i], path);
    read_file(path, text);
    read_file(PAGE, page);
    ck_assert_msg(strstr(page, text) != NULL, "%s lacks %s", PAGE, path);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("link_golden");
    TCase *tcase = tcase_create("frames");
    tcase_add_loop_test(tcase, encoded_frame_is_the_golden_one, 0, (int)COUNT_OF(goldens));
    tcase_add_loop_test(tcase, golden_bytes_decode_to_the_frame, 0, (int)COUNT_OF(goldens));
    tcase_add_loop_test(tcase, protocol_page_shows_the_golden_frame, 0, (int)COUNT_OF(goldens));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
