/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bridge_flood.c - a neighbour that announces far more than anybody else, and goes: what is left of it.
 */
#include <check.h>
#include <stdlib.h>

#include "bridge/bridge.h"
#include "tests/support/bridge_peers.h"
#include "tests/support/check_failed.h"

#define FLOOD_COUNT (2048u * LINK_BATCH_MAX)
#define NAME_SIZE   32u

static struct rig rig;

enum { US };

static const struct policy_rule_source all[] = { RULE_ALL };

static void
set_up(void)
{
    rig_open(&rig);
    const struct rig_link links[] = { { "eu", NULL, rig_policy(&rig, all, 1, all, 1) } };
    rig_add_bridge(&rig, "us", links, COUNT_OF(links));
    rig_start(&rig);
}

static void
tear_down(void)
{
    ck_assert(rig_close(&rig));
}

static size_t
memory_used(void)
{
    return bridge_memory_used(rig.bridges[US].bridge);
}

static void
announce_batch(uint32_t far, uint64_t sequence, uint64_t first_id)
{
    static struct link_route routes[LINK_BATCH_MAX];
    static char names[LINK_BATCH_MAX][NAME_SIZE];
    struct rib_rig federations = { .federations = { SPAN("eu") } };
    for (uint32_t i = 0; i < LINK_BATCH_MAX; i++) {
        snprintf(names[i], NAME_SIZE, "eu.op%lu", (unsigned long)(first_id + i));
        routes[i] = rib_rig_route(
            &federations, 0, (struct rib_route){ .route_id = first_id + i, .name = names[i] });
    }
    const struct link_frame frame = {
        .type = LINK_FRAME_ANNOUNCE,
        .announce = { .sequence = sequence, .routes = routes, .route_count = LINK_BATCH_MAX },
    };
    rig_far_send(&rig, far, &frame);
}

/* A session that brings many functions, and ends. The most memory that it took. */
static size_t
flood(void)
{
    uint32_t far = rig_far_join(&rig, US, "eu", "eu-1");
    for (uint32_t count = 0; count < FLOOD_COUNT; count += LINK_BATCH_MAX) {
        announce_batch(far, 2 + count / LINK_BATCH_MAX, 1 + count);
    }
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_accepted, FLOOD_COUNT);
    size_t most = memory_used();
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_pass(&rig, SEC_NS);
    ck_assert_uint_eq(rig_link_stats(&rig, US, 0).import_accepted, 0);
    return most;
}

/*
 * What does not grow with the number of functions: a frame of the largest batch, and so many that came and went, one by
 * one, that the list of the last prunes is full.
 */
static void
fill_what_is_bounded(void)
{
    uint32_t far = rig_far_join(&rig, US, "eu", "eu-1");
    announce_batch(far, 2, 1);
    for (uint64_t i = 1; i <= RIB_EVENTS_MAX; i++) {
        char name[NAME_SIZE];
        snprintf(name, sizeof(name), "eu.op%lu", (unsigned long)i);
        rig_far_announce(
            &rig, far, 2 * i + 1, "eu", (struct rib_route){ .route_id = 1, .name = name });
        rig_far_withdraw(&rig, far, 2 * i + 2, 1);
        rig.conns[far].inbox_count = 0; /* acknowledgements */
    }
    rig_disconnect(&rig, far, SPAN("reset"));
    rig_pass(&rig, SEC_NS);
}

START_TEST(memory_comes_back_when_a_flood_is_over)
{
    fill_what_is_bounded();
    size_t before = memory_used();
    size_t most = flood();
    size_t after = memory_used();
    ck_assert_uint_gt(most, 5 * before);
    /* The arena of a step keeps a block of its own, of which no flood makes more. */
    ck_assert_uint_le(after, before + before / 10 + ARENA_KEEP_MAX);
    size_t again = flood();
    ck_assert_uint_le(again, most + most / 10);
    ck_assert_uint_le(memory_used(), after + after / 10);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bridge_flood");
    TCase *tcase = tcase_create("flood");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, memory_comes_back_when_a_flood_is_over);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
