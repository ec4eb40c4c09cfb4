/* SPDX-License-Identifier: Apache-2.0 */
/* policy_json.c - errors, advertisements and explanations as JSON. */
#include "host/policy_json.h"

#include "host/admin.h"
#include "host/value.h"

static json_t *
list_errors(const struct yaml_errors *errors, enum yaml_severity severity)
{
    json_t *list = json_array();
    for (size_t i = 0; i < errors->count; i++) {
        const struct yaml_error *error = &errors->list[i];
        if (error->severity == severity) {
            (void)json_array_append_new(
                list, json_pack("{s:s,s:i,s:i,s:s,s:s}", "file", error->place.file, "line",
                          (int)error->place.line, "column", (int)error->place.column, "message",
                          error->message, "hint", error->hint));
        }
    }
    return list;
}

json_t *
policy_json_errors(struct yaml_errors *errors)
{
    yaml_errors_sort(errors);
    return json_pack("{s:o,s:o}", "errors", list_errors(errors, YAML_ERROR), "warnings",
        list_errors(errors, YAML_WARNING));
}

json_t *
policy_json_advertisement(const struct advertisement *out)
{
    json_t *json = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I}", "function",
        admin_text(out->identity.name), "function_id", admin_text(out->identity.function_id),
        "version", admin_text(out->identity.version_text), "tags", admin_texts(&out->tags),
        "resources", admin_texts(&out->resources), "scope", admin_text(out->scope), "origin",
        admin_text(out->origin), "path", admin_texts(&out->path), "cost", (json_int_t)out->cost,
        "preference", (json_int_t)out->preference);
    json_t *ttl = out->ttl_ns == UINT64_MAX ? json_null() : json_real((double)out->ttl_ns / 1e9);
    (void)json_object_set_new(json, "ttl_seconds", ttl);
    return json;
}

static json_t *
count_or_null(uint64_t count)
{
    return count == 0 ? json_null() : json_integer((json_int_t)count);
}

json_t *
policy_json_limits(const struct policy_call_limits *limits)
{
    if (limits == NULL) {
        return json_null();
    }
    struct value_rate rate = { .count = limits->rate, .period_ns = limits->rate_per_ns };
    json_t *json = json_object();
    (void)json_object_set_new(
        json, "rate", rate.count == 0 ? json_null() : json_string(value_write_rate(&rate).text));
    (void)json_object_set_new(json, "burst", count_or_null(limits->burst));
    (void)json_object_set_new(json, "in_flight", count_or_null(limits->in_flight));
    (void)json_object_set_new(json, "timeout_seconds",
        limits->timeout_ns == 0 ? json_null() : json_real((double)limits->timeout_ns / 1e9));
    (void)json_object_set_new(json, "args_bytes", count_or_null(limits->args_size));
    (void)json_object_set_new(json, "result_bytes", count_or_null(limits->result_size));
    return json;
}

json_t *
policy_json_trace(const struct policy_yaml *loaded, enum policy_direction direction,
    const struct policy_explanation *explanation)
{
    json_t *trace = json_array();
    for (uint32_t i = 0; i < explanation->step_count; i++) {
        const struct policy_step *step = &explanation->steps[i];
        struct yaml_place place = loaded->rule_places[direction][step->rule];
        bool matched = step->failed_on == POLICY_CONDITION_NONE;
        (void)json_array_append_new(
            trace, json_pack("{s:o,s:s,s:I,s:b,s:s?,s:o}", "rule",
                       admin_text(loaded->source.rules[direction][step->rule].id), "file",
                       place.file, "line", (json_int_t)place.line, "matched", matched, "failed_on",
                       matched ? NULL : policy_condition_name(step->failed_on), "item",
                       step->item.size == 0 ? json_null() : admin_text(step->item)));
    }
    return trace;
}
