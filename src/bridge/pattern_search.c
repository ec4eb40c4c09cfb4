/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern_search.c - patterns as automata over characters, walked all at once.
 *
 * A pattern becomes a row of moves: a character, any character but a dot (once), and loops that take characters
 * or are passed over. A state is a place in the row. Of the characters only those that some pattern names
 * differ, with the dot; all the others are alike, and one stands for them.
 *
 * The rows lie behind each other, each from a word of its own on, so that one set of bits says where all of
 * them are and each row's part of it is whole words.
 */
#include "bridge/pattern_search.h"

#include "base/hash.h"
#include "base/utf8.h"

/* Each byte at most one move, each segment wildcard one more, and the end. */
#define MOVES_MAX (PATTERN_SIZE_MAX + PATTERN_WILDCARDS_MAX + 1)

/* Places for sets at first; more when they are reached. */
#define SETS_MIN 64u

enum move_kind {
    MOVE_CHARACTER = 0, /* exactly this one */
    MOVE_DOTLESS,       /* any but a dot */
    MOVE_LOOP_DOTLESS,  /* likewise, as often as you like, or pass over */
    MOVE_LOOP,          /* any, as often as you like, or pass over */
    MOVE_END,           /* the name must end here */
};

struct move {
    enum move_kind kind;
    uint32_t character;
};

struct row {
    uint32_t word; /* the first of its words in a set */
    uint32_t word_count;
    bool excluded;
};

/* A set of states that was reached, and how. */
struct reached {
    uint32_t from; /* its predecessor; itself for the first */
    uint32_t character;
    uint32_t length; /* of the text so far, in characters */
    uint64_t *states;
};

struct alphabet {
    uint32_t *characters;
    uint32_t count;
};

struct search {
    struct arena *arena;
    struct row *rows;
    uint32_t row_count;
    uint32_t word_count; /* of a set */
    struct move *moves;  /* by state: word_count * 64 */
    uint64_t *ends;      /* states in which the text may end */
    struct alphabet alphabet;
    struct reached *reached;
    uint32_t reached_count;
    uint32_t reached_max;
    uint32_t *slots; /* a hash table of `reached`, 4 * reached_max: index + 1, 0 is free */
    bool over;
};

/* ---- Rows ---- */

static bool
is_loop(const struct move *move)
{
    return move->kind == MOVE_LOOP || move->kind == MOVE_LOOP_DOTLESS;
}

static bool
takes(const struct move *move, uint32_t character)
{
    switch (move->kind) {
    case MOVE_CHARACTER:
        return character == move->character;
    case MOVE_DOTLESS:
    case MOVE_LOOP_DOTLESS:
        return character != '.';
    case MOVE_LOOP:
        return true;
    case MOVE_END:
        return false;
    }
    return false;
}

/* The character at *at, which is moved behind it. */
static uint32_t
take_character(struct span text, size_t *at)
{
    static const uint8_t lead_masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    size_t size = utf8_sequence_size(text, *at);
    CHECK(size > 0);
    uint32_t character = text.data[*at] & lead_masks[size];
    for (size_t i = 1; i < size; i++) {
        character = character << 6 | (text.data[*at + i] & 0x3fu);
    }
    *at += size;
    return character;
}

struct writing {
    struct move moves[MOVES_MAX];
    uint32_t count;
};

static void
add_move(struct writing *writing, enum move_kind kind, uint32_t character)
{
    CHECK(writing->count < MOVES_MAX);
    writing->moves[writing->count] = (struct move){ .kind = kind, .character = character };
    writing->count++;
}

static void
add_literal(struct writing *writing, struct span text)
{
    for (size_t at = 0; at < text.size;) {
        add_move(writing, MOVE_CHARACTER, take_character(text, &at));
    }
}

static void
write_row(const struct pattern *pattern, struct writing *writing)
{
    writing->count = 0;
    add_literal(writing, pattern->prefix);
    for (uint32_t i = 0; i < pattern->part_count; i++) {
        const struct pattern_part *part = &pattern->parts[i];
        switch (part->kind) {
        case PATTERN_LITERAL:
            add_literal(writing, part->text);
            break;
        case PATTERN_SEGMENT:
            add_move(writing, MOVE_DOTLESS, 0);
            add_move(writing, MOVE_LOOP_DOTLESS, 0);
            break;
        case PATTERN_ANYTHING:
            add_move(writing, MOVE_LOOP, 0);
            break;
        }
    }
    add_literal(writing, pattern->suffix);
    add_move(writing, MOVE_END, 0);
}

/* ---- Sets ---- */

static void
set_add(uint64_t *set, uint32_t state)
{
    set[state / 64] |= UINT64_C(1) << state % 64;
}

/* The state and those behind the loops that it may pass over. */
static void
add_closure(const struct search *search, uint32_t state, uint64_t *set)
{
    set_add(set, state);
    while (is_loop(&search->moves[state])) {
        state++;
        set_add(set, state);
    }
}

/* Where a row comes from its states in `set` by a character; false: nowhere. */
static bool
step_row(const struct search *search, const struct row *row, const uint64_t *set,
    uint32_t character, uint64_t *next)
{
    bool alive = false;
    for (uint32_t word = row->word; word < row->word + row->word_count; word++) {
        for (uint64_t left = set[word]; left != 0; left &= left - 1) {
            uint32_t state = word * 64 + (uint32_t)__builtin_ctzll(left);
            const struct move *move = &search->moves[state];
            if (takes(move, character)) {
                add_closure(search, is_loop(move) ? state : state + 1, next);
                alive = true;
            }
        }
    }
    return alive;
}

/* false: one that has to match cannot any more. */
static bool
step(const struct search *search, const uint64_t *set, uint32_t character, uint64_t *next)
{
    memset(next, 0, search->word_count * sizeof(*next));
    for (uint32_t i = 0; i < search->row_count; i++) {
        const struct row *row = &search->rows[i];
        if (!step_row(search, row, set, character, next) && !row->excluded) {
            return false;
        }
    }
    return true;
}

/* The text may end here: all that have to match do, and no other. */
static bool
is_found(const struct search *search, const uint64_t *set)
{
    for (uint32_t i = 0; i < search->row_count; i++) {
        const struct row *row = &search->rows[i];
        uint64_t ends = 0;
        for (uint32_t word = row->word; word < row->word + row->word_count; word++) {
            ends |= set[word] & search->ends[word];
        }
        if ((ends != 0) == row->excluded) {
            return false;
        }
    }
    return true;
}

/* ---- Preparation ---- */

static bool
has_character(const struct alphabet *alphabet, uint32_t character)
{
    for (uint32_t i = 0; i < alphabet->count; i++) {
        if (alphabet->characters[i] == character) {
            return true;
        }
    }
    return false;
}

static void
add_character(struct alphabet *alphabet, uint32_t character)
{
    if (!has_character(alphabet, character)) {
        alphabet->characters[alphabet->count] = character;
        alphabet->count++;
    }
}

/* false: no memory. */
static bool
make_alphabet(struct search *search)
{
    struct alphabet *alphabet = &search->alphabet;
    size_t state_count = (size_t)search->word_count * 64;
    alphabet->characters = arena_take(search->arena, (state_count + 2) * sizeof(uint32_t));
    if (alphabet->characters == NULL) {
        return false;
    }
    add_character(alphabet, '.');
    for (size_t i = 0; i < state_count; i++) {
        /* What lies between the rows is no move: a character that is 0. */
        if (search->moves[i].kind == MOVE_CHARACTER && search->moves[i].character != 0) {
            add_character(alphabet, search->moves[i].character);
        }
    }
    uint32_t other = 'x';
    while (has_character(alphabet, other)) {
        /* Behind the letters z and further, from the letter a of Latin-1 on, where no controls are. */
        other = other == 'z' ? 0xe0 : other + 1;
    }
    add_character(alphabet, other);
    return true;
}

/* Mark the states of a row from which `behind` leads to its end. false: no memory. */
static bool
mark_ends(const struct search *search, const struct row *row, struct span behind)
{
    uint32_t first = row->word * 64;
    uint32_t last = first;
    while (search->moves[last].kind != MOVE_END) {
        last++;
    }
    uint32_t *characters = arena_take(search->arena, (behind.size + 1) * sizeof(*characters));
    bool *now = arena_take(search->arena, last - first + 2);
    bool *later = arena_take(search->arena, last - first + 2);
    if (characters == NULL || now == NULL || later == NULL) {
        return false;
    }
    uint32_t count = 0;
    for (size_t at = 0; at < behind.size; count++) {
        characters[count] = take_character(behind, &at);
    }
    now[last - first] = true;
    for (uint32_t state = last; state-- > first;) {
        now[state - first] = is_loop(&search->moves[state]) && now[state + 1 - first];
    }
    while (count-- > 0) {
        bool *swap = later;
        later = now;
        now = swap;
        now[last - first] = false;
        for (uint32_t state = last; state-- > first;) {
            const struct move *move = &search->moves[state];
            bool loops = is_loop(move);
            now[state - first] =
                (loops && now[state + 1 - first]) ||
                (takes(move, characters[count]) && later[state + (loops ? 0 : 1) - first]);
        }
    }
    for (uint32_t state = first; state <= last; state++) {
        if (now[state - first]) {
            set_add(search->ends, state);
        }
    }
    return true;
}

/* The rows, one after the other. false: no memory, or too many states. */
static bool
make_rows(struct search *search, const struct pattern_question *question)
{
    struct writing *writing = arena_take(search->arena, sizeof(*writing));
    search->row_count = question->count;
    search->rows = arena_take(search->arena, question->count * sizeof(*search->rows));
    struct move **moves = arena_take(search->arena, question->count * sizeof(*moves));
    if (writing == NULL || search->rows == NULL || moves == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < question->count; i++) {
        write_row(question->demands[i].pattern, writing);
        uint32_t word_count = (writing->count + 63) / 64;
        search->rows[i] = (struct row){ .word = search->word_count,
            .word_count = word_count,
            .excluded = question->demands[i].excluded };
        search->word_count += word_count;
        moves[i] = arena_take(search->arena, (size_t)word_count * 64 * sizeof(**moves));
        if (moves[i] == NULL || search->word_count > PATTERN_SEARCH_STATES_MAX / 64) {
            return false;
        }
        memcpy(moves[i], writing->moves, writing->count * sizeof(**moves));
    }
    search->moves =
        arena_take(search->arena, (size_t)search->word_count * 64 * sizeof(*search->moves));
    search->ends = arena_take(search->arena, search->word_count * sizeof(*search->ends));
    if (search->moves == NULL || search->ends == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < question->count; i++) {
        const struct row *row = &search->rows[i];
        memcpy(&search->moves[(size_t)row->word * 64], moves[i],
            (size_t)row->word_count * 64 * sizeof(**moves));
        if (!mark_ends(search, row, question->demands[i].behind)) {
            return false;
        }
    }
    return true;
}

/* Where each row is when it has read what stands before the text. NULL: no memory. */
static uint64_t *
make_start(const struct search *search, const struct pattern_question *question)
{
    size_t size = search->word_count * sizeof(uint64_t);
    uint64_t *start = arena_take(search->arena, size);
    uint64_t *now = arena_take(search->arena, size);
    uint64_t *next = arena_take(search->arena, size);
    if (start == NULL || now == NULL || next == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < question->count; i++) {
        const struct row *row = &search->rows[i];
        struct span before = question->demands[i].before;
        size_t row_size = row->word_count * sizeof(uint64_t);
        add_closure(search, row->word * 64, now);
        for (size_t at = 0; at < before.size;) {
            memset(&next[row->word], 0, row_size);
            (void)step_row(search, row, now, take_character(before, &at), next);
            memcpy(&now[row->word], &next[row->word], row_size);
        }
        memcpy(&start[row->word], &now[row->word], row_size);
    }
    return start;
}

/* ---- The search ---- */

static uint32_t
slot_of(const struct search *search, const uint64_t *set)
{
    static const struct hash_key key = { .k0 = 0, .k1 = 0 };
    size_t size = search->word_count * sizeof(*set);
    uint32_t slot_count = 4 * search->reached_max;
    uint32_t slot = (uint32_t)(hash_bytes(&key, span_from(set, size)) % slot_count);
    while (search->slots[slot] != 0 &&
           memcmp(search->reached[search->slots[slot] - 1].states, set, size) != 0) {
        slot = (slot + 1) % slot_count;
    }
    return slot;
}

/* Room for one more. false: there is none. */
static bool
make_room(struct search *search, bool may_be_empty)
{
    if (search->reached_count < search->reached_max) {
        return true;
    }
    uint32_t max = search->reached_max == 0 ? SETS_MIN : 4 * search->reached_max;
    struct reached *reached = arena_take(search->arena, max * sizeof(*reached));
    uint32_t *slots = arena_take(search->arena, 4 * (size_t)max * sizeof(*slots));
    if (max > PATTERN_SEARCH_SETS_MAX || reached == NULL || slots == NULL) {
        return false;
    }
    if (search->reached_count > 0) {
        memcpy(reached, search->reached, search->reached_count * sizeof(*reached));
    }
    search->reached = reached;
    search->slots = slots;
    search->reached_max = max;
    for (uint32_t i = may_be_empty ? 0 : 1; i < search->reached_count; i++) {
        slots[slot_of(search, reached[i].states)] = i + 1;
    }
    return true;
}

/* Put the set in if it is new. It keeps a copy. */
static void
reach(struct search *search, const uint64_t *set, uint32_t from, uint32_t character,
    bool may_be_empty)
{
    size_t size = search->word_count * sizeof(*set);
    bool first = search->reached_count == 0;
    if (!make_room(search, may_be_empty)) {
        search->over = true;
        return;
    }
    uint32_t slot = slot_of(search, set);
    if (search->slots[slot] != 0) {
        return;
    }
    uint64_t *copy = arena_take(search->arena, size);
    if (copy == NULL) {
        search->over = true;
        return;
    }
    memcpy(copy, set, size);
    search->reached[search->reached_count] = (struct reached){
        .from = from,
        .character = character,
        .length = first ? 0 : search->reached[from].length + 1,
        .states = copy,
    };
    search->reached_count++;
    /* The first stands for the empty text: if that does not count, it may be reached again by another. */
    search->slots[slot] = first && !may_be_empty ? 0 : search->reached_count;
}

/* The characters that led to the set at `index`. .data NULL: no memory. */
static struct span
spell(const struct search *search, uint32_t index)
{
    uint32_t length = search->reached[index].length;
    uint8_t *text = arena_take(search->arena, (size_t)length * UTF8_SEQUENCE_MAX);
    uint32_t *characters = arena_take(search->arena, length * sizeof(*characters));
    if (text == NULL || characters == NULL) {
        return SPAN_NONE;
    }
    for (uint32_t at = length; at-- > 0;) {
        characters[at] = search->reached[index].character;
        index = search->reached[index].from;
    }
    size_t size = 0;
    for (uint32_t i = 0; i < length; i++) {
        size += utf8_encode(characters[i], &text[size]);
    }
    return span_from(text, size);
}

static enum pattern_answer
walk(struct search *search, const uint64_t *start, bool may_be_empty, struct span *found)
{
    uint64_t *next = arena_take(search->arena, search->word_count * sizeof(*next));
    search->over = next == NULL;
    if (!search->over) {
        reach(search, start, 0, 0, may_be_empty);
    }
    for (uint32_t i = 0; i < search->reached_count && !search->over; i++) {
        struct reached here = search->reached[i];
        if ((here.length > 0 || may_be_empty) && is_found(search, here.states)) {
            struct span text = spell(search, i);
            if (text.data == NULL) {
                return PATTERN_SEARCH_OVER;
            }
            *found = text;
            return PATTERN_FOUND;
        }
        for (uint32_t j = search->alphabet.count; j-- > 0 && !search->over;) {
            uint32_t character = search->alphabet.characters[j];
            if (step(search, here.states, character, next)) {
                reach(search, next, i, character, may_be_empty);
            }
        }
    }
    return search->over ? PATTERN_SEARCH_OVER : PATTERN_NOWHERE;
}

enum pattern_answer
pattern_search(const struct pattern_question *question, struct arena *arena, struct span *found)
{
    struct search search = { .arena = arena };
    if (!make_rows(&search, question) || !make_alphabet(&search)) {
        return PATTERN_SEARCH_OVER;
    }
    const uint64_t *start = make_start(&search, question);
    return start == NULL ? PATTERN_SEARCH_OVER
                         : walk(&search, start, question->may_be_empty, found);
}

const char *
pattern_answer_name(enum pattern_answer answer)
{
    switch (answer) {
    case PATTERN_FOUND:
        return "found";
    case PATTERN_NOWHERE:
        return "nowhere";
    case PATTERN_SEARCH_OVER:
        return "search_over";
    }
    return "unknown";
}
