/* SPDX-License-Identifier: Apache-2.0 */
/* at.h - the time at which tests ask, where no other is meant: 2026-12-01T00:00:00Z. */
#ifndef TESTS_SUPPORT_AT_H
#define TESTS_SUPPORT_AT_H

#include "base/instant.h"

#define AT ((struct wall){ .ns = INT64_C(1796083200) * (int64_t)SEC_NS })

#endif
