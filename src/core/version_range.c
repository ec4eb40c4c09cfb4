/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version_range.c - versions are whole numbers of three digits, so each has a next one and one before it.
 */
#include "core/version_range.h"

/* The largest part that version_parse() takes. */
#define PART_MAX 999999999u

static const struct version lowest = { 0, 0, 0 };
static const struct version highest = { PART_MAX, PART_MAX, PART_MAX };

static const struct version_range nothing = {
    .first = { PART_MAX, PART_MAX, PART_MAX },
    .last = { 0, 0, 0 },
};

/* Not of the highest. */
static struct version
next(struct version version)
{
    if (version.patch < PART_MAX) {
        version.patch++;
        return version;
    }
    version.patch = 0;
    if (version.minor < PART_MAX) {
        version.minor++;
        return version;
    }
    version.minor = 0;
    version.major++;
    return version;
}

/* Not of the lowest. */
static struct version
previous(struct version version)
{
    if (version.patch > 0) {
        version.patch--;
        return version;
    }
    version.patch = PART_MAX;
    if (version.minor > 0) {
        version.minor--;
        return version;
    }
    version.minor = PART_MAX;
    version.major--;
    return version;
}

struct version_range
version_range_all(void)
{
    return (struct version_range){ .first = lowest, .last = highest };
}

bool
version_range_is_empty(const struct version_range *range)
{
    return version_compare(range->first, range->last) > 0;
}

bool
version_range_has(const struct version_range *range, struct version version)
{
    return version_compare(range->first, version) <= 0 &&
           version_compare(version, range->last) <= 0;
}

bool
version_range_includes(const struct version_range *whole, const struct version_range *part)
{
    return version_range_is_empty(part) ||
           (version_range_has(whole, part->first) && version_range_has(whole, part->last));
}

struct version_range
version_range_both(struct version_range a, struct version_range b)
{
    return (struct version_range){
        .first = version_compare(a.first, b.first) < 0 ? b.first : a.first,
        .last = version_compare(a.last, b.last) < 0 ? a.last : b.last,
    };
}

struct version_range
version_range_below(const struct version_range *range)
{
    if (version_compare(range->first, lowest) == 0) {
        return nothing;
    }
    return (struct version_range){ .first = lowest, .last = previous(range->first) };
}

struct version_range
version_range_above(const struct version_range *range)
{
    if (version_compare(range->last, highest) == 0) {
        return nothing;
    }
    return (struct version_range){ .first = next(range->last), .last = highest };
}

static struct version_range
range_of_term(enum version_relation relation, struct version version)
{
    struct version_range exactly = { .first = version, .last = version };
    switch (relation) {
    case VERSION_EQUAL:
        return exactly;
    case VERSION_LESS:
        return version_range_below(&exactly);
    case VERSION_LESS_OR_EQUAL:
        return (struct version_range){ .first = lowest, .last = version };
    case VERSION_GREATER:
        return version_range_above(&exactly);
    case VERSION_GREATER_OR_EQUAL:
        return (struct version_range){ .first = version, .last = highest };
    }
    return nothing;
}

struct version_range
version_range_of(const struct version_constraint *constraint)
{
    struct version_range range = version_range_all();
    for (uint32_t i = 0; i < constraint->count; i++) {
        struct version_range term =
            range_of_term(constraint->terms[i].relation, constraint->terms[i].version);
        range = version_range_both(range, term);
    }
    return range;
}
