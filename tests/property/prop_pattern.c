/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_pattern.c - pattern_match agrees with a matcher that simply tries every division, on all short
 * names and patterns of a small alphabet (each seed takes its share), and on random longer ones.
 */
#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "bridge/pattern.h"
#include "core/limits.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"

/* Of a share of the small space, which all of them cover; also the number of seeds by default. */
#define SHARES 100u

#define RANDOM_ROUNDS 2000u

/* The oracle works on the text of a pattern and on characters, not on the compiled form and bytes. */
struct oracle {
    const char *value_begin[PATTERN_WILDCARDS_MAX];
    size_t value_size[PATTERN_WILDCARDS_MAX];
    uint32_t count;
};

static size_t
character_size(const char *text)
{
    size_t size = 1;
    while (((unsigned char)text[size] & 0xc0) == 0x80) {
        size++;
    }
    return size;
}

static bool oracle_match(struct oracle *oracle, const char *pattern, const char *name);

/* A wildcard at `pattern`, which goes on at `rest`: shortest first. */
static bool
oracle_wildcard(struct oracle *oracle, const char *pattern, const char *rest, const char *name)
{
    bool capture = pattern[0] == '{';
    bool anything = capture ? rest[-2] == '*' : pattern[1] == '*';
    uint32_t slot = oracle->count;
    const char *end = name;
    if (!anything) {
        if (*end == '\0' || *end == '.') {
            return false;
        }
        end += character_size(end);
    }
    for (;;) {
        if (capture) {
            oracle->value_begin[slot] = name;
            oracle->value_size[slot] = (size_t)(end - name);
            oracle->count = slot + 1;
        }
        if (oracle_match(oracle, rest, end)) {
            return true;
        }
        oracle->count = slot;
        if (*end == '\0' || (!anything && *end == '.')) {
            return false;
        }
        end += character_size(end);
    }
}

static bool
oracle_match(struct oracle *oracle, const char *pattern, const char *name)
{
    switch (pattern[0]) {
    case '\0':
        return name[0] == '\0';
    case '*':
        return oracle_wildcard(oracle, pattern, pattern + (pattern[1] == '*' ? 2 : 1), name);
    case '{':
        return oracle_wildcard(oracle, pattern, strchr(pattern, '}') + 1, name);
    default:
        return pattern[0] == name[0] && oracle_match(oracle, pattern + 1, name + 1);
    }
}

struct tally {
    uint64_t compared;
    uint64_t matched;
};

static bool
disagree(const char *pattern, const char *name, const char *what)
{
    printf("pattern \"%s\" on \"%s\": %s\n", pattern, name, what);
    return false;
}

static bool
agrees(const struct pattern *pattern, const char *text, const char *name, struct tally *tally)
{
    struct oracle oracle = { .count = 0 };
    struct pattern_captures captures = { .count = 0 };
    bool want = oracle_match(&oracle, text, name);
    bool got = pattern_match(pattern, span_from_text(name), &captures);
    tally->compared++;
    tally->matched += want ? 1 : 0;
    if (got != want) {
        return disagree(text, name, got ? "got a match, want none" : "got none, want a match");
    }
    if (got && captures.count != oracle.count) {
        return disagree(text, name, "another count of captures");
    }
    for (uint32_t i = 0; i < captures.count; i++) {
        struct span value = span_from(oracle.value_begin[i], oracle.value_size[i]);
        struct span taken = captures.items[i].value;
        if (taken.data != value.data || taken.size != value.size) {
            return disagree(text, name, "captures are divided in another way");
        }
    }
    return true;
}

static const char *const tokens[] = { "a", ".", "b", "*", "**", "{x}", "{y**}", "\xc3\xbc" };
static const char *const letters[] = { "a", ".", "b", "\xc3\xbc" };

#define PATTERN_TOKENS_MAX 4
#define NAME_LETTERS_MAX   5
#define NAMES_MAX          2048

struct names {
    char texts[NAMES_MAX][3 * NAME_LETTERS_MAX];
    size_t count;
};

/* The `number`-th text of `count` pieces out of `choice_count`. */
static void
spell(const char *const *choices, size_t choice_count, size_t count, size_t number, char *text)
{
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        strcat(text, choices[number % choice_count]);
        number /= choice_count;
    }
}

static size_t
power(size_t base, size_t exponent)
{
    return exponent == 0 ? 1 : base * power(base, exponent - 1);
}

static void
make_names(struct names *names)
{
    names->count = 0;
    for (size_t size = 0; size <= NAME_LETTERS_MAX; size++) {
        for (size_t i = 0; i < power(COUNT_OF(letters), size); i++) {
            CHECK(names->count < NAMES_MAX);
            spell(letters, COUNT_OF(letters), size, i, names->texts[names->count]);
            names->count++;
        }
    }
}

static bool
pattern_agrees_on_all(const char *text, const struct names *names, struct tally *tally)
{
    struct mem mem;
    struct arena arena;
    struct pattern pattern;
    bool agreed = true;
    mem_init(&mem, (size_t)1024 * 1024);
    arena_init(&arena, &mem);
    if (pattern_compile(span_from_text(text), &arena, &pattern) == PATTERN_OK) {
        for (size_t i = 0; agreed && i < names->count; i++) {
            agreed = agrees(&pattern, text, names->texts[i], tally);
        }
    }
    arena_destroy(&arena);
    return agreed;
}

static bool
all_short_patterns_agree_on_all_short_names(uint64_t seed)
{
    static struct names names;
    struct tally tally = { .compared = 0 };
    bool agreed = true;
    make_names(&names);
    for (size_t size = 1; size <= PATTERN_TOKENS_MAX; size++) {
        for (size_t i = seed % SHARES; agreed && i < power(COUNT_OF(tokens), size); i += SHARES) {
            char text[64];
            spell(tokens, COUNT_OF(tokens), size, i, text);
            agreed = pattern_agrees_on_all(text, &names, &tally);
        }
    }
    return agreed && tally.matched > 0;
}

/* At most twelve pieces and twenty letters: what the oracle can still try in full. */
static bool
random_patterns_agree(uint64_t seed)
{
    static const char *const pieces[] = { "ab", "a", "b.", "*", "**", "{u}", "{v**}", "{w}" };
    struct prng prng = { .state = seed };
    struct tally tally = { .compared = 0 };
    struct mem mem;
    struct arena arena;
    bool agreed = true;
    mem_init(&mem, (size_t)1024 * 1024);
    arena_init(&arena, &mem);
    for (uint32_t round = 0; agreed && round < RANDOM_ROUNDS; round++) {
        char text[128] = "";
        char name[128] = "";
        uint64_t piece_count = 1 + prng_below(&prng, 6);
        for (uint64_t i = 0; i < piece_count; i++) {
            strcat(text, pieces[prng_below(&prng, COUNT_OF(pieces))]);
            strcat(text, prng_chance(&prng, 300) ? letters[prng_below(&prng, 4)] : "");
        }
        uint64_t letter_count = prng_below(&prng, 20);
        for (uint64_t i = 0; i < letter_count; i++) {
            strcat(name, letters[prng_chance(&prng, 700) ? 0 : prng_below(&prng, 4)]);
        }
        struct pattern pattern;
        if (pattern_compile(span_from_text(text), &arena, &pattern) == PATTERN_OK) {
            agreed = agrees(&pattern, text, name, &tally);
        }
        arena_reset(&arena);
    }
    arena_destroy(&arena);
    /* A test that hardly ever matches would prove little. */
    CHECK(!agreed || tally.matched > tally.compared / 100);
    return agreed;
}

static const struct property properties[] = {
    { "all_short_patterns_agree_on_all_short_names", all_short_patterns_agree_on_all_short_names },
    { "random_patterns_agree", random_patterns_agree },
};

int
main(int argc, char **argv)
{
    return property_main(argc, argv, properties, COUNT_OF(properties), SHARES);
}
