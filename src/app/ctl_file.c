/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_file.c - read until nothing comes any more. */
#include "app/ctl_file.h"

#include <errno.h>
#include <stdio.h>

bool
ctl_file_read(const char *path, struct buf *into)
{
    FILE *file = fopen(path, "rbe");
    size_t got = 1;
    if (file == NULL) {
        return false;
    }
    while (got > 0 && !into->overflowed) {
        uint8_t part[4096];
        got = fread(part, 1, sizeof(part), file);
        buf_add(into, span_from(part, got));
    }
    int reason = into->overflowed ? EFBIG : errno;
    bool good = ferror(file) == 0 && !into->overflowed;
    (void)fclose(file);
    errno = reason;
    return good;
}
