/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.c - optimal string alignment distance on three rows, bounded to short names. */
#include "host/suggest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

#define DISTANCE_MAX    2
#define SCORE_BEGINNING (DISTANCE_MAX + 1)
#define SCORE_FAR       (DISTANCE_MAX + 2)

static size_t
smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

static bool
same_letter(char a, char b)
{
    return strncasecmp(&a, &b, 1) == 0;
}

/* How many slips turn `a` into `b`; both are at most SUGGEST_SIZE_MAX long. */
static size_t
distance(const char *a, const char *b)
{
    size_t rows[3][SUGGEST_SIZE_MAX + 1];
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);

    for (size_t j = 0; j <= b_size; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        const size_t *older = rows[(i + 1) % 3];
        const size_t *above = rows[(i + 2) % 3];
        size_t *row = rows[i % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t replaced = above[j - 1] + !same_letter(a[i - 1], b[j - 1]);
            row[j] = smallest(above[j] + 1, row[j - 1] + 1, replaced);
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                same_letter(a[i - 2], b[j - 1]) && older[j - 2] + 1 < row[j]) {
                row[j] = older[j - 2] + 1;
            }
        }
    }
    return rows[a_size % 3][b_size];
}

/* One letter is the beginning of too many names to mean anything. */
static bool
one_begins_the_other(const char *a, const char *b)
{
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);
    size_t shorter = a_size < b_size ? a_size : b_size;
    return shorter >= 2 && strncasecmp(a, b, shorter) == 0;
}

static size_t
score(const char *text, const char *name)
{
    size_t text_size = strlen(text);
    size_t name_size = strlen(name);

    if (text_size <= SUGGEST_SIZE_MAX && name_size <= SUGGEST_SIZE_MAX) {
        size_t slips = distance(text, name);
        size_t longer = text_size > name_size ? text_size : name_size;
        /* One slip in two letters, two in five: with fewer letters it is likelier another word. */
        if (slips <= DISTANCE_MAX && slips * 3 <= longer + 1) {
            return slips;
        }
    }
    return one_begins_the_other(text, name) ? SCORE_BEGINNING : SCORE_FAR;
}

void
suggest_init(struct suggest *suggest, const char *text)
{
    CHECK(text != NULL);
    *suggest = (struct suggest){ .text = text, .score = SCORE_FAR };
}

void
suggest_offer(struct suggest *suggest, const char *name)
{
    CHECK(name != NULL);
    size_t found = score(suggest->text, name);
    if (found < suggest->score) {
        suggest->best = name;
        suggest->score = found;
    }
}
