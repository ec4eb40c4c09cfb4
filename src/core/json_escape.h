/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_escape.h - escapes inside JSON strings. Shared by json_scan.c and json_read.c; others use json_scan.h.
 */
#ifndef CORE_JSON_ESCAPE_H
#define CORE_JSON_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/*
 * Decode the escape at `at`, where a backslash is. Returns its size in the text, 2, 6 or 12, or 0: it is
 * illegal, cut off, or a lone surrogate; *character is then of no use.
 */
MUST_CHECK size_t json_escape_read(struct span text, size_t at, uint32_t *character);

/* Whether `raw`, a valid string with its quotes, decodes to `text`. `escaped`: it has a backslash. */
bool json_string_is(struct span raw, bool escaped, struct span text);

#endif
