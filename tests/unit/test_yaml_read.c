/* SPDX-License-Identifier: Apache-2.0 */
/* test_yaml_read.c - every reader and every kind of key: what is read, and each refusal word by word. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check_failed.h"
#include "tests/support/yaml_shapes.h"
#include "tests/support/yaml_support.h"

static struct yaml_errors errors;
static struct sample sample;

static void
start(void)
{
    yaml_errors_init(&errors);
    memset(&sample, 0xaa, sizeof(sample));
}

static void
stop(void)
{
    yaml_errors_destroy(&errors);
}

static struct yaml_doc *
read_sample(const char *text)
{
    struct yaml_doc *doc = yaml_support_load(text, &errors);
    ck_assert_ptr_nonnull(doc);
    yaml_read_mapping(yaml_doc_root(doc), &sample_shape, &errors, &sample);
    return doc;
}

#define WHOLE                                                                                      \
    "cluster_id: us\n"                                                                             \
    "reason: ''\n"                                                                                 \
    "listen: wss://${HOST}:${PORT}\n"                                                              \
    "admin: '[::1]:9181'\n"                                                                        \
    "accept: false\n"                                                                              \
    "mode: bridging\n"                                                                             \
    "tags: [public, 7, \"true\"]\n"                                                                \
    "function: billing.{op}\n"                                                                     \
    "connect: [eu-1.example:9443, 10.0.0.1:9443]\n"                                                \
    "rename: {gpu: us-gpu, cpu: us-cpu}\n"                                                         \
    "limits: {rate: 500/m, burst: 1000, hops: 65535, calls: 18446744073709551615,\n"               \
    "         timeout: 1.5s, size: 256KiB, share: 20%, until: 2026-12-01T01:00:00+01:00}\n"        \
    "bridges:\n"                                                                                   \
    "  - {cluster_id: eu, nodes: ['ws://a:1', 'ws://b:2']}\n"                                      \
    "  - {cluster_id: ap, limits: {burst: 1}}\n"                                                   \
    "anything: [1, {x: y}]\n"

START_TEST(every_type_of_key_is_read)
{
    struct yaml_doc *doc = read_sample(WHOLE);
    yaml_support_expect(&errors, "whole", "");

    ck_assert_ptr_eq(sample.yaml, yaml_doc_root(doc));
    ck_assert_str_eq(sample.cluster_id, "us");
    ck_assert_str_eq(sample.reason, "");
    ck_assert_str_eq(sample.listen.text, "wss://eu-1.example:9443");
    ck_assert(sample.listen.secure);
    ck_assert_str_eq(sample.listen.address.host, "eu-1.example");
    ck_assert_str_eq(sample.admin.host, "::1");
    ck_assert_uint_eq(sample.admin.port, 9181);
    ck_assert(!sample.accept);
    ck_assert_int_eq(sample.mode, SAMPLE_BRIDGING);
    ck_assert_uint_eq(sample.tag_count, 3);
    ck_assert_str_eq(sample.tags[0], "public");
    ck_assert_str_eq(sample.tags[1], "7");
    ck_assert_str_eq(sample.tags[2], "true");
    ck_assert_uint_eq(sample.function_count, 1);
    ck_assert_str_eq(sample.functions[0], "billing.{op}");
    ck_assert_uint_eq(sample.connect_count, 2);
    ck_assert_str_eq(sample.connect[1].host, "10.0.0.1");
    ck_assert_uint_eq(sample.rename_count, 2);
    ck_assert_str_eq(sample.rename[0].key, "gpu");
    ck_assert_str_eq(sample.rename[0].value, "us-gpu");
    ck_assert_str_eq(sample.rename[1].key, "cpu");
    ck_assert_ptr_eq(sample.anything, yaml_find(sample.yaml, "anything"));
    yaml_doc_free(doc);
}
END_TEST

START_TEST(every_number_is_read)
{
    struct yaml_doc *doc = read_sample(WHOLE);
    ck_assert_ptr_eq(sample.limits.yaml, yaml_find(sample.yaml, "limits"));
    ck_assert_uint_eq(sample.limits.rate.count, 500);
    ck_assert_uint_eq(sample.limits.rate.period_ns, 60 * SEC_NS);
    ck_assert_uint_eq(sample.limits.burst, 1000);
    ck_assert_uint_eq(sample.limits.hops, 65535);
    ck_assert_uint_eq(sample.limits.calls, UINT64_MAX);
    ck_assert_uint_eq(sample.limits.timeout_ns, 1500 * MS_NS);
    ck_assert_uint_eq(sample.limits.size, 262144);
    ck_assert_uint_eq(sample.limits.share_percent, 20);
    ck_assert_int_eq(sample.limits.until.ns, INT64_C(1796083200) * (int64_t)SEC_NS);
    yaml_doc_free(doc);
}
END_TEST

START_TEST(groups_are_read_with_what_is_in_them)
{
    struct yaml_doc *doc = read_sample(WHOLE);
    ck_assert_uint_eq(sample.bridge_count, 2);
    for (uint32_t i = 0; i < sample.bridge_count; i++) {
        ck_assert_ptr_eq(sample.bridges[i].yaml, yaml_item(yaml_find(sample.yaml, "bridges"), i));
    }
    ck_assert_str_eq(sample.bridges[0].cluster_id, "eu");
    ck_assert_uint_eq(sample.bridges[0].node_count, 2);
    ck_assert_str_eq(sample.bridges[0].nodes[1].text, "ws://b:2");
    ck_assert_ptr_null(sample.bridges[0].limits.yaml);
    ck_assert_uint_eq(sample.bridges[0].limits.burst, 10);
    ck_assert_str_eq(sample.bridges[1].cluster_id, "ap");
    ck_assert_uint_eq(sample.bridges[1].node_count, 0);
    ck_assert_uint_eq(sample.bridges[1].limits.burst, 1);
    ck_assert_uint_eq(sample.bridges[1].limits.timeout_ns, 5 * SEC_NS);
    yaml_doc_free(doc);
}
END_TEST

START_TEST(keys_that_are_not_there_have_their_defaults)
{
    struct yaml_doc *doc = read_sample("{cluster_id: us, listen: 'ws://a:1'}");
    yaml_support_expect(&errors, "defaults", "");

    ck_assert_str_eq(sample.reason, "none");
    ck_assert_str_eq(sample.admin.host, "127.0.0.1");
    ck_assert_uint_eq(sample.admin.port, 9180);
    ck_assert(sample.accept);
    ck_assert_int_eq(sample.mode, SAMPLE_STRICT);
    ck_assert_uint_eq(sample.tag_count, 0);
    ck_assert_ptr_null(sample.tags);
    ck_assert_uint_eq(sample.function_count, 1);
    ck_assert_str_eq(sample.functions[0], "**");
    ck_assert_uint_eq(sample.rename_count, 0);
    ck_assert_uint_eq(sample.bridge_count, 0);
    ck_assert_ptr_null(sample.bridges);
    ck_assert_ptr_null(sample.anything);
    ck_assert_ptr_null(sample.limits.yaml);
    ck_assert_uint_eq(sample.limits.rate.count, 100);
    ck_assert_uint_eq(sample.limits.timeout_ns, 5 * SEC_NS);
    ck_assert_uint_eq(sample.limits.size, 0);
    yaml_doc_free(doc);
}
END_TEST

START_TEST(refused_value_leaves_the_default)
{
    struct yaml_doc *doc =
        read_sample("{cluster_id: us, listen: x, mode: no, tags: [a, []], limits: {burst: 0}}");
    ck_assert_uint_eq(errors.error_count, 4);
    ck_assert_ptr_null(sample.listen.text);
    ck_assert_int_eq(sample.mode, SAMPLE_STRICT);
    ck_assert_uint_eq(sample.tag_count, 0);
    ck_assert_uint_eq(sample.limits.burst, 10);
    yaml_doc_free(doc);
}
END_TEST

START_TEST(empty_list_is_a_list)
{
    struct yaml_doc *doc = read_sample(
        "{cluster_id: us, listen: 'ws://a:1', tags: [], function: [], rename: {}, bridges: []}");
    yaml_support_expect(&errors, "empty lists", "");
    ck_assert_uint_eq(sample.tag_count, 0);
    ck_assert_uint_eq(sample.function_count, 0);
    ck_assert_uint_eq(sample.rename_count, 0);
    ck_assert_uint_eq(sample.bridge_count, 0);
    yaml_doc_free(doc);
}
END_TEST

#define ALL_KEYS                                                                                   \
    "(allowed: cluster_id, reason, listen, admin, accept, mode, tags, function, connect, rename, " \
    "limits, bridges, anything)\n"
#define DURATIONS "(allowed: ns, us, ms, s, m, h, d)\n"
#define SIZES     "(allowed: B, KB, KiB, MB, MiB, GB, GiB)\n"
#define HOSTS     "a host is a name, an IPv4 address, or an IPv6 address in brackets: [::1]:9101\n"
#define GIVEN     "cluster_id: us\nlisten: ws://a:1\n"

static const struct bad_case {
    const char *name;
    const char *text;
    const char *want;
} bad_cases[] = {
    { "unknown key", "cluster_id: us\nlisten: ws://a:1\nlisen: x\n",
        "t.yaml:3:1: unknown key 'lisen' in the sample; did you mean 'listen'? " ALL_KEYS },
    { "unknown key, nothing near", GIVEN "zebra: x\n",
        "t.yaml:3:1: unknown key 'zebra' in the sample; " ALL_KEYS },
    { "unknown keys inside", GIVEN "limits: {brust: 1}\nbridges: [{cluster_id: eu, node: []}]\n",
        "t.yaml:3:10: unknown key 'brust' in limits; did you mean 'burst'? (allowed: rate, burst, "
        "hops, calls, timeout, size, share, until)\n"
        "t.yaml:4:28: unknown key 'node' in a bridge; did you mean 'nodes'? (allowed: cluster_id, "
        "nodes, limits)\n" },
    { "merge key", GIVEN "<<: {mode: open}\n",
        "t.yaml:3:1: unknown key '<<' in the sample; " ALL_KEYS },
    { "missing keys", "mode: open\n",
        "t.yaml:1:1: key 'cluster_id' is missing in the sample; give it a text\n"
        "t.yaml:1:1: key 'listen' is missing in the sample; give it a URL such as "
        "ws://127.0.0.1:9101\n" },
    { "missing inside", GIVEN "bridges:\n  - nodes: ['ws://a:1']\n",
        "t.yaml:4:5: key 'cluster_id' is missing in a bridge; give it a text\n" },
    { "not a mapping", "- a\n", "t.yaml:1:1: the file must be a mapping, not a list\n" },
    { "only a word", "hello\n", "t.yaml:1:1: the file must be a mapping, not a text\n" },
    { "everything at once",
        "cluster_id: u s\nlisten: x\nadmin: y\naccept: yes\nmode: strct\n"
        "limits: {timeout: 30, size: 4}\nzebra: 1\n",
        "t.yaml:1:13: cluster_id: 'u s' has a space; use letters, digits and '-'\n"
        "t.yaml:2:9: listen: 'x' begins with neither ws:// nor wss://; write a URL such as "
        "ws://127.0.0.1:9101\n"
        "t.yaml:3:8: admin: 'y' has no port; write an address such as 127.0.0.1:9101\n"
        "t.yaml:4:9: accept: 'yes' is neither true nor false; (allowed: true, false)\n"
        "t.yaml:5:7: mode cannot be 'strct'; did you mean 'strict'? (allowed: strict, bridging, "
        "open)\n"
        "t.yaml:6:19: limits.timeout: '30' has no unit; add a unit, such as 30s " DURATIONS
        "t.yaml:6:29: limits.size: '4' has no unit; add a unit, such as 4KiB " SIZES
        "t.yaml:7:1: unknown key 'zebra' in the sample; " ALL_KEYS },

    { "no value", "cluster_id:\nlisten: ~\nmode: null\ntags:\nlimits:\nfunction:\n",
        "t.yaml:1:12: cluster_id has no value; give it a text, or take it out\n"
        "t.yaml:2:9: listen has no value; give it a URL such as ws://127.0.0.1:9101, or take it "
        "out\n"
        "t.yaml:3:7: mode has no value; give it one word, or take it out\n"
        "t.yaml:4:6: tags has no value; give it a list, or take it out\n"
        "t.yaml:5:8: limits has no value; give it a mapping, or take it out\n"
        "t.yaml:6:10: function has no value; give it a text, or take it out\n" },
    { "empty texts", "cluster_id: ''\nlisten: ${EMPTY}\nreason: ''\ntags: ['']\n",
        "t.yaml:1:13: cluster_id must not be empty\n"
        "t.yaml:2:9: listen: '' begins with neither ws:// nor wss://; write a URL such as "
        "ws://127.0.0.1:9101\n"
        "t.yaml:4:8: tags[0] must not be empty\n" },
    { "list where a text belongs", "cluster_id: [us]\nlisten: {a: b}\naccept: []\n",
        "t.yaml:1:13: cluster_id must be a text, not a list\n"
        "t.yaml:2:9: listen must be a URL such as ws://127.0.0.1:9101, not a mapping\n"
        "t.yaml:3:9: accept must be true or false, not a list\n" },
    { "text where a list belongs", GIVEN "tags: public\nconnect: a:1\nbridges: eu\nrename: x\n",
        "t.yaml:3:7: tags must be a list, not a text; write ['public']\n"
        "t.yaml:4:10: connect must be a list, not a text; write ['a:1']\n"
        "t.yaml:5:10: bridges must be a list, not a text; write ['eu']\n"
        "t.yaml:6:9: rename must be a mapping, not a text\n" },
    { "mapping where a list belongs", GIVEN "bridges: {cluster_id: eu}\n",
        "t.yaml:3:10: bridges must be a list, not a mapping\n" },
    { "text where a mapping belongs", GIVEN "limits: x\nbridges: [eu]\n",
        "t.yaml:3:9: limits must be a mapping, not a text\n"
        "t.yaml:4:11: bridges[0] must be a mapping, not a text\n" },
    { "one or list, but a mapping", GIVEN "function: {a: b}\n",
        "t.yaml:3:11: function must be a text, not a mapping\n" },
    { "items", GIVEN "tags: [ok, a b, [], c d]\nconnect: [a:1, b, c:x]\n",
        "t.yaml:3:12: tags[1]: 'a b' has a space; use letters, digits and '-'\n"
        "t.yaml:3:17: tags[2] must be a text, not a list\n"
        "t.yaml:3:21: tags[3]: 'c d' has a space; use letters, digits and '-'\n"
        "t.yaml:4:16: connect[1]: 'b' has no port; write an address such as 127.0.0.1:9101\n"
        "t.yaml:4:19: connect[2]: 'c:x' has no valid port; a port is a number from 1 to 65535\n" },
    { "too few and too many items",
        GIVEN "bridges: [{cluster_id: a, nodes: []},\n {cluster_id: b, nodes: [x, y, z]}]\n",
        "t.yaml:3:34: bridges[0].nodes has 0 items; (allowed: 1 to 2)\n"
        "t.yaml:4:25: bridges[1].nodes has 3 items; (allowed: 1 to 2)\n" },
    { "pairs", GIVEN "rename: {gpu: [x], cpu: y, tpu: }\n",
        "t.yaml:3:15: rename.gpu must be a text, not a list\n"
        "t.yaml:3:33: rename.tpu has no value; give it a text, or take it out\n" },

    { "numbers", GIVEN "limits: {burst: 1001, hops: 65536, calls: -1}\n",
        "t.yaml:3:17: limits.burst: '1001' is out of range; (allowed: 1 to 1000)\n"
        "t.yaml:3:29: limits.hops: '65536' is out of range; (allowed: 0 to 65535)\n"
        "t.yaml:3:43: limits.calls: '-1' is not a whole number; write digits only, without a sign "
        "or a leading zero\n" },
    { "number too low", GIVEN "limits: {burst: 0, calls: 18446744073709551616}\n",
        "t.yaml:3:17: limits.burst: '0' is out of range; (allowed: 1 to 1000)\n"
        "t.yaml:3:27: limits.calls: '18446744073709551616' is too large; the most is "
        "18446744073709551615\n" },
    { "durations",
        GIVEN "limits: {timeout: 2h}\nbridges: [{cluster_id: a, limits: {timeout: 1us}}]\n",
        "t.yaml:3:19: limits.timeout: '2h' is out of range; (allowed: 1ms to 1m)\n"
        "t.yaml:4:45: bridges[0].limits.timeout: '1us' is out of range; (allowed: 1ms to 1m)\n" },
    { "duration with a wrong unit", GIVEN "limits: {timeout: 5S}\n",
        "t.yaml:3:19: limits.timeout: '5S' has an unknown unit; did you mean '5s'? " DURATIONS },
    { "size too small", GIVEN "limits: {size: 1023B}\n",
        "t.yaml:3:16: limits.size: '1023B' is out of range; (allowed: 1KiB or more)\n" },
    { "size with a wrong unit", GIVEN "limits: {size: 4k}\n",
        "t.yaml:3:16: limits.size: '4k' has an unknown unit; did you mean '4KB'? " SIZES },
    { "rates", GIVEN "limits: {rate: 500}\nbridges: [{cluster_id: a, limits: {rate: 0/s}}]\n",
        "t.yaml:3:16: limits.rate: '500' has no unit; add a unit, such as 500/s (allowed: /s, /m, "
        "/h)\n"
        "t.yaml:4:42: bridges[0].limits.rate cannot be '0/s'; leave them out\n" },
    { "a number that must not be zero", GIVEN "limits: {calls: 0, hops: 0}\n",
        "t.yaml:3:17: limits.calls cannot be '0'; leave them out\n" },
    { "percentages and times", GIVEN "limits: {share: 101%, until: 2026-02-29}\n",
        "t.yaml:3:17: limits.share: '101%' is too large; the most is 100%\n"
        "t.yaml:3:30: limits.until: '2026-02-29' has a day that is not in the calendar; (allowed: "
        "the "
        "days of the years 1970 to 2261)\n" },
    { "a time that is none", GIVEN "limits: {share: , until: [x]}\n",
        "t.yaml:3:17: limits.share has no value; give it a percentage such as 20%, or take it out\n"
        "t.yaml:3:26: limits.until must be a time such as 2026-12-01T08:00:00Z, or a date alone, "
        "not "
        "a list\n" },
    { "a key of elsewhere", GIVEN "limits: {mode: open}\n",
        "t.yaml:3:10: unknown key 'mode' in limits; it is not of the limits: write it above\n" },
    { "URLs",
        "cluster_id: us\nlisten: ws://a:1/x\nbridges: [{cluster_id: a, nodes: ['ws://*:1']}]\n",
        "t.yaml:2:9: listen: 'ws://a:1/x' says more than scheme, host and port; write a URL such "
        "as ws://127.0.0.1:9101\n"
        "t.yaml:3:35: bridges[0].nodes[0]: 'ws://*:1' has no valid host; " HOSTS },
    { "IPv6 without brackets", GIVEN "admin: ::1:9181\n",
        "t.yaml:3:8: admin: '::1:9181' looks like an IPv6 address without brackets; " HOSTS },
    { "terminal control in a key", GIVEN "? \"a\\tb\"\n: x\n",
        "t.yaml:3:3: unknown key 'a\\tb' in the sample; " ALL_KEYS },

    { "duplicate is said once", GIVEN "zebra: 1\nzebra: 2\n",
        "t.yaml:3:1: unknown key 'zebra' in the sample; " ALL_KEYS
        "t.yaml:4:1: key 'zebra' is given twice; it is already at t.yaml:3:1\n" },
    { "faulty values are said once",
        "cluster_id: ${NONE}\nlisten: *x\ntags: [*x]\nlimits: *x\n? [a]\n: b\n",
        "t.yaml:1:13: 'NONE' is not defined in the environment; define it, or write "
        "${NONE:-default}\n"
        "t.yaml:2:9: an alias (*) is not allowed; write each value out where it is used, and quote "
        "a text that begins with '*'\n"
        "t.yaml:3:8: an alias (*) is not allowed; write each value out where it is used, and quote "
        "a text that begins with '*'\n"
        "t.yaml:4:9: an alias (*) is not allowed; write each value out where it is used, and quote "
        "a text that begins with '*'\n"
        "t.yaml:5:3: a key must be a text, not a list or a mapping; put a text that begins with { "
        "or [ in quotes\n" },
};

START_TEST(every_refusal_says_what_is_allowed)
{
    const struct bad_case *c = &bad_cases[_i];
    yaml_doc_free(read_sample(c->text));
    yaml_support_expect(&errors, c->name, c->want);
}
END_TEST

START_TEST(many_faults_are_counted)
{
    char text[8192] = GIVEN;
    for (size_t size = strlen(text), i = 0; i < 150; i++) {
        size += (size_t)snprintf(&text[size], sizeof(text) - size, "key%zu: x\n", i);
    }
    yaml_doc_free(read_sample(text));
    ck_assert_uint_eq(errors.error_count, 150);
    ck_assert_uint_eq(errors.count, YAML_ERRORS_MAX);
    ck_assert_uint_eq(errors.more, 50);
}
END_TEST

/* ---- The readers of single values, as a loader without a table would call them ---- */

static struct yaml_doc *
load_list(const char *text)
{
    struct yaml_doc *doc = yaml_support_load(text, &errors);
    ck_assert_ptr_nonnull(doc);
    return doc;
}

START_TEST(single_values_are_read)
{
    struct yaml_doc *doc =
        load_list("[x, 'true', '7', \"1.5s\", 4KiB, 5/h, 'a:1', 'wss://b:2', open]");
    const struct yaml_node *root = yaml_doc_root(doc);
    struct yaml_range any = { 0, 0 };
    const char *text = NULL;
    bool boolean = false;
    uint64_t number = 0;
    uint64_t duration_ns = 0;
    uint64_t size = 0;
    struct value_rate rate = { 0 };
    struct value_address address = { .port = 0 };
    struct value_url url = { .text = NULL };
    int choice = 0;

    ck_assert(yaml_read_text(yaml_item(root, 0), &errors, &text));
    ck_assert(yaml_read_boolean(yaml_item(root, 1), &errors, &boolean));
    ck_assert(yaml_read_number(yaml_item(root, 2), any, &errors, &number));
    ck_assert(yaml_read_duration(yaml_item(root, 3), any, &errors, &duration_ns));
    ck_assert(yaml_read_size(yaml_item(root, 4), any, &errors, &size));
    ck_assert(yaml_read_rate(yaml_item(root, 5), &errors, &rate));
    ck_assert(yaml_read_address(yaml_item(root, 6), &errors, &address));
    ck_assert(yaml_read_url(yaml_item(root, 7), &errors, &url));
    ck_assert(yaml_read_choice(yaml_item(root, 8), sample_modes, &errors, &choice));
    yaml_support_expect(&errors, "single values", "");

    ck_assert_str_eq(text, "x");
    ck_assert(boolean);
    ck_assert_uint_eq(number, 7);
    ck_assert_uint_eq(duration_ns, 1500 * MS_NS);
    ck_assert_uint_eq(size, 4096);
    ck_assert_uint_eq(rate.period_ns, 3600 * SEC_NS);
    ck_assert_str_eq(address.host, "a");
    ck_assert(url.secure);
    ck_assert_int_eq(choice, SAMPLE_OPEN);
    yaml_doc_free(doc);
}
END_TEST

START_TEST(refused_single_value_is_not_touched)
{
    struct yaml_doc *doc = load_list("[[], x, 7, 7s, 7KiB]");
    const struct yaml_node *root = yaml_doc_root(doc);
    struct yaml_range range = { 8, 9 };
    const char *text = "before";
    bool boolean = true;
    uint64_t value = 4711;
    int choice = 4711;

    ck_assert(!yaml_read_text(yaml_item(root, 0), &errors, &text));
    ck_assert(!yaml_read_boolean(yaml_item(root, 1), &errors, &boolean));
    ck_assert(!yaml_read_number(yaml_item(root, 2), range, &errors, &value));
    ck_assert(!yaml_read_duration(yaml_item(root, 3), range, &errors, &value));
    ck_assert(!yaml_read_size(yaml_item(root, 4), range, &errors, &value));
    ck_assert(!yaml_read_choice(yaml_item(root, 1), sample_modes, &errors, &choice));
    ck_assert_str_eq(text, "before");
    ck_assert(boolean);
    ck_assert_uint_eq(value, 4711);
    ck_assert_int_eq(choice, 4711);
    yaml_support_expect(&errors, "single refusals",
        "t.yaml:1:2: [0] must be a text, not a list\n"
        "t.yaml:1:6: [1]: 'x' is neither true nor false; (allowed: true, false)\n"
        "t.yaml:1:6: [1] cannot be 'x'; (allowed: strict, bridging, open)\n"
        "t.yaml:1:9: [2]: '7' is out of range; (allowed: 8 to 9)\n"
        "t.yaml:1:12: [3]: '7s' is out of range; (allowed: 8ns to 9ns)\n"
        "t.yaml:1:16: [4]: '7KiB' is out of range; (allowed: 8B to 9B)\n");
    yaml_doc_free(doc);
}
END_TEST

START_TEST(loader_can_say_more_at_a_value)
{
    struct yaml_doc *doc = read_sample(GIVEN "tags: [a, b, a]\n");
    const struct yaml_node *tags = yaml_find(sample.yaml, "tags");
    yaml_errors_add(&errors, YAML_WARNING, yaml_place(yaml_item(tags, 2)),
        "tag '%s' is given twice", sample.tags[2]);
    yaml_support_expect(&errors, "more", "t.yaml:3:14: warning: tag 'a' is given twice\n");
    yaml_doc_free(doc);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("yaml_read");
    TCase *tcase = tcase_create("yaml_read");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, every_type_of_key_is_read);
    tcase_add_test(tcase, every_number_is_read);
    tcase_add_test(tcase, groups_are_read_with_what_is_in_them);
    tcase_add_test(tcase, keys_that_are_not_there_have_their_defaults);
    tcase_add_test(tcase, refused_value_leaves_the_default);
    tcase_add_test(tcase, empty_list_is_a_list);
    tcase_add_loop_test(tcase, every_refusal_says_what_is_allowed, 0, (int)COUNT_OF(bad_cases));
    tcase_add_test(tcase, many_faults_are_counted);
    tcase_add_test(tcase, single_values_are_read);
    tcase_add_test(tcase, refused_single_value_is_not_touched);
    tcase_add_test(tcase, loader_can_say_more_at_a_value);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
