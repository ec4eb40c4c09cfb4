/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands.h - the commands that every node answers itself (protocol.md 5.3).
 *
 * All names of the reference are served. What this node does not have - DNS services, queues, topics
 * of others, namespace policies - is answered with the shapes of a server where it is switched off,
 * and what would have to be pretended is refused. Listings are cut into pages: at most
 * COMMANDS_PAGE_MAX items, COMMANDS_PAGE_DEFAULT unless `limit` says otherwise, and a page_token for
 * the rest.
 */
#ifndef NODE_COMMANDS_H
#define NODE_COMMANDS_H

#include "base/arena.h"
#include "core/member.h"
#include "core/rpc.h"

/* The reference's limits (its paginate_items). */
#define COMMANDS_PAGE_DEFAULT 200u
#define COMMANDS_PAGE_MAX     2000u

#define COMMANDS_VERSION_TEXT "1.0.0"

/* One call. Everything is borrowed. */
struct command_call {
    struct member *member;
    struct mem *mem;
    struct arena *arena;    /* where the result lives */
    struct json_tape *tape; /* scratch */
    struct buf *out;        /* scratch */
    struct hash_key hash_key;
    struct now now;
    struct span args;   /* a JSON array */
    struct span kwargs; /* a JSON object */
};

struct command_result {
    bool success;
    struct span value;      /* success: JSON, in the arena or part of the arguments */
    struct span error_type; /* otherwise, such as ValueError */
    struct span error;
};

struct command_entry;

/* The command of this name, or NULL. */
const struct command_entry *commands_find(struct span name);

/* All of them: *cursor starts as 0; NULL at the end. */
const struct command_entry *commands_next(size_t *cursor);

/* Name and id are the same text, the version is COMMANDS_VERSION_TEXT. */
struct function_identity commands_identity(const struct command_entry *entry);

/* Whether what a caller demands besides the name holds for our command. */
bool commands_fits(const struct command_entry *entry, const struct rpc_command *command,
    const struct version_constraint *constraint);

struct command_result commands_run(
    const struct command_entry *entry, const struct command_call *call);

#endif
