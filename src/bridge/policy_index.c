/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_index.c - finding the rules of a policy that could match an advertisement, lowest number first.
 *
 * Every key that the advertisement has is looked up. The lists found are merged as they are read, so that no more
 * rules are asked than up to the first that matches.
 */
#include "bridge/policy_index.h"

#include <assert.h>

#include "base/prefetch.h"
#include "bridge/policy_key.h"
#include "core/limits.h"

static_assert(POLICY_SEARCH_KEYS_MAX ==
                  2 * (1 + 2 * PATTERN_SIZE_MAX) + 2 * LIST_COUNT_MAX + PATH_COUNT_MAX + 2,
    "name and id, whole and by both ends; tags and resources; path; scope and origin");

static void
swap(struct policy_candidates *a, struct policy_candidates *b)
{
    struct policy_candidates held = *a;
    *a = *b;
    *b = held;
}

static void
push(struct policy_search *search, struct policy_candidates list)
{
    CHECK(search->candidate_count <= POLICY_SEARCH_KEYS_MAX);
    struct policy_candidates *lists = search->candidates;
    uint32_t at = search->candidate_count;
    lists[at] = list;
    search->candidate_count++;
    while (at > 0 && lists[at].rule < lists[(at - 1) / 2].rule) {
        swap(&lists[at], &lists[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void
push_list(struct policy_search *search, const uint32_t *list)
{
    if (list[0] > 0) {
        push(search, (struct policy_candidates){
                         .rule = list[1], .more_count = list[0] - 1, .more = &list[2] });
    }
}

/* On to the next rule of the first list; the list goes when there is none. */
static void
advance(struct policy_search *search)
{
    struct policy_candidates *lists = search->candidates;
    if (lists[0].more_count > 0) {
        lists[0].rule = *lists[0].more;
        lists[0].more++;
        lists[0].more_count--;
    } else {
        search->candidate_count--;
        lists[0] = lists[search->candidate_count];
    }
    uint32_t at = 0;
    for (;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
            if (child < search->candidate_count && lists[child].rule < lists[least].rule) {
                least = child;
            }
        }
        if (least == at) {
            return;
        }
        swap(&lists[at], &lists[least]);
        at = least;
    }
}

/* A rule, its pattern and the texts of that, as policy.c lays them down. */
#define RULE_FETCH_SIZE ((size_t)5 * PREFETCH_LINE_SIZE)

static bool
may_have(const struct policy_index *index, uint32_t hash)
{
    uint32_t bit = policy_key_filter_bit(hash) & index->filter_mask;
    return (index->filter[bit / 64] >> (bit % 64) & 1) != 0;
}

/* Whether the key is there is seen in the second stage; until then its slot is on the way. */
static void
look_up(struct policy_search *search, uint32_t hash)
{
    const struct policy_index *index = &search->rules->index;
    if (!may_have(index, hash)) {
        return;
    }
    if (search->key_count == POLICY_SEARCH_KEYS_MAX) {
        search->overflowed = true;
        return;
    }
    prefetch(&index->slots[hash & index->slot_mask], sizeof(*index->slots));
    search->keys[search->key_count] = hash;
    search->key_count++;
}

/* The rules under a key, if there are any. */
static void
collect(struct policy_search *search, uint32_t hash)
{
    const struct policy_index *index = &search->rules->index;
    uint32_t at = hash & index->slot_mask;
    while (index->slots[at].hash != hash) {
        if (index->slots[at].hash == 0) {
            return;
        }
        at = (at + 1) & index->slot_mask;
    }
    uint32_t rules = index->slots[at].rules;
    if ((rules & POLICY_INDEX_ONE) != 0) {
        uint32_t rule = rules & ~POLICY_INDEX_ONE;
        prefetch(search->rules->items[rule], RULE_FETCH_SIZE);
        push(search, (struct policy_candidates){ .rule = rule });
    } else {
        push_list(search, &index->lists[rules]);
    }
}

static bool
has_kind(const struct policy_index *index, enum policy_key_kind kind)
{
    return (index->kinds >> kind & 1) != 0;
}

static bool
has_size(const struct policy_index_sizes *sizes, size_t size)
{
    return (sizes->bits[size / 64] >> (size % 64) & 1) != 0;
}

/* The beginnings of a name or id that some rule demands, and all of it. */
static void
look_up_beginnings(struct policy_search *search, const struct policy_key_ends *ends,
    const struct policy_index_sizes *sizes, struct span text)
{
    bool whole = has_kind(&search->rules->index, ends->whole) && text.size <= PATTERN_SIZE_MAX;
    size_t last = whole || text.size < sizes->largest ? text.size : sizes->largest;
    uint64_t hash = POLICY_HASH_START;
    for (size_t size = 1; size <= last; size++) {
        hash = policy_hash_add(hash, text.data[size - 1]);
        if (size <= sizes->largest && has_size(sizes, size)) {
            look_up(search, policy_key_hash(ends->prefix, hash));
        }
    }
    if (whole) {
        look_up(search, policy_key_hash(ends->whole, hash));
    }
}

static void
look_up_endings(struct policy_search *search, const struct policy_key_ends *ends,
    const struct policy_index_sizes *sizes, struct span text)
{
    size_t last = text.size < sizes->largest ? text.size : sizes->largest;
    uint64_t hash = POLICY_HASH_START;
    for (size_t size = 1; size <= last; size++) {
        hash = policy_hash_add(hash, text.data[text.size - size]);
        if (has_size(sizes, size)) {
            look_up(search, policy_key_hash(ends->suffix, hash));
        }
    }
}

static void
look_up_texts(
    struct policy_search *search, enum policy_key_kind kind, const struct text_list *texts)
{
    uint32_t count = has_kind(&search->rules->index, kind) ? texts->count : 0;
    for (uint32_t i = 0; i < count; i++) {
        look_up(search, policy_key_of(kind, texts->items[i]).hash);
    }
}

static void
look_up_all(struct policy_search *search, const struct advertisement *advertisement)
{
    const struct policy_index *index = &search->rules->index;
    const struct function_identity *identity = &advertisement->identity;
    const struct text_list scope = { .items = &advertisement->scope, .count = 1 };
    const struct text_list origin = { .items = &advertisement->origin, .count = 1 };

    look_up_beginnings(search, &policy_name_ends, &index->name_prefixes, identity->name);
    look_up_endings(search, &policy_name_ends, &index->name_suffixes, identity->name);
    look_up_beginnings(search, &policy_id_ends, &index->id_prefixes, identity->function_id);
    look_up_endings(search, &policy_id_ends, &index->id_suffixes, identity->function_id);
    look_up_texts(search, POLICY_KEY_TAG, &advertisement->tags);
    look_up_texts(search, POLICY_KEY_RESOURCE, &advertisement->resources);
    look_up_texts(search, POLICY_KEY_PATH, &advertisement->path);
    look_up_texts(search, POLICY_KEY_SCOPE, &scope);
    look_up_texts(search, POLICY_KEY_ORIGIN, &origin);
}

void
policy_index_begin(struct policy_search *search, const struct policy_rules *rules,
    const struct advertisement *advertisement)
{
    /* Not initialised as a whole: it is large, and little of it is used. */
    search->rules = rules;
    search->candidate_count = 0;
    search->key_count = 0;
    search->overflowed = false;
    search->next = 0;
    look_up_all(search, advertisement);
    for (uint32_t i = 0; i < search->key_count; i++) {
        collect(search, search->keys[i]);
    }
    push_list(search, rules->index.rest);
}

uint32_t
policy_index_next(struct policy_search *search)
{
    if (search->overflowed) {
        bool more = search->next < search->rules->count;
        return more ? search->next++ : POLICY_NO_RULE;
    }
    while (search->candidate_count > 0) {
        uint32_t rule = search->candidates[0].rule;
        advance(search);
        /* A rule may be under several of the keys. */
        if (rule >= search->next) {
            search->next = rule + 1;
            return rule;
        }
    }
    return POLICY_NO_RULE;
}
