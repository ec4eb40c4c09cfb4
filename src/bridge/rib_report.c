/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_report.c - why imports of a link are rejected now: counted by reason and rule as they come and go.
 *
 * An import remembers where it is counted, so that neither costs more with a large table. What no counter is free for is
 * in the total only. Texts are copies: rules live as long as their policy, counters longer.
 */
#include <assert.h>

#include "base/check.h"
#include "bridge/rib_state.h"

#define NOT_COUNTED UINT8_MAX

static_assert(LINK_REPORT_RULES_MAX < NOT_COUNTED, "a counter has a number of its own");

static bool
is_for(const struct rib_rejection *counter, enum prune_reason reason, struct span rule)
{
    return counter->count > 0 && counter->reason == reason && span_equal(counter->rule, rule);
}

/* The text of a rule, to be kept. false: no memory. */
static bool
copy_rule(struct rib *rib, struct rib_rejection *counter, struct span rule)
{
    counter->rule = SPAN_NONE;
    if (rule.size == 0) {
        return true;
    }
    uint8_t *copy = mem_take(rib->config.mem, rule.size);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, rule.data, rule.size);
    counter->rule = span_from(copy, rule.size);
    return true;
}

static void
drop_rule(struct rib *rib, struct rib_rejection *counter)
{
    if (counter->rule.size > 0) {
        mem_give(rib->config.mem, (void *)(uintptr_t)counter->rule.data, counter->rule.size);
    }
    counter->rule = SPAN_NONE;
}

/* The one of its reason and rule, or a free one made so; NOT_COUNTED: there is none. */
static uint8_t
find_counter(struct rib *rib, const struct rib_import *import)
{
    struct rib_reporting *reporting = &rib->links[import->link].reporting;
    const struct span rule = rib_import_rule_id(rib, import);
    uint8_t unused = NOT_COUNTED;
    for (uint8_t i = 0; i < LINK_REPORT_RULES_MAX; i++) {
        if (is_for(&reporting->counters[i], import->reason, rule)) {
            return i;
        }
        unused = unused == NOT_COUNTED && reporting->counters[i].count == 0 ? i : unused;
    }
    if (unused == NOT_COUNTED || !copy_rule(rib, &reporting->counters[unused], rule)) {
        return NOT_COUNTED;
    }
    reporting->counters[unused].reason = import->reason;
    return unused;
}

void
rib_report_rejected(struct rib *rib, struct rib_import *import)
{
    struct rib_reporting *reporting = &rib->links[import->link].reporting;
    import->counter = find_counter(rib, import);
    reporting->changes++;
    if (import->counter != NOT_COUNTED) {
        reporting->counters[import->counter].count++;
    }
    if (!import->blocked) {
        list_push(&reporting->rejected, &import->in_offer);
    }
}

void
rib_report_gone(struct rib *rib, struct rib_import *import)
{
    struct rib_reporting *reporting = &rib->links[import->link].reporting;
    reporting->changes++;
    if (!import->blocked) {
        list_remove(&import->in_offer);
    }
    if (import->counter == NOT_COUNTED) {
        return;
    }
    struct rib_rejection *counter = &reporting->counters[import->counter];
    CHECK(counter->count > 0);
    counter->count--;
    if (counter->count == 0) {
        drop_rule(rib, counter);
    }
}

void
rib_report_init(struct rib_link *link)
{
    list_init(&link->reporting.rejected);
}

void
rib_report_destroy(struct rib *rib, uint32_t link)
{
    for (uint32_t i = 0; i < LINK_REPORT_RULES_MAX; i++) {
        drop_rule(rib, &rib->links[link].reporting.counters[i]);
    }
}

const struct rib_import *
rib_find_import(const struct rib *rib, uint32_t link, uint64_t route_id)
{
    return map_find(&rib->links[link].imports, rib_hash_number(rib, route_id), &route_id);
}

uint64_t
rib_report_version(const struct rib *rib, uint32_t link)
{
    return rib->links[link].reporting.changes;
}

static void
fill_rules(const struct rib_reporting *reporting, struct link_report_rule *rules, uint8_t *indexes,
    struct link_report *report)
{
    for (uint32_t i = 0; i < LINK_REPORT_RULES_MAX; i++) {
        const struct rib_rejection *counter = &reporting->counters[i];
        if (counter->count > 0) {
            indexes[i] = (uint8_t)report->rule_count;
            rules[report->rule_count++] = (struct link_report_rule){
                .reason = span_from_text(prune_reason_name(counter->reason)),
                .rule = counter->rule,
                .count = counter->count,
            };
        }
    }
    report->rules = rules;
}

static void
fill_routes(const struct rib_reporting *reporting, struct link_report_route *routes,
    const uint8_t *indexes, struct link_report *report)
{
    uint32_t seen = 0;
    LIST_EACH (link, &reporting->rejected) {
        if (seen++ == LINK_REPORT_ROUTES_MAX) {
            break;
        }
        const struct rib_import *import = CONTAINER_OF(link, struct rib_import, in_offer);
        if (import->counter != NOT_COUNTED) {
            routes[report->route_count++] = (struct link_report_route){
                .route_id = import->route_id,
                .rule = indexes[import->counter],
            };
        }
    }
    report->routes = routes;
}

bool
rib_report(const struct rib *rib, uint32_t link, bool names, struct arena *arena,
    struct link_report *report)
{
    const struct rib_reporting *reporting = &rib->links[link].reporting;
    uint8_t indexes[LINK_REPORT_RULES_MAX] = { 0 };
    struct link_report_rule *rules =
        arena_take(arena, LINK_REPORT_RULES_MAX * sizeof(struct link_report_rule));
    struct link_report_route *routes =
        arena_take(arena, LINK_REPORT_ROUTES_MAX * sizeof(struct link_report_route));
    if (rules == NULL || routes == NULL) {
        return false;
    }
    *report = (struct link_report){
        .accepted = rib->counts.imports_accepted[link],
        .rejected = rib->counts.imports_rejected[link],
    };
    fill_rules(reporting, rules, indexes, report);
    if (names) {
        fill_routes(reporting, routes, indexes, report);
    }
    return true;
}
