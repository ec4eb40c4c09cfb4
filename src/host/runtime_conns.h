/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime_conns.h - names for connections: slots with generations (core/io.h), and dials under way.
 * Private to runtime*.c.
 */
#ifndef HOST_RUNTIME_CONNS_H
#define HOST_RUNTIME_CONNS_H

#include <stdint.h>

#include "base/list.h"
#include "base/mem.h"
#include "core/io.h"

struct link_conn;
struct ws_conn;

/* One open connection; its transport's user pointer points here. */
struct runtime_conn {
    struct conn_id id;
    enum port_kind port;
    struct ws_conn *ws;     /* PORT_CLUSTER */
    struct link_conn *link; /* PORT_LINK */
};

struct runtime_slot {
    struct runtime_conn *conn; /* NULL: free */
    uint32_t generation;
    uint32_t next_free;
};

struct runtime_conns {
    struct mem *mem;
    struct runtime_slot *slots;
    uint32_t room;
    uint32_t first_free; /* room: none */
};

void runtime_conns_init(struct runtime_conns *conns, struct mem *mem);
void runtime_conns_destroy(struct runtime_conns *conns);

/* NULL: no memory. */
MUST_CHECK struct runtime_conn *runtime_conns_add(struct runtime_conns *conns, enum port_kind port);
void runtime_conns_remove(struct runtime_conns *conns, struct runtime_conn *conn);

/* NULL: it is gone. */
struct runtime_conn *runtime_conns_find(const struct runtime_conns *conns, struct conn_id id);

#endif
