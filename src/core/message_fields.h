/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_fields.h - how the decoders of the wire are written: one table of fields for one JSON object.
 *
 * Private to the codecs of src/core. A row names a key, what its value must be and where the value goes:
 *
 *     const struct field fields[] = {
 *         { FIELD_NAME("server_url", &status->server_url), FIELD_REQUIRED },
 *         { FIELD_TEXT("instance_id", &status->instance_id) },
 *     };
 *
 * A place keeps what it had, its default, when the key is absent or null. The first fault ends the reading.
 */
#ifndef CORE_MESSAGE_FIELDS_H
#define CORE_MESSAGE_FIELDS_H

#include "core/json_write.h"
#include "core/limits.h"
#include "core/message.h"

/* Rows of the longest table in use, and some more. */
#define FIELDS_MAX 20u

/* The integers that every reader of JSON holds exactly. No counter on this wire is near it. */
#define FIELD_INTEGER_MAX (INT64_C(1) << 53)

enum field_kind {
    FIELD_KIND_TEXT = 0, /* a string of at most NAME_SIZE_MAX bytes */
    FIELD_KIND_NAME,     /* the same, and not empty */
    FIELD_KIND_PROSE,    /* a string of any size */
    FIELD_KIND_INTEGER,  /* within FIELD_INTEGER_MAX of zero */
    FIELD_KIND_FLAG,
    FIELD_KIND_TIME,       /* seconds since 1970 */
    FIELD_KIND_TTL,        /* seconds; a negative one is over at once: 0 */
    FIELD_KIND_TEXTS,      /* an array of texts */
    FIELD_KIND_RAW,        /* any value as it was written; null is a value here */
    FIELD_KIND_RAW_ARRAY,  /* an array as it was written */
    FIELD_KIND_RAW_OBJECT, /* an object as it was written */
    FIELD_KIND_ARRAY,      /* the token of an array, to be walked by the caller */
    FIELD_KIND_OBJECT,     /* the token of an object, for another table */
    FIELD_KIND_TOKEN,      /* the token of any value, null included */
};

struct field {
    const char *key; /* a literal: it ends up in the fault */
    enum field_kind kind;
    bool required;
    uint32_t count_max; /* FIELD_KIND_TEXTS, FIELD_KIND_ARRAY */
    bool *seen;         /* or NULL: set to true when the field had a value */
    union {
        struct span *text;
        int64_t *integer;
        bool *flag;
        struct wall *time;
        uint64_t *ttl_ns;
        struct text_list *texts;
        uint32_t *token;
    };
};

#define FIELD_REQUIRED              .required = true
#define FIELD_SEEN(seen_)           .seen = (seen_)
#define FIELD_TEXT(key_, text_)     .key = (key_), .kind = FIELD_KIND_TEXT, .text = (text_)
#define FIELD_NAME(key_, text_)     .key = (key_), .kind = FIELD_KIND_NAME, .text = (text_)
#define FIELD_PROSE(key_, text_)    .key = (key_), .kind = FIELD_KIND_PROSE, .text = (text_)
#define FIELD_INTEGER(key_, value_) .key = (key_), .kind = FIELD_KIND_INTEGER, .integer = (value_)
#define FIELD_FLAG(key_, flag_)     .key = (key_), .kind = FIELD_KIND_FLAG, .flag = (flag_)
#define FIELD_TIME(key_, time_)     .key = (key_), .kind = FIELD_KIND_TIME, .time = (time_)
#define FIELD_TTL(key_, ttl_)       .key = (key_), .kind = FIELD_KIND_TTL, .ttl_ns = (ttl_)
#define FIELD_TEXTS(key_, texts_, max_)                                                            \
    .key = (key_), .kind = FIELD_KIND_TEXTS, .count_max = (max_), .texts = (texts_)
#define FIELD_RAW(key_, text_)        .key = (key_), .kind = FIELD_KIND_RAW, .text = (text_)
#define FIELD_RAW_ARRAY(key_, text_)  .key = (key_), .kind = FIELD_KIND_RAW_ARRAY, .text = (text_)
#define FIELD_RAW_OBJECT(key_, text_) .key = (key_), .kind = FIELD_KIND_RAW_OBJECT, .text = (text_)
#define FIELD_ARRAY(key_, token_, max_)                                                            \
    .key = (key_), .kind = FIELD_KIND_ARRAY, .count_max = (max_), .token = (token_)
#define FIELD_OBJECT(key_, token_) .key = (key_), .kind = FIELD_KIND_OBJECT, .token = (token_)
#define FIELD_TOKEN(key_, token_)  .key = (key_), .kind = FIELD_KIND_TOKEN, .token = (token_)

/* One document on its way into structs. */
struct message_reader {
    const struct json_doc *doc;
    struct arena *arena;
    struct message_fault *fault; /* written once, by the first fault */
};

/* Note the fault and give its result back. */
enum message_result message_refuse(
    const struct message_reader *reader, enum message_result result, const char *key);

/*
 * Fill the places of `fields` from the members of `object`. `name` is the object's own key, for the fault when it is no
 * object. Other members are ignored.
 */
MUST_CHECK enum message_result message_read(const struct message_reader *reader, uint32_t object,
    const char *name, const struct field *fields, size_t field_count);

/* A string token of at most NAME_SIZE_MAX bytes, as FIELD_TEXT reads it. */
MUST_CHECK enum message_result message_read_text(
    const struct message_reader *reader, uint32_t value, const char *key, struct span *text);

/* The items of an array token; 0 for the token 0, which stands for an absent array. */
uint32_t message_count_items(const struct json_doc *doc, uint32_t array);

/*
 * Zeroed room for one struct of `item_size` bytes for each item of the array, to be filled in JSON_EACH_ITEM's order.
 * NULL: no memory, and the fault says so. An absent array needs no room, but gets an address.
 */
MUST_CHECK void *message_take_items(
    const struct message_reader *reader, uint32_t array, size_t item_size, const char *key);

/* One string whose text is that of all parts together. */
void message_write_joined(struct json_writer *writer, const struct span *parts, size_t part_count);

/* The text, or null when it is empty. */
void message_write_optional(struct json_writer *writer, const char *key, struct span text);

/* A member with a text, or with an array of texts. */
void message_write_text(struct json_writer *writer, const char *key, struct span text);
void message_write_list(struct json_writer *writer, const char *key, const struct text_list *list);

#endif
