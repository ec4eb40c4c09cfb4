/* SPDX-License-Identifier: Apache-2.0 */
/*
 * printable.h - texts that somebody else chose, made fit for a terminal or a log.
 *
 * Well-formed UTF-8 stays as it is. Escaped are control characters, bytes that are not UTF-8, and the
 * characters that break lines or turn the direction of writing, since they let a peer forge what the
 * reader sees: a line feed as \n, a tab as \t, everything else byte by byte as \x1b.
 */
#ifndef HOST_PRINTABLE_H
#define HOST_PRINTABLE_H

#include "base/buf.h"
#include "base/span.h"

/* `quote` is escaped with a backslash, as the backslash then is; 0: neither. */
void printable_add(struct buf *out, struct span text, char quote);

/* How many columns an escaped text takes, one for each character. */
size_t printable_width(struct span escaped);

/* The first part of `text` that has at most `size_max` bytes and tears no character. */
struct span printable_cut(struct span text, size_t size_max);

#endif
