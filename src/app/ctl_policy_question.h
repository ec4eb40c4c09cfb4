/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_policy_question.h - a function described on the command line: function=a.b tags=public,stable version=2.1.0.
 * With at=, also when it is asked about.
 */
#ifndef APP_CTL_POLICY_QUESTION_H
#define APP_CTL_POLICY_QUESTION_H

#include "app/options.h"
#include "base/arena.h"
#include "bridge/advertisement.h"

struct ctl_policy_question {
    struct advertisement in;
    struct span origin_slot; /* the path, when only an origin was given */
    bool has_at;
    struct wall at;
    unsigned given; /* a bit for each key that was */
};

void ctl_policy_question_init(struct ctl_policy_question *question);

/*
 * Take one KEY=VALUE; it borrows from `text`, lists live in the arena.
 *
 * false: wrong, which was said as options_fault() does.
 */
MUST_CHECK bool ctl_policy_question_take(struct ctl_policy_question *question,
    const struct options *line, char *text, struct arena *arena);

/* All are there: fill in what follows from them. false: as above. */
MUST_CHECK bool ctl_policy_question_complete(
    struct ctl_policy_question *question, const struct options *line);

#endif
