/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity.h - a function's identity, kept once for all who keep it.
 *
 * One function stands in many tables: what nodes advertise, what policy sees, what a link is told. Its name, id and
 * version are most of what each has to remember, so they are a block of their own that is never changed and counts its
 * holders. A view of it (struct function_identity) says what it is a view of: whoever keeps the view next holds the same
 * block, and only what was renamed on the way is copied.
 */
#ifndef CORE_IDENTITY_H
#define CORE_IDENTITY_H

#include <stdint.h>

#include "base/mem.h"
#include "core/function.h"

/* Bytes of each text. Decoders take NAME_SIZE_MAX. */
#define IDENTITY_TEXT_MAX ((size_t)UINT16_MAX)

struct identity;

/*
 * One more holds the identity: the block that `from` is a view of, if that is in `mem`, or else a copy. NULL: no memory,
 * or a text is above IDENTITY_TEXT_MAX.
 */
MUST_CHECK struct identity *identity_hold(struct mem *mem, const struct function_identity *from);

/* One less; the last one frees it. NULL is allowed. */
void identity_release(struct identity *identity);

/* Texts live as long as somebody holds it. */
struct function_identity identity_view(struct identity *identity);
struct span identity_name(const struct identity *identity);

#endif
