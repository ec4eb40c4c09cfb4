/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_identity.c - comparing URIs with the identity pattern, part by part.
 *
 * Start at match(). There is no backtracking: a part of the pattern has at most one wildcard, so
 * what stands before it must begin the URI's part, what stands after must end it, and the rest is
 * the wildcard's.
 */
#include "host/tls_identity.h"

#define FEDERATION SPAN("{federation}")
#define ANY        SPAN("*")

/* One part of a pattern: text, perhaps a wildcard, text. */
struct part {
    struct span before;
    struct span after;
    bool has_federation;
    bool has_any;
};

/* Take what stands before the next '/' off *rest. false: there is no more. */
static bool
next_segment(struct span *rest, bool *more, struct span *segment)
{
    if (!*more) {
        return false;
    }
    size_t size = span_find(*rest, '/');
    *segment = span_part(*rest, 0, size);
    *more = size < rest->size;
    *rest = span_after(*rest, *more ? size + 1 : size);
    return true;
}

/* Where `needle` first stands in `text`; text.size when it does not. */
static size_t
find_text(struct span text, struct span needle)
{
    for (size_t at = 0; at < text.size; at++) {
        if (span_starts_with(span_after(text, at), needle)) {
            return at;
        }
    }
    return text.size;
}

static struct part
part_parse(struct span segment)
{
    struct part part = { .before = segment };
    size_t federation = find_text(segment, FEDERATION);
    size_t any = find_text(segment, ANY);
    size_t at = federation < any ? federation : any;
    if (at == segment.size) {
        return part;
    }
    part.has_federation = federation < any;
    part.has_any = !part.has_federation;
    part.before = span_part(segment, 0, at);
    part.after = span_after(segment, at + (part.has_any ? ANY.size : FEDERATION.size));
    return part;
}

static bool
has_wildcard(struct span text)
{
    struct part part = part_parse(text);
    return part.has_any || part.has_federation;
}

const char *
tls_identity_pattern_fault(struct span pattern)
{
    size_t federation_count = 0;
    struct span rest = pattern;
    struct span segment;
    bool more = true;
    while (next_segment(&rest, &more, &segment)) {
        struct part part = part_parse(segment);
        federation_count += part.has_federation ? 1 : 0;
        if (has_wildcard(part.after)) {
            return "has two wildcards between two '/', which can match in two ways; leave one";
        }
    }
    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] <= ' ' || pattern.data[i] > '~') {
            return "has a character that is not printable ASCII";
        }
    }
    if (segment.size == 0) {
        return "is empty or ends with '/'; its last part names the bridge";
    }
    if (federation_count != 1) {
        return "must have {federation} exactly once";
    }
    return NULL;
}

/* A wildcard never stands for what could not be shown or for nothing. */
static bool
wildcard_allows(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~' || text.data[i] == '/') {
            return false;
        }
    }
    return text.size > 0;
}

static bool
part_matches(const struct part *part, struct span segment, struct span *federation)
{
    if (!part->has_any && !part->has_federation) {
        return span_equal(part->before, segment);
    }
    if (!span_starts_with(segment, part->before)) {
        return false;
    }
    struct span tail = span_after(segment, part->before.size);
    if (tail.size < part->after.size) {
        return false;
    }
    size_t size = tail.size - part->after.size;
    struct span taken = span_part(tail, 0, size);
    if (!span_equal(span_after(tail, size), part->after) || !wildcard_allows(taken)) {
        return false;
    }
    if (part->has_federation) {
        *federation = taken;
    }
    return true;
}

static bool
match(struct span pattern, struct span uri, struct span *federation, struct span *bridge)
{
    bool pattern_more = true;
    bool uri_more = true;
    struct span wanted;
    while (next_segment(&pattern, &pattern_more, &wanted)) {
        struct part part = part_parse(wanted);
        if (!next_segment(&uri, &uri_more, bridge) || !part_matches(&part, *bridge, federation)) {
            return false;
        }
    }
    return !uri_more;
}

static void
copy_name(char name[TLS_IDENTITY_NAME_MAX + 1], struct span text)
{
    CHECK(text.size > 0);
    CHECK(text.size <= TLS_IDENTITY_NAME_MAX);
    memcpy(name, text.data, text.size);
    name[text.size] = '\0';
}

bool
tls_identity_federation(struct span pattern, struct span uri, struct tls_identity *out)
{
    CHECK(tls_identity_pattern_fault(pattern) == NULL);
    struct span federation = SPAN_NONE;
    struct span bridge = SPAN_NONE;
    if (!match(pattern, uri, &federation, &bridge)) {
        return false;
    }
    if (federation.size > TLS_IDENTITY_NAME_MAX || bridge.size > TLS_IDENTITY_NAME_MAX) {
        return false;
    }
    copy_name(out->federation, federation);
    copy_name(out->bridge, bridge);
    return true;
}

bool
tls_identity_matches(struct span pattern, struct span federation, struct span uri)
{
    struct tls_identity identity;
    return tls_identity_federation(pattern, uri, &identity) &&
           span_is(federation, identity.federation);
}

static bool
identity_equal(const struct tls_identity *a, const struct tls_identity *b)
{
    return span_is(span_from_text(a->federation), b->federation) &&
           span_is(span_from_text(a->bridge), b->bridge);
}

enum tls_identity_result
tls_identity_choose(struct span pattern, struct span expected, const struct span *uris,
    size_t uri_count, struct tls_identity *out)
{
    struct tls_identity other;
    struct tls_identity chosen;
    bool have_other = false;
    bool have_chosen = false;
    for (size_t i = 0; i < uri_count; i++) {
        struct tls_identity named;
        if (!tls_identity_federation(pattern, uris[i], &named)) {
            continue;
        }
        if (expected.size > 0 && !span_is(expected, named.federation)) {
            other = have_other ? other : named;
            have_other = true;
            continue;
        }
        if (have_chosen && !identity_equal(&chosen, &named)) {
            return TLS_IDENTITY_AMBIGUOUS;
        }
        chosen = named;
        have_chosen = true;
    }
    if (have_chosen || have_other) {
        *out = have_chosen ? chosen : other;
        return have_chosen ? TLS_IDENTITY_OK : TLS_IDENTITY_OTHER;
    }
    return TLS_IDENTITY_NONE;
}

const char *
tls_identity_result_name(enum tls_identity_result result)
{
    switch (result) {
    case TLS_IDENTITY_OK:
        return "ok";
    case TLS_IDENTITY_NONE:
        return "none";
    case TLS_IDENTITY_OTHER:
        return "other";
    case TLS_IDENTITY_AMBIGUOUS:
        return "ambiguous";
    }
    return "?";
}
