/* SPDX-License-Identifier: Apache-2.0 */
/* check_failed.h - the test programs' check_failed(): include once, in the file with main(). */
#ifndef TESTS_SUPPORT_CHECK_FAILED_H
#define TESTS_SUPPORT_CHECK_FAILED_H

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

_Noreturn void
check_failed(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK(%s) failed\n", file, line, claim);
    abort();
}

#endif
