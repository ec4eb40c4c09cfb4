/* SPDX-License-Identifier: Apache-2.0 */
/* test_admin_probe.c - what operators see of probes: before the first, after one, and while one fails. */
#include "host/admin_probe.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check_failed.h"

#define TEXT(literal_)                                                                             \
    {                                                                                              \
        (const uint8_t *)(literal_), sizeof(literal_) - 1                                          \
    }

static const struct probe_config configs[] = {
    { .function = TEXT("eu.ping") },
    { .function = TEXT("eu.\"pong\"") },
};

static const struct now now = { .mono = { .ns = 1010 * SEC_NS } };

/* The first has failed twice and is under way again, the second was never called. */
static const struct probe probes[] = {
    { .failing = true,
        .under_way = true,
        .ended_at = { .ns = 1008 * SEC_NS },
        .last = PROBE_TIMEOUT,
        .last_ns = 2 * SEC_NS,
        .results = { [PROBE_OK] = 7, [PROBE_TIMEOUT] = 2 } },
    { .failing = false },
};

static struct bridge_link_stats
a_link(void)
{
    return (struct bridge_link_stats){
        .name = SPAN("eu"),
        .probe_configs = configs,
        .probes = probes,
        .probe_count = COUNT_OF(probes),
        .doubted = true,
    };
}

START_TEST(probes_are_described)
{
    struct bridge_link_stats link = a_link();
    json_t *json = admin_probe_describe(&link, now);
    char *text = json_dumps(json, JSON_COMPACT);
    ck_assert_str_eq(text,
        "[{\"function\":\"eu.ping\",\"failing\":true,\"result\":\"timeout\",\"seconds\":2.0,"
        "\"seconds_ago\":2.0,\"results\":{\"ok\":7,\"timeout\":2}},"
        "{\"function\":\"eu.\\\"pong\\\"\",\"failing\":false,\"result\":null,\"seconds\":null,"
        "\"seconds_ago\":null,\"results\":{}}]");
    free(text);
    json_decref(json);
}
END_TEST

START_TEST(link_without_probes_has_an_empty_list)
{
    struct bridge_link_stats link = { .name = SPAN("eu") };
    json_t *json = admin_probe_describe(&link, now);
    ck_assert_uint_eq(json_array_size(json), 0);
    json_decref(json);
}
END_TEST

static const char want[] =
    "# HELP mpreg_probe_success 1 when the last probe of a function was answered.\n"
    "# TYPE mpreg_probe_success gauge\n"
    "mpreg_probe_success{link=\"eu\",function=\"eu.ping\"} 0\n"
    "mpreg_probe_success{link=\"eu\",function=\"eu.\\\"pong\\\"\"} 0\n"
    "# HELP mpreg_probe_seconds How long the last probe took, also in vain.\n"
    "# TYPE mpreg_probe_seconds gauge\n"
    "mpreg_probe_seconds{link=\"eu\",function=\"eu.ping\"} 2\n"
    "# HELP mpreg_probes_total Probes, by their results.\n"
    "# TYPE mpreg_probes_total counter\n"
    "mpreg_probes_total{link=\"eu\",function=\"eu.ping\",result=\"ok\"} 7\n"
    "mpreg_probes_total{link=\"eu\",function=\"eu.ping\",result=\"failed\"} 0\n"
    "mpreg_probes_total{link=\"eu\",function=\"eu.ping\",result=\"timeout\"} 2\n"
    "mpreg_probes_total{link=\"eu\",function=\"eu.ping\",result=\"absent\"} 0\n"
    "mpreg_probes_total{link=\"eu\",function=\"eu.ping\",result=\"link_down\"} 0\n"
    "mpreg_probes_total{link=\"eu\",function=\"eu.\\\"pong\\\"\",result=\"ok\"} 0\n"
    "mpreg_probes_total{link=\"eu\",function=\"eu.\\\"pong\\\"\",result=\"failed\"} 0\n"
    "mpreg_probes_total{link=\"eu\",function=\"eu.\\\"pong\\\"\",result=\"timeout\"} 0\n"
    "mpreg_probes_total{link=\"eu\",function=\"eu.\\\"pong\\\"\",result=\"absent\"} 0\n"
    "mpreg_probes_total{link=\"eu\",function=\"eu.\\\"pong\\\"\",result=\"link_down\"} 0\n"
    "# HELP mpreg_link_doubted 1 while a probe fails: other links that bring the same are "
    "preferred.\n"
    "# TYPE mpreg_link_doubted gauge\n"
    "mpreg_link_doubted{link=\"eu\"} 1\n";

START_TEST(probes_are_counted)
{
    struct mem mem;
    struct buf body;
    struct bridge_link_stats link = a_link();
    mem_init(&mem, (size_t)1024 * 1024);
    buf_init(&body, &mem, (size_t)64 * 1024);
    struct http_response response = { .body = &body };
    struct admin_metrics metrics = admin_metrics_begin(&response);
    admin_probe_add_metrics(&metrics, &link, 1);
    struct span got = buf_span(&body);
    ck_assert_msg(span_is(got, want), "got\n%.*s", SPAN_ARGS(got));
    buf_destroy(&body);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("admin_probe");
    TCase *tests = tcase_create("admin_probe");
    tcase_add_test(tests, probes_are_described);
    tcase_add_test(tests, link_without_probes_has_an_empty_list);
    tcase_add_test(tests, probes_are_counted);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
