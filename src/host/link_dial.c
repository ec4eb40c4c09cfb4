/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_dial.c - from a name to a connected socket: look it up, and race its addresses.
 *
 * As RFC 8305 has it: the kinds of addresses take turns, the one that the system prefers first; the next
 * attempt begins when one has failed, or ATTEMPT_DELAY_NS after the last began, and those that have begun go on. The
 * first that is connected wins, and the others are closed. So an address that leads nowhere, as IPv6 does in
 * many a network, costs a quarter of a second and not a timeout. The name is looked up for each dial anew.
 */
#include <stdio.h>
#include <string.h>

#include "host/link_conn.h"

/* "Connection Attempt Delay", RFC 8305 section 5. */
#define ATTEMPT_DELAY_NS (250 * MS_NS)

static void proceed(struct link_conn *conn);

static unsigned long long
in_ms(uint64_t duration_ns)
{
    return duration_ns / MS_NS;
}

static struct instant
clock_now(void)
{
    return (struct instant){ .ns = uv_hrtime() };
}

/* ---- The order ---- */

/* The first from `at` on that is (or is not) of the family; NULL: there is none. */
static const struct addrinfo *
find_family(const struct addrinfo *at, int family, bool is)
{
    while (at != NULL && (at->ai_family == family) != is) {
        at = at->ai_next;
    }
    return at;
}

size_t
link_dial_order(const struct addrinfo *found, const struct addrinfo *order[LINK_DIAL_ADDRESSES_MAX])
{
    size_t count = 0;
    if (found == NULL) {
        return 0;
    }
    int family = found->ai_family;
    const struct addrinfo *same = found;
    const struct addrinfo *other = find_family(found, family, false);
    while ((same != NULL || other != NULL) && count < LINK_DIAL_ADDRESSES_MAX) {
        bool take_same = other == NULL || (same != NULL && count % 2 == 0);
        const struct addrinfo **next = take_same ? &same : &other;
        order[count++] = *next;
        *next = find_family((*next)->ai_next, family, take_same);
    }
    return count;
}

/* ---- The race ---- */

/* Every address that failed is named in the reason, as far as there is room. */
static void
note_failure(struct link_socket *socket, const char *why)
{
    struct link_conn *conn = socket->conn;
    const char *separator = conn->reason.text[0] == '\0' ? "" : "; ";
    reason_add(&conn->reason, "%s%s: %s", separator, socket->address, why);
    link_socket_close(socket);
}

static void
win(struct link_conn *conn, struct link_socket *socket)
{
    list_remove(&socket->racing);
    link_dial_stop(conn);
    conn->socket = socket;
    memcpy(conn->address, socket->address, sizeof(conn->address));
    conn->reason.text[0] = '\0';
    link_conn_start(conn);
}

static void
on_connected(uv_connect_t *request, int status)
{
    struct link_socket *socket = request->data;
    struct link_conn *conn = socket->conn;
    if (uv_is_closing((uv_handle_t *)&socket->tcp) != 0) {
        return; /* another has won, or the dial has ended */
    }
    CHECK(conn->state == LINK_CONN_CONNECTING);
    if (status == 0) {
        win(conn, socket);
        return;
    }
    note_failure(socket, uv_strerror(status));
    conn->next_at = clock_now();
    proceed(conn);
}

/* The next address, which there is. false: no memory. */
static bool
begin_attempt(struct link_conn *conn, struct instant now)
{
    const struct sockaddr *address = conn->order[conn->order_next]->ai_addr;
    struct link_socket *socket = link_socket_open(conn);
    if (socket == NULL) {
        return false;
    }
    conn->order_next++;
    link_address_show(address, socket->address);
    list_push(&conn->racing, &socket->racing);
    socket->give_up_at = instant_after(now, conn->connect_timeout_ns);
    socket->connect.data = socket;
    int status = uv_tcp_connect(&socket->connect, &socket->tcp, address, on_connected);
    conn->next_at = instant_after(now, status == 0 ? ATTEMPT_DELAY_NS : 0);
    if (status != 0) {
        note_failure(socket, uv_strerror(status));
    }
    return true;
}

static void
give_up_late(struct link_conn *conn, struct instant now)
{
    struct reason reason;
    LIST_EACH (link, &conn->racing) {
        struct link_socket *socket = CONTAINER_OF(link, struct link_socket, racing);
        if (instant_reached(socket->give_up_at, now)) {
            reason_set(&reason, "no answer within %llu ms", in_ms(conn->connect_timeout_ns));
            note_failure(socket, reason.text);
        }
    }
}

static void
arm(struct link_conn *conn, struct instant now)
{
    struct instant at = conn->order_next < conn->order_count ? conn->next_at : INSTANT_NEVER;
    LIST_EACH (link, &conn->racing) {
        at = instant_earlier(at, CONTAINER_OF(link, struct link_socket, racing)->give_up_at);
    }
    link_conn_arm(conn, instant_between(now, at));
}

/* Give up who is late, begin what is due, and end when there is nothing left to hope for. */
static void
proceed(struct link_conn *conn)
{
    struct instant now = clock_now();
    give_up_late(conn, now);
    while (conn->order_next < conn->order_count &&
           (list_empty(&conn->racing) || instant_reached(conn->next_at, now))) {
        if (!begin_attempt(conn, now)) {
            link_conn_drop(conn, "out of memory for a connection");
            return;
        }
    }
    if (list_empty(&conn->racing)) {
        /* A copy, because it is the connection's own text that is given. */
        struct reason reason = conn->reason;
        link_conn_drop(conn, reason.text);
        return;
    }
    arm(conn, now);
}

void
link_dial_stop(struct link_conn *conn)
{
    LIST_EACH (link, &conn->racing) {
        link_socket_close(CONTAINER_OF(link, struct link_socket, racing));
    }
}

/* ---- The name ---- */

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
        conn->order_count = link_dial_order(addresses, conn->order);
        conn->state = LINK_CONN_CONNECTING;
        proceed(conn);
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
    proceed(conn);
}
