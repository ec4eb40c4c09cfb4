/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reason.h - one line of text for a human: what failed, where, and what to do about it.
 *
 * Too long a text is cut. Text from a peer goes in through reason_escape() only, so that a line of
 * a log or of a terminal stays one line.
 */
#ifndef HOST_REASON_H
#define HOST_REASON_H

#include "base/check.h"
#include "base/span.h"

#define REASON_SIZE      ((size_t)512)
#define REASON_PEER_SIZE ((size_t)160)

struct reason {
    char text[REASON_SIZE]; /* ends with NUL */
};

/* Bytes that somebody else chose, made printable: '?' for what is not, "..." where it was cut. */
struct reason_escaped {
    char text[REASON_PEER_SIZE];
};

void reason_set(struct reason *reason, const char *format, ...) PRINTF(2);

/* Add to the end of what is there. */
void reason_add(struct reason *reason, const char *format, ...) PRINTF(2);

MUST_CHECK struct reason_escaped reason_escape(struct span text);

#endif
