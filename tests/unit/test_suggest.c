/* SPDX-License-Identifier: Apache-2.0 */
/* test_suggest.c - what is near, what is not, and which of several is nearest. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "host/suggest.h"
#include "tests/support/check_failed.h"

/* 64 letters: one more than is compared letter by letter. */
#define LONG "abcdefghabcdefghabcdefghabcdefghabcdefghabcdefghabcdefghabcdefgh"

static const struct suggest_case {
    const char *name;
    const char *text;
    const char *offered[4];
    const char *best; /* NULL: none */
} cases[] = {
    { "a letter lost", "lisen", { "cluster_id", "listen" }, "listen" },
    { "a letter too many", "seedss", { "seeds" }, "seeds" },
    { "a letter replaced", "rigion", { "region" }, "region" },
    { "two swapped", "brust", { "burst" }, "burst" },
    { "two slips", "resuorcs", { "resources" }, "resources" },
    { "three slips", "rsuorcs", { "resources" }, NULL },
    { "other case", "Listen", { "listen" }, "listen" },
    { "hyphen for underscore", "cluster-id", { "cluster_id" }, "cluster_id" },
    { "camel case", "clusterId", { "cluster_id" }, "cluster_id" },
    { "too short for two slips", "max", { "any" }, NULL },
    { "four letters, two slips", "name", { "node" }, NULL },
    { "two letters, one slip", "eu", { "us" }, NULL },
    { "two letters swapped", "ue", { "eu" }, "eu" },
    { "a beginning", "conn", { "connect" }, "connect" },
    { "more than the name", "listen_address", { "listen" }, "listen" },
    { "one letter begins too much", "c", { "connect" }, NULL },
    { "nothing", "", { "connect" }, NULL },
    { "nothing near", "zebra", { "listen", "seeds" }, NULL },
    { "none offered", "zebra", { NULL }, NULL },
    { "nearest wins", "lasten", { "lists", "listen", "fasten" }, "listen" },
    { "slips before beginnings", "list", { "listening", "lost" }, "lost" },
    { "long, by its beginning", LONG, { "abcdefgh" }, "abcdefgh" },
    { "long, one slip", LONG, { LONG "x" }, LONG "x" },
    { "long, other beginning", LONG, { "x" LONG }, NULL },
};

START_TEST(nearest_name_is_suggested)
{
    const struct suggest_case *c = &cases[_i];
    struct suggest suggest;
    suggest_init(&suggest, c->text);
    for (size_t i = 0; i < COUNT_OF(c->offered) && c->offered[i] != NULL; i++) {
        suggest_offer(&suggest, c->offered[i]);
    }
    const char *got = suggest.best == NULL ? "(none)" : suggest.best;
    const char *want = c->best == NULL ? "(none)" : c->best;
    ck_assert_msg(strcmp(got, want) == 0, "%s: got %s, want %s", c->name, got, want);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("suggest");
    TCase *tcase = tcase_create("suggest");
    tcase_add_loop_test(tcase, nearest_name_is_suggested, 0, (int)COUNT_OF(cases));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
