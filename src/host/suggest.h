/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suggest.h - "did you mean ...?": the known name that is nearest to what somebody wrote.
 *
 * Offer every name that would be allowed; the best is kept. Near is, in this order: equal but for
 * the case of letters; one or two slips away (a letter added, lost, replaced, or two swapped), if the
 * name is long enough for that not to be another word; one being the beginning of the other.
 */
#ifndef HOST_SUGGEST_H
#define HOST_SUGGEST_H

#include <stddef.h>

/* Longer texts get a suggestion only by their beginning. */
#define SUGGEST_SIZE_MAX 63

struct suggest {
    const char *text;
    const char *best; /* the name offered that is nearest, or NULL: none is near */
    size_t score;     /* of the best; lower is nearer */
};

/* Borrows `text`, and every name offered. */
void suggest_init(struct suggest *suggest, const char *text);

/* Of two names equally near, the one offered first is kept. */
void suggest_offer(struct suggest *suggest, const char *name);

#endif
