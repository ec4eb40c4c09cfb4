/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_scan.c - the JSON scanner. What reads its result is in json_read.c.
 *
 * Read scan_document() first: it alternates between one value (or the opening of one) and the way to
 * the next, with a stack of open containers instead of recursion. Positions are indexes into the text;
 * a scan_ function returns the position behind what it read, or FAILED after noting why.
 */
#include "core/json_scan.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/utf8.h"
#include "core/json_escape.h"

#define FAILED SIZE_MAX

#define TAPE_ROOM_MIN ((uint32_t)64)
/* One large document does not make its tape large for ever: 1 MiB is kept, as in an arena. */
#define TAPE_ROOM_KEEP ((uint32_t)1 << 16)

_Static_assert(sizeof(struct json_token) == 16, "json_scan.h promises 16 B a token");
_Static_assert((uint64_t)JSON_TOKENS_MAX * sizeof(struct json_token) <= SIZE_MAX, "room fits");

struct level {
    uint32_t token; /* of the container; not set inside an opaque one */
    uint8_t closer; /* the bracket that ends it */
};

struct scan {
    struct span text;
    const struct span *opaque;
    size_t opaque_count;
    struct json_tape *tape;
    struct level *levels;  /* JSON_DEPTH_MAX of them */
    uint32_t depth;        /* containers open */
    uint32_t opaque_depth; /* depth of the opaque container that we are in; 0: in none */
    bool opaque_next;      /* the next value's key is an opaque one */
    bool opened;           /* a container was opened just now: its first item needs no comma */
    struct json_error error;
};

void
json_tape_init(struct json_tape *tape, struct mem *mem)
{
    *tape = (struct json_tape){ .mem = mem };
}

void
json_tape_destroy(struct json_tape *tape)
{
    mem_give(tape->mem, tape->tokens, tape->room * sizeof(*tape->tokens));
    tape->tokens = NULL;
    tape->count = 0;
    tape->room = 0;
}

static size_t
fail(struct scan *scan, enum json_result result, size_t at)
{
    scan->error = (struct json_error){ .result = result, .at = at };
    return FAILED;
}

static bool
grow_tape(struct scan *scan, size_t at)
{
    struct json_tape *tape = scan->tape;
    if (tape->count == JSON_TOKENS_MAX) {
        fail(scan, JSON_TOO_MANY, at);
        return false;
    }
    size_t old_size = tape->room * sizeof(*tape->tokens);
    uint32_t need = tape->room < TAPE_ROOM_MIN ? TAPE_ROOM_MIN : tape->room + 1;
    size_t room = mem_size_for(tape->mem, old_size, need * sizeof(*tape->tokens),
                      JSON_TOKENS_MAX * sizeof(*tape->tokens)) /
                  sizeof(*tape->tokens);
    struct json_token *tokens =
        mem_resize(tape->mem, tape->tokens, old_size, room * sizeof(*tape->tokens));
    if (tokens == NULL) {
        fail(scan, JSON_NO_MEMORY, at);
        return false;
    }
    tape->tokens = tokens;
    tape->room = (uint32_t)room;
    return true;
}

static inline bool
add_token(struct scan *scan, struct json_token token)
{
    struct json_tape *tape = scan->tape;
    if (tape->count == tape->room && !grow_tape(scan, token.offset)) {
        return false;
    }
    token.after = tape->count + 1;
    tape->tokens[tape->count++] = token;
    return true;
}

/* Note the value from `at` to before `end`, unless an opaque container hides it. Returns `end`. */
static inline size_t
end_scalar(struct scan *scan, size_t at, size_t end, enum json_kind kind, bool escaped)
{
    if (scan->opaque_depth > 0) {
        return end;
    }
    struct json_token token = {
        .offset = (uint32_t)at,
        .size = (uint32_t)(end - at),
        .kind = (uint8_t)kind,
        .escaped = escaped,
    };
    return add_token(scan, token) ? end : FAILED;
}

static inline size_t
skip_space(struct span text, size_t at)
{
    while (at < text.size && text.data[at] <= ' ') {
        uint8_t byte = text.data[at];
        if (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t') {
            break;
        }
        at++;
    }
    return at;
}

static inline bool
is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* To the first byte of a string that needs a look: quote, backslash, control or not ASCII; or the end. */
static inline size_t
skip_plain(struct span text, size_t at)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(0x20);
    while (text.size - at >= sizeof(__m128i)) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)&text.data[at]);
        /* The comparison is signed: below a space are the control bytes and all from 0x80 on. */
        __m128i special = _mm_or_si128(_mm_cmplt_epi8(bytes, space),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        unsigned mask = (unsigned)_mm_movemask_epi8(special);
        if (mask != 0) {
            return at + (unsigned)__builtin_ctz(mask);
        }
        at += sizeof(__m128i);
    }
#endif
    while (at < text.size && is_plain(text.data[at])) {
        at++;
    }
    return at;
}

static inline bool
is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* From the opening quote at `at` to behind the closing one. */
static size_t
scan_string(struct scan *scan, size_t at, bool *escaped)
{
    struct span text = scan->text;
    at++;
    for (;;) {
        at = skip_plain(text, at);
        if (at == text.size) {
            return fail(scan, JSON_SYNTAX, at);
        }
        uint8_t byte = text.data[at];
        if (byte == '"') {
            return at + 1;
        }
        if (byte < 0x20) {
            return fail(scan, JSON_SYNTAX, at);
        }
        uint32_t character;
        bool escape = byte == '\\';
        size_t size =
            escape ? json_escape_read(text, at, &character) : utf8_sequence_size(text, at);
        if (size == 0) {
            return fail(scan, escape ? JSON_BAD_ESCAPE : JSON_BAD_UTF8, at);
        }
        *escaped = *escaped || escape;
        at += size;
    }
}

static inline size_t
skip_digits(struct span text, size_t at)
{
    while (at < text.size && is_digit(text.data[at])) {
        at++;
    }
    return at;
}

/* One digit or more from `at` on. */
static inline size_t
scan_digits(struct scan *scan, size_t at)
{
    size_t end = skip_digits(scan->text, at);
    return end > at ? end : fail(scan, JSON_SYNTAX, at);
}

static inline bool
next_is(struct span text, size_t at, uint8_t byte)
{
    return at < text.size && text.data[at] == byte;
}

static size_t
scan_number(struct scan *scan, size_t start)
{
    struct span text = scan->text;
    size_t at = start + (next_is(text, start, '-') ? 1 : 0);
    /* No digit may follow a leading zero; as nothing else expects one, it fails as what comes next. */
    at = next_is(text, at, '0') ? at + 1 : scan_digits(scan, at);
    if (at != FAILED && next_is(text, at, '.')) {
        at = scan_digits(scan, at + 1);
    }
    if (at != FAILED && (next_is(text, at, 'e') || next_is(text, at, 'E'))) {
        at++;
        at += next_is(text, at, '+') || next_is(text, at, '-') ? 1 : 0;
        at = scan_digits(scan, at);
    }
    return at == FAILED ? FAILED : end_scalar(scan, start, at, JSON_KIND_NUMBER, false);
}

static size_t
scan_literal(struct scan *scan, size_t at, struct span literal, enum json_kind kind)
{
    for (size_t i = 0; i < literal.size; i++) {
        if (!next_is(scan->text, at + i, literal.data[i])) {
            return fail(scan, JSON_SYNTAX, at + i);
        }
    }
    return end_scalar(scan, at, at + literal.size, kind, false);
}

static size_t
open_container(struct scan *scan, size_t at, enum json_kind kind)
{
    if (scan->depth == JSON_DEPTH_MAX) {
        return fail(scan, JSON_TOO_DEEP, at);
    }
    struct level *level = &scan->levels[scan->depth++];
    level->closer = kind == JSON_KIND_OBJECT ? '}' : ']';
    scan->opened = true;
    if (scan->opaque_depth > 0) {
        return at + 1;
    }
    level->token = scan->tape->count;
    struct json_token token = {
        .offset = (uint32_t)at,
        .kind = (uint8_t)kind,
        .opaque = scan->opaque_next,
    };
    if (!add_token(scan, token)) {
        return FAILED;
    }
    scan->opaque_depth = scan->opaque_next ? scan->depth : 0;
    return at + 1;
}

/* The innermost container ends before `end`: now its size and its last token are known. */
static inline void
close_container(struct scan *scan, size_t end)
{
    CHECK(scan->depth > 0);
    if (scan->opaque_depth == scan->depth) {
        scan->opaque_depth = 0;
    }
    scan->depth--;
    scan->opened = false;
    if (scan->opaque_depth == 0) {
        struct json_token *token = &scan->tape->tokens[scan->levels[scan->depth].token];
        token->size = (uint32_t)(end - token->offset);
        token->after = scan->tape->count;
    }
}

static inline size_t
scan_string_value(struct scan *scan, size_t at)
{
    bool escaped = false;
    size_t end = scan_string(scan, at, &escaped);
    return end == FAILED ? FAILED : end_scalar(scan, at, end, JSON_KIND_STRING, escaped);
}

/* A whole scalar, or the opening bracket of a container. */
static size_t
scan_value(struct scan *scan, size_t at)
{
    if (at == scan->text.size) {
        return fail(scan, JSON_SYNTAX, at);
    }
    switch (scan->text.data[at]) {
    case '"':
        return scan_string_value(scan, at);
    case '{':
        return open_container(scan, at, JSON_KIND_OBJECT);
    case '[':
        return open_container(scan, at, JSON_KIND_ARRAY);
    case 't':
        return scan_literal(scan, at, SPAN("true"), JSON_KIND_TRUE);
    case 'f':
        return scan_literal(scan, at, SPAN("false"), JSON_KIND_FALSE);
    case 'n':
        return scan_literal(scan, at, SPAN("null"), JSON_KIND_NULL);
    default:
        return scan_number(scan, at);
    }
}

static bool
is_opaque_key(const struct scan *scan, struct span raw, bool escaped)
{
    for (size_t i = 0; i < scan->opaque_count; i++) {
        /* Most keys differ in size already, and this is asked for every key. */
        bool may_be = escaped || raw.size == scan->opaque[i].size + 2;
        if (may_be && json_string_is(raw, escaped, scan->opaque[i])) {
            return true;
        }
    }
    return false;
}

/* A member's key and colon, up to its value. */
static size_t
scan_key(struct scan *scan, size_t at)
{
    if (!next_is(scan->text, at, '"')) {
        return fail(scan, JSON_SYNTAX, at);
    }
    bool escaped = false;
    size_t end = scan_string(scan, at, &escaped);
    if (end == FAILED || end_scalar(scan, at, end, JSON_KIND_STRING, escaped) == FAILED) {
        return FAILED;
    }
    scan->opaque_next = scan->opaque_count > 0 && scan->opaque_depth == 0 &&
                        is_opaque_key(scan, span_part(scan->text, at, end - at), escaped);
    at = skip_space(scan->text, end);
    if (!next_is(scan->text, at, ':')) {
        return fail(scan, JSON_SYNTAX, at);
    }
    return skip_space(scan->text, at + 1);
}

/* From behind a value or an opening bracket to the start of the next value, or to the end of the document. */
static size_t
scan_to_next(struct scan *scan, size_t at)
{
    while (scan->depth > 0) {
        at = skip_space(scan->text, at);
        uint8_t closer = scan->levels[scan->depth - 1].closer;
        if (next_is(scan->text, at, closer)) {
            close_container(scan, ++at);
            continue;
        }
        if (!scan->opened) {
            if (!next_is(scan->text, at, ',')) {
                return fail(scan, JSON_SYNTAX, at);
            }
            at = skip_space(scan->text, at + 1);
        }
        scan->opened = false;
        scan->opaque_next = false;
        return closer == '}' ? scan_key(scan, at) : at;
    }
    return at;
}

static size_t
scan_document(struct scan *scan)
{
    size_t at = skip_space(scan->text, 0);
    do {
        at = scan_value(scan, at);
        at = at == FAILED ? FAILED : scan_to_next(scan, at);
    } while (at != FAILED && scan->depth > 0);
    at = at == FAILED ? FAILED : skip_space(scan->text, at);
    return at == FAILED || at == scan->text.size ? at : fail(scan, JSON_SYNTAX, at);
}

static enum json_result
run(struct scan *scan, struct json_doc *doc, struct json_error *error)
{
    struct json_tape *tape = scan->tape;
    if (tape->room > TAPE_ROOM_KEEP) {
        json_tape_destroy(tape);
    }
    tape->count = 0;
    if (scan->text.size > UINT32_MAX) {
        /* A token could not say where it is. */
        fail(scan, JSON_TOO_MANY, UINT32_MAX);
    } else if (scan_document(scan) != FAILED) {
        CHECK(tape->count > 0);
        *doc = (struct json_doc){
            .text = scan->text,
            .tokens = tape->tokens,
            .count = tape->count,
        };
    }
    if (error != NULL && scan->error.result != JSON_OK) {
        *error = scan->error;
    }
    return scan->error.result;
}

enum json_result
json_scan(struct span text, const struct span *opaque, size_t opaque_count, struct json_tape *tape,
    struct json_doc *doc, struct json_error *error)
{
    CHECK(opaque != NULL || opaque_count == 0);
    struct level levels[JSON_DEPTH_MAX];
    struct scan scan = {
        .text = text,
        .opaque = opaque,
        .opaque_count = opaque_count,
        .tape = tape,
        .levels = levels,
    };
    return run(&scan, doc, error);
}

enum json_result
json_check(struct span text, struct json_tape *tape, enum json_kind *kind)
{
    struct level levels[JSON_DEPTH_MAX];
    struct json_doc doc = { .count = 0 };
    struct scan scan = { .text = text, .tape = tape, .levels = levels, .opaque_next = true };
    enum json_result result = run(&scan, &doc, NULL);
    if (result == JSON_OK) {
        *kind = json_kind_of(&doc, 0);
    }
    return result;
}

const char *
json_result_name(enum json_result result)
{
    switch (result) {
    case JSON_OK:
        return "ok";
    case JSON_SYNTAX:
        return "syntax";
    case JSON_BAD_UTF8:
        return "bad-utf8";
    case JSON_BAD_ESCAPE:
        return "bad-escape";
    case JSON_TOO_DEEP:
        return "too-deep";
    case JSON_TOO_MANY:
        return "too-many";
    case JSON_NO_MEMORY:
        return "no-memory";
    }
    return "?";
}
