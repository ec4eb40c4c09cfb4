/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_dial.c - from a name to a connected socket: look it up, try its addresses in turn.
 */
#include <stdio.h>
#include <string.h>

#include "host/link_conn.h"

static void connect_next(struct link_conn *conn);

static unsigned long long
in_ms(uint64_t duration_ns)
{
    return duration_ns / MS_NS;
}

/* Every address that failed is named in the reason, as far as there is room. */
static void
note_failure(struct link_conn *conn, const char *why)
{
    const char *separator = conn->reason.text[0] == '\0' ? "" : "; ";
    reason_add(&conn->reason, "%s%s: %s", separator, conn->address, why);
}

static void
on_connected(uv_connect_t *request, int status)
{
    struct link_socket *socket = request->data;
    struct link_conn *conn = socket->conn;
    if (conn->socket != socket) {
        return; /* closed meanwhile; its end is under way */
    }
    CHECK(conn->state == LINK_CONN_CONNECTING);
    if (status == 0) {
        conn->reason.text[0] = '\0';
        link_conn_start(conn);
        return;
    }
    note_failure(conn, uv_strerror(status));
    link_conn_close_socket(conn);
    connect_next(conn);
}

static void
connect_next(struct link_conn *conn)
{
    while (conn->next_address != NULL) {
        const struct sockaddr *address = conn->next_address->ai_addr;
        conn->next_address = conn->next_address->ai_next;
        link_address_show(address, conn->address);
        struct link_socket *socket = link_conn_open_socket(conn);
        if (socket == NULL) {
            link_conn_drop(conn, "out of memory for a connection");
            return;
        }
        socket->connect.data = socket;
        int status = uv_tcp_connect(&socket->connect, &socket->tcp, address, on_connected);
        if (status == 0) {
            link_conn_arm(conn, conn->connect_timeout_ns);
            return;
        }
        note_failure(conn, uv_strerror(status));
        link_conn_close_socket(conn);
    }
    /* A copy, because it is the connection's own text that is given. */
    struct reason reason = conn->reason;
    link_conn_drop(conn, reason.text);
}

static void
on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct link_conn *conn = request->data;
    if (conn->state == LINK_CONN_RESOLVING && status != 0) {
        struct reason reason;
        reason_set(
            &reason, "the name %s cannot be looked up: %s", conn->host_name, uv_strerror(status));
        link_conn_drop(conn, reason.text);
    }
    if (conn->state == LINK_CONN_RESOLVING) {
        conn->addresses = addresses;
        conn->next_address = addresses;
        conn->state = LINK_CONN_CONNECTING;
        connect_next(conn);
    } else {
        uv_freeaddrinfo(addresses);
    }
    link_conn_unpin(conn);
}

void
link_dial_begin(struct link_conn *conn)
{
    char service[8];
    (void)snprintf(service, sizeof(service), "%u", (unsigned)conn->port);
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV,
    };
    conn->lookup.data = conn;
    int status = uv_getaddrinfo(
        conn->host->loop, &conn->lookup, on_looked_up, conn->host_name, service, &hints);
    if (status != 0) {
        struct reason reason;
        reason_set(
            &reason, "the name %s cannot be looked up: %s", conn->host_name, uv_strerror(status));
        link_conn_drop(conn, reason.text);
        return;
    }
    conn->pins++;
    link_conn_arm(conn, conn->connect_timeout_ns);
}

void
link_dial_late(struct link_conn *conn)
{
    struct reason reason;
    if (conn->state == LINK_CONN_RESOLVING) {
        reason_set(&reason, "looking up the name %s took longer than %llu ms", conn->host_name,
            in_ms(conn->connect_timeout_ns));
        link_conn_drop(conn, reason.text);
        return;
    }
    CHECK(conn->state == LINK_CONN_CONNECTING);
    reason_set(&reason, "no answer within %llu ms", in_ms(conn->connect_timeout_ns));
    note_failure(conn, reason.text);
    link_conn_close_socket(conn);
    connect_next(conn);
}
