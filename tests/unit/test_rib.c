/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_rib.c - from the cluster to the links: what is exported, as what, and when it is taken back. The
 * other way is in test_rib_import.c.
 */
#include "bridge/rib.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "tests/support/check_failed.h"
#include "tests/support/rib_rig.h"

static struct rib_rig rig;

static void
set_up(void)
{
    rig = (struct rib_rig){ .sent_count = 0 };
    mem_init(&rig.mem, (size_t)64 * 1024 * 1024);
}

static void
tear_down(void)
{
    ck_assert(rib_rig_close(&rig));
}

/* Link 0 with these export rules. */
static void
open_with(const struct policy_rule_source *rules, uint32_t count)
{
    rig.owned[0] = rib_rig_policy(&rig.mem, rules, count, NULL, 0);
    rib_rig_open(&rig, 1);
    ck_assert_ptr_nonnull(rig.rib);
}

static void
open_accepting_all(void)
{
    static const struct policy_rule_source all = RULE_ALL;
    open_with(&all, 1);
}

/* math.* leaves as us.math.*, what is tagged internal does not, math.broken never. */
static const struct policy_rule_source renaming[] = {
    { .id = T("broken"),
        .functions = LIST(T("math.broken")),
        .action = POLICY_REJECT,
        .reason = T("does not work") },
    { .id = T("math"),
        .functions = LIST(T("math.{op}")),
        .tags.none = LIST(T("internal")),
        .set_function = T("us.math.{op}"),
        .add_tags = LIST(T("from-us")),
        .action = POLICY_ACCEPT },
};

static void
expect_sent(uint32_t index, uint64_t route_id, bool withdrawn)
{
    ck_assert_uint_lt(index, rig.sent_count);
    const struct rib_rig_sent *sent = &rig.sent[index];
    ck_assert_msg(sent->route_id == route_id && sent->withdrawn == withdrawn,
        "sent %u: got route %lu withdrawn %d, want route %lu withdrawn %d", index,
        (unsigned long)sent->route_id, sent->withdrawn, (unsigned long)route_id, withdrawn);
}

static void
expect_denied(const char *name, enum prune_reason reason)
{
    struct rib_denied denied;
    ck_assert_msg(rib_rig_denied(&rig, 0, name, &denied), "%s: not denied", name);
    ck_assert_msg(denied.reason == reason, "%s: got %s, want %s", name,
        prune_reason_name(denied.reason), prune_reason_name(reason));
}

START_TEST(link_without_a_policy_exports_nothing)
{
    rib_rig_open(&rig, 1);
    rib_rig_add(&rig, (struct rib_facts){ .name = "math.add" });
    ck_assert_ptr_null(rib_next_export(rig.rib, 0));
    ck_assert_uint_eq(rib_counts(rig.rib)->exports[0], 0);
    ck_assert_uint_eq(rib_counts(rig.rib)->denied[0], 1);
    ck_assert_uint_eq(rib_counts(rig.rib)->services, 1);
    expect_denied("math.add", PRUNE_POLICY_REJECTED);
}
END_TEST

START_TEST(only_what_policy_accepts_is_exported_and_as_it_says)
{
    open_with(renaming, COUNT_OF(renaming));
    rib_rig_add(&rig, (struct rib_facts){ .name = "math.add", .tags = LIST(T("public")) });
    rib_rig_add(&rig, (struct rib_facts){ .name = "math.broken" });
    rib_rig_add(&rig, (struct rib_facts){ .name = "math.key", .tags = LIST(T("internal")) });
    rib_rig_add(&rig, (struct rib_facts){ .name = "billing.charge" });

    const struct rib_export *exported = rib_rig_export(&rig, 0, "us.math.add");
    ck_assert_ptr_nonnull(exported);
    ck_assert(span_is(rib_export_source_name(exported), "math.add"));
    ck_assert(span_is(rib_export_rule_id(rig.rib, exported), "math"));
    ck_assert(span_is(rib_export_out(exported).identity.function_id, "us.math.add"));
    ck_assert(span_is(rib_export_out(exported).origin, "us"));
    ck_assert_uint_eq(rib_export_out(exported).path.count, 1);
    ck_assert(span_is(rib_export_out(exported).path.items[0], "us"));
    ck_assert_uint_eq(rib_export_out(exported).hops_left, ADVERTISEMENT_HOPS_DEFAULT);
    ck_assert_uint_eq(rib_export_out(exported).ttl_ns, 120 * SEC_NS);
    ck_assert(text_list_has(&kept_attributes(&exported->out)->tags, SPAN("from-us")));
    ck_assert(text_list_has(&kept_attributes(&exported->out)->tags, SPAN("public")));

    ck_assert_uint_eq(rib_counts(rig.rib)->exports[0], 1);
    ck_assert_uint_eq(rib_counts(rig.rib)->denied[0], 3);
    ck_assert_uint_eq(rib_counts(rig.rib)->rejects[0][PRUNE_POLICY_REJECTED], 3);
    expect_denied("math.key", PRUNE_POLICY_REJECTED);
    expect_denied("billing.charge", PRUNE_POLICY_REJECTED);
    struct rib_denied denied;
    ck_assert(rib_rig_denied(&rig, 0, "math.broken", &denied));
    ck_assert(span_is(denied.rule_id, "broken"));
    ck_assert(span_is(denied.rule_reason, "does not work"));
}
END_TEST

START_TEST(what_a_bridge_imported_is_never_exported)
{
    const struct text_list tags = LIST(T("public"), T("mpreg-bridge:origin=eu"));
    open_accepting_all();
    rib_rig_add(&rig, (struct rib_facts){ .name = "eu.math.add", .tags = tags });
    ck_assert_ptr_null(rib_next_export(rig.rib, 0));
    ck_assert_uint_eq(rib_counts(rig.rib)->services, 0);
    /* An entry that becomes an import ceases to be a service; and back. */
    rib_rig_add(&rig, (struct rib_facts){ .name = "math.mul" });
    rib_rig_change(&rig, (struct rib_facts){ .name = "math.mul" },
        (struct rib_facts){ .name = "math.mul", .tags = tags });
    ck_assert_uint_eq(rib_counts(rig.rib)->exports[0], 0);
    rib_rig_change(&rig, (struct rib_facts){ .name = "math.mul", .tags = tags },
        (struct rib_facts){ .name = "math.mul" });
    ck_assert_uint_eq(rib_counts(rig.rib)->exports[0], 1);
    rib_rig_remove(&rig, (struct rib_facts){ .name = "eu.math.add", .tags = tags });
    ck_assert_uint_eq(rib_counts(rig.rib)->services, 1);
}
END_TEST

START_TEST(command_that_every_node_answers_by_itself_is_passed_over)
{
    open_accepting_all();
    rib_rig_add(&rig, (struct rib_facts){ .name = "list_peers" });
    ck_assert_uint_eq(rib_counts(rig.rib)->services, 0);
    ck_assert_ptr_null(rib_next_export(rig.rib, 0));
    rib_rig_remove(&rig, (struct rib_facts){ .name = "list_peers" });
}
END_TEST

START_TEST(two_nodes_with_one_function_are_one_export_until_both_are_gone)
{
    const struct rib_facts first = { .node = "ws://n1:1", .name = "math.add" };
    const struct rib_facts second = { .node = "ws://n2:1", .name = "math.add" };
    open_accepting_all();
    rib_rig_add(&rig, first);
    rib_rig_add(&rig, second);
    rib_rig_flush(&rig, 0);
    ck_assert_uint_eq(rig.sent_count, 1);
    uint64_t route_id = rig.sent[0].route_id;

    rib_rig_remove(&rig, first);
    ck_assert_ptr_null(rib_next_export(rig.rib, 0));
    ck_assert_ptr_nonnull(rib_find_export(rig.rib, 0, route_id));

    rib_rig_remove(&rig, second);
    ck_assert_ptr_null(rib_find_export(rig.rib, 0, route_id));
    ck_assert_uint_eq(rib_counts(rig.rib)->exports[0], 0);
    ck_assert_uint_eq(rib_counts(rig.rib)->prunes[0][PRUNE_WITHDRAWN], 1);
    rib_rig_flush(&rig, 0);
    ck_assert_uint_eq(rig.sent_count, 1);
    expect_sent(0, route_id, true);
}
END_TEST

START_TEST(new_tags_of_the_only_provider_are_announced_under_the_same_route)
{
    const struct rib_facts old = { .name = "math.add", .tags = LIST(T("public")) };
    const struct rib_facts new = { .name = "math.add", .tags = LIST(T("public"), T("fast")) };
    open_accepting_all();
    rib_rig_add(&rig, old);
    rib_rig_flush(&rig, 0);
    uint64_t route_id = rig.sent[0].route_id;

    rib_rig_change(&rig, old, new);
    ck_assert_uint_eq(rib_counts(rig.rib)->exports[0], 1);
    rib_rig_flush(&rig, 0);
    ck_assert_uint_eq(rig.sent_count, 1);
    expect_sent(0, route_id, false);
    const struct rib_export *exported = rib_find_export(rig.rib, 0, route_id);
    ck_assert_ptr_nonnull(exported);
    ck_assert(text_list_has(&kept_attributes(&exported->out)->tags, SPAN("fast")));
    rib_rig_remove(&rig, new);
    rib_rig_flush(&rig, 0);
    expect_sent(0, route_id, true);
}
END_TEST

START_TEST(new_tags_of_one_of_two_providers_keep_the_route_up)
{
    const struct rib_facts first = { .node = "ws://n1:1", .name = "f", .tags = LIST(T("a")) };
    const struct rib_facts second = { .node = "ws://n2:1", .name = "f", .tags = LIST(T("a")) };
    const struct rib_facts changed = { .node = "ws://n1:1", .name = "f", .tags = LIST(T("b")) };
    open_accepting_all();
    rib_rig_add(&rig, first);
    rib_rig_add(&rig, second);
    rib_rig_flush(&rig, 0);
    uint64_t route_id = rig.sent[0].route_id;

    rib_rig_change(&rig, first, changed);
    ck_assert_uint_eq(rib_counts(rig.rib)->exports[0], 1);
    ck_assert_uint_eq(rib_counts(rig.rib)->services, 2);
    const struct rib_export *exported = rib_find_export(rig.rib, 0, route_id);
    const struct function_endpoint endpoints[] = { rib_rig_endpoint(changed),
        rib_rig_endpoint(second) };
    ck_assert(rib_export_includes(rig.rib, exported, &endpoints[0]));
    ck_assert(rib_export_includes(rig.rib, exported, &endpoints[1]));

    /* The service that gave the tags goes: the other one's take their place, the route stays. */
    rib_rig_flush(&rig, 0);
    rib_rig_remove(&rig, second);
    rib_rig_flush(&rig, 0);
    ck_assert_uint_eq(rig.sent_count, 1);
    expect_sent(0, route_id, false);
    exported = rib_find_export(rig.rib, 0, route_id);
    ck_assert(text_list_has(&kept_attributes(&exported->out)->tags, SPAN("b")));
    ck_assert(!text_list_has(&kept_attributes(&exported->out)->tags, SPAN("a")));
    ck_assert(rib_export_includes(rig.rib, exported, &endpoints[0]));
    ck_assert(!rib_export_includes(rig.rib, exported, &endpoints[1]));
}
END_TEST

START_TEST(tags_that_policy_denies_withdraw_the_route)
{
    const struct rib_facts public = { .name = "math.add" };
    const struct rib_facts internal = { .name = "math.add", .tags = LIST(T("internal")) };
    open_with(renaming, COUNT_OF(renaming));
    rib_rig_add(&rig, public);
    rib_rig_flush(&rig, 0);
    uint64_t route_id = rig.sent[0].route_id;

    rib_rig_change(&rig, public, internal);
    ck_assert_uint_eq(rib_counts(rig.rib)->denied[0], 1);
    rib_rig_flush(&rig, 0);
    ck_assert_uint_eq(rig.sent_count, 1);
    expect_sent(0, route_id, true);

    rib_rig_change(&rig, internal, public);
    ck_assert_uint_eq(rib_counts(rig.rib)->denied[0], 0);
    rib_rig_flush(&rig, 0);
    ck_assert_uint_eq(rig.sent_count, 1);
    ck_assert(!rig.sent[0].withdrawn);
    ck_assert_uint_eq(rig.sent[0].route_id, route_id);
}
END_TEST

static const struct conflict_case {
    const char *name;
    struct policy_rule_source rule;
    struct rib_facts first;
    struct rib_facts second;
    bool conflicts;
    enum prune_reason reason;
} conflict_cases[] = {
    { "the same name", { .functions = LIST(T("{team}.add")), .set_function = T("add") },
        { .name = "a.add" }, { .name = "b.add" }, true, PRUNE_VERSION_CONFLICT },
    { "the same name, another version",
        { .functions = LIST(T("{team}.add")), .set_function = T("add") }, { .name = "a.add" },
        { .name = "b.add", .version = "2.0.0" }, true, PRUNE_VERSION_CONFLICT },
    { "the same name, other resources",
        { .functions = LIST(T("{team}.add")), .set_function = T("add") }, { .name = "a.add" },
        { .name = "b.add", .resources = LIST(T("gpu")) }, true, PRUNE_VERSION_CONFLICT },
    { "the same name, another id",
        { .functions = LIST(T("{team}.add")),
            .set_function = T("add"),
            .set_function_id = T("{team}") },
        { .name = "a.add" }, { .name = "b.add" }, true, PRUNE_FUNCTION_ID_CONFLICT },
    { "other names", { .functions = LIST(T("**")) }, { .name = "a.add" }, { .name = "b.add" },
        false, 0 },
    { "two versions of one function", { .functions = LIST(T("**")) }, { .name = "a.add" },
        { .name = "a.add", .version = "2.0.0" }, false, 0 },
    { "two sets of resources of one function", { .functions = LIST(T("**")) }, { .name = "a.add" },
        { .name = "a.add", .resources = LIST(T("gpu")) }, false, 0 },
};

START_TEST(second_function_under_an_exported_name_is_denied_until_the_first_goes)
{
    const struct conflict_case *c = &conflict_cases[_i];
    struct policy_rule_source rule = c->rule;
    rule.id = SPAN("r");
    rule.action = POLICY_ACCEPT;
    open_with(&rule, 1);
    rib_rig_add(&rig, c->first);
    rib_rig_add(&rig, c->second);
    ck_assert_msg(rib_counts(rig.rib)->exports[0] == (c->conflicts ? 1 : 2), "%s: %lu exports",
        c->name, (unsigned long)rib_counts(rig.rib)->exports[0]);
    if (!c->conflicts) {
        return;
    }
    expect_denied(c->second.name, c->reason);
    rib_rig_flush(&rig, 0);
    uint64_t first_id = rig.sent[0].route_id;

    rib_rig_remove(&rig, c->first);
    ck_assert_uint_eq(rib_counts(rig.rib)->denied[0], 0);
    ck_assert_uint_eq(rib_counts(rig.rib)->exports[0], 1);
    rib_rig_flush(&rig, 0);
    /* What is the same to the far side, but for who serves it, only changes. */
    uint32_t last = rig.sent_count - 1;
    ck_assert_uint_le(last, 1);
    ck_assert((last == 0) == (rig.sent[last].route_id == first_id));
    if (last == 1) {
        expect_sent(0, first_id, true);
    }
    ck_assert(!rig.sent[last].withdrawn);
    const struct rib_export *exported = rib_find_export(rig.rib, 0, rig.sent[last].route_id);
    ck_assert_ptr_nonnull(exported);
    ck_assert(span_is(rib_export_source_name(exported), c->second.name));
}
END_TEST

START_TEST(denied_function_that_goes_does_not_come_back_when_the_name_is_free)
{
    const struct policy_rule_source rule = {
        .id = T("r"),
        .functions = LIST(T("{team}.add")),
        .set_function = T("add"),
        .action = POLICY_ACCEPT,
    };
    open_with(&rule, 1);
    rib_rig_add(&rig, (struct rib_facts){ .name = "a.add" });
    rib_rig_add(&rig, (struct rib_facts){ .name = "b.add" });
    rib_rig_add(&rig, (struct rib_facts){ .name = "c.add" });
    ck_assert_uint_eq(rib_counts(rig.rib)->denied[0], 2);
    rib_rig_remove(&rig, (struct rib_facts){ .name = "b.add" });
    ck_assert_uint_eq(rib_counts(rig.rib)->denied[0], 1);
    rib_rig_remove(&rig, (struct rib_facts){ .name = "a.add" });
    ck_assert_uint_eq(rib_counts(rig.rib)->denied[0], 0);
    const struct rib_export *exported = rib_rig_export(&rig, 0, "add");
    ck_assert_ptr_nonnull(exported);
    ck_assert(span_is(rib_export_source_name(exported), "c.add"));
}
END_TEST

static const struct unfit_case {
    const char *name;
    struct rib_facts facts;
    enum prune_reason reason;
} unfit_cases[] = {
    { "a control character in a tag", { .name = "f", .tags = LIST(T("a\nb")) }, PRUNE_INVALID },
    { "a control character in a resource", { .name = "f", .resources = LIST(T("\x7f")) },
        PRUNE_INVALID },
    { "a control character in the name", { .name = "f\n" }, PRUNE_POLICY_REJECTED },
};

START_TEST(advertisement_that_a_link_cannot_carry_is_denied)
{
    const struct unfit_case *c = &unfit_cases[_i];
    open_accepting_all();
    rib_rig_add(&rig, c->facts);
    ck_assert_msg(rib_next_export(rig.rib, 0) == NULL, "%s: exported", c->name);
    expect_denied(c->facts.name, c->reason);
    rib_rig_remove(&rig, c->facts);
    ck_assert_uint_eq(rib_counts(rig.rib)->denied[0], 0);
}
END_TEST

START_TEST(name_that_policy_makes_too_long_is_a_limit)
{
    char name[NAME_SIZE_MAX + 1];
    memset(name, 'x', NAME_SIZE_MAX);
    name[NAME_SIZE_MAX] = '\0';
    const struct policy_rule_source rule = {
        .id = T("r"),
        .functions = LIST(T("{all**}")),
        .set_function = T("us.{all}"),
        .action = POLICY_ACCEPT,
    };
    open_with(&rule, 1);
    rib_rig_add(&rig, (struct rib_facts){ .name = name });
    expect_denied(name, PRUNE_LIMIT_EXCEEDED);
    ck_assert_uint_eq(rib_counts(rig.rib)->rejects[0][PRUNE_LIMIT_EXCEEDED], 1);
}
END_TEST

START_TEST(every_link_has_its_own_policy_and_route_ids)
{
    static const struct policy_rule_source all = RULE_ALL;
    rig.owned[0] = rib_rig_policy(&rig.mem, &all, 1, NULL, 0);
    rig.owned[1] = rib_rig_policy(&rig.mem, renaming, COUNT_OF(renaming), NULL, 0);
    rib_rig_open(&rig, 3);
    rib_rig_add(&rig, (struct rib_facts){ .name = "billing.charge" });
    rib_rig_add(&rig, (struct rib_facts){ .name = "math.add" });
    const uint64_t want[] = { 2, 1, 0 };
    for (uint32_t link = 0; link < COUNT_OF(want); link++) {
        ck_assert_uint_eq(rib_counts(rig.rib)->exports[link], want[link]);
        ck_assert_uint_eq(rib_counts(rig.rib)->denied[link], 2 - want[link]);
        rib_rig_flush(&rig, link);
        ck_assert_uint_eq(rig.sent_count, want[link]);
    }
    ck_assert_ptr_nonnull(rib_rig_export(&rig, 0, "math.add"));
    ck_assert_ptr_nonnull(rib_rig_export(&rig, 1, "us.math.add"));
    /* Link 1 has announced one route: its far side cannot reach what only link 0 announced. */
    uint64_t only_0 = rib_rig_export(&rig, 0, "math.add")->route_id;
    ck_assert_ptr_nonnull(rib_find_export(rig.rib, 0, only_0));
    ck_assert_ptr_null(rib_find_export(rig.rib, 1, only_0));
}
END_TEST

START_TEST(route_is_found_only_while_it_is_announced)
{
    const struct rib_facts facts = { .name = "f" };
    open_accepting_all();
    rib_rig_add(&rig, facts);
    struct rib_export *waiting = rib_next_export(rig.rib, 0);
    ck_assert_ptr_nonnull(waiting);
    ck_assert(!rib_export_withdrawn(waiting));
    ck_assert_ptr_null(rib_find_export(rig.rib, 0, waiting->route_id));
    ck_assert_ptr_null(rib_find_export(rig.rib, 0, 0));
    rib_export_take(rig.rib, waiting);
    rib_export_done(rig.rib, waiting, 0);
    ck_assert_ptr_eq(rib_find_export(rig.rib, 0, waiting->route_id), waiting);
    ck_assert_ptr_null(rib_find_export(rig.rib, 0, UINT64_MAX));
}
END_TEST

START_TEST(route_that_was_never_announced_is_not_withdrawn)
{
    const struct rib_facts facts = { .name = "f" };
    open_accepting_all();
    rib_rig_add(&rig, facts);
    rib_rig_remove(&rig, facts);
    ck_assert_ptr_null(rib_next_export(rig.rib, 0));
}
END_TEST

START_TEST(next_session_is_told_everything_and_no_old_withdrawals)
{
    open_accepting_all();
    rib_rig_add(&rig, (struct rib_facts){ .name = "f" });
    rib_rig_add(&rig, (struct rib_facts){ .name = "g" });
    rib_rig_flush(&rig, 0);
    ck_assert_uint_eq(rig.sent_count, 2);
    uint64_t g_id = rib_rig_export(&rig, 0, "g")->route_id;
    rib_rig_remove(&rig, (struct rib_facts){ .name = "f" });
    rib_rig_add(&rig, (struct rib_facts){ .name = "h" });

    rib_begin_announcing(rig.rib, 0);
    ck_assert_ptr_null(rib_find_export(rig.rib, 0, g_id));
    /* What goes before it was announced in this session leaves no trace. */
    rib_rig_remove(&rig, (struct rib_facts){ .name = "h" });
    rib_rig_flush(&rig, 0);
    ck_assert_uint_eq(rig.sent_count, 1);
    expect_sent(0, g_id, false);
    ck_assert_ptr_nonnull(rib_find_export(rig.rib, 0, g_id));
}
END_TEST

START_TEST(function_that_comes_back_before_its_withdrawal_is_announced_once_more)
{
    const struct rib_facts facts = { .name = "f" };
    open_accepting_all();
    rib_rig_add(&rig, facts);
    rib_rig_flush(&rig, 0);
    uint64_t route_id = rig.sent[0].route_id;
    rib_rig_remove(&rig, facts);
    rib_rig_add(&rig, facts);
    rib_rig_flush(&rig, 0);
    ck_assert_uint_eq(rig.sent_count, 1);
    expect_sent(0, route_id, false);
    ck_assert_uint_eq(rib_announced_table(rig.rib, 0).routes, 1);
}
END_TEST

START_TEST(removal_of_what_was_never_there_changes_nothing)
{
    open_accepting_all();
    rib_rig_add(&rig, (struct rib_facts){ .name = "f" });
    rib_rig_remove(&rig, (struct rib_facts){ .name = "g" });
    rib_rig_remove(&rig, (struct rib_facts){ .name = "f", .version = "2.0.0" });
    rib_rig_remove(&rig, (struct rib_facts){ .name = "f", .tags = LIST(T("x")) });
    ck_assert_uint_eq(rib_counts(rig.rib)->services, 1);
    ck_assert_uint_eq(rib_counts(rig.rib)->exports[0], 1);
}
END_TEST

/* Every amount of memory, from too little to enough: the RIB may know less, and never breaks. */
START_TEST(lack_of_memory_costs_routes_but_nothing_else)
{
    const struct rib_facts facts[] = {
        { .name = "f", .tags = LIST(T("a")) },
        { .node = "ws://n2:1",
            .name = "f",
            .tags = LIST(T("b"), T("c"), T("long tag of another")) },
        { .name = "g" },
        { .name = "x.h" },
        { .name = "y.h" },
    };
    const struct policy_rule_source rules[] = {
        { .id = T("h"),
            .functions = LIST(T("{team}.h")),
            .set_function = T("h"),
            .action = POLICY_ACCEPT },
        RULE_ALL,
    };
    bool enough = false;
    for (size_t room = 0; room < (size_t)64 * 1024; room += 24) {
        set_up();
        open_with(rules, COUNT_OF(rules));
        rib_rig_add(&rig, facts[0]);
        rib_rig_flush(&rig, 0);
        rig.mem.cap = rig.mem.used + room;
        for (size_t i = 1; i < COUNT_OF(facts); i++) {
            rib_rig_add(&rig, facts[i]);
        }
        enough = rig.mem.denied == 0;
        for (size_t i = 0; i < COUNT_OF(facts); i++) {
            rib_rig_remove(&rig, facts[i]);
        }
        ck_assert_uint_eq(rib_counts(rig.rib)->services, 0);
        ck_assert_uint_eq(rib_counts(rig.rib)->exports[0], 0);
        ck_assert_uint_eq(rib_counts(rig.rib)->denied[0], 0);
        tear_down();
    }
    ck_assert(enough);
    set_up();
    rib_rig_open(&rig, 0);
}
END_TEST

/* So many that the indexes of exports have just grown, and would take a chunk for whatever else comes. */
#define EXPORTS_AT_GROWTH 57u

START_TEST(export_changes_where_it_is_without_memory_for_its_indexes)
{
    const struct rib_facts first = { .name = "f0" };
    const struct rib_facts second = { .node = "ws://n2:1", .name = "f0", .tags = LIST(T("a")) };
    bool kept = false;
    bool changed = false;
    for (size_t room = 0; room < 4096; room += 8) {
        static char names[EXPORTS_AT_GROWTH][8];
        set_up();
        open_accepting_all();
        rib_rig_add(&rig, second);
        for (uint32_t i = 1; i < EXPORTS_AT_GROWTH; i++) {
            snprintf(names[i], sizeof(names[i]), "f%u", i);
            rib_rig_add(&rig, (struct rib_facts){ .name = names[i] });
        }
        rib_rig_add(&rig, first);
        rib_rig_flush(&rig, 0);
        rig.mem.cap = rig.mem.used + room;
        rib_rig_remove(&rig, second);
        const struct rib_export *exported = rib_rig_export(&rig, 0, "f0");
        ck_assert_ptr_nonnull(exported);
        ck_assert_ptr_eq(rib_find_export(rig.rib, 0, exported->route_id), exported);
        bool old = text_list_has(&kept_attributes(&exported->out)->tags, SPAN("a"));
        kept = kept || old;
        changed = changed || !old;
        ck_assert_uint_eq(rib_counts(rig.rib)->exports[0], EXPORTS_AT_GROWTH);
        tear_down();
    }
    ck_assert(kept && changed);
    set_up();
    rib_rig_open(&rig, 0);
}
END_TEST

START_TEST(rib_is_not_created_without_memory)
{
    for (size_t cap = 0; cap < 4096; cap += 512) {
        mem_init(&rig.mem, cap);
        rib_rig_open(&rig, 1);
        ck_assert_ptr_null(rig.rib);
        ck_assert_uint_eq(rig.mem.used, 0);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("rib");
    TCase *tcase = tcase_create("exports");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, link_without_a_policy_exports_nothing);
    tcase_add_test(tcase, only_what_policy_accepts_is_exported_and_as_it_says);
    tcase_add_test(tcase, what_a_bridge_imported_is_never_exported);
    tcase_add_test(tcase, command_that_every_node_answers_by_itself_is_passed_over);
    tcase_add_test(tcase, two_nodes_with_one_function_are_one_export_until_both_are_gone);
    tcase_add_test(tcase, new_tags_of_the_only_provider_are_announced_under_the_same_route);
    tcase_add_test(tcase, new_tags_of_one_of_two_providers_keep_the_route_up);
    tcase_add_test(tcase, tags_that_policy_denies_withdraw_the_route);
    tcase_add_loop_test(tcase,
        second_function_under_an_exported_name_is_denied_until_the_first_goes, 0,
        (int)COUNT_OF(conflict_cases));
    tcase_add_test(tcase, denied_function_that_goes_does_not_come_back_when_the_name_is_free);
    tcase_add_loop_test(
        tcase, advertisement_that_a_link_cannot_carry_is_denied, 0, (int)COUNT_OF(unfit_cases));
    tcase_add_test(tcase, name_that_policy_makes_too_long_is_a_limit);
    tcase_add_test(tcase, every_link_has_its_own_policy_and_route_ids);
    tcase_add_test(tcase, route_is_found_only_while_it_is_announced);
    tcase_add_test(tcase, route_that_was_never_announced_is_not_withdrawn);
    tcase_add_test(tcase, next_session_is_told_everything_and_no_old_withdrawals);
    tcase_add_test(tcase, function_that_comes_back_before_its_withdrawal_is_announced_once_more);
    tcase_add_test(tcase, removal_of_what_was_never_there_changes_nothing);
    tcase_add_test(tcase, lack_of_memory_costs_routes_but_nothing_else);
    tcase_add_test(tcase, export_changes_where_it_is_without_memory_for_its_indexes);
    tcase_add_test(tcase, rib_is_not_created_without_memory);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
