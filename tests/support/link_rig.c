/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_rig.c - the two hosts. The raw peer is in raw_peer.c.
 */
#include "tests/support/link_rig.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define MEM_CAP         ((size_t)512 * 1024 * 1024)
#define WATCHDOG_MS     50
#define FRAME_TYPE_TEST 1

static void
copy(char *place, size_t room, const char *text)
{
    (void)snprintf(place, room, "%s", text);
}

static void
on_opened(void *owner, struct link_conn *conn, const struct link_peer *peer)
{
    struct rig_side *side = owner;
    ck_assert(!side->inside);
    side->opened++;
    side->conn = conn;
    side->was_dialed = peer->dialed;
    side->user = link_conn_user(conn);
    side->expiry = peer->certificate_expiry;
    copy(side->address, sizeof(side->address), peer->address);
    (void)snprintf(side->federation, sizeof(side->federation), "%.*s", SPAN_ARGS(peer->federation));
    (void)snprintf(side->bridge, sizeof(side->bridge), "%.*s", SPAN_ARGS(peer->bridge));
    if (side->open_hook != NULL) {
        side->open_hook(side, conn);
    }
}

static void
on_refused(void *owner, void *user, const char *reason, uint64_t retry_after_ns)
{
    struct rig_side *side = owner;
    ck_assert(!side->inside);
    side->refused++;
    side->retry_after_ns = retry_after_ns;
    side->user = user;
    copy(side->reason, sizeof(side->reason), reason);
}

static void
on_rejected(void *owner, const char *address, const char *reason)
{
    struct rig_side *side = owner;
    ck_assert(!side->inside);
    side->rejected++;
    copy(side->address, sizeof(side->address), address);
    copy(side->reason, sizeof(side->reason), reason);
}

static void
on_frame(void *owner, struct link_conn *conn, struct span frame)
{
    struct rig_side *side = owner;
    ck_assert(!side->inside);
    ck_assert_uint_ge(frame.size, LINK_PIECE_HEADER_SIZE);
    ck_assert_uint_eq(frame.size, LINK_PIECE_HEADER_SIZE + link_piece_announced(frame));
    if (side->frame_hook != NULL) {
        side->frame_hook(side, conn, frame);
    }
    side->frames++;
}

static void
on_congested(void *owner, struct link_conn *conn, bool congested)
{
    struct rig_side *side = owner;
    ck_assert(!side->inside);
    ck_assert_ptr_eq(conn, side->conn);
    side->congested += congested ? 1 : 0;
    side->relieved += congested ? 0 : 1;
}

static void
on_closed(void *owner, struct link_conn *conn, const char *reason)
{
    struct rig_side *side = owner;
    ck_assert(!side->inside);
    side->closed++;
    side->conn = side->conn == conn ? NULL : side->conn;
    copy(side->reason, sizeof(side->reason), reason);
}

static void
on_stopped(void *owner)
{
    struct rig_side *side = owner;
    ck_assert(!side->inside);
    side->stopped = true;
    link_host_free(side->host);
    side->host = NULL;
}

static void
side_open(struct rig_side *side, struct rig *rig, const struct link_config *config,
    struct tls_context *tls)
{
    static const struct link_config none = { 0 };
    const struct link_callbacks callbacks = {
        .owner = side,
        .on_opened = on_opened,
        .on_refused = on_refused,
        .on_rejected = on_rejected,
        .on_frame = on_frame,
        .on_congested = on_congested,
        .on_closed = on_closed,
        .on_stopped = on_stopped,
    };
    *side = (struct rig_side){ .rig = rig };
    side->host =
        link_host_create(&rig->loop, &rig->mem, tls, config == NULL ? &none : config, &callbacks);
    ck_assert_ptr_nonnull(side->host);
    tls_context_unref(tls);
}

static void
on_watchdog(uv_timer_t *timer)
{
    (void)timer;
}

void
rig_open_pki(struct rig *rig)
{
    pki_open(&rig->pki);
    pki_make_ca(&rig->pki, "ca");
    pki_issue_bridge(&rig->pki, "ca", "us-1", "us");
    pki_issue_bridge(&rig->pki, "ca", "eu-1", "eu");
}

void
rig_open(struct rig *rig, const struct link_config *config)
{
    rig_open_pki(rig);
    struct wall now = pki_now();
    rig_open_with(rig, config, pki_context(&rig->pki, "us-1", "ca", NULL, now),
        pki_context(&rig->pki, "eu-1", "ca", NULL, now));
}

void
rig_open_with(struct rig *rig, const struct link_config *config, struct tls_context *dialer,
    struct tls_context *acceptor)
{
    struct reason reason;
    (void)signal(SIGPIPE, SIG_IGN);
    mem_init(&rig->mem, MEM_CAP);
    ck_assert_int_eq(uv_loop_init(&rig->loop), 0);
    ck_assert_int_eq(uv_timer_init(&rig->loop, &rig->watchdog), 0);
    ck_assert_int_eq(uv_timer_start(&rig->watchdog, on_watchdog, WATCHDOG_MS, WATCHDOG_MS), 0);
    side_open(&rig->dialer, rig, config, dialer);
    side_open(&rig->acceptor, rig, config, acceptor);
    struct link_listener *listener = link_listen(rig->acceptor.host, "127.0.0.1", 0, &reason);
    ck_assert_msg(listener != NULL, "%s", reason.text);
    rig->port = link_listener_port(listener);
}

static bool
both_stopped(const struct rig *rig, const void *about)
{
    (void)about;
    return rig->dialer.stopped && rig->acceptor.stopped;
}

static void
stop(struct rig_side *side)
{
    if (side->host != NULL) {
        side->inside = true;
        link_host_stop(side->host);
        side->inside = false;
    }
}

void
rig_close(struct rig *rig)
{
    stop(&rig->dialer);
    stop(&rig->acceptor);
    rig_wait(rig, both_stopped, NULL, "both hosts to stop");
    uv_close((uv_handle_t *)&rig->watchdog, NULL);
    ck_assert_int_eq(uv_run(&rig->loop, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&rig->loop), 0);
    ck_assert_uint_eq(rig->mem.used, 0);
    pki_close(&rig->pki);
}

void
rig_wait(struct rig *rig, rig_condition condition, const void *about, const char *what)
{
    uint64_t deadline_ns = uv_hrtime() + RIG_DEADLINE_NS;
    while (!condition(rig, about)) {
        ck_assert_msg(uv_hrtime() < deadline_ns,
            "waited in vain for %s; the dialer's last reason: \"%s\", the acceptor's: \"%s\"", what,
            rig->dialer.reason, rig->acceptor.reason);
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
    }
}

struct goal {
    const size_t *counter;
    size_t count;
};

static bool
goal_reached(const struct rig *rig, const void *about)
{
    const struct goal *goal = about;
    (void)rig;
    return *goal->counter >= goal->count;
}

void
rig_wait_count(struct rig *rig, const size_t *counter, size_t count, const char *what)
{
    const struct goal goal = { .counter = counter, .count = count };
    rig_wait(rig, goal_reached, &goal, what);
}

struct link_conn *
rig_dial(struct rig *rig, const char *host, const char *federation)
{
    struct link_target target = {
        .host = host,
        .port = rig->port,
        .federation = federation,
        .user = rig,
    };
    rig->dialer.inside = true;
    struct link_conn *conn = link_dial(rig->dialer.host, &target);
    rig->dialer.inside = false;
    return conn;
}

void
rig_join(struct rig *rig)
{
    size_t dialer = rig->dialer.opened + 1;
    size_t acceptor = rig->acceptor.opened + 1;
    ck_assert_ptr_nonnull(rig_dial(rig, "127.0.0.1", "eu"));
    rig_wait_count(rig, &rig->dialer.opened, dialer, "the dialer to open");
    rig_wait_count(rig, &rig->acceptor.opened, acceptor, "the acceptor to open");
}

bool
rig_send(struct rig_side *side, struct span payload)
{
    return rig_send_type(side, FRAME_TYPE_TEST, payload);
}

bool
rig_send_type(struct rig_side *side, uint8_t type, struct span payload)
{
    uint8_t header[LINK_PIECE_HEADER_SIZE];
    link_piece_put_header(header, payload.size, type, 0);
    const struct span parts[] = { span_from(header, sizeof(header)), payload };
    side->inside = true;
    bool sent = link_send(side->conn, parts, COUNT_OF(parts));
    side->inside = false;
    return sent;
}
