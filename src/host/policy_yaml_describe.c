/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_yaml_describe.c - from the file's keys to the description that policy_create() compiles.
 */
#include <string.h>

#include "host/policy_yaml_parts.h"

bool
policy_yaml_describe_texts(struct policy_yaml_loader *loader, const struct policy_yaml_texts *texts,
    struct text_list *list)
{
    struct span *items = NULL;
    if (texts->count > 0) {
        items = yaml_doc_take(loader->doc, texts->count * sizeof(*items));
        if (items == NULL) {
            return false;
        }
    }
    for (size_t i = 0; i < texts->count; i++) {
        items[i] = span_from_text(texts->items[i]);
    }
    *list = (struct text_list){ .items = items, .count = (uint32_t)texts->count };
    return true;
}

static bool
describe_set(struct policy_yaml_loader *loader, const struct policy_yaml_set *set,
    struct policy_set_match *match)
{
    return policy_yaml_describe_texts(loader, &set->all, &match->all) &&
           policy_yaml_describe_texts(loader, &set->any, &match->any) &&
           policy_yaml_describe_texts(loader, &set->none, &match->none);
}

static bool
describe_renames(struct policy_yaml_loader *loader, const struct policy_yaml_resources *resources,
    struct policy_rule_source *source)
{
    size_t count = resources->rename_count;
    if (count == 0) {
        return true;
    }
    struct policy_rename *renames = yaml_doc_take(loader->doc, count * sizeof(*renames));
    if (renames == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        renames[i].from = span_from_text(resources->renames[i].key);
        renames[i].to = span_from_text(resources->renames[i].value);
    }
    source->rename_resources = renames;
    source->rename_resource_count = (uint32_t)count;
    return true;
}

static struct policy_call_limits
call_limits(const struct policy_yaml_limits *limits)
{
    return (struct policy_call_limits){
        .rate = limits->rate.count,
        .rate_per_ns = limits->rate.period_ns,
        .burst = limits->burst,
        .in_flight = limits->in_flight,
        .timeout_ns = limits->timeout_ns,
        .args_size = limits->args_size,
        .result_size = limits->result_size,
    };
}

bool
policy_yaml_describe_rule(struct policy_yaml_loader *loader, const struct policy_yaml_rule *rule,
    struct policy_rule_source *source)
{
    const struct policy_yaml_match *match = &rule->match;
    const struct policy_yaml_rewrite *set = &rule->set;
    *source = (struct policy_rule_source){
        .id = span_from_text(rule->id),
        .line = rule->yaml->line,
        .column = rule->yaml->column,
        .version = span_from_text(match->version),
        .has_max_hops = yaml_find(match->path.yaml, "max_hops") != NULL,
        .max_hops = match->path.max_hops,
        .has_valid_from = yaml_find(rule->valid.yaml, "from") != NULL,
        .valid_from = rule->valid.from,
        .has_valid_until = yaml_find(rule->valid.yaml, "until") != NULL,
        .valid_until = rule->valid.until,
        .transit = rule->transit,
        .merge = rule->merge,
        .limits = call_limits(&rule->limits),
        .retries = rule->retry.yaml == NULL ? 0 : (uint32_t)rule->retry.max,
        .set_function = span_from_text(set->function),
        .set_function_id = span_from_text(set->function_id),
        .set_scope = span_from_text(set->scope),
        .has_cost = yaml_find(set->yaml, "cost") != NULL,
        .cost = set->cost,
        .has_preference = yaml_find(set->yaml, "preference") != NULL,
        .preference = set->preference,
        .ttl_ns = set->ttl_ns,
        .action = rule->action == POLICY_YAML_ACCEPT ? POLICY_ACCEPT : POLICY_REJECT,
        .reason = span_from_text(rule->reason),
    };
    return policy_yaml_describe_texts(loader, &match->functions, &source->functions) &&
           policy_yaml_describe_texts(loader, &match->function_ids, &source->function_ids) &&
           describe_set(loader, &match->tags, &source->tags) &&
           describe_set(loader, &match->resources, &source->resources) &&
           policy_yaml_describe_texts(loader, &match->scopes, &source->scopes) &&
           policy_yaml_describe_texts(loader, &match->origins, &source->origins) &&
           policy_yaml_describe_texts(loader, &match->path.includes, &source->path_includes) &&
           policy_yaml_describe_texts(loader, &match->path.excludes, &source->path_excludes) &&
           policy_yaml_describe_texts(loader, &set->tags.add, &source->add_tags) &&
           policy_yaml_describe_texts(loader, &set->tags.remove, &source->remove_tags) &&
           describe_renames(loader, &set->resources, source);
}

static bool
describe_side(
    struct policy_yaml_loader *loader, enum policy_direction direction, struct policy_yaml *loaded)
{
    const struct policy_yaml_side *side = &loader->file.sides[direction];
    if (side->rule_count == 0) {
        return true;
    }
    struct policy_rule_source *rules =
        yaml_doc_take(loader->doc, side->rule_count * sizeof(*rules));
    struct yaml_place *places = yaml_doc_take(loader->doc, side->rule_count * sizeof(*places));
    if (rules == NULL || places == NULL) {
        return false;
    }
    for (size_t i = 0; i < side->rule_count; i++) {
        places[i] = yaml_place(side->rules[i].yaml);
        if (!policy_yaml_describe_rule(loader, &side->rules[i], &rules[i])) {
            return false;
        }
    }
    loaded->source.rules[direction] = rules;
    loaded->source.rule_count[direction] = (uint32_t)side->rule_count;
    loaded->rule_places[direction] = places;
    return true;
}

/* Where a link leads; NULL: the file does not say. */
static const struct yaml_pair *
find_federation(const struct policy_yaml_file *file, const char *link)
{
    for (size_t i = 0; i < file->link_federation_count; i++) {
        if (strcmp(file->link_federations[i].key, link) == 0) {
            return &file->link_federations[i];
        }
    }
    return NULL;
}

static bool
describe_links(struct policy_yaml_loader *loader, struct policy_yaml *loaded)
{
    const struct policy_yaml_texts *links = &loader->file.links;
    const struct yaml_node *list = yaml_find(loader->file.yaml, "links");
    const struct yaml_node *mapping = yaml_find(loader->file.yaml, "link_federations");
    struct yaml_place *places = yaml_doc_take(loader->doc, links->count * sizeof(*places));
    struct yaml_place *said = yaml_doc_take(loader->doc, links->count * sizeof(*said));
    struct span *federations = yaml_doc_take(loader->doc, links->count * sizeof(*federations));
    if (places == NULL || said == NULL || federations == NULL) {
        return false;
    }
    for (size_t i = 0; i < links->count; i++) {
        const struct yaml_pair *pair = find_federation(&loader->file, links->items[i]);
        places[i] = yaml_place(policy_yaml_text_node(list, i));
        federations[i] = span_from_text(pair == NULL ? links->items[i] : pair->value);
        said[i] = pair == NULL ? (struct yaml_place){ .line = 0 }
                               : yaml_place(yaml_find(mapping, pair->key));
    }
    loaded->link_places = places;
    loaded->link_federation_places = said;
    loaded->link_federations =
        (struct text_list){ .items = federations, .count = (uint32_t)links->count };
    return policy_yaml_describe_texts(loader, links, &loaded->links);
}

static void
describe_federation(const struct policy_yaml_loader *loader, struct policy_yaml *loaded)
{
    const struct yaml_node *federation = yaml_find(loader->file.yaml, "federation");
    if (federation != NULL) {
        loaded->federation = span_from_text(loader->file.federation);
        loaded->federation_place = yaml_place(federation);
    }
}

static struct policy_import_limits
import_limits(const struct policy_yaml_import_limits *limits)
{
    struct policy_import_limits described = {
        .updates = {
            .rate = limits->updates.rate.count,
            .rate_per_ns = limits->updates.rate.period_ns,
            .burst = limits->updates.burst,
        },
        .name_size = limits->name_size,
    };
    for (uint32_t kind = 0; kind < POLICY_LIMIT_KIND_COUNT; kind++) {
        described.table[kind] = (struct policy_table_limit){
            .max = limits->table[kind].max,
            .action = limits->table[kind].action,
        };
    }
    return described;
}

bool
policy_yaml_describe_rules(struct policy_yaml_loader *loader, struct policy_yaml *loaded)
{
    const struct policy_yaml_file *file = &loader->file;
    const struct policy_yaml_side *import = &file->sides[POLICY_IMPORT];
    loaded->source = (struct policy_source){
        .name = span_from_text(file->name),
        .import_limits = import_limits(&import->limits),
        .overlap = import->overlap,
        .report = import->report,
        .has_withdraw_max = file->guard.yaml != NULL,
        .withdraw_max_percent = file->guard.withdraw_max_percent,
    };
    describe_federation(loader, loaded);
    return describe_links(loader, loaded) && describe_side(loader, POLICY_EXPORT, loaded) &&
           describe_side(loader, POLICY_IMPORT, loaded);
}
