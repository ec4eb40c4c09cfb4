/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_file.h - whole files that mpregctl reads. */
#ifndef APP_CTL_FILE_H
#define APP_CTL_FILE_H

#include "base/buf.h"

/* Append all of a file. false: errno says why; EFBIG: it does not fit. */
MUST_CHECK bool ctl_file_read(const char *path, struct buf *into);

#endif
