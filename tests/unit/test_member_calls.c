/* SPDX-License-Identifier: Apache-2.0 */
/* test_member_calls.c - calls between nodes: each ends once, and answers find the right way back. */
#include <check.h>
#include <stdlib.h>

#include "tests/support/check_failed.h"
#include "tests/support/member_rig.h"

#define A "ws://a:1"
#define B "ws://b:1"

static struct rig rig;

/* a dialed us; b was dialed by us and dialed us too. */
static struct conn_id a;
static struct conn_id b;
static struct conn_id b_in;

static void
start(void)
{
    rig_init(&rig);
    rig_start(&rig);
    a = rig_peer_in(&rig, A);
    b_in = rig_peer_in(&rig, B);
    b = rig_peer_out(&rig, B);
    rig_forget(&rig);
}

static void
stop(void)
{
    rig_destroy(&rig);
}

/* Calls out. */

static enum member_call_result
call_with(uint64_t ticket, const char *node, struct span args)
{
    const struct member_call call = {
        .ticket = ticket,
        .function = SPAN("math.add"),
        .target_node = span_from_text(node),
        .args = args,
        .kwargs = SPAN("{\"k\":1}"),
        .deadline = instant_after(rig.now.mono, 10 * SEC_NS),
    };
    rig_begin(&rig);
    enum member_call_result result = member_call(rig.member, &call, rig.now, &rig.actions);
    rig_perform(&rig);
    return result;
}

static enum member_call_result
call(uint64_t ticket, const char *node)
{
    return call_with(ticket, node, SPAN("[1,2]"));
}

/* The id of the call sent last over the connection. */
static const char *
id_of(struct conn_id conn)
{
    const struct rig_sent *sent = rig_last(&rig, conn, "\"rpc-request\"");
    ck_assert_ptr_nonnull(sent);
    const char *key = "\"request_id\":\"";
    const char *at = strstr(sent->text, key);
    ck_assert_ptr_nonnull(at);
    return rig_text(&rig, "%.*s", 33, at + strlen(key));
}

static void
respond(struct conn_id conn, const char *id, const char *outcome)
{
    rig_hear(&rig, conn,
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"%s\",\"topic\":"
        "\"mpreg.rpc.response\",\"message_type\":\"rpc\",\"headers\":{\"correlation_id\":\"%s\","
        "\"source_cluster\":\"c1\"},\"payload\":{\"kind\":\"rpc-response\",\"request_id\":\"%s\",%"
        "s}}}",
        id, id, id, outcome);
}

static void
check_answer(size_t index, uint64_t ticket, enum member_outcome outcome, const char *body)
{
    ck_assert_uint_eq(rig.answer_count, index + 1);
    const struct rig_answer *answer = &rig.answers[index];
    ck_assert_uint_eq(answer->ticket, ticket);
    ck_assert_int_eq(answer->outcome, outcome);
    ck_assert_str_eq(answer->body, body);
    ck_assert_uint_eq(member_stats(rig.member).calls_in_flight, 0);
}

START_TEST(a_call_says_what_the_reference_wants_to_hear)
{
    ck_assert_int_eq(call(7, B), MEMBER_CALL_OK);
    ck_assert_uint_eq(rig.sent_count, 1);
    static const char *const wanted[] = { "\"role\":\"fabric-message\"",
        "\"topic\":\"mpreg.rpc.execute.math.add\"", "\"kind\":\"rpc-request\"",
        "\"command\":\"math.add\"", "\"args\":[1,2]", "\"kwargs\":{\"k\":1}",
        "\"target_node\":\"" B "\"", "\"reply_to\":\"" RIG_URL "\"", "\"source_cluster\":\"c1\"",
        "\"routing_path\":[\"" RIG_URL "\"]", "\"hop_budget\":5" };
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        ck_assert_msg(
            rig_count(&rig, b, wanted[i]) == 1, "no %s in %s", wanted[i], rig.sent[0].text);
    }
    ck_assert_uint_eq(member_stats(rig.member).calls_in_flight, 1);
}
END_TEST

START_TEST(a_call_is_answered_once)
{
    ck_assert_int_eq(call(7, B), MEMBER_CALL_OK);
    const char *id = id_of(b);
    respond(b, id, "\"success\":true,\"result\":{\"x\": [1]}");
    check_answer(0, 7, MEMBER_ANSWERED, "{\"x\": [1]}");
    respond(b, id, "\"success\":true,\"result\":2");
    rig_run(&rig, 30 * SEC_NS);
    ck_assert_uint_eq(rig.answer_count, 1);
}
END_TEST

START_TEST(a_failure_brings_its_error)
{
    ck_assert_int_eq(call(7, B), MEMBER_CALL_OK);
    respond(b, id_of(b), "\"success\":false,\"error\":{\"error\":\"kaboom\"}");
    check_answer(0, 7, MEMBER_FAILED, "{\"error\":\"kaboom\"}");
}
END_TEST

START_TEST(a_call_times_out_at_its_deadline)
{
    ck_assert_int_eq(call(7, B), MEMBER_CALL_OK);
    const char *id = id_of(b);
    rig_run(&rig, 10 * SEC_NS - 1);
    ck_assert_uint_eq(rig.answer_count, 0);
    rig_run(&rig, 1);
    check_answer(0, 7, MEMBER_TIMED_OUT, "");
    respond(b, id, "\"success\":true,\"result\":2");
    ck_assert_uint_eq(rig.answer_count, 1);
}
END_TEST

START_TEST(a_call_is_lost_with_its_connection_and_no_other_is)
{
    ck_assert_int_eq(call(7, B), MEMBER_CALL_OK);
    ck_assert_int_eq(call(8, A), MEMBER_CALL_OK);
    rig_end(&rig, b);
    ck_assert_uint_eq(rig.answer_count, 1);
    ck_assert_uint_eq(rig.answers[0].ticket, 7);
    ck_assert_int_eq(rig.answers[0].outcome, MEMBER_LOST);
    ck_assert_uint_eq(member_stats(rig.member).calls_in_flight, 1);
    /* The other connection of the node serves from now on. */
    ck_assert_int_eq(call(9, B), MEMBER_CALL_OK);
    ck_assert_uint_eq(rig_count(&rig, b_in, "rpc-request"), 1);
    rig_end(&rig, a);
    ck_assert_uint_eq(rig.answers[1].ticket, 8);
}
END_TEST

START_TEST(a_cancelled_call_ends_in_silence)
{
    ck_assert_int_eq(call(7, B), MEMBER_CALL_OK);
    const char *id = id_of(b);
    member_cancel(rig.member, 7);
    member_cancel(rig.member, 7);
    member_cancel(rig.member, 99);
    respond(b, id, "\"success\":true,\"result\":2");
    rig_end(&rig, b);
    rig_run(&rig, 20 * SEC_NS);
    ck_assert_uint_eq(rig.answer_count, 0);
}
END_TEST

START_TEST(only_who_was_asked_answers)
{
    ck_assert_int_eq(call(7, B), MEMBER_CALL_OK);
    const char *id = id_of(b);
    respond(a, id, "\"success\":true,\"result\":\"forged\"");
    ck_assert_uint_eq(rig.answer_count, 0);
    ck_assert_uint_eq(rig_isolated(&rig, ISOLATION_FORGED_SENDER), 1);
    ck_assert(!rig_conn(&rig, a)->closing);
    /* On which of its connections does not matter. */
    respond(b_in, id, "\"success\":true,\"result\":2");
    check_answer(0, 7, MEMBER_ANSWERED, "2");
}
END_TEST

START_TEST(answers_to_nothing_are_dropped)
{
    respond(a, "0000000000000000-0000000000000001", "\"success\":true,\"result\":2");
    respond(a, "no id of ours", "\"success\":false");
    ck_assert_uint_eq(rig.answer_count, 0);
    ck_assert(!rig_conn(&rig, a)->closing);
}
END_TEST

START_TEST(an_unreachable_or_congested_node_is_told_at_once)
{
    ck_assert_int_eq(call(1, "ws://x:1"), MEMBER_CALL_NOT_CONNECTED);
    ck_assert_int_eq(call(1, RIG_URL), MEMBER_CALL_NOT_CONNECTED);
    ck_assert_int_eq(call(1, ""), MEMBER_CALL_NOT_CONNECTED);
    rig_step(&rig, &(struct event){ .kind = EVENT_CONGESTED, .conn = b });
    ck_assert_int_eq(call(1, B), MEMBER_CALL_CONGESTED);
    rig_step(&rig, &(struct event){ .kind = EVENT_DRAINED, .conn = b });
    ck_assert_int_eq(call(1, B), MEMBER_CALL_OK);
    ck_assert_uint_eq(member_stats(rig.member).calls_in_flight, 1);
}
END_TEST

START_TEST(silence_of_a_node_ends_with_whatever_it_says_on_any_connection)
{
    respond(a, "no id of ours", "\"success\":false");
    ck_assert_uint_eq(member_silence_ns(rig.member, SPAN(A), rig.now), 0);
    ck_assert_uint_eq(member_silence_ns(rig.member, SPAN(B), rig.now), 0);
    rig_run(&rig, 7 * SEC_NS);
    ck_assert_uint_eq(member_silence_ns(rig.member, SPAN(A), rig.now), 7 * SEC_NS);
    ck_assert_uint_eq(member_silence_ns(rig.member, SPAN(B), rig.now), 7 * SEC_NS);
    respond(b_in, "no id of ours", "\"success\":false");
    ck_assert_uint_eq(member_silence_ns(rig.member, SPAN(A), rig.now), 7 * SEC_NS);
    ck_assert_uint_eq(member_silence_ns(rig.member, SPAN(B), rig.now), 0);
    ck_assert_uint_eq(member_silence_ns(rig.member, SPAN("ws://x:1"), rig.now), UINT64_MAX);
    rig_end(&rig, a);
    ck_assert_uint_eq(member_silence_ns(rig.member, SPAN(A), rig.now), UINT64_MAX);
}
END_TEST

START_TEST(arguments_must_not_cost_us_a_connection_that_the_other_dialed)
{
    static char args[DIALED_MESSAGE_SIZE_MAX + 3];
    memset(args, 'x', sizeof(args));
    args[0] = '"';
    args[DIALED_MESSAGE_SIZE_MAX - 1] = '"';
    struct span large = span_from(args, DIALED_MESSAGE_SIZE_MAX);
    ck_assert_int_eq(call_with(1, A, large), MEMBER_CALL_TOO_LARGE);
    ck_assert_uint_eq(rig.sent_count, 0);
    ck_assert_int_eq(call_with(1, B, large), MEMBER_CALL_OK);
    ck_assert_uint_gt(rig.sent[0].size, DIALED_MESSAGE_SIZE_MAX);
    /* The largest that fits, to the byte. */
    size_t rest = rig.sent[0].size - large.size;
    size_t most = DIALED_MESSAGE_SIZE_MAX - rest - 32;
    ck_assert_int_eq(call_with(2, A, span_from(args, most)), MEMBER_CALL_OK);
    size_t got = rig.sent[1].size;
    ck_assert_uint_le(got, DIALED_MESSAGE_SIZE_MAX);
    ck_assert_int_eq(
        call_with(3, A, span_from(args, most + DIALED_MESSAGE_SIZE_MAX - got)), MEMBER_CALL_OK);
    ck_assert_int_eq(call_with(4, A, span_from(args, most + DIALED_MESSAGE_SIZE_MAX - got + 1)),
        MEMBER_CALL_TOO_LARGE);
    ck_assert_uint_eq(member_stats(rig.member).calls_in_flight, 3);
}
END_TEST

START_TEST(without_memory_a_call_is_not_half_made)
{
    for (size_t spare = 0;; spare += 16) {
        ck_assert_uint_lt(spare, 1 << 20);
        size_t sent = rig.sent_count;
        arena_destroy(&rig.arena);
        rig.mem.cap = rig.mem.used + spare;
        enum member_call_result result = call(7, B);
        rig.mem.cap = SIZE_MAX;
        if (result == MEMBER_CALL_OK) {
            ck_assert_uint_eq(rig.sent_count, sent + 1);
            break;
        }
        ck_assert_msg(result == MEMBER_CALL_TOO_MANY || result == MEMBER_CALL_TOO_LARGE, "got %d",
            (int)result);
        ck_assert_uint_eq(rig.sent_count, sent);
        ck_assert_uint_eq(member_stats(rig.member).calls_in_flight, 0);
    }
}
END_TEST

/* Calls in. */

static void
request_from(struct conn_id conn, const char *caller, const char *cluster, const char *members)
{
    rig_hear(&rig, conn,
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"r1\",\"topic\":"
        "\"mpreg.rpc.execute.own.f\",\"message_type\":\"rpc\",\"headers\":{\"correlation_id\":"
        "\"r1\","
        "\"source_cluster\":\"%s\",\"routing_path\":[\"%s\"]},\"payload\":{\"kind\":\"rpc-"
        "request\","
        "\"request_id\":\"r1\",\"command\":\"own.f\",\"args\":[7]%s}}}",
        cluster, caller, members);
}

#define REPLY_TO(url_) ",\"reply_to\":\"" url_ "\""

static void
answer(size_t index, bool success, struct span body)
{
    ck_assert_uint_lt(index, rig.call_count);
    struct member_back *back = rig.calls[index].back;
    ck_assert_ptr_nonnull(back);
    rig.calls[index].back = NULL;
    rig_begin(&rig);
    member_answer(rig.member, back, success, body, rig.now, &rig.actions);
    rig_perform(&rig);
}

START_TEST(a_call_reaches_the_offer_that_it_means)
{
    int context = 0;
    ck_assert_int_eq(rig_offer(&rig, "own.f", &context), CATALOG_OK);
    static const struct {
        const char *name;
        const char *members;
        bool served;
    } rows[] = {
        { "any", "", true },
        { "by its id", ",\"function_id\":\"own.f\"", true },
        { "by another id", ",\"function_id\":\"own.g\"", false },
        { "its version", ",\"version_constraint\":\">=1.0.0,<2.0.0\"", true },
        { "another version", ",\"version_constraint\":\">=2.0.0\"", false },
        { "a resource that we lack", ",\"resources\":[\"gpu\"]", false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        request_from(a, A, "c1", rows[i].members);
        ck_assert_uint_eq(rig.call_count, i + 1);
        const struct rig_call *got = &rig.calls[i];
        ck_assert_msg(got->context == (rows[i].served ? &context : NULL), "%s", rows[i].name);
        ck_assert_str_eq(got->command, "own.f");
        ck_assert_str_eq(got->args, "[7]");
        ck_assert_str_eq(got->from_url, A);
        ck_assert_uint_eq(got->deadline.ns, rig.now.mono.ns + 30 * SEC_NS);
    }
}
END_TEST

START_TEST(an_answer_goes_over_the_connection_that_we_dialed)
{
    static const struct {
        const char *name;
        bool from_a; /* else from b, on the connection that it dialed */
    } rows[] = { { "only the caller dialed", true }, { "both dialed", false } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct conn_id from = rows[i].from_a ? a : b_in;
        struct conn_id way = rows[i].from_a ? a : b;
        const char *url = rows[i].from_a ? A : B;
        request_from(from, url, "c1", REPLY_TO("ws://any:1"));
        rig_forget(&rig);
        answer(i, true, SPAN("{\"r\": 1}"));
        ck_assert_uint_eq(rig.sent_count, 1);
        ck_assert_msg(rig_count(&rig, way, "\"success\":true,\"result\":{\"r\": 1}") == 1, "%s: %s",
            rows[i].name, rig.sent[0].text);
        ck_assert_uint_eq(rig_count(&rig, way, "\"responder\":\"" RIG_URL "\""), 1);
        ck_assert_uint_eq(
            rig_count(&rig, way, rig_text(&rig, "\"routing_path\":[\"%s\",\"" RIG_URL "\"]", url)),
            1);
        ck_assert_uint_eq(rig_count(&rig, way, "\"correlation_id\":\"r1\""), 1);
    }
}
END_TEST

START_TEST(an_answer_takes_the_way_that_is_left)
{
    request_from(b, B, "c1", REPLY_TO(B));
    rig_end(&rig, b);
    answer(0, true, SPAN("1"));
    ck_assert_uint_eq(rig_count(&rig, b_in, "rpc-response"), 1);
    request_from(a, A, "c1", REPLY_TO(A));
    rig_end(&rig, a);
    rig_forget(&rig);
    answer(1, true, SPAN("1"));
    ck_assert_uint_eq(rig.sent_count, 0);
    request_from(b_in, B, "c1", REPLY_TO(B));
    rig_hear(&rig, b_in, "nonsense");
    rig_forget(&rig);
    answer(2, true, SPAN("1"));
    ck_assert_uint_eq(rig.sent_count, 0);
}
END_TEST

START_TEST(who_wants_no_answer_gets_none)
{
    request_from(a, A, "c1", "");
    rig_forget(&rig);
    answer(0, true, SPAN("1"));
    ck_assert_uint_eq(rig.sent_count, 0);
}
END_TEST

START_TEST(a_call_of_another_cluster_is_not_executed)
{
    request_from(a, "ws://x:1", "c2", REPLY_TO("ws://x:1"));
    ck_assert_uint_eq(rig.call_count, 0);
    ck_assert_uint_eq(rig_isolated(&rig, ISOLATION_FOREIGN_CALL), 1);
    ck_assert_uint_eq(rig_count(&rig, a, "\"success\":false"), 1);
    ck_assert_uint_eq(rig_count(&rig, a, "\"error_type\":\"IsolationError\""), 1);
    ck_assert(!rig_conn(&rig, a)->closing);
}
END_TEST

START_TEST(an_error_is_told_with_function_and_kind)
{
    request_from(a, A, "c1", REPLY_TO(A));
    struct member_back *back = rig.calls[0].back;
    rig_begin(&rig);
    member_answer_error(
        rig.member, back, SPAN("it \"broke\""), SPAN("ValueError"), rig.now, &rig.actions);
    rig_perform(&rig);
    ck_assert_uint_eq(rig_count(&rig, a, "\"success\":false"), 1);
    ck_assert_uint_eq(rig_count(&rig, a,
                          "\"error\":{\"error\":\"it "
                          "\\\"broke\\\"\",\"command\":\"own.f\",\"error_type\":\"ValueError\"}"),
        1);
}
END_TEST

START_TEST(a_result_too_large_for_the_way_back_becomes_an_error)
{
    static char body[3 * DIALED_MESSAGE_SIZE_MAX];
    memset(body, 'x', sizeof(body));
    static const struct {
        const char *name;
        bool success;
        size_t size;
    } rows[] = {
        { "a result", true, DIALED_MESSAGE_SIZE_MAX },
        { "an error", false, DIALED_MESSAGE_SIZE_MAX },
        { "an error that nothing can hold", false, sizeof(body) },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        body[0] = '"';
        body[rows[i].size - 1] = '"';
        request_from(a, A, "c1", REPLY_TO(A));
        rig_forget(&rig);
        answer(i, rows[i].success, span_from(body, rows[i].size));
        ck_assert_msg(rig.sent_count == 1, "%s: no answer", rows[i].name);
        ck_assert_uint_le(rig.sent[0].size, DIALED_MESSAGE_SIZE_MAX);
        ck_assert_msg(rig_count(&rig, a, "ResultTooLarge") == 1, "%s", rows[i].name);
        body[rows[i].size - 1] = 'x';
    }
    /* On the connection that we dialed there is room. */
    body[0] = '"';
    body[DIALED_MESSAGE_SIZE_MAX - 1] = '"';
    request_from(b_in, B, "c1", REPLY_TO(B));
    rig_forget(&rig);
    answer(3, true, span_from(body, DIALED_MESSAGE_SIZE_MAX));
    ck_assert_uint_eq(rig_count(&rig, b, "\"success\":true"), 1);
    ck_assert_uint_gt(rig.sent[0].size, DIALED_MESSAGE_SIZE_MAX);
}
END_TEST

START_TEST(what_is_owed_may_be_dropped_or_left)
{
    request_from(a, A, "c1", REPLY_TO(A));
    request_from(a, A, "c1", REPLY_TO(A));
    member_drop(rig.member, rig.calls[0].back);
    /* The other one goes with the member. */
}
END_TEST

START_TEST(a_path_as_long_as_can_be_is_answered)
{
    char path[PATH_COUNT_MAX * 16 + 16] = "";
    for (unsigned i = 1; i < PATH_COUNT_MAX; i++) {
        strcat(path, "\"ws://x:1\",");
    }
    strcat(path, "\"" A "\"");
    rig_hear(&rig, a,
        "{\"role\":\"fabric-message\",\"payload\":{\"message_id\":\"r1\",\"topic\":\"t\","
        "\"message_type\":\"rpc\",\"headers\":{\"correlation_id\":\"r1\",\"routing_path\":[%s]},"
        "\"payload\":{\"kind\":\"rpc-request\",\"request_id\":\"r1\",\"command\":\"own.f\","
        "\"reply_to\":\"" A "\"}}}",
        path);
    rig_forget(&rig);
    answer(0, true, SPAN("1"));
    ck_assert_uint_eq(rig_count(&rig, a, "\"" A "\",\"" RIG_URL "\"]"), 1);
}
END_TEST

START_TEST(calls_go_to_the_node_with_the_least_load)
{
    rig_gossip(&rig, a, A,
        rig_text(&rig, "\"functions\":[%s,%s]", rig_function(&rig, "f", A, RIG_CLUSTER, 0),
            rig_function(&rig, "f", B, RIG_CLUSTER, 0)));
    const struct catalog_query query = { .function = SPAN("f"), .local_cluster = SPAN("c1") };
    const struct catalog_entry *entry = member_select(rig.member, &query, rig.now);
    ck_assert(span_is(catalog_endpoint(entry).key.node_id, A));
    rig_hear(&rig, a,
        "{\"role\":\"server\",\"u\":\"u\",\"server\":{\"server_url\":\"" A
        "\",\"cluster_id\":\"c1\",\"active_clients\":4}}");
    entry = member_select(rig.member, &query, rig.now);
    ck_assert(span_is(catalog_endpoint(entry).key.node_id, B));
    /* Two connections were accepted: that is our own load. */
    int context = 0;
    ck_assert_int_eq(rig_offer(&rig, "f", &context), CATALOG_OK);
    entry = member_select(rig.member, &query, rig.now);
    ck_assert(span_is(catalog_endpoint(entry).key.node_id, RIG_URL));
    ck_assert_ptr_eq(member_find_offer(rig.member, &query, rig.now), &context);
}
END_TEST

static Suite *
calls_suite(void)
{
    Suite *suite = suite_create("member_calls");
    TCase *out = tcase_create("out");
    tcase_add_checked_fixture(out, start, stop);
    tcase_add_test(out, a_call_says_what_the_reference_wants_to_hear);
    tcase_add_test(out, a_call_is_answered_once);
    tcase_add_test(out, a_failure_brings_its_error);
    tcase_add_test(out, a_call_times_out_at_its_deadline);
    tcase_add_test(out, a_call_is_lost_with_its_connection_and_no_other_is);
    tcase_add_test(out, a_cancelled_call_ends_in_silence);
    tcase_add_test(out, only_who_was_asked_answers);
    tcase_add_test(out, answers_to_nothing_are_dropped);
    tcase_add_test(out, an_unreachable_or_congested_node_is_told_at_once);
    tcase_add_test(out, silence_of_a_node_ends_with_whatever_it_says_on_any_connection);
    tcase_add_test(out, arguments_must_not_cost_us_a_connection_that_the_other_dialed);
    tcase_add_test(out, without_memory_a_call_is_not_half_made);
    tcase_add_test(out, calls_go_to_the_node_with_the_least_load);
    suite_add_tcase(suite, out);
    TCase *in = tcase_create("in");
    tcase_add_checked_fixture(in, start, stop);
    tcase_add_test(in, a_call_reaches_the_offer_that_it_means);
    tcase_add_test(in, an_answer_goes_over_the_connection_that_we_dialed);
    tcase_add_test(in, an_answer_takes_the_way_that_is_left);
    tcase_add_test(in, who_wants_no_answer_gets_none);
    tcase_add_test(in, a_call_of_another_cluster_is_not_executed);
    tcase_add_test(in, an_error_is_told_with_function_and_kind);
    tcase_add_test(in, a_result_too_large_for_the_way_back_becomes_an_error);
    tcase_add_test(in, what_is_owed_may_be_dropped_or_left);
    tcase_add_test(in, a_path_as_long_as_can_be_is_answered);
    suite_add_tcase(suite, in);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(calls_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
