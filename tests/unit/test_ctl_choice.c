/* SPDX-License-Identifier: Apache-2.0 */
/* test_ctl_choice.c - what is told of the choice among imports. */
#include "app/ctl_choice.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static const struct choice {
    const char *json;
    const char *words;
} choices[] = {
    { "{'offer':'offered','chosen_link':'eu','decided_by':'only','candidates':1}", "" },
    { "{'offer':'offered','chosen_link':'eu','decided_by':'hops','candidates':3}",
        "first of 3 by hops" },
    { "{'offer':'offered','chosen_link':'eu','decided_by':'only','candidates':1,'stale':true}",
        "stale" },
    { "{'offer':'conflict','chosen_link':'eu','decided_by':'only','candidates':1}", "conflict" },
    { "{'offer':'pending','chosen_link':'eu','decided_by':'cost','candidates':2}",
        "pending, first of 2 by cost" },
    { "{'offer':'standby','chosen_link':'ap','decided_by':'round_trip','candidates':null}",
        "standby: link ap by round_trip" },
    { "{'offer':'standby','chosen_link':'ap','decided_by':'stale','stale':true}",
        "standby: link ap by stale, stale" },
    { "{'offer':'standby','chosen_link':'ap','decided_by':'freshness','stale':false,'doubted':"
      "true}",
        "standby: link ap by freshness, doubted" },
    { "{'offer':'offered','chosen_link':'ap','decided_by':'only','stale':true,'doubted':true}",
        "stale" },
    { "{'offer':'offered','chosen_link':'ap','decided_by':'only','candidates':1,'doubted':true}",
        "doubted" },
    { "{'offer':'standby','chosen_link':null,'decided_by':null}", "standby" },
    { "{}", "" },
};

START_TEST(words_say_which_step_decided)
{
    const struct choice *c = &choices[_i];
    char text[128];
    char json[256];
    (void)snprintf(json, sizeof(json), "%s", c->json);
    for (char *at = json; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    json_t *import = json_loads(json, 0, NULL);
    ck_assert_ptr_nonnull(import);
    ctl_choice_write(import, text, sizeof(text));
    ck_assert_str_eq(text, c->words);
    json_decref(import);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ctl_choice");
    TCase *tcase = tcase_create("choice");
    tcase_add_loop_test(
        tcase, words_say_which_step_decided, 0, (int)(sizeof(choices) / sizeof(choices[0])));
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
