/* SPDX-License-Identifier: Apache-2.0 */
/* runtime_conns.c - names for connections. */
#include "host/runtime_conns.h"

void
runtime_conns_init(struct runtime_conns *conns, struct mem *mem)
{
    *conns = (struct runtime_conns){ .mem = mem };
}

void
runtime_conns_destroy(struct runtime_conns *conns)
{
    for (uint32_t i = 0; i < conns->room; i++) {
        if (conns->slots[i].conn != NULL) {
            mem_give(conns->mem, conns->slots[i].conn, sizeof(struct runtime_conn));
        }
    }
    mem_give(conns->mem, conns->slots, conns->room * sizeof(*conns->slots));
    *conns = (struct runtime_conns){ .mem = conns->mem };
}

static bool
grow(struct runtime_conns *conns)
{
    uint32_t room = conns->room == 0 ? 16 : conns->room * 2;
    struct runtime_slot *slots =
        mem_resize(conns->mem, conns->slots, conns->room * sizeof(*slots), room * sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    for (uint32_t i = conns->room; i < room; i++) {
        /* Generation 0 is never used: id 0 means no connection. */
        slots[i] = (struct runtime_slot){ .generation = 1, .next_free = i + 1 };
    }
    conns->first_free = conns->room;
    conns->slots = slots;
    conns->room = room;
    return true;
}

struct runtime_conn *
runtime_conns_add(struct runtime_conns *conns, enum port_kind port)
{
    if (conns->first_free == conns->room && !grow(conns)) {
        return NULL;
    }
    struct runtime_conn *conn = mem_take(conns->mem, sizeof(*conn));
    if (conn == NULL) {
        return NULL;
    }
    uint32_t at = conns->first_free;
    struct runtime_slot *slot = &conns->slots[at];
    conns->first_free = slot->next_free;
    slot->conn = conn;
    conn->id = (struct conn_id){ .v = (uint64_t)slot->generation << 32 | at };
    conn->port = port;
    return conn;
}

void
runtime_conns_remove(struct runtime_conns *conns, struct runtime_conn *conn)
{
    uint32_t at = conn_slot(conn->id);
    struct runtime_slot *slot = &conns->slots[at];
    CHECK(slot->conn == conn);
    slot->conn = NULL;
    slot->generation = slot->generation == UINT32_MAX ? 1 : slot->generation + 1;
    slot->next_free = conns->first_free;
    conns->first_free = at;
    mem_give(conns->mem, conn, sizeof(*conn));
}

struct runtime_conn *
runtime_conns_find(const struct runtime_conns *conns, struct conn_id id)
{
    uint32_t at = conn_slot(id);
    if (at >= conns->room || conns->slots[at].conn == NULL ||
        !conn_equal(conns->slots[at].conn->id, id)) {
        return NULL;
    }
    return conns->slots[at].conn;
}
