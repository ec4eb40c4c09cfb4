/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime_state.h - what the parts of the runtime share. Private to runtime*.c.
 *
 *   runtime.c          birth and death, the engine's time, signals, workers
 *   runtime_events.c   what the transports tell, as events
 *   runtime_actions.c  what the engine asks for, done by the transports
 *   runtime_conns.c    names of connections
 */
#ifndef HOST_RUNTIME_STATE_H
#define HOST_RUNTIME_STATE_H

#include "base/list.h"
#include "host/link.h"
#include "host/memory_trim.h"
#include "host/runtime.h"
#include "host/runtime_conns.h"
#include "host/worker.h"

/* A dial under way; the transport's user pointer until it opens. */
struct runtime_dial {
    struct list link;
    uint64_t ticket;
    enum port_kind port;
};

struct runtime_watch {
    uv_fs_poll_t poll;
    struct runtime *runtime;
    struct runtime_hangup change;
};

struct runtime {
    struct runtime_config config;
    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_timer_t timer;
    uv_timer_t hard_stop;
    uv_signal_t signals[3]; /* TERM, INT, HUP */
    struct runtime_hangup hangup;
    struct runtime_watch watches[RUNTIME_WATCHES_MAX];
    uint32_t watch_count;
    struct ws_host *ws;
    struct ws_dialer *dialer;     /* ws:// */
    struct ws_dialer *tls_dialer; /* wss:// or NULL */
    struct link_host *links;
    const struct runtime_link_peer *link_peers;
    size_t link_peer_count;
    struct runtime_conns conns;
    struct list dials;
    struct list refused; /* dials that failed before the transport had them */
    struct worker **workers;
    uint64_t ticked_ns; /* of yield_may_begin() */
    bool started;
    bool stopping;
    bool finished;
    bool cut_off;
    struct memory_trim trim;
    struct runtime_stats stats;
};

/* Step the engine with one event, now, and do what it asks for. Nothing once it has finished. */
void runtime_run_event(struct runtime *runtime, const struct event *event);

/* Let go of everything on the loop, which then runs empty. */
void runtime_shut_down(struct runtime *runtime);

/* runtime_events.c */
struct ws_events runtime_ws_events(struct runtime *runtime);
struct link_callbacks runtime_link_callbacks(struct runtime *runtime);
void runtime_ws_log(void *owner, bool is_error, const char *line);
void runtime_dial_refused(void *owner, void *user, const char *reason);

/* runtime_actions.c */
void runtime_perform(struct runtime *runtime, const struct actions *actions);

#endif
