/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.h - calls that wait for an answer: found by their request id, ended by their deadline.
 *
 * The id that travels is text made of a prefix drawn at start and the engine's ticket, so ids of two processes never
 * meet, and a call that ended without an answer keeps its id when it is sent again under its ticket.
 */
#ifndef CORE_CALLS_H
#define CORE_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/heap.h"
#include "base/instant.h"
#include "base/list.h"
#include "base/map.h"
#include "base/prng.h"
#include "core/io.h"

#define CALLS_ID_SIZE 33u /* 16 hex digits, a dash, 16 hex digits */

struct waiting_call {
    uint64_t ticket;     /* the engine's */
    struct conn_id conn; /* where it was sent; its loss ends the call */
    bool again;          /* it was sent elsewhere before, under the same id */
    struct heap_node deadline;
    struct list gathered; /* see calls_gather */
};

struct calls {
    struct mem *mem;
    struct hash_key hash_key;
    uint64_t prefix;
    struct map by_ticket;
    struct heap deadlines;
};

void calls_init(struct calls *calls, struct mem *mem, struct hash_key hash_key, struct prng *prng);
void calls_destroy(struct calls *calls);

/* NULL: CALLS_IN_FLIGHT_MAX or no memory. No call with this ticket waits. */
MUST_CHECK struct waiting_call *calls_add(
    struct calls *calls, uint64_t ticket, struct conn_id conn, struct instant deadline);

/* Writes the id that travels. */
void calls_write_id(
    const struct calls *calls, const struct waiting_call *call, uint8_t id[CALLS_ID_SIZE]);

/* The call with this id, or NULL: not ours, answered, or too late. */
struct waiting_call *calls_find(const struct calls *calls, struct span id);
struct waiting_call *calls_find_ticket(const struct calls *calls, uint64_t ticket);

/* The first whose deadline has come, or NULL. */
struct waiting_call *calls_due(const struct calls *calls, struct instant now);

/* Link all that were sent on `conn` into `gathered`; the caller ends each. Linear: connections seldom
 * break. */
void calls_gather(struct calls *calls, struct conn_id conn, struct list *gathered);

/* Takes the call out and frees it. */
void calls_end(struct calls *calls, struct waiting_call *call);

struct instant calls_deadline(const struct calls *calls);
size_t calls_count(const struct calls *calls);

#endif
