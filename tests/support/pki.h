/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pki.h - certificates for tests, made in a folder of their own. Everything fails the test at once
 * when it cannot be done.
 */
#ifndef TESTS_SUPPORT_PKI_H
#define TESTS_SUPPORT_PKI_H

#include <openssl/x509.h>

#include "base/instant.h"
#include "host/tls.h"

struct pki {
    char folder[64];
};

struct pki_path {
    char text[160];
};

/* 2020-01-01: long ago, but after the birth of what pki_issue_expired() makes. */
#define PKI_LONG_AGO ((struct wall){ .ns = INT64_C(1577836800) * (int64_t)SEC_NS })

void pki_open(struct pki *pki);

/* Removes the folder and what is in it. */
void pki_close(struct pki *pki);

struct wall pki_now(void);

/* "cert" -> FOLDER/NAME.cert.pem, likewise "key". */
struct pki_path pki_file(const struct pki *pki, const char *name, const char *kind);
void pki_write(const struct pki *pki, const char *name, const char *kind, const char *content);

/* Good from 2019 to 2038; or from `start` on. */
void pki_make_ca(const struct pki *pki, const char *name);
void pki_make_ca_from(const struct pki *pki, const char *name, struct wall start, unsigned days);

/* A certificate whose only URI is `uri`; NULL: it has none. */
void pki_issue(const struct pki *pki, const char *ca, const char *name, const char *uri);

/* spiffe://test/federation/FEDERATION/bridge/NAME */
void pki_issue_bridge(
    const struct pki *pki, const char *ca, const char *name, const char *federation);

/* As pki_issue_bridge(), but it has expired in 2020. */
void pki_issue_expired(
    const struct pki *pki, const char *ca, const char *name, const char *federation);

/* Something in a certificate that the product does not make: `spoil` changes it before it is signed. */
typedef void (*pki_spoil)(X509 *certificate);
void pki_issue_odd(const struct pki *pki, const char *ca, const char *name, pki_spoil spoil);

/* Put another extension, in the language of OpenSSL's configuration, in the place of what is there. */
void pki_set_extension(X509 *certificate, int nid, const char *value);

/* An authority's list that revokes `revoked` (NULL: nobody), good until `end`: NAME.crl.pem. */
void pki_make_crl(
    const struct pki *pki, const char *ca, const char *name, const char *revoked, struct wall end);

/* The context of certificate `name` that trusts `ca`; crl may be NULL. Judged at `now`. */
struct tls_context *pki_context(
    const struct pki *pki, const char *name, const char *ca, const char *crl, struct wall now);

#endif
