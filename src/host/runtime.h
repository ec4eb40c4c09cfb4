/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime.h - runs one engine (core/io.h) on libuv: sockets, TLS, workers, clock, signals.
 *
 * The runtime owns the loop. It turns what the transports tell into events, performs the engine's
 * actions in order, and wakes the engine at its deadline. The engine never learns what a socket is.
 *
 * Life: create, open listeners, run. TERM and INT become EVENT_STOP; the loop ends after the engine's
 * ACTION_FINISHED, or RUNTIME_STOP_MAX_NS after the signal whatever happens. HUP is for the program: runtime_on_hangup().
 */
#ifndef HOST_RUNTIME_H
#define HOST_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/io.h"
#include "host/http.h"
#include "host/link.h"
#include "host/reason.h"
#include "host/ws.h"

/* Longer than any engine's drain. */
#define RUNTIME_STOP_MAX_NS (UINT64_C(10) * SEC_NS)

/* The engine, whichever it is. */
struct runtime_engine {
    void *self;
    const struct actions *(*step)(void *self, const struct event *event, struct now now);
    struct instant (*deadline)(void *self, struct now now);
    size_t (*memory_used)(void *self); /* bytes */
};

struct tls_context;
struct runtime;

/* One exec worker: a program that speaks JSON lines (docs/exec-workers.md). NULL-terminated arguments. */
struct runtime_worker {
    const char *const *arguments;
    const char *directory; /* where it runs; NULL: ours */
};

struct runtime_config {
    struct runtime_engine engine;
    struct log *log;
    struct mem *mem; /* of transports and queues; not the engine's */
    const struct runtime_worker *workers;
    uint32_t worker_count;
};

/* What the program does when it gets HUP, or when a file changes. `owner` outlives the runtime. */
struct runtime_hangup {
    void *owner;
    void (*handle)(void *owner);
};

/* NULL: *reason says why. */
MUST_CHECK struct runtime *runtime_create(
    const struct runtime_config *config, struct reason *reason);
/* After runtime_run() has returned, or before it was called. NULL is allowed. */
void runtime_free(struct runtime *runtime);

/* Before running. Without it, HUP ends the process, as it does by default. */
void runtime_on_hangup(struct runtime *runtime, const struct runtime_hangup *hangup);

/*
 * Run `work` in a thread of its own, then `done` on the loop; the runtime does not end before. false: it cannot,
 * and neither is called.
 */
MUST_CHECK bool runtime_work(
    struct runtime *runtime, void *self, void (*work)(void *self), void (*done)(void *self));

/* Before running. Called within a second or two after the file changed, and also when it vanishes or comes back. */
#define RUNTIME_WATCHES_MAX 256u
MUST_CHECK bool runtime_watch_file(struct runtime *runtime, const char *path,
    const struct runtime_hangup *change, struct reason *reason);

/* The engine is often created after the runtime (it needs the port numbers): set it before running. */
void runtime_set_engine(struct runtime *runtime, const struct runtime_engine *engine);

/* TLS inside the cluster: for the listener and for dialing wss:// peers. NULL: none. */
struct runtime_cluster_port {
    const char *address; /* numeric */
    uint16_t port;
    const struct ws_tls *tls;      /* of the listener; NULL: plain */
    const struct ws_tls *dial_tls; /* for wss:// URLs; NULL: they cannot be dialed */
};
MUST_CHECK bool runtime_open_cluster(
    struct runtime *runtime, const struct runtime_cluster_port *config, struct reason *reason);

/* A federation that a link leads to. */
struct runtime_link_peer {
    struct span federation;
    size_t frame_size_max; /* of what it sends; 0: the transport's */
};

/* Links. The context is shared (ref'd). */
struct runtime_link_port {
    const char *address; /* numeric; NULL: only dial */
    uint16_t port;
    struct value_rate handshake_rate; /* of those who dial us (host/link.h) */
    uint64_t handshake_burst;
    const struct runtime_link_peer *peers; /* live as long as the runtime */
    size_t peer_count;
    uint32_t patient_frames; /* link_config */
};
MUST_CHECK bool runtime_open_links(struct runtime *runtime, struct tls_context *tls,
    const struct runtime_link_port *config, struct reason *reason);

/* The admin interface: a handler on its own port (host/admin.h). */
MUST_CHECK bool runtime_open_admin(
    struct runtime *runtime, const struct http_config *config, struct reason *reason);

/* Both clocks now. */
struct now runtime_now(const struct runtime *runtime);

/* 64 bits from the operating system: seeds and keys. Aborts when it has none. */
uint64_t runtime_entropy(void);

/* Returns the exit code: 0 after a clean stop, 1 when the engine had to be cut off. */
int runtime_run(struct runtime *runtime);

/* As the signal would. */
void runtime_stop(struct runtime *runtime);

/* Counts since start, for the admin interface. */
struct runtime_stats {
    uint64_t link_handshakes[LINK_HANDSHAKE_COUNT];
    uint64_t worker_restarts;
    uint64_t events;
    struct ws_counters ws;
};
struct runtime_stats runtime_stats(const struct runtime *runtime);

#endif
