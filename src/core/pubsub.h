/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pubsub.h - publish and subscribe of clients (protocol.md 7).
 */
#ifndef CORE_PUBSUB_H
#define CORE_PUBSUB_H

#include "core/envelope.h"

struct pubsub_publish {
    struct span u;
    struct span topic;
    struct span message_id;
    struct span publisher;
    struct span message; /* the whole message object, raw: what subscribers are sent */
};

struct pubsub_subscribe {
    struct span u;
    struct span subscription_id;
    struct text_list
        patterns; /* `*` one segment, `#` zero or more; exact ones have no wildcard meaning */
    const bool *pattern_exact; /* patterns.count of them */
};

struct pubsub_unsubscribe {
    struct span u;
    struct span subscription_id;
};

MUST_CHECK enum message_result pubsub_publish_decode(const struct envelope *envelope,
    struct message_scratch *scratch, struct pubsub_publish *publish, struct message_fault *fault);
MUST_CHECK enum message_result pubsub_subscribe_decode(const struct envelope *envelope,
    struct message_scratch *scratch, struct pubsub_subscribe *subscribe,
    struct message_fault *fault);
MUST_CHECK enum message_result pubsub_unsubscribe_decode(const struct envelope *envelope,
    struct message_scratch *scratch, struct pubsub_unsubscribe *unsubscribe,
    struct message_fault *fault);

/* Whether `topic` matches `pattern` by segments. */
bool pubsub_topic_matches(struct span pattern, struct span topic, bool exact);

/* role pubsub-ack: operation_id is the request's u. */
void pubsub_ack_encode(struct buf *out, bool success, struct span error, struct span u);

/* role pubsub-notification; `message` is raw JSON. */
void pubsub_notification_encode(
    struct buf *out, struct span message, struct span message_id, struct span subscription_id);

#endif
