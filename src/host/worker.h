/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - exec workers: programs that run functions, spoken to in JSON lines (docs/exec-workers.md).
 *
 *   to stdin:     {"id":7,"function":"math.add","args":[2,3],"kwargs":{}}
 *   from stdout:  {"id":7,"result":5}   or   {"id":7,"error":{"type":"ValueError","message":"..."}}
 *
 * Many calls may be open at once and are answered in any order. A worker that ends is started again with
 * back-off, for ever; its open calls fail with WorkerDied. stderr is ours. A worker ends by itself when
 * its stdin ends; after WORKER_STOP_NS it is killed.
 */
#ifndef HOST_WORKER_H
#define HOST_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/span.h"

#define WORKER_LINE_MAX     ((size_t)20 * 1024 * 1024)
#define WORKER_QUEUE_MAX    ((size_t)64 * 1024 * 1024)
#define WORKER_CALLS_MAX    ((size_t)65536)
#define WORKER_RETRY_MIN_NS (100 * MS_NS)
#define WORKER_RETRY_MAX_NS (30 * SEC_NS)
#define WORKER_STOP_NS      (2 * SEC_NS)

struct worker;

/* How a call ended. Everything borrows and dies with the call. */
struct worker_result {
    uint64_t ticket;
    bool success;
    struct span result;     /* JSON, when success */
    struct span error_type; /* else */
    struct span message;
};

struct worker_config {
    uv_loop_t *loop;
    struct mem *mem;
    struct log *log;
    const char *const *arguments; /* NULL-terminated; lives as long as the worker */
    const char *directory;        /* NULL: ours */
    void *owner;
    /* Once for each worker_call, from the loop, never from inside a function of this header. */
    void (*on_result)(void *owner, const struct worker_result *result);
};

/* Starts it. NULL: no memory. A program that cannot be started is tried again like one that ended. */
MUST_CHECK struct worker *worker_create(const struct worker_config *config);

/* `ticket` is new; args is a JSON array, kwargs an object; both are copied. */
void worker_call(struct worker *worker, uint64_t ticket, struct span function, struct span args,
    struct span kwargs);

/* End the program, forget open calls; the memory goes when the loop has closed the handles. */
void worker_stop(struct worker *worker);

uint64_t worker_restarts(const struct worker *worker);

#endif
