/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_piece.h - where one frame ends and the next begins in the bytes of a link. Pure.
 *
 *      0        4      5       6        8
 *      | size   | type | flags | zero   | payload of `size` bytes
 *
 * Integers are big-endian; `size` counts the payload alone. A header is judged before its payload
 * has come, so that a peer cannot make us collect what we would refuse. What types and flags mean
 * is not known here, save that type 0 is the transport's own (host/link.h).
 */
#ifndef HOST_LINK_PIECE_H
#define HOST_LINK_PIECE_H

#include "base/check.h"
#include "base/span.h"

#define LINK_PIECE_HEADER_SIZE ((size_t)8)

enum link_piece_result {
    LINK_PIECE_OK = 0,
    LINK_PIECE_INCOMPLETE, /* not an error: call again with more bytes */
    LINK_PIECE_TOO_LARGE,  /* the announced payload is larger than payload_max */
    LINK_PIECE_BAD_HEADER, /* the two reserved bytes are not zero */
};

struct link_piece {
    struct span whole;   /* header and payload */
    struct span payload; /* inside whole */
    uint8_t type;
    uint8_t flags;
};

/*
 * The first frame of `input`.
 *
 * LINK_PIECE_OK: *frame is filled in; its spans borrow from `input`.
 * Otherwise *frame is untouched.
 */
MUST_CHECK enum link_piece_result link_piece_split(
    struct span input, size_t payload_max, struct link_piece *frame);

/* Payload bytes that the first header of `input` announces; input.size >= LINK_PIECE_HEADER_SIZE. */
size_t link_piece_announced(struct span input);

/* payload_size <= UINT32_MAX. */
void link_piece_put_header(
    uint8_t header[LINK_PIECE_HEADER_SIZE], size_t payload_size, uint8_t type, uint8_t flags);

const char *link_piece_result_name(enum link_piece_result result);

#endif
