/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_candidate.c - the loader says which files belong together; their texts are read once more, since
 * it keeps none. Should one change between, the bridge, which checks what it is sent, has the last word.
 */
#include "app/ctl_policy_candidate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/ctl_file.h"
#include "app/ctl_json.h"

struct reading {
    const struct ctl *ctl;
    struct mem mem;
    struct yaml_errors errors;
};

/* {"path", "text"}; NULL: reported. */
static json_t *
read_text(struct reading *reading, const char *path, const char *name)
{
    struct buf text;
    json_t *json = NULL;
    buf_init(&text, &reading->mem, YAML_FILE_SIZE_MAX);
    if (ctl_file_read(path, &text)) {
        json = json_pack("{s:s,s:o}", "path", name, "text", ctl_policy_json(buf_span(&text)));
    }
    if (json == NULL) {
        (void)ctl_fail(
            reading->ctl, "cannot read '%s' once more to send it: %s", path, strerror(errno));
    }
    buf_destroy(&text);
    return json;
}

/* true: appended. `item` is taken; NULL is refused. */
static bool
append(json_t *list, json_t *item)
{
    return item != NULL && json_array_append_new(list, item) == 0;
}

static json_t *
read_with_includes(struct reading *reading, const char *path, const struct policy_yaml *loaded)
{
    const char *slash = strrchr(path, '/');
    size_t folder_size = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    json_t *file = read_text(reading, path, path);
    json_t *includes = json_array();
    bool good = file != NULL && includes != NULL;
    for (size_t i = 0; good && i < loaded->included_count; i++) {
        /* The loader puts the folder of the file before what it writes. */
        const char *included = yaml_doc_name(loaded->included[i]);
        CHECK(strlen(included) > folder_size);
        good = append(includes, read_text(reading, included, &included[folder_size]));
    }
    good = good && json_object_set(file, "includes", includes) == 0;
    json_decref(includes);
    if (!good) {
        json_decref(file);
        return NULL;
    }
    return file;
}

/* NULL: reported, or in reading->errors. */
static json_t *
load_and_read(struct reading *reading, const char *path)
{
    json_t *file = NULL;
    struct policy_yaml *loaded =
        policy_yaml_load_file(path, &yaml_process_environment, &reading->mem, &reading->errors);
    if (loaded != NULL) {
        policy_yaml_lint(loaded, &reading->mem, &reading->errors);
        file = read_with_includes(reading, path, loaded);
    }
    policy_yaml_free(loaded);
    return file;
}

json_t *
ctl_policy_candidate_read(const struct ctl *ctl, const char *const *paths, size_t count)
{
    static struct reading reading;
    json_t *files = json_array();
    bool good = files != NULL;
    reading = (struct reading){ .ctl = ctl };
    mem_init(&reading.mem, CTL_POLICY_MEMORY_MAX);
    yaml_errors_init(&reading.errors);
    for (size_t i = 0; i < count; i++) {
        /* All are checked, so that all that is wrong is said in one run. */
        good = append(files, load_and_read(&reading, paths[i])) && good;
    }
    if (reading.errors.error_count > 0) {
        (void)ctl_policy_refuse(ctl, &reading.errors);
        good = false;
    } else if (!ctl->json) {
        yaml_errors_print(&reading.errors, stderr);
    }
    yaml_errors_destroy(&reading.errors);
    if (!good) {
        json_decref(files);
        return NULL;
    }
    return files;
}
