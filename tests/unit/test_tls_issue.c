/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tls_issue.c - what the small authority makes, and what it refuses to make.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "host/tls_issue.h"
#include "tests/support/check_failed.h"
#include "tests/support/pki.h"

#define URI "spiffe://test/federation/eu/bridge/eu-1"

static struct pki pki;

static void
set_up(void)
{
    pki_open(&pki);
    pki_make_ca(&pki, "ca");
}

static void
tear_down(void)
{
    pki_close(&pki);
}

static X509 *
read_certificate(const char *name)
{
    FILE *file = fopen(pki_file(&pki, name, "cert").text, "re");
    ck_assert_ptr_nonnull(file);
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    ck_assert_ptr_nonnull(certificate);
    return certificate;
}

static unsigned
mode_of(const char *path)
{
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    return (unsigned)status.st_mode & 0777u;
}

START_TEST(authority_may_sign_and_revoke_only)
{
    X509 *ca = read_certificate("ca");
    EVP_PKEY *key = X509_get0_pubkey(ca);
    ck_assert_int_eq(X509_check_ca(ca), 1);
    ck_assert_uint_eq(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    ck_assert_int_eq(X509_verify(ca, key), 1);
    ck_assert_int_eq(EVP_PKEY_get_bits(key), 256);
    ck_assert_int_eq(X509_get_version(ca), X509_VERSION_3);
    X509_free(ca);
}
END_TEST

START_TEST(key_is_for_its_owner_only)
{
    mode_t before = umask(0);
    pki_issue(&pki, "ca", "eu-1", URI);
    (void)umask(before);
    ck_assert_uint_eq(mode_of(pki_file(&pki, "eu-1", "key").text), 0600);
    ck_assert_uint_eq(mode_of(pki_file(&pki, "eu-1", "cert").text), 0644);
}
END_TEST

START_TEST(certificate_is_signed_and_for_both_ends)
{
    pki_issue(&pki, "ca", "eu-1", URI);
    X509 *ca = read_certificate("ca");
    X509 *leaf = read_certificate("eu-1");
    ck_assert_int_eq(X509_verify(leaf, X509_get0_pubkey(ca)), 1);
    ck_assert_int_eq(X509_check_ca(leaf), 0);
    ck_assert_uint_eq(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER | XKU_SSL_CLIENT);
    ck_assert_int_eq(X509_check_host(leaf, "localhost", 0, 0, NULL), 1);
    ck_assert_int_eq(X509_check_ip_asc(leaf, "127.0.0.1", 0), 1);
    ck_assert_int_eq(X509_check_ip_asc(leaf, "::1", 0), 1);
    ck_assert_int_eq(X509_check_host(leaf, "example", 0, 0, NULL), 0);
    X509_free(leaf);
    X509_free(ca);
}
END_TEST

START_TEST(serials_differ)
{
    pki_issue(&pki, "ca", "a", URI);
    pki_issue(&pki, "ca", "b", URI);
    X509 *a = read_certificate("a");
    X509 *b = read_certificate("b");
    ck_assert_int_ne(ASN1_INTEGER_cmp(X509_get_serialNumber(a), X509_get_serialNumber(b)), 0);
    X509_free(a);
    X509_free(b);
}
END_TEST

/* A request that would be granted; tests spoil one thing of it. */
struct draft {
    struct pki_path ca_cert;
    struct pki_path ca_key;
    struct pki_path cert;
    struct pki_path key;
    const char *host;
    struct tls_issue_request request;
};

static void
draft_init(struct draft *draft)
{
    draft->ca_cert = pki_file(&pki, "ca", "cert");
    draft->ca_key = pki_file(&pki, "ca", "key");
    draft->cert = pki_file(&pki, "new", "cert");
    draft->key = pki_file(&pki, "new", "key");
    draft->host = "localhost";
    draft->request = (struct tls_issue_request){
        .ca_cert_file = draft->ca_cert.text,
        .ca_key_file = draft->ca_key.text,
        .name = "new",
        .uri = URI,
        .hosts = &draft->host,
        .host_count = 1,
        .now = pki_now(),
        .files = { .cert_file = draft->cert.text, .key_file = draft->key.text },
    };
}

static bool
seconds_between(const ASN1_TIME *from, const ASN1_TIME *to, int want_days, int want_seconds)
{
    int days = 0;
    int seconds = 0;
    ck_assert_int_eq(ASN1_TIME_diff(&days, &seconds, from, to), 1);
    return days == want_days && seconds == want_seconds;
}

START_TEST(certificate_begins_before_it_was_made)
{
    struct draft draft;
    struct reason reason;
    draft_init(&draft);
    draft.request.days = 30;
    ck_assert(tls_issue_create_certificate(&draft.request, &reason));
    X509 *leaf = read_certificate("new");
    ck_assert(seconds_between(X509_get0_notBefore(leaf), X509_get0_notAfter(leaf), 30, 300));
    ck_assert_int_eq(X509_cmp_current_time(X509_get0_notBefore(leaf)), -1);
    X509_free(leaf);
}
END_TEST

START_TEST(certificate_may_be_made_expired)
{
    pki_issue_expired(&pki, "ca", "old", "eu");
    X509 *leaf = read_certificate("old");
    ck_assert_int_eq(X509_cmp_current_time(X509_get0_notAfter(leaf)), -1);
    ck_assert(seconds_between(X509_get0_notBefore(leaf), X509_get0_notAfter(leaf), 1, 0));
    X509_free(leaf);
}
END_TEST

/* 65 bytes. */
#define LONG_NAME "a234567890123456789012345678901234567890123456789012345678901234x"

static const struct refusal_case {
    const char *name;
    const char *common_name;
    const char *uri;
    const char *host;
    unsigned days;
    const char *reason; /* a part of it */
} refusal_cases[] = {
    { "no name", "", URI, "localhost", 1, "the name must have 1 to 64 bytes" },
    { "long name", LONG_NAME, URI, "localhost", 1, "it has 65" },
    { "not a URI", "n", "eu-1", "localhost", 1, "eu-1 is not a URI" },
    { "space in the URI", "n", "spiffe://a b", "localhost", 1, "is not a URI" },
    { "space in the host", "n", URI, "a b", 1, "a b is neither a DNS name nor an IP address" },
    { "comma in the host", "n", URI, "a,URI:spiffe://b", 1, "neither a DNS name" },
    { "empty host", "n", URI, "", 1, "neither a DNS name" },
    { "outlives the authority", "n", URI, "localhost", 36500, "would outlive its authority" },
    { "absurdly long", "n", URI, "localhost", 36501, "36501 days are too long" },
};

START_TEST(bad_requests_are_refused_without_files)
{
    const struct refusal_case *c = &refusal_cases[_i];
    struct draft draft;
    struct reason reason = { "" };
    draft_init(&draft);
    draft.host = c->host;
    draft.request.name = c->common_name;
    draft.request.uri = c->uri;
    draft.request.days = c->days;
    ck_assert_msg(!tls_issue_create_certificate(&draft.request, &reason), "%s: made", c->name);
    ck_assert_msg(strstr(reason.text, c->reason) != NULL, "%s: got \"%s\", want \"%s\"", c->name,
        reason.text, c->reason);
    ck_assert_int_ne(access(draft.cert.text, F_OK), 0);
    ck_assert_int_ne(access(draft.key.text, F_OK), 0);
}
END_TEST

static void
expect_refused(const struct draft *draft, const char *part_a, const char *part_b)
{
    struct reason reason = { "" };
    ck_assert(!tls_issue_create_certificate(&draft->request, &reason));
    ck_assert_msg(strstr(reason.text, part_a) != NULL && strstr(reason.text, part_b) != NULL,
        "got \"%s\", want \"%s\" and \"%s\"", reason.text, part_a, part_b);
}

START_TEST(authority_files_are_judged)
{
    struct draft draft;
    draft_init(&draft);
    pki_make_ca(&pki, "other");
    pki_issue(&pki, "ca", "leaf", URI);
    struct pki_path other_key = pki_file(&pki, "other", "key");
    struct pki_path leaf = pki_file(&pki, "leaf", "cert");
    struct pki_path leaf_key = pki_file(&pki, "leaf", "key");

    draft.request.ca_cert_file = "/nowhere/ca.pem";
    expect_refused(&draft, "/nowhere/ca.pem", "No such file or directory");
    draft.request.ca_cert_file = draft.ca_cert.text;
    draft.request.ca_key_file = "/nowhere/ca.key";
    expect_refused(&draft, "/nowhere/ca.key", "No such file or directory");
    draft.request.ca_key_file = other_key.text;
    expect_refused(&draft, other_key.text, "does not belong to authority");
    draft.request.ca_cert_file = leaf.text;
    draft.request.ca_key_file = leaf_key.text;
    expect_refused(&draft, leaf.text, "is not an authority's certificate");
}
END_TEST

START_TEST(existing_files_stay_unless_forced)
{
    static const char *const kinds[] = { "cert", "key" };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct draft draft;
        draft_init(&draft);
        pki_write(&pki, "new", kinds[i], "precious\n");
        expect_refused(&draft, pki_file(&pki, "new", kinds[i]).text, "exists already");
        struct stat status;
        ck_assert_int_eq(stat(pki_file(&pki, "new", kinds[i]).text, &status), 0);
        ck_assert_int_eq(status.st_size, strlen("precious\n"));
        ck_assert_int_eq(unlink(pki_file(&pki, "new", kinds[i]).text), 0);
    }
    struct draft draft;
    struct reason reason;
    draft_init(&draft);
    pki_write(&pki, "new", "cert", "old\n");
    pki_write(&pki, "new", "key", "old\n");
    ck_assert_int_eq(chmod(draft.key.text, 0644), 0);
    draft.request.files.force = true;
    ck_assert(tls_issue_create_certificate(&draft.request, &reason));
    ck_assert_uint_eq(mode_of(draft.key.text), 0600);
    X509_free(read_certificate("new"));
}
END_TEST

START_TEST(unwritable_folder_is_named)
{
    struct draft draft;
    draft_init(&draft);
    draft.request.files.key_file = "/nowhere/new.key";
    expect_refused(&draft, "/nowhere/new.key", "No such file or directory");
    draft_init(&draft);
    draft.request.files.cert_file = "/nowhere/new.pem";
    expect_refused(&draft, "/nowhere/new.pem", "No such file or directory");
    /* Nothing of the key is left, not even aside. */
    ck_assert_int_ne(access(draft.key.text, F_OK), 0);
    struct pki_path aside = draft.key;
    strcat(aside.text, ".new");
    ck_assert_int_ne(access(aside.text, F_OK), 0);
}
END_TEST

START_TEST(folder_in_the_place_of_a_file_is_named)
{
    struct draft draft;
    draft_init(&draft);
    draft.request.files.cert_file = pki.folder;
    draft.request.files.force = true;
    expect_refused(&draft, pki.folder, "cannot be replaced");
    char aside[80];
    (void)snprintf(aside, sizeof(aside), "%s.new", pki.folder);
    ck_assert_int_ne(access(aside, F_OK), 0);
}
END_TEST

START_TEST(one_path_for_both_files_is_refused)
{
    struct draft draft;
    draft_init(&draft);
    draft.request.files.key_file = draft.request.files.cert_file;
    expect_refused(&draft, "both certificate and key", draft.cert.text);
}
END_TEST

START_TEST(authority_is_refused_for_the_same_reasons)
{
    struct pki_path cert = pki_file(&pki, "ca", "cert");
    struct pki_path key = pki_file(&pki, "fresh", "key");
    struct reason reason = { "" };
    struct tls_issue_ca ca = {
        .name = "x",
        .now = pki_now(),
        .files = { .cert_file = cert.text, .key_file = key.text },
    };
    ck_assert(!tls_issue_create_ca(&ca, &reason));
    ck_assert_ptr_nonnull(strstr(reason.text, "exists already"));
    ca.name = NULL;
    ck_assert(!tls_issue_create_ca(&ca, &reason));
    ck_assert_ptr_nonnull(strstr(reason.text, "the name must have"));
    ca.name = "x";
    ca.days = TLS_ISSUE_DAYS_MAX + 1;
    ck_assert(!tls_issue_create_ca(&ca, &reason));
    ck_assert_ptr_nonnull(strstr(reason.text, "too long"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tls_issue");
    TCase *tcase = tcase_create("issue");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, authority_may_sign_and_revoke_only);
    tcase_add_test(tcase, key_is_for_its_owner_only);
    tcase_add_test(tcase, certificate_is_signed_and_for_both_ends);
    tcase_add_test(tcase, serials_differ);
    tcase_add_test(tcase, certificate_begins_before_it_was_made);
    tcase_add_test(tcase, certificate_may_be_made_expired);
    tcase_add_loop_test(tcase, bad_requests_are_refused_without_files, 0, COUNT_OF(refusal_cases));
    tcase_add_test(tcase, authority_files_are_judged);
    tcase_add_test(tcase, existing_files_stay_unless_forced);
    tcase_add_test(tcase, unwritable_folder_is_named);
    tcase_add_test(tcase, folder_in_the_place_of_a_file_is_named);
    tcase_add_test(tcase, one_path_for_both_files_is_refused);
    tcase_add_test(tcase, authority_is_refused_for_the_same_reasons);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
