/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_codec.c - what both directions of the codec share: names, and which texts a link carries.
 */
#include "bridge/link_codec.h"

#include "base/hash.h"
#include "base/utf8.h"
#include "bridge/link_field.h"
#include "core/limits.h"

/* U+0000 to U+001F, U+007F and U+0080 to U+009F: they would write in an operator's terminal. */
static bool
is_control(struct span text, size_t at, size_t size)
{
    uint8_t lead = text.data[at];
    if (size == 1) {
        return lead < 0x20 || lead == 0x7f;
    }
    return lead == 0xc2 && text.data[at + 1] < 0xa0;
}

enum link_result
link_check_text(struct span text, enum link_text_rule rule)
{
    if (text.size > NAME_SIZE_MAX) {
        return LINK_TOO_LARGE;
    }
    if (text.size == 0) {
        return rule == LINK_TEXT_NOT_EMPTY ? LINK_BAD_FIELD : LINK_OK;
    }
    for (size_t at = 0; at < text.size;) {
        size_t size = utf8_sequence_size(text, at);
        if (size == 0 || is_control(text, at, size)) {
            return LINK_BAD_FIELD;
        }
        at += size;
    }
    return LINK_OK;
}

static enum link_result
check_list(const struct text_list *list, uint32_t count_max, enum link_text_rule rule)
{
    if (list->count > count_max) {
        return LINK_TOO_LARGE;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        enum link_result result = link_check_text(list->items[i], rule);
        if (result != LINK_OK) {
            return result;
        }
    }
    return LINK_OK;
}

enum link_result
link_check_advertisement(const struct advertisement *advertisement)
{
    const struct function_identity *identity = &advertisement->identity;
    const struct span names[] = { identity->name, identity->function_id, identity->version_text,
        advertisement->origin };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        enum link_result result = link_check_text(names[i], LINK_TEXT_NOT_EMPTY);
        if (result != LINK_OK) {
            return result;
        }
    }
    struct version version;
    if (!version_parse(identity->version_text, &version)) {
        return LINK_BAD_FIELD;
    }
    if (advertisement->path.count == 0) {
        return LINK_MISSING_FIELD;
    }
    const enum link_result results[] = {
        link_check_text(advertisement->scope, LINK_TEXT_ANY),
        check_list(&advertisement->tags, LIST_COUNT_MAX, LINK_TEXT_ANY),
        check_list(&advertisement->resources, LIST_COUNT_MAX, LINK_TEXT_ANY),
        check_list(&advertisement->path, PATH_COUNT_MAX, LINK_TEXT_NOT_EMPTY),
    };
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        if (results[i] != LINK_OK) {
            return results[i];
        }
    }
    return LINK_OK;
}

uint64_t
link_route_digest(struct span route)
{
    /* Both ends must come to the same number: this is no secret, and protects from nobody. */
    static const struct hash_key open_key = { .k0 = 0, .k1 = 0 };
    return hash_bytes(&open_key, route);
}

bool
link_frame_is_numbered(enum link_frame_type type)
{
    switch (type) {
    case LINK_FRAME_ANNOUNCE:
    case LINK_FRAME_WITHDRAW:
    case LINK_FRAME_END_OF_SYNC:
    case LINK_FRAME_CALL:
    case LINK_FRAME_REPLY:
        return true;
    case LINK_FRAME_READY:
    case LINK_FRAME_HELLO:
    case LINK_FRAME_ACK:
    case LINK_FRAME_PING:
    case LINK_FRAME_PONG:
    case LINK_FRAME_DRAIN:
    case LINK_FRAME_ERROR:
    case LINK_FRAME_REFRESH:
    case LINK_FRAME_REPORT:
        return false;
    }
    return false;
}

const char *
link_frame_type_name(enum link_frame_type type)
{
    switch (type) {
    case LINK_FRAME_READY:
        return "ready";
    case LINK_FRAME_HELLO:
        return "hello";
    case LINK_FRAME_ANNOUNCE:
        return "announce";
    case LINK_FRAME_WITHDRAW:
        return "withdraw";
    case LINK_FRAME_END_OF_SYNC:
        return "end_of_sync";
    case LINK_FRAME_ACK:
        return "ack";
    case LINK_FRAME_CALL:
        return "call";
    case LINK_FRAME_REPLY:
        return "reply";
    case LINK_FRAME_PING:
        return "ping";
    case LINK_FRAME_PONG:
        return "pong";
    case LINK_FRAME_DRAIN:
        return "drain";
    case LINK_FRAME_ERROR:
        return "error";
    case LINK_FRAME_REFRESH:
        return "refresh";
    case LINK_FRAME_REPORT:
        return "report";
    }
    return "unknown";
}

const char *
link_result_name(enum link_result result)
{
    switch (result) {
    case LINK_OK:
        return "ok";
    case LINK_TRUNCATED:
        return "truncated";
    case LINK_UNKNOWN_TYPE:
        return "unknown type";
    case LINK_UNKNOWN_FIELD:
        return "unknown critical field";
    case LINK_MISSING_FIELD:
        return "missing field";
    case LINK_BAD_FIELD:
        return "bad field";
    case LINK_TOO_LARGE:
        return "too large";
    case LINK_TRAILING_BYTES:
        return "trailing bytes";
    case LINK_NO_MEMORY:
        return "no memory";
    }
    return "unknown";
}
