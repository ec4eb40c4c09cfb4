/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_issue.c - keys and certificates made and written.
 *
 * Both entrances are at the end: prepare a certificate, sign it, put key and certificate in place.
 */
#include "host/tls_issue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "host/tls_files.h"

#define DAY_NS           (86400 * SEC_NS)
#define NAME_SIZE_MAX    64 /* ub-common-name of RFC 5280 */
#define DNS_SIZE_MAX     253
#define URI_SIZE_MAX     2048
#define SERIAL_BITS      127 /* positive and at most 20 bytes in DER, RFC 5280 section 4.1.2.2 */
#define ASIDE_SUFFIX     ".new"
#define PATH_SIZE_MAX    4096
#define KEY_MODE         0600
#define CERTIFICATE_MODE 0644

/* A key pair and its certificate, with what signs it; destroy_work() releases what is there. */
struct work {
    EVP_PKEY *key;
    X509 *certificate;
    EVP_PKEY *issuer_key; /* borrowed by a CA, which signs itself */
    X509 *issuer;         /* likewise */
    bool self_signed;
};

static void
destroy_work(struct work *work)
{
    if (!work->self_signed) {
        EVP_PKEY_free(work->issuer_key);
        X509_free(work->issuer);
    }
    EVP_PKEY_free(work->key);
    X509_free(work->certificate);
    ERR_clear_error();
}

static void
say_openssl(const char *what, struct reason *reason)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    reason_set(reason, "%s failed: %s", what, text == NULL ? "out of memory" : text);
    ERR_clear_error();
}

static bool
check_name(const char *name, struct reason *reason)
{
    size_t size = name == NULL ? 0 : strlen(name);
    if (size == 0 || size > NAME_SIZE_MAX) {
        reason_set(reason, "the name must have 1 to %d bytes, it has %zu", NAME_SIZE_MAX, size);
        return false;
    }
    return true;
}

static bool
check_days(unsigned days, struct reason *reason)
{
    if (days > TLS_ISSUE_DAYS_MAX) {
        reason_set(reason, "%u days are too long, at most %u", days, TLS_ISSUE_DAYS_MAX);
        return false;
    }
    return true;
}

/* Refused before any work is done, so that nobody waits for a key that is then thrown away. */
static bool
check_absent(const char *path, bool force, struct reason *reason)
{
    struct stat status;
    if (strlen(path) + sizeof(ASIDE_SUFFIX) > PATH_SIZE_MAX) {
        reason_set(
            reason, "the path of %s... is too long", reason_escape(span_from(path, 60)).text);
        return false;
    }
    if (!force && lstat(path, &status) == 0) {
        reason_set(
            reason, "%s exists already; choose another name, or use --force to replace it", path);
        return false;
    }
    return true;
}

static bool
check_files(const struct tls_issue_files *files, struct reason *reason)
{
    CHECK(files->cert_file != NULL);
    CHECK(files->key_file != NULL);
    if (strcmp(files->cert_file, files->key_file) == 0) {
        reason_set(reason, "%s cannot be both certificate and key file", files->cert_file);
        return false;
    }
    return check_absent(files->key_file, files->force, reason) &&
           check_absent(files->cert_file, files->force, reason);
}

static bool
set_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool done = number != NULL &&
                BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done;
}

static bool
set_subject(X509 *certificate, const char *name)
{
    const unsigned char *text = (const unsigned char *)name;
    return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName,
               MBSTRING_UTF8, text, -1, -1, 0) == 1;
}

static bool
set_dates(X509 *certificate, struct wall start, struct wall end)
{
    time_t first = (time_t)(start.ns / (int64_t)SEC_NS);
    time_t last = (time_t)(end.ns / (int64_t)SEC_NS);
    return ASN1_TIME_set(X509_getm_notBefore(certificate), first) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), last) != NULL;
}

/* `value` is a constant of this file, in the language of OpenSSL's configuration. */
static bool
add_extension(const struct work *work, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, work->issuer, work->certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool done = extension != NULL && X509_add_ext(work->certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

static bool
prepare(
    struct work *work, const char *name, struct wall start, struct wall end, struct reason *reason)
{
    work->key = EVP_EC_gen("P-256");
    work->certificate = X509_new();
    if (work->self_signed) {
        work->issuer = work->certificate;
        work->issuer_key = work->key;
    }
    bool done = work->key != NULL && work->certificate != NULL &&
                X509_set_version(work->certificate, X509_VERSION_3) == 1 &&
                set_serial(work->certificate) && set_subject(work->certificate, name) &&
                set_dates(work->certificate, start, end) &&
                X509_set_pubkey(work->certificate, work->key) == 1 &&
                X509_set_issuer_name(work->certificate, X509_get_subject_name(work->issuer)) == 1 &&
                add_extension(work, NID_subject_key_identifier, "hash") &&
                add_extension(work, NID_authority_key_identifier, "keyid:always");
    if (!done) {
        say_openssl("making the certificate", reason);
    }
    return done;
}

static bool
name_is_dns(const char *host)
{
    size_t size = strlen(host);
    for (size_t i = 0; i < size; i++) {
        bool letter = (host[i] >= 'a' && host[i] <= 'z') || (host[i] >= 'A' && host[i] <= 'Z');
        bool digit = host[i] >= '0' && host[i] <= '9';
        if (!letter && !digit && strchr("-._*", host[i]) == NULL) {
            return false;
        }
    }
    return size > 0 && size <= DNS_SIZE_MAX;
}

static bool
text_is_uri(const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    return strstr(text, "://") != NULL && strlen(text) <= URI_SIZE_MAX;
}

/* Takes `value`. */
static bool
push_name(GENERAL_NAMES *names, int type, ASN1_STRING *value)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    if (name == NULL || value == NULL) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(names, name) == 0) {
        GENERAL_NAME_free(name);
        return false;
    }
    return true;
}

static ASN1_STRING *
make_text(const char *text)
{
    ASN1_STRING *value = ASN1_STRING_type_new(V_ASN1_IA5STRING);
    if (value != NULL && ASN1_STRING_set(value, text, -1) != 1) {
        ASN1_STRING_free(value);
        return NULL;
    }
    return value;
}

static bool
push_host(GENERAL_NAMES *names, const char *host, struct reason *reason)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
    ERR_clear_error();
    if (address == NULL && !name_is_dns(host)) {
        reason_set(reason, "%s is neither a DNS name nor an IP address",
            reason_escape(span_from_text(host)).text);
        return false;
    }
    bool done = address != NULL ? push_name(names, GEN_IPADD, address)
                                : push_name(names, GEN_DNS, make_text(host));
    if (!done) {
        say_openssl("making the certificate", reason);
    }
    return done;
}

static bool
collect_names(GENERAL_NAMES *names, const struct tls_issue_request *request, struct reason *reason)
{
    if (request->uri != NULL && !text_is_uri(request->uri)) {
        reason_set(reason, "%s is not a URI such as spiffe://example/federation/eu/bridge/eu-1",
            reason_escape(span_from_text(request->uri)).text);
        return false;
    }
    if (request->uri != NULL && !push_name(names, GEN_URI, make_text(request->uri))) {
        say_openssl("making the certificate", reason);
        return false;
    }
    for (size_t i = 0; i < request->host_count; i++) {
        if (!push_host(names, request->hosts[i], reason)) {
            return false;
        }
    }
    return true;
}

static bool
add_names(X509 *certificate, const struct tls_issue_request *request, struct reason *reason)
{
    if (request->uri == NULL && request->host_count == 0) {
        return true;
    }
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    if (names == NULL) {
        say_openssl("making the certificate", reason);
        return false;
    }
    bool done = collect_names(names, request, reason);
    if (done && X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) != 1) {
        say_openssl("making the certificate", reason);
        done = false;
    }
    GENERAL_NAMES_free(names);
    return done;
}

static bool
write_whole(int fd, struct span content)
{
    while (content.size > 0) {
        ssize_t written = write(fd, content.data, content.size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return false;
        }
        content = span_after(content, (size_t)written);
    }
    return fsync(fd) == 0;
}

/* Write `content` to the path and ASIDE_SUFFIX, whose name is put into `aside`. */
static bool
write_aside(const char *path, mode_t mode, struct span content, char aside[PATH_SIZE_MAX],
    struct reason *reason)
{
    (void)snprintf(aside, PATH_SIZE_MAX, "%s" ASIDE_SUFFIX, path);
    /* Left by a process that was killed; O_EXCL below must not follow a link of somebody else. */
    (void)unlink(aside);
    int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool done = fd >= 0 && write_whole(fd, content);
    if (!done) {
        reason_set(reason, "%s cannot be written: %s", aside, strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (fd >= 0 && !done) {
        (void)unlink(aside);
    }
    return done;
}

static bool
put_in_place(const char *aside, const char *path, struct reason *reason)
{
    if (rename(aside, path) == 0) {
        return true;
    }
    reason_set(reason, "%s cannot be replaced: %s", path, strerror(errno));
    (void)unlink(aside);
    return false;
}

static struct span
content_of(BIO *pem)
{
    char *data = NULL;
    long size = BIO_get_mem_data(pem, &data);
    return span_from(data, (size_t)size);
}

static bool
write_pair(const struct tls_issue_files *files, BIO *key, BIO *certificate, struct reason *reason)
{
    char key_aside[PATH_SIZE_MAX];
    char cert_aside[PATH_SIZE_MAX];
    if (!write_aside(files->key_file, KEY_MODE, content_of(key), key_aside, reason)) {
        return false;
    }
    if (!write_aside(
            files->cert_file, CERTIFICATE_MODE, content_of(certificate), cert_aside, reason)) {
        (void)unlink(key_aside);
        return false;
    }
    if (!put_in_place(key_aside, files->key_file, reason)) {
        (void)unlink(cert_aside);
        return false;
    }
    return put_in_place(cert_aside, files->cert_file, reason);
}

static bool
sign_and_write(const struct work *work, const struct tls_issue_files *files, struct reason *reason)
{
    BIO *key = BIO_new(BIO_s_secmem());
    BIO *certificate = BIO_new(BIO_s_mem());
    bool done = key != NULL && certificate != NULL &&
                X509_sign(work->certificate, work->issuer_key, EVP_sha256()) > 0 &&
                PEM_write_bio_PKCS8PrivateKey(key, work->key, NULL, NULL, 0, NULL, NULL) == 1 &&
                PEM_write_bio_X509(certificate, work->certificate) == 1;
    if (!done) {
        say_openssl("signing the certificate", reason);
    } else {
        done = write_pair(files, key, certificate, reason);
    }
    BIO_free(key);
    BIO_free(certificate);
    return done;
}

static struct wall
days_after(struct wall start, unsigned days)
{
    return wall_after(start, days * DAY_NS);
}

static struct wall
backdated(struct wall now)
{
    return (struct wall){ .ns = now.ns - (int64_t)TLS_ISSUE_BACKDATE_NS };
}

bool
tls_issue_create_ca(const struct tls_issue_ca *ca, struct reason *reason)
{
    if (!check_name(ca->name, reason) || !check_days(ca->days, reason) ||
        !check_files(&ca->files, reason)) {
        return false;
    }
    struct work work = { .self_signed = true };
    struct wall end = days_after(ca->now, ca->days == 0 ? TLS_ISSUE_CA_DAYS : ca->days);
    bool done = prepare(&work, ca->name, backdated(ca->now), end, reason);
    if (done && (!add_extension(&work, NID_basic_constraints, "critical,CA:TRUE") ||
                    !add_extension(&work, NID_key_usage, "critical,keyCertSign,cRLSign"))) {
        say_openssl("making the certificate", reason);
        done = false;
    }
    done = done && sign_and_write(&work, &ca->files, reason);
    destroy_work(&work);
    return done;
}

static bool
read_issuer(const struct tls_issue_request *request, struct work *work, struct reason *reason)
{
    STACK_OF(X509) *list =
        tls_files_read_certificates(request->ca_cert_file, "authority file", reason);
    if (list == NULL) {
        return false;
    }
    work->issuer = sk_X509_shift(list);
    tls_files_free_certificates(list);
    work->issuer_key = tls_files_read_key(request->ca_key_file, reason);
    if (work->issuer_key == NULL) {
        return false;
    }
    if (X509_check_ca(work->issuer) != 1) {
        reason_set(reason, "authority file %s is not an authority's certificate (CA:TRUE)",
            request->ca_cert_file);
        return false;
    }
    if (X509_check_private_key(work->issuer, work->issuer_key) != 1) {
        reason_set(reason, "key file %s does not belong to authority %s", request->ca_key_file,
            request->ca_cert_file);
        return false;
    }
    return true;
}

static bool
add_usage(const struct work *work, struct reason *reason)
{
    if (add_extension(work, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(work, NID_key_usage, "critical,digitalSignature") &&
        add_extension(work, NID_ext_key_usage, "serverAuth,clientAuth")) {
        return true;
    }
    say_openssl("making the certificate", reason);
    return false;
}

static bool
issue(const struct tls_issue_request *request, struct work *work, struct reason *reason)
{
    if (!read_issuer(request, work, reason)) {
        return false;
    }
    struct wall start = backdated(request->now);
    struct wall end = days_after(request->now, request->days == 0 ? TLS_ISSUE_DAYS : request->days);
    end = request->not_after.ns == 0 ? end : request->not_after;
    if (end.ns <= start.ns) {
        /* Even an expired certificate was valid once. */
        start.ns = end.ns - (int64_t)DAY_NS;
    }
    if (end.ns > tls_files_time(X509_get0_notAfter(work->issuer)).ns) {
        reason_set(reason,
            "the certificate would outlive its authority %s; ask for fewer days or "
            "renew the authority",
            request->ca_cert_file);
        return false;
    }
    return prepare(work, request->name, start, end, reason) && add_usage(work, reason) &&
           add_names(work->certificate, request, reason) &&
           sign_and_write(work, &request->files, reason);
}

bool
tls_issue_create_certificate(const struct tls_issue_request *request, struct reason *reason)
{
    CHECK(request->ca_cert_file != NULL);
    CHECK(request->ca_key_file != NULL);
    if (!check_name(request->name, reason) || !check_days(request->days, reason) ||
        !check_files(&request->files, reason)) {
        return false;
    }
    struct work work = { .self_signed = false };
    bool done = issue(request, &work, reason);
    destroy_work(&work);
    return done;
}
