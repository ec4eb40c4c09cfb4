/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_prove_parts.h - demands on an advertisement, and one that meets them.
 *
 * Private to policy_prove*.c. The demands on one part of it do not touch the other parts, so each part is solved for itself,
 * and only when there is a new demand on it.
 */
#ifndef BRIDGE_POLICY_PROVE_PARTS_H
#define BRIDGE_POLICY_PROVE_PARTS_H

#include "bridge/policy_made.h"
#include "bridge/policy_prove.h"
#include "bridge/policy_rules.h"
#include "core/version_range.h"

enum prove_part {
    PROVE_NAME = 0,
    PROVE_ID,
    PROVE_VERSION,
    PROVE_TAGS,
    PROVE_RESOURCES,
    PROVE_SCOPE,
    PROVE_PATH, /* and the origin */
    PROVE_TIME,
    PROVE_PART_COUNT,
};

enum prove_demand_kind {
    PROVE_MATCHES = 0, /* name, id: the one pattern */
    PROVE_MATCHES_NOT, /* name, id: none of the patterns */
    PROVE_HAS_ALL,     /* tags, resources, path */
    PROVE_HAS_ANY,     /* likewise */
    PROVE_HAS_NONE,    /* likewise */
    PROVE_IS_ONE,      /* scope; path: the origin */
    PROVE_IS_NONE,     /* likewise */
    PROVE_COUNT,       /* path: how many federations */
    PROVE_VERSIONS,
    PROVE_PERIOD,
};

struct prove_demand {
    enum prove_demand_kind kind;
    enum prove_part part;
    const struct prove_demand *next; /* of the same part */
    struct policy_patterns patterns;
    bool on_made; /* the patterns are of the name that is made */
    struct text_list texts;
    uint32_t count_min;
    uint32_t count_max;
    struct version_range versions;
    struct policy_period period;
};

/* Plain: copied with all that is demanded so far, and then demanded more of. */
struct prove_case {
    const struct prove_demand *demands[PROVE_PART_COUNT];
    struct policy_made made; /* what becomes of the name */
    struct span hint;        /* a name to try first; empty: none */
    uint32_t passed_over;    /* names, see POLICY_PROVE_NAMES_MAX */
    struct advertisement in; /* meets the demands on the parts that were solved */
    struct wall at;
};

enum prove_fit {
    PROVE_MET = 0,
    PROVE_CONTRADICTION, /* nothing meets the demands */
    PROVE_DOUBTFUL,      /* prover->doubt says why */
};

struct prover {
    const struct policy *policy;
    enum policy_direction direction;
    const struct policy_border *border;
    struct arena arena;   /* demands and examples */
    struct arena scratch; /* one solving */
    enum prove_doubt doubt;
};

/* One more demand, of which the case keeps a copy. Not solved yet. false: no memory, and there is doubt. */
MUST_CHECK bool prove_demand(
    struct prover *prover, struct prove_case *proven, const struct prove_demand *demand);

/* Find an example of a part that meets the demands on it. A name brings its id along. */
MUST_CHECK enum prove_fit prove_solve(
    struct prover *prover, struct prove_case *proven, enum prove_part part);

/* The parts that have files of their own. */
MUST_CHECK enum prove_fit prove_solve_name(struct prover *prover, struct prove_case *proven);
MUST_CHECK enum prove_fit prove_solve_id(struct prover *prover, struct prove_case *proven);
MUST_CHECK enum prove_fit prove_solve_path(struct prover *prover, struct prove_case *proven);

/* Not this very name. false: as prove_demand(). */
MUST_CHECK bool prove_pass_over(struct prover *prover, struct prove_case *proven, struct span name);

/* The pattern of one name, which may be longer than a pattern that is written. */
struct pattern prove_literal(struct span name);

/* A text that is in none of the demands on a part, and not `other`. .data NULL: no memory, and there is doubt. */
MUST_CHECK struct span prove_fresh_text(
    struct prover *prover, const struct prove_demand *demands, const struct text_list *others);

/* The doubt is the first one. Returns PROVE_DOUBTFUL. */
enum prove_fit prove_doubt(struct prover *prover, enum prove_doubt doubt);

/* No text begins, or ends, as both patterns do. */
bool prove_patterns_apart(const struct pattern *a, const struct pattern *b);

#endif
