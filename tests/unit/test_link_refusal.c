/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_link_refusal.c - who is not let in, who breaks the rules of a link, and what both sides say
 * about it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/check_failed.h"
#include "tests/support/link_rig.h"

static struct rig rig;

static void
expect_text(const char *name, const char *got, const char *want)
{
    ck_assert_msg(strstr(got, want) != NULL, "%s: got \"%s\", want \"%s\"", name, got, want);
}

/* --- two hosts, one of which has the wrong papers --- */

static const struct paper_case {
    const char *name;
    const char *dialer; /* the certificate */
    const char *dialer_trusts;
    const char *acceptor;
    const char *acceptor_trusts;
    const char *expected; /* federation; NULL: any */
    const char *refused;  /* what the dialer says */
    const char *rejected; /* what the acceptor says */
} paper_cases[] = {
    { "rogue dialer", "rogue", "ca", "eu-1", "ca", "eu",
        "the peer refused with TLS alert 48: it does not trust the authority of our certificate",
        "certificate verify failed: unable to get local issuer certificate" },
    { "rogue acceptor", "us-1", "ca", "rogue", "ca", "eu",
        "certificate verify failed: unable to get local issuer certificate",
        "the peer refused with TLS alert 48: it does not trust the authority of our certificate" },
    { "expired dialer", "old", "ca", "eu-1", "ca", "eu",
        "the peer refused with TLS alert 45: our certificate has expired, or its clock is wrong",
        "certificate verify failed: certificate has expired" },
    { "expired acceptor", "us-1", "ca", "old", "ca", "eu",
        "certificate verify failed: certificate has expired",
        "the peer refused with TLS alert 45: our certificate has expired, or its clock is wrong" },
    { "dialer without URI", "nameless", "ca", "eu-1", "ca", "eu",
        "the peer refused: certificate names no federation: URI (none) does not match",
        "certificate names no federation: URI (none) does not match " TLS_IDENTITY_DEFAULT },
    { "acceptor with another URI", "us-1", "ca", "stranger", "ca", NULL,
        "certificate names no federation: URI https://example/node does not match",
        "the peer refused: certificate names no federation: URI https://example/node" },
    { "acceptor of another federation", "us-1", "ca", "eu-1", "ca", "ap",
        "certificate names federation eu, expected ap",
        "the peer refused: certificate names federation eu, expected ap" },
};

START_TEST(wrong_papers_are_refused_and_both_sides_know_why)
{
    const struct paper_case *c = &paper_cases[_i];
    rig_open_pki(&rig);
    pki_make_ca(&rig.pki, "rogue-ca");
    pki_issue_bridge(&rig.pki, "rogue-ca", "rogue", "eu");
    pki_issue_expired(&rig.pki, "ca", "old", "eu");
    pki_issue(&rig.pki, "ca", "nameless", NULL);
    pki_issue(&rig.pki, "ca", "stranger", "https://example/node");
    struct wall now = pki_now();
    struct wall dialer_now = strcmp(c->dialer, "old") == 0 ? PKI_LONG_AGO : now;
    struct wall acceptor_now = strcmp(c->acceptor, "old") == 0 ? PKI_LONG_AGO : now;
    rig_open_with(&rig, NULL, pki_context(&rig.pki, c->dialer, c->dialer_trusts, NULL, dialer_now),
        pki_context(&rig.pki, c->acceptor, c->acceptor_trusts, NULL, acceptor_now));
    ck_assert_ptr_nonnull(rig_dial(&rig, "127.0.0.1", c->expected));
    rig_wait_count(&rig, &rig.dialer.refused, 1, "the refusal");
    rig_wait_count(&rig, &rig.acceptor.rejected, 1, "the rejection");
    expect_text(c->name, rig.dialer.reason, c->refused);
    expect_text(c->name, rig.acceptor.reason, c->rejected);
    ck_assert_ptr_eq(rig.dialer.user, &rig);
    /* Who was refused for its identity by the other side is told when to come back. */
    bool told = strncmp(c->refused, "the peer refused: ", 18) == 0;
    ck_assert_uint_eq(rig.dialer.retry_after_ns, told ? LINK_REFUSAL_PAUSE_NS : 0);
    rig_close(&rig);
    ck_assert_uint_eq(rig.dialer.opened + rig.dialer.closed, 0);
    ck_assert_uint_eq(rig.acceptor.opened + rig.acceptor.closed, 0);
    ck_assert_uint_eq(rig.dialer.refused, 1);
    ck_assert_uint_eq(rig.acceptor.rejected, 1);
}
END_TEST

/* --- dialers that speak another TLS, or none --- */

static const struct stranger_case {
    const char *name;
    const char *cert; /* NULL: none */
    const char *alpn; /* NULL: none */
    int version;
    const char *rejected;
    const char *failure; /* what the stranger sees */
} stranger_cases[] = {
    { "other protocol", "us-1", "h2", TLS1_3_VERSION, "the peer does not speak mpreg-link/1 (ALPN)",
        "no application protocol" },
    { "no protocol", "us-1", NULL, TLS1_3_VERSION, "the peer does not speak mpreg-link/1 (ALPN)",
        "no application protocol" },
    { "no certificate", NULL, TLS_ALPN, TLS1_3_VERSION, "the peer sent no certificate",
        "certificate required" },
    { "TLS 1.2", "us-1", TLS_ALPN, TLS1_2_VERSION, "TLS failed: unsupported protocol",
        "protocol version" },
};

START_TEST(strangers_are_rejected_with_an_alert)
{
    const struct stranger_case *c = &stranger_cases[_i];
    struct raw_peer peer;
    rig_open(&rig, NULL);
    SSL_CTX *context = raw_context(&rig.pki, c->cert, "ca", c->alpn);
    ck_assert_int_eq(SSL_CTX_set_max_proto_version(context, c->version), 1);
    raw_dial(&peer, &rig, context, rig.port);
    rig_wait_count(&rig, &peer.ended, 1, "the alert");
    expect_text(c->name, peer.failure, c->failure);
    raw_hang_up(&peer);
    rig_wait_count(&rig, &rig.acceptor.rejected, 1, "the rejection");
    expect_text(c->name, rig.acceptor.reason, c->rejected);
    rig_close(&rig);
}
END_TEST

static const struct noise_case {
    const char *name;
    struct span noise;
    const char *rejected;
} noise_cases[] = {
    { "garbage", { (const uint8_t *)"hello, is anybody there?", 24 },
        "the peer does not speak TLS" },
    { "HTTP", { (const uint8_t *)"GET / HTTP/1.1\r\n\r\n", 18 },
        "the peer does not speak TLS: http request" },
    { "zeros", { (const uint8_t *)"\0\0\0\0\0\0\0\0\0\0\0\0", 12 }, "the peer does not speak TLS" },
};

START_TEST(noise_is_rejected)
{
    const struct noise_case *c = &noise_cases[_i];
    struct raw_peer peer;
    rig_open(&rig, NULL);
    raw_dial(&peer, &rig, NULL, rig.port);
    raw_say(&peer, c->noise);
    rig_wait_count(&rig, &peer.ended, 1, "the end");
    raw_hang_up(&peer);
    rig_wait_count(&rig, &rig.acceptor.rejected, 1, "the rejection");
    expect_text(c->name, rig.acceptor.reason, c->rejected);
    ck_assert_int_eq(strncmp(rig.acceptor.address, "127.0.0.1:", 10), 0);
    rig_close(&rig);
}
END_TEST

START_TEST(hang_up_during_the_handshake_is_told)
{
    struct raw_peer peer;
    rig_open(&rig, NULL);
    raw_dial(&peer, &rig, NULL, rig.port);
    raw_say(&peer, SPAN("\x16\x03\x01"));
    (void)uv_run(&rig.loop, UV_RUN_ONCE);
    raw_hang_up(&peer);
    rig_wait_count(&rig, &rig.acceptor.rejected, 1, "the rejection");
    ck_assert_str_eq(rig.acceptor.reason, "the peer closed the connection during the handshake");
    rig_close(&rig);
}
END_TEST

/* --- acceptors that are no bridges --- */

/* They do not close when we do. */
static const struct link_config impatient = { .close_timeout_ns = 50 * MS_NS };

/* Dial a raw acceptor and wait for the refusal. */
static void
dial_raw(struct raw_peer *peer, SSL_CTX *context, struct span first_words)
{
    struct raw_listener listener;
    raw_listen(&listener, peer, &rig, context);
    raw_say(peer, first_words);
    rig.port = listener.port;
    ck_assert_ptr_nonnull(rig_dial(&rig, "127.0.0.1", "eu"));
    rig_wait_count(&rig, &rig.dialer.refused, 1, "the refusal");
    raw_listener_close(&listener);
    raw_hang_up(peer);
}

static const struct acceptor_case {
    const char *name;
    const char *alpn; /* NULL: none */
    int version;
    const char *refused;
} acceptor_cases[] = {
    { "no protocol", NULL, TLS1_3_VERSION, "the peer does not speak mpreg-link/1 (ALPN)" },
    { "other protocol", "h2", TLS1_3_VERSION,
        "the peer refused with TLS alert 120: it does not speak mpreg-link/1 (ALPN)" },
    { "TLS 1.2", TLS_ALPN, TLS1_2_VERSION,
        "the peer refused with TLS alert 70: it does not speak TLS 1.3" },
};

START_TEST(acceptors_of_another_kind_are_refused)
{
    const struct acceptor_case *c = &acceptor_cases[_i];
    struct raw_peer peer;
    rig_open(&rig, &impatient);
    SSL_CTX *context = raw_context(&rig.pki, "eu-1", "ca", c->alpn);
    ck_assert_int_eq(SSL_CTX_set_max_proto_version(context, c->version), 1);
    dial_raw(&peer, context, SPAN_NONE);
    ck_assert_msg(strcmp(rig.dialer.reason, c->refused) == 0, "%s: got \"%s\", want \"%s\"",
        c->name, rig.dialer.reason, c->refused);
    rig_close(&rig);
}
END_TEST

START_TEST(acceptor_that_talks_plain_is_refused)
{
    struct raw_peer peer;
    rig_open(&rig, &impatient);
    dial_raw(&peer, NULL, SPAN("220 mail.example ESMTP\r\n"));
    ck_assert_ptr_nonnull(strstr(rig.dialer.reason, "the peer does not speak TLS"));
    rig_close(&rig);
}
END_TEST

/* The transport's own frames, as bytes. */
#define READY   "\0\0\0\0\0\0\0\0"
#define REFUSED "\0\0\0\5\0\1\0\0no\x1b[m"

START_TEST(dialer_believes_a_refusal_and_escapes_it)
{
    struct raw_peer peer;
    rig_open(&rig, &impatient);
    dial_raw(&peer, raw_context(&rig.pki, "eu-1", "ca", TLS_ALPN), SPAN(REFUSED));
    ck_assert_str_eq(rig.dialer.reason, "the peer refused: no?[m");
    ck_assert_uint_eq(rig.dialer.opened, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(dialer_waits_for_ready)
{
    const struct link_config config = { .handshake_timeout_ns = 300 * MS_NS };
    struct raw_peer peer;
    rig_open(&rig, &config);
    /* The raw acceptor finishes TLS but never says READY. */
    dial_raw(&peer, raw_context(&rig.pki, "eu-1", "ca", TLS_ALPN), SPAN_NONE);
    ck_assert_str_eq(rig.dialer.reason, "the handshake was not over within 300 ms");
    ck_assert_uint_eq(rig.dialer.opened, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(silent_acceptor_is_given_up)
{
    const struct link_config config = { .handshake_timeout_ns = 100 * MS_NS };
    struct raw_peer peer;
    rig_open(&rig, &config);
    dial_raw(&peer, NULL, SPAN_NONE);
    ck_assert_str_eq(rig.dialer.reason, "the handshake was not over within 100 ms");
    rig_close(&rig);
}
END_TEST

/* --- peers with good papers and bad manners --- */

static const struct manners_case {
    const char *name;
    struct span words;
    bool opens; /* the link, before it ends */
    const char *reason;
} manners_cases[] = {
    { "a frame before READY", { (const uint8_t *)"\0\0\0\0\1\0\0\0", 8 }, false,
        "the peer sent something else before READY" },
    { "unknown flags", { (const uint8_t *)"\0\0\0\0\0\2\0\0", 8 }, false,
        "the peer sent something else before READY" },
    { "READY with a payload", { (const uint8_t *)"\0\0\0\1\0\0\0\0x", 9 }, false,
        "the peer sent READY with a payload" },
    { "a long refusal", { (const uint8_t *)"\0\0\1\1\0\1\0\0", 8 }, false,
        "the peer announced a frame of 257 bytes, at most 256 are allowed" },
    { "READY twice", { (const uint8_t *)READY READY, 16 }, true,
        "the peer sent a frame of type 0 after READY" },
    { "reserved bytes", { (const uint8_t *)READY "\0\0\0\0\1\0\0\1", 16 }, true,
        "the peer sent a frame whose reserved bytes are not zero" },
    { "one byte too long", { (const uint8_t *)READY "\1\0\0\1\1\0\0\0", 16 }, true,
        "the peer announced a frame of 16777217 bytes, at most 16777216 are allowed" },
    { "the longest there is", { (const uint8_t *)READY "\xff\xff\xff\xff\1\0\0\0", 16 }, true,
        "the peer announced a frame of 4294967295 bytes, at most 16777216 are allowed" },
};

START_TEST(bad_manners_end_the_connection)
{
    const struct manners_case *c = &manners_cases[_i];
    struct raw_peer peer;
    rig_open(&rig, NULL);
    raw_dial(&peer, &rig, raw_context(&rig.pki, "us-1", "ca", TLS_ALPN), rig.port);
    raw_say(&peer, c->words);
    rig_wait_count(&rig, &peer.ended, 1, "the end");
    expect_text(c->name, peer.failure, "goodbye");
    raw_hang_up(&peer);
    size_t *counter = c->opens ? &rig.acceptor.closed : &rig.acceptor.rejected;
    rig_wait_count(&rig, counter, 1, "the end");
    ck_assert_uint_eq(rig.acceptor.opened, c->opens ? 1 : 0);
    ck_assert_uint_eq(rig.acceptor.frames, 0);
    ck_assert_msg(strcmp(rig.acceptor.reason, c->reason) == 0, "%s: got \"%s\", want \"%s\"",
        c->name, rig.acceptor.reason, c->reason);
    /* The body was not waited for. */
    ck_assert_uint_lt(rig.mem.peak, (size_t)4 * 1024 * 1024);
    rig_close(&rig);
}
END_TEST

START_TEST(large_frame_that_never_comes_takes_no_memory)
{
    struct raw_peer peer;
    rig_open(&rig, NULL);
    raw_dial(&peer, &rig, raw_context(&rig.pki, "us-1", "ca", TLS_ALPN), rig.port);
    raw_say(&peer, SPAN(READY));
    raw_say_frame(&peer, 1, 0, 16777216, SPAN("and no more"));
    rig_wait_count(&rig, &rig.acceptor.opened, 1, "the acceptor to open");
    /* With something unread, hanging up would be a reset instead. */
    rig_wait_count(&rig, &peer.heard.size, LINK_PIECE_HEADER_SIZE, "the acceptor's READY");
    raw_hang_up(&peer);
    rig_wait_count(&rig, &rig.acceptor.closed, 1, "the end");
    ck_assert_uint_lt(rig.mem.peak, (size_t)4 * 1024 * 1024);
    ck_assert_str_eq(rig.acceptor.reason, "the peer went away without a goodbye (close_notify)");
    ck_assert_uint_eq(rig.acceptor.frames, 0);
    rig_close(&rig);
}
END_TEST

static void
count_only(struct rig_side *side, struct link_conn *conn, struct span frame)
{
    (void)conn;
    ck_assert_uint_eq(frame.size, LINK_PIECE_HEADER_SIZE + side->frames % 3);
}

START_TEST(frames_cut_anywhere_are_whole_again)
{
    struct raw_peer peer;
    rig_open(&rig, NULL);
    rig.acceptor.frame_hook = count_only;
    raw_dial(&peer, &rig, raw_context(&rig.pki, "us-1", "ca", TLS_ALPN), rig.port);
    raw_say(&peer, SPAN(READY));
    rig_wait_count(&rig, &rig.acceptor.opened, 1, "the acceptor to open");
    static const char stream[] = "\0\0\0\0\1\0\0\0"
                                 "\0\0\0\1\1\0\0\0a"
                                 "\0\0\0\2\1\0\0\0bc";
    for (size_t i = 0; i < sizeof(stream) - 1; i++) {
        raw_say(&peer, span_from(&stream[i], 1)); /* a record for each byte */
    }
    rig_wait_count(&rig, &rig.acceptor.frames, 3, "the frames");
    raw_hang_up(&peer);
    rig_wait_count(&rig, &rig.acceptor.closed, 1, "the end");
    rig_close(&rig);
}
END_TEST

START_TEST(half_open_handshakes_are_given_up)
{
    const struct link_config config = { .handshake_timeout_ns = 100 * MS_NS };
    struct raw_peer peers[3];
    rig_open(&rig, &config);
    raw_dial(&peers[0], &rig, NULL, rig.port);
    raw_dial(&peers[1], &rig, NULL, rig.port);
    raw_say(&peers[1], SPAN("\x16\x03\x01\x02\x00"));
    raw_dial(&peers[2], &rig, raw_context(&rig.pki, "us-1", "ca", TLS_ALPN), rig.port);
    rig_wait_count(&rig, &rig.acceptor.rejected, 3, "the rejections");
    ck_assert_str_eq(rig.acceptor.reason, "the handshake was not over within 100 ms");
    for (size_t i = 0; i < COUNT_OF(peers); i++) {
        raw_hang_up(&peers[i]);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(handshakes_under_way_are_bounded)
{
    const struct link_config config = { .handshakes_max = 2 };
    const uint64_t *counts;
    struct raw_peer peers[2];
    rig_open(&rig, &config);
    raw_dial(&peers[0], &rig, NULL, rig.port);
    raw_dial(&peers[1], &rig, NULL, rig.port);
    ck_assert_ptr_nonnull(rig_dial(&rig, "127.0.0.1", "eu"));
    rig_wait_count(&rig, &rig.acceptor.rejected, 1, "the rejection");
    expect_text("bounded", rig.acceptor.reason, "too many handshakes are under way");
    rig_wait_count(&rig, &rig.dialer.refused, 1, "the refusal");
    raw_hang_up(&peers[0]);
    rig_wait_count(&rig, &rig.acceptor.rejected, 2, "the end of one that waited");
    rig_join(&rig);
    rig_join(&rig); /* what is open does not count */
    counts = link_host_handshakes(rig.acceptor.host);
    ck_assert_uint_eq(counts[LINK_HANDSHAKE_OPENED], 2);
    ck_assert_uint_eq(counts[LINK_HANDSHAKE_FAILED], 1);
    ck_assert_uint_eq(counts[LINK_HANDSHAKE_LIMITED], 0);
    ck_assert_uint_eq(counts[LINK_HANDSHAKE_BUSY], 1);
    raw_hang_up(&peers[1]);
    rig_close(&rig);
}
END_TEST

/* One token comes in an hour: the burst is let in, the others are reset at the door. */
START_TEST(handshakes_beyond_the_rate_are_turned_away_at_the_door)
{
    const struct link_config config = {
        .handshake_rate = { .count = 1, .period_ns = 3600 * SEC_NS },
        .handshake_burst = 2,
    };
    rig_open(&rig, &config);
    rig_join(&rig);
    rig_join(&rig);
    struct link_conn *held = rig.acceptor.conn;
    for (size_t i = 0; i < 30; i++) {
        ck_assert_ptr_nonnull(rig_dial(&rig, "127.0.0.1", "eu"));
    }
    rig_wait_count(&rig, &rig.dialer.refused, 30, "the refusals");
    rig_wait_count(&rig, &rig.acceptor.rejected, 30, "the rejections");
    expect_text("limited", rig.acceptor.reason, "more handshakes come than link_handshakes allows");
    ck_assert_int_eq(strncmp(rig.acceptor.address, "127.0.0.1:", 10), 0);
    ck_assert_uint_eq(rig.dialer.retry_after_ns, 0);
    const uint64_t *counts = link_host_handshakes(rig.acceptor.host);
    ck_assert_uint_eq(counts[LINK_HANDSHAKE_OPENED], 2);
    ck_assert_uint_eq(counts[LINK_HANDSHAKE_FAILED], 0);
    ck_assert_uint_eq(counts[LINK_HANDSHAKE_LIMITED], 30);
    ck_assert_ptr_eq(rig.acceptor.conn, held); /* who is in, stays in */
    ck_assert_uint_eq(rig.acceptor.closed, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(each_listener_has_its_own_rate)
{
    struct reason reason;
    const struct link_config config = {
        .handshake_rate = { .count = 1, .period_ns = 3600 * SEC_NS },
        .handshake_burst = 1,
    };
    rig_open(&rig, &config);
    struct link_listener *other = link_listen(rig.acceptor.host, "127.0.0.1", 0, &reason);
    ck_assert_ptr_nonnull(other);
    rig_join(&rig);
    rig.port = link_listener_port(other);
    rig_join(&rig);
    rig_close(&rig);
}
END_TEST

START_TEST(handshakes_have_names)
{
    ck_assert_str_eq(link_handshake_name(LINK_HANDSHAKE_OPENED), "opened");
    ck_assert_str_eq(link_handshake_name(LINK_HANDSHAKE_FAILED), "failed");
    ck_assert_str_eq(link_handshake_name(LINK_HANDSHAKE_LIMITED), "limited");
    ck_assert_str_eq(link_handshake_name(LINK_HANDSHAKE_BUSY), "busy");
}
END_TEST

/* --- dials that reach nobody --- */

START_TEST(closed_port_refuses)
{
    struct raw_listener listener;
    struct raw_peer peer;
    rig_open(&rig, NULL);
    raw_listen(&listener, &peer, &rig, NULL);
    raw_listener_close(&listener);
    raw_hang_up(&peer);
    rig.port = listener.port;
    ck_assert_ptr_nonnull(rig_dial(&rig, "127.0.0.1", "eu"));
    rig_wait_count(&rig, &rig.dialer.refused, 1, "the refusal");
    char want[64];
    (void)snprintf(want, sizeof(want), "127.0.0.1:%u: connection refused", (unsigned)rig.port);
    ck_assert_str_eq(rig.dialer.reason, want);
    rig_close(&rig);
}
END_TEST

START_TEST(unknown_name_refuses)
{
    rig_open(&rig, NULL);
    ck_assert_ptr_nonnull(rig_dial(&rig, "..", "eu"));
    rig_wait_count(&rig, &rig.dialer.refused, 1, "the refusal");
    ck_assert_int_eq(strncmp(rig.dialer.reason, "the name .. cannot be looked up: ", 33), 0);
    rig_close(&rig);
}
END_TEST

START_TEST(names_that_are_too_long_refuse)
{
    char name[1024];
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    rig_open(&rig, NULL);
    ck_assert_ptr_nonnull(rig_dial(&rig, name, "eu"));
    rig_wait_count(&rig, &rig.dialer.refused, 1, "the refusal");
    ck_assert_str_eq(rig.dialer.reason, "the host's name is too long");
    ck_assert_ptr_nonnull(rig_dial(&rig, "127.0.0.1", name));
    rig_wait_count(&rig, &rig.dialer.refused, 2, "the second refusal");
    ck_assert_str_eq(rig.dialer.reason, "the federation's name is too long for any certificate");
    rig_close(&rig);
}
END_TEST

#define KNOCKER_COUNT 8

/* A listening socket whose queue is full: further connections get no answer at all. */
struct deaf_port {
    int listener;
    int knockers[KNOCKER_COUNT];
    uint16_t port;
};

static void
deaf_port_open(struct deaf_port *deaf)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    deaf->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(deaf->listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(deaf->listener, 0), 0);
    ck_assert_int_eq(getsockname(deaf->listener, (struct sockaddr *)&address, &size), 0);
    deaf->port = ntohs(address.sin_port);
    for (size_t i = 0; i < KNOCKER_COUNT; i++) {
        deaf->knockers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(deaf->knockers[i], (struct sockaddr *)&address, size);
    }
}

static void
deaf_port_close(struct deaf_port *deaf)
{
    for (size_t i = 0; i < KNOCKER_COUNT; i++) {
        (void)close(deaf->knockers[i]);
    }
    (void)close(deaf->listener);
}

START_TEST(port_that_does_not_answer_is_given_up)
{
    const struct link_config config = { .connect_timeout_ns = 100 * MS_NS };
    struct deaf_port deaf;
    rig_open(&rig, &config);
    deaf_port_open(&deaf);
    rig.port = deaf.port;
    ck_assert_ptr_nonnull(rig_dial(&rig, "127.0.0.1", "eu"));
    rig_wait_count(&rig, &rig.dialer.refused, 1, "the refusal");
    expect_text("reason", rig.dialer.reason, ": no answer within 100 ms");
    deaf_port_close(&deaf);
    rig_close(&rig);
}
END_TEST

static const char *const stages[] = { "resolving", "connecting", "handshaking" };

START_TEST(dial_may_be_called_off_at_any_stage)
{
    struct deaf_port deaf;
    struct raw_listener listener;
    struct raw_peer peer;
    rig_open(&rig, NULL);
    deaf_port_open(&deaf);
    raw_listen(&listener, &peer, &rig, NULL);
    rig.port = _i == 2 ? listener.port : deaf.port;
    struct link_conn *conn = rig_dial(&rig, "127.0.0.1", "eu");
    ck_assert_ptr_nonnull(conn);
    if (_i == 1) {
        for (size_t i = 0; i < 5; i++) {
            (void)uv_run(&rig.loop, UV_RUN_ONCE);
        }
    }
    if (_i == 2) {
        rig_wait_count(&rig, &peer.heard.size, 1, "the dialer's first words");
    }
    rig.dialer.inside = true;
    link_close(conn, "called off");
    rig.dialer.inside = false;
    raw_listener_close(&listener);
    raw_hang_up(&peer);
    rig_wait_count(&rig, &rig.dialer.refused, 1, "the refusal");
    expect_text(stages[_i], rig.dialer.reason, "called off");
    deaf_port_close(&deaf);
    rig_close(&rig);
    ck_assert_uint_eq(rig.dialer.refused, 1);
}
END_TEST

static TCase *
paper_tests(void)
{
    TCase *tcase = tcase_create("papers");
    tcase_add_loop_test(
        tcase, wrong_papers_are_refused_and_both_sides_know_why, 0, COUNT_OF(paper_cases));
    tcase_add_loop_test(tcase, strangers_are_rejected_with_an_alert, 0, COUNT_OF(stranger_cases));
    tcase_add_loop_test(tcase, noise_is_rejected, 0, COUNT_OF(noise_cases));
    tcase_add_test(tcase, hang_up_during_the_handshake_is_told);
    tcase_add_loop_test(tcase, acceptors_of_another_kind_are_refused, 0, COUNT_OF(acceptor_cases));
    tcase_add_test(tcase, acceptor_that_talks_plain_is_refused);
    tcase_add_test(tcase, dialer_believes_a_refusal_and_escapes_it);
    tcase_add_test(tcase, dialer_waits_for_ready);
    tcase_add_test(tcase, silent_acceptor_is_given_up);
    return tcase;
}

static TCase *
manners_tests(void)
{
    TCase *tcase = tcase_create("manners");
    tcase_add_loop_test(tcase, bad_manners_end_the_connection, 0, COUNT_OF(manners_cases));
    tcase_add_test(tcase, large_frame_that_never_comes_takes_no_memory);
    tcase_add_test(tcase, frames_cut_anywhere_are_whole_again);
    tcase_add_test(tcase, half_open_handshakes_are_given_up);
    tcase_add_test(tcase, handshakes_under_way_are_bounded);
    tcase_add_test(tcase, handshakes_beyond_the_rate_are_turned_away_at_the_door);
    tcase_add_test(tcase, each_listener_has_its_own_rate);
    tcase_add_test(tcase, handshakes_have_names);
    return tcase;
}

static TCase *
reach_tests(void)
{
    TCase *tcase = tcase_create("reach");
    tcase_add_test(tcase, closed_port_refuses);
    tcase_add_test(tcase, unknown_name_refuses);
    tcase_add_test(tcase, names_that_are_too_long_refuse);
    tcase_add_test(tcase, port_that_does_not_answer_is_given_up);
    tcase_add_loop_test(tcase, dial_may_be_called_off_at_any_stage, 0, COUNT_OF(stages));
    return tcase;
}

int
main(void)
{
    Suite *suite = suite_create("link_refusal");
    TCase *cases[] = { paper_tests(), manners_tests(), reach_tests() };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        /* Sanitizers on a busy machine are slow; every wait has its own deadline. */
        tcase_set_timeout(cases[i], 60);
        suite_add_tcase(suite, cases[i]);
    }

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
