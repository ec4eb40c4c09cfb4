/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.c - Unicode 15, table 3-7: the second byte's range depends on the first, the rest is 80..BF. */
#include "host/utf8.h"

#include "base/check.h"

static const struct lead {
    uint8_t from;
    uint8_t to;
    uint8_t size;
    uint8_t second_from;
    uint8_t second_to;
} leads[] = {
    { 0x00, 0x7f, 1, 0x00, 0x00 },
    { 0xc2, 0xdf, 2, 0x80, 0xbf },
    { 0xe0, 0xe0, 3, 0xa0, 0xbf },
    { 0xe1, 0xec, 3, 0x80, 0xbf },
    { 0xed, 0xed, 3, 0x80, 0x9f },
    { 0xee, 0xef, 3, 0x80, 0xbf },
    { 0xf0, 0xf0, 4, 0x90, 0xbf },
    { 0xf1, 0xf3, 4, 0x80, 0xbf },
    { 0xf4, 0xf4, 4, 0x80, 0x8f },
};

static const struct lead *
find_lead(uint8_t byte)
{
    for (size_t i = 0; i < COUNT_OF(leads); i++) {
        if (byte >= leads[i].from && byte <= leads[i].to) {
            return &leads[i];
        }
    }
    return NULL;
}

size_t
utf8_size(struct span text)
{
    const struct lead *lead = text.size == 0 ? NULL : find_lead(text.data[0]);
    if (lead == NULL || lead->size > text.size) {
        return 0;
    }
    if (lead->size > 1 && (text.data[1] < lead->second_from || text.data[1] > lead->second_to)) {
        return 0;
    }
    for (size_t i = 2; i < lead->size; i++) {
        if ((text.data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return lead->size;
}

bool
utf8_valid(struct span text)
{
    while (text.size > 0) {
        size_t size = utf8_size(text);
        if (size == 0) {
            return false;
        }
        text = span_after(text, size);
    }
    return true;
}
