/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c - calls that wait for an answer. */
#include "core/calls.h"

#include "core/limits.h"

#define HEX_DIGITS 16u

static bool
ticket_same(const void *item, const void *key)
{
    return ((const struct waiting_call *)item)->ticket == *(const uint64_t *)key;
}

static uint64_t
hash_ticket(const struct calls *calls, uint64_t ticket)
{
    return hash_bytes(&calls->hash_key, span_from(&ticket, sizeof(ticket)));
}

void
calls_init(struct calls *calls, struct mem *mem, struct hash_key hash_key, struct prng *prng)
{
    *calls = (struct calls){ .mem = mem, .hash_key = hash_key };
    calls->prefix = prng_next(prng);
    map_init(&calls->by_ticket, mem, ticket_same);
    heap_init(&calls->deadlines, mem);
}

void
calls_destroy(struct calls *calls)
{
    size_t cursor = 0;
    for (void *call; (call = map_next(&calls->by_ticket, &cursor)) != NULL;) {
        mem_give(calls->mem, call, sizeof(struct waiting_call));
    }
    heap_destroy(&calls->deadlines);
    map_destroy(&calls->by_ticket);
}

static bool
index_call(struct calls *calls, struct waiting_call *call, struct instant deadline)
{
    int64_t at = deadline.ns > INT64_MAX ? INT64_MAX : (int64_t)deadline.ns;
    if (!heap_set(&calls->deadlines, &call->deadline, at)) {
        return false;
    }
    if (map_insert(&calls->by_ticket, hash_ticket(calls, call->ticket), call)) {
        return true;
    }
    heap_remove(&calls->deadlines, &call->deadline);
    return false;
}

struct waiting_call *
calls_add(struct calls *calls, uint64_t ticket, struct conn_id conn, struct instant deadline)
{
    CHECK(ticket != 0);
    CHECK(calls_find_ticket(calls, ticket) == NULL);
    if (calls->by_ticket.count >= CALLS_IN_FLIGHT_MAX) {
        return NULL;
    }
    struct waiting_call *call = mem_take(calls->mem, sizeof(*call));
    if (call == NULL) {
        return NULL;
    }
    call->ticket = ticket;
    call->conn = conn;
    list_init(&call->gathered);
    if (!index_call(calls, call, deadline)) {
        mem_give(calls->mem, call, sizeof(*call));
        return NULL;
    }
    return call;
}

static void
write_hex(uint64_t value, uint8_t *out)
{
    for (size_t i = 0; i < HEX_DIGITS; i++) {
        out[i] = (uint8_t) "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    }
}

static bool
read_hex(struct span text, uint64_t *value)
{
    uint64_t read = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && (c < 'a' || c > 'f')) {
            return false;
        }
        read = read << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
    }
    *value = read;
    return true;
}

void
calls_write_id(
    const struct calls *calls, const struct waiting_call *call, uint8_t id[CALLS_ID_SIZE])
{
    write_hex(calls->prefix, id);
    id[HEX_DIGITS] = '-';
    write_hex(call->ticket, id + HEX_DIGITS + 1);
}

struct waiting_call *
calls_find(const struct calls *calls, struct span id)
{
    uint64_t prefix;
    uint64_t ticket;
    if (id.size != CALLS_ID_SIZE || id.data[HEX_DIGITS] != '-' ||
        !read_hex(span_part(id, 0, HEX_DIGITS), &prefix) || prefix != calls->prefix ||
        !read_hex(span_after(id, HEX_DIGITS + 1), &ticket)) {
        return NULL;
    }
    return calls_find_ticket(calls, ticket);
}

struct waiting_call *
calls_find_ticket(const struct calls *calls, uint64_t ticket)
{
    return map_find(&calls->by_ticket, hash_ticket(calls, ticket), &ticket);
}

struct waiting_call *
calls_due(const struct calls *calls, struct instant now)
{
    struct heap_node *first = heap_first(&calls->deadlines);
    bool due = first != NULL && (uint64_t)first->at <= now.ns;
    return due ? CONTAINER_OF(first, struct waiting_call, deadline) : NULL;
}

void
calls_gather(struct calls *calls, struct conn_id conn, struct list *gathered)
{
    size_t cursor = 0;
    for (struct waiting_call *call; (call = map_next(&calls->by_ticket, &cursor)) != NULL;) {
        if (conn_equal(call->conn, conn)) {
            list_push(gathered, &call->gathered);
        }
    }
}

void
calls_end(struct calls *calls, struct waiting_call *call)
{
    list_remove(&call->gathered);
    heap_remove(&calls->deadlines, &call->deadline);
    map_remove(&calls->by_ticket, hash_ticket(calls, call->ticket), &call->ticket);
    mem_give(calls->mem, call, sizeof(*call));
}

struct instant
calls_deadline(const struct calls *calls)
{
    const struct heap_node *first = heap_first(&calls->deadlines);
    return first == NULL ? INSTANT_NEVER : (struct instant){ .ns = (uint64_t)first->at };
}

size_t
calls_count(const struct calls *calls)
{
    return calls->by_ticket.count;
}
