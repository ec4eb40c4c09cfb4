/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws_door.c - vhosts: one that all plain doors share, and one of its own for each door with TLS.
 *
 * A door outlives its owner's interest in it until the last connection through it is gone.
 */
#include "host/tls_peer.h"
#include "host/ws_internal.h"

#include <stdio.h>

/*
 * A listening vhost that does not listen: we accept ourselves, because libwebsockets does not say
 * why it cannot bind, or even that it did not.
 */
static struct lws_context_creation_info
common_info(struct ws_host *host, const char *name)
{
    return (struct lws_context_creation_info){
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = ws_protocols,
        .vhost_name = name,
        .alpn = "http/1.1",
        .retry_and_idle_policy = &host->silence,
        /* Otherwise the environment's http_proxy would be used for every dial. */
        .http_proxy_address = "none:0",
        .options = LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
    };
}

static struct tls_peer_files
files_of(const struct ws_tls *tls)
{
    return (struct tls_peer_files){
        .cert_file = tls->cert_file, .key_file = tls->key_file, .ca_file = tls->ca_file
    };
}

bool
ws_door_create_plain_vhost(struct ws_host *host)
{
    struct lws_context_creation_info info = common_info(host, ":plain");
    host->plain_vhost = lws_create_vhost(host->context, &info);
    return host->plain_vhost != NULL;
}

bool
ws_door_configure_tls(struct ws_host *host, void *context)
{
    struct ws_opening *opening = host->opening;
    CHECK(opening != NULL);
    struct tls_peer_files files = files_of(opening->tls);
    opening->door->listening_tls = context;
    return tls_peer_configure(context, &files, opening->reason);
}

/*
 * The vhost is gone, and with it the last who borrowed from the door. For a dialer that is when
 * its last connection has gone. A listener's vhost stays until the context goes: libwebsockets 4.1
 * counts a connection that it moves to another vhost as one of the old one for ever.
 */
static void
on_vhost_gone(struct lws_vhost *vhost, void *user)
{
    struct ws_door *door = user;
    (void)vhost;
    if (door->vhost == NULL) {
        /* It never opened: who tried to open the door cleans up. */
        return;
    }
    tls_peer_context_free(door->dialing_tls);
    door->on_free(door);
}

/* For a vhost that is the door's own, and lives as long. */
static struct lws_context_creation_info
own_info(struct ws_door *door)
{
    (void)snprintf(door->vhost_name, sizeof(door->vhost_name), ":%llu",
        (unsigned long long)++door->host->vhost_number);
    struct lws_context_creation_info info = common_info(door->host, door->vhost_name);
    info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.finalize = on_vhost_gone;
    info.finalize_arg = door;
    return info;
}

static void
enter(struct ws_door *door, struct lws_vhost *vhost)
{
    door->vhost = vhost;
    list_push(&door->host->doors, &door->link);
}

static bool
open_tls_listening(struct ws_door *door, const struct ws_tls *tls, struct reason *reason)
{
    struct ws_host *host = door->host;
    if (tls->cert_file == NULL || tls->key_file == NULL) {
        reason_set(reason, "a listener with TLS needs cert_file and key_file");
        return false;
    }
    if (tls->require_client_cert && tls->ca_file == NULL) {
        reason_set(reason, "to require client certificates needs a ca_file to judge them by");
        return false;
    }
    struct lws_context_creation_info info = own_info(door);
    info.options |= LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
    if (tls->ca_file != NULL) {
        /* Without "not required" this asks for a certificate and fails without one. */
        info.options |= LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT;
        info.options |= tls->require_client_cert ? 0 : LWS_SERVER_OPTION_PEER_CERT_NOT_REQUIRED;
    }
    reason_set(reason, "libwebsockets cannot open a listener with TLS");
    struct ws_opening opening = { .door = door, .tls = tls, .reason = reason };
    host->opening = &opening;
    struct lws_vhost *vhost = lws_create_vhost(host->context, &info);
    host->opening = NULL;
    if (vhost == NULL) {
        return false;
    }
    enter(door, vhost);
    return true;
}

bool
ws_door_open_listening(struct ws_door *door, const struct ws_tls *tls, struct reason *reason)
{
    if (tls != NULL) {
        return open_tls_listening(door, tls, reason);
    }
    enter(door, door->host->plain_vhost);
    return true;
}

bool
ws_door_renew_listening(struct ws_door *door, const struct ws_tls *tls, struct reason *reason)
{
    CHECK(door->listening_tls != NULL);
    struct tls_peer_files files = files_of(tls);
    return tls_peer_renew(door->listening_tls, &files, reason);
}

bool
ws_door_open_dialing(struct ws_door *door, const struct ws_tls *tls, struct reason *reason)
{
    struct ws_host *host = door->host;
    if (tls == NULL) {
        enter(door, host->plain_vhost);
        return true;
    }
    if (tls->ca_file == NULL) {
        reason_set(reason, "to dial with TLS needs a ca_file to judge the servers by");
        return false;
    }
    struct tls_peer_files files = files_of(tls);
    door->dialing_tls = tls_peer_context_create(&files, reason);
    if (door->dialing_tls == NULL) {
        return false;
    }
    struct lws_context_creation_info info = own_info(door);
    info.port = CONTEXT_PORT_NO_LISTEN;
    /* A context that libwebsockets makes would be shared by all doors with equal file names. */
    info.provided_client_ssl_ctx = door->dialing_tls;
    struct lws_vhost *vhost = lws_create_vhost(host->context, &info);
    if (vhost == NULL) {
        reason_set(reason, "libwebsockets cannot dial with TLS");
        tls_peer_context_free(door->dialing_tls);
        door->dialing_tls = NULL;
        return false;
    }
    enter(door, vhost);
    return true;
}

void
ws_door_close(struct ws_door *door)
{
    CHECK(!door->closed);
    door->closed = true;
    door->host->doors_due = true;
    ws_host_wake(door->host);
}

void
ws_door_handle_closed(struct ws_door *door)
{
    CHECK(door->handle_count > 0);
    door->handle_count--;
    door->host->doors_due = true;
    ws_host_wake(door->host);
}

void
ws_door_sweep(struct ws_host *host)
{
    LIST_EACH (link, &host->doors) {
        struct ws_door *door = CONTAINER_OF(link, struct ws_door, link);
        if (!door->closed || door->guest_count > 0 || door->handle_count > 0) {
            continue;
        }
        list_remove(&door->link);
        if (door->vhost == host->plain_vhost) {
            door->on_free(door);
        } else {
            lws_vhost_destroy(door->vhost);
        }
    }
}
