/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_link_codec.c - link_decode() on any bytes.
 *
 * The input is judged twice: as a whole frame, and as { type, payload } behind a header that is right,
 * so that the fuzzer need not learn to count. Oracles: a refused frame leaves *frame alone; what is
 * accepted encodes again, to a frame that decodes to the same; without memory the verdict is the same
 * or LINK_NO_MEMORY.
 */
#include <stdlib.h>
#include <string.h>

#include "bridge/link_codec.h"
#include "tests/support/check_failed.h"
#include "tests/support/link_frames.h"

#define MEMORY_MAX ((size_t)64 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_again(const struct link_frame *frame, struct mem *mem)
{
    struct buf first;
    struct buf second;
    struct arena arena;
    struct link_frame again;
    buf_init(&first, mem, MEMORY_MAX);
    buf_init(&second, mem, MEMORY_MAX);
    arena_init(&arena, mem);
    link_frames_encode(&first, frame);
    CHECK(!first.overflowed);
    CHECK(link_decode(buf_span(&first), &arena, &again) == LINK_OK);
    CHECK(link_frames_same(frame, &again));
    link_frames_encode(&second, &again);
    CHECK(span_equal(buf_span(&first), buf_span(&second)));
    arena_destroy(&arena);
    buf_destroy(&second);
    buf_destroy(&first);
}

static void
check_without_memory(struct span bytes, enum link_result result)
{
    struct mem none;
    struct arena arena;
    struct link_frame frame;
    mem_init(&none, 0);
    arena_init(&arena, &none);
    enum link_result poor = link_decode(bytes, &arena, &frame);
    CHECK(poor == result || poor == LINK_NO_MEMORY);
    arena_destroy(&arena);
}

static void
check_bytes(struct span bytes)
{
    struct mem mem;
    struct arena arena;
    struct link_frame frame;
    struct link_frame before;
    mem_init(&mem, MEMORY_MAX);
    arena_init(&arena, &mem);
    memset(&frame, 0x5a, sizeof(frame));
    memcpy(&before, &frame, sizeof(frame));
    enum link_result result = link_decode(bytes, &arena, &frame);
    CHECK(result != LINK_NO_MEMORY);
    if (result == LINK_OK) {
        check_again(&frame, &mem);
    } else {
        CHECK(memcmp(&before, &frame, sizeof(frame)) == 0);
    }
    check_without_memory(bytes, result);
    arena_destroy(&arena);
    CHECK(mem.used == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_bytes(span_from(data, size));
    if (size == 0) {
        return 0;
    }
    size_t payload_size = size - 1;
    uint8_t *frame = calloc(1, LINK_FRAME_HEADER_SIZE + payload_size);
    CHECK(frame != NULL);
    for (size_t i = 0; i < 4; i++) {
        frame[i] = (uint8_t)(payload_size >> (8 * (3 - i)));
    }
    frame[4] = data[0];
    memcpy(&frame[LINK_FRAME_HEADER_SIZE], &data[1], payload_size);
    check_bytes(span_from(frame, LINK_FRAME_HEADER_SIZE + payload_size));
    free(frame);
    return 0;
}
