/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_program.h - the input of a fuzz target as a program: bytes to decide by, and messages of a
 * cluster made of few nodes, clusters and functions, so that they have to do with each other.
 */
#ifndef TESTS_SUPPORT_FUZZ_PROGRAM_H
#define TESTS_SUPPORT_FUZZ_PROGRAM_H

#include <stdio.h>

#include "base/instant.h"
#include "core/json_write.h"

#define FUZZ_OWN_URL "ws://own:1"

struct fuzz_program {
    struct span input; /* what is left of it */
    uint64_t next_id;
    int64_t wall_ns; /* now, for times in messages */
};

static const struct span fuzz_urls[] = { { (const uint8_t *)"ws://a:1", 8 },
    { (const uint8_t *)"ws://b:1", 8 }, { (const uint8_t *)"ws://c:1", 8 },
    { (const uint8_t *)FUZZ_OWN_URL, sizeof(FUZZ_OWN_URL) - 1 },
    { (const uint8_t *)"ws://seed:1", 11 }, { NULL, 0 } };
static const struct span fuzz_clusters[] = { { (const uint8_t *)"c1", 2 },
    { (const uint8_t *)"c1", 2 }, { (const uint8_t *)"c2", 2 }, { NULL, 0 } };
static const struct span fuzz_instances[] = { { (const uint8_t *)"i1", 2 },
    { (const uint8_t *)"i2", 2 }, { NULL, 0 } };
static const struct span fuzz_names[] = { { (const uint8_t *)"f", 1 },
    { (const uint8_t *)"g.a", 3 }, { (const uint8_t *)"g.b", 3 }, { (const uint8_t *)"h", 1 } };
static const struct span fuzz_versions[] = { { (const uint8_t *)"1.0.0", 5 },
    { (const uint8_t *)"2", 1 } };

static inline uint8_t
fuzz_byte(struct fuzz_program *program)
{
    if (program->input.size == 0) {
        return 0;
    }
    uint8_t byte = program->input.data[0];
    program->input = span_after(program->input, 1);
    return byte;
}

static inline struct span
fuzz_pick(struct fuzz_program *program, const struct span *list, size_t count)
{
    return list[fuzz_byte(program) % count];
}

#define FUZZ_PICK(program_, list_) fuzz_pick((program_), (list_), COUNT_OF(list_))

/* Messages. */

static inline void
fuzz_add_text(struct json_writer *writer, const char *key, struct span text)
{
    json_write_key(writer, key);
    json_write_string(writer, text);
}

/* One of two that come again and again, or a fresh one. */
static inline void
fuzz_add_id(struct fuzz_program *program, struct json_writer *writer, const char *key)
{
    char fresh[32];
    uint8_t id = fuzz_byte(program);
    (void)snprintf(fresh, sizeof(fresh), "%llu", (unsigned long long)program->next_id++);
    json_write_key(writer, key);
    json_write_text(writer, id < 16 ? "the same" : id < 32 ? "another" : fresh);
}

static inline void
fuzz_begin_role(struct json_writer *writer, const char *role)
{
    json_begin_object(writer);
    json_write_key(writer, "role");
    json_write_text(writer, role);
    json_write_key(writer, "u");
    json_write_text(writer, "u1");
    json_write_key(writer, span_is(span_from_text(role), "server") ? "server" : "payload");
    json_begin_object(writer);
}

/* Whether it names our cluster. */
static inline bool
fuzz_write_status(struct fuzz_program *program, struct json_writer *writer)
{
    struct span cluster = FUZZ_PICK(program, fuzz_clusters);
    fuzz_begin_role(writer, "server");
    fuzz_add_text(writer, "server_url", FUZZ_PICK(program, fuzz_urls));
    fuzz_add_text(writer, "cluster_id", cluster);
    fuzz_add_text(writer, "instance_id", FUZZ_PICK(program, fuzz_instances));
    return span_is(cluster, "c1");
}

static inline void
fuzz_write_goodbye(struct fuzz_program *program, struct json_writer *writer)
{
    fuzz_begin_role(writer, "server");
    fuzz_add_text(writer, "what", SPAN("GOODBYE"));
    fuzz_add_text(writer, "departing_node_url", FUZZ_PICK(program, fuzz_urls));
    uint8_t picked = fuzz_byte(program);
    size_t instance = picked / COUNT_OF(fuzz_clusters) % COUNT_OF(fuzz_instances);
    fuzz_add_text(writer, "cluster_id", fuzz_clusters[picked % COUNT_OF(fuzz_clusters)]);
    fuzz_add_text(writer, "instance_id", fuzz_instances[instance]);
    fuzz_add_text(writer, "reason", SPAN("maintenance"));
}

static inline void
fuzz_write_time(struct fuzz_program *program, struct json_writer *writer)
{
    static const int64_t offsets[] = { 0, 1, -1, 10, -10, 119, -119, -121, 3600 };
    int64_t offset = offsets[fuzz_byte(program) % COUNT_OF(offsets)];
    json_write_key(writer, "advertised_at");
    json_write_seconds(writer, program->wall_ns + offset * (int64_t)SEC_NS);
    json_write_key(writer, "ttl_seconds");
    json_write_i64(writer, 120);
}

static inline void
fuzz_write_key(struct fuzz_program *program, struct json_writer *writer)
{
    struct span name = FUZZ_PICK(program, fuzz_names);
    uint8_t odd = fuzz_byte(program);
    json_write_key(writer, "identity");
    json_begin_object(writer);
    fuzz_add_text(writer, "name", name);
    fuzz_add_text(writer, "function_id", odd < 8 ? SPAN("odd") : name);
    fuzz_add_text(writer, "version", FUZZ_PICK(program, fuzz_versions));
    json_end_object(writer);
    fuzz_add_text(writer, "node_id", FUZZ_PICK(program, fuzz_urls));
    fuzz_add_text(writer, "cluster_id", FUZZ_PICK(program, fuzz_clusters));
}

static inline void
fuzz_write_delta(struct fuzz_program *program, struct json_writer *writer)
{
    static const char *const lists[] = { "functions", "function_removals", "nodes",
        "node_removals" };
    size_t list = fuzz_byte(program) % COUNT_OF(lists);
    uint32_t count = fuzz_byte(program) % 4;
    json_write_key(writer, lists[list]);
    json_begin_array(writer);
    for (uint32_t i = 0; i < count; i++) {
        json_begin_object(writer);
        if (list < 2) {
            fuzz_write_key(program, writer);
        } else {
            fuzz_add_text(writer, "node_id", FUZZ_PICK(program, fuzz_urls));
            fuzz_add_text(writer, "cluster_id", FUZZ_PICK(program, fuzz_clusters));
        }
        if (list == 0 || list == 2) {
            fuzz_write_time(program, writer);
            json_write_key(writer, "tags");
            json_write_raw(writer, fuzz_byte(program) < 128 ? SPAN("[]") : SPAN("[\"t\"]"));
        }
        json_end_object(writer);
    }
    json_end_array(writer);
}

static inline void
fuzz_write_gossip(struct fuzz_program *program, struct json_writer *writer)
{
    fuzz_begin_role(writer, "fabric-gossip");
    fuzz_add_id(program, writer, "message_id");
    fuzz_add_text(writer, "message_type", SPAN("catalog_update"));
    fuzz_add_text(writer, "sender_id", FUZZ_PICK(program, fuzz_urls));
    json_write_key(writer, "hop_count");
    json_write_i64(writer, fuzz_byte(program) % 8);
    json_write_key(writer, "payload");
    json_begin_object(writer);
    fuzz_write_delta(program, writer);
    json_end_object(writer);
}

static inline void
fuzz_write_fabric(struct fuzz_program *program, struct json_writer *writer)
{
    bool request = fuzz_byte(program) < 128;
    fuzz_begin_role(writer, "fabric-message");
    fuzz_add_id(program, writer, "message_id");
    fuzz_add_text(writer, "topic", SPAN("t"));
    fuzz_add_text(writer, "message_type", SPAN("rpc"));
    json_write_key(writer, "headers");
    json_begin_object(writer);
    fuzz_add_text(writer, "correlation_id", SPAN("r"));
    fuzz_add_text(writer, "source_cluster", FUZZ_PICK(program, fuzz_clusters));
    json_write_key(writer, "routing_path");
    json_begin_array(writer);
    json_write_string(writer, FUZZ_PICK(program, fuzz_urls));
    json_end_array(writer);
    json_end_object(writer);
    json_write_key(writer, "payload");
    json_begin_object(writer);
    fuzz_add_text(writer, "kind", request ? SPAN("rpc-request") : SPAN("rpc-response"));
    fuzz_add_id(program, writer, "request_id");
    fuzz_add_text(writer, "command", FUZZ_PICK(program, fuzz_names));
    fuzz_add_text(writer, "reply_to", FUZZ_PICK(program, fuzz_urls));
    json_write_key(writer, "success");
    json_write_bool(writer, fuzz_byte(program) < 128);
    json_end_object(writer);
}

/* One message to `out`; whether its sender may be a peer from now on. */
static inline bool
fuzz_write_message(struct fuzz_program *program, struct buf *out)
{
    struct json_writer writer = json_write_into(out);
    bool admitted = false;
    switch (fuzz_byte(program) % 6) {
    case 0:
        admitted = fuzz_write_status(program, &writer);
        break;
    case 1:
        fuzz_write_goodbye(program, &writer);
        break;
    case 2:
    case 3:
        fuzz_write_gossip(program, &writer);
        break;
    case 4:
        fuzz_write_fabric(program, &writer);
        break;
    default:
        json_begin_object(&writer);
        json_write_key(&writer, "cmds");
        json_write_raw(&writer, SPAN("[]"));
        fuzz_add_text(&writer, "role", fuzz_byte(program) < 200 ? SPAN("rpc") : SPAN("zzz"));
        fuzz_add_text(&writer, "u", SPAN("u"));
        json_end_object(&writer);
        return false;
    }
    json_end_object(&writer);
    json_end_object(&writer);
    return admitted;
}

#endif
