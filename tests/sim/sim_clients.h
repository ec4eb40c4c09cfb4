/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_clients.h - clients that call whatever there is and whatever there should not be, and keep the
 * account: who called what, what was executed where, what was answered.
 */
#ifndef TESTS_SIM_SIM_CLIENTS_H
#define TESTS_SIM_SIM_CLIENTS_H

#include "tests/sim/sim_world.h"

#define SIM_CLIENTS   6
#define SIM_CALLS_MAX 8192

enum sim_call_state {
    SIM_CALL_OPEN = 0,
    SIM_CALL_ANSWERED,
    SIM_CALL_EXCUSED, /* its connection broke: nobody promised an answer */
};

struct sim_call {
    enum sim_call_state state;
    uint32_t client;
    uint32_t federation; /* the caller's */
    uint32_t executed;
    bool succeeded;
    bool limited;  /* the answer says that a rule's limits were reached */
    bool kept_off; /* and that before it was executed */
    bool repeats;  /* its function may be executed more than once for it */
    bool passed;   /* it was executed in a federation that the caller's has no link to */
    uint64_t sent_at;
    uint64_t answered_at;
    char name[SIM_TEXT_MAX];
    char answer[256]; /* its beginning */
};

struct sim_client {
    struct sim_stream *stream; /* NULL: not connected */
    uint32_t federation;
};

struct sim_clients {
    struct sim_world *world;
    struct sim_client clients[SIM_CLIENTS];
    struct sim_call calls[SIM_CALLS_MAX];
    uint32_t call_count;
};

void sim_clients_init(struct sim_clients *clients, struct sim_world *world);

/* One of them does something: connects, calls, or leaves. */
void sim_clients_act(struct sim_clients *clients);

/* Every allowed function is called from everywhere once more; returns the index of the first call. */
uint32_t sim_clients_call_everything(struct sim_clients *clients);

/*
 * Every call has its answer or its excuse; those from `first` on must have succeeded, unless they reached limits.
 * What was refused for its limits was not executed.
 */
void sim_clients_check(struct sim_clients *clients, uint32_t first);

/* How many succeeded by way of other federations. */
uint32_t sim_clients_passed(const struct sim_clients *clients);

/* How many calls were answered that a rule's limits were reached. */
uint32_t sim_clients_limited(const struct sim_clients *clients);

#endif
