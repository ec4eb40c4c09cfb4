/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_store.c - loads, checks, hands over, and remembers.
 *
 * A change is one job: while it is loaded the worker has the job's own list of files and its errors, and nobody
 * else touches them. The rest of the store belongs to the loop.
 */
#include "host/policy_store.h"

#include <stdlib.h>
#include <string.h>

#include "host/printable.h"

struct job {
    struct policy_change change; /* without its author, which is in the version */
    struct policy_sent sent;     /* no files: the configuration's are read */
    struct policy_version version;
    struct policy_set known; /* what was in use when it began */
    struct list files;
    struct wall now;
};

struct policy_store {
    struct bridge *bridge;
    const struct config_bridge *config;
    struct policy_worker worker;
    struct log *log;
    struct list files;                                         /* all, but for the job's */
    struct policy_version versions[POLICY_STORE_VERSIONS_MAX]; /* the newest first */
    uint32_t version_count;
    uint32_t last_number;
    struct job job;
    bool loading;
    bool handed_over; /* the engine is at the job */
    enum policy_store_outcome outcome;
    struct yaml_errors errors; /* of the job; the worker's while it is loading */
    uint64_t counts[POLICY_STORE_OUTCOMES];
};

/* ---- Versions ---- */

static void
set_author(struct policy_version *version, struct span author)
{
    struct mem mem;
    struct buf text;
    size_t author_size =
        author.size < POLICY_STORE_AUTHOR_MAX ? author.size : POLICY_STORE_AUTHOR_MAX;
    mem_init(&mem, SIZE_MAX);
    buf_init(&text, &mem, (size_t)8 * POLICY_STORE_AUTHOR_MAX);
    printable_add(&text, span_part(author, 0, author_size), 0);
    size_t size = text.size < POLICY_STORE_AUTHOR_MAX ? text.size : POLICY_STORE_AUTHOR_MAX;
    if (size > 0) {
        memcpy(version->author, text.data, size);
    }
    version->author[size] = '\0';
    buf_destroy(&text);
}

static void
remember(struct policy_store *store, const struct policy_version *version, struct wall now)
{
    if (store->version_count == POLICY_STORE_VERSIONS_MAX) {
        store->version_count--;
        policy_set_destroy(&store->versions[store->version_count].set);
    }
    memmove(&store->versions[1], &store->versions[0],
        store->version_count * sizeof(store->versions[0]));
    store->versions[0] = *version;
    store->versions[0].number = ++store->last_number;
    store->versions[0].applied_at = now;
    store->version_count++;
    LOG_INFO(store->log, "policy.in_use", LOG_U64("version", store->last_number),
        LOG_TEXT("origin", policy_origin_name(version->origin)),
        LOG_TEXT("author", version->author));
}

const struct policy_version *
policy_store_version(const struct policy_store *store, uint32_t back)
{
    return back < store->version_count ? &store->versions[back] : NULL;
}

const struct policy_version *
policy_store_in_use(const struct policy_store *store)
{
    enum reload_state state = bridge_reload(store->bridge)->state;
    bool unconfirmed =
        store->handed_over && (state == RELOAD_APPLYING || state == RELOAD_CONFIRMING);
    return unconfirmed ? &store->job.version : &store->versions[0];
}

const char *
policy_store_state(const struct policy_store *store)
{
    return store->loading ? "loading" : reload_state_name(bridge_reload(store->bridge)->state);
}

enum policy_store_outcome
policy_store_outcome(const struct policy_store *store)
{
    return store->outcome;
}

struct yaml_errors *
policy_store_errors(struct policy_store *store)
{
    CHECK(!store->loading);
    return &store->errors;
}

const uint64_t *
policy_store_counts(const struct policy_store *store)
{
    return store->counts;
}

struct policy_store *
policy_store_create(struct bridge *bridge, const struct config_bridge *config,
    const struct policy_worker *worker, struct log *log, struct wall now)
{
    struct policy_store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return NULL;
    }
    store->bridge = bridge;
    store->config = config;
    store->worker = *worker;
    store->log = log;
    list_init(&store->files);
    list_init(&store->job.files);
    yaml_errors_init(&store->errors);
    struct policy_version first = { .origin = POLICY_ORIGIN_START };
    policy_set_copy(&first.set, &config->policy_set);
    remember(store, &first, now);
    return store;
}

void
policy_store_free(struct policy_store *store)
{
    if (store == NULL) {
        return;
    }
    CHECK(!store->loading);
    for (uint32_t i = 0; i < store->version_count; i++) {
        policy_set_destroy(&store->versions[i].set);
    }
    policy_set_destroy(&store->job.version.set);
    policy_files_sweep(&store->files);
    CHECK(list_empty(&store->files));
    yaml_errors_destroy(&store->errors);
    free(store);
}

/* ---- The end of a change ---- */

static void
end(struct policy_store *store, enum policy_store_outcome outcome, struct wall now)
{
    struct job *job = &store->job;
    store->handed_over = false;
    store->outcome = outcome;
    store->counts[outcome]++;
    if (outcome == POLICY_STORE_APPLIED) {
        remember(store, &job->version, now);
    } else {
        policy_set_destroy(&job->version.set);
    }
    LOG_INFO(store->log, "policy.change_ended",
        LOG_TEXT("outcome", policy_store_outcome_name(outcome)),
        LOG_TEXT("author", job->version.author));
    job->version = (struct policy_version){ .number = 0 };
}

static enum policy_store_outcome
outcome_of(enum reload_outcome outcome)
{
    switch (outcome) {
    case RELOAD_APPLIED:
        return POLICY_STORE_APPLIED;
    case RELOAD_COMPARED:
        return POLICY_STORE_COMPARED;
    case RELOAD_GUARDED:
        return POLICY_STORE_GUARDED;
    case RELOAD_REVERTED:
        return POLICY_STORE_REVERTED;
    case RELOAD_NONE:
    case RELOAD_NO_MEMORY:
        break;
    }
    return POLICY_STORE_NO_MEMORY;
}

void
policy_store_notice(struct policy_store *store, struct wall now)
{
    const struct reload *reload = bridge_reload(store->bridge);
    if (store->handed_over && reload->state == RELOAD_IDLE) {
        end(store, outcome_of(reload->outcome), now);
    }
    if (!store->loading && !store->handed_over) {
        policy_files_sweep(&store->files);
    }
}

/* ---- Handing over ---- */

/* What the job's version says, to the engine. */
static void
hand_over(struct policy_store *store, struct wall now)
{
    const struct policy_change *change = &store->job.change;
    struct policy *policies[RIB_LINKS_MAX];
    policy_set_policies(&store->job.version.set, policies);
    const struct reload_request request = {
        .policies = policies,
        .apply = change->mode == POLICY_STORE_APPLY,
        .force = change->force,
        .confirm_within_ns = change->confirm_within_ns,
    };
    bool shadows = change->mode == POLICY_STORE_SHADOW;
    bool taken = shadows ? bridge_shadow_begin(store->bridge, policies)
                         : bridge_reload_begin(store->bridge, &request);
    if (!taken || shadows) {
        end(store, taken ? POLICY_STORE_SHADOWED : POLICY_STORE_BLOCKED, now);
        return;
    }
    store->handed_over = true;
}

/* ---- Loading ---- */

static void
add(struct job *job, struct policy_file *file, struct yaml_errors *errors)
{
    if (file != NULL) {
        policy_set_add(&job->version.set, file, errors);
    }
}

/* Beside the loop. */
static void
load(void *self)
{
    struct policy_store *store = self;
    struct job *job = &store->job;
    const struct config_bridge *config = store->config;
    struct yaml_errors *errors = &store->errors;
    for (size_t i = 0; i < job->sent.file_count; i++) {
        add(job,
            policy_file_load_sent(
                &job->sent.files[i], &yaml_process_environment, &job->files, errors),
            errors);
    }
    for (size_t i = 0; job->sent.file_count == 0 && i < config->policy_count; i++) {
        add(job,
            policy_file_load(config->policies[i], &yaml_process_environment, &job->files, errors),
            errors);
    }
    if (errors->error_count == 0) {
        policy_set_prove(&job->version.set, &job->known, job->now, errors);
    }
}

static void
log_errors(struct log *log, struct yaml_errors *errors)
{
    yaml_errors_sort(errors);
    for (size_t i = 0; i < errors->count; i++) {
        const struct yaml_error *error = &errors->list[i];
        enum log_level level = error->severity == YAML_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN;
        LOG_AT(log, level, "policy.fault", LOG_TEXT("file", error->place.file),
            LOG_U64("line", error->place.line), LOG_U64("column", error->place.column),
            LOG_TEXT("message", error->message), LOG_TEXT("hint", error->hint));
    }
}

/* On the loop again. */
static void
loaded(void *self)
{
    struct policy_store *store = self;
    struct job *job = &store->job;
    store->loading = false;
    LIST_EACH (at, &job->files) {
        list_remove(at);
        list_push(&store->files, at);
    }
    policy_set_destroy(&job->known);
    if (job->sent.release != NULL) {
        job->sent.release(job->sent.owner);
        job->sent = (struct policy_sent){ .file_count = 0 };
    } else {
        /* Nobody waits for an answer: it is in the log or nowhere. */
        log_errors(store->log, &store->errors);
    }
    if (store->errors.error_count > 0) {
        end(store, POLICY_STORE_INVALID, job->now);
        return;
    }
    if (job->version.origin == POLICY_ORIGIN_APPLY) {
        policy_set_inherit(&job->version.set, &store->versions[0].set);
    }
    hand_over(store, job->now);
}

static enum policy_store_result
begin(struct policy_store *store, enum policy_origin origin, const struct policy_sent *sent,
    const struct policy_change *change, struct wall now)
{
    struct job *job = &store->job;
    if (store->loading || store->handed_over) {
        return POLICY_STORE_BUSY;
    }
    job->change = *change;
    job->sent = *sent;
    job->now = now;
    job->version = (struct policy_version){ .origin = origin };
    set_author(&job->version, change->author);
    policy_set_init(&job->version.set, &store->config->policy_bridge);
    policy_set_copy(&job->known, &store->versions[0].set);
    yaml_errors_destroy(&store->errors);
    yaml_errors_init(&store->errors);
    store->outcome = POLICY_STORE_NONE;
    store->loading = true;
    if (!store->worker.run(store->worker.owner, store, load, loaded)) {
        load(store);
        loaded(store);
    }
    return POLICY_STORE_OK;
}

enum policy_store_result
policy_store_reload(struct policy_store *store, const struct policy_change *change, struct wall now)
{
    const struct policy_sent nothing = { .file_count = 0 };
    return begin(store, POLICY_ORIGIN_FILE, &nothing, change, now);
}

enum policy_store_result
policy_store_send(struct policy_store *store, const struct policy_sent *sent,
    const struct policy_change *change, struct wall now)
{
    CHECK(sent->file_count > 0);
    enum policy_store_result result = begin(store, POLICY_ORIGIN_APPLY, sent, change, now);
    if (result != POLICY_STORE_OK) {
        sent->release(sent->owner);
    }
    return result;
}

/* ---- What needs no loading ---- */

enum policy_store_result
policy_store_rollback(
    struct policy_store *store, uint32_t number, const struct policy_change *change)
{
    if (number == 0 && bridge_reload_revert(store->bridge)) {
        return POLICY_STORE_OK;
    }
    if (store->loading || store->handed_over) {
        return POLICY_STORE_BUSY;
    }
    for (uint32_t i = 1; i < store->version_count; i++) {
        struct job *job = &store->job;
        if (number != 0 && store->versions[i].number != number) {
            continue;
        }
        job->change = *change;
        job->change.mode = POLICY_STORE_APPLY;
        job->change.force = true;
        job->version = (struct policy_version){ .origin = POLICY_ORIGIN_ROLLBACK };
        set_author(&job->version, change->author);
        policy_set_copy(&job->version.set, &store->versions[i].set);
        store->outcome = POLICY_STORE_NONE;
        hand_over(store, store->versions[0].applied_at);
        return POLICY_STORE_OK;
    }
    return POLICY_STORE_NO_VERSION;
}

enum policy_store_result
policy_store_confirm(struct policy_store *store, struct wall now)
{
    if (!bridge_reload_confirm(store->bridge)) {
        return POLICY_STORE_NOTHING_PENDING;
    }
    policy_store_notice(store, now);
    return POLICY_STORE_OK;
}

enum policy_store_result
policy_store_forget(struct policy_store *store)
{
    bool idle = !store->loading && !store->handed_over;
    return idle && bridge_forget_differences(store->bridge) ? POLICY_STORE_OK : POLICY_STORE_BUSY;
}

const char *
policy_origin_name(enum policy_origin origin)
{
    switch (origin) {
    case POLICY_ORIGIN_START:
        return "start";
    case POLICY_ORIGIN_FILE:
        return "file";
    case POLICY_ORIGIN_APPLY:
        return "apply";
    case POLICY_ORIGIN_ROLLBACK:
        return "rollback";
    }
    return "unknown";
}

const char *
policy_store_outcome_name(uint32_t outcome)
{
    switch ((enum policy_store_outcome)outcome) {
    case POLICY_STORE_NONE:
        return "none";
    case POLICY_STORE_APPLIED:
        return "applied";
    case POLICY_STORE_COMPARED:
        return "compared";
    case POLICY_STORE_SHADOWED:
        return "shadowed";
    case POLICY_STORE_GUARDED:
        return "guarded";
    case POLICY_STORE_REVERTED:
        return "reverted";
    case POLICY_STORE_NO_MEMORY:
        return "no_memory";
    case POLICY_STORE_INVALID:
        return "invalid";
    case POLICY_STORE_BLOCKED:
        return "blocked";
    }
    return "unknown";
}
