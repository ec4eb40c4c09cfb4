/* SPDX-License-Identifier: Apache-2.0 */
/* repeats.c - ids of calls, and the answers they got. */
#include "bridge/repeats.h"

#include <string.h>

#include "base/check.h"
#include "base/pack.h"

static bool
id_same(const void *item, const void *key)
{
    return memcmp(((const struct repeat *)item)->id, key, LINK_CALL_ID_SIZE) == 0;
}

static uint64_t
hash_id(const struct repeats *repeats, const uint8_t *id)
{
    return hash_bytes(&repeats->hash_key, span_from(id, LINK_CALL_ID_SIZE));
}

void
repeats_init(struct repeats *repeats, struct mem *mem, struct hash_key hash_key)
{
    *repeats = (struct repeats){ .mem = mem, .hash_key = hash_key };
    map_init(&repeats->by_id, mem, id_same);
    list_init(&repeats->answered);
}

static size_t
reply_size(const struct link_reply *reply)
{
    return reply->rule.size + reply->body.size;
}

/* The texts of its answer, which are one block. */
static void
free_texts(struct repeats *repeats, struct repeat *repeat)
{
    if (repeat->text_size > 0) {
        mem_give(repeats->mem, (void *)(uintptr_t)repeat->reply.rule.data, repeat->text_size);
        repeats->size -= repeat->text_size;
    }
}

static void
free_repeat(struct repeats *repeats, struct repeat *repeat)
{
    free_texts(repeats, repeat);
    mem_give(repeats->mem, repeat, sizeof(*repeat));
}

void
repeats_destroy(struct repeats *repeats)
{
    size_t cursor = 0;
    for (struct repeat *repeat; (repeat = map_next(&repeats->by_id, &cursor)) != NULL;) {
        free_repeat(repeats, repeat);
    }
    map_destroy(&repeats->by_id);
}

struct repeat *
repeats_find(const struct repeats *repeats, struct span id)
{
    CHECK(id.size == LINK_CALL_ID_SIZE);
    return map_find(&repeats->by_id, hash_id(repeats, id.data), id.data);
}

void
repeats_forget(struct repeats *repeats, struct repeat *repeat)
{
    list_remove(&repeat->in_order);
    map_remove(&repeats->by_id, hash_id(repeats, repeat->id), repeat->id);
    free_repeat(repeats, repeat);
}

static struct repeat *
oldest_answered(const struct repeats *repeats)
{
    const struct list *answered = &repeats->answered;
    return list_empty(answered) ? NULL : CONTAINER_OF(answered->next, struct repeat, in_order);
}

struct repeat *
repeats_begin(struct repeats *repeats, struct span id, uint64_t ticket)
{
    struct repeat *oldest = oldest_answered(repeats);
    if (repeats->by_id.count >= REPEATS_COUNT_MAX && oldest != NULL) {
        repeats_forget(repeats, oldest);
    }
    bool room = repeats->by_id.count < REPEATS_COUNT_MAX;
    struct repeat *repeat = room ? mem_take(repeats->mem, sizeof(*repeat)) : NULL;
    if (repeat == NULL) {
        return NULL;
    }
    memcpy(repeat->id, id.data, LINK_CALL_ID_SIZE);
    repeat->ticket = ticket;
    list_init(&repeat->in_order);
    if (!map_insert(&repeats->by_id, hash_id(repeats, repeat->id), repeat)) {
        mem_give(repeats->mem, repeat, sizeof(*repeat));
        return NULL;
    }
    return repeat;
}

void
repeats_answered(struct repeats *repeats, struct repeat *repeat, const struct link_reply *reply,
    struct instant now)
{
    size_t size = reply_size(reply);
    struct repeat *oldest;
    while (repeats->size > 0 && size > REPEATS_SIZE_MAX - repeats->size &&
           (oldest = oldest_answered(repeats)) != NULL) {
        repeats_forget(repeats, oldest);
    }
    bool fits = size <= REPEATS_SIZE_MAX;
    void *texts = fits && size > 0 ? mem_take(repeats->mem, size) : NULL;
    if (!fits || (size > 0 && texts == NULL)) {
        repeats_forget(repeats, repeat);
        return;
    }
    repeat->ticket = 0;
    repeat->reply = *reply;
    if (size > 0) {
        struct packer packer = pack_into(texts, size);
        repeat->reply.rule = pack_text(&packer, reply->rule);
        repeat->reply.body = pack_text(&packer, reply->body);
        pack_done(&packer);
    }
    repeat->text_size = size;
    repeat->forget_at = instant_after(now, REPEATS_KEEP_NS);
    repeats->size += size;
    list_push(&repeats->answered, &repeat->in_order);
}

void
repeats_expire(struct repeats *repeats, struct instant now)
{
    struct repeat *oldest;
    while ((oldest = oldest_answered(repeats)) != NULL && instant_reached(oldest->forget_at, now)) {
        repeats_forget(repeats, oldest);
    }
}
