/* SPDX-License-Identifier: Apache-2.0 */
/* test_admin_link.c - what the admin pages show of a link that is interrupted, and what they do to a link. */
#include "tests/support/admin_world.h"

static void
cut_links(void)
{
    for (uint32_t i = 0; i < rig->conn_count; i++) {
        if (rig->conns[i].port == PORT_LINK) {
            rig_disconnect(rig, i, SPAN("reset"));
        }
    }
    rig_run(rig);
}

/* The far side is cut off: the session waits, its function is stale, and everybody says so. */
START_TEST(a_link_that_is_interrupted_is_shown_as_suspended)
{
    tear_down();
    open_bridges(30 * SEC_NS, 60 * SEC_NS);
    join_both();
    rig->bridges[EU].unreachable = true;
    cut_links();
    json_t *json = asked("/v1/links", "");
    ck_assert_str_eq(text_at(json, "links.0.state"), "suspended");
    ck_assert_double_eq_tol(
        json_real_value(at(json, "links.0.session.suspended_seconds_left")), 30, 1e-9);
    ck_assert_int_eq(number_at(json, "links.0.table.stale"), 1);
    ck_assert_double_eq_tol(
        json_real_value(at(json, "links.0.table.stale_seconds_left")), 60, 1e-9);
    ck_assert(json_is_null(at(json, "links.0.table.diverged_seconds")));
    json_decref(json);
    json = asked("/v1/status", "");
    ck_assert_int_eq(number_at(json, "links.suspended"), 1);
    ck_assert_int_eq(number_at(json, "functions_stale"), 1);
    json_decref(json);
    json = asked("/v1/functions", "side=imported");
    ck_assert(json_is_true(at(find_function(json, "imported", "eu.render"), "stale")));
    json_decref(json);
    char *text = metrics_text();
    ck_assert(has_line(text, "mpreg_link_state{link=\"eu\"} 5"));
    ck_assert(has_line(text, "mpreg_functions_stale{link=\"eu\"} 1"));
    free(text);
    rig->bridges[EU].unreachable = false;
    rig_pass(rig, 5 * SEC_NS);
    json = asked("/v1/links", "");
    ck_assert_str_eq(text_at(json, "links.0.state"), "up");
    ck_assert_int_eq(number_at(json, "links.0.session.resumes"), 1);
    ck_assert_int_eq(number_at(json, "links.0.session.count"), 1);
    ck_assert_int_eq(number_at(json, "links.0.table.stale"), 0);
    json_decref(json);
}
END_TEST

/* ---- What is done to links ---- */

static void
post(const char *path, const char *authorization)
{
    const struct http_request request = {
        .method = HTTP_POST,
        .path = span_from_text(path),
        .authorization = span_from_text(authorization),
    };
    admin_us.admin.token = "secret";
    ask_with(admin_bridge_serve, &admin_us, &request);
    admin_us.admin.token = NULL;
}

START_TEST(verb_is_taken_and_done_in_the_next_step)
{
    join_both();
    post("/v1/links/eu/disable", "Bearer secret");
    json_t *json = answer(202);
    ck_assert_str_eq(text_at(json, "verb"), "disable");
    ck_assert_str_eq(text_at(json, "state_before"), "up");
    json_decref(json);
    rig_run(rig);
    json = asked("/v1/links", "");
    ck_assert_str_eq(text_at(json, "links.0.state"), "disabled");
    json_decref(json);
    /* It was meant, so nobody is to be alarmed. */
    json = asked("/readyz", "");
    json_decref(json);
    post("/v1/links/eu/refresh", "Bearer secret");
    json = answer(409);
    json_decref(json);
}
END_TEST

static const struct wrong_change {
    const char *path;
    const char *authorization;
    uint16_t status;
} wrong_changes[] = {
    { "/v1/links/eu/disable", "", 401 },
    { "/v1/links/ap/disable", "Bearer secret", 404 },
    { "/v1/links/eu/explode", "Bearer secret", 404 },
    { "/v1/links/eu", "Bearer secret", 404 },
    { "/v1/links//disable", "Bearer secret", 404 },
    { "/v1/links/eu/disable/", "Bearer secret", 404 },
    { "/v1/links/", "Bearer secret", 404 },
};

START_TEST(wrong_changes_of_links_are_refused)
{
    const struct wrong_change *c = &wrong_changes[_i];
    join_both();
    post(c->path, c->authorization);
    json_t *json = answer(c->status);
    ck_assert_str_ne(text_at(json, "error"), "(none)");
    json_decref(json);
    rig_run(rig);
    ck_assert_int_eq(rig_link_stats(rig, US, 0).state, LINK_UP);
}
END_TEST

/* us exports us.math.add and us.text.up, of which eu takes the first. */
START_TEST(agreement_shows_both_directions)
{
    join_both();
    rig_pass(rig, 3 * RIG_KEEPALIVE_NS);
    json_t *json = asked("/v1/links/eu/agreement", "");
    ck_assert_int_eq(number_at(json, "export.announced"), 2);
    ck_assert_int_eq(number_at(json, "export.accepted"), 1);
    ck_assert_int_eq(number_at(json, "export.rejected"), 1);
    ck_assert_str_eq(text_at(json, "export.rules.0.reason"), "policy_rejected");
    ck_assert(json_is_real(at(json, "export.told_seconds_ago")));
    ck_assert_uint_eq(json_array_size(at(json, "export.functions")), 0);
    ck_assert_int_eq(number_at(json, "import.accepted"), 1);
    ck_assert_int_eq(number_at(json, "import.rejected"), 0);
    ck_assert_str_eq(text_at(json, "import.report"), "counts");
    json_decref(json);
    /* On its own side eu sees which. */
    admin_us.bridge = rig->bridges[EU].bridge;
    json = asked("/v1/links/us/agreement", "");
    ck_assert_str_eq(text_at(json, "import.functions.0.name"), "us.text.up");
    json_decref(json);
    ask("/v1/links/us/something", "");
    json_decref(answer(404));
}
END_TEST

START_TEST(agreement_of_a_link_that_is_down_says_that_nothing_was_told)
{
    rig->bridges[EU].unreachable = true;
    rig_start(rig);
    json_t *json = asked("/v1/links/eu/agreement", "");
    ck_assert(json_is_null(at(json, "export.told_seconds_ago")));
    ck_assert_int_eq(number_at(json, "export.announced"), 0);
    json_decref(json);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("admin_link");
    TCase *tests = tcase_create("link");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_link_that_is_interrupted_is_shown_as_suspended);
    tcase_add_test(tests, verb_is_taken_and_done_in_the_next_step);
    tcase_add_test(tests, agreement_shows_both_directions);
    tcase_add_test(tests, agreement_of_a_link_that_is_down_says_that_nothing_was_told);
    tcase_add_loop_test(tests, wrong_changes_of_links_are_refused, 0, (int)COUNT_OF(wrong_changes));
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
