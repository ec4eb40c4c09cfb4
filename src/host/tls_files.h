/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_files.h - PEM files read and judged, with errors that say what to do. Used by host/tls* only.
 */
#ifndef HOST_TLS_FILES_H
#define HOST_TLS_FILES_H

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/instant.h"
#include "host/reason.h"

#define TLS_FILES_SIZE_MAX ((size_t)1024 * 1024)
#define TLS_FILES_URIS_MAX ((size_t)32)

/* All certificates of a PEM file, at least one. NULL: *reason names the file. */
MUST_CHECK STACK_OF(X509) *
    tls_files_read_certificates(const char *path, const char *what, struct reason *reason);

/* The list and what is in it. NULL is allowed. */
void tls_files_free_certificates(STACK_OF(X509) * list);

/* The private key of a PEM file. NULL: *reason names the file. */
MUST_CHECK EVP_PKEY *tls_files_read_key(const char *path, struct reason *reason);

/* The steps of making a context. false: *reason names the file, what is wrong and what to do. */
MUST_CHECK bool tls_files_use_certificate(SSL_CTX *context, const char *cert_file,
    const char *key_file, struct wall now, struct reason *reason);
MUST_CHECK bool tls_files_trust_authorities(SSL_CTX *context, const char *ca_file, struct wall now,
    struct wall *expiry, struct reason *reason);
MUST_CHECK bool tls_files_check_revocations(SSL_CTX *context, const char *crl_file, struct wall now,
    struct wall *expiry, struct reason *reason);

/* A time of a certificate. What cannot be read is the beginning of time, so that it counts as over. */
struct wall tls_files_time(const ASN1_TIME *time);

/*
 * The URIs of a certificate's subjectAltName, at most TLS_FILES_URIS_MAX; more, or an extension that
 * cannot be read: SIZE_MAX. They borrow from *names, which the caller gives to GENERAL_NAMES_free().
 */
MUST_CHECK size_t tls_files_uris(
    const X509 *certificate, GENERAL_NAMES **names, struct span uris[TLS_FILES_URIS_MAX]);

#endif
