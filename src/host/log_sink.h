/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_sink.h - where the facts of base/log.h become lines: text for people, or JSON for machines.
 *
 *      2026-11-22T10:06:01.123Z info  link.up link=eu took_ms=12
 *      {"time":"2026-11-22T10:06:01.123Z","level":"info","event":"link.up","link":"eu","took_ms":12}
 *
 * Times are UTC. Texts come from peers too: control characters and what is not UTF-8 are escaped, and
 * each text is cut at LOG_SINK_TEXT_SIZE_MAX bytes ("..." marks the cut), so a line is one line.
 *
 * Of one name at most LOG_SINK_RATE_MAX lines are written a second. The others are counted, and the
 * count is told by a line log.suppressed before the next line that is written after that second.
 */
#ifndef HOST_LOG_SINK_H
#define HOST_LOG_SINK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/instant.h"
#include "base/log.h"

#define LOG_SINK_TEXT_SIZE_MAX ((size_t)256)
#define LOG_SINK_RATE_MAX      20u
#define LOG_SINK_RATE_NS       SEC_NS
/* Names whose rate is watched: more than there are in the programs. Further ones are not limited. */
#define LOG_SINK_NAMES_MAX 256u

enum log_sink_format {
    LOG_SINK_TEXT = 0,
    LOG_SINK_JSON,
};

struct log_sink_name {
    const char *name; /* a literal */
    struct instant since;
    uint64_t written; /* within the second that began at `since` */
    uint64_t suppressed;
};

struct log_sink {
    struct log log; /* what others write to; lives and dies with the sink */
    FILE *out;
    enum log_sink_format format;
    void *clock_owner;
    struct now (*clock)(void *owner);
    struct log_sink_name names[LOG_SINK_NAMES_MAX];
    uint32_t name_count;
    bool has_suppressed; /* some name has */
};

struct log_sink_config {
    FILE *out; /* borrowed */
    enum log_level level;
    enum log_sink_format format;
    void *clock_owner;
    struct now (*clock)(void *owner); /* NULL: the system's clocks */
};

/* The sink must not move afterwards. */
void log_sink_init(struct log_sink *sink, const struct log_sink_config *config);

/* Tells what is still suppressed. */
void log_sink_destroy(struct log_sink *sink);

const char *log_sink_level_name(enum log_level level);

/* The system's clocks. */
struct now log_sink_now(void);

/* "2026-11-22T10:06:01.123Z", as in the log; also for the admin interface. */
struct log_sink_time {
    char text[32];
};
struct log_sink_time log_sink_time(struct wall time);

#endif
