/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_failed.c - how a program ends when a CHECK does not hold: the claim on stderr, then a core.
 *
 * In a file of its own, since tests bring theirs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

_Noreturn void
check_failed(const char *claim, const char *file, int line)
{
    (void)fprintf(
        stderr, "%s:%d: CHECK(%s) failed; this is a bug of the program\n", file, line, claim);
    abort();
}
