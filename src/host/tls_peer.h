/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_peer.h - what ws and http need of OpenSSL beyond what libwebsockets does: checked files,
 * strict contexts, and who the peer is.
 */
#ifndef HOST_TLS_PEER_H
#define HOST_TLS_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"
#include "host/reason.h"

struct ssl_st;     /* OpenSSL's SSL */
struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

struct tls_peer_files {
    const char *cert_file; /* NULL: no certificate, and then no key_file either */
    const char *key_file;
    const char *ca_file; /* NULL: none */
};

/*
 * Read the files into `context`, which libwebsockets made, and make it strict: TLS 1.3 only, no
 * session tickets, and no change of the context by the name that a client asks for (with that,
 * libwebsockets would let the client choose among all listeners of the process).
 *
 * false: *reason names the file and what is wrong with it.
 */
MUST_CHECK bool tls_peer_configure(
    struct ssl_ctx_st *context, const struct tls_peer_files *files, struct reason *reason);

/*
 * Put other files into a context that was configured before, for sessions made from now on. With a
 * ca_file the authorities are replaced; without one they stay.
 *
 * false: *reason names the file and what is wrong with it; nothing has changed.
 */
MUST_CHECK bool tls_peer_renew(
    struct ssl_ctx_st *context, const struct tls_peer_files *files, struct reason *reason);

/* A strict context for dialing. NULL: *reason as above. */
MUST_CHECK struct ssl_ctx_st *tls_peer_context_create(
    const struct tls_peer_files *files, struct reason *reason);

/* NULL is allowed. Connections that use it keep it alive. */
void tls_peer_context_free(struct ssl_ctx_st *context);

/*
 * The first URI among the subject alternative names of the peer's certificate.
 *
 * true: `out` holds it, with its NUL. false: no certificate, no URI, one with a NUL inside, or one
 * that does not fit into `size`; `out` is "". size > 0.
 */
bool tls_peer_uri(const struct ssl_st *ssl, char *out, size_t size);

/*
 * After a handshake as a client: is the server's certificate trusted, and made out to `host`, a
 * name or an address? `host` NULL: any name does.
 *
 * false: *reason says what is wrong.
 */
MUST_CHECK bool tls_peer_accept_server(
    const struct ssl_st *ssl, const char *host, struct reason *reason);

#endif
