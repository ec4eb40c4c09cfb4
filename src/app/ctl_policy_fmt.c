/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_fmt.c - `mpregctl policy fmt`: a policy file in its canonical form.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/ctl_file.h"
#include "app/ctl_json.h"
#include "app/ctl_policy.h"
#include "host/policy_format.h"
#include "host/reason.h"
#include "host/yaml_format.h"

static const char help[] =
    "Usage: mpregctl policy fmt [OPTION]... FILE\n"
    "\n"
    "  -w, --write   write it into the file; without, on stdout\n"
    "  -f, --force   with --write: even if comments are lost\n"
    "\n"
    "Prints a policy file in its canonical form (docs/policy.md), which has no comments: a file "
    "that has some is\n"
    "only written with --force. Exit codes: 0 done, 1 the file has errors, or is not written.\n";

struct formatting {
    struct ctl *ctl;
    const char *path;
    bool write;
    bool force;
    struct mem mem;
    struct buf text;
    struct buf out;
    struct yaml_errors errors;
};

static int
fail_to(const struct formatting *formatting, const char *verb)
{
    return ctl_fail(formatting->ctl, "cannot %s '%s': %s", verb, formatting->path, strerror(errno));
}

static bool
write_all(int descriptor, struct span text)
{
    while (text.size > 0) {
        ssize_t written = write(descriptor, text.data, text.size);
        if (written < 0) {
            return false;
        }
        text = span_after(text, (size_t)written);
    }
    return true;
}

/* Beside the file and then over it, so that nobody ever reads half of it. */
static bool
replace_file(const struct formatting *formatting)
{
    char beside[4096];
    struct stat status;
    int size = snprintf(beside, sizeof(beside), "%s.XXXXXX", formatting->path);
    if (size < 0 || (size_t)size >= sizeof(beside)) {
        errno = ENAMETOOLONG;
        return false;
    }
    int descriptor = stat(formatting->path, &status) == 0 ? mkostemp(beside, O_CLOEXEC) : -1;
    if (descriptor < 0) {
        return false;
    }
    bool good = write_all(descriptor, buf_span(&formatting->out)) &&
                fchmod(descriptor, status.st_mode & 07777) == 0 && fsync(descriptor) == 0;
    good = close(descriptor) == 0 && good && rename(beside, formatting->path) == 0;
    int reason = errno;
    if (!good) {
        (void)unlink(beside);
    }
    errno = reason;
    return good;
}

static int
give(const struct formatting *formatting, struct yaml_comments comments)
{
    const struct ctl *ctl = formatting->ctl;
    if (formatting->write && comments.count > 0 && !formatting->force) {
        return ctl_fail(ctl,
            "'%s' has comments on %zu lines, the first is line %u: they would be lost, so nothing "
            "is written; --force writes it without them",
            formatting->path, comments.count, comments.line);
    }
    if (comments.count > 0) {
        (void)fprintf(stderr, "%s: comments on %zu lines are lost\n", ctl->program, comments.count);
    }
    if (!formatting->write) {
        struct span out = buf_span(&formatting->out);
        if (ctl->json) {
            ctl_print_json(json_pack("{s:o,s:I}", "text", ctl_policy_json(out), "comments_lost",
                (json_int_t)comments.count));
            return APP_OK;
        }
        return fwrite(out.data, 1, out.size, stdout) == out.size ? APP_OK
                                                                 : fail_to(formatting, "print");
    }
    bool same = span_equal(buf_span(&formatting->text), buf_span(&formatting->out));
    return same || replace_file(formatting) ? APP_OK : fail_to(formatting, "write");
}

static int
format(struct formatting *formatting)
{
    struct policy_yaml *loaded = policy_yaml_load_file(
        formatting->path, &yaml_process_environment, &formatting->mem, &formatting->errors);
    bool good = loaded != NULL;
    policy_yaml_free(loaded);
    if (!good) {
        return ctl_policy_refuse(formatting->ctl, &formatting->errors);
    }
    if (!ctl_file_read(formatting->path, &formatting->text)) {
        return fail_to(formatting, "read");
    }
    struct span text = buf_span(&formatting->text);
    if (!policy_format(formatting->path, text, &formatting->out, &formatting->errors)) {
        return ctl_policy_refuse(formatting->ctl, &formatting->errors);
    }
    return give(formatting, yaml_find_comments(text));
}

static int
read_and_format(struct formatting *formatting, struct options *line)
{
    enum ctl_common common = CTL_COMMON_TAKEN;
    int code = 0;
    while (common == CTL_COMMON_TAKEN && (code = options_next(line)) != OPTIONS_END) {
        if (code == OPTIONS_ARGUMENT && formatting->path == NULL) {
            formatting->path = line->value;
        } else if (code == OPTIONS_ARGUMENT) {
            return options_fault(line, "unexpected argument '%s'", line->value);
        } else if (code == 'w') {
            formatting->write = true;
        } else if (code == 'f') {
            formatting->force = true;
        } else {
            common = ctl_take_common(formatting->ctl, line, code);
        }
    }
    if (common == CTL_COMMON_HELP) {
        (void)fputs(help, stdout);
        return APP_OK;
    }
    if (common == CTL_COMMON_WRONG) {
        return APP_USAGE;
    }
    return formatting->path == NULL ? options_fault(line, "FILE is missing") : format(formatting);
}

int
ctl_policy_fmt(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = {
        { "write", no_argument, NULL, 'w' },
        { "force", no_argument, NULL, 'f' },
        CTL_COMMON_OPTIONS,
    };
    static struct formatting formatting;
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS "wf",
        .longs = longs,
        .argc = argc,
        .argv = argv };
    formatting = (struct formatting){ .ctl = ctl };
    mem_init(&formatting.mem, CTL_POLICY_MEMORY_MAX);
    buf_init(&formatting.text, &formatting.mem, 2 * YAML_FILE_SIZE_MAX);
    buf_init(&formatting.out, &formatting.mem, YAML_FILE_SIZE_MAX);
    yaml_errors_init(&formatting.errors);
    int code = read_and_format(&formatting, &line);
    yaml_errors_destroy(&formatting.errors);
    buf_destroy(&formatting.out);
    buf_destroy(&formatting.text);
    return code;
}
