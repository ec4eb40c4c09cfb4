/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern_include.c - patterns as automata over characters.
 *
 * A pattern becomes a row of moves: a character, any character but a dot (once), and loops that take characters
 * or are passed over. A state is a place in the row. Of the characters only those that some pattern names
 * differ, with the dot; all the others are alike, and one stands for them.
 *
 * Inclusion: walk the part one state at a time together with the set of all states that the whole can be in
 * (the subset construction, made as far as it is reached); at the part's end the set must have an
 * end in it. Overlap: walk both, one state each.
 */
#include "bridge/pattern_include.h"

#include "base/hash.h"
#include "base/utf8.h"

/* Each byte at most one move, and each segment wildcard one more. */
#define MOVES_MAX (PATTERN_SIZE_MAX + PATTERN_WILDCARDS_MAX)

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
    struct move *moves; /* the last is MOVE_END */
    uint32_t count;
};

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

static uint32_t
decode(struct span text, size_t at, size_t size)
{
    static const uint8_t lead_masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t character = text.data[at] & lead_masks[size];
    for (size_t i = 1; i < size; i++) {
        character = character << 6 | (text.data[at + i] & 0x3fu);
    }
    return character;
}

static void
add_move(struct row *row, enum move_kind kind, uint32_t character)
{
    row->moves[row->count] = (struct move){ .kind = kind, .character = character };
    row->count++;
}

static void
add_literal(struct row *row, struct span text)
{
    size_t at = 0;
    while (at < text.size) {
        size_t size = utf8_sequence_size(text, at);
        CHECK(size > 0);
        add_move(row, MOVE_CHARACTER, decode(text, at, size));
        at += size;
    }
}

static bool
make_row(const struct pattern *pattern, struct arena *arena, struct row *row)
{
    *row = (struct row){ .moves = arena_take(arena, (MOVES_MAX + 1) * sizeof(*row->moves)) };
    if (row->moves == NULL) {
        return false;
    }
    add_literal(row, pattern->prefix);
    for (uint32_t i = 0; i < pattern->part_count; i++) {
        const struct pattern_part *part = &pattern->parts[i];
        switch (part->kind) {
        case PATTERN_LITERAL:
            add_literal(row, part->text);
            break;
        case PATTERN_SEGMENT:
            add_move(row, MOVE_DOTLESS, 0);
            add_move(row, MOVE_LOOP_DOTLESS, 0);
            break;
        case PATTERN_ANYTHING:
            add_move(row, MOVE_LOOP, 0);
            break;
        }
    }
    add_literal(row, pattern->suffix);
    add_move(row, MOVE_END, 0);
    CHECK(row->count <= MOVES_MAX + 1);
    return true;
}

/* ---- The alphabet ---- */

struct alphabet {
    uint32_t *characters; /* each once; the last stands for all that are not named */
    uint32_t count;
};

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

/* The dot, the characters of the rows, and one that is none of them: a letter if one is free, since
 * people read it. `rows` have `move_count` moves together. */
static bool
make_alphabet(const struct row *rows, size_t row_count, size_t move_count, struct arena *arena,
    struct alphabet *alphabet)
{
    *alphabet = (struct alphabet){
        .characters = arena_take(arena, (move_count + 2) * sizeof(uint32_t)),
    };
    if (alphabet->characters == NULL) {
        return false;
    }
    add_character(alphabet, '.');
    for (size_t i = 0; i < row_count; i++) {
        for (uint32_t j = 0; j < rows[i].count; j++) {
            if (rows[i].moves[j].kind == MOVE_CHARACTER) {
                add_character(alphabet, rows[i].moves[j].character);
            }
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

/* ---- The search, for both questions ---- */

/* A pair of states that was reached, and how. */
struct pair {
    uint32_t from; /* its predecessor; itself for the first */
    uint32_t character;
    uint32_t length; /* of the name so far, in characters */
    uint32_t part;   /* the state of one side */
    uint64_t *set;   /* inclusion: the states of the other, in bits. Overlap: NULL */
    uint32_t other;  /* overlap: the state of the other */
};

/* The characters that led to the pair at `index`, as a name. */
static struct span
spell(const struct pair *pairs, uint32_t index, struct arena *arena)
{
    uint32_t length = pairs[index].length;
    uint8_t *text = arena_take(arena, (size_t)length * UTF8_SEQUENCE_MAX);
    uint32_t *characters = arena_take(arena, length * sizeof(*characters));
    if (text == NULL || characters == NULL) {
        return SPAN_NONE;
    }
    for (uint32_t at = length; at-- > 0;) {
        characters[at] = pairs[index].character;
        index = pairs[index].from;
    }
    size_t size = 0;
    for (uint32_t i = 0; i < length; i++) {
        size += utf8_encode(characters[i], &text[size]);
    }
    return span_from(text, size);
}

/* ---- Inclusion ---- */

struct inclusion {
    struct arena *arena;
    struct row part;
    struct row *whole;
    uint32_t whole_count;
    struct alphabet alphabet;
    uint32_t word_count; /* of 64 states each, in a set */
    struct pair *pairs;
    uint32_t pair_count;
    uint32_t *slots; /* a hash table of pairs by part and set: index + 1, 0 is free */
    bool undecided;
};

#define SLOT_COUNT (4 * PATTERN_INCLUDE_PAIRS_MAX)

static void
set_add(uint64_t *set, uint32_t state)
{
    set[state / 64] |= UINT64_C(1) << state % 64;
}

static bool
set_has(const uint64_t *set, uint32_t state)
{
    return (set[state / 64] >> state % 64 & 1) != 0;
}

/* The state and those behind the loops that it may pass over. `base` is the row's first state. */
static void
add_closure(const struct row *row, uint32_t base, uint32_t at, uint64_t *set)
{
    set_add(set, base + at);
    while (is_loop(&row->moves[at])) {
        at++;
        set_add(set, base + at);
    }
}

static void
step_set(const struct inclusion *inclusion, const uint64_t *set, uint32_t character, uint64_t *next)
{
    uint32_t base = 0;
    memset(next, 0, inclusion->word_count * sizeof(*next));
    for (uint32_t i = 0; i < inclusion->whole_count; i++) {
        const struct row *row = &inclusion->whole[i];
        for (uint32_t at = 0; at < row->count; at++) {
            const struct move *move = &row->moves[at];
            if (set_has(set, base + at) && takes(move, character)) {
                add_closure(row, base, is_loop(move) ? at : at + 1, next);
            }
        }
        base += row->count;
    }
}

static bool
set_accepts(const struct inclusion *inclusion, const uint64_t *set)
{
    uint32_t end = 0;
    for (uint32_t i = 0; i < inclusion->whole_count; i++) {
        end += inclusion->whole[i].count;
        if (set_has(set, end - 1)) {
            return true;
        }
    }
    return false;
}

/* Put the pair in if it is new. It keeps a copy of `set`. */
static void
reach(struct inclusion *inclusion, uint32_t part, const uint64_t *set, uint32_t from,
    uint32_t character)
{
    static const struct hash_key key = { .k0 = 0, .k1 = 0 };
    size_t size = inclusion->word_count * sizeof(*set);
    uint64_t hash = hash_bytes(&key, span_from(set, size)) + part * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t slot = (uint32_t)(hash % SLOT_COUNT);
    for (; inclusion->slots[slot] != 0; slot = (slot + 1) % SLOT_COUNT) {
        const struct pair *known = &inclusion->pairs[inclusion->slots[slot] - 1];
        if (known->part == part && memcmp(known->set, set, size) == 0) {
            return;
        }
    }
    uint64_t *copy = inclusion->pair_count == PATTERN_INCLUDE_PAIRS_MAX
                         ? NULL
                         : arena_take(inclusion->arena, size);
    if (copy == NULL) {
        inclusion->undecided = true;
        return;
    }
    memcpy(copy, set, size);
    bool first = inclusion->pair_count == 0;
    inclusion->pairs[inclusion->pair_count] = (struct pair){
        .from = from,
        .character = character,
        .length = first ? 0 : inclusion->pairs[from].length + 1,
        .part = part,
        .set = copy,
    };
    inclusion->pair_count++;
    /* The first pair stands for no name yet, and may be reached again by one. */
    inclusion->slots[slot] = first ? 0 : inclusion->pair_count;
}

/* All pairs one character further; passing over a loop of the part takes none. `next` is scratch. */
static void
expand(struct inclusion *inclusion, uint32_t index, uint64_t *next)
{
    uint32_t part = inclusion->pairs[index].part;
    const uint64_t *set = inclusion->pairs[index].set;
    for (;; part++) {
        const struct move *move = &inclusion->part.moves[part];
        for (uint32_t i = inclusion->alphabet.count; i-- > 0 && !inclusion->undecided;) {
            uint32_t character = inclusion->alphabet.characters[i];
            if (takes(move, character)) {
                step_set(inclusion, set, character, next);
                reach(inclusion, is_loop(move) ? part : part + 1, next, index, character);
            }
        }
        if (!is_loop(move)) {
            return;
        }
    }
}

/* The part's name may end here. */
static bool
part_accepts(const struct inclusion *inclusion, uint32_t part)
{
    while (is_loop(&inclusion->part.moves[part])) {
        part++;
    }
    return inclusion->part.moves[part].kind == MOVE_END;
}

static bool
prepare(struct inclusion *inclusion, const struct pattern *whole, const struct pattern *part)
{
    struct arena *arena = inclusion->arena;
    uint32_t count = inclusion->whole_count;
    struct row *rows = arena_take(arena, (count + 1) * sizeof(*rows));
    uint32_t state_count = 0;
    if (rows == NULL || !make_row(part, arena, &rows[count])) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!make_row(&whole[i], arena, &rows[i])) {
            return false;
        }
        state_count += rows[i].count;
        if (state_count > PATTERN_INCLUDE_STATES_MAX) {
            return false;
        }
    }
    inclusion->whole = rows;
    inclusion->part = rows[count];
    inclusion->word_count = state_count / 64 + 1;
    inclusion->pairs = arena_take(arena, PATTERN_INCLUDE_PAIRS_MAX * sizeof(struct pair));
    inclusion->slots = arena_take(arena, SLOT_COUNT * sizeof(uint32_t));
    return inclusion->pairs != NULL && inclusion->slots != NULL &&
           make_alphabet(
               rows, count + 1, state_count + inclusion->part.count, arena, &inclusion->alphabet);
}

static enum pattern_inclusion
search(struct inclusion *inclusion, struct span *witness)
{
    uint64_t *next = arena_take(inclusion->arena, inclusion->word_count * sizeof(*next));
    if (next == NULL) {
        return PATTERN_UNDECIDED;
    }
    uint32_t base = 0;
    for (uint32_t i = 0; i < inclusion->whole_count; i++) {
        add_closure(&inclusion->whole[i], base, 0, next);
        base += inclusion->whole[i].count;
    }
    reach(inclusion, 0, next, 0, 0);
    for (uint32_t i = 0; i < inclusion->pair_count && !inclusion->undecided; i++) {
        const struct pair *pair = &inclusion->pairs[i];
        /* No function has an empty name. */
        if (pair->length > 0 && part_accepts(inclusion, pair->part) &&
            !set_accepts(inclusion, pair->set)) {
            *witness = spell(inclusion->pairs, i, inclusion->arena);
            return witness->data == NULL ? PATTERN_UNDECIDED : PATTERN_NOT_INCLUDED;
        }
        expand(inclusion, i, next);
    }
    return inclusion->undecided ? PATTERN_UNDECIDED : PATTERN_INCLUDED;
}

enum pattern_inclusion
pattern_includes(const struct pattern *whole, uint32_t count, const struct pattern *part,
    struct arena *arena, struct span *witness)
{
    struct inclusion inclusion = { .arena = arena, .whole_count = count };
    return prepare(&inclusion, whole, part) ? search(&inclusion, witness) : PATTERN_UNDECIDED;
}

/* ---- Overlap ---- */

struct overlap {
    struct arena *arena;
    struct row rows[2];
    struct alphabet alphabet;
    struct pair *pairs; /* as many as there are pairs of states */
    uint32_t pair_count;
    bool *reached; /* by part * count + other */
};

static void
meet(struct overlap *overlap, uint32_t part, uint32_t other, uint32_t from, uint32_t character)
{
    bool *reached = &overlap->reached[part * overlap->rows[1].count + other];
    if (*reached) {
        return;
    }
    *reached = true;
    bool first = overlap->pair_count == 0;
    overlap->pairs[overlap->pair_count] = (struct pair){
        .from = from,
        .character = character,
        .length = first ? 0 : overlap->pairs[from].length + 1,
        .part = part,
        .other = other,
    };
    overlap->pair_count++;
}

/* One character that both take is enough: where it leads does not depend on which. */
static void
meet_behind(struct overlap *overlap, uint32_t part, uint32_t other, uint32_t from)
{
    const struct move *a = &overlap->rows[0].moves[part];
    const struct move *b = &overlap->rows[1].moves[other];
    for (uint32_t i = overlap->alphabet.count; i-- > 0;) {
        uint32_t character = overlap->alphabet.characters[i];
        if (takes(a, character) && takes(b, character)) {
            meet(overlap, is_loop(a) ? part : part + 1, is_loop(b) ? other : other + 1, from,
                character);
            return;
        }
    }
}

/* All pairs of states that this one reaches without a character. true: both ends are among them. */
static bool
advance(struct overlap *overlap, uint32_t index)
{
    const struct pair *pair = &overlap->pairs[index];
    bool is_end = false;
    uint32_t part = pair->part;
    for (bool more = true; more; part++) {
        const struct move *a = &overlap->rows[0].moves[part];
        more = is_loop(a);
        uint32_t other = pair->other;
        for (bool more_too = true; more_too; other++) {
            const struct move *b = &overlap->rows[1].moves[other];
            more_too = is_loop(b);
            meet_behind(overlap, part, other, index);
            is_end = is_end || (a->kind == MOVE_END && b->kind == MOVE_END);
        }
    }
    return is_end && pair->length > 0;
}

enum pattern_overlap
pattern_overlaps(
    const struct pattern *a, const struct pattern *b, struct arena *arena, struct span *witness)
{
    struct overlap overlap = { .arena = arena };
    if (!make_row(a, arena, &overlap.rows[0]) || !make_row(b, arena, &overlap.rows[1])) {
        return PATTERN_OVERLAP_NO_MEMORY;
    }
    size_t state_count = (size_t)overlap.rows[0].count * overlap.rows[1].count;
    size_t move_count = (size_t)overlap.rows[0].count + overlap.rows[1].count;
    /* One more: the first pair is met without being marked, so that it may be met again by a name. */
    overlap.pairs = arena_take(arena, (state_count + 1) * sizeof(*overlap.pairs));
    overlap.reached = arena_take(arena, state_count * sizeof(*overlap.reached));
    if (overlap.pairs == NULL || overlap.reached == NULL ||
        !make_alphabet(overlap.rows, 2, move_count, arena, &overlap.alphabet)) {
        return PATTERN_OVERLAP_NO_MEMORY;
    }
    meet(&overlap, 0, 0, 0, 0);
    overlap.reached[0] = false;
    for (uint32_t i = 0; i < overlap.pair_count; i++) {
        if (advance(&overlap, i)) {
            *witness = spell(overlap.pairs, i, arena);
            return witness->data == NULL ? PATTERN_OVERLAP_NO_MEMORY : PATTERN_OVERLAPPING;
        }
    }
    return PATTERN_DISJOINT;
}

/* ---- Names ---- */

const char *
pattern_inclusion_name(enum pattern_inclusion inclusion)
{
    switch (inclusion) {
    case PATTERN_INCLUDED:
        return "included";
    case PATTERN_NOT_INCLUDED:
        return "not_included";
    case PATTERN_UNDECIDED:
        return "undecided";
    }
    return "unknown";
}

const char *
pattern_overlap_name(enum pattern_overlap overlap)
{
    switch (overlap) {
    case PATTERN_DISJOINT:
        return "disjoint";
    case PATTERN_OVERLAPPING:
        return "overlapping";
    case PATTERN_OVERLAP_NO_MEMORY:
        return "no_memory";
    }
    return "unknown";
}
