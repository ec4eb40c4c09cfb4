/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.h - every cap that holds against a peer, with its reason. What hits a cap is refused with a name and
 * counted by the module that owns the counter; nothing grows because a peer wishes it.
 */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* One message from a cluster. Real clients accept 20 MiB answers (protocol.md 1), so larger ones help nobody. */
#define MESSAGE_SIZE_MAX ((size_t)20 * 1024 * 1024)

/* What a server accepts on a connection that it dialed (protocol.md 1): more costs us the connection. */
#define DIALED_MESSAGE_SIZE_MAX ((size_t)1024 * 1024)

/* Names, ids, tags, urls: longer ones are nothing that a person wrote. */
#define NAME_SIZE_MAX ((size_t)512)

/* Tags or resources of one function or node. */
#define LIST_COUNT_MAX 64u

/* Functions and removals in one delta. The reference's snapshot holds its whole catalog: frames bound it first. */
#define DELTA_COUNT_MAX 65536u

/* Entries of one routing, federation or propagation path: several times any hop budget in use (5). */
#define PATH_COUNT_MAX 32u

/* Commands in one client request; each may be a call in flight. */
#define COMMANDS_MAX 256u

/* Peers (nodes) of one cluster that we remember and dial; clusters of the reference are tens of nodes. */
#define MEMBER_NODES_MAX 4096u

/* Connections accepted on one cluster port, clients included. */
#define MEMBER_CONNECTIONS_MAX 16384u

/* Function entries of one cluster's catalog: the memory account bounds bytes, this bounds surprises. */
#define CATALOG_FUNCTIONS_MAX 2000000u

/* Calls that wait for an answer in one engine. */
#define CALLS_IN_FLIGHT_MAX 65536u

/* Message ids remembered so that gossip is passed on once (the reference keeps 10000). */
#define GOSSIP_SEEN_MAX 8192u

/* Function endpoints in one message of ours: the reference works O(N x size) on a delta (protocol.md 4.3). */
#define GOSSIP_BATCH_COUNT 50u

/* Functions of one link that are gone and remembered in case they come again: more at once is another table, not flapping. */
#define FLAPS_GONE_MAX 16384u

static_assert(DIALED_MESSAGE_SIZE_MAX < MESSAGE_SIZE_MAX,
    "an answer on a dialed connection is the smaller one");
static_assert(
    GOSSIP_BATCH_COUNT * 1024u < DIALED_MESSAGE_SIZE_MAX, "a batch of ordinary endpoints must fit");

#endif
