/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prop_version.c - laws of versions and constraints: versions are totally ordered, a constraint says what its terms say one by
 * one, no term ever lets a version in, and what is tolerated in the text changes nothing.
 */
#include <string.h>

#include "base/buf.h"
#include "base/prng.h"
#include "core/version.h"
#include "tests/support/check_failed.h"
#include "tests/support/property.h"

#define SEED_COUNT 5000
#define TEXT_SIZE  256

static const char *const signs[] = { ">=", ">", "<=", "<", "==", "=", "" };

/* A text under construction, on its own account. */
struct trial {
    struct prng prng;
    struct mem mem;
    struct buf text;
};

static void
begin(struct trial *trial, uint64_t seed)
{
    *trial = (struct trial){ .prng = { seed } };
    mem_init(&trial->mem, SIZE_MAX);
    buf_init(&trial->text, &trial->mem, TEXT_SIZE);
}

static bool
end(struct trial *trial, bool holds)
{
    bool fitted = !trial->text.overflowed;
    buf_destroy(&trial->text);
    return holds && fitted;
}

static uint64_t
draw(struct trial *trial, uint64_t limit)
{
    return prng_below(&trial->prng, limit);
}

/* Small parts, so that equal ones meet; now and then a large one. */
static uint32_t
draw_part(struct trial *trial)
{
    return (uint32_t)draw(trial, draw(trial, 8) == 0 ? 1000000000 : 3);
}

static struct version
draw_version(struct trial *trial)
{
    uint32_t major = draw_part(trial);
    uint32_t minor = draw_part(trial);
    return (struct version){ major, minor, draw_part(trial) };
}

/* One of the ways to write it. */
static void
write_version(struct trial *trial, struct version version)
{
    bool short_patch = version.patch == 0 && draw(trial, 2) == 0;
    bool short_minor = short_patch && version.minor == 0 && draw(trial, 2) == 0;
    buf_add_text(&trial->text, draw(trial, 3) == 0 ? "v" : "");
    buf_add_text(&trial->text, draw(trial, 8) == 0 ? "00" : "");
    buf_add_decimal(&trial->text, version.major);
    if (!short_minor) {
        buf_add_u8(&trial->text, '.');
        buf_add_decimal(&trial->text, version.minor);
    }
    if (!short_patch) {
        buf_add_u8(&trial->text, '.');
        buf_add_decimal(&trial->text, version.patch);
    }
}

static void
write_space(struct trial *trial)
{
    static const char *const spaces[] = { "", "", " ", "\t ", "  \n" };
    buf_add_text(&trial->text, spaces[draw(trial, COUNT_OF(spaces))]);
}

static bool
parse(struct trial *trial, struct version_constraint *constraint)
{
    return version_constraint_parse(buf_span(&trial->text), constraint);
}

static bool
written_version_is_read(uint64_t seed)
{
    struct trial trial;
    struct version read = { 0, 0, 0 };
    begin(&trial, seed);
    struct version version = draw_version(&trial);
    write_space(&trial);
    write_version(&trial, version);
    write_space(&trial);
    bool valid = version_parse(buf_span(&trial.text), &read);
    return end(&trial, valid && version_compare(version, read) == 0);
}

static bool
versions_are_totally_ordered(uint64_t seed)
{
    struct trial trial;
    begin(&trial, seed);
    struct version a = draw_version(&trial);
    struct version b = draw_version(&trial);
    struct version c = draw_version(&trial);
    bool reflexive = version_compare(a, a) == 0;
    bool antisymmetric = (version_compare(a, b) < 0) == (version_compare(b, a) > 0);
    bool ordered = version_compare(a, b) <= 0 && version_compare(b, c) <= 0;
    bool transitive = !ordered || version_compare(a, c) <= 0;
    return end(&trial, reflexive && antisymmetric && transitive);
}

/* What a sign means, from its characters alone. */
static bool
sign_holds(const char *sign, struct version version, struct version bound)
{
    int order = version_compare(version, bound);
    bool equal_too = sign[0] == '\0' || strchr(sign, '=') != NULL;
    return (order == 0 && equal_too) || (order > 0 && sign[0] == '>') ||
           (order < 0 && sign[0] == '<');
}

static bool
constraint_says_what_its_terms_say(uint64_t seed)
{
    struct trial trial;
    struct version_constraint whole;
    bool each = true;
    begin(&trial, seed);
    struct version version = draw_version(&trial);
    uint64_t count = draw(&trial, VERSION_CONSTRAINTS_MAX);
    for (uint64_t i = 0; i < count; i++) {
        /* Equality stands alone, so only the four others. */
        const char *sign = signs[draw(&trial, 4)];
        struct version bound = draw_version(&trial);
        each = each && sign_holds(sign, version, bound);
        buf_add_text(&trial.text, i == 0 ? "" : ",");
        buf_add_text(&trial.text, sign);
        write_version(&trial, bound);
    }
    /* Bounds that loosen are refused; everything else says what it says. */
    bool refused = !parse(&trial, &whole);
    return end(&trial, refused || version_satisfies(version, &whole) == each);
}

static bool
one_term_is_always_a_constraint(uint64_t seed)
{
    struct trial trial;
    struct version_constraint constraint;
    begin(&trial, seed);
    const char *sign = signs[draw(&trial, COUNT_OF(signs))];
    struct version version = draw_version(&trial);
    struct version bound = draw_version(&trial);
    buf_add_text(&trial.text, sign);
    write_version(&trial, bound);
    bool holds = parse(&trial, &constraint) && constraint.count == 1 &&
                 version_satisfies(version, &constraint) == sign_holds(sign, version, bound);
    return end(&trial, holds);
}

static bool
term_never_lets_a_version_in(uint64_t seed)
{
    struct trial trial;
    struct version_constraint before;
    struct version_constraint after;
    begin(&trial, seed);
    struct version version = draw_version(&trial);
    buf_add_text(&trial.text, signs[draw(&trial, 4)]);
    write_version(&trial, draw_version(&trial));
    bool holds = parse(&trial, &before);
    buf_add_text(&trial.text, ",");
    buf_add_text(&trial.text, signs[draw(&trial, 4)]);
    write_version(&trial, draw_version(&trial));
    if (holds && parse(&trial, &after)) {
        holds = !version_satisfies(version, &after) || version_satisfies(version, &before);
    }
    return end(&trial, holds);
}

static bool
bounds_may_come_in_any_order(uint64_t seed)
{
    struct trial trial;
    struct trial other;
    struct version_constraint a;
    struct version_constraint b;
    begin(&trial, seed);
    begin(&other, seed + 1);
    const char *low = signs[draw(&trial, 2)];
    const char *high = signs[2 + draw(&trial, 2)];
    struct version version = draw_version(&trial);
    struct version least = draw_version(&trial);
    struct version most = draw_version(&trial);
    buf_add_text(&trial.text, low);
    write_version(&trial, least);
    buf_add_text(&trial.text, ",");
    buf_add_text(&trial.text, high);
    write_version(&trial, most);
    buf_add_text(&other.text, high);
    write_version(&other, most);
    buf_add_text(&other.text, ",");
    buf_add_text(&other.text, low);
    write_version(&other, least);
    bool holds = parse(&trial, &a) && parse(&other, &b) &&
                 version_satisfies(version, &a) == version_satisfies(version, &b);
    return end(&other, end(&trial, holds));
}

static bool
tolerated_text_changes_nothing(uint64_t seed)
{
    struct trial plain;
    struct trial dressed;
    struct version_constraint a;
    struct version_constraint b;
    begin(&plain, seed);
    begin(&dressed, seed + 1);
    const char *low = signs[draw(&plain, 2)];
    struct version version = draw_version(&plain);
    struct version least = draw_version(&plain);
    buf_add_text(&plain.text, low);
    write_version(&plain, least);

    write_space(&dressed);
    buf_add_text(&dressed.text, draw(&dressed, 2) == 0 ? "((" : "");
    buf_add_text(&dressed.text, draw(&dressed, 2) == 0 ? ",," : "");
    write_space(&dressed);
    buf_add_text(&dressed.text, draw(&dressed, 2) == 0 ? "version" : "");
    write_space(&dressed);
    buf_add_text(&dressed.text, low);
    write_space(&dressed);
    write_version(&dressed, least);
    write_space(&dressed);
    buf_add_text(&dressed.text, draw(&dressed, 2) == 0 ? ")" : "");
    write_space(&dressed);
    bool holds = parse(&plain, &a) && parse(&dressed, &b) &&
                 version_satisfies(version, &a) == version_satisfies(version, &b);
    return end(&dressed, end(&plain, holds));
}

static bool
damaged_text_is_refused_or_means_something(uint64_t seed)
{
    static const char letters[] = "0123456789v.,<>=() \n-xversion";
    struct trial trial;
    struct version version = { 1, 2, 3 };
    struct version_constraint constraint;
    begin(&trial, seed);
    for (uint64_t i = draw(&trial, 24); i > 0; i--) {
        buf_add_u8(&trial.text, (uint8_t)letters[draw(&trial, sizeof(letters) - 1)]);
    }
    bool is_version = version_parse(buf_span(&trial.text), &version);
    bool is_constraint = parse(&trial, &constraint);
    /* A version is a constraint too, that it satisfies; a constraint can be asked. */
    bool holds = !is_version || (is_constraint && version_satisfies(version, &constraint));
    holds = holds && (!is_constraint || constraint.count <= VERSION_CONSTRAINTS_MAX);
    return end(&trial, holds);
}

int
main(int argc, char **argv)
{
    static const struct property properties[] = {
        { "a written version is read", written_version_is_read },
        { "versions are totally ordered", versions_are_totally_ordered },
        { "one term is always a constraint", one_term_is_always_a_constraint },
        { "a constraint says what its terms say", constraint_says_what_its_terms_say },
        { "a term never lets a version in", term_never_lets_a_version_in },
        { "bounds may come in any order", bounds_may_come_in_any_order },
        { "tolerated text changes nothing", tolerated_text_changes_nothing },
        { "damaged text is refused or means something",
            damaged_text_is_refused_or_means_something },
    };
    return property_main(argc, argv, properties, COUNT_OF(properties), SEED_COUNT);
}
