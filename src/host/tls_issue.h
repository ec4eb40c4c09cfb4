/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_issue.h - a small certificate authority for development and small installations.
 *
 * Keys are on P-256, signatures ECDSA with SHA-256, serial numbers random. The authority's key lies
 * in a file without a password: whoever can read it can be any bridge. Large installations bring
 * their own authority; a link asks only for the URI (tls_identity.h) and the two key usages.
 */
#ifndef HOST_TLS_ISSUE_H
#define HOST_TLS_ISSUE_H

#include <stdbool.h>

#include "base/check.h"
#include "base/instant.h"
#include "host/reason.h"

#define TLS_ISSUE_CA_DAYS  3650u
#define TLS_ISSUE_DAYS     365u
#define TLS_ISSUE_DAYS_MAX 36500u
/* A certificate is valid from a little before it was made: clocks differ. */
#define TLS_ISSUE_BACKDATE_NS (300 * SEC_NS)

/* Key files are made with mode 0600, certificates with 0644. */
struct tls_issue_files {
    const char *cert_file;
    const char *key_file;
    bool force; /* replace files that exist; else they are refused and nothing is written */
};

struct tls_issue_ca {
    const char *name; /* the common name; 1 to 64 bytes */
    struct wall now;
    unsigned days; /* 0: TLS_ISSUE_CA_DAYS */
    struct tls_issue_files files;
};

struct tls_issue_request {
    const char *ca_cert_file;
    const char *ca_key_file;
    const char *name;         /* the common name; 1 to 64 bytes */
    const char *uri;          /* who it speaks for; NULL: none (a node's certificate) */
    const char *const *hosts; /* DNS names and IP addresses */
    size_t host_count;
    struct wall now;
    unsigned days;         /* 0: TLS_ISSUE_DAYS */
    struct wall not_after; /* .ns != 0: this instead of days; in the past: for tests of refusal */
    struct tls_issue_files files;
};

/*
 * false: *reason names the file or the value that is wrong and what to do. Files are written aside
 * and renamed, the key first: what was there before is whole, or replaced by what is whole.
 * A certificate that would outlive its authority is refused.
 */
MUST_CHECK bool tls_issue_create_ca(const struct tls_issue_ca *ca, struct reason *reason);
MUST_CHECK bool tls_issue_create_certificate(
    const struct tls_issue_request *request, struct reason *reason);

#endif
