/* SPDX-License-Identifier: Apache-2.0 */
/* config_probe.c - functions that are called now and then to see whether a link serves. */
#include "host/config_probe.h"

#include <assert.h>
#include <string.h>

#include "core/json_write.h"
#include "host/config_common.h"

/* Of all arguments of a probe, as they are written: it only asks whether somebody is there. */
#define ARGS_SIZE_MAX ((size_t)4096)

/* The same as JSON: a byte is two at most, as files have no control characters; an argument has quotes and a comma. */
#define ARGS_JSON_SIZE_MAX ((size_t)16 * 1024)

#define ARGS_MAX 64

/* A hundred, every 10 s, are a quarter of an hour. */
#define IN_A_ROW_MAX 100

static_assert(2 * ARGS_SIZE_MAX + 3 * ARGS_MAX + 2 <= ARGS_JSON_SIZE_MAX, "what fits is whole");

static const struct yaml_key probe_keys[] = {
    YAML_TEXT(
        struct config_probe, function, "function", .required = true, .check = config_check_label),
    YAML_TEXTS(struct config_probe, args, arg_count, "args", .or_one = true, .may_be_empty = true,
        .max = ARGS_MAX),
    YAML_DURATION(struct config_probe, every_ns, "every", .fallback = "10s", .min = 100 * MS_NS,
        .max = 3600 * SEC_NS),
    YAML_DURATION(struct config_probe, timeout_ns, "timeout", .fallback = "2s", .min = 10 * MS_NS,
        .max = 60 * SEC_NS),
    YAML_NUMBER(struct config_probe, fail_after, "fail_after", .fallback = "3", .min = 1,
        .max = IN_A_ROW_MAX),
    YAML_NUMBER(
        struct config_probe, ok_after, "ok_after", .fallback = "2", .min = 1, .max = IN_A_ROW_MAX),
};
const struct yaml_shape config_probe_shape =
    YAML_SHAPE(struct config_probe, probe_keys, "this probe");

static void
check_times(const struct config_probe *probe, struct yaml_errors *errors)
{
    const struct yaml_node *timeout = yaml_find(probe->yaml, "timeout");
    const struct yaml_node *every = yaml_find(probe->yaml, "every");
    if (probe->timeout_ns > probe->every_ns) {
        /* One of the two is there: the defaults are in order. */
        yaml_errors_add(errors, YAML_ERROR, yaml_place(timeout != NULL ? timeout : every),
            "%s: timeout (%llu ms) is longer than every (%llu ms)", yaml_path(probe->yaml).text,
            (unsigned long long)(probe->timeout_ns / MS_NS),
            (unsigned long long)(probe->every_ns / MS_NS));
        yaml_errors_hint(errors, "one call is over before the next one begins");
    }
}

static void
check_args(const struct config_probe *probe, struct yaml_errors *errors)
{
    size_t size = 0;
    for (size_t i = 0; i < probe->arg_count; i++) {
        size += strlen(probe->args[i]);
    }
    if (size > ARGS_SIZE_MAX) {
        yaml_errors_add(errors, YAML_ERROR, yaml_place(yaml_find(probe->yaml, "args")),
            "%s.args are %zu bytes long; at most %zu", yaml_path(probe->yaml).text, size,
            ARGS_SIZE_MAX);
    }
}

static void
check_pair(
    const struct config_probe *first, const struct config_probe *second, struct yaml_errors *errors)
{
    if (first->function == NULL || second->function == NULL ||
        strcmp(first->function, second->function) != 0) {
        return;
    }
    struct yaml_place before = yaml_place(yaml_find(first->yaml, "function"));
    yaml_errors_add(errors, YAML_ERROR, yaml_place(yaml_find(second->yaml, "function")),
        "%s: '%s' has a probe on this link already, in line %u, column %u",
        yaml_path(second->yaml).text, second->function, before.line, before.column);
}

void
config_probes_check(const struct config_probe *probes, size_t count, struct yaml_errors *errors)
{
    for (size_t i = 0; i < count; i++) {
        check_times(&probes[i], errors);
        check_args(&probes[i], errors);
        for (size_t j = 0; j < i; j++) {
            check_pair(&probes[j], &probes[i], errors);
        }
    }
}

/* As mpregctl call takes its arguments. */
static void
write_args(struct buf *out, struct json_tape *tape, const struct config_probe *probe)
{
    struct json_writer writer = json_write_into(out);
    json_begin_array(&writer);
    for (size_t i = 0; i < probe->arg_count; i++) {
        enum json_kind kind;
        if (json_check(span_from_text(probe->args[i]), tape, &kind) == JSON_OK) {
            json_write_raw(&writer, span_from_text(probe->args[i]));
        } else {
            json_write_text(&writer, probe->args[i]);
        }
    }
    json_end_array(&writer);
}

static bool
describe(const struct config_probe *probe, struct yaml_doc *doc, struct buf *out,
    struct json_tape *tape, struct probe_config *config)
{
    buf_reset(out);
    write_args(out, tape, probe);
    struct span args = buf_span(out);
    char *copy = out->overflowed ? NULL : yaml_doc_take(doc, args.size);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, args.data, args.size);
    *config = (struct probe_config){
        .function = span_from_text(probe->function),
        .args = span_from(copy, args.size),
        .every_ns = probe->every_ns,
        .timeout_ns = probe->timeout_ns,
        .fail_after = probe->fail_after,
        .ok_after = probe->ok_after,
    };
    return true;
}

const struct probe_config *
config_probes_describe(const struct config_probe *probes, size_t count, struct yaml_doc *doc)
{
    struct mem mem;
    struct buf out;
    struct json_tape tape;
    mem_init(&mem, 16 * ARGS_JSON_SIZE_MAX);
    buf_init(&out, &mem, ARGS_JSON_SIZE_MAX);
    json_tape_init(&tape, &mem);
    struct probe_config *configs = yaml_doc_take(doc, (count + 1) * sizeof(*configs));
    bool whole = configs != NULL;
    for (size_t i = 0; i < count && whole; i++) {
        whole = describe(&probes[i], doc, &out, &tape, &configs[i]);
    }
    json_tape_destroy(&tape);
    buf_destroy(&out);
    return whole ? configs : NULL;
}
