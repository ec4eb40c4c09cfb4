/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_refusal.h - the payload of REFUSED (docs/link-protocol.md 1): why, and when to come back. Pure.
 *
 *      text [ 0 fields ]
 *
 * The text ends at the first zero byte, which no text has; behind it are fields as in control frames. Whoever reads
 * the text only is not disturbed, and whoever reads fields skips those that it does not know.
 */
#ifndef HOST_LINK_REFUSAL_H
#define HOST_LINK_REFUSAL_H

#include <stdint.h>

#include "base/span.h"

/* Of the payload. */
#define LINK_REFUSAL_MAX ((size_t)256)

struct link_refusal {
    struct span text;        /* for people */
    uint64_t retry_after_ns; /* 0: it does not say */
};

/* The size of what was written to `place`. The text has no zero byte; it is cut where it is too long. */
size_t link_refusal_write(uint8_t place[LINK_REFUSAL_MAX], const struct link_refusal *refusal);

/* Of any bytes; fields that cannot be are as if they were not there. The text borrows from `payload`. */
struct link_refusal link_refusal_read(struct span payload);

#endif
