/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_json.c - nanoseconds for one scan of a 931 B call envelope: whole, and with opaque arguments.
 */
#include <stdio.h>
#include <stdlib.h>

#include <time.h>

#include "base/buf.h"
#include "core/json_scan.h"
#include "core/json_write.h"
#include "tests/support/check_failed.h"

#define ENVELOPE_SIZE 931
#define SCANS         200000
#define ROUNDS        5

static void
write_headers(struct json_writer *writer)
{
    static const char *const paths[] = { "routing_path", "federation_path" };
    json_write_key(writer, "headers");
    json_begin_object(writer);
    json_write_key(writer, "correlation_id");
    json_write_text(writer, "c0ffee00-1234-5678-9abc-def012345678");
    json_write_key(writer, "source_cluster");
    json_write_text(writer, "cluster-a");
    json_write_key(writer, "target_cluster");
    json_write_text(writer, "cluster-b");
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        json_write_key(writer, paths[i]);
        json_begin_array(writer);
        json_write_text(writer, "cluster-a");
        json_end_array(writer);
    }
    json_write_key(writer, "hop_budget");
    json_write_u64(writer, 8);
    json_write_key(writer, "priority");
    json_write_text(writer, "normal");
    json_write_key(writer, "metadata");
    json_write_raw(writer, SPAN("{\"trace\":\"4bf92f3577b34da6\"}"));
    json_end_object(writer);
}

static void
write_call(struct json_writer *writer, struct span argument)
{
    json_write_key(writer, "payload");
    json_begin_object(writer);
    json_write_key(writer, "kind");
    json_write_text(writer, "rpc-request");
    json_write_key(writer, "request_id");
    json_write_text(writer, "0123456789abcdef-0000-00c04fc964ff");
    json_write_key(writer, "command");
    json_write_text(writer, "vision.classify_batch");
    json_write_key(writer, "args");
    json_begin_array(writer);
    json_write_string(writer, argument);
    json_write_u64(writer, 42);
    json_write_raw(writer, SPAN("3.14159"));
    json_end_array(writer);
    json_write_key(writer, "kwargs");
    json_write_raw(
        writer, SPAN("{\"threshold\":0.75,\"model\":\"resnet-50\",\"flag\":true,\"none\":null}"));
    json_end_object(writer);
}

static void
write_envelope(struct buf *buf, struct span argument)
{
    struct json_writer writer = json_write_into(buf);
    buf_reset(buf);
    json_begin_object(&writer);
    json_write_key(&writer, "role");
    json_write_text(&writer, "client-request");
    json_write_key(&writer, "payload");
    json_begin_object(&writer);
    json_write_key(&writer, "message_id");
    json_write_text(&writer, "01J9Z3N8Q4R5T6V7W8X9Y0Z1A2");
    json_write_key(&writer, "topic");
    json_write_text(&writer, "mpreg.rpc.request.compute");
    json_write_key(&writer, "message_type");
    json_write_text(&writer, "rpc_request");
    json_write_key(&writer, "delivery");
    json_write_text(&writer, "at_least_once");
    write_call(&writer, argument);
    write_headers(&writer);
    json_write_key(&writer, "timestamp");
    json_write_seconds(&writer, INT64_C(1732262400123456000));
    json_end_object(&writer);
    json_end_object(&writer);
}

static double
now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* The best of some rounds: what disturbs a measurement only ever makes it slower. */
static double
scan_ns(struct span text, const struct span *opaque, size_t opaque_count, struct json_tape *tape)
{
    double best_ns = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start_ns = now_ns();
        for (int i = 0; i < SCANS; i++) {
            struct json_doc doc;
            CHECK(json_scan(text, opaque, opaque_count, tape, &doc, NULL) == JSON_OK);
        }
        double took_ns = (now_ns() - start_ns) / SCANS;
        best_ns = round == 0 || took_ns < best_ns ? took_ns : best_ns;
    }
    return best_ns;
}

int
main(void)
{
    static const struct span opaque[] = { { (const uint8_t *)"args", 4 },
        { (const uint8_t *)"kwargs", 6 } };
    uint8_t argument[ENVELOPE_SIZE];
    struct mem mem;
    struct buf buf;
    struct json_tape tape;
    mem_init(&mem, SIZE_MAX);
    buf_init(&buf, &mem, ENVELOPE_SIZE);
    json_tape_init(&tape, &mem);

    write_envelope(&buf, SPAN_NONE);
    CHECK(!buf.overflowed);
    size_t argument_size = ENVELOPE_SIZE - buf.size;
    memset(argument, 'a', argument_size);
    write_envelope(&buf, span_from(argument, argument_size));
    CHECK(buf.size == ENVELOPE_SIZE);

    printf("json_scan, %zu B: %.0f ns whole, ", buf.size, scan_ns(buf_span(&buf), NULL, 0, &tape));
    printf("%.0f ns with %zu opaque keys\n",
        scan_ns(buf_span(&buf), opaque, COUNT_OF(opaque), &tape), COUNT_OF(opaque));
    json_tape_destroy(&tape);
    buf_destroy(&buf);
    return EXIT_SUCCESS;
}
