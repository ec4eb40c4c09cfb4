/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_write.h - write JSON into a buf, in order, without a tree.
 *
 * Commas are the writer's business. Keys and strings are escaped; ill-formed UTF-8 becomes U+FFFD, so that
 * the output is always valid. Raw values are trusted: give only what json_scan has accepted. Overflow is
 * sticky in the buf; ask buf->overflowed once at the end.
 */
#ifndef CORE_JSON_WRITE_H
#define CORE_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

struct json_writer {
    struct buf *buf;
    bool comma; /* a comma is due before the next item */
};

struct json_writer json_write_into(struct buf *buf);

void json_begin_object(struct json_writer *writer);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end_array(struct json_writer *writer);

/* Inside an object: exactly one value follows. json_write_key takes keys of ours: nothing to escape. */
void json_write_key(struct json_writer *writer, const char *key);
void json_write_key_span(struct json_writer *writer, struct span key);

void json_write_string(struct json_writer *writer, struct span text);
void json_write_text(struct json_writer *writer, const char *text);
void json_write_raw(struct json_writer *writer, struct span json);
void json_write_u64(struct json_writer *writer, uint64_t value);
void json_write_i64(struct json_writer *writer, int64_t value);
void json_write_bool(struct json_writer *writer, bool value);
void json_write_null(struct json_writer *writer);
/* Nanoseconds as decimal seconds without trailing zeros, at least one fractional digit: 120.0, 1.25. */
void json_write_seconds(struct json_writer *writer, int64_t ns);

#endif
