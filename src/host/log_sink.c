/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_sink.c - one line is composed whole and written with one call, so that lines never mix.
 */
#include "host/log_sink.h"

#include <string.h>

#include <time.h>

#include "base/buf.h"
#include "core/json_write.h"
#include "host/printable.h"

/* A line of 24 fields of the largest text, each byte of it escaped. */
#define LINE_SIZE_MAX ((size_t)64 * 1024)

struct now
log_sink_now(void)
{
    struct timespec wall;
    struct timespec mono;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    (void)clock_gettime(CLOCK_MONOTONIC, &mono);
    return (struct now){
        .wall = { .ns = (int64_t)wall.tv_sec * (int64_t)SEC_NS + wall.tv_nsec },
        .mono = { .ns = (uint64_t)mono.tv_sec * SEC_NS + (uint64_t)mono.tv_nsec },
    };
}

static struct now
system_clock(void *owner)
{
    (void)owner;
    return log_sink_now();
}

struct log_sink_time
log_sink_time(struct wall time)
{
    struct log_sink_time written;
    time_t seconds = (time_t)(time.ns / (int64_t)SEC_NS);
    int64_t rest_ns = time.ns % (int64_t)SEC_NS;
    struct tm utc;
    char date[24] = "";
    if (rest_ns < 0) {
        rest_ns += (int64_t)SEC_NS;
        seconds--;
    }
    if (gmtime_r(&seconds, &utc) != NULL) {
        (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    }
    (void)snprintf(written.text, sizeof(written.text), "%s.%03uZ", date,
        (unsigned)(rest_ns / (int64_t)MS_NS) % 1000u);
    return written;
}

const char *
log_sink_level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error";
    case LOG_LEVEL_WARN:
        return "warn";
    case LOG_LEVEL_INFO:
        return "info";
    case LOG_LEVEL_DEBUG:
        return "debug";
    }
    return "unknown";
}

/* ---- Lines ---- */

/* What a line is composed in; its memory comes and goes with the line. */
struct composer {
    struct mem mem;
    struct buf line;
};

static bool
is_plain(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte <= ' ' || byte >= 0x7f || byte == '"' || byte == '=' || byte == '\\') {
            return false;
        }
    }
    return text.size > 0;
}

static void
add_text_field(struct buf *line, const struct log_field *field)
{
    struct span shown = printable_cut(field->text, LOG_SINK_TEXT_SIZE_MAX);
    bool is_cut = shown.size < field->text.size;
    buf_add_u8(line, ' ');
    buf_add_text(line, field->key);
    buf_add_u8(line, '=');
    if (field->kind == LOG_KIND_U64) {
        buf_add_decimal(line, field->number);
    } else if (is_plain(shown) && !is_cut) {
        buf_add(line, shown);
    } else {
        buf_add_u8(line, '"');
        printable_add(line, shown, '"');
        buf_add_text(line, is_cut ? "...\"" : "\"");
    }
}

static void
add_json_field(struct json_writer *writer, const struct log_field *field)
{
    json_write_key(writer, field->key);
    if (field->kind == LOG_KIND_U64) {
        json_write_u64(writer, field->number);
        return;
    }
    struct span shown = printable_cut(field->text, LOG_SINK_TEXT_SIZE_MAX);
    uint8_t marked[LOG_SINK_TEXT_SIZE_MAX + 3];
    if (shown.size < field->text.size) {
        memcpy(marked, shown.data, shown.size);
        memcpy(&marked[shown.size], "...", 3);
        shown = span_from(marked, shown.size + 3);
    }
    json_write_string(writer, shown);
}

static void
compose_text(struct buf *line, struct wall time, enum log_level level, const char *name)
{
    const char *word = log_sink_level_name(level);
    buf_add_text(line, log_sink_time(time).text);
    buf_add_u8(line, ' ');
    buf_add_text(line, word);
    buf_add_text(line, strlen(word) == 4 ? "  " : " ");
    buf_add_text(line, name);
}

static void
write_line(struct log_sink *sink, struct wall time, enum log_level level, const char *name,
    const struct log_field *fields, size_t field_count)
{
    struct composer composer;
    mem_init(&composer.mem, LINE_SIZE_MAX * 2);
    buf_init(&composer.line, &composer.mem, LINE_SIZE_MAX);
    if (sink->format == LOG_SINK_JSON) {
        struct json_writer writer = json_write_into(&composer.line);
        json_begin_object(&writer);
        json_write_key(&writer, "time");
        json_write_text(&writer, log_sink_time(time).text);
        json_write_key(&writer, "level");
        json_write_text(&writer, log_sink_level_name(level));
        json_write_key(&writer, "event");
        json_write_text(&writer, name);
        for (size_t i = 0; i < field_count; i++) {
            add_json_field(&writer, &fields[i]);
        }
        json_end_object(&writer);
    } else {
        compose_text(&composer.line, time, level, name);
        for (size_t i = 0; i < field_count; i++) {
            add_text_field(&composer.line, &fields[i]);
        }
    }
    buf_add_u8(&composer.line, '\n');
    if (composer.line.overflowed) {
        /* No memory: the name alone says more than nothing. */
        (void)fprintf(sink->out, "%s %s\n", log_sink_level_name(level), name);
    } else {
        (void)fwrite(composer.line.data, 1, composer.line.size, sink->out);
    }
    (void)fflush(sink->out);
    buf_destroy(&composer.line);
}

/* ---- Rates ---- */

/* NULL: there is no room for another name, which is then not limited. */
static struct log_sink_name *
find_name(struct log_sink *sink, const char *name, struct instant now)
{
    for (uint32_t i = 0; i < sink->name_count; i++) {
        if (strcmp(sink->names[i].name, name) == 0) {
            return &sink->names[i];
        }
    }
    if (sink->name_count == LOG_SINK_NAMES_MAX) {
        return NULL;
    }
    struct log_sink_name *added = &sink->names[sink->name_count++];
    *added = (struct log_sink_name){ .name = name, .since = now };
    return added;
}

/* Tell what was suppressed in seconds that are over; `all`: in this one too. */
static void
tell_suppressed(struct log_sink *sink, struct now now, bool all)
{
    bool left = false;
    for (uint32_t i = 0; i < sink->name_count; i++) {
        struct log_sink_name *name = &sink->names[i];
        bool over = instant_reached(instant_after(name->since, LOG_SINK_RATE_NS), now.mono);
        if (name->suppressed == 0) {
            continue;
        }
        if (!over && !all) {
            left = true;
            continue;
        }
        const struct log_field fields[] = {
            LOG_TEXT("name", name->name),
            LOG_U64("lines", name->suppressed),
        };
        name->suppressed = 0;
        write_line(sink, now.wall, LOG_LEVEL_WARN, "log.suppressed", fields, COUNT_OF(fields));
    }
    sink->has_suppressed = left;
}

/* Whether one more line of this name may be written now. */
static bool
admit(struct log_sink *sink, const char *name, struct instant now)
{
    struct log_sink_name *known = find_name(sink, name, now);
    if (known == NULL) {
        return true;
    }
    if (instant_reached(instant_after(known->since, LOG_SINK_RATE_NS), now)) {
        known->since = now;
        known->written = 0;
    }
    if (known->written == LOG_SINK_RATE_MAX) {
        known->suppressed++;
        sink->has_suppressed = true;
        return false;
    }
    known->written++;
    return true;
}

static void
write_fact(void *host, enum log_level level, const char *name, const struct log_field *fields,
    size_t field_count)
{
    struct log_sink *sink = host;
    struct now now = sink->clock(sink->clock_owner);
    if (sink->has_suppressed) {
        tell_suppressed(sink, now, false);
    }
    if (admit(sink, name, now.mono)) {
        write_line(sink, now.wall, level, name, fields, field_count);
    }
}

void
log_sink_init(struct log_sink *sink, const struct log_sink_config *config)
{
    CHECK(config->out != NULL);
    *sink = (struct log_sink){
        .log = { .level = config->level, .host = sink, .write = write_fact },
        .out = config->out,
        .format = config->format,
        .clock_owner = config->clock_owner,
        .clock = config->clock == NULL ? system_clock : config->clock,
    };
}

void
log_sink_destroy(struct log_sink *sink)
{
    tell_suppressed(sink, sink->clock(sink->clock_owner), true);
}
