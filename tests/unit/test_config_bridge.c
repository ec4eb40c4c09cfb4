/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_config_bridge.c - bridge.yaml and its policies reach the engine, what is printed loads to the
 * same, and everything that is wrong is said at once, at its place.
 */
#include "host/config_bridge.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check_failed.h"
#include "tests/support/yaml_support.h"

static struct yaml_errors errors;
static char folder[] = "/tmp/test_config_bridge.XXXXXX";

static const struct file {
    const char *name;
    const char *text;
} files[] = {
    { "b.pem", "" },
    { "b.key", "" },
    { "ca.pem", "" },
    { "crl.pem", "" },
    { "eu.yaml", "policy: eu\nlinks: [eu]\n" },
    { "all.yaml", "policy: all\nlinks: [eu, ap]\n" },
    { "lost.yaml", "policy: lost\nlinks: [eu, app, zz]\n" },
    { "bad.yaml", "policy: bad\nlinks: []\n" },
    { "far.yaml", "policy: far\nlinks: [eu, ap]\nlink_federations: {eu: europe, ap: asia}\n" },
    { "us.yaml", "policy: us\nfederation: us\nlinks: [eu, ap]\nlink_federations: {ap: ap}\n" },
    { "theirs.yaml", "policy: p\nfederation: eu\nlinks: [eu]\nlink_federations: {eu: ap}\n" },
    { "odd.yaml",
        "policy: odd\nlinks: eu\nimport: {rules: [{id: a, action: accept}, {id: b, action: "
        "reject}]}\n" },
};

static void
path_of(char *path, size_t size, const char *name)
{
    (void)snprintf(path, size, "%s/%s", folder, name);
}

static void
set_up(void)
{
    char path[128];
    (void)strcpy(strrchr(folder, '.'), ".XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        path_of(path, sizeof(path), files[i].name);
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        (void)fputs(files[i].text, file);
        ck_assert_int_eq(fclose(file), 0);
    }
    yaml_errors_init(&errors);
}

static void
tear_down(void)
{
    char path[128];
    yaml_errors_destroy(&errors);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        path_of(path, sizeof(path), files[i].name);
        ck_assert_int_eq(unlink(path), 0);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}

static struct config_bridge *
loaded(const char *text)
{
    const struct yaml_environment environment = { .lookup = yaml_support_lookup };
    return config_bridge_load_text("b.yaml", span_from_text(text), folder, &environment, &errors);
}

static struct config_bridge *
loaded_clean(const char *text)
{
    struct config_bridge *config = loaded(text);
    yaml_support_expect(&errors, "a good file", "");
    ck_assert_ptr_nonnull(config);
    return config;
}

static char *
printed(const struct config_bridge *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    config_bridge_print(config, out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

/* ---- Good files ---- */

static const char whole[] =
    "bridge: {name: us-1, federation: us}\n"
    "cluster: {cluster_id: us, listen: 'ws://127.0.0.1:9100', seeds: 'ws://127.0.0.1:9101'}\n"
    "tls: {cert_file: b.pem, key_file: b.key, ca_file: ca.pem, crl_file: crl.pem,\n"
    "      identity: \"spiffe://prod/{federation}/*\"}\n"
    "link_listen: \"[::]:9443\"\n"
    "link_handshakes: {rate: 20/m}\n"
    "links:\n"
    "  - {name: eu, federation: europe, connect: [eu-1.example:9443, '[2001:db8::1]:9443']}\n"
    "  - {name: ap, federation: asia, accept: true, connect: ap:1, frame_max: 4MiB,\n"
    "     probes: [{function: asia.ping, args: [1, two, '\"3\"', ''], every: 5s, timeout: 500ms,\n"
    "               fail_after: 1, ok_after: 4}, {function: asia.pong}]}\n"
    "keepalive: 500ms\n"
    "dial_timeout: 3s\n"
    "retry: {base: 100ms, cap: 4s}\n"
    "damping: {links: {half_life: 2m, suppress: 5000, reuse: 500, max_suppress: 30m},\n"
    "          functions: true}\n"
    "hold_down: 7s\n"
    "advertisement_interval: 2s\n"
    "policies: far.yaml\n"
    "admin: {listen: 127.0.0.1:9180}\n"
    "memory_max: 256MiB\n";

START_TEST(every_key_reaches_the_engine)
{
    struct config_bridge *config = loaded_clean(whole);
    struct bridge_config engine;
    ck_assert(config_bridge_engine(config, 7, &engine));
    ck_assert(span_is(engine.name, "us-1"));
    ck_assert(span_is(engine.federation, "us"));
    ck_assert(span_is(engine.member.cluster_id, "us"));
    ck_assert(span_is(engine.member.seeds.items[0], "ws://127.0.0.1:9101"));
    ck_assert(span_is(engine.member.capabilities.items[1], BRIDGE_CAPABILITY));
    ck_assert_int_eq(engine.member.isolation.mode, ISOLATION_STRICT);
    ck_assert(span_is(engine.member.isolation.cluster_id, "us"));
    ck_assert_uint_eq(engine.memory_max, (size_t)256 * 1024 * 1024);
    ck_assert_uint_eq(engine.call_timeout_ns, 30 * SEC_NS);
    ck_assert_uint_eq(engine.link_count, 2);
    const struct link_session_config *eu = &engine.links[0].session;
    ck_assert(span_is(eu->name, "eu"));
    ck_assert(span_is(eu->federation, "europe"));
    ck_assert(span_is(eu->own_federation, "us"));
    ck_assert(span_is(eu->own_bridge, "us-1"));
    ck_assert_uint_eq(eu->address_count, 2);
    ck_assert(span_is(eu->addresses[0], "eu-1.example:9443"));
    ck_assert(span_is(eu->addresses[1], "[2001:db8::1]:9443"));
    ck_assert_uint_eq(eu->keepalive_ns, 500 * MS_NS);
    ck_assert_uint_eq(eu->dial_timeout_ns, 3 * SEC_NS);
    ck_assert_uint_eq(eu->retry.base_ns, 100 * MS_NS);
    ck_assert_uint_eq(eu->retry.cap_ns, 4 * SEC_NS);
    ck_assert_uint_eq(eu->retry.stable_ns, 30 * SEC_NS);
    ck_assert_uint_eq(eu->boot, 7);
    ck_assert_uint_eq(eu->frame_size_max, LINK_FRAME_SIZE_MAX);
    ck_assert_uint_eq(engine.links[1].session.frame_size_max, (size_t)4 * 1024 * 1024);
    struct runtime_link_port port;
    ck_assert(config_bridge_link_port(config, &port));
    ck_assert_uint_eq(port.peer_count, 2);
    ck_assert(span_is(port.peers[1].federation, "asia"));
    ck_assert_uint_eq(port.peers[1].frame_size_max, (size_t)4 * 1024 * 1024);
    /* Tables wait for calls and answers, and nothing else does. */
    ck_assert_uint_eq(port.patient_frames, 1u << LINK_FRAME_ANNOUNCE | 1u << LINK_FRAME_WITHDRAW);
    ck_assert_uint_eq(engine.link_damping.half_life_ns, 120 * SEC_NS);
    ck_assert_uint_eq(engine.link_damping.max_suppress_ns, 1800 * SEC_NS);
    ck_assert_uint_eq(engine.link_damping.suppress, 5000);
    ck_assert_uint_eq(engine.link_damping.reuse, 500);
    ck_assert_uint_eq(engine.function_damping.half_life_ns, 60 * SEC_NS);
    ck_assert_uint_eq(engine.function_damping.suppress, 3000);
    ck_assert_uint_eq(engine.hold_down_ns, 7 * SEC_NS);
    ck_assert_uint_eq(engine.advertisement_interval_ns, 2 * SEC_NS);
    ck_assert_ptr_nonnull(engine.links[0].policy);
    ck_assert_ptr_eq(engine.links[0].policy, engine.links[1].policy);
    ck_assert(span_is(policy_name(engine.links[0].policy), "far"));
    config_bridge_free(config);
}
END_TEST

START_TEST(probes_reach_the_engine)
{
    struct config_bridge *config = loaded_clean(whole);
    struct bridge_config engine;
    ck_assert(config_bridge_engine(config, 7, &engine));
    ck_assert_uint_eq(engine.links[0].probe_count, 0);
    ck_assert_uint_eq(engine.links[1].probe_count, 2);
    const struct probe_config *probes = engine.links[1].probes;
    ck_assert(span_is(probes[0].function, "asia.ping"));
    ck_assert(span_is(probes[0].args, "[1,\"two\",\"3\",\"\"]"));
    ck_assert_uint_eq(probes[0].every_ns, 5 * SEC_NS);
    ck_assert_uint_eq(probes[0].timeout_ns, 500 * MS_NS);
    ck_assert_uint_eq(probes[0].fail_after, 1);
    ck_assert_uint_eq(probes[0].ok_after, 4);
    ck_assert(span_is(probes[1].function, "asia.pong"));
    ck_assert(span_is(probes[1].args, "[]"));
    ck_assert_uint_eq(probes[1].every_ns, 10 * SEC_NS);
    ck_assert_uint_eq(probes[1].timeout_ns, 2 * SEC_NS);
    ck_assert_uint_eq(probes[1].fail_after, 3);
    ck_assert_uint_eq(probes[1].ok_after, 2);
    config_bridge_free(config);
}
END_TEST

/* As large as they may be, and each byte takes two as JSON. */
START_TEST(longest_arguments_of_a_probe_are_whole)
{
    static const char escape[] = "\\n";
    char text[10000];
    char args[2 * 4096 + 1];
    for (size_t i = 0; i < 4096; i++) {
        memcpy(&args[2 * i], escape, sizeof(escape));
    }
    (void)snprintf(text, sizeof(text),
        "bridge: {name: b, federation: us}\n"
        "cluster: {cluster_id: us, listen: 'ws://127.0.0.1:1'}\n"
        "tls: {cert_file: b.pem, key_file: b.key, ca_file: ca.pem}\npolicies: eu.yaml\n"
        "links: [{name: eu, federation: eu, connect: eu:1, probes: [{function: f, args: "
        "\"%s\"}]}]\n",
        args);
    struct config_bridge *config = loaded_clean(text);
    struct bridge_config engine;
    ck_assert(config_bridge_engine(config, 7, &engine));
    ck_assert_uint_eq(engine.links[0].probes[0].args.size, 2 * 4096 + 4);
    config_bridge_free(config);
}
END_TEST

START_TEST(certificates_are_described)
{
    struct config_bridge *config = loaded_clean(whole);
    struct tls_settings settings = config_bridge_tls_settings(config);
    char path[128];
    path_of(path, sizeof(path), "crl.pem");
    ck_assert_str_eq(settings.crl_file, path);
    ck_assert_str_eq(settings.identity, "spiffe://prod/{federation}/*");
    ck_assert_str_eq(settings.federation, "us");
    ck_assert_str_eq(config->link_listen.host, "::");
    ck_assert_uint_eq(config->link_handshakes.rate.count, 20);
    ck_assert_uint_eq(config->link_handshakes.rate.period_ns, 60 * SEC_NS);
    ck_assert_uint_eq(config->link_handshakes.burst, 200);
    config_bridge_free(config);
}
END_TEST

START_TEST(what_is_printed_loads_to_the_same)
{
    struct config_bridge *config = loaded_clean(whole);
    char *first = printed(config);
    config_bridge_free(config);
    config = loaded_clean(first);
    char *second = printed(config);
    ck_assert_msg(strcmp(first, second) == 0, "got\n%s\nwant\n%s", second, first);
    config_bridge_free(config);
    free(first);
    free(second);
}
END_TEST

START_TEST(a_bridge_without_links_is_good)
{
    struct config_bridge *config =
        loaded("bridge: {name: b, federation: us}\n"
               "cluster: {cluster_id: us, listen: 'ws://127.0.0.1:1'}\nlinks: []\n");
    struct bridge_config engine;
    yaml_support_expect(&errors, "no links",
        "b.yaml:3:1: warning: there is no link: the bridge has nobody to talk to\n");
    ck_assert_ptr_nonnull(config);
    ck_assert(config_bridge_engine(config, 1, &engine));
    ck_assert_uint_eq(engine.link_count, 0);
    config_bridge_free(config);
}
END_TEST

START_TEST(links_are_damped_and_functions_not_unless_the_file_says_otherwise)
{
    static const char file[] = "bridge: {name: b, federation: us}\n"
                               "cluster: {cluster_id: us, listen: 'ws://127.0.0.1:1'}\n";
    char text[512];
    struct bridge_config engine;
    struct config_bridge *config = loaded(file);
    ck_assert_ptr_nonnull(config);
    ck_assert(config_bridge_engine(config, 1, &engine));
    ck_assert(damping_is_on(&engine.link_damping));
    ck_assert(!damping_is_on(&engine.function_damping));
    ck_assert_uint_eq(engine.hold_down_ns, 0);
    ck_assert_uint_eq(engine.advertisement_interval_ns, 0);
    config_bridge_free(config);
    (void)snprintf(
        text, sizeof(text), "%sdamping: {links: false, functions: {enabled: true}}\n", file);
    config = loaded(text);
    ck_assert_ptr_nonnull(config);
    ck_assert(config_bridge_engine(config, 1, &engine));
    ck_assert(!damping_is_on(&engine.link_damping));
    ck_assert(damping_is_on(&engine.function_damping));
    config_bridge_free(config);
}
END_TEST

/* ---- Wrong files ---- */

#define HEAD                                                                                       \
    "bridge: {name: us-1, federation: us}\n"                                                       \
    "cluster: {cluster_id: us, listen: 'ws://127.0.0.1:1'}\n"
#define TLS  "tls: {cert_file: b.pem, key_file: b.key, ca_file: ca.pem}\n"
#define LINK "links: [{name: eu, federation: eu, connect: eu:1}]\n"
#define BOTH                                                                                       \
    "links: [{name: eu, federation: eu, connect: eu:1}, {name: ap, federation: ap, connect: "      \
    "ap:1}]\n"

static const struct wrong {
    const char *name;
    const char *text;
    const char *want; /* %s is the folder */
} wrong[] = {
    { "empty", "{}",
        "b.yaml:1:1: key 'bridge' is missing in this file; give it a mapping\n"
        "b.yaml:1:1: key 'cluster' is missing in this file; give it a mapping\n"
        "b.yaml:1:1: warning: there is no link: the bridge has nobody to talk to\n" },
    { "links without certificates", HEAD LINK "policies: eu.yaml\n",
        "b.yaml:3:1: links need certificates; add tls with cert_file, key_file and ca_file\n" },
    { "reuse above suppress", HEAD TLS LINK "policies: eu.yaml\ndamping: {links: {reuse: 3000}}\n",
        "b.yaml:6:26: damping.links: reuse (3000) is not below suppress (3000); what is suppressed "
        "is in use again from reuse down\n" },
    { "suppress above the ceiling",
        HEAD TLS LINK "policies: eu.yaml\ndamping: {links: {half_life: 10m}}\n",
        "b.yaml:6:18: damping.links: nothing could be suppressed, since no penalty grows above "
        "1414; that is what falls to reuse within max_suppress; make max_suppress longer, "
        "half_life "
        "shorter, or suppress lower\n" },
    { "reuse above the default of suppress",
        HEAD TLS LINK "policies: eu.yaml\ndamping: {functions: {enabled: true, reuse: 4000}}\n",
        "b.yaml:6:45: damping.functions: reuse (4000) is not below suppress (3000); what is "
        "suppressed is in use again from reuse down\n" },
    { "a link to oneself", HEAD TLS "links: [{name: x, federation: us, connect: a:1}]\n",
        "b.yaml:4:9: warning: link 'x' has no policy: nothing passes; name a file in policies that "
        "says links: [x]\n"
        "b.yaml:4:31: links[0].federation: 'us' is the bridge's own federation; a link leads to "
        "another one; bridges side by side need none\n" },
    { "a link nobody dials", HEAD TLS "links: [{name: eu, federation: eu}]\npolicies: eu.yaml\n",
        "b.yaml:4:9: links[0] says neither connect nor accept; write connect: [host:port] to dial "
        "the far bridge, or accept: true to be dialed by it\n" },
    { "a link that accepts without a port",
        HEAD TLS "links: [{name: eu, federation: eu, accept: true}]\npolicies: eu.yaml\n",
        "b.yaml:4:44: links[0].accept: nobody can dial this bridge without link_listen; add "
        "link_listen: 0.0.0.0:9443\n" },
    { "listening on a name, for nobody",
        HEAD TLS LINK "policies: eu.yaml\nlink_listen: localhost:9443\n",
        "b.yaml:6:14: link_listen: 'localhost' is not an IP address; write 0.0.0.0:9443\n"
        "b.yaml:6:14: warning: link_listen: no link has accept: true\n" },
    { "a name and a federation twice",
        HEAD TLS "links: [{name: eu, federation: eu, connect: a:1}, {name: eu, federation: ap, "
                 "connect: a:1},\n  {name: af, federation: ap, connect: a:1}]\n"
                 "policies: [eu.yaml]\n",
        "b.yaml:4:51: warning: link 'eu' has no policy: nothing passes; name a file in policies "
        "that says links: [eu]\n"
        "b.yaml:4:58: link 'eu' is here twice; the first is in line 4, column 16\n"
        "b.yaml:5:3: warning: link 'af' has no policy: nothing passes; name a file in policies "
        "that says links: [af]\n"
        "b.yaml:5:26: federation 'ap' has a link already, in line 4, column 74, to the same bridge "
        "or to any; give each of them the name of another far bridge, as bridge: ap-1 and bridge: "
        "ap-2, or one link all "
        "addresses: connect: [host:port, host:port]\n" },
    { "names that are no labels",
        "bridge: {name: 'us 1', federation: u/s}\n"
        "cluster: {cluster_id: us, listen: 'ws://127.0.0.1:1'}\n" TLS
        "links: [{name: 'e u', federation: eu, connect: eu:1}]\n",
        "b.yaml:1:16: bridge.name: 'us 1' has other characters in it than letters, digits, '-', "
        "'_' and '.'\n"
        "b.yaml:1:36: bridge.federation: 'u/s' has characters in it that a certificate's URI "
        "cannot "
        "name it by\n"
        "b.yaml:4:16: links[0].name: 'e u' has other characters in it than letters, digits, '-', "
        "'_' and '.'\n" },
    { "an identity that names nobody",
        HEAD
        "tls: {cert_file: b.pem, key_file: b.key, ca_file: ca.pem, identity: 'spiffe://x'}\n" LINK
        "policies: eu.yaml\n",
        "b.yaml:3:69: tls.identity: 'spiffe://x' must have {federation} exactly once\n" },
    { "files that are not there",
        HEAD "tls: {cert_file: b.pem, key_file: /nowhere/b.key, ca_file: lost.pem}\n" LINK
             "policies: [nowhere.yaml]\n",
        "%s/nowhere.yaml: the file cannot be read: No such file or directory\n"
        "b.yaml:3:35: tls.key_file: cannot read '/nowhere/b.key': No such file or directory\n"
        "b.yaml:3:60: tls.ca_file: cannot read '%s/lost.pem': No such file or directory\n" },
    { "a policy with errors", HEAD TLS LINK "policies: [bad.yaml]\n",
        "%s/bad.yaml:2:8: links has 0 items; (allowed: 1 to 256)\n" },
    { "a policy for links that are not there", HEAD TLS BOTH "policies: [lost.yaml, all.yaml]\n",
        "%s/all.yaml:2:9: link 'eu' has a policy already, by %s/lost.yaml:2:9; a link has one "
        "policy; put the rules into one file\n"
        "%s/lost.yaml:2:13: b.yaml has no link 'app'; did you mean 'ap'?\n"
        "%s/lost.yaml:2:18: b.yaml has no link 'zz'\n" },
    { "a policy twice", HEAD TLS LINK "policies: [eu.yaml, eu.yaml]\n",
        "%s/eu.yaml:2:9: link 'eu' has a policy already, by %s/eu.yaml:2:9; a link has one policy; "
        "put the rules into one file\n"
        "b.yaml:5:21: policies: 'eu.yaml' is named twice; the first is in line 5, column 12\n" },
    { "a policy of another federation, for a link that leads elsewhere",
        HEAD TLS LINK "policies: theirs.yaml\n",
        "%s/theirs.yaml:2:13: this is a policy of federation 'eu', but b.yaml is a bridge of 'us'; "
        "take a policy of 'us'\n"
        "%s/theirs.yaml:4:24: this policy has link 'eu' lead to 'ap', but in b.yaml it leads to "
        "'eu'; one of the two is not what was meant\n" },
    { "too slow, too fast", HEAD TLS LINK "policies: eu.yaml\nkeepalive: 1h\ndial_timeout: 1ms\n",
        "b.yaml:6:12: keepalive: '1h' is out of range; (allowed: 100ms to 1m)\n"
        "b.yaml:7:15: dial_timeout: '1ms' is out of range; (allowed: 100ms to 1m)\n" },
    { "a door that is shut",
        HEAD TLS LINK "policies: eu.yaml\nlink_handshakes: {rate: 0/s, burst: 0}\n",
        "b.yaml:6:25: link_handshakes.rate cannot be '0/s'; to let nobody dial, leave link_listen "
        "out\n"
        "b.yaml:6:37: link_handshakes.burst cannot be '0'; to let nobody dial, leave link_listen "
        "out\n" },
    { "a base beyond the cap", HEAD TLS LINK "policies: eu.yaml\nretry: {base: 20s}\n",
        "b.yaml:6:15: retry: base (20000 ms) is longer than cap (10000 ms); pauses between dials "
        "grow from base to cap\n" },
    { "a cap below the base", HEAD TLS LINK "policies: eu.yaml\nretry: {base: 2s, cap: 1s}\n",
        "b.yaml:6:24: retry: base (2000 ms) is longer than cap (1000 ms); pauses between dials "
        "grow from base to cap\n" },
    { "probes that overlap, and come twice",
        HEAD TLS "links: [{name: eu, federation: eu, connect: eu:1, probes: [\n"
                 "  {function: f, every: 1s}, {function: f, timeout: 11s}, {every: 1ms}]}]\n"
                 "policies: eu.yaml\n",
        "b.yaml:5:24: links[0].probes[0]: timeout (2000 ms) is longer than every (1000 ms); one "
        "call is over before the next one begins\n"
        "b.yaml:5:40: links[0].probes[1]: 'f' has a probe on this link already, in line 5, column "
        "14\n"
        "b.yaml:5:52: links[0].probes[1]: timeout (11000 ms) is longer than every (10000 ms); one "
        "call is over before the next one begins\n"
        "b.yaml:5:58: key 'function' is missing in this probe; give it a text\n"
        "b.yaml:5:66: links[0].probes[2].every: '1ms' is out of range; (allowed: 100ms to 1h)\n" },
    { "pauses of nothing and of days",
        HEAD TLS LINK "policies: eu.yaml\nretry: {base: 1ms, cap: 2d, stable: 1d, max: 1s}\n",
        "b.yaml:6:15: retry.base: '1ms' is out of range; (allowed: 10ms to 1h)\n"
        "b.yaml:6:25: retry.cap: '2d' is out of range; (allowed: 10ms to 1h)\n"
        "b.yaml:6:37: retry.stable: '1d' is out of range; (allowed: 0s to 1h)\n"
        "b.yaml:6:41: unknown key 'max' in retry; (allowed: base, cap, stable)\n" },
    { "an address without a port",
        HEAD TLS
        "links: [{name: eu, federation: eu, connect: [eu-1, '::1:9']}]\npolicies: eu.yaml\n",
        "b.yaml:4:46: links[0].connect[0]: 'eu-1' has no port; write an address such as "
        "127.0.0.1:9101\n"
        "b.yaml:4:52: links[0].connect[1]: '::1:9' looks like an IPv6 address without brackets; a "
        "host is a name, "
        "an IPv4 address, or an IPv6 address in brackets: [::1]:9101\n" },
};

/* `text` with the folder in it, to be freed. */
static char *
with_folder(const char *text)
{
    char *expanded = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&expanded, &size);
    for (const char *at = text; *at != '\0'; at++) {
        if (strncmp(at, "%s", 2) == 0) {
            (void)fputs(folder, out);
            at++;
        } else {
            (void)fputc(*at, out);
        }
    }
    ck_assert_int_eq(fclose(out), 0);
    return expanded;
}

START_TEST(wrong_files_are_explained)
{
    struct config_bridge *config = loaded(wrong[_i].text);
    char *want = with_folder(wrong[_i].want);
    ck_assert_msg(config == NULL, "%s", wrong[_i].name);
    yaml_support_expect(&errors, wrong[_i].name, want);
    free(want);
}
END_TEST

static const struct wrong warned[] = {
    { "a link without a policy", HEAD TLS BOTH "policies: eu.yaml\n",
        "b.yaml:4:52: warning: link 'ap' has no policy: nothing passes; name a file in policies "
        "that says links: [ap]\n" },
    { "a policy of ours", HEAD TLS BOTH "policies: us.yaml\n", "" },
    { "a link whose federation the policy does not say",
        HEAD TLS "links: [{name: eu, federation: eu-west, connect: [eu-1:9443]}]\npolicies: "
                 "eu.yaml\n",
        "%s/eu.yaml:2:9: warning: link 'eu' leads to federation 'eu-west', which this policy does "
        "not "
        "say; add link_federations: {eu: eu-west}\n" },
    { "warnings of a policy", HEAD TLS LINK "policies: odd.yaml\n",
        "%s/odd.yaml:3:43: warning: this rule can never match: the rule in line 3 matches "
        "everything\n" },
};

START_TEST(odd_files_are_warned_of)
{
    struct config_bridge *config = loaded(warned[_i].text);
    char *want = with_folder(warned[_i].want);
    yaml_support_expect(&errors, warned[_i].name, want);
    ck_assert_msg(config != NULL, "%s", warned[_i].name);
    config_bridge_free(config);
    free(want);
}
END_TEST

START_TEST(a_link_without_a_policy_passes_nothing)
{
    struct config_bridge *config = loaded(HEAD TLS BOTH "policies: eu.yaml\n");
    struct bridge_config engine;
    ck_assert_ptr_nonnull(config);
    ck_assert(config_bridge_engine(config, 1, &engine));
    ck_assert_ptr_nonnull(engine.links[0].policy);
    ck_assert_ptr_null(engine.links[1].policy);
    config_bridge_free(config);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
    char path[128];
    const struct yaml_environment environment = { .lookup = NULL };
    path_of(path, sizeof(path), "none.yaml");
    ck_assert_ptr_null(config_bridge_load_file(path, &environment, &errors));
    ck_assert_uint_eq(errors.error_count, 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("config_bridge");
    TCase *tests = tcase_create("config_bridge");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, every_key_reaches_the_engine);
    tcase_add_test(tests, probes_reach_the_engine);
    tcase_add_test(tests, longest_arguments_of_a_probe_are_whole);
    tcase_add_test(tests, certificates_are_described);
    tcase_add_test(tests, what_is_printed_loads_to_the_same);
    tcase_add_test(tests, a_bridge_without_links_is_good);
    tcase_add_test(tests, links_are_damped_and_functions_not_unless_the_file_says_otherwise);
    tcase_add_loop_test(tests, wrong_files_are_explained, 0, (int)COUNT_OF(wrong));
    tcase_add_loop_test(tests, odd_files_are_warned_of, 0, (int)COUNT_OF(warned));
    tcase_add_test(tests, a_link_without_a_policy_passes_nothing);
    tcase_add_test(tests, a_file_that_is_not_there_is_named);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
