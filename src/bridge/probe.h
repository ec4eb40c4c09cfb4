/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.h - calls of one function that only ask whether it answers, now and then, and what their results mean.
 *
 *                  fail_after results in a row that are not OK
 *      fine  ─────────────────────────────────────────────────►  failing
 *            ◄─────────────────────────────────────────────────
 *                  ok_after results in a row that are OK
 *
 * A probe begins fine. Whoever makes the call (link_probe.c) tells when it begins and how it ends; no call begins
 * before the last one has ended.
 */
#ifndef BRIDGE_PROBE_H
#define BRIDGE_PROBE_H

#include "base/check.h"
#include "base/instant.h"
#include "base/span.h"

/* How many one link may have. */
#define PROBES_MAX 16u

enum probe_result {
    PROBE_OK = 0,
    PROBE_FAILED,    /* it answered with an error, or a bridge refused the call */
    PROBE_TIMEOUT,   /* no answer in time */
    PROBE_ABSENT,    /* the link brings no such function */
    PROBE_LINK_DOWN, /* the link was not up, or went down meanwhile */
};

#define PROBE_RESULT_COUNT (PROBE_LINK_DOWN + 1u)

/* Texts live as long as the bridge. Everything is above 0, and timeout_ns <= every_ns. */
struct probe_config {
    struct span function; /* the name under which the link brings it into our cluster */
    struct span args;     /* a JSON array */
    uint64_t every_ns;
    uint64_t timeout_ns;
    uint32_t fail_after;
    uint32_t ok_after;
};

/* Open, because it is plain data; the functions below are what writes it. */
struct probe {
    bool under_way;
    bool failing;
    uint32_t in_a_row; /* results that speak against `failing` */
    struct instant next_at;
    struct instant begun_at;
    struct instant ended_at; /* meaningful once there was a result, as are: */
    enum probe_result last;
    uint64_t last_ns; /* how long it took */
    uint64_t results[PROBE_RESULT_COUNT];
};

/* What a result has changed. */
enum probe_change {
    PROBE_UNCHANGED = 0,
    PROBE_FAILS,
    PROBE_RECOVERS,
};

/* The first call is due one interval from now. */
void probe_init(struct probe *probe, const struct probe_config *config, struct instant now);

/* A call begins; the next one is due an interval later. Not while one is under way. */
void probe_begin(struct probe *probe, const struct probe_config *config, struct instant now);

/* It has ended. */
MUST_CHECK enum probe_change probe_end(struct probe *probe, const struct probe_config *config,
    enum probe_result result, struct instant now);

/* When the next call is due; INSTANT_NEVER while one is under way. */
struct instant probe_deadline(const struct probe *probe);

/* Results so far. */
uint64_t probe_count(const struct probe *probe);

/* "ok", "link_down" */
const char *probe_result_name(enum probe_result result);

#endif
