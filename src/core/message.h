/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.h - what every decoder of the cluster's wire shares: the scratch it works with, and why it refuses.
 *
 * Decoding: envelope_scan() indexes the document once (json_scan, with "args", "kwargs", "result" and "r" opaque) and tells
 * the kind; then the decoder of that kind fills a plain struct whose spans borrow from the message, or from the arena
 * where a text had escapes. Unknown keys are ignored everywhere, as the reference does (protocol.md 1).
 */
#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "core/function.h"
#include "core/json_scan.h"

enum message_result {
    MESSAGE_OK = 0,
    MESSAGE_NOT_JSON,   /* json_scan refused it; `key` is empty */
    MESSAGE_NOT_OBJECT, /* the document, or `key`, is not an object */
    MESSAGE_MISSING,    /* `key` is required and absent (or null) */
    MESSAGE_BAD_TYPE,   /* `key` has the wrong JSON type */
    MESSAGE_BAD_VALUE,  /* `key` has the right type and an impossible value (version, enum, time) */
    MESSAGE_DUPLICATE_KEY, /* `key` is there twice: two readers could see two values */
    MESSAGE_TOO_LARGE,     /* `key` breaks a cap of limits.h */
    MESSAGE_NO_MEMORY,
};

/* Where a decoder stopped: for the log line and the counter. `key` is a literal. */
struct message_fault {
    enum message_result result;
    const char *key;
};

const char *message_result_name(enum message_result result);

/* The scratch of one decoding: both die with the engine's step. */
struct message_scratch {
    struct json_tape *tape;
    struct arena *arena;
};

/* An array of texts, as every list on this wire is written. */
struct json_writer;
void text_list_encode(struct json_writer *writer, const struct text_list *list);

#endif
