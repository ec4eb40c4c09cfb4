/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_rig.h - two link hosts on one loop, and a raw peer that may break every rule. For tests of
 * host/link.h. The rig notes what the callbacks say; a test waits for a condition with a deadline.
 */
#ifndef TESTS_SUPPORT_LINK_RIG_H
#define TESTS_SUPPORT_LINK_RIG_H

#include <openssl/ssl.h>
#include <uv.h>

#include "base/buf.h"
#include "host/link.h"
#include "tests/support/pki.h"

#define RIG_DEADLINE_NS (30 * SEC_NS)

struct rig;

/* One host and what has happened to it. */
struct rig_side {
    struct rig *rig;
    struct link_host *host;
    struct link_conn *conn; /* the last that was opened, until it is closed */
    size_t opened;
    size_t refused;
    size_t rejected;
    size_t closed;
    size_t frames;
    size_t congested;
    size_t relieved;
    bool stopped;
    bool inside; /* the test is inside a call of link.h: no callback may come */
    bool was_dialed;
    char federation[64];
    char bridge[64];
    char reason[REASON_SIZE]; /* of the last refusal, rejection or end */
    char address[64];         /* of the last rejection or opening */
    void *user;               /* of the last opening or refusal */
    uint64_t retry_after_ns;  /* of the last refusal */
    struct wall expiry;       /* of the peer's certificate */
    void (*frame_hook)(struct rig_side *side, struct link_conn *conn, struct span frame);
    void (*open_hook)(struct rig_side *side, struct link_conn *conn);
};

struct rig {
    uv_loop_t loop;
    uv_timer_t watchdog; /* wakes the loop, so that rig_wait() sees its deadline */
    struct mem mem;
    struct pki pki;
    struct rig_side dialer;
    struct rig_side acceptor;
    uint16_t port;
};

/*
 * An authority "ca", a certificate us-1 of federation us for the dialer and eu-1 of eu for the
 * acceptor, which listens on 127.0.0.1. `config` may be NULL.
 */
void rig_open(struct rig *rig, const struct link_config *config);

/* As rig_open(), with contexts of the test's own, which are unref'd. The PKI is open already. */
void rig_open_with(struct rig *rig, const struct link_config *config, struct tls_context *dialer,
    struct tls_context *acceptor);

/* The authority and the two certificates. */
void rig_open_pki(struct rig *rig);

/* Stop both, run the loop dry, and demand that nothing is left of them. */
void rig_close(struct rig *rig);

typedef bool (*rig_condition)(const struct rig *rig, const void *about);

/* Run the loop until the condition holds; the test fails with `what` after RIG_DEADLINE_NS. */
void rig_wait(struct rig *rig, rig_condition condition, const void *about, const char *what);

/* Wait until *counter is at least `count`. */
void rig_wait_count(struct rig *rig, const size_t *counter, size_t count, const char *what);

struct link_conn *rig_dial(struct rig *rig, const char *host, const char *federation);

/* Dial and wait until both sides are open. */
void rig_join(struct rig *rig);

/* One frame with `payload`: of type 1, or of the given one. */
bool rig_send(struct rig_side *side, struct span payload);
bool rig_send_type(struct rig_side *side, uint8_t type, struct span payload);

/* --- the raw peer --- */

struct raw_peer {
    struct rig *rig;
    uv_tcp_t tcp;
    uv_connect_t connect;
    SSL_CTX *context; /* NULL: no TLS */
    SSL *ssl;
    BIO *from_net;
    BIO *to_net;
    struct buf to_say; /* waits for the handshake */
    struct buf heard;  /* plaintext */
    size_t shaken;     /* 1: the handshake is over, on this side */
    size_t ended;      /* 1: the other side has closed, or TLS has failed */
    char failure[128]; /* what OpenSSL said */
    bool open;         /* the handle is */
};

struct raw_listener {
    uv_tcp_t tcp;
    struct raw_peer *peer; /* who takes the one that comes */
    uint16_t port;
};

/* A TLS context without any of our rules. name NULL: no certificate; alpn NULL: ALPN is not heard of. */
SSL_CTX *raw_context(const struct pki *pki, const char *name, const char *ca, const char *alpn);

/* Takes `context`, which may be NULL. */
void raw_dial(struct raw_peer *peer, struct rig *rig, SSL_CTX *context, uint16_t port);
void raw_listen(
    struct raw_listener *listener, struct raw_peer *peer, struct rig *rig, SSL_CTX *context);

/* Say something as soon as the handshake is over; at once without TLS. */
void raw_say(struct raw_peer *peer, struct span bytes);
void raw_say_frame(
    struct raw_peer *peer, uint8_t type, uint8_t flags, size_t announced, struct span payload);
void raw_pause(struct raw_peer *peer);
void raw_resume(struct raw_peer *peer);

/* Close the socket without a goodbye. Before rig_close(), always. */
void raw_hang_up(struct raw_peer *peer);
void raw_listener_close(struct raw_listener *listener);

#endif
