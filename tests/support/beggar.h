/* SPDX-License-Identifier: Apache-2.0 */
/*
 * beggar.h - somebody on a loop who always wants something: a byte in a pipe that nobody reads.
 */
#ifndef TESTS_SUPPORT_BEGGAR_H
#define TESTS_SUPPORT_BEGGAR_H

#include <check.h>
#include <stdbool.h>
#include <unistd.h>
#include <uv.h>

/* The loop knows of it from its next turn on. */
struct beggar {
    uv_poll_t poll;
    uv_file ends[2];
    bool begs;
};

static inline void
beggar_ignore(uv_poll_t *handle, int status, int events)
{
    (void)handle;
    (void)status;
    (void)events;
}

static inline void
beggar_start(struct beggar *beggar, uv_loop_t *loop)
{
    ck_assert_int_eq(uv_pipe(beggar->ends, UV_NONBLOCK_PIPE, 0), 0);
    ck_assert_int_eq(write(beggar->ends[1], "!", 1), 1);
    ck_assert_int_eq(uv_poll_init(loop, &beggar->poll, beggar->ends[0]), 0);
    ck_assert_int_eq(uv_poll_start(&beggar->poll, UV_READABLE, beggar_ignore), 0);
    beggar->begs = true;
}

/* Also one that never begged. */
static inline void
beggar_stop(struct beggar *beggar)
{
    if (!beggar->begs) {
        return;
    }
    beggar->begs = false;
    uv_close((uv_handle_t *)&beggar->poll, NULL);
    ck_assert_int_eq(close(beggar->ends[0]), 0);
    ck_assert_int_eq(close(beggar->ends[1]), 0);
}

#endif
