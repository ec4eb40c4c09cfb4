/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.c - the names of the results, and the tables of fields that every decoder is made of.
 */
#include "core/message.h"

#include "core/message_fields.h"

/* The longest escape of one byte of text is \u00XX: a longer string cannot be a name. */
#define NAME_ESCAPED_SIZE_MAX (NAME_SIZE_MAX * 6 + 2)

const char *
message_result_name(enum message_result result)
{
    switch (result) {
    case MESSAGE_OK:
        return "ok";
    case MESSAGE_NOT_JSON:
        return "not_json";
    case MESSAGE_NOT_OBJECT:
        return "not_object";
    case MESSAGE_MISSING:
        return "missing";
    case MESSAGE_BAD_TYPE:
        return "bad_type";
    case MESSAGE_BAD_VALUE:
        return "bad_value";
    case MESSAGE_DUPLICATE_KEY:
        return "duplicate_key";
    case MESSAGE_TOO_LARGE:
        return "too_large";
    case MESSAGE_NO_MEMORY:
        return "no_memory";
    }
    return "unknown";
}

enum message_result
message_refuse(const struct message_reader *reader, enum message_result result, const char *key)
{
    CHECK(result != MESSAGE_OK);
    *reader->fault = (struct message_fault){ .result = result, .key = key };
    return result;
}

uint32_t
message_count_items(const struct json_doc *doc, uint32_t array)
{
    uint32_t count = 0;
    if (array == 0) {
        return 0;
    }
    JSON_EACH_ITEM (doc, array, item) {
        count++;
    }
    return count;
}

void *
message_take_items(
    const struct message_reader *reader, uint32_t array, size_t item_size, const char *key)
{
    /* A token is written as one byte at least, so the product is far below what size_t holds. */
    size_t count = message_count_items(reader->doc, array);
    void *items = arena_take(reader->arena, count * item_size);
    if (items == NULL) {
        (void)message_refuse(reader, MESSAGE_NO_MEMORY, key);
    }
    return items;
}

enum message_result
message_read_text(
    const struct message_reader *reader, uint32_t value, const char *key, struct span *text)
{
    if (json_kind_of(reader->doc, value) != JSON_KIND_STRING) {
        return message_refuse(reader, MESSAGE_BAD_TYPE, key);
    }
    if (reader->doc->tokens[value].size > NAME_ESCAPED_SIZE_MAX) {
        return message_refuse(reader, MESSAGE_TOO_LARGE, key);
    }
    struct span decoded = json_read_text(reader->doc, value, reader->arena);
    if (decoded.data == NULL) {
        return message_refuse(reader, MESSAGE_NO_MEMORY, key);
    }
    if (decoded.size > NAME_SIZE_MAX) {
        return message_refuse(reader, MESSAGE_TOO_LARGE, key);
    }
    *text = decoded;
    return MESSAGE_OK;
}

static enum message_result
read_name(const struct message_reader *reader, uint32_t value, const char *key, struct span *name)
{
    struct span text = SPAN_NONE;
    enum message_result result = message_read_text(reader, value, key, &text);
    if (result == MESSAGE_OK && text.size == 0) {
        return message_refuse(reader, MESSAGE_BAD_VALUE, key);
    }
    if (result == MESSAGE_OK) {
        *name = text;
    }
    return result;
}

static enum message_result
read_prose(const struct message_reader *reader, uint32_t value, const char *key, struct span *prose)
{
    if (json_kind_of(reader->doc, value) != JSON_KIND_STRING) {
        return message_refuse(reader, MESSAGE_BAD_TYPE, key);
    }
    struct span decoded = json_read_text(reader->doc, value, reader->arena);
    if (decoded.data == NULL) {
        return message_refuse(reader, MESSAGE_NO_MEMORY, key);
    }
    *prose = decoded;
    return MESSAGE_OK;
}

static enum message_result
read_integer(const struct message_reader *reader, uint32_t value, const char *key, int64_t *integer)
{
    int64_t number = 0;
    if (json_kind_of(reader->doc, value) != JSON_KIND_NUMBER) {
        return message_refuse(reader, MESSAGE_BAD_TYPE, key);
    }
    if (!json_read_integer(reader->doc, value, &number) || number > FIELD_INTEGER_MAX ||
        number < -FIELD_INTEGER_MAX) {
        return message_refuse(reader, MESSAGE_BAD_VALUE, key);
    }
    *integer = number;
    return MESSAGE_OK;
}

static enum message_result
read_flag(const struct message_reader *reader, uint32_t value, const char *key, bool *flag)
{
    enum json_kind kind = json_kind_of(reader->doc, value);
    if (kind != JSON_KIND_TRUE && kind != JSON_KIND_FALSE) {
        return message_refuse(reader, MESSAGE_BAD_TYPE, key);
    }
    *flag = kind == JSON_KIND_TRUE;
    return MESSAGE_OK;
}

static enum message_result
read_seconds(const struct message_reader *reader, uint32_t value, const char *key, int64_t *ns)
{
    if (json_kind_of(reader->doc, value) != JSON_KIND_NUMBER) {
        return message_refuse(reader, MESSAGE_BAD_TYPE, key);
    }
    if (!json_read_nanoseconds(reader->doc, value, ns)) {
        return message_refuse(reader, MESSAGE_BAD_VALUE, key);
    }
    return MESSAGE_OK;
}

static enum message_result
read_ttl(const struct message_reader *reader, uint32_t value, const char *key, uint64_t *ttl_ns)
{
    int64_t ns = 0;
    enum message_result result = read_seconds(reader, value, key, &ns);
    if (result == MESSAGE_OK) {
        *ttl_ns = ns > 0 ? (uint64_t)ns : 0;
    }
    return result;
}

static enum message_result
read_texts(const struct message_reader *reader, uint32_t value, const struct field *field)
{
    if (json_kind_of(reader->doc, value) != JSON_KIND_ARRAY) {
        return message_refuse(reader, MESSAGE_BAD_TYPE, field->key);
    }
    uint32_t count = message_count_items(reader->doc, value);
    if (count > field->count_max) {
        return message_refuse(reader, MESSAGE_TOO_LARGE, field->key);
    }
    struct span *items = message_take_items(reader, value, sizeof(*items), field->key);
    if (items == NULL) {
        return MESSAGE_NO_MEMORY;
    }
    uint32_t at = 0;
    JSON_EACH_ITEM (reader->doc, value, item) {
        enum message_result result = message_read_text(reader, item, field->key, &items[at]);
        if (result != MESSAGE_OK) {
            return result;
        }
        at++;
    }
    *field->texts = (struct text_list){ .items = items, .count = count };
    return MESSAGE_OK;
}

static enum message_result
read_container(const struct message_reader *reader, uint32_t value, const struct field *field)
{
    bool wants_object = field->kind == FIELD_KIND_OBJECT;
    enum json_kind kind = json_kind_of(reader->doc, value);
    if (wants_object && kind != JSON_KIND_OBJECT) {
        return message_refuse(reader, MESSAGE_NOT_OBJECT, field->key);
    }
    if (!wants_object && kind != JSON_KIND_ARRAY) {
        return message_refuse(reader, MESSAGE_BAD_TYPE, field->key);
    }
    if (!wants_object && message_count_items(reader->doc, value) > field->count_max) {
        return message_refuse(reader, MESSAGE_TOO_LARGE, field->key);
    }
    *field->token = value;
    return MESSAGE_OK;
}

static enum message_result
read_raw(const struct message_reader *reader, uint32_t value, const struct field *field)
{
    enum json_kind kind = json_kind_of(reader->doc, value);
    if (field->kind == FIELD_KIND_RAW_OBJECT && kind != JSON_KIND_OBJECT) {
        return message_refuse(reader, MESSAGE_NOT_OBJECT, field->key);
    }
    if (field->kind == FIELD_KIND_RAW_ARRAY && kind != JSON_KIND_ARRAY) {
        return message_refuse(reader, MESSAGE_BAD_TYPE, field->key);
    }
    *field->text = json_raw(reader->doc, value);
    return MESSAGE_OK;
}

static enum message_result
read_value(const struct message_reader *reader, uint32_t value, const struct field *field)
{
    switch (field->kind) {
    case FIELD_KIND_TEXT:
        return message_read_text(reader, value, field->key, field->text);
    case FIELD_KIND_NAME:
        return read_name(reader, value, field->key, field->text);
    case FIELD_KIND_PROSE:
        return read_prose(reader, value, field->key, field->text);
    case FIELD_KIND_INTEGER:
        return read_integer(reader, value, field->key, field->integer);
    case FIELD_KIND_FLAG:
        return read_flag(reader, value, field->key, field->flag);
    case FIELD_KIND_TIME:
        return read_seconds(reader, value, field->key, &field->time->ns);
    case FIELD_KIND_TTL:
        return read_ttl(reader, value, field->key, field->ttl_ns);
    case FIELD_KIND_TEXTS:
        return read_texts(reader, value, field);
    case FIELD_KIND_RAW:
    case FIELD_KIND_RAW_ARRAY:
    case FIELD_KIND_RAW_OBJECT:
        return read_raw(reader, value, field);
    case FIELD_KIND_ARRAY:
    case FIELD_KIND_OBJECT:
        return read_container(reader, value, field);
    case FIELD_KIND_TOKEN:
        *field->token = value;
        return MESSAGE_OK;
    }
    CHECK(field->kind <= FIELD_KIND_TOKEN);
    return MESSAGE_OK;
}

/* `value` is the token of the field's value, or 0. */
static enum message_result
read_field(const struct message_reader *reader, uint32_t value, const struct field *field)
{
    bool takes_null = field->kind == FIELD_KIND_RAW || field->kind == FIELD_KIND_TOKEN;
    if (value == 0 || (json_kind_of(reader->doc, value) == JSON_KIND_NULL && !takes_null)) {
        return field->required ? message_refuse(reader, MESSAGE_MISSING, field->key) : MESSAGE_OK;
    }
    enum message_result result = read_value(reader, value, field);
    if (result == MESSAGE_OK && field->seen != NULL) {
        *field->seen = true;
    }
    return result;
}

/* The literal of the key that is there twice. */
static const char *
field_key(const struct field *fields, size_t field_count, struct span key)
{
    for (size_t i = 0; i < field_count; i++) {
        if (span_is(key, fields[i].key)) {
            return fields[i].key;
        }
    }
    return "";
}

enum message_result
message_read(const struct message_reader *reader, uint32_t object, const char *name,
    const struct field *fields, size_t field_count)
{
    struct json_want wants[FIELDS_MAX];
    uint32_t values[FIELDS_MAX];
    CHECK(field_count > 0);
    CHECK(field_count <= FIELDS_MAX);
    for (size_t i = 0; i < field_count; i++) {
        wants[i] = (struct json_want){ span_from_text(fields[i].key), &values[i] };
    }
    struct span twice = SPAN_NONE;
    switch (json_pick(reader->doc, object, wants, field_count, &twice)) {
    case JSON_PICK_OK:
        break;
    case JSON_PICK_NOT_OBJECT:
        return message_refuse(reader, MESSAGE_NOT_OBJECT, name);
    case JSON_PICK_DUPLICATE:
        return message_refuse(reader, MESSAGE_DUPLICATE_KEY, field_key(fields, field_count, twice));
    }
    for (size_t i = 0; i < field_count; i++) {
        enum message_result result = read_field(reader, values[i], &fields[i]);
        if (result != MESSAGE_OK) {
            return result;
        }
    }
    return MESSAGE_OK;
}

void
message_write_joined(struct json_writer *writer, const struct span *parts, size_t part_count)
{
    struct buf *buf = writer->buf;
    CHECK(part_count > 0);
    json_write_string(writer, parts[0]);
    for (size_t i = 1; i < part_count; i++) {
        size_t end = buf->size;
        writer->comma = false;
        json_write_string(writer, parts[i]);
        if (buf->overflowed) {
            return;
        }
        /* Each part was escaped as a string of its own; the two quotes between them go. */
        memmove(&buf->data[end - 1], &buf->data[end + 1], buf->size - end - 1);
        buf->size -= 2;
    }
}

void
message_write_optional(struct json_writer *writer, const char *key, struct span text)
{
    json_write_key(writer, key);
    if (text.size == 0) {
        json_write_null(writer);
    } else {
        json_write_string(writer, text);
    }
}

void
text_list_encode(struct json_writer *writer, const struct text_list *list)
{
    json_begin_array(writer);
    for (uint32_t i = 0; i < list->count; i++) {
        json_write_string(writer, list->items[i]);
    }
    json_end_array(writer);
}

void
message_write_text(struct json_writer *writer, const char *key, struct span text)
{
    json_write_key(writer, key);
    json_write_string(writer, text);
}

void
message_write_list(struct json_writer *writer, const char *key, const struct text_list *list)
{
    json_write_key(writer, key);
    text_list_encode(writer, list);
}
