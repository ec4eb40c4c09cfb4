/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.h - TLS 1.3 with certificates on both sides, for the links between bridges.
 *
 * A context holds the own certificate and key, the authorities that a peer's certificate must lead
 * to (the CA file alone; the system's are not asked), the revocations, and the identity pattern
 * (tls_identity.h). One context serves both roles. It never changes: a reload creates another and
 * the old one lives until the last session made with it has gone.
 *
 * Law: TLS 1.3 only; the peer is verified in both roles; ALPN is "mpreg-link/1" on both sides or
 * there is no handshake; no session tickets, no early data. A host name is never compared: who the
 * peer is says the URI in its certificate, not the address at which it was found.
 *
 * With a CRL file, every authority in a chain needs a CRL in it that has not run out.
 *
 * Not thread-safe: contexts and sessions belong to one loop.
 */
#ifndef HOST_TLS_H
#define HOST_TLS_H

#include <stdbool.h>

#include "base/instant.h"
#include "base/span.h"
#include "host/reason.h"
#include "host/tls_identity.h"

#define TLS_ALPN "mpreg-link/1"

struct ssl_st; /* OpenSSL's SSL */
struct tls_context;

enum tls_role {
    TLS_ROLE_DIAL = 0,
    TLS_ROLE_ACCEPT,
};

struct tls_settings {
    const char *cert_file;  /* PEM: own certificate first, then intermediate ones if any */
    const char *key_file;   /* PEM, not encrypted */
    const char *ca_file;    /* PEM, one or more */
    const char *crl_file;   /* PEM, one or more; NULL: revocation is not checked */
    const char *identity;   /* pattern; NULL: TLS_IDENTITY_DEFAULT */
    const char *federation; /* what the own certificate must name; NULL: not checked */
    const char *bridge;     /* likewise; NULL: any */
};

/*
 * Read the files. `now` judges the own certificate, the authorities and the CRLs.
 *
 * NULL: *reason names the file, what is wrong with it and what to do.
 */
MUST_CHECK struct tls_context *tls_context_create(
    const struct tls_settings *settings, struct wall now, struct reason *reason);

struct tls_context *tls_context_ref(struct tls_context *context);

/* NULL is allowed. */
void tls_context_unref(struct tls_context *context);

/*
 * When something runs out, for metrics and warnings: the own certificate; the first of the
 * authorities that were still good at `now`; the first CRL (.ns == INT64_MAX: there is none, or it
 * does not say).
 */
struct wall tls_context_certificate_expiry(const struct tls_context *context);
struct wall tls_context_authority_expiry(const struct tls_context *context);
struct wall tls_context_crl_expiry(const struct tls_context *context);

/* One session, without a BIO yet. NULL: no memory. Freed with SSL_free(). */
MUST_CHECK struct ssl_st *tls_session_create(struct tls_context *context, enum tls_role role);

/*
 * After the handshake: who is the peer? `expected` is the federation it must name, empty: any.
 *
 * true: *identity is filled in. false: *reason says why the session does not do: no agreement on
 * the protocol, or a certificate that names no, another or more than one federation or bridge.
 */
MUST_CHECK bool tls_session_identify(const struct tls_context *context, const struct ssl_st *ssl,
    struct span expected, struct tls_identity *identity, struct reason *reason);

/* The end of the peer's certificate. After a handshake only. */
struct wall tls_session_peer_expiry(const struct ssl_st *ssl);

/*
 * Why the last call on `ssl` failed, from its verify result and from OpenSSL's error queue, which
 * is emptied: "certificate verify failed: certificate has expired".
 */
void tls_session_explain(const struct ssl_st *ssl, struct reason *reason);

#endif
