/* SPDX-License-Identifier: Apache-2.0 */
/* sim_judge.c - verdicts, offers and comparisons of one bridge, found again in the simplest way. */
#include "tests/sim/sim_judge.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/sim_damping.h"
#include "tests/sim/sim_probes.h"
#include "tests/sim/sim_stale.h"

/* Something that came to a policy of a link. */
struct sight {
    const struct sim_host *host;
    uint32_t link;
    enum policy_direction direction;
    char name[SIM_TEXT_MAX];
    bool is_public;
    bool passes;
};

static struct sight
see(const struct sim_host *host, uint32_t link, enum policy_direction direction,
    struct advertisement facts)
{
    struct sight sight = {
        .host = host,
        .link = link,
        .direction = direction,
        .is_public = text_list_has(&facts.tags, SPAN("public")),
        .passes = facts.path.count > 1,
    };
    snprintf(sight.name, sizeof(sight.name), "%.*s", SPAN_ARGS(facts.identity.name));
    return sight;
}

static bool
judge(const struct sight *sight, const struct sim_rules *rules, bool open, char out[SIM_TEXT_MAX])
{
    const struct sim_fact fact = {
        .name = sight->name,
        .is_public = sight->is_public,
        .passes = sight->passes,
    };
    return sight->direction == POLICY_EXPORT ? sim_rules_export(rules, &fact, open, out)
                                             : sim_rules_import(rules, sight->name, out);
}

/* `got`: the name that it has now; empty: rejected. */
static bool
agrees(const struct sight *sight, const struct sim_rules *rules, bool open, struct span got)
{
    char out[SIM_TEXT_MAX];
    return judge(sight, rules, open, out) ? span_is(got, out) : got.size == 0;
}

/* A policy of the link that is in use, or was when some of what is left to judge was judged. */
static bool
any_agrees(const struct sight *sight, struct span got)
{
    const struct sim_host *host = sight->host;
    bool working = rib_has_work(bridge_rib(host->bridge));
    for (uint32_t i = 0; i < host->use_count[sight->link]; i++) {
        const struct sim_policy_use *use = &host->uses[sight->link][i];
        bool open = sim_rules_open(&use->rules, host->stepped_at.ns, host->stepped_at.ns);
        if (use->until == UINT64_MAX && (agrees(sight, &use->rules, open, got) ||
                                            (working && agrees(sight, &use->rules, !open, got)))) {
            return true;
        }
    }
    return false;
}

static void
complain(struct sim_world *world, const struct sight *sight, struct span got)
{
    const struct sim_host *host = sight->host;
    const struct sim_policy_use *use = &host->uses[sight->link][host->use_count[sight->link] - 1];
    bool open = sim_rules_open(&use->rules, host->stepped_at.ns, host->stepped_at.ns);
    char want[SIM_TEXT_MAX];
    bool accepts = judge(sight, &use->rules, open, want);
    sim_world_fail(world, "%s: %s of %s, link to %s: '%.*s', should be '%s'%s", host->name,
        sight->direction == POLICY_EXPORT ? "export" : "import", sight->name,
        sim_federation_names[use->rules.far], SPAN_ARGS(got), accepts ? want : "",
        rib_has_work(bridge_rib(host->bridge)) ? " or as before" : "");
}

/* Denied since another function has the name that it would get; while there is work left, perhaps an old one. */
static bool
is_taken(const struct sight *sight, const struct rib_service_view *view)
{
    const struct sim_host *host = sight->host;
    const struct rib *rib = bridge_rib(host->bridge);
    const struct sim_rules *rules =
        &host->uses[sight->link][host->use_count[sight->link] - 1].rules;
    bool open = sim_rules_open(rules, host->stepped_at.ns, host->stepped_at.ns);
    char want[SIM_TEXT_MAX];
    size_t cursor = 0;
    const struct rib_export *other;
    if (view->exported != NULL ||
        (view->reason != PRUNE_FUNCTION_ID_CONFLICT && view->reason != PRUNE_VERSION_CONFLICT)) {
        return false;
    }
    bool taken = rib_has_work(rib);
    bool wanted = judge(sight, rules, open, want);
    while (!taken && wanted && (other = rib_each_export(rib, sight->link, &cursor)) != NULL) {
        taken = span_is(rib_export_out(other).identity.name, want);
    }
    return taken;
}

static void
judge_exports(struct sim_world *world, const struct sim_host *host, uint32_t link)
{
    const struct rib *rib = bridge_rib(host->bridge);
    struct rib_service_view view;
    size_t cursor = 0;
    while (rib_each_service(rib, link, &cursor, &view)) {
        struct sight sight = see(host, link, POLICY_EXPORT, view.facts);
        struct span got =
            view.exported == NULL ? SPAN_NONE : rib_export_out(view.exported).identity.name;
        if (!is_taken(&sight, &view) && !any_agrees(&sight, got)) {
            complain(world, &sight, got);
        }
    }
}

/* No rule is asked about it. */
static bool
is_loop(const struct sim_world *world, const struct sim_host *host, const struct rib_import *import)
{
    return rib_import_in(import).hops_left == 0 ||
           text_list_has(&kept_attributes(&import->in)->path,
               span_from_text(world->federations[host->federation].name));
}

/* Which sim_damping.h judges. */
static bool
is_held_back(const struct rib_import *import)
{
    return import->state == RIB_IMPORT_REJECTED && import->reason == PRUNE_DAMPED;
}

static void
judge_imports(struct sim_world *world, const struct sim_host *host, uint32_t link)
{
    size_t cursor = 0;
    const struct rib_import *import;
    while ((import = rib_each_import(bridge_rib(host->bridge), link, &cursor)) != NULL) {
        bool accepted = import->state == RIB_IMPORT_CANDIDATE;
        struct span got = accepted ? rib_import_out(import).identity.name : SPAN_NONE;
        struct sight sight = see(host, link, POLICY_IMPORT, rib_import_in(import));
        if (is_loop(world, host, import)) {
            if (accepted || import->reason != PRUNE_LOOP) {
                sim_world_fail(world, "%s: a loop was not refused: %s", host->name, sight.name);
            }
        } else if (!import->blocked && !is_held_back(import) && !any_agrees(&sight, got)) {
            complain(world, &sight, got);
        }
    }
}

/* ---- Limits of what comes in ---- */

/* What a link brings, counted here. */
struct table_use {
    uint64_t total;
    uint64_t admitted;
    uint64_t largest_blocked;
};

static struct table_use
use_table(const struct sim_host *host, uint32_t link, enum policy_limit_kind kind)
{
    struct table_use use = { 0 };
    size_t cursor = 0;
    const struct rib_import *import;
    while ((import = rib_each_import(bridge_rib(host->bridge), link, &cursor)) != NULL) {
        uint64_t size = kind == POLICY_LIMIT_BYTES ? import->in_size : 1;
        use.total += size;
        use.admitted += import->blocked ? 0 : size;
        use.largest_blocked =
            import->blocked && size > use.largest_blocked ? size : use.largest_blocked;
    }
    return use;
}

static bool
limit_blocks(const struct policy_table_limit *limit)
{
    return limit->max > 0 && limit->action == POLICY_LIMIT_BLOCK;
}

static bool
limit_ends(const struct policy_table_limit *limit)
{
    return limit->max > 0 &&
           (limit->action == POLICY_LIMIT_RESTART || limit->action == POLICY_LIMIT_DISABLE);
}

/* All there is room for is let in, in the order in which it came. */
static bool
blocks_rightly(const struct table_use *use, const struct policy_table_limit *limit)
{
    bool full = use->admitted + use->largest_blocked > limit->max;
    return use->admitted == use->total || (use->admitted <= limit->max && full);
}

static void
judge_table_limit(struct sim_world *world, const struct sim_host *host, uint32_t link,
    enum policy_limit_kind kind)
{
    const struct sim_policy_use *policy = &host->uses[link][host->use_count[link] - 1];
    const struct policy_table_limit *limit = &policy->rules.import_limits.table[kind];
    struct bridge_link_stats stats = bridge_link_stats(host->bridge, link);
    struct table_use use = use_table(host, link, kind);
    const char *what = policy_limit_kind_name(kind);
    /* A policy that is new is looked at when the link has something to do next, its keepalive at the latest. */
    bool is_new = world->now_ns < policy->since + 3 * SEC_NS;
    if (limit_blocks(limit) && (use.admitted > limit->max || !blocks_rightly(&use, limit))) {
        sim_world_fail(world, "%s: link %u brings %llu %s, %llu of them let in, max %llu",
            host->name, link, (unsigned long long)use.total, what, (unsigned long long)use.admitted,
            (unsigned long long)limit->max);
    }
    if ((limit_ends(limit) && !is_new && use.total > limit->max) || (stats.held && use.total > 0)) {
        sim_world_fail(world, "%s: link %u brings %llu %s, and should have ended at %llu",
            host->name, link, (unsigned long long)use.total, what, (unsigned long long)limit->max);
    }
}

static void
judge_table(struct sim_world *world, const struct sim_host *host, uint32_t link)
{
    const struct sim_policy_use *policy = &host->uses[link][host->use_count[link] - 1];
    const struct bridge_link_stats stats = bridge_link_stats(host->bridge, link);
    uint64_t total = stats.import_accepted + stats.import_rejected;
    bool down = stats.state == LINK_DOWN || stats.state == LINK_GREETING;
    bool blocks = false;
    bool ends = false;
    if (!sim_world_is_idle(world, host)) {
        return; /* it has not come to that yet */
    }
    for (uint32_t kind = 0; kind < POLICY_LIMIT_KIND_COUNT; kind++) {
        const struct policy_table_limit *limit = &policy->rules.import_limits.table[kind];
        blocks = blocks || limit_blocks(limit);
        ends = ends || limit_ends(limit);
        judge_table_limit(world, host, link, (enum policy_limit_kind)kind);
    }
    if (!blocks && stats.import_blocked > 0) {
        sim_world_fail(world, "%s: %llu functions of link %u are blocked, and no policy says so",
            host->name, (unsigned long long)stats.import_blocked, link);
    }
    bool keeps = stats.suspended || stats.stale_for_ns > 0;
    if (down && total > 0 && (stats.stale < total || !keeps)) {
        sim_world_fail(world, "%s: link %u is down, and %llu functions of it are kept", host->name,
            link, (unsigned long long)total);
    }
    if (stats.stale_for_ns > host->bridge_config.stale_time_ns ||
        stats.suspended_for_ns > host->links[link].session.resume_window_ns) {
        sim_world_fail(world, "%s: link %u keeps what is stale for too long", host->name, link);
    }
    if (stats.held && !ends) {
        sim_world_fail(
            world, "%s: link %u is held, and no policy says so any more", host->name, link);
    }
}

/* ---- Offers ---- */

/* By a bridge: another one of the same federation, perhaps. */
static bool
is_imported(const struct function_endpoint *endpoint)
{
    for (uint32_t i = 0; i < endpoint->tags.count; i++) {
        if (span_starts_with(endpoint->tags.items[i], SPAN("mpreg-bridge:origin="))) {
            return true;
        }
    }
    return false;
}

/* Whether nodes of the cluster itself leave room for it under its name. */
static bool
leaves_room(const struct sim_host *host, const struct rib_import *import)
{
    struct member *member = bridge_member(host->bridge);
    const struct catalog_entry *entry = NULL;
    bool provided = false;
    bool connected = false;
    while ((entry = catalog_next_named(
                member_catalog(member), rib_import_out(import).identity.name, entry)) != NULL) {
        const struct function_endpoint endpoint = catalog_endpoint(entry);
        bool own = span_is(endpoint.key.node_id, host->url) || is_imported(&endpoint);
        provided = provided || !own;
        connected = connected || (!own && member_connected(member, endpoint.key.node_id));
    }
    const struct sim_rules *rules =
        &host->uses[import->link][host->use_count[import->link] - 1].rules;
    switch (rules->overlap) {
    case POLICY_OVERLAP_PREFER_LOCAL:
        return !provided;
    case POLICY_OVERLAP_FAILOVER:
        return !connected;
    case POLICY_OVERLAP_BALANCE:
        return true;
    }
    return false;
}

static bool
offers(const struct sim_host *host, struct span name)
{
    const struct catalog_entry *entry = NULL;
    const struct catalog *catalog = member_catalog(bridge_member(host->bridge));
    while ((entry = catalog_next_named(catalog, name, entry)) != NULL) {
        if (span_is(catalog_endpoint(entry).key.node_id, host->url)) {
            return true;
        }
    }
    return false;
}

/* By any link. */
static bool
should_offer(const struct sim_host *host, struct span name, bool always)
{
    for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
        size_t cursor = 0;
        const struct rib_import *import;
        while ((import = rib_each_import(bridge_rib(host->bridge), link, &cursor)) != NULL) {
            if (import->state == RIB_IMPORT_CANDIDATE &&
                span_equal(rib_import_out(import).identity.name, name) &&
                (always || leaves_room(host, import))) {
                return true;
            }
        }
    }
    return false;
}

static void
judge_offers(struct sim_world *world, const struct sim_host *host)
{
    const struct catalog *catalog = member_catalog(bridge_member(host->bridge));
    bool working = rib_has_work(bridge_rib(host->bridge));
    size_t at = 0;
    const struct catalog_entry *entry;
    while ((entry = catalog_next(catalog, &at)) != NULL) {
        struct span name = identity_name(entry->identity);
        bool offered = span_is(catalog_endpoint(entry).key.node_id, host->url) &&
                       span_find(name, '.') < name.size;
        if (offered && !should_offer(host, name, working)) {
            sim_world_fail(world, "%s offers %.*s, which no link brings or overlap keeps back",
                host->name, SPAN_ARGS(name));
        }
    }
    for (uint32_t link = 0; !working && link < host->bridge_config.link_count; link++) {
        size_t cursor = 0;
        const struct rib_import *import;
        while ((import = rib_each_import(bridge_rib(host->bridge), link, &cursor)) != NULL) {
            if (import->state == RIB_IMPORT_CANDIDATE && leaves_room(host, import) &&
                !offers(host, rib_import_out(import).identity.name)) {
                sim_world_fail(world, "%s does not offer %.*s, which a link brings", host->name,
                    SPAN_ARGS(rib_import_out(import).identity.name));
            }
        }
    }
}

/* What goes on to others is something that came. */
static void
judge_transit(struct sim_world *world, const struct sim_host *host, uint32_t link)
{
    struct rib_service_view view;
    size_t cursor = 0;
    while (rib_each_service(bridge_rib(host->bridge), link, &cursor, &view)) {
        const struct advertisement *facts = &view.facts;
        if (facts->path.count < 2) {
            continue;
        }
        const char *far = sim_federation_names[host->link_far[link]];
        bool goes_back = text_list_has(&facts->path, span_from_text(far));
        if (goes_back || !should_offer(host, facts->identity.name, true)) {
            sim_world_fail(world, "%s passes %.*s on to %s, which %s", host->name,
                SPAN_ARGS(facts->identity.name), far,
                goes_back ? "it came from" : "nobody brings any more");
        }
    }
}

void
sim_judge_bridge(struct sim_world *world, const struct sim_host *host)
{
    for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
        judge_exports(world, host, link);
        judge_imports(world, host, link);
        judge_transit(world, host, link);
        judge_table(world, host, link);
        sim_damping_judge(world, host, link);
        sim_probes_judge(world, host, link);
        sim_stale_judge(world, host, link);
    }
    judge_offers(world, host);
}

/* ---- Comparisons ---- */

static void
compare(const struct sight *sight, struct rib_comparison *counted)
{
    const struct sim_host *host = sight->host;
    int64_t at = host->stepped_at.ns;
    const struct sim_rules *today = &host->rules[sight->link];
    const struct sim_rules *then = &host->reload.rules[sight->link];
    char before[SIM_TEXT_MAX];
    char after[SIM_TEXT_MAX];
    bool accepted = judge(sight, today, sim_rules_open(today, at, at), before);
    bool accepts = judge(sight, then, sim_rules_open(then, at, at), after);
    counted->accepted += accepted;
    counted->counts[RIB_APPEARS] += !accepted && accepts;
    counted->counts[RIB_VANISHES] += accepted && !accepts;
    counted->counts[RIB_RENAMED] += accepted && accepts && strcmp(before, after) != 0;
}

static struct rib_comparison
compare_all(const struct sim_world *world, const struct sim_host *host, uint32_t link)
{
    struct rib_comparison counted = { .is_there = true };
    const struct rib *rib = bridge_rib(host->bridge);
    struct rib_service_view view;
    size_t cursor = 0;
    while (rib_each_service(rib, link, &cursor, &view)) {
        struct sight sight = see(host, link, POLICY_EXPORT, view.facts);
        compare(&sight, &counted);
    }
    cursor = 0;
    const struct rib_import *import;
    while ((import = rib_each_import(rib, link, &cursor)) != NULL) {
        struct sight sight = see(host, link, POLICY_IMPORT, rib_import_in(import));
        if (!import->blocked && !is_loop(world, host, import)) {
            compare(&sight, &counted);
        }
    }
    return counted;
}

static bool
is_guarded(const struct sim_host *host, uint32_t link, const struct rib_comparison *counted)
{
    uint32_t now = host->rules[link].withdraw_max;
    uint32_t then = host->reload.rules[link].withdraw_max;
    uint64_t gone = counted->counts[RIB_VANISHES] + counted->counts[RIB_RENAMED];
    return gone * 100 > counted->accepted * (now < then ? now : then);
}

void
sim_judge_comparison(struct sim_world *world, const struct sim_host *host)
{
    bool guarded = false;
    bool transit = world->judgements_a_step > 0;
    for (uint32_t link = 0; link < host->bridge_config.link_count; link++) {
        transit = transit || host->rules[link].transit || host->reload.rules[link].transit;
    }
    for (uint32_t link = 0; !transit && link < host->bridge_config.link_count; link++) {
        struct rib_comparison got = rib_comparison(bridge_rib(host->bridge), link);
        struct rib_comparison want = compare_all(world, host, link);
        if (!got.is_there) {
            continue; /* the policy that it has */
        }
        guarded = guarded || is_guarded(host, link, &want);
        if (got.accepted != want.accepted ||
            memcmp(got.counts, want.counts, RIB_ALTERED * sizeof(got.counts[0])) != 0) {
            sim_world_fail(world,
                "%s: link %u: of %llu accepted, %llu would vanish and %llu be renamed, not "
                "%llu: %llu and %llu",
                host->name, link, (unsigned long long)want.accepted,
                (unsigned long long)want.counts[RIB_VANISHES],
                (unsigned long long)want.counts[RIB_RENAMED], (unsigned long long)got.accepted,
                (unsigned long long)got.counts[RIB_VANISHES],
                (unsigned long long)got.counts[RIB_RENAMED]);
        }
    }
    bool refused = bridge_reload(host->bridge)->outcome == RELOAD_GUARDED;
    bool should = guarded && host->reload.wish == SIM_WISH_APPLY && !host->reload.force;
    if (!transit && refused != should) {
        sim_world_fail(world, "%s: the guard %s", host->name,
            refused ? "refused what it allows" : "allowed what it should refuse");
    }
}
