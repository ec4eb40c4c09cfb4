/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_runtime_turn.c - what the runtime leaves to an engine that always has something to do: all the time that nobody
 * else wants, and a little of any other.
 */
#include <check.h>
#include <stdlib.h>

#include "base/arena.h"
#include "core/io.h"
#include "host/runtime_state.h"
#include "host/yield.h"
#include "tests/support/beggar.h"
#include "tests/support/check_failed.h"

#define TICKS 40u

/*
 * An engine whose next deadline has always passed, with a piece of work each time. It stops after TICKS of them. The
 * first turn does not count: before it has polled, the system is not asked for any socket.
 */
struct busy {
    struct runtime *runtime;
    struct arena arena;
    struct actions actions;
    uint64_t began_ns; /* the first tick */
    uint64_t turns;
    uint64_t ticks;
    uint64_t took_ns;
};

static struct mem mem;
static struct log discarded;
static struct busy busy;
static uv_prepare_t turns;
static struct beggar beggar;

static void
end(void)
{
    actions_add(&busy.actions, ACTION_FINISHED);
    uv_close((uv_handle_t *)&turns, NULL);
    beggar_stop(&beggar);
}

static const struct actions *
step(void *self, const struct event *event, struct now now)
{
    (void)self;
    (void)now;
    arena_reset(&busy.arena);
    actions_begin(&busy.actions, &busy.arena);
    if (event->kind == EVENT_TICK) {
        uint64_t now_ns = uv_hrtime();
        busy.began_ns = busy.ticks == 0 ? now_ns : busy.began_ns;
        busy.ticks += busy.turns > 0 ? 1 : 0;
        busy.took_ns = now_ns - busy.began_ns;
        while (uv_hrtime() - now_ns <= YIELD_LOOK_NS) {
        }
        if (busy.ticks == TICKS) {
            end();
        }
    }
    return &busy.actions;
}

static struct instant
deadline(void *self, struct now now)
{
    (void)self;
    return now.mono;
}

static size_t
memory_used(void *self)
{
    (void)self;
    return mem.used;
}

static void
on_turn(uv_prepare_t *handle)
{
    (void)handle;
    busy.turns++;
}

static void
open_busy(void)
{
    struct reason reason;
    const struct runtime_config config = {
        .engine = { .step = step, .deadline = deadline, .memory_used = memory_used },
        .log = &discarded,
        .mem = &mem,
    };
    busy = (struct busy){ .ticks = 0 };
    mem_init(&mem, (size_t)64 * 1024 * 1024);
    arena_init(&busy.arena, &mem);
    busy.runtime = runtime_create(&config, &reason);
    ck_assert_ptr_nonnull(busy.runtime);
    ck_assert_int_eq(uv_prepare_init(&busy.runtime->loop, &turns), 0);
    ck_assert_int_eq(uv_prepare_start(&turns, on_turn), 0);
}

static void
run_to_the_end(void)
{
    ck_assert_int_eq(runtime_run(busy.runtime), 0);
    ck_assert_uint_eq(busy.ticks, TICKS);
    runtime_free(busy.runtime);
    arena_destroy(&busy.arena);
    ck_assert_uint_eq(mem.used, 0);
}

START_TEST(every_turn_is_used_while_nobody_wants_anything)
{
    open_busy();
    run_to_the_end();
    ck_assert_uint_le(busy.turns, TICKS + 1);
}
END_TEST

START_TEST(there_is_a_little_time_while_somebody_always_wants_something)
{
    open_busy();
    beggar_start(&beggar, &busy.runtime->loop);
    run_to_the_end();
    ck_assert_uint_ge(busy.turns, TICKS);
    ck_assert_uint_ge(busy.took_ns, (TICKS - 1) * YIELD_LATEST_NS);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("runtime_turn");
    TCase *tcase = tcase_create("turn");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, every_turn_is_used_while_nobody_wants_anything);
    tcase_add_test(tcase, there_is_a_little_time_while_somebody_always_wants_something);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
