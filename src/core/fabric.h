/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fabric.h - calls between servers: role "fabric-message" with an rpc-request or rpc-response (protocol.md 6).
 *
 * Encoding is in parts so that arguments and results are never copied here: the head, the caller's own span, the tail.
 */
#ifndef CORE_FABRIC_H
#define CORE_FABRIC_H

#include "core/envelope.h"

enum fabric_kind {
    FABRIC_REQUEST = 0,
    FABRIC_RESPONSE,
    FABRIC_OTHER, /* pubsub, queue, cache ...: well formed, nothing for us */
};

/* What request and response share. */
struct fabric_headers {
    struct span correlation_id;
    struct span source_cluster;       /* may be empty */
    struct span target_cluster;       /* may be empty */
    struct text_list routing_path;    /* node urls, the caller first */
    struct text_list federation_path; /* cluster ids */
    bool has_hop_budget;
    int64_t hop_budget;
};

struct fabric_request {
    struct fabric_headers headers;
    struct span request_id;
    struct span command;
    struct span args;   /* raw JSON array */
    struct span kwargs; /* raw JSON object */
    struct text_list resources;
    struct span function_id;
    struct span version_constraint;
    struct span target_cluster;
    struct span target_node;
    struct span reply_to; /* empty: no answer is wanted (protocol.md 6) */
};

struct fabric_response {
    struct fabric_headers headers;
    struct span request_id;
    bool success;
    struct span result; /* raw JSON; "null" when absent */
    struct span error;  /* raw JSON object, or empty */
    struct span responder;
    struct span reply_to;
    struct span reply_cluster;
    struct text_list routing_path; /* of the payload: the request's path and the responder */
};

struct fabric {
    enum fabric_kind kind;
    struct span message_id;
    struct span topic;
    struct fabric_request request;   /* FABRIC_REQUEST */
    struct fabric_response response; /* FABRIC_RESPONSE */
};

/* Anything that the reference drops with a warning is a fault here; the connection stays open (protocol.md 6). */
MUST_CHECK enum message_result fabric_decode(const struct envelope *envelope,
    struct message_scratch *scratch, struct fabric *fabric, struct message_fault *fault);

/*
 * Message = head, args, middle, kwargs, tail. The three written pieces go into `out` one after the other; their sizes come
 * back in *split. request->args and kwargs are not read.
 */
struct fabric_request_split {
    size_t head_size;
    size_t middle_size;
    size_t tail_size;
};
void fabric_request_encode(struct buf *out, const struct fabric_request *request, struct wall now,
    struct fabric_request_split *split);

/* Message = head, result, tail when it succeeded; with success false `result` is not there and the error object is in the head. */
struct fabric_response_split {
    size_t head_size;
    size_t tail_size;
};
void fabric_response_encode(struct buf *out, const struct fabric_response *response,
    struct wall now, struct fabric_response_split *split);

/* {"error":text,"command":command,"error_type":type}: the error object of a response. */
void fabric_error_encode(
    struct buf *out, struct span error, struct span command, struct span error_type);

/* Codes of a bridge that has no way to who serves the function, lost it, or shuts down; another bridge may have one. */
#define FABRIC_CODE_LINK_DOWN 2002
#define FABRIC_CODE_DRAINING  2010

/* The "code" of an error object, which those of bridges have; 0: none. `tape` is used for reading. */
int64_t fabric_error_code(struct span error, struct json_tape *tape);

#endif
