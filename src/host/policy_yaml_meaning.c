/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml_meaning.c - keys of a rule that are right by themselves, but mean nothing in its direction, with its
 * action or beside its other keys.
 */
#include "host/policy_yaml_parts.h"

/* A key that only some rules may have; each text is what is wrong and what to do, NULL: nothing. */
struct restriction {
    const char *key;
    const char *on_reject;
    const char *on_reject_hint;
    const char *on_import;
    const char *on_import_hint;
};

static const struct restriction restrictions[] = {
    { "transit",
        "transit means nothing in a rule that rejects: it holds for what passes through too",
        "take out 'transit', or write action: accept",
        "transit means nothing on import: what comes over a link is never our own cluster's",
        "take it out; match.origin and match.path tell federations apart" },
    { "set", "a rule that rejects cannot set anything", "take out 'set', or write action: accept",
        NULL, NULL },
    { "merge", "merge means nothing in a rule that rejects: it gives no names",
        "take out 'merge', or write action: accept",
        "merge means nothing on import: of several functions that come in under one name, one is "
        "used",
        "take it out; set.preference says which" },
    { "limits", "limits mean nothing in a rule that rejects: what it rejects is not called",
        "take out 'limits', or write action: accept", NULL, NULL },
    { "retry", "retry means nothing in a rule that rejects: what it rejects is not called",
        "take out 'retry', or write action: accept", NULL, NULL },
};

static void
report(struct policy_yaml_loader *loader, const struct yaml_node *node, const char *message,
    const char *hint)
{
    yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(node->key), "%s", message);
    yaml_errors_hint(loader->errors, "%s", hint);
}

/* A fault is said once, even where both the action and the direction speak against the key. */
static void
check_restrictions(struct policy_yaml_loader *loader, const struct policy_yaml_rule *rule,
    enum policy_direction direction)
{
    for (size_t i = 0; i < COUNT_OF(restrictions); i++) {
        const struct restriction *restriction = &restrictions[i];
        const struct yaml_node *node = yaml_find(rule->yaml, restriction->key);
        if (node == NULL) {
            continue;
        }
        if (restriction->on_import != NULL && direction == POLICY_IMPORT) {
            report(loader, node, restriction->on_import, restriction->on_import_hint);
        } else if (rule->action == POLICY_YAML_REJECT) {
            report(loader, node, restriction->on_reject, restriction->on_reject_hint);
        }
    }
}

/* Who calls tries again. */
static void
check_retry(struct policy_yaml_loader *loader, const struct policy_yaml_rule *rule,
    enum policy_direction direction)
{
    const struct yaml_node *retry = yaml_find(rule->yaml, "retry");
    if (retry != NULL && direction == POLICY_EXPORT && rule->action == POLICY_YAML_ACCEPT) {
        report(loader, retry, "retry means nothing on export: the caller's bridge tries again",
            "write it into the import rules of the other side, or tag the function 'idempotent'");
    }
}

static void
check_merge(struct policy_yaml_loader *loader, const struct policy_yaml_rule *rule,
    enum policy_direction direction)
{
    const struct yaml_node *merge = yaml_find(rule->yaml, "merge");
    if (merge != NULL && direction == POLICY_EXPORT && rule->action == POLICY_YAML_ACCEPT &&
        yaml_find(rule->set.yaml, "function") == NULL) {
        report(loader, merge, "merge means nothing without set.function: each keeps its own name",
            "give them one name, or take out 'merge'");
    }
}

static bool
is_time(const struct yaml_node *node, struct wall *time)
{
    return node != NULL && node->kind == YAML_SCALAR && !node->faulty &&
           value_read_time(node->text, time) == VALUE_OK;
}

static void
check_valid(struct policy_yaml_loader *loader, const struct policy_yaml_rule *rule)
{
    const struct yaml_node *valid = rule->valid.yaml;
    if (valid == NULL || !policy_yaml_is_mapping(valid)) {
        return;
    }
    const struct yaml_node *from = yaml_find(valid, "from");
    const struct yaml_node *until = yaml_find(valid, "until");
    struct wall begin;
    struct wall end;
    if (from == NULL && until == NULL) {
        report(loader, valid, "valid says neither from nor until",
            "give it at least one of them: valid: {until: 2027-01-01}");
    } else if (is_time(from, &begin) && is_time(until, &end) && end.ns <= begin.ns) {
        yaml_errors_add(loader->errors, YAML_ERROR, yaml_place(until),
            "valid.until: %s is not later than valid.from, %s", value_quote(until->text).text,
            value_quote(from->text).text);
        yaml_errors_hint(
            loader->errors, "a rule is valid from `from` on, and no longer at `until`");
    }
}

static void
check_limits(struct policy_yaml_loader *loader, const struct policy_yaml_rule *rule)
{
    const struct yaml_node *limits = rule->limits.yaml;
    if (limits == NULL || !policy_yaml_is_mapping(limits)) {
        return;
    }
    const struct yaml_node *burst = yaml_find(limits, "burst");
    if (limits->count == 0) {
        report(loader, limits, "limits has no limit in it",
            "give it one, such as in_flight: 200, or take it out");
    } else if (burst != NULL && yaml_find(limits, "rate") == NULL) {
        report(loader, burst, "burst means nothing without a rate",
            "write the rate too, such as rate: 500/s, or take out 'burst'");
    }
}

void
policy_yaml_check_import_limits(struct policy_yaml_loader *loader)
{
    const struct yaml_node *limits = loader->file.sides[POLICY_IMPORT].limits.yaml;
    if (limits != NULL && policy_yaml_is_mapping(limits) && limits->count == 0) {
        report(loader, limits, "import.limits has no limit in it",
            "give it one, such as functions: {max: 10000}, or take it out");
    }
}

/* What is allowed, but has no effect. */
static void
check_effect(struct policy_yaml_loader *loader, const struct policy_yaml_rule *rule,
    enum policy_direction direction)
{
    const struct yaml_node *preference = yaml_find(rule->set.yaml, "preference");
    const struct yaml_node *reason = yaml_find(rule->yaml, "reason");
    if (preference != NULL && direction == POLICY_EXPORT && rule->action != POLICY_YAML_REJECT) {
        yaml_errors_add(loader->errors, YAML_WARNING, yaml_place(preference->key),
            "preference has no effect on export: it is never sent");
        yaml_errors_hint(loader->errors, "set cost, which the far side sees");
    }
    if (reason != NULL && rule->reason != NULL && rule->action == POLICY_YAML_ACCEPT) {
        yaml_errors_add(loader->errors, YAML_WARNING, yaml_place(reason->key),
            "reason has no effect here: it is told when a rule rejects");
    }
}

void
policy_yaml_check_meaning(struct policy_yaml_loader *loader, const struct policy_yaml_rule *rule,
    enum policy_direction direction)
{
    if (!policy_yaml_is_mapping(rule->yaml)) {
        return;
    }
    check_restrictions(loader, rule, direction);
    check_merge(loader, rule, direction);
    check_retry(loader, rule, direction);
    check_valid(loader, rule);
    check_limits(loader, rule);
    check_effect(loader, rule, direction);
}
