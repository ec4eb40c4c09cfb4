/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_store.h - the policies of a running bridge over time: the versions that were in use, the one that is, and
 * the one that is on its way.
 *
 *     IDLE --reload, send--> LOADING --nothing speaks against it--> the engine's states (bridge/reload.h) --> IDLE
 *                               |
 *                               +-- errors, failing tests, broken asserts: IDLE, POLICY_STORE_INVALID
 *
 * Reading, testing and proving take as long as they take; a worker does them beside the loop. What is wrong with
 * a change never touches what is in use. Versions live in memory: a bridge that is started again reads
 * the files of its configuration.
 */
#ifndef HOST_POLICY_STORE_H
#define HOST_POLICY_STORE_H

#include "bridge/bridge.h"
#include "host/config_bridge.h"

#define POLICY_STORE_VERSIONS_MAX 10
#define POLICY_STORE_AUTHOR_MAX   64

enum policy_origin {
    POLICY_ORIGIN_START = 0, /* the configuration's files, when the bridge started */
    POLICY_ORIGIN_FILE,      /* the same files, read again */
    POLICY_ORIGIN_APPLY,     /* sent by an operator */
    POLICY_ORIGIN_ROLLBACK,
};

struct policy_version {
    uint32_t number; /* from 1; 0: it waits for its confirmation */
    struct wall applied_at;
    enum policy_origin origin;
    char author[POLICY_STORE_AUTHOR_MAX + 1]; /* printable */
    struct policy_set set;
};

/* How a change ended. */
enum policy_store_outcome {
    POLICY_STORE_NONE = 0, /* there was none, or it is under way */
    POLICY_STORE_APPLIED,
    POLICY_STORE_COMPARED,
    POLICY_STORE_SHADOWED,
    POLICY_STORE_GUARDED,
    POLICY_STORE_REVERTED,
    POLICY_STORE_NO_MEMORY,
    POLICY_STORE_INVALID, /* policy_store_errors() */
    POLICY_STORE_BLOCKED, /* the engine was at another one */
};
#define POLICY_STORE_OUTCOMES (POLICY_STORE_BLOCKED + 1)

enum policy_store_result {
    POLICY_STORE_OK = 0,          /* it is on its way, or done */
    POLICY_STORE_BUSY,            /* another change is under way */
    POLICY_STORE_NO_VERSION,      /* there is no such version */
    POLICY_STORE_NOTHING_PENDING, /* nothing waits for a confirmation */
};

enum policy_store_mode {
    POLICY_STORE_COMPARE = 0,
    POLICY_STORE_APPLY,
    POLICY_STORE_SHADOW,
};

struct policy_change {
    enum policy_store_mode mode;
    struct span author; /* cut to POLICY_STORE_AUTHOR_MAX; empty: not said */
    bool force;
    uint64_t confirm_within_ns;
};

/* Files of a change that came over the network; everything borrows until `release` is called, on the loop. */
struct policy_sent {
    const struct policy_yaml_sent *files;
    size_t file_count;
    void *owner;
    void (*release)(void *owner);
};

/* Something that runs `work` beside the loop, and `done` on the loop when that has ended. false: it cannot. */
struct policy_worker {
    void *owner;
    bool (*run)(void *owner, void *self, void (*work)(void *self), void (*done)(void *self));
};

struct policy_store;

/*
 * `bridge` runs with the configuration's policies. Everything outlives the store, but for the bridge: it is freed
 * before, since it holds policies. The worker has nothing to do any more when the store is freed. NULL: no memory.
 */
MUST_CHECK struct policy_store *policy_store_create(struct bridge *bridge,
    const struct config_bridge *config, const struct policy_worker *worker, struct log *log,
    struct wall now);
void policy_store_free(struct policy_store *store);

/* ---- Looking at it ---- */

/* `back` 0: the newest that nobody has to confirm; NULL: there is none so far back. */
const struct policy_version *policy_store_version(const struct policy_store *store, uint32_t back);

/* What the bridge judges by, also before it is confirmed. */
const struct policy_version *policy_store_in_use(const struct policy_store *store);

/* "loading", or what the engine is at. */
const char *policy_store_state(const struct policy_store *store);
enum policy_store_outcome policy_store_outcome(const struct policy_store *store);
/* Of the last change that was loaded: also warnings. */
struct yaml_errors *policy_store_errors(struct policy_store *store);
/* Changes so far, by enum policy_store_outcome. */
const uint64_t *policy_store_counts(const struct policy_store *store);

/* ---- Changing it ---- */

/* Read the configuration's files again. */
enum policy_store_result policy_store_reload(
    struct policy_store *store, const struct policy_change *change, struct wall now);

/* Files that were sent take the place of those of the links that they name. `sent` is released in any case. */
enum policy_store_result policy_store_send(struct policy_store *store,
    const struct policy_sent *sent, const struct policy_change *change, struct wall now);

/* `number` 0: what waits for a confirmation goes back; else the version before the one in use. The guard is not asked. */
enum policy_store_result policy_store_rollback(
    struct policy_store *store, uint32_t number, const struct policy_change *change);

enum policy_store_result policy_store_confirm(struct policy_store *store, struct wall now);
/* A shadow's counting, or the differences of a comparison. */
enum policy_store_result policy_store_forget(struct policy_store *store);

/* To be called after each step of the bridge: whether a change has ended. Cheap. */
void policy_store_notice(struct policy_store *store, struct wall now);

const char *policy_origin_name(enum policy_origin origin);
const char *policy_store_outcome_name(uint32_t outcome);

#endif
