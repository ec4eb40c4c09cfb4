/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.c - one immutable SSL_CTX for both roles, and what its sessions have to say.
 */
#include "host/tls.h"

#include <assert.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "host/tls_files.h"

/* A chain of leaf, two intermediate authorities and a root; more is a mistake or an attack. */
#define VERIFY_DEPTH        3
#define PEER_CHAIN_SIZE_MAX ((long)64 * 1024)

static_assert(sizeof(TLS_ALPN) - 1 < 256, "ALPN names have one byte of length");

struct tls_context {
    size_t refs;
    SSL_CTX *ssl;
    char *identity; /* the pattern */
    struct wall certificate_expiry;
    struct wall authority_expiry;
    struct wall crl_expiry;
};

/* Without the extension OpenSSL would go on without asking choose_alpn(). */
static int
demand_alpn(SSL *ssl, int *alert, void *unused)
{
    const unsigned char *data;
    size_t size;
    (void)unused;
    unsigned type = TLSEXT_TYPE_application_layer_protocol_negotiation;
    if (SSL_client_hello_get0_ext(ssl, type, &data, &size) == 1) {
        return SSL_CLIENT_HELLO_SUCCESS;
    }
    *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
    return SSL_CLIENT_HELLO_ERROR;
}

static int
choose_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_size,
    const unsigned char *offered, unsigned offered_size, void *unused)
{
    (void)ssl;
    (void)unused;
    struct span rest = span_from(offered, offered_size);
    while (rest.size > 0 && rest.data[0] < rest.size) {
        struct span name = span_part(rest, 1, rest.data[0]);
        if (span_is(name, TLS_ALPN)) {
            *chosen = name.data;
            *chosen_size = (unsigned char)name.size;
            return SSL_TLSEXT_ERR_OK;
        }
        rest = span_after(rest, 1 + name.size);
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool
apply_law(SSL_CTX *ssl)
{
    unsigned char alpn[sizeof(TLS_ALPN)];
    alpn[0] = sizeof(TLS_ALPN) - 1;
    memcpy(&alpn[1], TLS_ALPN, sizeof(TLS_ALPN) - 1);
    SSL_CTX_set_security_level(ssl, 2);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_verify_depth(ssl, VERIFY_DEPTH);
    SSL_CTX_set_max_cert_list(ssl, PEER_CHAIN_SIZE_MAX);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_client_hello_cb(ssl, demand_alpn, NULL);
    SSL_CTX_set_alpn_select_cb(ssl, choose_alpn, NULL);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_num_tickets(ssl, 0) == 1 &&
           SSL_CTX_set_alpn_protos(ssl, alpn, sizeof(alpn)) == 0;
}

static void
say_unidentified(
    enum tls_identity_result result, const char *pattern, struct span uri, struct reason *reason)
{
    switch (result) {
    case TLS_IDENTITY_OK:
    case TLS_IDENTITY_OTHER:
        break;
    case TLS_IDENTITY_NONE:
        reason_set(reason, "certificate names no federation: URI %s does not match %s",
            uri.size == 0 ? "(none)" : reason_escape(uri).text, pattern);
        break;
    case TLS_IDENTITY_AMBIGUOUS:
        reason_set(reason, "certificate names more than one bridge; issue one for each");
        break;
    }
}

static bool
identify(const struct tls_context *context, const X509 *certificate, struct span expected,
    struct tls_identity *identity, struct reason *reason)
{
    struct span uris[TLS_FILES_URIS_MAX];
    GENERAL_NAMES *names = NULL;
    struct span pattern = span_from_text(context->identity);
    size_t count = tls_files_uris(certificate, &names, uris);
    if (count == SIZE_MAX) {
        GENERAL_NAMES_free(names);
        reason_set(reason, "certificate has an unreadable subjectAltName or more than %zu URIs",
            TLS_FILES_URIS_MAX);
        return false;
    }
    enum tls_identity_result result = tls_identity_choose(pattern, expected, uris, count, identity);
    if (result == TLS_IDENTITY_OTHER) {
        reason_set(reason, "certificate names federation %s, expected %s",
            reason_escape(span_from_text(identity->federation)).text, reason_escape(expected).text);
    } else {
        say_unidentified(result, context->identity, count == 0 ? SPAN_NONE : uris[0], reason);
    }
    GENERAL_NAMES_free(names);
    return result == TLS_IDENTITY_OK;
}

static bool
check_own_name(
    const struct tls_context *context, const struct tls_settings *settings, struct reason *reason)
{
    struct tls_identity identity;
    struct reason why;
    if (settings->federation == NULL) {
        return true;
    }
    if (!identify(context, SSL_CTX_get0_certificate(context->ssl),
            span_from_text(settings->federation), &identity, &why)) {
        reason_set(reason,
            "%s: %s; no other bridge would let us in: issue a certificate whose URI names "
            "federation %s",
            settings->cert_file, why.text, settings->federation);
        return false;
    }
    if (settings->bridge != NULL && strcmp(settings->bridge, identity.bridge) != 0) {
        reason_set(reason,
            "%s: certificate names bridge %s, and this one is called %s; no other bridge would let "
            "us in: issue a certificate for %s or change bridge.name",
            settings->cert_file, reason_escape(span_from_text(identity.bridge)).text,
            settings->bridge, settings->bridge);
        return false;
    }
    return true;
}

static bool
fill_context(struct tls_context *context, const struct tls_settings *settings, struct wall now,
    struct reason *reason)
{
    context->ssl = SSL_CTX_new(TLS_method());
    if (context->ssl == NULL || context->identity == NULL || !apply_law(context->ssl)) {
        reason_set(
            reason, "TLS 1.3 cannot be set up: %s", ERR_reason_error_string(ERR_peek_last_error()));
        ERR_clear_error();
        return false;
    }
    if (!tls_files_use_certificate(
            context->ssl, settings->cert_file, settings->key_file, now, reason) ||
        !tls_files_trust_authorities(
            context->ssl, settings->ca_file, now, &context->authority_expiry, reason)) {
        return false;
    }
    context->crl_expiry = (struct wall){ .ns = INT64_MAX };
    if (settings->crl_file != NULL && !tls_files_check_revocations(context->ssl, settings->crl_file,
                                          now, &context->crl_expiry, reason)) {
        return false;
    }
    const X509 *own = SSL_CTX_get0_certificate(context->ssl);
    context->certificate_expiry = tls_files_time(X509_get0_notAfter(own));
    return check_own_name(context, settings, reason);
}

struct tls_context *
tls_context_create(const struct tls_settings *settings, struct wall now, struct reason *reason)
{
    CHECK(settings->cert_file != NULL);
    CHECK(settings->key_file != NULL);
    CHECK(settings->ca_file != NULL);
    const char *pattern = settings->identity == NULL ? TLS_IDENTITY_DEFAULT : settings->identity;
    const char *fault = tls_identity_pattern_fault(span_from_text(pattern));
    if (fault != NULL) {
        reason_set(reason, "identity pattern %s %s", pattern, fault);
        return NULL;
    }
    struct tls_context *context = OPENSSL_zalloc(sizeof(*context));
    if (context == NULL) {
        reason_set(reason, "out of memory for TLS");
        return NULL;
    }
    context->refs = 1;
    context->identity = OPENSSL_strdup(pattern);
    if (!fill_context(context, settings, now, reason)) {
        tls_context_unref(context);
        return NULL;
    }
    return context;
}

struct tls_context *
tls_context_ref(struct tls_context *context)
{
    CHECK(context->refs > 0);
    context->refs++;
    return context;
}

void
tls_context_unref(struct tls_context *context)
{
    if (context == NULL) {
        return;
    }
    CHECK(context->refs > 0);
    context->refs--;
    if (context->refs > 0) {
        return;
    }
    SSL_CTX_free(context->ssl);
    OPENSSL_free(context->identity);
    OPENSSL_free(context);
}

struct wall
tls_context_certificate_expiry(const struct tls_context *context)
{
    return context->certificate_expiry;
}

struct wall
tls_context_authority_expiry(const struct tls_context *context)
{
    return context->authority_expiry;
}

struct wall
tls_context_crl_expiry(const struct tls_context *context)
{
    return context->crl_expiry;
}

struct ssl_st *
tls_session_create(struct tls_context *context, enum tls_role role)
{
    SSL *ssl = SSL_new(context->ssl);
    if (ssl == NULL) {
        ERR_clear_error();
        return NULL;
    }
    switch (role) {
    case TLS_ROLE_DIAL:
        SSL_set_connect_state(ssl);
        break;
    case TLS_ROLE_ACCEPT:
        SSL_set_accept_state(ssl);
        break;
    }
    return ssl;
}

bool
tls_session_identify(const struct tls_context *context, const struct ssl_st *ssl,
    struct span expected, struct tls_identity *identity, struct reason *reason)
{
    const unsigned char *protocol;
    unsigned size;
    SSL_get0_alpn_selected(ssl, &protocol, &size);
    if (!span_is(span_from(protocol, size), TLS_ALPN)) {
        reason_set(reason, "the peer does not speak " TLS_ALPN " (ALPN)");
        return false;
    }
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    CHECK(certificate != NULL);
    CHECK(SSL_get_verify_result(ssl) == X509_V_OK);
    return identify(context, certificate, expected, identity, reason);
}

struct wall
tls_session_peer_expiry(const struct ssl_st *ssl)
{
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    CHECK(certificate != NULL);
    return tls_files_time(X509_get0_notAfter(certificate));
}

/* What an alert of the peer says about us. NULL: nothing better than its name. */
static const char *
alert_advice(int alert)
{
    switch (alert) {
    case SSL_AD_CERTIFICATE_EXPIRED:
        return "our certificate has expired, or its clock is wrong";
    case SSL_AD_CERTIFICATE_REVOKED:
        return "our certificate is revoked";
    case SSL_AD_UNKNOWN_CA:
        return "it does not trust the authority of our certificate";
    case SSL_AD_CERTIFICATE_REQUIRED:
        return "we sent no certificate";
    case SSL_AD_NO_APPLICATION_PROTOCOL:
        return "it does not speak " TLS_ALPN " (ALPN)";
    case SSL_AD_PROTOCOL_VERSION:
        return "it does not speak TLS 1.3";
    default: /* not an enumeration: a byte that the peer sent */
        return NULL;
    }
}

static void
explain_alert(int alert, struct reason *reason)
{
    const char *advice = alert_advice(alert);
    const char *name = SSL_alert_desc_string_long(alert);
    reason_set(
        reason, "the peer refused with TLS alert %d: %s", alert, advice == NULL ? name : advice);
}

void
tls_session_explain(const struct ssl_st *ssl, struct reason *reason)
{
    unsigned long error = ERR_peek_last_error();
    long verdict = SSL_get_verify_result(ssl);
    int code = ERR_GET_REASON(error);
    const char *text = ERR_reason_error_string(error);
    ERR_clear_error();
    if (error == 0 || ERR_GET_LIB(error) != ERR_LIB_SSL) {
        reason_set(reason, "TLS failed: %s", text == NULL ? "no further reason is known" : text);
    } else if (code == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        reason_set(reason, "certificate verify failed: %s", X509_verify_cert_error_string(verdict));
    } else if (code == SSL_R_CALLBACK_FAILED || code == SSL_R_NO_APPLICATION_PROTOCOL) {
        reason_set(reason, "the peer does not speak " TLS_ALPN " (ALPN)");
    } else if (code == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
        reason_set(reason, "the peer sent no certificate");
    } else if (code == SSL_R_WRONG_VERSION_NUMBER || code == SSL_R_HTTP_REQUEST) {
        reason_set(reason, "the peer does not speak TLS: %s", text);
    } else if (code > SSL_AD_REASON_OFFSET && code <= SSL_AD_REASON_OFFSET + UINT8_MAX) {
        explain_alert(code - SSL_AD_REASON_OFFSET, reason);
    } else {
        reason_set(reason, "TLS failed: %s", text);
    }
}
