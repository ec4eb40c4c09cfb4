/* SPDX-License-Identifier: Apache-2.0 */
/* call_error.c - codes, names and the error object. */
#include "bridge/call_error.h"

#include "core/json_write.h"

static const enum call_code codes[] = {
    CALL_NOT_FOUND,
    CALL_INVALID,
    CALL_TIMED_OUT,
    CALL_POLICY_REJECTED,
    CALL_LINK_DOWN,
    CALL_DEADLINE_EXCEEDED,
    CALL_RATE_LIMITED,
    CALL_OVERLOADED,
    CALL_PAYLOAD_TOO_LARGE,
    CALL_LOOP,
    CALL_BREAKER_OPEN,
    CALL_REMOTE_FAILED,
    CALL_DRAINING,
};

_Static_assert(
    COUNT_OF(codes) + CALL_RESULT_FAILED + 1 == CALL_RESULT_COUNT, "every code has a counter");

enum call_code
call_code_from_wire(uint16_t code)
{
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        if ((uint16_t)codes[i] == code) {
            return codes[i];
        }
    }
    return CALL_REMOTE_FAILED;
}

void
call_error_encode(struct buf *out, const struct call_error *error, struct span command)
{
    struct json_writer writer = json_write_into(out);
    json_begin_object(&writer);
    json_write_key(&writer, "error");
    json_write_string(&writer, error->text);
    json_write_key(&writer, "command");
    json_write_string(&writer, command);
    json_write_key(&writer, "error_type");
    json_write_text(&writer, call_code_name(error->code));
    json_write_key(&writer, "code");
    json_write_u64(&writer, (uint64_t)error->code);
    json_write_key(&writer, "details");
    json_begin_object(&writer);
    json_write_key(&writer, "hop");
    json_write_string(&writer, error->hop);
    json_write_key(&writer, "side");
    json_write_text(&writer, error->side == CALL_NEAR ? "near" : "far");
    json_write_key(&writer, "reason");
    json_write_text(&writer, call_code_name(error->code));
    json_write_key(&writer, "rule");
    json_write_string(&writer, error->rule);
    json_end_object(&writer);
    json_end_object(&writer);
}

const char *
call_code_name(enum call_code code)
{
    switch (code) {
    case CALL_NOT_FOUND:
        return "not_found";
    case CALL_INVALID:
        return "invalid";
    case CALL_TIMED_OUT:
        return "timed_out";
    case CALL_POLICY_REJECTED:
        return "policy_rejected";
    case CALL_LINK_DOWN:
        return "link_down";
    case CALL_DEADLINE_EXCEEDED:
        return "deadline_exceeded";
    case CALL_RATE_LIMITED:
        return "rate_limited";
    case CALL_OVERLOADED:
        return "overloaded";
    case CALL_PAYLOAD_TOO_LARGE:
        return "payload_too_large";
    case CALL_LOOP:
        return "loop";
    case CALL_BREAKER_OPEN:
        return "breaker_open";
    case CALL_REMOTE_FAILED:
        return "remote_failed";
    case CALL_DRAINING:
        return "draining";
    }
    return "unknown";
}

uint32_t
call_result_index(enum call_code code)
{
    for (uint32_t i = 0; i < COUNT_OF(codes); i++) {
        if (codes[i] == code) {
            return i + CALL_RESULT_FAILED + 1;
        }
    }
    return CALL_RESULT_FAILED;
}

const char *
call_result_name(uint32_t index)
{
    CHECK(index < CALL_RESULT_COUNT);
    if (index == CALL_RESULT_OK) {
        return "ok";
    }
    return index == CALL_RESULT_FAILED ? "failed"
                                       : call_code_name(codes[index - CALL_RESULT_FAILED - 1]);
}
