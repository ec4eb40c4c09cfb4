/* SPDX-License-Identifier: Apache-2.0 */
/* sim_policy.c - policies drawn, compiled for the engine, and judged by in the simplest words. */
#include "tests/sim/sim_policy.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "tests/sim/sim_world.h"

const char *const sim_verbs[SIM_VERBS] = { "add", "bill", "copy", "draw" };
const char *const sim_federation_names[SIM_FEDERATIONS_MAX] = { "us", "eu", "ap", "af", "sa", "oc",
    "an", "me", "nz", "uk", "jp", "br" };

#define JOINED_1 "copy."
#define JOINED_2 "draw."

/* ---- Drawing ---- */

static bool
one_in(struct prng *prng, uint64_t count)
{
    return prng_below(prng, count) == 0;
}

static uint64_t
draw_limit(struct prng *prng, uint64_t least, uint64_t most)
{
    uint64_t drawn = least + prng_below(prng, most - least + 1);
    return one_in(prng, 3) ? drawn : 0;
}

/* Each kind is so tight that it refuses some of the calls of a world, and lets others pass. */
static void
draw_call_limits(struct prng *prng, struct sim_rules *rules)
{
    for (uint32_t direction = 0; direction < 2; direction++) {
        rules->call_limits[direction] = (struct policy_call_limits){ .rate = 0 };
        if (one_in(prng, 3)) {
            rules->call_limits[direction] = (struct policy_call_limits){
                .rate = draw_limit(prng, 1, 4),
                .rate_per_ns = SEC_NS,
                .burst = 1 + prng_below(prng, 3),
                .in_flight = draw_limit(prng, 1, 2),
                .timeout_ns = draw_limit(prng, 20, 200) * MS_NS,
                .args_size = draw_limit(prng, 5, 7),
                .result_size = draw_limit(prng, 10, 40),
            };
        }
    }
}

/* Edges come while the world is being broken, and soon after it was healed. */
static void
draw_window(struct prng *prng, struct sim_rules *rules)
{
    int64_t a = SIM_EPOCH_NS + (int64_t)prng_below(prng, 90 * SEC_NS);
    int64_t b = SIM_EPOCH_NS + (int64_t)prng_below(prng, 90 * SEC_NS);
    bool edges[2] = { one_in(prng, 4), one_in(prng, 4) };
    rules->open_from = edges[0] ? (a < b ? a : b) : INT64_MIN;
    rules->open_until = edges[1] ? (a < b ? b : a) + 1 : INT64_MAX;
}

static void
draw_transit(struct prng *prng, struct sim_rules *rules, const struct sim_taste *taste)
{
    rules->transit = !one_in(prng, 4) && taste->transit;
    rules->transit_renames = taste->renames && one_in(prng, 3);
}

static void
draw_names(struct prng *prng, struct sim_rules *rules)
{
    rules->keeps = (uint32_t)prng_below(prng, SIM_VERBS * 4);
    rules->joins = one_in(prng, 3);
    rules->merges = rules->joins && one_in(prng, 2);
    rules->rejects = (uint32_t)prng_below(prng, SIM_VERBS * 4);
    rules->only_far = one_in(prng, 5);
    rules->strips = one_in(prng, 3);
}

/* A limit is one of so many functions; a larger number is one of bytes, which two or three functions take. */
#define LIMIT_FUNCTIONS_MAX 4u
#define LIMIT_BYTES         400u

static void
draw_table_limit(struct prng *prng, struct sim_rules *rules, const struct sim_taste *taste)
{
    static const enum policy_limit_action actions[] = { POLICY_LIMIT_WARN, POLICY_LIMIT_BLOCK,
        POLICY_LIMIT_BLOCK, POLICY_LIMIT_RESTART, POLICY_LIMIT_DISABLE };
    bool limited = one_in(prng, 4) && taste->table_limits;
    uint64_t max = limited ? 1 + prng_below(prng, 6) : 0;
    enum policy_limit_action action = actions[prng_below(prng, COUNT_OF(actions))];
    rules->import_limits = (struct policy_import_limits){ 0 };
    if (max == 0 && taste->table_limits && action == POLICY_LIMIT_RESTART) {
        rules->import_limits.updates =
            (struct policy_update_limit){ .rate = 5, .rate_per_ns = SEC_NS, .burst = 2 };
    } else if (max > LIMIT_FUNCTIONS_MAX) {
        rules->import_limits.table[POLICY_LIMIT_BYTES] =
            (struct policy_table_limit){ .max = max * LIMIT_BYTES, .action = action };
    } else {
        rules->import_limits.table[POLICY_LIMIT_FUNCTIONS] =
            (struct policy_table_limit){ .max = max, .action = action };
    }
}

static void
draw_aspect(
    struct prng *prng, struct sim_rules *rules, const struct sim_taste *taste, uint64_t which)
{
    switch (which) {
    case 0:
        draw_names(prng, rules);
        break;
    case 1:
        draw_transit(prng, rules, taste);
        break;
    case 2:
        draw_window(prng, rules);
        break;
    case 3:
        draw_table_limit(prng, rules, taste);
        break;
    case 4:
        rules->overlap = (enum policy_overlap)prng_below(prng, POLICY_OVERLAP_BALANCE + 1);
        break;
    case 5:
        draw_call_limits(prng, rules);
        break;
    default:
        rules->withdraw_max = one_in(prng, 3) ? (uint32_t)prng_below(prng, 100) : 100;
        break;
    }
}

#define ASPECTS 7

struct sim_rules
sim_rules_draw(struct prng *prng, uint32_t own, uint32_t far, const struct sim_taste *taste)
{
    struct sim_rules rules = { .own = own, .far = far };
    for (uint64_t aspect = 0; aspect < ASPECTS; aspect++) {
        draw_aspect(prng, &rules, taste, aspect);
    }
    return rules;
}

struct sim_rules
sim_rules_redraw(struct prng *prng, const struct sim_rules *rules, const struct sim_taste *taste)
{
    struct sim_rules changed = *rules;
    draw_aspect(prng, &changed, taste, prng_below(prng, ASPECTS));
    return changed;
}

/* ---- For the engine ---- */

/* Room for the texts of one policy, and the rules so far. */
struct writing {
    struct policy_rule_source exports[8];
    struct policy_rule_source imports[4];
    uint32_t counts[2];
    char texts[10][SIM_TEXT_MAX];
    struct span spans[10];
    uint32_t text_count;
};

PRINTF(2) static struct text_list write_text(struct writing *writing, const char *format, ...)
{
    CHECK(writing->text_count < COUNT_OF(writing->texts));
    uint32_t at = writing->text_count++;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(writing->texts[at], SIM_TEXT_MAX, format, arguments);
    va_end(arguments);
    writing->spans[at] = span_from_text(writing->texts[at]);
    return (struct text_list){ .items = &writing->spans[at], .count = 1 };
}

static struct policy_rule_source *
add_rule(struct writing *writing, enum policy_direction direction, const char *id,
    enum policy_action action)
{
    struct policy_rule_source *rules =
        direction == POLICY_EXPORT ? writing->exports : writing->imports;
    struct policy_rule_source *rule = &rules[writing->counts[direction]++];
    *rule = (struct policy_rule_source){ .id = span_from_text(id), .action = action };
    return rule;
}

/* Lists of one. */
static const struct span internal = { (const uint8_t *)"internal", 8 };
static const struct span public = { (const uint8_t *)"public", 6 };
static const struct span everything = { (const uint8_t *)"{name**}", 8 };
static const struct span two_parts = { (const uint8_t *)"*.*", 3 };
static const struct text_list internal_tag = { .items = &internal, .count = 1 };
static const struct text_list public_tag = { .items = &public, .count = 1 };
static const struct text_list any_name = { .items = &everything, .count = 1 };
static const struct text_list plain_names = { .items = &two_parts, .count = 1 };

static void
write_joining(
    struct writing *writing, const struct sim_rules *rules, const char *id, const char *prefix)
{
    struct policy_rule_source *rule = add_rule(writing, POLICY_EXPORT, id, POLICY_ACCEPT);
    rule->functions = write_text(writing, "%s{x}", prefix);
    rule->tags.all = public_tag;
    rule->merge = rules->merges;
    rule->set_function =
        write_text(writing, "%s.both.{x}", sim_federation_names[rules->own]).items[0];
    rule->limits = rules->call_limits[POLICY_EXPORT];
}

static void
write_own(struct writing *writing, const struct sim_rules *rules)
{
    struct policy_rule_source *rule =
        add_rule(writing, POLICY_EXPORT, "no-internal", POLICY_REJECT);
    rule->tags.any = internal_tag;
    if (rules->keeps < SIM_VERBS) {
        rule = add_rule(writing, POLICY_EXPORT, "kept", POLICY_REJECT);
        rule->functions = write_text(writing, "%s.**", sim_verbs[rules->keeps]);
    }
    if (rules->joins) {
        write_joining(writing, rules, "both-1", JOINED_1);
        write_joining(writing, rules, "both-2", JOINED_2);
    }
    rule = add_rule(writing, POLICY_EXPORT, "public", POLICY_ACCEPT);
    rule->functions = any_name;
    rule->tags.all = public_tag;
    rule->set_function =
        write_text(writing, "%s.{name**}", sim_federation_names[rules->own]).items[0];
    rule->limits = rules->call_limits[POLICY_EXPORT];
    rule->has_valid_from = rules->open_from != INT64_MIN;
    rule->valid_from.ns = rules->open_from;
    rule->has_valid_until = rules->open_until != INT64_MAX;
    rule->valid_until.ns = rules->open_until;
}

static void
write_transit(struct writing *writing, const struct sim_rules *rules, struct text_list others)
{
    struct policy_rule_source *rule = add_rule(writing, POLICY_EXPORT, "plain", POLICY_REJECT);
    rule->functions = plain_names;
    rule->origins = others;
    rule = add_rule(writing, POLICY_EXPORT, "through", POLICY_ACCEPT);
    rule->functions = any_name;
    rule->tags.all = public_tag;
    rule->origins = others;
    rule->transit = true;
    rule->limits = rules->call_limits[POLICY_EXPORT];
    if (rules->transit_renames) {
        rule->set_function =
            write_text(writing, "%s.{name**}", sim_federation_names[rules->own]).items[0];
    }
}

uint64_t
sim_rules_lifetime_ns(const struct sim_rules *rules)
{
    /* From what was drawn anyway: what seeds mean stays. */
    uint64_t mix = rules->withdraw_max + rules->keeps + 3 * rules->rejects + rules->own;
    return mix % 3 == 0 ? (2 + mix % 20) * SEC_NS : 0;
}

static void
write_imports(struct writing *writing, const struct sim_rules *rules)
{
    const char *far = sim_federation_names[rules->far];
    struct policy_rule_source *rule;
    if (rules->rejects < SIM_VERBS) {
        rule = add_rule(writing, POLICY_IMPORT, "no-verb", POLICY_REJECT);
        rule->functions = write_text(writing, "**.%s.*", sim_verbs[rules->rejects]);
    }
    if (rules->strips) {
        rule = add_rule(writing, POLICY_IMPORT, "strip", POLICY_ACCEPT);
        rule->functions = write_text(writing, "%s.{name**}", far);
        rule->set_function = any_name.items[0];
        rule->limits = rules->call_limits[POLICY_IMPORT];
        rule->ttl_ns = sim_rules_lifetime_ns(rules);
    }
    rule = add_rule(writing, POLICY_IMPORT, "far", POLICY_ACCEPT);
    rule->ttl_ns = sim_rules_lifetime_ns(rules);
    rule->functions =
        write_text(writing, "%s%s**", rules->only_far ? far : "", rules->only_far ? "." : "");
    rule->limits = rules->call_limits[POLICY_IMPORT];
}

struct policy *
sim_rules_compile(const struct sim_rules *rules, struct mem *mem)
{
    struct writing writing = { .text_count = 0 };
    struct span others[SIM_FEDERATIONS_MAX];
    uint32_t other_count = 0;
    for (uint32_t i = 0; i < SIM_FEDERATIONS_MAX; i++) {
        if (i != rules->own) {
            others[other_count++] = span_from_text(sim_federation_names[i]);
        }
    }
    write_own(&writing, rules);
    if (rules->transit) {
        write_transit(&writing, rules, (struct text_list){ .items = others, .count = other_count });
    }
    write_imports(&writing, rules);
    const struct policy_source source = {
        .name = SPAN("sim"),
        .rules = { writing.exports, writing.imports },
        .rule_count = { writing.counts[POLICY_EXPORT], writing.counts[POLICY_IMPORT] },
        .import_limits = rules->import_limits,
        .overlap = rules->overlap,
        .has_withdraw_max = rules->withdraw_max < 100,
        .withdraw_max_percent = rules->withdraw_max,
    };
    struct policy_fault fault;
    struct policy *policy = policy_create(&source, mem, &fault);
    CHECK(policy != NULL);
    return policy;
}

/* ---- In the simplest words ---- */

static bool
starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool
has_verb(const char *name, uint32_t verb, const char *before)
{
    char part[SIM_TEXT_MAX];
    if (verb >= SIM_VERBS) {
        return false;
    }
    snprintf(part, sizeof(part), "%s%s.", before, sim_verbs[verb]);
    return before[0] == '\0' ? starts_with(name, part) : strstr(name, part) != NULL;
}

static bool
says_whose(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot != NULL && strchr(dot + 1, '.') != NULL;
}

bool
sim_rules_export(
    const struct sim_rules *rules, const struct sim_fact *fact, bool open, char out[SIM_TEXT_MAX])
{
    const char *own = sim_federation_names[rules->own];
    if (!fact->is_public) {
        return false;
    }
    if (fact->passes) {
        snprintf(out, SIM_TEXT_MAX, "%s%s%.80s", rules->transit_renames ? own : "",
            rules->transit_renames ? "." : "", fact->name);
        return rules->transit && says_whose(fact->name);
    }
    if (has_verb(fact->name, rules->keeps, "")) {
        return false;
    }
    if (rules->joins && (starts_with(fact->name, JOINED_1) || starts_with(fact->name, JOINED_2))) {
        snprintf(out, SIM_TEXT_MAX, "%s.both.%.80s", own, strchr(fact->name, '.') + 1);
        return true;
    }
    snprintf(out, SIM_TEXT_MAX, "%s.%.80s", own, fact->name);
    return open;
}

bool
sim_rules_import(const struct sim_rules *rules, const char *name, char out[SIM_TEXT_MAX])
{
    const char *far = sim_federation_names[rules->far];
    if (has_verb(name, rules->rejects, ".")) {
        return false;
    }
    bool is_far = starts_with(name, far);
    snprintf(out, SIM_TEXT_MAX, "%.90s", rules->strips && is_far ? name + strlen(far) + 1 : name);
    return is_far || !rules->only_far;
}

bool
sim_rules_open(const struct sim_rules *rules, int64_t first, int64_t last)
{
    return first < rules->open_until && last >= rules->open_from;
}

const char *
sim_rules_accepting(const struct sim_rules *rules, enum policy_direction direction, uint32_t at)
{
    static const char *const exports[] = { "both-1", "both-2", "public", "through" };
    static const char *const imports[] = { "strip", "far" };
    const bool is_there[] = { rules->joins, rules->joins, true, rules->transit };
    const bool comes_in[] = { rules->strips, true };
    bool out = direction == POLICY_EXPORT;
    uint32_t count = out ? COUNT_OF(exports) : COUNT_OF(imports);
    for (uint32_t i = 0; i < count; i++) {
        if (out ? is_there[i] : comes_in[i]) {
            if (at == 0) {
                return out ? exports[i] : imports[i];
            }
            at--;
        }
    }
    return NULL;
}

bool
sim_limits_are_there(const struct policy_call_limits *limits)
{
    return limits->rate + limits->in_flight + limits->timeout_ns + limits->args_size +
               limits->result_size >
           0;
}

/* ---- For people ---- */

static void
print_edge(FILE *out, const char *what, int64_t at)
{
    if (at != INT64_MIN && at != INT64_MAX) {
        fprintf(out, " %s %.1fs", what, (double)(at - SIM_EPOCH_NS) / 1e9);
    }
}

static void
print_call_limits(FILE *out, const char *what, const struct policy_call_limits *limits)
{
    if (sim_limits_are_there(limits)) {
        fprintf(out,
            " %s{rate %" PRIu64 " flight %" PRIu64 " ms %" PRIu64 " args %" PRIu64
            " result %" PRIu64 "}",
            what, limits->rate, limits->in_flight, limits->timeout_ns / MS_NS, limits->args_size,
            limits->result_size);
    }
}

void
sim_rules_print(FILE *out, const struct sim_rules *rules)
{
    fprintf(out, "%s-%s:", sim_federation_names[rules->own], sim_federation_names[rules->far]);
    fprintf(out, "%s%s",
        rules->merges  ? " merge"
        : rules->joins ? " join"
                       : "",
        rules->transit ? (rules->transit_renames ? " transit-renamed" : " transit") : "");
    print_edge(out, "from", rules->open_from);
    print_edge(out, "until", rules->open_until);
    if (rules->keeps < SIM_VERBS) {
        fprintf(out, " keeps %s", sim_verbs[rules->keeps]);
    }
    if (rules->rejects < SIM_VERBS) {
        fprintf(out, " rejects %s", sim_verbs[rules->rejects]);
    }
    fprintf(out, "%s%s %s", rules->strips ? " strips" : "", rules->only_far ? " only-far" : "",
        policy_overlap_name(rules->overlap));
    for (uint32_t kind = 0; kind < POLICY_LIMIT_KIND_COUNT; kind++) {
        const struct policy_table_limit *limit = &rules->import_limits.table[kind];
        if (limit->max > 0) {
            fprintf(out, " max %" PRIu64 " %s %s", limit->max,
                policy_limit_kind_name((enum policy_limit_kind)kind),
                policy_limit_action_name(limit->action));
        }
    }
    if (rules->import_limits.updates.rate > 0) {
        fprintf(out, " slow");
    }
    if (rules->withdraw_max < 100) {
        fprintf(out, " guard %u%%", rules->withdraw_max);
    }
    if (sim_rules_lifetime_ns(rules) > 0) {
        fprintf(out, " lives %" PRIu64 "s", sim_rules_lifetime_ns(rules) / SEC_NS);
    }
    print_call_limits(out, "calls-in", &rules->call_limits[POLICY_EXPORT]);
    print_call_limits(out, "calls-out", &rules->call_limits[POLICY_IMPORT]);
    fputc('\n', out);
}
