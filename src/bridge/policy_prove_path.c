/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_prove_path.c - the federations that an advertisement passed, so that all demands on them and on the origin are met.
 *
 * A path has its origin first and last whoever shows it to the policy: our own federation on export, the far one
 * on import. Few are demanded, so the ends are tried in turn, and between them stands what is missing.
 */
#include "bridge/policy_prove_parts.h"
#include "core/limits.h"

/* Pairs of ends, and choices between them, that are tried. */
#define TRIES_MAX 100000u

struct path {
    struct prover *prover;
    const struct prove_demand *demands;
    uint32_t count_min;
    uint32_t count_max;
    bool is_export;
    struct span own;                   /* empty: not known */
    struct span items[PATH_COUNT_MAX]; /* the origin first; the last one is kept apart */
    uint32_t count;
    struct span last;
    uint32_t tries;
};

static bool
has(const struct path *path, struct span federation)
{
    struct text_list list = { .items = path->items, .count = path->count };
    return span_equal(path->last, federation) || text_list_has(&list, federation);
}

static bool
is_excluded(const struct path *path, struct span federation)
{
    bool excluded = false;
    for (const struct prove_demand *each = path->demands; each != NULL && !excluded;
         each = each->next) {
        excluded = each->kind == PROVE_HAS_NONE && text_list_has(&each->texts, federation);
    }
    return excluded;
}

static bool
is_own(const struct path *path, struct span federation)
{
    return path->own.size > 0 && span_equal(federation, path->own);
}

/* The own one stands at the end of what is exported, and nowhere else. */
static bool
may_pass(const struct path *path, struct span federation)
{
    return !is_own(path, federation) && !is_excluded(path, federation);
}

static bool
may_end(const struct path *path, struct span federation)
{
    return path->is_export ? !is_excluded(path, federation) : may_pass(path, federation);
}

static bool
may_begin(const struct path *path, struct span federation)
{
    bool right = true;
    for (const struct prove_demand *each = path->demands; each != NULL && right;
         each = each->next) {
        bool listed = text_list_has(&each->texts, federation);
        right = (each->kind != PROVE_IS_ONE || listed) && (each->kind != PROVE_IS_NONE || !listed);
    }
    return right;
}

static bool
put(struct path *path, struct span federation)
{
    uint32_t length = path->count + 1;
    bool fits =
        length < path->count_max && path->count < PATH_COUNT_MAX && may_pass(path, federation);
    if (fits) {
        path->items[path->count] = federation;
        path->count++;
    }
    return fits;
}

static bool
has_any(const struct path *path, const struct text_list *texts)
{
    bool found = false;
    for (uint32_t i = 0; i < texts->count && !found; i++) {
        found = has(path, texts->items[i]);
    }
    return found;
}

static bool
put_all(struct path *path)
{
    bool right = true;
    for (const struct prove_demand *each = path->demands; each != NULL; each = each->next) {
        for (uint32_t i = 0; right && each->kind == PROVE_HAS_ALL && i < each->texts.count; i++) {
            right = has(path, each->texts.items[i]) || put(path, each->texts.items[i]);
        }
    }
    return right;
}

/* Of each list from `demand` on, one. As deep as a path is long. */
static bool
put_any(struct path *path, const struct prove_demand *demand)
{
    while (demand != NULL && (demand->kind != PROVE_HAS_ANY || has_any(path, &demand->texts))) {
        demand = demand->next;
    }
    if (demand == NULL) {
        return true;
    }
    for (uint32_t i = 0; i < demand->texts.count && path->tries < TRIES_MAX; i++) {
        uint32_t count = path->count;
        path->tries++;
        if (put(path, demand->texts.items[i]) && put_any(path, demand->next)) {
            return true;
        }
        path->count = count;
    }
    return false;
}

/* Others, until it is long enough. */
static bool
fill(struct path *path)
{
    while (path->count + 1 < path->count_min) {
        struct text_list known = { .items = path->items, .count = path->count };
        struct span ends[] = { path->last, path->own };
        struct text_list edge = { .items = ends, .count = COUNT_OF(ends) };
        struct prove_demand besides = {
            .kind = PROVE_HAS_ALL, .texts = edge, .next = path->demands
        };
        struct span fresh = prove_fresh_text(path->prover, &besides, &known);
        if (fresh.data == NULL || !put(path, fresh)) {
            return false;
        }
    }
    return true;
}

/* Between an origin and the last one, of which the origin is not another when it is empty. */
static bool
connect(struct path *path, struct span origin, struct span last)
{
    path->count = 0;
    path->last = last;
    path->tries++;
    if (!may_end(path, last) || !may_begin(path, origin.size > 0 ? origin : last)) {
        return false;
    }
    if (origin.size == 0) {
        return path->count_min <= 1 && path->count_max >= 1 && put_all(path) &&
               put_any(path, path->demands) && path->count == 0;
    }
    return !span_equal(origin, last) && put(path, origin) && put_all(path) &&
           put_any(path, path->demands) && fill(path);
}

/* What may be at an end: all that is mentioned, and one that is not. */
static bool
gather_ends(struct path *path, struct text_list *ends)
{
    const struct policy_border *border = path->prover->border;
    uint32_t most = 1;
    for (const struct prove_demand *each = path->demands; each != NULL; each = each->next) {
        most += each->texts.count;
    }
    struct span *items = arena_take(&path->prover->scratch, most * sizeof(*items));
    if (items == NULL) {
        (void)prove_doubt(path->prover, PROVE_NO_MEMORY);
        return false;
    }
    struct span known[] = { path->own };
    struct text_list own = { .items = known, .count = COUNT_OF(known) };
    struct prove_demand far = {
        .kind = PROVE_HAS_ALL, .texts = border->far, .next = path->demands
    };
    *ends = (struct text_list){ .items = items };
    items[ends->count++] = prove_fresh_text(path->prover, &far, &own);
    for (const struct prove_demand *each = path->demands; each != NULL; each = each->next) {
        for (uint32_t i = 0; each->kind != PROVE_HAS_NONE && i < each->texts.count; i++) {
            if (!text_list_has(ends, each->texts.items[i])) {
                items[ends->count++] = each->texts.items[i];
            }
        }
    }
    return items[0].data != NULL;
}

static struct text_list
last_ones(const struct path *path, const struct text_list *ends)
{
    const struct policy_border *border = path->prover->border;
    if (path->is_export) {
        return path->own.size > 0 ? (struct text_list){ .items = &path->own, .count = 1 } : *ends;
    }
    return border->far.count > 0 ? border->far : *ends;
}

static enum prove_fit
search(struct path *path)
{
    struct text_list ends;
    static const struct span alone = { .data = NULL };
    if (!gather_ends(path, &ends)) {
        return PROVE_DOUBTFUL;
    }
    struct text_list lasts = last_ones(path, &ends);
    bool found = false;
    for (uint32_t i = 0; !found && i < lasts.count && path->tries < TRIES_MAX; i++) {
        found = connect(path, alone, lasts.items[i]);
    }
    /* An unknown one must not be the same at both ends. */
    struct text_list own = { .items = &path->own, .count = 1 };
    struct prove_demand besides = { .kind = PROVE_HAS_ALL, .texts = own, .next = path->demands };
    struct span second = prove_fresh_text(path->prover, &besides, &lasts);
    for (uint32_t i = 0; !found && i < lasts.count && path->tries < TRIES_MAX; i++) {
        for (uint32_t j = 0; !found && j <= ends.count && path->tries < TRIES_MAX; j++) {
            found = connect(path, j < ends.count ? ends.items[j] : second, lasts.items[i]);
        }
    }
    if (found) {
        return PROVE_MET;
    }
    return path->tries < TRIES_MAX ? PROVE_CONTRADICTION
                                   : prove_doubt(path->prover, PROVE_TOO_MANY_STEPS);
}

enum prove_fit
prove_solve_path(struct prover *prover, struct prove_case *proven)
{
    struct path path = {
        .prover = prover,
        .demands = proven->demands[PROVE_PATH],
        .count_min = 1,
        .count_max = PATH_COUNT_MAX,
        .is_export = prover->steps[0].direction == POLICY_EXPORT,
        .own = prover->border->own,
    };
    for (const struct prove_demand *each = path.demands; each != NULL; each = each->next) {
        if (each->kind == PROVE_COUNT) {
            path.count_min = each->count_min > path.count_min ? each->count_min : path.count_min;
            path.count_max = each->count_max < path.count_max ? each->count_max : path.count_max;
        }
    }
    enum prove_fit fit = path.count_min > path.count_max ? PROVE_CONTRADICTION : search(&path);
    arena_reset(&prover->scratch);
    if (fit != PROVE_MET) {
        return fit;
    }
    struct span *items = arena_take(&prover->arena, (path.count + 1) * sizeof(*items));
    if (items == NULL) {
        return prove_doubt(prover, PROVE_NO_MEMORY);
    }
    memcpy(items, path.items, path.count * sizeof(*items));
    items[path.count] = path.last;
    proven->in.path = (struct text_list){ .items = items, .count = path.count + 1 };
    proven->in.origin = items[0];
    return PROVE_MET;
}
