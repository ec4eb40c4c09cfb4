/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_prove.c - the search for an advertisement that breaks a promise.
 *
 * A "never" is asked of each rule that accepts: is there an advertisement of the question that it is the first to match? An
 * "always" is asked of each rule that rejects, and of the default behind all of them.
 */
#include "bridge/policy_prove.h"

#include "bridge/pattern_search.h"
#include "bridge/policy_prove_rules.h"
#include "bridge/policy_prove_search.h"
#include "bridge/policy_prove_view.h"
#include "core/limits.h"

struct proving {
    struct prover prover;
    struct prove_search search;
    const struct policy_rules *rules;
    enum policy_claim claim;
    struct policy *question; /* the query's conditions, as the only rule of a policy */
    const struct policy_rule *asked;
    struct policy_patterns except;
    struct policy_patterns as_functions;
    struct policy_patterns as_except;
    struct arena *out;
    struct policy_proof *proof;
};

/* ---- The question ---- */

static bool
compile_patterns(
    struct proving *proving, const struct text_list *texts, struct policy_patterns *patterns)
{
    struct pattern *items = arena_take(proving->out, texts->count * sizeof(*items));
    bool made = items != NULL;
    for (uint32_t i = 0; made && i < texts->count; i++) {
        enum pattern_result result = pattern_compile(texts->items[i], proving->out, &items[i]);
        CHECK(result == PATTERN_OK || result == PATTERN_NO_MEMORY);
        made = result == PATTERN_OK;
    }
    *patterns = (struct policy_patterns){ .items = items, .count = texts->count };
    return made;
}

/* false: no memory. */
static bool
compile_question(struct proving *proving, const struct policy_query *query)
{
    struct policy_rule_source rule = query->match;
    enum policy_direction direction = proving->prover.steps[0].direction;
    struct policy_source source = { .name = SPAN("question") };
    struct policy_fault fault;
    /* Only its conditions; transit, so that it has none of its own. */
    rule.id = SPAN("question");
    rule.action = POLICY_ACCEPT;
    rule.transit = true;
    rule.set_function = SPAN_NONE;
    rule.set_function_id = SPAN_NONE;
    source.rules[direction] = &rule;
    source.rule_count[direction] = 1;
    proving->question = policy_create(&source, proving->out->mem, &fault);
    if (proving->question == NULL) {
        CHECK(fault.result == POLICY_NO_MEMORY);
        return false;
    }
    proving->asked = proving->question->rules[direction].items[0];
    return compile_patterns(proving, &query->except, &proving->except) &&
           compile_patterns(proving, &query->as_functions, &proving->as_functions) &&
           compile_patterns(proving, &query->as_except, &proving->as_except);
}

/* The question asks about what gets this name. */
static bool
asks_about_made(const struct proving *proving, struct span name)
{
    return (proving->as_functions.count == 0 || prove_some_match(&proving->as_functions, name)) &&
           !prove_some_match(&proving->as_except, name);
}

/* ---- One example ---- */

static bool
asks_about_path(const struct proving *proving)
{
    const struct policy_conditions *asked = proving->asked->more;
    return asked != NULL && (asked->origins.count > 0 || asked->path_includes.count > 0 ||
                                asked->path_excludes.count > 0 || asked->hops_max != UINT32_MAX);
}

/* Another rule would decide if no federation were named. */
static bool
path_decides(struct proving *proving, const struct prove_case *proven, uint32_t rule)
{
    struct prove_case nowhere = *proven;
    struct prove_trail trail;
    nowhere.in.origin = SPAN_NONE;
    nowhere.in.path.count = 0;
    return !prove_judge(&proving->prover, &nowhere, &trail) || trail.verdicts[0].rule != rule;
}

/* Take what was found out of the memory that it was found in. */
static void
keep(struct proving *proving, const struct prove_case *proven, const struct policy_verdict *verdict)
{
    struct policy_proof *proof = proving->proof;
    *proof = (struct policy_proof){
        .result = PROVE_BROKEN,
        .in = proven->in,
        .at = proven->at,
        .action = verdict->action,
        .rule = verdict->rule,
        .rule_id = verdict->rule_id,
        .becomes = verdict->action == POLICY_ACCEPT ? verdict->out.identity.name : SPAN_NONE,
    };
    bool kept =
        prove_keep(proving->out, &proof->in) && prove_keep_text(proving->out, &proof->becomes);
    proof->path_matters = asks_about_path(proving) || path_decides(proving, proven, verdict->rule);
    if (!kept) {
        proof->result = PROVE_UNDECIDED;
        proof->doubt = PROVE_NO_MEMORY;
    }
}

/* The verdict breaks the promise: then it is the proof. */
static bool
breaks(void *host, const struct prove_case *proven, const struct prove_trail *trail)
{
    struct proving *proving = host;
    const struct policy_verdict *verdict = &trail->verdicts[0];
    bool rejected = verdict->rule == POLICY_NO_RULE ||
                    proving->rules->items[verdict->rule]->action == POLICY_REJECT;
    bool broken = proving->claim == POLICY_ALWAYS
                      ? rejected
                      : verdict->action == POLICY_ACCEPT &&
                            asks_about_made(proving, verdict->out.identity.name);
    if (broken) {
        keep(proving, proven, verdict);
    }
    return broken;
}

/* ---- Where to search ---- */

/* The question by one of its patterns on names and one on ids. Not solved. */
static enum prove_fit
begin(struct proving *proving, const uint32_t places[2], struct prove_case *proven)
{
    struct prover *prover = &proving->prover;
    struct prove_demand except = {
        .kind = PROVE_MATCHES_NOT, .part = PROVE_NAME, .patterns = proving->except
    };
    /* What others serve is rejected unless a rule says transit: who promises to export all of it will say so. */
    struct prove_demand own_only = {
        .kind = PROVE_COUNT, .part = PROVE_PATH, .count_min = 1, .count_max = 1
    };
    bool is_own_only = proving->claim == POLICY_ALWAYS &&
                       prover->steps[0].direction == POLICY_EXPORT && !asks_about_path(proving);
    if (!prove_begin(prover, proven)) {
        return PROVE_DOUBTFUL;
    }
    enum prove_fit fit = prove_match(prover, proven, proving->asked, places);
    if (fit == PROVE_MET &&
        ((except.patterns.count > 0 && !prove_demand(prover, proven, &except)) ||
            (is_own_only && !prove_demand(prover, proven, &own_only)))) {
        fit = PROVE_DOUBTFUL;
    }
    return fit == PROVE_MET ? prove_fulfil(prover, proven, 0, proving->asked) : fit;
}

static void
search_solved(struct proving *proving, struct prove_case *proven)
{
    if (prove_solve(&proving->prover, proven) == PROVE_MET) {
        prove_search(&proving->search, proven);
    }
}

/* What no rule matches. */
static void
search_default(struct proving *proving)
{
    const struct policy_rule *asked = proving->asked;
    proving->prover.steps[0].target = POLICY_NO_RULE;
    for (uint32_t i = 0; i < prove_choices(&asked->functions) && !proving->search.found; i++) {
        for (uint32_t j = 0; j < prove_choices(&asked->function_ids) && !proving->search.found;
             j++) {
            struct prove_case proven;
            if (begin(proving, (uint32_t[]){ i, j }, &proven) == PROVE_MET) {
                search_solved(proving, &proven);
            }
            arena_reset(&proving->prover.arena);
        }
    }
}

/* ---- Renames that cannot be followed ---- */

/* Names that are made, of which some is asked about: names that it is made of are guessed, and tried. */
struct guessing {
    struct proving *proving;
    const struct prove_case *proven;
    const struct pattern_template *made;
    const struct pattern *pattern;
    const struct pattern *output;
    struct pattern_demand *demands;
    uint32_t demand_count;
};

/* false: no memory, and there is doubt. */
static bool
demand_output(struct guessing *guessing, uint32_t as_function)
{
    struct proving *proving = guessing->proving;
    uint32_t most = 2 + proving->as_except.count + POLICY_PROVE_NAMES_MAX;
    struct pattern_demand *demands =
        arena_take(&proving->prover.arena, most * sizeof(*guessing->demands));
    uint32_t count = 0;
    if (demands == NULL) {
        (void)prove_doubt(&proving->prover, PROVE_NO_MEMORY);
        return false;
    }
    demands[count++] = (struct pattern_demand){ .pattern = guessing->output };
    if (proving->as_functions.count > 0) {
        const struct pattern *pattern = &proving->as_functions.items[as_function];
        demands[count++] = (struct pattern_demand){ .pattern = pattern };
    }
    for (uint32_t i = 0; i < proving->as_except.count; i++) {
        const struct pattern *pattern = &proving->as_except.items[i];
        demands[count++] = (struct pattern_demand){ .pattern = pattern, .excluded = true };
    }
    guessing->demands = demands;
    guessing->demand_count = count;
    return true;
}

/* A name of which the rule makes `name`. */
static void
try_source(const struct guessing *guessing, struct span name)
{
    const struct policy_made_filling filling = { .segment = SPAN("x"), .anything = SPAN("") };
    struct prover *prover = &guessing->proving->prover;
    struct prove_case one = *guessing->proven;
    struct pattern *literal = arena_take(&prover->arena, sizeof(*literal));
    struct span source = policy_made_source(
        guessing->made, guessing->pattern, guessing->output, &filling, name, &prover->arena);
    if (literal == NULL || source.data == NULL) {
        return;
    }
    *literal = prove_literal(source);
    struct prove_demand demand = {
        .kind = PROVE_MATCHES, .part = PROVE_NAME, .patterns = { .items = literal, .count = 1 }
    };
    if (prove_demand(prover, &one, &demand)) {
        search_solved(guessing->proving, &one);
    }
}

/* false: no name that is asked about is ever made. */
static bool
guess(struct guessing *guessing)
{
    struct proving *proving = guessing->proving;
    struct prover *prover = &proving->prover;
    for (uint32_t i = 0; i < POLICY_PROVE_NAMES_MAX && !proving->search.found; i++) {
        struct pattern_question question = { .demands = guessing->demands,
            .count = guessing->demand_count };
        struct pattern *literal = arena_take(&prover->arena, sizeof(*literal));
        struct span name;
        enum pattern_answer answer = pattern_search(&question, &prover->arena, &name);
        if (answer == PATTERN_SEARCH_OVER || literal == NULL) {
            (void)prove_doubt(prover, PROVE_HARD_PATTERNS);
            return true;
        }
        if (answer == PATTERN_NOWHERE) {
            return i > 0;
        }
        try_source(guessing, name);
        *literal = prove_literal(name);
        guessing->demands[guessing->demand_count++] =
            (struct pattern_demand){ .pattern = literal, .excluded = true };
    }
    return true;
}

static void
search_lost(struct proving *proving, struct prove_case *proven, uint32_t function)
{
    const struct policy_rule *rule = proving->rules->items[proving->prover.steps[0].target];
    struct guessing guessing = { .proving = proving,
        .proven = proven,
        .made = &rule->rewrites->function,
        .pattern = &rule->functions.items[function],
        .output = proven->views[1].name.pattern };
    bool possible = proving->as_functions.count == 0 && proving->as_except.count == 0;
    for (uint32_t i = 0; !possible && i < prove_choices(&proving->as_functions); i++) {
        possible = !demand_output(&guessing, i) || guess(&guessing);
    }
    if (possible && !proving->search.found) {
        search_solved(proving, proven);
    }
}

/* ---- Targets ---- */

/* The name that is made: one of the patterns that the question asks about, and none of its exceptions. */
static void
search_made(struct proving *proving, const struct prove_case *proven)
{
    struct prover *prover = &proving->prover;
    struct prove_demand except = {
        .kind = PROVE_MATCHES_NOT, .part = PROVE_NAME, .patterns = proving->as_except
    };
    for (uint32_t i = 0; i < prove_choices(&proving->as_functions) && !proving->search.found; i++) {
        struct prove_case one = *proven;
        struct prove_demand matches = { .kind = PROVE_MATCHES, .part = PROVE_NAME };
        enum prove_fit fit = PROVE_MET;
        if (proving->as_functions.count > 0) {
            matches.patterns.items = &proving->as_functions.items[i];
            matches.patterns.count = 1;
            fit = prove_require(prover, &one, 1, &matches);
        }
        if (fit == PROVE_MET && except.patterns.count > 0) {
            fit = prove_require(prover, &one, 1, &except);
        }
        if (fit == PROVE_MET) {
            search_solved(proving, &one);
        }
    }
}

static bool
is_apart(const struct policy_patterns *a, uint32_t i, const struct policy_patterns *b, uint32_t j)
{
    return a->count > 0 && b->count > 0 && prove_patterns_apart(&a->items[i], &b->items[j]);
}

/* The question, by the patterns at these places, and the target's patterns at those. */
static void
search_places(struct proving *proving, const struct prove_case *base, const uint32_t places[2])
{
    struct prover *prover = &proving->prover;
    const struct policy_rule *rule = proving->rules->items[prover->steps[0].target];
    struct prove_case proven = *base;
    if (prove_accept(prover, &proven, rule, places) != PROVE_MET) {
        return;
    }
    if (proven.views[1].name.kind == PROVE_TEXT_LOST) {
        search_lost(proving, &proven, places[0]);
    } else {
        search_made(proving, &proven);
    }
}

/* One of the question's patterns on names and one on ids, against one rule. */
static void
search_target(struct proving *proving, const uint32_t asked_places[2])
{
    struct prover *prover = &proving->prover;
    const struct policy_rule *asked = proving->asked;
    const struct policy_rule *rule = proving->rules->items[prover->steps[0].target];
    struct prove_case base;
    bool begun = false;
    for (uint32_t i = 0; i < prove_choices(&rule->functions) && !proving->search.found; i++) {
        if (is_apart(&asked->functions, asked_places[0], &rule->functions, i)) {
            continue;
        }
        if (!begun && (begin(proving, asked_places, &base) != PROVE_MET ||
                          prove_fulfil(prover, &base, 0, rule) != PROVE_MET ||
                          prove_solve(prover, &base) != PROVE_MET)) {
            break;
        }
        begun = true;
        for (uint32_t j = 0; j < prove_choices(&rule->function_ids) && !proving->search.found;
             j++) {
            if (!is_apart(&asked->function_ids, asked_places[1], &rule->function_ids, j)) {
                search_places(proving, &base, (uint32_t[]){ i, j });
            }
        }
    }
    arena_reset(&prover->arena);
}

static void
search_all(struct proving *proving)
{
    const struct policy_rule *asked = proving->asked;
    bool always = proving->claim == POLICY_ALWAYS;
    enum policy_action action = always ? POLICY_REJECT : POLICY_ACCEPT;
    for (uint32_t rule = 0; rule < proving->rules->count && !proving->search.found; rule++) {
        proving->prover.steps[0].target = rule;
        if (proving->rules->items[rule]->action != action) {
            continue;
        }
        for (uint32_t i = 0; i < prove_choices(&asked->functions) && !proving->search.found; i++) {
            for (uint32_t j = 0; j < prove_choices(&asked->function_ids) && !proving->search.found;
                 j++) {
                search_target(proving, (uint32_t[]){ i, j });
            }
        }
    }
    if (always && !proving->search.found) {
        search_default(proving);
    }
}

/* ---- Promises ---- */

static void
prove_query(struct proving *proving, const struct policy_query *query)
{
    struct prover *prover = &proving->prover;
    proving->search =
        (struct prove_search){ .prover = prover, .is_wanted = breaks, .host = proving };
    arena_init(&prover->arena, proving->out->mem);
    arena_init(&prover->scratch, proving->out->mem);
    if (!compile_question(proving, query)) {
        (void)prove_doubt(prover, PROVE_NO_MEMORY);
    } else {
        search_all(proving);
    }
    policy_unref(proving->question);
    arena_destroy(&prover->scratch);
    arena_destroy(&prover->arena);
    if (!proving->search.found) {
        *proving->proof = (struct policy_proof){
            .result = prover->doubt == PROVE_SURE ? PROVE_HOLDS : PROVE_UNDECIDED,
            .doubt = prover->doubt,
        };
    }
}

void
policy_prove(const struct policy *policy, const struct policy_assert *assert,
    const struct policy_border *border, struct arena *arena, struct policy_proof *proof)
{
    static const struct policy_query anything = { .except = { .count = 0 } };
    bool only = assert->claim == POLICY_ONLY;
    struct span reaches = SPAN_NONE;
    struct proving proving = {
        .prover = { .border = border,
            .steps = { { .policy = policy, .direction = assert->direction } },
            .step_count = 1 },
        .rules = &policy->rules[assert->direction],
        .claim = only ? POLICY_NEVER : assert->claim,
        .out = arena,
        .proof = proof,
    };
    for (uint32_t i = 0; only && reaches.size == 0 && i < border->far.count; i++) {
        bool allowed = text_list_has(&assert->federations, border->far.items[i]);
        reaches = allowed ? SPAN_NONE : border->far.items[i];
    }
    if (only && reaches.size == 0) {
        *proof = (struct policy_proof){ .result = PROVE_HOLDS };
        return;
    }
    prove_query(&proving, only ? &anything : &assert->query);
    proof->reaches = proof->result == PROVE_BROKEN ? reaches : SPAN_NONE;
}

const char *
policy_claim_name(enum policy_claim claim)
{
    switch (claim) {
    case POLICY_NEVER:
        return "never";
    case POLICY_ALWAYS:
        return "always";
    case POLICY_ONLY:
        return "only";
    }
    return "unknown";
}

const char *
prove_result_name(enum prove_result result)
{
    switch (result) {
    case PROVE_HOLDS:
        return "holds";
    case PROVE_BROKEN:
        return "broken";
    case PROVE_UNDECIDED:
        return "undecided";
    }
    return "unknown";
}

const char *
prove_doubt_text(enum prove_doubt doubt)
{
    switch (doubt) {
    case PROVE_SURE:
        return "nothing is in doubt";
    case PROVE_TOO_MANY_STEPS:
        return "too many cases to look at";
    case PROVE_TOO_DEEP:
        return "too many rules depend on each other";
    case PROVE_TOO_MANY_NAMES:
        return "too many names come to nothing";
    case PROVE_HARD_PATTERNS:
        return "the patterns are too hard to compare";
    case PROVE_HARD_TEMPLATE:
        return "a rename that leaves out, doubles or swaps captures cannot be followed";
    case PROVE_LONG_NAME:
        return "only a name longer than 512 bytes would do";
    case PROVE_LONG_LIST:
        return "only more than 64 tags or resources would do";
    case PROVE_NO_MEMORY:
        return "it needs too much memory";
    }
    return "unknown";
}
