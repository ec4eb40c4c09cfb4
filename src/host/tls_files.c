/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_files.c - reading PEM files into OpenSSL's objects.
 *
 * A file is read whole before OpenSSL sees it, so that "cannot be read" (the system's words) and
 * "is not what it should be" (ours) are told apart.
 */
#include "host/tls_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/buf.h"

#define READ_SIZE ((size_t)4096)

static void
say_unreadable(const char *path, const char *what, int error, struct reason *reason)
{
    const char *advice = error == EACCES   ? "; let the user this process runs as read it"
                         : error == ENOENT ? "; check the path"
                                           : "";
    reason_set(reason, "%s %s cannot be read: %s%s", what, path, strerror(error), advice);
}

static bool
read_stream(
    FILE *stream, const char *path, const char *what, struct buf *content, struct reason *reason)
{
    while (feof(stream) == 0) {
        uint8_t *place = buf_reserve(content, READ_SIZE);
        if (place == NULL) {
            reason_set(reason, "%s %s is larger than %zu bytes; is it the right file?", what, path,
                TLS_FILES_SIZE_MAX);
            return false;
        }
        buf_commit(content, fread(place, 1, READ_SIZE, stream));
        if (ferror(stream) != 0) {
            say_unreadable(path, what, errno, reason);
            return false;
        }
    }
    return true;
}

static bool
read_file(const char *path, const char *what, struct buf *content, struct reason *reason)
{
    FILE *stream = fopen(path, "re");
    if (stream == NULL) {
        say_unreadable(path, what, errno, reason);
        return false;
    }
    bool done = read_stream(stream, path, what, content, reason);
    (void)fclose(stream);
    return done;
}

/* What reads one PEM object and puts it into `list`; false at the end or when it is damaged. */
typedef bool (*read_object)(BIO *pem, void *list);

static bool
read_certificate(BIO *pem, void *list)
{
    X509 *certificate = PEM_read_bio_X509(pem, NULL, NULL, NULL);
    if (certificate == NULL) {
        return false;
    }
    if (sk_X509_push(list, certificate) == 0) {
        X509_free(certificate);
        return false;
    }
    return true;
}

static bool
read_crl(BIO *pem, void *list)
{
    X509_CRL *crl = PEM_read_bio_X509_CRL(pem, NULL, NULL, NULL);
    if (crl == NULL) {
        return false;
    }
    if (sk_X509_CRL_push(list, crl) == 0) {
        X509_CRL_free(crl);
        return false;
    }
    return true;
}

static bool
parse_objects(struct span content, read_object read, void *list)
{
    BIO *pem = BIO_new_mem_buf(content.data, (int)content.size);
    if (pem == NULL) {
        return false;
    }
    ERR_clear_error();
    size_t count = 0;
    while (read(pem, list)) {
        count++;
    }
    BIO_free(pem);
    /* No further "-----BEGIN" is how a good file ends; anything else is damage. */
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return count > 0 && at_end;
}

static bool
read_objects(
    const char *path, const char *what, read_object read, void *list, struct reason *reason)
{
    struct mem mem;
    struct buf content;
    mem_init(&mem, 2 * TLS_FILES_SIZE_MAX);
    buf_init(&content, &mem, TLS_FILES_SIZE_MAX);
    bool done = read_file(path, what, &content, reason);
    if (done && !parse_objects(buf_span(&content), read, list)) {
        reason_set(reason,
            "%s %s is not a whole PEM file of this kind; it must have a part that "
            "begins with -----BEGIN %s-----",
            what, path, read == read_crl ? "X509 CRL" : "CERTIFICATE");
        done = false;
    }
    buf_destroy(&content);
    return done;
}

STACK_OF(X509) *
    tls_files_read_certificates(const char *path, const char *what, struct reason *reason)
{
    STACK_OF(X509) *list = sk_X509_new_null();
    if (list == NULL) {
        reason_set(reason, "out of memory");
        return NULL;
    }
    if (!read_objects(path, what, read_certificate, list, reason)) {
        tls_files_free_certificates(list);
        return NULL;
    }
    return list;
}

void
tls_files_free_certificates(STACK_OF(X509) * list)
{
    sk_X509_pop_free(list, X509_free);
}

/* Without this OpenSSL would ask on the terminal. */
static int
note_password(char *password, int size, int writing, void *asked)
{
    (void)password;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

EVP_PKEY *
tls_files_read_key(const char *path, struct reason *reason)
{
    struct mem mem;
    struct buf content;
    bool encrypted = false;
    EVP_PKEY *key = NULL;
    mem_init(&mem, 2 * TLS_FILES_SIZE_MAX);
    buf_init(&content, &mem, TLS_FILES_SIZE_MAX);
    if (read_file(path, "key file", &content, reason)) {
        BIO *pem = BIO_new_mem_buf(content.data, (int)content.size);
        key = pem == NULL ? NULL : PEM_read_bio_PrivateKey(pem, NULL, note_password, &encrypted);
        BIO_free(pem);
        ERR_clear_error();
        OPENSSL_cleanse(content.data, content.size);
        if (key == NULL && encrypted) {
            reason_set(reason,
                "key file %s is encrypted; decrypt it (openssl pkey) and protect it "
                "by its mode",
                path);
        } else if (key == NULL) {
            reason_set(reason,
                "key file %s is not a PEM private key; it must have a part that "
                "begins with -----BEGIN PRIVATE KEY-----",
                path);
        }
    }
    buf_destroy(&content);
    return key;
}

struct wall
tls_files_time(const ASN1_TIME *time)
{
    struct tm parts;
    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1) {
        return (struct wall){ .ns = INT64_MIN };
    }
    int64_t limit = INT64_MAX / (int64_t)SEC_NS;
    int64_t seconds = (int64_t)timegm(&parts);
    return (struct wall){ .ns = seconds >= limit ? INT64_MAX - 1 : seconds * (int64_t)SEC_NS };
}

/* "2026-11-22T10:00:00Z" */
static const char *
show_time(struct wall time, char text[32])
{
    time_t seconds = (time_t)(time.ns / (int64_t)SEC_NS);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        text[0] = '\0';
    }
    return text;
}

static bool
judge_dates(const X509 *certificate, const char *path, struct wall now, struct reason *reason)
{
    char text[32];
    struct wall end = tls_files_time(X509_get0_notAfter(certificate));
    struct wall start = tls_files_time(X509_get0_notBefore(certificate));
    if (end.ns <= now.ns) {
        reason_set(reason, "certificate %s has expired on %s; issue a new one", path,
            show_time(end, text));
        return false;
    }
    if (start.ns > now.ns) {
        reason_set(reason, "certificate %s is not valid before %s; check the clock of this machine",
            path, show_time(start, text));
        return false;
    }
    return true;
}

static bool
judge_leaf(
    X509 *leaf, EVP_PKEY *key, const char *const paths[2], struct wall now, struct reason *reason)
{
    if (!judge_dates(leaf, paths[0], now, reason)) {
        return false;
    }
    if (X509_check_private_key(leaf, key) != 1) {
        ERR_clear_error();
        reason_set(reason,
            "key file %s does not belong to certificate %s; use the two files that "
            "were made together",
            paths[1], paths[0]);
        return false;
    }
    if ((X509_get_extension_flags(leaf) & EXFLAG_INVALID) != 0) {
        ERR_clear_error();
        reason_set(reason,
            "certificate %s has an extension twice, or one that cannot be read; issue "
            "it anew",
            paths[0]);
        return false;
    }
    if (X509_check_purpose(leaf, X509_PURPOSE_SSL_SERVER, 0) != 1 ||
        X509_check_purpose(leaf, X509_PURPOSE_SSL_CLIENT, 0) != 1) {
        reason_set(reason,
            "certificate %s may not be used for both ends of TLS; issue it with "
            "extendedKeyUsage serverAuth and clientAuth",
            paths[0]);
        return false;
    }
    return true;
}

bool
tls_files_use_certificate(SSL_CTX *context, const char *cert_file, const char *key_file,
    struct wall now, struct reason *reason)
{
    STACK_OF(X509) *chain = tls_files_read_certificates(cert_file, "certificate", reason);
    EVP_PKEY *key = chain == NULL ? NULL : tls_files_read_key(key_file, reason);
    bool done = false;
    if (key != NULL) {
        X509 *leaf = sk_X509_shift(chain);
        const char *const paths[2] = { cert_file, key_file };
        done = judge_leaf(leaf, key, paths, now, reason);
        if (done && SSL_CTX_use_cert_and_key(context, leaf, key, chain, 1) != 1) {
            reason_set(reason, "certificate %s is not usable: %s", cert_file,
                ERR_reason_error_string(ERR_peek_last_error()));
            ERR_clear_error();
            done = false;
        }
        X509_free(leaf);
    }
    EVP_PKEY_free(key);
    tls_files_free_certificates(chain);
    return done;
}

bool
tls_files_trust_authorities(SSL_CTX *context, const char *ca_file, struct wall now,
    struct wall *expiry, struct reason *reason)
{
    STACK_OF(X509) *list = tls_files_read_certificates(ca_file, "authority file", reason);
    if (list == NULL) {
        return false;
    }
    bool done = true;
    *expiry = (struct wall){ .ns = INT64_MAX };
    for (int i = 0; done && i < sk_X509_num(list); i++) {
        X509 *authority = sk_X509_value(list, i);
        struct wall end = tls_files_time(X509_get0_notAfter(authority));
        if (X509_check_ca(authority) == 0) {
            reason_set(reason,
                "authority file %s has a certificate that is not an authority's "
                "(CA:TRUE is missing); was it mixed up with the own certificate?",
                ca_file);
            done = false;
        } else if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) != 1) {
            reason_set(reason, "authority file %s cannot be used: out of memory", ca_file);
            done = false;
        } else if (end.ns > now.ns && end.ns < expiry->ns) {
            *expiry = end;
        }
    }
    if (done && expiry->ns == INT64_MAX) {
        reason_set(reason,
            "authority file %s: every certificate in it has expired; get the "
            "authority's new one",
            ca_file);
        done = false;
    }
    tls_files_free_certificates(list);
    return done;
}

static bool
use_crl(X509_STORE *store, X509_CRL *crl, const char *path, struct wall now, struct wall *expiry,
    struct reason *reason)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    struct wall end = next == NULL ? (struct wall){ .ns = INT64_MAX } : tls_files_time(next);
    if (end.ns <= now.ns) {
        char text[32];
        reason_set(reason,
            "revocation list %s has run out on %s, so that nobody would be let in; "
            "fetch the authority's new one",
            path, show_time(end, text));
        return false;
    }
    if (X509_STORE_add_crl(store, crl) != 1) {
        reason_set(reason, "revocation list %s cannot be used: out of memory", path);
        return false;
    }
    expiry->ns = end.ns < expiry->ns ? end.ns : expiry->ns;
    return true;
}

bool
tls_files_check_revocations(SSL_CTX *context, const char *crl_file, struct wall now,
    struct wall *expiry, struct reason *reason)
{
    STACK_OF(X509_CRL) *list = sk_X509_CRL_new_null();
    if (list == NULL) {
        reason_set(reason, "out of memory");
        return false;
    }
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    bool done = read_objects(crl_file, "revocation list", read_crl, list, reason);
    for (int i = 0; done && i < sk_X509_CRL_num(list); i++) {
        done = use_crl(store, sk_X509_CRL_value(list, i), crl_file, now, expiry, reason);
    }
    (void)X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    sk_X509_CRL_pop_free(list, X509_CRL_free);
    return done;
}

size_t
tls_files_uris(const X509 *certificate, GENERAL_NAMES **names, struct span uris[TLS_FILES_URIS_MAX])
{
    int critical = 0;
    size_t count = 0;
    *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
    if (*names == NULL) {
        /* -1: there is no such extension. Others: it is there twice or cannot be read. */
        return critical == -1 ? 0 : SIZE_MAX;
    }
    for (int i = 0; i < sk_GENERAL_NAME_num(*names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(*names, i);
        if (name->type != GEN_URI) {
            continue;
        }
        if (count == TLS_FILES_URIS_MAX) {
            return SIZE_MAX;
        }
        const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
        uris[count++] = span_from(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri));
    }
    return count;
}
