/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version.h - function versions and the constraints callers put on them (protocol.md 4.2, 6.2).
 *
 * A version is `v?N(.N(.N)?)?`, missing parts are 0; "1.2.3-beta" is none. A constraint is a comma list of >=X <=X >X <X ==X
 * =X X, all of which must hold; parentheses and the word "version" are tolerated, as the reference does.
 */
#ifndef CORE_VERSION_H
#define CORE_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct version {
    uint32_t major;
    uint32_t minor;
    uint32_t patch;
};

#define VERSION_CONSTRAINTS_MAX 8u

enum version_relation {
    VERSION_EQUAL = 0,
    VERSION_LESS,
    VERSION_LESS_OR_EQUAL,
    VERSION_GREATER,
    VERSION_GREATER_OR_EQUAL,
};

struct version_constraint {
    uint32_t count; /* 0: every version */
    struct {
        enum version_relation relation;
        struct version version;
    } terms[VERSION_CONSTRAINTS_MAX];
};

/* false: not a version; *version is untouched. Parts above 999999999 are none. */
MUST_CHECK bool version_parse(struct span text, struct version *version);

/* <0, 0, >0 */
int version_compare(struct version a, struct version b);

/* false: not a constraint, or more than VERSION_CONSTRAINTS_MAX terms. An empty text is no constraint. */
MUST_CHECK bool version_constraint_parse(struct span text, struct version_constraint *constraint);

bool version_satisfies(struct version version, const struct version_constraint *constraint);

#endif
