/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - facts, not sentences: a stable dotted name and typed fields.
 *
 * The pure layers only call a sink; the host formats, escapes, cuts and writes. Fields borrow:
 * a sink copies what it wants to keep. The first field is the subject.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum log_level {
    LOG_LEVEL_ERROR = 0, /* someone must act */
    LOG_LEVEL_WARN,      /* something was wrong and we coped */
    LOG_LEVEL_INFO,      /* the life of a peer, a link or of the configuration */
    LOG_LEVEL_DEBUG,     /* about one line per message */
};

enum log_kind {
    LOG_KIND_U64 = 0,
    LOG_KIND_TEXT,
};

struct log_field {
    const char *key; /* snake_case; the unit last: took_ms */
    enum log_kind kind;
    uint64_t number;  /* LOG_KIND_U64 */
    struct span text; /* LOG_KIND_TEXT; may be any bytes that a peer sent */
};

struct log {
    enum log_level level; /* what is more detailed than this is not built */
    void *host;
    void (*write)(void *host, enum log_level level, const char *name,
        const struct log_field *fields, size_t field_count);
};

#define LOG_U64(key_, number_) ((struct log_field){ .key = (key_), .number = (number_) })
#define LOG_MS(key_, ns_)      LOG_U64((key_), (ns_) / 1000000u)
#define LOG_SPAN(key_, span_)                                                                      \
    ((struct log_field){ .key = (key_), .kind = LOG_KIND_TEXT, .text = (span_) })
#define LOG_TEXT(key_, text_) LOG_SPAN((key_), span_from_text(text_))

/* The level is tested before the fields are built. */
#define LOG_AT(log_, level_, name_, ...)                                                           \
    do {                                                                                           \
        if ((level_) <= (log_)->level) {                                                           \
            const struct log_field log_fields_[] = { __VA_ARGS__ };                                \
            (log_)->write((log_)->host, (level_), (name_), log_fields_, COUNT_OF(log_fields_));    \
        }                                                                                          \
    } while (0)

#define LOG_ERROR(log_, name_, ...) LOG_AT((log_), LOG_LEVEL_ERROR, (name_), __VA_ARGS__)
#define LOG_WARN(log_, name_, ...)  LOG_AT((log_), LOG_LEVEL_WARN, (name_), __VA_ARGS__)
#define LOG_INFO(log_, name_, ...)  LOG_AT((log_), LOG_LEVEL_INFO, (name_), __VA_ARGS__)
#define LOG_DEBUG(log_, name_, ...) LOG_AT((log_), LOG_LEVEL_DEBUG, (name_), __VA_ARGS__)

#endif
