/* SPDX-License-Identifier: Apache-2.0 */
/* test_catalog.c - what a cluster advertises: newer wins, time ends, the dead stay dead, memory may fail. */
#include <check.h>
#include <stdlib.h>

#include "core/catalog.h"
#include "tests/support/check_failed.h"

#define SECOND ((int64_t)SEC_NS)
#define NOW    (1000 * SECOND)

static struct mem mem;
static struct catalog *catalog;

/* What the listener heard last, and how often. */
static struct {
    uint32_t count[3];
    enum prune_reason reason;
    struct span old_scope;
    struct span scope;
    void *context;
} heard;

static void
on_changed(void *owner, const struct catalog_change *change)
{
    ck_assert_ptr_eq(owner, &heard);
    heard.count[change->kind]++;
    heard.scope = catalog_endpoint(change->entry).scope;
    heard.context = change->entry->context;
    if (change->kind == CATALOG_CHANGED) {
        const struct function_endpoint old = catalog_endpoint(change->old);
        const struct function_endpoint entry = catalog_endpoint(change->entry);
        ck_assert(function_key_equal(&old.key, &entry.key));
        ck_assert_ptr_eq(change->old->context, change->entry->context);
    }
    if (change->kind == CATALOG_REMOVED) {
        heard.reason = change->reason;
    }
}

static void
start_with(uint32_t function_count_max, uint32_t node_count_max)
{
    memset(&heard, 0, sizeof(heard));
    mem_init(&mem, SIZE_MAX);
    const struct catalog_config config = {
        .mem = &mem,
        .hash_key = { 1, 2 },
        .function_count_max = function_count_max,
        .node_count_max = node_count_max,
        .listener = { .owner = &heard, .changed = on_changed },
    };
    catalog = catalog_create(&config);
    ck_assert_ptr_nonnull(catalog);
}

static void
start(void)
{
    start_with(1000, 100);
}

static void
stop(void)
{
    catalog_free(catalog);
    ck_assert_uint_eq(mem.used, 0);
}

static struct wall
wall(int64_t ns)
{
    return (struct wall){ ns };
}

/* name has the id of the same text; 120 s from `advertised_at`. */
static struct function_endpoint
endpoint_of(const char *name, const char *node, int64_t advertised_at)
{
    return (struct function_endpoint){
        .key = {
            .cluster_id = SPAN("c1"),
            .node_id = span_from_text(node),
            .identity = {
                .name = span_from_text(name),
                .function_id = span_from_text(name),
                .version_text = SPAN("1.0.0"),
                .version = { 1, 0, 0 },
            },
        },
        .scope = SPAN("zone"),
        .advertised_at = { advertised_at },
        .ttl_ns = 120 * SEC_NS,
    };
}

static struct node_descriptor
descriptor_of(const char *node, int64_t advertised_at)
{
    return (struct node_descriptor){
        .key = { .cluster_id = SPAN("c1"), .node_id = span_from_text(node) },
        .scope = SPAN("zone"),
        .dial_url = span_from_text(node),
        .advertised_at = { advertised_at },
        .ttl_ns = 120 * SEC_NS,
    };
}

static enum catalog_result
put(const char *name, const char *node, int64_t advertised_at)
{
    struct function_endpoint endpoint = endpoint_of(name, node, advertised_at);
    return catalog_put(catalog, &endpoint, wall(NOW));
}

static enum catalog_result
put_node(const char *node, int64_t advertised_at)
{
    struct node_descriptor descriptor = descriptor_of(node, advertised_at);
    return catalog_put_node(catalog, &descriptor, wall(NOW));
}

#define ck_assert_result(got_, want_)                                                              \
    do {                                                                                           \
        enum catalog_result got_result_ = (got_);                                                  \
        ck_assert_msg(got_result_ == (want_), "%s: got %s, want %s", #got_,                        \
            catalog_result_name(got_result_), catalog_result_name(want_));                         \
    } while (0)

START_TEST(an_update_needs_to_be_newer)
{
    ck_assert_result(put("f", "n1", NOW), CATALOG_OK);
    ck_assert_result(put("f", "n1", NOW), CATALOG_STALE);
    ck_assert_result(put("f", "n1", NOW - 1), CATALOG_STALE);
    ck_assert_result(put("f", "n1", NOW + 1), CATALOG_REFRESHED);
    struct function_endpoint longer = endpoint_of("f", "n1", NOW + 1);
    longer.ttl_ns++;
    ck_assert_result(catalog_put(catalog, &longer, wall(NOW)), CATALOG_REFRESHED);
    longer.advertised_at.ns--;
    longer.ttl_ns *= 2;
    ck_assert_result(catalog_put(catalog, &longer, wall(NOW)), CATALOG_STALE);
    ck_assert_uint_eq(heard.count[CATALOG_ADDED], 1);
    ck_assert_uint_eq(heard.count[CATALOG_CHANGED], 0);
    ck_assert_uint_eq(catalog_count(catalog), 1);
}
END_TEST

START_TEST(other_contents_change_the_entry_and_keep_its_context)
{
    int context = 0;
    struct function_endpoint endpoint = endpoint_of("f", "n1", NOW);
    ck_assert_result(catalog_put(catalog, &endpoint, wall(NOW)), CATALOG_OK);
    ck_assert_result(catalog_set_context(catalog, &endpoint.key, &context), CATALOG_OK);
    const struct span tags[] = { SPAN("a"), SPAN("b") };
    const struct span turned[] = { SPAN("b"), SPAN("a") };
    const struct {
        const char *name;
        struct span scope;
        struct text_list tags;
        struct span rpc_summary;
        struct span rpc_spec;
        struct span spec_digest;
        enum catalog_result want;
    } rows[] = {
        { "scope", SPAN("region"), { NULL, 0 }, SPAN_NONE, SPAN_NONE, SPAN_NONE, CATALOG_OK },
        { "tags", SPAN("region"), { tags, 2 }, SPAN_NONE, SPAN_NONE, SPAN_NONE, CATALOG_OK },
        { "order of tags", SPAN("region"), { turned, 2 }, SPAN_NONE, SPAN_NONE, SPAN_NONE,
            CATALOG_REFRESHED },
        { "summary", SPAN("region"), { tags, 2 }, SPAN("{}"), SPAN_NONE, SPAN_NONE, CATALOG_OK },
        { "spec", SPAN("region"), { tags, 2 }, SPAN("{}"), SPAN("{}"), SPAN_NONE, CATALOG_OK },
        { "digest", SPAN("region"), { tags, 2 }, SPAN("{}"), SPAN("{}"), SPAN("d"), CATALOG_OK },
        { "nothing", SPAN("region"), { tags, 2 }, SPAN("{}"), SPAN("{}"), SPAN("d"),
            CATALOG_REFRESHED },
        { "less", SPAN("zone"), { NULL, 0 }, SPAN_NONE, SPAN_NONE, SPAN_NONE, CATALOG_OK },
    };
    uint32_t changes = 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        endpoint.advertised_at.ns++;
        endpoint.scope = rows[i].scope;
        endpoint.tags = rows[i].tags;
        endpoint.rpc_summary = rows[i].rpc_summary;
        endpoint.rpc_spec = rows[i].rpc_spec;
        endpoint.spec_digest = rows[i].spec_digest;
        enum catalog_result got = catalog_put(catalog, &endpoint, wall(NOW + 5));
        ck_assert_msg(got == rows[i].want, "%s: %s", rows[i].name, catalog_result_name(got));
        changes += got == CATALOG_OK;
        ck_assert_msg(heard.count[CATALOG_CHANGED] == changes, "%s", rows[i].name);
        const struct catalog_entry *entry = catalog_find(catalog, &endpoint.key);
        ck_assert_ptr_eq(entry->context, &context);
        ck_assert_int_eq(entry->learnt_at.ns, NOW);
        ck_assert_int_eq(entry->advertised_at.ns, endpoint.advertised_at.ns);
    }
    ck_assert_uint_eq(heard.count[CATALOG_REMOVED], 0);
}
END_TEST

START_TEST(a_key_is_cluster_node_identity_and_set_of_resources)
{
    const struct span ab[] = { SPAN("a"), SPAN("b") };
    const struct span ba[] = { SPAN("b"), SPAN("a") };
    const struct span aab[] = { SPAN("a"), SPAN("a"), SPAN("b") };
    const struct span a[] = { SPAN("a") };
    struct function_endpoint endpoint = endpoint_of("f", "n1", NOW);
    endpoint.key.resources = (struct text_list){ ab, 2 };
    ck_assert_result(catalog_put(catalog, &endpoint, wall(NOW)), CATALOG_OK);
    struct function_key key = endpoint.key;
    key.resources = (struct text_list){ ba, 2 };
    ck_assert_ptr_nonnull(catalog_find(catalog, &key));
    key.resources = (struct text_list){ aab, 3 };
    ck_assert_ptr_nonnull(catalog_find(catalog, &key));
    key.resources = (struct text_list){ a, 1 };
    ck_assert_ptr_null(catalog_find(catalog, &key));
    ck_assert_result(catalog_remove(catalog, &key, PRUNE_WITHDRAWN), CATALOG_UNKNOWN);
    ck_assert_result(catalog_set_context(catalog, &key, &heard), CATALOG_UNKNOWN);
    key = endpoint.key;
    key.identity.version.patch = 1;
    ck_assert_result(catalog_remove(catalog, &key, PRUNE_WITHDRAWN), CATALOG_UNKNOWN);
    key = endpoint.key;
    key.identity.function_id = SPAN("other");
    ck_assert_result(catalog_remove(catalog, &key, PRUNE_WITHDRAWN), CATALOG_UNKNOWN);
    key = endpoint.key;
    key.cluster_id = SPAN("c2");
    ck_assert_result(catalog_remove(catalog, &key, PRUNE_WITHDRAWN), CATALOG_UNKNOWN);
    key = endpoint.key;
    key.resources = (struct text_list){ aab, 3 };
    ck_assert_result(catalog_remove(catalog, &key, PRUNE_WITHDRAWN), CATALOG_OK);
    ck_assert_int_eq(heard.reason, PRUNE_WITHDRAWN);
    ck_assert_uint_eq(catalog_prunes(catalog)[PRUNE_WITHDRAWN], 1);
    ck_assert_uint_eq(catalog_count(catalog), 0);
}
END_TEST

START_TEST(a_name_has_one_id_and_an_id_one_name)
{
    struct function_endpoint endpoint = endpoint_of("f", "n1", NOW);
    ck_assert_result(catalog_put(catalog, &endpoint, wall(NOW)), CATALOG_OK);
    ck_assert(span_is(catalog_id_of(catalog, SPAN("f")), "f"));
    ck_assert_uint_eq(catalog_id_of(catalog, SPAN("g")).size, 0);
    struct function_endpoint other = endpoint_of("f", "n2", NOW);
    other.key.identity.function_id = SPAN("f2");
    ck_assert_result(catalog_put(catalog, &other, wall(NOW)), CATALOG_ID_CONFLICT);
    other.key.identity.name = SPAN("g");
    other.key.identity.function_id = SPAN("f");
    ck_assert_result(catalog_put(catalog, &other, wall(NOW)), CATALOG_ID_CONFLICT);
    /* The node of what was refused has left no trace. */
    ck_assert_ptr_null(catalog_find_node(catalog, SPAN("n2")));
    ck_assert_result(catalog_remove(catalog, &endpoint.key, PRUNE_WITHDRAWN), CATALOG_OK);
    ck_assert_result(catalog_put(catalog, &other, wall(NOW)), CATALOG_OK);
    ck_assert(span_is(catalog_id_of(catalog, SPAN("g")), "f"));
}
END_TEST

START_TEST(time_ends_an_entry_and_frees_its_name)
{
    ck_assert_int_eq(catalog_deadline(catalog).ns, INT64_MAX);
    ck_assert_result(put("f", "n1", NOW - 120 * SECOND - 1), CATALOG_EXPIRED);
    ck_assert_result(put("f", "n1", NOW - 120 * SECOND), CATALOG_OK);
    ck_assert_int_eq(catalog_deadline(catalog).ns, NOW + 1);
    catalog_expire(catalog, wall(NOW));
    ck_assert_uint_eq(catalog_count(catalog), 1);
    catalog_expire(catalog, wall(NOW + 1));
    ck_assert_uint_eq(catalog_count(catalog), 0);
    ck_assert_int_eq(heard.reason, PRUNE_TTL_EXPIRED);
    ck_assert_uint_eq(catalog_prunes(catalog)[PRUNE_TTL_EXPIRED], 1);
    ck_assert_uint_eq(catalog_id_of(catalog, SPAN("f")).size, 0);
    ck_assert_ptr_null(catalog_find_node(catalog, SPAN("n1")));
    ck_assert_int_eq(catalog_deadline(catalog).ns, INT64_MAX);
    struct function_endpoint other = endpoint_of("f", "n1", NOW);
    other.key.identity.function_id = SPAN("another");
    ck_assert_result(catalog_put(catalog, &other, wall(NOW)), CATALOG_OK);
}
END_TEST

START_TEST(a_refresh_moves_the_end)
{
    ck_assert_result(put("f", "n1", NOW), CATALOG_OK);
    ck_assert_result(put("f", "n1", NOW + 50 * SECOND), CATALOG_REFRESHED);
    catalog_expire(catalog, wall(NOW + 170 * SECOND));
    ck_assert_uint_eq(catalog_count(catalog), 1);
    catalog_expire(catalog, wall(NOW + 170 * SECOND + 1));
    ck_assert_uint_eq(catalog_count(catalog), 0);
}
END_TEST

START_TEST(a_clock_that_is_ahead_lives_longer_and_one_behind_is_dead_at_birth)
{
    ck_assert_result(put("ahead", "n1", NOW + 3600 * SECOND), CATALOG_OK);
    ck_assert_result(put("behind", "n2", NOW - 3600 * SECOND), CATALOG_EXPIRED);
    ck_assert_result(put("ahead", "n1", NOW + 10 * SECOND), CATALOG_STALE);
    catalog_expire(catalog, wall(NOW + 3720 * SECOND));
    ck_assert_uint_eq(catalog_count(catalog), 1);
    struct function_endpoint forever = endpoint_of("forever", "n3", INT64_MAX - 1);
    forever.ttl_ns = UINT64_MAX;
    ck_assert_result(catalog_put(catalog, &forever, wall(NOW)), CATALOG_OK);
    catalog_expire(catalog, wall(INT64_MAX));
    ck_assert_uint_eq(catalog_count(catalog), 1);
    ck_assert_int_eq(catalog_deadline(catalog).ns, INT64_MAX);
}
END_TEST

START_TEST(a_removed_nodes_functions_go_with_its_reason)
{
    ck_assert_result(put("f", "n1", NOW), CATALOG_OK);
    ck_assert_result(put("g", "n1", NOW), CATALOG_OK);
    ck_assert_result(put("f", "n2", NOW), CATALOG_OK);
    ck_assert_result(put_node("n1", NOW), CATALOG_OK);
    ck_assert_uint_eq(catalog_node_count(catalog), 1);
    ck_assert_result(
        catalog_remove_node(catalog, SPAN("n1"), PRUNE_NODE_DEAD, wall(NOW)), CATALOG_OK);
    ck_assert_int_eq(heard.reason, PRUNE_NODE_DEAD);
    ck_assert_uint_eq(catalog_prunes(catalog)[PRUNE_NODE_DEAD], 2);
    ck_assert_uint_eq(catalog_count(catalog), 1);
    ck_assert_uint_eq(catalog_node_count(catalog), 0);
    ck_assert_result(
        catalog_remove_node(catalog, SPAN("n1"), PRUNE_NODE_DEAD, wall(NOW)), CATALOG_UNKNOWN);
    ck_assert_result(
        catalog_remove_node(catalog, SPAN("n9"), PRUNE_NODE_DEAD, wall(NOW)), CATALOG_UNKNOWN);
    size_t cursor = 0;
    ck_assert_ptr_null(catalog_next_node(catalog, &cursor));
}
END_TEST

START_TEST(gossip_under_way_does_not_raise_the_dead)
{
    ck_assert_result(put("f", "n1", NOW), CATALOG_OK);
    ck_assert_result(put_node("n1", NOW - 5), CATALOG_OK);
    catalog_remove_node(catalog, SPAN("n1"), PRUNE_NODE_GOODBYE, wall(NOW));
    ck_assert_result(put("f", "n1", NOW), CATALOG_STALE);
    ck_assert_result(put("g", "n1", NOW - 1), CATALOG_STALE);
    ck_assert_result(put_node("n1", NOW), CATALOG_STALE);
    ck_assert_uint_eq(catalog_count(catalog), 0);
    ck_assert_result(put("g", "n1", NOW + 1), CATALOG_OK);
    /* It lives: what it said before, but is news to us, counts again. */
    ck_assert_result(put("f", "n1", NOW), CATALOG_OK);
    ck_assert_result(put_node("n1", NOW), CATALOG_OK);
}
END_TEST

START_TEST(a_newer_descriptor_raises_a_node_too)
{
    ck_assert_result(put_node("n1", NOW), CATALOG_OK);
    catalog_remove_node(catalog, SPAN("n1"), PRUNE_NODE_DEAD, wall(NOW));
    ck_assert_result(put_node("n1", NOW), CATALOG_STALE);
    ck_assert_result(put_node("n1", NOW + 1), CATALOG_OK);
    catalog_expire(catalog, wall(NOW + 120 * SECOND + 1));
    ck_assert_uint_eq(catalog_node_count(catalog), 1);
    catalog_expire(catalog, wall(NOW + 120 * SECOND + 2));
    ck_assert_uint_eq(catalog_node_count(catalog), 0);
    ck_assert_ptr_null(catalog_find_node(catalog, SPAN("n1")));
}
END_TEST

START_TEST(a_tombstone_ends)
{
    ck_assert_result(put("f", "n1", NOW), CATALOG_OK);
    catalog_remove_node(catalog, SPAN("n1"), PRUNE_NODE_DEAD, wall(NOW));
    int64_t end = NOW + (int64_t)CATALOG_TOMBSTONE_NS;
    ck_assert_int_eq(catalog_deadline(catalog).ns, end + 1);
    catalog_expire(catalog, wall(end));
    ck_assert_ptr_nonnull(catalog_find_node(catalog, SPAN("n1")));
    catalog_expire(catalog, wall(end + 1));
    ck_assert_ptr_null(catalog_find_node(catalog, SPAN("n1")));
    ck_assert_result(put("f", "n1", NOW), CATALOG_OK);
}
END_TEST

START_TEST(a_descriptor_is_replaced_by_newer_ones_and_outlives_nothing)
{
    ck_assert_result(put_node("n1", NOW), CATALOG_OK);
    ck_assert_result(put_node("n1", NOW), CATALOG_STALE);
    ck_assert_result(put_node("n1", NOW + 1), CATALOG_REFRESHED);
    struct node_descriptor other = descriptor_of("n1", NOW + 2);
    const struct span tags[] = { SPAN("x"), SPAN("y") };
    other.region = SPAN("north");
    other.tags = (struct text_list){ tags, 2 };
    ck_assert_result(catalog_put_node(catalog, &other, wall(NOW)), CATALOG_OK);
    const struct catalog_node *node = catalog_find_node(catalog, SPAN("n1"));
    ck_assert(node->described);
    ck_assert(span_is(node->descriptor.region, "north"));
    ck_assert(span_is(node->descriptor.tags.items[1], "y"));
    ck_assert(span_is(node->descriptor.key.node_id, "n1"));
    ck_assert_result(put_node("n2", NOW - 120 * SECOND - 1), CATALOG_EXPIRED);
    ck_assert_result(put("f", "n1", NOW + 60 * SECOND), CATALOG_OK);
    catalog_expire(catalog, wall(NOW + 121 * SECOND));
    ck_assert_uint_eq(catalog_node_count(catalog), 0);
    node = catalog_find_node(catalog, SPAN("n1"));
    ck_assert(!node->described);
    ck_assert_ptr_nonnull(catalog_next_of_node(node, NULL));
    ck_assert_uint_eq(heard.count[CATALOG_REMOVED], 0);
}
END_TEST

START_TEST(an_empty_descriptor_is_one)
{
    const struct node_descriptor nothing = {
        .key = { .node_id = SPAN("n1") }, .advertised_at = { NOW }, .ttl_ns = SEC_NS
    };
    ck_assert_result(catalog_put_node(catalog, &nothing, wall(NOW)), CATALOG_OK);
    ck_assert_uint_eq(catalog_node_count(catalog), 1);
}
END_TEST

START_TEST(the_caps_hold)
{
    stop();
    start_with(2, 2);
    ck_assert_result(put("a", "n1", NOW), CATALOG_OK);
    ck_assert_result(put("b", "n1", NOW), CATALOG_OK);
    ck_assert_result(put("c", "n1", NOW), CATALOG_FULL);
    ck_assert_result(put("a", "n1", NOW + 1), CATALOG_REFRESHED);
    ck_assert_result(put_node("n1", NOW), CATALOG_OK);
    ck_assert_result(put_node("n2", NOW), CATALOG_OK);
    ck_assert_result(put_node("n3", NOW), CATALOG_FULL);
    ck_assert_result(put_node("n1", NOW + 2), CATALOG_REFRESHED);
    ck_assert_uint_eq(catalog_id_of(catalog, SPAN("c")).size, 0);
    struct function_endpoint a = endpoint_of("a", "n1", NOW);
    ck_assert_result(catalog_remove(catalog, &a.key, PRUNE_WITHDRAWN), CATALOG_OK);
    /* Functions bring nodes along, and those count as well. */
    ck_assert_result(put("c", "n3", NOW), CATALOG_FULL);
    ck_assert_result(put("c", "n2", NOW), CATALOG_OK);
}
END_TEST

START_TEST(what_is_in_is_found_by_name_and_by_node)
{
    ck_assert_result(put("f", "n1", NOW), CATALOG_OK);
    ck_assert_result(put("f", "n2", NOW), CATALOG_OK);
    ck_assert_result(put("g", "n1", NOW), CATALOG_OK);
    uint32_t named = 0;
    const struct catalog_entry *entry = NULL;
    while ((entry = catalog_next_named(catalog, SPAN("f"), entry)) != NULL) {
        ck_assert(span_is(identity_name(entry->identity), "f"));
        named++;
    }
    ck_assert_uint_eq(named, 2);
    ck_assert_ptr_null(catalog_next_named(catalog, SPAN("h"), NULL));
    const struct catalog_node *node = catalog_find_node(catalog, SPAN("n1"));
    uint32_t of_node = 0;
    entry = NULL;
    while ((entry = catalog_next_of_node(node, entry)) != NULL) {
        ck_assert(span_is(catalog_endpoint(entry).key.node_id, "n1"));
        of_node++;
    }
    ck_assert_uint_eq(of_node, 2);
    ck_assert(!node->described);
    size_t cursor = 0;
    uint32_t all = 0;
    while (catalog_next(catalog, &cursor) != NULL) {
        all++;
    }
    ck_assert_uint_eq(all, 3);
    /* A removal may be given the entry's own key. */
    entry = catalog_next_of_node(node, NULL);
    const struct function_endpoint endpoint = catalog_endpoint(entry);
    ck_assert_result(catalog_remove(catalog, &endpoint.key, PRUNE_OPERATOR), CATALOG_OK);
    ck_assert_uint_eq(catalog_count(catalog), 2);
}
END_TEST

/* One try with `spare` bytes more than what is used; everything in must stay as it was when it fails. */
static enum catalog_result
try_with(size_t spare, const struct function_endpoint *endpoint,
    const struct node_descriptor *descriptor)
{
    uint32_t count = catalog_count(catalog);
    uint32_t nodes = catalog_node_count(catalog);
    uint32_t told = heard.count[CATALOG_ADDED] + heard.count[CATALOG_CHANGED];
    int64_t deadline = catalog_deadline(catalog).ns;
    mem.cap = mem.used + spare;
    enum catalog_result result = endpoint != NULL
                                     ? catalog_put(catalog, endpoint, wall(NOW))
                                     : catalog_put_node(catalog, descriptor, wall(NOW));
    if (result == CATALOG_FULL) {
        ck_assert_uint_eq(catalog_count(catalog), count);
        ck_assert_uint_eq(catalog_node_count(catalog), nodes);
        ck_assert_uint_eq(heard.count[CATALOG_ADDED] + heard.count[CATALOG_CHANGED], told);
        ck_assert_int_eq(catalog_deadline(catalog).ns, deadline);
    }
    mem.cap = SIZE_MAX;
    return result;
}

START_TEST(without_memory_nothing_is_half_applied)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
    for (size_t i = 0; i < 2 * COUNT_OF(names); i++) {
        /* A new entry with a new node; in the second round the same entry with another scope. */
        struct function_endpoint endpoint =
            endpoint_of(names[i % 10], names[i % 10], NOW + (int64_t)i);
        endpoint.scope = i < 10 ? SPAN("zone") : SPAN("region");
        size_t spare = 0;
        enum catalog_result result;
        while ((result = try_with(spare, &endpoint, NULL)) == CATALOG_FULL) {
            ck_assert_uint_lt(spare, 100000);
            const struct catalog_entry *entry = catalog_find(catalog, &endpoint.key);
            ck_assert((entry == NULL) == (i < 10));
            ck_assert(entry == NULL || span_is(catalog_endpoint(entry).scope, "zone"));
            spare += 8;
        }
        ck_assert_uint_gt(spare, 0);
        ck_assert_result(result, CATALOG_OK);
    }
}
END_TEST

START_TEST(without_memory_a_descriptor_stays_what_it_was)
{
    for (int64_t i = 0; i < 20; i++) {
        char node[] = { (char)('a' + i % 10), '\0' };
        struct node_descriptor descriptor = descriptor_of(node, NOW + i * SECOND);
        descriptor.region = i < 10 ? SPAN("north") : SPAN("south");
        /* Every other node is known by a function already. */
        bool by_function = i < 10 && i % 2 == 0;
        ck_assert(!by_function || put(node, node, NOW) == CATALOG_OK);
        size_t spare = 0;
        enum catalog_result result;
        while ((result = try_with(spare, NULL, &descriptor)) == CATALOG_FULL) {
            ck_assert_uint_lt(spare, 100000);
            const struct catalog_node *known = catalog_find_node(catalog, span_from_text(node));
            ck_assert((known == NULL) == (i < 10 && !by_function));
            ck_assert(known == NULL || known->described == (i >= 10));
            ck_assert(i < 10 || span_is(known->descriptor.region, "north"));
            spare += 8;
        }
        ck_assert_uint_gt(spare, 0);
        ck_assert_result(result, CATALOG_OK);
    }
}
END_TEST

START_TEST(without_memory_a_tombstone_keeps_its_time)
{
    ck_assert_result(put_node("n1", NOW), CATALOG_OK);
    catalog_remove_node(catalog, SPAN("n1"), PRUNE_NODE_DEAD, wall(NOW));
    struct node_descriptor newer = descriptor_of("n1", NOW + 1);
    ck_assert_result(try_with(0, NULL, &newer), CATALOG_FULL);
    ck_assert_int_eq(catalog_deadline(catalog).ns, NOW + (int64_t)CATALOG_TOMBSTONE_NS + 1);
}
END_TEST

START_TEST(without_memory_there_is_no_catalog)
{
    struct mem small;
    const struct catalog_config config = { .mem = &small, .function_count_max = 1 };
    mem_init(&small, 16);
    ck_assert_ptr_null(catalog_create(&config));
    ck_assert_uint_eq(small.used, 0);
    catalog_free(NULL);
}
END_TEST

START_TEST(results_have_names)
{
    static const char *const names[] = { "ok", "refreshed", "stale", "expired", "id_conflict",
        "full", "unknown" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        ck_assert_str_eq(catalog_result_name((enum catalog_result)i), names[i]);
    }
}
END_TEST

static Suite *
catalog_suite(void)
{
    Suite *suite = suite_create("catalog");
    TCase *claims = tcase_create("claims");
    tcase_add_checked_fixture(claims, start, stop);
    tcase_add_test(claims, an_update_needs_to_be_newer);
    tcase_add_test(claims, other_contents_change_the_entry_and_keep_its_context);
    tcase_add_test(claims, a_key_is_cluster_node_identity_and_set_of_resources);
    tcase_add_test(claims, a_name_has_one_id_and_an_id_one_name);
    tcase_add_test(claims, time_ends_an_entry_and_frees_its_name);
    tcase_add_test(claims, a_refresh_moves_the_end);
    tcase_add_test(claims, a_clock_that_is_ahead_lives_longer_and_one_behind_is_dead_at_birth);
    tcase_add_test(claims, a_removed_nodes_functions_go_with_its_reason);
    tcase_add_test(claims, gossip_under_way_does_not_raise_the_dead);
    tcase_add_test(claims, a_newer_descriptor_raises_a_node_too);
    tcase_add_test(claims, a_tombstone_ends);
    tcase_add_test(claims, a_descriptor_is_replaced_by_newer_ones_and_outlives_nothing);
    tcase_add_test(claims, an_empty_descriptor_is_one);
    tcase_add_test(claims, the_caps_hold);
    tcase_add_test(claims, what_is_in_is_found_by_name_and_by_node);
    tcase_add_test(claims, without_memory_nothing_is_half_applied);
    tcase_add_test(claims, without_memory_a_descriptor_stays_what_it_was);
    tcase_add_test(claims, without_memory_a_tombstone_keeps_its_time);
    tcase_add_test(claims, without_memory_there_is_no_catalog);
    tcase_add_test(claims, results_have_names);
    suite_add_tcase(suite, claims);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(catalog_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
