/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - CHECK(): a claim about our own code, kept in release builds.
 *
 * For what a peer, a user or the system can cause, return a result instead:
 * input never aborts the process. A claim has no side effect and says one thing.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define MUST_CHECK     __attribute__((warn_unused_result))
#define PRINTF(at_)    __attribute__((format(printf, at_, at_ + 1)))
#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

#define CHECK(claim) ((claim) ? (void)0 : check_failed(#claim, __FILE__, __LINE__))

/* Prints the claim and aborts. Defined by the host, or by a test. */
_Noreturn void check_failed(const char *claim, const char *file, int line);

#endif
