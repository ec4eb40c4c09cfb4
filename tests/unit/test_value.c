/* SPDX-License-Identifier: Apache-2.0 */
/* test_value.c - every reader with what it takes and refuses, and the words for each refusal. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/instant.h"
#include "host/value.h"
#include "tests/support/check_failed.h"

#define LABEL_63 "a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-g23"
#define NAME_253                                                                                   \
    LABEL_63 "." LABEL_63 "." LABEL_63 "."                                                         \
             "h23456789-h23456789-h23456789-h23456789-h23456789-h23456789-1"

static const struct quantity_case {
    const char *name;
    enum value_kind kind;
    const char *text;
    enum value_result result;
    uint64_t value;
} quantity_cases[] = {
    { "zero", VALUE_NUMBER, "0", VALUE_OK, 0 },
    { "largest", VALUE_NUMBER, "18446744073709551615", VALUE_OK, UINT64_MAX },
    { "one above", VALUE_NUMBER, "18446744073709551616", VALUE_TOO_LARGE, 0 },
    { "many digits", VALUE_NUMBER, "99999999999999999999999", VALUE_TOO_LARGE, 0 },
    { "negative", VALUE_NUMBER, "-1", VALUE_MALFORMED, 0 },
    { "signed", VALUE_NUMBER, "+1", VALUE_MALFORMED, 0 },
    { "octal", VALUE_NUMBER, "010", VALUE_MALFORMED, 0 },
    { "hexadecimal", VALUE_NUMBER, "0x10", VALUE_MALFORMED, 0 },
    { "fraction", VALUE_NUMBER, "1.5", VALUE_MALFORMED, 0 },
    { "space", VALUE_NUMBER, " 1", VALUE_MALFORMED, 0 },
    { "empty", VALUE_NUMBER, "", VALUE_MALFORMED, 0 },

    { "ns", VALUE_DURATION, "7ns", VALUE_OK, 7 },
    { "us", VALUE_DURATION, "7us", VALUE_OK, 7 * US_NS },
    { "ms", VALUE_DURATION, "250ms", VALUE_OK, 250 * MS_NS },
    { "s", VALUE_DURATION, "30s", VALUE_OK, 30 * SEC_NS },
    { "m", VALUE_DURATION, "5m", VALUE_OK, 300 * SEC_NS },
    { "h", VALUE_DURATION, "24h", VALUE_OK, 86400 * SEC_NS },
    { "d", VALUE_DURATION, "1d", VALUE_OK, 86400 * SEC_NS },
    { "zero with a unit", VALUE_DURATION, "0s", VALUE_OK, 0 },
    { "fraction of a second", VALUE_DURATION, "1.5s", VALUE_OK, 1500 * MS_NS },
    { "fraction of a minute", VALUE_DURATION, "0.05m", VALUE_OK, 3 * SEC_NS },
    { "finest fraction", VALUE_DURATION, "0.000000001s", VALUE_OK, 1 },
    { "zeros after the finest", VALUE_DURATION, "0.00000000100000000000000000000s", VALUE_OK, 1 },
    { "a quarter of a day", VALUE_DURATION, "0.25d", VALUE_OK, 6 * 3600 * SEC_NS },
    { "half a ns", VALUE_DURATION, "0.5ns", VALUE_TOO_FINE, 0 },
    { "a tenth of a ns", VALUE_DURATION, "0.0000000001s", VALUE_TOO_FINE, 0 },
    { "19 digits of fraction", VALUE_DURATION, "0.1000000000000000001s", VALUE_TOO_FINE, 0 },
    { "longest", VALUE_DURATION, "9223372036854775807ns", VALUE_OK, INT64_MAX },
    { "one ns above", VALUE_DURATION, "9223372036854775808ns", VALUE_TOO_LARGE, 0 },
    { "whole fits, fraction not", VALUE_DURATION, "9223372036.9s", VALUE_TOO_LARGE, 0 },
    { "too many days", VALUE_DURATION, "106752d", VALUE_TOO_LARGE, 0 },
    { "more than 64 bits", VALUE_DURATION, "99999999999999999999999s", VALUE_TOO_LARGE, 0 },
    { "bare", VALUE_DURATION, "30", VALUE_NO_UNIT, 0 },
    { "bare fraction", VALUE_DURATION, "1.5", VALUE_NO_UNIT, 0 },
    { "unknown unit", VALUE_DURATION, "30x", VALUE_BAD_UNIT, 0 },
    { "space before the unit", VALUE_DURATION, "30 s", VALUE_BAD_UNIT, 0 },
    { "two parts", VALUE_DURATION, "1m30s", VALUE_BAD_UNIT, 0 },
    { "point without digits", VALUE_DURATION, "1.s", VALUE_MALFORMED, 0 },
    { "point first", VALUE_DURATION, ".5s", VALUE_MALFORMED, 0 },
    { "leading zero", VALUE_DURATION, "030s", VALUE_MALFORMED, 0 },
    { "a word", VALUE_DURATION, "soon", VALUE_MALFORMED, 0 },
    { "negative duration", VALUE_DURATION, "-1s", VALUE_MALFORMED, 0 },

    { "B", VALUE_SIZE, "1B", VALUE_OK, 1 },
    { "KB", VALUE_SIZE, "2KB", VALUE_OK, 2000 },
    { "KiB", VALUE_SIZE, "256KiB", VALUE_OK, 256 * 1024 },
    { "MB", VALUE_SIZE, "1MB", VALUE_OK, 1000000 },
    { "MiB", VALUE_SIZE, "1MiB", VALUE_OK, 1048576 },
    { "GB", VALUE_SIZE, "1GB", VALUE_OK, 1000000000 },
    { "GiB", VALUE_SIZE, "1.5GiB", VALUE_OK, UINT64_C(3) << 29 },
    { "half a byte", VALUE_SIZE, "0.5B", VALUE_TOO_FINE, 0 },
    { "a third of a KiB", VALUE_SIZE, "0.3KiB", VALUE_TOO_FINE, 0 },
    { "bare size", VALUE_SIZE, "4096", VALUE_NO_UNIT, 0 },
    { "small letters", VALUE_SIZE, "4kib", VALUE_BAD_UNIT, 0 },
    { "too large", VALUE_SIZE, "8589934592GiB", VALUE_TOO_LARGE, 0 },
};

static enum value_result
read_quantity(enum value_kind kind, const char *text, uint64_t *value)
{
    if (kind == VALUE_NUMBER) {
        return value_read_number(text, value);
    }
    return kind == VALUE_SIZE ? value_read_size(text, value) : value_read_duration(text, value);
}

START_TEST(quantity_is_exact_or_refused)
{
    const struct quantity_case *c = &quantity_cases[_i];
    uint64_t untouched = 4711;
    uint64_t value = untouched;
    enum value_result result = read_quantity(c->kind, c->text, &value);
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->name, value_result_name(result),
        value_result_name(c->result));
    uint64_t want = result == VALUE_OK ? c->value : untouched;
    ck_assert_msg(value == want, "%s: got %" PRIu64 ", want %" PRIu64, c->name, value, want);
}
END_TEST

START_TEST(written_quantity_reads_the_same)
{
    static const uint64_t values[] = { 0, 1, 999, 1000, 1024, 1500 * MS_NS, 60 * SEC_NS,
        90 * SEC_NS, 86400 * SEC_NS, 1048576, 3000000, UINT64_C(1) << 40, INT64_MAX };
    static const enum value_kind kinds[] = { VALUE_NUMBER, VALUE_DURATION, VALUE_SIZE };
    for (size_t i = 0; i < COUNT_OF(values) * COUNT_OF(kinds); i++) {
        enum value_kind kind = kinds[i % COUNT_OF(kinds)];
        uint64_t want = values[i / COUNT_OF(kinds)];
        uint64_t got = 0;
        struct value_text written = value_write(kind, want);
        enum value_result result = read_quantity(kind, written.text, &got);
        ck_assert_msg(result == VALUE_OK && got == want, "%s: got %" PRIu64 ", want %" PRIu64,
            written.text, got, want);
    }
}
END_TEST

static const struct write_case {
    enum value_kind kind;
    uint64_t value;
    const char *text;
} write_cases[] = {
    { VALUE_NUMBER, UINT64_MAX, "18446744073709551615" },
    { VALUE_DURATION, 0, "0s" },
    { VALUE_DURATION, 1500 * MS_NS, "1500ms" },
    { VALUE_DURATION, 90 * SEC_NS, "90s" },
    { VALUE_DURATION, 7200 * SEC_NS, "2h" },
    { VALUE_SIZE, 0, "0B" },
    { VALUE_SIZE, 1000, "1KB" },
    { VALUE_SIZE, 262144, "256KiB" },
    { VALUE_SIZE, 1001, "1001B" },
};

START_TEST(quantity_is_written_in_its_largest_unit)
{
    const struct write_case *c = &write_cases[_i];
    ck_assert_str_eq(value_write(c->kind, c->value).text, c->text);
}
END_TEST

static const struct boolean_case {
    const char *text;
    enum value_result result;
    bool value;
} boolean_cases[] = {
    { "true", VALUE_OK, true },
    { "false", VALUE_OK, false },
    { "True", VALUE_MALFORMED, false },
    { "yes", VALUE_MALFORMED, false },
    { "1", VALUE_MALFORMED, false },
    { "", VALUE_MALFORMED, false },
};

START_TEST(boolean_has_two_words)
{
    const struct boolean_case *c = &boolean_cases[_i];
    bool value = !c->value;
    enum value_result result = value_read_boolean(c->text, &value);
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->text, value_result_name(result),
        value_result_name(c->result));
    ck_assert(value == (result == VALUE_OK ? c->value : !c->value));
}
END_TEST

static const struct rate_case {
    const char *text;
    enum value_result result;
    uint64_t count;
    uint64_t period_ns;
} rate_cases[] = {
    { "500/s", VALUE_OK, 500, SEC_NS },
    { "30/m", VALUE_OK, 30, 60 * SEC_NS },
    { "1/h", VALUE_OK, 1, 3600 * SEC_NS },
    { "0/s", VALUE_OK, 0, SEC_NS },
    { "500", VALUE_NO_UNIT, 0, 0 },
    { "500/d", VALUE_BAD_UNIT, 0, 0 },
    { "500 /s", VALUE_BAD_UNIT, 0, 0 },
    { "500s", VALUE_BAD_UNIT, 0, 0 },
    { "0.5/s", VALUE_TOO_FINE, 0, 0 },
    { "/s", VALUE_MALFORMED, 0, 0 },
    { "99999999999999999999/s", VALUE_TOO_LARGE, 0, 0 },
};

START_TEST(rate_is_a_count_and_a_period)
{
    const struct rate_case *c = &rate_cases[_i];
    struct value_rate rate = { 0 };
    enum value_result result = value_read_rate(c->text, &rate);
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->text, value_result_name(result),
        value_result_name(c->result));
    ck_assert_uint_eq(rate.count, c->count);
    ck_assert_uint_eq(rate.period_ns, c->period_ns);
}
END_TEST

START_TEST(written_rate_reads_the_same)
{
    for (size_t i = 0; i < COUNT_OF(rate_cases); i++) {
        const struct rate_case *c = &rate_cases[i];
        struct value_rate rate = { .count = c->count, .period_ns = c->period_ns };
        if (c->result == VALUE_OK) {
            ck_assert_str_eq(value_write_rate(&rate).text, c->text);
        }
    }
}
END_TEST

static const struct percent_case {
    const char *text;
    enum value_result result;
    uint32_t percent;
} percent_cases[] = {
    { "0%", VALUE_OK, 0 },
    { "20%", VALUE_OK, 20 },
    { "100%", VALUE_OK, 100 },
    { "101%", VALUE_TOO_LARGE, 0 },
    { "99999999999999999999%", VALUE_TOO_LARGE, 0 },
    { "20", VALUE_NO_UNIT, 0 },
    { "20 %", VALUE_BAD_UNIT, 0 },
    { "20percent", VALUE_BAD_UNIT, 0 },
    { "12.5%", VALUE_TOO_FINE, 0 },
    { "020%", VALUE_MALFORMED, 0 },
    { "-1%", VALUE_MALFORMED, 0 },
    { "%", VALUE_MALFORMED, 0 },
};

START_TEST(percentage_is_whole_and_at_most_a_hundred)
{
    const struct percent_case *c = &percent_cases[_i];
    uint32_t percent = 4711;
    enum value_result result = value_read_percent(c->text, &percent);
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->text, value_result_name(result),
        value_result_name(c->result));
    ck_assert_uint_eq(percent, result == VALUE_OK ? c->percent : 4711);
}
END_TEST

static const struct address_case {
    const char *name;
    const char *text;
    enum value_result result;
    const char *host;
    uint16_t port;
    bool is_ipv6;
} address_cases[] = {
    { "IPv4", "127.0.0.1:9101", VALUE_OK, "127.0.0.1", 9101, false },
    { "everywhere", "0.0.0.0:1", VALUE_OK, "0.0.0.0", 1, false },
    { "name", "eu-1.example:9443", VALUE_OK, "eu-1.example", 9443, false },
    { "one label", "localhost:65535", VALUE_OK, "localhost", 65535, false },
    { "container", "bridge_eu_1:9443", VALUE_OK, "bridge_eu_1", 9443, false },
    { "IPv6", "[::1]:9101", VALUE_OK, "::1", 9101, true },
    { "IPv6 with IPv4", "[::ffff:10.0.0.1]:1", VALUE_OK, "::ffff:10.0.0.1", 1, true },
    { "longest name", NAME_253 ":1", VALUE_OK, NAME_253, 1, false },
    { "longer name", NAME_253 "x:1", VALUE_BAD_HOST, "", 0, false },
    { "longer label", LABEL_63 "x.org:1", VALUE_BAD_HOST, "", 0, false },
    { "empty", "", VALUE_BAD_HOST, "", 0, false },
    { "port only", ":9101", VALUE_BAD_HOST, "", 0, false },
    { "star", "*:9101", VALUE_BAD_HOST, "", 0, false },
    { "space in the name", "a b:1", VALUE_BAD_HOST, "", 0, false },
    { "empty label", "a..b:1", VALUE_BAD_HOST, "", 0, false },
    { "final dot", "a.b.:1", VALUE_BAD_HOST, "", 0, false },
    { "hyphen first", "-a:1", VALUE_BAD_HOST, "", 0, false },
    { "hyphen last", "a-:1", VALUE_BAD_HOST, "", 0, false },
    { "mistyped IPv4", "10.0.0.256:1", VALUE_BAD_HOST, "", 0, false },
    { "short IPv4", "10.1:1", VALUE_BAD_HOST, "", 0, false },
    { "bad IPv6", "[::x]:1", VALUE_BAD_HOST, "", 0, false },
    { "IPv6 zone", "[fe80::1%eth0]:1", VALUE_BAD_HOST, "", 0, false },
    { "IPv4 in brackets", "[10.0.0.1]:1", VALUE_BAD_HOST, "", 0, false },
    { "bracket left open", "[::1:9101", VALUE_BAD_HOST, "", 0, false },
    { "text after the bracket", "[::1]x:9101", VALUE_BAD_HOST, "", 0, false },
    { "IPv6 bare", "::1:9101", VALUE_NO_BRACKETS, "", 0, false },
    { "no port", "eu-1.example", VALUE_NO_PORT, "", 0, false },
    { "IPv6 without port", "[::1]", VALUE_NO_PORT, "", 0, false },
    { "empty port", "a:", VALUE_BAD_PORT, "", 0, false },
    { "port zero", "a:0", VALUE_BAD_PORT, "", 0, false },
    { "port too high", "a:65536", VALUE_BAD_PORT, "", 0, false },
    { "port much too high", "a:999999", VALUE_BAD_PORT, "", 0, false },
    { "port with a zero", "a:080", VALUE_BAD_PORT, "", 0, false },
    { "port by name", "a:https", VALUE_BAD_PORT, "", 0, false },
    { "text after the port", "a:80/", VALUE_BAD_PORT, "", 0, false },
};

START_TEST(address_is_host_and_port)
{
    const struct address_case *c = &address_cases[_i];
    struct value_address address = { .host = "" };
    enum value_result result = value_read_address(c->text, &address);
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->name, value_result_name(result),
        value_result_name(c->result));
    ck_assert_str_eq(address.host, c->host);
    ck_assert_uint_eq(address.port, c->port);
    ck_assert(address.is_ipv6 == c->is_ipv6);
}
END_TEST

static const struct url_case {
    const char *text;
    enum value_result result;
    bool secure;
    const char *host;
} url_cases[] = {
    { "ws://127.0.0.1:9101", VALUE_OK, false, "127.0.0.1" },
    { "wss://eu-1.example:443", VALUE_OK, true, "eu-1.example" },
    { "ws://[::1]:9101", VALUE_OK, false, "::1" },
    { "http://127.0.0.1:9101", VALUE_BAD_SCHEME, false, "" },
    { "WS://127.0.0.1:9101", VALUE_BAD_SCHEME, false, "" },
    { "127.0.0.1:9101", VALUE_BAD_SCHEME, false, "" },
    { "ws:/127.0.0.1:9101", VALUE_BAD_SCHEME, false, "" },
    { "ws://127.0.0.1:9101/", VALUE_NOT_BARE, false, "" },
    { "ws://127.0.0.1:9101/mpreg", VALUE_NOT_BARE, false, "" },
    { "ws://127.0.0.1:9101?a=b", VALUE_NOT_BARE, false, "" },
    { "ws://127.0.0.1:9101#a", VALUE_NOT_BARE, false, "" },
    { "ws://me@127.0.0.1:9101", VALUE_NOT_BARE, false, "" },
    { "ws://127.0.0.1", VALUE_NO_PORT, false, "" },
    { "ws://127.0.0.1:0", VALUE_BAD_PORT, false, "" },
    { "ws://", VALUE_BAD_HOST, false, "" },
    { "ws://::1:9101", VALUE_NO_BRACKETS, false, "" },
};

START_TEST(url_is_scheme_host_and_port)
{
    const struct url_case *c = &url_cases[_i];
    struct value_url url = { .text = NULL };
    enum value_result result = value_read_url(c->text, &url);
    ck_assert_msg(result == c->result, "%s: got %s, want %s", c->text, value_result_name(result),
        value_result_name(c->result));
    ck_assert(url.text == (result == VALUE_OK ? c->text : NULL));
    ck_assert(url.secure == c->secure);
    ck_assert_str_eq(url.address.host, c->host);
}
END_TEST

#define A_60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct explain_case {
    enum value_kind kind;
    enum value_result result;
    const char *text;
    const char *message;
    const char *hint;
} explain_cases[] = {
    { VALUE_BOOLEAN, VALUE_MALFORMED, "ture", "'ture' is neither true nor false",
        "did you mean 'true'? (allowed: true, false)" },
    { VALUE_BOOLEAN, VALUE_MALFORMED, "yes", "'yes' is neither true nor false",
        "(allowed: true, false)" },
    { VALUE_NUMBER, VALUE_MALFORMED, "-1", "'-1' is not a whole number",
        "write digits only, without a sign or a leading zero" },
    { VALUE_NUMBER, VALUE_TOO_LARGE, "99999999999999999999", "'99999999999999999999' is too large",
        "the most is 18446744073709551615" },
    { VALUE_DURATION, VALUE_MALFORMED, "soon", "'soon' is not a duration",
        "write a number and a unit: a duration such as 30s (allowed: ns, us, ms, s, m, h, d)" },
    { VALUE_DURATION, VALUE_NO_UNIT, "30", "'30' has no unit",
        "add a unit, such as 30s (allowed: ns, us, ms, s, m, h, d)" },
    { VALUE_DURATION, VALUE_BAD_UNIT, "30 s", "'30 s' has an unknown unit",
        "did you mean '30s'? (allowed: ns, us, ms, s, m, h, d)" },
    { VALUE_DURATION, VALUE_BAD_UNIT, "30fortnights", "'30fortnights' has an unknown unit",
        "(allowed: ns, us, ms, s, m, h, d)" },
    { VALUE_DURATION, VALUE_TOO_FINE, "0.5ns", "'0.5ns' is finer than the smallest unit",
        "write a whole number (allowed: ns, us, ms, s, m, h, d)" },
    { VALUE_DURATION, VALUE_TOO_LARGE, "300000d", "'300000d' is too large",
        "the most is 9223372036854775807ns" },
    { VALUE_SIZE, VALUE_MALFORMED, "big", "'big' is not a size",
        "write a number and a unit: a size such as 256KiB (allowed: B, KB, KiB, MB, MiB, GB, "
        "GiB)" },
    { VALUE_SIZE, VALUE_NO_UNIT, "256", "'256' has no unit",
        "add a unit, such as 256KiB (allowed: B, KB, KiB, MB, MiB, GB, GiB)" },
    { VALUE_SIZE, VALUE_BAD_UNIT, "1mib", "'1mib' has an unknown unit",
        "did you mean '1MiB'? (allowed: B, KB, KiB, MB, MiB, GB, GiB)" },
    { VALUE_SIZE, VALUE_TOO_LARGE, "8589934592GiB", "'8589934592GiB' is too large",
        "the most is 9223372036854775807B" },
    { VALUE_RATE, VALUE_MALFORMED, "fast", "'fast' is not a rate",
        "write a number and a unit: a rate such as 500/s (allowed: /s, /m, /h)" },
    { VALUE_RATE, VALUE_NO_UNIT, "500", "'500' has no unit",
        "add a unit, such as 500/s (allowed: /s, /m, /h)" },
    { VALUE_RATE, VALUE_TOO_FINE, "0.5/s", "'0.5/s' is not a whole number",
        "write a whole number (allowed: /s, /m, /h)" },
    { VALUE_RATE, VALUE_TOO_LARGE, "99999999999999999999/s",
        "'99999999999999999999/s' is too large", "the most is 18446744073709551615" },
    { VALUE_PERCENT, VALUE_MALFORMED, "most", "'most' is not a percentage",
        "write a number and a unit: a percentage such as 20% (allowed: %)" },
    { VALUE_PERCENT, VALUE_NO_UNIT, "20", "'20' has no unit",
        "add a unit, such as 20% (allowed: %)" },
    { VALUE_PERCENT, VALUE_TOO_FINE, "12.5%", "'12.5%' is not a whole number",
        "write a whole number (allowed: %)" },
    { VALUE_PERCENT, VALUE_TOO_LARGE, "101%", "'101%' is too large", "the most is 100%" },
    { VALUE_TIME, VALUE_MALFORMED, "tomorrow", "'tomorrow' is not a time",
        "write a time such as 2026-12-01T08:00:00Z, or a date alone" },
    { VALUE_TIME, VALUE_NO_OFFSET, "2026-12-01T08:00:00",
        "'2026-12-01T08:00:00' has a time of day of no zone",
        "add Z for UTC, or an offset from it such as +01:00" },
    { VALUE_TIME, VALUE_BAD_DATE, "2026-02-29",
        "'2026-02-29' has a day that is not in the calendar",
        "(allowed: the days of the years 1970 to 2261)" },
    { VALUE_TIME, VALUE_BAD_CLOCK, "2026-12-01T24:00:00Z",
        "'2026-12-01T24:00:00Z' has a time of day or an offset that no clock shows",
        "(allowed: 00:00:00 to 23:59:59, and offsets from -23:59 to +23:59)" },
    { VALUE_TIME, VALUE_TOO_FINE, "2026-12-01T00:00:00.1234567891Z",
        "'2026-12-01T00:00:00.1234567891Z' is finer than a nanosecond",
        "write at most nine digits after the point" },
    { VALUE_ADDRESS, VALUE_NO_PORT, "eu", "'eu' has no port",
        "write an address such as 127.0.0.1:9101" },
    { VALUE_ADDRESS, VALUE_BAD_PORT, "eu:0", "'eu:0' has no valid port",
        "a port is a number from 1 to 65535" },
    { VALUE_ADDRESS, VALUE_BAD_HOST, "*:1", "'*:1' has no valid host",
        "a host is a name, an IPv4 address, or an IPv6 address in brackets: [::1]:9101" },
    { VALUE_ADDRESS, VALUE_NO_BRACKETS, "::1:9101",
        "'::1:9101' looks like an IPv6 address without brackets",
        "a host is a name, an IPv4 address, or an IPv6 address in brackets: [::1]:9101" },
    { VALUE_ADDRESS, VALUE_MALFORMED, "x", "'x' is not an address",
        "write an address such as 127.0.0.1:9101" },
    { VALUE_URL, VALUE_MALFORMED, "x", "'x' is not a URL",
        "write a URL such as ws://127.0.0.1:9101" },
    { VALUE_URL, VALUE_BAD_SCHEME, "http://a:1",
        "'http://a:1' begins with neither ws:// nor wss://",
        "write a URL such as ws://127.0.0.1:9101" },
    { VALUE_URL, VALUE_NOT_BARE, "ws://a:1/b", "'ws://a:1/b' says more than scheme, host and port",
        "write a URL such as ws://127.0.0.1:9101" },
    { VALUE_BOOLEAN, VALUE_MALFORMED, A_60 "bbbbb", "'" A_60 "bbbb'... is neither true nor false",
        "(allowed: true, false)" },
};

START_TEST(refusal_says_what_to_write)
{
    const struct explain_case *c = &explain_cases[_i];
    struct value_words words = value_explain(c->kind, c->result, c->text);
    ck_assert_str_eq(words.message, c->message);
    ck_assert_str_eq(words.hint, c->hint);
}
END_TEST

START_TEST(every_refusal_fits_its_words)
{
    char digits[300];
    memset(digits, '9', sizeof(digits));
    digits[sizeof(digits) - 1] = '\0';
    for (int kind = VALUE_BOOLEAN; kind <= VALUE_URL; kind++) {
        for (int result = VALUE_MALFORMED; result <= VALUE_NOT_BARE; result++) {
            struct value_words words =
                value_explain((enum value_kind)kind, (enum value_result)result, digits);
            ck_assert_msg(strlen(words.message) < sizeof(words.message) - 1, "%s", words.message);
            ck_assert_msg(strlen(words.hint) < sizeof(words.hint) - 1, "%s", words.hint);
        }
    }
}
END_TEST

START_TEST(quote_cuts_between_characters)
{
    ck_assert_str_eq(value_quote("").text, "''");
    ck_assert_str_eq(value_quote(A_60 "abcd").text, "'" A_60 "abcd'");
    ck_assert_str_eq(value_quote(A_60 "abcde").text, "'" A_60 "abcd'...");
    ck_assert_str_eq(value_quote(A_60 "abc\xc3\xa9").text, "'" A_60 "abc'...");
    ck_assert_str_eq(value_quote("caf\xe9").text, "'caf'...");
}
END_TEST

START_TEST(every_result_has_a_name)
{
    for (int a = VALUE_OK; a <= VALUE_NOT_BARE; a++) {
        ck_assert_str_ne(value_result_name((enum value_result)a), "unknown");
        for (int b = VALUE_OK; b < a; b++) {
            ck_assert_str_ne(
                value_result_name((enum value_result)a), value_result_name((enum value_result)b));
        }
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("value");
    TCase *tcase = tcase_create("value");
    tcase_add_loop_test(tcase, quantity_is_exact_or_refused, 0, (int)COUNT_OF(quantity_cases));
    tcase_add_test(tcase, written_quantity_reads_the_same);
    tcase_add_loop_test(
        tcase, quantity_is_written_in_its_largest_unit, 0, (int)COUNT_OF(write_cases));
    tcase_add_loop_test(tcase, boolean_has_two_words, 0, (int)COUNT_OF(boolean_cases));
    tcase_add_loop_test(tcase, rate_is_a_count_and_a_period, 0, (int)COUNT_OF(rate_cases));
    tcase_add_test(tcase, written_rate_reads_the_same);
    tcase_add_loop_test(
        tcase, percentage_is_whole_and_at_most_a_hundred, 0, (int)COUNT_OF(percent_cases));
    tcase_add_loop_test(tcase, address_is_host_and_port, 0, (int)COUNT_OF(address_cases));
    tcase_add_loop_test(tcase, url_is_scheme_host_and_port, 0, (int)COUNT_OF(url_cases));
    tcase_add_loop_test(tcase, refusal_says_what_to_write, 0, (int)COUNT_OF(explain_cases));
    tcase_add_test(tcase, every_refusal_fits_its_words);
    tcase_add_test(tcase, quote_cuts_between_characters);
    tcase_add_test(tcase, every_result_has_a_name);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
