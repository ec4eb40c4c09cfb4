/* SPDX-License-Identifier: Apache-2.0 */
/* expect_text.h - what was said, in tests of check: the name of the case, what came and what should have. */
#ifndef TESTS_SUPPORT_EXPECT_TEXT_H
#define TESTS_SUPPORT_EXPECT_TEXT_H

#include <check.h>
#include <string.h>

static inline void
expect(const char *name, const char *got, const char *want)
{
    ck_assert_msg(strcmp(got, want) == 0, "%s: got\n%s\nwant\n%s", name, got, want);
}

static inline void
expect_part(const char *name, const char *got, const char *part)
{
    ck_assert_msg(strstr(got, part) != NULL, "%s: got\n%s\nwithout\n%s", name, got, part);
}

#endif
