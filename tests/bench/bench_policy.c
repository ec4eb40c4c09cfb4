/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_policy.c - how fast a policy judges, by its count of rules, and how long it takes to load.
 *
 * The rules are of eight shapes, each as often as the others: three prefixes, of which one renames and one
 * rejects, two whole names, an ending, a tag behind a prefix that all such rules share, and an id; the last rule
 * catches all. Every rule is hit as often as any other of its shape, in random order, and each ninth advertisement by
 * the last rule only. Times are of the processor, the best of some rounds in which the sizes take turns: what
 * disturbs a measurement only ever makes it slower.
 */
#include <stdio.h>
#include <stdlib.h>

#include <time.h>

#include "base/prng.h"
#include "bridge/policy.h"
#include "host/policy_yaml.h"
#include "tests/support/at.h"
#include "tests/support/check_failed.h"

#define RULES_MAX     10000u
#define DRAWS         16384u
#define ROUNDS        100
#define LOADS         5
#define TEXT_SIZE     32
#define YAML_SIZE_MAX ((size_t)4 * 1024 * 1024)

enum shape {
    SHAPE_PREFIX = 0,
    SHAPE_RENAME,
    SHAPE_REJECT,
    SHAPE_WHOLE,
    SHAPE_OTHER_WHOLE,
    SHAPE_ENDING,
    SHAPE_TAG,
    SHAPE_ID,
};

#define SHAPES 8u

static const uint32_t rule_counts[] = { 10, 100, 1000, RULES_MAX };

struct texts {
    char id[TEXT_SIZE];
    char pattern[TEXT_SIZE];
    char template[TEXT_SIZE];
    char tag[TEXT_SIZE];
    struct span spans[2];
};

static struct texts texts[RULES_MAX];
static struct policy_rule_source rules[RULES_MAX];

/* What an advertisement has of its own. One after the other in memory, as a link brings them. */
struct draw {
    char name[TEXT_SIZE];
    char tag[TEXT_SIZE];
};

static struct draw draws[COUNT_OF(rule_counts)][DRAWS];

static void
make_rule(uint32_t i, struct texts *own, struct policy_rule_source *rule)
{
    static const struct {
        const char *pattern;
        const char *tag;
        const char *renamed;
    } shapes[SHAPES] = {
        [SHAPE_PREFIX] = { "team%u.**", "", "" },
        [SHAPE_RENAME] = { "svc%u.{op}", "", "us.svc%u.{op}" },
        [SHAPE_REJECT] = { "private%u.**", "", "" },
        [SHAPE_WHOLE] = { "billing.charge%u", "", "" },
        [SHAPE_OTHER_WHOLE] = { "math.add%u", "", "" },
        [SHAPE_ENDING] = { "**.hook%u", "", "" },
        [SHAPE_TAG] = { "shared.**", "tenant%u", "" },
        [SHAPE_ID] = { "fn%u-*", "", "" },
    };
    enum shape shape = (enum shape)(i % SHAPES);
    *rule = (struct policy_rule_source){ .action = POLICY_ACCEPT };
    snprintf(own->id, sizeof(own->id), "rule-%u", i);
    snprintf(own->pattern, sizeof(own->pattern), shapes[shape].pattern, i);
    snprintf(own->template, sizeof(own->template), shapes[shape].renamed, i);
    snprintf(own->tag, sizeof(own->tag), shapes[shape].tag, i);
    own->spans[0] = span_from_text(own->pattern);
    own->spans[1] = span_from_text(own->tag);
    rule->id = span_from_text(own->id);
    struct text_list patterns = { .items = &own->spans[0], .count = 1 };
    rule->functions = shape == SHAPE_ID ? (struct text_list){ .count = 0 } : patterns;
    rule->function_ids = shape == SHAPE_ID ? patterns : (struct text_list){ .count = 0 };
    rule->set_function = span_from_text(own->template);
    rule->action = shape == SHAPE_REJECT ? POLICY_REJECT : POLICY_ACCEPT;
    if (shape == SHAPE_TAG) {
        rule->tags.all = (struct text_list){ .items = &own->spans[1], .count = 1 };
    }
}

/* The last rule is for all that no other is for. */
static struct policy_source
source_of(uint32_t count)
{
    static const struct span everything = { (const uint8_t *)"**", 2 };
    for (uint32_t i = 0; i + 1 < count; i++) {
        make_rule(i, &texts[i], &rules[i]);
    }
    rules[count - 1] = (struct policy_rule_source){
        .id = SPAN("rest"),
        .functions = { .items = &everything, .count = 1 },
        .action = POLICY_REJECT,
        .reason = SPAN("not for export"),
    };
    return (struct policy_source){
        .name = SPAN("bench"), .rules = { rules, NULL }, .rule_count = { count, 0 }
    };
}

static void
make_draw(struct prng *prng, uint32_t rule_count, struct draw *draw)
{
    static const char *const names[SHAPES] = { "team%u.users.find", "svc%u.resize",
        "private%u.keys.list", "billing.charge%u", "math.add%u", "events.hook%u", "shared.get_all",
        "fn%u-scale_image" };
    static const char *const unmatched = "nobody%u.asked.for.it";
    uint32_t shape = (uint32_t)prng_below(prng, SHAPES + 1);
    uint32_t of_shape = shape < SHAPES ? (rule_count - 2 - shape) / SHAPES + 1 : rule_count;
    uint32_t rule = (uint32_t)prng_below(prng, of_shape) * SHAPES + shape;
    snprintf(draw->name, sizeof(draw->name), shape < SHAPES ? names[shape] : unmatched, rule);
    snprintf(draw->tag, sizeof(draw->tag), shape == SHAPE_TAG ? "tenant%u" : "team-x", rule);
}

static double
now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Nanoseconds for one of all draws. */
static double
judge_ns(const struct policy *policy, const struct draw *list, struct arena *arena)
{
    static const struct span path = { (const uint8_t *)"us", 2 };
    uint32_t by_last = 0;
    double start_ns = now_ns();
    for (uint32_t i = 0; i < DRAWS; i++) {
        struct span tags[] = { SPAN("public"), span_from_text(list[i].tag) };
        struct span name = span_from_text(list[i].name);
        struct advertisement advertisement = {
            .identity = { .name = name, .function_id = name, .version = { .major = 1 } },
            .tags = { .items = tags, .count = COUNT_OF(tags) },
            .scope = SPAN("zone"),
            .origin = SPAN("us"),
            .path = { .items = &path, .count = 1 },
            .ttl_ns = 60 * SEC_NS,
        };
        struct policy_verdict verdict;
        arena_reset(arena);
        CHECK(policy_evaluate(policy, POLICY_EXPORT, &advertisement, AT, arena, &verdict) ==
              POLICY_EVALUATED);
        CHECK(verdict.rule != POLICY_NO_RULE);
        by_last += span_is(verdict.rule_id, "rest") ? 1 : 0;
    }
    double took_ns = (now_ns() - start_ns) / DRAWS;
    CHECK(by_last > DRAWS / 12);
    CHECK(by_last < DRAWS / 7);
    return took_ns;
}

static void
report_evaluations(struct mem *mem, struct arena *arena)
{
    struct policy *policies[COUNT_OF(rule_counts)];
    double best_ns[COUNT_OF(rule_counts)] = { 0 };
    struct prng prng = { .state = 1 };
    for (size_t i = 0; i < COUNT_OF(rule_counts); i++) {
        struct policy_source source = source_of(rule_counts[i]);
        struct policy_fault fault;
        policies[i] = policy_create(&source, mem, &fault);
        CHECK(policies[i] != NULL);
        for (uint32_t at = 0; at < DRAWS; at++) {
            make_draw(&prng, rule_counts[i], &draws[i][at]);
        }
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < COUNT_OF(rule_counts); i++) {
            double took_ns = judge_ns(policies[i], draws[i], arena);
            best_ns[i] = round == 0 || took_ns < best_ns[i] ? took_ns : best_ns[i];
        }
    }
    printf("%8s %15s %8s %8s\n", "rules", "evaluations/s", "ns", "cost");
    for (size_t i = 0; i < COUNT_OF(rule_counts); i++) {
        printf("%8u %15.0f %8.0f %7.2fx\n", rule_counts[i], 1e9 / best_ns[i], best_ns[i],
            best_ns[i] / best_ns[0]);
        policy_unref(policies[i]);
    }
}

/* The same policy as a file. */
static struct span
write_yaml(char *text, uint32_t count)
{
    FILE *out = fmemopen(text, YAML_SIZE_MAX, "w");
    CHECK(out != NULL);
    fprintf(out, "policy: bench\nlinks: [eu]\nexport:\n  rules:\n");
    for (uint32_t i = 0; i + 1 < count; i++) {
        const struct policy_rule_source *rule = &rules[i];
        fprintf(out, "    - id: %s\n      match: {%s: \"%s\"", texts[i].id,
            rule->function_ids.count > 0 ? "function_id" : "function", texts[i].pattern);
        if (rule->tags.all.count > 0) {
            fprintf(out, ", tags: {all: [%s]}", texts[i].tag);
        }
        fprintf(out, "}\n");
        if (rule->set_function.size > 0) {
            fprintf(out, "      set: {function: \"%s\"}\n", texts[i].template);
        }
        fprintf(out, "      action: %s\n", rule->action == POLICY_ACCEPT ? "accept" : "reject");
    }
    fprintf(out, "    - {id: rest, match: {function: \"**\"}, action: reject}\n");
    long size = ftell(out);
    fclose(out);
    CHECK(size > 0);
    CHECK((size_t)size < YAML_SIZE_MAX);
    return span_from(text, (size_t)size);
}

static double
compile_ns(struct mem *mem, size_t *size)
{
    struct policy_source source = source_of(RULES_MAX);
    struct policy_fault fault;
    size_t before = mem->used;
    double start_ns = now_ns();
    struct policy *policy = policy_create(&source, mem, &fault);
    double took_ns = now_ns() - start_ns;
    CHECK(policy != NULL);
    *size = mem->used - before;
    policy_unref(policy);
    return took_ns;
}

static double
load_ns(struct span yaml, struct mem *mem)
{
    struct yaml_errors errors;
    yaml_errors_init(&errors);
    double start_ns = now_ns();
    struct policy_yaml *loaded =
        policy_yaml_load_text("bench.yaml", yaml, &yaml_process_environment, mem, &errors);
    double took_ns = now_ns() - start_ns;
    CHECK(loaded != NULL);
    CHECK(errors.count == 0);
    policy_yaml_free(loaded);
    yaml_errors_destroy(&errors);
    return took_ns;
}

static void
report_loads(struct mem *mem)
{
    char *text = malloc(YAML_SIZE_MAX);
    CHECK(text != NULL);
    source_of(RULES_MAX);
    struct span yaml = write_yaml(text, RULES_MAX);
    double best_compile_ns = 0;
    double best_load_ns = 0;
    size_t size = 0;
    for (int i = 0; i < LOADS; i++) {
        double took_ns = compile_ns(mem, &size);
        best_compile_ns = i == 0 || took_ns < best_compile_ns ? took_ns : best_compile_ns;
        took_ns = load_ns(yaml, mem);
        best_load_ns = i == 0 || took_ns < best_load_ns ? took_ns : best_load_ns;
    }
    printf("%u rules: compiled in %.1f ms to %zu kB; loaded from %zu kB of YAML in %.1f ms\n",
        RULES_MAX, best_compile_ns / 1e6, size / 1000, yaml.size / 1000, best_load_ns / 1e6);
    free(text);
}

int
main(void)
{
    struct mem mem;
    struct arena arena;
    mem_init(&mem, SIZE_MAX);
    arena_init(&arena, &mem);
    report_evaluations(&mem, &arena);
    report_loads(&mem);
    arena_destroy(&arena);
    CHECK(mem.used == 0);
    return EXIT_SUCCESS;
}
