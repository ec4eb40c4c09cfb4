/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime.c - the loop around an engine.
 *
 * Everything comes down to runtime_run_event(): sample both clocks, step the engine, perform its actions. A
 * prepare handle, which runs before the loop waits, ticks the engine when its deadline has come and no
 * socket has something for us, or at the latest half a millisecond later (host/yield.h), and else
 * sets the one timer; so the deadline is asked for once a turn and not once a message. The transports'
 * own prepare handles run after ours and send what the turn has queued.
 */
#include "host/runtime.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "host/runtime_state.h"
#include "host/yield.h"

/* Between two looks at a watched file. */
#define WATCH_INTERVAL_MS 1000u

struct now
runtime_now(const struct runtime *runtime)
{
    (void)runtime;
    struct timespec mono;
    struct timespec wall;
    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct now){
        .mono = { .ns = (uint64_t)mono.tv_sec * SEC_NS + (uint64_t)mono.tv_nsec },
        .wall = { .ns = (int64_t)wall.tv_sec * (int64_t)SEC_NS + wall.tv_nsec },
    };
}

uint64_t
runtime_entropy(void)
{
    uint64_t value;
    if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value)) {
        perror("getrandom");
        abort();
    }
    return value;
}

void
runtime_run_event(struct runtime *runtime, const struct event *event)
{
    if (runtime->finished) {
        return;
    }
    const struct runtime_engine *engine = &runtime->config.engine;
    runtime->stats.events++;
    runtime_perform(runtime, engine->step(engine->self, event, runtime_now(runtime)));
}

void
runtime_shut_down(struct runtime *runtime)
{
    if (runtime->finished) {
        return;
    }
    runtime->finished = true;
    ws_host_stop(runtime->ws);
    if (runtime->links != NULL) {
        link_host_stop(runtime->links);
    }
    for (uint32_t i = 0; i < runtime->config.worker_count; i++) {
        if (runtime->workers[i] != NULL) {
            worker_stop(runtime->workers[i]);
        }
    }
    uv_handle_t *handles[] = {
        (uv_handle_t *)&runtime->prepare,
        (uv_handle_t *)&runtime->timer,
        (uv_handle_t *)&runtime->hard_stop,
        (uv_handle_t *)&runtime->signals[0],
        (uv_handle_t *)&runtime->signals[1],
        (uv_handle_t *)&runtime->signals[2],
    };
    for (size_t i = 0; i < COUNT_OF(handles); i++) {
        uv_close(handles[i], NULL);
    }
    for (uint32_t i = 0; i < runtime->watch_count; i++) {
        uv_close((uv_handle_t *)&runtime->watches[i].poll, NULL);
    }
}

/* Time. */

static void
on_timer(uv_timer_t *timer)
{
    (void)timer; /* it only ends the wait; on_prepare asks the engine */
}

static void
tell_refused(struct runtime *runtime)
{
    while (!list_empty(&runtime->refused)) {
        struct runtime_dial *dial = CONTAINER_OF(runtime->refused.next, struct runtime_dial, link);
        runtime_dial_refused(runtime, dial, "the address is none, or cannot be dialed without tls");
    }
}

static void
on_prepare(uv_prepare_t *prepare)
{
    struct runtime *runtime = prepare->data;
    const struct runtime_engine *engine = &runtime->config.engine;
    if (!runtime->started) {
        struct event start = { .kind = EVENT_START };
        runtime->started = true;
        runtime_run_event(runtime, &start);
    }
    tell_refused(runtime);
    struct now now = runtime_now(runtime);
    struct yield yield = yield_to(&runtime->loop);
    struct instant at = engine->deadline(engine->self, now);
    bool due = instant_reached(at, now.mono) && yield_may_begin(&yield, &runtime->ticked_ns);
    while (due && !runtime->finished) {
        struct event tick = { .kind = EVENT_TICK };
        runtime_run_event(runtime, &tick);
        now = runtime_now(runtime);
        at = engine->deadline(engine->self, now);
        due = instant_reached(at, now.mono) && !yield_is_due(&yield);
    }
    if (runtime->finished) {
        return;
    }
    size_t used = engine->memory_used(engine->self) + runtime->config.mem->used;
    if (memory_trim_is_due(&runtime->trim, used, now.mono)) {
        memory_trim();
    }
    uv_update_time(&runtime->loop);
    if (at.ns == INSTANT_NEVER.ns) {
        uv_timer_stop(&runtime->timer);
        return;
    }
    /* Rounded up: a wait that ends before the deadline would only be followed by another. */
    uint64_t wait_ms = (instant_between(now.mono, at) + MS_NS - 1) / MS_NS;
    uv_timer_start(&runtime->timer, on_timer, wait_ms, 0);
}

static void
on_hard_stop(uv_timer_t *timer)
{
    struct runtime *runtime = timer->data;
    LOG_WARN(runtime->config.log, "runtime.cut_off",
        LOG_TEXT("reason", "the engine did not finish in time"));
    runtime->cut_off = true;
    runtime_shut_down(runtime);
}

void
runtime_stop(struct runtime *runtime)
{
    struct event stop = { .kind = EVENT_STOP };
    if (runtime->stopping || runtime->finished) {
        return;
    }
    runtime->stopping = true;
    uv_timer_start(&runtime->hard_stop, on_hard_stop, RUNTIME_STOP_MAX_NS / MS_NS, 0);
    runtime_run_event(runtime, &stop);
}

static void
on_signal(uv_signal_t *handle, int number)
{
    struct runtime *runtime = handle->data;
    LOG_INFO(runtime->config.log, "runtime.signal",
        LOG_TEXT("signal", number == SIGINT ? "INT" : "TERM"));
    if (runtime->stopping) {
        runtime_shut_down(runtime); /* a second signal means now */
    } else {
        runtime_stop(runtime);
    }
}

static void
on_hangup(uv_signal_t *handle, int number)
{
    struct runtime *runtime = handle->data;
    (void)number;
    LOG_INFO(runtime->config.log, "runtime.signal", LOG_TEXT("signal", "HUP"));
    if (!runtime->stopping) {
        runtime->hangup.handle(runtime->hangup.owner);
    }
}

static void
on_worker_result(void *owner, const struct worker_result *result)
{
    struct event event = {
        .kind = EVENT_RESULT,
        .ticket = result->ticket,
        .success = result->success,
        .bytes = result->result,
        .error_type = result->error_type,
        .reason = result->message,
    };
    runtime_run_event(owner, &event);
}

/* Birth. */

static bool
create_workers(struct runtime *runtime, struct reason *reason)
{
    const struct runtime_config *config = &runtime->config;
    runtime->workers =
        mem_take(config->mem, (config->worker_count + 1) * sizeof(*runtime->workers));
    for (uint32_t i = 0; runtime->workers != NULL && i < config->worker_count; i++) {
        struct worker_config worker = {
            .loop = &runtime->loop,
            .mem = config->mem,
            .log = config->log,
            .arguments = config->workers[i].arguments,
            .directory = config->workers[i].directory,
            .owner = runtime,
            .on_result = on_worker_result,
        };
        runtime->workers[i] = worker_create(&worker);
        if (runtime->workers[i] == NULL) {
            break;
        }
    }
    bool all = runtime->workers != NULL &&
               (config->worker_count == 0 || runtime->workers[config->worker_count - 1] != NULL);
    if (!all) {
        reason_set(reason, "no memory for the exec workers");
    }
    return all;
}

static void
init_handles(struct runtime *runtime)
{
    static const int numbers[] = { SIGTERM, SIGINT };
    uv_timer_init(&runtime->loop, &runtime->timer);
    uv_timer_init(&runtime->loop, &runtime->hard_stop);
    uv_prepare_init(&runtime->loop, &runtime->prepare);
    runtime->timer.data = runtime;
    runtime->hard_stop.data = runtime;
    runtime->prepare.data = runtime;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        uv_signal_init(&runtime->loop, &runtime->signals[i]);
        runtime->signals[i].data = runtime;
        uv_signal_start(&runtime->signals[i], on_signal, numbers[i]);
    }
    uv_signal_init(&runtime->loop, &runtime->signals[2]);
    runtime->signals[2].data = runtime;
}

struct runtime *
runtime_create(const struct runtime_config *config, struct reason *reason)
{
    struct runtime *runtime = mem_take(config->mem, sizeof(*runtime));
    if (runtime == NULL || uv_loop_init(&runtime->loop) != 0) {
        reason_set(reason, "no memory for the event loop");
        mem_give(config->mem, runtime, runtime == NULL ? 0 : sizeof(*runtime));
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN);
    runtime->config = *config;
    list_init(&runtime->dials);
    list_init(&runtime->refused);
    runtime_conns_init(&runtime->conns, config->mem);
    init_handles(runtime);
    struct ws_host_config ws = {
        .loop = &runtime->loop,
        .mem = config->mem,
        .owner = runtime,
        .on_log = runtime_ws_log,
    };
    runtime->ws = ws_host_create(&ws, reason);
    if (runtime->ws == NULL || !create_workers(runtime, reason)) {
        runtime_free(runtime);
        return NULL;
    }
    return runtime;
}

void
runtime_on_hangup(struct runtime *runtime, const struct runtime_hangup *hangup)
{
    CHECK(!runtime->started);
    runtime->hangup = *hangup;
    uv_signal_start(&runtime->signals[2], on_hangup, SIGHUP);
}

struct beside {
    uv_work_t request;
    void *self;
    void (*work)(void *self);
    void (*done)(void *self);
};

static void
on_work(uv_work_t *request)
{
    struct beside *beside = request->data;
    beside->work(beside->self);
}

static void
on_worked(uv_work_t *request, int status)
{
    struct beside *beside = request->data;
    CHECK(status == 0); /* nobody cancels it */
    beside->done(beside->self);
    free(beside);
}

bool
runtime_work(
    struct runtime *runtime, void *self, void (*work)(void *self), void (*done)(void *self))
{
    struct beside *beside = malloc(sizeof(*beside));
    if (beside == NULL) {
        return false;
    }
    *beside = (struct beside){ .self = self, .work = work, .done = done };
    beside->request.data = beside;
    if (uv_queue_work(&runtime->loop, &beside->request, on_work, on_worked) != 0) {
        free(beside);
        return false;
    }
    return true;
}

/* A file that cannot be looked at is one that changed, too: whoever is told reads it and says what is wrong. */
static void
on_watch(uv_fs_poll_t *poll, int status, const uv_stat_t *before, const uv_stat_t *after)
{
    struct runtime_watch *watch = poll->data;
    (void)status;
    (void)before;
    (void)after;
    if (!watch->runtime->stopping) {
        watch->change.handle(watch->change.owner);
    }
}

bool
runtime_watch_file(struct runtime *runtime, const char *path, const struct runtime_hangup *change,
    struct reason *reason)
{
    CHECK(!runtime->started);
    if (runtime->watch_count == RUNTIME_WATCHES_MAX) {
        reason_set(reason, "more files than can be watched");
        return false;
    }
    struct runtime_watch *watch = &runtime->watches[runtime->watch_count];
    *watch = (struct runtime_watch){ .runtime = runtime, .change = *change };
    uv_fs_poll_init(&runtime->loop, &watch->poll);
    watch->poll.data = watch;
    runtime->watch_count++;
    int code = uv_fs_poll_start(&watch->poll, on_watch, path, WATCH_INTERVAL_MS);
    if (code != 0) {
        reason_set(reason, "cannot watch '%s': %s", path, uv_strerror(code));
    }
    return code == 0;
}

void
runtime_set_engine(struct runtime *runtime, const struct runtime_engine *engine)
{
    CHECK(!runtime->started);
    runtime->config.engine = *engine;
}

bool
runtime_open_cluster(
    struct runtime *runtime, const struct runtime_cluster_port *config, struct reason *reason)
{
    struct ws_listen_config listen = {
        .address = config->address,
        .port = config->port,
        .tls = config->tls,
        .events = runtime_ws_events(runtime),
    };
    struct ws_dialer_config dialer = { .events = runtime_ws_events(runtime) };
    if (ws_listen(runtime->ws, &listen, reason) == NULL) {
        return false;
    }
    runtime->dialer = ws_dialer_open(runtime->ws, &dialer, reason);
    if (runtime->dialer == NULL || config->dial_tls == NULL) {
        return runtime->dialer != NULL;
    }
    dialer.tls = config->dial_tls;
    runtime->tls_dialer = ws_dialer_open(runtime->ws, &dialer, reason);
    return runtime->tls_dialer != NULL;
}

bool
runtime_open_links(struct runtime *runtime, struct tls_context *tls,
    const struct runtime_link_port *config, struct reason *reason)
{
    const struct link_config link_config = {
        .handshake_rate = config->handshake_rate,
        .handshake_burst = config->handshake_burst,
        .patient_frames = config->patient_frames,
    };
    struct link_callbacks callbacks = runtime_link_callbacks(runtime);
    runtime->link_peers = config->peers;
    runtime->link_peer_count = config->peer_count;
    runtime->links =
        link_host_create(&runtime->loop, runtime->config.mem, tls, &link_config, &callbacks);
    if (runtime->links == NULL) {
        reason_set(reason, "no memory for links");
        return false;
    }
    return config->address == NULL ||
           link_listen(runtime->links, config->address, config->port, reason) != NULL;
}

bool
runtime_open_admin(struct runtime *runtime, const struct http_config *config, struct reason *reason)
{
    return http_listen(runtime->ws, config, reason) != NULL;
}

/* Death. */

static void
close_unused(uv_handle_t *handle, void *unused)
{
    (void)unused;
    uv_close(handle, NULL);
}

static void
free_dials(struct runtime *runtime, struct list *dials)
{
    LIST_EACH (link, dials) {
        struct runtime_dial *dial = CONTAINER_OF(link, struct runtime_dial, link);
        list_remove(link);
        mem_give(runtime->config.mem, dial, sizeof(*dial));
    }
}

void
runtime_free(struct runtime *runtime)
{
    if (runtime == NULL) {
        return;
    }
    struct mem *mem = runtime->config.mem;
    if (!runtime->finished) {
        /* Never run: let go of everything the same way. */
        uint32_t count = runtime->workers == NULL ? 0 : runtime->config.worker_count;
        runtime->config.worker_count = count;
        if (runtime->ws == NULL) {
            runtime->finished = true;
            uv_walk(&runtime->loop, close_unused, NULL);
        } else {
            runtime_shut_down(runtime);
        }
        uv_run(&runtime->loop, UV_RUN_DEFAULT);
    }
    if (runtime->ws != NULL) {
        ws_host_free(runtime->ws);
    }
    link_host_free(runtime->links);
    free_dials(runtime, &runtime->dials);
    free_dials(runtime, &runtime->refused);
    runtime_conns_destroy(&runtime->conns);
    if (runtime->workers != NULL) {
        mem_give(
            mem, runtime->workers, (runtime->config.worker_count + 1) * sizeof(*runtime->workers));
    }
    int closed = uv_loop_close(&runtime->loop);
    CHECK(closed == 0);
    mem_give(mem, runtime, sizeof(*runtime));
}

int
runtime_run(struct runtime *runtime)
{
    CHECK(runtime->config.engine.step != NULL);
    /* Started last, so it runs first: before the transports' own prepare handles flush. */
    uv_prepare_start(&runtime->prepare, on_prepare);
    uv_timer_start(&runtime->timer, on_timer, 0, 0);
    uv_run(&runtime->loop, UV_RUN_DEFAULT);
    return runtime->cut_off ? 1 : 0;
}

struct runtime_stats
runtime_stats(const struct runtime *runtime)
{
    struct runtime_stats stats = runtime->stats;
    stats.ws = *ws_host_counters(runtime->ws);
    if (runtime->links != NULL) {
        memcpy(stats.link_handshakes, link_host_handshakes(runtime->links),
            sizeof(stats.link_handshakes));
    }
    for (uint32_t i = 0; i < runtime->config.worker_count; i++) {
        stats.worker_restarts += worker_restarts(runtime->workers[i]);
    }
    return stats;
}
