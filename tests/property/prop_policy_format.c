/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_policy_format.c - a policy that was formatted and read again gives the verdicts it gave before, and is
 * formatted to itself. Random files, in block and flow style.
 */
#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "host/policy_format.h"
#include "host/policy_yaml.h"
#include "tests/support/at.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"

#define SEED_COUNT     100u
#define FILES          10u
#define RULES_MAX      5u
#define ADVERTISEMENTS 40u

static const char *const names[] = { "a.get", "a.put", "b.get", "a.x.get", "solo" };
static const char *const conditions[] = { "function: \"a.*\"", "function: ['**.get', solo]",
    "function_id: [\"a.**\"]", "version: '>=1.5.0'", "tags: {none: [red], any: [\"green\", blue]}",
    "resources: {all: red}", "scope: [region, zone]", "origin: us",
    "path: {excludes: [ap], max_hops: 2}" };
static const char *const settings[] = { "cost: 7", "tags: {remove: red, add: [\"x y\", 'z#']}",
    "function: fixed", "ttl: \"5s\"", "scope: 'global'",
    "resources: {rename: {red: \"*\", green: b}}" };
static const char *const times[] = { "valid: {until: \"2026-12-01T12:00:00Z\", from: 2026-11-30}",
    "valid: {from: '2026-12-01T02:00:00+02:00'}", "valid: {until: 2026-12-01T00:00:00Z}" };
static const char *const limits[] = { "limits: {timeout: '5s', burst: \"7\", rate: 500/s}",
    "limits: {result: 1MiB, in_flight: 3, args: 256KiB}" };
static const char *const words[] = { "red", "green", "blue" };
static const char *const places[] = { "us", "eu", "ap" };

struct scene {
    struct prng prng;
    struct mem mem;
    struct arena arena;
    struct buf text;
    uint64_t accepted_count;
};

/* A mapping of some of the texts, no key of them twice. */
static void
add_some(struct scene *scene, const char *const *texts, size_t count)
{
    bool first = true;
    buf_add_text(&scene->text, "{");
    char used[32] = "";
    for (size_t i = 0; i < count; i++) {
        size_t key_size = strcspn(texts[i], ":");
        bool again = strlen(used) == key_size && strncmp(used, texts[i], key_size) == 0;
        if (again || !prng_chance(&scene->prng, 250)) {
            continue;
        }
        (void)snprintf(used, sizeof(used), "%.*s", (int)key_size, texts[i]);
        buf_add_text(&scene->text, first ? "" : ", ");
        buf_add_text(&scene->text, texts[i]);
        first = false;
    }
    buf_add_text(&scene->text, "}");
}

/* Perhaps one of the keys that stand in the rule itself. */
static void
add_one(struct scene *scene, const char *separator, const char *const *texts, size_t count)
{
    if (prng_chance(&scene->prng, 300)) {
        buf_add_text(&scene->text, separator);
        buf_add_text(&scene->text, texts[prng_below(&scene->prng, count)]);
    }
}

static void
add_accepting(struct scene *scene, const char *separator, enum policy_direction direction)
{
    static const char *const transits[] = { "transit: true", "transit: \"false\"" };
    bool merges = direction == POLICY_EXPORT && prng_chance(&scene->prng, 200);
    buf_add_text(&scene->text, separator);
    buf_add_text(&scene->text, "set: ");
    if (merges) {
        buf_add_text(&scene->text, "{function: one}");
        buf_add_text(&scene->text, separator);
        buf_add_text(&scene->text, "merge: true");
    } else {
        add_some(scene, settings, COUNT_OF(settings));
    }
    if (direction == POLICY_EXPORT) {
        add_one(scene, separator, transits, COUNT_OF(transits));
    }
    add_one(scene, separator, limits, COUNT_OF(limits));
}

static void
add_rule(struct scene *scene, uint64_t index, enum policy_direction direction)
{
    bool block = prng_chance(&scene->prng, 500);
    bool accepts = prng_chance(&scene->prng, 700);
    const char *separator = block ? "\n      " : ", ";
    buf_add_text(&scene->text, block ? "    - action: " : "    - {action: ");
    buf_add_text(&scene->text, accepts ? "accept" : "reject");
    buf_add_text(&scene->text, separator);
    buf_add_text(&scene->text, "id: r");
    buf_add_decimal(&scene->text, index);
    buf_add_text(&scene->text, separator);
    buf_add_text(&scene->text, "match: ");
    add_some(scene, conditions, COUNT_OF(conditions));
    add_one(scene, separator, times, COUNT_OF(times));
    if (accepts) {
        add_accepting(scene, separator, direction);
    }
    buf_add_text(&scene->text, block ? "\n" : "}\n");
}

static struct text_list
draw_list(struct scene *scene, const char *const *choices)
{
    struct span *items = arena_take(&scene->arena, 2 * sizeof(*items));
    CHECK(items != NULL);
    items[0] = span_from_text(choices[prng_below(&scene->prng, 3)]);
    items[1] = span_from_text(choices[prng_below(&scene->prng, 3)]);
    return (struct text_list){ .items = items, .count = (uint32_t)prng_below(&scene->prng, 3) };
}

static bool
limits_are_equal(
    const struct policy *a, const struct policy *b, enum policy_direction direction, uint32_t rule)
{
    const struct policy_call_limits *was = policy_rule_limits(a, direction, rule);
    const struct policy_call_limits *is = policy_rule_limits(b, direction, rule);
    if (was == NULL || is == NULL) {
        return was == is;
    }
    return was->rate == is->rate && was->rate_per_ns == is->rate_per_ns &&
           was->burst == is->burst && was->in_flight == is->in_flight &&
           was->timeout_ns == is->timeout_ns && was->args_size == is->args_size &&
           was->result_size == is->result_size;
}

static bool
settings_are_equal(const struct policy_yaml *a, const struct policy_yaml *b)
{
    const struct policy_table_limit *was = policy_import_limits(a->policy)->table;
    const struct policy_table_limit *is = policy_import_limits(b->policy)->table;
    bool equal = true;
    for (size_t kind = 0; kind < POLICY_LIMIT_KIND_COUNT; kind++) {
        equal = equal && was[kind].max == is[kind].max && was[kind].action == is[kind].action;
    }
    const struct policy_update_limit *updates[] = { &policy_import_limits(a->policy)->updates,
        &policy_import_limits(b->policy)->updates };
    return equal && updates[0]->rate == updates[1]->rate &&
           updates[0]->rate_per_ns == updates[1]->rate_per_ns &&
           updates[0]->burst == updates[1]->burst &&
           policy_import_limits(a->policy)->name_size ==
               policy_import_limits(b->policy)->name_size &&
           policy_overlap(a->policy) == policy_overlap(b->policy) &&
           policy_withdraw_max_percent(a->policy) == policy_withdraw_max_percent(b->policy) &&
           span_equal(a->federation, b->federation) &&
           text_list_same(&a->link_federations, &b->link_federations);
}

static bool
verdicts_are_equal(struct scene *scene, const struct policy *a, const struct policy *b)
{
    struct span name = span_from_text(names[prng_below(&scene->prng, COUNT_OF(names))]);
    struct advertisement in = policy_test_advertisement(name);
    struct policy_verdict was;
    struct policy_verdict is;
    in.identity.version.minor = (uint32_t)prng_below(&scene->prng, 9);
    in.tags = draw_list(scene, words);
    in.resources = draw_list(scene, words);
    in.path = draw_list(scene, places);
    in.origin = in.path.count > 0 ? in.path.items[0] : SPAN("us");
    enum policy_direction direction =
        prng_chance(&scene->prng, 500) ? POLICY_EXPORT : POLICY_IMPORT;
    CHECK(policy_evaluate(a, direction, &in, AT, &scene->arena, &was) == POLICY_EVALUATED);
    CHECK(policy_evaluate(b, direction, &in, AT, &scene->arena, &is) == POLICY_EVALUATED);
    if (was.action != is.action || was.rule != is.rule || was.action == POLICY_REJECT) {
        return was.action == is.action && was.rule == is.rule;
    }
    scene->accepted_count++;
    return limits_are_equal(a, b, direction, was.rule) && was.merge == is.merge &&
           span_equal(was.out.scope, is.out.scope) &&
           function_identity_equal(&was.out.identity, &is.out.identity) &&
           text_list_same(&was.out.tags, &is.out.tags) &&
           text_list_same(&was.out.resources, &is.out.resources) && was.out.cost == is.out.cost &&
           was.out.ttl_ns == is.out.ttl_ns;
}

static bool
formatted_says_the_same(struct scene *scene)
{
    static const struct yaml_environment nothing = { .lookup = NULL };
    static const char *const sides[] = { "export:\n  rules:\n",
        "import:\n  overlap: failover\n  limits: {name: 99B, updates: {burst: 9, rate: 500/s}, "
        "bytes: {max: "
        "64MiB}, functions: {action: block, "
        "max: '5'}}\n  rules:\n" };
    struct yaml_errors errors;
    struct buf out;
    yaml_errors_init(&errors);
    buf_init(&out, &scene->mem, YAML_FILE_SIZE_MAX);
    buf_reset(&scene->text);
    buf_add_text(&scene->text, "guard: {withdraw_max: '20%'}\nlink_federations: {eu: europe}\n"
                               "links: [eu]\nfederation: \"us\"\n");
    for (size_t i = 0; i < COUNT_OF(sides); i++) {
        buf_add_text(&scene->text, sides[i]);
        uint64_t count = 1 + prng_below(&scene->prng, RULES_MAX);
        for (uint64_t j = 0; j < count; j++) {
            add_rule(scene, j, (enum policy_direction)i);
        }
    }
    buf_add_text(&scene->text, "policy: 'p'\n");
    struct span text = buf_span(&scene->text);
    struct policy_yaml *a = policy_yaml_load_text("a", text, &nothing, &scene->mem, &errors);
    bool formatted = a != NULL && policy_format("a", text, &out, &errors);
    struct policy_yaml *b =
        formatted ? policy_yaml_load_text("b", buf_span(&out), &nothing, &scene->mem, &errors)
                  : NULL;
    bool same = b != NULL && settings_are_equal(a, b);
    for (uint32_t i = 0; same && i < ADVERTISEMENTS; i++) {
        same = verdicts_are_equal(scene, a->policy, b->policy);
    }
    if (!same) {
        yaml_errors_print(&errors, stdout);
        printf("%.*s---\n%.*s", SPAN_ARGS(text), SPAN_ARGS(buf_span(&out)));
    }
    policy_yaml_free(a);
    policy_yaml_free(b);
    buf_destroy(&out);
    yaml_errors_destroy(&errors);
    arena_reset(&scene->arena);
    return same;
}

static bool
formatted_policies_say_the_same(uint64_t seed)
{
    struct scene scene = { .prng = { .state = seed } };
    mem_init(&scene.mem, (size_t)64 * 1024 * 1024);
    arena_init(&scene.arena, &scene.mem);
    buf_init(&scene.text, &scene.mem, YAML_FILE_SIZE_MAX);
    bool right = true;
    for (uint32_t i = 0; right && i < FILES; i++) {
        right = formatted_says_the_same(&scene);
    }
    buf_destroy(&scene.text);
    arena_destroy(&scene.arena);
    CHECK(scene.mem.used == 0);
    CHECK(!right || scene.accepted_count > 0);
    return right;
}

static const struct property properties[] = {
    { "formatted_policies_say_the_same", formatted_policies_say_the_same },
};

int
main(int argc, char **argv)
{
    return property_main(argc, argv, properties, COUNT_OF(properties), SEED_COUNT);
}
