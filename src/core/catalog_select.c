/* SPDX-License-Identifier: Apache-2.0 */
/* catalog_select.c - which of the endpoints that serve a name gets the call (protocol.md 6.2). */
#include "core/catalog.h"

static bool
text_fits(struct span wanted, struct span given)
{
    return wanted.size == 0 || span_equal(wanted, given);
}

static bool
entry_fits(const struct catalog_entry *entry, const struct catalog_query *query, struct wall now)
{
    const struct function_endpoint endpoint = catalog_endpoint(entry);
    const struct function_key *key = &endpoint.key;
    bool excepted = query->except_node.size > 0 && span_equal(query->except_node, key->node_id);
    return !excepted && function_alive(endpoint.advertised_at, endpoint.ttl_ns, now) &&
           text_fits(query->function_id, key->identity.function_id) &&
           text_fits(query->target_cluster, key->cluster_id) &&
           text_fits(query->target_node, key->node_id) &&
           version_satisfies(key->identity.version, &query->constraint) &&
           text_list_includes(&key->resources, &query->resources) &&
           (query->filter == NULL || query->filter(query->filter_owner, entry));
}

struct candidate {
    const struct catalog_entry *entry;
    bool local;
    uint64_t load;
};

static bool
candidate_is_better(const struct candidate *a, const struct candidate *b)
{
    if (b->entry == NULL || a->local != b->local) {
        return b->entry == NULL || a->local;
    }
    if (a->load != b->load) {
        return a->load < b->load;
    }
    const struct function_key x = catalog_endpoint(a->entry).key;
    const struct function_key y = catalog_endpoint(b->entry).key;
    int order = span_compare(x.cluster_id, y.cluster_id);
    order = order != 0 ? order : span_compare(x.node_id, y.node_id);
    order = order != 0 ? order : version_compare(y.identity.version, x.identity.version);
    return order < 0;
}

struct selection {
    const struct catalog *catalog;
    const struct catalog_query *query;
    const struct catalog_load *load;
    struct wall now;
    struct candidate best;
};

/* The best of those before and of those that have this name. */
static void
select_named(struct selection *selection, struct span name)
{
    const struct catalog_query *query = selection->query;
    const struct catalog_entry *entry = NULL;
    while ((entry = catalog_next_named(selection->catalog, name, entry)) != NULL) {
        if (!entry_fits(entry, query, selection->now)) {
            continue;
        }
        const struct function_key key = catalog_endpoint(entry).key;
        struct candidate candidate = {
            .entry = entry,
            .local = span_equal(key.cluster_id, query->local_cluster),
            .load = selection->load->score(selection->load->owner, key.node_id),
        };
        if (candidate_is_better(&candidate, &selection->best)) {
            selection->best = candidate;
        }
    }
}

const struct catalog_entry *
catalog_select(const struct catalog *catalog, const struct catalog_query *query,
    const struct catalog_load *load, struct wall now)
{
    struct selection selection = { .catalog = catalog, .query = query, .load = load, .now = now };
    select_named(&selection, query->function);
    for (uint32_t i = 0; i < query->functions.count; i++) {
        select_named(&selection, query->functions.items[i]);
    }
    return selection.best.entry;
}
