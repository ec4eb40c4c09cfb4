/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_link_pieces.c - link_piece_split() on any bytes: it stays inside, frames written again are the
 * bytes they were, and a stream means the same however it is cut. A payload that is read as a refusal
 * (link_refusal.h) and written says the same.
 *
 * The first byte of the input chooses the longest payload, the second where the stream is cut.
 */
#include "host/link_piece.h"
#include "host/link_refusal.h"
#include "tests/support/check_failed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How a stream ends: after so many bytes, for this reason. */
struct ending {
    size_t used;
    size_t frame_count;
    enum link_piece_result result;
};

static void
check_frame(const struct link_piece *frame, struct span input, size_t payload_max)
{
    uint8_t header[LINK_PIECE_HEADER_SIZE];
    CHECK(frame->whole.data == input.data);
    CHECK(frame->whole.size <= input.size);
    CHECK(frame->payload.size <= payload_max);
    CHECK(frame->whole.size == LINK_PIECE_HEADER_SIZE + frame->payload.size);
    link_piece_put_header(header, frame->payload.size, frame->type, frame->flags);
    CHECK(memcmp(header, input.data, sizeof(header)) == 0);
}

static void
check_refusal(struct span payload)
{
    uint8_t written[LINK_REFUSAL_MAX];
    struct link_refusal refusal = link_refusal_read(payload);
    CHECK(refusal.text.size <= payload.size);
    CHECK(span_find(refusal.text, 0) == refusal.text.size);
    size_t size = link_refusal_write(written, &refusal);
    CHECK(size <= sizeof(written));
    struct link_refusal again = link_refusal_read(span_from(written, size));
    CHECK(again.retry_after_ns == refusal.retry_after_ns);
    CHECK(span_starts_with(refusal.text, again.text));
}

/* Go on with `input`, of which `ending` knows the part before. */
static void
run(struct span input, size_t payload_max, struct ending *ending)
{
    struct link_piece frame;
    ending->result = LINK_PIECE_OK;
    while (ending->result == LINK_PIECE_OK) {
        struct span rest = span_after(input, ending->used);
        ending->result = link_piece_split(rest, payload_max, &frame);
        if (ending->result == LINK_PIECE_OK) {
            check_frame(&frame, rest, payload_max);
            check_refusal(frame.payload);
            ending->used += frame.whole.size;
            ending->frame_count++;
        }
    }
    if (ending->result == LINK_PIECE_TOO_LARGE) {
        CHECK(link_piece_announced(span_after(input, ending->used)) > payload_max);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    size_t payload_max = (size_t)1 << (data[0] % 25);
    struct span stream = span_from(&data[2], size - 2);
    size_t cut = data[1] < stream.size ? data[1] : stream.size;
    struct ending at_once = { 0 };
    struct ending in_parts = { 0 };
    run(stream, payload_max, &at_once);
    run(span_part(stream, 0, cut), payload_max, &in_parts);
    if (in_parts.result == LINK_PIECE_INCOMPLETE) {
        run(stream, payload_max, &in_parts);
    }
    CHECK(in_parts.used == at_once.used);
    CHECK(in_parts.frame_count == at_once.frame_count);
    CHECK(in_parts.result == at_once.result);
    return 0;
}
