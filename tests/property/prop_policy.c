/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_policy.c - policy_evaluate gives the verdicts of a reader who takes the rules as they are written
 * and goes through them one by one, and policy_explain tells
 * the same. Random policies over a small world, so that rules do meet.
 */
#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "bridge/policy.h"
#include "bridge/policy_explain.h"
#include "bridge/policy_include.h"
#include "tests/support/at.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"

#define SEED_COUNT              100u
#define POLICIES                30u
#define ADVERTISEMENTS          60u
#define PAIRS                   300u
#define RULES_MAX               6u
#define CHOICES_MAX             4u
#define PERMILLE_WITH_CONDITION 350u

static const char *const names[] = { "a.get", "a.put", "b.get", "a.x.get", "solo", "b" };
/* Only shapes that the oracle can decide by looking: literal, head.**, **.tail, *, **. */
static const char *const patterns[] = { "a.get", "a.**", "**.get", "*", "**", "b.**", "solo" };
static const char *const words[] = { "red", "green", "blue", "mpreg-bridge:x" };
static const char *const places[] = { "us", "eu", "ap" };
static const char *const versions[] = { "1.0.0", "1.5.0", "2.0.0" };
static const char *const constraints[] = { ">=1.5.0", "<2.0.0", "==1.0.0", ">=1.0.0,<1.5.0" };

/* Everything a rule or an advertisement of this program points to. */
struct scene {
    struct prng prng;
    struct mem mem;
    struct arena arena;
    uint64_t judged_count;
    uint64_t accepted_count;
    uint64_t default_count;
    uint64_t included_count;
};

static struct span
pick(struct scene *scene, const char *const *choices, size_t count)
{
    return span_from_text(choices[prng_below(&scene->prng, count)]);
}

/* Empty more often than not; duplicates happen. */
static struct text_list
pick_list(struct scene *scene, const char *const *choices, size_t count, uint32_t permille)
{
    struct text_list list = { .count = 0 };
    if (!prng_chance(&scene->prng, permille)) {
        return list;
    }
    struct span *items = arena_take(&scene->arena, CHOICES_MAX * sizeof(*items));
    CHECK(items != NULL);
    list.count = 1 + (uint32_t)prng_below(&scene->prng, CHOICES_MAX - 1);
    for (uint32_t i = 0; i < list.count; i++) {
        items[i] = pick(scene, choices, count);
    }
    list.items = items;
    return list;
}

static struct text_list
condition(struct scene *scene, const char *const *choices, size_t count)
{
    return pick_list(scene, choices, count, PERMILLE_WITH_CONDITION / 3);
}

static struct policy_set_match
set_condition(struct scene *scene)
{
    return (struct policy_set_match){
        .all = condition(scene, words, COUNT_OF(words)),
        .any = condition(scene, words, COUNT_OF(words)),
        .none = condition(scene, words, COUNT_OF(words)),
    };
}

/* Around AT, and now and then AT itself: the edges matter. */
static struct wall
draw_time(struct prng *prng)
{
    return (struct wall){ .ns = AT.ns + (int64_t)prng_below(prng, 5) - 2 };
}

static struct policy_rule_source
draw_rule(struct scene *scene, uint32_t index)
{
    static const char *const ids[RULES_MAX] = { "r0", "r1", "r2", "r3", "r4", "r5" };
    struct prng *prng = &scene->prng;
    struct policy_rule_source rule = {
        .id = span_from_text(ids[index]),
        .functions = pick_list(scene, patterns, COUNT_OF(patterns), PERMILLE_WITH_CONDITION),
        .function_ids = condition(scene, patterns, COUNT_OF(patterns)),
        .tags = set_condition(scene),
        .resources = set_condition(scene),
        .scopes = condition(scene, places, COUNT_OF(places)),
        .origins = condition(scene, places, COUNT_OF(places)),
        .has_max_hops = prng_chance(prng, PERMILLE_WITH_CONDITION / 3),
        .max_hops = (uint32_t)prng_below(prng, 4),
        .path_includes = condition(scene, places, COUNT_OF(places)),
        .path_excludes = condition(scene, places, COUNT_OF(places)),
        .add_tags = pick_list(scene, words, COUNT_OF(words) - 1, 300),
        .remove_tags = pick_list(scene, words, COUNT_OF(words) - 1, 300),
        .has_cost = prng_chance(prng, 300),
        .cost = (uint32_t)prng_below(prng, 100),
        .ttl_ns = prng_chance(prng, 300) ? 1 + prng_below(prng, 100) : 0,
        .transit = prng_chance(prng, 500),
        .has_valid_from = prng_chance(prng, 150),
        .valid_from = draw_time(prng),
        .has_valid_until = prng_chance(prng, 150),
        .valid_until = draw_time(prng),
        .action = prng_chance(prng, 600) ? POLICY_ACCEPT : POLICY_REJECT,
    };
    if (prng_chance(prng, PERMILLE_WITH_CONDITION / 3)) {
        rule.version = pick(scene, constraints, COUNT_OF(constraints));
    }
    return rule;
}

static struct advertisement
draw_advertisement(struct scene *scene)
{
    struct advertisement advertisement = {
        .identity = { .name = pick(scene, names, COUNT_OF(names)),
            .function_id = pick(scene, names, COUNT_OF(names)),
            .version_text = pick(scene, versions, COUNT_OF(versions)) },
        .tags = pick_list(scene, words, COUNT_OF(words), 800),
        .resources = pick_list(scene, words, COUNT_OF(words), 800),
        .scope = pick(scene, places, COUNT_OF(places)),
        .origin = pick(scene, places, COUNT_OF(places)),
        .path = pick_list(scene, places, COUNT_OF(places), 900),
        .cost = 1,
        .preference = 100,
        .ttl_ns = 1 + prng_below(&scene->prng, 100),
    };
    struct function_identity *identity = &advertisement.identity;
    CHECK(version_parse(identity->version_text, &identity->version));
    return advertisement;
}

/* The oracle: plain loops over the source, nothing of the compiled policy. */
static bool
has(const struct text_list *list, struct span text)
{
    bool found = false;
    for (uint32_t i = 0; i < list->count; i++) {
        found = found || span_equal(list->items[i], text);
    }
    return found;
}

static uint32_t
shared(const struct text_list *a, const struct text_list *b)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        count += has(b, a->items[i]) ? 1 : 0;
    }
    return count;
}

static bool
fits(const struct text_list *shapes, struct span name)
{
    for (uint32_t i = 0; i < shapes->count; i++) {
        const char *shape = (const char *)shapes->items[i].data;
        const char *text = (const char *)name.data;
        bool star = strcmp(shape, "*") == 0 && strchr(text, '.') == NULL;
        bool all = strcmp(shape, "**") == 0;
        bool tail = strcmp(shape, "**.get") == 0 && strstr(text, ".get") != NULL;
        bool head = shape[1] == '.' && shape[2] == '*' && strncmp(shape, text, 2) == 0;
        if (star || all || tail || head || strcmp(shape, text) == 0) {
            return true;
        }
    }
    return shapes->count == 0;
}

static bool
set_fits(const struct policy_set_match *match, const struct text_list *set)
{
    return shared(&match->all, set) == match->all.count &&
           (match->any.count == 0 || shared(&match->any, set) > 0) &&
           shared(&match->none, set) == 0;
}

static bool
version_fits(struct span constraint, uint32_t version)
{
    if (span_is(constraint, ">=1.5.0")) {
        return version >= 150;
    }
    if (span_is(constraint, "<2.0.0")) {
        return version < 200;
    }
    if (span_is(constraint, "==1.0.0")) {
        return version == 100;
    }
    return !span_is(constraint, ">=1.0.0,<1.5.0") || (version >= 100 && version < 150);
}

static bool
rule_fits(const struct policy_rule_source *rule, enum policy_direction direction,
    const struct advertisement *advertisement)
{
    const struct function_identity *identity = &advertisement->identity;
    const struct text_list *path = &advertisement->path;
    uint32_t version = identity->version.major * 100 + identity->version.minor * 10;
    return fits(&rule->functions, identity->name) &&
           fits(&rule->function_ids, identity->function_id) &&
           version_fits(rule->version, version) && set_fits(&rule->tags, &advertisement->tags) &&
           set_fits(&rule->resources, &advertisement->resources) &&
           (rule->scopes.count == 0 || has(&rule->scopes, advertisement->scope)) &&
           (rule->origins.count == 0 || has(&rule->origins, advertisement->origin)) &&
           (!rule->has_max_hops || path->count <= rule->max_hops) &&
           shared(&rule->path_includes, path) == rule->path_includes.count &&
           shared(&rule->path_excludes, path) == 0 &&
           (direction == POLICY_IMPORT || path->count < 2 || rule->transit ||
               rule->action == POLICY_REJECT) &&
           (!rule->has_valid_from || rule->valid_from.ns <= AT.ns) &&
           (!rule->has_valid_until || rule->valid_until.ns > AT.ns);
}

static bool
expect(bool claim, const char *what, const struct policy_verdict *verdict)
{
    if (!claim) {
        printf("rule %.*s: %s\n", SPAN_ARGS(verdict->rule_id), what);
    }
    return claim;
}

static bool
should_carry(const struct policy_rule_source *rule, const struct advertisement *in,
    enum policy_direction direction, struct span tag)
{
    bool ours = span_is(tag, "mpreg-bridge:x") && direction == POLICY_EXPORT;
    return has(&rule->add_tags, tag) ||
           (has(&in->tags, tag) && !has(&rule->remove_tags, tag) && !ours);
}

static bool
rewrite_is_right(const struct policy_rule_source *rule, const struct advertisement *in,
    enum policy_direction direction, const struct policy_verdict *verdict)
{
    const struct advertisement *out = &verdict->out;
    uint32_t tag_count = 0;
    uint32_t resource_count = 0;
    bool right = true;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct span word = span_from_text(words[i]);
        bool carry = should_carry(rule, in, direction, word);
        bool needed = has(&in->resources, word);
        tag_count += carry ? 1 : 0;
        resource_count += needed ? 1 : 0;
        right = right && expect(has(&out->tags, word) == carry, words[i], verdict) &&
                expect(has(&out->resources, word) == needed, "resource", verdict);
    }
    uint64_t ttl_ns = rule->ttl_ns > 0 && rule->ttl_ns < in->ttl_ns ? rule->ttl_ns : in->ttl_ns;
    uint32_t cost = rule->has_cost ? rule->cost : in->cost;
    return right && expect(out->tags.count == tag_count, "a tag twice", verdict) &&
           expect(out->resources.count == resource_count, "a resource twice", verdict) &&
           expect(out->cost == cost, "cost", verdict) &&
           expect(out->ttl_ns == ttl_ns, "ttl", verdict) &&
           expect(span_equal(out->identity.name, in->identity.name), "name", verdict) &&
           expect(span_equal(out->identity.function_id, in->identity.function_id), "id", verdict);
}

static bool
verdict_is_right(struct scene *scene, const struct policy_source *source,
    enum policy_direction direction, const struct advertisement *in,
    const struct policy_verdict *verdict)
{
    const struct policy_rule_source *rules = source->rules[direction];
    uint32_t want = 0;
    while (want < source->rule_count[direction] && !rule_fits(&rules[want], direction, in)) {
        want++;
    }
    scene->judged_count++;
    if (want == source->rule_count[direction]) {
        scene->default_count++;
        return expect(verdict->rule == POLICY_NO_RULE, "a rule matched, want none", verdict) &&
               expect(verdict->action == POLICY_REJECT, "the default accepted", verdict);
    }
    bool right = expect(verdict->rule == want, "another rule matched", verdict) &&
                 expect(span_equal(verdict->rule_id, rules[want].id), "another id", verdict) &&
                 expect(verdict->action == rules[want].action, "another action", verdict);
    if (!right || verdict->action == POLICY_REJECT) {
        return right;
    }
    scene->accepted_count++;
    return rewrite_is_right(&rules[want], in, direction, verdict);
}

/* The condition that failed is one that the rule has, and all rules before the last step failed on one. */
static bool
explanation_is_right(struct scene *scene, const struct policy_source *source,
    enum policy_direction direction, const struct advertisement *in,
    const struct policy_verdict *verdict)
{
    struct policy_explanation explanation;
    CHECK(policy_explain(source, direction, in, AT, &scene->arena, &explanation));
    bool found = verdict->rule != POLICY_NO_RULE;
    uint32_t step_count = found ? verdict->rule + 1 : source->rule_count[direction];
    bool right = expect(explanation.rule == verdict->rule, "explained by another rule", verdict) &&
                 expect(explanation.action == verdict->action, "another action", verdict) &&
                 expect(explanation.step_count == step_count, "steps are missing", verdict);
    for (uint32_t i = 0; right && i < step_count; i++) {
        const struct policy_step *step = &explanation.steps[i];
        const struct policy_rule_source *rule = &source->rules[direction][i];
        bool matched = step->failed_on == POLICY_CONDITION_NONE;
        right = expect(step->rule == i, "a rule left out", verdict) &&
                expect(matched == rule_fits(rule, direction, in), "a rule misjudged", verdict);
    }
    return right;
}

/* Where a rule is said to include another, or to contradict itself, nothing drawn says otherwise. */
static bool
inclusion_is_right(struct scene *scene)
{
    struct policy_rule_source rules[2] = { draw_rule(scene, 0), draw_rule(scene, 1) };
    struct policy_rule_view views[2];
    enum policy_direction direction =
        prng_chance(&scene->prng, 500) ? POLICY_EXPORT : POLICY_IMPORT;
    CHECK(policy_rule_view_init(&rules[0], direction, &scene->arena, &views[0]));
    CHECK(policy_rule_view_init(&rules[1], direction, &scene->arena, &views[1]));
    bool includes = policy_rule_includes(&views[0], &views[1], &scene->arena);
    bool catches_all = policy_rule_is_catch_all(&views[0]);
    bool contradicts = policy_rule_contradiction(&views[1]) != NULL;
    bool right = includes || !catches_all;
    scene->included_count += includes ? 1 : 0;
    for (uint32_t i = 0; right && i < ADVERTISEMENTS; i++) {
        struct advertisement in = draw_advertisement(scene);
        bool first = rule_fits(&rules[0], direction, &in);
        bool second = rule_fits(&rules[1], direction, &in);
        right =
            (first || !includes || !second) && !(contradicts && second) && (first || !catches_all);
    }
    arena_reset(&scene->arena);
    return right;
}

static bool
policy_is_right(struct scene *scene)
{
    struct policy_rule_source rules[2][RULES_MAX];
    struct policy_source source = { .name = SPAN("drawn") };
    for (int direction = POLICY_EXPORT; direction <= POLICY_IMPORT; direction++) {
        source.rules[direction] = rules[direction];
        source.rule_count[direction] = (uint32_t)prng_below(&scene->prng, RULES_MAX + 1);
        for (uint32_t i = 0; i < source.rule_count[direction]; i++) {
            rules[direction][i] = draw_rule(scene, i);
        }
    }
    struct policy_fault fault;
    struct policy *policy = policy_create(&source, &scene->mem, &fault);
    CHECK(policy != NULL);
    bool right = true;
    for (uint32_t i = 0; right && i < ADVERTISEMENTS; i++) {
        struct advertisement in = draw_advertisement(scene);
        enum policy_direction direction = i % 2 == 0 ? POLICY_EXPORT : POLICY_IMPORT;
        struct policy_verdict verdict;
        enum policy_evaluation evaluation =
            policy_evaluate(policy, direction, &in, AT, &scene->arena, &verdict);
        right = evaluation == POLICY_EVALUATED &&
                verdict_is_right(scene, &source, direction, &in, &verdict) &&
                explanation_is_right(scene, &source, direction, &in, &verdict);
    }
    policy_unref(policy);
    arena_reset(&scene->arena);
    return right;
}

static bool
verdicts_are_those_of_a_patient_reader(uint64_t seed)
{
    struct scene scene = { .prng = { .state = seed } };
    mem_init(&scene.mem, (size_t)64 * 1024 * 1024);
    arena_init(&scene.arena, &scene.mem);
    bool right = true;
    for (uint32_t i = 0; right && i < POLICIES; i++) {
        right = policy_is_right(&scene);
    }
    arena_destroy(&scene.arena);
    CHECK(scene.mem.used == 0);
    /* Verdicts of one kind only would prove little. */
    CHECK(!right || scene.accepted_count > scene.judged_count / 20);
    CHECK(!right || scene.default_count > scene.judged_count / 20);
    return right;
}

static bool
included_rules_match_nothing_else(uint64_t seed)
{
    struct scene scene = { .prng = { .state = seed } };
    mem_init(&scene.mem, (size_t)64 * 1024 * 1024);
    arena_init(&scene.arena, &scene.mem);
    bool right = true;
    for (uint32_t i = 0; right && i < PAIRS; i++) {
        right = inclusion_is_right(&scene);
    }
    arena_destroy(&scene.arena);
    CHECK(scene.mem.used == 0);
    CHECK(!right || scene.included_count > 0);
    return right;
}

static const struct property properties[] = {
    { "included_rules_match_nothing_else", included_rules_match_nothing_else },
    { "verdicts_are_those_of_a_patient_reader", verdicts_are_those_of_a_patient_reader },
};

int
main(int argc, char **argv)
{
    return property_main(argc, argv, properties, COUNT_OF(properties), SEED_COUNT);
}
