/* SPDX-License-Identifier: Apache-2.0 */
/* test_ws_tls.c - wss: who is let in, who is dialed, and which files do not do. */
#include <check.h>
#include <stdlib.h>

#include <openssl/ssl.h>
#include <sys/stat.h>

#include "host/tls_peer.h"
#include "tests/support/check_failed.h"
#include "tests/support/ws_world.h"

static char folder[] = "/tmp/test_ws_tls_XXXXXX";

static const char *
in_folder(const char *name)
{
    static char paths[16][128];
    static size_t next;
    char *path = paths[next++ % COUNT_OF(paths)];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void
run(const char *command)
{
    char line[2048];
    (void)snprintf(line, sizeof(line), "cd %s && { %s; } >log 2>&1", folder, command);
    ck_assert_msg(system(line) == 0, "%s", line);
}

static void
make_authority(const char *name)
{
    char line[512];
    (void)snprintf(line, sizeof(line),
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-subj '/CN=%s' -keyout %s.key -out %s.pem",
        name, name, name);
    run(line);
}

static void
make_certificate(const char *name, const char *authority, const char *alternative_names)
{
    char line[1024];
    (void)snprintf(line, sizeof(line),
        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=%s' "
        "-keyout %s.key -out %s.csr && echo 'subjectAltName=%s' >%s.ext && "
        "openssl x509 -req -in %s.csr -CA %s.pem -CAkey %s.key -CAcreateserial -days 2 "
        "-extfile %s.ext -out %s.pem",
        name, name, name, alternative_names, name, name, authority, authority, name, name);
    run(line);
}

static void
make_files(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    make_authority("ca");
    make_authority("rogue");
    make_certificate("server", "ca", "IP:127.0.0.1,DNS:localhost,URI:spiffe://test/node/server");
    make_certificate("elsewhere", "ca", "IP:192.0.2.7,DNS:elsewhere.example");
    make_certificate("client", "ca", "DNS:client.example,URI:spiffe://test/node/client");
    make_certificate("stranger", "rogue", "IP:127.0.0.1,URI:spiffe://test/node/client");
    run("echo nonsense >nonsense.pem");
}

static void
remove_files(void)
{
    char line[128];
    (void)snprintf(line, sizeof(line), "rm -r %s", folder);
    ck_assert_int_eq(system(line), 0);
}

static struct ws_tls
make_tls(const char *name, const char *authority)
{
    char cert[64];
    char key[64];
    char ca[64];
    (void)snprintf(cert, sizeof(cert), "%s.pem", name == NULL ? "" : name);
    (void)snprintf(key, sizeof(key), "%s.key", name == NULL ? "" : name);
    (void)snprintf(ca, sizeof(ca), "%s.pem", authority);
    return (struct ws_tls){ .cert_file = name == NULL ? NULL : in_folder(cert),
        .key_file = name == NULL ? NULL : in_folder(key),
        .ca_file = in_folder(ca) };
}

static const struct admission_case {
    const char *name;
    const char *server;
    const char *client; /* NULL: without a certificate */
    const char *client_authority;
    const char *host;
    bool require_client_cert;
    bool any_host_name;
    bool opens;
    const char *peer_uri; /* what the server sees */
    const char *why;
} admission_cases[] = {
    { "both have certificates", "server", "client", "ca", "127.0.0.1", true, false, true,
        "spiffe://test/node/client", NULL },
    { "by name", "server", "client", "ca", "localhost", true, false, true,
        "spiffe://test/node/client", NULL },
    { "none required, one shown", "server", "client", "ca", "127.0.0.1", false, false, true,
        "spiffe://test/node/client", NULL },
    { "none required, none shown", "server", NULL, "ca", "127.0.0.1", false, false, true, "",
        NULL },
    { "required, none shown", "server", NULL, "ca", "127.0.0.1", true, false, false, "", NULL },
    { "of a rogue authority", "server", "stranger", "ca", "127.0.0.1", true, false, false, "",
        NULL },
    { "of a rogue authority, none required", "server", "stranger", "ca", "127.0.0.1", false, false,
        false, "", NULL },
    { "server of a rogue authority", "stranger", "client", "ca", "127.0.0.1", false, false, false,
        "", NULL },
    { "server made out to others", "elsewhere", "client", "ca", "127.0.0.1", true, false, false, "",
        "the server's certificate is not made out to '127.0.0.1'" },
    { "server made out to others, any name", "elsewhere", "client", "ca", "127.0.0.1", true, true,
        true, "spiffe://test/node/client", NULL },
    { "server of a rogue authority, any name", "stranger", "client", "ca", "127.0.0.1", false, true,
        false, "", NULL },
};

START_TEST(certificates_decide_who_comes_in)
{
    const struct admission_case *c = &admission_cases[_i];
    struct world world;
    struct end server = { .echoes = true };
    struct end client = { .echoes = false };
    struct reason reason;
    world_init(&world);
    struct ws_tls server_tls = make_tls(c->server, "ca");
    server_tls.require_client_cert = c->require_client_cert;
    struct ws_tls client_tls = make_tls(c->client, c->client_authority);
    client_tls.any_host_name = c->any_host_name;
    /* A plain listener before and a TLS one behind: neither may take the connection over. */
    struct end others = { .echoes = false };
    (void)world_listen(&world, &others, no_limits);
    struct ws_listener *listener = ws_listen(world.host,
        &(struct ws_listen_config){
            .address = "127.0.0.1", .tls = &server_tls, .events = end_events(&server) },
        &reason);
    ck_assert_msg(listener != NULL, "%s", reason.text);
    struct ws_tls other_tls = make_tls("elsewhere", "ca");
    ck_assert_ptr_nonnull(ws_listen(world.host,
        &(struct ws_listen_config){
            .address = "127.0.0.1", .tls = &other_tls, .events = end_events(&others) },
        &reason));
    struct ws_dialer *dialer = ws_dialer_open(world.host,
        &(struct ws_dialer_config){ .tls = &client_tls, .events = end_events(&client) }, &reason);
    ck_assert_msg(dialer != NULL, "%s", reason.text);

    const struct ws_dial_config config = { .host = c->host, .port = ws_listener_port(listener) };
    ck_assert_ptr_nonnull(ws_dial(dialer, &config));
    WORLD_WAIT(&world, client.opened_count + client.refused_count == 1);
    ck_assert_msg(client.opened_count == c->opens, "%s: refused: %s", c->name, client.reason);
    if (c->opens) {
        uint8_t *bytes = calloc(1, 300000);
        send_span(client.conn, span_from(bytes, 300000));
        WORLD_WAIT(&world, client.message_count == 1);
        ck_assert_uint_eq(client.last_size, 300000);
        ck_assert_str_eq(ws_conn_peer_uri(server.conn), c->peer_uri);
        free(bytes);
    } else {
        ck_assert_msg(server.opened_count == 0, "%s", c->name);
        ck_assert_msg(c->why == NULL || strstr(client.reason, c->why) != NULL, "%s: %s", c->name,
            client.reason);
    }

    world_destroy(&world);
    end_destroy(&server);
    end_destroy(&client);
    ck_assert_uint_eq(others.opened_count, 0);
}
END_TEST

#define ORDER_COUNT 20000

static void
echo_message(struct end *end, struct ws_conn *conn, struct span message)
{
    (void)end;
    ws_send(conn, &message, 1);
}

static void
check_order(struct end *end, struct ws_conn *conn, struct span message)
{
    uint32_t number;
    (void)conn;
    ck_assert_uint_ge(message.size, sizeof(number));
    memcpy(&number, message.data, sizeof(number));
    ck_assert_uint_eq(number, end->message_count - 1);
}

START_TEST(order_holds_over_tls)
{
    struct world world;
    struct end server = { .on_message = echo_message };
    struct end client = { .on_message = check_order };
    struct reason reason;
    uint8_t bytes[600] = { 0 };
    struct ws_tls tls = make_tls("server", "ca");
    tls.require_client_cert = true;
    world_init(&world);
    struct ws_listener *listener = ws_listen(world.host,
        &(struct ws_listen_config){
            .address = "127.0.0.1", .tls = &tls, .events = end_events(&server) },
        &reason);
    ck_assert_ptr_nonnull(listener);
    struct ws_dialer *dialer = ws_dialer_open(world.host,
        &(struct ws_dialer_config){ .tls = &tls, .events = end_events(&client) }, &reason);
    ck_assert_ptr_nonnull(dialer);
    (void)world_dial(dialer, ws_listener_port(listener));
    WORLD_WAIT(&world, client.opened_count == 1);

    for (uint32_t i = 0; i < ORDER_COUNT; i++) {
        memcpy(bytes, &i, sizeof(i));
        send_span(client.conn, span_from(bytes, sizeof(bytes)));
    }
    WORLD_WAIT(&world, client.message_count == ORDER_COUNT);
    ck_assert_uint_eq(client.closed_count, 0);

    world_destroy(&world);
}
END_TEST

START_TEST(closed_doors_give_their_tls_back)
{
    struct world world;
    struct end server = { .echoes = true };
    struct end client = { .echoes = false };
    struct reason reason;
    struct ws_tls tls = make_tls("server", "ca");
    world_init(&world);

    for (size_t round = 1; round <= 3; round++) {
        struct ws_listener *listener = ws_listen(world.host,
            &(struct ws_listen_config){
                .address = "127.0.0.1", .tls = &tls, .events = end_events(&server) },
            &reason);
        ck_assert_msg(listener != NULL, "%s", reason.text);
        struct ws_dialer *dialer = ws_dialer_open(world.host,
            &(struct ws_dialer_config){ .tls = &tls, .events = end_events(&client) }, &reason);
        ck_assert_msg(dialer != NULL, "%s", reason.text);
        (void)world_dial(dialer, ws_listener_port(listener));
        WORLD_WAIT(&world, client.opened_count == round);
        ws_listener_close(listener);
        ws_dialer_close(dialer);
        send_span(client.conn, SPAN("the doors are closed"));
        WORLD_WAIT(&world, client.message_count == round);
        ws_close(client.conn, WS_CODE_NORMAL, "");
        WORLD_WAIT(&world, client.closed_count == round && server.closed_count == round);
        ck_assert_uint_eq(server.code, WS_CODE_NORMAL);
        ck_assert_str_eq(server.reason, "closed by the peer");
    }

    world_destroy(&world);
    end_destroy(&server);
    end_destroy(&client);
}
END_TEST

START_TEST(renewed_files_hold_for_new_connections)
{
    struct world world;
    struct end server = { .echoes = true };
    struct end client = { .echoes = false };
    struct reason reason;
    struct ws_tls old_tls = make_tls("server", "ca");
    struct ws_tls new_tls = make_tls("stranger", "rogue");
    old_tls.require_client_cert = true;
    world_init(&world);
    struct ws_listener *listener = ws_listen(world.host,
        &(struct ws_listen_config){
            .address = "127.0.0.1", .tls = &old_tls, .events = end_events(&server) },
        &reason);
    ck_assert_ptr_nonnull(listener);
    struct ws_dialer *old_dialer = ws_dialer_open(world.host,
        &(struct ws_dialer_config){ .tls = &old_tls, .events = end_events(&client) }, &reason);
    struct ws_dialer *new_dialer = ws_dialer_open(world.host,
        &(struct ws_dialer_config){ .tls = &new_tls, .events = end_events(&client) }, &reason);
    ck_assert(old_dialer != NULL && new_dialer != NULL);
    (void)world_dial(old_dialer, ws_listener_port(listener));
    WORLD_WAIT(&world, client.opened_count == 1);

    struct ws_tls bad_tls = new_tls;
    bad_tls.key_file = old_tls.key_file;
    ck_assert(!ws_listener_renew(listener, &bad_tls, &reason));
    ck_assert_ptr_nonnull(strstr(reason.text, "key values mismatch"));
    (void)world_dial(old_dialer, ws_listener_port(listener));
    WORLD_WAIT(&world, client.opened_count == 2);
    ck_assert(ws_listener_renew(listener, &new_tls, &reason));
    (void)world_dial(old_dialer, ws_listener_port(listener));
    WORLD_WAIT(&world, client.refused_count == 1);
    (void)world_dial(new_dialer, ws_listener_port(listener));
    WORLD_WAIT(&world, client.opened_count == 3);
    ck_assert_uint_eq(client.closed_count, 0);

    world_destroy(&world);
}
END_TEST

START_TEST(tls_1_2_is_refused)
{
    struct world world;
    struct end server = { .echoes = true };
    struct reason reason;
    struct raw raw;
    struct ws_tls tls = make_tls("server", "ca");
    world_init(&world);
    struct ws_listener *listener = ws_listen(world.host,
        &(struct ws_listen_config){
            .address = "127.0.0.1", .tls = &tls, .events = end_events(&server) },
        &reason);
    ck_assert_ptr_nonnull(listener);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    SSL *ssl = SSL_new(context);
    BIO *to_server = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), to_server);
    SSL_set_connect_state(ssl);
    ck_assert_int_le(SSL_do_handshake(ssl), 0);
    char *hello;
    long size = BIO_get_mem_data(to_server, &hello);

    raw_connect(&raw, ws_listener_port(listener));
    raw_send(&raw, hello, (size_t)size);
    WORLD_WAIT(&world, raw_pump(&raw) && raw.ended);
    /* Alert (21), fatal (2), protocol version (70). */
    ck_assert_uint_ge(raw.size, 7);
    ck_assert_uint_eq(raw.bytes[0], 21);
    ck_assert_uint_eq(raw.bytes[5], 2);
    ck_assert_uint_eq(raw.bytes[6], 70);

    SSL_free(ssl);
    SSL_CTX_free(context);
    raw_close(&raw);
    world_destroy(&world);
}
END_TEST

static const struct file_case {
    const char *name;
    const char *cert;
    const char *key;
    const char *ca;
    bool requires;
    const char *listen_want; /* NULL: opens */
    const char *dial_want;
} file_cases[] = {
    { "usable", "server.pem", "server.key", "ca.pem", true, NULL, NULL },
    { "no such certificate", "none.pem", "server.key", "ca.pem", true,
        "none.pem: no certificate can be read from it: No such file or directory",
        "none.pem: no certificate can be read from it: No such file or directory" },
    { "no certificate in it", "nonsense.pem", "server.key", "ca.pem", true,
        "nonsense.pem: no certificate can be read from it: no start line",
        "nonsense.pem: no certificate can be read from it: no start line" },
    { "somebody else's key", "server.pem", "client.key", "ca.pem", true,
        "client.key: no key for the certificate can be read from it: key values mismatch",
        "client.key: no key for the certificate can be read from it: key values mismatch" },
    { "no authority in it", "server.pem", "server.key", "nonsense.pem", true,
        "nonsense.pem: no authority can be read from it",
        "nonsense.pem: no authority can be read from it" },
    { "no key", "server.pem", NULL, "ca.pem", false,
        "a listener with TLS needs cert_file and key_file", "a certificate needs its key_file" },
    { "no authority", "server.pem", "server.key", NULL, false, NULL,
        "to dial with TLS needs a ca_file" },
    { "no authority, but certificates required", "server.pem", "server.key", NULL, true,
        "to require client certificates needs a ca_file", "to dial with TLS needs a ca_file" },
};

static void
check_outcome(const char *name, bool opened, const char *want, const char *got)
{
    ck_assert_msg(opened == (want == NULL), "%s: %s", name, got);
    ck_assert_msg(
        want == NULL || strstr(got, want) != NULL, "%s: got '%s', want '%s'", name, got, want);
}

START_TEST(unusable_files_are_named)
{
    const struct file_case *c = &file_cases[_i];
    struct world world;
    struct end end = { .echoes = true };
    struct reason reason;
    world_init(&world);
    struct ws_tls tls = {
        .cert_file = in_folder(c->cert),
        .key_file = c->key == NULL ? NULL : in_folder(c->key),
        .ca_file = c->ca == NULL ? NULL : in_folder(c->ca),
        .require_client_cert = c->requires,
    };

    bool listens = ws_listen(world.host,
                       &(struct ws_listen_config){
                           .address = "127.0.0.1", .tls = &tls, .events = end_events(&end) },
                       &reason) != NULL;
    check_outcome(c->name, listens, c->listen_want, reason.text);
    bool dials =
        ws_dialer_open(world.host,
            &(struct ws_dialer_config){ .tls = &tls, .events = end_events(&end) }, &reason) != NULL;
    check_outcome(c->name, dials, c->dial_want, reason.text);

    world_destroy(&world);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ws_tls");
    TCase *tcase = tcase_create("tls");
    tcase_set_timeout(tcase, 120);
    tcase_add_unchecked_fixture(tcase, make_files, remove_files);
    tcase_add_loop_test(tcase, certificates_decide_who_comes_in, 0, (int)COUNT_OF(admission_cases));
    tcase_add_test(tcase, order_holds_over_tls);
    tcase_add_test(tcase, closed_doors_give_their_tls_back);
    tcase_add_test(tcase, renewed_files_hold_for_new_connections);
    tcase_add_test(tcase, tls_1_2_is_refused);
    tcase_add_loop_test(tcase, unusable_files_are_named, 0, (int)COUNT_OF(file_cases));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
