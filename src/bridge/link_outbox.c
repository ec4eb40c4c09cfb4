/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_outbox.c - a queue of frames in chunks: many small frames cost few allocations, and a chunk goes whole.
 */
#include "bridge/link_outbox.h"

#include <string.h>

#include "base/check.h"

#define CHUNK_SIZE ((size_t)64 * 1024)

/* In front of each frame. Records are aligned for it. */
struct record {
    struct instant sent_at;
    size_t size;
};

struct chunk {
    struct list in_chunks;
    size_t room;  /* of data */
    size_t begin; /* of the oldest record */
    size_t end;   /* behind the newest one */
    uint64_t data[];
};

static struct chunk *
chunk_of(const struct list *link)
{
    return CONTAINER_OF(link, struct chunk, in_chunks);
}

static size_t
record_size(size_t frame_size)
{
    size_t align = sizeof(uint64_t) - 1;
    return sizeof(struct record) + ((frame_size + align) & ~align);
}

static struct record *
record_at(const struct chunk *chunk, size_t at)
{
    return (struct record *)(uintptr_t)((const uint8_t *)chunk->data + at);
}

void
link_outbox_init(struct link_outbox *outbox, struct mem *mem, size_t size_max)
{
    *outbox = (struct link_outbox){ .mem = mem, .size_max = size_max };
    list_init(&outbox->chunks);
}

static void
free_chunk(struct link_outbox *outbox, struct chunk *chunk)
{
    list_remove(&chunk->in_chunks);
    mem_give(outbox->mem, chunk, sizeof(*chunk) + chunk->room);
}

void
link_outbox_destroy(struct link_outbox *outbox)
{
    LIST_EACH (at, &outbox->chunks) {
        free_chunk(outbox, chunk_of(at));
    }
}

void
link_outbox_reset(struct link_outbox *outbox)
{
    link_outbox_destroy(outbox);
    link_outbox_init(outbox, outbox->mem, outbox->size_max);
}

/* Everything before this number is acknowledged or lost. */
static uint64_t
oldest(const struct link_outbox *outbox)
{
    return (outbox->acked > outbox->lost ? outbox->acked : outbox->lost) + 1;
}

/* There is one. The last chunk stays: the next frame goes there. */
static void
drop_oldest(struct link_outbox *outbox)
{
    struct chunk *chunk = chunk_of(outbox->chunks.next);
    size_t size = record_at(chunk, chunk->begin)->size;
    chunk->begin += record_size(size);
    outbox->size -= size;
    if (chunk->begin < chunk->end) {
        return;
    }
    if (chunk->in_chunks.next != &outbox->chunks || chunk->room > CHUNK_SIZE) {
        free_chunk(outbox, chunk);
    } else {
        chunk->begin = 0;
        chunk->end = 0;
    }
}

static void
lose_oldest(struct link_outbox *outbox)
{
    uint64_t number = oldest(outbox);
    drop_oldest(outbox);
    outbox->lost = number;
}

static struct chunk *
chunk_for(struct link_outbox *outbox, size_t size)
{
    if (!list_empty(&outbox->chunks)) {
        struct chunk *last = chunk_of(outbox->chunks.prev);
        if (size <= last->room - last->end) {
            return last;
        }
        if (last->begin == last->end) {
            free_chunk(outbox, last); /* no chunk before the last is empty */
        }
    }
    size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
    struct chunk *chunk = mem_take(outbox->mem, sizeof(*chunk) + room);
    if (chunk != NULL) {
        chunk->room = room;
        list_push(&outbox->chunks, &chunk->in_chunks);
    }
    return chunk;
}

static void
lose_all(struct link_outbox *outbox)
{
    link_outbox_destroy(outbox);
    outbox->size = 0;
    outbox->lost = outbox->sent;
}

void
link_outbox_add(
    struct link_outbox *outbox, const struct span *parts, uint32_t part_count, struct instant now)
{
    size_t size = 0;
    for (uint32_t i = 0; i < part_count; i++) {
        size += parts[i].size;
    }
    while (outbox->size > 0 && !link_outbox_has_room(outbox, size)) {
        lose_oldest(outbox);
    }
    outbox->sent++;
    struct chunk *chunk =
        link_outbox_has_room(outbox, size) ? chunk_for(outbox, record_size(size)) : NULL;
    if (chunk == NULL) {
        lose_all(outbox);
        return;
    }
    struct record *record = record_at(chunk, chunk->end);
    *record = (struct record){ .sent_at = now, .size = size };
    uint8_t *data = (uint8_t *)(record + 1);
    for (uint32_t i = 0; i < part_count; i++) {
        if (parts[i].size > 0) {
            memcpy(data, parts[i].data, parts[i].size);
            data += parts[i].size;
        }
    }
    chunk->end += record_size(size);
    outbox->size += size;
}

void
link_outbox_acknowledge(struct link_outbox *outbox, uint64_t number)
{
    CHECK(number >= outbox->acked);
    CHECK(number <= outbox->sent);
    for (uint64_t next = oldest(outbox); next <= number; next++) {
        drop_oldest(outbox);
    }
    outbox->acked = number;
}

bool
link_outbox_is_whole(const struct link_outbox *outbox)
{
    return outbox->lost <= outbox->acked;
}

bool
link_outbox_has_room(const struct link_outbox *outbox, size_t size)
{
    return size <= outbox->size_max && outbox->size <= outbox->size_max - size;
}

bool
link_outbox_next(
    const struct link_outbox *outbox, struct link_outbox_cursor *cursor, struct link_kept *kept)
{
    if (cursor->chunk == NULL) {
        cursor->chunk = outbox->chunks.next;
        cursor->number = oldest(outbox);
        cursor->at = cursor->chunk == &outbox->chunks ? 0 : chunk_of(cursor->chunk)->begin;
    }
    while (cursor->chunk != &outbox->chunks && cursor->at == chunk_of(cursor->chunk)->end) {
        cursor->chunk = cursor->chunk->next;
        cursor->at = cursor->chunk == &outbox->chunks ? 0 : chunk_of(cursor->chunk)->begin;
    }
    if (cursor->chunk == &outbox->chunks) {
        return false;
    }
    struct record *record = record_at(chunk_of(cursor->chunk), cursor->at);
    *kept = (struct link_kept){
        .number = cursor->number,
        .sent_at = record->sent_at,
        .data = (uint8_t *)(record + 1),
        .size = record->size,
    };
    cursor->at += record_size(record->size);
    cursor->number++;
    return true;
}

void
link_outbox_touch(const struct link_kept *kept, struct instant now)
{
    ((struct record *)(uintptr_t)kept->data - 1)->sent_at = now;
}
