/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge_state.h - what the rooms of the bridge share. Private to src/bridge.
 *
 *   bridge.c        birth, events, draining, what operators see
 *   cluster_port.c  where the bridge meets its cluster: catalog in, offers out
 *   cluster_calls.c calls of and into that cluster
 *   calls_held.c    calls into it that wait for a connection to a node that serves them
 *   transit_calls.c calls that only pass through, from one link to another
 *   calls_again.c   calls that go over another link, and calls that come again
 *   link_command.c  what an operator does to a link
 *   link_port.c     where it meets another federation: one session and the calls over it
 *   link_probe.c    our own calls over it, which tell whether it serves
 *   link_announce.c what it is told, and
 *   link_damping.c  how often it broke, and
 *   link_report.c   what each end tells the other of what became of its functions
 *   link_hear.c     what it tells us, how fresh that is, and whether it is what it means
 *   reload.c        other policies for all links at once
 */
#ifndef BRIDGE_BRIDGE_STATE_H
#define BRIDGE_BRIDGE_STATE_H

#include "bridge/bridge.h"
#include "bridge/forward.h"

/* What the operator wants of a link. */
enum link_wish {
    LINK_WISH_ON = 0,
    LINK_WISH_DRAIN,   /* to go when its calls have ended */
    LINK_WISH_DRAINED, /* it went so */
    LINK_WISH_OFF,
};

/* Verbs that wait for a step; more are refused. */
#define LINK_VERBS_WAITING_MAX 8u

/* Of REPORT: what we have told, and what the far side has. */
struct link_reporting {
    bool told;
    uint64_t told_version; /* rib_report_version() */
    struct instant next_at;
    bool has_heard;
    struct link_report heard;
    struct arena heard_arena;
    struct instant heard_at;
};

struct link_port {
    struct link_session session;
    struct call_limits limits;      /* of its policy's rules */
    struct token_bucket updates;    /* of import.limits.updates; made for this policy: */
    uint32_t updates_of;            /* rib_policy_number(); 0: none yet */
    struct bridge_link_stats stats; /* counters; the rest is filled in when asked */
    bool congested;
    bool end_of_sync_due;   /* everything is being announced */
    bool end_of_sync_waits; /* until our cluster is known */
    uint64_t again_wanted;  /* the number of a REFRESH to be answered when it is time; 0: none */
    struct instant again_at;
    uint64_t end_of_sync_refresh; /* the number of the REFRESH that it answers; 0: of none */
    struct instant stale_until;   /* what is stale goes then; INSTANT_NEVER: nothing is */
    struct instant
        diverged_since; /* our table is not the one that the far side means; INSTANT_NEVER: it is */
    bool refreshing;    /* we have asked for everything, and its END_OF_SYNC did not come yet */
    bool refresh_due;   /* as soon as the session allows it */
    uint64_t refresh_number;
    uint64_t
        refresh_pause_ns; /* between refreshes that nobody asked for; 0: the next one may be at once */
    struct instant refresh_at;
    bool interrupted; /* its connection broke, and the session has neither ended nor gone on */
    struct damping damping;
    bool over_limit
        [POLICY_LIMIT_KIND_COUNT]; /* more came than import.limits allows, and it was said */
    struct probe *probes;          /* one each of the configuration */
    bool was_up;                   /* when probes were looked at last */
    bool held;                     /* the session was ended because of that */
    struct instant held_until;
    struct link_reporting reporting;
    enum link_wish wish;
    struct instant drain_by; /* DRAIN: calls that have not ended by then are left */
    enum link_verb verbs[LINK_VERBS_WAITING_MAX];
    uint32_t verb_count;
};

struct bridge {
    struct bridge_config config;
    struct mem mem;
    struct arena arena; /* of one step */
    struct actions actions;
    struct prng prng;
    struct log *log;
    struct hash_key hash_key;
    struct member *member;
    struct rib *rib;
    struct policy **policies;
    struct span *link_federations;
    struct link_port *ports;
    struct forward forward;
    struct repeats repeats;
    uint64_t turn; /* of calls over links that are as good as each other */
    struct reload reload;
    struct json_tape tape;
    struct buf out; /* composing */
    uint64_t links_refused;
    struct now now; /* of this step */
    struct instant started_at;
    struct instant learnt_at; /* a node came, or told of a function that was not known */
    bool look_again;          /* for calls that are held: who can be called may have changed */
    bool names_freed;         /* offers that conflicted may have room now */
    bool stopping;
    bool left;
    bool finished;
    struct instant stop_by;
};

/* The content of bridge->out, copied to the step's arena; empty when memory ran out. */
struct span bridge_composed(struct bridge *bridge);

void bridge_count_result(struct bridge_call_stats *stats, uint32_t result,
    struct instant started_at, struct instant now);

/* cluster_port.c */
struct member_events cluster_port_events(struct bridge *bridge);
/* Whether a node of the cluster that serves this name can be called now. `owner` is the bridge. */
bool cluster_port_serves(void *owner, struct span name);
/* Make the cluster see what the RIB has chosen. */
void cluster_port_settle(struct bridge *bridge, struct now now);

/* cluster_calls.c */
/* Of the member's events: a node calls what we offer; a node answered what a far bridge had asked. */
void cluster_calls_called(void *owner, const struct member_incoming *incoming,
    struct member_back *back, struct now now, struct actions *actions);
void cluster_calls_answered(void *owner, uint64_t ticket, enum member_outcome outcome,
    struct span body, struct now now, struct actions *actions);
/* A far bridge calls: choose a node, or answer why not. */
void cluster_calls_serve(
    struct bridge *bridge, uint32_t link, const struct link_call *call, struct now now);
/* The end of a near call. */
void cluster_calls_answer(
    struct bridge *bridge, struct near_call *call, const struct link_reply *reply, struct now now);
void cluster_calls_fail(
    struct bridge *bridge, struct near_call *call, const struct call_error *error, struct now now);
/* Its deadline has come. */
void cluster_calls_expire(struct bridge *bridge, struct near_call *call, struct now now);
/* Whoever waits for it has gone. */
void cluster_calls_drop(struct bridge *bridge, struct near_call *call, struct now now);

/* A call that is to go out over a link: for a node (`back`), for a far call (`far_ticket`), or for a `probe`. */
struct near_request {
    const struct rib_import *import; /* over its link */
    struct member_back *back;
    uint64_t far_ticket;
    uint32_t probe; /* as in struct near_call; it goes over no other link */
    struct span command;
    struct link_call message; /* call_id, route_id and timeout_ms are put in */
    struct span
        federation; /* the only one that it may go to if it has to go over another link; or empty */
    struct instant deadline;
};
/* It is under way from now on, within what its rule allows. false: it is not, *error says why. */
bool cluster_calls_send_near(struct bridge *bridge, const struct near_request *request,
    struct now now, struct call_error *error);
/* How many borders a call by this import may cross. */
uint8_t cluster_calls_hops_back(const struct rib_import *import);
struct call_error cluster_calls_near_error(
    const struct bridge *bridge, enum call_code code, const char *text);
/* May it begin by the rule that let the function in? *limit is held if so. */
enum call_limit_result cluster_calls_admit_near(struct bridge *bridge,
    const struct rib_import *import, size_t args_size, struct now now, struct call_limit **limit);
/* Over its link, by this import. */
void cluster_calls_send_message(struct bridge *bridge, const struct near_call *call,
    const struct rib_import *import, const struct link_call *message, struct now now);

/* Of a far call: whether it was sent, what it gets, and its end. */
enum far_sending {
    FAR_SENT = 0,
    FAR_EXPECTED, /* no node that serves it is connected, but one may be soon: member_connecting() */
    FAR_REFUSED,
};
/* To a node that serves it. *error says why it was not sent. Of `call`, id, args and kwargs count. */
enum far_sending cluster_calls_send_far(struct bridge *bridge, const struct rib_export *exported,
    struct far_call *waiting, const struct link_call *call, struct now now,
    struct call_error *error);
void cluster_calls_reply_result(
    struct bridge *bridge, struct far_call *call, bool ok, struct span body, struct now now);
void cluster_calls_tell_error(
    struct bridge *bridge, const struct far_call *call, const struct call_error *error);
/* Its deadline has come. */
void cluster_calls_tell_timeout(struct bridge *bridge, const struct far_call *call, struct now now);
void cluster_calls_end_far(struct bridge *bridge, struct far_call *call);
/* As above, but for what the link counts. What was not answered is not known by its id any more. */
void cluster_calls_forget_far(struct bridge *bridge, struct far_call *call);

/* calls_held.c */
/* It waits until it can be sent. false: it does not, *error says why. */
bool calls_held_begin(struct bridge *bridge, struct far_call *waiting, const struct link_call *call,
    struct now now, struct call_error *error);
/* Send what can be sent now, and fail what has waited for too long or in vain. Once a step, and cheap if there is none. */
void calls_held_step(struct bridge *bridge, struct now now);

/* calls_again.c */
/* The import that a call of this offer goes by now; NULL: none can carry it. */
const struct rib_import *calls_again_route(struct bridge *bridge, const struct rib_offer *offer);
/* How often a call may go again although it may have been executed. */
uint32_t calls_again_retries(const struct rib_import *import);
/* The same for the same call of the same node, whichever bridge of our federation it comes to. No memory: empty. */
struct span calls_again_id(struct bridge *bridge, const struct fabric_request *request);
/* It went nowhere, or nobody answers (`executed`: perhaps it was executed). true: it goes over another link. */
bool calls_again_go(struct bridge *bridge, struct near_call *call, bool executed, struct now now);
/* The link is interrupted: what may go again does. */
void calls_again_leave(struct bridge *bridge, uint32_t link, struct now now);
/* true: the call has come before, and gets the answer of then, or of that one when it is there. */
bool calls_again_recognise(struct bridge *bridge, const struct rib_export *exported,
    const struct link_call *call, struct now now);

/* transit_calls.c */
/* A far call goes on over another link. false: *error says why not. */
bool transit_calls_send(struct bridge *bridge, const struct rib_import *import,
    struct far_call *waiting, const struct link_call *call, struct now now,
    struct call_error *error);
/* The near call that a far call went on by has ended: tell the far call's side, and end it. */
void transit_calls_answer(
    struct bridge *bridge, const struct near_call *call, bool ok, struct span body, struct now now);
void transit_calls_fail(struct bridge *bridge, const struct near_call *call,
    const struct call_error *error, struct now now);
/* The far call's link is down. */
void transit_calls_forget(struct bridge *bridge, const struct far_call *call, struct now now);

/* link_command.c: do what was asked for since, and go on with draining. */
void link_command_step(struct bridge *bridge, uint32_t link, struct now now);
struct instant link_command_deadline(const struct bridge *bridge, uint32_t link);

/* link_port.c */
void link_port_step(
    struct bridge *bridge, uint32_t link, const struct event *event, struct now now);
void link_port_act_on(
    struct bridge *bridge, uint32_t link, const struct link_delivery *delivery, struct now now);
/* When it has to do something by itself, beside its session. */
struct instant link_port_deadline(const struct bridge *bridge, uint32_t link);
/* What the old one said of the link does not hold any more. */
void link_port_policy_changed(struct bridge *bridge, uint32_t link);
/* Whether a call may be sent now; if not, *error says why. */
bool link_port_accepts(
    struct bridge *bridge, uint32_t link, size_t args_size, struct call_error *error);
/* Bytes of arguments or of a result that the far side takes in one frame. */
size_t link_port_body_max(const struct bridge *bridge, uint32_t link);
/* The same for a link that is one of several. */
bool link_port_is_usable(const struct bridge *bridge, uint32_t link);
void link_port_send_call(struct bridge *bridge, uint32_t link, const struct link_call *call);
void link_port_reply(struct bridge *bridge, uint32_t link, const struct link_reply *reply);
void link_port_reply_error(
    struct bridge *bridge, uint32_t link, uint64_t call_id, const struct call_error *error);
void link_port_end_calls(struct bridge *bridge, uint32_t link, struct now now);
/* The session is over because of `error`: its calls, what it was told, and what it told us. */
void link_port_go_down(
    struct bridge *bridge, uint32_t link, enum link_error_code error, struct now now);

/* link_damping.c */
/* A session ended that was to go on. */
void link_damping_flap(struct bridge *bridge, uint32_t link, struct now now);
void link_damping_tick(struct bridge *bridge, uint32_t link, struct now now);
struct instant link_damping_deadline(const struct bridge *bridge, uint32_t link);

/* link_probe.c */
void link_probe_start(struct bridge *bridge, uint32_t link, struct now now);
void link_probe_tick(struct bridge *bridge, uint32_t link, struct now now);
struct instant link_probe_deadline(const struct bridge *bridge, uint32_t link);
/* The end of a near call that a probe waits for: the function answered, or the call failed. */
void link_probe_answered(
    struct bridge *bridge, const struct near_call *call, bool ok, struct now now);
void link_probe_failed(struct bridge *bridge, const struct near_call *call,
    const struct call_error *error, struct now now);

/* link_announce.c */
void link_announce_begin(struct bridge *bridge, uint32_t link, const struct link_hello *hello);
/* A REFRESH came. */
void link_announce_again(struct bridge *bridge, uint32_t link, uint64_t refresh);
void link_announce_tick(struct bridge *bridge, uint32_t link);
void link_announce_end(struct bridge *bridge, uint32_t link);
/* Announce and withdraw what changed. */
void link_announce_flush(struct bridge *bridge, uint32_t link, struct now now);
bool link_announce_has_work(const struct bridge *bridge, uint32_t link);
struct instant link_announce_deadline(const struct bridge *bridge, uint32_t link);

/* link_report.c */
void link_report_begin(struct bridge *bridge, uint32_t link);
/* The session goes on over another connection: what was told last may have been lost with the old one. */
void link_report_again(struct bridge *bridge, uint32_t link);
void link_report_tell(struct bridge *bridge, uint32_t link, struct now now);
struct instant link_report_deadline(const struct bridge *bridge, uint32_t link);
void link_report_hear(
    struct bridge *bridge, uint32_t link, const struct link_report *report, struct now now);
/* What the far side told is not true any more. */
void link_report_forget(struct bridge *bridge, uint32_t link);

/* link_hear.c */
void link_hear_begin(struct bridge *bridge, uint32_t link, struct now now);
void link_hear_announce(struct bridge *bridge, uint32_t link, const struct link_announce *announce);
void link_hear_withdraw(struct bridge *bridge, uint32_t link, const struct link_withdraw *withdraw);
void link_hear_end_of_sync(
    struct bridge *bridge, uint32_t link, const struct link_end_of_sync *end);
void link_hear_table(
    struct bridge *bridge, uint32_t link, const struct link_table *told, struct now now);
/* The session is suspended, or over because of `error`. */
void link_hear_down(
    struct bridge *bridge, uint32_t link, enum link_error_code error, struct now now);
void link_hear_resumed(struct bridge *bridge, uint32_t link);
/* Ask for everything again. false: not before the far side's sync has ended, or the link is not wanted. */
bool link_hear_refresh(struct bridge *bridge, uint32_t link);
/* What came over the link goes, whatever state it is in. */
void link_hear_forget(struct bridge *bridge, uint32_t link, enum prune_reason reason);
/* The same, and everything is asked for again as soon as it may be. */
void link_hear_lose(struct bridge *bridge, uint32_t link, enum prune_reason reason);
void link_hear_tick(struct bridge *bridge, uint32_t link, struct now now);
struct instant link_hear_deadline(const struct bridge *bridge, uint32_t link);

#endif
