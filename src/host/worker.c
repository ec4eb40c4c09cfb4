/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.c - one program, its pipes, and the calls that it has not answered yet.
 *
 * States: running (process and pipes are there), waiting (for the retry timer), stopping. Failures that are
 * found while the engine is inside a call are put off to the loop's next turn by `later`.
 */
#include "host/worker.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "core/json_scan.h"
#include "core/json_write.h"

#define READ_SIZE ((size_t)64 * 1024)

struct open_call {
    struct list link; /* in worker->open or worker->failed */
    uint64_t ticket;
    const char *error_type; /* in worker->failed */
    char message[160];
};

struct write_request {
    uv_write_t request;
    struct worker *worker;
    struct buf bytes;
};

struct worker {
    struct worker_config config;
    uv_process_t process;
    uv_pipe_t in;     /* its stdin */
    uv_pipe_t out;    /* its stdout */
    uv_timer_t timer; /* restart, or the kill after a stop */
    uv_timer_t later; /* deliver failures */
    unsigned handles; /* not closed yet */
    bool process_alive;
    bool pipes_open;
    bool stopping;
    struct list open;
    struct list failed;
    size_t open_count;
    size_t queued; /* bytes written and not taken yet */
    struct buf line;
    struct json_tape tape;
    struct arena arena;
    uint8_t *chunk;
    uint64_t pause_ns;
    uint64_t started_ns;
    uint64_t restarts;
};

static void start(struct worker *worker);
static void spawn_again(uv_timer_t *timer);

static void
handle_closed(uv_handle_t *handle)
{
    struct worker *worker = handle->data;
    CHECK(worker->handles > 0);
    if (--worker->handles > 0 || !worker->stopping) {
        return;
    }
    struct mem *mem = worker->config.mem;
    buf_destroy(&worker->line);
    json_tape_destroy(&worker->tape);
    arena_destroy(&worker->arena);
    mem_give(mem, worker->chunk, READ_SIZE);
    mem_give(mem, worker, sizeof(*worker));
}

static void
close_handle(struct worker *worker, uv_handle_t *handle)
{
    handle->data = worker;
    if (!uv_is_closing(handle)) {
        uv_close(handle, handle_closed);
    }
}

static void
free_call(struct worker *worker, struct open_call *call)
{
    list_remove(&call->link);
    mem_give(worker->config.mem, call, sizeof(*call));
}

/* Failures are told from the loop, never from inside worker_call. */

static void
deliver_failures(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    while (!list_empty(&worker->failed)) {
        struct open_call *call = CONTAINER_OF(worker->failed.next, struct open_call, link);
        struct worker_result result = {
            .ticket = call->ticket,
            .error_type = span_from_text(call->error_type),
            .message = span_from_text(call->message),
        };
        list_remove(&call->link);
        worker->config.on_result(worker->config.owner, &result);
        mem_give(worker->config.mem, call, sizeof(*call));
    }
}

static void
fail_call(
    struct worker *worker, struct open_call *call, const char *error_type, const char *message)
{
    list_remove(&call->link);
    call->error_type = error_type;
    snprintf(call->message, sizeof(call->message), "%s", message);
    list_push(&worker->failed, &call->link);
    uv_timer_start(&worker->later, deliver_failures, 0, 0);
}

static void
fail_open_calls(struct worker *worker, const char *message)
{
    while (!list_empty(&worker->open)) {
        fail_call(
            worker, CONTAINER_OF(worker->open.next, struct open_call, link), "WorkerDied", message);
    }
    worker->open_count = 0;
}

/* What it answers. */

static struct open_call *
find_call(struct worker *worker, uint64_t ticket)
{
    LIST_EACH (link, &worker->open) {
        struct open_call *call = CONTAINER_OF(link, struct open_call, link);
        if (call->ticket == ticket) {
            return call;
        }
    }
    return NULL;
}

static struct span
text_member(struct worker *worker, const struct json_doc *doc, uint32_t index, const char *absent)
{
    bool text = index != 0 && json_kind_of(doc, index) == JSON_KIND_STRING;
    struct span value = text ? json_read_text(doc, index, &worker->arena) : SPAN_NONE;
    return value.data == NULL ? span_from_text(absent) : value;
}

static bool
read_error(
    struct worker *worker, const struct json_doc *doc, uint32_t error, struct worker_result *result)
{
    uint32_t type = 0;
    uint32_t message = 0;
    const struct json_want wants[] = {
        { SPAN("type"), &type },
        { SPAN("message"), &message },
    };
    if (json_pick(doc, error, wants, COUNT_OF(wants), NULL) != JSON_PICK_OK) {
        return false;
    }
    result->error_type = text_member(worker, doc, type, "Error");
    result->message = text_member(worker, doc, message, "the worker gave no message");
    return true;
}

static bool
read_answer(struct worker *worker, struct span line, struct worker_result *result)
{
    static const struct span opaque[] = { { (const uint8_t *)"result", 6 } };
    struct json_doc doc;
    uint32_t id = 0;
    uint32_t value = 0;
    uint32_t error = 0;
    const struct json_want wants[] = {
        { SPAN("id"), &id },
        { SPAN("result"), &value },
        { SPAN("error"), &error },
    };
    int64_t number;
    if (json_scan(line, opaque, COUNT_OF(opaque), &worker->tape, &doc, NULL) != JSON_OK ||
        json_pick(&doc, 0, wants, COUNT_OF(wants), NULL) != JSON_PICK_OK || id == 0 ||
        !json_read_integer(&doc, id, &number) || number < 0 || (value == 0 && error == 0)) {
        return false;
    }
    result->ticket = (uint64_t)number;
    result->success = error == 0;
    result->result = value == 0 ? SPAN("null") : json_raw(&doc, value);
    return error == 0 || read_error(worker, &doc, error, result);
}

static void
take_line(struct worker *worker, struct span line)
{
    if (line.size == 0) {
        return;
    }
    struct worker_result result = { .success = false };
    arena_reset(&worker->arena);
    struct open_call *call = NULL;
    if (read_answer(worker, line, &result)) {
        call = find_call(worker, result.ticket);
    }
    if (call == NULL) {
        LOG_WARN(worker->config.log, "worker.bad_line",
            LOG_TEXT("worker", worker->config.arguments[0]), LOG_SPAN("line", line),
            LOG_TEXT("advice", "print one JSON object with the call's id a line; log to stderr"));
        return;
    }
    free_call(worker, call);
    worker->open_count--;
    worker->config.on_result(worker->config.owner, &result);
}

static void
take_lines(struct worker *worker)
{
    size_t start_at = 0;
    struct span text = buf_span(&worker->line);
    for (;;) {
        struct span rest = span_after(text, start_at);
        size_t end = span_find(rest, '\n');
        if (end == rest.size) {
            break;
        }
        take_line(worker, span_part(rest, 0, end));
        start_at += end + 1;
    }
    buf_drop(&worker->line, start_at);
}

static void
offer_chunk(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct worker *worker = handle->data;
    (void)suggested;
    *buffer = uv_buf_init((char *)worker->chunk, READ_SIZE);
}

static void
on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct worker *worker = stream->data;
    if (size < 0) {
        /* Its stdout ended: the exit follows, or it is of no use any more. */
        uv_read_stop(stream);
        if (worker->process_alive) {
            uv_process_kill(&worker->process, SIGTERM);
        }
        return;
    }
    buf_add(&worker->line, span_from(buffer->base, (size_t)size));
    if (worker->line.overflowed) {
        LOG_ERROR(worker->config.log, "worker.line_too_long",
            LOG_TEXT("worker", worker->config.arguments[0]),
            LOG_U64("limit_bytes", WORKER_LINE_MAX));
        uv_read_stop(stream);
        if (worker->process_alive) {
            uv_process_kill(&worker->process, SIGKILL);
        }
        return;
    }
    take_lines(worker);
}

/* Its life. */

static void
retry_later(struct worker *worker)
{
    uint64_t lived_ns = uv_hrtime() - worker->started_ns;
    bool stable = lived_ns > WORKER_RETRY_MAX_NS;
    worker->pause_ns = stable || worker->pause_ns == 0 ? WORKER_RETRY_MIN_NS : worker->pause_ns * 2;
    if (worker->pause_ns > WORKER_RETRY_MAX_NS) {
        worker->pause_ns = WORKER_RETRY_MAX_NS;
    }
    uv_timer_start(&worker->timer, spawn_again, worker->pause_ns / MS_NS, 0);
}

static void
drop_pipes(struct worker *worker)
{
    if (worker->pipes_open) {
        worker->pipes_open = false;
        close_handle(worker, (uv_handle_t *)&worker->in);
        close_handle(worker, (uv_handle_t *)&worker->out);
    }
}

static void
on_exit(uv_process_t *process, int64_t status, int signal_number)
{
    struct worker *worker = process->data;
    char message[160];
    if (signal_number != 0) {
        snprintf(message, sizeof(message), "the worker was killed by signal %d", signal_number);
    } else {
        snprintf(message, sizeof(message), "the worker exited with status %d", (int)status);
    }
    worker->process_alive = false;
    /* What it printed before it ended is still in the pipe's buffer; it is lost with it. */
    drop_pipes(worker);
    close_handle(worker, (uv_handle_t *)process);
    if (worker->stopping) {
        uv_timer_stop(&worker->timer);
        close_handle(worker, (uv_handle_t *)&worker->timer);
        return;
    }
    LOG_ERROR(worker->config.log, "worker.ended", LOG_TEXT("worker", worker->config.arguments[0]),
        LOG_TEXT("reason", message), LOG_U64("open_calls", worker->open_count));
    fail_open_calls(worker, message);
    buf_reset(&worker->line);
    retry_later(worker);
}

static bool
open_pipes(struct worker *worker)
{
    bool in = uv_pipe_init(worker->config.loop, &worker->in, 0) == 0;
    bool out = uv_pipe_init(worker->config.loop, &worker->out, 0) == 0;
    CHECK(in);
    CHECK(out);
    worker->in.data = worker;
    worker->out.data = worker;
    worker->handles += 2;
    worker->pipes_open = true;
    return true;
}

static void
start(struct worker *worker)
{
    /* uv_spawn wants mutable strings and changes none of them. */
    char **arguments = (char **)(uintptr_t)worker->config.arguments;
    open_pipes(worker);
    uv_stdio_container_t stdio[3] = {
        { .flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&worker->in },
        { .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&worker->out },
        { .flags = UV_INHERIT_FD, .data.fd = 2 },
    };
    uv_process_options_t options = {
        .exit_cb = on_exit,
        .file = arguments[0],
        .args = arguments,
        .cwd = worker->config.directory,
        /* A session of its own: Ctrl-C is for us, and we end the worker. */
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = 3,
        .stdio = stdio,
    };
    worker->started_ns = uv_hrtime();
    worker->process.data = worker;
    int result = uv_spawn(worker->config.loop, &worker->process, &options);
    worker->handles++;
    if (result != 0) {
        LOG_ERROR(worker->config.log, "worker.cannot_start", LOG_TEXT("worker", arguments[0]),
            LOG_TEXT("reason", uv_strerror(result)),
            LOG_TEXT("advice", "is the program installed, and executable?"));
        drop_pipes(worker);
        close_handle(worker, (uv_handle_t *)&worker->process);
        fail_open_calls(worker, "the worker cannot be started");
        retry_later(worker);
        return;
    }
    worker->process_alive = true;
    uv_read_start((uv_stream_t *)&worker->out, offer_chunk, on_read);
    LOG_INFO(worker->config.log, "worker.started", LOG_TEXT("worker", arguments[0]),
        LOG_U64("pid", (uint64_t)worker->process.pid));
}

static void
spawn_again(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    /* The last process' handles close within the turn of the loop that saw it end. */
    worker->restarts++;
    start(worker);
}

struct worker *
worker_create(const struct worker_config *config)
{
    CHECK(config->arguments[0] != NULL);
    struct worker *worker = mem_take(config->mem, sizeof(*worker));
    uint8_t *chunk = mem_take(config->mem, READ_SIZE);
    if (worker == NULL || chunk == NULL) {
        mem_give(config->mem, worker, worker == NULL ? 0 : sizeof(*worker));
        mem_give(config->mem, chunk, chunk == NULL ? 0 : READ_SIZE);
        return NULL;
    }
    worker->config = *config;
    worker->chunk = chunk;
    list_init(&worker->open);
    list_init(&worker->failed);
    buf_init(&worker->line, config->mem, WORKER_LINE_MAX);
    json_tape_init(&worker->tape, config->mem);
    arena_init(&worker->arena, config->mem);
    uv_timer_init(config->loop, &worker->timer);
    uv_timer_init(config->loop, &worker->later);
    worker->timer.data = worker;
    worker->later.data = worker;
    worker->handles = 2;
    start(worker);
    return worker;
}

/* What it is asked. */

static void
on_written(uv_write_t *request, int status)
{
    struct write_request *write = request->data;
    struct worker *worker = write->worker;
    struct mem *mem = worker->config.mem;
    (void)status; /* a broken pipe is followed by the exit, which fails the calls */
    worker->queued -= write->bytes.size;
    buf_destroy(&write->bytes);
    mem_give(mem, write, sizeof(*write));
}

/* White space may be a line's end in JSON; between us it ends a call. */
static void
add_on_one_line(struct buf *buf, struct span json)
{
    size_t from = buf->size;
    buf_add(buf, json);
    for (size_t at = from; at < buf->size; at++) {
        if (buf->data[at] == '\n' || buf->data[at] == '\r') {
            buf->data[at] = ' ';
        }
    }
}

static bool
send_line(struct worker *worker, uint64_t ticket, struct span function, struct span args,
    struct span kwargs)
{
    struct write_request *write = mem_take(worker->config.mem, sizeof(*write));
    if (write == NULL) {
        return false;
    }
    struct buf *bytes = &write->bytes;
    buf_init(bytes, worker->config.mem, WORKER_LINE_MAX);
    struct json_writer writer = json_write_into(bytes);
    json_begin_object(&writer);
    json_write_key(&writer, "id");
    json_write_u64(&writer, ticket);
    json_write_key(&writer, "function");
    json_write_string(&writer, function);
    buf_add_text(bytes, ",\"args\":");
    add_on_one_line(bytes, args);
    buf_add_text(bytes, ",\"kwargs\":");
    add_on_one_line(bytes, kwargs);
    buf_add_text(bytes, "}\n");
    bool fits = !bytes->overflowed && worker->queued + bytes->size <= WORKER_QUEUE_MAX;
    uv_buf_t part = uv_buf_init((char *)bytes->data, (unsigned)bytes->size);
    write->worker = worker;
    write->request.data = write;
    if (!fits || uv_write(&write->request, (uv_stream_t *)&worker->in, &part, 1, on_written) != 0) {
        buf_destroy(bytes);
        mem_give(worker->config.mem, write, sizeof(*write));
        return false;
    }
    worker->queued += bytes->size;
    return true;
}

void
worker_call(struct worker *worker, uint64_t ticket, struct span function, struct span args,
    struct span kwargs)
{
    struct open_call *call = mem_take(worker->config.mem, sizeof(*call));
    if (call == NULL) {
        LOG_ERROR(worker->config.log, "worker.no_memory",
            LOG_TEXT("worker", worker->config.arguments[0]));
        return; /* The engine's own deadline ends the call. */
    }
    call->ticket = ticket;
    list_init(&call->link);
    list_push(&worker->open, &call->link);
    worker->open_count++;
    const char *error_type = NULL;
    const char *message = NULL;
    if (!worker->process_alive || worker->stopping) {
        error_type = "WorkerDied";
        message = "the worker is not running; it is being started again";
    } else if (worker->open_count > WORKER_CALLS_MAX ||
               !send_line(worker, ticket, function, args, kwargs)) {
        error_type = "WorkerOverloaded";
        message = "the worker does not keep up; too many calls wait for it";
    }
    if (error_type != NULL) {
        worker->open_count--;
        fail_call(worker, call, error_type, message);
    }
}

static void
kill_now(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    if (worker->process_alive) {
        uv_process_kill(&worker->process, SIGKILL);
    }
}

void
worker_stop(struct worker *worker)
{
    worker->stopping = true;
    while (!list_empty(&worker->open)) {
        free_call(worker, CONTAINER_OF(worker->open.next, struct open_call, link));
    }
    while (!list_empty(&worker->failed)) {
        free_call(worker, CONTAINER_OF(worker->failed.next, struct open_call, link));
    }
    close_handle(worker, (uv_handle_t *)&worker->later);
    drop_pipes(worker);
    if (worker->process_alive) {
        uv_timer_start(&worker->timer, kill_now, WORKER_STOP_NS / MS_NS, 0);
    } else {
        close_handle(worker, (uv_handle_t *)&worker->timer);
    }
}

uint64_t
worker_restarts(const struct worker *worker)
{
    return worker->restarts;
}
