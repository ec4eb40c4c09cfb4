/* SPDX-License-Identifier: Apache-2.0 */
/*
 * built_in.h - the commands that every node answers by itself (protocol.md 5.3).
 *
 * Each node offers them under the same names; they speak of that node or of its cluster. They mean
 * nothing in another federation and are never exported.
 */
#ifndef CORE_BUILT_IN_H
#define CORE_BUILT_IN_H

#include <stdbool.h>

#include "base/span.h"

bool built_in_is(struct span name);

#endif
