/* SPDX-License-Identifier: Apache-2.0 */
/* reply.c - what a client is told. */
#include "node/reply.h"

#include "core/envelope.h"
#include "core/json_write.h"
#include "core/limits.h"

static struct span
quote(struct node *node, struct span text)
{
    buf_reset(&node->out);
    struct json_writer writer = json_write_into(&node->out);
    json_write_string(&writer, text);
    return node_composed(node);
}

void
reply_error(
    struct node *node, struct conn_id conn, struct span u, const struct reply_failure *failure)
{
    struct span details = failure->details.size == 0 ? SPAN_NONE : quote(node, failure->details);
    buf_reset(&node->out);
    answer_encode_error(
        &node->out, failure->code, failure->message, details.data == NULL ? SPAN_NONE : details, u);
    struct span text = node_composed(node);
    if (text.data == NULL) {
        node->actions.lost++;
    } else {
        actions_send(&node->actions, conn, text);
    }
    node->stats.requests_failed++;
    LOG_DEBUG(node->log, "request.failed", LOG_SPAN("request", u),
        LOG_U64("code", (uint64_t)failure->code), LOG_SPAN("details", failure->details));
}

/* Everything but the results; cuts[i] is where the i-th of them goes. */
static void
compose_around(struct node *node, struct span u, const struct reply_item *items,
    const struct reply_extras *extras, struct span *parts, uint32_t item_count)
{
    struct buf *out = &node->out;
    size_t *cuts = arena_take(&node->arena, (item_count + 1) * sizeof(*cuts));
    buf_reset(out);
    struct json_writer writer = json_write_into(out);
    json_begin_object(&writer);
    json_write_key(&writer, "r");
    json_begin_object(&writer);
    for (uint32_t i = 0; cuts != NULL && i < item_count; i++) {
        json_write_key_span(&writer, items[i].name);
        cuts[i] = out->size;
        /* The value will stand here. */
        writer.comma = true;
    }
    json_end_object(&writer);
    json_write_key(&writer, "error");
    json_write_null(&writer);
    json_write_key(&writer, "u");
    json_write_string(&writer, u);
    json_write_key(&writer, "intermediate_results");
    json_write_raw(&writer,
        extras->intermediate_results.size == 0 ? SPAN("[]") : extras->intermediate_results);
    json_write_key(&writer, "execution_summary");
    json_write_raw(
        &writer, extras->execution_summary.size == 0 ? SPAN("null") : extras->execution_summary);
    json_end_object(&writer);
    struct span text = node_composed(node);
    if (text.data == NULL || cuts == NULL) {
        parts[0] = SPAN_NONE;
        return;
    }
    size_t from = 0;
    for (uint32_t i = 0; i < item_count; i++) {
        parts[2 * i] = span_part(text, from, cuts[i] - from);
        parts[2 * i + 1] = items[i].result;
        from = cuts[i];
    }
    parts[2 * item_count] = span_after(text, from);
}

bool
reply_results(struct node *node, struct conn_id conn, struct span u, const struct reply_item *items,
    uint32_t item_count, const struct reply_extras *extras)
{
    uint32_t part_count = 2 * item_count + 1;
    struct span *parts = arena_take(&node->arena, part_count * sizeof(*parts));
    if (parts == NULL) {
        return false;
    }
    compose_around(node, u, items, extras, parts, item_count);
    if (parts[0].data == NULL) {
        return false;
    }
    size_t size = 0;
    for (uint32_t i = 0; i < part_count; i++) {
        size += parts[i].size;
    }
    if (size > MESSAGE_SIZE_MAX) {
        return false;
    }
    actions_send_parts(&node->actions, conn, parts, part_count);
    return true;
}
