/* SPDX-License-Identifier: Apache-2.0 */
/* value.c - the readers and the writer; value_explain.c has the words for what is refused. */
#include "host/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include "base/instant.h"
#include "host/value_units.h"

/* More digits after the point than any quantity of 2^63 can use. */
#define FRACTION_DIGITS_MAX 18
#define PORT_DIGITS_MAX     5
#define PORT_MAX            65535
#define LABEL_SIZE_MAX      63

/* Ascending, so that value_write() finds the largest from the end. */
static const struct value_unit duration_units[] = {
    { "ns", 1 },
    { "us", US_NS },
    { "ms", MS_NS },
    { "s", SEC_NS },
    { "m", 60 * SEC_NS },
    { "h", 3600 * SEC_NS },
    { "d", 86400 * SEC_NS },
};

static const struct value_unit size_units[] = {
    { "B", 1 },
    { "KB", UINT64_C(1000) },
    { "KiB", UINT64_C(1) << 10 },
    { "MB", UINT64_C(1000000) },
    { "MiB", UINT64_C(1) << 20 },
    { "GB", UINT64_C(1000000000) },
    { "GiB", UINT64_C(1) << 30 },
};

static const struct value_unit rate_units[] = {
    { "/s", SEC_NS },
    { "/m", 60 * SEC_NS },
    { "/h", 3600 * SEC_NS },
};

static const struct value_unit percent_units[] = {
    { "%", 1 },
};

static const struct value_unit no_units[] = {
    { "", 1 },
};

struct value_units
value_units_of(enum value_kind kind)
{
    switch (kind) {
    case VALUE_DURATION:
        return (struct value_units){ duration_units, COUNT_OF(duration_units) };
    case VALUE_SIZE:
        return (struct value_units){ size_units, COUNT_OF(size_units) };
    case VALUE_RATE:
        return (struct value_units){ rate_units, COUNT_OF(rate_units) };
    case VALUE_PERCENT:
        return (struct value_units){ percent_units, COUNT_OF(percent_units) };
    case VALUE_NUMBER:
        return (struct value_units){ no_units, COUNT_OF(no_units) };
    case VALUE_BOOLEAN:
    case VALUE_TIME:
    case VALUE_ADDRESS:
    case VALUE_URL:
        break;
    }
    return (struct value_units){ no_units, 0 };
}

static const struct value_unit *
find_unit(struct value_units units, const char *name)
{
    for (size_t i = 0; i < units.count; i++) {
        if (strcmp(units.list[i].name, name) == 0) {
            return &units.list[i];
        }
    }
    return NULL;
}

const char *
value_result_name(enum value_result result)
{
    switch (result) {
    case VALUE_OK:
        return "ok";
    case VALUE_MALFORMED:
        return "malformed";
    case VALUE_NO_UNIT:
        return "no_unit";
    case VALUE_BAD_UNIT:
        return "bad_unit";
    case VALUE_TOO_FINE:
        return "too_fine";
    case VALUE_TOO_LARGE:
        return "too_large";
    case VALUE_NO_OFFSET:
        return "no_offset";
    case VALUE_BAD_DATE:
        return "bad_date";
    case VALUE_BAD_CLOCK:
        return "bad_clock";
    case VALUE_NO_PORT:
        return "no_port";
    case VALUE_BAD_PORT:
        return "bad_port";
    case VALUE_BAD_HOST:
        return "bad_host";
    case VALUE_NO_BRACKETS:
        return "no_brackets";
    case VALUE_BAD_SCHEME:
        return "bad_scheme";
    case VALUE_NOT_BARE:
        return "not_bare";
    }
    return "unknown";
}

enum value_result
value_read_boolean(const char *text, bool *value)
{
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0) {
        return VALUE_MALFORMED;
    }
    *value = is_true;
    return VALUE_OK;
}

static bool
is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

static size_t
count_digits(const char *text)
{
    size_t count = 0;
    while (is_digit(text[count])) {
        count++;
    }
    return count;
}

/* The first `count` digits of `text`. VALUE_OK, or VALUE_TOO_LARGE. */
static enum value_result
read_digits(const char *text, size_t count, uint64_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (sum > (UINT64_MAX - digit) / 10) {
            return VALUE_TOO_LARGE;
        }
        sum = sum * 10 + digit;
    }
    *value = sum;
    return VALUE_OK;
}

/* Digits without a leading zero: 010 is eight to some readers, so it is nothing here. */
static size_t
count_whole_digits(const char *text)
{
    size_t count = count_digits(text);
    return count > 1 && text[0] == '0' ? 0 : count;
}

enum value_result
value_read_number(const char *text, uint64_t *value)
{
    size_t count = count_whole_digits(text);
    if (count == 0 || text[count] != '\0') {
        return VALUE_MALFORMED;
    }
    return read_digits(text, count, value);
}

static uint64_t
common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* `count` digits after a point, times `factor`; VALUE_TOO_FINE unless that is whole. */
static enum value_result
scale_fraction(const char *digits, size_t count, uint64_t factor, uint64_t *value)
{
    while (count > 0 && digits[count - 1] == '0') {
        count--;
    }
    if (count > FRACTION_DIGITS_MAX) {
        return VALUE_TOO_FINE;
    }
    uint64_t fraction = 0;
    uint64_t power = 1;
    for (size_t i = 0; i < count; i++) {
        fraction = fraction * 10 + (uint64_t)(digits[i] - '0');
        power *= 10;
    }
    /* What the factor does not cancel of the power of ten, the digits must: so nothing overflows. */
    uint64_t shared = common_divisor(factor, power);
    if (fraction % (power / shared) != 0) {
        return VALUE_TOO_FINE;
    }
    *value = factor / shared * (fraction / (power / shared));
    return VALUE_OK;
}

/* digits [ . digits ] unit, in units of factor 1. */
static enum value_result
read_quantity(const char *text, struct value_units units, uint64_t *quantity)
{
    size_t whole_count = count_whole_digits(text);
    if (whole_count == 0) {
        return VALUE_MALFORMED;
    }
    const char *fraction = text + whole_count;
    size_t fraction_count = 0;
    const char *name = fraction;
    if (fraction[0] == '.') {
        fraction++;
        fraction_count = count_digits(fraction);
        if (fraction_count == 0) {
            return VALUE_MALFORMED;
        }
        name = fraction + fraction_count;
    }
    if (name[0] == '\0') {
        return VALUE_NO_UNIT;
    }
    const struct value_unit *unit = find_unit(units, name);
    if (unit == NULL) {
        return VALUE_BAD_UNIT;
    }
    uint64_t whole = 0;
    enum value_result result = read_digits(text, whole_count, &whole);
    if (result != VALUE_OK || whole > VALUE_QUANTITY_MAX / unit->factor) {
        return VALUE_TOO_LARGE;
    }
    uint64_t part = 0;
    result = scale_fraction(fraction, fraction_count, unit->factor, &part);
    if (result != VALUE_OK) {
        return result;
    }
    if (part > VALUE_QUANTITY_MAX - whole * unit->factor) {
        return VALUE_TOO_LARGE;
    }
    *quantity = whole * unit->factor + part;
    return VALUE_OK;
}

enum value_result
value_read_duration(const char *text, uint64_t *duration_ns)
{
    return read_quantity(text, value_units_of(VALUE_DURATION), duration_ns);
}

enum value_result
value_read_size(const char *text, uint64_t *size)
{
    return read_quantity(text, value_units_of(VALUE_SIZE), size);
}

/* digits unit: what comes in whole numbers only. */
static enum value_result
read_count(const char *text, struct value_units units, uint64_t *count, uint64_t *factor)
{
    size_t digit_count = count_whole_digits(text);
    if (digit_count == 0) {
        return VALUE_MALFORMED;
    }
    if (text[digit_count] == '\0') {
        return VALUE_NO_UNIT;
    }
    const struct value_unit *unit = find_unit(units, text + digit_count);
    if (unit == NULL) {
        return text[digit_count] == '.' ? VALUE_TOO_FINE : VALUE_BAD_UNIT;
    }
    *factor = unit->factor;
    return read_digits(text, digit_count, count);
}

enum value_result
value_read_rate(const char *text, struct value_rate *rate)
{
    struct value_rate read;
    enum value_result result =
        read_count(text, value_units_of(VALUE_RATE), &read.count, &read.period_ns);
    if (result == VALUE_OK) {
        *rate = read;
    }
    return result;
}

enum value_result
value_read_percent(const char *text, uint32_t *percent)
{
    uint64_t count = 0;
    uint64_t factor = 0;
    enum value_result result = read_count(text, value_units_of(VALUE_PERCENT), &count, &factor);
    if (result == VALUE_OK && count > VALUE_PERCENT_MAX) {
        return VALUE_TOO_LARGE;
    }
    if (result == VALUE_OK) {
        *percent = (uint32_t)count;
    }
    return result;
}

static enum value_result
read_port(const char *text, uint16_t *port)
{
    size_t count = count_whole_digits(text);
    uint64_t value = 0;
    if (count == 0 || count > PORT_DIGITS_MAX || text[count] != '\0' ||
        read_digits(text, count, &value) != VALUE_OK || value == 0 || value > PORT_MAX) {
        return VALUE_BAD_PORT;
    }
    *port = (uint16_t)value;
    return VALUE_OK;
}

static bool
is_label_letter(char letter)
{
    return is_digit(letter) || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') || letter == '-' || letter == '_';
}

/* Labels between dots; '_' is no letter of the RFCs, but container networks use it in names. */
static bool
is_host_name(const char *host)
{
    while (true) {
        size_t size = 0;
        while (is_label_letter(host[size])) {
            size++;
        }
        if (size == 0 || size > LABEL_SIZE_MAX || host[0] == '-' || host[size - 1] == '-') {
            return false;
        }
        if (host[size] == '\0') {
            /* A last label of digits only is a mistyped IPv4 address, not a name. */
            return count_digits(host) != size;
        }
        if (host[size] != '.') {
            return false;
        }
        host += size + 1;
    }
}

static bool
is_host(const char *host, bool is_ipv6)
{
    struct in6_addr ipv6;
    struct in_addr ipv4;
    if (is_ipv6) {
        return inet_pton(AF_INET6, host, &ipv6) == 1;
    }
    return inet_pton(AF_INET, host, &ipv4) == 1 || is_host_name(host);
}

enum value_result
value_read_address(const char *text, struct value_address *address)
{
    struct value_address read = { .is_ipv6 = text[0] == '[' };
    const char *host = read.is_ipv6 ? text + 1 : text;
    size_t host_size = strcspn(host, read.is_ipv6 ? "]" : ":");
    const char *after = host + host_size;

    if (read.is_ipv6 && after[0] == ']') {
        after++;
    } else if (read.is_ipv6) {
        return VALUE_BAD_HOST;
    } else if (after[0] == ':' && strchr(after + 1, ':') != NULL) {
        return VALUE_NO_BRACKETS;
    }
    if (host_size > VALUE_HOST_SIZE_MAX) {
        return VALUE_BAD_HOST;
    }
    memcpy(read.host, host, host_size);
    if (!is_host(read.host, read.is_ipv6)) {
        return VALUE_BAD_HOST;
    }
    if (after[0] == '\0') {
        return VALUE_NO_PORT;
    }
    if (after[0] != ':') {
        return VALUE_BAD_HOST;
    }
    enum value_result result = read_port(after + 1, &read.port);
    if (result == VALUE_OK) {
        *address = read;
    }
    return result;
}

enum value_result
value_read_url(const char *text, struct value_url *url)
{
    struct value_url read = { .text = text, .secure = strncmp(text, "wss://", 6) == 0 };
    if (!read.secure && strncmp(text, "ws://", 5) != 0) {
        return VALUE_BAD_SCHEME;
    }
    const char *rest = text + (read.secure ? 6 : 5);
    if (strpbrk(rest, "/?#@") != NULL) {
        return VALUE_NOT_BARE;
    }
    enum value_result result = value_read_address(rest, &read.address);
    if (result == VALUE_OK) {
        *url = read;
    }
    return result;
}

struct value_text
value_write(enum value_kind kind, uint64_t value)
{
    struct value_units units = value_units_of(kind);
    struct value_text written;
    size_t best = kind == VALUE_DURATION && value == 0 ? 3 : 0;
    for (size_t i = 0; i < units.count && value != 0; i++) {
        best = value % units.list[i].factor == 0 ? i : best;
    }
    CHECK(kind == VALUE_NUMBER || kind == VALUE_DURATION || kind == VALUE_SIZE);
    snprintf(written.text, sizeof(written.text), "%" PRIu64 "%s", value / units.list[best].factor,
        units.list[best].name);
    return written;
}

struct value_text
value_write_rate(const struct value_rate *rate)
{
    struct value_units units = value_units_of(VALUE_RATE);
    struct value_text written;
    size_t i = 0;
    while (units.list[i].factor != rate->period_ns) {
        i++;
        CHECK(i < units.count);
    }
    snprintf(written.text, sizeof(written.text), "%" PRIu64 "%s", rate->count, units.list[i].name);
    return written;
}
