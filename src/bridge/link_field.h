/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_field.h - the tags inside the frames of a link: what link_encode.c writes and link_decode.c
 * reads. docs/link-protocol.md says what each of them means; a number once given is never reused.
 */
#ifndef BRIDGE_LINK_FIELD_H
#define BRIDGE_LINK_FIELD_H

#include "bridge/link_codec.h"

/* Tags with this bit that the reader does not know refuse the frame; others are skipped. */
#define LINK_TAG_CRITICAL 0x80u

/* All tags of this version are below; a bit mask of them fits in 32 bits. */
#define LINK_TAG_LIMIT 16u

/* Tag and size in front of each value. */
#define LINK_FIELD_HEADER_SIZE 5u

/* The fixed heads of CALL and REPLY, before texts of varying size. */
#define LINK_CALL_HEAD_SIZE  32u
#define LINK_REPLY_HEAD_SIZE 20u

enum link_tag_hello {
    LINK_TAG_HELLO_VERSION_MIN = 1,
    LINK_TAG_HELLO_VERSION_MAX,
    LINK_TAG_HELLO_FEATURES,
    LINK_TAG_HELLO_FEDERATION,
    LINK_TAG_HELLO_BRIDGE,
    LINK_TAG_HELLO_SESSION,
    LINK_TAG_HELLO_BOOT,
    LINK_TAG_HELLO_CLOCK,
    LINK_TAG_HELLO_KEEPALIVE,
    LINK_TAG_HELLO_RESUME,
    LINK_TAG_HELLO_RECEIVED,
    LINK_TAG_HELLO_STALE,
    LINK_TAG_HELLO_FRAME_MAX,
};

enum link_tag_table {
    LINK_TAG_TABLE_SEQUENCE = 1,
    LINK_TAG_TABLE_ROUTE,     /* ANNOUNCE: fields of link_tag_route; repeated */
    LINK_TAG_TABLE_ROUTE_IDS, /* WITHDRAW: eight bytes each */
    LINK_TAG_TABLE_REFRESH,   /* END_OF_SYNC: the REFRESH that it answers */
};

enum link_tag_route {
    LINK_TAG_ROUTE_ID = 1,
    LINK_TAG_ROUTE_NAME,
    LINK_TAG_ROUTE_FUNCTION_ID,
    LINK_TAG_ROUTE_VERSION,
    LINK_TAG_ROUTE_TAG,      /* repeated */
    LINK_TAG_ROUTE_RESOURCE, /* repeated */
    LINK_TAG_ROUTE_SCOPE,
    LINK_TAG_ROUTE_ORIGIN,
    LINK_TAG_ROUTE_PATH, /* repeated */
    LINK_TAG_ROUTE_HOPS_LEFT,
    LINK_TAG_ROUTE_COST,
    LINK_TAG_ROUTE_TTL,
    LINK_TAG_ROUTE_DOUBTED,
};

enum link_tag_ping {
    LINK_TAG_PING_NUMBER = 1,
    LINK_TAG_PING_ROUTES,
    LINK_TAG_PING_DIGEST,
};

enum link_tag_call {
    LINK_TAG_CALL_ID = 1,
};

enum link_tag_pong {
    LINK_TAG_PONG_NUMBER = 1,
    LINK_TAG_PONG_CLOCK,
};

enum link_tag_refresh {
    LINK_TAG_REFRESH_NUMBER = 1,
};

enum link_tag_report {
    LINK_TAG_REPORT_ACCEPTED = 1,
    LINK_TAG_REPORT_REJECTED,
    LINK_TAG_REPORT_RULE,   /* fields of link_tag_report_rule; repeated */
    LINK_TAG_REPORT_ROUTES, /* nine bytes each: the route and the index of the rule */
};

enum link_tag_report_rule {
    LINK_TAG_REPORT_RULE_REASON = 1,
    LINK_TAG_REPORT_RULE_ID,
    LINK_TAG_REPORT_RULE_COUNT,
};

#define LINK_REPORT_ROUTE_SIZE 9u

enum link_tag_error {
    LINK_TAG_ERROR_CODE = 1,
    LINK_TAG_ERROR_TEXT,
    LINK_TAG_ERROR_RETRY_AFTER,
};

/* What a route without a scope has, as in the clusters (function.h). */
#define LINK_SCOPE_DEFAULT SPAN("zone")

enum link_text_rule {
    LINK_TEXT_ANY = 0,
    LINK_TEXT_NOT_EMPTY,
};

/* Of the value of an ANNOUNCE's route: SipHash-1-3 of its bytes, with the key 0. */
uint64_t link_route_digest(struct span route);

/* LINK_OK, LINK_TOO_LARGE (over NAME_SIZE_MAX) or LINK_BAD_FIELD (empty, not UTF-8, a control character). */
MUST_CHECK enum link_result link_check_text(struct span text, enum link_text_rule rule);

#endif
