/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_call.c - `mpregctl call`: call a function as any client of a node does.
 *
 * Values are not interpreted on the way: what is printed is byte for byte what the node sent.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "app/ctl.h"
#include "core/json_write.h"
#include "core/limits.h"
#include "core/rpc.h"
#include "host/client.h"
#include "host/printable.h"
#include "host/runtime.h"
#include "host/value.h"

static const char help[] =
    "Usage: mpregctl [-o table|json] call [OPTION]... FUNCTION [ARGUMENT]...\n"
    "\n"
    "  -u, --url URL        the node to ask ($MPREG_URL, else " CTL_URL_DEFAULT ")\n"
    "  -k, --kwargs JSON    named arguments: an object\n"
    "  -l, --loc RESOURCE   only where this resource is; may be given several times\n"
    "  -t, --timeout TIME   how long to wait (35s)\n"
    "      --ca FILE        for wss://: whom to trust; --cert FILE and --key FILE: our own\n"
    "\n"
    "An ARGUMENT that is JSON is sent as such, any other as a text: 5 is a number, five a text.\n";

#define TIMEOUT_DEFAULT_NS (35 * SEC_NS)
#define CALL_MEMORY_MAX    ((size_t)512 * 1024 * 1024)

enum call_option {
    OPTION_CA = 256,
    OPTION_CERT,
    OPTION_KEY,
};

struct call {
    struct ctl *ctl;
    struct mem mem;
    struct arena arena;
    struct json_tape tape;
    struct buf args;
    struct buf kwargs;
    struct buf message;
    struct buf answer;
    struct buf shown; /* what is being printed */
    struct span resources[LIST_COUNT_MAX];
    uint32_t resource_count;
    const char *function;
    const char *url_text;
    struct value_url url;
    struct ws_tls tls;
    uint64_t timeout_ns;
    char u[33];
};

/* ---- The command line ---- */

static int
value_fault(
    const struct options *line, enum value_kind kind, enum value_result result, const char *text)
{
    struct value_words words = value_explain(kind, result, text);
    return options_fault(line, "%s; %s", words.message, words.hint);
}

/* JSON goes as it is, anything else as a text. */
static void
add_argument(struct call *call, struct json_writer *args, const char *text)
{
    enum json_kind kind;
    if (json_check(span_from_text(text), &call->tape, &kind) == JSON_OK) {
        json_write_raw(args, span_from_text(text));
    } else {
        json_write_text(args, text);
    }
}

static int
take_kwargs(struct call *call, const struct options *line)
{
    enum json_kind kind;
    struct span text = span_from_text(line->value);
    if (json_check(text, &call->tape, &kind) != JSON_OK || kind != JSON_KIND_OBJECT) {
        return options_fault(line, "--kwargs %s is no JSON object; write --kwargs '{\"name\": 1}'",
            value_quote(line->value).text);
    }
    buf_reset(&call->kwargs);
    buf_add(&call->kwargs, text);
    return APP_OK;
}

static int
take_resource(struct call *call, const struct options *line)
{
    if (call->resource_count == LIST_COUNT_MAX) {
        return options_fault(line, "more than %u times --loc", LIST_COUNT_MAX);
    }
    call->resources[call->resource_count++] = span_from_text(line->value);
    return APP_OK;
}

static int
take_timeout(struct call *call, const struct options *line)
{
    enum value_result result = value_read_duration(line->value, &call->timeout_ns);
    if (result != VALUE_OK) {
        return value_fault(line, VALUE_DURATION, result, line->value);
    }
    return call->timeout_ns == 0 ? options_fault(line, "--timeout is at least 1ms") : APP_OK;
}

/* An option of this verb. APP_OK, or the exit code. *common says what a common option did. */
static int
take_option(struct call *call, const struct options *line, int code, enum ctl_common *common)
{
    switch (code) {
    case 'u':
        call->url_text = line->value;
        return APP_OK;
    case 'k':
        return take_kwargs(call, line);
    case 'l':
        return take_resource(call, line);
    case 't':
        return take_timeout(call, line);
    case OPTION_CA:
        call->tls.ca_file = line->value;
        return APP_OK;
    case OPTION_CERT:
        call->tls.cert_file = line->value;
        return APP_OK;
    case OPTION_KEY:
        call->tls.key_file = line->value;
        return APP_OK;
    default:
        *common = ctl_take_common(call->ctl, line, code);
        return *common == CTL_COMMON_WRONG ? APP_USAGE : APP_OK;
    }
}

/* What holds between options. */
static int
check_options(struct call *call, const struct options *line)
{
    const char *from_environment = getenv("MPREG_URL");
    bool named = from_environment != NULL && from_environment[0] != '\0';
    if (call->function == NULL) {
        return options_fault(line, "FUNCTION is missing");
    }
    if (call->url_text == NULL) {
        call->url_text = named ? from_environment : CTL_URL_DEFAULT;
    }
    enum value_result result = value_read_url(call->url_text, &call->url);
    if (result != VALUE_OK) {
        return value_fault(line, VALUE_URL, result, call->url_text);
    }
    if (call->url.secure && call->tls.ca_file == NULL) {
        return options_fault(line, "%s needs --ca FILE: whom to trust", call->url_text);
    }
    if ((call->tls.cert_file == NULL) != (call->tls.key_file == NULL)) {
        return options_fault(line, "--cert and --key go together");
    }
    return APP_OK;
}

/* false: end with *exit_code. */
static bool
read_options(struct call *call, int argc, char **argv, int *exit_code)
{
    static const struct option longs[] = {
        { "url", required_argument, NULL, 'u' },
        { "kwargs", required_argument, NULL, 'k' },
        { "loc", required_argument, NULL, 'l' },
        { "timeout", required_argument, NULL, 't' },
        { "ca", required_argument, NULL, OPTION_CA },
        { "cert", required_argument, NULL, OPTION_CERT },
        { "key", required_argument, NULL, OPTION_KEY },
        CTL_COMMON_OPTIONS,
    };
    struct options line = { .program = call->ctl->program,
        .shorts = CTL_COMMON_SHORTS "u:k:l:t:",
        .longs = longs,
        .takes_numbers = true,
        .argc = argc,
        .argv = argv };
    struct json_writer args = json_write_into(&call->args);
    enum ctl_common common = CTL_COMMON_TAKEN;
    int code = 0;
    *exit_code = APP_OK;
    json_begin_array(&args);
    while (*exit_code == APP_OK && common == CTL_COMMON_TAKEN &&
           (code = options_next(&line)) != OPTIONS_END) {
        if (code != OPTIONS_ARGUMENT) {
            *exit_code = take_option(call, &line, code, &common);
        } else if (call->function == NULL) {
            call->function = line.value;
        } else {
            add_argument(call, &args, line.value);
        }
    }
    json_end_array(&args);
    if (common == CTL_COMMON_HELP) {
        (void)fputs(help, stdout);
    } else if (*exit_code == APP_OK) {
        *exit_code = check_options(call, &line);
    }
    return common == CTL_COMMON_TAKEN && *exit_code == APP_OK;
}

/* ---- What is printed ---- */

/* Raw JSON; a terminal gets it without characters that would steer it. */
static void
print_raw(struct call *call, struct span json)
{
    if (!isatty(STDOUT_FILENO)) {
        (void)fwrite(json.data, 1, json.size, stdout);
        return;
    }
    while (json.size > 0) {
        size_t end = span_find(json, '\n');
        buf_reset(&call->shown);
        printable_add(&call->shown, span_part(json, 0, end), 0);
        (void)fwrite(call->shown.data, 1, call->shown.size, stdout);
        json = span_after(json, end);
        if (json.size > 0) {
            (void)putchar('\n');
            json = span_after(json, 1);
        }
    }
}

static int
print_result(struct call *call, struct span result)
{
    bool json = call->ctl->json;
    (void)fputs(json ? "{\"ok\":true,\"result\":" : "", stdout);
    print_raw(call, result);
    (void)fputs(json ? "}\n" : "\n", stdout);
    return APP_OK;
}

/* How a call failed. Absent texts are empty. */
struct failure {
    int64_t code; /* 0: none */
    struct span type;
    struct span message;
    struct span details; /* raw JSON */
};

static void
print_failure_json(struct call *call, const struct failure *failure)
{
    buf_reset(&call->message);
    struct json_writer writer = json_write_into(&call->message);
    json_begin_object(&writer);
    json_write_key(&writer, "ok");
    json_write_bool(&writer, false);
    json_write_key(&writer, "error");
    json_begin_object(&writer);
    json_write_key(&writer, "code");
    json_write_i64(&writer, failure->code);
    json_write_key(&writer, "error_type");
    json_write_string(&writer, failure->type);
    json_write_key(&writer, "message");
    json_write_string(&writer, failure->message);
    json_write_key(&writer, "details");
    json_write_raw(&writer, failure->details.size == 0 ? SPAN("null") : failure->details);
    json_end_object(&writer);
    json_end_object(&writer);
    print_raw(call, buf_span(&call->message));
    (void)putchar('\n');
}

/* A part of a line on stderr, from anybody. */
static void
complain(struct call *call, const char *before, struct span text, const char *after)
{
    buf_reset(&call->shown);
    printable_add(&call->shown, text, 0);
    (void)fprintf(stderr, "%s%.*s%s", before, SPAN_ARGS(buf_span(&call->shown)), after);
}

static int
print_failure(struct call *call, const struct failure *failure)
{
    if (call->ctl->json) {
        print_failure_json(call, failure);
        return APP_FAILED;
    }
    (void)fprintf(stderr, "%s: %s failed: ", call->ctl->program, call->function);
    complain(call, "", failure->message, "");
    if (failure->code != 0) {
        (void)fprintf(stderr, " (%" PRId64 ")", failure->code);
    }
    if (failure->type.size > 0) {
        complain(call, " (", failure->type, ")");
    }
    (void)fputc('\n', stderr);
    if (failure->details.size > 0 && !span_is(failure->details, "null")) {
        complain(call, "  details: ", failure->details, "\n");
    }
    return APP_FAILED;
}

/* ---- The answer ---- */

static struct span
text_at(const struct json_doc *doc, uint32_t index, struct arena *arena)
{
    bool is_text = index != 0 && json_kind_of(doc, index) == JSON_KIND_STRING;
    return is_text ? json_read_text(doc, index, arena) : SPAN_NONE;
}

/* A far failure comes as a value: an object with error, command and error_type (protocol.md 5.1). */
static bool
is_failure(struct call *call, struct span value, struct failure *failure)
{
    struct json_doc doc;
    uint32_t error = 0;
    uint32_t command = 0;
    uint32_t type = 0;
    uint32_t code = 0;
    uint32_t details = 0;
    const struct json_want wants[] = {
        { SPAN("error"), &error },
        { SPAN("command"), &command },
        { SPAN("error_type"), &type },
        { SPAN("code"), &code },
        { SPAN("details"), &details },
    };
    if (json_scan(value, NULL, 0, &call->tape, &doc, NULL) != JSON_OK ||
        json_pick(&doc, 0, wants, COUNT_OF(wants), NULL) != JSON_PICK_OK || error == 0 ||
        command == 0 || type == 0) {
        return false;
    }
    *failure = (struct failure){
        .type = text_at(&doc, type, &call->arena),
        .message = text_at(&doc, error, &call->arena),
        .details = details == 0 ? SPAN_NONE : json_raw(&doc, details),
    };
    if (failure->message.size == 0) {
        failure->message = json_raw(&doc, error);
    }
    if (code != 0 && (json_kind_of(&doc, code) != JSON_KIND_NUMBER ||
                         !json_read_integer(&doc, code, &failure->code))) {
        failure->code = 0;
    }
    return true;
}

/* The value of our one command in `r`, {FUNCTION: value}. Empty: it is not there. */
static struct span
find_value(struct call *call, struct span r)
{
    struct json_doc doc;
    uint32_t value = 0;
    struct span name = span_from_text(call->function);
    const struct json_want wants[] = { { name, &value } };
    if (json_scan(r, &name, 1, &call->tape, &doc, NULL) != JSON_OK ||
        json_pick(&doc, 0, wants, COUNT_OF(wants), NULL) != JSON_PICK_OK || value == 0) {
        return SPAN_NONE;
    }
    return json_raw(&doc, value);
}

static int
judge_answer(struct call *call)
{
    struct envelope envelope;
    struct answer answer;
    struct message_fault fault;
    struct failure failure = { .code = 0 };
    struct message_scratch scratch = { .tape = &call->tape, .arena = &call->arena };
    enum message_result result =
        envelope_scan(buf_span(&call->answer), &scratch, &envelope, &fault);
    if (result == MESSAGE_OK) {
        result = answer_decode(&envelope, &scratch, &answer, &fault);
    }
    if (result != MESSAGE_OK) {
        return ctl_fail(call->ctl, "%s sent an answer that cannot be read: %s %s", call->url_text,
            message_result_name(result), fault.key);
    }
    if (answer.failed) {
        failure = (struct failure){ .code = answer.error_code,
            .message = answer.error_message,
            .details = answer.error_details };
        return print_failure(call, &failure);
    }
    struct span value = find_value(call, answer.r);
    if (value.size == 0) {
        return ctl_fail(call->ctl, "%s sent an answer without a value for '%s'", call->url_text,
            call->function);
    }
    if (is_failure(call, value, &failure)) {
        return print_failure(call, &failure);
    }
    return print_result(call, value);
}

/* ---- The call ---- */

static int
ask(struct call *call)
{
    struct reason reason;
    const struct rpc_command command = {
        .function = span_from_text(call->function),
        .args = buf_span(&call->args),
        .kwargs = buf_span(&call->kwargs),
        .resources = { .items = call->resources, .count = call->resource_count },
    };
    (void)snprintf(call->u, sizeof(call->u), "%016" PRIx64 "%016" PRIx64, runtime_entropy(),
        runtime_entropy());
    rpc_encode(&call->message, &command, span_from_text(call->u));
    if (call->args.overflowed || call->kwargs.overflowed || call->message.overflowed) {
        return ctl_fail(call->ctl, "the call is larger than 20 MiB, which no node accepts");
    }
    const struct client_question question = {
        .url = &call->url,
        .tls = &call->tls,
        .message = buf_span(&call->message),
        .u = span_from_text(call->u),
        .timeout_ns = call->timeout_ns,
    };
    switch (client_ask(&question, &call->answer, &reason)) {
    case CLIENT_OK:
        return judge_answer(call);
    case CLIENT_NOT_CONNECTED:
        return ctl_fail(call->ctl, "cannot reach %s; is the node running? see --url%s", reason.text,
            call->url.secure && call->tls.cert_file == NULL
                ? "; it may want a certificate: see --cert and --key"
                : "");
    case CLIENT_TIMED_OUT:
        return ctl_fail(call->ctl, "%s has not answered within %s; see --timeout", call->url_text,
            value_write(VALUE_DURATION, call->timeout_ns).text);
    case CLIENT_CLOSED:
    case CLIENT_FAILED:
        return ctl_fail(call->ctl, "%s: %s", call->url_text, reason.text);
    }
    return APP_FAILED;
}

int
ctl_call(struct ctl *ctl, int argc, char **argv)
{
    struct call call = { .ctl = ctl, .timeout_ns = TIMEOUT_DEFAULT_NS };
    int code = APP_OK;
    mem_init(&call.mem, CALL_MEMORY_MAX);
    arena_init(&call.arena, &call.mem);
    json_tape_init(&call.tape, &call.mem);
    buf_init(&call.args, &call.mem, MESSAGE_SIZE_MAX);
    buf_init(&call.kwargs, &call.mem, MESSAGE_SIZE_MAX);
    buf_init(&call.message, &call.mem, MESSAGE_SIZE_MAX);
    buf_init(&call.answer, &call.mem, MESSAGE_SIZE_MAX);
    buf_init(&call.shown, &call.mem, 4 * MESSAGE_SIZE_MAX);
    if (read_options(&call, argc, argv, &code)) {
        code = ask(&call);
    }
    buf_destroy(&call.shown);
    buf_destroy(&call.answer);
    buf_destroy(&call.message);
    buf_destroy(&call.kwargs);
    buf_destroy(&call.args);
    json_tape_destroy(&call.tape);
    arena_destroy(&call.arena);
    return code;
}
