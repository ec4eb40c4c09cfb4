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
#include "core/built_in.h"
#include "core/limits.h"

struct proving {
    struct prover prover;
    const struct policy_rules *rules;
    enum policy_claim claim;
    struct policy *question; /* the query's conditions, as the only rule of a policy */
    const struct policy_rule *asked;
    struct policy_patterns except;
    struct policy_patterns as_functions;
    struct policy_patterns as_except;
    uint32_t target; /* the rule that should break the promise; POLICY_NO_RULE: the default */
    uint32_t steps;
    struct arena *out;
    struct policy_proof *proof;
    bool found;
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
    enum policy_direction direction = proving->prover.direction;
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

static bool
some_match(const struct policy_patterns *patterns, struct span name)
{
    bool found = false;
    for (uint32_t i = 0; i < patterns->count && !found; i++) {
        found = pattern_match(&patterns->items[i], name, NULL);
    }
    return found;
}

/* The question asks about what gets this name. */
static bool
asks_about_made(const struct proving *proving, struct span name)
{
    return (proving->as_functions.count == 0 || some_match(&proving->as_functions, name)) &&
           !some_match(&proving->as_except, name);
}

/* ---- One example ---- */

static bool
copy_text(struct arena *arena, struct span *text)
{
    *text = text->size == 0 ? SPAN("") : arena_copy(arena, *text);
    return text->data != NULL;
}

static bool
copy_list(struct arena *arena, struct text_list *list)
{
    struct span *items = arena_take(arena, list->count * sizeof(*items));
    bool copied = items != NULL;
    for (uint32_t i = 0; copied && i < list->count; i++) {
        items[i] = list->items[i];
        copied = copy_text(arena, &items[i]);
    }
    list->items = items;
    return copied;
}

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
    struct advertisement nowhere = proven->in;
    struct policy_verdict verdict;
    nowhere.origin = SPAN_NONE;
    nowhere.path.count = 0;
    enum policy_evaluation evaluation = policy_evaluate(proving->prover.policy,
        proving->prover.direction, &nowhere, proven->at, &proving->prover.scratch, &verdict);
    return evaluation == POLICY_OUT_OF_MEMORY || verdict.rule != rule;
}

/* Take what was found out of the memory that it was found in. */
static void
keep(struct proving *proving, const struct prove_case *proven, const struct policy_verdict *verdict)
{
    struct policy_proof *proof = proving->proof;
    struct advertisement *in = &proof->in;
    *proof = (struct policy_proof){
        .result = PROVE_BROKEN,
        .in = proven->in,
        .at = proven->at,
        .path_matters = asks_about_path(proving) || path_decides(proving, proven, verdict->rule),
        .action = verdict->action,
        .rule = verdict->rule,
        .rule_id = verdict->rule_id,
        .becomes = verdict->action == POLICY_ACCEPT ? verdict->out.identity.name : SPAN_NONE,
    };
    in->hops_left = ADVERTISEMENT_HOPS_DEFAULT;
    bool copied = copy_text(proving->out, &in->identity.name) &&
                  copy_text(proving->out, &in->identity.function_id) &&
                  copy_text(proving->out, &in->identity.version_text) &&
                  copy_text(proving->out, &in->scope) && copy_text(proving->out, &in->origin) &&
                  copy_list(proving->out, &in->tags) && copy_list(proving->out, &in->resources) &&
                  copy_list(proving->out, &in->path) && copy_text(proving->out, &proof->becomes);
    proving->found = copied;
    if (!copied) {
        (void)prove_doubt(&proving->prover, PROVE_NO_MEMORY);
    }
}

/* The verdict breaks the promise. */
static bool
breaks(const struct proving *proving, const struct policy_verdict *verdict)
{
    if (proving->claim == POLICY_ALWAYS) {
        return verdict->rule == POLICY_NO_RULE ||
               proving->rules->items[verdict->rule]->action == POLICY_REJECT;
    }
    struct span made = verdict->out.identity.name;
    /* What the cluster has under a name that every node answers itself is not offered (rib_import.c). */
    return verdict->action == POLICY_ACCEPT && asks_about_made(proving, made) &&
           !(proving->prover.direction == POLICY_IMPORT && built_in_is(made));
}

enum next {
    NEXT_DONE = 0, /* found, or nothing is to be found here */
    NEXT_AGAIN,    /* the case has one more demand, and meets it */
};

static void search(struct proving *proving, struct prove_case *proven, uint32_t depth);

/* Rule `rule` takes the example: try each way not to match it, the last one in the case itself. */
static enum next
escape(struct proving *proving, struct prove_case *proven, uint32_t rule, uint32_t depth)
{
    struct prover *prover = &proving->prover;
    struct prove_escapes escapes;
    struct prove_case last;
    bool has_last = false;
    if (!prove_escapes_of(prover, proving->rules->items[rule], &escapes)) {
        return NEXT_DONE;
    }
    for (uint32_t i = 0; i < escapes.count && !proving->found; i++) {
        struct prove_case other = *proven;
        if (!prove_demand(prover, &other, &escapes.items[i]) ||
            prove_solve(prover, &other, escapes.items[i].part) != PROVE_MET) {
            continue;
        }
        if (has_last && depth == POLICY_PROVE_DEPTH_MAX) {
            (void)prove_doubt(prover, PROVE_TOO_DEEP);
        } else if (has_last) {
            search(proving, &last, depth + 1);
        }
        last = other;
        has_last = true;
    }
    if (!has_last || proving->found) {
        return NEXT_DONE;
    }
    *proven = last;
    return NEXT_AGAIN;
}

/* The rule that should accept it makes nothing of it, or not what is asked about. */
static enum next
pass_over(struct proving *proving, struct prove_case *proven)
{
    struct prover *prover = &proving->prover;
    if (proven->passed_over == POLICY_PROVE_NAMES_MAX) {
        (void)prove_doubt(prover, PROVE_TOO_MANY_NAMES);
        return NEXT_DONE;
    }
    proven->passed_over++;
    bool more = prove_pass_over(prover, proven, proven->in.identity.name) &&
                prove_solve(prover, proven, PROVE_NAME) == PROVE_MET;
    return more ? NEXT_AGAIN : NEXT_DONE;
}

/* From an example that meets the demands on to others, until one breaks the promise or there are no more. */
static void
search(struct proving *proving, struct prove_case *proven, uint32_t depth)
{
    struct prover *prover = &proving->prover;
    enum next next = NEXT_AGAIN;
    while (next == NEXT_AGAIN && !proving->found) {
        struct policy_verdict verdict;
        if (proving->steps == POLICY_PROVE_STEPS_MAX) {
            (void)prove_doubt(prover, PROVE_TOO_MANY_STEPS);
            return;
        }
        proving->steps++;
        enum policy_evaluation evaluation = policy_evaluate(proving->prover.policy,
            prover->direction, &proven->in, proven->at, &prover->scratch, &verdict);
        if (evaluation == POLICY_OUT_OF_MEMORY) {
            (void)prove_doubt(prover, PROVE_NO_MEMORY);
            next = NEXT_DONE;
        } else if (breaks(proving, &verdict)) {
            keep(proving, proven, &verdict);
        } else if (verdict.rule == proving->target) {
            next = pass_over(proving, proven);
        } else {
            /* It meets the conditions of the target: that one takes it, or one before it. */
            CHECK(verdict.rule < proving->target);
            next = escape(proving, proven, verdict.rule, depth);
        }
        arena_reset(&prover->scratch);
    }
}

/* ---- Where to search ---- */

/* At least one, for a condition that is not there. */
static uint32_t
choices(const struct policy_patterns *patterns)
{
    return patterns->count == 0 ? 1 : patterns->count;
}

/* An example of the question, by one of its patterns on names and one on ids. Name and id are not solved. */
static enum prove_fit
begin(struct proving *proving, uint32_t function, uint32_t function_id, struct prove_case *proven)
{
    struct prover *prover = &proving->prover;
    struct prove_demand except = {
        .kind = PROVE_MATCHES_NOT, .part = PROVE_NAME, .patterns = proving->except
    };
    *proven = (struct prove_case){
        .in = { .preference = ADVERTISEMENT_PREFERENCE_DEFAULT, .ttl_ns = UINT64_MAX },
    };
    /* What others serve is rejected unless a rule says transit: who promises to export all of it will say so. */
    struct prove_demand own_only = {
        .kind = PROVE_COUNT, .part = PROVE_PATH, .count_min = 1, .count_max = 1
    };
    bool is_own_only = proving->claim == POLICY_ALWAYS && prover->direction == POLICY_EXPORT &&
                       !asks_about_path(proving);
    if (!prove_match(prover, proven, PROVE_NAME, &proving->asked->functions, function) ||
        !prove_match(prover, proven, PROVE_ID, &proving->asked->function_ids, function_id) ||
        (except.patterns.count > 0 && !prove_demand(prover, proven, &except)) ||
        (is_own_only && !prove_demand(prover, proven, &own_only))) {
        return PROVE_DOUBTFUL;
    }
    enum prove_fit fit = PROVE_MET;
    for (int part = PROVE_VERSION; fit == PROVE_MET && part < PROVE_PART_COUNT; part++) {
        fit = prove_solve(prover, proven, (enum prove_part)part);
    }
    return fit == PROVE_MET ? prove_fulfil(prover, proven, proving->asked) : fit;
}

/* A demand on the name that is made: the pattern of the question at `index`, and none of its exceptions. */
static bool
demand_made(struct proving *proving, struct prove_case *proven, uint32_t index)
{
    struct prove_demand except = { .kind = PROVE_MATCHES_NOT,
        .part = PROVE_NAME,
        .on_made = true,
        .patterns = proving->as_except };
    struct prove_demand matches = { .kind = PROVE_MATCHES, .part = PROVE_NAME, .on_made = true };
    if (proving->as_functions.count > 0) {
        matches.patterns.items = &proving->as_functions.items[index];
        matches.patterns.count = 1;
    }
    return (matches.patterns.count == 0 || prove_demand(&proving->prover, proven, &matches)) &&
           (except.patterns.count == 0 || prove_demand(&proving->prover, proven, &except));
}

/* A rename that is no more than another beginning and end, or none. */
static void
search_followed(struct proving *proving, const struct prove_case *proven)
{
    for (uint32_t i = 0; i < choices(&proving->as_functions) && !proving->found; i++) {
        struct prove_case one = *proven;
        if (demand_made(proving, &one, i) &&
            prove_solve(&proving->prover, &one, PROVE_NAME) == PROVE_MET) {
            search(proving, &one, 0);
        }
    }
}

/* ---- Renames that cannot be followed ---- */

/* One name that may be made of many: names that it is made of are guessed, and the search tries them first. */
struct loose {
    struct proving *proving;
    const struct prove_case *proven;
    const struct pattern_template *made;
    const struct pattern *pattern;
    struct pattern output;
    struct pattern_demand *demands;
    uint32_t demand_count;
};

/* false: no memory, and there is doubt. */
static bool
loose_prepare(struct loose *loose, uint32_t as_function)
{
    struct proving *proving = loose->proving;
    struct arena *arena = &proving->prover.arena;
    uint32_t most = 2 + proving->as_except.count + POLICY_PROVE_NAMES_MAX;
    loose->demands = arena_take(arena, most * sizeof(*loose->demands));
    if (loose->demands == NULL ||
        !policy_made_pattern(loose->made, loose->pattern, arena, &loose->output)) {
        (void)prove_doubt(&proving->prover, PROVE_NO_MEMORY);
        return false;
    }
    loose->demand_count = 0;
    loose->demands[loose->demand_count++] = (struct pattern_demand){ .pattern = &loose->output };
    if (proving->as_functions.count > 0) {
        loose->demands[loose->demand_count++] =
            (struct pattern_demand){ .pattern = &proving->as_functions.items[as_function] };
    }
    for (uint32_t i = 0; i < proving->as_except.count; i++) {
        loose->demands[loose->demand_count++] =
            (struct pattern_demand){ .pattern = &proving->as_except.items[i], .excluded = true };
    }
    return true;
}

/* A case whose name is one of which the rule makes `name`. */
static void
search_source(const struct loose *loose, struct span name)
{
    struct proving *proving = loose->proving;
    struct prover *prover = &proving->prover;
    const struct policy_made_filling filling = { .segment = SPAN("x"), .anything = SPAN("") };
    struct prove_case one = *loose->proven;
    struct pattern *literal = arena_take(&prover->arena, sizeof(*literal));
    struct span source = policy_made_source(
        loose->made, loose->pattern, &loose->output, &filling, name, &prover->arena);
    if (literal == NULL || source.data == NULL) {
        return;
    }
    *literal = prove_literal(source);
    struct prove_demand demand = {
        .kind = PROVE_MATCHES, .part = PROVE_NAME, .patterns = { .items = literal, .count = 1 }
    };
    one.passed_over = POLICY_PROVE_NAMES_MAX - 1;
    if (prove_demand(prover, &one, &demand) && prove_solve(prover, &one, PROVE_NAME) == PROVE_MET) {
        search(proving, &one, 0);
    }
}

/* false: no name that is asked about is ever made. */
static bool
search_made(struct loose *loose)
{
    struct proving *proving = loose->proving;
    struct prover *prover = &proving->prover;
    for (uint32_t i = 0; i < POLICY_PROVE_NAMES_MAX && !proving->found; i++) {
        struct pattern_question question = { .demands = loose->demands,
            .count = loose->demand_count };
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
        search_source(loose, name);
        *literal = prove_literal(name);
        loose->demands[loose->demand_count++] =
            (struct pattern_demand){ .pattern = literal, .excluded = true };
    }
    return true;
}

static void
search_loose(struct proving *proving, const struct prove_case *proven,
    const struct policy_rule *rule, uint32_t function)
{
    struct prover *prover = &proving->prover;
    struct loose loose = { .proving = proving,
        .proven = proven,
        .made = &rule->rewrites->function,
        .pattern = &rule->functions.items[function] };
    /* Nothing in the name is asked about, or all of it is: then any will do. */
    struct prove_case any = *proven;
    if (prove_solve(prover, &any, PROVE_NAME) != PROVE_MET) {
        return;
    }
    if (proving->as_functions.count == 0 && proving->as_except.count == 0) {
        search(proving, &any, 0);
        return;
    }
    bool possible = false;
    for (uint32_t i = 0; i < choices(&proving->as_functions) && !proving->found; i++) {
        possible = !loose_prepare(&loose, i) || search_made(&loose) || possible;
    }
    if (possible && !proving->found) {
        search(proving, &any, 0);
        (void)prove_doubt(prover, PROVE_HARD_TEMPLATE);
    }
}

/* One rule, by one of its patterns on names and one on ids. */
static void
search_rule(
    struct proving *proving, const struct prove_case *base, uint32_t function, uint32_t function_id)
{
    static const struct pattern any = { .part_count = 0 };
    struct prover *prover = &proving->prover;
    const struct policy_rule *rule = proving->rules->items[proving->target];
    struct prove_case proven = *base;
    if (!prove_match(prover, &proven, PROVE_NAME, &rule->functions, function) ||
        !prove_match(prover, &proven, PROVE_ID, &rule->function_ids, function_id)) {
        return;
    }
    proven.made = policy_made_of(&rule->rewrites->function,
        rule->functions.count > 0 ? &rule->functions.items[function] : &any);
    switch (proven.made.kind) {
    case POLICY_MADE_SAME:
    case POLICY_MADE_AROUND:
        search_followed(proving, &proven);
        break;
    case POLICY_MADE_FIXED:
        if (asks_about_made(proving, proven.made.made_before) &&
            prove_solve(prover, &proven, PROVE_NAME) == PROVE_MET) {
            search(proving, &proven, 0);
        }
        break;
    case POLICY_MADE_LOOSE:
        search_loose(proving, &proven, rule, function);
        break;
    }
}

static bool
is_apart(const struct policy_patterns *a, uint32_t i, const struct policy_patterns *b, uint32_t j)
{
    return a->count > 0 && b->count > 0 && prove_patterns_apart(&a->items[i], &b->items[j]);
}

/* One of the question's patterns on names and one on ids, against one rule. */
static void
search_target(struct proving *proving, uint32_t function, uint32_t function_id)
{
    struct prover *prover = &proving->prover;
    const struct policy_rule *asked = proving->asked;
    const struct policy_rule *rule = proving->rules->items[proving->target];
    struct prove_case base;
    bool begun = false;
    for (uint32_t i = 0; i < choices(&rule->functions) && !proving->found; i++) {
        if (is_apart(&asked->functions, function, &rule->functions, i)) {
            continue;
        }
        if (!begun && (begin(proving, function, function_id, &base) != PROVE_MET ||
                          prove_fulfil(prover, &base, rule) != PROVE_MET)) {
            break;
        }
        begun = true;
        for (uint32_t j = 0; j < choices(&rule->function_ids) && !proving->found; j++) {
            if (!is_apart(&asked->function_ids, function_id, &rule->function_ids, j)) {
                search_rule(proving, &base, i, j);
            }
        }
    }
    arena_reset(&prover->arena);
}

/* ---- Targets ---- */

/* What no rule matches. */
static void
search_default(struct proving *proving)
{
    struct prover *prover = &proving->prover;
    const struct policy_rule *asked = proving->asked;
    proving->target = POLICY_NO_RULE;
    for (uint32_t i = 0; i < choices(&asked->functions) && !proving->found; i++) {
        for (uint32_t j = 0; j < choices(&asked->function_ids) && !proving->found; j++) {
            struct prove_case proven;
            if (begin(proving, i, j, &proven) == PROVE_MET &&
                prove_solve(prover, &proven, PROVE_NAME) == PROVE_MET) {
                search(proving, &proven, 0);
            }
            arena_reset(&prover->arena);
        }
    }
}

static void
search_all(struct proving *proving)
{
    const struct policy_rule *asked = proving->asked;
    bool always = proving->claim == POLICY_ALWAYS;
    enum policy_action action = always ? POLICY_REJECT : POLICY_ACCEPT;
    for (uint32_t rule = 0; rule < proving->rules->count && !proving->found; rule++) {
        proving->target = rule;
        if (proving->rules->items[rule]->action != action) {
            continue;
        }
        for (uint32_t i = 0; i < choices(&asked->functions) && !proving->found; i++) {
            for (uint32_t j = 0; j < choices(&asked->function_ids) && !proving->found; j++) {
                search_target(proving, i, j);
            }
        }
    }
    if (always && !proving->found) {
        search_default(proving);
    }
}

/* ---- Promises ---- */

static void
prove_query(struct proving *proving, const struct policy_query *query)
{
    struct prover *prover = &proving->prover;
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
    if (!proving->found) {
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
        .prover = { .policy = policy, .direction = assert->direction, .border = border },
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
