/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc.c - a client's request and its commands (protocol.md 5).
 */
#include "core/rpc.h"

#include "core/delta.h"
#include "core/message_fields.h"

static enum message_result
read_command(const struct message_reader *reader, uint32_t object, struct rpc_command *command)
{
    const struct field fields[] = {
        { FIELD_TEXT("name", &command->name), FIELD_REQUIRED },
        { FIELD_TEXT("fun", &command->function), FIELD_REQUIRED },
        { FIELD_RAW_ARRAY("args", &command->args) },
        { FIELD_RAW_OBJECT("kwargs", &command->kwargs) },
        { FIELD_TEXTS("locs", &command->resources, LIST_COUNT_MAX) },
        { FIELD_TEXT("function_id", &command->function_id) },
        { FIELD_TEXT("version_constraint", &command->version_constraint) },
        { FIELD_TEXT("target_cluster", &command->target_cluster) },
    };
    *command = (struct rpc_command){ .args = SPAN("[]"), .kwargs = SPAN("{}") };
    return message_read(reader, object, "cmds", fields, COUNT_OF(fields));
}

static enum message_result
read_commands(const struct message_reader *reader, uint32_t array, struct rpc_request *request)
{
    uint32_t count = 0;
    struct rpc_command *commands = message_take_items(reader, array, sizeof(*commands), "cmds");
    if (commands == NULL) {
        return MESSAGE_NO_MEMORY;
    }
    JSON_EACH_ITEM (reader->doc, array, item) {
        enum message_result result = read_command(reader, item, &commands[count]);
        if (result != MESSAGE_OK) {
            return result;
        }
        count++;
    }
    request->commands = commands;
    request->command_count = count;
    return MESSAGE_OK;
}

enum message_result
rpc_decode(const struct envelope *envelope, struct message_scratch *scratch,
    struct rpc_request *request, struct message_fault *fault)
{
    uint32_t commands = 0;
    struct message_reader reader = { &envelope->doc, scratch->arena, fault };
    const struct field fields[] = {
        { FIELD_TEXT("u", &request->u), FIELD_REQUIRED },
        { FIELD_ARRAY("cmds", &commands, COMMANDS_MAX), FIELD_REQUIRED },
        { FIELD_FLAG("return_intermediate_results", &request->return_intermediate_results) },
        { FIELD_FLAG("include_execution_summary", &request->include_execution_summary) },
    };
    CHECK(envelope->kind == ENVELOPE_RPC);
    *request = (struct rpc_request){ .command_count = 0 };
    enum message_result result = message_read(&reader, 0, "", fields, COUNT_OF(fields));
    return result != MESSAGE_OK ? result : read_commands(&reader, commands, request);
}

static void
encode_command(struct json_writer *writer, const struct rpc_command *command)
{
    json_begin_object(writer);
    json_write_key(writer, "name");
    json_write_string(writer, command->function);
    json_write_key(writer, "fun");
    json_write_string(writer, command->function);
    json_write_key(writer, "args");
    json_write_raw(writer, command->args.size == 0 ? SPAN("[]") : command->args);
    json_write_key(writer, "kwargs");
    json_write_raw(writer, command->kwargs.size == 0 ? SPAN("{}") : command->kwargs);
    json_write_key(writer, "locs");
    text_list_encode(writer, &command->resources);
    message_write_optional(writer, "function_id", command->function_id);
    message_write_optional(writer, "version_constraint", command->version_constraint);
    message_write_optional(writer, "target_cluster", command->target_cluster);
    json_write_key(writer, "routing_topic");
    json_write_null(writer);
    json_end_object(writer);
}

void
rpc_encode(struct buf *out, const struct rpc_command *command, struct span u)
{
    struct json_writer writer = json_write_into(out);
    json_begin_object(&writer);
    json_write_key(&writer, "role");
    json_write_text(&writer, "rpc");
    json_write_key(&writer, "cmds");
    json_begin_array(&writer);
    encode_command(&writer, command);
    json_end_array(&writer);
    json_write_key(&writer, "u");
    json_write_string(&writer, u);
    json_write_key(&writer, "return_intermediate_results");
    json_write_bool(&writer, false);
    json_write_key(&writer, "intermediate_result_callback_topic");
    json_write_null(&writer);
    json_write_key(&writer, "include_execution_summary");
    json_write_bool(&writer, false);
    json_write_key(&writer, "debug_mode");
    json_write_bool(&writer, false);
    json_end_object(&writer);
}
