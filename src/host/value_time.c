/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value_time.c - RFC 3339 date-times: 2026-12-01T08:00:00.5+01:00, or a date alone. Read strictly, with T and Z in
 * capitals, and computed on the calendar, so that no time zone of the host has a say.
 */
#include <inttypes.h>
#include <stdio.h>

#include "host/value.h"

#define MINUTE_SECONDS 60
#define HOUR_SECONDS   3600
#define DAY_SECONDS    86400
#define FRACTION_SIZE  9 /* digits: ns */

static bool
is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

/* As many digits as there are in `shape`, and its other characters as they are. */
static bool
has_shape(const char *text, const char *shape)
{
    for (; *shape != '\0'; text++, shape++) {
        bool fits = *shape == '0' ? is_digit(*text) : *text == *shape;
        if (!fits) {
            return false;
        }
    }
    return true;
}

static int64_t
digits(const char *text, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum = sum * 10 + (text[i] - '0');
    }
    return sum;
}

static bool
is_leap_year(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t
month_days(int64_t year, int64_t month)
{
    static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

/* From 1970-01-01 to the first day of a year, which is not before. */
static int64_t
days_before_year(int64_t year)
{
    int64_t last = year - 1;
    int64_t leap_days = (last / 4 - last / 100 + last / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
    return (year - 1970) * 365 + leap_days;
}

/* "2026-12-01", which has that shape, in seconds. */
static enum value_result
read_date(const char *text, int64_t *seconds)
{
    int64_t year = digits(&text[0], 4);
    int64_t month = digits(&text[5], 2);
    int64_t day = digits(&text[8], 2);
    if (year < VALUE_YEAR_MIN || year > VALUE_YEAR_MAX || month < 1 || month > 12 || day < 1 ||
        day > month_days(year, month)) {
        return VALUE_BAD_DATE;
    }
    int64_t days = days_before_year(year) + day - 1;
    for (int64_t before = 1; before < month; before++) {
        days += month_days(year, before);
    }
    *seconds = days * DAY_SECONDS;
    return VALUE_OK;
}

/* ".5", or nothing: in ns. *rest is behind it. */
static enum value_result
read_fraction(const char *text, const char **rest, int64_t *ns)
{
    size_t count = 0;
    int64_t sum = 0;
    int64_t unit = (int64_t)SEC_NS;
    *rest = text;
    *ns = 0;
    if (text[0] != '.') {
        return VALUE_OK;
    }
    text++;
    for (; is_digit(text[count]); count++) {
        bool too_fine = count >= FRACTION_SIZE && text[count] != '0';
        if (too_fine) {
            return VALUE_TOO_FINE;
        }
        unit /= 10;
        sum += (text[count] - '0') * unit;
    }
    *rest = &text[count];
    *ns = sum;
    return count == 0 ? VALUE_MALFORMED : VALUE_OK;
}

/* "Z", "+01:00" or "-01:00", and nothing behind it, in seconds. */
static enum value_result
read_offset(const char *text, int64_t *seconds)
{
    bool is_utc = text[0] == 'Z' && text[1] == '\0';
    bool has_sign = text[0] == '+' || text[0] == '-';
    *seconds = 0;
    if (text[0] == '\0') {
        return VALUE_NO_OFFSET;
    }
    if (is_utc) {
        return VALUE_OK;
    }
    if (!has_sign || !has_shape(&text[1], "00:00") || text[6] != '\0') {
        return VALUE_MALFORMED;
    }
    int64_t hours = digits(&text[1], 2);
    int64_t minutes = digits(&text[4], 2);
    int64_t size = hours * HOUR_SECONDS + minutes * MINUTE_SECONDS;
    *seconds = text[0] == '-' ? -size : size;
    return hours > 23 || minutes > 59 ? VALUE_BAD_CLOCK : VALUE_OK;
}

/* "08:00:00", which has that shape, and what stands behind it. */
static enum value_result
read_clock(const char *text, int64_t *seconds, int64_t *ns)
{
    const char *rest = NULL;
    int64_t hours = digits(&text[0], 2);
    int64_t minutes = digits(&text[3], 2);
    int64_t whole = digits(&text[6], 2);
    int64_t offset = 0;
    enum value_result result = read_fraction(&text[8], &rest, ns);
    if (result == VALUE_OK) {
        result = read_offset(rest, &offset);
    }
    if (result == VALUE_OK && (hours > 23 || minutes > 59 || whole > 59)) {
        result = VALUE_BAD_CLOCK;
    }
    *seconds = hours * HOUR_SECONDS + minutes * MINUTE_SECONDS + whole - offset;
    return result;
}

enum value_result
value_read_time(const char *text, struct wall *time)
{
    int64_t date = 0;
    int64_t clock = 0;
    int64_t ns = 0;
    bool is_date = has_shape(text, "0000-00-00") && text[10] == '\0';
    if (!is_date && !has_shape(text, "0000-00-00T00:00:00")) {
        return VALUE_MALFORMED;
    }
    enum value_result result = is_date ? VALUE_OK : read_clock(&text[11], &clock, &ns);
    if (result == VALUE_OK) {
        result = read_date(text, &date);
    }
    if (result != VALUE_OK) {
        return result;
    }
    int64_t seconds = date + clock;
    if (seconds < 0 || seconds >= days_before_year(VALUE_YEAR_MAX + 1) * DAY_SECONDS) {
        return VALUE_BAD_DATE;
    }
    *time = (struct wall){ .ns = seconds * (int64_t)SEC_NS + ns };
    return VALUE_OK;
}

struct value_text
value_write_time(struct wall time)
{
    CHECK(time.ns >= 0);
    int64_t seconds = time.ns / (int64_t)SEC_NS;
    int64_t ns = time.ns % (int64_t)SEC_NS;
    int64_t days = seconds / DAY_SECONDS;
    int64_t clock = seconds % DAY_SECONDS;
    int64_t year = 1970;
    int64_t month = 1;
    while (days_before_year(year + 1) <= days) {
        year++;
    }
    days -= days_before_year(year);
    while (days >= month_days(year, month)) {
        days -= month_days(year, month);
        month++;
    }
    struct value_text written;
    int size = snprintf(written.text, sizeof(written.text),
        "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64 ":%02" PRId64, year,
        month, days + 1, clock / HOUR_SECONDS, clock / MINUTE_SECONDS % 60, clock % 60);
    if (ns > 0) {
        size +=
            snprintf(&written.text[size], sizeof(written.text) - (size_t)size, ".%09" PRId64, ns);
        while (written.text[size - 1] == '0') {
            size--;
        }
    }
    (void)snprintf(&written.text[size], sizeof(written.text) - (size_t)size, "Z");
    return written;
}
