/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_piece.c - the eight bytes before every payload.
 */
#include "host/link_piece.h"

#include "base/cursor.h"

enum link_piece_result
link_piece_split(struct span input, size_t payload_max, struct link_piece *frame)
{
    if (input.size < LINK_PIECE_HEADER_SIZE) {
        return LINK_PIECE_INCOMPLETE;
    }
    struct cursor header = cursor_over(span_part(input, 0, LINK_PIECE_HEADER_SIZE));
    size_t payload_size = cursor_u32(&header);
    uint8_t type = cursor_u8(&header);
    uint8_t flags = cursor_u8(&header);
    if (cursor_u16(&header) != 0) {
        return LINK_PIECE_BAD_HEADER;
    }
    if (payload_size > payload_max) {
        return LINK_PIECE_TOO_LARGE;
    }
    if (input.size - LINK_PIECE_HEADER_SIZE < payload_size) {
        return LINK_PIECE_INCOMPLETE;
    }
    *frame = (struct link_piece){
        .whole = span_part(input, 0, LINK_PIECE_HEADER_SIZE + payload_size),
        .payload = span_part(input, LINK_PIECE_HEADER_SIZE, payload_size),
        .type = type,
        .flags = flags,
    };
    return LINK_PIECE_OK;
}

size_t
link_piece_announced(struct span input)
{
    CHECK(input.size >= LINK_PIECE_HEADER_SIZE);
    struct cursor header = cursor_over(input);
    return cursor_u32(&header);
}

void
link_piece_put_header(
    uint8_t header[LINK_PIECE_HEADER_SIZE], size_t payload_size, uint8_t type, uint8_t flags)
{
    CHECK(payload_size <= UINT32_MAX);
    header[0] = (uint8_t)(payload_size >> 24);
    header[1] = (uint8_t)(payload_size >> 16);
    header[2] = (uint8_t)(payload_size >> 8);
    header[3] = (uint8_t)payload_size;
    header[4] = type;
    header[5] = flags;
    header[6] = 0;
    header[7] = 0;
}

const char *
link_piece_result_name(enum link_piece_result result)
{
    switch (result) {
    case LINK_PIECE_OK:
        return "ok";
    case LINK_PIECE_INCOMPLETE:
        return "incomplete";
    case LINK_PIECE_TOO_LARGE:
        return "too large";
    case LINK_PIECE_BAD_HEADER:
        return "bad header";
    }
    return "?";
}
