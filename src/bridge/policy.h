/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - what may cross a border, under which name: ordered rules, first match wins, default
 * deny (design.md 4).
 *
 * A policy is compiled once from a plain description (struct policy_source, filled by the YAML
 * loader or by a test) into an immutable thing; evaluating it has no side effect. Several links may
 * share one policy: it is counted who holds it.
 */
#ifndef BRIDGE_POLICY_H
#define BRIDGE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/instant.h"
#include "bridge/advertisement.h"

enum policy_direction {
    POLICY_EXPORT = 0, /* from our cluster to a link */
    POLICY_IMPORT,     /* from a link to our cluster */
};

enum policy_action {
    POLICY_REJECT = 0,
    POLICY_ACCEPT,
};

/* A condition on a set of texts; an empty list is no condition. */
struct policy_set_match {
    struct text_list all;
    struct text_list any;
    struct text_list none;
};

struct policy_rename {
    struct span from;
    struct span to;
};

/* What calls of the functions that a rule lets pass may cost. 0: no limit of this kind. */
struct policy_call_limits {
    uint64_t rate; /* calls in `rate_per_ns`, of all functions of the rule together */
    uint64_t rate_per_ns;
    uint64_t burst;       /* calls at once after a pause; 0: what a second allows, at least 1 */
    uint64_t in_flight;   /* calls under way at once */
    uint64_t timeout_ns;  /* the most time that a call gets */
    uint64_t args_size;   /* bytes of arguments, positional and named together */
    uint64_t result_size; /* bytes of a result */
};

/* What of a link's table is limited. It is counted before the rules, so no rule changes it. */
enum policy_limit_kind {
    POLICY_LIMIT_FUNCTIONS = 0,
    POLICY_LIMIT_BYTES, /* what they take as they came; what rules make of them is not in it */
};
#define POLICY_LIMIT_KIND_COUNT (POLICY_LIMIT_BYTES + 1)

/* What happens when more comes over a link than its import policy foresees. */
enum policy_limit_action {
    POLICY_LIMIT_WARN = 0, /* it comes in; it is said */
    POLICY_LIMIT_BLOCK,    /* what is beyond it is rejected */
    POLICY_LIMIT_RESTART,  /* the session ends, and begins again after a pause */
    POLICY_LIMIT_DISABLE,  /* the session ends, until the policy changes or an operator says so */
};

struct policy_table_limit {
    uint64_t max; /* 0: none */
    enum policy_limit_action action;
};

/* Announcements and withdrawals together. Beyond it the link is not read for a while: nothing is lost. */
struct policy_update_limit {
    uint64_t rate; /* in `rate_per_ns` */
    uint64_t rate_per_ns;
    uint64_t burst; /* at once after a pause; 0: what a second allows, at least 1 */
};

/* What may come over a link. 0: no limit of this kind. */
struct policy_import_limits {
    struct policy_table_limit table[POLICY_LIMIT_KIND_COUNT];
    struct policy_update_limit updates;
    uint64_t
        name_size; /* bytes of a name, an id or a tag; longer ones are rejected, no rule is asked */
};

/* What the far side is told of how many of its functions were accepted, and by which rules the others were not. */
enum policy_report {
    POLICY_REPORT_COUNTS = 0,
    POLICY_REPORT_NONE,
    POLICY_REPORT_NAMES, /* and which */
};

/* When the cluster itself serves a name that is imported. */
enum policy_overlap {
    POLICY_OVERLAP_PREFER_LOCAL = 0, /* not offered while the cluster knows of one of its own */
    POLICY_OVERLAP_FAILOVER, /* offered while none of the cluster's own providers is connected */
    POLICY_OVERLAP_BALANCE,  /* always offered, beside them */
};

/* Over each link a call goes once. */
#define POLICY_RETRIES_MAX 10u

/* The rules whose `valid` says nothing hold for ever. */
#define POLICY_VALID_FROM_EVER ((struct wall){ .ns = INT64_MIN })
#define POLICY_VALID_FOR_EVER  ((struct wall){ .ns = INT64_MAX })

/* One rule as it was written. Empty texts and lists are absent keys. */
struct policy_rule_source {
    struct span id;
    uint32_t line; /* place in the file, for errors; 0: none */
    uint32_t column;
    struct text_list functions;    /* patterns, one of which must match; empty: any name */
    struct text_list function_ids; /* likewise */
    struct span version;           /* constraint */
    struct policy_set_match tags;
    struct policy_set_match resources;
    struct text_list scopes;
    struct text_list origins;
    bool has_max_hops;
    uint32_t max_hops; /* federations passed so far, at most */
    struct text_list path_includes;
    struct text_list path_excludes;
    bool has_valid_from; /* matches only from then on */
    struct wall valid_from;
    bool has_valid_until; /* matches only before then */
    struct wall valid_until;
    /*
     * Export, accept: it also matches what was imported from another federation. Without it an accept
     * rule of an export matches only what our own cluster serves (advertisement path of one).
     */
    bool transit;
    /* Export, accept: several functions may get one name by such rules; they are one service then. */
    bool merge;
    struct policy_call_limits limits;
    /* Import, accept: how often a call goes over another link although it may have been executed; <= POLICY_RETRIES_MAX. */
    uint32_t retries;
    /* Rewrites of an accepted advertisement. */
    struct span set_function;    /* template */
    struct span set_function_id; /* template; may use captures of function_ids too */
    struct span set_scope;
    struct text_list add_tags;
    struct text_list remove_tags;
    const struct policy_rename *rename_resources;
    uint32_t rename_resource_count;
    bool has_cost;
    uint32_t cost;
    bool has_preference;
    uint32_t preference;
    uint64_t ttl_ns; /* 0: kept; else the most it may be */
    enum policy_action action;
    struct span reason; /* of a reject, for people */
};

struct policy_source {
    struct span name;
    const struct policy_rule_source *rules[2]; /* by enum policy_direction */
    uint32_t rule_count[2];
    struct policy_import_limits import_limits;
    enum policy_overlap overlap; /* of import */
    enum policy_report report;   /* likewise */
    bool has_withdraw_max;
    uint32_t withdraw_max_percent; /* of a reload; see policy_withdraw_max_percent() */
};

enum policy_result {
    POLICY_OK = 0,
    POLICY_DUPLICATE_ID,
    POLICY_MISSING_ID,
    POLICY_BAD_PATTERN,
    POLICY_BAD_TEMPLATE,
    POLICY_UNKNOWN_CAPTURE, /* a template uses a capture that not every pattern of the rule has */
    POLICY_AMBIGUOUS_CAPTURE, /* patterns of names and of ids capture what the template of the id uses */
    POLICY_BAD_VERSION,
    POLICY_RESERVED_TAG, /* tags under ADVERTISEMENT_TAG_RESERVED are not for policies */
    POLICY_NO_MEMORY,
};

struct policy_fault {
    enum policy_result result;
    enum policy_direction direction;
    uint32_t rule;    /* index of the rule */
    struct span text; /* what was wrong: borrows from the source */
};

struct policy;

/*
 * Compile; copies all it needs into memory of `mem`, which must outlive it. The caller holds it.
 * NULL: *fault says what and where (the first fault; the loader checks texts before).
 */
MUST_CHECK struct policy *policy_create(
    const struct policy_source *source, struct mem *mem, struct policy_fault *fault);
/* One more holds it. Returns it; NULL is nobody's. */
struct policy *policy_ref(struct policy *policy);
/* One less; the last one frees it. NULL is allowed. */
void policy_unref(struct policy *policy);
uint32_t policy_holders(const struct policy *policy);

struct span policy_name(const struct policy *policy);
uint32_t policy_rule_count(const struct policy *policy, enum policy_direction direction);
/* Lives as long as the policy. Of POLICY_NO_RULE: "default". */
struct span policy_rule_id(
    const struct policy *policy, enum policy_direction direction, uint32_t rule);

/* NULL: none. Lives as long as the policy. */
const struct policy_call_limits *policy_rule_limits(
    const struct policy *policy, enum policy_direction direction, uint32_t rule);
/* Lives as long as the policy. */
const struct policy_import_limits *policy_import_limits(const struct policy *policy);
enum policy_overlap policy_overlap(const struct policy *policy);
enum policy_report policy_report(const struct policy *policy);

/* Some rule of its export accepts what other federations serve. */
bool policy_passes_through(const struct policy *policy);

/* How many percent of the functions may vanish by a reload that nobody forces. 100: all of them. */
uint32_t policy_withdraw_max_percent(const struct policy *policy);

/* Within it no rule begins or ceases to be valid: verdicts of one time in it hold at all others. */
struct policy_period {
    struct wall from;
    struct wall until; /* not in it */
};

/* The longest such period that `at` lies in. Costs as much as there are times in the policy's `valid` keys. */
struct policy_period policy_period(const struct policy *policy, struct wall at);

#define POLICY_NO_RULE UINT32_MAX

struct policy_verdict {
    enum policy_action action;
    uint32_t rule;       /* the one that matched; POLICY_NO_RULE: none did, the default denies */
    struct span rule_id; /* "default" when none matched; lives as long as the policy */
    struct span reason;  /* of a reject; lives as long as the policy */
    uint32_t retries;    /* POLICY_ACCEPT: of the rule, as below */
    bool merge; /* POLICY_ACCEPT: others may have the name it makes (policy_rule_source.merge) */
    struct advertisement out; /* POLICY_ACCEPT: rewritten; borrows from the input and the arena */
};

enum policy_evaluation {
    POLICY_EVALUATED = 0,
    POLICY_OUT_OF_MEMORY, /* the arena is full; *verdict is a reject */
    POLICY_NAME_TOO_LONG, /* a template made a name above NAME_SIZE_MAX; *verdict is a reject */
};

/*
 * Judge one advertisement. When the function is renamed and no set_function_id is given, the id
 * becomes the new name, so that name and id stay 1:1 in the receiving cluster (protocol.md 4.2).
 * Tags under ADVERTISEMENT_TAG_RESERVED are dropped on export. `at` is the time that rules must be valid at.
 */
MUST_CHECK enum policy_evaluation policy_evaluate(const struct policy *policy,
    enum policy_direction direction, const struct advertisement *advertisement, struct wall at,
    struct arena *arena, struct policy_verdict *verdict);

const char *policy_limit_kind_name(enum policy_limit_kind kind);
const char *policy_limit_action_name(enum policy_limit_action action);
const char *policy_overlap_name(enum policy_overlap overlap);
const char *policy_report_name(enum policy_report report);

const char *policy_result_name(enum policy_result result);

#endif
