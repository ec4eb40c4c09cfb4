/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version_range.h - what a constraint allows, as a range: the terms of a constraint are joined by "and".
 */
#ifndef CORE_VERSION_RANGE_H
#define CORE_VERSION_RANGE_H

#include "core/version.h"

/* From the first to the last, these included. Empty if the first is above the last. */
struct version_range {
    struct version first;
    struct version last;
};

struct version_range version_range_all(void);
bool version_range_is_empty(const struct version_range *range);
bool version_range_has(const struct version_range *range, struct version version);
bool version_range_includes(const struct version_range *whole, const struct version_range *part);

/* What is in both. */
struct version_range version_range_both(struct version_range a, struct version_range b);

/* What is below a range that is not empty, and what is above it. */
struct version_range version_range_below(const struct version_range *range);
struct version_range version_range_above(const struct version_range *range);

struct version_range version_range_of(const struct version_constraint *constraint);

#endif
