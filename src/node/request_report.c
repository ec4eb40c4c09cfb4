/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_report.c - intermediate results and the execution summary of a request that asked for them.
 *
 * Results are copied here, again in each later level's accumulated_results, as the reference does.
 */
#include "core/json_write.h"
#include "node/reply.h"
#include "node/request.h"

static void
write_key_ms(struct json_writer *writer, const char *key, uint64_t ns)
{
    json_write_key(writer, key);
    /* A thousandth as seconds is the same digits as milliseconds. */
    json_write_seconds(writer, ns > INT64_MAX / 1000 ? INT64_MAX : (int64_t)(ns * 1000));
}

static void
write_results(
    struct json_writer *writer, const struct request *request, uint32_t first, uint32_t last)
{
    json_begin_object(writer);
    for (uint32_t i = 0; i < request->count; i++) {
        const struct command *command = &request->commands[i];
        if (command->level >= first && command->level <= last) {
            json_write_key_span(writer, command->asked.name);
            json_write_raw(writer, command->value->result);
        }
    }
    json_end_object(writer);
}

static void
write_level(struct json_writer *writer, const struct request *request, uint32_t level)
{
    json_begin_object(writer);
    json_write_key(writer, "request_id");
    json_write_string(writer, request->u);
    json_write_key(writer, "level_index");
    json_write_u64(writer, level);
    json_write_key(writer, "level_results");
    write_results(writer, request, level, level);
    json_write_key(writer, "accumulated_results");
    write_results(writer, request, 0, level);
    json_write_key(writer, "total_levels");
    json_write_u64(writer, request->level_count);
    json_write_key(writer, "completed_levels");
    json_write_u64(writer, level + 1);
    json_write_key(writer, "timestamp");
    json_write_seconds(writer, request->levels[level].ended_at.ns);
    write_key_ms(writer, "execution_time_ms", request->levels[level].took_ns);
    json_end_object(writer);
}

static void
write_summary(struct json_writer *writer, const struct request *request, struct instant now)
{
    uint64_t sum_ns = 0;
    uint32_t slowest = 0;
    CHECK(request->level_count > 0);
    json_begin_object(writer);
    json_write_key(writer, "request_id");
    json_write_string(writer, request->u);
    write_key_ms(writer, "total_execution_time_ms", instant_between(request->started_at, now));
    json_write_key(writer, "total_levels");
    json_write_u64(writer, request->level_count);
    json_write_key(writer, "level_execution_times");
    json_begin_array(writer);
    for (uint32_t i = 0; i < request->level_count; i++) {
        uint64_t took_ns = request->levels[i].took_ns;
        json_write_seconds(writer, (int64_t)(took_ns * 1000));
        sum_ns += took_ns;
        slowest = took_ns > request->levels[slowest].took_ns ? i : slowest;
    }
    json_end_array(writer);
    json_write_key(writer, "bottleneck_level_index");
    json_write_u64(writer, slowest);
    write_key_ms(writer, "average_level_time_ms", sum_ns / request->level_count);
    json_write_key(writer, "parallel_commands_executed");
    json_write_u64(writer, request->count);
    json_write_key(writer, "cross_cluster_hops");
    json_write_u64(writer, request->cross_cluster_count);
    json_end_object(writer);
}

bool
request_report(struct node *node, const struct request *request, struct reply_extras *extras)
{
    *extras = (struct reply_extras){ .intermediate_results = SPAN_NONE };
    if (request->return_intermediate_results) {
        buf_reset(&node->out);
        struct json_writer writer = json_write_into(&node->out);
        json_begin_array(&writer);
        for (uint32_t level = 0; level < request->level_count; level++) {
            write_level(&writer, request, level);
        }
        json_end_array(&writer);
        extras->intermediate_results = node_composed(node);
        if (extras->intermediate_results.data == NULL) {
            return false;
        }
    }
    if (request->include_execution_summary) {
        buf_reset(&node->out);
        struct json_writer writer = json_write_into(&node->out);
        write_summary(&writer, request, node->now.mono);
        extras->execution_summary = node_composed(node);
        if (extras->execution_summary.data == NULL) {
            return false;
        }
    }
    return true;
}
