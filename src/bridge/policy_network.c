/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_network.c - a chain is proved as an assert is, with a target for each of its steps.
 */
#include "bridge/policy_network.h"

#include <assert.h>

#include "bridge/policy_prove_rules.h"
#include "bridge/policy_prove_search.h"
#include "bridge/policy_prove_view.h"

static_assert(POLICY_NETWORK_STEPS_MAX <= PROVE_STEPS_MAX, "every chain has its views");

/* ---- One chain ---- */

struct crossing {
    struct prover prover;
    struct prove_search search;
    const struct policy_chain *chain;
    uint32_t step_count; /* of the chain; the prover's is of the part that is tried */
    uint64_t looks;
    uint32_t tries;
    struct arena *out;
    struct policy_passage *passage;
};

static bool
accepts_all(const struct prover *prover, const struct prove_trail *trail)
{
    return trail->count == prover->step_count &&
           trail->verdicts[trail->count - 1].action == POLICY_ACCEPT;
}

static void
keep(struct crossing *crossing, const struct prove_case *proven, const struct prove_trail *trail)
{
    struct policy_passage *passage = crossing->passage;
    *passage =
        (struct policy_passage){ .passing = POLICY_PASSES, .in = proven->in, .at = proven->at };
    bool kept = prove_keep(crossing->out, &passage->in);
    for (uint32_t i = 0; i < trail->count; i++) {
        passage->rules[i] = trail->verdicts[i].rule;
        passage->rule_ids[i] = trail->verdicts[i].rule_id;
        passage->names[i] = trail->verdicts[i].out.identity.name;
        kept = kept && prove_keep_text(crossing->out, &passage->names[i]);
    }
    if (!kept) {
        *passage =
            (struct policy_passage){ .passing = POLICY_PASSES_UNDECIDED, .doubt = PROVE_NO_MEMORY };
    }
}

static bool
is_through(void *host, const struct prove_case *proven, const struct prove_trail *trail)
{
    struct crossing *crossing = host;
    bool through = accepts_all(&crossing->prover, trail);
    if (through && crossing->prover.step_count == crossing->step_count) {
        keep(crossing, proven, trail);
    }
    return through;
}

/* A function passes the steps so far by the rules that were chosen. What it needs is not demanded of the rest. */
static bool
passes_so_far(struct crossing *crossing, const struct prove_case *proven)
{
    struct prove_case example = *proven;
    crossing->search.found = false;
    prove_search(&crossing->search, &example);
    return crossing->search.found;
}

static bool
ends_apart(struct span a, struct span b, bool at_front)
{
    size_t size = a.size < b.size ? a.size : b.size;
    return at_front ? !span_equal(span_part(a, 0, size), span_part(b, 0, size))
                    : !span_equal(span_after(a, a.size - size), span_after(b, b.size - size));
}

/* A glance is enough to see that the pattern cannot match. */
static bool
is_apart(const struct prove_text *name, const struct policy_patterns *patterns, uint32_t place)
{
    if (patterns->count == 0 || name->kind == PROVE_TEXT_LOST) {
        return false;
    }
    const struct pattern *pattern = &patterns->items[place];
    if (name->kind == PROVE_TEXT_FIXED) {
        return !pattern_match(pattern, name->before, NULL);
    }
    struct span end = pattern->part_count == 0 ? pattern->prefix : pattern->suffix;
    return ends_apart(name->before, pattern->prefix, true) || ends_apart(name->behind, end, false);
}

static void advance(struct crossing *crossing, const struct prove_case *proven);

/* The next step accepts by a rule, by its patterns at these places. */
static void
advance_by(struct crossing *crossing, const struct prove_case *proven,
    const struct policy_rule *rule, const uint32_t places[2])
{
    struct prover *prover = &crossing->prover;
    uint32_t step = proven->view_count - 1;
    struct prove_case next = *proven;
    prover->step_count = step + 1;
    if (prove_fulfil(prover, &next, step, rule) == PROVE_MET &&
        prove_accept(prover, &next, rule, places) == PROVE_MET &&
        prove_solve(prover, &next) == PROVE_MET) {
        if (passes_so_far(crossing, &next) && prover->step_count < crossing->step_count) {
            crossing->search.found = false;
            advance(crossing, &next);
        }
    }
}

/* Rule by rule, until something is through all steps. As deep as there are steps. */
static void
advance(struct crossing *crossing, const struct prove_case *proven)
{
    struct prover *prover = &crossing->prover;
    uint32_t step = proven->view_count - 1;
    const struct prove_text *name = &proven->views[step].name;
    struct prove_step *at = &prover->steps[step];
    const struct policy_rules *rules = &at->policy->rules[at->direction];
    for (uint32_t i = 0; i < rules->count && !crossing->search.found; i++) {
        const struct policy_rule *rule = rules->items[i];
        at->target = i;
        if (crossing->looks >= POLICY_NETWORK_LOOKS_MAX ||
            crossing->tries >= POLICY_NETWORK_TRIES_MAX) {
            (void)prove_doubt(prover, PROVE_TOO_MANY_STEPS);
            return;
        }
        uint32_t count = rule->action == POLICY_ACCEPT
                             ? prove_choices(&rule->functions) * prove_choices(&rule->function_ids)
                             : 0;
        crossing->looks += count;
        for (uint32_t j = 0; j < count && !crossing->search.found; j++) {
            uint32_t places[] = { j / prove_choices(&rule->function_ids),
                j % prove_choices(&rule->function_ids) };
            if (!is_apart(name, &rule->functions, places[0])) {
                crossing->tries++;
                advance_by(crossing, proven, rule, places);
            }
        }
    }
}

/* The path that a step sees: all federations up to the one that exports. */
static void
prepare(struct crossing *crossing, const struct policy_network *network)
{
    const struct policy_chain *chain = crossing->chain;
    for (uint32_t i = 0; i < chain->step_count; i++) {
        crossing->prover.steps[i] = (struct prove_step){
            .policy = network->members[chain->members[i]].policy,
            .direction = i % 2 == 0 ? POLICY_EXPORT : POLICY_IMPORT,
            .path = { .items = chain->federations, .count = i / 2 + 1 },
        };
    }
}

void
policy_network_prove(const struct policy_network *network, const struct policy_chain *chain,
    struct arena *arena, struct policy_passage *passage)
{
    struct policy_border border = { .own = chain->federations[0], .since = network->since };
    struct crossing crossing = { .prover = { .border = &border },
        .chain = chain,
        .step_count = chain->step_count,
        .out = arena,
        .passage = passage };
    struct prover *prover = &crossing.prover;
    struct prove_demand own_only = {
        .kind = PROVE_COUNT, .part = PROVE_PATH, .count_min = 1, .count_max = 1
    };
    struct prove_case first;
    CHECK(chain->step_count > 0);
    CHECK(chain->step_count <= POLICY_NETWORK_STEPS_MAX);
    crossing.search =
        (struct prove_search){ .prover = prover, .is_wanted = is_through, .host = &crossing };
    arena_init(&prover->arena, arena->mem);
    arena_init(&prover->scratch, arena->mem);
    prepare(&crossing, network);
    if (prove_begin(prover, &first) && prove_demand(prover, &first, &own_only)) {
        advance(&crossing, &first);
    }
    arena_destroy(&prover->scratch);
    arena_destroy(&prover->arena);
    if (!crossing.search.found) {
        bool sure = prover->doubt == PROVE_SURE;
        *passage = (struct policy_passage){
            .passing = sure ? POLICY_PASSES_NOTHING : POLICY_PASSES_UNDECIDED,
            .doubt = prover->doubt,
        };
    }
}

/* ---- All chains ---- */

static bool
leads(const struct policy_member *member, struct span from, struct span to)
{
    return span_equal(member->federation, from) && text_list_has(&member->far, to);
}

static bool
has_member(const struct policy_network *network, struct span from, struct span to)
{
    bool found = false;
    for (uint32_t i = 0; i < network->member_count && !found; i++) {
        found = leads(&network->members[i], from, to);
    }
    return found;
}

bool
policy_network_has_border(const struct policy_network *network, struct span from, struct span to)
{
    return has_member(network, from, to) && has_member(network, to, from);
}

/* Every choice of members for the steps from `step` on, until something passes. As deep as a chain has steps. */
static void
prove_by_members(const struct policy_tour *tour, struct policy_chain *chain, uint32_t step,
    struct policy_passage *passage)
{
    const struct policy_network *network = tour->network;
    if (step == chain->step_count) {
        struct policy_passage one;
        policy_network_prove(network, chain, tour->arena, &one);
        /* What passes is better than what is undecided, and that than nothing. */
        bool better = one.passing == POLICY_PASSES || passage->passing == POLICY_PASSES_NOTHING;
        *passage = better ? one : *passage;
        return;
    }
    struct span here = chain->federations[step / 2];
    struct span there = chain->federations[step / 2 + 1];
    bool is_export = step % 2 == 0;
    for (uint32_t i = 0; i < network->member_count && passage->passing != POLICY_PASSES; i++) {
        bool right = is_export ? leads(&network->members[i], here, there)
                               : leads(&network->members[i], there, here);
        bool allowed =
            step > 0 || tour->first_member == POLICY_ANY_MEMBER || tour->first_member == i;
        if (right && allowed) {
            chain->members[step] = i;
            prove_by_members(tour, chain, step + 1, passage);
        }
    }
}

bool
policy_network_is_first(const struct policy_network *network, uint32_t member)
{
    uint32_t first = 0;
    while (!span_equal(network->members[first].federation, network->members[member].federation)) {
        first++;
    }
    return first == member;
}

static bool
has_passed(const struct policy_chain *chain, struct span federation)
{
    struct text_list passed = { .items = chain->federations, .count = chain->federation_count };
    return text_list_has(&passed, federation);
}

/* One border more, to each federation in turn. As deep as a chain has borders. */
static void
go_further(const struct policy_tour *tour, const struct policy_chain *chain)
{
    const struct policy_network *network = tour->network;
    struct span here = chain->federations[chain->federation_count - 1];
    for (uint32_t i = 0; i < network->member_count; i++) {
        struct span next = network->members[i].federation;
        bool is_loop = has_passed(chain, next);
        if (!policy_network_is_first(network, i) || span_equal(next, here) ||
            !policy_network_has_border(network, here, next)) {
            continue;
        }
        struct policy_chain longer = *chain;
        struct policy_passage passage = { .passing = POLICY_PASSES_NOTHING };
        longer.federations[longer.federation_count] = next;
        longer.federation_count++;
        longer.step_count += 2;
        prove_by_members(tour, &longer, 0, &passage);
        tour->visit(tour->host, &longer, &passage, is_loop);
        if (!is_loop && passage.passing != POLICY_PASSES_NOTHING &&
            longer.federation_count <= POLICY_NETWORK_HOPS_MAX) {
            go_further(tour, &longer);
        }
    }
}

void
policy_network_tour(const struct policy_tour *tour, struct span federation)
{
    struct policy_chain chain = { .federations = { federation }, .federation_count = 1 };
    go_further(tour, &chain);
}

const char *
policy_passing_name(enum policy_passing passing)
{
    switch (passing) {
    case POLICY_PASSES:
        return "passes";
    case POLICY_PASSES_NOTHING:
        return "nothing";
    case POLICY_PASSES_UNDECIDED:
        return "undecided";
    }
    return "unknown";
}
