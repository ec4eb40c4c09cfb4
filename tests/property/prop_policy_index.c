/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_policy_index.c - policy_evaluate finds the rule that a reader finds who asks them one by one: in policies of up
 * to ten thousand rules that share prefixes, endings and tags or have nothing to be told apart by, and in all small ones.
 */
#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "bridge/policy.h"
#include "tests/support/at.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"

#define SEED_COUNT     100u
#define RULES_MAX      10000u
#define ADVERTISEMENTS 60u
#define LIST_MAX       3u
#define TEXT_SIZE      48u

/* The oracle: plain loops over the source, nothing of the compiled policy. */

/* Of patterns without captures, by trying everything. */
static bool
glob(const char *pattern, const char *name)
{
    if (pattern[0] == '\0') {
        return name[0] == '\0';
    }
    if (pattern[0] == '*' && pattern[1] == '*') {
        return glob(pattern + 2, name) || (name[0] != '\0' && glob(pattern, name + 1));
    }
    if (pattern[0] == '*') {
        bool takes = name[0] != '\0' && name[0] != '.';
        return takes && (glob(pattern + 1, name + 1) || glob(pattern, name + 1));
    }
    return pattern[0] == name[0] && glob(pattern + 1, name + 1);
}

static bool
fits(const struct text_list *patterns, struct span name)
{
    for (uint32_t i = 0; i < patterns->count; i++) {
        if (glob((const char *)patterns->items[i].data, (const char *)name.data)) {
            return true;
        }
    }
    return patterns->count == 0;
}

static uint32_t
shared(const struct text_list *a, const struct text_list *b)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        bool found = false;
        for (uint32_t j = 0; j < b->count; j++) {
            found = found || span_equal(a->items[i], b->items[j]);
        }
        count += found ? 1 : 0;
    }
    return count;
}

static bool
set_fits(const struct policy_set_match *match, const struct text_list *set)
{
    return shared(&match->all, set) == match->all.count &&
           (match->any.count == 0 || shared(&match->any, set) > 0) &&
           shared(&match->none, set) == 0;
}

static bool
one_fits(const struct text_list *allowed, struct span text)
{
    const struct text_list one = { .items = &text, .count = 1 };
    return allowed->count == 0 || shared(&one, allowed) > 0;
}

static bool
rule_fits(const struct policy_rule_source *rule, const struct advertisement *in)
{
    return fits(&rule->functions, in->identity.name) &&
           fits(&rule->function_ids, in->identity.function_id) &&
           set_fits(&rule->tags, &in->tags) && set_fits(&rule->resources, &in->resources) &&
           one_fits(&rule->scopes, in->scope) && one_fits(&rule->origins, in->origin) &&
           (!rule->has_max_hops || in->path.count <= rule->max_hops) &&
           shared(&rule->path_includes, &in->path) == rule->path_includes.count &&
           shared(&rule->path_excludes, &in->path) == 0 &&
           (in->path.count < 2 || rule->transit || rule->action == POLICY_REJECT);
}

static uint32_t
first_that_fits(
    const struct policy_rule_source *rules, uint32_t rule_count, const struct advertisement *in)
{
    uint32_t rule = 0;
    while (rule < rule_count && !rule_fits(&rules[rule], in)) {
        rule++;
    }
    return rule < rule_count ? rule : POLICY_NO_RULE;
}

static bool
is_found(const struct policy *policy, const struct policy_source *source,
    const struct advertisement *in, struct arena *arena)
{
    uint32_t want = first_that_fits(source->rules[0], source->rule_count[0], in);
    struct policy_verdict verdict;
    enum policy_evaluation evaluation =
        policy_evaluate(policy, POLICY_EXPORT, in, AT, arena, &verdict);
    enum policy_action action =
        want == POLICY_NO_RULE ? POLICY_REJECT : source->rules[0][want].action;
    bool right = evaluation == POLICY_EVALUATED && verdict.rule == want && verdict.action == action;
    if (!right) {
        printf("%.*s, id %.*s: got rule %u, want %u of %u\n", SPAN_ARGS(in->identity.name),
            SPAN_ARGS(in->identity.function_id), verdict.rule, want, source->rule_count[0]);
    }
    return right;
}

/* Large policies. */

/* What a rule is about. How often each is drawn differs from policy to policy. */
enum theme {
    THEME_NAME = 0, /* patterns with literals, most of them in common with other rules */
    THEME_WILD,     /* patterns that say little or nothing, and tags */
    THEME_ID,
    THEME_TAGS,
    THEME_PLACES,
    THEME_NOTHING, /* matches everything, behind all others */
};

#define THEMES 5u

struct scene {
    struct prng prng;
    struct mem mem;
    struct arena arena;
    uint32_t weights[THEMES];
    uint32_t variety; /* how many different words of a kind there are */
};

/* Each % of the form becomes a number. */
static struct span
drawn_text(struct scene *scene, const char *form)
{
    char *text = arena_take(&scene->arena, TEXT_SIZE);
    CHECK(text != NULL);
    uint32_t a = (uint32_t)prng_below(&scene->prng, scene->variety);
    uint32_t b = (uint32_t)prng_below(&scene->prng, scene->variety);
    size_t size = 0;
    for (const char *at = form; *at != '\0'; at++) {
        if (*at == '%') {
            size += (size_t)snprintf(&text[size], TEXT_SIZE - size, "%u", a);
            a = b;
        } else {
            text[size] = *at;
            size++;
        }
        CHECK(size < TEXT_SIZE);
    }
    return span_from(text, size);
}

static struct text_list
drawn_list(struct scene *scene, const char *const *forms, size_t form_count)
{
    uint32_t count = 1 + (uint32_t)prng_below(&scene->prng, LIST_MAX);
    struct span *items = arena_take(&scene->arena, count * sizeof(*items));
    CHECK(items != NULL);
    for (uint32_t i = 0; i < count; i++) {
        items[i] = drawn_text(scene, forms[prng_below(&scene->prng, form_count)]);
    }
    return (struct text_list){ .items = items, .count = count };
}

static const char *const named[] = { "team%.**", "team%.svc%.*", "team%.svc%.get", "team%.*.get",
    "t**.svc%", "**.svc%.put", "*.svc%.get", "te**%", "team%", "team%.svc%" };
static const char *const wild[] = { "**", "*", "*.svc%.*", "**.*", "**svc%**", "*.**" };
static const char *const ids[] = { "fn-%", "fn-%*", "**-%", "f*", "team%.**" };
static const char *const tags[] = { "tag%", "tag%", "public" };
static const char *const places[] = { "us", "eu", "ap", "p%" };
static const char *const names[] = { "team%.svc%.get", "team%.svc%.put", "team%.svc%", "team%",
    "svc%", "x.svc%.get", "team%.a.b.svc%.put", "te.x%" };
static const char *const function_ids[] = { "fn-%", "fn-%x", "team%.svc%", "other" };

static struct policy_set_match
drawn_set(struct scene *scene)
{
    struct policy_set_match match = { .all = { .count = 0 } };
    switch (prng_below(&scene->prng, 4)) {
    case 0:
        match.all = drawn_list(scene, tags, COUNT_OF(tags));
        break;
    case 1:
        match.none = drawn_list(scene, tags, COUNT_OF(tags));
        match.any = drawn_list(scene, tags, COUNT_OF(tags));
        break;
    case 2:
        match.all = drawn_list(scene, tags, 1);
        match.all.count = 1;
        break;
    default:
        match.any = drawn_list(scene, tags, COUNT_OF(tags));
        break;
    }
    return match;
}

static void
draw_places(struct scene *scene, struct policy_rule_source *rule)
{
    rule->has_max_hops = prng_chance(&scene->prng, 500);
    rule->max_hops = (uint32_t)prng_below(&scene->prng, 3);
    if (prng_chance(&scene->prng, 400)) {
        rule->origins = drawn_list(scene, places, COUNT_OF(places));
    }
    if (prng_chance(&scene->prng, 400)) {
        rule->scopes = drawn_list(scene, places, COUNT_OF(places));
    }
    if (prng_chance(&scene->prng, 400)) {
        rule->path_includes = drawn_list(scene, places, COUNT_OF(places));
    }
    if (prng_chance(&scene->prng, 200) || rule->path_includes.count == 0) {
        rule->path_excludes = drawn_list(scene, places, COUNT_OF(places) - 1);
    }
    if (prng_chance(&scene->prng, 600)) {
        rule->resources = drawn_set(scene);
    }
}

static void
draw_theme(struct scene *scene, enum theme theme, struct policy_rule_source *rule)
{
    switch (theme) {
    case THEME_NAME:
        rule->functions = drawn_list(scene, named, COUNT_OF(named));
        break;
    case THEME_WILD:
        rule->functions = drawn_list(scene, wild, COUNT_OF(wild));
        rule->tags = drawn_set(scene);
        break;
    case THEME_ID:
        rule->function_ids = drawn_list(scene, ids, COUNT_OF(ids));
        break;
    case THEME_TAGS:
        rule->tags = drawn_set(scene);
        break;
    case THEME_PLACES:
        draw_places(scene, rule);
        break;
    case THEME_NOTHING:
        break;
    }
}

static enum theme
drawn_theme(struct scene *scene)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < THEMES; i++) {
        sum += scene->weights[i];
    }
    uint32_t at = (uint32_t)prng_below(&scene->prng, sum);
    uint32_t theme = 0;
    while (at >= scene->weights[theme]) {
        at -= scene->weights[theme];
        theme++;
    }
    return (enum theme)theme;
}

static void
draw_rules(struct scene *scene, struct policy_rule_source *rules, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char *id = arena_take(&scene->arena, TEXT_SIZE);
        CHECK(id != NULL);
        snprintf(id, TEXT_SIZE, "r%u", i);
        rules[i] = (struct policy_rule_source){ .id = span_from_text(id),
            .transit = prng_chance(&scene->prng, 800),
            .action = prng_chance(&scene->prng, 500) ? POLICY_ACCEPT : POLICY_REJECT };
        bool last = i + 1 == count && prng_chance(&scene->prng, 500);
        draw_theme(scene, last ? THEME_NOTHING : drawn_theme(scene), &rules[i]);
        if (!last && prng_chance(&scene->prng, 300)) {
            draw_theme(scene, drawn_theme(scene), &rules[i]);
        }
    }
}

static struct advertisement
drawn_advertisement(struct scene *scene)
{
    return (struct advertisement){
        .identity = { .name = drawn_text(scene, names[prng_below(&scene->prng, COUNT_OF(names))]),
            .function_id =
                drawn_text(scene, function_ids[prng_below(&scene->prng, COUNT_OF(function_ids))]) },
        .tags = drawn_list(scene, tags, COUNT_OF(tags)),
        .resources = drawn_list(scene, tags, COUNT_OF(tags)),
        .scope = drawn_text(scene, places[prng_below(&scene->prng, COUNT_OF(places))]),
        .origin = drawn_text(scene, places[prng_below(&scene->prng, COUNT_OF(places))]),
        .path = drawn_list(scene, places, COUNT_OF(places)),
    };
}

static bool
large_policy_is_right(struct scene *scene, uint32_t rule_count)
{
    struct policy_rule_source *rules = arena_take(&scene->arena, rule_count * sizeof(*rules));
    CHECK(rules != NULL);
    draw_rules(scene, rules, rule_count);
    struct policy_source source = {
        .name = SPAN("drawn"), .rules = { rules, NULL }, .rule_count = { rule_count, 0 }
    };
    struct policy_fault fault;
    struct policy *policy = policy_create(&source, &scene->mem, &fault);
    CHECK(policy != NULL);
    bool right = true;
    for (uint32_t i = 0; right && i < ADVERTISEMENTS; i++) {
        struct advertisement in = drawn_advertisement(scene);
        right = is_found(policy, &source, &in, &scene->arena);
    }
    policy_unref(policy);
    return right;
}

static bool
large_policies_give_the_first_rule_that_fits(uint64_t seed)
{
    static const uint32_t rule_counts[] = { 3, 30, 300, 3000, RULES_MAX };
    struct scene scene = { .prng = { .state = seed } };
    mem_init(&scene.mem, SIZE_MAX);
    arena_init(&scene.arena, &scene.mem);
    uint32_t rule_count = rule_counts[seed % COUNT_OF(rule_counts)];
    scene.variety = 2 + (uint32_t)prng_below(&scene.prng, rule_count);
    scene.weights[prng_below(&scene.prng, THEMES)] = 20;
    for (size_t i = 0; i < THEMES; i++) {
        bool some = prng_chance(&scene.prng, 600);
        scene.weights[i] += some ? (uint32_t)prng_below(&scene.prng, 10) : 0;
    }
    bool right = large_policy_is_right(&scene, rule_count);
    arena_destroy(&scene.arena);
    CHECK(scene.mem.used == 0);
    return right;
}

/* All small policies: two rules, each of one pattern for the name and one for the id, or without. */

#define SMALL_SIZE_MAX 3u
#define ID_PATTERNS    5u

struct small {
    char texts[64][SMALL_SIZE_MAX + 1];
    struct span spans[64];
    uint32_t count;
};

/* All texts of one to three of these characters, without three stars in a row. */
static void
list_small(struct small *small, const char *alphabet)
{
    uint32_t base = (uint32_t)strlen(alphabet);
    for (uint32_t size = 0, end = 1; size <= SMALL_SIZE_MAX; size++, end *= base) {
        for (uint32_t number = 0; size > 0 && number < end; number++) {
            char *text = small->texts[small->count];
            uint32_t rest = number;
            for (uint32_t i = 0; i < size; i++) {
                text[i] = alphabet[rest % base];
                rest /= base;
            }
            text[size] = '\0';
            small->spans[small->count] = span_from_text(text);
            small->count += strcmp(text, "***") != 0 ? 1 : 0;
        }
    }
    CHECK(small->count < COUNT_OF(small->texts));
}

/* The rule `number` of (patterns + 1) x ID_PATTERNS. */
static struct policy_rule_source
small_rule(const struct small *patterns, uint32_t number)
{
    static const struct span id_patterns[ID_PATTERNS] = { { NULL, 0 }, { (const uint8_t *)"a", 1 },
        { (const uint8_t *)"a*", 2 }, { (const uint8_t *)"*a", 2 }, { (const uint8_t *)"**", 2 } };
    uint32_t name = number / ID_PATTERNS;
    uint32_t id = number % ID_PATTERNS;
    return (struct policy_rule_source){
        .functions = { .items = &patterns->spans[name], .count = name < patterns->count ? 1 : 0 },
        .function_ids = { .items = &id_patterns[id], .count = id > 0 ? 1 : 0 },
        .action = POLICY_ACCEPT,
    };
}

static bool
small_policy_is_right(const struct policy_source *source, const struct small *small_names,
    struct mem *mem, struct arena *arena)
{
    static const struct span small_ids[] = { { (const uint8_t *)"a", 1 },
        { (const uint8_t *)"ab", 2 }, { (const uint8_t *)".", 1 } };
    struct policy_fault fault;
    struct policy *policy = policy_create(source, mem, &fault);
    CHECK(policy != NULL);
    bool right = true;
    for (uint32_t i = 0; right && i < small_names->count * COUNT_OF(small_ids); i++) {
        struct advertisement in = {
            .identity = { .name = small_names->spans[i / COUNT_OF(small_ids)],
                .function_id = small_ids[i % COUNT_OF(small_ids)] },
        };
        right = is_found(policy, source, &in, arena);
        arena_reset(arena);
    }
    policy_unref(policy);
    return right;
}

/* The policies whose first rule has a number that leaves seed - 1 by SEED_COUNT: seeds 1 to SEED_COUNT have all. */
static bool
all_small_policies_give_the_first_rule_that_fits(uint64_t seed)
{
    struct small patterns = { .count = 0 };
    struct small small_names = { .count = 0 };
    list_small(&patterns, "a.*");
    list_small(&small_names, "a.");
    struct mem mem;
    struct arena arena;
    mem_init(&mem, SIZE_MAX);
    arena_init(&arena, &mem);
    uint32_t rule_count = (patterns.count + 1) * ID_PATTERNS;
    bool right = true;
    for (uint32_t first = (uint32_t)((seed - 1) % SEED_COUNT); first < rule_count;
         first += SEED_COUNT) {
        for (uint32_t second = 0; right && second < rule_count; second++) {
            struct policy_rule_source rules[] = { small_rule(&patterns, first),
                small_rule(&patterns, second) };
            rules[0].id = SPAN("first");
            rules[1].id = SPAN("second");
            struct policy_source source = {
                .name = SPAN("small"), .rules = { rules, NULL }, .rule_count = { 2, 0 }
            };
            right = small_policy_is_right(&source, &small_names, &mem, &arena);
        }
    }
    arena_destroy(&arena);
    CHECK(mem.used == 0);
    return right;
}

static const struct property properties[] = {
    { "large_policies_give_the_first_rule_that_fits",
        large_policies_give_the_first_rule_that_fits },
    { "all_small_policies_give_the_first_rule_that_fits",
        all_small_policies_give_the_first_rule_that_fits },
};

int
main(int argc, char **argv)
{
    return property_main(argc, argv, properties, COUNT_OF(properties), SEED_COUNT);
}
