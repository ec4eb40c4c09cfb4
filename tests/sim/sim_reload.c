/* SPDX-License-Identifier: Apache-2.0 */
/* sim_reload.c - operators, and the model of what their wishes lead to. */
#include "tests/sim/sim_reload.h"

#include "tests/sim/sim_judge.h"

/* A bridge that was asked for something is done within this, unless it was told to wait. */
#define SETTLE_NS (30 * SEC_NS)

static uint32_t
link_count(const struct sim_host *host)
{
    return host->bridge_config.link_count;
}

/* ---- The account of policies in use ---- */

static void
begin_use(
    struct sim_world *world, struct sim_host *host, uint32_t link, const struct sim_rules *rules)
{
    CHECK(host->use_count[link] < SIM_USES_MAX);
    host->uses[link][host->use_count[link]++] = (struct sim_policy_use){
        .rules = *rules,
        .since = world->now_ns,
        .until = UINT64_MAX,
    };
}

/* Of all but the newest, or of all. */
static void
end_uses(struct sim_world *world, struct sim_host *host, uint32_t link, uint32_t kept)
{
    for (uint32_t i = 0; i + kept < host->use_count[link]; i++) {
        struct sim_policy_use *use = &host->uses[link][i];
        use->until = use->until == UINT64_MAX ? world->now_ns : use->until;
    }
}

/* A reload may need two more, each start of the bridge one, and so does the end. */
static bool
has_room(const struct sim_host *host)
{
    bool room = true;
    for (uint32_t link = 0; link < link_count(host); link++) {
        room = room && host->use_count[link] < SIM_USES_MAX / 2;
    }
    return room;
}

static bool
is_replacing(const struct sim_host *host)
{
    bool replacing = false;
    for (uint32_t link = 0; link < link_count(host); link++) {
        replacing = replacing || rib_replacing(bridge_rib(host->bridge), link);
    }
    return replacing;
}

/* ---- The end of a wish ---- */

static void
give_wanted(struct sim_host *host)
{
    for (uint32_t link = 0; link < link_count(host); link++) {
        policy_unref(host->reload.policies[link]);
    }
    host->reload = (struct sim_reload){ .wish = SIM_WISH_NONE };
}

/* Those in use are those that a start would find from now on. */
static void
keep_wanted(struct sim_host *host)
{
    for (uint32_t link = 0; link < link_count(host); link++) {
        policy_unref(host->policies[link]);
        host->policies[link] = policy_ref(host->reload.policies[link]);
        host->links[link].policy = host->policies[link];
        host->rules[link] = host->reload.rules[link];
    }
    give_wanted(host);
}

/* ---- The model ---- */

static bool
is_wanted(const struct sim_host *host, uint32_t link)
{
    return host->reload.wish != SIM_WISH_NONE &&
           host->reload.policies[link] != host->policies[link];
}

/* Whether the wanted ones are in use: all of them, or none. */
static bool
find_in_use(struct sim_world *world, struct sim_host *host)
{
    uint32_t before = 0;
    uint32_t after = 0;
    for (uint32_t link = 0; link < link_count(host); link++) {
        const struct policy *used = rib_policy(bridge_rib(host->bridge), link);
        if (is_wanted(host, link)) {
            before += used == host->policies[link];
            after += used == host->reload.policies[link];
        } else if (used != host->policies[link]) {
            sim_world_fail(
                world, "%s: link %u judges by a policy that nobody asked for", host->name, link);
        }
    }
    if (before > 0 && after > 0) {
        sim_world_fail(world, "%s: some links have their new policies, some do not", host->name);
    }
    return after > 0;
}

static void
note_uses(struct sim_world *world, struct sim_host *host, bool applied)
{
    struct sim_reload *reload = &host->reload;
    bool may = applied ? reload->wish == SIM_WISH_APPLY && !reload->goes_back : reload->goes_back;
    if (!may) {
        sim_world_fail(world, "%s: policies were %s, which nobody asked for", host->name,
            applied ? "applied" : "taken back");
    }
    reload->applied = applied;
    for (uint32_t link = 0; link < link_count(host); link++) {
        if (is_wanted(host, link)) {
            begin_use(world, host, link, applied ? &reload->rules[link] : &host->rules[link]);
        }
    }
}

static void
expect(struct sim_world *world, const struct sim_host *host, bool claim, const char *what)
{
    const struct reload *reload = bridge_reload(host->bridge);
    if (!claim) {
        sim_world_fail(world, "%s: %s (reload %s, %s)", host->name, what,
            reload_state_name(reload->state), reload_outcome_name(reload->outcome));
    }
}

static bool
changes_anything(const struct sim_host *host)
{
    bool changes = false;
    for (uint32_t link = 0; link < link_count(host); link++) {
        changes = changes || is_wanted(host, link);
    }
    return changes;
}

static void
on_ended(struct sim_world *world, struct sim_host *host)
{
    struct sim_reload *wish = &host->reload;
    enum reload_outcome outcome = bridge_reload(host->bridge)->outcome;
    bool applied = wish->applied || !changes_anything(host);
    bool kept = false;
    world->reloads[outcome]++;
    switch (outcome) {
    case RELOAD_NONE:
        expect(world, host, false, "it ended without saying how");
        break;
    case RELOAD_COMPARED:
        expect(world, host, wish->wish == SIM_WISH_DIFFERENCES, "differences were not asked for");
        break;
    case RELOAD_APPLIED:
        expect(world, host, wish->wish == SIM_WISH_APPLY && applied, "nothing was applied");
        expect(world, host, wish->confirm_within_ns == 0 || wish->confirmed, "nobody confirmed it");
        kept = true;
        break;
    case RELOAD_GUARDED:
        expect(world, host, wish->wish == SIM_WISH_APPLY && !wish->force, "it was forced");
        expect(world, host, !wish->applied, "it was guarded, and applied");
        break;
    case RELOAD_REVERTED:
        expect(world, host, wish->goes_back && !wish->applied, "it was reverted without a reason");
        break;
    case RELOAD_NO_MEMORY:
        expect(world, host, false, "there was memory");
        break;
    }
    if (kept) {
        keep_wanted(host);
    } else {
        give_wanted(host);
    }
}

static void
follow_state(struct sim_world *world, struct sim_host *host, bool was_applied)
{
    struct sim_reload *wish = &host->reload;
    switch (bridge_reload(host->bridge)->state) {
    case RELOAD_IDLE:
        if (!was_applied) {
            sim_judge_comparison(world, host);
        }
        on_ended(world, host);
        break;
    case RELOAD_COMPARING:
        expect(world, host, wish->wish != SIM_WISH_SHADOW, "a shadow is never done");
        break;
    case RELOAD_APPLYING:
        if (!was_applied) {
            sim_judge_comparison(world, host);
        }
        break;
    case RELOAD_CONFIRMING:
        if (wish->confirming_until == 0) {
            wish->confirming_until = world->now_ns + wish->confirm_within_ns;
        }
        expect(world, host, wish->confirm_within_ns > 0, "no confirmation is wanted");
        expect(world, host, world->now_ns < wish->confirming_until && !wish->goes_back,
            "what nobody confirmed is still in use");
        break;
    case RELOAD_REVERTING:
        expect(world, host, wish->goes_back, "it goes back without a reason");
        break;
    case RELOAD_SHADOWING:
        expect(world, host, wish->wish == SIM_WISH_SHADOW, "a shadow was not asked for");
        break;
    }
}

void
sim_reload_stepped(struct sim_world *world, struct sim_host *host)
{
    struct sim_reload *wish = &host->reload;
    bool late = wish->confirming_until > 0 && world->now_ns >= wish->confirming_until;
    wish->goes_back = wish->goes_back || (late && !wish->confirmed);
    bool was_applied = wish->applied;
    bool applied = find_in_use(world, host);
    if (applied != was_applied) {
        note_uses(world, host, applied);
    }
    if (wish->wish != SIM_WISH_NONE) {
        follow_state(world, host, was_applied);
    }
    for (uint32_t link = 0; link < link_count(host); link++) {
        if (!rib_replacing(bridge_rib(host->bridge), link)) {
            end_uses(world, host, link, 1);
        }
    }
}

void
sim_reload_started(struct sim_world *world, struct sim_host *host)
{
    for (uint32_t link = 0; link < link_count(host); link++) {
        begin_use(world, host, link, &host->rules[link]);
    }
}

void
sim_reload_died(struct sim_world *world, struct sim_host *host)
{
    give_wanted(host);
    for (uint32_t link = 0; link < link_count(host); link++) {
        end_uses(world, host, link, 0);
    }
}

/* ---- Operators ---- */

static void
draw_policies(struct sim_world *world, struct sim_host *host)
{
    struct sim_reload *wish = &host->reload;
    for (uint32_t link = 0; link < link_count(host); link++) {
        const struct sim_rules *now = &host->rules[link];
        uint64_t how = prng_below(&world->prng, 4);
        wish->rules[link] = *now;
        if (how == 0) {
            wish->policies[link] = policy_ref(host->policies[link]);
            continue;
        }
        wish->rules[link] = how == 1
                                ? sim_rules_draw(&world->prng, now->own, now->far, &world->taste)
                                : sim_rules_redraw(&world->prng, now, &world->taste);
        wish->policies[link] = sim_rules_compile(&wish->rules[link], &world->mem);
    }
}

static bool
ask_bridge(struct sim_host *host)
{
    struct sim_reload *wish = &host->reload;
    const struct reload_request request = {
        .policies = wish->policies,
        .apply = wish->wish == SIM_WISH_APPLY,
        .force = wish->force,
        .confirm_within_ns = wish->confirm_within_ns,
    };
    return wish->wish == SIM_WISH_SHADOW ? bridge_shadow_begin(host->bridge, wish->policies)
                                         : bridge_reload_begin(host->bridge, &request);
}

static void
ask(struct sim_world *world, struct sim_host *host)
{
    struct prng *prng = &world->prng;
    uint64_t what = prng_below(prng, 6);
    bool confirm = prng_below(prng, 2) == 0;
    host->reload = (struct sim_reload){
        .wish = what == 0   ? SIM_WISH_DIFFERENCES
                : what == 1 ? SIM_WISH_SHADOW
                            : SIM_WISH_APPLY,
        .force = prng_below(prng, 3) == 0,
        .confirm_within_ns = confirm ? SEC_NS + prng_below(prng, 8 * SEC_NS) : 0,
        .acts_at = world->now_ns + prng_below(prng, 10 * SEC_NS),
        .confirms = prng_below(prng, 2) == 0,
    };
    draw_policies(world, host);
    bool shadow = host->reload.wish == SIM_WISH_SHADOW;
    bool may = shadow || !is_replacing(host);
    bool begun = ask_bridge(host);
    if (begun != may) {
        sim_world_fail(world, "%s: a reload was %s", host->name,
            begun ? "begun while another one was under way" : "refused without a reason");
    }
    if (begun) {
        sim_world_wake(world, host);
    } else {
        give_wanted(host);
    }
}

/* Another one asks while the first is not done: nothing may come of that. */
static void
ask_in_vain(struct sim_world *world, struct sim_host *host)
{
    bool begun = ask_bridge(host);
    if (begun) {
        sim_world_fail(world, "%s: a second reload was begun", host->name);
    }
}

static void
end_shadow(struct sim_world *world, struct sim_host *host)
{
    bool ended = bridge_forget_differences(host->bridge);
    if (!ended) {
        sim_world_fail(world, "%s: its shadow does not end", host->name);
    }
    give_wanted(host);
}

/* The operator comes back to what was begun before. */
static void
decide(struct sim_world *world, struct sim_host *host)
{
    struct sim_reload *wish = &host->reload;
    if (wish->wish == SIM_WISH_SHADOW) {
        end_shadow(world, host);
    } else if (bridge_reload(host->bridge)->state != RELOAD_CONFIRMING) {
        wish->acts_at = world->now_ns + SEC_NS;
    } else if (wish->confirms) {
        wish->confirmed = bridge_reload_confirm(host->bridge);
        sim_world_wake(world, host);
    } else if (prng_below(&world->prng, 2) == 0) {
        wish->goes_back = bridge_reload_revert(host->bridge);
        sim_world_wake(world, host);
    } else {
        wish->acts_at = UINT64_MAX; /* let it go back by itself */
    }
}

static bool
answers(const struct sim_world *world, const struct sim_host *host)
{
    return host->alive && host->stops_until == 0 && host->frozen_until <= world->now_ns;
}

void
sim_reload_act(struct sim_world *world)
{
    const struct sim_federation *federation =
        &world->federations[prng_below(&world->prng, world->federation_count)];
    uint64_t which = prng_below(&world->prng, federation->bridge_count);
    struct sim_host *host = &world->hosts[federation->bridges[which]];
    bool wanted = prng_chance(&world->prng, world->faults.reload_permille);
    if (wanted && answers(world, host) && host->reload.wish == SIM_WISH_NONE && has_room(host)) {
        ask(world, host);
    } else if (wanted && answers(world, host) && host->reload.wish == SIM_WISH_APPLY) {
        ask_in_vain(world, host);
    }
    for (uint32_t i = 0; i < world->host_count; i++) {
        host = &world->hosts[i];
        bool due = host->is_bridge && host->reload.wish != SIM_WISH_NONE &&
                   world->now_ns >= host->reload.acts_at;
        if (due && answers(world, host)) {
            decide(world, host);
        }
    }
}

/* ---- The end ---- */

static bool
is_busy(const struct sim_world *world, const struct sim_host *host)
{
    return !answers(world, host) || host->reload.wish != SIM_WISH_NONE || is_replacing(host);
}

static bool
anybody_is_busy(const struct sim_world *world)
{
    bool busy = false;
    for (uint32_t i = 0; i < world->host_count; i++) {
        const struct sim_host *host = &world->hosts[i];
        busy = busy || (host->is_bridge && is_busy(world, host));
    }
    return busy;
}

static void
wait_until_done(struct sim_world *world, const char *what)
{
    uint64_t until = world->now_ns + SETTLE_NS;
    while (anybody_is_busy(world) && world->now_ns < until) {
        for (uint32_t i = 0; i < world->host_count; i++) {
            struct sim_host *host = &world->hosts[i];
            if (host->is_bridge && answers(world, host) && host->reload.wish != SIM_WISH_NONE) {
                decide(world, host);
            }
        }
        sim_world_run(world, world->now_ns + SEC_NS);
    }
    if (anybody_is_busy(world)) {
        sim_world_fail(world, "%s: not done after %.0f s", what, (double)SETTLE_NS / 1e9);
    }
}

void
sim_reload_settle(struct sim_world *world)
{
    wait_until_done(world, "reloads that were under way");
    for (uint32_t i = 0; i < world->host_count && !world->failed; i++) {
        struct sim_host *host = &world->hosts[i];
        if (!host->is_bridge) {
            continue;
        }
        host->reload = (struct sim_reload){ .wish = SIM_WISH_APPLY, .force = true };
        for (uint32_t link = 0; link < link_count(host); link++) {
            host->reload.rules[link] = host->rules[link];
            host->reload.rules[link].import_limits = (struct policy_import_limits){ 0 };
            host->reload.policies[link] = sim_rules_compile(&host->reload.rules[link], &world->mem);
        }
        if (!ask_bridge(host)) {
            sim_world_fail(world, "%s refuses to end its limits of what comes in", host->name);
        }
        sim_world_wake(world, host);
    }
    wait_until_done(world, "policies without limits of what comes in");
}
