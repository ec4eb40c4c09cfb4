/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8.h - is this text well-formed UTF-8? For what comes from outside YAML: the environment, file
 * names, and values that were cut for a message.
 */
#ifndef HOST_UTF8_H
#define HOST_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/* The bytes of the character that `text` begins with, 1 to 4; 0 when it is empty, or not well formed
 * (overlong, a surrogate, above U+10FFFF, cut). */
size_t utf8_size(struct span text);

bool utf8_valid(struct span text);

#endif
