/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_store.h - the policies of a running bridge over time: the versions that were in use, the one that is, and
 * the one that is on its way.
 *
 * A change is loaded and checked, its tests are run, and only if nothing speaks against it the engine gets it
 * (bridge/reload.h). What is wrong with it never touches what is in use. Versions live in memory: a bridge that is
 * started again reads the files of its configuration.
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
    uint32_t number; /* from 1 */
    struct wall applied_at;
    enum policy_origin origin;
    char author[POLICY_STORE_AUTHOR_MAX + 1]; /* printable */
    struct policy_set set;
};

/* What became of the changes so far. */
enum policy_store_count {
    POLICY_STORE_APPLIED = 0,
    POLICY_STORE_COMPARED,
    POLICY_STORE_GUARDED,
    POLICY_STORE_REVERTED,
    POLICY_STORE_NO_MEMORY,
    POLICY_STORE_INVALID, /* files with errors, or tests that fail */
};
#define POLICY_STORE_COUNTS (POLICY_STORE_INVALID + 1)

enum policy_store_result {
    POLICY_STORE_OK = 0,          /* it is on its way, or done */
    POLICY_STORE_REFUSED,         /* `errors` say why */
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

struct policy_store;

/* `bridge` runs with the configuration's policies. Everything outlives the store. NULL: no memory. */
MUST_CHECK struct policy_store *policy_store_create(struct bridge *bridge,
    const struct config_bridge *config, struct mem *mem, struct log *log, struct wall now);
void policy_store_free(struct policy_store *store);

/* `back` 0: the one in use; NULL: there is none so far back. */
const struct policy_version *policy_store_version(const struct policy_store *store, uint32_t back);
const uint64_t *policy_store_counts(const struct policy_store *store);

/* Read the configuration's files again. */
enum policy_store_result policy_store_reload(struct policy_store *store,
    const struct policy_change *change, struct wall now, struct yaml_errors *errors);

/* Files that were sent take the place of those of the links that they name. */
enum policy_store_result policy_store_send(struct policy_store *store,
    const struct policy_yaml_sent *files, size_t file_count, const struct policy_change *change,
    struct wall now, struct yaml_errors *errors);

/* `number` 0: what waits for a confirmation goes back; else the version before the one in use. The guard is not asked. */
enum policy_store_result policy_store_rollback(
    struct policy_store *store, uint32_t number, const struct policy_change *change);

enum policy_store_result policy_store_confirm(struct policy_store *store, struct wall now);
/* A shadow's counting, or the differences of a comparison. */
enum policy_store_result policy_store_forget(struct policy_store *store);

/* To be called after each step of the bridge: whether a change has ended. Cheap. */
void policy_store_notice(struct policy_store *store, struct wall now);

const char *policy_origin_name(enum policy_origin origin);
const char *policy_store_count_name(uint32_t count);

#endif
