/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_peer.c - checked files, strict contexts, and who the peer is.
 */
#include "host/tls_peer.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* The first error in OpenSSL's queue is the cause, those after it are what followed from it. */
static void
explain(struct reason *reason, const char *file, const char *what)
{
    unsigned long code = ERR_peek_error();
    const char *text = code == 0 ? NULL : ERR_reason_error_string(code);
    if (text == NULL && code != 0 && ERR_SYSTEM_ERROR(code)) {
        text = strerror(ERR_GET_REASON(code));
    }
    reason_set(reason, "%s: %s: %s", file, what, text == NULL ? "not usable" : text);
    ERR_clear_error();
}

static bool
load_certificate(SSL_CTX *context, const struct tls_peer_files *files, struct reason *reason)
{
    if (files->key_file == NULL) {
        reason_set(reason, "%s: a certificate needs its key_file", files->cert_file);
        return false;
    }
    if (SSL_CTX_use_certificate_chain_file(context, files->cert_file) != 1) {
        explain(reason, files->cert_file, "no certificate can be read from it");
        return false;
    }
    if (SSL_CTX_use_PrivateKey_file(context, files->key_file, SSL_FILETYPE_PEM) != 1) {
        explain(reason, files->key_file, "no key for the certificate can be read from it");
        return false;
    }
    return true;
}

/* An encrypted key would make OpenSSL ask at the terminal, in the middle of a daemon's start. */
static int
refuse_password(char *password, int size, int is_writing, void *user)
{
    (void)password;
    (void)size;
    (void)is_writing;
    (void)user;
    return -1;
}

bool
tls_peer_configure(SSL_CTX *context, const struct tls_peer_files *files, struct reason *reason)
{
    CHECK(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1);
    CHECK(SSL_CTX_set_num_tickets(context, 0) == 1);
    (void)SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_tlsext_servername_callback(context, NULL);
    SSL_CTX_set_default_passwd_cb(context, refuse_password);
    ERR_clear_error();
    if (files->cert_file != NULL && !load_certificate(context, files, reason)) {
        return false;
    }
    if (files->ca_file != NULL && SSL_CTX_load_verify_file(context, files->ca_file) != 1) {
        explain(reason, files->ca_file, "no authority can be read from it");
        return false;
    }
    return true;
}

SSL_CTX *
tls_peer_context_create(const struct tls_peer_files *files, struct reason *reason)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) {
        reason_set(reason, "no memory for TLS");
        return NULL;
    }
    if (!tls_peer_configure(context, files, reason)) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

bool
tls_peer_renew(SSL_CTX *context, const struct tls_peer_files *files, struct reason *reason)
{
    SSL_CTX *fresh = tls_peer_context_create(files, reason);
    if (fresh == NULL) {
        return false;
    }
    X509 *certificate = SSL_CTX_get0_certificate(fresh);
    STACK_OF(X509) *chain = NULL;
    (void)SSL_CTX_get0_chain_certs(fresh, &chain);
    bool renewed = certificate == NULL || SSL_CTX_use_cert_and_key(context, certificate,
                                              SSL_CTX_get0_privatekey(fresh), chain, 1) == 1;
    if (!renewed) {
        explain(reason, files->cert_file, "it cannot replace the one before");
    } else if (files->ca_file != NULL) {
        SSL_CTX_set1_cert_store(context, SSL_CTX_get_cert_store(fresh));
    }
    SSL_CTX_free(fresh);
    return renewed;
}

void
tls_peer_context_free(SSL_CTX *context)
{
    SSL_CTX_free(context);
}

static bool
copy_uri(const GENERAL_NAME *name, char *out, size_t size)
{
    if (name->type != GEN_URI) {
        return false;
    }
    const unsigned char *text = ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
    int length = ASN1_STRING_length(name->d.uniformResourceIdentifier);
    if (length <= 0 || (size_t)length >= size || memchr(text, '\0', (size_t)length) != NULL) {
        return false;
    }
    memcpy(out, text, (size_t)length);
    out[length] = '\0';
    return true;
}

bool
tls_peer_uri(const SSL *ssl, char *out, size_t size)
{
    CHECK(size > 0);
    out[0] = '\0';
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == NULL) {
        return false;
    }
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    int count = names == NULL ? 0 : sk_GENERAL_NAME_num(names);
    for (int i = 0; i < count && !found; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_URI) {
            found = copy_uri(name, out, size);
            break;
        }
    }
    GENERAL_NAMES_free(names);
    return found;
}

bool
tls_peer_accept_server(const SSL *ssl, const char *host, struct reason *reason)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == NULL) {
        reason_set(reason, "the server shows no certificate");
        return false;
    }
    long verdict = SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK) {
        reason_set(reason, "the server's certificate is not trusted: %s",
            X509_verify_cert_error_string(verdict));
        return false;
    }
    /* An address is compared with addresses, a name with names; neither stands for the other. */
    int by_address = host == NULL ? 1 : X509_check_ip_asc(certificate, host, 0);
    bool named = by_address == 1 ||
                 (by_address == -2 && X509_check_host(certificate, host, strlen(host),
                                          X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1);
    if (!named) {
        reason_set(reason, "the server's certificate is not made out to '%s'", host);
    }
    return named;
}
