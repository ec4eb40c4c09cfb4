/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_prove_parts.h - demands on an advertisement, and one that meets them.
 *
 * Private to policy_prove*.c and policy_network.c. The demands on one part of it do not touch the other parts, so each part is solved
 * for itself, and only when there is a new demand on it.
 *
 * An advertisement may be judged several times in a row, by an export, the import behind it and so on: these are the
 * steps. What a step sees is what the steps before it made. All demands are on the advertisement as it was at first; a view
 * says what has become of it, so that a demand on what a step sees can be taken back to there.
 */
#ifndef BRIDGE_POLICY_PROVE_PARTS_H
#define BRIDGE_POLICY_PROVE_PARTS_H

#include "bridge/policy_made.h"
#include "bridge/policy_prove.h"
#include "bridge/policy_rules.h"
#include "core/version_range.h"

/* Judgements in a row: two for each border. */
#define PROVE_STEPS_MAX 10u

enum prove_part {
    PROVE_VERSION = 0,
    PROVE_TAGS,
    PROVE_RESOURCES,
    PROVE_SCOPE,
    PROVE_PATH, /* and the origin */
    PROVE_TIME,
    PROVE_NAME,
    PROVE_ID, /* behind the name, whose it is where nothing else is demanded */
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
    struct span before; /* name: what stands around x, see struct prove_case */
    struct span behind;
    struct text_list texts;
    uint32_t count_min;
    uint32_t count_max;
    struct version_range versions;
    struct policy_period period;
};

enum prove_text_kind {
    PROVE_TEXT_AROUND = 0, /* before + x + behind */
    PROVE_TEXT_FIXED,      /* `before` */
    PROVE_TEXT_LOST,       /* something that `pattern` matches; NULL: anything */
};

/* A name or an id as a step sees it. */
struct prove_text {
    enum prove_text_kind kind;
    struct span before;
    struct span behind;
    const struct pattern *pattern;
};

/* What a step did to what it accepted. */
struct prove_change {
    const struct prove_change *earlier;
    const struct policy_rewrites *rewrites;
    enum policy_direction direction;
};

/* What a step sees. */
struct prove_view {
    struct prove_text name;
    bool has_own_id; /* as it was at first */
    struct prove_text id;
    const struct prove_change *changes;
};

/* Plain: copied with all that is demanded so far, and then demanded more of. */
struct prove_case {
    const struct prove_demand *demands[PROVE_PART_COUNT];
    uint32_t unsolved;  /* bits by enum prove_part */
    struct span before; /* the name is before + x + behind, and x is looked for */
    struct span behind;
    struct prove_view views[PROVE_STEPS_MAX + 1]; /* by step; the last is what comes out */
    uint32_t view_count;
    uint32_t passed_over;    /* names, see POLICY_PROVE_NAMES_MAX */
    struct advertisement in; /* meets the demands on the parts that were solved */
    struct wall at;
};

enum prove_fit {
    PROVE_MET = 0,
    PROVE_CONTRADICTION, /* nothing meets the demands */
    PROVE_DOUBTFUL,      /* prover->doubt says why */
};

/* One judgement. */
struct prove_step {
    const struct policy *policy;
    enum policy_direction direction;
    struct text_list path; /* that it sees, the origin first; none: that of the example */
    uint32_t target;       /* the rule that should decide; POLICY_NO_RULE: the default */
};

struct prover {
    const struct policy_border *border;
    struct prove_step steps[PROVE_STEPS_MAX];
    uint32_t step_count;
    struct arena arena;   /* demands and examples */
    struct arena scratch; /* one solving */
    enum prove_doubt doubt;
    uint32_t examples; /* that were judged so far */
};

/* One where nothing is demanded yet, with an example. false: no memory, and there is doubt. */
MUST_CHECK bool prove_begin(struct prover *prover, struct prove_case *proven);

/* One more demand on the advertisement as it was at first, of which the case keeps a copy. false: likewise. */
MUST_CHECK bool prove_demand(
    struct prover *prover, struct prove_case *proven, const struct prove_demand *demand);

/* Find an example that meets the demands on all parts on which there are new ones. */
MUST_CHECK enum prove_fit prove_solve(struct prover *prover, struct prove_case *proven);

/* The parts that have files of their own. */
MUST_CHECK enum prove_fit prove_solve_name(struct prover *prover, struct prove_case *proven);
MUST_CHECK enum prove_fit prove_solve_id(struct prover *prover, struct prove_case *proven);
MUST_CHECK enum prove_fit prove_solve_path(struct prover *prover, struct prove_case *proven);

/* Not this very name. false: as prove_demand(). */
MUST_CHECK bool prove_pass_over(struct prover *prover, struct prove_case *proven, struct span name);

/* The pattern of one name, which may be longer than a pattern that is written. */
struct pattern prove_literal(struct span name);

/* A text that is in none of the demands on a part, nor in `others`. .data NULL: no memory, and there is doubt. */
MUST_CHECK struct span prove_fresh_text(
    struct prover *prover, const struct prove_demand *demands, const struct text_list *others);

/* The doubt is the first one. Returns PROVE_DOUBTFUL. */
enum prove_fit prove_doubt(struct prover *prover, enum prove_doubt doubt);

/* No text begins, or ends, as both patterns do. */
bool prove_patterns_apart(const struct pattern *a, const struct pattern *b);

/* Three texts as one. .data NULL: no memory. */
MUST_CHECK struct span prove_joined(
    struct arena *arena, struct span before, struct span text, struct span behind);

/* Copies in memory that stays. false: no memory. */
MUST_CHECK bool prove_keep_text(struct arena *arena, struct span *text);
MUST_CHECK bool prove_keep(struct arena *arena, struct advertisement *advertisement);

#endif
