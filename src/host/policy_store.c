/* SPDX-License-Identifier: Apache-2.0 */
/* policy_store.c - loads, checks, hands over, and remembers. */
#include "host/policy_store.h"

#include <stdlib.h>
#include <string.h>

#include "host/printable.h"

struct policy_store {
    struct bridge *bridge;
    const struct config_bridge *config;
    struct mem *mem; /* of policies */
    struct log *log;
    struct policy_version versions[POLICY_STORE_VERSIONS_MAX]; /* the newest first */
    uint32_t version_count;
    uint32_t last_number;
    bool applying;                 /* `pending` is on its way */
    struct policy_version pending; /* its number and time come when it is in use */
    bool under_way;
    uint64_t counts[POLICY_STORE_COUNTS];
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

static const struct policy_version *
current(const struct policy_store *store)
{
    return &store->versions[0];
}

const struct policy_version *
policy_store_version(const struct policy_store *store, uint32_t back)
{
    return back < store->version_count ? &store->versions[back] : NULL;
}

const uint64_t *
policy_store_counts(const struct policy_store *store)
{
    return store->counts;
}

struct policy_store *
policy_store_create(struct bridge *bridge, const struct config_bridge *config, struct mem *mem,
    struct log *log, struct wall now)
{
    struct policy_store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return NULL;
    }
    store->bridge = bridge;
    store->config = config;
    store->mem = mem;
    store->log = log;
    struct policy_version first = { .origin = POLICY_ORIGIN_START };
    policy_set_init(&first.set, &config->policy_bridge);
    policy_set_inherit(&first.set, &config->policy_set);
    remember(store, &first, now);
    return store;
}

void
policy_store_free(struct policy_store *store)
{
    if (store == NULL) {
        return;
    }
    for (uint32_t i = 0; i < store->version_count; i++) {
        policy_set_destroy(&store->versions[i].set);
    }
    policy_set_destroy(&store->pending.set);
    free(store);
}

/* ---- Handing over ---- */

static bool
hand_over(
    struct policy_store *store, const struct policy_set *set, const struct policy_change *change)
{
    struct policy *policies[RIB_LINKS_MAX];
    policy_set_policies(set, policies);
    if (change->mode == POLICY_STORE_SHADOW) {
        return bridge_shadow_begin(store->bridge, policies);
    }
    const struct reload_request request = {
        .policies = policies,
        .apply = change->mode == POLICY_STORE_APPLY,
        .force = change->force,
        .confirm_within_ns = change->confirm_within_ns,
    };
    return bridge_reload_begin(store->bridge, &request);
}

/* Takes the set. */
static enum policy_store_result
begin(struct policy_store *store, struct policy_set *set, enum policy_origin origin,
    const struct policy_change *change)
{
    if (store->under_way || !hand_over(store, set, change)) {
        policy_set_destroy(set);
        return POLICY_STORE_BUSY;
    }
    store->under_way = change->mode != POLICY_STORE_SHADOW;
    store->applying = change->mode == POLICY_STORE_APPLY;
    if (!store->applying) {
        /* The engine holds the policies that it compares. */
        policy_set_destroy(set);
        return POLICY_STORE_OK;
    }
    store->pending = (struct policy_version){ .origin = origin, .set = *set };
    set_author(&store->pending, change->author);
    return POLICY_STORE_OK;
}

/* Takes the set: what was loaded is tested, and handed over if nothing speaks against it. */
static enum policy_store_result
test_and_begin(struct policy_store *store, struct policy_set *set, enum policy_origin origin,
    const struct policy_change *change, struct wall now, struct yaml_errors *errors)
{
    if (errors->error_count == 0) {
        policy_set_test(set, &current(store)->set, now, errors);
    }
    if (errors->error_count > 0) {
        policy_set_destroy(set);
        store->counts[POLICY_STORE_INVALID]++;
        return POLICY_STORE_REFUSED;
    }
    return begin(store, set, origin, change);
}

static void
add(struct policy_store *store, struct policy_set *set, struct policy_yaml *loaded,
    struct yaml_errors *errors)
{
    if (loaded != NULL && !policy_set_add(set, loaded, errors)) {
        yaml_errors_add(errors, YAML_ERROR,
            (struct yaml_place){ .file = store->config->policy_bridge.file },
            "more files than a bridge has links, or no memory for them");
    }
}

enum policy_store_result
policy_store_reload(struct policy_store *store, const struct policy_change *change, struct wall now,
    struct yaml_errors *errors)
{
    const struct config_bridge *config = store->config;
    struct policy_set set;
    policy_set_init(&set, &config->policy_bridge);
    for (size_t i = 0; i < config->policy_count; i++) {
        add(store, &set,
            policy_yaml_load_file(
                config->policies[i], &yaml_process_environment, store->mem, errors),
            errors);
    }
    return test_and_begin(store, &set, POLICY_ORIGIN_FILE, change, now, errors);
}

enum policy_store_result
policy_store_send(struct policy_store *store, const struct policy_yaml_sent *files,
    size_t file_count, const struct policy_change *change, struct wall now,
    struct yaml_errors *errors)
{
    struct policy_set set;
    policy_set_init(&set, &store->config->policy_bridge);
    for (size_t i = 0; i < file_count; i++) {
        add(store, &set,
            policy_yaml_load_sent(&files[i], &yaml_process_environment, store->mem, errors),
            errors);
    }
    policy_set_inherit(&set, &current(store)->set);
    return test_and_begin(store, &set, POLICY_ORIGIN_APPLY, change, now, errors);
}

enum policy_store_result
policy_store_rollback(
    struct policy_store *store, uint32_t number, const struct policy_change *change)
{
    if (number == 0 && bridge_reload_revert(store->bridge)) {
        return POLICY_STORE_OK;
    }
    for (uint32_t i = 1; i < store->version_count; i++) {
        if (number != 0 && store->versions[i].number != number) {
            continue;
        }
        struct policy_set set;
        policy_set_init(&set, &store->config->policy_bridge);
        policy_set_inherit(&set, &store->versions[i].set);
        struct policy_change back = *change;
        back.mode = POLICY_STORE_APPLY;
        back.force = true;
        return begin(store, &set, POLICY_ORIGIN_ROLLBACK, &back);
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
    bool forgotten = !store->under_way && bridge_forget_differences(store->bridge);
    return forgotten ? POLICY_STORE_OK : POLICY_STORE_BUSY;
}

/* ---- The end of a change ---- */

static enum policy_store_count
count_of(enum reload_outcome outcome)
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
    if (!store->under_way || reload->state != RELOAD_IDLE) {
        return;
    }
    store->under_way = false;
    store->counts[count_of(reload->outcome)]++;
    if (store->applying && reload->outcome == RELOAD_APPLIED) {
        remember(store, &store->pending, now);
    } else {
        policy_set_destroy(&store->pending.set);
    }
    store->applying = false;
    store->pending = (struct policy_version){ .number = 0 };
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
policy_store_count_name(uint32_t count)
{
    switch ((enum policy_store_count)count) {
    case POLICY_STORE_APPLIED:
        return "applied";
    case POLICY_STORE_COMPARED:
        return "compared";
    case POLICY_STORE_GUARDED:
        return "guarded";
    case POLICY_STORE_REVERTED:
        return "reverted";
    case POLICY_STORE_NO_MEMORY:
        return "no_memory";
    case POLICY_STORE_INVALID:
        return "invalid";
    }
    return "unknown";
}
