/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws_send.c - from a message's parts to the socket: one copy, our own framing, few writes.
 *
 * A message is framed (RFC 6455 5.2) straight into the connection's queue. At the end of the turn
 * the queue goes to lws_write() as LWS_WRITE_HTTP: on a WebSocket connection libwebsockets puts no
 * frame around that type and sends it as it is. That is not documented (it holds from 4.1 to 4.5);
 * test_ws.c pins it. One such write costs what one frame sent the documented way costs.
 *
 * Two rules keep the stream whole. Only whole frames are handed over at a time, because
 * libwebsockets may put a PONG, PING or CLOSE of its own behind any write. And nothing is handed
 * over while it still holds back a part of the last write, which would reorder bytes under load.
 */
#include "host/ws_internal.h"

#include <string.h>

#define FINAL_BINARY    0x82
#define FINAL_CLOSE     0x88
#define MASK_BIT        0x80
#define HEADER_SIZE_MAX ((size_t)14)
#define SIZE_16_BITS    126
#define SIZE_64_BITS    127
/* Room to begin with. */
#define FIRST_SIZE ((size_t)4096)
/* Below this the queue's spent head is not worth moving the rest. */
#define COMPACT_ABOVE ((size_t)64 * 1024)

static size_t
header_size(size_t size, bool masked)
{
    size_t length = size < SIZE_16_BITS ? 2 : size <= UINT16_MAX ? 4 : 10;
    return length + (masked ? 4 : 0);
}

/* Returns where the payload goes. `key` NULL: unmasked. */
static uint8_t *
write_header(uint8_t *at, uint8_t first_byte, size_t size, const uint8_t *key)
{
    uint8_t mask_bit = key == NULL ? 0 : MASK_BIT;
    size_t length_size = size < SIZE_16_BITS ? 0 : size <= UINT16_MAX ? 2 : 8;
    *at++ = first_byte;
    *at++ = mask_bit | (uint8_t)(length_size == 0   ? size
                                 : length_size == 2 ? SIZE_16_BITS
                                                    : SIZE_64_BITS);
    for (size_t i = 0; i < length_size; i++) {
        *at++ = (uint8_t)((uint64_t)size >> (8 * (length_size - 1 - i)));
    }
    if (key != NULL) {
        memcpy(at, key, 4);
        at += 4;
    }
    return at;
}

static void
mask(uint8_t *data, size_t size, const uint8_t key[4])
{
    uint64_t wide_key;
    memcpy(&wide_key, key, 4);
    memcpy((uint8_t *)&wide_key + 4, key, 4);
    size_t i = 0;
    for (; i + sizeof(wide_key) <= size; i += sizeof(wide_key)) {
        uint64_t word;
        memcpy(&word, &data[i], sizeof(word));
        word ^= wide_key;
        memcpy(&data[i], &word, sizeof(word));
    }
    for (; i < size; i++) {
        data[i] ^= key[i % 4];
    }
}

/* The size of the frame at `at`, which we wrote ourselves. */
static size_t
frame_size(const uint8_t *at)
{
    bool masked = (at[1] & MASK_BIT) != 0;
    size_t size = at[1] & 0x7f;
    size_t length_size = size == SIZE_16_BITS ? 2 : size == SIZE_64_BITS ? 8 : 0;
    size = length_size == 0 ? size : 0;
    for (size_t i = 0; i < length_size; i++) {
        size = size << 8 | at[2 + i];
    }
    return header_size(size, masked) + size;
}

static size_t
unsent_size(const struct ws_conn *conn)
{
    return conn->out.size - conn->out_start;
}

size_t
ws_conn_queued(const struct ws_conn *conn)
{
    return unsent_size(conn) + conn->in_flight;
}

void
ws_queue_drop(struct ws_conn *conn)
{
    ws_host_take_back(conn->guest.door->host, &conn->out);
    conn->out_start = 0;
}

static size_t
total_size(const struct span *parts, size_t part_count)
{
    size_t size = 0;
    for (size_t i = 0; i < part_count; i++) {
        size += parts[i].size;
    }
    return size;
}

/* Room for one more frame, or NULL. */
static uint8_t *
reserve(struct ws_conn *conn, size_t size)
{
    struct buf *out = &conn->out;
    if (out->data == NULL) {
        /* libwebsockets wants to own the bytes before those that it is given. */
        *out = ws_host_lend(conn->guest.door->host, SIZE_MAX);
        if (buf_reserve(out, FIRST_SIZE) == NULL) {
            return NULL;
        }
        buf_commit(out, LWS_PRE);
        conn->out_start = LWS_PRE;
    }
    size_t spent = conn->out_start - LWS_PRE;
    if (spent > COMPACT_ABOVE && spent > unsent_size(conn)) {
        buf_drop(out, spent);
        conn->out_start = LWS_PRE;
    }
    return buf_reserve(out, size);
}

/* Queue one frame. false: no memory. */
static bool
put_frame(struct ws_conn *conn, uint8_t first_byte, const struct span *parts, size_t part_count)
{
    size_t size = total_size(parts, part_count);
    uint8_t *at = reserve(conn, header_size(size, conn->dialed) + size);
    if (at == NULL) {
        return false;
    }
    uint32_t random = (uint32_t)prng_next(&conn->guest.door->host->mask_keys);
    uint8_t key[4];
    memcpy(key, &random, sizeof(key));
    uint8_t *payload = write_header(at, first_byte, size, conn->dialed ? key : NULL);
    uint8_t *end = payload;
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].size > 0) {
            memcpy(end, parts[i].data, parts[i].size);
            end += parts[i].size;
        }
    }
    if (conn->dialed) {
        mask(payload, size, key);
    }
    buf_commit(&conn->out, (size_t)(end - at));
    return true;
}

void
ws_send(struct ws_conn *conn, const struct span *parts, size_t part_count)
{
    if (conn->state != WS_CONN_OPEN) {
        return;
    }
    size_t size = total_size(parts, part_count);
    size_t queue_max = conn->limits->send_queue_max;
    if (size > queue_max || ws_conn_queued(conn) > queue_max - size) {
        ws_conn_kill(conn, WS_CODE_POLICY, "slow reader: more than %zu bytes queued", queue_max);
        return;
    }
    if (!put_frame(conn, FINAL_BINARY, parts, part_count)) {
        ws_conn_kill(conn, WS_CODE_INTERNAL, "no memory to send %zu bytes", size);
        return;
    }
    conn->guest.door->host->counters.messages_sent++;
    ws_conn_touch(conn);
}

bool
ws_queue_close_frame(struct ws_conn *conn)
{
    const uint8_t code[] = { (uint8_t)(conn->close_code >> 8), (uint8_t)conn->close_code };
    const struct span parts[] = { span_from(code, sizeof(code)),
        span_from_text(conn->close_reason) };
    return put_frame(conn, FINAL_CLOSE, parts, COUNT_OF(parts));
}

/* As many whole frames as one write should have, at least one. */
static size_t
next_write_size(const struct ws_conn *conn)
{
    size_t rest = unsent_size(conn);
    if (rest <= WS_WRITE_SIZE) {
        return rest;
    }
    const uint8_t *frames = &conn->out.data[conn->out_start];
    size_t size = frame_size(frames);
    while (size < rest) {
        size_t next = frame_size(&frames[size]);
        if (size + next > WS_WRITE_SIZE) {
            break;
        }
        size += next;
    }
    CHECK(size <= rest);
    return size;
}

bool
ws_queue_flush(struct ws_conn *conn)
{
    struct lws *wsi = conn->guest.wsi;
    struct ws_counters *counters = &conn->guest.door->host->counters;
    bool is_held_back = lws_partial_buffered(wsi) != 0;
    while (!is_held_back && unsent_size(conn) > 0) {
        size_t size = next_write_size(conn);
        if (lws_write(wsi, &conn->out.data[conn->out_start], size, LWS_WRITE_HTTP) < 0) {
            ws_conn_kill(conn, WS_CODE_LOST, "connection lost while sending");
            return false;
        }
        conn->out_start += size;
        counters->bytes_sent += size;
        counters->writes++;
        is_held_back = lws_partial_buffered(wsi) != 0;
        conn->in_flight = is_held_back ? size : 0;
    }
    if (is_held_back) {
        (void)lws_callback_on_writable(wsi);
        return false;
    }
    conn->in_flight = 0;
    ws_queue_drop(conn);
    return true;
}
