/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pki.c - see pki.h.
 */
#include "tests/support/pki.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <dirent.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "host/tls_issue.h"

void
pki_open(struct pki *pki)
{
    (void)snprintf(pki->folder, sizeof(pki->folder), "/tmp/mpreg-pki-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(pki->folder));
}

void
pki_close(struct pki *pki)
{
    DIR *folder = opendir(pki->folder);
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    (void)closedir(folder);
    ck_assert_int_eq(rmdir(pki->folder), 0);
}

struct wall
pki_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (struct wall){ .ns = (int64_t)now.tv_sec * (int64_t)SEC_NS + now.tv_nsec };
}

struct pki_path
pki_file(const struct pki *pki, const char *name, const char *kind)
{
    struct pki_path path;
    (void)snprintf(path.text, sizeof(path.text), "%s/%s.%s.pem", pki->folder, name, kind);
    return path;
}

void
pki_write(const struct pki *pki, const char *name, const char *kind, const char *content)
{
    FILE *file = fopen(pki_file(pki, name, kind).text, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(content, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

void
pki_make_ca_from(const struct pki *pki, const char *name, struct wall start, unsigned days)
{
    struct pki_path cert = pki_file(pki, name, "cert");
    struct pki_path key = pki_file(pki, name, "key");
    struct reason reason = { "" };
    struct tls_issue_ca ca = {
        .name = name,
        .now = start,
        .days = days,
        .files = { .cert_file = cert.text, .key_file = key.text },
    };
    ck_assert_msg(tls_issue_create_ca(&ca, &reason), "%s", reason.text);
}

void
pki_make_ca(const struct pki *pki, const char *name)
{
    /* Older than what it signs for the past. */
    struct wall start = { .ns = PKI_LONG_AGO.ns - (int64_t)(365 * 86400 * SEC_NS) };
    pki_make_ca_from(pki, name, start, 7300);
}

static void
issue(
    const struct pki *pki, const char *ca, const char *name, const char *uri, struct wall not_after)
{
    struct pki_path ca_cert = pki_file(pki, ca, "cert");
    struct pki_path ca_key = pki_file(pki, ca, "key");
    struct pki_path cert = pki_file(pki, name, "cert");
    struct pki_path key = pki_file(pki, name, "key");
    static const char *const hosts[] = { "localhost", "127.0.0.1", "::1" };
    struct reason reason = { "" };
    struct tls_issue_request request = {
        .ca_cert_file = ca_cert.text,
        .ca_key_file = ca_key.text,
        .name = name,
        .uri = uri,
        .hosts = hosts,
        .host_count = COUNT_OF(hosts),
        .now = pki_now(),
        .not_after = not_after,
        .files = { .cert_file = cert.text, .key_file = key.text },
    };
    ck_assert_msg(tls_issue_create_certificate(&request, &reason), "%s", reason.text);
}

void
pki_issue(const struct pki *pki, const char *ca, const char *name, const char *uri)
{
    issue(pki, ca, name, uri, (struct wall){ 0 });
}

static struct pki_path
bridge_uri(const char *name, const char *federation)
{
    struct pki_path uri;
    (void)snprintf(
        uri.text, sizeof(uri.text), "spiffe://test/federation/%s/bridge/%s", federation, name);
    return uri;
}

void
pki_issue_bridge(const struct pki *pki, const char *ca, const char *name, const char *federation)
{
    pki_issue(pki, ca, name, bridge_uri(name, federation).text);
}

void
pki_issue_expired(const struct pki *pki, const char *ca, const char *name, const char *federation)
{
    struct wall end = { .ns = PKI_LONG_AGO.ns + (int64_t)(3600 * SEC_NS) };
    issue(pki, ca, name, bridge_uri(name, federation).text, end);
}

static X509 *
read_certificate(const struct pki *pki, const char *name)
{
    FILE *file = fopen(pki_file(pki, name, "cert").text, "re");
    ck_assert_ptr_nonnull(file);
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(certificate);
    (void)fclose(file);
    return certificate;
}

static EVP_PKEY *
read_key(const struct pki *pki, const char *name)
{
    FILE *file = fopen(pki_file(pki, name, "key").text, "re");
    ck_assert_ptr_nonnull(file);
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(key);
    (void)fclose(file);
    return key;
}

void
pki_set_extension(X509 *certificate, int nid, const char *value)
{
    int at = X509_get_ext_by_NID(certificate, nid, -1);
    X509_EXTENSION_free(at < 0 ? NULL : X509_delete_ext(certificate, at));
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

void
pki_issue_odd(const struct pki *pki, const char *ca, const char *name, pki_spoil spoil)
{
    pki_issue_bridge(pki, ca, name, "odd");
    X509 *certificate = read_certificate(pki, name);
    EVP_PKEY *key = read_key(pki, ca);
    spoil(certificate);
    ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);
    FILE *file = fopen(pki_file(pki, name, "cert").text, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(PEM_write_X509(file, certificate), 1);
    (void)fclose(file);
    EVP_PKEY_free(key);
    X509_free(certificate);
}

static void
add_entry(const struct pki *pki, X509_CRL *crl, const char *revoked, ASN1_TIME *when)
{
    X509 *certificate = read_certificate(pki, revoked);
    X509_REVOKED *entry = X509_REVOKED_new();
    ck_assert_int_eq(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate)), 1);
    ck_assert_int_eq(X509_REVOKED_set_revocationDate(entry, when), 1);
    ck_assert_int_eq(X509_CRL_add0_revoked(crl, entry), 1);
    X509_free(certificate);
}

void
pki_make_crl(
    const struct pki *pki, const char *ca, const char *name, const char *revoked, struct wall end)
{
    X509 *authority = read_certificate(pki, ca);
    EVP_PKEY *key = read_key(pki, ca);
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *start = ASN1_TIME_set(NULL, (time_t)(PKI_LONG_AGO.ns / (int64_t)SEC_NS));
    ASN1_TIME *next = ASN1_TIME_set(NULL, (time_t)(end.ns / (int64_t)SEC_NS));
    ck_assert_int_eq(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
    ck_assert_int_eq(X509_CRL_set_issuer_name(crl, X509_get_subject_name(authority)), 1);
    ck_assert_int_eq(X509_CRL_set1_lastUpdate(crl, start), 1);
    ck_assert_int_eq(X509_CRL_set1_nextUpdate(crl, next), 1);
    if (revoked != NULL) {
        add_entry(pki, crl, revoked, start);
    }
    ck_assert_int_gt(X509_CRL_sign(crl, key, EVP_sha256()), 0);
    FILE *file = fopen(pki_file(pki, name, "crl").text, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(PEM_write_X509_CRL(file, crl), 1);
    (void)fclose(file);
    ASN1_TIME_free(start);
    ASN1_TIME_free(next);
    X509_CRL_free(crl);
    EVP_PKEY_free(key);
    X509_free(authority);
}

struct tls_context *
pki_context(
    const struct pki *pki, const char *name, const char *ca, const char *crl, struct wall now)
{
    struct pki_path cert = pki_file(pki, name, "cert");
    struct pki_path key = pki_file(pki, name, "key");
    struct pki_path authority = pki_file(pki, ca, "cert");
    struct pki_path revocations = pki_file(pki, crl == NULL ? "" : crl, "crl");
    struct reason reason = { "" };
    struct tls_settings settings = {
        .cert_file = cert.text,
        .key_file = key.text,
        .ca_file = authority.text,
        .crl_file = crl == NULL ? NULL : revocations.text,
    };
    struct tls_context *context = tls_context_create(&settings, now, &reason);
    ck_assert_msg(context != NULL, "%s", reason.text);
    return context;
}
