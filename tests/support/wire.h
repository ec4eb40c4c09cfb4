/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - the scratch of one decoding and room for one encoding, for the tests of the wire codecs. */
#ifndef TESTS_SUPPORT_WIRE_H
#define TESTS_SUPPORT_WIRE_H

#include "core/envelope.h"
#include "core/limits.h"

struct wire {
    struct mem mem;
    struct arena arena;
    struct json_tape tape;
    struct buf out;
    struct message_scratch scratch;
    struct message_fault fault;
    struct envelope envelope;
};

/* Points into itself: it is not to be moved. */
static inline void
wire_init(struct wire *wire)
{
    *wire = (struct wire){ .fault = { MESSAGE_OK, "" } };
    mem_init(&wire->mem, SIZE_MAX);
    arena_init(&wire->arena, &wire->mem);
    json_tape_init(&wire->tape, &wire->mem);
    buf_init(&wire->out, &wire->mem, MESSAGE_SIZE_MAX);
    wire->scratch = (struct message_scratch){ &wire->tape, &wire->arena };
}

/* Whether all memory came back. */
static inline bool
wire_destroy(struct wire *wire)
{
    arena_destroy(&wire->arena);
    json_tape_destroy(&wire->tape);
    buf_destroy(&wire->out);
    return wire->mem.used == 0;
}

/* For the next message: what the last one left dies. */
static inline void
wire_reset(struct wire *wire)
{
    arena_reset(&wire->arena);
    buf_reset(&wire->out);
    wire->fault = (struct message_fault){ MESSAGE_OK, "" };
}

static inline enum message_result
wire_scan(struct wire *wire, struct span message)
{
    return envelope_scan(message, &wire->scratch, &wire->envelope, &wire->fault);
}

#endif
