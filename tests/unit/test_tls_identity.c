/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tls_identity.c - who a certificate speaks for: patterns, single URIs, several of them.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "host/tls_identity.h"
#include "tests/support/check_failed.h"

#define DEFAULT TLS_IDENTITY_DEFAULT

static const struct pattern_case {
    const char *name;
    const char *pattern;
    const char *fault; /* a part of it; NULL: usable */
} pattern_cases[] = {
    { "the default", DEFAULT, NULL },
    { "text around the federation", "x/a-{federation}-b/*", NULL },
    { "a literal bridge", "x/{federation}/gate", NULL },
    { "only the federation", "{federation}", NULL },
    { "empty", "", "empty" },
    { "no federation", "spiffe://*/bridge/*", "exactly once" },
    { "federation twice", "x/{federation}/{federation}/*", "exactly once" },
    { "two in one part", "x/{federation}{federation}/*", "two wildcards" },
    { "two asterisks in one part", "x/**/{federation}/*", "two wildcards" },
    { "asterisk after the federation", "x/{federation}*/y", "two wildcards" },
    { "asterisk before the federation", "x/*-{federation}/y", "two wildcards" },
    { "ends with a slash", "x/{federation}/", "ends with" },
    { "a space", "x/{federation}/b c", "printable" },
    { "not ASCII", "x/{federation}/\xc3\xa9", "printable" },
    { "misspelt", "x/{Federation}/y", "exactly once" },
};

START_TEST(pattern_faults_are_named)
{
    const struct pattern_case *c = &pattern_cases[_i];
    const char *fault = tls_identity_pattern_fault(span_from_text(c->pattern));
    bool as_wanted =
        c->fault == NULL ? fault == NULL : fault != NULL && strstr(fault, c->fault) != NULL;
    ck_assert_msg(as_wanted, "%s: got %s, want %s", c->name, fault == NULL ? "(none)" : fault,
        c->fault == NULL ? "(none)" : c->fault);
}
END_TEST

#define URI_EU "spiffe://example/federation/eu/bridge/eu-1"

static const struct uri_case {
    const char *name;
    const char *pattern;
    const char *uri;
    const char *federation; /* NULL: no match */
    const char *bridge;
} uri_cases[] = {
    { "plain", DEFAULT, URI_EU, "eu", "eu-1" },
    { "dots and dashes", DEFAULT, "spiffe://a.b/federation/e.u_-1/bridge/b.c", "e.u_-1", "b.c" },
    { "federation like a pattern", DEFAULT, "spiffe://a/federation/*/bridge/b", "*", "b" },
    { "federation like the placeholder", DEFAULT, "spiffe://a/federation/{federation}/bridge/b",
        "{federation}", "b" },
    { "percent is not decoded", DEFAULT, "spiffe://a/federation/e%2Fu/bridge/b", "e%2Fu", "b" },
    { "one character each", DEFAULT, "spiffe://a/federation/b/bridge/c", "b", "c" },
    { "text around", "x/a-{federation}-b/*", "x/a-eu-b/c", "eu", "c" },
    { "text around, overlapping", "x/ab{federation}ba/*", "x/aba/c", NULL, NULL },
    { "text around, nothing between", "x/a{federation}b/*", "x/ab/c", NULL, NULL },
    { "text around, longest", "x/a{federation}a/*", "x/aaaa/c", "aa", "c" },
    { "literal bridge", "x/{federation}/gate", "x/eu/gate", "eu", "gate" },
    { "other literal bridge", "x/{federation}/gate", "x/eu/gate2", NULL, NULL },
    { "only the federation", "{federation}", "eu", "eu", "eu" },
    { "empty", DEFAULT, "", NULL, NULL },
    { "empty federation", DEFAULT, "spiffe://a/federation//bridge/b", NULL, NULL },
    { "empty bridge", DEFAULT, "spiffe://a/federation/eu/bridge/", NULL, NULL },
    { "empty domain", DEFAULT, "spiffe:///federation/eu/bridge/b", NULL, NULL },
    { "no bridge", DEFAULT, "spiffe://a/federation/eu/bridge", NULL, NULL },
    { "more behind", DEFAULT, URI_EU "/more", NULL, NULL },
    { "slash behind", DEFAULT, URI_EU "/", NULL, NULL },
    { "more in front", DEFAULT, "x" URI_EU, NULL, NULL },
    { "a part more in the middle", DEFAULT, "spiffe://a/b/federation/eu/bridge/c", NULL, NULL },
    { "slash in the federation", DEFAULT, "spiffe://a/federation/e/u/bridge/b", NULL, NULL },
    { "other scheme", DEFAULT, "https://a/federation/eu/bridge/b", NULL, NULL },
    { "capitals", DEFAULT, "SPIFFE://a/federation/eu/bridge/b", NULL, NULL },
    { "capitals in the path", DEFAULT, "spiffe://a/Federation/eu/bridge/b", NULL, NULL },
    { "space in the federation", DEFAULT, "spiffe://a/federation/e u/bridge/b", NULL, NULL },
    { "new line in the bridge", DEFAULT, "spiffe://a/federation/eu/bridge/b\n", NULL, NULL },
    { "not ASCII", DEFAULT, "spiffe://a/federation/\xc3\xa9/bridge/b", NULL, NULL },
};

START_TEST(uri_names_federation_or_nothing)
{
    const struct uri_case *c = &uri_cases[_i];
    struct tls_identity identity = { .federation = "untouched", .bridge = "untouched" };
    bool matched =
        tls_identity_federation(span_from_text(c->pattern), span_from_text(c->uri), &identity);
    const char *federation = c->federation == NULL ? "untouched" : c->federation;
    const char *bridge = c->federation == NULL ? "untouched" : c->bridge;
    ck_assert_msg(matched == (c->federation != NULL), "%s: matched is %d", c->name, matched);
    ck_assert_msg(strcmp(identity.federation, federation) == 0, "%s: got federation %s, want %s",
        c->name, identity.federation, federation);
    ck_assert_msg(strcmp(identity.bridge, bridge) == 0, "%s: got bridge %s, want %s", c->name,
        identity.bridge, bridge);
}
END_TEST

START_TEST(nul_in_uri_never_matches)
{
    struct span uri = SPAN("spiffe://a/federation/eu\0x/bridge/b");
    struct tls_identity identity;
    ck_assert(!tls_identity_federation(SPAN(DEFAULT), uri, &identity));
}
END_TEST

START_TEST(names_have_a_longest_size)
{
    for (size_t size = TLS_IDENTITY_NAME_MAX; size <= TLS_IDENTITY_NAME_MAX + 1; size++) {
        char uri[2 + TLS_IDENTITY_NAME_MAX + 8];
        memset(uri, 'f', size);
        memcpy(&uri[size], "/b", 3);
        struct tls_identity identity;
        bool matched =
            tls_identity_federation(SPAN("{federation}/*"), span_from_text(uri), &identity);
        ck_assert_msg(
            matched == (size == TLS_IDENTITY_NAME_MAX), "%zu bytes: got %d", size, matched);
        memcpy(uri, "b/", 2);
        memset(&uri[2], 'b', size);
        uri[2 + size] = '\0';
        matched = tls_identity_federation(SPAN("{federation}/*"), span_from_text(uri), &identity);
        ck_assert_msg(
            matched == (size == TLS_IDENTITY_NAME_MAX), "%zu bytes: got %d", size, matched);
    }
}
END_TEST

static const struct match_case {
    const char *name;
    const char *federation;
    const char *uri;
    bool matches;
} match_cases[] = {
    { "equal", "eu", URI_EU, true },
    { "shorter", "e", URI_EU, false },
    { "longer", "eu2", URI_EU, false },
    { "other case", "EU", URI_EU, false },
    { "none", "", URI_EU, false },
    { "an asterisk is plain text", "*", URI_EU, false },
    { "an asterisk is itself", "*", "spiffe://a/federation/*/bridge/b", true },
    { "a slash never", "e/u", "spiffe://a/federation/e/u/bridge/b", false },
    { "a tail of pattern never", "eu/bridge/b", "spiffe://a/federation/eu/bridge/b/bridge/c",
        false },
};

START_TEST(federation_matches_exactly)
{
    const struct match_case *c = &match_cases[_i];
    bool got =
        tls_identity_matches(SPAN(DEFAULT), span_from_text(c->federation), span_from_text(c->uri));
    ck_assert_msg(got == c->matches, "%s: got %d, want %d", c->name, got, c->matches);
}
END_TEST

#define URI_US "spiffe://example/federation/us/bridge/us-1"

static const struct choose_case {
    const char *name;
    const char *expected;
    const char *uris[3];
    enum tls_identity_result result;
    const char *federation; /* NULL: untouched */
} choose_cases[] = {
    { "no URI", "", { NULL }, TLS_IDENTITY_NONE, NULL },
    { "none matches", "", { "https://a", "spiffe://a/b" }, TLS_IDENTITY_NONE, NULL },
    { "none matches, one expected", "eu", { "https://a" }, TLS_IDENTITY_NONE, NULL },
    { "one", "", { URI_EU }, TLS_IDENTITY_OK, "eu" },
    { "one among others", "", { "https://a", URI_EU, "urn:b" }, TLS_IDENTITY_OK, "eu" },
    { "the same twice", "", { URI_EU, URI_EU }, TLS_IDENTITY_OK, "eu" },
    { "the same in two domains", "", { URI_EU, "spiffe://b/federation/eu/bridge/eu-1" },
        TLS_IDENTITY_OK, "eu" },
    { "two federations", "", { URI_EU, URI_US }, TLS_IDENTITY_AMBIGUOUS, NULL },
    { "two bridges", "", { URI_EU, "spiffe://a/federation/eu/bridge/eu-2" }, TLS_IDENTITY_AMBIGUOUS,
        NULL },
    { "the expected of two", "us", { URI_EU, URI_US }, TLS_IDENTITY_OK, "us" },
    { "the expected one", "eu", { URI_EU }, TLS_IDENTITY_OK, "eu" },
    { "two bridges of the expected", "eu", { URI_EU, "spiffe://a/federation/eu/bridge/eu-2" },
        TLS_IDENTITY_AMBIGUOUS, NULL },
    { "another", "ap", { URI_EU }, TLS_IDENTITY_OTHER, "eu" },
    { "two others, the first is told", "ap", { URI_US, URI_EU }, TLS_IDENTITY_OTHER, "us" },
};

START_TEST(certificate_with_several_uris)
{
    const struct choose_case *c = &choose_cases[_i];
    struct span uris[3];
    size_t count = 0;
    while (count < COUNT_OF(c->uris) && c->uris[count] != NULL) {
        uris[count] = span_from_text(c->uris[count]);
        count++;
    }
    struct tls_identity identity = { .federation = "untouched" };
    enum tls_identity_result result =
        tls_identity_choose(SPAN(DEFAULT), span_from_text(c->expected), uris, count, &identity);
    const char *federation = c->federation == NULL ? "untouched" : c->federation;
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->name,
        tls_identity_result_name(result), tls_identity_result_name(c->result));
    ck_assert_msg(strcmp(identity.federation, federation) == 0, "%s: got %s, want %s", c->name,
        identity.federation, federation);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tls_identity");
    TCase *tcase = tcase_create("identity");

    tcase_add_loop_test(tcase, pattern_faults_are_named, 0, COUNT_OF(pattern_cases));
    tcase_add_loop_test(tcase, uri_names_federation_or_nothing, 0, COUNT_OF(uri_cases));
    tcase_add_test(tcase, nul_in_uri_never_matches);
    tcase_add_test(tcase, names_have_a_longest_size);
    tcase_add_loop_test(tcase, federation_matches_exactly, 0, COUNT_OF(match_cases));
    tcase_add_loop_test(tcase, certificate_with_several_uris, 0, COUNT_OF(choose_cases));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
