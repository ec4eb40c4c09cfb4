/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_identity.h - which federation and bridge a certificate speaks for: pure functions on text.
 *
 * A pattern such as "spiffe://{any}/federation/{federation}/bridge/{any}", where {any} stands for
 * an asterisk, is compared with the URIs in the certificate's subjectAltName. Pattern and URI are
 * cut at '/' and compared part by part. A part of the pattern is literal text with at most one
 * wildcard in it: an asterisk, or {federation}, and {federation} occurs exactly once. Both stand
 * for one or more printable ASCII characters, never '/'. So there is one way to match at most: what
 * is taken as the federation does not depend on an order of trial. Nothing is percent-decoded and
 * nothing is compared without regard to case. The bridge is the last part of the URI.
 */
#ifndef HOST_TLS_IDENTITY_H
#define HOST_TLS_IDENTITY_H

#include <stdbool.h>

#include "base/check.h"
#include "base/span.h"

#define TLS_IDENTITY_NAME_MAX ((size_t)255)
#define TLS_IDENTITY_DEFAULT  "spiffe://*/federation/{federation}/bridge/*"

struct tls_identity {
    char federation[TLS_IDENTITY_NAME_MAX + 1]; /* ends with NUL; never empty */
    char bridge[TLS_IDENTITY_NAME_MAX + 1];
};

enum tls_identity_result {
    TLS_IDENTITY_OK = 0,
    TLS_IDENTITY_NONE,      /* no URI matches the pattern */
    TLS_IDENTITY_OTHER,     /* URIs match, but none names the expected federation */
    TLS_IDENTITY_AMBIGUOUS, /* two URIs match and name different bridges */
};

/* What is wrong with a pattern, as the end of a sentence that starts with it. NULL: it is usable. */
MUST_CHECK const char *tls_identity_pattern_fault(struct span pattern);

/*
 * Which federation and bridge `uri` names. `pattern` has no fault.
 *
 * true: *out is filled in. false: the URI does not match, or a name in it is longer than
 * TLS_IDENTITY_NAME_MAX; *out is untouched.
 */
MUST_CHECK bool tls_identity_federation(
    struct span pattern, struct span uri, struct tls_identity *out);

/* Does `uri` match, and does it name exactly `federation`? Wildcards in `federation` are plain text. */
MUST_CHECK bool tls_identity_matches(struct span pattern, struct span federation, struct span uri);

/*
 * The identity that all URIs of one certificate give. `expected` empty: any federation.
 *
 * URIs that do not match are ignored. TLS_IDENTITY_OK: *out is filled in. TLS_IDENTITY_OTHER: *out
 * holds what the first matching URI names, for the error text. Otherwise it is untouched.
 */
MUST_CHECK enum tls_identity_result tls_identity_choose(struct span pattern, struct span expected,
    const struct span *uris, size_t uri_count, struct tls_identity *out);

const char *tls_identity_result_name(enum tls_identity_result result);

#endif
