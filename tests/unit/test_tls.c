/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tls.c - contexts from good and bad files, and what two sessions make of each other. The
 * network's part is in test_link_refusal.c.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "host/tls.h"
#include "tests/support/check_failed.h"
#include "tests/support/pki.h"

#define NOBODY 65534

static struct pki pki;

static void
set_up(void)
{
    pki_open(&pki);
    pki_make_ca(&pki, "ca");
    pki_issue_bridge(&pki, "ca", "us-1", "us");
}

static void
tear_down(void)
{
    pki_close(&pki);
}

/* Settings that are good; tests spoil one thing of them. */
struct draft {
    struct pki_path cert;
    struct pki_path key;
    struct pki_path ca;
    struct pki_path crl;
    struct tls_settings settings;
};

static void
draft_init(struct draft *draft)
{
    draft->cert = pki_file(&pki, "us-1", "cert");
    draft->key = pki_file(&pki, "us-1", "key");
    draft->ca = pki_file(&pki, "ca", "cert");
    draft->crl = pki_file(&pki, "list", "crl");
    draft->settings = (struct tls_settings){
        .cert_file = draft->cert.text,
        .key_file = draft->key.text,
        .ca_file = draft->ca.text,
    };
}

static void
expect_refused(const struct draft *draft, const char *part_a, const char *part_b)
{
    struct reason reason = { "" };
    struct tls_context *context = tls_context_create(&draft->settings, pki_now(), &reason);
    ck_assert_msg(context == NULL, "made, want \"%s\"", part_b);
    ck_assert_msg(strstr(reason.text, part_a) != NULL && strstr(reason.text, part_b) != NULL,
        "got \"%s\", want \"%s\" and \"%s\"", reason.text, part_a, part_b);
}

START_TEST(good_files_give_context_with_expiry)
{
    struct draft draft;
    struct reason reason;
    draft_init(&draft);
    draft.settings.federation = "us";
    struct tls_context *context = tls_context_create(&draft.settings, pki_now(), &reason);
    ck_assert_ptr_nonnull(context);
    int64_t left_ns = tls_context_certificate_expiry(context).ns - pki_now().ns;
    ck_assert_int_gt(left_ns, (int64_t)(364 * 86400 * SEC_NS));
    ck_assert_int_le(left_ns, (int64_t)(365 * 86400 * SEC_NS));
    ck_assert_int_gt(tls_context_authority_expiry(context).ns, pki_now().ns);
    ck_assert_int_eq(tls_context_crl_expiry(context).ns, INT64_MAX);
    tls_context_unref(tls_context_ref(context));
    tls_context_unref(context);
}
END_TEST

START_TEST(missing_files_are_named)
{
    struct draft draft;
    draft_init(&draft);
    draft.settings.cert_file = "/nowhere/a.pem";
    expect_refused(&draft, "certificate /nowhere/a.pem cannot be read", "No such file");
    draft_init(&draft);
    draft.settings.key_file = "/nowhere/a.key";
    expect_refused(&draft, "key file /nowhere/a.key cannot be read", "No such file");
    draft_init(&draft);
    draft.settings.ca_file = "/nowhere/ca.pem";
    expect_refused(&draft, "authority file /nowhere/ca.pem cannot be read", "No such file");
    draft_init(&draft);
    draft.settings.crl_file = "/nowhere/crl.pem";
    expect_refused(&draft, "revocation list /nowhere/crl.pem cannot be read", "No such file");
}
END_TEST

START_TEST(unreadable_file_is_named)
{
    struct draft draft;
    draft_init(&draft);
    ck_assert_int_eq(chmod(draft.key.text, 0), 0);
    ck_assert_int_eq(chmod(pki.folder, 0755), 0);
    /* The mode does not bind the superuser. */
    bool super = geteuid() == 0;
    ck_assert(!super || seteuid(NOBODY) == 0);
    expect_refused(&draft, draft.key.text, "Permission denied; let the user this process runs as");
    ck_assert(!super || seteuid(0) == 0);
    draft.settings.key_file = pki.folder;
    expect_refused(&draft, pki.folder, "Is a directory");
}
END_TEST

START_TEST(what_is_not_pem_is_refused)
{
    struct draft draft;
    draft_init(&draft);
    pki_write(&pki, "text", "cert", "hello\n");
    pki_write(&pki, "cut", "cert",
        "-----BEGIN CERTIFICATE-----\nMIIBhTCCASugAwIBAgIQ\n-----END CERTIFICATE-----\n");
    struct pki_path text = pki_file(&pki, "text", "cert");
    struct pki_path cut = pki_file(&pki, "cut", "cert");
    draft.settings.cert_file = text.text;
    expect_refused(&draft, text.text, "is not a whole PEM file");
    draft.settings.cert_file = cut.text;
    expect_refused(&draft, cut.text, "is not a whole PEM file");
    draft_init(&draft);
    draft.settings.key_file = draft.cert.text;
    expect_refused(&draft, draft.cert.text, "is not a PEM private key");
    draft_init(&draft);
    draft.settings.ca_file = draft.key.text;
    expect_refused(&draft, draft.key.text, "is not a whole PEM file");
    draft_init(&draft);
    draft.settings.crl_file = draft.ca.text;
    expect_refused(&draft, draft.ca.text, "BEGIN X509 CRL");
}
END_TEST

START_TEST(huge_file_is_refused)
{
    struct draft draft;
    draft_init(&draft);
    draft.settings.cert_file = "/dev/zero";
    expect_refused(&draft, "/dev/zero", "is larger than");
}
END_TEST

START_TEST(key_of_another_certificate_is_refused)
{
    struct draft draft;
    draft_init(&draft);
    pki_issue_bridge(&pki, "ca", "us-2", "us");
    struct pki_path key = pki_file(&pki, "us-2", "key");
    draft.settings.key_file = key.text;
    expect_refused(&draft, key.text, "does not belong to certificate");
    expect_refused(&draft, key.text, draft.cert.text);
}
END_TEST

static void
encrypt_key(const char *from, const char *to)
{
    FILE *file = fopen(from, "re");
    ck_assert_ptr_nonnull(file);
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    (void)fclose(file);
    ck_assert_ptr_nonnull(key);
    file = fopen(to, "we");
    ck_assert_ptr_nonnull(file);
    char password[] = "secret";
    ck_assert_int_eq(
        PEM_write_PKCS8PrivateKey(file, key, EVP_aes_128_cbc(), password, 6, NULL, NULL), 1);
    (void)fclose(file);
    EVP_PKEY_free(key);
}

START_TEST(encrypted_key_is_refused_without_asking)
{
    struct draft draft;
    draft_init(&draft);
    struct pki_path key = pki_file(&pki, "locked", "key");
    encrypt_key(draft.key.text, key.text);
    draft.settings.key_file = key.text;
    expect_refused(&draft, key.text, "is encrypted");
}
END_TEST

START_TEST(dates_of_own_certificate_are_judged)
{
    struct draft draft;
    struct reason reason = { "" };
    pki_issue_expired(&pki, "ca", "old", "us");
    draft_init(&draft);
    draft.cert = pki_file(&pki, "old", "cert");
    draft.key = pki_file(&pki, "old", "key");
    expect_refused(&draft, draft.cert.text, "has expired on 2020-01-01T01:00:00Z");
    draft_init(&draft);
    ck_assert_ptr_null(tls_context_create(&draft.settings, PKI_LONG_AGO, &reason));
    ck_assert_ptr_nonnull(strstr(reason.text, "is not valid before"));
}
END_TEST

START_TEST(authority_must_be_one_and_alive)
{
    struct draft draft;
    draft_init(&draft);
    draft.settings.ca_file = draft.cert.text;
    expect_refused(&draft, draft.cert.text, "is not an authority's (CA:TRUE is missing)");

    struct wall now = pki_now();
    struct wall later = { .ns = now.ns + (int64_t)(300 * 86400 * SEC_NS) };
    struct pki_path brief = pki_file(&pki, "brief", "cert");
    struct reason reason = { "" };
    pki_make_ca_from(&pki, "brief", now, 1);
    draft_init(&draft);
    draft.settings.ca_file = brief.text;
    ck_assert_ptr_null(tls_context_create(&draft.settings, later, &reason));
    ck_assert_ptr_nonnull(strstr(reason.text, "every certificate in it has expired"));
}
END_TEST

START_TEST(revocation_list_must_be_alive)
{
    struct draft draft;
    struct reason reason;
    draft_init(&draft);
    draft.settings.crl_file = draft.crl.text;
    struct wall end = { .ns = PKI_LONG_AGO.ns + (int64_t)SEC_NS };
    pki_make_crl(&pki, "ca", "list", NULL, end);
    expect_refused(&draft, draft.crl.text, "has run out on 2020-01-01T00:00:01Z");
    end = (struct wall){ .ns = (pki_now().ns / (int64_t)SEC_NS + 3600) * (int64_t)SEC_NS };
    pki_make_crl(&pki, "ca", "list", NULL, end);
    struct tls_context *context = tls_context_create(&draft.settings, pki_now(), &reason);
    ck_assert_ptr_nonnull(context);
    ck_assert_int_eq(tls_context_crl_expiry(context).ns, end.ns);
    tls_context_unref(context);
}
END_TEST

START_TEST(own_certificate_must_name_own_federation)
{
    struct draft draft;
    draft_init(&draft);
    draft.settings.federation = "eu";
    expect_refused(&draft, draft.cert.text, "names federation us, expected eu");
    pki_issue(&pki, "ca", "nameless", NULL);
    struct pki_path cert = pki_file(&pki, "nameless", "cert");
    struct pki_path key = pki_file(&pki, "nameless", "key");
    draft.settings.cert_file = cert.text;
    draft.settings.key_file = key.text;
    expect_refused(&draft, cert.text, "names no federation: URI (none) does not match");
}
END_TEST

START_TEST(own_certificate_of_another_bridge_is_refused)
{
    struct draft draft;
    struct reason reason;
    draft_init(&draft);
    draft.settings.federation = "us";
    draft.settings.bridge = "us-2";
    expect_refused(&draft, "certificate names bridge us-1", "called us-2");
    draft.settings.bridge = "us-1";
    struct tls_context *context = tls_context_create(&draft.settings, pki_now(), &reason);
    ck_assert_ptr_nonnull(context);
    tls_context_unref(context);
}
END_TEST

static void
be_client_only(X509 *certificate)
{
    pki_set_extension(certificate, NID_ext_key_usage, "clientAuth");
}

static void
be_server_only(X509 *certificate)
{
    pki_set_extension(certificate, NID_ext_key_usage, "serverAuth");
}

static void
be_two_bridges(X509 *certificate)
{
    pki_set_extension(certificate, NID_subject_alt_name,
        "URI:spiffe://a/federation/us/bridge/b,URI:spiffe://a/federation/us/bridge/c");
}

static void
have_names_twice(X509 *certificate)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(
        NULL, NULL, NID_subject_alt_name, "URI:spiffe://a/federation/us/bridge/b");
    ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void
have_many_names(X509 *certificate)
{
    char names[2048] = "URI:spiffe://a/federation/us/bridge/b";
    for (size_t i = 0; i < 32; i++) {
        strcat(names, ",URI:https://a");
    }
    pki_set_extension(certificate, NID_subject_alt_name, names);
}

static const struct odd_case {
    const char *name;
    pki_spoil spoil;
    const char *reason;
} odd_cases[] = {
    { "client only", be_client_only, "may not be used for both ends of TLS" },
    { "server only", be_server_only, "may not be used for both ends of TLS" },
    { "two bridges", be_two_bridges, "names more than one bridge" },
    { "subjectAltName twice", have_names_twice, "has an extension twice" },
    { "33 URIs", have_many_names, "more than 32 URIs" },
};

START_TEST(odd_certificates_are_refused)
{
    const struct odd_case *c = &odd_cases[_i];
    struct draft draft;
    draft_init(&draft);
    pki_issue_odd(&pki, "ca", "odd", c->spoil);
    draft.cert = pki_file(&pki, "odd", "cert");
    draft.key = pki_file(&pki, "odd", "key");
    draft.settings.federation = "us";
    expect_refused(&draft, draft.cert.text, c->reason);
}
END_TEST

START_TEST(identity_pattern_is_judged)
{
    struct draft draft;
    draft_init(&draft);
    draft.settings.identity = "spiffe://*/*";
    expect_refused(&draft, "identity pattern spiffe://*/*", "{federation} exactly once");
}
END_TEST

/* --- two sessions, joined by OpenSSL's memory pipe --- */

struct pair {
    struct tls_context *contexts[2]; /* dialer, acceptor */
    SSL *sessions[2];
};

static void
pair_init(struct pair *pair, struct tls_context *dialer, struct tls_context *acceptor)
{
    BIO *ends[2];
    ck_assert_int_eq(BIO_new_bio_pair(&ends[0], 0, &ends[1], 0), 1);
    pair->contexts[0] = dialer;
    pair->contexts[1] = acceptor;
    pair->sessions[0] = tls_session_create(dialer, TLS_ROLE_DIAL);
    pair->sessions[1] = tls_session_create(acceptor, TLS_ROLE_ACCEPT);
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_nonnull(pair->sessions[i]);
        SSL_set_bio(pair->sessions[i], ends[i], ends[i]);
    }
}

static void
pair_destroy(struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        SSL_free(pair->sessions[i]);
        tls_context_unref(pair->contexts[i]);
    }
}

/* Until both are through, or one has failed: that one's side (0 dialer, 1 acceptor), else -1. */
static int
pair_shake_hands(struct pair *pair)
{
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 2; i++) {
            int status = SSL_do_handshake(pair->sessions[i]);
            if (status != 1 && SSL_get_error(pair->sessions[i], status) != SSL_ERROR_WANT_READ) {
                return i;
            }
        }
    }
    ck_assert_int_eq(SSL_is_init_finished(pair->sessions[0]), 1);
    ck_assert_int_eq(SSL_is_init_finished(pair->sessions[1]), 1);
    return -1;
}

START_TEST(sessions_identify_each_other)
{
    struct pair pair;
    struct tls_identity identity;
    struct reason reason;
    pki_issue_bridge(&pki, "ca", "eu-1", "eu");
    struct wall now = pki_now();
    pair_init(&pair, pki_context(&pki, "us-1", "ca", NULL, now),
        pki_context(&pki, "eu-1", "ca", NULL, now));
    ck_assert_int_eq(pair_shake_hands(&pair), -1);
    ck_assert_str_eq(SSL_get_version(pair.sessions[0]), "TLSv1.3");
    ck_assert(
        tls_session_identify(pair.contexts[0], pair.sessions[0], SPAN("eu"), &identity, &reason));
    ck_assert_str_eq(identity.federation, "eu");
    ck_assert_str_eq(identity.bridge, "eu-1");
    ck_assert(
        tls_session_identify(pair.contexts[1], pair.sessions[1], SPAN_NONE, &identity, &reason));
    ck_assert_str_eq(identity.federation, "us");
    ck_assert(
        !tls_session_identify(pair.contexts[1], pair.sessions[1], SPAN("ap"), &identity, &reason));
    ck_assert_str_eq(reason.text, "certificate names federation us, expected ap");
    ck_assert_int_eq(tls_session_peer_expiry(pair.sessions[0]).ns,
        tls_context_certificate_expiry(pair.contexts[1]).ns);
    pair_destroy(&pair);
}
END_TEST

static const struct verdict_case {
    const char *name;
    const char *dialer;
    const char *dialer_trusts;
    const char *acceptor;
    const char *acceptor_trusts;
    const char *acceptor_crl;
    int refuses; /* 0 dialer, 1 acceptor */
    const char *reason;
    const char *other; /* what the refused one says */
} verdict_cases[] = {
    { "rogue dialer", "rogue", "ca", "us-1", "ca", NULL, 1,
        "unable to get local issuer certificate",
        "48: it does not trust the authority of our certificate" },
    { "rogue acceptor", "us-1", "ca", "rogue", "rogue-ca", NULL, 0,
        "unable to get local issuer certificate",
        "48: it does not trust the authority of our certificate" },
    { "expired dialer", "old", "ca", "us-1", "ca", NULL, 1, "certificate has expired",
        "45: our certificate has expired, or its clock is wrong" },
    { "expired acceptor", "us-1", "ca", "old", "ca", NULL, 0, "certificate has expired",
        "45: our certificate has expired, or its clock is wrong" },
    { "revoked dialer", "eu-1", "ca", "us-1", "ca", "list", 1, "certificate revoked",
        "44: our certificate is revoked" },
    { "authority without a list", "rogue", "ca", "us-1", "both", "list", 1,
        "unable to get certificate CRL", "48: it does not trust the authority of our certificate" },
};

static void
join_files(const char *to, const char *const *names, size_t name_count)
{
    char content[8192] = "";
    for (size_t i = 0; i < name_count; i++) {
        FILE *file = fopen(pki_file(&pki, names[i], "cert").text, "re");
        ck_assert_ptr_nonnull(file);
        size_t used = strlen(content);
        used += fread(&content[used], 1, sizeof(content) - used - 1, file);
        content[used] = '\0';
        (void)fclose(file);
    }
    pki_write(&pki, to, "cert", content);
}

START_TEST(untrusted_peers_are_refused)
{
    const struct verdict_case *c = &verdict_cases[_i];
    static const char *const both[] = { "ca", "rogue-ca" };
    struct pair pair;
    struct reason reason;
    pki_make_ca(&pki, "rogue-ca");
    pki_issue_bridge(&pki, "rogue-ca", "rogue", "eu");
    pki_issue_bridge(&pki, "ca", "eu-1", "eu");
    pki_issue_expired(&pki, "ca", "old", "eu");
    join_files("both", both, COUNT_OF(both));
    pki_make_crl(
        &pki, "ca", "list", "eu-1", (struct wall){ .ns = pki_now().ns + (int64_t)(3600 * SEC_NS) });
    struct wall dialer_now = strcmp(c->dialer, "old") == 0 ? PKI_LONG_AGO : pki_now();
    struct wall acceptor_now = strcmp(c->acceptor, "old") == 0 ? PKI_LONG_AGO : pki_now();
    pair_init(&pair, pki_context(&pki, c->dialer, c->dialer_trusts, NULL, dialer_now),
        pki_context(&pki, c->acceptor, c->acceptor_trusts, c->acceptor_crl, acceptor_now));

    int side = pair_shake_hands(&pair);

    ck_assert_msg(side == c->refuses, "%s: side %d refused, want %d", c->name, side, c->refuses);
    tls_session_explain(pair.sessions[side], &reason);
    struct reason want;
    reason_set(&want, "certificate verify failed: %s", c->reason);
    ck_assert_msg(strcmp(reason.text, want.text) == 0, "%s: got \"%s\", want \"%s\"", c->name,
        reason.text, want.text);
    SSL *refused = pair.sessions[1 - side];
    uint8_t byte;
    ck_assert_int_le(SSL_read(refused, &byte, 1), 0);
    tls_session_explain(refused, &reason);
    reason_set(&want, "the peer refused with TLS alert %s", c->other);
    ck_assert_msg(strcmp(reason.text, want.text) == 0, "%s: got \"%s\", want \"%s\"", c->name,
        reason.text, want.text);
    pair_destroy(&pair);
}
END_TEST

START_TEST(session_works_after_the_context_was_given_back)
{
    struct tls_context *context = pki_context(&pki, "us-1", "ca", NULL, pki_now());
    SSL *session = tls_session_create(context, TLS_ROLE_DIAL);
    tls_context_unref(context);
    ck_assert_int_eq(SSL_get_min_proto_version(session), TLS1_3_VERSION);
    SSL_free(session);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tls");
    TCase *tcase = tcase_create("context");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, good_files_give_context_with_expiry);
    tcase_add_test(tcase, missing_files_are_named);
    tcase_add_test(tcase, unreadable_file_is_named);
    tcase_add_test(tcase, what_is_not_pem_is_refused);
    tcase_add_test(tcase, huge_file_is_refused);
    tcase_add_test(tcase, key_of_another_certificate_is_refused);
    tcase_add_test(tcase, encrypted_key_is_refused_without_asking);
    tcase_add_test(tcase, dates_of_own_certificate_are_judged);
    tcase_add_test(tcase, authority_must_be_one_and_alive);
    tcase_add_test(tcase, revocation_list_must_be_alive);
    tcase_add_test(tcase, own_certificate_must_name_own_federation);
    tcase_add_test(tcase, own_certificate_of_another_bridge_is_refused);
    tcase_add_loop_test(tcase, odd_certificates_are_refused, 0, COUNT_OF(odd_cases));
    tcase_add_test(tcase, identity_pattern_is_judged);
    tcase_add_test(tcase, sessions_identify_each_other);
    tcase_add_loop_test(tcase, untrusted_peers_are_refused, 0, COUNT_OF(verdict_cases));
    tcase_add_test(tcase, session_works_after_the_context_was_given_back);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
