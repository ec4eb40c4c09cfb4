/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_world.h - federations of real engines on simulated streams and one virtual clock.
 *
 * A host is one process: a node's or a bridge's engine (the very code that src/host runs), with a clock
 * of its own, alive or crashed. A stream joins two hosts, or a client and a host: in order and lossless
 * until it is reset (both ends learn) or stalled (nobody learns). Everything that happens is drawn from
 * one seed; the same seed gives the same trace, told by a running hash.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/prng.h"
#include "bridge/bridge.h"
#include "node/node.h"
#include "tests/sim/sim_policy.h"

#define SIM_NODES_MAX      4 /* a federation */
#define SIM_FUNCTIONS_MAX  4 /* a node */
#define SIM_BRIDGES_MAX    3 /* a federation */
#define SIM_LINKS_MAX      ((SIM_FEDERATIONS_MAX - 1) * SIM_BRIDGES_MAX)
#define SIM_HOSTS_MAX      (SIM_FEDERATIONS_MAX * (SIM_NODES_MAX + SIM_BRIDGES_MAX))
#define SIM_STREAMS_MAX    4096
#define SIM_USES_MAX       48   /* policies of a link, in all lives of its bridge */
#define SIM_WIRE_CALLS_MAX 4096 /* over links, of one bridge */
#define SIM_KNOWN_MAX      8192

/* The wall clock starts here; hosts are skewed against it, by less than that. */
#define SIM_EPOCH_NS (INT64_C(1795335555) * INT64_C(1000000000))
#define SIM_SKEW_NS  (2 * (int64_t)SEC_NS)

struct sim_world;
struct sim_host;

enum sim_end_kind {
    SIM_END_HOST = 0,
    SIM_END_CLIENT,
    SIM_END_UNREAD, /* a host's, which reads nothing there: see sim_unread.c */
};

/* One end of a stream. */
struct sim_end {
    enum sim_end_kind kind;
    uint32_t host;       /* SIM_END_HOST, SIM_END_UNREAD: index */
    uint64_t life;       /* of the host when the stream was made: a later life does not own it */
    struct conn_id conn; /* what the engine calls it */
    uint32_t client;     /* SIM_END_CLIENT: index */
};

/*
 * What is due, in one heap: by time, then in the order it was put there. Times of messages are even, those
 * at which a frozen host thaws odd: what waited for the thaw keeps its order with what comes behind.
 */
enum sim_due_kind {
    SIM_DUE_MESSAGE = 0,
    SIM_DUE_DIAL,
    SIM_DUE_WORK,
};

struct sim_due {
    struct heap_node node;
    enum sim_due_kind kind;
};

struct sim_message {
    struct sim_due due; /* first */
    struct list link;
    struct sim_stream *stream;
    uint32_t to; /* which end gets it */
    bool closes; /* the end of the stream, after everything before it */
    const char *reason;
    size_t size;
    uint8_t bytes[];
};

/* ends[0] is who dialed. */
struct sim_stream {
    struct list link;
    enum port_kind port;
    struct sim_end ends[2];
    bool closing[2];           /* this end has closed or was told of the close */
    bool congested[2];         /* this end was told to hold back */
    size_t queued[2];          /* bytes on the way to this end */
    uint64_t last_due[2];      /* order: nothing is due before what was sent earlier */
    uint64_t stalled_until[2]; /* to this end */
    uint64_t asked[2][SIM_WIRE_CALLS_MAX / 64]; /* by who calls; see sim_wire.c */
    uint64_t replied[2][SIM_WIRE_CALLS_MAX / 64];
    struct list messages;
};

struct sim_dial {
    struct sim_due due; /* first */
    struct list link;
    uint32_t host;
    uint64_t life;
    uint64_t ticket;
    enum port_kind port;
    int32_t target; /* host index, or -1: nobody listens there */
    uint64_t gives_up_at;
};

/* A function under way in a simulated worker. */
struct sim_work {
    struct sim_due due; /* first */
    struct list link;
    uint32_t host;
    uint64_t life;
    uint64_t ticket;
    bool fails;
    size_t size;
    char result[]; /* JSON */
};

struct sim_function {
    char name[SIM_TEXT_MAX];
    bool is_public; /* tag public, else internal */
    bool repeats;   /* tag idempotent: it may be executed more than once for one call */
};

/* A policy of a link, while it decided: until all that another one decided was judged again. */
struct sim_policy_use {
    struct sim_rules rules;
    uint64_t since;
    uint64_t until; /* UINT64_MAX: still */
};

/* What an operator has asked of a bridge; see sim_reload.c. */
enum sim_wish {
    SIM_WISH_NONE = 0,
    SIM_WISH_DIFFERENCES,
    SIM_WISH_SHADOW,
    SIM_WISH_APPLY,
};

struct sim_reload {
    enum sim_wish wish;
    bool force;
    struct sim_rules rules[SIM_LINKS_MAX];
    struct policy *policies[SIM_LINKS_MAX]; /* held */
    uint64_t confirm_within_ns;
    uint64_t confirming_until; /* 0: not yet */
    uint64_t acts_at;          /* when the operator comes back */
    bool confirms;             /* else lets it go back, by word or by time */
    bool applied;              /* these are in use */
    bool confirmed;
    bool goes_back; /* what was applied must go, or has gone */
};

/* A bridge's call of its own over a link; see sim_probes.c. */
struct sim_probe {
    char name[SIM_TEXT_MAX];
    char args[32];
    struct probe_config config;
};

struct sim_host {
    uint32_t index;
    uint32_t federation;
    bool is_bridge;
    bool calls_unread; /* has the habit of real servers, see sim_unread.c */
    bool alive;
    uint64_t life; /* counts starts */
    int64_t skew_ns;
    uint64_t restart_at;
    uint64_t frozen_until;
    uint64_t stops_until; /* it was told to stop, and must be done by then; 0: it was not */
    bool finished;        /* it says that it is */
    struct node *node;
    struct bridge *bridge;
    struct log log;
    char url[SIM_TEXT_MAX];
    char link_address[SIM_TEXT_MAX];
    char name[SIM_TEXT_MAX];
    char instance[SIM_TEXT_MAX];
    struct sim_function functions[SIM_FUNCTIONS_MAX];
    uint32_t function_count;
    struct node_function node_functions[SIM_FUNCTIONS_MAX];
    struct span tags[SIM_FUNCTIONS_MAX][2];
    struct span seeds[2];
    uint32_t seed_count;
    struct node_config node_config;
    struct bridge_config bridge_config;
    struct bridge_link_config links[SIM_LINKS_MAX];
    struct span link_targets[SIM_LINKS_MAX];
    uint32_t link_far[SIM_LINKS_MAX];  /* federations */
    uint32_t link_host[SIM_LINKS_MAX]; /* the far bridges */
    struct sim_probe probes[SIM_LINKS_MAX];
    struct sim_rules rules[SIM_LINKS_MAX];      /* what a start finds on the disk */
    struct policy *policies[SIM_LINKS_MAX];     /* likewise */
    struct sim_policy_use *uses[SIM_LINKS_MAX]; /* SIM_USES_MAX of them */
    uint32_t use_count[SIM_LINKS_MAX];
    struct sim_reload reload;
    struct wall stepped_at; /* by its clock */
    uint64_t asked[SIM_LINKS_MAX]
                  [SIM_WIRE_CALLS_MAX / 64]; /* in this life, by link; see sim_wire.c */
    uint32_t conn_generation[SIM_STREAMS_MAX];
    struct sim_stream *conn_stream[SIM_STREAMS_MAX];
    uint64_t deadline;
};

struct sim_federation {
    char name[SIM_TEXT_MAX];
    uint32_t node_count;
    uint32_t nodes[SIM_NODES_MAX]; /* host indexes */
    uint32_t bridge_count;
    uint32_t bridges[SIM_BRIDGES_MAX]; /* likewise */
    bool linked[SIM_FEDERATIONS_MAX];
};

enum sim_shape {
    SIM_SHAPE_MESH = 0, /* everybody is linked to the first, some to each other */
    SIM_SHAPE_LINE,
    SIM_SHAPE_RING,
    SIM_SHAPE_STAR,
};

/* How often what goes wrong; drawn from the seed, printed with a failure. */
struct sim_faults {
    uint32_t reset_permille; /* a turn of the fault clock */
    uint32_t crash_permille;
    uint32_t stop_permille; /* a host is told to stop, and starts again */
    uint32_t freeze_permille;
    uint32_t stall_permille;
    uint32_t cut_permille;     /* one-way partition of two hosts */
    uint32_t clock_permille;   /* a wall clock is set, a little forward or back */
    uint32_t reload_permille;  /* an operator with other policies */
    uint32_t operate_permille; /* an operator who does something to a link */
    uint64_t delay_max_ns;
};

/* What clients see and do; see sim_clients.c. */
struct sim_client_events {
    void *owner;
    void (*message)(void *owner, uint32_t client, struct span bytes);
    void (*closed)(void *owner, uint32_t client);
    /* A worker was asked for a function: JSON args. false: let it fail. */
    bool (*executes)(
        void *owner, const struct sim_host *host, struct span function, struct span args);
};

struct sim_world {
    uint64_t seed;
    struct prng prng;
    struct mem mem;
    uint64_t now_ns;
    uint64_t steps;
    uint64_t hash;
    bool trace;
    bool failed;
    struct heap due;
    uint64_t due_count; /* how many were ever put into it */
    struct list streams;
    struct list dials;
    struct list works;
    uint32_t stream_count;
    struct sim_host hosts[SIM_HOSTS_MAX];
    uint32_t host_count;
    struct sim_federation federations[SIM_FEDERATIONS_MAX];
    uint32_t federation_count;
    uint32_t bridges_max;  /* of a federation, in this world */
    bool alike;            /* all links between two federations have the same rules, for ever */
    uint32_t repeat_verbs; /* a bit for each verb of which functions may be executed twice */
    struct sim_faults faults;
    uint64_t cut_until[SIM_HOSTS_MAX][SIM_HOSTS_MAX];
    enum sim_shape shape;
    struct sim_taste taste;
    uint32_t judgements_a_step; /* of the bridges; 0: as many as they like */
    uint64_t stale_time_ns;     /* likewise */
    uint64_t resume_window_ns;
    size_t resume_buffer_size;
    struct damping_config link_damping;     /* likewise */
    struct damping_config function_damping; /* likewise */
    uint64_t hold_down_ns;                  /* likewise */
    uint64_t advertisement_interval_ns;     /* likewise */
    uint64_t known[SIM_KNOWN_MAX];          /* see sim_oracle_may_offer() */
    uint32_t known_count;
    uint32_t reloads[RELOAD_NO_MEMORY + 1]; /* by enum reload_outcome */
    struct sim_client_events clients;
};

/* How far a wall clock is off. */
int64_t sim_world_draw_skew(struct sim_world *world);

/* Draw a world from the seed: federations, nodes, functions, links, policies, fault rates. */
void sim_world_init(struct sim_world *world, uint64_t seed, bool trace);
/* Frees every engine; each CHECKs that its memory came back. */
void sim_world_destroy(struct sim_world *world);

/* How long what flapped may be held back by one bridge after another. */
uint64_t sim_world_patience(const struct sim_world *world);

/* Let everything happen up to and with `until_ns`. */
void sim_world_run(struct sim_world *world, uint64_t until_ns);

struct now sim_world_now(const struct sim_world *world, const struct sim_host *host);

/* Which of a bridge's links leads to a bridge that it is linked with. */
uint32_t sim_world_link_to(const struct sim_host *host, const struct sim_host *far);

/* A bridge that has done all that is due. */
bool sim_world_is_idle(const struct sim_world *world, const struct sim_host *host);

/* The bridge looks around: somebody has asked it for something between two steps. */
void sim_world_wake(struct sim_world *world, struct sim_host *host);

/* All that was drawn, for people. */
void sim_world_print(const struct sim_world *world, FILE *out);

/* Start (again) and kill without a word. */
void sim_world_start(struct sim_world *world, struct sim_host *host);
void sim_world_crash(struct sim_world *world, struct sim_host *host);
/* Tell it to stop; it ends when it says so, and starts again. */
void sim_world_stop(struct sim_world *world, struct sim_host *host);

/* A client opens a connection to a node, sends, closes. NULL: the node is not there. */
struct sim_stream *sim_world_connect(
    struct sim_world *world, uint32_t client, struct sim_host *host);
void sim_world_client_send(struct sim_world *world, struct sim_stream *stream, struct span bytes);
void sim_world_reset(struct sim_world *world, struct sim_stream *stream);

/*
 * A host with the habit of real servers sends this to another host: true, it went where the host reads
 * nothing; false, it goes where the engine wants it.
 */
bool sim_unread_takes(struct sim_world *world, struct sim_host *host,
    const struct sim_stream *stream, uint32_t end, const struct action *action);

/* What the far side says there; only why it closes may be said. */
void sim_unread_hears(struct sim_world *world, const struct sim_stream *stream, struct span bytes);

/* One turn of the fault clock; the liveness phase heals everything and calls this no more. */
void sim_world_break_something(struct sim_world *world);
void sim_world_heal(struct sim_world *world);

/* A checker found what must not be: printed with seed and time; the run goes on to the end. */
void sim_world_fail(struct sim_world *world, const char *format, ...) PRINTF(2);

#endif
