/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc.h - what a client asks: role "rpc" (protocol.md 5).
 */
#ifndef CORE_RPC_H
#define CORE_RPC_H

#include "core/envelope.h"

struct rpc_command {
    struct span name; /* label of the result */
    struct span function;
    struct span args;               /* raw JSON array; "[]" when absent */
    struct span kwargs;             /* raw JSON object; "{}" when absent */
    struct text_list resources;     /* locs */
    struct span function_id;        /* empty: any */
    struct span version_constraint; /* empty: any */
    struct span target_cluster;     /* empty: any */
};

struct rpc_request {
    struct span u;
    const struct rpc_command *commands;
    uint32_t command_count; /* may be 0: the engine answers 1003, as the reference */
    bool return_intermediate_results;
    bool include_execution_summary;
};

/* More than COMMANDS_MAX commands: MESSAGE_TOO_LARGE. */
MUST_CHECK enum message_result rpc_decode(const struct envelope *envelope,
    struct message_scratch *scratch, struct rpc_request *request, struct message_fault *fault);

/* A request with one command whose label is the function, as MPREG clients send it (mpregctl call, probes, tests). */
void rpc_encode(struct buf *out, const struct rpc_command *command, struct span u);

#endif
