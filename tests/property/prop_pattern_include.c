/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_pattern_include.c - inclusion and overlap of patterns are what all short names say, and each name that is
 * given as a proof proves it. Small patterns exhaustively, larger ones by chance.
 */
#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "bridge/pattern_include.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"

#define SEED_COUNT      60u
#define QUESTIONS       40u
#define TOKENS_MAX      6u
#define NAME_LENGTH_MAX 5u
#define WHOLE_MAX       3u
#define NAMES_MAX       1000u

static const char *const tokens[] = { "a", ".", "*", "**", "b", "\xc3\xa9", "{x}", "{y**}" };
static const char *const letters[] = { "a", ".", "x", "\xc3\xa9" };

struct scene {
    struct prng prng;
    struct mem mem;
    struct arena arena; /* the names, and the patterns of one question */
    struct span names[NAMES_MAX];
    uint32_t name_count;
};

/* All names of up to `length` of the first `letter_count` letters. */
static void
make_names(struct scene *scene, uint32_t letter_count, uint32_t length)
{
    uint32_t begin = 0;
    uint32_t end = 0;
    scene->name_count = 0;
    for (uint32_t i = 0; i < length; i++) {
        for (uint32_t j = begin; j < end || (i == 0 && j == 0); j++) {
            for (uint32_t k = 0; k < letter_count; k++) {
                char text[NAME_LENGTH_MAX * 4] = "";
                struct span head = i == 0 ? SPAN("") : scene->names[j];
                (void)snprintf(text, sizeof(text), "%.*s%s", SPAN_ARGS(head), letters[k]);
                CHECK(scene->name_count < NAMES_MAX);
                scene->names[scene->name_count] = arena_copy(&scene->arena, span_from_text(text));
                scene->name_count++;
            }
        }
        begin = end;
        end = scene->name_count;
    }
}

static bool
some_match(const struct pattern *patterns, uint32_t count, struct span name)
{
    bool found = false;
    for (uint32_t i = 0; i < count; i++) {
        found = found || pattern_match(&patterns[i], name, NULL);
    }
    return found;
}

static bool
fail(const char *what, const struct pattern *a, const struct pattern *b, struct span name)
{
    printf("'%.*s' and '%.*s': %s '%.*s'\n", SPAN_ARGS(a->text), SPAN_ARGS(b->text), what,
        SPAN_ARGS(name));
    return false;
}

static bool
inclusion_is_right(struct scene *scene, const struct pattern *whole, uint32_t count,
    const struct pattern *part, struct arena *scratch)
{
    struct span witness = SPAN_NONE;
    enum pattern_inclusion inclusion = pattern_includes(whole, count, part, scratch, &witness);
    if (inclusion == PATTERN_NOT_INCLUDED) {
        bool proves = witness.size > 0 && pattern_is_plain(witness) &&
                      pattern_match(part, witness, NULL) && !some_match(whole, count, witness);
        return proves || fail("does not prove it:", whole, part, witness);
    }
    if (inclusion == PATTERN_UNDECIDED) {
        return fail("undecided", whole, part, SPAN(""));
    }
    for (uint32_t i = 0; i < scene->name_count; i++) {
        struct span name = scene->names[i];
        if (pattern_match(part, name, NULL) && !some_match(whole, count, name)) {
            return fail("not included:", whole, part, name);
        }
    }
    return true;
}

static bool
overlap_is_right(
    struct scene *scene, const struct pattern *a, const struct pattern *b, struct arena *scratch)
{
    struct span witness = SPAN_NONE;
    enum pattern_overlap overlap = pattern_overlaps(a, b, scratch, &witness);
    if (overlap == PATTERN_OVERLAPPING) {
        bool proves = witness.size > 0 && pattern_is_plain(witness) &&
                      pattern_match(a, witness, NULL) && pattern_match(b, witness, NULL);
        return proves || fail("does not prove it:", a, b, witness);
    }
    CHECK(overlap == PATTERN_DISJOINT);
    for (uint32_t i = 0; i < scene->name_count; i++) {
        struct span name = scene->names[i];
        if (pattern_match(a, name, NULL) && pattern_match(b, name, NULL)) {
            return fail("not disjoint:", a, b, name);
        }
    }
    return true;
}

static void
begin(struct scene *scene, uint64_t seed)
{
    *scene = (struct scene){ .prng = { .state = seed } };
    mem_init(&scene->mem, (size_t)64 * 1024 * 1024);
    arena_init(&scene->arena, &scene->mem);
}

/* Tokens drawn until they are a pattern. */
static struct pattern
draw(struct scene *scene)
{
    struct pattern pattern;
    enum pattern_result result = PATTERN_EMPTY;
    while (result != PATTERN_OK) {
        char text[TOKENS_MAX * 8] = "";
        uint64_t count = 1 + prng_below(&scene->prng, TOKENS_MAX);
        for (uint64_t i = 0; i < count; i++) {
            strcat(text, tokens[prng_below(&scene->prng, COUNT_OF(tokens))]);
        }
        result = pattern_compile(span_from_text(text), &scene->arena, &pattern);
    }
    return pattern;
}

static bool
drawn_patterns_are_judged_rightly(uint64_t seed)
{
    static struct scene scene;
    struct arena scratch;
    bool right = true;
    begin(&scene, seed);
    arena_init(&scratch, &scene.mem);
    make_names(&scene, COUNT_OF(letters), 4);
    for (uint32_t i = 0; right && i < QUESTIONS; i++) {
        struct pattern whole[WHOLE_MAX];
        uint32_t count = 1 + (uint32_t)prng_below(&scene.prng, WHOLE_MAX);
        for (uint32_t j = 0; j < count; j++) {
            whole[j] = draw(&scene);
        }
        struct pattern part = draw(&scene);
        right = inclusion_is_right(&scene, whole, count, &part, &scratch) &&
                overlap_is_right(&scene, &whole[0], &part, &scratch);
        arena_reset(&scratch);
    }
    arena_destroy(&scratch);
    arena_destroy(&scene.arena);
    CHECK(scene.mem.used == 0);
    return right;
}

/* Every pattern of up to three of a . * and **, with every other. Needs no seed: once is enough. */
static bool
all_small_patterns_are_judged_rightly(uint64_t seed)
{
    static struct scene scene;
    static struct pattern patterns[4 + 16 + 64];
    uint32_t count = 0;
    struct arena scratch;
    bool right = true;
    if (seed != 1) {
        return true;
    }
    begin(&scene, seed);
    arena_init(&scratch, &scene.mem);
    make_names(&scene, 3, NAME_LENGTH_MAX);
    for (uint32_t i = 0; i < 5 * 5 * 4; i++) {
        char text[8] = "";
        (void)snprintf(text, sizeof(text), "%s%s%s", i / 20 == 0 ? "" : tokens[i / 20 - 1],
            i / 4 % 5 == 0 ? "" : tokens[i / 4 % 5 - 1], tokens[i % 4]);
        bool doubled = i / 20 > 0 && i / 4 % 5 == 0;
        if (!doubled &&
            pattern_compile(span_from_text(text), &scene.arena, &patterns[count]) == PATTERN_OK) {
            count++;
        }
    }
    CHECK(count > 50);
    for (uint32_t i = 0; right && i < count * count; i++) {
        const struct pattern *a = &patterns[i / count];
        const struct pattern *b = &patterns[i % count];
        right = inclusion_is_right(&scene, a, 1, b, &scratch) &&
                overlap_is_right(&scene, a, b, &scratch);
        arena_reset(&scratch);
    }
    arena_destroy(&scratch);
    arena_destroy(&scene.arena);
    return right;
}

static const struct property properties[] = {
    { "drawn_patterns_are_judged_rightly", drawn_patterns_are_judged_rightly },
    { "all_small_patterns_are_judged_rightly", all_small_patterns_are_judged_rightly },
};

int
main(int argc, char **argv)
{
    return property_main(argc, argv, properties, COUNT_OF(properties), SEED_COUNT);
}
