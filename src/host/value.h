/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.h - texts that people write, turned into values: durations, sizes, rates, percentages, times, addresses,
 * URLs.
 *
 * The configuration files and the command line share these readers, and with value_explain() the
 * words that are said when a text is refused. Nothing is guessed: a quantity has a unit, a number
 * has no leading zero or sign, there is no white space, and the whole text is used.
 *
 * A reader that does not return VALUE_OK has not touched its output.
 */
#ifndef HOST_VALUE_H
#define HOST_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/instant.h"

/* What DNS allows for a name, less the final dot. */
#define VALUE_HOST_SIZE_MAX 253

enum value_kind {
    VALUE_BOOLEAN = 0, /* true or false */
    VALUE_NUMBER,      /* whole, decimal, not negative */
    VALUE_DURATION,    /* 1.5s; units ns us ms s m h d */
    VALUE_SIZE,        /* 256KiB; units B, KB MB GB = 1000^n, KiB MiB GiB = 1024^n */
    VALUE_RATE,        /* 500/s; also /m and /h */
    VALUE_PERCENT,     /* 20%; whole, at most 100% */
    VALUE_TIME, /* 2026-12-01T08:00:00Z, as RFC 3339 has it; 2026-12-01 is its first moment in UTC */
    VALUE_ADDRESS, /* host:port */
    VALUE_URL,     /* ws://host:port or wss://host:port */
};

enum value_result {
    VALUE_OK = 0,
    VALUE_MALFORMED, /* not this kind of value at all */
    VALUE_NO_UNIT,   /* a bare number where a unit says what is meant */
    VALUE_BAD_UNIT,  /* a number, then something that is no unit of this kind */
    VALUE_TOO_FINE, /* a fraction of the smallest unit, as in 0.5ns; any fraction in a rate or percentage */
    VALUE_TOO_LARGE, /* does not fit: above 2^64-1 as a number, 2^63-1 as ns or bytes, 100% */
    VALUE_NO_OFFSET, /* a date and a time, but not of which zone */
    VALUE_BAD_DATE, /* a day that the calendar does not have, or in UTC before 1970 or after 2261 */
    VALUE_BAD_CLOCK,   /* a time of day, or an offset, that no clock shows; leap seconds too */
    VALUE_NO_PORT,     /* a host alone */
    VALUE_BAD_PORT,    /* not a number from 1 to 65535 */
    VALUE_BAD_HOST,    /* neither a host name nor an IP address */
    VALUE_NO_BRACKETS, /* several colons: an IPv6 address, whose end nobody can tell */
    VALUE_BAD_SCHEME,  /* neither ws:// nor wss:// */
    VALUE_NOT_BARE,    /* a URL with a path, query, fragment or user: MPREG's have none */
};

const char *value_result_name(enum value_result result);

/* Of times in UTC: these fit into a struct wall. */
#define VALUE_YEAR_MIN 1970
#define VALUE_YEAR_MAX 2261

struct value_rate {
    uint64_t count; /* how many in each period */
    uint64_t period_ns;
};

struct value_address {
    char host[VALUE_HOST_SIZE_MAX + 1]; /* a name, or an IP address without brackets */
    bool is_ipv6;                       /* written back, the host needs brackets */
    uint16_t port;                      /* 1 to 65535 */
};

struct value_url {
    const char *text; /* as it was written; borrows from the input */
    bool secure;      /* wss */
    struct value_address address;
};

MUST_CHECK enum value_result value_read_boolean(const char *text, bool *value);
MUST_CHECK enum value_result value_read_number(const char *text, uint64_t *value);
MUST_CHECK enum value_result value_read_duration(const char *text, uint64_t *duration_ns);
MUST_CHECK enum value_result value_read_size(const char *text, uint64_t *size);
MUST_CHECK enum value_result value_read_rate(const char *text, struct value_rate *rate);
MUST_CHECK enum value_result value_read_percent(const char *text, uint32_t *percent);
MUST_CHECK enum value_result value_read_time(const char *text, struct wall *time);
MUST_CHECK enum value_result value_read_address(const char *text, struct value_address *address);
MUST_CHECK enum value_result value_read_url(const char *text, struct value_url *url);

/* Long texts from users are cut to this many bytes in messages. */
#define VALUE_QUOTED_SIZE_MAX 64

struct value_words {
    char message[160]; /* what is wrong with the text, which is quoted in it: "'30' has no unit" */
    char hint[200];    /* what to do: "add a unit, such as 30s (allowed: ns, us, ms, s, m, h, d)" */
};

/* Why `text` is no value of this kind. `result` is what the reader said, not VALUE_OK. */
struct value_words value_explain(enum value_kind kind, enum value_result result, const char *text);

/* "a duration such as 30s": what a value of this kind is called in messages. */
const char *value_kind_words(enum value_kind kind);

struct value_text {
    char text[32];
};

/* A number, a duration or a size (`kind` is one of these) in the largest unit that divides it. Reading
 * that gives it back, unless it is more than a reader accepts. */
struct value_text value_write(enum value_kind kind, uint64_t value);

struct value_text value_write_rate(const struct value_rate *rate);

/* In UTC, with as many digits of a second as it has. It is one that value_read_time() may give, which reads it back. */
struct value_text value_write_time(struct wall time);

struct value_quoted {
    char text[VALUE_QUOTED_SIZE_MAX + 8];
};

/* `text` between ' and ', cut between two characters with "..." when it is long. */
struct value_quoted value_quote(const char *text);

#endif
